"""From rules seen between grid squares to rectangular cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALONE, SUPPORTED, COMPLETED = 0.72, 0.5, 0.28
"""How much of a border must be seen when no, one or both neighbours in line with it are there."""
BROKEN_ALONE, BROKEN_SUPPORTED = 0.6, 0.25
"""The same in a table whose rules are broken; there a border between neighbours may be wanting altogether."""
GLIMPSED = 0.1
"""How much of the last border before the frame must be seen: strokes of characters in the row above may look sure."""
SURE = 0.62
"""How much of a border must be seen for it to support its neighbours, and of a line for it to cut a cell in two."""
BROKEN_SHARE = 0.12
"""Share of borders seen in part or lost from which the rules of a table count as broken."""
LOST_SHARE = 0.04
"""The same of borders lost between two that were seen: cells that span columns inside a table are rarer."""
BRIDGED = 3
"""Longest gap, in borders, that is closed in a table whose rules are broken."""
SPARSE, SPARSE_EACH = 0.2, 0.07
"""Mean share seen of borders in a gap of any length that is closed, up to the frame too, and the least of each."""


@dataclass(frozen=True, slots=True)
class Span:
    """A rectangle of grid squares."""

    row: int
    column: int
    row_span: int
    column_span: int

    def squares(self) -> Iterator[tuple[int, int]]:
        """Row and column of every square covered."""
        for row in range(self.row, self.row + self.row_span):
            for column in range(self.column, self.column + self.column_span):
                yield row, column


def present(
    seen: NDArray[np.float64], apart: NDArray[np.bool_], broken: bool, across_text: bool = False
) -> NDArray[np.bool_]:
    """Decide which inner borders along one direction are there.

    Args:
        seen: (lines, intervals), how much of each border was seen, 0 to 1.
        apart: (lines, intervals), whether different texts stand on both sides of it.
        broken: whether the rules of the table are.
        across_text: whether text runs from line to line, so that its strokes do not lie along them.

    A border that stands alone is believed only on much evidence, since strokes of characters look like short rules. One
    that continues on both sides is believed on little, since rules break, and on none in a table of broken rules or
    where it parts two texts; but only if most borders across the same row (or column) are there: a caption that spans
    the row lacks them all.
    """
    there = _believed(seen, apart, seen >= SURE, broken)
    if not broken:
        return there
    # What was believed supports what is next to it; where rules break, gaps follow each other.
    while True:
        more = _bridged(there | _believed(seen, apart, (seen >= SURE) | there, broken), BRIDGED)
        more = _with_sparse(more, seen) if across_text else _with_last(more, seen, apart)
        if (more == there).all():
            return there
        there = more


def _believed(
    seen: NDArray[np.float64], apart: NDArray[np.bool_], sure: NDArray[np.bool_], broken: bool
) -> NDArray[np.bool_]:
    before, after = np.zeros_like(sure), np.zeros_like(sure)
    before[:, 1:], after[:, :-1] = sure[:, :-1], sure[:, 1:]
    count = before.astype(np.intp) + after
    alone, supported = (BROKEN_ALONE, BROKEN_SUPPORTED) if broken else (ALONE, SUPPORTED)
    there: NDArray[np.bool_] = seen >= np.where(count > 0, supported, alone)
    if broken:
        there |= apart & (seen >= BROKEN_SUPPORTED)
    if len(seen) < 4:
        return there
    # After the last interval comes the frame, which is there.
    whole = np.full(seen.shape[1], 2)
    whole[-1] = 1
    least = np.full(seen.shape[1], 0.0 if broken else COMPLETED)
    least[-1] = max(least[-1], GLIMPSED)
    there[1:-1] |= _continued(count >= whole, there)[1:-1] & (seen[1:-1] >= least)
    # Before the first comes the frame as well, but first rows are headers, which span columns: only texts tell.
    whole[0] = 1
    if broken:
        # A caption has no borders inside: the rules of the rows beside it end there.
        bare = np.logical_and.reduce(seen[1:-1] < BROKEN_SUPPORTED)
        whole[1:] -= bare[:-1]
        whole[:-1] -= bare[1:]
    there[1:-1] |= _continued(count >= np.maximum(whole, 1), there)[1:-1] & apart[1:-1]
    return there


def _continued(around: NDArray[np.bool_], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a rule that is there on both sides goes on, (lines, intervals): where most others do, or most other such.

    Not all lines of a table need reach its rows: headers have some of their own.

    Args:
        around: whether the border is there before and after.
        there: whether it is there itself.
    """
    inner = np.zeros_like(around)
    inner[1:-1] = True
    continued = np.zeros_like(around)
    for such in (inner, inner & around):
        others = such.sum(axis=0) - such
        going_on = (such & there).sum(axis=0) - (such & there)
        continued |= inner & around & (others > 0) & (going_on >= 0.5 * others)
    return continued


def _bridged(there: NDArray[np.bool_], widest: int) -> NDArray[np.bool_]:
    """Close gaps of up to ``widest`` borders between two that are there, where most rules beside them go on."""
    bridged = there.copy()
    for width in range(1, widest + 1):
        for first in range(1, there.shape[1] - width):
            gap = slice(first, first + width)
            around = there[:, first - 1] & there[:, first + width]
            closed = _continued(around[:, None], np.logical_and.reduce(there[:, gap], axis=1, keepdims=True))
            bridged[closed[:, 0], gap] = True
    return bridged


def _with_sparse(there: NDArray[np.bool_], seen: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Close gaps of any length, up to the frame too, in which some of every border was seen and most others go on."""
    closed = there.copy()
    others = len(there) - 3
    going_on = there[1:-1].sum(axis=0) >= max(1.0, 0.5 * others)
    for line in range(1, len(there) - 1):
        missing = np.flatnonzero(~there[line])
        if len(missing) == there.shape[1]:
            continue
        for gap in np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1):
            if len(gap) and going_on[gap].all() and seen[line, gap].min() >= SPARSE_EACH:
                closed[line, gap] |= bool(seen[line, gap].mean() >= SPARSE)
    return closed


def _with_last(there: NDArray[np.bool_], seen: NDArray[np.float64], apart: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Let rules between rows run to the frame on the right over up to ``BRIDGED`` borders that part different texts.

    Something of them must be seen. On the left labels of groups stand beside several rows.
    """
    closed = there.copy()
    going_on = there[1:-1].sum(axis=0) >= max(1.0, 0.5 * (len(there) - 3))
    for line in range(1, len(there) - 1):
        last = int(np.flatnonzero(there[line]).max(initial=-1))
        rest = slice(last + 1, None)
        if not 0 <= last < there.shape[1] - 1 <= last + BRIDGED:
            continue
        glimpsed = seen[line, rest].min() >= SPARSE_EACH or seen[line, rest].max() >= SPARSE
        if glimpsed and (apart[line, rest] | (seen[line, rest] >= SPARSE)).all():
            closed[line, rest] |= bool(going_on[rest].all())
    return closed


def is_broken(*directions: NDArray[np.float64]) -> bool:
    """Whether many of the borders that were seen, (lines, intervals) per direction, were seen in part only, or lost.

    All directions together tell, and each alone: rules of one table are worn alike, but a few long ones may hide it.
    """
    counts = [_worn(seen) for seen in directions]
    worn, lost, whole = (sum(each) for each in zip(*counts, strict=True))
    return any(
        (worn >= 4 and worn >= BROKEN_SHARE * (worn + whole)) or (lost >= 4 and lost >= LOST_SHARE * (worn + whole))
        for worn, lost, whole in [*counts, (worn, lost, whole)]
    )


def _worn(seen: NDArray[np.float64]) -> tuple[int, int, int]:
    """How many borders were seen in part or lost, how many of these were lost, and how many were seen whole."""
    lost = int(_isolated(seen).sum())
    return int(((seen > 0.25) & (seen < 0.85)).sum()) + lost, lost, int((seen >= 0.85).sum())


def _isolated(seen: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Inner borders not seen at all between two that were, where most rules beside them go on."""
    sure = seen >= 0.85
    around = np.zeros_like(sure)
    around[:, 1:-1] = sure[:, :-2] & sure[:, 2:]
    return _continued(around, sure) & (seen <= 0.25)


def cells(
    level: NDArray[np.float64],
    upright: NDArray[np.float64],
    level_apart: NDArray[np.bool_],
    upright_apart: NDArray[np.bool_],
) -> tuple[Span, ...]:
    """Merge squares without a border between them into rectangular cells, in reading order; they cover the grid.

    Args:
        level: (rows + 1, columns), evidence for the borders above and below squares, 0 to 1.
        upright: (columns + 1, rows), evidence for the borders left and right of squares, 0 to 1.
        level_apart, upright_apart: whether they part different texts, shaped alike.

    Squares whose union is not a rectangle are cut along the line with the strongest evidence until all parts are. So
    are rectangles in which most of a line was seen: one gap in it, where other rows have a column, joins no cells.
    """
    rows, columns = level.shape[0] - 1, upright.shape[0] - 1
    broken = is_broken(level, upright)
    below = present(level, level_apart, broken)[1:-1]
    beside = present(upright, upright_apart, broken, across_text=True)[1:-1].T
    labels = _connected(rows, columns, below, beside)
    found, first, count = np.unique(labels, return_index=True, return_counts=True)
    # Most cells are one square, of which there is nothing to ask.
    spans = [Span(at // columns, at % columns, 1, 1) for at in first[count == 1].tolist()]
    for label in found[count > 1]:
        spans.extend(_rectangles(labels == label, level, upright))
    return tuple(sorted(spans, key=lambda span: (span.row, span.column)))


def _connected(rows: int, columns: int, below: NDArray[np.bool_], beside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Label squares (rows, columns) so that two without a border between them have the same label."""
    labels = np.arange(rows * columns).reshape(rows, columns)
    while True:
        before = labels.copy()
        if rows > 1:
            low = np.where(below, labels[1:], np.minimum(labels[1:], labels[:-1]))
            labels[1:] = low
            labels[:-1] = np.where(below, labels[:-1], np.minimum(labels[:-1], low))
        if columns > 1:
            low = np.where(beside, labels[:, 1:], np.minimum(labels[:, 1:], labels[:, :-1]))
            labels[:, 1:] = low
            labels[:, :-1] = np.where(beside, labels[:, :-1], np.minimum(labels[:, :-1], low))
        if (labels == before).all():
            return labels


def _rectangles(inside: NDArray[np.bool_], level: NDArray[np.float64], upright: NDArray[np.float64]) -> Iterator[Span]:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    cuts = [(_across(inside, level, at), 0, at) for at in range(top + 1, bottom + 1)]
    cuts += [(_across(inside.T, upright, at), 1, at) for at in range(left + 1, right + 1)]
    best = max(cuts, default=None)
    if inside[top : bottom + 1, left : right + 1].all() and (best is None or best[0] < SURE):
        yield Span(int(top), int(left), int(bottom - top + 1), int(right - left + 1))
        return
    assert best is not None  # a part of one square is a rectangle
    _, axis, at = best
    for keep in (slice(None, at), slice(at, None)):
        part = np.zeros_like(inside)
        where = (keep, slice(None)) if axis == 0 else (slice(None), keep)
        part[where] = inside[where]
        yield from _split(part, level, upright)


def _split(part: NDArray[np.bool_], level: NDArray[np.float64], upright: NDArray[np.float64]) -> Iterator[Span]:
    """Rectangles of squares that a cut may have parted into several pieces."""
    labels = _connected(
        part.shape[0],
        part.shape[1],
        ~(part[1:] & part[:-1]),
        ~(part[:, 1:] & part[:, :-1]),
    )
    for label in np.unique(labels[part]):
        yield from _rectangles((labels == label) & part, level, upright)


def _across(inside: NDArray[np.bool_], seen: NDArray[np.float64], at: int) -> float:
    """Mean evidence along line ``at`` where it runs between squares of the part; a cut beside a notch is preferred."""
    both = inside[at - 1] & inside[at]
    if not both.any():
        return 2.0
    notch = (inside[at - 1] != inside[at]).any()
    return float(seen[at][both].mean()) + (0.2 if notch else 0.0)
