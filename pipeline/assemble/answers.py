"""Rows that a person has placed, and forms: what the person says holds, and the rest is placed accordingly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.assemble.rows import PrintedRow, row_box
from pipeline.domain import BoundingBox, FormSpec, TableReading, TableSpec
from pipeline.labels.alignment import Alignment

_NEVER = -1e3


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What a person says of a printed row: the row of the form it is, or None for none of them.

    ``page`` and ``box`` tell which printed row is meant, on the page as decoded.
    """

    form_id: str
    table_id: str
    row_id: str | None
    page: int
    box: BoundingBox

    def is_about(self, page: int, box: BoundingBox) -> bool:
        """Whether a printed row that lies there is the one that is meant."""
        return page == self.page and same_place(box, self.box)


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """What a person says of a report: the form it is on, None for none, which says that it is no report.

    ``page`` and ``box`` are those of one of its cells; None where none was found.
    """

    form_id: str | None
    page: int | None
    box: BoundingBox | None

    def is_about(self, tables: Iterable[TableReading]) -> bool:
        """Whether the cell that was meant is in these tables."""
        if self.box is None:
            return False
        places = (place for table in tables if table.grid.page == self.page for place in table.places)
        return any(same_place(place, self.box) for place in places)


def answered_rows(
    rows: Sequence[PrintedRow], table: TableSpec, form: FormSpec, answers: Sequence[RowAnswer]
) -> dict[int, int | None]:
    """For the printed rows of a table that answers are about the row of the form, by position."""
    position = {row.id: i for i, row in enumerate(row for block in table.blocks for row in block.rows)}
    found: dict[int, int | None] = {}
    for answer in answers:
        if (answer.form_id, answer.table_id) != (form.id, table.id):
            continue
        # On a slanting page the boxes of rows reach into each other: the one that is most like it is meant.
        likeness = {
            i: _common_share(row_box(row), answer.box)
            for i, row in enumerate(rows)
            if answer.is_about(row.table.reading.grid.page, row_box(row))
        }
        meant = max(likeness, key=lambda i: likeness[i], default=None)
        if meant is None:
            continue
        if answer.row_id is None:
            found[meant] = None
        elif answer.row_id in position:
            found[meant] = position[answer.row_id]
    return found


def weigh_answers(
    scores: NDArray[np.float64], reject: NDArray[np.float64], answered: Mapping[int, int | None]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The scores of an alignment in which answered rows are certain, and others no row that somebody else was given.

    Args:
        scores, reject: as `pipeline.labels.alignment.align` takes them.
    """
    scores, reject = scores.copy(), reject.copy()
    scores[:, [target for target in answered.values() if target is not None]] = _NEVER
    for i, target in answered.items():
        scores[i], reject[i] = _NEVER, _NEVER
        if target is None:
            reject[i] = 0.0
        else:
            scores[i, target] = 0.0
    return scores, reject


def hold_to_answers(alignment: Alignment, answered: Mapping[int, int | None]) -> Alignment:
    """The alignment with the answers kept in any case, even where rows are printed against the order of the form."""
    given = {target for target in answered.values() if target is not None}
    assignment = [answered.get(i, None if target in given else target) for i, target in enumerate(alignment.assignment)]
    probabilities = [1.0 if i in answered else known for i, known in enumerate(alignment.probabilities)]
    return replace(alignment, assignment=tuple(assignment), probabilities=tuple(probabilities))


def same_place(one: BoundingBox, other: BoundingBox) -> bool:
    """Whether two boxes are of one thing: the middle of each lies in the other."""
    return _holds_middle(one, other) and _holds_middle(other, one)


def _common_share(one: BoundingBox, other: BoundingBox) -> float:
    """Area that two boxes have in common, as a share of the area that they cover together."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    common = max(0.0, width) * max(0.0, height)
    return common / max(one.width * one.height + other.width * other.height - common, 1e-9)


def _holds_middle(box: BoundingBox, of: BoundingBox) -> bool:
    return box.x0 <= (of.x0 + of.x1) / 2 < box.x1 and box.y0 <= (of.y0 + of.y1) / 2 < box.y1
