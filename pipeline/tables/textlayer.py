"""Tables and lines of a PDF page that carries sound text: the grid from camelot, the characters from pdfium."""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from pipeline.domain import BoundingBox, Grid, GridCell, PageImage, Pixels, TextLayer, TextLine
from pipeline.geometry import translation

logger = logging.getLogger(__name__)

_LINE_SCALE = 40  # rules down to a fortieth of the page count, as the narrow columns of wide tables need
_MARGIN = 4  # pixels kept around a table
_RULE = 2  # pixels taken off a cell on each side
_WORD_GAP = 0.35  # of the character height: a wider gap is a space
_TORN_GAP = 1.5  # of the character height: a wider gap between numbers is a missing rule
_MAX_STRAY_SHARE = 0.02
_INVISIBLE = 3
_CENTRED = 0.06
_UPRIGHT = 0.98  # cosine of the angle a character may be turned by

# What camelot and the libraries below it raise on pages that they cannot cope with.
_CAMELOT_ERRORS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    OSError,
    RuntimeError,
    RecursionError,
    StopIteration,
    MemoryError,
    cv2.error,
)


@dataclass(frozen=True, slots=True)
class _Char:
    """A visible character; its box in pixels of the page."""

    text: str
    box: BoundingBox
    upright: bool

    @property
    def x(self) -> float:
        return (self.box.x0 + self.box.x1) / 2

    @property
    def y(self) -> float:
        return (self.box.y0 + self.box.y1) / 2


@dataclass(frozen=True, slots=True)
class _Table:
    """A table as camelot sees it: rule positions in pixels of the page, and the squares with their printed cells.

    Attributes:
        xs: the columns' edges, left to right, one more than columns.
        ys: the rows' edges, top to bottom, one more than rows.
        owner: which cell a square belongs to, shape (rows, columns).
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    owner: NDArray[np.intp]

    @property
    def box(self) -> BoundingBox:
        return BoundingBox(self.xs[0], self.ys[0], self.xs[-1], self.ys[-1])


def read_text_layer(page: PageImage) -> tuple[tuple[Grid, ...], tuple[TextLine, ...]]:
    """Read the tables of a page from its embedded text, and the lines outside of them.

    Both are empty when there is no text layer or when it does not fit the rules on the page
    (cells that are no rectangles, characters outside of every cell or sideways, several numbers in one cell):
    the picture is then to be read instead. Without tables only lines are returned; a table may
    still stand in the picture.
    """
    layer = page.text_layer
    if layer is None:
        return (), ()
    found = _camelot_tables(layer)
    if found is None:
        return (), ()
    height, width = page.pixels.shape[:2]
    scale = (width / layer.width, height / layer.height)
    tables = _without_overlaps([_table(table, layer, scale) for table in found])
    if tables is None:
        return (), ()
    chars = _characters(layer, scale)
    if sum(not char.upright for char in chars) > _MAX_STRAY_SHARE * len(chars):
        return (), ()
    grey = _grey(page.pixels)
    grids: list[Grid] = []
    for table in tables:
        inside = [char for char in chars if _holds(table.box, char)]
        grid = _grid(page.number, table, inside, grey)
        if grid is None:
            return (), ()
        grids.append(grid)
    outside = [char for char in chars if not any(_holds(table.box, char) for table in tables)]
    return tuple(grids), _lines(page.number, outside, grey)


# --------------------------------------------------------------------------- the grid


def _camelot_tables(layer: TextLayer) -> list[Any] | None:
    """Camelot's tables, top to bottom; None when it fails."""
    os.environ.setdefault("PATH", os.defpath)  # camelot asks for it when it is imported
    from camelot.io import read_pdf

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = read_pdf(
                layer.pdf, pages="1", flavor="lattice", line_scale=_LINE_SCALE, resolution=200, suppress_stdout=True
            )
            return sorted(found, key=lambda table: (-table.cells[0][0].y2, table.cells[0][0].x1))
    except _CAMELOT_ERRORS as error:
        logger.warning("text layer left aside: %s: %s", type(error).__name__, error)
        return None


def _table(table: Any, layer: TextLayer, scale: tuple[float, float]) -> _Table | None:
    """Rule positions and printed cells; None when the squares joined into a cell do not make a rectangle."""
    cells = table.cells
    rows, columns = len(cells), len(cells[0])
    xs = tuple(float(cell.x1) * scale[0] for cell in cells[0]) + (float(cells[0][-1].x2) * scale[0],)
    tops = tuple((layer.height - float(row[0].y2)) * scale[1] for row in cells)
    ys = (*tops, (layer.height - float(cells[-1][0].y1)) * scale[1])
    owner = np.arange(rows * columns).reshape(rows, columns)
    for row in range(rows):
        for column in range(columns):
            here = cells[row][column]
            if column + 1 < columns and not (here.right or cells[row][column + 1].left):
                owner[owner == owner[row, column + 1]] = owner[row, column]
            if row + 1 < rows and not (here.bottom or cells[row + 1][column].top):
                owner[owner == owner[row + 1, column]] = owner[row, column]
    return _Table(xs, ys, owner) if all(_is_rectangle(owner == each) for each in np.unique(owner)) else None


def _is_rectangle(squares: NDArray[np.bool_]) -> bool:
    rows, columns = np.flatnonzero(squares.any(axis=1)), np.flatnonzero(squares.any(axis=0))
    return bool(squares[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all())


def _without_overlaps(tables: Sequence[_Table | None]) -> list[_Table] | None:
    """The tables of more than one cell; None when one is unsound or two lie over each other."""
    kept: list[_Table] = []
    for table in tables:
        if table is None:
            return None
        if len(np.unique(table.owner)) < 2:
            continue
        if any(_overlap(table.box, other.box) > 1.0 for other in kept):
            return None
        kept.append(table)
    return kept


def _overlap(one: BoundingBox, other: BoundingBox) -> float:
    """The lesser side, in pixels, of what two boxes share."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(min(width, height) - 2 * _RULE, 0.0)


def _grid(number: int, table: _Table, chars: Sequence[_Char], grey: Pixels) -> Grid | None:
    """The table with its text; None when the characters do not fit its cells."""
    rows, columns = table.owner.shape
    x0, y0 = max(int(table.xs[0]) - _MARGIN, 0), max(int(table.ys[0]) - _MARGIN, 0)
    x1, y1 = int(table.xs[-1]) + _MARGIN + 1, int(table.ys[-1]) + _MARGIN + 1
    held = _by_cell(table, chars)
    cells: list[GridCell] = []
    for owner in dict.fromkeys(table.owner.ravel().tolist()):
        row_range, column_range = (np.flatnonzero((table.owner == owner).any(axis=axis)) for axis in (1, 0))
        row, column = int(row_range[0]), int(column_range[0])
        last_row, last_column = int(row_range[-1]), int(column_range[-1])
        lines = _split_lines(held.get(owner, []))
        if any(_is_torn(line) for line in lines):
            return None
        box = BoundingBox(
            table.xs[column] - x0 + _RULE,
            table.ys[row] - y0 + _RULE,
            table.xs[last_column + 1] - x0 - _RULE,
            table.ys[last_row + 1] - y0 - _RULE,
        )
        text = "\n".join(_line_text(line) for line in lines)
        cells.append(GridCell(row, column, last_row - row + 1, last_column - column + 1, box, text))
    placed = sum(map(len, held.values()))
    if placed == 0 or len(chars) - placed > _MAX_STRAY_SHARE * len(chars):
        return None
    pixels = np.ascontiguousarray(grey[y0:y1, x0:x1])
    return Grid(number, rows, columns, tuple(cells), pixels, translation(float(x0), float(y0)), table.box)


def _by_cell(table: _Table, chars: Sequence[_Char]) -> dict[int, list[_Char]]:
    held: dict[int, list[_Char]] = {}
    rows, columns = table.owner.shape
    for char in chars:
        column = int(np.searchsorted(table.xs, char.x, side="right")) - 1
        row = int(np.searchsorted(table.ys, char.y, side="right")) - 1
        if 0 <= row < rows and 0 <= column < columns:
            held.setdefault(int(table.owner[row, column]), []).append(char)
    return held


def _is_torn(line: Sequence[_Char]) -> bool:
    """Whether a line of a cell holds numbers so far apart that a rule must stand between them."""
    return any(
        left.text.isdigit() and right.text.isdigit() and _gap(left, right) > _TORN_GAP * _tall(left, right)
        for left, right in pairwise(line)
    )


# --------------------------------------------------------------------------- characters


def _characters(layer: TextLayer, scale: tuple[float, float]) -> list[_Char]:
    """The visible characters of the page, in the order of the file."""
    document = pdfium.PdfDocument(layer.pdf)
    try:
        page = document[0]
        textpage = page.get_textpage()
        chars: list[_Char] = []
        for index in range(textpage.count_chars()):
            text = chr(pdfium_c.FPDFText_GetUnicode(textpage, index) & 0x1FFFFF)
            if text.isspace() or not text.isprintable() or _is_invisible(textpage, index):
                continue
            left, bottom, right, top = textpage.get_charbox(index)
            box = BoundingBox(
                left * scale[0], (layer.height - top) * scale[1], right * scale[0], (layer.height - bottom) * scale[1]
            )
            if 0 <= left <= layer.width and 0 <= bottom <= layer.height:
                chars.append(_Char(text, box, _is_upright(textpage, index)))
        return _once(chars)
    finally:
        document.close()


def _is_invisible(textpage: Any, index: int) -> bool:
    item = pdfium_c.FPDFText_GetTextObject(textpage, index)
    return bool(item) and pdfium_c.FPDFTextObj_GetTextRenderMode(item) == _INVISIBLE


def _is_upright(textpage: Any, index: int) -> bool:
    return bool(math.cos(pdfium_c.FPDFText_GetCharAngle(textpage, index)) > _UPRIGHT)


def _once(chars: Sequence[_Char]) -> list[_Char]:
    """Without the copies that imitate bold type: the same character again, hardly moved."""
    kept: dict[tuple[str, int, int], _Char] = {}
    for char in chars:
        step = max(char.box.height, char.box.width, 1.0) / 4
        kept.setdefault((char.text, round(char.x / step), round(char.y / step)), char)
    return list(kept.values())


def _holds(box: BoundingBox, char: _Char) -> bool:
    return box.x0 <= char.x < box.x1 and box.y0 <= char.y < box.y1


def _tall(*chars: _Char) -> float:
    return max(max(char.box.height, char.box.width) for char in chars)


def _gap(left: _Char, right: _Char) -> float:
    return right.box.x0 - left.box.x1


def _split_lines(chars: Sequence[_Char]) -> list[list[_Char]]:
    """Characters to lines, top to bottom, each left to right."""
    lines: list[list[_Char]] = []
    for char in sorted(chars, key=lambda each: each.y):
        line = lines[-1] if lines else None
        if line is not None and char.y - median(each.y for each in line) < 0.6 * max(
            median(_tall(each) for each in line), _tall(char)
        ):
            line.append(char)
        else:
            lines.append([char])
    return [sorted(line, key=lambda each: each.box.x0) for line in lines]


def _line_text(line: Sequence[_Char]) -> str:
    """The text of a line; a space where a wide gap parts two words, but none within a number."""
    text = line[0].text
    for left, right in pairwise(line):
        wide = _gap(left, right) > _WORD_GAP * _tall(left, right)
        words = all(char.text.isascii() and char.text.isalnum() for char in (left, right))
        number = left.text.isdigit() and right.text.isdigit()
        text += (" " if wide and words and not number else "") + right.text
    return text


# --------------------------------------------------------------------------- lines outside of tables


def _lines(number: int, chars: Sequence[_Char], grey: Pixels) -> tuple[TextLine, ...]:
    lines = _split_lines(chars)
    if not lines:
        return ()
    boxes = [_hull(line) for line in lines]
    heights = [median(_tall(char) for char in line) for line in lines]
    usual = max(median(heights), 1.0)
    left, right = min(box.x0 for box in boxes), max(box.x1 for box in boxes)
    result = []
    for line, box, tall in zip(lines, boxes, heights, strict=True):
        x0, y0 = max(int(box.x0) - _RULE, 0), max(int(box.y0) - _RULE, 0)
        cut = np.ascontiguousarray(grey[y0 : int(box.y1) + _RULE + 1, x0 : int(box.x1) + _RULE + 1])
        centred = _is_centred(box, left, right)
        result.append(TextLine(number, box, cut, tall / usual, centred, _line_text(line)))
    return tuple(result)


def _is_centred(box: BoundingBox, left: float, right: float) -> bool:
    """Whether a line stands in the middle between the outermost edges of text, with room on both sides."""
    before, after, width = box.x0 - left, right - box.x1, right - left
    return min(before, after) > _CENTRED * width and abs(before - after) < _CENTRED * width


def _hull(line: Sequence[_Char]) -> BoundingBox:
    return BoundingBox(
        min(char.box.x0 for char in line),
        min(char.box.y0 for char in line),
        max(char.box.x1 for char in line),
        max(char.box.y1 for char in line),
    )


def _grey(pixels: Pixels) -> Pixels:
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
