"""The printer: paragraphs, headings and ruled tables set on pages, tables broken where a page ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from pipeline.domain import BoundingBox, CellKey
from scripts.scans.fonts import Lettering
from scripts.scans.setting import BLACK, Bar, CellRecord, Page, Photograph, TextItem, Tint, place, text_width, wrap


class Pattern(StrEnum):
    """How a rule is drawn."""

    ABSENT = "absent"
    SOLID = "solid"
    DOTTED = "dotted"
    DASHED = "dashed"


class Outer(StrEnum):
    """How the outer border of a table is drawn."""

    PLAIN = "plain"
    THICK = "thick"
    DOUBLE = "double"
    NO_SIDES = "no sides"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Style:
    """The look of a report; lengths in points (1/72 inch) unless said otherwise.

    Attributes:
        page_width, page_height, margin_*: the sheet.
        body, heading, title, cell: sizes of type.
        leading: line distance in sizes of type.
        rule: width of a rule in pixels; rule_tint, pattern, outer: how it is drawn.
        gaps: share of a rule's length that is broken away.
        pad_x, pad_y, row_height: room in a cell, least height of a row.
        shade: tint of header cells, None for white.
        values: where figures stand in their cells.
        repeat_header: whether a continued table prints its header again; repeat_title: its heading, with （续）.
        repeat_groups: whether a group label is printed again on the next page.
        cut_rows: whether a row may be cut by the end of a page.
        footer: form of the page number, empty for none.
        table_width: share of the text width that a table takes.
    """

    dpi: int
    lettering: Lettering
    heading_lettering: Lettering
    page_width: float = 595.3
    page_height: float = 841.9
    margin_left: float = 79.0
    margin_right: float = 74.0
    margin_top: float = 105.0
    margin_bottom: float = 99.0
    body: float = 16.0
    heading: float = 16.0
    title: float = 22.0
    cell: float = 10.5
    leading: float = 1.75
    rule: int = 2
    rule_tint: Tint = BLACK
    pattern: Pattern = Pattern.SOLID
    outer: Outer = Outer.PLAIN
    gaps: float = 0.0
    pad_x: float = 3.0
    pad_y: float = 2.0
    row_height: float = 20.0
    shade: Tint | None = None
    values: str = "centre"
    labels: str = "left"
    bold_header: bool = False
    bold_values: bool = False
    repeat_header: bool = False
    repeat_groups: bool = False
    repeat_title: bool = False
    cut_rows: bool = False
    footer: str = "— {} —"
    watermark: str = ""
    table_width: float = 1.0

    def px(self, points: float) -> int:
        """Points to whole pixels."""
        return max(1, round(points * self.dpi / 72))


@dataclass(frozen=True, slots=True)
class Truth:
    """What a cell means, beside what is printed in it."""

    key: CellKey
    value: str
    blank: bool
    consistent: bool
    label: str


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell that covers ``rows`` rows from ``row`` and the share x0 to x1 of the table's width."""

    row: int
    x0: float
    x1: float
    text: str
    rows: int = 1
    align: str = "centre"
    indent: float = 0.0
    header: bool = False
    truth: Truth | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in rows; the first ``header_rows`` are printed again after a page break where the style says so."""

    cells: tuple[TableCell, ...]
    rows: int
    header_rows: int = 0


@dataclass(slots=True)
class _Strip:
    """One row, or the part of it that stands on one page; ``part``: 0 whole, 1 upper, 2 lower part of a cut row."""

    page: int
    y0: int
    y1: int
    row: int
    part: int = 0
    again: bool = False


@dataclass(slots=True)
class Press:
    """Sets one report after another on a stack of pages; the cursor ``y`` is in pixels of the last page."""

    style: Style
    rng: np.random.Generator
    pages: list[Page] = field(default_factory=list)
    y: int = 0
    report: int = 1
    title: str = ""

    def start_page(self) -> None:
        """Put a new sheet on the stack."""
        style = self.style
        self.pages.append(Page(style.px(style.page_width), style.px(style.page_height)))
        self.y = style.px(style.margin_top)
        if style.watermark:
            self._watermark()

    @property
    def page(self) -> Page:
        if not self.pages:
            self.start_page()
        return self.pages[-1]

    @property
    def left(self) -> int:
        return self.style.px(self.style.margin_left)

    @property
    def right(self) -> int:
        return self.style.px(self.style.page_width - self.style.margin_right)

    @property
    def bottom(self) -> int:
        return self.style.px(self.style.page_height - self.style.margin_bottom)

    def skip(self, points: float) -> None:
        """Leave white space."""
        self.y += self.style.px(points)

    def paragraph(
        self,
        text: str,
        *,
        points: float | None = None,
        align: str = "left",
        indent: float = 2.0,
        bold: bool = False,
        heading: bool = False,
    ) -> None:
        """Set a paragraph; ``indent`` of its first line is in ems."""
        style = self.style
        lettering = style.heading_lettering if heading else style.lettering
        size = style.px(points if points is not None else style.body)
        step = round(size * style.leading)
        lead = "　" * int(indent) if align == "left" else ""
        for line in wrap(lead + text, self.right - self.left, lettering, size, bold):
            if not self.pages or self.y + step > self.bottom:
                self.start_page()
            x = self._start(line, align, lettering, size, bold)
            self.page.items += place(line, x, self.y + step * 0.5 + size * 0.38, lettering, size, bold)
            self.y += step

    def photograph(self, height: float) -> None:
        """Set a photograph over the text width."""
        tall = self.style.px(height)
        if not self.pages or self.y + tall > self.bottom:
            self.start_page()
        seed = int(self.rng.integers(1 << 31))
        self.page.items.append(Photograph(self.left, self.y, self.right, self.y + tall, seed))
        self.y += tall + self.style.px(12)

    def finish(self, first_number: int = 1) -> None:
        """Print the page numbers."""
        style = self.style
        if not style.footer:
            return
        size = style.px(12 if style.footer.startswith("—") else 10)
        for number, page in enumerate(self.pages, first_number):
            text = style.footer.format(number)
            x = (page.width - text_width(text, style.lettering, size)) / 2
            page.items += place(text, x, page.height - style.px(style.margin_bottom * 0.62), style.lettering, size)

    def table(self, table: Table, title: str = "") -> None:
        """Set a table from the cursor on, over as many pages as it takes; ``title`` is the heading above it."""
        self.title = title
        if not self.pages:
            self.start_page()
        size, heights, lines = self._measure(table)
        strips = self._strips(table, heights, lines, size)
        for number, cell in enumerate(table.cells):
            self._cell(cell, lines[number], size, strips)
        for page in sorted({s.page for s in strips}):
            self._rules(table, [s for s in strips if s.page == page])

    # ------------------------------------------------------------------ measuring

    def _edges(self, cell: TableCell) -> tuple[int, int]:
        wide = round((self.right - self.left) * self.style.table_width)
        start = self.left + (self.right - self.left - wide) // 2
        return start + round(cell.x0 * wide), start + round(cell.x1 * wide)

    def _measure(self, table: Table) -> tuple[int, list[int], dict[int, list[str]]]:
        """Size of type, height of every row, and the lines of every cell (by position in ``table.cells``)."""
        style = self.style
        size, pad = style.px(style.cell), style.px(style.pad_x)
        lines: dict[int, list[str]] = {}
        heights = [style.px(style.row_height)] * table.rows
        step = round(size * 1.25)
        for number, cell in enumerate(table.cells):
            x0, x1 = self._edges(cell)
            room = max(size + 1, x1 - x0 - 2 * pad - round(cell.indent * size))
            if not cell.text:
                lines[number] = []
            elif cell.truth is not None and cell.text.isascii():
                lines[number] = [cell.text]  # a number is set smaller rather than broken
            else:
                lines[number] = wrap(cell.text, room, style.lettering, size, self._bold(cell))
            if cell.rows == 1:
                heights[cell.row] = max(heights[cell.row], len(lines[number]) * step + 2 * style.px(style.pad_y))
        for number, cell in enumerate(table.cells):
            if cell.rows > 1:
                lack = (
                    len(lines[number]) * step
                    + 2 * style.px(style.pad_y)
                    - sum(heights[cell.row : cell.row + cell.rows])
                )
                for row in range(cell.row, cell.row + cell.rows):
                    heights[row] += max(0, -(-lack // cell.rows))
        return size, heights, lines

    def _strips(self, table: Table, heights: Sequence[int], lines: dict[int, list[str]], size: int) -> list[_Strip]:
        """Put rows on pages."""
        strips: list[_Strip] = []
        step = round(size * 1.25)
        started = False
        for row, height in enumerate(heights):
            needed = height if started or row else sum(heights[: table.header_rows + 1])
            if self.y + needed > self.bottom and self.y > self.style.px(self.style.margin_top):
                room = self.bottom - self.y
                tallest = max(
                    (len(lines[n]) for n, c in enumerate(table.cells) if c.row == row and c.rows == 1), default=0
                )
                upper = step + 2 * self.style.px(self.style.pad_y)
                if self.style.cut_rows and row >= table.header_rows and tallest > 1 and room >= upper:
                    strips.append(_Strip(len(self.pages) - 1, self.y, self.y + upper, row, 1))
                    self._continue(table, heights, strips)
                    lower = max(step + 2 * self.style.px(self.style.pad_y), height - step)
                    strips.append(_Strip(len(self.pages) - 1, self.y, self.y + lower, row, 2))
                    self.y += lower
                    continue
                if row:
                    self._continue(table, heights, strips)
                else:
                    self.start_page()
            strips.append(_Strip(len(self.pages) - 1, self.y, self.y + height, row))
            self.y += height
            started = True
        return strips

    def _continue(self, table: Table, heights: Sequence[int], strips: list[_Strip]) -> None:
        self.start_page()
        if self.style.repeat_title and self.title:
            self.paragraph(f"{self.title}（续）", points=self.style.cell * 1.2, align="centre", heading=True)
        if not self.style.repeat_header:
            return
        for row in range(table.header_rows):
            strips.append(_Strip(len(self.pages) - 1, self.y, self.y + heights[row], row, again=True))
            self.y += heights[row]

    # ------------------------------------------------------------------ drawing

    def _pieces(self, cell: TableCell, strips: Sequence[_Strip]) -> list[tuple[int, int, int, int]]:
        """Where a cell stands: (page, y0, y1, part) for each page it reaches, header repeats included."""
        pieces: list[tuple[int, int, int, int]] = []
        last: _Strip | None = None
        for strip in strips:
            if not cell.row <= strip.row < cell.row + cell.rows:
                last = None
                continue
            joined = last is not None and last.page == strip.page and last.again == strip.again
            if joined and cell.rows > 1:
                page, y0, _, part = pieces[-1]
                pieces[-1] = (page, y0, strip.y1, part)
            else:
                pieces.append((strip.page, strip.y0, strip.y1, 3 if strip.again else strip.part))
            last = strip
        return pieces

    def _cell(self, cell: TableCell, lines: list[str], size: int, strips: Sequence[_Strip]) -> None:
        style, x = self.style, self._edges(cell)
        pieces = self._pieces(cell, strips)
        needed = len(lines) * round(size * 1.25)
        fits = [order for order, (_, y0, y1, _) in enumerate(pieces) if y1 - y0 >= needed]
        home = fits[0] if fits else 0
        for order, (page, y0, y1, part) in enumerate(pieces):
            text = lines
            if part == 1 and cell.rows == 1:
                text = lines[:1]
            elif part == 2 and cell.rows == 1:
                text = lines[1:]
            elif order != home and part != 3 and not (style.repeat_groups and order in fits):
                text = []
            if cell.header and style.shade is not None:
                self.pages[page].items.append(Bar(x[0], y0, x[1], y1, style.shade))
            self.pages[page].items += self._lines(cell, text, size, (x[0], y0, x[1], y1))
            if cell.truth is not None and order == 0:
                inset = style.rule / 2
                box = BoundingBox(x[0] + inset, y0 + inset, x[1] - inset, y1 - inset)
                truth = cell.truth
                self.pages[page].cells.append(
                    CellRecord(
                        self.report, truth.key, cell.text, truth.value, truth.blank, truth.consistent, truth.label, box
                    )
                )

    def _bold(self, cell: TableCell) -> bool:
        return self.style.bold_header if cell.header else self.style.bold_values and cell.truth is not None

    def _lines(
        self, cell: TableCell, lines: Sequence[str], size: int, box: tuple[int, int, int, int]
    ) -> list[TextItem]:
        style = self.style
        x0, y0, x1, y1 = box
        bold = self._bold(cell)
        pad, step = style.px(style.pad_x), round(size * 1.25)
        items: list[TextItem] = []
        baseline = (y0 + y1) / 2 - len(lines) * step / 2 + step / 2 + size * 0.37
        for line in lines:
            fitted = size
            while (wide := text_width(line, style.lettering, fitted, bold)) > x1 - x0 - 2 and fitted > 8:
                fitted -= 1
            if cell.align == "centre":
                x = (x0 + x1 - wide) / 2
            elif cell.align == "right":
                x = x1 - pad - wide
            else:
                x = x0 + pad + cell.indent * size
            items += place(line, x, baseline, style.lettering, fitted, bold)
            baseline += step
        return items

    def _rules(self, table: Table, strips: Sequence[_Strip]) -> None:
        """Draw every border of the part of a table that stands on one page once."""
        style, page = self.style, self.pages[strips[0].page]
        if style.pattern is Pattern.ABSENT:
            return
        level: set[tuple[int, int, int]] = set()
        upright: set[tuple[int, int, int]] = set()
        for cell in table.cells:
            x0, x1 = self._edges(cell)
            for _, y0, y1, _ in self._pieces(cell, strips):
                level |= {(y0, x0, x1), (y1, x0, x1)}
                upright |= {(x0, y0, y1), (x1, y0, y1)}
        if not level:
            return
        top, bottom = min(s.y0 for s in strips), max(s.y1 for s in strips)
        left, right = min(x for x, _, _ in upright), max(x for x, _, _ in upright)
        bare = style.outer in (Outer.NONE, Outer.NO_SIDES)
        bars: list[Bar] = []
        for y, a, b in sorted(level):
            if not (style.outer is Outer.NONE and y in (top, bottom)):
                bars += self._rule(a, y, b, y)
        for x, a, b in sorted(upright):
            if not (bare and x in (left, right)):
                bars += self._rule(x, a, x, b)
        if style.outer in (Outer.THICK, Outer.DOUBLE):
            wide = style.rule * 2 + 1 if style.outer is Outer.THICK else style.rule
            away = 0 if style.outer is Outer.THICK else style.rule * 2 + 2
            for a, b, c, d in (
                (left - away, top - away, right + away, top - away),
                (left - away, bottom + away, right + away, bottom + away),
                (left - away, top - away, left - away, bottom + away),
                (right + away, top - away, right + away, bottom + away),
            ):
                bars.append(_bar(a, b, c, d, wide, style.rule_tint))
        page.items += bars

    def _rule(self, x0: int, y0: int, x1: int, y1: int) -> list[Bar]:
        style = self.style
        if style.pattern is Pattern.SOLID and not style.gaps:
            return [_bar(x0, y0, x1, y1, style.rule, style.rule_tint)]
        flat = y0 == y1
        start, stop = (x0, x1) if flat else (y0, y1)
        bars = []
        for a, b in self._dashes(start, stop):
            ends = (a, y0, b, y0) if flat else (x0, a, x0, b)
            bars.append(_bar(*ends, style.rule, style.rule_tint, square=False))
        return bars

    def _dashes(self, start: int, stop: int) -> list[tuple[int, int]]:
        style = self.style
        if style.pattern is Pattern.SOLID:
            pieces, at = [], float(start)
            mean = style.px(40)
            while at < stop:
                run = float(self.rng.exponential(mean)) + 3
                pieces.append((int(at), min(stop, int(at + run))))
                at += run + float(self.rng.exponential(mean * style.gaps / (1 - style.gaps))) + 1
            return pieces
        on, off = (style.rule, style.rule + 1) if style.pattern is Pattern.DOTTED else (style.px(3), style.px(1.8))
        first = start - start % (on + off)
        return [(max(start, a), min(stop, a + on)) for a in range(first, stop, on + off) if a + on > start]

    def _start(self, line: str, align: str, lettering: Lettering, size: int, bold: bool) -> float:
        if align == "left":
            return self.left
        wide = text_width(line, lettering, size, bold)
        return (self.left + self.right - wide) / 2 if align == "centre" else self.right - wide

    def _watermark(self) -> None:
        style = self.style
        size = style.px(style.page_width / (len(style.watermark) + 2))
        pale: Tint = (222, 222, 222)
        for share in (0.28, 0.55, 0.8):
            x = style.px(style.page_width * 0.1)
            self.page.items += place(style.watermark, x, self.page.height * share, style.lettering, size, tint=pale)


def _bar(x0: int, y0: int, x1: int, y1: int, wide: int, tint: Tint, square: bool = True) -> Bar:
    """A rule centred on the line between two points; ``square`` ends reach over the corner."""
    low, high = wide // 2, wide - wide // 2
    over = (low, high) if square else (0, 0)
    if y0 == y1:
        return Bar(x0 - over[0], y0 - low, x1 + over[1], y0 + high, tint)
    return Bar(x0 - low, y0 - over[0], x0 + high, y1 + over[1], tint)
