#!/usr/bin/env python3
"""Draw the cells of an output folder on the page they were read from: green accepted, orange for review.

usage: scripts/draw_cells.py OUT SCAN PICTURE [--page N] [--width PIXELS]
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pipeline.documents import read_pages
from pipeline.domain import PageImage
from pipeline.settings import Settings

COLOURS = {"accepted": (0, 140, 60), "reconciled": (0, 90, 200), "corrected": (0, 90, 200), "review": (230, 120, 0)}


def main() -> None:
    """Read the command line and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder written by nianbao extract")
    parser.add_argument("scan", type=Path, help="the file that was read")
    parser.add_argument("picture", type=Path, help="PNG to write")
    parser.add_argument("--page", type=int, default=1, help="page of the file, from 1")
    parser.add_argument("--width", type=int, default=1600, help="width of the picture in pixels")
    arguments = parser.parse_args()
    pages = read_pages(arguments.scan.read_bytes(), Settings())
    page = next(p for p in pages if isinstance(p, PageImage) and p.number == arguments.page)
    with (arguments.out / "cells.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["source"] == arguments.scan.name and row["page"] == str(page.number)
        ]
    draw(page, rows, arguments.width).save(arguments.picture)


def draw(page: PageImage, rows: list[dict[str, str]], width: int) -> Image.Image:
    """The page ``width`` pixels wide with a frame around each cell and its reading at the right edge of the frame."""
    scan = Image.fromarray(page.pixels).convert("RGB")
    scale = width / scan.width
    picture = scan.resize((width, round(scan.height * scale)))
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(9, round(width / 120)))
    for row in rows:
        x0, y0, x1, y1 = (float(row[name]) * scale for name in ("x0", "y0", "x1", "y1"))
        colour = COLOURS[row["status"]]
        pen.rectangle((x0, y0, x1, y1), outline=colour, width=2)
        pen.text((x1 - 3, y0 + 1), row["value"] or row["mark"], fill=colour, font=font, anchor="ra")
    return picture


if __name__ == "__main__":
    main()
