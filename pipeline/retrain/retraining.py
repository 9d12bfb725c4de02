"""From people's answers to a new label classifier that comes into use only when it is no worse than the old one.

What was shipped is learned again together with all answers. The new classifier is compared with the one in use on
labels that neither has learned: those held out for good, and labels generated for this comparison alone. It takes the
place of the old one unless it is worse in some category beyond noise, its probabilities can be trusted less, or the
answers speak against each other or against everything else more often than people who answer carefully.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import comb
from pathlib import Path

from pipeline import ledger, model_store
from pipeline.domain import FormSpec
from pipeline.errors import OutputError
from pipeline.forms import load_forms
from pipeline.labels import artefact, classifier
from pipeline.labels.classes import OTHER
from pipeline.labels.classifier import LabelClassifier
from pipeline.labels.dataset import Example, appended, as_printed, in_force, read_labels, replace_labels
from pipeline.labels.generation import generate, without_repeats
from pipeline.retrain import audit, training
from pipeline.retrain.answers import Answer, Unlearnable, read_answers
from pipeline.retrain.comparison import Comparison, compare

# Of careful answers to hard questions one in a hundred contradicts all the others; this leaves room for hard reports.
_CARELESS = 0.02
_LEVEL = 0.05
# A meaning that is less probable than this contradicts nobody.
_CLAIMED = 0.3
_FOLDS = 2


@dataclass(frozen=True, slots=True)
class Conflict:
    """An answer about a label that means something else elsewhere, in the very same surroundings.

    Attributes:
        answer: the new answer.
        meaning: what the label means elsewhere.
        source: where that is from.
    """

    answer: Answer
    meaning: str
    source: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A new answer that everything else speaks against, with what the others suggest."""

    answer: Answer
    given: float
    suggested: str
    likely: float

    @property
    def contradicts(self) -> bool:
        """Whether the others know a meaning for it; a wording that nobody knows is what corrections are for."""
        unknown = self.suggested == OTHER and self.answer.example.label_id != OTHER
        return self.likely >= _CLAIMED and not unknown


@dataclass(frozen=True, slots=True)
class Retraining:
    """What came of it.

    Attributes:
        new: the answers that were not learned before.
        unlearnable: answers about rows that cannot be learned.
        withdrawn: answers learned before that were taken back since.
        conflicts: new answers about labels that mean something else elsewhere.
        doubts: new answers that may be mistaken, worst first.
        comparison: the classifier in use and the new one; None when there was nothing to learn.
        understood: how many of the new answers the classifier in use gives by itself, and how many the new one.
        objections: why the new one should not come into use.
        model: the new one's folder when it is in use now.
    """

    new: tuple[Answer, ...] = ()
    unlearnable: tuple[Unlearnable, ...] = ()
    withdrawn: tuple[Example, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    comparison: Comparison | None = None
    understood: tuple[int, int] = (0, 0)
    objections: tuple[str, ...] = ()
    model: Path | None = None


def retrain(inputs: Sequence[Path], dry_run: bool = False, force: str = "") -> Retraining:
    """Learn what people answered, and use the new classifier if nothing speaks against it.

    Args:
        inputs: files of corrections, or folders of tables that hold one.
        dry_run: write nothing.
        force: why it is to be used whatever speaks against it; empty to let that decide. It is kept with the model.

    Raises:
        UsageError: corrections or training data make no sense.
        ModelError: the model in use is damaged.
        OutputError: the home cannot be written, or another retraining is going on.
    """
    own = model_store.home() / "training_data" / training.LABELS
    if dry_run:
        return _retrain(inputs, own, True, force)
    try:
        own.parent.mkdir(parents=True, exist_ok=True)
        with ledger.locked(own.parent):
            return _retrain(inputs, own, False, force)
    except OSError as error:
        advice = f"Set {model_store.HOME_VARIABLE} to a folder that can be written"
        raise OutputError(f"{own.parent} cannot be written: {error.strerror}", advice) from error


def learned_files() -> tuple[Path, ...]:
    """The files of labels that are learned from: what is shipped, and the answers in the home."""
    shipped = model_store.shipped_training_data() / training.LABELS
    own = model_store.home() / "training_data" / training.LABELS
    return (shipped, own) if own.exists() and own.resolve() != shipped.resolve() else (shipped,)


def _retrain(inputs: Sequence[Path], own: Path, dry_run: bool, force: str) -> Retraining:
    forms = load_forms()
    answers = read_answers(inputs, forms)
    files = learned_files()
    known = [example for file in files for example in read_labels(file)]
    before = in_force(known)
    there = {example.source for example in known if example.corrected}
    new = tuple(answer for answer in answers.learnable if answer.example.source not in there)
    withdrawn = tuple(e for e in before if e.corrected and e.source.rsplit(":", 1)[1] in answers.void)
    now = in_force([*known, *_taken_back(withdrawn), *(answer.example for answer in new)])
    current = model_store.current(artefact.MODEL)
    old = LabelClassifier.load(current)
    if not new and not withdrawn and artefact.read_manifest(current).training_data == _hash(files):
        return Retraining(unlearnable=answers.unlearnable)

    conflicts = _conflicts(new, before)
    doubts = _doubts(new, before)
    model = classifier.fit(now)
    fitted = LabelClassifier(model)
    # The same answers are judged by the same labels, whoever gave them and when.
    learned = sorted(f"{example.label_id} {example.context.text}" for example in now)
    seed = int.from_bytes(hashlib.sha256("\n".join(learned).encode()).digest()[:4])
    comparison = compare(old, fitted, {"held out": _held_out(now), "generated": _fresh(forms, now, seed)})
    outcome = Retraining(
        new=new,
        unlearnable=answers.unlearnable,
        withdrawn=withdrawn,
        conflicts=conflicts,
        doubts=doubts,
        comparison=comparison,
        understood=(_understood(old, new), _understood(fitted, new)),
        objections=tuple(_objections(comparison, conflicts, doubts, len(new))),
    )
    if dry_run or (outcome.objections and not force):
        return outcome
    added = [*_taken_back(withdrawn), *(answer.example for answer in new)]
    content = appended(own, added) if added else own.read_bytes() if own.exists() else b""
    shipped = model_store.shipped_training_data() / training.LABELS
    parts = [content] if own.resolve() == shipped.resolve() else [shipped.read_bytes(), content]
    measures = {**_measures(outcome), "forced": force}
    folder = model_store.home() / "models" / artefact.MODEL
    written, _ = training.store(model, now, folder, _digest(parts), measures, _notes(outcome, force))
    if added:
        replace_labels(own, content)
    model_store.promote(written)
    return replace(outcome, model=written)


def _taken_back(withdrawn: Iterable[Example]) -> list[Example]:
    return [replace(example, split="withdrawn") for example in withdrawn]


def _hash(files: Sequence[Path]) -> str:
    return _digest([file.read_bytes() for file in files])


def _digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _conflicts(new: Sequence[Answer], before: Sequence[Example]) -> tuple[Conflict, ...]:
    meanings: dict[tuple[str, ...], dict[str, str]] = {}
    learned = (example for example in before if example.split == "train")
    for example in [*learned, *(answer.example for answer in new)]:
        meanings.setdefault(as_printed(example.context), {}).setdefault(example.label_id, example.source)
    return tuple(
        Conflict(answer, meaning, source)
        for answer in new
        for meaning, source in meanings[as_printed(answer.example.context)].items()
        if meaning != answer.example.label_id
    )


def _doubts(new: Sequence[Answer], before: Sequence[Example]) -> tuple[Doubt, ...]:
    if not new:
        return ()
    named = audit.suspicious([answer.example for answer in new], before, _FOLDS)
    return tuple(Doubt(new[each.index], each.given, each.suggested, each.likely) for each in named)


def _held_out(now: Sequence[Example]) -> list[Example]:
    """The labels held out for good, without those that somebody has answered since."""
    answered = {as_printed(example.context) for example in now if example.corrected}
    return [e for e in now if e.split == "test" and as_printed(e.context) not in answered]


def _fresh(forms: Sequence[FormSpec], now: Sequence[Example], seed: int) -> list[Example]:
    """Labels that were never learned, generated for this comparison."""
    learned = {as_printed(example.context) for example in now if example.split == "train"}
    made = without_repeats(generate(forms, seed))
    return [example for example in made if as_printed(example.context) not in learned]


def _understood(judge: LabelClassifier, answers: Sequence[Answer]) -> int:
    predictions = judge.predict([answer.example.context for answer in answers])
    return sum((p.label_id or OTHER) == a.example.label_id for p, a in zip(predictions, answers, strict=True))


def _objections(
    comparison: Comparison, conflicts: Sequence[Conflict], doubts: Sequence[Doubt], answers: int
) -> Iterable[str]:
    if conflicts:
        labels = len({conflict.answer.correction.correction_id for conflict in conflicts})
        yield f"{labels} answers are about labels that mean something else elsewhere"
    contradictions = sum(doubt.contradicts for doubt in doubts)
    if contradictions >= 2 and _tail(contradictions, answers) < _LEVEL:
        yield f"{contradictions} of {answers} answers contradict everything else, more than careful answers do"
    for category in comparison.worse:
        yield f"{category.name}: {category.after} of {category.labels} are right, {category.before} were before"
    if comparison.miscalibrated:
        yield f"the calibration error is {comparison.error_after:.4f}, it was {comparison.error_before:.4f}"


def _tail(count: int, answers: int) -> float:
    """How probable it is that ``count`` or more of careful answers contradict all the others."""
    below = (comb(answers, k) * _CARELESS**k * (1 - _CARELESS) ** (answers - k) for k in range(count))
    return 1 - sum(below)


def _measures(outcome: Retraining) -> Mapping[str, object]:
    comparison = outcome.comparison
    assert comparison is not None
    return {
        "new_answers": len(outcome.new),
        "withdrawn": len(outcome.withdrawn),
        "understood_before_and_after": list(outcome.understood),
        "calibration_error_before_and_after": [round(comparison.error_before, 5), round(comparison.error_after, 5)],
        "categories": [asdict(category) for category in comparison.categories],
        "objections": list(outcome.objections),
    }


def _notes(outcome: Retraining, force: str) -> str:
    comparison = outcome.comparison
    assert comparison is not None
    rows = "\n".join(
        f"| {c.name} | {c.labels} | {c.before} | {c.after} | {'worse' if c.worse else ''} |"
        for c in comparison.categories
    )
    objections = "\n".join(f"- {objection}" for objection in outcome.objections) or "- none"
    reason = f"\nIt is in use nevertheless. Reason given: {force}\n" if outcome.objections and force else ""
    return f"""
## Retraining

{len(outcome.new)} new answers were learned, {len(outcome.withdrawn)} taken back. The model that was in use gave
{outcome.understood[0]} of the new ones by itself, this one gives {outcome.understood[1]}. What spoke against it:

{objections}
{reason}
| labels neither model had learned | number | right before | right now | |
|---|---|---|---|---|
{rows}
"""
