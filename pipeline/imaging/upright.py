"""Which way text runs on a page."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline import patches
from pipeline.domain import CleanPage, Pixels
from pipeline.geometry import transposed
from pipeline.levels import percentiles

TEXT = 8.0
"""Height of the usual character, in pixels of the picture that is looked at."""
_INK_PERCENTILE = 1.0
"""Percentile of the grey levels of a page that lies in its print."""
_INKED = 0.4
"""Share of the way from paper to print from which a pixel is ink."""
_FAINTEST = 30.0
"""Least contrast of print, in grey levels; what is fainter is noise."""


def orientation_candidates(page: CleanPage) -> tuple[int, ...]:
    """Quarter turns (counter-clockwise) that may bring the page upright, the most plausible first.

    Ink tells lines of text that run along x from those along y, since characters of a line stand closer to each other
    than lines do; it does not tell a page from the same page upside down. The two turns that ink speaks for come first.
    """
    level, upright = text_runs(page.pixels, page.text_height)
    return (0, 2, 1, 3) if level >= upright else (1, 3, 0, 2)


def text_runs(grey: Pixels, text_height: float) -> tuple[float, float]:
    """Ink that forms lines along x and lines along y, in pixels of a reduced picture."""
    scale = TEXT / text_height
    if scale <= 0.5:  # OpenCV halves a picture in a tenth of the time of any other reduction
        grey, scale = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), 2 * scale  # type: ignore[assignment]
    small: Pixels = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    ink = (small < _between(small)).astype(np.uint8)
    # Rules run both ways and say nothing.
    rules = cv2.bitwise_or(
        cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, 24), np.uint8)),
        cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((24, 1), np.uint8)),
    )
    ink[cv2.dilate(rules, np.ones((3, 3), np.uint8)) > 0] = 0
    return _lined(ink, (1, 4)), _lined(transposed(ink), (1, 4))


def _between(small: Pixels) -> float:
    """A grey level between print, which may be faint, and paper."""
    ink, paper = percentiles(small[::2, ::2], (_INK_PERCENTILE, 50.0))
    return float(paper - _INKED * max(paper - ink, _FAINTEST))


def _lined(ink: Pixels, gap: tuple[int, int]) -> float:
    """Area of the components that are at least four times as long as high once small gaps along x are closed."""
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones(gap, np.uint8))
    _, stats = patches.label(joined, corners=False)
    width, height, area = stats[1:, cv2.CC_STAT_WIDTH], stats[1:, cv2.CC_STAT_HEIGHT], stats[1:, cv2.CC_STAT_AREA]
    lined = (width >= 4 * height) & (height >= 4) & (height <= 16)
    return float(area[lined].sum())
