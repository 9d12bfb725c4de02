"""``python -m pipeline`` is the command ``nianbao``."""

from pipeline.commands import main

if __name__ == "__main__":
    main()
