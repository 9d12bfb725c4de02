"""By how much a page is turned: straight strokes and rules point along its axes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Pixels

LIMIT = 20.0
"""Largest skew that is looked for, in degrees; beyond it a page is taken for a photograph of something else."""


def segments(grey: Pixels) -> NDArray[np.float64]:
    """Straight edges of a small picture as rows (x0, y0, x1, y1), after Grompone von Gioi et al., LSD (IPOL 2012)."""
    found: NDArray[np.float32] | None = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE).detect(grey)[0]  # type: ignore[assignment]
    if found is None:
        return np.empty((0, 4))
    return np.asarray(found, dtype=np.float64).reshape(-1, 4)


def angles(lines: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Direction in degrees (-90 to 90, 0 along x, clockwise on the page) and length of each segment."""
    dx, dy = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    direction = (np.degrees(np.arctan2(dy, dx)) + 90.0) % 180.0 - 90.0
    return direction, np.hypot(dx, dy)


def skew(lines: NDArray[np.float64], shortest: float) -> float:
    """The angle in degrees by which horizontal lines fall to the right; 0.0 where nothing shows one.

    Args:
        lines: segments as rows (x0, y0, x1, y1).
        shortest: shorter segments are ignored, in pixels.
    """
    direction, length = angles(lines)
    kept = length >= shortest
    direction, length = direction[kept], length[kept]
    folded = (direction + 45.0) % 90.0 - 45.0
    near = np.abs(folded) <= LIMIT
    if not near.any():
        return 0.0
    bins = np.arange(-LIMIT, LIMIT + 0.25, 0.25)
    histogram, _ = np.histogram(folded[near], bins=bins, weights=length[near] ** 2)
    smooth = np.convolve(histogram, np.ones(7), mode="same")
    peak = bins[int(smooth.argmax())] + 0.125
    for level in (np.abs(direction) < 45.0, np.ones(len(direction), dtype=bool)):
        close = level & (np.abs(folded - peak) < 2.0)
        if length[close].sum() > 10 * shortest:
            return _weighted_median(folded[close], length[close] ** 2)
    return 0.0


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][int(np.searchsorted(total, total[-1] / 2))])
