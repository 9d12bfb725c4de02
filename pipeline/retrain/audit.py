"""Answers that speak against everything else that was learned.

What a label means is predicted by a classifier that has learned neither this answer nor any other from the same
report. Where it names another meaning and holds the one given for hardly possible, one of the two is mistaken, and a
person should look (C. G. Northcutt, L. Jiang, I. L. Chuang, Confident learning: estimating uncertainty in dataset
labels, Journal of Artificial Intelligence Research 70, 2021, of which this is the part that ranks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.labels import classifier
from pipeline.labels.dataset import Example

_FOLDS = 4
# A meaning ten times less probable than another one is no close call.
_HARDLY = 0.1


@dataclass(frozen=True, slots=True)
class Suspicion:
    """An answer that may be mistaken.

    Attributes:
        index: position among the examples that were asked about.
        given: how probable the meaning is that it gives.
        suggested: the most probable meaning.
        likely: how probable that is.
    """

    index: int
    given: float
    suggested: str
    likely: float


def suspicious(asked: Sequence[Example], known: Sequence[Example] = (), folds: int = _FOLDS) -> list[Suspicion]:
    """The answers among ``asked`` that may be mistaken, worst first.

    Args:
        asked: what is doubted. All of one report is asked about together, with the other reports learned.
        known: what is learned always and not doubted.
        folds: how often a classifier is fitted, at most.
    """
    from sklearn.model_selection import GroupKFold

    groups = [_group(example) for example in asked]
    folds = min(folds, len(set(groups)))
    parts = GroupKFold(folds).split(groups, groups=groups) if folds > 1 else [([], range(len(asked)))]
    found = []
    for others, these in parts:
        judge = classifier.fit_plainly([*known, *(asked[i] for i in others)])
        names = judge.classes
        likely = judge.probabilities([asked[i].context for i in these])
        for index, row in zip(these, likely, strict=True):
            best = int(np.argmax(row))
            label = asked[index].label_id
            given = float(row[names.index(label)]) if label in names else 0.0
            if names[best] != label and given <= _HARDLY * row[best]:
                found.append(Suspicion(int(index), given, names[best], float(row[best])))
    return sorted(found, key=lambda suspicion: suspicion.given / suspicion.likely)


def _group(example: Example) -> str:
    """What is asked about together: a report, or labels made in one way.

    Lines and texts on no form are a group each, since all of a kind are needed to know the kind.
    """
    if example.source.startswith(("other:", "deviation:line")):
        return f"{example.source}:{example.base}:{example.context.text}"
    return ":".join(example.source.split(":")[:2]) if example.source.startswith("correction:") else example.source
