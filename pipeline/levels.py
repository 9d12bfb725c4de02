"""Percentiles of grey levels, for which counting them takes a tenth of the time of sorting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cv2.typing import MatLike


def percentiles(grey: MatLike, shares: float | tuple[float, ...]) -> NDArray[np.float64]:
    """As NumPy's percentiles, of a picture of grey levels of at least one pixel.

    Args:
        grey: uint8, shape (h, w).
        shares: in percent; the result is of the same shape.
    """
    counts = cv2.calcHist([np.ascontiguousarray(grey)], [0], None, [256], [0, 256])
    upto = np.cumsum(counts[:, 0].astype(np.intp))
    place = (grey.size - 1) * (np.asarray(shares) / 100.0)
    below = np.floor(place).astype(np.intp)
    low, high = (np.searchsorted(upto, each, side="right") for each in (below, np.minimum(below + 1, grey.size - 1)))
    way = place - below
    return np.asarray(np.where(way < 0.5, low + (high - low) * way, high - (high - low) * (1.0 - way)))
