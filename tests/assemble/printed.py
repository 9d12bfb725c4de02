"""Tables as a page would print them, read without a fault: what assembling starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from pipeline.domain import (
    Alternative,
    BlockSpec,
    BoundingBox,
    ColumnSpec,
    Grid,
    GridCell,
    LineReading,
    PageReading,
    Reading,
    RowSpec,
    TableLayout,
    TableReading,
    TableSpec,
    TextLine,
)
from pipeline.geometry import Identity

Figure = Callable[[RowSpec, ColumnSpec], str]
Square = tuple[int, int, int, int, str]
"""row, column, row span, column span, text"""

_WIDTH, _HEIGHT = 40, 20


def zeros(row: RowSpec, column: ColumnSpec) -> str:
    return "0"


def reading(text: str, reader: str = "test", probability: float = 1.0) -> Reading:
    return Reading((Alternative(text, probability),), reader)


def table(squares: Sequence[Square], page: int = 1) -> TableReading:
    """A grid from its cells, each grid square 40 × 20 pixels."""
    squares = sorted(squares)
    rows = max(r + rs for r, _, rs, _, _ in squares)
    columns = max(c + cs for _, c, _, cs, _ in squares)
    cells = tuple(
        GridCell(
            r, c, rs, cs, BoundingBox(c * _WIDTH + 1, r * _HEIGHT + 1, (c + cs) * _WIDTH - 1, (r + rs) * _HEIGHT - 1)
        )
        for r, c, rs, cs, _ in squares
    )
    picture = np.full((rows * _HEIGHT, columns * _WIDTH), 255, np.uint8)
    box = BoundingBox(0, 0, columns * _WIDTH, rows * _HEIGHT)
    grid = Grid(page, rows, columns, cells, picture, Identity(), box)
    return TableReading(grid, tuple(reading(text) for *_, text in squares), tuple(cell.box for cell in cells))


def squares_of(spec: TableSpec, figure: Figure = zeros) -> list[Square]:
    """The cells of a whole statutory table with its header blocks, captions, groups and figures."""
    if spec.layout is TableLayout.STRIP:
        return _strip(spec, figure)
    depth = max(len(row.parents) for block in spec.blocks for row in block.rows) + 1
    width = max(len(block.columns) for block in spec.blocks)
    squares: list[Square] = []
    top = 0
    for block in spec.blocks:
        if block.caption:
            squares.append((top, 0, 1, depth + width, block.caption))
            top += 1
        header = _header(block.columns, top, depth)
        levels = max(len(column.parents) for column in block.columns) + 1
        squares.append((top, 0, levels, depth, block.stub))
        squares.extend(header)
        top += levels
        squares.extend(_body(block, top, depth, figure))
        top += len(block.rows)
    return squares


def below(squares: Sequence[Square], rows: int) -> list[Square]:
    """The same cells further down."""
    return [(r + rows, c, rs, cs, text) for r, c, rs, cs, text in squares]


def cut(squares: Sequence[Square], row: int) -> tuple[list[Square], list[Square]]:
    """A table over a page break before ``row``; a cell that spans the break keeps its text above."""
    upper = [(r, c, min(rs, row - r), cs, text) for r, c, rs, cs, text in squares if r < row]
    lower = [(r - row, c, rs, cs, text) for r, c, rs, cs, text in squares if r >= row]
    lower += [(0, c, r + rs - row, cs, "") for r, c, rs, cs, text in squares if r < row < r + rs]
    return upper, lower


def line(text: str, page: int = 1, top: float = 0.0) -> LineReading:
    printed = TextLine(page, BoundingBox(0, top, 300, top + 20), np.full((20, 300), 255, np.uint8), 1.5, True)
    return LineReading(printed, reading(text))


def page(*items: TableReading | LineReading, number: int = 1) -> PageReading:
    moved = tuple(
        replace(item, grid=replace(item.grid, page=number))
        if isinstance(item, TableReading)
        else replace(item, line=replace(item.line, page=number))
        for item in items
    )
    return PageReading(number, moved)


def _header(columns: Sequence[ColumnSpec], top: int, left: int) -> list[Square]:
    levels = max(len(column.parents) for column in columns) + 1
    squares: list[Square] = []
    for level in range(levels):
        start = 0
        while start < len(columns):
            path = (*columns[start].parents, columns[start].label)
            if len(path) <= level:
                start += 1
                continue
            end = start + 1
            if level < len(path) - 1:
                while end < len(columns) and columns[end].parents[: level + 1] == path[: level + 1]:
                    end += 1
            down = 1 if level < len(path) - 1 else levels - level
            squares.append((top + level, left + start, down, end - start, path[level]))
            start = end
    return squares


def _body(block: BlockSpec, top: int, depth: int, figure: Figure) -> list[Square]:
    squares: list[Square] = []
    for number, row in enumerate(block.rows):
        for level, parent in enumerate(row.parents):
            path = row.parents[: level + 1]
            if number and block.rows[number - 1].parents[: level + 1] == path:
                continue
            span = 1
            while number + span < len(block.rows) and block.rows[number + span].parents[: level + 1] == path:
                span += 1
            squares.append((top + number, level, span, 1, parent))
        indent = len(row.parents)
        squares.append((top + number, indent, 1, depth - indent, row.label))
        squares.extend(
            (top + number, depth + place, 1, 1, figure(row, column)) for place, column in enumerate(block.columns)
        )
    return squares


def _strip(spec: TableSpec, figure: Figure) -> list[Square]:
    squares: list[Square] = []
    left = 0
    for row in spec.blocks[0].rows:
        path = (*row.parents, row.label)
        columns = spec.blocks[0].columns
        for level, label in enumerate(path):
            squares.append((level, left, 1, len(columns), label))
        squares.extend((len(path), left + i, 3 - len(path), 1, column.label) for i, column in enumerate(columns))
        squares.extend((3, left + i, 1, 1, figure(row, column)) for i, column in enumerate(columns))
        left += len(columns)
    return squares
