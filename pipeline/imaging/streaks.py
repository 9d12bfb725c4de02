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
# Light that comes through a streak is the paper's times a share that hardly changes over so much of the height of the
# page (at most 255 rows, which OpenCV can do); of less than the other number nothing can be told.
_STEADY, _OPAQUE = 0.03, 0.35


def without_streaks(grey: Pixels) -> Pixels:
    """Lighten thin dark columns that run over the whole height of a page by what the dirt has taken from the paper.

    Print below stays. Where hardly any light came through, the column is filled from both sides.

    The picture must be as scanned, shape (h, w): on a levelled page a streak is no longer upright.
    """
    beside: Pixels = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((1, _THIN), np.uint8)).astype(np.uint8, copy=False)
    darker = (np.asarray(cv2.subtract(beside, grey)) >= _DARKER).view(np.uint8)
    margin = max(1, round(_HEIGHT * len(grey)))
    whole, top, bottom = (_share(part) for part in (darker, darker[:margin], darker[-margin:]))
    columns = (whole >= _WHOLE) | ((whole >= _WORN) & (np.minimum(top, bottom) >= _MARGIN))
    if not columns.any() or columns.mean() > 0.02:
        return grey
    # The flanks of a streak are paler than its middle.
    columns = np.convolve(columns, np.ones(3), mode="same") > 0
    cleared = grey.copy()
    streaked = np.flatnonzero(columns)
    for run in np.split(streaked, np.flatnonzero(np.diff(streaked) > 1) + 1):
        filled = _from_both_sides(grey, run)
        for column, fill in zip(run.tolist(), filled.T, strict=True):
            cleared[:, column] = _lightened(grey[:, column], beside[:, column], fill)
    return cleared


def _lightened(streak: Pixels, paper: Pixels, fill: Pixels) -> Pixels:
    """A column of a streak, shape (h,), as it would be without; ``fill`` where it is opaque."""
    passed = np.clip((streak + 1.0) / (paper + 1.0), 0.0, 1.0)
    window = min(255, max(3, round(_STEADY * len(streak)) | 1))
    usual = cv2.medianBlur(np.round(255.0 * passed).astype(np.uint8)[:, None], window)[:, 0] / 255.0
    restored = np.clip(streak / np.maximum(usual, _OPAQUE), streak, paper)
    return np.where(usual >= _OPAQUE, np.round(restored), fill).astype(np.uint8)


def _from_both_sides(grey: Pixels, run: NDArray[np.intp]) -> Pixels:
    """Adjacent columns, shape (h, n), from the ones to the left and to the right of them."""
    left, right = max(int(run[0]) - 1, 0), min(int(run[-1]) + 1, grey.shape[1] - 1)
    share = (run - left) / (right - left)
    filled: Pixels = np.round(grey[:, [left]] * (1.0 - share) + grey[:, [right]] * share).astype(np.uint8)
    return filled


def _share(mask: Pixels) -> NDArray[np.float64]:
    """Share of each column that is 1, shape (w,); NumPy's mean takes four times as long."""
    return np.asarray(cv2.reduce(mask, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0] / len(mask))
