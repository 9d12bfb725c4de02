"""Sheets that lie on their side, stacked in one picture: turned they stand side by side, perhaps last one first."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

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
    ends = _between_sheets([table.grid.box for table in tables])
    items = tuple(sorted(page.items, key=lambda item: bisect(ends, (_box(item).y0 + _box(item).y1) / 2)))
    return page if items == page.items else replace(page, items=items)


def _between_sheets(boxes: Sequence[BoundingBox]) -> list[float]:
    """Heights between tables of different sheets; on one sheet that lies on its side all tables stand side by side."""
    ordered = sorted(boxes, key=lambda box: box.y0)
    ends: list[float] = []
    lowest = ordered[0].y1
    for box in ordered[1:]:
        if box.y0 >= lowest:
            ends.append((lowest + box.y0) / 2)
        lowest = max(lowest, box.y1)
    return ends


def _box(item: TableReading | LineReading) -> BoundingBox:
    return item.grid.box if isinstance(item, TableReading) else item.line.box


def _lies_on_its_side(table: TableReading) -> bool:
    """Whether the rows of a table follow each other across the page as decoded, not down it."""
    cells = table.grid.cells
    squares = [(1.0, cell.row + cell.row_span / 2, cell.column + cell.column_span / 2) for cell in cells]
    middles = [(place.x0 + place.x1, place.y0 + place.y1) for place in table.places]
    _, (across, down), _ = np.abs(np.linalg.lstsq(np.array(squares), np.array(middles))[0])
    return bool(across > down)
