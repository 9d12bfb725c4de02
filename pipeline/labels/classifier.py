"""The label classifier: multinomial logistic regression on character n-grams of a label and of its surroundings.

One weight vector per meaning; the probabilities are softened or sharpened by one temperature, fitted on noise that
the weights were not fitted on (C. Guo et al., On calibration of modern neural networks, ICML 2017).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import model_store
from pipeline.domain import LabelContext, Prediction
from pipeline.labels.augment import degraded, measured_confusions
from pipeline.labels.classes import OTHER
from pipeline.labels.dataset import Example
from pipeline.labels.features import FIELDS, WEIGHTS, field_table, known_characters
from pipeline.labels.model import NGRAMS, LabelModel
from pipeline.labels.normalise import normalise

_SEED = 20210926
_MOST_FEATURES = {"text": 4500, "parent": 700, "section": 350, "previous": 1100, "following": 1100}
_RARE = 3
_STRENGTH = 20.0
# What occurs less often than `_RARE` is not learned at all, and every other wording is there many times over.
_COPIES_OF_CORRECTIONS = 6
_ITERATIONS = 120
_TOLERANCE = 5e-4
# Weights below this never decide anything; as zeros they take no room.
_NEGLIGIBLE = 0.02
_GRID = 64
# A document's labels are asked for twice, once to look again at its cells; a row of probabilities takes 3 kB.
_REMEMBERED = 4096


class LabelClassifier:
    """Says what printed labels mean."""

    def __init__(self, model: LabelModel) -> None:
        self.model = model
        self.classes = model.classes
        self._known: dict[LabelContext, NDArray[np.float64]] = {}

    @classmethod
    def load(cls, folder: Path | None = None) -> LabelClassifier:
        """Load the model of one folder, by default the one in use.

        Raises:
            ModelError: it is missing, damaged, or holds what must not be loaded.
        """
        from pipeline.labels.artefact import MODEL, load_model

        return cls(load_model(model_store.current(MODEL) if folder is None else folder))

    def probabilities(self, contexts: Sequence[LabelContext]) -> NDArray[np.float64]:
        """Probability of every class for every label, shape (n, k); rows sum to 1."""
        if not contexts:
            return np.zeros((0, len(self.classes)))
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        new = [context for context in dict.fromkeys(contexts) if context not in self._known]
        if new:
            table = field_table(new, self.model.characters)
            self._known.update(zip(new, map(self.model.probabilities, table), strict=True))
        return np.stack([self._known[context] for context in contexts])

    def predict(self, contexts: Sequence[LabelContext]) -> list[Prediction]:
        """The most probable meaning of every label; one without any text means nothing."""
        result = []
        for context, likely in zip(contexts, self.probabilities(contexts), strict=True):
            second, best = np.argsort(likely, kind="stable")[-2:]
            name = self.classes[best]
            nothing = name == OTHER or not normalise(context.text)
            margin = float(likely[best] - likely[second])
            result.append(Prediction(None if nothing else name, float(likely[best]), margin))
        return result


def fit(examples: Sequence[Example]) -> LabelModel:
    """Fit the classifier to the training part of ``examples``; the same examples give the same weights.

    Each example is learned as it is and once more as a poor scan shows it; what a person answered, several times more,
    since it stands for all the reports that are to come.
    """
    from threadpoolctl import threadpool_limits

    learned = [example for example in examples if example.split == "train"]
    characters = _characters(learned)
    confusions = measured_confusions(learned)
    alphabet = sorted(characters)
    rng = random.Random(_SEED)
    copies = [degraded(example, confusions, alphabet, rng) for example in learned]
    held_back = [degraded(example, confusions, alphabet, rng) for example in learned[::3]]

    pipeline = _pipeline()
    more = [
        degraded(e, confusions, alphabet, rng) for e in learned if e.corrected for _ in range(_COPIES_OF_CORRECTIONS)
    ]
    both = [*learned, *copies, *more]
    # One thread: the order of additions decides the last bits.
    with threadpool_limits(limits=1):
        pipeline.fit(_table(both, characters), np.array([example.label_id for example in both]))
    temperature = _temperature(pipeline, held_back, characters)
    _settle(pipeline.named_steps["weights"], temperature)
    return _model(pipeline, characters, temperature)


def fit_plainly(examples: Sequence[Example]) -> LabelClassifier:
    """Fit to the training part of ``examples`` as it is, without copies and temperature: half the work of `fit`."""
    from threadpoolctl import threadpool_limits

    learned = [example for example in examples if example.split == "train"]
    characters = _characters(learned)
    pipeline = _pipeline()
    with threadpool_limits(limits=1):
        pipeline.fit(_table(learned, characters), np.array([example.label_id for example in learned]))
    return LabelClassifier(_model(pipeline, characters, 1.0))


def _table(examples: Sequence[Example], characters: frozenset[str]) -> NDArray[Any]:
    return field_table([example.context for example in examples], characters)


def _characters(learned: Sequence[Example]) -> frozenset[str]:
    """The characters of the forms, and of what people corrected."""
    printed = (e.context.text if e.corrected else e.base for e in learned if e.corrected or e.label_id != OTHER)
    return known_characters(printed)


def _pipeline() -> Any:
    from sklearn.pipeline import Pipeline

    return Pipeline([("fields", _vectoriser()), ("weights", _regression())])


def _model(pipeline: Any, characters: frozenset[str], temperature: float) -> LabelModel:
    """What a fitted pipeline knows."""
    fields = pipeline.named_steps["fields"].named_transformers_
    regression = pipeline.named_steps["weights"]
    vocabularies, rarity, first = {}, [], 0
    for name in FIELDS:
        own = fields[name].vocabulary_
        vocabularies[name] = {str(term): first + int(own[term]) for term in sorted(own, key=own.__getitem__)}
        rarity.append(fields[name].idf_ if name in NGRAMS else np.ones(len(own)))
        first += len(own)
    return LabelModel(
        classes=tuple(str(name) for name in regression.classes_),
        vocabularies=vocabularies,
        idf=np.concatenate(rarity).astype(np.float32),
        coefficients=regression.coef_.astype(np.float32),
        intercepts=regression.intercept_.astype(np.float32),
        characters=characters,
        temperature=temperature,
    )


def _vectoriser() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer

    parts = []
    for index, name in enumerate(FIELDS):
        if name in NGRAMS:
            vectoriser = TfidfVectorizer(
                analyzer="char",
                ngram_range=NGRAMS[name],
                min_df=_RARE,
                max_features=_MOST_FEATURES[name],
                sublinear_tf=True,
                lowercase=False,
                dtype=np.float32,
            )
        else:
            vectoriser = TfidfVectorizer(
                analyzer="word", token_pattern=r"\S+", use_idf=False, lowercase=False, dtype=np.float32
            )
        parts.append((name, vectoriser, index))
    return ColumnTransformer(parts, transformer_weights=WEIGHTS, sparse_threshold=1.0)


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=_STRENGTH, max_iter=_ITERATIONS, tol=_TOLERANCE)


def _temperature(pipeline: Any, held_back: Sequence[Example], characters: frozenset[str]) -> float:
    """The temperature that makes the held-back labels most probable, searched on a fixed grid from 1/4 to 4."""
    scores = np.asarray(pipeline.decision_function(_table(held_back, characters)), dtype=np.float64)
    position = {name: index for index, name in enumerate(pipeline.classes_)}
    truth = np.array([position[example.label_id] for example in held_back])
    candidates = [float(2.0 ** (step / 8)) for step in range(-16, 17)]
    return min(candidates, key=lambda temperature: _log_loss(scores / temperature, truth))


def _log_loss(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    top = scores.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(scores - top).sum(axis=1)) + top[:, 0]
    return float(np.mean(normaliser - scores[np.arange(len(truth)), truth]))


def _settle(regression: Any, temperature: float) -> None:
    """Divide the weights by the temperature and round them to a coarse grid, which makes the file small."""
    weights = regression.coef_ / temperature
    weights = np.round(weights * _GRID) / _GRID
    regression.coef_ = np.where(np.abs(weights) < _NEGLIGIBLE, 0, weights).astype(np.float32)
    regression.intercept_ = (regression.intercept_ / temperature).astype(np.float32)
