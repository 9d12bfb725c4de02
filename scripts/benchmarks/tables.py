"""Tables of an output folder, to be compared with those of another run."""

from __future__ import annotations

from pathlib import Path

from pipeline.spreadsheet import read


def without_times(out: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of every table by its name, without what differs between runs: the seconds that reading took."""
    return {
        path.name: [{name: text for name, text in row.items() if name != "seconds"} for row in read(path, ())]
        for path in sorted(out.glob("*.csv"))
    }
