"""How far a cell may be relied on: one probability from all that is known about it, and the status it gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.domain import Alternative, Judgement, Mark, Reading, Status
from pipeline.values import parse_value

# A reading that is more certain than this is not doubted because a relation fails: then the report is wrong.
CERTAIN = 0.995
# Cells below this do not vouch for another one in their sum.
VOUCHING = 0.95
# An agency that leaves cells blank leaves many: where fewer are, a blank may be a faint figure.
_RARE = 0.05
_LONE_BLANK = 0.9
# Cells at or above this confidence are accepted; chosen on generated scans, see docs/decisions/0007-confidence.md.
ACCEPT = 0.97
# What relations make of a doubtful reading is never surer than this: they rest on other readings.
_DERIVED = 0.999


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one cell.

    Attributes:
        reading: the final reading, pooled over the readers.
        row_probability, column_probability: how sure its place on the form is.
        support: number of equations it takes part in that hold.
        vouched: number of equations whose other cells are all well read; counted for cells that are not.
        broken: whether it takes part in a relation that does not hold, with what is settled in place of what was read.
        blank_share: share of the cells of its table that read blank.
        weighed: a doubtful cell's values given the relations, most probable first; None where they were not weighed.
        settled: the value that the relations determine and the picture supports.
    """

    reading: Reading
    row_probability: float
    column_probability: float
    support: int
    vouched: int
    broken: bool
    blank_share: float
    weighed: tuple[Alternative, ...] | None = None
    settled: Alternative | None = None


def judge(evidence: Evidence) -> Judgement:
    """Status, confidence (0 to 1) and the reasons for review of a cell that was found."""
    reading = evidence.reading
    value = parse_value(reading.text)
    place = evidence.row_probability * evidence.column_probability
    if evidence.settled is not None and evidence.vouched:
        found = parse_value(evidence.settled.text)
        believed = min(evidence.settled.probability, _DERIVED)
        if (found.mark, found.number) != (value.mark, value.number) and believed * place >= ACCEPT:
            return Judgement(Status.RECONCILED, believed * place, (), found)
    believed = _believed(evidence, value.mark)
    if value.mark is Mark.BLANK and evidence.blank_share < _RARE:
        believed = min(believed, _LONE_BLANK)
    confidence = believed * place
    reasons = []
    if value.mark is Mark.TEXT and value.note:  # words that forms use instead of a figure have no note
        confidence = min(confidence, 0.5)
        reasons.append(f"“{reading.text}” is neither a number nor a mark")
    if believed < ACCEPT:
        others = ", ".join(f"“{text or 'blank'}”" for text in _others(evidence))
        reasons.append("the picture can be read in several ways" + (f": also {others}" if others else ""))
        if evidence.broken:
            reasons.append("an arithmetic relation does not hold with this reading")
    if evidence.row_probability < ACCEPT:
        reasons.append("which row of the form this is, is not certain")
    if evidence.column_probability < ACCEPT:
        reasons.append("which column of the form this is, is not certain")
    if confidence < ACCEPT and not reasons:
        reasons.append("several small doubts add up")
    return Judgement(Status.ACCEPTED if confidence >= ACCEPT else Status.REVIEW, confidence, tuple(reasons))


def _believed(evidence: Evidence, mark: Mark) -> float:
    """Probability of the reading, given the relations where they say something about it.

    A blank or a dash counts as 0 in a sum, so a sum that holds does not tell it from a printed 0; and a sum speaks for
    a figure only where its other cells are well read. Against a figure it speaks in any case.
    """
    read = evidence.reading.probability
    supported = mark is Mark.NUMBER and (evidence.vouched > 0 or read >= VOUCHING)
    if evidence.weighed is not None:
        value = parse_value(evidence.reading.text)
        same = (a.probability for a in evidence.weighed if parse_value(a.text) == value)
        return min(max(same, default=0.0), _DERIVED if supported and not evidence.broken else read)
    support = 2.0 * min(evidence.support, 2) if supported else 0.0
    against = 3.0 if evidence.broken and read < CERTAIN else 0.0
    return 1.0 / (1.0 + math.exp(-_odds(read) - support + against))


def _others(evidence: Evidence) -> list[str]:
    """What else the cell may hold, the most probable first: by the relations, then by the picture."""
    texts = [a.text for a in (*(evidence.weighed or ())[:2], *evidence.reading.alternatives[1:3])]
    return [text for text in dict.fromkeys(texts) if text != evidence.reading.text][:3]


def _odds(probability: float) -> float:
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(clipped / (1 - clipped))
