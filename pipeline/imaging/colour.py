"""From colour to grey so that seals fade and black ink stays."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain import Pixels

SATURATED = 40
"""Difference between the strongest and the weakest channel from which a pixel counts as coloured."""


def grey(pixels: Pixels) -> Pixels:
    """Reduce a picture, (h, w) or RGB (h, w, 3), to grey (h, w) in which coloured ink is light.

    A red or blue seal is bright in at least one channel, black ink in none, not even under a seal: coloured pixels
    therefore take their brightest channel. All others take their luminance, because the brightest of three noisy
    channels would thin faint strokes.
    """
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    luminance = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    sample = pixels[::6, ::6].astype(np.int16)
    if np.mean(sample.max(axis=2) - sample.min(axis=2) > SATURATED) < 2e-4:
        return luminance  # type: ignore[return-value]
    red, green, blue = cv2.split(pixels)
    strongest = cv2.max(cv2.max(red, green), blue)
    weakest = cv2.min(cv2.min(red, green), blue)
    _, coloured = cv2.threshold(cv2.subtract(strongest, weakest), SATURATED, 255, cv2.THRESH_BINARY)
    return cv2.copyTo(strongest, coloured, luminance)  # type: ignore[return-value]
