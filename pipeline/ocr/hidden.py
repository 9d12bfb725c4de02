"""A digit that is hidden: by a drop of ink, a pen that went back and forth, or because it was rubbed to a smear.

Readers take such a patch for the digit that is most like it, a 0 as a rule, and may well agree. What they say of it is
no evidence; where it is and how large tells that a digit stands there, and the others beside it can still be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.domain import Alternative, Mark, Pixels, Reading
from pipeline.ocr.crops import Ink, Mask, find_inks, paper_level
from pipeline.ocr.specks import FEWEST, height
from pipeline.values import parse_value

# How broad ink is where it hides something, in terms of the broadest strokes of nine in ten figures of the page. Blots,
# smears and scribbles on generated scans have 1.9 to 4.6; of the doubtful figures of 30 other scans all have less than
# this, save where a seal or a watermark runs through the cell: its strokes are longer, or end at the border.
_BROADER = 1.75
# The patch is what is left where strokes are worn away that are broader than figures have by this factor.
_WORN = 1.25
# A patch is no wider than this, in terms of the height of figures; two narrow digits under it are not excluded by what
# is said of one: to `pipeline.reconcile` a digit may be lost beside those that are listed.
_WIDEST = 1.5
_LOWEST = 0.5  # its height at least; broad dashes are no higher
# Pixels from the border of the cell that figures keep; strokes of seals and watermarks run into it.
_FRAME = 6
# A square as large as a patch is nearly as dark on the average as its darkest spot, of strokes never.
_SOLID = 0.75
_HALO = 2  # pixels around a patch that are darker for it
_LEGIBLE = 0.9
# The digits that may be hidden were seen by nobody, what stands beside them was: so much of both that it counts as
# legible to `pipeline.reconcile`, which shares what is unread among them.
_UNSEEN, _IN_PART = 0.012, 0.02
_HIDDEN = "?"


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """The picture of a cell in two: what stands before and behind its hidden digit."""

    before: Pixels
    behind: Pixels


def around_hidden(crops: Mapping[int, Pixels], figures: Sequence[Ink]) -> dict[int, Around]:
    """What stands around the hidden digit in those of some cells, by their number, that have one.

    Args:
        crops: grey pictures of cells, inside their rules, shape (h, w).
        figures: the ink of cells of the page that surely hold figures; where they are few nothing is known.
    """
    if len(figures) < FEWEST or not crops:
        return {}
    usual = float(np.percentile([_breadths(ink.mask).max() for ink in figures], 90))
    tall = float(np.median([height(ink) for ink in figures]))
    side = round(2 * _BROADER * usual)
    solid = {i: crop for i, crop in crops.items() if _is_solid(crop, side)}
    found = {}
    for (i, crop), ink in zip(solid.items(), find_inks(list(solid.values())), strict=True):
        ends = _patch(ink.mask, usual, tall)
        if ends is not None:
            found[i] = _around(crop, ink, *ends)
    return found


def any_digit(before: Reading, behind: Reading, reader: str) -> Reading | None:
    """The reading of a figure of which one digit is hidden: the others, as in `1?4`, and any of ten, none of them seen.

    None where what stands around it cannot be read, or where that and a digit are no figure.

    Args:
        before, behind: what stands around it.
        reader: who has looked at the cell.
    """
    if min(before.probability, behind.probability) < _LEGIBLE:
        return None
    texts = [f"{before.text}{digit}{behind.text}" for digit in range(10)]
    figures = [text for text in texts if parse_value(text).mark is Mark.NUMBER]
    if not figures:
        return None
    seen = Alternative(f"{before.text}{_HIDDEN}{behind.text}", _IN_PART)
    return Reading((seen, *(Alternative(text, _UNSEEN) for text in figures)), reader)


def _is_solid(crop: Pixels, side: int) -> bool:
    """Whether a crop may hold a patch, which saves looking for its ink where strokes alone do.

    Args:
        side: of the smallest patch, in pixels.
    """
    if min(crop.shape) <= side:
        return False
    paper = float(np.median(crop))
    darkest, mean = (float(np.min(cv2.blur(crop, (size, size)))) for size in (3, side))
    return paper - mean >= _SOLID * (paper - darkest)


def _breadths(mask: Mask) -> np.ndarray:
    """How far each pixel of ink is from the nearest paper, shape (h, w)."""
    return np.asarray(cv2.distanceTransform(np.pad(mask.view(np.uint8), 1), cv2.DIST_L2, 5))[1:-1, 1:-1]


def _patch(mask: Mask, usual: float, tall: float) -> tuple[int, int] | None:
    """First and last column of ink too broad for strokes, None where there is none, or more than a digit's."""
    breadths = _breadths(mask)
    if breadths.max(initial=0.0) < _BROADER * usual:
        return None
    reach = round(_WORN * usual)
    x, y, width, height = cv2.boundingRect((breadths > reach).view(np.uint8))
    left, top, right, bottom = x - reach, y - reach, x + width + reach, y + height + reach
    if right - left > _WIDEST * tall or bottom - top < _LOWEST * tall:
        return None
    if min(left, top, mask.shape[1] - right, mask.shape[0] - bottom) < _FRAME:
        return None
    return left, right - 1


def _around(crop: Pixels, ink: Ink, first: int, last: int) -> Around:
    """The picture before and behind the columns of a patch, where paper is in its place."""
    left, right = max(0, first - _HALO), min(crop.shape[1], last + 1 + _HALO)
    paper = paper_level(crop, ink)
    parts = (slice(left, None), slice(None, right))
    return Around(*(_painted(crop, columns, paper) for columns in parts))


def _painted(crop: Pixels, columns: slice, paper: int) -> Pixels:
    painted = crop.copy()
    painted[:, columns] = paper
    return painted
