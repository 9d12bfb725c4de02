"""One table cut into rows of figures under one header; where labels end and which columns there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipeline.tables.whitespace.pieces import DASH, FEWEST, Piece, clusters, runs, text_lines, union
from pipeline.tables.whitespace.regions import CLEAR, Line
from pipeline.tables.whitespace.tabular import ALIKE, STRIP, alike

NEXT = 2.6
"""Largest distance, in heights of characters, of a row without a label from the next."""
MOSTLY = 0.6
"""Least share of columns that hold figures, where their distance tells columns from parts of a label."""
WORDS = 2.6
"""Largest white, in heights of characters, inside a caption."""
SAME_LINE = 0.32
"""Distance of centres, in heights of characters, up to which pieces of text stand on one line."""


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


def aligned(lines: Sequence[Line], pieces: Sequence[Piece], unit: float) -> list[Line]:
    """Lines without the figures that stand in no column and beside no label, such as page numbers."""
    columns = clusters([p for line in lines for p in line.figures], 0.5 * unit)
    stacked = [(x0, x1) for x0, x1, count in columns if count >= 2]
    kept = []
    for line in lines:
        labelled = any(
            abs(p.y - line.y) < CLEAR * unit and p.width > 1.5 * unit and p.x1 < line.figures[0].x0 for p in pieces
        )
        near = any(0 < abs(other.y - line.y) < NEXT * unit for other in lines)
        if len(line.figures) >= STRIP or labelled:
            kept.append(line)
        elif near:
            own = tuple(p for p in line.figures if any(x0 <= p.x <= x1 for x0, x1 in stacked))
            if own:
                kept.append(Line(line.y, own))
    return kept


def with_units(lines: Sequence[Line], pieces: Sequence[Piece], unit: float) -> list[Line]:
    """Lines with the short words that stand in a column of their own left of all figures, such as units."""
    columns = clusters([p for line in lines for p in line.figures], 0.5 * unit)
    first = next((x0 for x0, _, count in columns if count >= 0.4 * len(lines)), columns[0][0])
    beside = [[p for p in pieces if abs(p.y - line.y) < SAME_LINE * unit and p.x1 < first] for line in lines]
    last = [max(own, key=lambda p: p.x1) for own in beside if own]
    short = [p for p in last if p.width < 3.2 * unit]
    columns = [c for c in clusters(short, 0.3 * unit) if c[2] >= max(FEWEST - 1, 0.4 * len(lines))]
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


def stub_edge(lines: Sequence[Line], pieces: Sequence[Piece], unit: float) -> float:
    """Where the labels end and the value columns begin."""
    columns = clusters([p for line in lines for p in line.figures], 0.5 * unit)
    least = max(1.0, 0.15 * len(lines))
    near = [p for p in pieces if any(abs(p.y - line.y) < CLEAR * unit for line in lines)]
    own = {id(p) for line in lines for p in line.figures}
    words = [p for p in near if p.width > 1.6 * unit and id(p) not in own]
    # Short pieces among labels look like figures now and then.
    first = next(
        (x0 for x0, x1, n in columns if n >= least and sum(p.x0 < x1 and p.x1 > x0 for p in words) < n), columns[-1][0]
    )
    stub = [p.x1 for p in near if p.x1 < first]
    if not stub:
        return first - unit
    ends = max(stub)
    # The words beside a header of several lines may be longer than any label.
    ends = max([ends, *(run[-1].x1 for run in runs(pieces) if run[0].x0 < ends and run[-1].x1 < first)])
    above = [p.x0 for p in pieces if ends + 0.2 * unit < p.x0 < first]
    return (ends + min([first, *above])) / 2


def find_blocks(
    lines: Sequence[Line], pieces: Sequence[Piece], edge: float, sides: tuple[float, float], unit: float
) -> list[Block]:
    """Rows of figures, cut where words stand above value columns."""
    words = [p for p in pieces if all(abs(p.y - line.y) >= CLEAR * unit for line in lines)]
    blocks: list[Block] = []
    rows: list[Line] = []
    above = [p for p in words if p.y < lines[0].y]
    for index, line in enumerate(lines):
        if index:
            between = [p for p in words if lines[index - 1].y < p.y < line.y]
            if any(p.x > edge for p in between):
                blocks.append(_block(above, rows, edge, sides, unit))
                above, rows = between, []
        rows.append(line)
    blocks.append(_block(above, rows, edge, sides, unit))
    return blocks


def _block(
    above: Sequence[Piece], lines: Sequence[Line], edge: float, sides: tuple[float, float], unit: float
) -> Block:
    """Part captions from the header: they stand alone on their line in the middle of the table, above other words."""
    middle, width = sum(sides) / 2, sides[1] - sides[0]
    captions = []
    words = [p for p in above if p.x > edge]
    for run in text_lines(above, unit):
        whole = union(run)
        run.sort(key=lambda p: p.x0)
        close = all(b.x0 - a.x1 < WORDS * unit for a, b in pairwise(run))
        heads = any(o.y > whole.y + 0.6 * unit for o in words)
        if close and heads and abs(whole.x - middle) < 0.07 * width and whole.x0 < edge + 0.5 * (sides[1] - edge):
            captions.append(whole)
            words = [p for p in words if p not in run]
    last = max((p.y for p in captions), default=-np.inf)
    # What stands above a caption belongs to no header.
    return Block(tuple(captions[-1:]), tuple(p for p in words if p.y > last), tuple(lines))


def is_table(blocks: Sequence[Block], unit: float, fewest: int) -> bool:
    """Whether there are ``fewest`` rows or many columns, and all figures are of a kind."""
    rows = [line for block in blocks for line in block.lines]
    figures = [piece for line in rows for piece in line.figures if not piece.value]
    high = [piece for piece in figures if piece.height > DASH * unit]
    low = [piece.width for piece in figures if piece.height <= DASH * unit]
    # Of two figures nothing can be said.
    if len(figures) >= FEWEST and not alike([piece.height for piece in high], ALIKE):
        return False
    if len(low) > len(high) and not alike(low, ALIKE):
        return False
    widest = max(len(line.figures) for line in rows)
    if widest >= STRIP:
        return True
    headed = any(block.header for block in blocks)
    return len(rows) >= fewest and (widest >= 2 or headed)


def value_edges(block: Block, edge: float, right: float, unit: float) -> list[float]:
    """Edges of a block's value columns from ``edge`` to the right side of the table."""
    figures = [p for line in block.lines for p in line.figures if p.x > edge]
    leaves = [
        p
        for p in block.header
        if p.x > edge and not any(o.y > p.y + 0.5 * unit and o.x0 < p.x1 and o.x1 > p.x0 for o in block.header)
    ]
    data, head = clusters(figures, 0.5 * unit), clusters(leaves, 0.1 * unit)
    both = clusters([*figures, *leaves], 0.1 * unit)
    columns = data
    if len(head) > len(data):
        # Labels of many columns are too short to fall into many pieces.
        sparse = len(head) >= STRIP and len(data) < MOSTLY * len(head)
        columns = head if sparse else _with_empty(data, head, unit)
    if len(both) == len(columns):
        columns = both
    return [edge, *((a[1] + b[0]) / 2 for a, b in pairwise(columns)), right]


def _with_empty(
    data: Sequence[tuple[float, float, int]], head: Sequence[tuple[float, float, int]], unit: float
) -> list[tuple[float, float, int]]:
    """Columns of figures, and those that only a header shows: as far from the others as columns are."""
    centres = [(x0 + x1) / 2 for x0, x1, _ in data]
    least = 0.6 * min((b - a for a, b in pairwise(centres)), default=10.0 * unit)
    empty = [c for c in head if all(abs((c[0] + c[1]) / 2 - centre) >= least for centre in centres)]
    return sorted([*data, *(c for c in empty if all(c[1] < x0 or c[0] > x1 for x0, x1, _ in data))])
