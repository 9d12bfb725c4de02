"""Shaded header cells of two-level scans: a screen of dots in which rules and characters drown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline import patches
from pipeline.domain import Pixels

if TYPE_CHECKING:
    from cv2.typing import MatLike

INK = 128
"""Grey level below which a pixel is a dot."""
BLOCK = 0.2
"""Side of the blocks in which dots are counted, in text heights."""
DOTS = (0.15, 0.985)
"""Share of a block that is dots, of a screen: characters and rules leave most blocks around them white or black."""
AROUND, SCREENED = 2.0, 0.5
"""Side of the area around a block, in text heights, and share of its blocks that are so where a screen is."""
RESTLESS, BROAD = 0.17, 6.0
"""Share of neighbouring pixels that differ in a screen of dots, either way, and its least width in text heights.

In bold text and dark pictures fewer differ; single characters of small type come near.
"""
SMOOTH, LONG, FINE = 0.12, 0.8, 0.04
"""Spread over which dots are averaged, in text heights: for characters, and along and across rules."""
RULE = 40
"""Grey level below which what was averaged along is a rule."""
WIDEST, NARROW = 1.3, 0.6
"""Width in text heights of what is no screen of its own, as a character, and of strokes and rules on a screen."""
LIGHT, DARK = 215, 40
"""Grey level from which averaged dots count as paper, and the least that is stretched to it."""
PAPER = 250


def without_screens(picture: Pixels, text_height: float) -> Pixels:
    """The picture with screens of dots made as light as paper; what stands on them stays dark, a little blurred.

    Args:
        picture: grey, dark on light, shape (h, w); returned as it is where it has no screen.
        text_height: of characters in tables, in pixels.
    """
    dots = cv2.threshold(picture, INK - 1, 255, cv2.THRESH_BINARY_INV)[1]
    block = max(2, round(BLOCK * text_height))
    rows, columns = picture.shape[0] // block, picture.shape[1] // block
    if not (rows and columns):
        return picture
    share = cv2.resize(dots[: rows * block, : columns * block], (columns, rows), interpolation=cv2.INTER_AREA)
    grey = ((share > DOTS[0] * 255) & (share < DOTS[1] * 255)).astype(np.float32)
    side = max(3, round(AROUND * text_height / block))
    crowded = (cv2.boxFilter(grey, -1, (side, side)) > SCREENED).astype(np.uint8)
    screen = cv2.morphologyEx(crowded, cv2.MORPH_OPEN, np.ones((side // 2 + 1, side // 2 + 1), np.uint8))
    result = picture
    for left, top, width, height, _ in patches.label(screen)[1][1:]:
        area = (
            slice(max(0, top - side) * block, (top + height + side) * block),
            slice(max(0, left - side) * block, (left + width + side) * block),
        )
        inside = dots[top * block : (top + height) * block, left * block : (left + width) * block]
        if width * block < BROAD * text_height or _restless(inside) < RESTLESS:
            continue
        if result is picture:
            result = picture.copy()
        result[area] = _lightened(result[area], text_height)
    return result


def _restless(dots: MatLike) -> float:
    """Share of pixels that differ from the next one, along or across, whichever is less."""
    return float(min(np.mean(dots[:, 1:] != dots[:, :-1]), np.mean(dots[1:] != dots[:-1])))


def _lightened(picture: Pixels, text_height: float) -> Pixels:
    fine, coarse, long = (share * text_height for share in (FINE, SMOOTH, LONG))
    smooth = cv2.GaussianBlur(picture, (0, 0), coarse)
    screened = _paper(smooth, WIDEST * text_height) < LIGHT
    level = cv2.blur(_paper(smooth, NARROW * text_height), (round(NARROW * text_height) | 1,) * 2)
    light = _stretched(smooth, level)
    for across, down in ((long, fine), (fine, long)):
        rules = _stretched(cv2.GaussianBlur(picture, (0, 0), across, sigmaY=down), level)
        light = np.where(rules < RULE, rules, light)
    return np.where(screened, light, picture)


def _stretched(smooth: MatLike, level: MatLike) -> Pixels:
    stretched = PAPER * np.asarray(smooth, dtype=np.float32) / np.maximum(level, DARK)
    return np.clip(stretched, 0, PAPER).astype(np.uint8)


def _paper(picture: MatLike, widest: float) -> Pixels:
    """The picture without what is dark and less wide than ``widest``, in pixels."""
    width = round(widest) | 1
    return cv2.morphologyEx(picture, cv2.MORPH_CLOSE, np.ones((width, width), np.uint8))  # type: ignore[return-value]
