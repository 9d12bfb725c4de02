"""What is known about one cell, and as which numbers the model sees it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.domain import Alternative, Mark, Reading, Value
from pipeline.values import parse_value

# Cells below this do not vouch for another one in their sum.
VOUCHING = 0.95
# An agency writes what did not occur in one way: of a kind of mark that is rarer than this in a table each is doubted.
_USUAL = 0.05
# Print is at least this dark, relative to the usual of its table; the noise of a blank at most that.
_PALE, _STAIN = 0.7, 0.2
# Print that is as dark as that at an edge may go on beyond it.
_CUT = 0.25
# Log-odds of a blank that is darker: of 80 that readers were sure of 7 were blank, many more had a stain and a doubt.
_STAINED = -6.0
# Log-odds beyond this are all the same: nobody has looked at so many cells.
_MOST = 9.0
# Where a straight line through the log-odds may bend.
_BENDS = (_MOST, 5.5, 3.0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one cell.

    Attributes:
        reading: the final reading, pooled over the readers.
        row_probability, column_probability: how sure its place on the form is.
        label, stray_above, stray_below, surplus: of its row, as `pipeline.assemble.Placement` has them.
        quality: how much of its borders was seen, 0 to 1.
        ink: how dark its darkest print is, and that at its left and right edges, relative to what is usual in its
            table; None where that is not known.
        support: number of equations it takes part in that hold.
        vouched: number of equations whose other cells are all well read; counted for cells that are not.
        broken: whether it takes part in a relation that does not hold, with what is settled in place of what was read.
        open_total: whether it is a total without a figure though there is something to be added up.
        alike: share of the other cells of its table that hold the same kind of mark.
        rivals: share of the other cells of its table that write in another way than it what did not occur.
        table_doubt: mean of what the readings of the other cells of its table leave to 1.
        weighed: a doubtful cell's values given the relations, most probable first; None where they were not weighed.
        settled: the value that the relations determine and the picture supports.
    """

    reading: Reading
    row_probability: float
    column_probability: float
    label: float
    stray_above: bool
    stray_below: bool
    surplus: int
    quality: float
    ink: tuple[float, float] | None
    support: int
    vouched: int
    broken: bool
    open_total: bool
    alike: float
    rivals: float
    table_doubt: float
    weighed: tuple[Alternative, ...] | None = None
    settled: Alternative | None = None


READING = (
    *("read_9", "read_5", "read_3", "given_9", "given_5", "given_3"),
    *("unsupported", "broken", "disputed", "unseen", "unseen_blank", "rare", "rivals", "rivals_blank"),
    *("table", "table_blank", "ghost", "edge", "open_total", "cut_total", "alone_blank"),
    *("blank", "slash", "dash", "nought", "digits", "word"),
)
"""Names of what speaks against a reading.

``read_n`` and ``given_n``: by how much the log-odds of the reading, and those given the relations, fall short of n. Of
a blank with something dark in it nobody can be sure, whatever the readers say.
"""

PLACE = (
    *("row_9", "row_5", "row_3", "label_9", "label_5", "label_3", "lost"),
    *("stray_above", "stray_below", "fewer", "more", "column"),
)
"""Names of what speaks against a row and a column."""


def against_reading(evidence: Evidence) -> tuple[float, ...]:
    """What speaks against a reading, in the order of ``READING``; 0 each where nothing does."""
    reading = evidence.reading
    value = parse_value(reading.text)
    most = _STAINED if is_stained(evidence) else _MOST
    read = min(log_odds(reading.probability), most)
    given = min(log_odds(_given_relations(evidence, value)), most)
    blank = float(value.mark is Mark.BLANK)
    number = value.mark is Mark.NUMBER
    unseen = 1.0 - evidence.quality
    table = math.log10(1.0 + evidence.table_doubt / 1e-4)
    disagree = len({_meaning(part) for part in reading.parts}) > 1
    return (
        *_short_of(read),
        *_short_of(given),
        2.0 - min(_support(evidence), 2) if number else 0.0,
        float(evidence.broken) * (_MOST - min(read, _MOST)) / _MOST,
        float(disagree),
        unseen,
        unseen * blank,
        0.0 if number else max(0.0, _USUAL - evidence.alike) / _USUAL,
        evidence.rivals * (1.0 - blank),
        evidence.rivals * blank,
        table,
        table * blank,
        0.0 if blank or evidence.ink is None else max(0.0, _PALE - evidence.ink[0]),
        0.0 if not number or evidence.ink is None else max(0.0, min(evidence.ink[1], 1.0) - _CUT),
        float(evidence.open_total),
        float(evidence.open_total) * unseen,
        blank * float(not reading.parts),
        blank,
        float(value.mark is Mark.SLASH),
        float(value.mark is Mark.DASH),
        float(number and value.number == 0),
        float(len(str(value.number))) if number else 0.0,
        float(value.mark is Mark.TEXT),
    )


def is_stained(evidence: Evidence) -> bool:
    """Whether there is something darker in a cell that was read as blank than a blank has."""
    return evidence.ink is not None and max(evidence.ink) > _STAIN and not evidence.reading.text.strip()


def against_place(evidence: Evidence) -> tuple[float, ...]:
    """What speaks against a cell's row and column, in the order of ``PLACE``; 0 each where nothing does."""
    lost = evidence.label == 0.0
    return (
        *_short_of(log_odds(evidence.row_probability)),
        *((0.0, 0.0, 0.0) if lost else _short_of(log_odds(evidence.label))),
        float(lost),
        float(evidence.stray_above),
        float(evidence.stray_below),
        float(evidence.surplus < 0),
        float(evidence.surplus > 0),
        math.log(1.0 / max(evidence.column_probability, 1e-3)),
    )


def log_odds(probability: float) -> float:
    """Logarithm of the odds, between -9 and 9."""
    clipped = min(max(probability, 1e-9), 1.0 - 1e-9)
    return min(max(math.log(clipped / (1.0 - clipped)), -_MOST), _MOST)


def _short_of(odds: float) -> Sequence[float]:
    return [max(0.0, bend - odds) for bend in _BENDS]


def _support(evidence: Evidence) -> int:
    """Number of equations that hold with a figure; for a doubtful one they speak only where their other cells are not.

    A reader that takes a stroke for a 1 does so in the detail and in the total.
    """
    return evidence.support if evidence.vouched or evidence.reading.probability >= VOUCHING else 0


def _given_relations(evidence: Evidence, value: Value) -> float:
    """Probability of the reading, given the relations where they were weighed."""
    if evidence.weighed is None:
        return evidence.reading.probability
    same = (a.probability for a in evidence.weighed if parse_value(a.text) == value)
    return max(same, default=0.0)


def _meaning(reading: Reading) -> tuple[Mark, object]:
    value = parse_value(reading.text)
    return value.mark, value.number
