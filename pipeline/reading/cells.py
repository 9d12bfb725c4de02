"""From the picture of a cell to its reading: by the numeral reader, and the text engine where that one is not sure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.domain import ALIGNED, Alternative, Grid, GridCell, Mark, Pixels, Reading
from pipeline.ocr import TextEngine, calibration
from pipeline.ocr.calibration import SURE
from pipeline.ocr.crops import without_last
from pipeline.ocr.lines import split_lines
from pipeline.ocr.numerals import NumeralReader
from pipeline.ocr.pooling import pool
from pipeline.reading.readers import Readers
from pipeline.values import is_unit, parse_value

# A line no longer than this many times its height may be a figure, unless the numeral reader leaves less than this to
# any figure.
_SHORT, _PERHAPS_FIGURE = 3.0, 0.3
FIGURE = 0.9
"""What is read as surely as this as a figure, is one."""
# Figures set in lines take so much of the width of their cell, beside each other and with their padding.
_NARROW = 0.9
# A figure set in lines is no surer than this: lines may be those of two rows between which a rule was lost.
_IN_LINES = 0.85
# What two letters at least, or so many, were read with, counts as words from here on.
_WORDS, _MANY_LETTERS, _WORDS_FEW = 0.5, 5, 0.05
# Cells that come from the alignment of text are not accepted without a relation that holds, blank ones never.
_UNSEEN, _UNSEEN_BLANK = 0.95, 0.9
# What a reader gives a figure with a trace of a sign, a point or a 1 in it; one without it is no surer than the other.
_FAINTLY, _TRACED = 0.1, 0.85
# What the engine reads as 1 where the numeral reader is sure of a slash is one: all 63 in 520 generated scans.
_SLASHES, _SLASH = frozenset("/\\"), 0.9
_THOUSANDS = re.compile(r"\d{1,3}\.\d{3}")
_ROUNDED = 0.001  # what is kept of a probability is rounded to less than that


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


def read_cells(crops: Sequence[Pixels], readers: Readers) -> list[Reading]:
    """Numerals by the fast reader; what it is not sure of goes to the text engine.

    A short line that the numeral reader may take for a figure is read as one first; what is none is read as text, and
    as a numeral too where the text may be one.
    """
    readings = readers.numerals.read(crops)
    doubtful = [i for i, reading in enumerate(readings) if reading.probability < SURE]
    lines = {i: split_lines(crops[i]) for i in doubtful}
    short = [i for i in doubtful if readings[i].text.strip() and _may_be_figure(lines[i])]
    numerals = _numerals([i for i in short if readings[i].probability >= _PERHAPS_FIGURE], crops, readers.engine)
    wordy = [i for i in doubtful if i not in numerals or numerals[i].probability < FIGURE]
    texts = iter(readers.engine.read_labels([line for i in wordy for line in lines[i]]))
    worded = {i: _join([next(texts) for _ in lines[i]], readers.engine.name) for i in wordy}
    wordings = {i for i in wordy if is_wording(worded[i]) or _is_unit(worded[i])}
    numerals |= _numerals([i for i in doubtful if i not in wordings | numerals.keys()], crops, readers.engine)
    readings = _with_units(readings, numerals, crops, readers.numerals)
    for i in doubtful:
        readings[i] = worded[i] if i in wordings else _both(readings[i], numerals[i])
    columns = {i: lines[i] for i in doubtful if i not in wordings and _may_be_column(lines[i], crops[i].shape[1])}
    for i, reading in _digit_by_digit(columns, readers.numerals).items():
        readings[i] = replace(reading, reader=readings[i].reader)
    return readings


def _may_be_column(lines: Sequence[Pixels], width: int) -> bool:
    """Whether lines may be digits below each other, as wide ones stand in a column too narrow for all of them.

    Args:
        width: of the cell, in pixels.
    """
    short = all(line.shape[1] <= _SHORT * line.shape[0] for line in lines)
    return len(lines) > 1 and short and sum(line.shape[1] for line in lines) >= _NARROW * width


def _digit_by_digit(columns: Mapping[int, Sequence[Pixels]], numerals: NumeralReader) -> dict[int, Reading]:
    """Figures set in several lines, by the number of the crop; they may also be those of several rows."""
    parts = iter(numerals.read([line for lines in columns.values() for line in lines]))
    read = {i: [next(parts) for _ in lines] for i, lines in columns.items()}
    return {
        i: Reading((Alternative("".join(part.text for part in found), _IN_LINES),), found[0].reader)
        for i, found in read.items()
        if all(part.text.isdigit() and part.probability >= FIGURE for part in found)
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


def is_wording(reading: Reading) -> bool:
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
    return is_unit(reading.text) and reading.probability >= FIGURE


def second_opinions(
    cells: Sequence[tuple[GridCell, Reading]], crops: Sequence[Pixels], engine: TextEngine
) -> list[Reading]:
    """The readings of numeral cells that one reader alone was sure of, pooled with those of the text engine."""
    if not cells:
        return []
    second = engine.read_numerals(crops)
    return [as_sure_as(own, _both(first, other)) for (own, first), other in zip(cells, second, strict=True)]


def _both(numeral: Reading, engine: Reading) -> Reading:
    """The pooled reading of the numeral reader and the engine, to which a slash that is cut tight looks like a 1."""
    if numeral.text in _SLASHES and numeral.probability >= FIGURE and engine.text == "1":
        one, *others = engine.alternatives
        slash = Alternative(numeral.text, _SLASH * one.probability)
        rest = replace(one, probability=one.probability - slash.probability)
        engine = replace(engine, alternatives=(slash, rest, *(a for a in others if a.text != slash.text)))
    return pool([numeral, engine])


def _join(lines: Sequence[Reading], reader: str) -> Reading:
    text = "".join(line.text for line in lines)
    return Reading((Alternative(text, min((line.probability for line in lines), default=0.0)),), reader)


def as_sure_as(cell: GridCell, reading: Reading) -> Reading:
    """The calibrated reading of a cell, no surer than its borders: where none were seen a figure may be cut."""
    most = 1.0
    if cell.quality <= ALIGNED:
        most = _UNSEEN if reading.text.strip() else _UNSEEN_BLANK
    calibrated = calibration.load().apply(reading, cell.quality)
    return at_most(_with_traces(calibrated, _traces(reading)), most)


def without_fraction(cell: GridCell, reading: Reading) -> Reading:
    """The calibrated reading of a cell in which single things are counted: a point there is a comma before thousands.

    Readers that disagree on it alone agree on the figure. Any other point may be what is left of a digit.
    """
    if not any(_shows_thousands(a.text) for each in (reading, *reading.parts) for a in each.alternatives):
        return reading
    before = as_sure_as(cell, pool(reading.parts)) if reading.parts else reading
    if before is not reading and abs(before.probability - reading.probability) < _ROUNDED:
        return as_sure_as(cell, pool([_whole(part) for part in reading.parts]))
    # Something else was known of it when it was made, and bounds it.
    return at_most(_whole(reading), max(other.probability for other in reading.alternatives))


def _whole(reading: Reading) -> Reading:
    """The reading, with the whole number in place of every figure with a point before thousands."""
    shares: dict[str, float] = {}
    for each in reading.alternatives:
        text = _digits(each.text) if _shows_thousands(each.text) else each.text
        listed = next((other for other in shares if parse_value(other) == parse_value(text)), text)
        shares[listed] = shares.get(listed, 0.0) + each.probability
    ranked = sorted(shares.items(), key=lambda share: -share[1])
    return Reading(tuple(Alternative(text, min(1.0, share)) for text, share in ranked), reading.reader)


def _shows_thousands(text: str) -> bool:
    return _THOUSANDS.fullmatch(text) is not None


def at_most(reading: Reading, most: float) -> Reading:
    """The reading, no alternative of which is surer than the second argument."""
    if reading.probability <= most:
        return reading
    kept = tuple(replace(other, probability=min(other.probability, most)) for other in reading.alternatives)
    return replace(reading, alternatives=kept)


def _traces(reading: Reading) -> dict[str, float]:
    """What one of two readers saw, if only faintly, with a sign, a point or a comma more or less than was read.

    Or with a 1 at an end, where something stands against a rule. The digits say nothing about such a speck, so that the
    other reader's certainty of them must not hide it. Values are what the reader gave it.
    """
    digits, value = _digits(reading.text), parse_value(reading.text)
    if not digits:
        return {}
    same = (digits, f"1{digits}", f"{digits}1")
    return {
        other.text: other.probability
        for part in reading.parts
        for other in part.alternatives
        if other.probability >= _FAINTLY and _digits(other.text) in same and parse_value(other.text) != value
    }


def _with_traces(reading: Reading, traces: Mapping[str, float]) -> Reading:
    """The reading, no surer than `_TRACED` where there are traces: what it loses these get, and no other digits."""
    lost = reading.probability - _TRACED
    if not traces or lost <= 0.0:
        return reading
    best, *others = reading.alternatives
    texts = {parse_value(other.text): other.text for other in others}
    found = {other.text: other.probability for other in others}
    for text, share in traces.items():
        listed = texts.get(parse_value(text), text)
        found[listed] = found.get(listed, 0.0) + lost * share / sum(traces.values())
    ranked = sorted(found.items(), key=lambda item: -item[1])
    return replace(
        reading, alternatives=(replace(best, probability=_TRACED), *(Alternative(text, each) for text, each in ranked))
    )


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())
