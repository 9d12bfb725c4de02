"""A fitted label classifier as plain numbers: what reading needs of it, without the library that fitted it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.labels.features import FIELDS, WEIGHTS

NGRAMS = {"text": (1, 3), "parent": (1, 2), "section": (1, 2), "previous": (1, 2), "following": (1, 2)}
"""Shortest and longest n-grams of characters that are told apart in a field; the other fields are words."""

_OF_CHARACTERS = np.array([name in NGRAMS for name in FIELDS])
_WEIGHT = np.array([WEIGHTS[name] for name in FIELDS])


@dataclass(frozen=True, slots=True, eq=False)
class LabelModel:
    """Multinomial logistic regression on the terms of a label's fields.

    Attributes:
        classes: the meanings, k of them.
        vocabularies: for each of ``FIELDS`` its terms with their numbers, counted on from field to field, m in all.
        idf: the weights of the terms by their rarity, those of words are 1, shape (m,).
        coefficients: shape (k, m), the temperature in them.
        intercepts: shape (k,).
        characters: those that the model knows.
        temperature: that the coefficients were divided by.
    """

    classes: tuple[str, ...]
    vocabularies: Mapping[str, Mapping[str, int]]
    idf: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    characters: frozenset[str]
    temperature: float

    def probabilities(self, fields: Sequence[str]) -> NDArray[np.float64]:
        """Probability of every class for the fields of one label, in the order of ``FIELDS``; shape (k,), sums to 1."""
        numbers: list[int] = []
        counts: list[int] = []
        owners: list[int] = []
        for field, (name, text) in enumerate(zip(FIELDS, fields, strict=True)):
            vocabulary = self.vocabularies[name]
            found = Counter(vocabulary[term] for term in terms(name, text) if term in vocabulary)
            numbers += found.keys()
            counts += found.values()
            owners += [field] * len(found)
        places, owner = np.array(numbers, dtype=np.intp), np.array(owners, dtype=np.intp)
        often = np.array(counts, dtype=np.float64)
        # What occurs twice says less than twice as much; every field has the length that is its weight.
        values = np.where(_OF_CHARACTERS[owner], 1.0 + np.log(often), often) * self.idf[places]
        length = np.sqrt(np.bincount(owner, values**2, len(FIELDS)))
        values *= _WEIGHT[owner] / length[owner]
        scores = self.coefficients[:, places] @ values + self.intercepts
        odds = np.exp(scores - scores.max())
        return np.asarray(odds / odds.sum())


def terms(name: str, text: str) -> list[str]:
    """The terms of a field's text, each as often as it occurs."""
    if name not in NGRAMS:
        return text.split()
    shortest, longest = NGRAMS[name]
    return [
        text[start : start + size] for size in range(shortest, longest + 1) for start in range(len(text) - size + 1)
    ]
