"""What a person is asked: the questions, how they are named, and the rows of tables they are made from.

An item is named after the place it was read at, or after the statutory cells where an answer is about these wherever
they are printed, so that its name outlives new runs as long as the file is the same.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from pipeline.confidence import COLUMN_IN_DOUBT, ROW_IN_DOUBT
from pipeline.corrections import written
from pipeline.domain import BoundingBox, CellKey, FormSpec, Mark, TableLayout, Value

Row = Mapping[str, str]
"""A row of one of the tables of a dataset."""

BOX = ("x0", "y0", "x1", "y1")
"""Columns that hold a box."""
BETWEEN = " | "
"""Stands between the names of the columns of a line of figures."""
UNREAD = "?"
"""Stands in a line of figures for a cell that was not found."""


class Kind(StrEnum):
    """What is asked.

    What a cell holds, which row of the form a printed row is, whether a failing sum is printed, or what all cells of a
    printed line hold.
    """

    CELL = "cell"
    ROW = "row"
    FINDING = "finding"
    FIGURES = "figures"


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
        key: the cell; of a row its column is empty, and its row is empty where it is on no row of the form; of figures
            its column is empty, and its row is empty where the whole table is one printed line.
        page, box: where it was read, on the page as decoded; None where it was not found.
        around: what of the page a person wants to see: the printed row, or the table where nothing was found; it may
            be endless where it goes on to the edge of the page.
        by_name: whether it is asked about as the form names it, since another cell may lie in its box.
        printed_label: the row's label as printed; empty where it was lost or is not known.
        row_label, column_label: as the form prints them, groups first; of figures the names of all its cells.
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
    return item_id(row["document_id"], " ".join(("cell", row["page"], *(row[name] for name in BOX))))


def row_id(row: Row) -> str:
    """The name of a printed row, from its row of ``rows.csv``."""
    return item_id(row["document_id"], " ".join(("row", row["page"], *(row[name] for name in BOX))))


def figures_id(row: Row, line: CellKey) -> str:
    """The name of a question about a whole line, as `lines_of` names it, from the row of any of its cells."""
    return item_id(row["document_id"], f"figures {row['report']} {line.table_id} {line.row_id}")


def lines_of(cells: Iterable[Row], form: FormSpec) -> dict[CellKey, tuple[Row, ...]]:
    """The cells of a report, its rows of ``cells.csv``, by the line of the form that they are printed in.

    That is their row, or the whole table where all of it is one line: its key has no row then; it never has a column.
    """
    strips = {table.id for table in form.tables if table.layout is TableLayout.STRIP}
    found: dict[CellKey, list[Row]] = {}
    for row in cells:
        name = CellKey(row["table_id"], "" if row["table_id"] in strips else row["row_id"], "")
        found.setdefault(name, []).append(row)
    return {name: tuple(line) for name, line in found.items()}


def box_of(row: Row) -> BoundingBox | None:
    """The box of a row of a table, None where it has none."""
    return BoundingBox(*(float(row[name]) for name in BOX)) if row["x0"] else None


def key_of(row: Row) -> CellKey:
    """The statutory cell of a row of ``cells.csv``."""
    return CellKey(row["table_id"], row["row_id"], row["column_id"])


def value_of(row: Row) -> Value | None:
    """What a row of ``cells.csv`` holds, None where nothing was found."""
    if not row["mark"]:
        return None
    return Value(Mark(row["mark"]), Decimal(row["value"]) if row["value"] else None, note=row["note"])


def held_figures(line: Iterable[Row]) -> str:
    """What the cells of a line hold, separated by blanks, from their rows of ``cells.csv``."""
    texts = ["" if (value := value_of(row)) is None else written(value, row["raw_text"]) for row in line]
    # A blank within a text would be taken for its end.
    return " ".join(text if text.split() == [text] else UNREAD for text in texts)


def _labels(form: FormSpec) -> Iterator[tuple[CellKey, tuple[str, str]]]:
    for table in form.tables:
        for block in table.blocks:
            for row in block.rows:
                above = (block.caption,) if block.caption else ()
                row_label = " / ".join((*above, *row.parents, row.label))
                for column in block.columns:
                    column_label = " / ".join((*column.parents, column.label))
                    yield CellKey(table.id, row.id, column.id), (row_label, column_label)
