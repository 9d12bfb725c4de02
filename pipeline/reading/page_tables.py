"""The tables of one page in one orientation: their cells read, and what the other cells of the page tell about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline import imaging
from pipeline.domain import (
    ALIGNED,
    Alternative,
    Grid,
    GridCell,
    Mark,
    PageImage,
    Pixels,
    Reading,
    TableReading,
)
from pipeline.geometry import box_to_parent
from pipeline.ocr.calibration import SURE
from pipeline.ocr.crops import PRINT, Ink, find_inks
from pipeline.ocr.hidden import NAME as HIDDEN
from pipeline.ocr.hidden import any_digit, around_hidden, hidden_reading
from pipeline.ocr.numerals import NAME as NUMERALS
from pipeline.ocr.numerals import NumeralReader
from pipeline.ocr.overlaps import beyond_rules
from pipeline.ocr.pictures import left_of_print, perhaps
from pipeline.ocr.pooling import pool
from pipeline.ocr.seals import NAME as SEAL
from pipeline.ocr.seals import without_seals
from pipeline.ocr.specks import ENOUGH, FEWEST, flakes_beside, height, without_dark_specks, without_specks
from pipeline.reading.cells import FIGURE, crop, is_wording, read_cells
from pipeline.reading.justified import Figure, digits_box, out_of_line
from pipeline.reading.readers import Readers
from pipeline.values import parse_value

# From here on a picture looks like what it was read as.
_LOOKS_LIKE = 0.5
_TELLING = 0.1  # a reading less probable than this tells nothing anyway
# What is paler than this, relative to the figures of its page, shines through or is a watermark; what is left of a torn
# figure may be as pale, so that a blank for that reason is no surer than the second and not accepted for itself. Of
# 10,200 printed cells of 75 generated reports none was paler than 0.47; watermarks have 0.2 to 0.4.
_GHOST, _BLANK = 0.45, 0.97
# What was read beneath a seal is no surer than the first, that nothing is there no surer than the second: neither is
# accepted unless a relation says so too.
_BENEATH, _NOTHING_BENEATH = 0.979, 0.9
# A nought is no higher than other figures than by this; drawn brackets are 1.14 to 1.25 times as high.
_HIGHER = 1.1
# So many cells, or up to twice as many, are read before it is decided how a page lies.
_SAMPLE = 40
# A cell that comes so close to the end of the page, in inches, and of which less was seen than three sides, goes on.
_AT_END, _THREE_SIDES = 0.05, 0.8


class Tables:
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
        figures = self._sure_figures()
        inks = find_inks(figures)
        self._doubt_brackets()
        self._beside_specks(figures, inks, readers)
        usual = _usual_darkness(figures)
        pale = _GHOST * usual
        self._settle_blanks(pale, inks, readers.numerals)
        self._settle_hidden(pale, inks, readers.numerals)
        self._doubt_ends()
        self._beneath_seals(usual, readers)
        readings = iter([self.readings[index] for index in range(len(self.cells))])
        return [TableReading(grid, tuple(next(readings) for _ in grid.cells)) for grid in self.grids]

    def _read(self, chosen: Sequence[int], readers: Readers) -> None:
        crops = [self._crop(index) for index in chosen]
        self.readings.update(zip(chosen, read_cells(crops, readers), strict=True))

    def _crop(self, index: int) -> Pixels:
        number, cell = self.cells[index]
        return crop(self.grids[number], cell)

    def _beyond_rules(self, readers: Readers) -> None:
        """Read cells anew whose figure stands on a rule, which cut a part of it off; both readers look at it.

        What is left in the cell may look sure: of 1705 the 1 may stand on the rule, and 705 in the cell.
        """
        cut = {}
        for index, (number, cell) in enumerate(self.cells):
            reading = self.readings[index]
            if NUMERALS in reading.reader:
                picture = beyond_rules(self.grids[number].pixels, cell.box)
                if picture is not None:
                    cut[index] = picture
        whole = list(cut.values())
        for i, *parts in zip(cut, readers.numerals.read(whole), readers.engine.read_numerals(whole), strict=True):
            self.readings[i] = _of_whole_figure(self.readings[i], pool(parts))

    def _sure_figures(self) -> list[Pixels]:
        """Pictures of cells that surely hold figures, to know their print by."""
        sure = [i for i, reading in self.readings.items() if reading.probability >= SURE and reading.text.isdigit()]
        return [self._crop(i) for i in sure[:ENOUGH]]

    def _doubt_brackets(self) -> None:
        """Doubt noughts that may be brackets around nothing: these are higher than figures.

        Where a page has next to no other figures it is not known how high these are.
        """
        noughts = [
            i for i, read in self.readings.items() if parse_value(read.text).number == 0 and _shows_brackets(read)
        ]
        others = [
            i for i, r in self.readings.items() if r.text.isdigit() and r.text.strip("0") and r.probability >= FIGURE
        ]
        if not noughts:
            return
        inks = find_inks([self._crop(i) for i in others[:ENOUGH]])
        tall = float(np.median([height(ink) for ink in inks])) if len(inks) >= FEWEST else 0.0
        for i, ink in zip(noughts, find_inks([self._crop(i) for i in noughts]), strict=True):
            box = digits_box(ink)
            if box is None or box.height > _HIGHER * tall:
                self.readings[i] = perhaps(self.readings[i])

    def _beside_specks(self, figures: Sequence[Pixels], inks: Sequence[Ink], readers: Readers) -> None:
        """Read figures anew without specks that are darker than print; both readers look at them.

        With one on it a 0 may look like a 6 to both.

        Args:
            figures, inks: pictures of cells that surely hold figures, and their ink.
        """
        perhaps_specked = {
            i: self._crop(i)
            for i, read in self.readings.items()
            if NUMERALS in read.reader and any(character.isdigit() for character in read.text)
        }
        cleaned = without_dark_specks(perhaps_specked, figures, inks)
        crops = list(cleaned.values())
        for i, *parts in zip(cleaned, readers.numerals.read(crops), readers.engine.read_numerals(crops), strict=True):
            self.readings[i] = _beside_speck(self.readings[i], pool(parts))

    def _settle_blanks(self, pale: float, inks: Sequence[Ink], numerals: NumeralReader) -> None:
        """Read doubtful cells as blank that hold nothing but specks, or what is far paler than print.

        Args:
            pale: what is no darker than this is no print, in grey levels; 0 where that is not known.
            inks: of figures of the page.
        """
        doubtful = {i: self._crop(i) for i, reading in self.readings.items() if reading.probability < SURE}
        for i, picture in doubtful.items():
            reading = self.readings[i]
            wordy = is_wording(reading) and reading.probability >= FIGURE
            if _is_paler(picture, pale) and not wordy:
                self.readings[i] = _as_blank(reading)
        specked = {i: picture for i, picture in doubtful.items() if self.readings[i].parts}
        cleaned = without_specks(specked, inks)
        for i, reading in zip(cleaned, numerals.read(list(cleaned.values())), strict=True):
            if not reading.text and reading.probability >= FIGURE:
                self.readings[i] = reading

    def _settle_hidden(self, pale: float, inks: Sequence[Ink], numerals: NumeralReader) -> None:
        """Leave open what digit a blot or a smear hides, whatever the readers took it for; characters are as dense.

        Arguments as for `_settle_blanks`.
        """
        figures_perhaps = {
            i: (self.grids[self.cells[i][0]].pixels, self.cells[i][1].box)
            for i, read in self.readings.items()
            if NUMERALS in read.reader and not _is_character(read)
        }
        around = {
            i: each for i, each in around_hidden(figures_perhaps, inks).items() if each.may_hide(self.readings[i])
        }
        parts = [part for each in around.values() for part in (each.before, each.behind)]
        read = (
            _as_blank(reading) if _is_paler(part, pale) else reading
            for part, reading in zip(parts, numerals.read(parts), strict=True)
        )
        for i in around:
            seen = self.readings[i]
            hidden = hidden_reading(around[i], next(read), next(read), seen)
            if hidden is None:  # what stands around it cannot be read either
                doubted = around[i].is_plain and seen.probability >= _TELLING
                self.readings[i] = replace(perhaps(seen), reader=f"{seen.reader}+{HIDDEN}") if doubted else seen
            else:
                self.readings[i] = hidden if around[i].is_blot else _either(perhaps(seen), hidden)

    def _doubt_ends(self) -> None:
        """Doubt sure figures beside which a digit may be lost: flakes lie there, or they are out of line for it."""
        sure = [
            i
            for i, read in self.readings.items()
            if read.probability >= FIGURE
            and parse_value(read.text).mark is Mark.NUMBER
            and NUMERALS in read.reader
            and HIDDEN not in read.reader
        ]
        placed, before = {}, {}
        for i, ink in zip(sure, find_inks([self._crop(i) for i in sure], PRINT), strict=True):
            number, cell = self.cells[i]
            box = digits_box(ink)
            if box is not None:
                placed[i] = Figure((number, cell.column, cell.column_span), cell.box.width, box)
            side = flakes_beside(ink)
            if side:
                before[i] = side < 0
        before |= {i: offset > 0.0 for i, offset in out_of_line(placed).items()}
        for i, is_first in before.items():
            seen = self.readings[i]
            ends = ("", seen.text) if is_first else (seen.text, "")
            lost = any_digit(*ends, f"{seen.reader}+{HIDDEN}")
            self.readings[i] = perhaps(seen) if lost is None else _either(perhaps(seen), lost)

    def _beneath_seals(self, usual: float, readers: Readers) -> None:
        """Read doubtful cells anew without what is paler than print; both readers look at what is left.

        A digit that a smear hides is as pale: what is doubted for that reason stays.

        Args:
            usual: how dark figures of the page are, in grey levels; 0 where that is not known.
        """
        doubtful = {
            i: self._crop(i)
            for i, reading in self.readings.items()
            if reading.probability < FIGURE and NUMERALS in reading.reader and HIDDEN not in reading.reader
        }
        sure = [i for i, r in self.readings.items() if r.probability >= SURE and r.text and NUMERALS in r.reader]
        some = [self._crop(i) for i in sure[:: 1 + len(sure) // ENOUGH]]
        found = without_seals(doubtful, some, usual) if usual else {}
        crops = [picture for picture, _, _ in found.values()]
        own, second = readers.numerals.read(crops), readers.engine.read_numerals(crops)
        for (i, (_, every, kept)), *parts in zip(found.items(), own, second, strict=True):
            read = pool(parts)
            alike = all(
                part.probability >= FIGURE and parse_value(part.text) == parse_value(read.text) for part in parts
            )
            read = left_of_print(read, every, kept) if read.text else read
            if alike and read.probability > self.readings[i].probability:
                self.readings[i] = _beneath(self.readings[i], read)


def _beneath(seen: Reading, found: Reading) -> Reading:
    """The reading of a cell from that with a seal in it, and that of what is left without the seal.

    Where both look like something, but not the same, it is the second as likely as not.
    """
    doubted = seen.probability >= _LOOKS_LIKE and parse_value(seen.text) != parse_value(found.text)
    share = min(found.probability, _LOOKS_LIKE if doubted else _BENEATH if found.text else _NOTHING_BENEATH)
    others = (replace(a, probability=a.probability * (1.0 - share)) for a in seen.alternatives if a.text != found.text)
    return Reading((Alternative(found.text, share), *others), f"{found.reader}+{SEAL}")


def without_ends(table: TableReading, page: PageImage) -> TableReading:
    """The table; no border counts as seen of cells that the end of the page cuts and that show no figure.

    It may stand beyond the end.
    """
    grid = table.grid
    cells = tuple(
        replace(cell, quality=min(cell.quality, ALIGNED))
        if _is_cut(grid, cell, page) and not _is_figure(reading)
        else cell
        for cell, reading in zip(grid.cells, table.readings, strict=True)
    )
    return replace(table, grid=replace(grid, cells=cells))


def _is_cut(grid: Grid, cell: GridCell, page: PageImage) -> bool:
    """Whether a cell lies at the end of its page and was not seen to be closed."""
    if cell.quality > _THREE_SIDES:
        return False
    height, width = page.pixels.shape[:2]
    end = _AT_END * imaging.resolution(page)
    box = box_to_parent(grid.to_page, cell.box)
    return bool(min(box.x0, box.y0, width - box.x1, height - box.y1) < end)


def _is_figure(reading: Reading) -> bool:
    return parse_value(reading.text).mark is Mark.NUMBER


def _darkest(picture: Pixels) -> float | None:
    """How dark the darkest print in the picture of a cell is, in grey levels, also where it stands against a rule."""
    found = imaging.darkness(picture)
    return None if found is None else max(found)


def _usual_darkness(figures: Sequence[Pixels]) -> float:
    """How dark the print of figures is, in grey levels; 0 of few, which do not tell."""
    known = [dark for picture in figures if (dark := _darkest(picture)) is not None]
    return float(np.median(known)) if len(known) >= FEWEST else 0.0


def _is_paler(picture: Pixels, pale: float) -> bool:
    """Whether nothing in the picture of a cell is as dark as this, in grey levels."""
    dark = _darkest(picture)
    return dark is not None and dark < pale


def _as_blank(reading: Reading) -> Reading:
    """The reading of a cell that is blank but for what is no print, and may hardly be what was read all the same."""
    others = (replace(other, probability=other.probability * (1.0 - _BLANK)) for other in reading.alternatives)
    return Reading((Alternative("", _BLANK), *(other for other in others if other.text.strip())), reading.reader)


def _shows_brackets(reading: Reading) -> bool:
    """Whether one of its readers may have seen a bracket."""
    return any(not {"(", ")"}.isdisjoint(a.text) for part in (reading, *reading.parts) for a in part.alternatives)


def _is_character(reading: Reading) -> bool:
    """Whether a cell looks like it holds a character, and not a figure that was scribbled over."""
    return reading.probability >= _LOOKS_LIKE and any(character.isalpha() for character in reading.text)


def _either(one: Reading, other: Reading) -> Reading:
    """The reading of a cell of which one or the other is right, and who gave the latter."""
    found: dict[str, float] = {}
    for each in (*one.alternatives, *other.alternatives):
        found[each.text] = max(each.probability, found.get(each.text, 0.0))
    ordered = sorted(found.items(), key=lambda each: -each[1])
    return Reading(tuple(Alternative(*each) for each in ordered), other.reader)


def _beside_speck(seen: Reading, cleaned: Reading) -> Reading:
    """The reading of a figure from what was read with a speck and without it.

    Where both look like a figure, but not the same, it is either.
    """
    same = parse_value(cleaned.text) == parse_value(seen.text)
    if not same and min(cleaned.probability, seen.probability) >= _LOOKS_LIKE:
        return _either(perhaps(seen), perhaps(cleaned))
    return cleaned if cleaned.text and cleaned.probability > seen.probability else seen


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
