"""Tables without rules: rows and columns from the alignment of figures and words alone.

A line of figures is the surest sign of a row: figures stand in the middle of their rows, labels wrap around that
height. Columns are where figures of several rows stand above each other; what stands above them in words is their
header. Which label lines belong to which row, and which rows a group label covers, follows from both being centred.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.domain import ALIGNED, BoundingBox, CleanPage, Grid, GridCell, Pixels
from pipeline.geometry import bounding, chain, corners, translation
from pipeline.tables.flatten import Flattened, flatten
from pipeline.tables.whitespace.blocks import aligned, find_blocks, is_table, stub_edge, with_units
from pipeline.tables.whitespace.layout import Layout, assembled
from pipeline.tables.whitespace.level import LEVEL, alignment, levelled, text_slope
from pipeline.tables.whitespace.pieces import (
    FEWEST,
    REDUCED,
    Piece,
    character_height,
    find_pieces,
    text_ink,
    with_words,
)
from pipeline.tables.whitespace.regions import CLEAR, WIDE, Line, figure_lines, table_regions
from pipeline.tables.whitespace.tabular import figure_zone

TABLE_POINTS = 9.0
"""Usual size of characters in tables (小五号), in points."""


def find_grids(page: CleanPage, taken: Sequence[Grid] = (), dots: bool = False) -> tuple[Grid, ...]:
    """Tables that show in the alignment of text alone, top to bottom, outside the tables already found.

    ``dots`` tells that dots are left of rules: what is as small as they are is no text then.

    Edges of cells lie in the white between pieces of text; their quality is low, so that nothing is accepted on the
    word of a table whose rules were not seen.
    """
    usual = TABLE_POINTS / 72.0 * page.dpi
    scale = REDUCED / min(max(page.text_height, 0.75 * usual), usual)
    picture = _without(page, taken)
    inked = text_ink(picture, scale, dots)
    pieces = find_pieces(inked)
    zone = figure_zone(pieces)
    if zone is None:
        return ()
    angle = text_slope(inked)
    if abs(angle) > LEVEL:
        picture, page = levelled(picture, page, angle)
        pieces = find_pieces(text_ink(picture, scale, dots))
        zone = figure_zone(pieces)
        if zone is None:
            return ()
    flat = flatten(picture, alignment(pieces, zone, scale), REDUCED / scale)
    layouts = _layouts(find_pieces(text_ink(flat.pixels, scale, dots)))
    return tuple(_grid(page, flat, layout, scale) for layout in layouts)


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


def _layouts(pieces: Sequence[Piece]) -> list[Layout]:
    """Tables among straight pieces, top to bottom."""
    unit = character_height(pieces)
    lines = figure_lines(pieces, unit)
    if not lines:
        return []
    layouts: list[Layout] = []
    left_over: Layout | None = None
    for top, bottom, own in table_regions(lines, pieces, unit):
        inside = [piece for piece in pieces if top < piece.y < bottom]
        # Narrative is set larger: what a table's own characters measure shows only now.
        near = [p for p in inside if own[0].y - 6.0 * unit < p.y < own[-1].y + 2.0 * unit]
        size = character_height(near, unit)
        first = top == -np.inf and min(p.y for p in inside) > own[0].y - 2.0 * unit
        inside = with_words(inside, size)
        layout = _layout(figure_lines(inside, size), inside, size, 1 if first else FEWEST)
        if layout is not None and first:
            left_over = layout
        elif layout is not None:
            layouts.append(layout)
    if left_over is not None and (layouts or len(left_over.ys) > FEWEST):
        # The last row of a table that began on the page before: believed where another table follows.
        layouts.insert(0, left_over)
    return layouts


def _layout(lines: Sequence[Line], pieces: Sequence[Piece], unit: float, fewest: int) -> Layout | None:
    lines = aligned(lines, pieces, unit)
    if not lines:
        return None
    strips = [line for line in lines if len(line.figures) >= WIDE]
    # So many figures on one line have no label beside them.
    lines = strips or with_units(lines, pieces, unit)
    edge = -np.inf if strips else stub_edge(lines, pieces, unit)
    bottom = lines[-1].y + 1.7 * unit
    pieces = [p for p in pieces if p.y <= lines[-1].y + CLEAR * unit or (p.y <= bottom and p.x1 <= edge)]
    left, right = min(p.x0 for p in pieces) - unit, max(p.x1 for p in pieces) + unit
    edge = max(edge, left)
    blocks = find_blocks(lines, pieces, edge, (left, right), unit)
    if not is_table(blocks, unit, fewest):
        return None
    return assembled(blocks, pieces, edge, (left, right), unit)


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
            quality=ALIGNED,
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
