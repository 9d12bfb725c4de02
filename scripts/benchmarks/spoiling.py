"""Damage one digit of a printed cell beyond reading, as stamps, folds, bleach and pens do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Raster = NDArray[Any]
"""A picture, grey (h, w) or RGB (h, w, 3), uint8."""


def glyphs(cell: Raster) -> list[tuple[int, int]]:
    """Left and right end of each run of columns with ink, shape of the cell's picture (h, w) or (h, w, 3)."""
    grey = cell if cell.ndim == 2 else cv2.cvtColor(cell, cv2.COLOR_RGB2GRAY)
    inner = grey[grey.shape[0] // 8 : -(grey.shape[0] // 8) or None]
    paper, darkest = float(np.median(inner)), float(inner.min())
    if paper - darkest < 40:
        return []
    columns = (inner < (paper + darkest) / 2).any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], columns.view(np.uint8), [0])).astype(np.int8)))
    return [(int(left), int(right)) for left, right in edges.reshape(-1, 2)]


def spoil(cell: Raster, printed: str, kind: str, rng: np.random.Generator) -> bool:
    """Damage one digit of a cell's picture in place; False where its glyphs cannot be told apart.

    Args:
        cell: the picture inside the rules; changed.
        printed: what stands in it.
        kind: one of ``KINDS``.
    """
    # What reaches the edge is a part of a rule.
    runs = [(left, right) for left, right in glyphs(cell) if left > 0 and right < cell.shape[1]]
    text = printed.strip()
    digits = [place for place, char in enumerate(text) if char.isdecimal()]
    if len(runs) != len(text) or not digits:
        return False
    left, right = runs[digits[int(rng.integers(len(digits)))]]
    grey = cell if cell.ndim == 2 else cell.min(axis=2)
    rows = np.flatnonzero((grey[:, left:right] < (float(np.median(grey)) + float(grey.min())) / 2).any(axis=1))
    if not rows.size:
        return False
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    # What hits a narrow 1 hits the paper beside it as well.
    wider = max(0, round((0.5 * (bottom - top) - (right - left)) / 2))
    left, right = max(0, left - wider), min(cell.shape[1], right + wider)
    KINDS[kind](cell, (left, top, right, bottom), rng)
    return True


def _tones(cell: Raster) -> tuple[Any, Any]:
    """Colour of the paper and of the ink."""
    pixels = cell.reshape(-1, *cell.shape[2:])
    return np.median(pixels, axis=0), pixels.min(axis=0)


def _blot(cell: Raster, box: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """A drop of ink that covers the digit."""
    left, top, right, bottom = box
    height, width = bottom - top, right - left
    y, x = np.mgrid[: cell.shape[0], : cell.shape[1]]
    middle = ((left + right) / 2 + rng.normal(0, 0.05 * width), (top + bottom) / 2 + rng.normal(0, 0.05 * height))
    round_ = ((x - middle[0]) / (0.75 * width + 2)) ** 2 + ((y - middle[1]) / (0.75 * height + 1)) ** 2
    cell[round_ < 1.0 + 0.1 * rng.normal(size=round_.shape)] = _tones(cell)[1]


def _scribble(cell: Raster, box: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """Pen strokes back and forth across the digit."""
    left, top, right, bottom = box
    ink = tuple(int(tone) for tone in np.atleast_1d(_tones(cell)[1]))
    thick = max(1, round((bottom - top) / 9))
    reach = max(1, round(0.1 * (right - left)))
    heights = np.linspace(top, bottom - 1, 7)
    ends = [(left - reach if place % 2 else right + reach, height) for place, height in enumerate(heights)]
    points = np.array([(x + rng.normal(0, 1), y + rng.normal(0, 1)) for x, y in ends]).round().astype(np.int32)
    canvas = np.ascontiguousarray(cell)
    cv2.polylines(canvas, [points.reshape(-1, 1, 2)], False, ink, thick)
    cell[:] = canvas


def _rubbed(cell: Raster, box: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """The digit rubbed to a smear: its ink spread evenly over its place."""
    left, top, right, bottom = box
    part = cell[top:bottom, left:right].astype(np.float32)
    size = (max(3, (right - left) | 1), max(3, (bottom - top) | 1))
    smeared = cv2.blur(part, size) + rng.normal(0, 12, part.shape)
    cell[top:bottom, left:right] = np.clip(smeared, 0, 255)


def _torn(cell: Raster, box: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """Most of the digit's ink gone in flakes, specks of it left."""
    left, top, right, bottom = box
    part = cell[top:bottom, left:right]
    coarse = rng.random((max(2, (bottom - top) // 3), max(2, (right - left) // 3))).astype(np.float32)
    flakes = cv2.resize(coarse, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST) < 0.7
    part[flakes] = _tones(cell)[0]


KINDS: dict[str, Callable[[Raster, tuple[int, int, int, int], np.random.Generator], None]] = {
    "blot": _blot,
    "scribble": _scribble,
    "rubbed": _rubbed,
    "torn": _torn,
}
