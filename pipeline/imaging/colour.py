"""From colour to grey so that seals fade and black ink stays."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Pixels
from pipeline.levels import percentiles

SATURATED = 40
"""Difference between the strongest and the weakest channel from which a pixel is coloured, where paper is white."""
# Beside pixels that are; what is less has the colour of the paper, or of how pictures are stored.
_TINTED = 12
_WHITE = 245.0
_MOST_SHARED = 0.6
# Side of the squares of which the median is paper, and the way from one pixel that is looked at to the next.
_BLOCK, _STEP = 32, 4
# How far paper tells of the paper beside it, in squares.
_REACH = 3.0

Floats = NDArray[np.float32]


def grey(pixels: Pixels) -> Pixels:
    """Reduce a picture, (h, w) or RGB (h, w, 3), to grey (h, w) from which coloured ink has been taken.

    Inks on paper multiply light, so their optical densities add up (Beer-Lambert). A seal's ink is dense in its weak
    channel and has a fixed share of that density in its strong one; black ink has the same density in all. What the
    two channels differ by is therefore the seal, and its share in the strong channel can be taken away, also where
    print lies under it. Density is measured from the paper around: from the brightest paper of the page, the shade and
    grain that a seal lies in would be taken for a part of its ink. Pixels without colour take their luminance.
    """
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    luminance: Pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    sample = pixels[::6, ::6]
    brightest = _brighter(sample, 90.0)
    if np.mean(_colour(sample, brightest) > SATURATED) < 2e-4:
        return luminance
    colour = _colour(pixels, brightest)
    # NumPy takes six times as long to tell rows and columns at once.
    tinted = np.divmod(np.flatnonzero(colour > _TINTED), colour.shape[1])
    paper = _paper(pixels, colour <= _TINTED)
    shades = np.asarray(cv2.cvtColor(paper, cv2.COLOR_RGB2GRAY))
    near = (tinted[0] // _BLOCK, tinted[1] // _BLOCK)
    lightened = shades[near] * np.exp(-_black_density(pixels[tinted], colour[tinted], paper[near]))
    # Colour is stored more coarsely than light: the surroundings of a stroke would come out lighter than any paper.
    grain = max(float(percentiles(luminance[::6, ::6], 90.0) / np.median(shades)), 1.0)
    luminance[tinted] = np.minimum(lightened, np.minimum(shades[near] * grain, 255.0))
    return luminance


def _brighter(pixels: Pixels, share: float) -> NDArray[np.float64]:
    """The level of each channel than which so many percent of the pixels are darker, shape (3,)."""
    return np.array([percentiles(channel, share) for channel in cv2.split(np.ascontiguousarray(pixels))])


def _colour(pixels: Pixels, paper: NDArray[np.float64]) -> Pixels:
    """Difference between the strongest and the weakest channel of each pixel, were the paper white; shape (h, w)."""
    factors = _WHITE / np.maximum(paper, 1.0)
    tables = [np.minimum(np.arange(256) * factor, 255.0).astype(np.uint8) for factor in factors]
    red, green, blue = (cv2.LUT(channel, table) for channel, table in zip(cv2.split(pixels), tables, strict=True))
    strongest, weakest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    difference: Pixels = cv2.subtract(strongest, weakest)  # type: ignore[assignment]
    return difference


def _paper(pixels: Pixels, plain: NDArray[np.bool_]) -> Floats:
    """Colour of the paper in each square of a picture, from what has no colour there and around; (rows, columns, 3).

    Args:
        plain: the pixels that have no colour, shape (h, w).
    """
    height, width = plain.shape
    rows, columns, side = -(-height // _BLOCK), -(-width // _BLOCK), _BLOCK // _STEP
    seen, plain = pixels[::_STEP, ::_STEP], plain[::_STEP, ::_STEP]
    margin = ((0, rows * side - plain.shape[0]), (0, columns * side - plain.shape[1]))
    plain = _squares(np.pad(plain, margin), side)
    count = np.count_nonzero(plain, axis=2)
    weight = (count >= side * side // 4).astype(np.float32)
    everywhere = _brighter(seen, 75.0).astype(np.float32)
    # A whisper of the whole page where nothing around is without colour.
    share = cv2.GaussianBlur(weight, (0, 0), _REACH) + 1e-4
    paper = np.empty((rows, columns, 3), dtype=np.float32)
    for channel in range(3):
        # What has a colour is put behind everything else. NumPy sorts numbers of four bytes much faster than bytes.
        values = np.where(plain, _squares(np.pad(seen[:, :, channel], margin), side), np.int32(255))
        values = np.sort(values.astype(np.int32), axis=2)
        middle = np.take_along_axis(values, np.maximum(count - 1, 0)[:, :, None] // 2, axis=2)[:, :, 0]
        blurred = cv2.GaussianBlur(weight * middle.astype(np.float32), (0, 0), _REACH)
        paper[:, :, channel] = (blurred + 1e-4 * everywhere[channel]) / share
    return paper


def _squares(picture: NDArray[Any], side: int) -> NDArray[Any]:
    """The squares of a picture of a whole number of them, shape (rows, columns, side * side)."""
    rows, columns = picture.shape[0] // side, picture.shape[1] // side
    return picture.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(rows, columns, side * side)


def _black_density(inked: Pixels, colour: Pixels, paper: Floats) -> Floats:
    """Optical density of coloured pixels without the coloured ink, shape (n,).

    Args:
        inked: shape (n, 3).
        colour: how far the channels of each are apart, were the paper white.
        paper: colour of the paper around each, shape (n, 3).
    """
    density = np.log(np.maximum(paper, 1.0) / np.maximum(inked, 1))
    main = np.argmin(density, axis=1)
    strong, weak = density[np.arange(len(inked)), main], density.max(axis=1)
    black: Floats = strong.astype(np.float32)
    for channel in range(3):
        own = main == channel
        pure = own & (colour > SATURATED)
        # The share of the ink's density in its strong channel; print below the seal is too rare to move a median.
        share = float(np.median(strong[pure] / np.maximum(weak[pure], 0.05))) if pure.any() else 0.0
        share = min(max(share, 0.0), _MOST_SHARED)
        black[own] -= share * (weak[own] - strong[own]) / (1.0 - share)
    return black
