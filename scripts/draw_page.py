#!/usr/bin/env python3
"""A picture of a review page as a browser shows it, for the README.

usage: scripts/draw_page.py PAGE PICTURE [--question N] [--width PIXELS]
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scripts.browser import chromium


def main() -> None:
    """Read the command line and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, help="written by nianbao review page")
    parser.add_argument("picture", type=Path, help="PNG to write")
    parser.add_argument("--question", type=int, default=1, metavar="N", help="which question is shown (1)")
    parser.add_argument("--width", type=int, default=1000, metavar="PIXELS", help="of the picture (1000)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder), arguments.width) as driver:
        driver.get(arguments.page.resolve().as_uri())
        for _ in range(arguments.question - 1):
            driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
        driver.set_window_size(arguments.width, driver.execute_script("return document.body.scrollHeight") + 150)
        shown = driver.find_element(By.TAG_NAME, "body").screenshot_as_png
    # So many colours do for text and outlines, at a fraction of the bytes.
    Image.open(io.BytesIO(shown), formats=("PNG",)).convert("RGB").quantize(64).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    main()
