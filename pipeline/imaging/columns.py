"""A glance at a small picture of the page: do short words stand in columns, as figures of a table do?"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import patches
from pipeline.domain import Pixels
from pipeline.geometry import transposed

DARKER = 22
"""By how much ink is darker than its surroundings, in grey levels."""
LOWEST, HIGHEST = 3, 17
"""Height of figures on the glance, in pixels: from small print to large, at some 75 dots per inch."""
WIDEST = 52
"""Greatest width of a figure on the glance, in pixels: seven digits of large print."""
JOINED = 5
"""White, in pixels, that parts characters of one word at most."""
WHITE = 7
"""Least white, in pixels, on both sides of a figure that stands in a column of its own."""
ROW = 3.5
"""Largest difference of heights, in pixels, inside a line."""
PITCH = 75.0
"""Largest distance, in pixels, of figures that follow each other in a column."""
STRIP, STACKED = 6, 8
"""So many figures on one line, or in columns of which at least two stand beside each other, may be a table."""
APART = 20
"""White, in pixels, that parts the words of a row of a table; sentences have no such gaps."""
ROWS, HEADERS, HEADER = 4, 2, 30
"""So many gaps between words on one line, so many of them before words of this width, may be those of a small table
with few figures; lines of contents end in numbers alone."""


def has_columns(small: Pixels) -> bool:
    """Whether, at a glance at a page, short words may stand in columns with white between them; rather yes than no.

    A page of running text has them neither along nor across, whichever way it lies.
    """
    around = cv2.blur(small, (25, 25))
    inked = (cv2.subtract(around, small) > DARKER).astype(np.uint8)
    # Characters of a line stand closer to each other than lines do: along the text there are fewer, longer words.
    boxes = min(_words(inked), _words(transposed(inked)), key=len)
    widths = _after_gaps(boxes)
    if len(widths) >= ROWS and np.count_nonzero(widths >= HEADER) >= HEADERS:
        return True
    figures = boxes[_stand_alone(boxes)]
    if len(figures) < STRIP:
        return False
    x, y = figures[:, [0, 2]].mean(axis=1), figures[:, [1, 3]].mean(axis=1)
    dx, dy = np.abs(x[:, None] - x), np.abs(y[:, None] - y)
    level = dy <= ROW
    stacked = ((dx <= WHITE) & ~level & (dy <= PITCH)).any(axis=1)
    beside = level & (dx > WHITE)
    if (beside.sum(axis=1) >= STRIP - 1).any():
        return True
    return int((stacked & (beside & stacked).any(axis=1)).sum()) >= STACKED


def _words(inked: Pixels) -> NDArray[np.float64]:
    """Boxes (x0, y0, x1, y1) of what hangs together along x, specks left out, shape (n, 4)."""
    joined = cv2.morphologyEx(inked, cv2.MORPH_CLOSE, np.ones((1, JOINED), np.uint8))
    _, stats = patches.label(joined)
    boxes = stats[1:, :4].astype(np.float64)
    boxes[:, 2:] += boxes[:, :2]
    return boxes[(stats[1:, 2] >= 2) & (stats[1:, 3] >= LOWEST)]


def _after_gaps(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Widths of the words that have wide white before them on their line, shape (n,)."""
    x0, y0, x1, y1 = boxes[boxes[:, 3] - boxes[:, 1] <= HIGHEST].T
    middle = (y0 + y1)[:, None] / 2
    before = (y0 <= middle) & (middle <= y1) & (x0 < x0[:, None])
    white = np.where(before, x0[:, None] - x1, np.inf).min(axis=1, initial=np.inf)
    widths: NDArray[np.float64] = (x1 - x0)[(white >= APART) & np.isfinite(white)]
    return widths


def _stand_alone(boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which boxes are small and have white on both sides."""
    x0, y0, x1, y1 = boxes.T
    small = np.flatnonzero((x1 - x0 <= WIDEST) & (y1 - y0 <= HIGHEST))
    middle = (y0 + y1)[small, None] / 2
    beside = (y0 <= middle) & (middle <= y1)
    near = beside & (np.maximum(x0 - x1[small, None], x0[small, None] - x1) < WHITE)
    alone = np.zeros(len(boxes), dtype=bool)
    alone[small[near.sum(axis=1) == 1]] = True
    return alone
