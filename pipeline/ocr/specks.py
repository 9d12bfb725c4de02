"""Specks of dust: cells that are empty but for them, and figures that they touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from pipeline import patches
from pipeline.domain import Pixels
from pipeline.ocr.crops import BROAD, Ink, find_inks, paper_level

# A speck's width and height at most, in terms of the height of figures, and where it is no wider than high by the last
# number. Of the doubtful cells and marks of 60 generated reports of bad scans no printed dash was narrower than 0.33
# and no slash or figure smaller than 0.5, while seven in ten specks were smaller than the first number.
_LARGEST, _LARGEST_ROUND, _ROUND = 0.25, 0.36, 1.3
# Dots beside each other, nearer than this share of the height of figures, may be what is left of one.
_APART = 0.6
_MOST = 3  # more of them are no chance
_FRAME = 3  # pixels; what is nearer to the border may be a part of what stands beyond it
_HALO = 2  # pixels around a speck that are darker for it
# What is darker by the first factor than the usual figure's darkest place is no print: of 2,631 figures of 21 files 4
# were, all of one scan with specks. Most of it is darker by the second factor, and a pixel around it is darker for it.
_DARKER, _DARK, _EDGE = 1.4, 1.2, 1
_USUAL = 75  # per cent of the figures are no darker than the usual one: some are thin, and some have specks

# Flakes of a digit: how dark they are, in terms of the ink of the figure beside them and of the noise of the paper, how
# many, over how much of its height, and how far from it at most, since wide digits stand so far apart.
_FLAKE, _CLEAR, _FLAKES, _SPREAD, _NEXT_DIGIT = 0.3, 4.0, 3, 0.4, 1.5

FEWEST, ENOUGH = 3, 20
"""Of fewer figures than the first it is not known how high and dark they are; more than the last say nothing new."""


def without_specks(crops: Mapping[int, Pixels], figures: Sequence[Ink]) -> dict[int, Pixels]:
    """Those of some cells, by their number, that hold specks alone, without these.

    Args:
        crops: grey pictures of cells, inside their rules, shape (h, w).
        figures: the ink of cells of the page that surely hold figures; where they are few nothing is known of specks.
    """
    if len(figures) < FEWEST:
        return {}
    inks = dict(zip(crops, find_inks(list(crops.values())), strict=True))
    sizes = {i: _sizes(ink) for i, ink in inks.items()}
    small = [i for i, size in sizes.items() if 0 < len(size) <= _MOST and size[:, 2:4].max() <= BROAD]
    if not small:
        return {}
    tall = float(np.median([height(ink) for ink in figures]))
    specked = [i for i in small if _are_specks(sizes[i], inks[i].mask.shape, tall)]
    return {
        i: _paint_over(crops[i], inks[i].mask.view(np.uint8), _HALO, paper_level(crops[i], inks[i])) for i in specked
    }


def without_dark_specks(
    crops: Mapping[int, Pixels], figures: Sequence[Pixels], inks: Sequence[Ink]
) -> dict[int, Pixels]:
    """Those of some cells, by their number, that hold specks darker than print, also on it, without these.

    Args:
        crops: as for `without_specks`.
        figures, inks: pictures and ink of cells of the page that surely hold figures; where they are few nothing is
            known of specks.
    """
    if len(figures) < FEWEST:
        return {}
    usual = float(
        np.percentile([(_darkness(f) * ink.mask).max() for f, ink in zip(figures, inks, strict=True)], _USUAL)
    )
    largest = _LARGEST_ROUND * float(np.median([height(ink) for ink in inks]))
    cleaned = {}
    for i, crop in crops.items():
        darkness = _darkness(crop)
        if darkness.max() > _DARKER * usual:
            labels, pieces = patches.label((darkness > _DARK * usual).view(np.uint8))
            x, y, w, h = (pieces[1:, column] for column in range(4))
            room = np.minimum(np.minimum(x, y), np.minimum(crop.shape[1] - x - w, crop.shape[0] - y - h))
            inside = 1 + np.flatnonzero(room >= _FRAME)  # what is not is left of a rule
            if 0 < len(inside) <= _MOST and pieces[inside, 2:4].max() <= largest:
                specks = np.isin(labels, inside).view(np.uint8)
                cleaned[i] = _paint_over(crop, specks, _EDGE, int(np.median(crop)))
    return cleaned


def flakes_beside(ink: Ink) -> int:
    """On which side of a figure flakes lie that may be left of a digit: -1 left, 1 right, 0 nowhere.

    That is several of them, in line with the figure, no farther from it than a digit would be, and spread over a part
    of its height; where dust lies thick it may do so as well.
    """
    x, y, width, tall = cv2.boundingRect(ink.mask.view(np.uint8))
    if not tall:
        return 0
    near = cv2.dilate(ink.mask.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    faintest = max(_FLAKE * ink.contrast, _CLEAR * ink.noise)
    dark = ((ink.darkness > faintest) & ~near)[y : y + tall]
    reach = round(_NEXT_DIGIT * tall)
    right = x + width
    for side, first, last in (
        (-1, max(_FRAME, x - reach), x),
        (1, right, min(dark.shape[1] - _FRAME, right + reach)),
    ):
        if first < last:
            flakes = patches.label(np.ascontiguousarray(dark[:, first:last]).view(np.uint8))[1][1:]
            ends = flakes[:, 1], flakes[:, 1] + flakes[:, 3]
            if len(flakes) >= _FLAKES and ends[1].max() - ends[0].min() >= _SPREAD * tall:
                return side
    return 0


def _darkness(crop: Pixels) -> np.ndarray:
    """By how much each pixel of a crop is darker than its paper, grey levels."""
    return np.float32(np.median(crop)) - crop


def _sizes(ink: Ink) -> patches.Labels:
    return patches.label(ink.mask.view(np.uint8))[1][1:]


def height(ink: Ink) -> int:
    """From the highest to the lowest pixel of ink, in pixels."""
    return int(cv2.boundingRect(ink.mask.view(np.uint8))[3])


def _are_specks(pieces: patches.Labels, room: tuple[int, ...], tall: float) -> bool:
    """Whether pieces of ink, as `patches.label` has them, are too small and too far apart to be print."""
    x, y, w, h = (pieces[:, column] for column in range(4))
    largest = np.where(w > _ROUND * h, _LARGEST, _LARGEST_ROUND) * tall
    if (np.maximum(w, h) > largest).any():
        return False
    if min(x.min(), y.min(), room[1] - (x + w).max(), room[0] - (y + h).max()) < _FRAME:
        return False
    apart = np.hypot(*(np.subtract.outer(2 * a + b, 2 * a + b) / 2 for a, b in ((x, w), (y, h))))
    return bool((apart[~np.eye(len(x), dtype=np.bool_)] >= _APART * tall).all())


def _paint_over(crop: Pixels, specks: Pixels, halo: int, paper: int) -> Pixels:
    """The crop with paper of that grey level in place of specks, a mask of uint8, and so many pixels around them."""
    near = cv2.dilate(specks, np.ones((2 * halo + 1, 2 * halo + 1), np.uint8)) > 0
    painted: Pixels = np.where(near, np.uint8(paper), crop)
    return painted
