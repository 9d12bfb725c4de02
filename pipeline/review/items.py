"""What a person is asked about a report, and how much each answer is worth.

Items are made from the tables of a dataset, so that they can be asked of one that is finished. An item is named after
the place it was read at, or after the statutory cell where nothing was found, so that its name outlives new runs as
long as the file is the same.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from pipeline.confidence import COLUMN_IN_DOUBT, ROW_IN_DOUBT
from pipeline.corrections import NOT_ON_THE_FORM, written
from pipeline.domain import BoundingBox, CellKey, FormSpec, Mark, RuleSpec, Status, TableSpec, Value
from pipeline.forms import cell_units
from pipeline.rules import KINDS

Row = Mapping[str, str]
"""A row of one of the tables of a dataset."""

# A place less sure than this is asked about; the same probability from which cells are accepted.
_SURE = 0.97
# A sum that fails in print was misread about this often; the rest are faults of the agency.
_MISREAD = 0.1
# A printed row taken for none of the form, while the form lacks one, is one of those about this often.
_STRAY = 0.3
# Lines of a table that the names of its columns take up, at most.
_HEADER_LINES = 5
_BOX = ("x0", "y0", "x1", "y1")
_IN_WORDS = {
    Status.REVIEW: "read with too little certainty",
    Status.MISSING: "not found on the page",
    Status.RECONCILED: "changed so that the sums of the form hold",
}


class Kind(StrEnum):
    """What is asked: what a cell holds, which row of the form a printed row is, or whether a failing sum is printed."""

    CELL = "cell"
    ROW = "row"
    FINDING = "finding"


class Level(StrEnum):
    """Whether a doubtful row is one question, or as many as it has cells."""

    ROWS = "rows"
    CELLS = "cells"


@dataclass(frozen=True, slots=True)
class Item:
    """One question to a person.

    Attributes:
        item_id: "q-" and 16 letters and digits, the same whenever the same place of the same file is asked about.
        worth: expected number of cells that the answer puts right.
        key: the cell; of a row its column is empty, and its row is empty where it is on no row of the form.
        page, box: where it was read, on the page as decoded; None where it was not found.
        around: what of the page a person wants to see: the printed row, or the table where nothing was found.
        by_name: whether it is asked about as the form names it, since another cell may lie in its box.
        printed_label: the row's label as printed; empty where it was lost or is not known.
        row_label, column_label: as the form prints them, groups first.
        value: what the dataset holds, in the words of `pipeline.corrections.written`; empty where nothing was found.
        reading: the cell as read; of a row its label.
        alternatives: further readings, the most probable first; of a row further row ids.
        reasons: why it is asked, in words.
        sums: the relations that do not hold, with their figures.
    """

    item_id: str
    kind: Kind
    worth: float
    document_id: str
    source: str
    report: int
    agency: str
    year: str
    form_id: str
    key: CellKey
    table_label: str
    row_label: str
    column_label: str
    page: int | None
    box: BoundingBox | None
    around: BoundingBox | None
    by_name: bool
    printed_label: str
    value: str
    unit: str
    reading: str
    alternatives: tuple[str, ...]
    status: str
    confidence: str
    reasons: tuple[str, ...]
    sums: tuple[str, ...]


def order(items: Iterable[Item]) -> list[Item]:
    """The items whose answers are worth most first; those that are worth the same stay in their order."""
    return sorted(items, key=lambda item: -item.worth)


def labels(form: FormSpec) -> Mapping[CellKey, tuple[str, str]]:
    """Row and column label of each cell as the form prints them, groups first, separated by " / "."""
    return dict(_labels(form))


def item_id(document_id: str, place: str) -> str:
    """The name of what is asked about a place of a document; it is neither a number nor a date to a spreadsheet."""
    digest = hashlib.sha256(f"{document_id}\n{place}".encode()).digest()
    return "q-" + base64.b32encode(digest[:10]).decode().lower()


def asked_by_name(row: Row) -> bool:
    """Whether a cell is asked about as the form names it, from its row of ``cells.csv``.

    That is so where nothing was found, and where the cell of another row or column may have been found: an answer that
    held for the place would then be the value of another cell.
    """
    return not row["page"] or COLUMN_IN_DOUBT in row["reasons"] or ROW_IN_DOUBT in row["reasons"]


def cell_id(row: Row, by_name: bool) -> str:
    """The name of a question about a cell, from its row of ``cells.csv``: about its place, or as the form names it."""
    if by_name:
        return item_id(row["document_id"], f"cell {row['report']} {row['table_id']} {row['row_id']} {row['column_id']}")
    return item_id(row["document_id"], " ".join(("cell", row["page"], *(row[name] for name in _BOX))))


def row_id(row: Row) -> str:
    """The name of a printed row, from its row of ``rows.csv``."""
    return item_id(row["document_id"], " ".join(("row", row["page"], *(row[name] for name in _BOX))))


def items_of(
    cells: Sequence[Row], rows: Sequence[Row], findings: Sequence[Row], form: FormSpec, level: Level = Level.ROWS
) -> list[Item]:
    """What a person is asked about one report, in the order of the form.

    Args:
        cells, rows, findings: its rows of ``cells.csv``, ``rows.csv`` and ``findings.csv``.
    """
    return list(_Report(cells, rows, findings, form).items(level)) if cells else []


def box_of(row: Row) -> BoundingBox | None:
    """The box of a row of a table, None where it has none."""
    return BoundingBox(*(float(row[name]) for name in _BOX)) if row["x0"] else None


def key_of(row: Row) -> CellKey:
    """The statutory cell of a row of ``cells.csv``."""
    return CellKey(row["table_id"], row["row_id"], row["column_id"])


def value_of(row: Row) -> Value | None:
    """What a row of ``cells.csv`` holds, None where nothing was found."""
    if not row["mark"]:
        return None
    return Value(Mark(row["mark"]), Decimal(row["value"]) if row["value"] else None, note=row["note"])


class _Report:
    """The rows of one report with what is looked up in them again and again."""

    def __init__(self, cells: Sequence[Row], rows: Sequence[Row], findings: Sequence[Row], form: FormSpec) -> None:
        self._cells = {key_of(row): row for row in cells}
        self._rows = rows
        self._form = form
        self._labels = labels(form)
        self._units = cell_units(form)
        self._titles = {table.id: table.title for table in form.tables}
        self._values = {key: value_of(row) for key, row in self._cells.items()}
        self._printed = {(row["table_id"], row["row_id"]): row for row in rows}
        self._rules: dict[CellKey, list[RuleSpec]] = defaultdict(list)
        for rule in form.rules:
            for key in (*rule.left, *rule.right):
                self._rules[key].append(rule)
        self._failing: dict[CellKey, list[Row]] = defaultdict(list)
        for finding in findings:
            for name in finding["cells"].split():
                self._failing[CellKey(*name.split("/"))].append(finding)
        self._wrong = {key: self._probability_wrong(key) for key in self._cells}

    def items(self, level: Level) -> Iterator[Item]:
        """The items, tables in the order of the form, of each the rows before the cells."""
        for table in self._form.tables:
            asked: set[str] = set()
            if level is Level.ROWS:
                for row in self._rows:
                    worth = self._worth_of_row(row, table) if row["table_id"] == table.id else 0.0
                    if worth > 0:
                        asked.add(row["row_id"])
                        yield self._row_item(row, worth)
            for key in (key for key in self._cells if key.table_id == table.id):
                if self._is_asked(key) and not (key.row_id in asked and self._only_row_doubtful(key)):
                    yield self._cell_item(key)

    # --- how much an answer is worth

    def _probability_wrong(self, key: CellKey) -> float:
        row = self._cells[key]
        if row["status"] == Status.CORRECTED:
            return 0.0
        wrong = 1.0 - float(row["confidence"])
        share = max((_MISREAD / len(each["cells"].split()) for each in self._failing[key]), default=0.0)
        return max(wrong, share)

    def _is_asked(self, key: CellKey) -> bool:
        status = self._cells[key]["status"]
        if status == Status.CORRECTED:
            return False
        return status != Status.ACCEPTED or bool(self._failing[key])

    def _worth(self, key: CellKey) -> float:
        """The cell, and what its answer tells about the doubtful cells it is added up with."""
        gain = 0.0
        for rule in self._rules[key]:
            others = [each for each in (*rule.left, *rule.right) if each != key]
            if any(self._values[each] is None for each in others):
                continue
            doubtful = [each for each in others if self._is_asked(each)]
            if doubtful:
                gain += sum(self._wrong[each] for each in doubtful) / len(doubtful) ** 2
        return self._wrong[key] * (1.0 + gain)

    def _worth_of_row(self, row: Row, table: TableSpec) -> float:
        """Zero for a row that nobody needs to look at."""
        wrong = 1.0 - float(row["certainty"])
        cells = [key for key in self._cells if (key.table_id, key.row_id) == (row["table_id"], row["row_id"])]
        if row["row_id"] != NOT_ON_THE_FORM:
            here = [key for key in cells if self._values[key] is not None]
            open_cells = sum(self._cells[key]["status"] != Status.CORRECTED for key in here)
            return wrong * open_cells if wrong > 1.0 - _SURE else 0.0
        lacking = {key.row_id for key in self._cells if key.table_id == table.id and self._values[key] is None} - {
            key.row_id for key in self._cells if key.table_id == table.id and self._values[key] is not None
        }
        if not lacking or wrong == 0.0:  # what a person has said is no question any more
            return 0.0
        return max(wrong, _STRAY) * len(table.blocks[0].columns)

    def _only_row_doubtful(self, key: CellKey) -> bool:
        """Whether the cell would be accepted if its row were certain."""
        row, printed = self._cells[key], self._printed.get((key.table_id, key.row_id))
        if printed is None or row["status"] != Status.REVIEW:
            return False
        return float(row["confidence"]) >= _SURE * float(printed["certainty"])

    # --- the items

    def _cell_item(self, key: CellKey) -> Item:
        row = self._cells[key]
        finding = row["status"] == Status.ACCEPTED
        printed = self._printed.get((key.table_id, key.row_id))
        read_as = _alternatives(row["reading"])
        return self._item(
            row,
            key,
            item_id=cell_id(row, asked_by_name(row)),
            by_name=asked_by_name(row),
            kind=Kind.FINDING if finding else Kind.CELL,
            worth=self._worth(key),
            around=self._around(key, printed),
            printed_label="" if printed is None else printed["label"],
            reading=row["raw_text"],
            alternatives=tuple(text for text in read_as if text != row["raw_text"]),
            reasons=tuple(self._reasons(key)),
            sums=tuple(dict.fromkeys(self._sums(key))),
        )

    def _row_item(self, row: Row, worth: float) -> Item:
        found = row["row_id"] != NOT_ON_THE_FORM
        key = CellKey(row["table_id"], row["row_id"] if found else "", "")
        any_cell = next(iter(self._cells.values()))
        reason = (
            "which row of the form this is, is not certain"
            if found
            else "this row was taken for none of the form, and the form has a row that was not found"
        )
        return self._item(
            {
                **row,
                "agency": any_cell["agency"],
                "year": any_cell["year"],
                "status": "",
                "confidence": row["certainty"],
            },
            key,
            item_id=row_id(row),
            by_name=False,
            kind=Kind.ROW,
            worth=worth,
            around=box_of(row),
            printed_label=row["label"],
            reading=row["label"],
            alternatives=tuple(row["candidates"].split()),
            reasons=(reason,),
            sums=(),
        )

    def _item(
        self,
        row: Row,
        key: CellKey,
        *,
        item_id: str,
        by_name: bool,
        kind: Kind,
        worth: float,
        around: BoundingBox | None,
        printed_label: str,
        reading: str,
        alternatives: tuple[str, ...],
        reasons: tuple[str, ...],
        sums: tuple[str, ...],
    ) -> Item:
        value = self._values.get(key)
        row_label, column_label = self._labels.get(key) or (self._row_label(key), "")
        return Item(
            item_id=item_id,
            kind=kind,
            worth=worth,
            document_id=row["document_id"],
            source=row["source"],
            report=int(row["report"]),
            agency=row["agency"],
            year=row["year"],
            form_id=row["form_id"],
            key=key,
            table_label=self._titles[key.table_id],
            row_label=row_label,
            column_label=column_label,
            page=int(row["page"]) if row["page"] else self._page_of_table(key.table_id),
            box=box_of(row),
            around=around,
            by_name=by_name,
            printed_label=printed_label,
            value="" if value is None else written(value, reading),
            unit=self._units.get(key, ""),
            reading=reading,
            alternatives=alternatives,
            status=row["status"],
            confidence=row["confidence"],
            reasons=reasons,
            sums=sums,
        )

    def _row_label(self, key: CellKey) -> str:
        return next(
            (
                self._labels[each][0]
                for each in self._cells
                if (each.table_id, each.row_id) == (key.table_id, key.row_id)
            ),
            "",
        )

    def _reasons(self, key: CellKey) -> Iterator[str]:
        row = self._cells[key]
        status = Status(row["status"])
        if status is Status.ACCEPTED:
            yield "the printed figures do not add up; is this cell printed as it was read?"
            return
        if status is Status.RECONCILED or not row["reasons"]:
            yield _IN_WORDS[status]
        if row["reasons"]:
            yield row["reasons"]
        if row["page"] and asked_by_name(row):
            yield "answer what is printed in the row and under the column named here"

    def _sums(self, key: CellKey) -> Iterator[str]:
        """The relations of a cell that do not hold, written out."""
        for finding in self._failing[key]:
            yield f"{finding['text']}: {finding['expected']} ≠ {finding['printed']}"
        for rule in self._rules[key]:
            broken = KINDS[rule.kind](rule, self._values)
            if broken is not None:
                yield f"{broken.text}: {broken.expected} ≠ {broken.printed}"

    # --- where to look

    def _around(self, key: CellKey, printed: Row | None) -> BoundingBox | None:
        row = self._cells[key]
        if asked_by_name(row):
            boxes = self._boxes((each for each in self._cells if each.table_id == key.table_id), row["page"] or None)
            around = _union(boxes)
            if around is None:
                return None
            # The names of the columns are printed above the figures.
            header = _HEADER_LINES * sorted(box.height for box in boxes)[len(boxes) // 2]
            return replace(around, y0=max(0.0, around.y0 - header))
        same = (each for each in self._cells if (each.table_id, each.row_id) == (key.table_id, key.row_id))
        boxes = self._boxes((each for each in same), row["page"])
        if printed is not None and printed["page"] == row["page"]:
            boxes = [*boxes, BoundingBox(*(float(printed[name]) for name in _BOX))]
        return _union(boxes)

    def _boxes(self, keys: Iterable[CellKey], page: str | None = None) -> list[BoundingBox]:
        """The boxes of cells on one page: the one given, or the first that has any."""
        found = []
        for row in (self._cells[key] for key in keys):
            box = box_of(row)
            if box is not None and row["page"] == (page := page or row["page"]):
                found.append(box)
        return found

    def _page_of_table(self, table_id: str) -> int | None:
        pages = (row["page"] for key, row in self._cells.items() if key.table_id == table_id and row["page"])
        first = next(pages, None)
        return None if first is None else int(first)


def _union(boxes: Sequence[BoundingBox]) -> BoundingBox | None:
    if not boxes:
        return None
    return BoundingBox(
        min(box.x0 for box in boxes),
        min(box.y0 for box in boxes),
        max(box.x1 for box in boxes),
        max(box.y1 for box in boxes),
    )


def _alternatives(reading: str) -> list[str]:
    """The texts of the column ``reading``, the most probable first."""
    _, _, rest = reading.partition(": ")
    texts = [each.rpartition(" ")[0] for each in rest.split(" | ")] if rest else []
    return ["" if text == "(blank)" else text for text in texts]


def _labels(form: FormSpec) -> Iterator[tuple[CellKey, tuple[str, str]]]:
    for table in form.tables:
        for block in table.blocks:
            for row in block.rows:
                above = (block.caption,) if block.caption else ()
                row_label = " / ".join((*above, *row.parents, row.label))
                for column in block.columns:
                    column_label = " / ".join((*column.parents, column.label))
                    yield CellKey(table.id, row.id, column.id), (row_label, column_label)
