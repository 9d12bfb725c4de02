"""What of a page a person wants to see to answer a question, told from the boxes of a report's cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pipeline.confidence import COLUMN_IN_DOUBT
from pipeline.domain import BoundingBox, CellKey
from pipeline.review.items import Row, asked_by_name, box_of

# Lines of a table that the names of its columns take up, at most.
_HEADER_LINES = 5
# So many pages are shown at most for what may be printed on any of them.
_MOST_PAGES = 4
# Rows touch where less than this share of their height lies between them.
_TOUCHING = 0.5

EVERYWHERE = BoundingBox(0.0, 0.0, math.inf, math.inf)
"""A whole page."""


class Surroundings:
    """The pages of a report as its cells tell of them.

    Args:
        cells: every cell of the report in the order of the form, as its row of ``cells.csv``.
        pages: those that the report is on, as far as they are known.
    """

    def __init__(self, cells: Mapping[CellKey, Row], pages: Sequence[int] = ()) -> None:
        self._cells = cells
        self._pages = sorted({*pages, *(int(row["page"]) for row in cells.values() if row["page"])})

    @property
    def all(self) -> tuple[int, ...]:
        """The pages of the report, the first of them where they are too many to be shown."""
        return tuple(self._pages[:_MOST_PAGES])

    def of_cell(self, key: CellKey, printed: Row | None) -> BoundingBox | None:
        """The printed row of a cell that was found, or its table on that page where it is asked about by name.

        Args:
            printed: its row of ``rows.csv``; None where it has none.
        """
        row = self._cells[key]
        if asked_by_name(row):
            return self._table(key.table_id, row["page"])
        same = (each for each in self._cells if (each.table_id, each.row_id) == (key.table_id, key.row_id))
        boxes = self._boxes(same, row["page"])
        if printed is not None and printed["page"] == row["page"] and (box := box_of(printed)) is not None:
            boxes = [*boxes, box]
        return _union(boxes)

    def of_line(self, line: Sequence[CellKey]) -> tuple[tuple[int, ...], BoundingBox | None]:
        """The pages, and the part of them, on which all cells of a printed line are, or ought to be.

        A row of which nothing was found is looked for on all of the pages from the one where what goes before it was
        found to the one where what comes after it was. Of a single page the table is shown, with what lies between it
        and the edge of the page where all of the line was lost; of several, at most four, all; and all of the page
        where most columns of the line are in doubt, because what was taken for the table may be a part of it.
        """
        rows: dict[str, list[CellKey]] = {}
        for key in line:
            rows.setdefault(key.row_id, []).append(key)
        found = [row["page"] for row in (self._cells[key] for key in line) if row["page"]]
        lost = [keys for keys in rows.values() if not any(self._cells[key]["page"] for key in keys)]
        pages = tuple(sorted({*map(int, found), *(page for keys in lost for page in self._where_lost(keys))}))
        if len(pages) != 1:
            return pages[:_MOST_PAGES], EVERYWHERE if pages else None
        table_id = line[0].table_id
        if found:
            cut_wrongly = sum(COLUMN_IN_DOUBT in self._cells[key]["reasons"] for key in line)
            return pages, EVERYWHERE if 2 * cut_wrongly > len(line) else self._table(table_id, found[0])
        before, after = self._beside(line)
        beside = [key for key in (before, after) if key is not None]
        shown = self._table(table_id, str(pages[0]))
        on_page = [key for key in beside if (key.table_id, self._cells[key]["page"]) == (table_id, str(pages[0]))]
        if shown is None or not on_page:  # all of the table is lost: it may stand anywhere
            return pages, EVERYWHERE
        top = shown.y0 if before in on_page else 0.0
        return pages, replace(shown, y0=top, y1=shown.y1 if after in on_page else math.inf)

    def _beside(self, line: Sequence[CellKey]) -> tuple[CellKey | None, CellKey | None]:
        """The cells that were found last before and first after the beginning of a line."""
        keys = list(self._cells)
        start = keys.index(line[0])
        before = next((key for key in reversed(keys[:start]) if self._cells[key]["page"]), None)
        return before, next((key for key in keys[start:] if self._cells[key]["page"]), None)

    def _where_lost(self, line: Sequence[CellKey]) -> tuple[int, ...]:
        return self._between(*self._beside(line))

    def _between(self, before: CellKey | None, after: CellKey | None) -> tuple[int, ...]:
        """The pages from that of one cell to that of another; those nearest to the first where they are too many."""
        first, last = (None if key is None else int(self._cells[key]["page"]) for key in (before, after))
        if first is not None and last is not None and last < first:  # sheets in another order
            return (first, last)
        pages = [p for p in self._pages if (first is None or p >= first) and (last is None or p <= last)]
        return tuple(pages[:_MOST_PAGES] if first is not None or last is None else pages[-_MOST_PAGES:])

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

    def around(self, boxes: Sequence[BoundingBox]) -> BoundingBox | None:
        """What lies between these boxes, over the full width of the page, with the names of columns above it."""
        around = _union(boxes)
        if around is None:
            return None
        header = _HEADER_LINES * sorted(box.height for box in boxes)[len(boxes) // 2]
        # Columns may be lost, and the labels of the rows stand beside the cells.
        return BoundingBox(0.0, max(0.0, around.y0 - header), math.inf, around.y1)

    def _table(self, table_id: str, page: str) -> BoundingBox | None:
        """A table on a page."""
        return self.around(self._boxes((each for each in self._cells if each.table_id == table_id), page))

    def _boxes(self, keys: Iterable[CellKey], page: str) -> list[BoundingBox]:
        """The boxes of cells on one page."""
        rows = (self._cells[key] for key in keys)
        return [box for row in rows if row["page"] == page and (box := box_of(row)) is not None]


def _union(boxes: Sequence[BoundingBox]) -> BoundingBox | None:
    if not boxes:
        return None
    return BoundingBox(
        min(box.x0 for box in boxes),
        min(box.y0 for box in boxes),
        max(box.x1 for box in boxes),
        max(box.y1 for box in boxes),
    )
