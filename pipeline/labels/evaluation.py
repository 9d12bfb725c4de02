"""How well the label classifier does on labels it never saw."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.domain import LabelContext, Prediction
from pipeline.labels.classes import OTHER
from pipeline.labels.classifier import LabelClassifier
from pipeline.labels.dataset import Example


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a group of labels were understood."""

    labels: int
    right: int

    @property
    def accuracy(self) -> float:
        """Right ones per label, 1 when there are none."""
        return self.right / self.labels if self.labels else 1.0


@dataclass(frozen=True, slots=True)
class Confusion:
    """A meaning taken for another one, how often, and a text that was."""

    label_id: str
    taken_for: str
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured on a set of labels.

    Attributes:
        whole: all labels with their surroundings.
        alone: the same labels without any surroundings.
        by_source: per kind of source, such as ``ocr:rapidocr`` or ``deviation:gloss``.
        by_class: per canonical id.
        by_base: per wording that the labels came from.
        confusions: most frequent first.
        log_loss: mean natural logarithm of 1 / probability of what is right.
    """

    whole: Share
    alone: Share
    by_source: dict[str, Share]
    by_class: dict[str, Share]
    by_base: dict[str, Share]
    confusions: tuple[Confusion, ...]
    log_loss: float

    def as_metrics(self) -> dict[str, object]:
        """The same as JSON values; of classes and wordings only those with an error."""
        return {
            "labels": self.whole.labels,
            "accuracy": round(self.whole.accuracy, 5),
            "accuracy_without_surroundings": round(self.alone.accuracy, 5),
            "log_loss": round(self.log_loss, 5),
            "by_source": {k: [s.right, s.labels] for k, s in sorted(self.by_source.items())},
            "by_class_with_errors": _flawed(self.by_class),
            "by_wording_with_errors": _flawed(self.by_base),
            "confusions": [[c.label_id, c.taken_for, c.count, c.text] for c in self.confusions],
        }


def evaluate(classifier: LabelClassifier, examples: Sequence[Example]) -> Evaluation:
    """Measure the classifier on ``examples``; the caller chooses those it was not trained on."""
    import numpy as np

    contexts = [example.context for example in examples]
    predictions = classifier.predict(contexts)
    alone = classifier.predict([LabelContext(context.text) for context in contexts])
    position = {name: index for index, name in enumerate(classifier.classes)}
    probabilities = classifier.probabilities(contexts)
    likely = [
        probabilities[row, position[e.label_id]] if e.label_id in position else 0.0 for row, e in enumerate(examples)
    ]
    losses = -np.log(np.maximum(np.array(likely, dtype=np.float64), 1e-9))
    wrong: Counter[tuple[str, str]] = Counter()
    shown: dict[tuple[str, str], str] = {}
    for example, prediction in zip(examples, predictions, strict=True):
        if not _right(example, prediction):
            key = (example.label_id, prediction.label_id or OTHER)
            wrong[key] += 1
            shown.setdefault(key, example.context.text)
    return Evaluation(
        whole=_share(examples, predictions),
        alone=_share(examples, alone),
        by_source=_grouped(examples, predictions, lambda e: ":".join(e.source.split(":")[:2])),
        by_class=_grouped(examples, predictions, lambda e: e.label_id),
        by_base=_grouped(examples, predictions, lambda e: e.base),
        confusions=tuple(Confusion(*key, count, shown[key]) for key, count in wrong.most_common()),
        log_loss=float(losses.mean()) if len(losses) else 0.0,
    )


def _flawed(shares: dict[str, Share]) -> dict[str, list[int]]:
    return {name: [share.right, share.labels] for name, share in sorted(shares.items()) if share.right < share.labels}


def _right(example: Example, prediction: Prediction) -> bool:
    return (prediction.label_id or OTHER) == example.label_id


def _share(examples: Sequence[Example], predictions: Sequence[Prediction]) -> Share:
    return Share(len(examples), sum(map(_right, examples, predictions)))


def _grouped(
    examples: Sequence[Example], predictions: Sequence[Prediction], key: Callable[[Example], str]
) -> dict[str, Share]:
    groups: defaultdict[str, list[bool]] = defaultdict(list)
    for example, prediction in zip(examples, predictions, strict=True):
        groups[key(example)].append(_right(example, prediction))
    return {name: Share(len(hits), sum(hits)) for name, hits in groups.items()}
