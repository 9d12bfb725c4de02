"""Which printed row is which row of the form, when rows come in the order of the statute.

A printed row either is a row of the form or is not on it. Down the page the rows of the form can only go forward;
some may be missing, and one may be printed in two pieces. That is a hidden Markov chain whose states are the rows of
the form, so the best map is found by Viterbi's recursion and the probability of each row's place by the
forward-backward recursion (L. R. Rabiner, A tutorial on hidden Markov models, Proc. IEEE 77(2), 1989).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Chances of what happens to rows, from reports read in full: additions and omissions are rare, split rows rarer.
_ADDED = 0.05
_MISSING = 0.03
_SPLIT = 0.003
# A table with as many rows as the form almost always is the form, row by row.
_COMPLETE = 5.0
# No label is so certain that its neighbours could not overrule it.
_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Alignment:
    """The map from printed rows to rows of the form.

    Attributes:
        assignment: for each printed row the index of the form's row, None when it is not on the form. Never
            decreasing; an index occurs twice only for a row printed in pieces.
        probabilities: for each printed row how probable its assignment is, given all labels.
        margins: that probability less the one of the row's next best place.
        score: natural logarithm of the weight of all printed labels, summed over all maps; of several forms the
            one with the highest score explains the rows best.
    """

    assignment: tuple[int | None, ...]
    probabilities: tuple[float, ...]
    margins: tuple[float, ...]
    score: float


def score_of_part(alignment: Alignment, rows: int) -> float:
    """The score of a table of so many rows, were the rows missing at either end of it missing together.

    Where a page was lost or could not be read they are; one by one they would speak for the form that has fewest.
    """
    placed = [row for row in alignment.assignment if row is not None]
    ends = (placed[0], rows - 1 - placed[-1]) if placed else ()
    return alignment.score - sum(max(0, missing - 1) for missing in ends) * float(np.log(_MISSING))


def align(scores: NDArray[np.float64], reject: NDArray[np.float64]) -> Alignment:
    """Map printed rows to the rows of a form.

    A row that lost its label has the same score everywhere; its neighbours decide.

    Args:
        scores: log-probability that printed row i is row j of the form, shape (printed, form rows).
        reject: log-probability that printed row i is not on the form, shape (printed,).

    Raises:
        ValueError: the shapes do not fit, or the form has no rows.
    """
    if scores.ndim != 2 or scores.shape[1] == 0 or reject.shape != scores.shape[:1]:
        raise ValueError(f"scores {scores.shape} and reject {reject.shape} do not fit together")
    printed, rows = scores.shape
    if printed == 0:
        return Alignment((), (), (), 0.0)
    match, stray = _emissions(scores, reject)
    step = _steps(rows)
    identity = _identity(match, step) if printed == rows else -np.inf
    path, best = _viterbi(match, stray, step)
    if identity > best:
        path = list(range(rows))
    here, total = _posterior(match, stray, step)
    if printed == rows:
        here, total = _with_identity(here, total, identity)
    probabilities, margins = _certainty(here, path)
    return Alignment(tuple(path), probabilities, margins, total)


def _emissions(
    scores: NDArray[np.float64], reject: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    floor = float(np.log(_FLOOR))
    return np.maximum(scores, floor) + np.log1p(-_ADDED), np.maximum(reject, floor) + np.log(_ADDED)


def _steps(rows: int) -> NDArray[np.float64]:
    """Log-chance to go from row p to row j of the form; p = 0 stands before the first, the last column for the end.

    Shape (rows + 1, rows + 2): column 0 is unused, column j is row j - 1, column rows + 1 the end.
    """
    before = np.arange(rows + 1)[:, None]
    after = np.arange(rows + 2)[None, :]
    skipped = after - before - 1
    step = np.where(skipped >= 0, np.log1p(-_MISSING) + skipped * np.log(_MISSING), -np.inf)
    step[:, 1 : rows + 1] = np.where(
        (skipped == -1)[:, 1 : rows + 1] & (before > 0), np.log(_SPLIT), step[:, 1 : rows + 1]
    )
    step[:, 0] = -np.inf
    return step


def _identity(match: NDArray[np.float64], step: NDArray[np.float64]) -> float:
    """Log-probability of the map that takes every printed row for the row of the same number."""
    rows = match.shape[1]
    along = sum(step[j, j + 1] for j in range(rows + 1))
    return float(np.trace(match) + along + np.log(_COMPLETE))


def _viterbi(
    match: NDArray[np.float64], stray: NDArray[np.float64], step: NDArray[np.float64]
) -> tuple[list[int | None], float]:
    printed, rows = match.shape
    at = np.full(rows + 1, -np.inf)
    at[0] = 0.0
    moved = np.zeros((printed, rows + 1), dtype=np.int64)
    for i in range(printed):
        arrivals = at[:, None] + step[:, : rows + 1]
        source = np.argmax(arrivals, axis=0)
        arrive = arrivals[source, np.arange(rows + 1)]
        arrive[1:] += match[i]
        stay = at + stray[i]
        moved[i] = np.where(stay >= arrive, -1, source)
        at = np.maximum(stay, arrive)
    final = at + step[:, rows + 1]
    state = int(np.argmax(final))
    best = float(final[state])
    path: list[int | None] = []
    for i in range(printed - 1, -1, -1):
        source_row = int(moved[i, state])
        if source_row < 0:
            path.append(None)
        else:
            path.append(state - 1)
            state = source_row
    return path[::-1], best


def _posterior(
    match: NDArray[np.float64], stray: NDArray[np.float64], step: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Log-joint of each row's place with all labels, shape (printed, rows + 1), last column: not on the form."""
    printed, rows = match.shape
    forward = np.full((printed + 1, rows + 1), -np.inf)
    forward[0, 0] = 0.0
    arrive = np.full((printed, rows + 1), -np.inf)
    for i in range(printed):
        arrive[i] = np.logaddexp.reduce(forward[i][:, None] + step[:, : rows + 1], axis=0)
        arrive[i, 1:] += match[i]
        forward[i + 1] = np.logaddexp(arrive[i], forward[i] + stray[i])
    backward = np.full((printed + 1, rows + 1), -np.inf)
    backward[printed] = step[:, rows + 1]
    for i in range(printed - 1, -1, -1):
        onward = np.full(rows + 1, -np.inf)
        onward[1:] = match[i] + backward[i + 1, 1:]
        go = np.logaddexp.reduce(step[:, : rows + 1] + onward[None, :], axis=1)
        backward[i] = np.logaddexp(go, stray[i] + backward[i + 1])
    here = np.empty((printed, rows + 1))
    for i in range(printed):
        here[i, :rows] = arrive[i, 1:] + backward[i + 1, 1:]
        here[i, rows] = np.logaddexp.reduce(forward[i] + stray[i] + backward[i + 1])
    return here, float(np.logaddexp.reduce(forward[printed] + step[:, rows + 1]))


def _with_identity(here: NDArray[np.float64], total: float, identity: float) -> tuple[NDArray[np.float64], float]:
    """Give the map row by row the extra weight of a complete table."""
    extra = identity + np.log1p(-1.0 / _COMPLETE)
    here = here.copy()
    for i in range(len(here)):
        here[i, i] = np.logaddexp(here[i, i], extra)
    return here, float(np.logaddexp(total, extra))


def _certainty(here: NDArray[np.float64], path: list[int | None]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    likely = np.exp(here - np.logaddexp.reduce(here, axis=1, keepdims=True))
    probabilities, margins = [], []
    for row, place in zip(likely, path, strict=True):
        chosen = len(row) - 1 if place is None else place
        probabilities.append(float(row[chosen]))
        margins.append(float(row[chosen] - np.delete(row, chosen).max()))
    return tuple(probabilities), tuple(margins)
