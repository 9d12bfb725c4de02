"""Streaks that dirt on the glass of a sheet-fed scanner draws down the whole page."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Pixels

# A streak runs from edge to edge; a rule leaves the margins of the page free.
_WHOLE = 0.9
# Of a streak of which less is left, so much must be seen all along, and so much in the margins of such a height.
_WORN, _MARGIN, _HEIGHT = 0.5, 0.8, 0.04
_THIN = 9
_DARKER = 12


def without_streaks(grey: Pixels) -> Pixels:
    """Fill thin dark columns that run over the whole height of a page with what stands beside them.

    The picture must be as scanned, shape (h, w): on a levelled page a streak is no longer upright.
    """
    beside = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((1, _THIN), np.uint8))
    darker = (np.asarray(cv2.subtract(beside, grey)) >= _DARKER).view(np.uint8)
    margin = max(1, round(_HEIGHT * len(grey)))
    whole, top, bottom = (_share(part) for part in (darker, darker[:margin], darker[-margin:]))
    columns = (whole >= _WHOLE) | ((whole >= _WORN) & (np.minimum(top, bottom) >= _MARGIN))
    if not columns.any() or columns.mean() > 0.02:
        return grey
    # The flanks of a streak are paler than its middle.
    columns = np.convolve(columns, np.ones(3), mode="same") > 0
    cleared = grey.copy()
    cleared[:, columns] = beside[:, columns]
    return cleared


def _share(mask: Pixels) -> NDArray[np.float64]:
    """Share of each column that is 1, shape (w,); NumPy's mean takes four times as long."""
    return np.asarray(cv2.reduce(mask, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0] / len(mask))
