"""Sheets that lie on their side, stacked in one picture: turned they stand side by side, perhaps last one first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.domain import BoundingBox, LineReading, PageReading, TableReading


def in_order_of_file(pages: Sequence[PageReading]) -> tuple[PageReading, ...] | None:
    """The pages with such sheets in the order in which they lie in the file; None where that is the order they have.

    Read as they stand, the left sheet comes first, as in a spread of two pages. Which of the two holds is for the
    reports to say.
    """
    ordered = tuple(_in_order_of_file(page) for page in pages)
    return None if all(one is other for one, other in zip(pages, ordered, strict=True)) else ordered


def _in_order_of_file(page: PageReading) -> PageReading:
    tables = [item for item in page.items if isinstance(item, TableReading)]
    if len(tables) < 2 or not all(table.places and _lies_on_its_side(table) for table in tables):
        return page
    boxes = [table.grid.box for table in tables]
    middle = (min(box.y0 for box in boxes) + max(box.y1 for box in boxes)) / 2
    if not all(box.y1 <= middle or box.y0 >= middle for box in boxes):
        return page
    upper = [item for item in page.items if _box(item).y0 + _box(item).y1 < 2 * middle]
    lower = [item for item in page.items if _box(item).y0 + _box(item).y1 >= 2 * middle]
    items = (*upper, *lower)
    return page if items == page.items else replace(page, items=items)


def _box(item: TableReading | LineReading) -> BoundingBox:
    return item.grid.box if isinstance(item, TableReading) else item.line.box


def _lies_on_its_side(table: TableReading) -> bool:
    """Whether the rows of a table run up or down the page as decoded."""
    first, last = table.places[0], table.places[0]
    for cell, place in zip(table.grid.cells, table.places, strict=True):
        if cell.column + cell.column_span == table.grid.columns and cell.row == table.grid.cells[0].row:
            last = place
    return abs(last.y0 + last.y1 - first.y0 - first.y1) > abs(last.x0 + last.x1 - first.x0 - first.x1)
