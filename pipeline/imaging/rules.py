"""A glance at a small picture of the page: are there ruled lines at all?"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import PageImage, Pixels
from pipeline.imaging.colour import grey
from pipeline.imaging.skew import angles, segments
from pipeline.imaging.streaks import without_streaks
from pipeline.levels import percentiles

GLANCE = 620
"""Width in pixels of the picture that is looked at, about 75 dots per inch for an A4 page."""
SHORTEST, SHORTEST_PIECE = 0.045, 0.03
"""Shorter segments are strokes of characters; as a share of ``GLANCE``, for edges of any kind and for thin rules."""
RULED = 0.14
"""Length of segments in line that makes a rule, as a share of ``GLANCE``."""
LOUD, LOUDEST = 120.0, 8.0
"""Grey levels to which the contrast of print is raised, so that rules much paler than it are seen, and by how much at
most."""
PLAIN, UNBROKEN = 39, 0.98
"""Grey level, contrast raised, above which a pixel is of a plain rule, and the least share of it that is."""
APART = 5.0
"""Least distance of two rules, in pixels of the glance."""
COARSENESS = 0.6
"""Share of the glance's resolution at which it is searched: strokes of characters run together, rules stay."""


def glance(page: PageImage) -> Pixels:
    """A grey picture of the page, about ``GLANCE`` pixels wide, streaks of the scanner lifted, shape (h, w)."""
    factor = max(1, round(min(page.pixels.shape[:2]) / GLANCE))
    size = (max(1, page.pixels.shape[1] // factor), max(1, page.pixels.shape[0] // factor))
    return without_streaks(grey(cv2.resize(page.pixels, size, interpolation=cv2.INTER_AREA)))  # type: ignore[arg-type]


def has_rules(small: Pixels) -> bool:
    """Whether the glance at a page shows at least two separate parallel rules; cheap, and rather yes than no.

    A page without them cannot hold a ruled table and need not be searched for one.
    """
    loud = _louder(small)
    return _has_plain_rules(loud) or _shows_rules(loud, SHORTEST_PIECE) or _shows_rules(small, SHORTEST)


def _has_plain_rules(loud: Pixels) -> bool:
    """Whether unbroken lines along an axis lie at two or more places, as on most pages with rules.

    It takes a tenth of the time of looking for edges that may lean and be broken.
    """
    _, dark = cv2.threshold(loud, PLAIN, 255, cv2.THRESH_BINARY)
    length = round(RULED * GLANCE)
    for picture in (dark, cv2.transpose(dark)):
        solid = cv2.blur(picture, (length, 1), borderType=cv2.BORDER_CONSTANT)
        lines = np.flatnonzero(cv2.reduce(solid, 1, cv2.REDUCE_MAX)[:, 0] >= 255 * UNBROKEN)
        if (np.diff(lines) > APART).any():
            return True
    return False


def _shows_rules(small: Pixels, shortest: float) -> bool:
    lines = segments(small, COARSENESS)
    direction, length = angles(lines)
    return any(
        _parallel(lines[chosen], direction[chosen], length[chosen], shortest * GLANCE)
        for chosen in (np.abs(direction) <= 45.0, np.abs(direction) > 45.0)
    )


def _louder(small: Pixels) -> Pixels:
    """What is thin and darker than its surroundings, with its contrast raised: hairlines and rules made of dots."""
    thin = cv2.morphologyEx(cv2.GaussianBlur(small, (3, 3), 0), cv2.MORPH_BLACKHAT, np.ones((7, 7), np.uint8))
    usual = float(percentiles(thin[::2, ::2], 97.0))
    return cv2.convertScaleAbs(thin, alpha=float(np.clip(LOUD / max(usual, 1.0), 1.0, LOUDEST)))  # type: ignore[return-value]


def _parallel(
    lines: NDArray[np.float64], direction: NDArray[np.float64], length: NDArray[np.float64], shortest: float
) -> bool:
    """Whether long segments of like direction lie at two or more places."""
    long = length >= shortest
    if long.sum() < 3:
        return False
    lines, direction, length = lines[long], np.radians(direction[long]), length[long]
    # Folding at ±90° would tear vertical lines apart; the doubled angle does not.
    doubled = np.sum(length * np.exp(2j * direction))
    main = np.angle(doubled) / 2
    turned = np.abs((direction - main + np.pi / 2) % np.pi - np.pi / 2) < np.radians(7.0)
    centre = (lines[:, :2] + lines[:, 2:]) / 2
    offset = centre @ np.array([-np.sin(main), np.cos(main)])
    order = np.argsort(offset[turned])
    offset, length = offset[turned][order], length[turned][order]
    if not len(offset):
        return False
    groups = np.concatenate([[0], np.cumsum(np.diff(offset) > APART)])
    return int(np.sum(np.bincount(groups, weights=length) >= GLANCE * RULED)) >= 2
