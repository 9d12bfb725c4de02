#!/usr/bin/env python3
"""Make training_data/readings.csv: readings of generated scans whose text is known, as the calibration sees them.

    scripts/make_readings.py [--reports 170] [--seed 3001]

All of some fonts and of some kinds of damage is held out for the test.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline import assemble, keeping, reading
from pipeline.documents import read_pages
from pipeline.domain import Mark, PageImage, TableReading
from pipeline.forms import load_forms
from pipeline.labels.classifier import LabelClassifier
from pipeline.ocr import calibration, load_engine
from pipeline.ocr.calibration_training import COLUMNS
from pipeline.ocr.numerals import NumeralReader
from pipeline.settings import Settings
from pipeline.values import parse_value
from scripts.scans import cli

_HELD_OUT = ("wenkai", "microhei", "fax", "photo", "shaded", "watermark")
_PLACED = 0.97
_KEY = ("form_id", "table_id", "row_id", "column_id")
Truth = dict[tuple[str, ...], dict[str, str]]


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--reports", type=int, default=170)
    parser.add_argument("--seed", type=int, default=3001)
    parser.add_argument("--scans", type=Path, help="a folder that make_scans.py has made; made anew when left out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.scans or Path(scratch)
        if options.scans is None:
            cli.main([str(folder), "--reports", str(options.reports), "--seed", str(options.seed), "--volumes", "0"])
        with get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
            lines = [line for part in pool.imap(_lines, sorted(_truth(folder).items())) for line in part]
    target = Path(__file__).resolve().parent.parent / "training_data" / "readings.csv"
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(lines)
    print(f"{len(lines)} readings in {target}")


def _truth(folder: Path) -> dict[Path, Truth]:
    found: dict[Path, Truth] = {}
    with (folder / "truth.csv").open(encoding="utf-8-sig", newline="") as stream:
        for line in csv.DictReader(stream):
            found.setdefault(folder / line["source"], {})[tuple(line[name] for name in _KEY)] = line
    return found


def _lines(job: tuple[Path, Truth]) -> list[list[str]]:
    """The readings of one file that the model is about, in surely placed cells."""
    path, truth = job
    readers = reading.Readers(load_engine(calibration.ENGINE), NumeralReader.load())
    decoded = read_pages(path.read_bytes(), Settings())
    read = (reading.read_page(page, readers) for page in decoded if isinstance(page, PageImage))
    pages = [keeping.without_pictures(page) for page in read]
    tables = [item for page in pages for item in page.items if isinstance(item, TableReading)]
    lines: list[list[str]] = []
    for report in assemble.map_reports(pages, load_forms(), LabelClassifier.load()):
        for key, place in report.placements.items():
            line = truth.get((report.form.id, key.table_id, key.row_id, key.column_id))
            if line is not None and min(place.row_probability, place.column_probability) >= _PLACED:
                table = tables[place.table]
                lines.extend(_line(table, place.cell, line))
    return lines


def _line(table: TableReading, cell: int, truth: dict[str, str]) -> Iterator[list[str]]:
    read = table.readings[cell]
    value, printed = parse_value(read.text), parse_value(truth["printed"])
    if not calibration.applies_to(read) or (value.mark is Mark.TEXT and value.note):
        return  # what is neither figure nor mark is never accepted, whatever its probability
    right = (value.mark, value.number) == (printed.mark, printed.number)
    numbers = [f"{number:.4f}" for number in calibration.features(read, table.grid.cells[cell].quality)]
    split = "test" if any(name in f"{truth['font']} {truth['damage']}" for name in _HELD_OUT) else "train"
    yield [*numbers, str(int(right)), truth["damage"], truth["font"], split]


if __name__ == "__main__":
    main()
