"""The lines around the tables: titles, and what stands right above a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress

import numpy as np

from pipeline.domain import Alternative, BoundingBox, Grid, LineReading, Reading, TableReading, TextLine, Transform
from pipeline.geometry import corners
from pipeline.ocr import TextEngine
from pipeline.reading.readers import Readers

# Lines higher than the usual line of the page by this factor may be titles; less is enough where they are centred.
_PROMINENT = 1.4
_PROMINENT_CENTRED = 1.1
# Lines of one title differ less in height than this.
_AS_PROMINENT = 0.9
_MOST_TITLES = 5
# A page with no more lines than this has no usual line to compare with: all of them are read.
_FEW_LINES = 6
# Lines right above a table name the agency and the year on the form of 2014.
_ABOVE_TABLE = 3
# Words of lines that name an agency.
_NAMES = re.compile("单位|年度|统计表")


def read_lines(
    lines: Sequence[TextLine], grids: Sequence[Grid], readers: Readers, to_page: Transform
) -> list[LineReading]:
    """Read the lines that may be titles and the lines right above a table; narrative is left alone."""
    titles = titles_of(lines)
    above = _above_tables(lines, grids, to_page)
    return read_alone(
        [line for line in lines if line.text is not None or line in titles or line in above], readers.engine
    )


def _stands_out(line: TextLine) -> bool:
    return line.centred or line.prominence >= _PROMINENT_CENTRED


def titles_of(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """The lines that may be titles."""
    if len(lines) <= _FEW_LINES:
        return lines
    found = [line.prominence >= (_PROMINENT_CENTRED if line.centred else _PROMINENT) for line in lines]
    for upper in range(len(lines) - 1):
        # All but the last line of a long title fill the column.
        last = lines[upper + 1]
        least = max(_PROMINENT_CENTRED, _AS_PROMINENT * last.prominence)
        found[upper] |= found[upper + 1] and last.centred and lines[upper].prominence >= least
    return list(compress(lines, found))[:_MOST_TITLES]


def read_alone(lines: Sequence[TextLine], engine: TextEngine) -> list[LineReading]:
    """The lines as their text layer has them, else as the engine reads them.

    The quick network does not know every character of a name. What does not stand out is narrative or a heading, as a
    rule, and read by the full network only where it turns out to name somebody.
    """
    unread = [line for line in lines if line.text is None]
    plain = [line for line in unread if not _stands_out(line)]
    quick = dict(zip(plain, engine.read_labels([line.pixels for line in plain]), strict=True))
    closely = [line for line in unread if line not in quick or _NAMES.search(quick[line].text)]
    found = quick | dict(zip(closely, engine.read_lines([line.pixels for line in closely]), strict=True))
    return [LineReading(line, found[line] if line.text is None else embedded(line.text)) for line in lines]


def _above_tables(lines: Sequence[TextLine], grids: Sequence[Grid], to_page: Transform) -> set[TextLine]:
    """The last lines before each table, on the page as it is read."""
    heights = [(_middle(line.box, to_page), line) for line in lines]
    above: set[TextLine] = set()
    for grid in grids:
        edge = _top(grid, to_page)
        before = sorted((pair for pair in heights if pair[0] <= edge), key=lambda pair: pair[0])
        above.update(line for _, line in before[-_ABOVE_TABLE:])
    return above


def in_order(
    found: Sequence[TableReading], lines: Sequence[LineReading], to_page: Transform
) -> tuple[TableReading | LineReading, ...]:
    """Tables and lines from top to bottom of the upright page; tables side by side keep their order."""
    items: list[TableReading | LineReading] = []
    rest = list(lines)
    for table in found:
        edge = _top(table.grid, to_page)
        items.extend(line for line in rest if _middle(line.line.box, to_page) < edge)
        rest = [line for line in rest if _middle(line.line.box, to_page) >= edge]
        items.append(table)
    return (*items, *rest)


def _top(grid: Grid, to_page: Transform) -> float:
    """Height of the upper edge of a table in the picture that ``to_page`` maps to the page as decoded.

    Its box on that page will not do: where the page lies askew the box of a wide table reaches over the heading above.
    """
    boxes = [cell.box for cell in grid.cells]
    top = min(box.y0 for box in boxes)
    edge = np.array([[min(box.x0 for box in boxes), top], [max(box.x1 for box in boxes), top]])
    return float(to_page.from_parent(grid.to_page.to_parent(edge))[:, 1].mean())


def _middle(box: BoundingBox, to_page: Transform) -> float:
    """Height of the middle of a box of the page as decoded, in the picture that ``to_page`` maps to it."""
    return float(to_page.from_parent(corners(box))[:, 1].mean())


def embedded(text: str) -> Reading:
    """The reading of a text that the file itself tells."""
    return Reading((Alternative(text, 1.0),), "text-layer")
