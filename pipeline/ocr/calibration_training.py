"""Fit the calibration of readings to readings whose text is known."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.ocr.calibration import FEATURES

COLUMNS = (*FEATURES, "right", "damage", "font", "split")


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The model, and how it does on the readings that are held out.

    Attributes:
        error: expected calibration error over ten bins of equal size (Naeini et al. 2015).
        readings, wrong: number of held-out readings, and how many of them are wrong.
    """

    intercept: float
    weights: tuple[float, ...]
    error: float
    readings: int
    wrong: int


def fit(data: Path) -> Fit:
    """Fit a logistic regression to the lines of the split ``train``.

    Raises:
        UsageError: the file is missing or breaks its contract.
    """
    from sklearn.linear_model import LogisticRegression

    lines = _read(data)
    learned, held_out = ([line for line in lines if line["split"] == split] for split in ("train", "test"))
    if len({line["right"] for line in learned}) < 2 or not held_out:
        raise UsageError(f"{data} lacks right, wrong or held-out readings", "Run scripts/make_readings.py")
    model = LogisticRegression(C=1.0, max_iter=5000, tol=1e-8).fit(_matrix(learned), _right(learned))
    predicted, right = model.predict_proba(_matrix(held_out))[:, 1], _right(held_out)
    return Fit(
        intercept=float(model.intercept_[0]),
        weights=tuple(float(weight) for weight in model.coef_[0]),
        error=_calibration_error(predicted, right),
        readings=len(right),
        wrong=int((~right).sum()),
    )


def _read(data: Path) -> list[dict[str, str]]:
    try:
        with data.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise UsageError(f"{data} has other columns than {', '.join(COLUMNS)}", "Run scripts/make_readings.py")
            return list(reader)
    except OSError as error:
        raise UsageError(f"{data} cannot be read: {error}", "Run scripts/make_readings.py") from error


def _matrix(lines: Sequence[Mapping[str, str]]) -> NDArray[np.float64]:
    return np.array([[float(line[name]) for name in FEATURES] for line in lines])


def _right(lines: Sequence[Mapping[str, str]]) -> NDArray[np.bool_]:
    return np.array([line["right"] == "1" for line in lines])


def _calibration_error(predicted: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, bins)
    return float(sum(len(p) * abs(predicted[p].mean() - right[p].mean()) for p in parts if len(p)) / len(order))
