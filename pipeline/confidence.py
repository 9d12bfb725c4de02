"""How far a cell may be relied on: one probability from all that is known about it, and the status it gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.domain import Mark, Reading, Status
from pipeline.values import parse_value

# A reading that is more certain than this is not doubted because a relation fails: then the report is wrong.
CERTAIN = 0.995
# Cells at or above this confidence are accepted; chosen on generated scans, see docs/decisions/0007-confidence.md.
ACCEPT = 0.97


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one cell.

    Attributes:
        reading: the final reading, pooled over the readers.
        row_probability, column_probability: how sure its place on the form is.
        grid_quality: how much of the cell's rules was seen, 0 to 1.
        support: number of equations it takes part in that hold.
        broken: number of relations it takes part in that do not hold.
    """

    reading: Reading
    row_probability: float
    column_probability: float
    grid_quality: float
    support: int
    broken: int


def judge(evidence: Evidence) -> tuple[Status, float, tuple[str, ...]]:
    """Status, confidence (0 to 1) and the reasons for review of a cell that was found."""
    reading = evidence.reading
    read = _odds(reading.probability)
    if evidence.support:
        read += 2.0 * min(evidence.support, 2)
    elif evidence.broken and reading.probability < CERTAIN:
        read -= 3.0
    believed = 1.0 / (1.0 + math.exp(-read))
    confidence = believed * evidence.row_probability * evidence.column_probability
    reasons = []
    value = parse_value(reading.text)
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


def _odds(probability: float) -> float:
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(clipped / (1 - clipped))
