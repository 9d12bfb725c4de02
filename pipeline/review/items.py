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
from pipeline.corrections import NOT_ON_THE_FORM, written
from pipeline.domain import BoundingBox, CellKey, FormSpec, Mark, TableLayout, Value

Row = Mapping[str, str]
"""A row of one of the tables of a dataset."""

BOX = ("x0", "y0", "x1", "y1")
"""Columns that hold a box."""
BETWEEN = " | "
"""Stands between the names of the columns of a line of figures, and between the labels of printed rows."""
UNREAD = "?"
"""Stands in a line of figures for a cell that was not found."""

# Of rows with a single figure so many are read in one go.
_TOGETHER = 8


class Kind(StrEnum):
    """What is asked.

    What a cell holds, which row of the form a printed row is, whether a failing sum is printed, what all cells of a
    line hold, which rows of the form all printed rows of a table on a page are, or which form a report is on.
    """

    CELL = "cell"
    ROW = "row"
    FINDING = "finding"
    FIGURES = "figures"
    ROWS = "rows"
    FORM = "form"


class Level(StrEnum):
    """Whether a doubtful row is one question, or as many as it has cells."""

    ROWS = "rows"
    FORM = "form"
    CELLS = "cells"


@dataclass(frozen=True, slots=True)
class Item:
    """One question to a person.

    Attributes:
        item_id: "q-" and 16 letters and digits, the same whenever the same place of the same file is asked about.
        worth: expected number of cells that the answer puts right.
        key: the cell; of a row its column is empty, and its row is empty where it is on no row of the form; of figures
            it is the name that `lines_of` gives; of the rows of a table it is the table alone; of a form it
            is a cell of the report.
        page, box: where it was read, on the page as decoded; None where it was not found.
        around: what of the page a person wants to see: the printed row, or the table where nothing was found; it may
            be endless where it goes on to the edge of the page.
        further: pages of which the same is shown below it, because it may be printed there.
        by_name: whether it is asked about as the form names it, since another cell may lie in its box.
        printed_label: the row's label as printed; empty where it was lost or is not known.
        row_label, column_label: as the form prints them, groups first; of figures the names of all its cells.
        value: what the dataset holds, in the words of `pipeline.corrections.written`; empty where nothing was found.
        reading: the cell as read; of a row its label.
        alternatives: further readings, the most probable first; of a row further row ids.
        reasons: why it is asked, in words.
        sums: the relations that do not hold, with their figures.
        line: the cells whose figures are asked for; empty unless it is a question about figures.
        rows: where each printed row lies; empty unless it is a question about the rows of a table.
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
    line: tuple[CellKey, ...] = ()
    rows: tuple[BoundingBox, ...] = ()
    further: tuple[int, ...] = ()

    @property
    def pages(self) -> tuple[int, ...]:
        """The pages that are shown."""
        return () if self.page is None else (self.page, *self.further)


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


def rows_id(row: Row) -> str:
    """The name of a question about all printed rows of a table on a page, from any of their rows of ``rows.csv``."""
    return item_id(row["document_id"], f"rows {row['report']} {row['table_id']} {row['page']}")


def rows_on_pages(rows: Iterable[Row]) -> list[tuple[Row, ...]]:
    """The rows of ``rows.csv`` of a report, those of a table on a page together."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["table_id"], row["page"]), []).append(row)
    return [tuple(together) for together in found.values()]


def form_id(row: Row) -> str:
    """The name of a question about the form of a report, from the row of any of its cells."""
    return item_id(row["document_id"], f"form {row['report']}")


def forms_to_choose(anchor: Row, forms: Iterable[str]) -> tuple[str, ...]:
    """What a question about the form can be answered with; ``anchor`` is a cell, one that was found where any was."""
    return tuple(forms) if anchor["page"] else (*forms, NOT_ON_THE_FORM)


def figures_id(row: Row, line: CellKey) -> str:
    """The name of a question about a whole line, as `lines_of` names it, from the row of any of its cells."""
    return item_id(row["document_id"], f"figures {row['report']} {line.table_id} {line.row_id}")


def lines_of(cells: Iterable[Row], form: FormSpec) -> dict[CellKey, tuple[Row, ...]]:
    """The cells of a report, its rows of ``cells.csv``, by what of the form is read in one go.

    That is a row; the whole table where all of it is printed on one line; or, of rows with a single figure, up to eight
    that follow each other. It is named after its first row, and after none where it is a whole table.
    """
    strips = {table.id for table in form.tables if table.layout is TableLayout.STRIP}
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in cells:
        rows.setdefault((row["table_id"], "" if row["table_id"] in strips else row["row_id"]), []).append(row)
    found: dict[CellKey, list[Row]] = {}
    last: tuple[str, CellKey] | None = None  # table and name of a group that single figures may still join
    for (table_id, first), line in rows.items():
        if len(line) == 1 and last is not None and last[0] == table_id and len(found[last[1]]) < _TOGETHER:
            found[last[1]].extend(line)
            continue
        name = CellKey(table_id, first, "")
        found[name] = line
        last = (table_id, name) if len(line) == 1 else None
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
