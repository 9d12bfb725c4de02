"""Two label classifiers on the same labels, and whether one of them is worse beyond what chance explains.

What both understand, or neither, says nothing about which is better. Where exactly one is right, chance gives each
half of the labels; the sign test asks how often chance alone would lose that many (Q. McNemar, Note on the sampling
error of the difference between correlated proportions, Psychometrika 12, 1947, in its exact form). Many categories
are asked, so their answers are corrected together (S. Holm, A simple sequentially rejective multiple test procedure,
Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from pipeline.labels.classifier import LabelClassifier
from pipeline.labels.dataset import Example

LEVEL = 0.05
"""Chance that two equally good classifiers are told apart in any category at all."""

CERTAIN = 0.97
"""From this probability on a row is placed without a look at it, as a cell is accepted."""

_BINS = 15
_DRAWS = 400
_SEED = 2017


@dataclass(frozen=True, slots=True)
class Category:
    """A group of labels under two classifiers.

    Attributes:
        name: the set the labels are of, and where they come from or what kind of label they are.
        labels: how many.
        before, after: how many each classifier understands.
        lost, gained: how many only the first, only the second understands.
        chance: how probable it is to lose that many or more of those that changed by chance alone.
        worse: whether that is too improbable, with all categories in view.
    """

    name: str
    labels: int
    before: int
    after: int
    lost: int
    gained: int
    chance: float
    worse: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two classifiers on the same labels.

    Attributes:
        categories: every category, the whole of each set first.
        error_before, error_after: expected calibration error over all labels.
        miscalibrated: whether the second one's is higher beyond noise.
    """

    categories: tuple[Category, ...]
    error_before: float
    error_after: float
    miscalibrated: bool

    @property
    def worse(self) -> tuple[Category, ...]:
        """The categories in which the second classifier is worse beyond noise."""
        return tuple(category for category in self.categories if category.worse)


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """What a classifier made of n labels: right, sure of a wrong answer, confidence; each of shape (n,)."""

    right: NDArray[np.bool_]
    misled: NDArray[np.bool_]
    confidence: NDArray[np.float64]


def compare(before: LabelClassifier, after: LabelClassifier, sets: Mapping[str, Sequence[Example]]) -> Comparison:
    """Compare two classifiers on labels that neither was trained on.

    Args:
        before: the one in use.
        after: the one that may take its place.
        sets: labels by the name of their set.
    """
    categories: list[Category] = []
    answers: list[tuple[_Answers, _Answers]] = []
    for name, examples in sets.items():
        old, new = _answers(before, examples), _answers(after, examples)
        answers.append((old, new))
        categories.append(_category(f"{name}: all", old.right, new.right))
        categories.append(_category(f"{name}: not misled", ~old.misled, ~new.misled))
        for key in (origin, meaning):
            of: dict[str, list[int]] = {}
            for index, example in enumerate(examples):
                of.setdefault(key(example), []).append(index)
            categories += [
                _category(f"{name}: {group}", old.right[where], new.right[where]) for group, where in sorted(of.items())
            ]
    error_before, error_after, miscalibrated = _calibration(answers)
    return Comparison(_judged(categories), error_before, error_after, miscalibrated)


def origin(example: Example) -> str:
    """Where a label comes from, such as ``ocr:rapidocr``, ``deviation:gloss`` or ``correction``."""
    parts = example.source.split(":")
    return parts[0] if parts[0] == "correction" else ":".join(parts[:2])


def meaning(example: Example) -> str:
    """The kind of label it is, such as ``row`` or ``header``; ``not on a form`` for the others."""
    kind = example.label_id.split("/")[0]
    return "not on a form" if kind == "other" else kind


def chance_of(lost: int, gained: int) -> float:
    """How probable it is that chance alone loses ``lost`` or more of all that changed."""
    changed = lost + gained
    return sum(comb(changed, k) for k in range(lost, changed + 1)) / (1 << changed)


def _answers(classifier: LabelClassifier, examples: Sequence[Example]) -> _Answers:
    likely = classifier.probabilities([example.context for example in examples])
    names = np.array(classifier.classes)
    right = names[likely.argmax(axis=1)] == np.array([example.label_id for example in examples])
    confidence = likely.max(axis=1)
    return _Answers(right, ~right & (confidence >= CERTAIN), confidence)


def _category(name: str, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Category:
    lost, gained = int((before & ~after).sum()), int((after & ~before).sum())
    return Category(name, len(before), int(before.sum()), int(after.sum()), lost, gained, chance_of(lost, gained))


def _judged(categories: Sequence[Category]) -> tuple[Category, ...]:
    """Mark the categories that are worse; where hardly a label changed no loss could ever be told from chance."""
    asked = sorted((c for c in categories if 0.5 ** (c.lost + c.gained) <= LEVEL), key=lambda c: c.chance)
    worse: set[str] = set()
    for rank, category in enumerate(asked):
        if category.chance > LEVEL / (len(asked) - rank):
            break
        worse.add(category.name)
    return tuple(
        Category(c.name, c.labels, c.before, c.after, c.lost, c.gained, c.chance, c.name in worse) for c in categories
    )


def _calibration(answers: Sequence[tuple[_Answers, _Answers]]) -> tuple[float, float, bool]:
    """Calibration errors of both, and whether 95 % of redrawn sets of labels say that the second one's is higher."""
    if not any(len(old.right) for old, _ in answers):
        return 0.0, 0.0, False
    gaps = []
    for side in (0, 1):
        confidence = np.concatenate([pair[side].confidence for pair in answers])
        right = np.concatenate([pair[side].right for pair in answers])
        # Bins of about equal mass; labels of one confidence stay in one bin.
        edges = np.unique(np.quantile(confidence, np.linspace(0, 1, _BINS + 1)[1:-1]))
        bins = np.searchsorted(edges, confidence, side="right")
        gap = np.zeros((len(confidence), _BINS))
        gap[np.arange(len(confidence)), bins] = confidence - right
        gaps.append(gap)
    labels = len(gaps[0])
    drawn = np.random.default_rng(_SEED).multinomial(labels, np.full(labels, 1 / labels), size=_DRAWS)
    redrawn = [np.abs(drawn @ gap).sum(axis=1) / labels for gap in gaps]
    before, after = (float(np.abs(gap.sum(axis=0)).sum() / labels) for gap in gaps)
    miscalibrated = after > before and float(np.mean(redrawn[1] > redrawn[0])) > 1 - LEVEL
    return before, after, bool(miscalibrated)
