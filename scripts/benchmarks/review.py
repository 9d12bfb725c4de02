"""What answering the most valuable questions first is worth, against answering them in any order."""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from difflib import SequenceMatcher
from pathlib import Path

from PIL import Image, ImageDraw

from pipeline import revise
from pipeline.commands.charts import MARGIN, SIDE, Axes
from pipeline.corrections import NOT_ON_THE_FORM
from pipeline.domain import BoundingBox, FormSpec
from pipeline.evaluation import TrueCell, evaluate, read_extracted, read_truth
from pipeline.forms import cell_units, load_forms
from pipeline.review import NUMBER_COLUMNS, REVIEW_COLUMNS, Item, Kind, Level, item_row, labels
from pipeline.review.answers import AS_PRINTED, broken_sum, may_fall, value_answer
from pipeline.review.choices import may_be_another_row, rows_of
from pipeline.review.items import BETWEEN
from pipeline.run import run as extract
from pipeline.settings import Settings
from pipeline.spreadsheet import Writer, read
from scripts.scans import cli

SEED = 20264
_BUDGETS = (25, 50, 100, 200, 500, 1000, 2000)
# Labels that are more alike than this are taken for one.
_ALIKE = 0.6
_FIRST, _ANY = "most valuable first", "in any order"
_COLUMNS = ("order", "items", "minutes", "correct %", "silent errors", "put right per minute", "lines refused")
_TINTS = {_FIRST: (0, 90, 160), _ANY: (190, 90, 0)}

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """What a dataset is like once so many items are answered; figures of several random orders are their means.

    Attributes:
        cells, correct, silent: as of `pipeline.evaluation.Score`.
        refused: lines that were refused.
        further: figures and rows that were written in one answer beyond its first.
    """

    order: str
    items: int
    cells: int
    correct: float
    silent: float
    refused: float
    further: float = 0.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("--reports", type=int, default=100, metavar="N", help="reports to make and read (100)")
    parser.add_argument("--levels", default="3", help="levels of damage, 0 to 3, separated by commas (3)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the reports ({SEED})")
    parser.add_argument("--orders", type=int, default=3, metavar="N", help="random orders to take the mean of (3)")
    parser.add_argument("--seconds", type=float, default=8.0, metavar="S", help="assumed for one answer (8)")
    parser.add_argument("--more", type=float, default=2.0, metavar="S", help="and for each further figure in it (2)")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="processes (2)")
    parser.add_argument(
        "--scans", type=Path, metavar="DIR", help="keep scans and tables here, and go on from what is there"
    )
    parser.add_argument("--out", type=Path, default=Path("build/review"), metavar="DIR", help="for the results")


def run(given: argparse.Namespace) -> int:
    """Make and read the reports, answer from the truth; write ``review.md``, ``.csv`` and ``.png``; the exit status."""
    work = Path(tempfile.mkdtemp(prefix="bench-")) if given.scans is None else given.scans
    try:
        scans, tables = work / "scans", work / "tables"
        if not (scans / "truth.csv").exists():
            # One report a file, as in the sets that docs/measurements.md speaks of.
            made = [str(scans), "--reports", str(given.reports), "--levels", given.levels, "--volumes", "0"]
            cli.main([*made, "--seed", str(given.seed), "--jobs", str(given.jobs)])
        extract([str(scans)], tables, Settings(), given.jobs)
        truth = read_truth(scans / "truth.csv")
        budgets = (*_BUDGETS, round(0.02 * len(truth)), sys.maxsize)
        steps = list(simulate(scans / "truth.csv", tables, given.orders, budgets, given.jobs))
    finally:
        if given.scans is None:
            shutil.rmtree(work)
    rows = [_row(step, steps[0], given.seconds, given.more) for step in steps]
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.out / "review.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([_COLUMNS, *rows])
    lines = [_COLUMNS, ["---", *("---:" for _ in _COLUMNS[1:])], *rows]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    (given.out / "review.md").write_text(text, encoding="utf-8")
    draw(steps).save(given.out / "review.png")
    assumed = f"{given.seconds:g} s assumed for one answer, {given.more:g} s for each further figure in it"
    print(f"{assumed}; {steps[0].cells:,} cells\n\n{text}")
    return 0


# --------------------------------------------------------------------------- answering


class Truth:
    """What a person would answer who reads the page without a fault."""

    def __init__(self, path: Path, forms: Iterable[FormSpec]) -> None:
        self._forms = {form.id: form for form in forms}
        self._at: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self._named: dict[tuple[str, ...], Row] = {}
        for row in read(path, ("source", "printed", "report")):
            self._at[row["source"], row["page"]].append(row)
            key = (row["source"], row["report"], row["table_id"], row["row_id"], row["column_id"])
            self._named[key] = row

    def answer(self, item: Item) -> dict[str, str]:
        """What stands in the answer columns of an item; empty where nothing printed answers it."""
        if item.kind is Kind.ROW:
            return {"corrected_row_id": self._row(item, item.box, item.printed_label)}
        if item.kind is Kind.FORM:
            return self._form(item, item.box)
        if item.kind is Kind.ROWS:
            return {"corrected_row_id": " ".join(self._rows(item))}
        if item.kind is Kind.FIGURES:
            return self._figures(item)
        if item.box is None or item.by_name:
            return self._value(item, self._named.get((item.source, str(item.report), *astuple(item.key))))
        here = self._inside(item, item.box)
        same = [row for row in here if (row["row_id"], row["column_id"]) == (item.key.row_id, item.key.column_id)]
        if same:
            return self._value(item, same[0])
        moved = may_be_another_row(item, self._forms[item.form_id])
        if not here:  # a row that is none of the form
            return {"corrected_row_id": NOT_ON_THE_FORM} if moved else {}
        row = {"corrected_row_id": here[0]["row_id"]} if moved and here[0]["row_id"] != item.key.row_id else {}
        return self._value(item, here[0]) | row

    def _form(self, item: Item, box: BoundingBox | None) -> dict[str, str]:
        """The form of what is printed next to the cell that was found."""
        here = self._at[item.source, str(item.page)]
        if box is None or not here:
            return {}
        middle = (box.y0 + box.y1) / 2
        nearest = min(here, key=lambda row: abs(float(row["y0"]) + float(row["y1"]) - 2 * middle))
        return {"corrected_value": nearest["form_id"]}

    def _figures(self, item: Item) -> dict[str, str]:
        """All figures of a line, where the picture shows them."""
        form = self._forms[item.form_id]
        values = {}
        for key in item.line:
            true = self._named.get((item.source, str(item.report), *astuple(key)))
            if true is None or not _shows(item, true):
                return {}
            text = _value(true, cell_units(form)[key], labels(form)[key][1])
            if text.split() != [text]:
                return {}
            values[key] = text
        as_printed = f" {AS_PRINTED}" if broken_sum(values, form) else ""
        return {"corrected_value": " ".join(values.values()) + as_printed}

    def _rows(self, item: Item) -> list[str]:
        """The row of each printed row of a table on a page; what a label says goes before where the box lies."""
        printed = list(zip(item.rows, item.printed_label.split(BETWEEN), strict=True))
        names = [self._labelled(item, box, label) for box, label in printed]
        for place, (box, _) in enumerate(printed):
            here = (row["row_id"] for row in self._inside(item, box) if not names[place])
            names[place] = next((name for name, _ in Counter(here).most_common() if name not in names), names[place])
        # A further piece of a row, or a row of another form, is none of those to choose from.
        rows = rows_of(self._forms[item.form_id], item.key.table_id)
        return [
            name if name in rows and name not in names[:place] else NOT_ON_THE_FORM for place, name in enumerate(names)
        ]

    def _row(self, item: Item, box: BoundingBox | None, label: str) -> str:
        """The row printed there; on a slanting page, where the box holds parts of several, the one with this label."""
        if box is None:
            return NOT_ON_THE_FORM
        found = Counter(row["row_id"] for row in self._inside(item, box))
        named = self._labelled(item, box, label)
        if not found or (not named and self._is_half(item, label)):
            return named or NOT_ON_THE_FORM
        return named or found.most_common(1)[0][0]

    def _is_half(self, item: Item, label: str) -> bool:
        """Whether a label is a piece of that of a row whose figures stand on the page before or behind."""
        if item.page is None or not label:
            return False
        beside = (self._at[item.source, str(page)] for page in (item.page - 1, item.page + 1))
        return any(_share_of(label, row["label"]) > _ALIKE for rows in beside for row in rows)

    def _labelled(self, item: Item, box: BoundingBox, label: str) -> str:
        """The row that is printed there, at least in part, and has a label like this; empty where none has."""
        touched = self._inside(item, box, 0.2) if label else []
        alike = {row["row_id"]: _share_of(label, row["label"]) for row in touched}
        best = max(alike, key=lambda name: alike[name], default="")
        return best if best and alike[best] > _ALIKE else ""

    def _inside(self, item: Item, box: BoundingBox, least: float = 0.5) -> list[Row]:
        """What is printed in a box, or around it where a cell was cut short; what lies in it most comes first."""
        shares = [
            (_overlap(box, BoundingBox(*(float(row[name]) for name in ("x0", "y0", "x1", "y1")))), row)
            for row in self._at[item.source, str(item.page)]
            if row["table_id"] == item.key.table_id
        ]
        return [row for share, row in sorted(shares, key=lambda each: -each[0]) if share > least]

    def _value(self, item: Item, true: Row | None) -> dict[str, str]:
        if true is None or not _shows(item, true):
            return {}
        return {"corrected_value": _value(true, item.unit, item.column_label)}


def _share_of(text: str, other: str) -> float:
    """The share of a text that is found in another, in this order."""
    blocks = SequenceMatcher(None, text, other, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(text)


def _value(true: Row, unit: str, column_label: str) -> str:
    try:
        return value_answer(true["printed"] or "blank", unit, may_fall(column_label))
    except ValueError:  # with a note or a unit: the number is what counts
        return true["value"]


def _shows(item: Item, true: Row) -> bool:
    """Whether what is printed there is in the picture of an item."""
    around = item.around
    if around is None or int(true["page"]) not in item.pages:
        return False
    x, y = ((float(true[low]) + float(true[high])) / 2 for low, high in (("x0", "x1"), ("y0", "y1")))
    return around.x0 <= x < around.x1 and around.y0 <= y < around.y1


def _overlap(one: BoundingBox, other: BoundingBox) -> float:
    """The share of the smaller box that lies in the other."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    smaller = min(each.width * each.height for each in (one, other))
    return max(0.0, width) * max(0.0, height) / smaller if smaller > 0 else 0.0


def simulate(truth: Path, tables: Path, orders: int, budgets: Iterable[int], jobs: int = 1) -> Iterator[Step]:
    """Answer questions about a dataset from the truth, again and again from the beginning.

    Args:
        orders: number of random orders.
        budgets: how many questions are answered each time; no more than there are.
    """
    forms = load_forms()
    cells = read_truth(truth)
    person = Truth(truth, forms)
    items, _ = revise.questions(tables, Level.ROWS)
    start = evaluate(read_extracted(tables / "cells.csv"), cells).total
    yield Step(_FIRST, 0, start.cells, start.correct, start.silent, 0)
    shuffled = [random.Random(seed).sample(items, len(items)) for seed in range(orders)]
    for budget in sorted({min(each, len(items)) for each in budgets}):
        yield _answered(_FIRST, [items], budget, person, cells, tables, jobs)
        if shuffled:
            yield _answered(_ANY, shuffled, budget, person, cells, tables, jobs)
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _answered(
    order: str,
    orders: Sequence[Sequence[Item]],
    budget: int,
    person: Truth,
    cells: Sequence[TrueCell],
    tables: Path,
    jobs: int,
) -> Step:
    """The dataset once the first items of an order are answered, as `nianbao review apply` makes it."""
    scores, refused, further = [], 0, 0
    for items in orders:
        with tempfile.TemporaryDirectory() as folder:
            out, table = Path(folder) / "tables", Path(folder) / "answers.csv"
            shutil.copytree(tables, out)
            with Writer(table, REVIEW_COLUMNS, NUMBER_COLUMNS) as file:
                for item in items[:budget]:
                    answer = person.answer(item)
                    further += sum(max(0, len(text.split()) - 1) for text in answer.values())
                    file.write(item_row(item) | answer)
            refused += len(revise.apply(out, table, reviewer="simulation", jobs=jobs).refused)
            scores.append(evaluate(read_extracted(out / "cells.csv"), cells).total)
    number = len(orders)
    return Step(
        order,
        budget,
        scores[0].cells,
        sum(each.correct for each in scores) / number,
        sum(each.silent for each in scores) / number,
        refused / number,
        further / number,
    )


# --------------------------------------------------------------------------- telling


def _row(step: Step, start: Step, seconds: float, more: float) -> tuple[str, ...]:
    minutes = (step.items * seconds + step.further * more) / 60
    return (
        *(step.order if step.items else "nothing answered", f"{step.items:,}", f"{minutes:.0f}"),
        *(f"{100 * step.correct / step.cells:.3f}", f"{step.silent:.1f}".removesuffix(".0")),
        f"{(step.correct - start.correct) / minutes:.2f}" if minutes else "",
        f"{step.refused:.1f}".removesuffix(".0"),
    )


def draw(steps: Sequence[Step]) -> Image.Image:
    """Cells that are wrong, and those of them that nobody is asked about, by items answered."""
    image = Image.new("RGB", (2 * (SIDE + 2 * MARGIN), SIDE + 2 * MARGIN), "white")
    pen = ImageDraw.Draw(image)
    most = max(step.items for step in steps)
    across = [(f"{most * n // 5:,}", n / 5) for n in range(6)]
    for place, (name, values) in enumerate(
        (
            ("cells that are wrong", [step.cells - step.correct for step in steps]),
            ("silent errors", [step.silent for step in steps]),
        )
    ):
        top = max(5.0, 5.0 * -(-max(values) // 5))
        axes = Axes(
            pen,
            MARGIN + place * (SIDE + 2 * MARGIN),
            "items answered",
            name,
            across,
            [(f"{top * n / 5:g}", n / 5) for n in range(6)],
        )
        for order, tint in _TINTS.items():
            points = [
                (step.items / most, value / top)
                for step, value in zip(steps, values, strict=True)
                if step.order == order or not step.items
            ]
            axes.line(points, tint, 3)
            axes.label((0.98, 0.12 - 0.07 * list(_TINTS).index(order)), order, tint)
    return image
