"""By how much a page is turned: rules and straight strokes point along its axes, and so do lines of text."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Pixels
from pipeline.geometry import slope
from pipeline.levels import percentiles

LIMIT = 20.0
"""Largest skew that is looked for, in degrees."""

AGREEING = 1.0
"""Edges this near to the angle of lines of text, in degrees, may be rules."""
SHORTEST, ENOUGH = 10.0, 300.0
"""Shorter edges are ignored; least length of all that agree, in pixels of the small picture."""
STROKE = 9
"""Side of the square that no stroke of a character fills, in pixels of the small picture."""
SHARP = 2.7
"""Least sharpness of lines of text; pages at different angles in one picture and pages without text show less."""
PRINT, RARE_PRINT, INKED = 99.0, 99.8, 0.4
"""Percentiles of what is thin and dark that lie in print, also of a few lines only, and the share of their darkness
from which a pixel is ink."""
MOST_INK = 0.15
"""Print covers no more of a page; what does is the grain of the paper."""


def segments(grey: Pixels, scale: float = 0.8) -> NDArray[np.float64]:
    """Straight edges of a small picture as rows (x0, y0, x1, y1), after Grompone von Gioi et al., LSD (IPOL 2012).

    They are looked for in the picture reduced by ``scale``, which is the authors' own unless another will do.
    """
    detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE, scale)
    found: NDArray[np.float32] | None = detector.detect(grey)[0]  # type: ignore[assignment]
    if found is None:
        return np.empty((0, 4))
    return np.asarray(found, dtype=np.float64).reshape(-1, 4)


def angles(lines: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Direction in degrees (-90 to 90, 0 along x, clockwise on the page) and length of each segment."""
    dx, dy = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    direction = (np.degrees(np.arctan2(dy, dx)) + 90.0) % 180.0 - 90.0
    return direction, np.hypot(dx, dy)


def skew(grey: Pixels, ruled: bool) -> float:
    """The angle in degrees by which horizontal lines fall to the right; 0.0 where nothing shows one.

    Lines of text tell it roughly, whatever else is on the page: the edges of a lid and the strokes of writing hands
    lean their own way. Rules, which are longer, tell it exactly where there are any.

    Args:
        grey: picture of a page at 75 dots per inch, shape (h, w), paper light.
        ruled: whether the page may have rules.
    """
    angle = _of_text(grey)
    if not ruled:
        return angle
    direction, length = angles(segments(grey))
    folded = (direction + 45.0) % 90.0 - 45.0
    agreeing = (length >= SHORTEST) & (np.abs(folded - angle) < AGREEING)
    for level in (np.abs(direction) < 45.0, np.ones(len(direction), dtype=bool)):
        close = level & agreeing
        if length[close].sum() > ENOUGH:
            return _weighted_median(folded[close], length[close] ** 2)
    return angle


def _of_text(grey: Pixels) -> float:
    """The slope of lines of text, on a page that may lie on its side."""
    thin = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, np.ones((STROKE, STROKE), np.uint8))
    usual, rare = percentiles(thin[::2, ::2], (PRINT, RARE_PRINT)).tolist()
    inked = thin >= max(1.0, INKED * usual)
    if inked.mean() > MOST_INK:
        inked = thin >= max(1.0, INKED * rare)
    # Fewer, weighted points: every n-th pixel alone would line up along slopes of its own.
    small = cv2.resize(inked.astype(np.uint8) * np.uint8(255), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    y, x = np.divmod(np.flatnonzero(small), small.shape[1])
    weights = small[y, x].astype(np.float64) / 255.0
    ways = [slope(np.column_stack(way).astype(np.float64), weights, LIMIT) for way in ((x, y), (-y, x))]
    angle, sharpness = max(ways, key=lambda way: way[1])
    return angle if sharpness >= SHARP else 0.0


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][int(np.searchsorted(total, total[-1] / 2))])
