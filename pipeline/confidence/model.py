"""The fitted model of confidence: how probable it is that a cell holds what its reading says, and where to accept it.

Two logistic models, one for the reading and one for the place on the form; the confidence is their product. Whatever
speaks against a cell can only lower it: no weight is negative but those of what a cell holds. Where to accept follows
from held-out cells (Geifman and El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017): the model
keeps the confidences of those that were wrong, with how many cells were surer, and of their share the upper bound of
Clopper and Pearson (Biometrika 1934), which decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline import model_store
from pipeline.confidence.evidence import PLACE, READING

MODEL = "confidence"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Logistic:
    """Log-odds without any doubt, and how much each doubt takes away; in the order of the names it was fitted with."""

    intercept: float
    weights: tuple[float, ...]

    def probability(self, doubts: Sequence[float]) -> float:
        """Probability that nothing is wrong, 0 to 1."""
        odds = self.intercept - sum(w * d for w, d in zip(self.weights, doubts, strict=True))
        return 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which confidence on cells are accepted, and what that gave on held-out cells.

    Attributes:
        confidence: cells above it are accepted.
        cells, wrong: held-out cells above it, and how many of them are wrong.
        risk: with a confidence of 95 % no higher share of the accepted is wrong, if errors fall independently.
    """

    confidence: float
    cells: int
    wrong: int
    risk: float


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """Both models and the thresholds.

    Attributes:
        thresholds: from the highest to the lowest, one at the confidence of every held-out wrong cell.
        least_risk: a lower risk the held-out cells are too few to bear out.
    """

    identity: str
    reading: Logistic
    place: Logistic
    thresholds: tuple[Threshold, ...]
    least_risk: float

    def threshold(self, risk: float) -> Threshold:
        """The lowest threshold that keeps the risk on held-out cells, or the least risk that they can bear out.

        Args:
            risk: share of wrong cells among the accepted, 0 to 1.
        """
        kept = [each for each in self.thresholds if each.risk <= max(risk, self.least_risk)]
        return kept[-1] if kept else min(self.thresholds, key=lambda each: each.risk)


def save(folder: Path, model: ConfidenceModel) -> None:
    """Write a model into a folder; its numbers are rounded, so that the same data gives the same bytes everywhere."""
    content = {
        "format": FORMAT,
        "reading": _numbers(model.reading, READING),
        "place": _numbers(model.place, PLACE),
        "least_risk": model.least_risk,
        "thresholds": [[each.confidence, each.cells, each.wrong, each.risk] for each in model.thresholds],
    }
    model_store.write_numbers(folder, content)


def _numbers(model: Logistic, names: Sequence[str]) -> dict[str, object]:
    return {"intercept": model.intercept, "weights": dict(zip(names, model.weights, strict=True))}


@lru_cache(maxsize=1)
def load() -> ConfidenceModel:
    """The model in use.

    Raises:
        ModelError: it is missing, damaged or of another format.
    """
    return load_from(model_store.current(MODEL))


def load_from(folder: Path) -> ConfidenceModel:
    """Load one model folder: ``manifest.json`` and ``model.json``, checked against each other.

    Raises:
        ModelError: it is missing, damaged or of another format.
    """
    return model_store.read_numbers(folder, FORMAT, lambda content: _build(folder.name, content))


def _build(identity: str, content: Mapping[str, Any]) -> ConfidenceModel:
    thresholds = tuple(
        Threshold(float(confidence), int(cells), int(wrong), float(risk))
        for confidence, cells, wrong, risk in content["thresholds"]
    )
    if not thresholds:
        raise ValueError("it has no thresholds")
    reading, place = _logistic(content["reading"], READING), _logistic(content["place"], PLACE)
    return ConfidenceModel(identity, reading, place, thresholds, float(content["least_risk"]))


def _logistic(content: Mapping[str, object], names: Sequence[str]) -> Logistic:
    weights = content["weights"]
    if not isinstance(weights, Mapping) or set(weights) != set(names):
        raise ValueError("its weights are those of another version of nianbao")
    return Logistic(float(str(content["intercept"])), tuple(float(weights[name]) for name in names))
