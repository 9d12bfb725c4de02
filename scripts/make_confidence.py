#!/usr/bin/env python3
"""Make training_data/cells.csv.gz: what speaks against cells of generated scans, and whether they are right.

    scripts/make_confidence.py [--jobs 2] [--keep FOLDER]

Takes two hours on one core. What was read is kept in the folder, and a run that was broken off goes on from there; so
does one after a change of what speaks against a cell. After a change of the reading the folder has to go. All of a
typeface and of some kinds of damage is held out for the test.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline import extract, records
from pipeline.confidence.evidence import against_place, against_reading
from pipeline.confidence.training import COLUMNS
from pipeline.domain import BoundingBox, CellKey, DocumentReading, Mark, TableReading
from pipeline.settings import Settings
from pipeline.values import parse_value
from scripts.scans import cli

TARGET = Path(__file__).resolve().parent.parent / "training_data" / "cells.csv.gz"
_TEST = ("microhei", "photo", "watermark")
_DIGITS = "times,arial,narrow,mono,dejavu,dejavu-serif"
_FITTED = f"noto-serif,noto-sans,uming,ukai,songti,kaiti,zenhei,{_DIGITS}"
_HARD = (
    "redseal,greyseal,blueseal,showthrough,jpeg30,curl,threshold,faded,lowres,quarter,broken,dotted,noborder,norules,"
    "hairline,narrow,cutrows,spread,traditional,skew15"
)


@dataclass(frozen=True, slots=True)
class _Pool:
    """Reports made alike; empty ``fonts`` are all, empty ``kinds`` a natural mixture."""

    seed: int
    reports: int
    fonts: str = ""
    kinds: str = ""
    levels: str = "0,1,2,3"
    volumes: float = 0.0
    inconsistent: float = 0.15


_POOLS = (
    _Pool(55001, 36, _FITTED),
    _Pool(55002, 32, _FITTED, _HARD, "1,2,0,3"),
    _Pool(55003, 28, f"wenkai,microhei,{_DIGITS}"),
    _Pool(55004, 20, kinds="fax,photo,shaded,watermark,coarsefax"),
)
# So often with other seeds.
_ROUNDS = 3
_STEP = 10
# As make_scans.py draws them when it is asked for nothing.
_MIXED = tuple(_Pool(seed, 200, volumes=0.04, inconsistent=0.1) for seed in (20261130, 20261131))
Truth = Sequence[Mapping[str, str]]


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--keep", type=Path, help="folder for scans and what was read in them (a temporary one)")
    options = parser.parse_args()
    drawn = [replace(each, seed=each.seed + turn * _STEP) for turn in range(_ROUNDS) for each in _POOLS]
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as scratch, get_context("spawn").Pool(options.jobs) as pool:
        for each in (*drawn, *_MIXED):
            folder = (options.keep or Path(scratch)) / str(each.seed)
            if not (folder / "truth.csv").exists():
                _print(each, folder)
            jobs = [(path, truth, each.seed) for path, truth in sorted(_truth(folder).items())]
            lines += [line for part in pool.imap(_read, jobs) for line in part]
            print(f"{folder.name}: {len(lines)} cells so far", file=sys.stderr, flush=True)
    write(lines)
    print(f"{len(lines)} cells in {TARGET}")


def _print(pool: _Pool, folder: Path) -> None:
    wanted = [f"--{name}={text}" for name, text in (("fonts", pool.fonts), ("kinds", pool.kinds)) if text]
    drawn = [f"--volumes={pool.volumes}", f"--inconsistent={pool.inconsistent}", f"--levels={pool.levels}", "--jobs=1"]
    cli.main([str(folder), f"--reports={pool.reports}", f"--seed={pool.seed}", *drawn, *wanted])


def write(lines: Sequence[Sequence[str]]) -> None:
    """Write the table; the same lines give the same bytes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)
    TARGET.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))


def cells_of(document: DocumentReading, truth: Truth, name: str) -> Iterator[list[str]]:
    """The lines of one document; cells that hold neither figure nor mark are left out, as they are never accepted."""
    tables = [item for page in document.pages for item in page.items if isinstance(item, TableReading)]
    printed = {(line["form_id"], _key(line)): line for line in truth}
    font, damage = truth[0]["font"], truth[0]["damage"]
    split = "test" if any(each in f"{font} {damage}" for each in _TEST) else "train"
    for report, evidence in extract.weigh_document(document):
        boxes = {key: tables[place.table].places[place.cell] for key, place in report.placements.items()}
        pages = {key: tables[place.table].grid.page for key, place in report.placements.items()}
        lines = {key: line for key in boxes if (line := printed.get((report.form.id, key))) is not None}
        across, down = _stretch([(boxes[key], _box(line)) for key, line in lines.items()])
        rows = Counter((key.table_id, key.row_id) for key in evidence)
        for key, known in evidence.items():
            value = parse_value(known.reading.text)
            if value.mark is Mark.TEXT and value.note:
                continue
            placed = right = False
            if key in lines:
                true, box = _box(lines[key]), boxes[key]
                x, y = (box.x0 + box.x1) / 2 / across, (box.y0 + box.y1) / 2 / down
                inside = true.x0 - 3 <= x <= true.x1 + 3 and true.y0 - 3 <= y <= true.y1 + 3
                placed = inside and pages[key] == int(lines[key]["page"])
                meant = parse_value(lines[key]["printed"])
                right = (value.mark, value.number) == (meant.mark, meant.number)
            numbers = (*against_reading(known), *against_place(known), 1 / rows[key.table_id, key.row_id])
            yield [
                *(f"{round(number, 4):g}" for number in numbers),
                *(str(int(placed)), str(int(right)), name, damage, font, split),
            ]


def _truth(folder: Path) -> dict[Path, Truth]:
    """The printed cells of each file that holds one report."""
    found: dict[Path, list[Mapping[str, str]]] = {}
    with (folder / "truth.csv").open(encoding="utf-8-sig", newline="") as stream:
        for line in csv.DictReader(stream):
            found.setdefault(folder / line["source"], []).append(line)
    return {path: tuple(lines) for path, lines in found.items() if len({line["report"] for line in lines}) == 1}


def _read(job: tuple[Path, Truth, int]) -> list[list[str]]:
    path, truth, seed = job
    kept = path.with_name(f"{path.name}.record")
    if kept.exists():
        document = records.decode(kept.read_bytes())
    else:
        document = extract.read_document(path.read_bytes(), path.name, Settings())
        part = kept.with_suffix(".part")
        part.write_bytes(records.encode(document))
        part.replace(kept)
    return list(cells_of(document, truth, f"{seed}-{path.stem}"))


def _key(line: Mapping[str, str]) -> CellKey:
    return CellKey(line["table_id"], line["row_id"], line["column_id"])


def _box(line: Mapping[str, str]) -> BoundingBox:
    return BoundingBox(*(float(line[name]) for name in ("x0", "y0", "x1", "y1")))


def _stretch(pairs: Sequence[tuple[BoundingBox, BoundingBox]]) -> tuple[float, float]:
    """By how much the page that was read is larger than the file's raster: the dots of a fax are not square."""
    if not pairs:
        return 1.0, 1.0
    across = statistics.median((read.x0 + read.x1) / (true.x0 + true.x1) for read, true in pairs)
    down = statistics.median((read.y0 + read.y1) / (true.y0 + true.y1) for read, true in pairs)
    return (across if abs(across - 1) > 0.01 else 1.0), (down if abs(down - 1) > 0.01 else 1.0)


if __name__ == "__main__":
    main()
