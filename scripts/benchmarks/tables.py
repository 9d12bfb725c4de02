"""Tables of an output folder, to be compared with those of another run."""

from __future__ import annotations

import csv
from pathlib import Path

from pipeline.spreadsheet import read


def without_times(out: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of every table by its name, without what differs between runs: the seconds that reading took."""
    found = {}
    for path in sorted(out.glob("*.csv")):
        with path.open(newline="", encoding="utf-8-sig") as file:
            columns = next(csv.reader(file))
        found[path.name] = [dict(row) for row in read(path, [name for name in columns if name != "seconds"])]
    return found
