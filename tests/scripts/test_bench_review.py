"""The simulated reviewer answers what is printed."""

from __future__ import annotations

import csv
from pathlib import Path

from pipeline.spreadsheet import read
from scripts.benchmarks.review import draw, simulate
from tests.printed_documents import content, extracted

# Read as 3, printed as 8.
FIGURES = {f"requests/{row}/natural_person": "3?8" for row in ("received", "carried_in", "granted", "carried_out")}


def test_answering_from_the_truth_leaves_nothing_wrong(tmp_path: Path) -> None:
    out = extracted(tmp_path, content(FIGURES))
    truth = tmp_path / "truth.csv"
    with truth.open("w", newline="", encoding="utf-8") as file:
        rows = list(read(out / "cells.csv", ["source"]))
        writer = csv.writer(file)
        names = ("source", "report", "form_id", "table_id", "row_id", "column_id", "page", "x0", "y0", "x1", "y1")
        writer.writerow((*names, "value", "printed", "blank", "level"))
        for row in rows:
            printed = "8" if f"{row['table_id']}/{row['row_id']}/{row['column_id']}" in FIGURES else "0"
            writer.writerow((*(row[name] for name in names), printed, printed, "0", "3"))
    start, every = steps = list(simulate(truth, out, orders=0, budgets=(1000,)))
    assert (start.items, start.correct) == (0, start.cells - len(FIGURES))
    assert every.items < 100  # no more than there are
    assert (every.correct, every.silent, every.refused) == (every.cells, 0, 0)
    assert draw(steps).getbbox() is not None
