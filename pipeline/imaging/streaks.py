"""Streaks that dirt on the glass of a sheet-fed scanner draws down the whole page."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain import Pixels

# A streak runs from edge to edge; a rule leaves the margins of the page free.
_WHOLE = 0.9
_THIN = 9
_DARKER = 12


def without_streaks(grey: Pixels) -> Pixels:
    """Fill thin dark columns that run over the whole height of a page with what stands beside them.

    The picture must be as scanned, shape (h, w): on a levelled page a streak is no longer upright.
    """
    beside = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((1, _THIN), np.uint8))
    share = np.asarray((cv2.subtract(beside, grey) >= _DARKER).mean(axis=0))
    columns = share >= _WHOLE
    if not columns.any() or columns.mean() > 0.02:
        return grey
    # The flanks of a streak are paler than its middle.
    columns = np.convolve(columns, np.ones(3), mode="same") > 0
    cleared = grey.copy()
    cleared[:, columns] = beside[:, columns]
    return cleared
