"""Tables without rules: rows and columns from the alignment of figures and words alone.

A line of figures is the surest sign of a row: figures stand in the middle of their rows, labels wrap around that
height. Columns are where figures of several rows stand above each other; what stands above them in words is their
header. Which label lines belong to which row, and which rows a group label covers, follows from both being centred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import BoundingBox, CleanPage, Grid, GridCell, Pixels
from pipeline.geometry import affine, bounding, chain, corners, translation
from pipeline.tables.flatten import Flattened, flatten
from pipeline.tables.grouping import RuleGroup
from pipeline.tables.rulings import Ruling, ink

REDUCED = 12.0
"""Height of the usual table character, in pixels, on the reduced picture that is searched."""
TABLE_POINTS = 9.0
"""Usual size of characters in tables (小五号), in points."""
QUALITY = 0.4
"""Quality of cells whose rules were not seen."""
NARRATIVE = 0.62
"""Share of the width of all text from which an unbroken line is taken for narrative."""
SAME_LINE = 0.32
"""Distance of centres, in heights of characters, up to which pieces of text stand on one line."""
APART = 0.8
"""White, in heights of characters, around a figure that stands in a column of its own."""
NUMBERED = 1.7
"""Largest white, in heights of characters, between the number of a label and its words."""
FIGURE = 0.9
"""Height of figures relative to that of Chinese characters, at most."""
WRAPPED = 1.8
"""Largest distance of lines, in heights of characters, inside one cell."""
CLEAR = 0.9
"""Words at least this far above or below figures, in heights of characters, do not belong to their row."""
BREAK = 3.4
"""White between lines, in heights of characters, that ends a table."""
LEVEL = 0.25
"""Smaller slopes of lines, in degrees, are left to the straightening of the table."""
STEEPEST = 12.0
"""Largest slope of lines that is looked for, in degrees."""
ALIKE = 0.45
"""Least share of figures that are of the commonest height, within an eighth."""
DASH = 0.45
"""Marks lower than this, in heights of characters, are dashes."""
FEWEST = 3
"""Fewest rows of figures that make a table."""
WIDE = 10
"""Lines with so many figures do not share a table with lines of fewer."""
STRIP = 6
"""So many figures on a single line make a table, too."""
ALONE_WRAPPED = 1.45
"""The same inside a label without figures, which nothing else holds together."""
GROUPED = 0.3
"""Least share of labels that begin beside group labels where there are any."""
LOST, ALONE = 0.6, 0.8
"""Cost of a row without a label and of a label without figures, against labels off the middle by their height."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters: its box in pixels of the reduced picture.

    ``lead`` is the height of its first character; ``core`` that of most, brackets and the like left out; ``first``
    is the width of what hangs together where it begins.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    lead: float
    core: float
    first: float

    @property
    def x(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def y(self) -> float:
        return (self.y0 + self.y1) / 2

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0


@dataclass(frozen=True, slots=True)
class Line:
    """Figures side by side: the height of their line and what stands on it."""

    y: float
    figures: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of figures under one header.

    Attributes:
        captions: lines above the header that span the table.
        header: pieces of the header above the value columns.
        lines: the lines of figures.
    """

    captions: tuple[Piece, ...]
    header: tuple[Piece, ...]
    lines: tuple[Line, ...]


@dataclass(slots=True)
class Band:
    """One printed row.

    Attributes:
        y: height of its figures; y0, y1: from where to where its content reaches.
        cells: (x0, x1) of its value cells, or of the caption that spans the table.
        start: where its label begins, which may reach over several columns of labels.
        caption: whether it spans the table.
    """

    y: float
    y0: float
    y1: float
    cells: tuple[tuple[float, float], ...]
    start: float
    caption: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A table in pixels of the reduced picture: edges of its squares and (row, column, row span, column span)."""

    xs: Array
    ys: Array
    cells: tuple[tuple[int, int, int, int], ...]


def find_grids(page: CleanPage, taken: Sequence[Grid] = ()) -> tuple[Grid, ...]:
    """Tables that show in the alignment of text alone, top to bottom, outside the tables already found.

    Edges of cells lie in the white between pieces of text; their quality is low, so that nothing is accepted on the
    word of a table whose rules were not seen.
    """
    usual = TABLE_POINTS / 72.0 * page.dpi
    scale = REDUCED / min(max(page.text_height, 0.75 * usual), usual)
    picture = _without(page, taken)
    inked = _ink(picture, scale)
    pieces = _pieces(inked)
    zone = _tabular(pieces)
    if zone is None:
        return ()
    angle = _slope(inked)
    if abs(angle) > LEVEL:
        picture, page = _levelled(picture, page, angle)
        pieces = _pieces(_ink(picture, scale))
        zone = _tabular(pieces)
        if zone is None:
            return ()
    flat = flatten(picture, _alignment(pieces, zone, scale), REDUCED / scale)
    layouts = _layouts(_pieces(_ink(flat.pixels, scale)))
    return tuple(_grid(page, flat, layout, scale) for layout in layouts)


# --------------------------------------------------------------------------- pieces of text


def _without(page: CleanPage, taken: Sequence[Grid]) -> Pixels:
    """The page with white in place of the tables already found."""
    if not taken:
        return page.pixels
    picture = page.pixels.copy()
    for grid in taken:
        box = BoundingBox(0.0, 0.0, float(grid.pixels.shape[1]), float(grid.pixels.shape[0]))
        outline = page.to_page.from_parent(grid.to_page.to_parent(corners(box)))
        cv2.fillPoly(picture, [np.round(outline).astype(np.int32)], (250,))
    return picture


def _ink(picture: Pixels, scale: float) -> Pixels:
    """Ink of the reduced picture without what is left of rules."""
    small: Pixels = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    inked = ink(small)
    length = round(3.0 * REDUCED)
    rules = cv2.bitwise_or(
        cv2.morphologyEx(inked, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)),
        cv2.morphologyEx(inked, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8)),
    )
    inked[cv2.dilate(rules, np.ones((3, 3), np.uint8)) > 0] = 0
    return inked


def _pieces(inked: Pixels) -> list[Piece]:
    """Runs of characters, specks left out, the strokes of one character put together."""
    joined = cv2.morphologyEx(inked, cv2.MORPH_CLOSE, np.ones((1, round(0.58 * REDUCED) | 1), np.uint8))
    joined = cv2.morphologyEx(joined, cv2.MORPH_CLOSE, np.ones((3, 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    boxes = stats[1:, :4].astype(np.float64)
    boxes[:, 2:] += boxes[:, :2]
    size = boxes[:, 2:] - boxes[:, :2]
    boxes = boxes[(size.max(axis=1) >= 0.28 * REDUCED) & (size[:, 1] <= 4.0 * REDUCED)]
    found = []
    for box in _whole(boxes):
        x0, y0, x1, y1 = map(float, box)
        found.append(Piece(x0, y0, x1, y1, *_heights(inked, box)))
    return found


def _whole(boxes: Array) -> Array:
    """Boxes with low ones merged into what they stand close above or below."""
    order = np.argsort(boxes[:, 3] - boxes[:, 1])
    boxes = boxes[order]
    kept = np.ones(len(boxes), dtype=bool)
    for index in np.flatnonzero(boxes[:, 3] - boxes[:, 1] < 0.65 * REDUCED):
        x0, y0, x1, y1 = boxes[index]
        shared = np.minimum(boxes[:, 2], x1) - np.maximum(boxes[:, 0], x0)
        gap = np.maximum(boxes[:, 1], y0) - np.minimum(boxes[:, 3], y1)
        union = np.maximum(boxes[:, 3], y1) - np.minimum(boxes[:, 1], y0)
        near = (shared > 0.5 * (x1 - x0)) & (gap <= 0.2 * REDUCED) & (union <= 1.35 * REDUCED) & kept
        near[index] = False
        if near.any():
            other = int(np.flatnonzero(near)[np.argmin(gap[near])])
            boxes[other, :2] = np.minimum(boxes[other, :2], (x0, y0))
            boxes[other, 2:] = np.maximum(boxes[other, 2:], (x1, y1))
            kept[index] = False
    return boxes[kept]


def _heights(inked: Pixels, box: Array) -> tuple[float, float, float]:
    """Height of the first character, which tells figures from Chinese characters, and of the body of the line."""
    x0, y0, x1, y1 = box.astype(int)
    window = inked[y0:y1, x0:x1]
    first = np.flatnonzero(window[:, : round(0.9 * REDUCED)].any(axis=1))
    profile = np.count_nonzero(window, axis=1)
    body = np.count_nonzero(profile >= 0.25 * profile.mean())
    white = np.flatnonzero(~window[:, 1:].any(axis=0))
    width = white[0] + 1 if len(white) else window.shape[1]
    return float(first[-1] - first[0] + 1) if len(first) else 0.0, float(body), float(width)


def _character(pieces: Sequence[Piece], default: float = REDUCED) -> float:
    """Height of the characters of labels: the median of words with something short well beside them."""
    boxes = np.array([(p.x0, p.x1, p.y, p.height) for p in pieces]).reshape(-1, 4)
    width = boxes[:, 1] - boxes[:, 0]
    short = boxes[width < 3.2 * REDUCED]
    heights = []
    for x0, x1, y, height in boxes[width > 1.6 * boxes[:, 3]]:
        gap = np.maximum(short[:, 0] - x1, x0 - short[:, 1])
        if ((np.abs(short[:, 2] - y) < 0.5 * height) & (gap > height)).any():
            heights.append(height)
    words = boxes[width > 1.4 * boxes[:, 3], 3]
    for sample in (heights, words):
        high = [height for height in sample if height > 0.6 * REDUCED]
        if len(high) > FEWEST:
            return float(np.median(high))
    return default


def _is_figure(piece: Piece, unit: float) -> bool:
    """Whether a piece begins with a digit or is a mark: lower than Chinese characters, or narrow."""
    low = piece.lead <= (FIGURE * unit + 0.5 if piece.first <= 0.72 * unit else 0.8 * unit)
    low = low and piece.lead >= 0.35 * unit and piece.width <= 7.0 * unit
    slash = piece.width <= 0.5 * unit and piece.height <= 1.2 * unit
    dash = piece.height <= 0.3 * unit and piece.width <= 2.5 * unit
    return low or slash or dash


def _figures(pieces: Sequence[Piece], unit: float) -> list[Piece]:
    """Figures that stand alone: nothing beside them on their line for the width of a column's white.

    Words that follow at little more than that make a figure the number of a label.
    """
    if not pieces:
        return []
    boxes = np.array([(p.x0, p.x1, p.y) for p in pieces])
    like = np.array([_is_figure(p, unit) for p in pieces])
    wordy = ~like & (boxes[:, 1] - boxes[:, 0] > 1.5 * unit)
    found = []
    for index in np.flatnonzero(like).tolist():
        piece = pieces[index]
        beside = np.abs(boxes[:, 2] - piece.y) < 0.6 * unit
        gap = np.maximum(boxes[:, 0] - piece.x1, piece.x0 - boxes[:, 1])
        numbers = beside & wordy & (boxes[:, 0] > piece.x1) & (gap < NUMBERED * unit)
        if np.count_nonzero(beside & (gap < APART * unit)) == 1 and not numbers.any():
            found.append(piece)
    return found


def _alike(sizes: Sequence[float], share: float) -> bool:
    """Whether sizes are much the same, as those of digits or dashes are and those of the grain of a desk are not."""
    if len(sizes) < FEWEST:
        return False
    like = np.abs(np.divide.outer(sizes, sizes) - 1.0) <= 0.12
    return bool(like.mean(axis=0).max() >= share)


def _tabular(pieces: Sequence[Piece]) -> tuple[float, float] | None:
    """From where to where along y figures stand in columns or close together on one line; None if nowhere."""
    if len(pieces) < 2 * FEWEST:
        return None
    unit = _character(pieces)
    figures = [piece for piece in _figures(pieces, unit) if piece.height > DASH * unit]
    if not _alike([piece.height for piece in figures], 0.6 * ALIKE):
        return None
    at = np.array([(piece.x, piece.y) for piece in figures]).reshape(-1, 2)
    dx = np.abs(at[:, None, 0] - at[None, :, 0])
    dy = np.abs(at[:, None, 1] - at[None, :, 1])
    stacked = ((dx < 1.0 * unit) & (dy > unit) & (dy < 6.0 * unit)).any(axis=1)
    beside = ((dy < 0.5 * unit) & (dx > unit)).sum(axis=1) >= STRIP - 1
    chosen = at[stacked | beside, 1]
    if len(chosen) < FEWEST:
        return None
    return float(chosen.min()), float(chosen.max())


# --------------------------------------------------------------------------- straightening


def _slope(inked: Pixels) -> float:
    """Slope of the lines of text in degrees: the one along which ink gathers most sharply (Postl, 1986)."""
    small = cv2.resize(inked * np.uint8(255), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    y, x = np.nonzero(small > 60)
    x = x - small.shape[1] / 2

    def sharpness(angle: float) -> float:
        rows = np.round(y - x * np.tan(np.radians(angle))).astype(np.intp)
        counts = np.bincount(rows - rows.min()).astype(np.float64)
        return float((counts**2).sum())

    coarse = max(np.arange(-STEEPEST, STEEPEST + 0.5, 0.75), key=sharpness)
    fine = max(np.arange(coarse - 0.6, coarse + 0.61, 0.15), key=sharpness)
    return float(fine)


def _levelled(picture: Pixels, page: CleanPage, angle: float) -> tuple[Pixels, CleanPage]:
    """The picture turned so that lines of the given slope lie level, on ground large enough for all of it."""
    height, width = picture.shape
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wide, high = round(width * cos + height * abs(sin)), round(height * cos + width * abs(sin))
    turn = np.array([[cos, -sin], [sin, cos]])
    offset = np.array([width / 2, height / 2]) - turn @ [wide / 2, high / 2]
    # OpenCV puts the centres of pixels at whole numbers, the geometry here at halves.
    shifted = offset + turn @ [0.5, 0.5] - 0.5
    turned: Pixels = cv2.warpAffine(  # type: ignore[assignment]
        picture,
        np.column_stack([turn, shifted]),
        (wide, high),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(250,),
    )
    to_page = chain(affine(np.column_stack([turn, offset])), page.to_page)
    return turned, replace(page, pixels=turned, to_page=to_page)


def _alignment(pieces: Sequence[Piece], zone: tuple[float, float], scale: float) -> RuleGroup:
    """Lines of text and columns of figures around a zone, in place of rules, in pixels of the page."""
    unit = _character(pieces)
    top, bottom = zone[0] - 16.0 * unit, zone[1] + 16.0 * unit
    near = [piece for piece in pieces if top <= piece.y <= bottom]
    figures = _figures(near, unit)
    levels = _chains([(p.x0, p.x1, p.y) for p in near if p.height > 0.5 * unit], 16.0 * unit, 0.3 * unit)
    uprights = _chains([(p.y0, p.y1, p.x) for p in figures], 3.0 * unit, 0.3 * unit)
    box = BoundingBox(
        min(piece.x0 for piece in near) / scale,
        max(top, min(piece.y0 for piece in near)) / scale,
        max(piece.x1 for piece in near) / scale,
        min(bottom, max(piece.y1 for piece in near)) / scale,
    )
    return RuleGroup(_as_rulings(levels, scale), _as_rulings(uprights, scale), box)


def _chains(
    spans: Sequence[tuple[float, float, float]], reach: float, drift: float
) -> list[list[tuple[float, float, float]]]:
    """Spans (start, end, position across) strung together, each to the next within ``reach`` and ``drift``."""
    chains: list[list[tuple[float, float, float]]] = []
    for span in sorted(spans):
        best = min(
            (c for c in chains if 0 < span[0] - c[-1][1] <= reach and abs(span[2] - c[-1][2]) <= drift),
            key=lambda c: abs(span[2] - c[-1][2]),
            default=None,
        )
        if best is None:
            chains.append([span])
        else:
            best.append(span)
    return [chain for chain in chains if len(chain) >= FEWEST]


def _as_rulings(chains: Sequence[Sequence[tuple[float, float, float]]], scale: float) -> tuple[Ruling, ...]:
    rulings = []
    for points in chains:
        start, end, across = np.array(points).T / scale
        along = (start + end) / 2
        rulings.append(Ruling(along, across, float(along[0]), float(along[-1]), 1.0, 1.0))
    return tuple(rulings)


# --------------------------------------------------------------------------- lines of figures to tables


def _layouts(pieces: Sequence[Piece]) -> Iterator[Layout]:
    """Tables among straight pieces, top to bottom."""
    unit = _character(pieces)
    figures = _figures(pieces, unit)
    lines = _lines(figures, unit)
    if not lines:
        return
    for top, bottom, own in _regions(lines, pieces, unit):
        inside = [piece for piece in pieces if top < piece.y < bottom]
        # Narrative is set larger: what a table's own characters measure shows only now.
        near = [p for p in inside if own[0].y - 6.0 * unit < p.y < own[-1].y + 2.0 * unit]
        size = _character(near, unit)
        layout = _layout(_lines(_figures(inside, size), size), inside, size)
        if layout is not None:
            yield layout


def _lines(figures: Sequence[Piece], unit: float) -> list[Line]:
    """Figures grouped by height."""
    groups: list[list[Piece]] = []
    for piece in sorted(figures, key=lambda p: p.y):
        if groups and piece.y - np.mean([p.y for p in groups[-1]]) <= 0.45 * unit:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return [Line(float(np.median([p.y for p in group])), tuple(sorted(group, key=lambda p: p.x0))) for group in groups]


def _regions(lines: Sequence[Line], pieces: Sequence[Piece], unit: float) -> Iterator[tuple[float, float, list[Line]]]:
    """Lines of figures that belong to one table, and from where to where along y it may reach."""
    barriers = [float(np.mean([p.y for p in run])) for run in _runs(pieces) if _is_barrier(run, pieces, unit)]
    edges = sorted(y for piece in pieces for y in (piece.y0, piece.y1))
    covered = np.zeros(int(max(edges)) + 2, dtype=bool)
    for piece in pieces:
        covered[int(piece.y0) : int(np.ceil(piece.y1)) + 1] = True
    white = np.flatnonzero(~covered)
    for run in np.split(white, np.flatnonzero(np.diff(white) > 1) + 1):
        if len(run) >= BREAK * unit:
            barriers.append(float(run.mean()))
    for above, below in pairwise(lines):
        if (len(above.figures) >= WIDE) != (len(below.figures) >= WIDE):
            between = [p for p in pieces if above.y + CLEAR * unit < p.y < below.y - CLEAR * unit]
            widest = max(between, key=lambda p: p.width, default=None)
            barriers.append((above.y + below.y) / 2 if widest is None else widest.y)
    stops = sorted([*barriers, -np.inf, np.inf])
    for top, bottom in pairwise(stops):
        own = [line for line in lines if top < line.y < bottom]
        if own:
            yield top, bottom, own


def _runs(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces that go on with no more than a character's white, as sentences do, left to right."""
    runs: list[list[Piece]] = []
    # Commas and dots stand lower than the line they belong to.
    least = 0.5 * float(np.median([p.height for p in pieces] or [0.0]))
    for piece in sorted((p for p in pieces if p.height >= least), key=lambda p: p.x0):
        for run in runs:
            last = run[-1]
            high = max(last.height, piece.height)
            long = max(last.width, piece.width) > 2.5 * high
            if long and abs(last.y - piece.y) < 0.4 * high and -high < piece.x0 - last.x1 < 1.2 * high:
                run.append(piece)
                break
        else:
            runs.append([piece])
    return runs


def _is_barrier(run: Sequence[Piece], pieces: Sequence[Piece], unit: float) -> bool:
    """Whether a run is a line of narrative, or a heading: alone on its line in larger characters than the table's."""
    x0, x1, y = run[0].x0, max(p.x1 for p in run), float(np.mean([p.y for p in run]))
    wide = [p for p in pieces if p.width > 3.0 * unit] or pieces
    left = float(np.percentile([p.x0 for p in wide], 5))
    right = float(np.percentile([p.x1 for p in pieces if p.height > 0.5 * unit], 98))
    if x1 - x0 > NARRATIVE * (right - left) and x1 - left > 0.85 * (right - left):
        return True
    usual = float(np.median([p.core for p in wide]))
    large = float(np.average([p.core for p in run], weights=[p.width for p in run]))
    if large < 1.2 * usual or x1 - x0 < 4.0 * unit:
        return False
    return not any(abs(p.y - y) < 0.6 * unit for p in pieces if p not in run)


# --------------------------------------------------------------------------- one table


def _layout(lines: Sequence[Line], pieces: Sequence[Piece], unit: float) -> Layout | None:
    lines = _aligned(lines, pieces, unit)
    strips = [line for line in lines if len(line.figures) >= WIDE]
    if strips:
        # So many figures on one line have no label beside them.
        lines = strips
        edge = min(line.figures[0].x0 for line in strips) - unit
    elif lines:
        lines = _with_units(lines, pieces, unit)
        edge = _stub_edge(lines, pieces, unit)
    else:
        return None
    bottom = lines[-1].y + 1.7 * unit
    pieces = [p for p in pieces if p.y <= lines[-1].y + CLEAR * unit or (p.y <= bottom and p.x1 <= edge)]
    left, right = min(p.x0 for p in pieces) - unit, max(p.x1 for p in pieces) + unit
    blocks = _blocks(lines, pieces, edge, (left, right), unit)
    if not _is_table(blocks, unit):
        return None
    return _assembled(blocks, pieces, edge, (left, right), unit)


def _aligned(lines: Sequence[Line], pieces: Sequence[Piece], unit: float) -> list[Line]:
    """Lines without the figures that stand in no column and beside no label, such as page numbers."""
    clusters = _clusters([p for line in lines for p in line.figures], 0.5 * unit)
    stacked = [(x0, x1) for x0, x1, count in clusters if count >= 2]
    kept = []
    for line in lines:
        labelled = any(
            abs(p.y - line.y) < SAME_LINE * unit and p.width > 1.5 * unit and p.x1 < line.figures[0].x0 for p in pieces
        )
        if len(line.figures) >= FEWEST or labelled:
            kept.append(line)
        else:
            own = tuple(p for p in line.figures if any(x0 <= p.x <= x1 for x0, x1 in stacked))
            if own:
                kept.append(Line(line.y, own))
    return kept


def _with_units(lines: Sequence[Line], pieces: Sequence[Piece], unit: float) -> list[Line]:
    """Lines with the short words that stand in a column of their own left of all figures, such as units."""
    clusters = _clusters([p for line in lines for p in line.figures], 0.5 * unit)
    first = next((x0 for x0, _, count in clusters if count >= 0.4 * len(lines)), clusters[0][0])
    beside = [[p for p in pieces if abs(p.y - line.y) < SAME_LINE * unit and p.x1 < first] for line in lines]
    last = [max(own, key=lambda p: p.x1) for own in beside if own]
    short = [p for p in last if p.width < 3.2 * unit]
    columns = [c for c in _clusters(short, 0.3 * unit) if c[2] >= max(FEWEST - 1, 0.4 * len(lines))]
    if not columns:
        return list(lines)
    x0, x1, _ = columns[-1]
    crossing = [p for own in beside for p in own if p.x0 < x0 - 0.3 * unit and p.x1 > x0]
    if len(crossing) > 0.1 * len(lines):
        return list(lines)
    found = [
        Line(line.y, (*(p for p in own if x0 <= p.x <= x1 and p not in line.figures), *line.figures))
        for line, own in zip(lines, beside, strict=True)
    ]
    # A unit marks a row even where its figure was too pale to be seen.
    found += [
        Line(p.y, (p,))
        for p in pieces
        if x0 <= p.x <= x1 and p.width < 3.2 * unit and all(abs(p.y - line.y) > CLEAR * unit for line in lines)
    ]
    return sorted(found, key=lambda line: line.y)


def _clusters(pieces: Sequence[Piece], gap: float) -> list[tuple[float, float, int]]:
    """Intervals along x that pieces cover, those closer than ``gap`` as one, with the number of pieces in each."""
    found: list[tuple[float, float, int]] = []
    for piece in sorted(pieces, key=lambda p: p.x0):
        if found and piece.x0 <= found[-1][1] + gap:
            x0, x1, count = found[-1]
            found[-1] = (x0, max(x1, piece.x1), count + 1)
        else:
            found.append((piece.x0, piece.x1, 1))
    return found


def _stub_edge(lines: Sequence[Line], pieces: Sequence[Piece], unit: float) -> float:
    """Where the labels end and the value columns begin."""
    clusters = _clusters([p for line in lines for p in line.figures], 0.5 * unit)
    least = max(1.0, 0.15 * len(lines))
    first = next(x0 for x0, _, count in clusters if count >= least)
    near = [p for p in pieces if any(abs(p.y - line.y) < CLEAR * unit for line in lines)]
    stub = [p.x1 for p in near if p.x1 < first]
    if not stub:
        return first - unit
    ends = max(stub)
    above = [p.x0 for p in pieces if ends + 0.2 * unit < p.x0 < first]
    return (ends + min([first, *above])) / 2


def _blocks(
    lines: Sequence[Line], pieces: Sequence[Piece], edge: float, sides: tuple[float, float], unit: float
) -> list[Block]:
    """Rows of figures, cut where words stand above value columns."""
    words = [p for p in pieces if p.x > edge and all(abs(p.y - line.y) >= CLEAR * unit for line in lines)]
    blocks: list[Block] = []
    rows: list[Line] = []
    above: list[Piece] = [p for p in words if p.y < lines[0].y]
    for index, line in enumerate(lines):
        if index:
            between = [p for p in words if lines[index - 1].y < p.y < line.y]
            if between:
                blocks.append(_block(above, rows, pieces, sides, unit))
                above, rows = between, []
        rows.append(line)
    blocks.append(_block(above, rows, pieces, sides, unit))
    return blocks


def _block(
    above: Sequence[Piece], lines: Sequence[Line], pieces: Sequence[Piece], sides: tuple[float, float], unit: float
) -> Block:
    """Part captions from the header: they stand alone on their line in the middle of the table, above other words."""
    middle, width = sum(sides) / 2, sides[1] - sides[0]
    captions = []
    words: list[Piece] = []
    for run in _runs(above):
        whole = _union(run)
        alone = not any(o not in run and abs(o.y - whole.y) < 0.6 * unit for o in pieces)
        if alone and abs(whole.x - middle) < 0.07 * width and any(o.y > whole.y + 0.6 * unit for o in above):
            captions.append(whole)
        else:
            words.extend(run)
    last = max((p.y for p in captions), default=-np.inf)
    # What stands above a caption belongs to no header.
    header = tuple(p for p in words if p.y > last)
    return Block(tuple(captions[-1:]), header, tuple(lines))


def _union(pieces: Sequence[Piece]) -> Piece:
    x0, y0 = min(p.x0 for p in pieces), min(p.y0 for p in pieces)
    return replace(pieces[0], x0=x0, y0=y0, x1=max(p.x1 for p in pieces), y1=max(p.y1 for p in pieces))


def _is_table(blocks: Sequence[Block], unit: float) -> bool:
    rows = [line for block in blocks for line in block.lines]
    figures = [piece for line in rows for piece in line.figures]
    high = [piece for piece in figures if piece.height > DASH * unit]
    low = [piece.width for piece in figures if piece.height <= DASH * unit]
    if not _alike([piece.height for piece in high], ALIKE) or (len(low) > len(high) and not _alike(low, ALIKE)):
        return False
    widest = max(len(line.figures) for line in rows)
    if widest >= STRIP:
        return True
    headed = any(block.header for block in blocks)
    return len(rows) >= FEWEST and (widest >= 2 or headed)


def _value_edges(block: Block, edge: float, right: float, unit: float) -> list[float]:
    """Edges of a block's value columns from ``edge`` to the right side of the table."""
    figures = [p for line in block.lines for p in line.figures if p.x > edge]
    leaves = [
        p
        for p in block.header
        if p.x > edge and not any(o.y > p.y + 0.5 * unit and o.x0 < p.x1 and o.x1 > p.x0 for o in block.header)
    ]
    data, head = _clusters(figures, 0.5 * unit), _clusters(leaves, 0.1 * unit)
    both = _clusters([*figures, *leaves], 0.1 * unit)
    columns = both if len(both) == max(len(data), len(head)) else head if len(head) > len(data) else data
    return [edge, *((a[1] + b[0]) / 2 for a, b in pairwise(columns)), right]


# --------------------------------------------------------------------------- rows and labels


def _assembled(
    blocks: Sequence[Block], pieces: Sequence[Piece], edge: float, sides: tuple[float, float], unit: float
) -> Layout:
    left, right = sides
    captions = [caption for block in blocks for caption in block.captions]
    top = min([line.y for block in blocks for line in block.lines] + [p.y for b in blocks for p in b.header])
    first = min([p.y for p in captions], default=top)
    below = [p for p in pieces if p.y > min(first, top) - unit]
    stub = [p for p in below if p.x < edge and not any(c.y0 <= p.y <= c.y1 for c in captions)]
    groups, starts = _group_labels(stub, edge, unit)
    leaves = sorted((p for p in stub if p not in groups), key=lambda p: p.y)
    inner = max([left, *starts])
    bands: list[Band] = []
    for block in blocks:
        values = _value_edges(block, edge, right, unit)
        cells = tuple(pairwise(values))
        for caption in block.captions:
            bands.append(Band(caption.y, caption.y0, caption.y1, ((left, right),), left, True))
        if block.header:
            y0, y1 = min(p.y0 for p in block.header), max(p.y1 for p in block.header)
            bands.append(Band((y0 + y1) / 2, y0, y1, cells, left))
        for line in block.lines:
            y0, y1 = min(p.y0 for p in line.figures), max(p.y1 for p in line.figures)
            bands.append(Band(line.y, y0, y1, cells, inner))
    _label(bands, leaves, [left, *starts], unit)
    bands.sort(key=lambda band: band.y)
    return _squares(bands, groups, starts, edge, sides, unit)


def _group_labels(stub: Sequence[Piece], edge: float, unit: float) -> tuple[list[Piece], list[float]]:
    """Pieces of labels that stand beside the labels of several rows, and where the columns of labels begin."""
    beside = [
        (one, other)
        for one in stub
        for other in stub
        if other.x0 > one.x1 - 0.3 * unit
        and abs(other.y - one.y) < 0.75 * unit
        and (one.width > 1.3 * unit or _is_upright(one, stub, unit))
    ]
    lefts = {id(one) for one, _ in beside}
    rights = [other.x0 for _, other in beside if id(other) not in lefts]
    if not rights:
        return [], []
    # Most labels of rows begin at one place; the words after a number may begin anywhere.
    start = max(rights, key=lambda x: (sum(abs(x - other) < unit for other in rights), -x))
    start = min(x for x in rights if abs(x - start) < unit)
    if start > edge - 2.0 * unit:
        return [], []
    outer = [p for p in stub if p.x1 <= start + 0.3 * unit]
    inner = np.array([p.y for p in stub if p.x0 >= start - 0.6 * unit])
    if len(inner) < GROUPED * (len(stub) - len(lefts)):
        return [], []
    groups = [
        p
        for p in outer
        if id(p) in lefts
        or (((inner < p.y) & (inner > p.y - 3.0 * unit)).any() and ((inner > p.y) & (inner < p.y + 3.0 * unit)).any())
    ]
    clusters = _clusters(groups, 0.1 * unit)
    ends = [x1 for _, x1, _ in clusters]
    begins = [x0 for x0, _, _ in clusters[1:]] + [start]
    return groups, [(a + b) / 2 for a, b in zip(ends, begins, strict=True)]


def _is_upright(piece: Piece, stub: Sequence[Piece], unit: float) -> bool:
    """Whether a character belongs to a label that is written downwards."""
    return any(
        other is not piece
        and other.width < 1.3 * unit
        and abs(other.x - piece.x) < 0.35 * unit
        and abs(other.y - piece.y) < 1.42 * unit
        for other in stub
    )


def _label(bands: list[Band], leaves: Sequence[Piece], starts: Sequence[float], unit: float) -> None:
    """Give every band its lines of labels; lines that fit none become bands without figures."""
    own = sorted((band for band in bands if not band.caption), key=lambda band: band.y)
    texts = _text_lines(leaves, unit)
    for index, group in _matched([(min(p.y0 for p in t), max(p.y1 for p in t)) for t in texts], own, unit):
        lines = [p for t in group for p in texts[t]]
        y0, y1, x0 = min(p.y0 for p in lines), max(p.y1 for p in lines), min(p.x0 for p in lines)
        start = max([s for s in starts if s <= x0 + 0.5 * unit], default=starts[0])
        if index is None:
            near = min(own, key=lambda band: abs(band.y - (y0 + y1) / 2))
            bands.append(Band((y0 + y1) / 2, y0, y1, near.cells, start))
            continue
        band = own[index]
        band.y0, band.y1, band.start = min(band.y0, y0), max(band.y1, y1), start


def _text_lines(pieces: Sequence[Piece], unit: float) -> list[list[Piece]]:
    lines: list[list[Piece]] = []
    for piece in pieces:
        if lines and piece.y - np.mean([p.y for p in lines[-1]]) < 0.5 * unit:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return lines


def _matched(
    texts: Sequence[tuple[float, float]], bands: Sequence[Band], unit: float
) -> list[tuple[int | None, range]]:
    """Lines of text in order to bands in order: the cheapest way by dynamic programming.

    Lines of one band stand close to each other and their middle at its height.
    """
    centres = [(y0 + y1) / 2 for y0, y1 in texts]

    @cache
    def best(text: int, band: int) -> tuple[float, tuple[int, bool]]:
        if text == len(texts) and band == len(bands):
            return 0.0, (0, False)
        options: list[tuple[float, tuple[int, bool]]] = []
        if band < len(bands):
            options.append((LOST + best(text, band + 1)[0], (0, True)))
        for count in range(1, 7):
            last = text + count - 1
            if last >= len(texts) or (count > 1 and centres[last] - centres[last - 1] > WRAPPED * unit):
                break
            if band < len(bands):
                off = abs((texts[text][0] + texts[last][1]) / 2 - bands[band].y) / unit
                if off < 1.0:
                    options.append((off + best(last + 1, band + 1)[0], (count, True)))
            if count == 1 or centres[last] - centres[last - 1] < ALONE_WRAPPED * unit:
                options.append((ALONE + best(last + 1, band)[0], (count, False)))
        return min(options)

    found: list[tuple[int | None, range]] = []
    text = band = 0
    while text < len(texts) or band < len(bands):
        count, used = best(text, band)[1]
        if count:
            found.append((band if used else None, range(text, text + count)))
        text, band = text + count, band + used
    return found


# --------------------------------------------------------------------------- squares and cells


def _squares(
    bands: Sequence[Band],
    groups: Sequence[Piece],
    starts: Sequence[float],
    edge: float,
    sides: tuple[float, float],
    unit: float,
) -> Layout:
    left, right = sides
    wanted = [left, right, *starts, *(x for band in bands for cell in band.cells for x in cell)]
    if left < edge - 1.2 * unit:
        wanted.append(edge)
    xs = _merged(wanted, 0.35 * unit)
    ys = np.array(
        [bands[0].y0 - 0.5 * unit] + [(a.y1 + b.y0) / 2 for a, b in pairwise(bands)] + [bands[-1].y1 + 0.5 * unit]
    )
    ys = np.maximum.accumulate(ys)
    cells: list[tuple[int, int, int, int]] = []
    filled = np.zeros((len(bands), len(xs) - 1), dtype=bool)

    def put(row: int, column: int, rows: int, columns: int) -> None:
        cells.append((row, column, rows, columns))
        filled[row : row + rows, column : column + columns] = True

    for row, band in enumerate(bands):
        for x0, x1 in band.cells:
            a, b = _nearest(xs, x0), _nearest(xs, x1)
            if b > a:
                put(row, a, 1, b - a)
        a, b = _nearest(xs, band.start), _nearest(xs, edge)
        if b > a and not filled[row, a:b].any():
            put(row, a, 1, b - a)
    for row, column, rows, columns in _group_spans(filled, groups, xs, ys):
        put(row, column, rows, columns)
    for row, column in np.argwhere(~filled):
        cells.append((int(row), int(column), 1, 1))
    return Layout(xs, ys, tuple(sorted(cells)))


def _merged(values: Sequence[float], tolerance: float) -> Array:
    """Edges in order, those closer than ``tolerance`` as one."""
    groups: list[list[float]] = []
    for value in sorted(values):
        if groups and value - groups[-1][0] <= tolerance:
            groups[-1].append(value)
        else:
            groups.append([value])
    return np.array([np.mean(group) for group in groups])


def _nearest(edges: Array, value: float) -> int:
    return int(np.argmin(np.abs(edges - value)))


def _group_spans(
    filled: NDArray[np.bool_], groups: Sequence[Piece], xs: Array, ys: Array
) -> Iterator[tuple[int, int, int, int]]:
    """Squares that group labels cover: all free rows in a run, shared out so that each label stands in the middle."""
    for column in range(filled.shape[1]):
        own = sorted((p for p in groups if xs[column] <= p.x < xs[column + 1]), key=lambda p: p.y)
        free = np.flatnonzero(~filled[:, column])
        if not own or not len(free):
            continue
        for run in np.split(free, np.flatnonzero(np.diff(free) > 1) + 1):
            top, bottom = int(run[0]), int(run[-1]) + 1
            labels = [p for p in own if ys[top] <= p.y < ys[bottom]]
            yield from ((a, column, b - a, 1) for a, b in _shared_out(labels, ys, top, bottom))


def _shared_out(labels: Sequence[Piece], ys: Array, top: int, bottom: int) -> Iterator[tuple[int, int]]:
    """Cut rows top to bottom between labels, each in the middle of its rows as nearly as it goes."""
    stacks: list[list[Piece]] = []
    for piece in labels:
        if stacks and piece.y0 - stacks[-1][-1].y1 < 0.75 * piece.height:
            stacks[-1].append(piece)
        else:
            stacks.append([piece])
    row = top
    for index, stack in enumerate(stacks):
        middle = (min(p.y0 for p in stack) + max(p.y1 for p in stack)) / 2
        last = index == len(stacks) - 1
        end = bottom if last else int(np.clip(_nearest(ys, 2 * middle - ys[row]), row + 1, bottom - 1))
        if end > row:
            yield row, end
        row = end


def _grid(page: CleanPage, flat: Flattened, layout: Layout, scale: float) -> Grid:
    """The part of the straight picture that a table covers, with its cells."""
    xs, ys = layout.xs / scale, layout.ys / scale
    height, width = flat.pixels.shape
    x0, y0 = max(0, int(xs[0]) - 2), max(0, int(ys[0]) - 2)
    x1, y1 = min(width, int(np.ceil(xs[-1])) + 2), min(height, int(np.ceil(ys[-1])) + 2)
    xs, ys = np.clip(xs - x0, 0, x1 - x0), np.clip(ys - y0, 0, y1 - y0)
    cells = tuple(
        GridCell(
            row,
            column,
            rows,
            columns,
            BoundingBox(float(xs[column]), float(ys[row]), float(xs[column + columns]), float(ys[row + rows])),
            quality=QUALITY,
        )
        for row, column, rows, columns in layout.cells
    )
    to_page = chain(translation(x0, y0), flat.to_parent, page.to_page)
    outline = BoundingBox(float(xs[0]), float(ys[0]), float(xs[-1]), float(ys[-1]))
    return Grid(
        page=page.number,
        rows=len(ys) - 1,
        columns=len(xs) - 1,
        cells=cells,
        pixels=np.ascontiguousarray(flat.pixels[y0:y1, x0:x1]),
        to_page=to_page,
        box=bounding(to_page.to_parent(corners(outline))),
    )
