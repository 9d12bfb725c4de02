"""From what people answered to what a classifier can learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import corrections
from pipeline.corrections import Correction, Kind
from pipeline.domain import FormSpec
from pipeline.errors import UsageError
from pipeline.labels.classes import OTHER, official_texts, row_class
from pipeline.labels.dataset import CORRECTION, Example
from pipeline.labels.normalise import normalise


@dataclass(frozen=True, slots=True)
class Answer:
    """The place of a printed row according to a person, as the correction that was kept and as a label to learn."""

    correction: Correction
    example: Example


@dataclass(frozen=True, slots=True)
class Unlearnable:
    """An answer about a row that teaches nothing about labels, and why."""

    correction: Correction
    reason: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What people answered about printed rows.

    Attributes:
        learnable: the answers in force, oldest first in each file.
        unlearnable: those that cannot be learned.
        void: ids of answers that were taken back or replaced by another answer about the same row.
    """

    learnable: tuple[Answer, ...]
    unlearnable: tuple[Unlearnable, ...]
    void: frozenset[str]


def read_answers(inputs: Sequence[Path], forms: Sequence[FormSpec]) -> Answers:
    """Read corrections.

    Args:
        inputs: files of corrections, or folders of tables that hold one.
        forms: the statutory forms.

    Raises:
        UsageError: there is no such file, or a line of it makes no sense.
    """
    known = {text.label_id for text in official_texts(forms)}
    learnable: dict[str, Answer] = {}
    unlearnable: dict[str, Unlearnable] = {}
    void: set[str] = set()
    for given in inputs:
        path = given / corrections.FILE if given.is_dir() else given
        if not path.exists():
            raise UsageError(f"{path} does not exist", "Corrections are written by nianbao review apply")
        history = [each for each in corrections.history(path) if each.kind is not Kind.VALUE]
        holding = [each for each in corrections.in_force(history) if each.kind is Kind.ROW]
        void |= {each.correction_id for each in history if each.kind is Kind.ROW}
        void -= {each.correction_id for each in holding}
        for each in holding:
            example, reason = _example(each, known)
            if example is None:
                unlearnable[each.correction_id] = Unlearnable(each, reason)
            else:
                learnable[each.correction_id] = Answer(each, example)
    return Answers(tuple(learnable.values()), tuple(unlearnable.values()), frozenset(void))


def _example(correction: Correction, known: set[str]) -> tuple[Example | None, str]:
    context = correction.context
    if context is None or not normalise(context.text):
        return None, "the row has no label"
    label_id = OTHER
    if correction.new != corrections.NOT_ON_THE_FORM:
        label_id = row_class(correction.key.table_id, correction.new)
        if label_id not in known:
            return None, f"no form labels a row {correction.new} of {correction.key.table_id}"
    source = f"{CORRECTION}{correction.document_id}:{correction.at[:10]}:{correction.correction_id}"
    return Example(label_id, context, "", source), ""
