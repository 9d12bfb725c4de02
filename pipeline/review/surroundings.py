"""What of a page a person wants to see to answer a question, told from the boxes of a report's cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pipeline.domain import BoundingBox, CellKey
from pipeline.review.items import Row, asked_by_name, box_of

# Lines of a table that the names of its columns take up, at most.
_HEADER_LINES = 5
# Rows touch where less than this share of their height lies between them.
_TOUCHING = 0.5

EVERYWHERE = BoundingBox(0.0, 0.0, math.inf, math.inf)
"""A whole page."""


class Surroundings:
    """The pages of a report as its cells tell of them.

    Args:
        cells: every cell of the report in the order of the form, as its row of ``cells.csv``.
    """

    def __init__(self, cells: Mapping[CellKey, Row]) -> None:
        self._cells = cells

    def of_cell(self, key: CellKey, printed: Row | None) -> BoundingBox | None:
        """Its printed row, or its table on that page where it is asked about by name; None where there is nothing.

        Args:
            printed: its row of ``rows.csv``; None where it has none.
        """
        row = self._cells[key]
        if asked_by_name(row):
            return self._table(key.table_id, row["page"] or None)
        same = (each for each in self._cells if (each.table_id, each.row_id) == (key.table_id, key.row_id))
        boxes = self._boxes(same, row["page"])
        if printed is not None and printed["page"] == row["page"] and (box := box_of(printed)) is not None:
            boxes = [*boxes, box]
        return _union(boxes)

    def of_line(self, line: Sequence[CellKey]) -> tuple[int | None, BoundingBox | None]:
        """Page and part of it on which all cells of a printed line are, or ought to be.

        That is the table on the page where most of them were found. Where none was, it is the table where those before
        them were found, else those after them, with what lies between the table and the edge of the page; or all of
        the page before or behind, where there is no room for what is lost together with them.
        """
        pages = [row["page"] for row in (self._cells[key] for key in line) if row["page"]]
        table_id = line[0].table_id
        if pages:
            most = max(dict.fromkeys(pages), key=pages.count)
            return int(most), self._table(table_id, most)
        keys = list(self._cells)
        start = keys.index(line[0])
        before = next((key for key in reversed(keys[:start]) if self._cells[key]["page"]), None)
        after = next((key for key in keys[start:] if self._cells[key]["page"]), None)
        beside = [key for key in (before, after) if key is not None]
        nearest = next((key for key in beside if key.table_id == table_id), beside[0] if beside else None)
        if nearest is None:
            return None, None
        page = int(self._cells[nearest]["page"])
        if not self._has_room(nearest, before, after):
            step = 1 if nearest == before else -1
            last = page if after is None else int(self._cells[after]["page"])
            if 0 < page + step <= last:
                return page + step, EVERYWHERE
        shown = self._table(nearest.table_id, str(page))
        if shown is None or nearest.table_id != table_id:  # all of the table is lost: it may stand anywhere
            return page, EVERYWHERE
        on_page = [key for key in beside if (key.table_id, self._cells[key]["page"]) == (table_id, str(page))]
        top = shown.y0 if before in on_page else 0.0
        return page, replace(shown, y0=top, y1=shown.y1 if after in on_page else math.inf)

    def _has_room(self, nearest: CellKey, before: CellKey | None, after: CellKey | None) -> bool:
        """Whether the rows that are lost between two cells can be printed on the page of one of them."""
        keys = list(self._cells)
        lost = keys[0 if before is None else keys.index(before) + 1 : len(keys) if after is None else keys.index(after)]
        rows = {(key.table_id, key.row_id) for key in lost if not self._cells[key]["page"]}
        tables = {key.table_id for key in lost} - {nearest.table_id}
        box = box_of(self._cells[nearest])
        if box is None:
            return True
        foot = max(each.y1 for row in self._cells.values() if (each := box_of(row)) is not None)  # of any page
        room = foot - box.y1 if nearest == before else box.y0
        return (len(rows) + _HEADER_LINES * len(tables)) * box.height <= room

    def is_closed_around(self, key: CellKey) -> bool:
        """Whether the rows that the form has above and below a row that was not found touch where they are printed."""
        rows: dict[str, Row] = {}
        for each, row in self._cells.items():
            if each.table_id == key.table_id and (row["page"] or each.row_id == key.row_id):
                rows.setdefault(each.row_id, row)
        names = list(rows)
        place = names.index(key.row_id)
        if rows[key.row_id]["page"] or not 0 < place < len(names) - 1:
            return False
        upper, lower = rows[names[place - 1]], rows[names[place + 1]]
        above, below = box_of(upper), box_of(lower)
        if above is None or below is None or upper["page"] != lower["page"]:
            return False
        line = min(above.height, below.height)
        return -_TOUCHING * line < below.y0 - above.y1 < _TOUCHING * line

    def page_of_table(self, table_id: str) -> int | None:
        """The first page on which a cell of the table was found."""
        pages = (row["page"] for key, row in self._cells.items() if key.table_id == table_id and row["page"])
        first = next(pages, None)
        return None if first is None else int(first)

    def around(self, boxes: Sequence[BoundingBox]) -> BoundingBox | None:
        """What lies between these boxes, over the full width of the page, with the names of columns above it."""
        around = _union(boxes)
        if around is None:
            return None
        header = _HEADER_LINES * sorted(box.height for box in boxes)[len(boxes) // 2]
        # Columns may be lost, and the labels of the rows stand beside the cells.
        return BoundingBox(0.0, max(0.0, around.y0 - header), math.inf, around.y1)

    def _table(self, table_id: str, page: str | None) -> BoundingBox | None:
        """A table on a page, the first where it was found by default."""
        return self.around(self._boxes((each for each in self._cells if each.table_id == table_id), page))

    def _boxes(self, keys: Iterable[CellKey], page: str | None) -> list[BoundingBox]:
        """The boxes of cells on one page: the one given, or the first that has any."""
        found = []
        for row in (self._cells[key] for key in keys):
            box = box_of(row)
            if box is not None and row["page"] == (page := page or row["page"]):
                found.append(box)
        return found


def _union(boxes: Sequence[BoundingBox]) -> BoundingBox | None:
    if not boxes:
        return None
    return BoundingBox(
        min(box.x0 for box in boxes),
        min(box.y0 for box in boxes),
        max(box.x1 for box in boxes),
        max(box.y1 for box in boxes),
    )
