"""How far a cell may be relied on: one probability from all that is known about it, and the status it gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.domain import Mark, Reading, Status
from pipeline.values import parse_value

# A reading that is more certain than this is not doubted because a relation fails: then the report is wrong.
CERTAIN = 0.995
# Nor is one that is more certain than this where several relations fail at the cell.
PLAIN = 0.9995
# An agency that leaves cells blank leaves many: where fewer are, a blank may be a faint figure.
_RARE = 0.05
_LONE_BLANK = 0.9
# Cells at or above this confidence are accepted; chosen on generated scans, see docs/decisions/0007-confidence.md.
ACCEPT = 0.97


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one cell.

    Attributes:
        reading: the final reading, pooled over the readers.
        row_probability, column_probability: how sure its place on the form is.
        support: number of equations it takes part in that hold.
        broken: number of relations it takes part in that do not hold.
        blank_share: share of the cells of its table that read blank.
    """

    reading: Reading
    row_probability: float
    column_probability: float
    support: int
    broken: int
    blank_share: float


def judge(evidence: Evidence) -> tuple[Status, float, tuple[str, ...]]:
    """Status, confidence (0 to 1) and the reasons for review of a cell that was found."""
    reading = evidence.reading
    value = parse_value(reading.text)
    believed = 1.0 / (1.0 + math.exp(-_odds(reading.probability) - _arithmetic(evidence, value.mark)))
    if value.mark is Mark.BLANK and evidence.blank_share < _RARE:
        believed = min(believed, _LONE_BLANK)
    confidence = believed * evidence.row_probability * evidence.column_probability
    reasons = []
    if value.mark is Mark.TEXT and value.note:  # words that forms use instead of a figure have no note
        confidence = min(confidence, 0.5)
        reasons.append(f"“{reading.text}” is neither a number nor a mark")
    if believed < ACCEPT:
        others = ", ".join(f"“{a.text or 'blank'}”" for a in reading.alternatives[1:3])
        reasons.append("the picture can be read in several ways" + (f": also {others}" if others else ""))
        if evidence.broken:
            reasons.append("an arithmetic relation does not hold with this reading")
    if evidence.row_probability < ACCEPT:
        reasons.append("which row of the form this is, is not certain")
    if evidence.column_probability < ACCEPT:
        reasons.append("which column of the form this is, is not certain")
    if confidence < ACCEPT and not reasons:
        reasons.append("several small doubts add up")
    return (Status.ACCEPTED if confidence >= ACCEPT else Status.REVIEW), confidence, tuple(reasons)


def _arithmetic(evidence: Evidence, mark: Mark) -> float:
    """What the relations say for or against the reading, in nats.

    A blank or a dash counts as 0 in a sum, so a sum that holds does not tell it from a printed 0.
    """
    if evidence.support:
        return 2.0 * min(evidence.support, 2) if mark is Mark.NUMBER else 0.0
    # Where a row and a column both fail, their crossing is the first suspect.
    certain, doubt = (PLAIN, -4.0) if evidence.broken >= 2 else (CERTAIN, -3.0)
    return doubt if evidence.broken and evidence.reading.probability < certain else 0.0


def _odds(probability: float) -> float:
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(clipped / (1 - clipped))
