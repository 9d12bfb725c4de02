"""Figures that do not stand in line with those above and below them: a digit at one end of them may be gone.

A column is set flush left, flush right or centred. Where a digit was rubbed out and thresholding left nothing of it,
all readers agree on what is left; but that stands half a digit or more beside where a figure of its length would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline import patches
from pipeline.domain import BoundingBox
from pipeline.ocr.crops import Ink

# So many figures of a column tell how it is set, if so large a share of them stands in line.
_FEWEST, _MOST = 10, 0.9
# Left ends, middles and right ends of figures are in line within the first from the usual place, and out of line
# beyond the second, in terms of the height of figures. A 1 ends a fifth before or behind the place of a digit, and
# digits stand two thirds apart, so that the middle of a figure that lost one moves by a third.
_IN_LINE = np.array([0.3, 0.15, 0.3])
_OUT_OF_LINE = np.array([0.4, 0.22, 0.4])
# What is taller than figures by the first factor is not one alone; what is lower than the second of it is no digit.
_TALLER, _LOWEST = 1.3, 0.35

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in its cell.

    Attributes:
        column: figures of the same one stand above each other.
        width: of its cell, inside the rules, in pixels.
        ink: its digits, in pixels of the picture of the cell.
    """

    column: tuple[int, ...]
    width: float
    ink: BoundingBox


def digits_box(ink: Ink) -> BoundingBox | None:
    """Where the digits of a figure are in the picture of its cell; what is much lower is no digit. None without ink."""
    x, y, width, height = patches.label(ink.mask.view(np.uint8))[1][1:, :4].T
    if not height.size:
        return None
    tall = height >= _LOWEST * height.max()
    x0, y0, x1, y1 = x[tall].min(), y[tall].min(), (x + width)[tall].max(), (y + height)[tall].max()
    return BoundingBox(float(x0), float(y0), float(x1), float(y1))


def out_of_line(figures: Mapping[int, Figure]) -> dict[int, float]:
    """By how much figures, by their number, stand too far to the right, in terms of their height; those that do.

    What is negative stands too far to the left. A column of less than ten figures tells nothing, nor one that is not
    set in one way.
    """
    columns: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, figure in figures.items():
        columns[figure.column].append(number)
    found: dict[int, float] = {}
    for numbers in columns.values():
        if len(numbers) >= _FEWEST:
            found.update(_of_column(numbers, [figures[number] for number in numbers]))
    return found


def _of_column(numbers: Sequence[int], figures: Sequence[Figure]) -> dict[int, float]:
    """Those out of line, of all ways to set a column that the others agree with."""
    tall = float(np.median([figure.ink.height for figure in figures]))
    places = _places(figures)
    offsets = (places - np.median(places, axis=0)) / tall
    held = (np.abs(offsets) <= _IN_LINE).mean(axis=0) >= _MOST
    if not held.any():
        return {}
    out = (np.abs(offsets) > _OUT_OF_LINE)[:, held].all(axis=1)
    alone = np.array([figure.ink.height <= _TALLER * tall for figure in figures])
    return {numbers[i]: float(min(offsets[i, held], key=abs)) for i in np.flatnonzero(out & alone).tolist()}


def _places(figures: Sequence[Figure]) -> Floats:
    """Left end, middle and right end of each figure in its cell, pixels, shape (n, 3)."""
    left = np.array([figure.ink.x0 for figure in figures])
    right = np.array([figure.ink.x1 - figure.width for figure in figures])
    return np.stack([left, (left + right) / 2, right], axis=1)
