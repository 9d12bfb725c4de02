"""How much of each border between grid squares was seen on a straightened table, and where exactly its ink lies."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Pixels
from pipeline.tables.grouping import LONGEST_STROKE

INK = 90
"""Darkness (0 to 255) from which a pixel counts as part of a rule."""
THERE = 0.45
"""Share seen of a border from which a side of it ends there."""
UNSUSPECTED = 0.12
"""Share of a border at which ink may stand beside it before it looks like a stroke of text."""
STROKES, STROKE, OF_STROKES = 2, 0.6, 0.4
"""So many columns of ink run through strokes of text that look like a border, of which less than a share is seen.

The last is how much such a border counts.
"""
WHOLE = 0.97
"""Share seen of a border from which it is a rule, whatever stands close to it."""
PAPER, WHOLE_ON_PAPER = 0.25, 0.95
"""Least share of a border with nothing beside it, and share seen of that from which figures stand against a rule."""
CLEARLY, BETWEEN = 0.85, 0.7
"""Share seen of two borders in line from which one between them is no stroke of text, and share seen of that."""
RUNNING_ON = 0.12
"""Least ink at the ends of borders in a row of pixels that belongs to the rule, as a share of that in its best row."""
CLEAR = 0.01
"""Share of ink beside a border up to which nothing reaches across it; specks do not count."""
STROKE_DASHES, STROKE_LENGTH = 2.0, 0.6
"""Least length of strokes of characters on the line of a dotted rule, in dashes and in text heights."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """Borders along one direction; arrays (lines, intervals).

    Attributes:
        seen: share of the border that shows ink, 0 to 1, lowered where the ink stops short of its ends.
        crossed: share of the border at which other ink stands beside it, 0 to 1.
        through: the same on the side where less does: figures stand against one side of a rule, strokes run through.
        low, high: from where to where the ink reaches across the border, in pixels.
    """

    seen: Array
    crossed: Array
    through: Array
    low: Array
    high: Array


def measure(
    dark: Pixels,
    inked: Pixels,
    lines: Array,
    stops: Array,
    text_height: float,
    dash: float | None = None,
    across_text: bool = False,
) -> Borders:
    """Measure the borders along x: on each of ``lines`` (heights) between neighbouring ``stops`` (abscissae).

    Args:
        dark: darkness of the straightened picture, as from ``rulings.darkness``.
        inked: its ink, as from ``rulings.ink``.
        lines: in pixels, ascending.
        stops: in pixels, ascending.
        text_height: of the page, in pixels.
        dash: length of the dashes that the rules are made of, in pixels; None where they are not dotted.
        across_text: whether text runs from line to line, as it does where the picture is transposed.
    """
    usual_reach = max(3, round(0.2 * text_height))
    trim = max(2, round(0.1 * text_height))
    starts = np.minimum(np.round(stops[:-1]).astype(np.intp) + trim, dark.shape[1] - 1)
    ends = np.clip(np.round(stops[1:]).astype(np.intp) - trim, starts + 1, dark.shape[1])
    # A rule belongs to the nearest line, or else lines that nearly agree would both be seen where one rule runs.
    room = np.diff(lines, prepend=-np.inf, append=np.inf)
    widest = np.minimum(room[:-1], room[1:]) / 2 - 1
    reach = np.clip(widest, 1, usual_reach).astype(np.intp)
    most = int(reach.max(initial=1))
    centres = np.round(lines - 0.5).astype(np.intp)
    shifts = np.arange(-most, most + 1)
    own = np.abs(shifts) <= reach[:, None]
    joined = dark
    if dash is not None:
        _, joined = cv2.threshold(dark, INK, 255, cv2.THRESH_BINARY)  # type: ignore[assignment]
        joined = _without_long_strokes(joined, dash, text_height)
        joined = cv2.morphologyEx(joined, cv2.MORPH_CLOSE, np.ones((1, round(0.3 * text_height) | 1), np.uint8))  # type: ignore[assignment]
    ink = joined[_rows(centres, np.arange(-most - 1, most + 2), dark)] > INK
    thick = ink[:, :-2] | ink[:, 1:-1] | ink[:, 2:]
    seen, best = _seen(thick, own, starts, ends, text_height)
    dense = _beside(inked, centres, text_height)
    before, after, beside = (_crossed(each, starts, ends, text_height) for each in (*dense, dense[0] | dense[1]))
    through = np.minimum(before, after)
    doubtful = (beside > UNSUSPECTED) & (through <= UNSUSPECTED) & (seen >= THERE)
    rule = (seen >= WHOLE) | _goes_on(thick, dense, starts, ends, best, doubtful)
    told = seen * np.where(rule, 1.0, np.clip(1.0 - 2.5 * (beside - UNSUSPECTED), 0.0, 1.0))
    seen = np.where(_between(told >= CLEARLY) & (through <= UNSUSPECTED) & (seen >= BETWEEN), seen, told)
    if across_text:
        strokes = (seen < STROKE) & _run_through(inked, centres, starts, ends, text_height)
        seen *= np.where(strokes, OF_STROKES, 1.0)
    low, high = _extent(ink[:, 1:-1], own, starts, ends, best, text_height)
    top = (centres - most)[:, None]
    return Borders(seen, beside, through, low + top, high + top)


def _rows(centres: NDArray[np.intp], offsets: NDArray[np.intp], picture: Pixels) -> NDArray[np.intp]:
    """Numbers of the rows so far from each line, shape (lines, offsets), the outermost again beyond the picture."""
    return np.asarray(np.clip(centres[:, None] + offsets, 0, picture.shape[0] - 1))


def _without_long_strokes(inked: NDArray[np.uint8], dash: float, text_height: float) -> NDArray[np.uint8]:
    """Leave out what is longer along x than the dashes of the rules, but no longer than strokes of characters are.

    Where gaps between dashes are closed, so are those between such a stroke and the rules above and below it.
    """
    least = round(max(STROKE_DASHES * dash, STROKE_LENGTH * text_height))
    most = round(LONGEST_STROKE * text_height)
    if least >= most:
        return inked
    strokes, solid = (cv2.morphologyEx(inked, cv2.MORPH_OPEN, np.ones((1, n), np.uint8)) for n in (least, most))
    return np.where((strokes > 0) & (solid == 0), np.uint8(0), inked)


def apart(inked: Pixels, lines: Array, stops: Array, text_height: float, seen: Array) -> NDArray[np.bool_]:
    """Whether different texts stand on both sides of a border, shape (lines, intervals), with nothing reaching across.

    Text of one cell runs across its middle or leaves one side blank. A side reaches to the next line that has a border
    there: lines of other blocks run through the cells of this one.

    Args:
        inked: ink of the straightened picture, as from ``rulings.ink``.
        lines, stops: as for ``measure``.
        text_height: of the page, in pixels.
        seen: how much of each border was seen, as from ``measure``.
    """
    found = np.zeros((len(lines), len(stops) - 1), dtype=bool)
    near, far = max(2, round(0.12 * text_height)), max(4, round(0.35 * text_height))
    trim = round(0.25 * text_height)
    least = 0.04 * text_height**2
    place = [round(float(line)) for line in lines]
    before, after = (each.tolist() for each in _next_borders(seen >= THERE))
    spans = [slice(start + trim, end - trim) for start, end in pairwise(np.round(stops).astype(int).tolist())]
    for index in range(1, len(lines) - 1):
        centre = place[index]
        beside_it = (slice(max(0, centre - far), centre - near), slice(centre + near, centre + far))
        for interval, along in enumerate(spans):
            sides = (
                (place[before[index][interval]] + trim, centre - near, beside_it[0]),
                (centre + near, place[after[index][interval]] - trim, beside_it[1]),
            )
            found[index, interval] = all(
                last > first
                and cv2.countNonZero(inked[first:last, along]) >= least
                and _share(inked[beside, along]) <= CLEAR
                for first, last, beside in sides
            )
    return found


def _share(inked: Pixels) -> float:
    """Share of a part of a picture that is ink, 1.0 where the part is empty."""
    return cv2.countNonZero(inked) / inked.size if inked.size else 1.0


def _next_borders(there: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each line and interval the nearest line before and after it that is there, the frame being everywhere."""
    before, after = np.zeros(there.shape, np.intp), np.full(there.shape, len(there) - 1, np.intp)
    for line in range(1, len(there)):
        before[line] = np.where(there[line - 1], line - 1, before[line - 1])
        after[-1 - line] = np.where(there[-line], len(there) - line, after[-line])
    return before, after


def _seen(
    ink: NDArray[np.bool_],
    own: NDArray[np.bool_],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    text_height: float,
) -> tuple[Array, NDArray[np.intp]]:
    """Best share of ink over small shifts, and the row of that shift, (lines, intervals).

    Args:
        ink: of the rows around each line, shape (lines, rows, width).
        own: which of these rows may be the line's, shape (lines, rows).
        starts, ends: of the intervals.
    """
    total = _counted(ink)
    share = (total[..., ends] - total[..., starts]) / (ends - starts)
    rows = ink.shape[1]
    # Of shifts that do equally well, the one nearest to the line.
    worth = share - 1e-3 * np.abs(np.arange(rows) - rows // 2)[:, None]
    best = np.where(own[:, :, None], worth, -np.inf).argmax(axis=1)
    line, pick = np.arange(len(ink))[:, None], np.arange(len(starts))
    zone = np.clip(((ends - starts) * 0.18).astype(np.intp), 2, max(3, round(0.4 * text_height)))
    first = (total[line, best, np.minimum(starts + zone, ends)] - total[line, best, starts]) / zone
    last = (total[line, best, ends] - total[line, best, np.maximum(ends - zone, starts)]) / zone
    tips = np.clip((first + last) / 2, 0.0, 1.0)
    whole = share[line, best, pick]
    return whole * (0.45 + 0.55 * np.maximum(tips, np.where(whole > 0.9, 1.0, 0.0))), best


def _beside(inked: Pixels, centres: NDArray[np.intp], text_height: float) -> NDArray[np.bool_]:
    """Where ink stands just above and just below each line, shape (2, lines, width)."""
    near, far = max(3, round(0.2 * text_height)), max(6, round(0.4 * text_height))
    offsets = np.arange(near, far + 1)
    sides = (inked[_rows(centres, side, inked)].sum(axis=1, dtype=np.uint8) for side in (-offsets, offsets))
    return np.array([side / len(offsets) >= 0.6 for side in sides])


def _crossed(dense: NDArray[np.bool_], starts: NDArray[np.intp], ends: NDArray[np.intp], text_height: float) -> Array:
    """Share of each interval at which ink stands just above or below its line: strokes of text, not a rule."""
    total = _counted(dense)
    inset = max(1, round(0.12 * text_height))
    first, last = np.minimum(starts + inset, ends - 1), np.maximum(ends - inset, starts + 1)
    result: Array = np.maximum(0, total[:, last] - total[:, first]) / np.maximum(1, last - first)
    return result


def _between(whole: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which borders lie between two in line that are whole."""
    between = np.zeros_like(whole)
    between[:, 1:-1] = whole[:, :-2] & whole[:, 2:]
    return between


def _goes_on(
    thick: NDArray[np.bool_],
    dense: NDArray[np.bool_],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    best: NDArray[np.intp],
    doubtful: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which of the doubtful borders are seen wherever nothing stands beside them, (lines, intervals).

    Rules are, with figures against one of their sides. Strokes of characters end with the text.

    Args:
        thick: ink of the rows around each line, shape (lines, rows, width).
        dense: as from ``_beside``.
        best: the row of each border.
    """
    going_on = np.zeros_like(doubtful)
    for line, interval in np.argwhere(doubtful).tolist():
        along = slice(starts[interval], ends[interval])
        paper = ~dense[:, line, along].any(axis=0)
        seen = thick[line, best[line, interval], along][paper]
        going_on[line, interval] = paper.mean() >= PAPER and seen.mean() >= WHOLE_ON_PAPER
    return going_on


def _run_through(
    inked: Pixels, centres: NDArray[np.intp], starts: NDArray[np.intp], ends: NDArray[np.intp], text_height: float
) -> NDArray[np.bool_]:
    """Whether strokes run through lines from above to below, (lines, intervals): a text that they would cut."""
    reach = max(3, round(0.25 * text_height))
    total = _counted(np.asarray(inked[_rows(centres, np.arange(-reach, reach + 1), inked)].all(axis=1)))
    inset = round(0.25 * text_height)
    first, last = np.minimum(starts + inset, ends - 1), np.maximum(ends - inset, starts + 1)
    return np.asarray(total[:, np.maximum(first, last)] - total[:, first] >= STROKES)


def _run_on(
    total: NDArray[np.int32],
    own: NDArray[np.bool_],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    best: NDArray[np.intp],
    text_height: float,
) -> NDArray[np.bool_]:
    """Rows whose ink reaches the ends of the intervals, as rules do and figures that stand against one do not.

    Args:
        total: ink of each row up to each column, shape (lines, rows, columns + 1).
        own: which of these rows may be the line's, shape (lines, rows).
        best: the row of each border.
    """
    zone = np.minimum(max(2, round(0.2 * text_height)), (ends - starts + 1) // 2)
    tips = (total[..., starts + zone] - total[..., starts] + total[..., ends] - total[..., ends - zone]).sum(axis=2)
    usual = np.maximum(np.take_along_axis(tips, best, axis=1).max(axis=1, keepdims=True), 1.0)
    reaching = (tips >= RUNNING_ON * usual) & own
    # A rule that is not quite straight lies now in one row and now in the next.
    on = reaching.copy()
    on[:, 1:] |= reaching[:, :-1]
    on[:, :-1] |= reaching[:, 1:]
    return np.asarray(on & own)


def _extent(
    ink: NDArray[np.bool_],
    own: NDArray[np.bool_],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    best: NDArray[np.intp],
    text_height: float,
) -> tuple[Array, Array]:
    """First and last row, plus one, of the ink that runs along each border, double rules as one; (lines, intervals)."""
    total = _counted(ink)
    share = (total[..., ends] - total[..., starts]) / (ends - starts)
    share[~_run_on(total, own, starts, ends, best, text_height)] = 0.0
    gap = max(1, round(0.15 * text_height))
    dark = share > 0.3 * np.maximum(0.35, share.max(axis=1, keepdims=True))
    # Rows of one run follow each other closely; what counts is the run with the dark row nearest to the border's.
    rows = ink.shape[1]
    row = np.arange(rows)[:, None]
    last_dark = np.maximum.accumulate(np.where(dark, row, -gap - 2), axis=1)
    begins = dark.copy()
    begins[:, 1:] &= row[1:] - last_dark[:, :-1] > gap + 1
    run = np.cumsum(begins, axis=1)
    nearest = np.where(dark, np.abs(row - best[:, None]), rows).argmin(axis=1)[:, None]
    chosen = dark & (run == np.take_along_axis(run, nearest, axis=1))
    low, high = chosen.argmax(axis=1), rows - chosen[:, ::-1].argmax(axis=1)
    none = ~dark.any(axis=1)
    return np.where(none, best, low).astype(np.float64), np.where(none, best + 1, high).astype(np.float64)


def _counted(ink: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Ink of each row up to each column, shape (..., columns + 1); as a sum NumPy takes five times as long."""
    upto = cv2.integral(ink.reshape(-1, ink.shape[-1]).view(np.uint8))
    return np.asarray(upto[1:] - upto[:-1], dtype=np.int32).reshape(*ink.shape[:-1], -1)
