"""The courses of many patches at once: where their rules run, where their ink ends, what else runs into them.

A page has hundreds of patches that may be rules, and a call of NumPy costs more than the pixels of one. All arrays of
columns hold those of one patch after those of another. Everything is written for rules along x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Pixels

DARK = 100
"""Darkness (0 to 255) from which a column counts as inked."""
DOUBLE = 0.8
"""Share of a rule's length from which ink beside it is the other line of a double rule, with paper behind it."""
LONGER = 3.5
"""Strokes of a character stand beside each other like double rules, but none is so long, in text heights."""
BESIDE = 0.6
"""Share of the heights right above or below a rule that are ink where something runs into it."""

Patch = tuple[tuple[int, int, int, int], NDArray[np.bool_]]
Floats = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Courses:
    """The courses of n rules.

    Attributes:
        x, y: the knots of all rules, between which they are straight, in pixels.
        knots: first and last knot plus one of each rule, shape (n, 2).
        start, end: first and last column of the picture plus one where ink was seen, shape (n,).
        height: of a rule in the middle of each of its columns.
        inked: whether each column is inked.
        columns: first of the columns of each rule in ``height`` and ``inked``, shape (n,).
    """

    x: Floats
    y: Floats
    knots: Places
    start: Places
    end: Places
    height: Floats
    inked: NDArray[np.bool_]
    columns: Places

    @property
    def length(self) -> Places:
        """Columns of each rule, shape (n,)."""
        return self.end - self.start


def follow(dark: Pixels, sharp: Pixels, patches: Sequence[Patch], text_height: float) -> Courses:
    """Measure the courses of patches: darkest height per step along x, ends where the ink ends.

    Args:
        dark: as from ``rulings.darkness``.
        sharp: what of it, averaged along x, stands out from above and below.
        patches: for each left, top, width and height, and which pixels of that box are of the patch; at least one.
        text_height: of the page, in pixels.

    Patches without ink enough have none.
    """
    left, top, width, height = np.array([box for box, _ in patches], dtype=np.intp).T
    step = max(4, round(0.3 * text_height))
    bins = -(-width // step)
    first_bin = _firsts(bins)
    pixels = np.flatnonzero(np.concatenate([inside.ravel() for _, inside in patches]))
    # What holds for a whole row of a box is told once and repeated for its pixels.
    box, row = np.repeat(np.arange(len(patches)), height), _ranges(np.zeros_like(height), height)
    begin = _firsts(width[box])
    sizes = np.diff(np.searchsorted(pixels, begin), append=len(pixels))
    there = (top[box] + row) * sharp.shape[1] + left[box] - begin
    weight = sharp.ravel()[pixels + np.repeat(there, sizes)].astype(np.float64) ** 2
    place = np.repeat(first_bin[box], sizes) + (pixels - np.repeat(begin, sizes)) // step
    count = int(bins.sum())
    total = np.bincount(place, weight, count)
    moment = np.bincount(place, weight * np.repeat(row + 0.5, sizes), count)
    seen = np.flatnonzero(total > 0)
    owner = np.repeat(np.arange(len(patches)), bins)[seen]
    y = moment[seen] / total[seen] + top[owner]
    x = (seen - first_bin[owner] + 0.5) * step + left[owner]
    knots = np.searchsorted(owner, np.arange(len(patches) + 1))
    knots = np.column_stack([knots[:-1], knots[1:]])
    some = np.flatnonzero(knots[:, 1] - knots[:, 0] >= 2)
    last = knots[some, 1] - 1
    x[last] = np.minimum(x[last], (left + width - 0.5)[some])
    # The average along x reaches beyond the ends of the ink; the ink itself tells where they are.
    columns = _ranges(left[some], width[some])
    middle = _heights(x, y, owner, knots[some], columns, width[some], dark.shape[1])
    path = np.clip(middle.astype(np.intp), 1, dark.shape[0] - 2) * dark.shape[1] + columns
    inked = np.zeros(len(path), dtype=bool)
    for beside in (-1, 0, 1):
        inked |= dark.ravel()[path + beside * dark.shape[1]] > DARK
    begin, end = _ends(inked, width[some], step)
    there = begin < end
    some, begin, end = some[there], begin[there], end[there]
    kept = _ranges(begin, end - begin)
    return Courses(
        x=x,
        y=y,
        knots=knots[some],
        start=columns[begin],
        end=columns[end - 1] + 1,
        height=middle[kept],
        inked=inked[kept],
        columns=_firsts(end - begin),
    )


def chosen(courses: Courses, which: NDArray[np.bool_]) -> Courses:
    """Some of the courses, of whose knots none are left out."""
    columns = _ranges(courses.columns[which], courses.length[which])
    return Courses(
        x=courses.x,
        y=courses.y,
        knots=courses.knots[which],
        start=courses.start[which],
        end=courses.end[which],
        height=courses.height[columns],
        inked=courses.inked[columns],
        columns=_firsts(courses.length[which]),
    )


def crossed(inked: Pixels, courses: Courses, text_height: float) -> Floats:
    """Share of each rule's length at which other ink runs into it from above or below, shape (n,).

    Rules are crossed now and then, by a rule or a character that touches; strokes of a line of text all the time. The
    other line of a double rule runs beside it from end to end and does not count.
    """
    length, first = courses.length, courses.columns
    columns, path = _ranges(courses.start, length), courses.height.astype(np.intp)
    near, far = max(2, round(0.12 * text_height)), max(5, round(0.3 * text_height))
    beyond = far + max(2, round(0.25 * text_height))
    # Beyond the picture its outermost row goes on.
    surface = np.asarray(cv2.copyMakeBorder(inked, beyond, beyond, 0, 0, cv2.BORDER_REPLICATE)).ravel()
    places = (path + beyond) * inked.shape[1] + columns
    beside = np.empty((beyond - near + 1, len(columns)), inked.dtype)
    running = np.zeros(len(columns), dtype=bool)
    for side in (-1, 1):
        for number, distance in enumerate(range(near, beyond + 1)):
            beside[number] = surface[places + side * distance * inked.shape[1]]
        here = beside[: far - near + 1].sum(axis=0, dtype=np.uint8) / (far - near + 1) >= BESIDE
        shares = _sums(beside, first, length) / length
        double = (length >= LONGER * text_height) & _are_double(shares)
        double |= (_sums(here[None], first, length)[0] / length >= DOUBLE) & (shares[-1] <= 1.0 - DOUBLE)
        running |= here & ~np.repeat(double, length)
    return np.asarray(_sums(running[None], first, length)[0] / length)


def _sums(inked: NDArray[np.uint8] | NDArray[np.bool_], first: Places, length: Places) -> Places:
    """Ink of each of several rows on the columns of each rule, shape (rows, n)."""
    upto = cv2.integral(inked.view(np.uint8))
    return np.diff(upto[:, first + length] - upto[:, first], axis=0).astype(np.intp)


def solidity(courses: Courses, gap: int) -> tuple[Floats, Floats, Floats]:
    """Of how much ink each rule is made, and in how long runs; each of shape (n,).

    Args:
        gap: side of the closing that closes small gaps, as between dots and dashes, odd, in pixels.

    Returns:
        The share of its columns that is inked; the same when small gaps are taken for ink; and the length of the run
        of ink in which the middle of all its ink lies when runs are sorted by length, in pixels.
    """
    length, count = courses.length, len(courses.start)
    # Runs of ink and of paper, none of which goes on from one rule to the next.
    begins = np.ones(len(courses.inked), dtype=bool)
    np.not_equal(courses.inked[1:], courses.inked[:-1], out=begins[1:])
    begins[courses.columns] = True
    begin = np.flatnonzero(begins)
    run = np.diff(begin, append=len(begins))
    owner = np.searchsorted(courses.columns, begin, side="right") - 1
    ink = courses.inked[begin]
    # A closing sees no paper beyond the ends of a rule: there it reaches half as far.
    outermost = (begin == courses.columns[owner]) | (begin + run == (courses.columns + length)[owner])
    closed = ink | (run <= np.where(outermost, gap // 2, gap - 1))
    inked, solid = (np.bincount(owner, run * which, count) / length for which in (ink, closed))
    return inked, solid, _middle_runs(run[ink], owner[ink], count)


def _middle_runs(run: Places, owner: Places, count: int) -> Floats:
    """The run in which the middle of all ink lies when runs are sorted, for ``count`` owners of at least one each."""
    order = np.lexsort((run, owner))
    run, owner = run[order], owner[order]
    first = np.searchsorted(owner, np.arange(count))
    total = np.cumsum(run)
    total -= (total - run)[first][owner]
    whole = np.bincount(owner, run, count)
    below = np.bincount(owner, total < 0.5 * whole[owner], count).astype(np.intp)
    return np.asarray(run[first + below], dtype=np.float64)


def _are_double(shares: Floats) -> NDArray[np.bool_]:
    """Whether a line runs beside each rule from end to end, with paper between them and behind it.

    Args:
        shares: of ink along the rules at growing distances from them, shape (distances, n).
    """
    line = shares >= DOUBLE
    paper_before = np.logical_or.accumulate(shares <= 0.5, axis=0)
    double = line.any(axis=0) & paper_before[line.argmax(axis=0), np.arange(shares.shape[1])]
    return np.asarray(double & (shares[-1] <= 1.0 - DOUBLE))


def _heights(x: Floats, y: Floats, owner: Places, knots: Places, columns: Places, width: Places, widest: int) -> Floats:
    """Heights in the middle of columns, ``width`` of them for each rule, kept constant beyond the outermost knots.

    Args:
        x, y, owner: knots and the patch each is of.
        knots: first and last plus one of each rule whose columns they are.
        widest: width of the picture.
    """
    # Rules beside each other, with more than a picture's width for each, are one curve.
    apart = 2 * widest
    first, last = np.repeat(knots[:, 0], width), np.repeat(knots[:, 1] - 1, width)
    inside = np.clip(columns + 0.5, x[first], x[last])
    return np.asarray(np.interp(inside + apart * owner[first], x + apart * owner, y))


def _ends(inked: NDArray[np.bool_], width: Places, step: int) -> tuple[Places, Places]:
    """First column and last plus one, of each rule, around which half of a step is inked; the same where none is."""
    first = _firsts(width)
    until = first + width
    before = np.concatenate([[0], np.cumsum(inked)])
    column = np.arange(len(inked))
    low = np.maximum(column - step // 2, np.repeat(first, width))
    high = np.minimum(column - step // 2 + step, np.repeat(until, width))
    near = np.flatnonzero(before[high] - before[low] >= 0.5 * step)
    lowest, highest = np.searchsorted(near, first), np.searchsorted(near, until)
    there = lowest < highest
    begin, end = first.copy(), first.copy()
    begin[there], end[there] = near[lowest[there]], near[highest[there] - 1] + 1
    return begin, end


def _firsts(sizes: Places) -> Places:
    """Where each of several parts begins that lie one after another, shape (n,)."""
    return np.asarray(np.cumsum(sizes) - sizes)


def _ranges(starts: Places, sizes: Places) -> Places:
    """Numbers from each start on, so many of each, one after another."""
    return np.arange(int(sizes.sum())) + np.repeat(starts - _firsts(sizes), sizes)
