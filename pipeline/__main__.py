"""``python -m pipeline`` is the command ``nianbao``."""


def main() -> None:
    """Run the command; the processes that it starts import this module too, and do without the command line."""
    from pipeline.commands import main as command

    command()


if __name__ == "__main__":
    main()
