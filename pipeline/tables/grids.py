"""From a clean page to its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import BoundingBox, CleanPage, Grid, GridCell, Pixels
from pipeline.geometry import bounding, chain, corners, transposed
from pipeline.tables import whitespace
from pipeline.tables.borders import INK, Borders, apart, measure
from pipeline.tables.flatten import Flattened, flatten
from pipeline.tables.grouping import TOUCH, RuleGroup, group, is_dotted, usual_dash
from pipeline.tables.rulings import Sight, darkness, ink, join, scaled, sights, trace, without_characters
from pipeline.tables.shading import without_screens
from pipeline.tables.squares import Span, cells, is_broken

TABLE_POINTS = 9.0
"""Usual size of characters in tables (小五号), in points."""
SHORTEST_LEVEL, SHORTEST_UPRIGHT = 2.2, 1.1
"""Shortest rules that are followed, in text heights: a level one crosses a column, an upright one a row."""
GAP_LEVEL, GAP_UPRIGHT = 3.0, 1.4
"""Widest gap in a broken rule, in text heights; above and below each other tables may stand as close as two rows."""
SAME_LINE = 0.32
"""Rules closer than this, in text heights, are one grid line: double rules, and columns that nearly agree."""
SURE_LEVEL, SURE_UPRIGHT = 5.0, 3.2
"""Rules at least this long, in text heights, are no strokes of characters."""
PLACED_LEVEL, PLACED_UPRIGHT = 2.5, 1.6
"""Rules at least this long, in text heights, tell where their grid line lies: strokes of characters do not."""
LEAST_CELL = 0.75
"""Least width or height of a cell, in text heights."""
BEYOND = 0.8
"""By how much rules must reach beyond the outermost crossing one, in text heights, to tell of an open side."""
AGREEING = 0.5
"""How far their ends may lie apart, in text heights."""
OPEN_SHARE = 0.2
"""Least share of the rules at the outermost line that reach an open side; where a label spans many rows few do."""
FRAME = 2
"""Rules each way of a mere frame."""
UNCROSSED = 0.04
"""Share of a border at which other ink may stand beside it, where nothing touches it."""
PIECE = 0.1
"""Least share seen of a border where a stroke lies on its line."""
WHOLE = 0.97
"""Share seen of a border from which it counts as seen from end to end."""
REACHING, REACHING_TWICE = 0.55, 0.45
"""Share seen of a border from which a line reaches from stop to stop: of one alone, and of each of two in line."""
PIECES, STROKES = 3, 5
"""So many pieces of strokes may lie along a line, and so many more for each border beside which nothing stands."""
FAINT_SHARE, STANDING_OUT = 0.15, 4.0
"""Least share of the width of a table at which a rule between rows shows ink, also relative to what is usual around."""
OUTER = 0.9
"""How much the outermost line counts beside the next one where they are too close for a cell between them."""
FAR_MORE = 2
"""So many times as many cells must show in the alignment of text as by rules that no glance saw."""
MOST_INK = 0.25
"""Share of ink beyond which what looks like columns of text is a photograph."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Gauge:
    """Measures the borders along x of a straightened picture, or of the transposed one those along y.

    Attributes:
        dark, inked: as ``measure`` wants them.
        size: height of characters in tables, in pixels.
        dash: length of the dashes of dotted rules, in pixels; None where they are not dotted.
        across_text: whether text runs from line to line, as it does in the transposed picture.
    """

    dark: Pixels
    inked: Pixels
    size: float
    dash: float | None
    across_text: bool

    def measure(self, lines: Array, stops: Array) -> Borders:
        """The borders on lines between stops."""
        return measure(self.dark, self.inked, lines, stops, self.size, self.dash, self.across_text)

    def apart(self, lines: Array, stops: Array, seen: Array) -> NDArray[np.bool_]:
        """Whether they part different texts."""
        return apart(self.inked, lines, stops, self.size, seen)


def find_grids(page: CleanPage, ruled: bool = True) -> tuple[Grid, ...]:
    """The tables of a page, top to bottom, those side by side from left to right.

    Where no rules show a table, the alignment of text may, or more of it: ``ruled`` tells whether a glance saw rules.
    """
    size = _table_text(page)
    page = replace(page, pixels=without_screens(page.pixels, size))
    inked = ink(page.pixels)
    bare = without_characters(page.pixels, inked, size)
    sight, groups = _tables(bare, inked, size)
    made = [(each.box, grid) for each in groups if (grid := _grid(page, each, size, sight)) is not None]
    made = [each for each in made if not _is_frame(each, made)]
    # Strokes of characters may look like a table inside the cell of one.
    outermost = [grid for box, grid in made if not any(_lies_in(box, other) for other, _ in made if other is not box)]
    if outermost and ruled:
        return tuple(_in_reading_order(page, outermost))
    aligned = whitespace.find_grids(page, dots=bool(outermost))
    aligned = tuple(grid for grid in aligned if ink(grid.pixels).mean() <= MOST_INK)
    if _count_cells(outermost) * FAR_MORE >= _count_cells(aligned):
        return tuple(_in_reading_order(page, outermost))
    return aligned


def _count_cells(grids: Sequence[Grid]) -> int:
    return sum(len(grid.cells) for grid in grids)


def _is_frame(one: tuple[BoundingBox, Grid], made: Sequence[tuple[BoundingBox, Grid]]) -> bool:
    """Whether a grid is but what is around others, as the edges of a sheet on a desk are: they have more cells."""
    box, grid = one
    inner = [other for place, other in made if place is not box and _lies_in(place, box)]
    return _count_cells(inner) > len(grid.cells)


def _lies_in(inner: BoundingBox, outer: BoundingBox) -> bool:
    return outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1


def _tables(bare: Pixels, inked: Pixels, size: float) -> tuple[Sight, list[RuleGroup]]:
    """How the rules are looked at, and the rules that hang together.

    Where the page's own rules make a table, much fainter ones are those of its back. A framed photograph is no table:
    beside it the only table may be a faint one.
    """
    every, own, thin = sights(bare, inked, size)
    turned = transposed(bare), transposed(inked)
    if own != every:
        groups = _groups(scaled(thin, own.full), inked, turned, size, own)
        if any(min(len(found.levels), len(found.uprights)) > FRAME for found in groups):
            return own, groups
    return every, _groups(scaled(thin, every.full), inked, turned, size, every)


def _table_text(page: CleanPage) -> float:
    """Height of characters in tables, in pixels: as the page's, but no larger than tables are set in."""
    largest = TABLE_POINTS / 72.0 * page.dpi
    return min(max(page.text_height, 0.75 * largest), largest)


def _groups(dark: Pixels, inked: Pixels, turned: tuple[Pixels, Pixels], size: float, sight: Sight) -> list[RuleGroup]:
    """Rules that hang together.

    Args:
        dark, inked: darkness and ink of the page.
        turned: the page without characters and its ink, transposed.
    """
    levels = join(trace(dark, inked, size, SHORTEST_LEVEL * size), size, GAP_LEVEL * size)
    if not levels:
        return []
    bare, inked = turned
    uprights = trace(darkness(bare, size, sight), inked, size, SHORTEST_UPRIGHT * size)
    return group(levels, join(uprights, size, GAP_UPRIGHT * size), size)


def _grid(page: CleanPage, found: RuleGroup, size: float, sight: Sight) -> Grid | None:
    flat = flatten(page.pixels, found, size)
    dotted = is_dotted(found.levels) or is_dotted(found.uprights)
    dashes = (usual_dash(found.levels), usual_dash(found.uprights)) if dotted else None
    structure = _structure(flat, size, sight, dashes)
    if structure is None:
        return None
    rows, columns, printed = structure
    to_page = chain(flat.to_parent, page.to_page)
    extent = BoundingBox(
        min(cell.box.x0 for cell in printed),
        min(cell.box.y0 for cell in printed),
        max(cell.box.x1 for cell in printed),
        max(cell.box.y1 for cell in printed),
    )
    return Grid(
        page=page.number,
        rows=rows,
        columns=columns,
        cells=printed,
        pixels=flat.pixels,
        to_page=to_page,
        box=bounding(to_page.to_parent(corners(extent))),
    )


def _structure(
    flat: Flattened, size: float, sight: Sight, dashes: tuple[float, float] | None
) -> tuple[int, int, tuple[GridCell, ...]] | None:
    """Rows, columns and cells of a straightened table, or None if it is none.

    ``dashes`` are the lengths of those of dotted rules, level and upright, in pixels; None where rules are not dotted.
    """
    inked = ink(flat.pixels)
    bare = _with_crossings(without_characters(flat.pixels, inked, size), flat, size)
    turned = transposed(bare)
    inked_turned = transposed(inked)
    dark, dark_turned = darkness(bare, size, sight), darkness(turned, size, sight)
    dash, dash_turned = dashes or (None, None)
    level = _Gauge(dark, inked, size, dash, across_text=False)
    upright = _Gauge(dark_turned, inked_turned, size, dash_turned, across_text=True)
    ys, xs = _lines(flat.levels, PLACED_LEVEL * size, size), _lines(flat.uprights, PLACED_UPRIGHT * size, size)
    if len(ys) < 1 or len(xs) < 1:
        return None
    open_y = _open_sides(ys, flat.levels, SURE_LEVEL * size, flat.uprights, PLACED_UPRIGHT * size, size)
    open_x = _open_sides(xs, flat.uprights, SURE_UPRIGHT * size, flat.levels, PLACED_LEVEL * size, size)
    ys, xs = _with_open(ys, open_y, size), _with_open(xs, open_x, size)
    ys, xs, broken = _without_strokes(ys, xs, flat, size, level, upright)
    faint = _faint_lines(ys, xs, level) if broken or dashes else np.empty(0)
    ys = np.union1d(ys, faint)
    facing = _facing(ys, xs, flat, size)
    while True:
        if len(ys) < 2 or len(xs) < 2:
            return None
        levels = level.measure(ys, xs)
        uprights = upright.measure(xs, ys)
        keep_y = _worth_keeping(levels, np.diff(xs), SURE_LEVEL * size) & _uncrowded(ys, levels.seen, np.diff(xs), size)
        keep_x = _worth_keeping(uprights, np.diff(ys), SURE_UPRIGHT * size) & _uncrowded(
            xs, uprights.seen, np.diff(ys), size
        )
        keep_y, keep_x = keep_y | np.isin(ys, [*open_y, *faint, *facing]), keep_x | np.isin(xs, open_x)
        if not (keep_y.all() and keep_x.all()):
            ys, xs = ys[keep_y], xs[keep_x]
            continue
        parted = level.apart(ys, xs, levels.seen)
        sure = parted & np.isin(ys, faint)[:, None]
        spans = cells(
            _framed(np.where(sure, 1.0, _relative(levels.seen))),
            _framed(_relative(uprights.seen)),
            parted,
            upright.apart(xs, ys, uprights.seen),
        )
        keep_y = _used(len(ys), [(span.row, span.row + span.row_span) for span in spans])
        keep_x = _used(len(xs), [(span.column, span.column + span.column_span) for span in spans])
        if keep_y.all() and keep_x.all():
            break
        ys, xs = ys[keep_y], xs[keep_x]
    if len(spans) < 2:
        return None
    along, down = (_Sides(*(each.tolist() for each in (one.seen, one.low, one.high))) for one in (levels, uprights))
    return len(ys) - 1, len(xs) - 1, tuple(_cell(span, along, down, flat.pixels.shape) for span in spans)


def _with_crossings(bare: Pixels, flat: Flattened, size: float) -> Pixels:
    """Put back what looks like a character where long rules cross: the dashes of two rules that touch."""
    reach = round(LEAST_CELL * size)
    for y in flat.levels[flat.levels[:, 3] >= SURE_LEVEL * size, 0]:
        for x in flat.uprights[flat.uprights[:, 3] >= SURE_UPRIGHT * size, 0]:
            around = (
                slice(max(0, round(y) - reach), max(0, round(y) + reach)),
                slice(max(0, round(x) - reach), max(0, round(x) + reach)),
            )
            bare[around] = flat.pixels[around]
    return bare


def _without_strokes(
    ys: Array, xs: Array, flat: Flattened, size: float, level: _Gauge, upright: _Gauge
) -> tuple[Array, Array, bool]:
    """Leave out lines of short rules that nowhere reach from one sure crossing line to the next, as strokes do not.

    Also tells whether the rules of the table are broken.
    """
    sure_y = _sure(ys, flat.levels, SURE_LEVEL * size, size)
    sure_x = _sure(xs, flat.uprights, SURE_UPRIGHT * size, size)
    if sure_y.sum() < 2 or sure_x.sum() < 2:
        return ys, xs, False
    seen_y, seen_x = level.measure(ys, xs[sure_x]).seen, upright.measure(xs, ys[sure_y]).seen
    parted_y = parted_x = None
    broken = is_broken(seen_y, seen_x)
    if broken:
        parted_y, parted_x = level.apart(ys, xs[sure_x], seen_y), upright.apart(xs, ys[sure_y], seen_x)
    keep_y, keep_x = _reaching(ys, sure_y, seen_y, size, parted_y), _reaching(xs, sure_x, seen_x, size, parted_x)
    return ys[sure_y | keep_y], xs[sure_x | keep_x], broken


def _faint_lines(ys: Array, xs: Array, level: _Gauge) -> Array:
    """Heights of rules between rows of which such short pieces are left that none was followed.

    All pieces together stand out from what else lies between two lines, and different texts stand above and below.
    """
    if len(ys) < 2 or len(xs) < 2:
        return np.empty(0)
    # A side that was cut off by the end of the page lies beyond it.
    left, right = max(0, round(float(xs[0]))), max(1, round(float(xs[-1])))
    if left >= min(right, level.dark.shape[1]):
        return np.empty(0)
    thick = cv2.dilate((level.dark[:, left:right] > INK).astype(np.uint8), np.ones((3, 1), np.uint8))
    share = thick.mean(axis=1)
    near = round(LEAST_CELL * level.size)
    highest = cv2.dilate(share, np.ones((2 * near + 1, 1), np.uint8))[:, 0]
    found: list[float] = []
    for y in np.flatnonzero((share == highest) & (share >= FAINT_SHARE)).tolist():
        around = share[max(0, y - 2 * near) : y + 2 * near + 1]
        standing_out = share[y] >= STANDING_OUT * max(float(np.median(around)), 0.01)
        if standing_out and np.abs(np.array([*ys, *found]) - y).min() >= 2 * near:
            found.append(y + 0.5)
    if not found:
        return np.empty(0)
    lines = np.union1d(ys, found)
    parted = level.apart(lines, xs, level.measure(lines, xs).seen)
    return np.asarray(lines[np.isin(lines, found) & (parted.sum(axis=1) >= 2)])


def _reaching(
    lines: Array, sure: NDArray[np.bool_], seen: Array, size: float, parted: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Which lines run from stop to stop somewhere, and leave room for characters between them and sure lines beside.

    Where the rules of the table are broken, two borders in line support each other, and so do texts that the line parts
    here and elsewhere: ``parted`` tells where it does, None where the rules are whole.
    """
    there = seen >= REACHING
    if parted is not None:
        fair = seen >= REACHING_TWICE
        there |= fair & parted & (parted.sum(axis=1, keepdims=True) >= 2)
        twice = fair[:, :-1] & fair[:, 1:]
        there[:, :-1] |= twice
        there[:, 1:] |= twice
    close = (np.abs(lines[:, None] - lines[None, :]) < LEAST_CELL * size) & sure[None, :]
    beside = (there[:, None, :] & there[None, :, :]).any(axis=2)
    return np.asarray(there.any(axis=1) & ~(close & beside).any(axis=1))


def _sure(lines: Array, rules: Array, length: float, size: float) -> NDArray[np.bool_]:
    """Which lines have a long rule; the outermost ones are taken for sure, since the frame is needed in any case."""
    long = rules[rules[:, 3] >= length, 0]
    sure = (np.abs(lines[:, None] - long[None, :]) <= SAME_LINE * size).any(axis=1)
    sure[[0, -1]] = True
    return np.asarray(sure)


def _lines(rules: Array, least: float, size: float) -> Array:
    """Positions of grid lines: rules at nearly the same place are one line.

    It lies in the middle between the outermost rules of at least ``least`` pixels, so that rules of the upper and the
    lower half of a table that nearly agree are both found from there; where there are none, longer ones count for more.
    """
    if not len(rules):
        return np.empty(0)
    ordered = rules[np.argsort(rules[:, 0])]
    groups: list[list[Array]] = [[ordered[0]]]
    for rule in ordered[1:]:
        current = groups[-1]
        mean = np.average([r[0] for r in current], weights=[r[3] for r in current])
        if rule[0] - mean <= SAME_LINE * size and rule[0] - current[0][0] <= 2 * SAME_LINE * size:
            current.append(rule)
        else:
            groups.append([rule])
    return np.array([_position(np.array(one), least) for one in groups])


def _position(rules: Array, least: float) -> float:
    long = rules[rules[:, 3] >= least, 0]
    return float((long.min() + long.max()) / 2 if len(long) else np.average(rules[:, 0], weights=rules[:, 3]))


def _open_sides(lines: Array, rules: Array, sure: float, crossing: Array, placed: float, size: float) -> Array:
    """Outer lines that were not printed, or cut off by the end of the page: where the crossing rules end beyond all.

    Only rules that come to the outermost line have a say: tables of several blocks have many others. Lines whose rules
    are shorter than ``sure`` pixels, and crossing rules shorter than ``placed``, may be strokes of an open row.
    """
    crossing = crossing[crossing[:, 3] >= placed]
    long = rules[rules[:, 3] >= sure, 0]
    known = lines[(np.abs(lines[:, None] - long) <= SAME_LINE * size).any(axis=1)] if len(long) else lines
    if len(known):
        lines = known
    found = []
    for edge, ends, back in (
        (-lines[0], -crossing[:, 1], -crossing[:, 2]),
        (lines[-1], crossing[:, 2], crossing[:, 1]),
    ):
        there = ends[(back <= edge + TOUCH * size) & (ends >= edge - TOUCH * size)]
        beyond = there[there > edge + BEYOND * size]
        if not len(beyond):
            continue
        together = np.abs(beyond[:, None] - beyond) <= AGREEING * size
        most = int(np.argmax(together.sum(axis=1)))
        # One is enough where no other comes there: between two columns without outer sides.
        if together[most].sum() >= max(min(2, len(there)), OPEN_SHARE * len(there)):
            found.append(abs(float(np.median(beyond[together[most]]))))
    return np.array(found)


def _with_open(lines: Array, sides: Array, size: float) -> Array:
    """The lines with open sides in place of those that are but pieces of them, of which too little is seen to stay."""
    pieces = (np.abs(lines[:, None] - sides) <= SAME_LINE * size).any(axis=1)
    return np.union1d(lines[~pieces], sides)


def _worth_keeping(borders: Borders, widths: Array, sure: float) -> NDArray[np.bool_]:
    """Which lines carry a border at all.

    A line with few borders may be strokes of text that happen to stand below each other: then other ink stands beside
    them, and along the rest of the line pieces of many more strokes lie. Borders in line that are seen from end to end
    over a length of ``sure`` pixels, one of them with nothing beside it or figures on one side only, are no strokes,
    whatever lies on their line in other parts of the table.
    """
    seen = borders.seen
    there = seen >= 0.45
    clear = (there & (borders.crossed <= UNCROSSED)).sum(axis=1)
    pieces = ((seen >= PIECE) & (borders.crossed > UNCROSSED)).sum(axis=1)
    rule = np.where((borders.crossed > UNCROSSED) & (seen < 0.85), 0.0, seen)
    long = rule @ widths / widths.sum() >= 0.3
    ruled = [
        _longest_run(row, through, widths) >= sure for row, through in zip(seen >= WHOLE, borders.through, strict=True)
    ]
    return np.asarray(long | np.array(ruled) | (there.any(axis=1) & (pieces <= PIECES + STROKES * clear)))


def _longest_run(whole: NDArray[np.bool_], through: Array, widths: Array) -> float:
    """Length of the longest run of borders that are whole, of which one has nothing on one side."""
    longest = length = 0.0
    clear = False
    for here, beside, width in zip(whole, through, widths, strict=True):
        length, clear = (length + width, clear or beside <= UNCROSSED) if here else (0.0, False)
        longest = max(longest, length if clear else 0.0)
    return longest


def _uncrowded(lines: Array, seen: Array, widths: Array, size: float) -> NDArray[np.bool_]:
    """Which lines leave room for characters between themselves and every better seen line they run beside.

    Strokes of a line of text come in bundles, rules of a table do not. Lines that lie close but run in different parts
    of a table, as those of a header and of the columns below it, are no bundle. Of a double frame the inner rule is the
    one at which cells end.
    """
    there = seen >= 0.45
    strength = seen @ widths
    strength[[0, -1]] *= OUTER
    kept: list[int] = []
    for line in np.argsort(-strength):
        beside = [other for other in kept if abs(lines[other] - lines[line]) < LEAST_CELL * size]
        if not any((there[other] & there[line]).any() for other in beside):
            kept.append(int(line))
    uncrowded = np.zeros(len(lines), dtype=bool)
    uncrowded[kept] = True
    return uncrowded


def _facing(ys: Array, xs: Array, flat: Flattened, size: float) -> Array:
    """Heights of lines too close for a cell between them at which one table ends and another begins.

    Both run from side to side, and of the rules between the sides more end at the upper one than go on below it. Were
    one of them left out, the row beside it would reach to the other, beyond the ends of its own rules.
    """
    if len(xs) < 2:
        return np.empty(0)
    sides, near = (xs[0] + LEAST_CELL * size, xs[-1] - LEAST_CELL * size), SAME_LINE * size
    across = flat.levels[(flat.levels[:, 1] <= sides[0]) & (flat.levels[:, 2] >= sides[1]), 0]
    inner = flat.uprights[(flat.uprights[:, 0] > sides[0]) & (flat.uprights[:, 0] < sides[1])]
    whole = ys[(np.abs(ys[:, None] - across) <= near).any(axis=1)]
    found: list[float] = []
    for upper, lower in pairwise(whole.tolist()):
        if lower - upper >= LEAST_CELL * size or lower == ys[-1]:  # the last may be the outer line of a double frame
            continue
        above = inner[inner[:, 1] < upper - LEAST_CELL * size]
        end, pass_by = np.abs(above[:, 2] - upper) <= TOUCH * size, above[:, 2] > lower + TOUCH * size
        if end.sum() > pass_by.sum():
            found += (upper, lower)
    return np.array(found)


def _relative(seen: Array) -> Array:
    """What was seen of each border relative to what is usual in this table, whose rules may all be broken or faint."""
    there = seen[seen > 0.4]
    usual = float(np.median(there)) if len(there) else 1.0
    return np.minimum(1.0, seen / usual)


def _used(count: int, ends: list[tuple[int, int]]) -> NDArray[np.bool_]:
    """Which grid lines bound a cell somewhere."""
    used = np.zeros(count, dtype=bool)
    used[[line for pair in ends for line in pair]] = True
    return used


def _framed(seen: Array) -> Array:
    """The outermost borders are there, whether printed or not."""
    framed = seen.copy()
    framed[[0, -1]] = 1.0
    return framed


class _Sides(NamedTuple):
    """What of ``Borders`` cells are made of, as lists of lists: of a few numbers Python finds the largest sooner."""

    seen: list[list[float]]
    low: list[list[float]]
    high: list[list[float]]


def _cell(span: Span, levels: _Sides, uprights: _Sides, shape: tuple[int, ...]) -> GridCell:
    """The area inside the ink of all borders of a span."""
    rows, columns = slice(span.row, span.row + span.row_span), slice(span.column, span.column + span.column_span)
    bottom, right = span.row + span.row_span, span.column + span.column_span
    y0, y1 = max(levels.high[span.row][columns]) + 1, min(levels.low[bottom][columns]) - 1
    x0, x1 = max(uprights.high[span.column][rows]) + 1, min(uprights.low[right][rows]) - 1
    x0, y0 = min(max(x0, 0.0), shape[1] - 2.0), min(max(y0, 0.0), shape[0] - 2.0)
    x1, y1 = max(min(x1, float(shape[1])), x0 + 1.0), max(min(y1, float(shape[0])), y0 + 1.0)
    sides = (
        levels.seen[span.row][columns],
        levels.seen[bottom][columns],
        uprights.seen[span.column][rows],
        uprights.seen[right][rows],
    )
    quality = sum(sum(side) / len(side) for side in sides) / len(sides)
    return GridCell(
        span.row, span.column, span.row_span, span.column_span, BoundingBox(x0, y0, x1, y1), quality=quality
    )


def _in_reading_order(page: CleanPage, grids: list[Grid]) -> list[Grid]:
    """Top to bottom as the page is read; tables beside each other on a spread of two pages left page first."""
    if len(grids) < 2:
        return grids
    # The page as decoded may lie on its side or on its head, the clean page does not.
    boxes = {id(grid): bounding(page.to_page.from_parent(corners(grid.box))) for grid in grids}
    middle = (min(box.x0 for box in boxes.values()) + max(box.x1 for box in boxes.values())) / 2
    apart = all(box.x1 <= middle or box.x0 >= middle for box in boxes.values())

    def place(grid: Grid) -> tuple[bool, float, float]:
        box = boxes[id(grid)]
        return apart and box.x0 >= middle, box.y0, box.x0

    return sorted(grids, key=place)
