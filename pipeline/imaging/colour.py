"""From colour to grey so that seals fade and black ink stays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Pixels

SATURATED = 40
"""Difference between the strongest and the weakest channel from which a pixel counts as coloured."""
_TINTED = 20
_MOST_SHARED = 0.6


def grey(pixels: Pixels) -> Pixels:
    """Reduce a picture, (h, w) or RGB (h, w, 3), to grey (h, w) from which coloured ink has been taken.

    Inks on paper multiply light, so their optical densities add up (Beer-Lambert). A seal's ink is dense in its weak
    channel and has a fixed share of that density in its strong one; black ink has the same density in all. What the
    two channels differ by is therefore the seal, and its share in the strong channel can be taken away, also where
    print lies under it. Pixels without colour take their luminance.
    """
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    luminance: Pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    sample = pixels[::6, ::6].astype(np.int16)
    if np.mean(sample.max(axis=2) - sample.min(axis=2) > SATURATED) < 2e-4:
        return luminance
    paper = np.percentile(sample.reshape(-1, 3), 90, axis=0).astype(np.float32)
    red, green, blue = cv2.split(pixels)
    strongest = cv2.max(cv2.max(red, green), blue)
    weakest = cv2.min(cv2.min(red, green), blue)
    coloured = np.nonzero(cv2.subtract(strongest, weakest) > _TINTED)
    luminance[coloured] = _without_seal(pixels[coloured], paper)
    return luminance


def _without_seal(inked: Pixels, paper: NDArray[np.float32]) -> Pixels:
    """Grey of coloured pixels, shape (n, 3), without the coloured ink; ``paper`` is the paper's colour, shape (3,)."""
    density = np.log(np.maximum(paper, 1.0) / np.maximum(inked, 1))
    main = np.argmin(density, axis=1)
    rows = np.arange(len(inked))
    strong, weak = density[rows, main], density.max(axis=1)
    pure = inked.max(axis=1).astype(np.int16) - inked.min(axis=1) > SATURATED
    result = np.empty(len(inked), dtype=np.float32)
    for channel in range(3):
        own = main == channel
        if not own.any():
            continue
        chosen = own & pure
        # The share of the ink's density in its strong channel; print below the seal is too rare to move a median.
        share = float(np.median(strong[chosen] / np.maximum(weak[chosen], 0.05))) if chosen.any() else 0.0
        share = min(max(share, 0.0), _MOST_SHARED)
        seal = (weak[own] - strong[own]) / (1.0 - share)
        # Colour is stored more coarsely than light: the surroundings of a stroke would come out too light.
        result[own] = np.minimum(inked[own, channel] * np.exp(share * seal), paper[channel])
    return result.astype(np.uint8)
