#!/usr/bin/env python3
"""Print annual reports, damage them as scanners, faxes and cameras do, and write the truth per cell."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from scripts.scans.cli import main

    sys.exit(main())
