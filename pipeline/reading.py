"""One page through imaging, tables and readers: every printed cell gets a reading."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from pipeline import imaging, tables
from pipeline.documents import cut_long_page
from pipeline.domain import (
    Alternative,
    BoundingBox,
    CleanPage,
    Grid,
    GridCell,
    LineReading,
    Mark,
    PageImage,
    PageReading,
    Pixels,
    Reading,
    TableReading,
    TextLine,
    Transform,
)
from pipeline.geometry import Identity, box_to_parent, chain, corners, scaling, translation
from pipeline.ocr import TextEngine, calibration
from pipeline.ocr.crops import without_last
from pipeline.ocr.lines import split_lines
from pipeline.ocr.numerals import NAME as NUMERALS
from pipeline.ocr.numerals import NumeralReader
from pipeline.ocr.overlaps import beyond_rules
from pipeline.ocr.pictures import perhaps
from pipeline.ocr.pooling import pool
from pipeline.ocr.specks import ENOUGH, FEWEST, without_specks
from pipeline.tables.textlayer import read_text_layer
from pipeline.values import is_unit, parse_value

# From here on the numeral reader's word needs no second opinion.
_SURE = 0.995
# From here on a picture looks like what it was read as.
_LOOKS_LIKE = 0.5
# A line no longer than this many times its height may be a figure, unless the numeral reader leaves less than this to
# any; one that the engine reads as surely as the last is one.
_SHORT, _PERHAPS_FIGURE, _FIGURE = 3.0, 0.3, 0.9
# A figure set in lines is no surer than this: lines may be those of two rows between which a rule was lost.
_IN_LINES = 0.85
# What two letters at least, or so many, were read with, counts as words from here on.
_WORDS, _MANY_LETTERS, _WORDS_FEW = 0.5, 5, 0.05
# Cells whose borders were seen less than this come from the alignment of text. Without a relation that holds they are
# not accepted, blank ones never.
_SEEN = 0.4
_UNSEEN, _UNSEEN_BLANK = 0.95, 0.9
# What a reader gives a figure with a trace of a sign, a point or a 1 in it; one without it is no surer than the other.
_FAINTLY, _TRACED = 0.1, 0.85
# What is paler than this, relative to the figures of its page, shines through or is a watermark; what is left of a torn
# figure may be as pale, so that a blank for that reason is no surer than the second and not accepted for itself. Of
# 10,200 printed cells of 75 generated reports none was paler than 0.47; watermarks have 0.2 to 0.4.
_GHOST, _BLANK = 0.45, 0.97
# A page whose words or figures read worse than this on average stands on its side or on its head.
_LEGIBLE = 0.6
# Where one that no orientation makes legible reads nearly as well another way up, in this proportion at least, nothing
# on it is surer than the last number: noughts and dashes look the same on their head.
_PLAINLY, _EITHER_WAY = 0.5, 0.85
# What dashes are read as where they stand upright, one or several in line.
_ON_ITS_SIDE = frozenset("1-—+")
# So many cells, or up to twice as many, are read before that is decided.
_SAMPLE = 40
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


@dataclass(frozen=True, slots=True)
class Readers:
    """The readers a page is read with."""

    engine: TextEngine
    numerals: NumeralReader


def read_page(page: PageImage, readers: Readers) -> PageReading:
    """Read the tables and the titles of a page.

    A sound text layer is read as it stands; where it holds no sound table the picture is read.
    """
    if page.text_layer is not None:
        grids, lines = read_text_layer(page)
        glance = imaging.glance(page)
        if grids or not (imaging.has_rules(glance) or imaging.has_columns(glance)):
            found = [_embedded(grid) for grid in grids]
            return PageReading(
                page.number, _in_order(found, _read_lines(lines, grids, readers, Identity()), Identity())
            )
    items: list[TableReading | LineReading] = []
    parts = cut_long_page(page)
    for top, bottom in parts:
        part = page if bottom - top == page.pixels.shape[0] else replace(page, pixels=page.pixels[top:bottom])
        in_file = chain(translation(0, top), scaling(1 / page.stretch[0], 1 / page.stretch[1]))
        items.extend(_moved(item, in_file) for item in _read_picture(part, readers))
    return PageReading(page.number, tuple(items), len(parts))


def crop(grid: Grid, cell: GridCell) -> Pixels:
    """The picture of a cell, inside its rules; at least one pixel, also where rules that nearly coincide leave none.

    Raises:
        LookupError: the picture of the grid was not kept.
    """
    if not grid.pixels.size:
        raise LookupError("the picture of a grid that is not kept")
    height, width = grid.pixels.shape
    x0, y0 = (max(0, min(round(low), most - 1)) for low, most in ((cell.box.x0, width), (cell.box.y0, height)))
    x1, y1 = min(width, max(x0 + 1, round(cell.box.x1))), min(height, max(y0 + 1, round(cell.box.y1)))
    return grid.pixels[y0:y1, x0:x1]


def _read_picture(page: PageImage, readers: Readers) -> tuple[TableReading | LineReading, ...]:
    """Read a picture in the first orientation in which its labels are legible, else in the most legible one."""
    glance = imaging.glance(page)
    ruled = imaging.has_rules(glance)
    if not (ruled or imaging.has_columns(glance)):
        sheet = imaging.clean_glance(page, glance)
        titles = _titles(tables.find_lines(sheet, ()))
        near = [replace(line, pixels=imaging.close_up(page, sheet, line)) for line in titles]
        return tuple(_read(near, readers.engine))
    clean = imaging.clean(page, ruled=ruled)
    seen: list[tuple[float, CleanPage, _Tables]] = []
    bare: set[int] = set()
    for quarters in imaging.orientation_candidates(clean):
        # Where no table is found there is none on its head either.
        if quarters % 2 in bare:
            continue
        turned = imaging.turn(clean, quarters)
        found = _Tables(tables.find_grids(turned, ruled))
        amount, legible = _legibility(found.sample(readers))
        amount *= len(found.cells) / max(1, len(found.readings))
        if not legible:  # where the cells cannot be read what stands around them may
            amount += _legible_titles(tables.find_lines(turned, found.grids), readers)
        seen.append((amount, turned, found))
        # Rules may be found in a picture that lies on its side; text that is aligned is not.
        if legible or not (ruled or found.cells):
            break
        if not found.cells:
            bare.add(quarters % 2)
    # Of orientations that can be read as well as each other the first is the likelier.
    (amount, upright, chosen), *others = sorted(seen, key=lambda each: -each[0])
    plain = legible or all(other < _PLAINLY * amount for other, _, _ in others)
    read = [_calibrated(table) for table in chosen.read(readers)]
    if not plain:
        read = [_doubted(table, readers) for table in read]
    lines = _read_lines(tables.find_lines(upright, chosen.grids), chosen.grids, readers, upright.to_page)
    return _in_order(read, lines, upright.to_page)


class _Tables:
    """The tables of a page in one orientation, of which as many cells are read as are wanted.

    Attributes:
        grids: the tables.
        cells: their cells, table by table: the number of the grid, and the cell.
        readings: what was read so far, by the number of the cell.
    """

    def __init__(self, grids: Sequence[Grid]) -> None:
        self.grids = grids
        self.cells = [(number, cell) for number, grid in enumerate(grids) for cell in grid.cells]
        self.readings: dict[int, Reading] = {}

    def sample(self, readers: Readers) -> list[Reading]:
        """The readings of cells from all over the page, enough to tell whether it can be read as it lies."""
        # Column by column: every so many cells of rows might be figures alone, and noughts look the same on their head.
        placed = [(number, cell.column, cell.row, index) for index, (number, cell) in enumerate(self.cells)]
        step = max(1, len(placed) // _SAMPLE)
        self._read(sorted(index for *_, index in sorted(placed)[::step]), readers)
        return list(self.readings.values())

    def read(self, readers: Readers) -> list[TableReading]:
        """All tables, read."""
        self._read([index for index in range(len(self.cells)) if index not in self.readings], readers)
        self._beyond_rules(readers)
        self._settle_blanks(readers.numerals)
        readings = iter([self.readings[index] for index in range(len(self.cells))])
        return [TableReading(grid, tuple(next(readings) for _ in grid.cells)) for grid in self.grids]

    def _read(self, chosen: Sequence[int], readers: Readers) -> None:
        crops = [self._crop(index) for index in chosen]
        self.readings.update(zip(chosen, _read_cells(crops, readers), strict=True))

    def _crop(self, index: int) -> Pixels:
        number, cell = self.cells[index]
        return crop(self.grids[number], cell)

    def _beyond_rules(self, readers: Readers) -> None:
        """Read cells anew whose figure stands on a rule, which cut a part of it off; both readers look at it.

        What runs into the border of its cell is never so sure to the numeral reader that the engine was not asked.
        """
        cut = {}
        for index, (number, cell) in enumerate(self.cells):
            reading = self.readings[index]
            if NUMERALS in reading.reader and (reading.parts or not reading.text):
                picture = beyond_rules(self.grids[number].pixels, cell.box)
                if picture is not None:
                    cut[index] = picture
        whole = list(cut.values())
        for i, *parts in zip(cut, readers.numerals.read(whole), readers.engine.read_numerals(whole), strict=True):
            self.readings[i] = _of_whole_figure(self.readings[i], pool(parts))

    def _settle_blanks(self, numerals: NumeralReader) -> None:
        """Read doubtful cells as blank that hold nothing but specks, or what is far paler than print."""
        figures = [i for i, reading in self.readings.items() if reading.probability >= _SURE and reading.text.isdigit()]
        sure = [self._crop(i) for i in figures[:ENOUGH]]
        doubtful = {i: self._crop(i) for i, reading in self.readings.items() if reading.probability < _SURE}
        known = [dark for picture in sure if (dark := _darkest(picture)) is not None]
        usual = float(np.median(known)) if len(known) >= FEWEST else 0.0
        for i, picture in doubtful.items():
            dark, reading = _darkest(picture), self.readings[i]
            wordy = _is_wording(reading) and reading.probability >= _FIGURE
            if dark is not None and dark < _GHOST * usual and not wordy:
                self.readings[i] = _as_blank(reading)
        specked = {i: picture for i, picture in doubtful.items() if self.readings[i].parts}
        cleaned = without_specks(specked, sure)
        for i, reading in zip(cleaned, numerals.read(list(cleaned.values())), strict=True):
            if not reading.text and reading.probability >= _FIGURE:
                self.readings[i] = reading


def _darkest(picture: Pixels) -> float | None:
    """How dark the darkest print in the picture of a cell is, in grey levels, also where it stands against a rule."""
    found = imaging.darkness(picture)
    return None if found is None else max(found)


def _as_blank(reading: Reading) -> Reading:
    """The reading of a cell that is blank but for what is no print, and may hardly be what was read all the same."""
    others = (replace(other, probability=other.probability * (1.0 - _BLANK)) for other in reading.alternatives)
    return Reading((Alternative("", _BLANK), *(other for other in others if other.text.strip())), reading.reader)


def _of_whole_figure(cut: Reading, whole: Reading) -> Reading:
    """The reading of a cell from that of a figure without what lay on a rule, and from that of the figure with it.

    Where both look like a figure, but not the same, it is the whole one, as likely as not.
    """
    if not whole.text:
        return cut
    same = parse_value(cut.text) == parse_value(whole.text)
    if cut.text and not same and min(cut.probability, whole.probability) >= _LOOKS_LIKE:
        return perhaps(whole)
    return whole if not cut.text or whole.probability > cut.probability else cut


def _legibility(readings: Sequence[Reading]) -> tuple[float, bool]:
    """How much of the cells can be read, and whether that is as much as on an upright page.

    Upside down neither words nor figures are sure, and of many words nothing is read at all. On its side words may be:
    a column of characters turns into a line that recognisers know from vertical print. Figures are not, so that the
    amount counts in proportion to how surely they are read. Dashes look the same on their head and like ones on their
    side: neither says anything.
    """
    words = [r for r in readings if (len(r.text) > 1 and not _is_figure(r.text)) or _is_unread(r)]
    figures = [r for r in readings if parse_value(r.text).mark is Mark.NUMBER and set(r.text) - _ON_ITS_SIDE]
    amount = sum(len(r.text) * r.probability for r in (*words, *figures) if r.probability >= _LEGIBLE)
    amount *= (1.0 + sum(r.probability for r in figures)) / (1.0 + len(figures))
    sure = [float(np.mean([r.probability for r in some])) >= _LEGIBLE for some in (words, figures) if len(some) > 2]
    return amount, len(words) > 2 and all(sure)


def _legible_titles(lines: Sequence[TextLine], readers: Readers) -> float:
    """How much of the titles and headings of a page can be read, in characters."""
    readings = readers.engine.read_labels([line.pixels for line in _titles(lines)])
    return sum(len(r.text) * r.probability for r in readings if r.probability >= _LEGIBLE)


def _is_unread(reading: Reading) -> bool:
    """Whether something is printed that no reader could make anything of."""
    return not reading.text.strip() and reading.probability < _LEGIBLE


def _is_figure(text: str) -> bool:
    """Whether a text is a figure or a mark; blank is neither."""
    return bool(text.strip()) and parse_value(text).mark in {Mark.NUMBER, Mark.SLASH, Mark.DASH}


def _calibrated(table: TableReading) -> TableReading:
    """The table with calibrated probabilities; these hold on upright pages only, so the orientation comes first."""
    pairs = zip(table.grid.cells, table.readings, strict=True)
    return replace(table, readings=tuple(_as_sure_as(cell, reading) for cell, reading in pairs))


def _doubted(table: TableReading, readers: Readers) -> TableReading:
    """A table that may lie another way up: both readers have looked at every cell, and are not believed."""
    alone = [i for i, reading in enumerate(table.readings) if reading.reader == readers.numerals.name]
    cells = [(table.grid.cells[i], table.readings[i]) for i in alone]
    crops = [crop(table.grid, cell) for cell, _ in cells]
    readings = list(table.readings)
    for i, reading in zip(alone, second_opinions(cells, crops, readers.engine), strict=True):
        readings[i] = reading
    return replace(table, readings=tuple(_at_most(reading, _EITHER_WAY) for reading in readings))


def _at_most(reading: Reading, most: float) -> Reading:
    """The reading, no alternative of which is surer than the second argument."""
    if reading.probability <= most:
        return reading
    kept = tuple(replace(other, probability=min(other.probability, most)) for other in reading.alternatives)
    return replace(reading, alternatives=kept)


def _as_sure_as(cell: GridCell, reading: Reading) -> Reading:
    """The calibrated reading of a cell, no surer than its borders: where none were seen a figure may be cut."""
    most = 1.0
    if cell.quality <= _SEEN:
        most = _UNSEEN if reading.text.strip() else _UNSEEN_BLANK
    if _has_traces(reading):
        most = min(most, _TRACED)
    return _at_most(calibration.load().apply(reading, cell.quality), most)


def _has_traces(reading: Reading) -> bool:
    """Whether one of two readers saw, if only faintly, a sign, a point or a comma more or less than was read.

    Or a 1 at an end, where something stands against a rule. The digits say nothing about such a speck, so that the
    other reader's certainty of them must not hide it.
    """
    digits, value = _digits(reading.text), parse_value(reading.text)
    if not digits:
        return False
    same = (digits, f"1{digits}", f"{digits}1")
    return any(
        other.probability >= _FAINTLY and _digits(other.text) in same and parse_value(other.text) != value
        for part in reading.parts
        for other in part.alternatives
    )


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _read_cells(crops: Sequence[Pixels], readers: Readers) -> list[Reading]:
    """Numerals by the fast reader; what it is not sure of goes to the text engine.

    A short line that the numeral reader may take for a figure is read as one first; what is none is read as text, and
    as a numeral too where the text may be one.
    """
    readings = readers.numerals.read(crops)
    doubtful = [i for i, reading in enumerate(readings) if reading.probability < _SURE]
    lines = {i: split_lines(crops[i]) for i in doubtful}
    short = [i for i in doubtful if readings[i].text.strip() and _may_be_figure(lines[i])]
    numerals = _numerals([i for i in short if readings[i].probability >= _PERHAPS_FIGURE], crops, readers.engine)
    wordy = [i for i in doubtful if i not in numerals or numerals[i].probability < _FIGURE]
    texts = iter(readers.engine.read_labels([line for i in wordy for line in lines[i]]))
    worded = {i: _join([next(texts) for _ in lines[i]], readers.engine.name) for i in wordy}
    wordings = {i for i in wordy if _is_wording(worded[i]) or _is_unit(worded[i])}
    numerals |= _numerals([i for i in doubtful if i not in wordings | numerals.keys()], crops, readers.engine)
    readings = _with_units(readings, numerals, crops, readers.numerals)
    for i in doubtful:
        readings[i] = worded[i] if i in wordings else pool([readings[i], numerals[i]])
    columns = {i: lines[i] for i in doubtful if i not in wordings and _may_be_column(lines[i])}
    for i, reading in _digit_by_digit(columns, readers.numerals).items():
        readings[i] = replace(reading, reader=readings[i].reader)
    return readings


def _may_be_column(lines: Sequence[Pixels]) -> bool:
    """Whether lines may be digits below each other, as wide ones stand in a narrow column."""
    return len(lines) > 1 and all(line.shape[1] <= _SHORT * line.shape[0] for line in lines)


def _digit_by_digit(columns: Mapping[int, Sequence[Pixels]], numerals: NumeralReader) -> dict[int, Reading]:
    """Figures set in several lines, by the number of the crop; they may also be those of several rows."""
    parts = iter(numerals.read([line for lines in columns.values() for line in lines]))
    read = {i: [next(parts) for _ in lines] for i, lines in columns.items()}
    return {
        i: Reading((Alternative("".join(part.text for part in found), _IN_LINES),), found[0].reader)
        for i, found in read.items()
        if all(part.text.isdigit() and part.probability >= _FIGURE for part in found)
    }


def _with_units(
    readings: Sequence[Reading], engine: Mapping[int, Reading], crops: Sequence[Pixels], numerals: NumeralReader
) -> list[Reading]:
    """The numeral reader's readings; where the engine sees a figure with its unit, its reading of the figure alone.

    Args:
        engine: the engine's readings, by the number of the crop.
    """
    units = {i: unit for i, reading in engine.items() if (unit := _unit_at_end(reading.text))}
    parts = {i: part for i, unit in units.items() if (part := without_last(crops[i], len(unit))) is not None}
    found = list(readings)
    for i, reading in zip(parts, numerals.read(list(parts.values())), strict=True):
        figures = [a for a in reading.alternatives if parse_value(a.text).mark is Mark.NUMBER]
        if figures:
            found[i] = Reading(tuple(Alternative(a.text + units[i], a.probability) for a in figures), reading.reader)
    return found


def _unit_at_end(text: str) -> str:
    """The unit that a figure ends with, empty where there is none."""
    value = parse_value(text)
    return value.unit if value.mark is Mark.NUMBER and text.endswith(value.unit) else ""


def _numerals(chosen: Sequence[int], crops: Sequence[Pixels], engine: TextEngine) -> dict[int, Reading]:
    return dict(zip(chosen, engine.read_numerals([crops[i] for i in chosen]), strict=True))


def _may_be_figure(lines: Sequence[Pixels]) -> bool:
    """Whether a cell holds one short line, as figures and marks do."""
    return len(lines) == 0 or (len(lines) == 1 and lines[0].shape[1] <= _SHORT * lines[0].shape[0])


def _is_wording(reading: Reading) -> bool:
    """Whether a text is words, or a figure with a note, rather than a figure or mark alone."""
    value = parse_value(reading.text)
    letters = sum(character.isalpha() and not character.isascii() for character in reading.text)
    if value.mark is Mark.NUMBER:
        return bool(value.note) and letters > 0
    # Of several characters some may be guessed: they are words all the same.
    least = _WORDS_FEW if letters >= _MANY_LETTERS else _WORDS
    return value.mark is Mark.TEXT and letters >= 2 and reading.probability >= least


def _is_unit(reading: Reading) -> bool:
    """Whether a cell surely holds a unit and nothing else, as in the column of units of the form of 2014."""
    return is_unit(reading.text) and reading.probability >= _FIGURE


def second_opinions(
    cells: Sequence[tuple[GridCell, Reading]], crops: Sequence[Pixels], engine: TextEngine
) -> list[Reading]:
    """The readings of numeral cells that one reader alone was sure of, pooled with those of the text engine."""
    if not cells:
        return []
    second = engine.read_numerals(crops)
    return [_as_sure_as(own, pool([first, other])) for (own, first), other in zip(cells, second, strict=True)]


def _join(lines: Sequence[Reading], reader: str) -> Reading:
    text = "".join(line.text for line in lines)
    return Reading((Alternative(text, min((line.probability for line in lines), default=0.0)),), reader)


def _read_lines(
    lines: Sequence[TextLine], grids: Sequence[Grid], readers: Readers, to_page: Transform
) -> list[LineReading]:
    """Read the lines that may be titles and the lines right above a table; narrative is left alone."""
    titles = _titles(lines)
    above = _above_tables(lines, grids, to_page)
    return _read([line for line in lines if line.text is not None or line in titles or line in above], readers.engine)


def _stands_out(line: TextLine) -> bool:
    return line.centred or line.prominence >= _PROMINENT_CENTRED


def _titles(lines: Sequence[TextLine]) -> Sequence[TextLine]:
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


def _read(lines: Sequence[TextLine], engine: TextEngine) -> list[LineReading]:
    """The lines as their text layer has them, else as the engine reads them.

    The quick network does not know every character of a name. What does not stand out is narrative or a heading, as a
    rule, and read by the full network only where it turns out to name somebody.
    """
    unread = [line for line in lines if line.text is None]
    plain = [line for line in unread if not _stands_out(line)]
    quick = dict(zip(plain, engine.read_labels([line.pixels for line in plain]), strict=True))
    closely = [line for line in unread if line not in quick or _NAMES.search(quick[line].text)]
    found = quick | dict(zip(closely, engine.read_lines([line.pixels for line in closely]), strict=True))
    return [
        LineReading(line, found[line] if line.text is None else _certain(line.text, "text-layer")) for line in lines
    ]


def _above_tables(lines: Sequence[TextLine], grids: Sequence[Grid], to_page: Transform) -> set[TextLine]:
    """The last lines before each table, on the page as it is read."""
    heights = [(_middle(line.box, to_page), line) for line in lines]
    above: set[TextLine] = set()
    for grid in grids:
        edge = _top(grid, to_page)
        before = sorted((pair for pair in heights if pair[0] <= edge), key=lambda pair: pair[0])
        above.update(line for _, line in before[-_ABOVE_TABLE:])
    return above


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


def _embedded(grid: Grid) -> TableReading:
    return TableReading(grid, tuple(_certain(cell.text or "", "text-layer") for cell in grid.cells))


def _certain(text: str, reader: str) -> Reading:
    return Reading((Alternative(text, 1.0),), reader)


def _moved(item: TableReading | LineReading, to_file: Transform) -> TableReading | LineReading:
    """The item of a picture with its place in the file's picture, which that one was cut from."""
    if isinstance(item, LineReading):
        return replace(item, line=replace(item.line, box=box_to_parent(to_file, item.line.box)))
    grid = item.grid
    moved = replace(grid, to_page=chain(grid.to_page, to_file), box=box_to_parent(to_file, grid.box))
    return replace(item, grid=moved)


def _in_order(
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
