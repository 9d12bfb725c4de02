"""Chromium without a window, as the tests of the review page and its picture use it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
PACKAGES = "chromium chromium-driver"


@contextmanager
def chromium(downloads: Path, width: int = 1280, height: int = 1000) -> Iterator[webdriver.Chrome]:
    """The browser, speaking English; it has come to its end afterwards.

    Args:
        downloads: folder that files are saved to.
        width, height: of the window, in pixels.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for argument in ("--headless=new", "--disable-gpu", f"--window-size={width},{height}", "--lang=en-GB"):
        options.add_argument(argument)
    if os.geteuid() == 0:  # it refuses to keep itself in a sandbox for root
        options.add_argument("--no-sandbox")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Both paths are named, so that selenium looks for nothing in the network.
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()
