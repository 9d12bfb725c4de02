"""What becomes of a cell: accepted, reconciled or for review, with a confidence and the reasons in words."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.confidence.evidence import (
    BELIEF,
    COLUMN_SURE,
    DISBELIEVED,
    PLACE,
    READING,
    Evidence,
    against_place,
    against_reading,
    is_believed,
    is_stained,
    is_unproven,
)
from pipeline.confidence.model import ConfidenceModel, Logistic
from pipeline.domain import Judgement, Mark, Status, Value
from pipeline.values import parse_value

# What the relations determine is reconciled from this confidence on; it is told apart by its status.
RECONCILED = 0.97
# What relations make of a doubtful reading is never surer than this: they rest on other readings.
_DERIVED = 0.999
# A reading less probable than this owes its value to the relations also where it is the one they determine.
_HARDLY_READ = 0.1
# What is neither figure nor mark is never more than this.
_WORDS = 0.5
# A doubt is named that takes away at least this share of what the greatest one takes away.
_NAMED = 0.3
_FRACTION = "it has a fraction where single things are counted: a comma may look like a point"
_SEVERAL = "the picture can be read in several ways"
_UNSEEN = "its borders were not all seen"
_STAINED = "something that was not read is printed in it"
ROW_IN_DOUBT = "which row of the form this is, is not certain"
"""A cell of which this is said may be the cell of another row."""
COLUMN_IN_DOUBT = "which column of the form this is, is not certain"
"""A cell of which this is said may be the cell of another column."""

_COLUMN = ("astray", "column_9", "column_2")
# What the picture itself leaves open, by the first part of its name.
_PICTURE = frozenset({"read", "given", "usual", "first", "second", "unsupported", "disputed", "alone"})
_REASONS = {
    _SEVERAL: tuple(name for name in READING if name.partition("_")[0] in _PICTURE),
    "it is paler than the other print of its table": ("ghost", "ghost_mark"),
    "its print reaches the border, so a digit may be missing": ("edge",),
    "a relation would hold if the figure had a digit more": ("shortened",),
    "it is a total without a figure where there is something to add up": ("open_total", "cut_total"),
    "an arithmetic relation does not hold with this reading": ("broken",),
    _UNSEEN: ("unseen", "unseen_blank"),
    "hardly another cell of the table holds such a mark": ("rare",),
    "other cells of the table write in another way what did not occur": ("rivals", "rivals_blank"),
    "much of its table was hard to read": ("table", "table_blank"),
    ROW_IN_DOUBT: tuple(name for name in PLACE if name not in _COLUMN),
    COLUMN_IN_DOUBT: _COLUMN,
}


def judge(evidence: Evidence, model: ConfidenceModel, accept: float) -> Judgement:
    """Status, confidence (0 to 1) and the reasons for review of a cell that was found.

    Args:
        accept: what is surer than this is accepted.
    """
    reading = evidence.reading
    value = parse_value(reading.text)
    for_place = against_place(evidence)
    place = model.place.probability(for_place)
    settled = _settled(evidence, place)
    as_read = settled is not None and _is_same(settled.value, value)
    borne_out = evidence.vouched > 0 or evidence.agreed
    if settled is not None and borne_out and (reading.probability < _HARDLY_READ or not as_read):
        return settled
    for_reading = against_reading(evidence)
    believed = model.reading.probability(for_reading)
    read, given, second, unseen, unsupported, rare = (for_reading[number] for number in BELIEF)
    if not is_believed(read, given, second, unseen, unsupported, rare):
        believed = min(believed, DISBELIEVED)
    if value.mark is Mark.TEXT and value.note:  # words that forms use instead of a figure have no note
        confidence = min(believed, _WORDS) * place
        told = [f"“{reading.text}” is neither a number nor a mark"]
        return Judgement(Status.REVIEW, confidence, _with_column(told, evidence))
    if _is_impossible(value, evidence):
        return Judgement(Status.REVIEW, min(believed, _WORDS) * place, _with_column([_FRACTION], evidence))
    confidence = believed * place
    if confidence > accept:
        return Judgement(Status.ACCEPTED, confidence, ())
    if settled is not None and as_read and not evidence.at_odds:
        return settled
    losses = _losses(model.reading, READING, for_reading) | _losses(model.place, PLACE, for_place)
    return Judgement(
        Status.REVIEW, confidence, _with_column(_reasons(losses, evidence, is_unproven(unseen, unsupported)), evidence)
    )


def _settled(evidence: Evidence, place: float) -> Judgement | None:
    """The value that the relations determine; None where there is none, or its place (0 to 1) is in doubt."""
    if evidence.settled is None:
        return None
    found = parse_value(evidence.settled.text)
    believed = min(evidence.settled.probability, _DERIVED) * place
    if _is_impossible(found, evidence) or believed < RECONCILED:
        return None
    return Judgement(Status.RECONCILED, believed, (), found)


def _is_same(one: Value | None, other: Value) -> bool:
    return one is not None and (one.mark, one.number) == (other.mark, other.number)


def _is_impossible(value: Value, evidence: Evidence) -> bool:
    """Whether a figure has a fraction where there is none."""
    number = value.number
    return evidence.counted and number is not None and number != number.to_integral_value()


def _with_column(reasons: Sequence[str], evidence: Evidence) -> tuple[str, ...]:
    """The reasons, and that the column is in doubt where it is: what a person is asked depends on it."""
    told = evidence.column_probability >= COLUMN_SURE or COLUMN_IN_DOUBT in reasons
    return (*reasons,) if told else (*reasons, COLUMN_IN_DOUBT)


def _losses(model: Logistic, names: Sequence[str], doubts: Sequence[float]) -> dict[str, float]:
    return {name: weight * doubt for name, weight, doubt in zip(names, model.weights, doubts, strict=True)}


def _reasons(losses: dict[str, float], evidence: Evidence, unproven: bool) -> list[str]:
    """What speaks against the cell, the greatest doubt first."""
    summed = {reason: sum(losses[name] for name in names) for reason, names in _REASONS.items()}
    least = _NAMED * max(summed.values())
    named = [reason for reason in sorted(summed, key=lambda each: -summed[each]) if summed[reason] > max(least, 0.0)]
    if unproven:
        named = [_UNSEEN, *(reason for reason in named if reason != _UNSEEN)]
    if is_stained(evidence):
        named = [_STAINED, *(reason for reason in named if reason != _SEVERAL)]
    others = ", ".join(f"“{text or 'blank'}”" for text in _others(evidence))
    return [
        f"{reason}: also {others}" if reason == _SEVERAL and others else reason
        for reason in named or ["several small doubts add up"]
    ]


def _others(evidence: Evidence) -> list[str]:
    """What else the cell may hold, the most probable first: by the relations, then by the picture."""
    texts = [a.text for a in (*(evidence.weighed or ())[:2], *evidence.reading.alternatives[1:3])]
    return [text for text in dict.fromkeys(texts) if text != evidence.reading.text][:3]
