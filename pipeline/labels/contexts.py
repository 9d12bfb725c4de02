"""What surrounds each label of a table: one convention for training and for reading.

The neighbours of a label are the labels above and below it that begin in the same grid column. Its parent is the
nearest label to its left that spans more rows, or else the caption above, a line with a single cell. Values belong to
the innermost label on their line: a label that spans others has none of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pipeline.domain import LabelContext


class Placed(Protocol):
    """A cell in a grid; places and spans are in grid squares."""

    @property
    def row(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def row_span(self) -> int: ...


def grid_contexts(
    cells: Sequence[Placed], texts: Sequence[str], worded: Sequence[bool], section: str = ""
) -> tuple[tuple[int, LabelContext], ...]:
    """The labels of a grid, each as the index of its cell with its context.

    Args:
        cells: every cell of the grid in reading order.
        texts: what stands in each.
        worded: whether that is words rather than a figure or a mark.
        section: the last heading above the table.
    """
    rows = 1 + max((cell.row + cell.row_span - 1 for cell in cells), default=0)
    on_line: list[list[int]] = [[] for _ in range(rows)]
    columns: dict[int, list[int]] = {}
    for index, cell in enumerate(cells):
        for number in range(cell.row, cell.row + cell.row_span):
            on_line[number].append(index)
        if worded[index]:
            columns.setdefault(cell.column, []).append(index)
    found = []
    caption = ""
    for index, cell in enumerate(cells):
        if not worded[index]:
            continue
        line = sorted(on_line[cell.row], key=lambda other: cells[other].column)
        alone = len(line) == 1
        if alone:
            caption = texts[index]
        words = [other for other in line if worded[other] and other != index]
        spanning = [
            other for other in words if cells[other].column < cell.column and cells[other].row_span > cell.row_span
        ]
        spans = any(cells[o].column > cell.column and cells[o].row_span < cell.row_span for o in words)
        values = sum(1 for other in line if cells[other].column > cell.column and not worded[other])
        above_below = columns[cell.column]
        place = above_below.index(index)
        found.append(
            (
                index,
                LabelContext(
                    text=texts[index],
                    parent=texts[spanning[-1]] if spanning else "" if alone else caption,
                    section=section,
                    previous=texts[above_below[place - 1]] if place else "",
                    following=texts[above_below[place + 1]] if place + 1 < len(above_below) else "",
                    position=cell.row / max(1, rows - 1),
                    columns=0 if spans else values,
                ),
            )
        )
    return tuple(found)
