"""What is known about one cell, and as which numbers the model sees it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.confidence.company import Company
from pipeline.domain import ALIGNED, Alternative, Mark, Reading, Value
from pipeline.ocr.calibration import features
from pipeline.values import parse_value

# Cells below this do not vouch for another one in their sum.
VOUCHING = 0.95
# An agency writes what did not occur in one way: of a kind of mark that is rarer than this in a table each is doubted.
_USUAL = 0.05
PALE = 0.7
"""Print is at least this dark, relative to the usual of its table."""
_STAIN = 0.2  # the noise of a blank is at most that dark
# Print that is as dark as that at an edge may go on beyond it.
_CUT = 0.25
# Log-odds of a blank that is darker: of 80 that readers were sure of 7 were blank, many more had a stain and a doubt.
_STAINED = -6.0
# So many equations are support enough.
_SUPPORTED = 2
# Log-odds beyond this are all the same: nobody has looked at so many cells.
_MOST = 9.0
BELIEVED, BELIEVED_ALONE, DISBELIEVED = 0.9, 0.98, 0.5
"""Where neither its two readers nor the relations are as sure of a cell as the first, or its one reader as the second,
it is no surer than the last."""
# Where a straight line through the log-odds may bend.
_BENDS = (_MOST, 5.5, 3.0)
_READER_BENDS = (_MOST, 3.0)
COLUMN_SURE = 0.97
"""Below this the column is in doubt, whatever else speaks against the cell."""
# Columns that are found by their place alone are surer than that, those that share a cell are not.
_SHARED = 2.0
# The former are no surer than this where by the equations of their table figures may stand elsewhere.
_ELSEWHERE = 0.3


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one cell.

    Attributes:
        reading: the final reading, pooled over the readers.
        row_probability, column_probability: how sure its place on the form is.
        label, stray_above, stray_below, surplus: of its row, as `pipeline.assemble.Placement` has them.
        apart: whether its row's label stands beside no figures of its own: what stands there may be several rows.
        astray: whether its column is sure by counting alone, while some cells of its row begin in other columns of the
            grid than those above and below: one may be cut in two, or two may be one.
        quality: how much of its borders was seen, 0 to 1.
        ink: how dark its darkest print is, and that at its left and right edges, relative to what is usual in its
            table; None where that is not known.
        support: number of equations it takes part in that hold, as from `pipeline.rules.count_support`.
        at_odds: whether by the equations of its table figures may stand elsewhere, as from `pipeline.rules.at_odds`.
        vouched: number of equations whose other cells are all well read; counted for cells that are not.
        broken: whether it takes part in a relation that does not hold, with what is settled in place of what was read.
        open_total: whether it is a total without a figure though there is something to be added up.
        counted: whether single things are counted there: a figure with a fraction is misread, or misprinted.
        shortened: whether a relation that does not hold would with one more digit at an end of the figure.
        company: the other cells of its table.
        weighed: a doubtful cell's values given the relations, most probable first; None where they were not weighed.
        settled: the value that the relations determine and the picture supports.
        agreed: whether two of them agree on it, and it is no 0.
    """

    reading: Reading
    row_probability: float
    column_probability: float
    label: float
    stray_above: bool
    stray_below: bool
    surplus: int
    apart: bool
    astray: bool
    quality: float
    ink: tuple[float, float] | None
    support: int
    at_odds: bool
    vouched: int
    broken: bool
    open_total: bool
    counted: bool
    shortened: bool
    company: Company
    weighed: tuple[Alternative, ...] | None = None
    settled: Alternative | None = None
    agreed: bool = False


READING = (
    *("read_9", "read_5", "read_3", "given_9", "given_5", "given_3", "usual_9", "usual_5", "usual_3"),
    *("first_9", "first_3", "second_9", "second_3", "first_other", "second_other"),
    *("unsupported", "broken", "disputed", "unseen", "unseen_blank", "rare", "rivals", "rivals_blank"),
    *("table", "table_blank", "ghost", "ghost_mark", "edge", "open_total", "cut_total", "shortened", "alone_blank"),
    *("blank", "slash", "dash", "nought", "digits", "word"),
)
"""Names of what speaks against a reading.

``read_n``, ``given_n`` and ``usual_n``: by how much the log-odds of the reading, those given the relations and those
given the marks of its table fall short of n. Of a blank with something dark in it nobody can be sure, whatever the
readers say. ``first_n`` and ``second_n``: the same of what each of two readers alone gives the reading, and
``..._other`` what it gives another one at most; what one of them saw, as a gap between digits, the other may not have
looked at. A mark (``slash``, ``dash``, ``ghost_mark``) is doubted the less the surer others of its kind were read.
"""

BELIEF = tuple(READING.index(name) for name in ("read_9", "given_9", "second_9", "unseen", "unsupported", "rare"))
"""Where among them stands what `is_believed` asks for."""

PLACE = (
    *("row_9", "row_5", "row_3", "label_9", "label_5", "label_3", "lost"),
    *("stray_above", "stray_below", "apart", "fewer", "more", "astray", "column_9", "column_2"),
)
"""Names of what speaks against a row and a column; ``row_n`` and ``label_n`` as above, ``column_n`` alike."""


def against_reading(evidence: Evidence) -> tuple[float, ...]:
    """What speaks against a reading, in the order of ``READING``; 0 each where nothing does."""
    reading = evidence.reading
    value = parse_value(reading.text)
    most = _STAINED if is_stained(evidence) else _MOST
    read = min(log_odds(reading.probability), most)
    given = min(log_odds(_given_relations(evidence, value)), most)
    usual = min(log_odds(evidence.company.usual), most)
    blank = float(value.mark is Mark.BLANK)
    number = value.mark is Mark.NUMBER
    unseen = 1.0 - evidence.quality
    table = _scaled(evidence.company.doubt)
    kind = _scaled(evidence.company.doubt_alike)
    pale = 0.0 if blank or evidence.ink is None else max(0.0, PALE - evidence.ink[0])
    disagree = len({_meaning(part) for part in reading.parts}) > 1
    first, second, first_other, second_other = _by_reader(reading)
    return (
        *_short_of(read),
        *_short_of(given),
        *_short_of(usual),
        *_short_of(first, _READER_BENDS),
        *_short_of(second, _READER_BENDS),
        first_other,
        second_other,
        float(_SUPPORTED - min(_support(evidence), _SUPPORTED)) if number else 0.0,
        float(evidence.broken) * (_MOST - min(read, _MOST)) / _MOST,
        float(disagree),
        unseen,
        unseen * blank,
        0.0 if number else max(0.0, _USUAL - evidence.company.alike) / _USUAL,
        evidence.company.rivals * (1.0 - blank),
        evidence.company.rivals * blank,
        table,
        table * blank,
        pale if number else 0.0,
        0.0 if number else pale * kind,
        0.0 if not number or evidence.ink is None else max(0.0, min(evidence.ink[1], 1.0) - _CUT),
        float(evidence.open_total),
        float(evidence.open_total) * unseen,
        float(evidence.shortened),
        blank * float(not reading.parts),
        blank,
        float(value.mark is Mark.SLASH) * kind,
        float(value.mark is Mark.DASH) * kind,
        float(number and value.number == 0),
        float(len(str(value.number))) if number else 0.0,
        float(value.mark is Mark.TEXT),
    )


def is_believed(read: float, given: float, second: float, unseen: float, unsupported: float, rare: float) -> bool:
    """Whether its readers, or the relations, are as sure of a reading as `BELIEVED`; else nothing helps it.

    One reader alone has to be surer. Nor does anything help where the relations rather give the cell another value, or
    a figure that is unproven, or a mark that no other cell of its table holds: of a figure that was rubbed out
    thresholding leaves a blank that no reader doubts.

    Args:
        read, given, second: how far the log-odds fall short of 9: ``read_9``, ``given_9`` and ``second_9`` of
            `against_reading`; the last is 0 where there was no second reader.
        unseen, unsupported, rare: as there; the arguments are those of ``BELIEF``, in order.
    """
    if is_unproven(unseen, unsupported) or rare >= 1.0:
        return False
    least = BELIEVED if second > 0.0 else BELIEVED_ALONE
    return min(read, given) < _MOST - log_odds(least) and given <= _MOST


def is_stained(evidence: Evidence) -> bool:
    """Whether there is something darker in a cell that was read as blank than a blank has."""
    return evidence.ink is not None and max(evidence.ink) > _STAIN and not evidence.reading.text.strip()


def is_unproven(unseen: float, unsupported: float) -> bool:
    """Whether a figure's place comes from the alignment of text, and no equation bears it out.

    It may stand in another column, or be cut. Arguments as in ``READING``; marks are never ``unsupported``.
    """
    return unseen >= 1.0 - ALIGNED and unsupported >= _SUPPORTED


def against_place(evidence: Evidence) -> tuple[float, ...]:
    """What speaks against a cell's row and column, in the order of ``PLACE``; 0 each where nothing does."""
    lost = evidence.label == 0.0
    column = evidence.column_probability
    if evidence.at_odds and column < COLUMN_SURE:
        column = min(column, _ELSEWHERE)
    return (
        *_short_of(log_odds(evidence.row_probability)),
        *((0.0, 0.0, 0.0) if lost else _short_of(log_odds(evidence.label))),
        float(lost),
        float(evidence.stray_above),
        float(evidence.stray_below),
        float(evidence.apart),
        float(evidence.surplus < 0),
        float(evidence.surplus > 0),
        float(evidence.astray),
        *_short_of(log_odds(column), (_MOST, _SHARED)),
    )


def log_odds(probability: float) -> float:
    """Logarithm of the odds, between -9 and 9."""
    clipped = min(max(probability, 1e-9), 1.0 - 1e-9)
    return min(max(math.log(clipped / (1.0 - clipped)), -_MOST), _MOST)


def _by_reader(reading: Reading) -> tuple[float, float, float, float]:
    """Log-odds that each of two readers gives the reading, and what each gives another one.

    Where one reader alone was asked the second one has no doubt; of a text layer nobody has.
    """
    if len(reading.parts) != 2:
        return log_odds(reading.probability), _MOST, 1.0 - reading.probability, 0.0
    first, second, first_other, second_other, *_ = features(reading, 1.0)
    return first, second, first_other, second_other


def _scaled(doubt: float) -> float:
    """A mean doubt on a logarithmic scale: 0 for none, 1 for all."""
    return math.log10(1.0 + doubt / 1e-4) / 4.0


def _short_of(odds: float, bends: Sequence[float] = _BENDS) -> Sequence[float]:
    return [max(0.0, bend - odds) for bend in bends]


def _support(evidence: Evidence) -> int:
    """Number of equations that hold with a figure; for a doubtful one they speak only where their other cells are not.

    A reader that takes a stroke for a 1 does so in the detail and in the total. Nor do they speak for a cell whose
    borders were not seen where by others it may stand elsewhere.
    """
    if evidence.at_odds and evidence.quality <= ALIGNED:
        return 0
    return evidence.support if evidence.vouched or evidence.reading.probability >= VOUCHING else 0


def _given_relations(evidence: Evidence, value: Value) -> float:
    """Probability of the reading, given the relations where they were weighed.

    Where they say that figures may stand elsewhere they make no nought surer that stands in none with another figure:
    noughts add up wherever they stand, as marks do.
    """
    if evidence.weighed is None:
        return evidence.reading.probability
    given = max((a.probability for a in evidence.weighed if parse_value(a.text) == value), default=0.0)
    alone = evidence.at_odds and value.number == 0 and not evidence.support
    return min(given, evidence.reading.probability) if alone else given


def _meaning(reading: Reading) -> tuple[Mark, object]:
    value = parse_value(reading.text)
    return value.mark, value.number
