"""The squares of a table and the cells that cover them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.tables.whitespace.blocks import Block, value_edges
from pipeline.tables.whitespace.labels import Band, group_labels, label_bands
from pipeline.tables.whitespace.pieces import Piece

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Layout:
    """A table in pixels of the reduced picture: edges of its squares and (row, column, row span, column span)."""

    xs: Array
    ys: Array
    cells: tuple[tuple[int, int, int, int], ...]


def assembled(
    blocks: Sequence[Block], pieces: Sequence[Piece], edge: float, sides: tuple[float, float], unit: float
) -> Layout:
    """The cells of a table from its blocks, its pieces and the edge between labels and values."""
    left, right = sides
    captions = [caption for block in blocks for caption in block.captions]
    top = min([line.y for block in blocks for line in block.lines] + [p.y for b in blocks for p in b.header])
    first = min([p.y for p in captions], default=top)
    below = [p for p in pieces if p.y > min(first, top) - unit]
    stub = [p for p in below if p.x < edge and not any(c.y0 <= p.y <= c.y1 for c in captions)]
    groups, starts = group_labels(stub, edge, unit)
    leaves = sorted((p for p in stub if p not in groups), key=lambda p: p.y)
    inner = max([left, *starts])
    bands: list[Band] = []
    for block in blocks:
        values = value_edges(block, edge, right, unit)
        cells = tuple(pairwise(values))
        for caption in block.captions:
            bands.append(Band(caption.y, caption.y0, caption.y1, ((left, right),), left, True))
        if block.header:
            y0, y1 = min(p.y0 for p in block.header), max(p.y1 for p in block.header)
            bands.append(Band((y0 + y1) / 2, y0, y1, cells, left))
        for line in block.lines:
            y0, y1 = min(p.y0 for p in line.figures), max(p.y1 for p in line.figures)
            bands.append(Band(line.y, y0, y1, cells, inner))
    label_bands(bands, leaves, [left, *starts], unit)
    bands.sort(key=lambda band: band.y)
    return _squares(bands, groups, starts, edge, sides, unit)


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
    """Cut rows top to bottom between labels so that each stands in the middle of its rows as nearly as it goes."""
    stacks: list[list[Piece]] = []
    for piece in labels:
        if stacks and piece.y0 - stacks[-1][-1].y1 < 0.75 * piece.height:
            stacks[-1].append(piece)
        else:
            stacks.append([piece])
    middles = [(min(p.y0 for p in stack) + max(p.y1 for p in stack)) / 2 for stack in stacks]
    if not 0 < len(middles) <= bottom - top:
        return
    # Cheapest way for the labels so far to cover the rows up to each edge.
    best: dict[int, tuple[float, tuple[int, ...]]] = {top: (0.0, (top,))}
    for middle in middles:
        best = {
            end: min(
                (cost + abs((ys[start] + ys[end]) / 2 - middle), (*cuts, end))
                for start, (cost, cuts) in best.items()
                if start < end
            )
            for end in range(min(best) + 1, bottom + 1)
        }
    yield from pairwise(best[bottom][1])
