"""What the relations do: faults in print named and left alone, damaged digits found again, and what that costs."""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from pipeline import assemble, rules
from pipeline.domain import CellKey, Extraction, Mark, Status, TableReading, Value
from pipeline.extract import assemble_document, read_document, warm_up
from pipeline.forms import form_by_id, load_forms
from pipeline.labels.classifier import LabelClassifier
from pipeline.reconcile import reconcile
from pipeline.settings import Settings
from pipeline.values import parse_value
from scripts.benchmarks import spoiling
from scripts.scans.fonts import Face, installed
from scripts.scans.reports import Document, Options, make_document
from scripts.scans.writing import write

SEED = 20262
CLEAN, WRONG, DAMAGED = "clean", "faults in print", "one digit damaged"
_LEVELS = ("clean print", "good scan", "everyday scan", "bad scan")
_TRIES = 40
_RARE = 0.05  # share of marks from which on a 0 that is not legible may be one of them


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A cell with a damaged digit: how, and what determines it.

    Attributes:
        key: the cell.
        kind: of the damage.
        equations: that can be judged as printed.
        among_marks: whether it is a 0 in a table that has blanks or marks for it as well: no sum tells them apart.
    """

    key: CellKey
    kind: str
    equations: int
    among_marks: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one report gave.

    Attributes:
        part: CLEAN, WRONG or DAMAGED; level: of the damage of the whole scan, 0 to 3.
        found: whether a report was found at all.
        reported: whether a finding says that figures do not add up.
        guilty: cells falsified in print that break a relation as printed; named: those of them in a finding.
        cells_named: number of cells in the findings.
        changed: cells given another value than the printed one because of the relations.
        spoiled: the damaged cell; status: what it got; right: whether it holds what is printed.
        reading, reconciling: CPU seconds.
    """

    part: str
    level: int
    found: bool
    reported: bool
    guilty: int
    named: int
    cells_named: int
    changed: int
    spoiled: Spoiled | None
    status: str
    right: bool
    reading: float
    reconciling: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("--reports", type=int, default=200, metavar="N", help="reports of each part (200)")
    parser.add_argument("--parts", type=lambda text: text.split(","), default=["clean", "wrong", "damaged"])
    parser.add_argument("--levels", type=lambda text: [int(c) for c in text], default=[0, 1, 2, 3], help="0123")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the reports ({SEED})")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="processes (2)")
    parser.add_argument("--out", type=Path, default=Path("build/reconcile"), metavar="DIR", help="for the results")


def run(given: argparse.Namespace) -> int:
    """Make, read and judge the reports, write ``reconcile.md`` and ``reconcile.csv``; returns the exit status."""
    parts = dict(zip(("clean", "wrong", "damaged"), (CLEAN, WRONG, DAMAGED), strict=True))
    if set(given.parts) - set(parts) or set(given.levels) - {0, 1, 2, 3} or given.reports < 1:
        print("bench: parts are clean, wrong and damaged, levels 0 to 3, and some reports", file=sys.stderr)
        return 2
    faces, missing = installed(())
    for message in missing:
        print(f"bench: {message}; the reports are others without it", file=sys.stderr)
    plan = [(parts[name], number) for name in given.parts for number in range(given.reports)]
    one = partial(_one, faces, tuple(given.levels), given.seed)
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        for outcome in pool.map(one, plan):
            outcomes.append(outcome)
            print("." if len(outcomes) % 50 else f" {len(outcomes)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.out / "reconcile.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_CSV)
        writer.writerows(_csv_row(number, outcome) for (_, number), outcome in zip(plan, outcomes, strict=True))
    text = "\n".join(_summary(outcomes))
    (given.out / "reconcile.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


# --------------------------------------------------------------------------- one report


def _one(faces: tuple[Face, ...], levels: tuple[int, ...], seed: int, job: tuple[str, int]) -> Outcome:
    part, number = job
    options = Options(load_forms(), faces, levels, inconsistent=float(part == WRONG), volumes=0.0)
    document = make_document(options, seed, number)
    spoiled = _spoil(document, number, np.random.default_rng([seed, number])) if part == DAMAGED else None
    with tempfile.TemporaryDirectory() as folder:
        truth = write(document, Path(folder), f"r{number:05d}")
        data = (Path(folder) / truth[0]["source"]).read_bytes()
    printed = {_key(row): parse_value(row["printed"]) for row in truth}
    warm_up(Settings())
    began = time.process_time()
    read = read_document(data, truth[0]["source"], Settings())
    extraction = assemble_document(read)
    reading = time.process_time() - began
    tables = [item for page in read.pages for item in page.items if isinstance(item, TableReading)]
    reconciling = 0.0
    for mapped in assemble.map_reports(read.pages, load_forms(), LabelClassifier.load()):
        readings, placed = mapped.readings(tables), mapped.placed()
        began = time.process_time()
        reconcile(mapped.form.rules, readings, placed)
        reconciling += time.process_time() - began
    form = form_by_id(document.form_ids[0])
    broken = {key for finding in rules.check_all(form.rules, printed) for key in finding.cells}
    guilty = {_key(row) for row in truth if row["consistent"] == "0"} & broken
    outcome = Outcome(
        part=part,
        level=document.level,
        found=bool(extraction.reports),
        reported=any(report.findings for report in extraction.reports),
        guilty=len(guilty),
        named=0,
        cells_named=0,
        changed=_changed(extraction, printed),
        spoiled=spoiled,
        status="",
        right=False,
        reading=reading,
        reconciling=reconciling,
    )
    named = {key for report in extraction.reports for finding in report.findings for key in finding.cells}
    outcome = replace(outcome, named=len(guilty & named), cells_named=len(named))
    if spoiled is None:
        return outcome
    value, status = _value_of(extraction, spoiled.key)
    return replace(outcome, status=status, right=_same(value, printed[spoiled.key]))


def _spoil(document: Document, number: int, rng: np.random.Generator) -> Spoiled | None:
    """Damage a digit of a random cell of the document's pictures, in place; None where none can be told apart."""
    cells = [
        (page, cell, box) for page, cell, box in document.cells() if any(char.isdecimal() for char in cell.printed)
    ]
    values = {cell.key: parse_value(cell.printed) for _, cell, _ in document.cells()}
    kind = list(spoiling.KINDS)[number // len(_LEVELS) % len(spoiling.KINDS)]
    for choice in rng.permutation(len(cells))[:_TRIES]:
        page, cell, box = cells[int(choice)]
        pixels = document.pictures[page - 1].pixels
        x0, y0, x1, y1 = (round(edge) for edge in (box.x0 + 1, box.y0 + 1, box.x1 - 1, box.y1 - 1))
        part = pixels[max(0, y0) : y1, max(0, x0) : x1]
        if min(part.shape[:2], default=0) > 8 and spoiling.spoil(part, cell.printed, kind, rng):
            form = form_by_id(document.form_ids[0])
            judged = [
                rule
                for rule in form.rules
                if rule.kind in rules.EQUATIONS
                and cell.key in (*rule.left, *rule.right)
                and rules.both_sides(rule, values) is not None
            ]
            return Spoiled(cell.key, kind, len(judged), _among_marks(cell.key, values))
    return None


def _among_marks(key: CellKey, values: Mapping[CellKey, Value]) -> bool:
    """Whether a cell is a 0, and more than one in twenty of its table that amount to nothing are none."""
    nothing = [value for other, value in values.items() if other.table_id == key.table_id and not value.number]
    marks = sum(value.mark is not Mark.NUMBER for value in nothing)
    return values[key].number == 0 and marks > _RARE * len(nothing)


def _key(row: Mapping[str, str]) -> CellKey:
    return CellKey(row["table_id"], row["row_id"], row["column_id"])


def _value_of(extraction: Extraction, key: CellKey) -> tuple[Value | None, str]:
    cells = [cell for report in extraction.reports for cell in report.cells if cell.key == key]
    return (cells[0].value, cells[0].status.value) if cells else (None, Status.MISSING.value)


def _same(value: Value | None, printed: Value) -> bool:
    return value is not None and (value.mark, value.number) == (printed.mark, printed.number)


def _changed(extraction: Extraction, printed: Mapping[CellKey, Value]) -> int:
    reconciled = [c for report in extraction.reports for c in report.cells if c.status is Status.RECONCILED]
    return sum(not _same(cell.value, printed.get(cell.key, Value(Mark.BLANK))) for cell in reconciled)


# --------------------------------------------------------------------------- what is printed

# What determines a damaged cell: its equations at least and at most, and whether it is a 0 among marks.
_DETERMINED = (
    ("none", 0, 0, False),
    ("some, a 0 among marks", 1, 99, True),
    ("one", 1, 1, False),
    ("two or more", 2, 99, False),
)
_CSV = (
    *("part", "number", "level", "found", "reported", "guilty", "named", "cells_named", "changed", "cell", "damage"),
    *("equations", "among_marks", "status", "right", "reading", "reconciling"),
)


def _csv_row(number: int, outcome: Outcome) -> tuple[object, ...]:
    spoiled = outcome.spoiled
    cell = "" if spoiled is None else f"{spoiled.key.table_id}.{spoiled.key.row_id}.{spoiled.key.column_id}"
    told = ("", "", "") if spoiled is None else (spoiled.kind, spoiled.equations, int(spoiled.among_marks))
    return (
        *(outcome.part, number, outcome.level, int(outcome.found), int(outcome.reported), outcome.guilty),
        *(outcome.named, outcome.cells_named, outcome.changed, cell, *told, outcome.status, int(outcome.right)),
        *(f"{outcome.reading:.3f}", f"{outcome.reconciling:.4f}"),
    )


def _summary(outcomes: Sequence[Outcome]) -> Iterator[str]:
    levels = sorted({outcome.level for outcome in outcomes})
    groups = [*((_LEVELS[level], [o for o in outcomes if o.level == level]) for level in levels), ("all", outcomes)]
    of = {
        part: [(name, [o for o in members if o.part == part]) for name, members in groups]
        for part in (CLEAN, WRONG, DAMAGED)
    }
    columns: tuple[str, ...]
    columns = ("scan", "reports", "inconsistent in print", "reported", "with every guilty cell", "named", "changed")
    yield from _table(
        f"{WRONG}: reports, and cells named or changed",
        columns,
        [_wrong_row(*group) for group in of[WRONG] if group[1]],
    )
    columns = ("scan", "reports", "reported", "cells changed wrongly")
    yield from _table(CLEAN, columns, [_clean_row(*group) for group in of[CLEAN] if group[1]])
    columns = ("scan", "equations", "cells", "reconciled", "read all the same", "review", "missing", "silently wrong")
    yield from _table(DAMAGED, columns, [row for group in of[DAMAGED] for row in _damaged_rows(*group)])
    reading = sum(outcome.reading for outcome in outcomes)
    share = sum(outcome.reconciling for outcome in outcomes) / reading
    yield f"Reconciliation takes {100 * share:.2f} % of {reading / len(outcomes):.1f} s CPU a report."


def _wrong_row(name: str, members: Sequence[Outcome]) -> tuple[object, ...]:
    faulty = [outcome for outcome in members if outcome.guilty]
    inside = sum(outcome.reported and outcome.named == outcome.guilty for outcome in faulty)
    named = sum(outcome.cells_named for outcome in faulty) / max(1, sum(outcome.guilty for outcome in faulty))
    return (
        *(name, len(members), len(faulty), _share(sum(outcome.reported for outcome in faulty), len(faulty))),
        *(_share(inside, len(faulty)), f"{named:.1f} for each guilty one", sum(o.changed for o in members)),
    )


def _clean_row(name: str, members: Sequence[Outcome]) -> tuple[object, ...]:
    reported = _share(sum(outcome.reported for outcome in members), len(members))
    return name, len(members), reported, sum(outcome.changed for outcome in members)


def _damaged_rows(name: str, members: Sequence[Outcome]) -> Iterator[tuple[object, ...]]:
    for title, fewest, most, among_marks in _DETERMINED:
        found = [
            (outcome.status, outcome.right)
            for outcome in members
            if (spoiled := outcome.spoiled)
            and fewest <= spoiled.equations <= most
            and among_marks == (spoiled.among_marks and spoiled.equations > 0)
        ]
        if found:
            yield (
                *(name, title, len(found), found.count(("reconciled", True)), found.count(("accepted", True))),
                *(sum(status == wanted for status, _ in found) for wanted in ("review", "missing")),
                found.count(("reconciled", False)) + found.count(("accepted", False)),
            )


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.1f} %)" if whole else "0"


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    if rows:
        yield f"### {title}\n"
        for line in (columns, ["---", *("---:" for _ in columns[1:])], *rows):
            yield f"| {' | '.join(map(str, line))} |"
        yield ""
