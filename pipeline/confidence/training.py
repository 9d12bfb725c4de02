"""Fit the model of confidence to cells whose content and place are known.

Thresholds are chosen by cells that were held out. So that all cells can be that, they are judged by cross-fitting: each
by a model fitted to cells of other typefaces and kinds of damage (Chernozhukov et al., "Double/debiased machine
learning", Econometrics Journal 21, 2018, name it so).
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.confidence.evidence import BELIEF, DISBELIEVED, PLACE, READING, is_believed
from pipeline.confidence.model import ConfidenceModel, Logistic, Threshold
from pipeline.errors import UsageError
from pipeline.reliability import Judged, Reliability, measure, upper_bound

COLUMNS = (*READING, *PLACE, "share", "placed", "right", "document", "damage", "font", "split")
"""Of the table: what speaks against reading and place, which share of its row's cells the cell is, whether the place
and the reading are right (0 or 1), and where the cell is from."""

_ADVICE = "Run scripts/make_confidence.py"
# A figure may speak for a cell, since figures that are not there are rarely read; all else can only speak against it.
_FREE = frozenset({"nought", "digits"})
# Strength of the prior, a normal distribution of each weight in units of the doubt's own spread, which is no less than
# this.
_PRIOR, _SPREAD = 3.0, 0.15
# Its mean: a probability that was given is one (its log-odds count once, whether they are the reader's, those given the
# sums or those given the marks of the table); some things are known to be fatal and too rare in any set of scans to be
# learned from it alone; the rest says nothing.
_EXPECTED = {
    "read_9": 0.2,
    "given_9": 0.2,
    "usual_9": 0.3,
    "row_9": 0.5,
    "row_5": 0.25,
    "row_3": 0.25,
    "column_9": 0.45,
    "column_2": 2.5,
    "ghost": 10.0,
    "ghost_mark": 10.0,
    "cut_total": 20.0,
    "shortened": 10.0,
    "edge": 8.0,
    "unseen_blank": 10.0,
    "apart": 5.0,
    "astray": 6.0,
    "stray_below": 2.5,
}
# Log-odds of a place without a doubt: nearly all are right, so that scans set no bound to them, and the few doubts that
# hardly ever occur would be outweighed.
_SUREST_PLACE = 9.0
# A risk is borne out by so many cells that it would be with three wrong ones among nine tenths of them.
_FEW, _MOST = 3, 0.9
_DIGITS = 6
# Nobody accepts what is less sure.
_LOWEST = 0.5
_TYPEFACE_FOLDS, _KIND_FOLDS = 3, 2
_RISKS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The model with its thresholds, and how it does on cells that had no part in either.

    Attributes:
        learned: number of cells it was fitted to, and thresholds were chosen by.
        tested: what the confidences of cells of the test are worth.
        promises: for some risks what the threshold that is chosen gives on cells of the test.
    """

    model: ConfidenceModel
    learned: int
    tested: Reliability
    promises: tuple[Promise, ...]

    def metrics(self) -> dict[str, object]:
        """What was measured, for the model's folder."""
        tested = self.tested
        return {
            "cells": {"learned": self.learned, "tested": tested.cells},
            "calibration_error": round(tested.calibration_error, 5),
            "area_under_risk_coverage": round(tested.area, 6),
            "promises": [asdict(each) for each in self.promises],
        }

    def card(self) -> str:
        """The same for people."""
        lines = "\n".join(each.line() for each in self.promises)
        tested = self.tested
        return f"""Says how probable it is that a cell holds what it reads as and stands where it should: two logistic
models, of the reading and of the place, in which no doubt can count in favour of a cell.

- Fitted to {self.learned} cells of generated scans. Thresholds are chosen by the same cells, each judged by a model
  that has seen neither its typeface nor its kind of damage.
- Tested on {tested.cells} cells of another typeface and other kinds of damage, which had no part in either: expected
  calibration error {tested.calibration_error:.4f}.
- One bad page makes many errors; the bounds take them as independent and are too low by that.
- Not for readings of another text engine than rapidocr.

| risk asked for | bound where it was chosen | threshold | accepted in the test | wrong | upper bound |
|---|---|---|---|---|---|
{lines}
"""


@dataclass(frozen=True, slots=True)
class Promise:
    """A risk that is asked for, and what came of it.

    Attributes:
        bound: upper bound of the risk on the cells that the threshold was chosen by.
        confidence: the threshold.
        coverage: share of the cells of the test that is accepted.
        cells, wrong: their number, and how many of them are wrong.
        upper: upper bound (95 %) of the share of wrong cells among the accepted of the test.
    """

    risk: float
    bound: float
    confidence: float
    coverage: float
    cells: int
    wrong: int
    upper: float

    def line(self) -> str:
        """The line of a table in Markdown."""
        accepted = f"{self.confidence} | {self.coverage:.1%} | {self.wrong} of {self.cells}"
        return f"| {self.risk:g} | {self.bound:.2g} | {accepted} | {self.upper:.2g} |"


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Cells of one split: doubts, shape (n, k), and for each cell what is known of it.

    Attributes:
        typeface: number of the fold of its typeface.
        kinds: which folds the kinds of damage of its scan are of, shape (n, folds).
    """

    reading: NDArray[np.float64]
    place: NDArray[np.float64]
    share: NDArray[np.float64]
    placed: NDArray[np.bool_]
    right: NDArray[np.bool_]
    typeface: NDArray[np.intp]
    kinds: NDArray[np.bool_]

    @property
    def fine(self) -> NDArray[np.bool_]:
        return self.placed & self.right


def fit(data: Path) -> Fit:
    """Fit both models to the split ``train``, choose thresholds by cross-fitting, and test on the split ``test``.

    Raises:
        UsageError: the file is missing or breaks its contract.
    """
    splits = _read(data)
    train, test = splits.get("train"), splits.get("test")
    if train is None or test is None or train.fine.all():
        raise UsageError(f"{data} lacks cells of a split, or wrong ones", _ADVICE)
    everything = np.ones(len(train.right), dtype=bool)
    reading, place = _fit_both(train, everything)
    least = _rounded(upper_bound(_FEW, round(_MOST * len(everything))))
    model = ConfidenceModel("", reading, place, _thresholds(_cross_fitted(train), train.fine), least)
    if not model.thresholds:
        raise UsageError(f"{data} has no wrong cells to choose thresholds by", _ADVICE)
    confidences = _confidences(reading, place, test)
    tested = measure(Judged(float(each), bool(right), True) for each, right in zip(confidences, test.fine, strict=True))
    assert tested is not None  # there are cells
    return Fit(model, len(everything), tested, _promises(model, confidences, test.fine))


def _cross_fitted(cells: _Cells) -> NDArray[np.float64]:
    """Confidence of each cell by a model that has seen neither its typeface nor a kind of damage of its scan."""
    found = np.zeros(len(cells.right))
    for typeface in np.unique(cells.typeface):
        for kinds in np.unique(cells.kinds, axis=0):
            own = (cells.typeface == typeface) & (cells.kinds == kinds).all(axis=1)
            if own.any():
                others = (cells.typeface != typeface) & ~(cells.kinds & kinds).any(axis=1)
                found[own] = _confidences(*_fit_both(cells, others), cells)[own]
    return found


def _fit_both(cells: _Cells, chosen: NDArray[np.bool_]) -> tuple[Logistic, Logistic]:
    placed = chosen & cells.placed
    reading = _fit(cells.reading[placed], cells.right[placed], np.ones(int(placed.sum())), READING, math.inf)
    return reading, _fit(cells.place[chosen], cells.placed[chosen], cells.share[chosen], PLACE, _SUREST_PLACE)


def _fit(
    doubts: NDArray[np.float64],
    right: NDArray[np.bool_],
    weights: NDArray[np.float64],
    names: Sequence[str],
    surest: float,
) -> Logistic:
    """Logistic regression with an intercept up to ``surest``, whose weights are not negative but for the free ones."""
    from scipy.optimize import minimize

    spread = np.maximum(doubts.std(axis=0), _SPREAD)
    scaled = doubts / spread
    expected = np.array([_EXPECTED.get(name, 0.0) for name in names]) * spread
    sign = np.where(right, 1.0, -1.0)

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = sign * (at[0] - scaled @ at[1:])
        pull = -weights * sign * _sigmoid(-odds)
        value = float((weights * np.logaddexp(0.0, -odds)).sum() + 0.5 * _PRIOR * ((at[1:] - expected) ** 2).sum())
        return value, np.concatenate([[pull.sum()], -(scaled.T @ pull) + _PRIOR * (at[1:] - expected)])

    bounds = [(None, surest), *((None, None) if each in _FREE else (0.0, None) for each in names)]
    found = minimize(
        loss,
        np.concatenate([[5.0], expected]),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 5000, "maxfun": 10000, "ftol": 1e-10, "gtol": 1e-5},
    ).x
    return Logistic(_rounded(found[0]), tuple(_rounded(each) for each in found[1:] / spread))


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")


def _sigmoid(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -700.0, 700.0))))


def _confidences(reading: Logistic, place: Logistic, cells: _Cells) -> NDArray[np.float64]:
    believed = _sigmoid(reading.intercept - cells.reading @ np.array(reading.weights))
    doubts = cells.reading[:, BELIEF]
    kept = np.array([is_believed(*each) for each in doubts.tolist()], dtype=bool)
    believed = np.where(kept, believed, np.minimum(believed, DISBELIEVED))
    return np.asarray(believed * _sigmoid(place.intercept - cells.place @ np.array(place.weights)))


def _thresholds(confidences: NDArray[np.float64], fine: NDArray[np.bool_]) -> tuple[Threshold, ...]:
    right = np.sort(confidences[fine])
    step = 10.0**_DIGITS
    found = []
    for wrong, confidence in enumerate(np.sort(confidences[~fine])[::-1]):
        if confidence < _LOWEST:
            break
        at = math.ceil(float(confidence) * step) / step
        surer = wrong + len(right) - int(np.searchsorted(right, at, "right"))
        found.append(Threshold(at, surer, wrong, _rounded(upper_bound(wrong, surer))))
    return tuple(found)


def _promises(model: ConfidenceModel, confidences: NDArray[np.float64], fine: NDArray[np.bool_]) -> tuple[Promise, ...]:
    found = []
    for risk in _RISKS:
        threshold = model.threshold(risk)
        accepted = confidences > threshold.confidence
        cells, wrong = int(accepted.sum()), int((accepted & ~fine).sum())
        upper = _rounded(upper_bound(wrong, cells))
        coverage = round(cells / len(fine), 5)
        found.append(Promise(risk, threshold.risk, threshold.confidence, coverage, cells, wrong, upper))
    return tuple(found)


def _read(data: Path) -> dict[str, _Cells]:
    rows: dict[str, list[list[float]]] = {}
    scans: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    numbers = len(READING) + len(PLACE) + 3
    for *line, damage, font, split in _lines(data):
        rows.setdefault(split, []).append([float(each) for each in line[:numbers]])
        scans.setdefault(split, []).append((font.partition("+")[0], tuple(damage.split("+")[1:])))
    found = {}
    for split, lines in rows.items():
        table = np.array(lines)
        reading, place, share, placed, right = np.split(table, [len(READING), numbers - 3, numbers - 2, numbers - 1], 1)
        typefaces = _folds({typeface for typeface, _ in scans[split]}, _TYPEFACE_FOLDS)
        kinds = _folds({kind for _, several in scans[split] for kind in several}, _KIND_FOLDS)
        found[split] = _Cells(
            *(reading, place, share[:, 0], placed[:, 0] == 1, right[:, 0] == 1),
            np.array([typefaces[typeface] for typeface, _ in scans[split]]),
            np.array([[fold in map(kinds.get, own) for fold in range(_KIND_FOLDS)] for _, own in scans[split]]),
        )
    return found


def _folds(names: set[str], number: int) -> dict[str, int]:
    return {name: position % number for position, name in enumerate(sorted(names))}


def _lines(data: Path) -> Iterator[list[str]]:
    try:
        with gzip.open(data, "rt", encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream)
            if tuple(next(reader, ())) != COLUMNS:
                raise UsageError(f"{data} has other columns than this version of nianbao fits", _ADVICE)
            yield from reader
    except (OSError, EOFError) as error:
        raise UsageError(f"{data} cannot be read: {error}", _ADVICE) from error
