"""Which value cell of a printed row stands in which column of the form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.assemble.rows import ADDED_WITHOUT_LABEL, FLOOR, NAMED, SHARED, PrintedRow, form_rows
from pipeline.domain import Grid, TableSpec
from pipeline.labels.alignment import align

# How sure a column is that had to be found by its place because the row's cells do not match the header's.
_BY_PLACE = 0.9
# So sure it is where the cell stands in the place of this column alone, and nothing is printed beside the columns that
# may stand in one. Of 95 such cells of 323 generated reports that were surely read all hold what their column prints.
_ALONE = 0.96
# A blank that is read so surely is no piece of a figure.
_SURELY_BLANK = 0.9
# That a label stands outside its group is as unlikely as this.
_OTHER_GROUP = 0.05


def place_columns(
    row: PrintedRow, count: int, centres: NDArray[np.float64] | None, units: bool = False
) -> list[tuple[int | None, float]]:
    """For each of ``count`` columns the value cell of the row and how sure that is.

    Columns go by ordinal: grid lines of a data row need not agree with those of its header (two-wide cells of the
    2019 form). Only a row with another number of cells is placed by where its cells lie.

    Args:
        units: whether units stand between the labels and the values; they may have been read as figures.
    """
    counted = cells_by_count(row, count)
    if counted:
        return [(cell, 1.0) for cell in counted]
    values = list(row.values)
    texts = row.table.reading.readings
    filled = _filled(row)
    if centres is None:
        # Strokes that were taken for rules leave blank squares between the figures.
        first = values[1:] if units and len(values) == count + 1 else values[:count]
        likely = filled if len(values) > len(filled) == count else first
        return [(cell, SHARED) for cell in likely] + [(None, 0.0)] * max(0, count - len(likely))
    cells = row.table.reading.grid.cells
    found: list[tuple[int | None, float]] = []
    for centre in centres:
        hit = [c for c in values if cells[c].box.x0 <= centre < cells[c].box.x1]
        found.append((hit[0], _BY_PLACE) if hit else (None, 0.0))
    owners = [cell for cell, _ in found if cell is not None]
    if len(set(owners)) == count and values[-count:] == owners:
        # What stands before the columns is a piece of the label.
        return [(cell, 1.0) for cell in owners]
    unplaced = [cell for cell in filled if cell not in owners]
    if len(set(owners)) == count and unplaced == filled[: len(unplaced)]:
        unplaced = []  # pieces of the label, or of a unit that was read as figures; a blank edge may follow the columns
    spare = [cell for cell in values if cell not in owners and cell not in filled]
    sure = _ALONE if all(texts[cell].probability >= _SURELY_BLANK for cell in spare) else _BY_PLACE
    return [
        (cell, SHARED if unplaced or owners.count(cell) > 1 else sure) if cell is not None else (None, 0.0)
        for cell, _ in found
    ]


def place_strip_columns(
    table: TableSpec, printed: PrintedRow, headers: Sequence[int], classes: Sequence[str]
) -> list[tuple[int | None, float]] | None:
    """For each cell of a strip in which rules were lost the value cell below its label, and how sure that is.

    The labels come in the order of the form, so they are aligned like rows; None where most of them cannot be read.
    """
    position = {name: index for index, name in enumerate(classes)}
    cells, likely = printed.table.reading.grid.cells, printed.table.probabilities
    above = [c for c in headers if cells[c].row + cells[c].row_span == printed.number]
    own = [(row, position[f"column/{table.id}/{column.id}"]) for b, row in form_rows(table) for column in b.columns]
    scores = np.array([[likely[c][k] if c in likely else 0.0 for _, k in own] for c in above]).reshape(-1, len(own))
    meant = scores.max(axis=1, initial=0.0)
    if 2 * int((meant > NAMED).sum()) < len(own):
        return None
    # Each column occurs once in every group: what is not said of one of them says nothing.
    distinct = len({k for _, k in own})
    scores += (1.0 - np.minimum(1.0, meant))[:, None] / distinct
    for heading in headers:
        for row in {row.id: row for row, _ in own}.values():
            group = position[f"header/{table.id}/{row.label}"]
            if heading not in likely or likely[heading][group] <= NAMED:
                continue
            box = cells[heading].box
            below = [box.x0 <= (cells[c].box.x0 + cells[c].box.x1) / 2 < box.x1 for c in above]
            inside = np.array(below)[:, None] == np.array([member is row for member, _ in own])
            scores *= np.where(inside, 1.0, _OTHER_GROUP)
    reject = np.full(len(above), np.log(ADDED_WITHOUT_LABEL / distinct))
    alignment = align(np.log(np.maximum(scores, FLOOR)), reject)
    found: list[tuple[int | None, float]] = [(None, 0.0)] * len(own)
    for c, place, sure in zip(above, alignment.assignment, alignment.probabilities, strict=True):
        centre = (cells[c].box.x0 + cells[c].box.x1) / 2
        hit = [value for value in printed.values if cells[value].box.x0 <= centre < cells[value].box.x1]
        if place is not None and hit:
            found[place] = (hit[0], _BY_PLACE * sure)
    owners = Counter(cell for cell, _ in found if cell is not None)
    return [(cell, min(sure, SHARED) if cell is not None and owners[cell] > 1 else sure) for cell, sure in found]


def cells_by_count(row: PrintedRow, count: int) -> Sequence[int]:
    """The value cells of a row that are its ``count`` columns by their number alone; none where that does not tell."""
    if len(row.values) == count:
        return row.values
    filled = _filled(row)
    # A header cell that was never merged leaves blank squares beside the only figure of the row.
    return filled if len(row.values) > count and len(filled) == count == 1 else ()


def _filled(row: PrintedRow) -> list[int]:
    return [cell for cell in row.values if row.table.reading.readings[cell].text.strip()]


def column_centres(grid: Grid, rows: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Median centre of each column over the cells of rows of a grid, at least one row, shape (columns,)."""
    centres = [[(grid.cells[c].box.x0 + grid.cells[c].box.x1) / 2 for c in row] for row in rows]
    return np.asarray(np.median(np.array(centres), axis=0))


def header_centres(row: PrintedRow, headers: Sequence[int], count: int) -> NDArray[np.float64] | None:
    """Centres of the header cells that stand right above the row, shape (count,); None when their number differs."""
    cells = row.table.reading.grid.cells
    above = [cells[c] for c in headers if cells[c].row + cells[c].row_span == row.number]
    if len(above) != count:
        return None
    return np.array([(cell.box.x0 + cell.box.x1) / 2 for cell in above])
