"""Figures that stand on the upright rules of their cell: the picture of the cell beyond these, the rules lifted.

A cell is cut out inside its rules. Where its figure reaches into one of them a part of it is cut off, and what is left
looks like another figure: of a 0 a 3, of a slash a 1. A rule looks alike above, beside and below the figure; what is
darker beside it than above and below is the figure's.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import BoundingBox, Pixels
from pipeline.levels import percentiles

_REACH = 10  # pixels beside a cell in which its rule lies
_INSIDE = 2  # columns of the cell that its rule may reach into, blurred
_NEAR = 12  # columns of the cell in which the rows of its figure are told
_FAINTEST = 18.0  # grey levels by which print is darker than its paper
_TOUCHING, _FIGURE = 0.3, 0.25  # darkness of ink at the side of a cell, and in rows of a figure, as shares of print's
_STROKE = (4, 3)  # columns and rows at the side of a cell that a stroke fills to that share and grain does not
_FEWEST = 5  # rows that show a rule alone
_DARKER = 80.0  # percentage of these rows in which it is paler than it is taken to be
_MARGIN = 0.08  # by how much it may still be darker, as a share of the darkness of print
_PALER = 0.75  # darkness of a rule, as a share of that of print, up to which print shows on it
_END = 0.25  # darkness of a rule, as a share of its darkest column's, at which it ends

Floats = NDArray[np.float32]


def beyond_rules(pixels: Pixels, box: BoundingBox) -> Pixels | None:
    """The picture of a cell with what of its print lies on the rules to its left and right.

    Args:
        pixels: grey picture of the table with its rules.
        box: the cell inside these, in pixels.

    Returns:
        None where no print reaches a rule, or where none would show on it.
    """
    x0, y0, x1, y1 = (max(0, round(side)) for side in (box.x0, box.y0, box.x1, box.y1))
    crop = pixels[y0:y1, x0:x1]
    if crop.shape[0] < _FEWEST or crop.shape[1] < _NEAR:
        return None
    paper = float(np.median(crop))
    contrast = paper - float(percentiles(crop, 0.1))
    sides = (pixels[y0:y1, max(0, x0 - _REACH) : x0 + _NEAR][:, ::-1], pixels[y0:y1, x1 - _NEAR : x1 + _REACH])
    touched = [contrast >= _FAINTEST and _is_touched(beside, paper, contrast) for beside in sides]
    if not any(touched):
        return None
    print_rows = _dilated(np.asarray((paper - crop.astype(np.float32) > _FIGURE * contrast).any(axis=1)))
    left, right = (
        _lifted(beside, print_rows, paper, contrast) if print_there else None
        for beside, print_there in zip(sides, touched, strict=True)
    )
    if left is None and right is None:
        return None
    whole = [crop] if left is None else [left[:, ::-1], crop[:, _INSIDE:]]
    if right is not None:
        whole = [*whole[:-1], whole[-1][:, :-_INSIDE], right]
    return np.hstack(whole)


def _dilated(rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The rows and those next to them."""
    wider = rows.copy()
    wider[1:] |= rows[:-1]
    wider[:-1] |= rows[1:]
    return wider


def _is_touched(beside: Pixels, paper: float, contrast: float) -> bool:
    """Whether print reaches the side of a cell; arguments as for `_lifted`."""
    stroke, rows = _STROKE
    side = paper - beside[:, _NEAR - stroke : _NEAR].mean(axis=1, dtype=np.float32)
    return bool(cv2.blur(side, (1, rows)).max() >= _TOUCHING * contrast)


def _lifted(beside: Pixels, print_rows: NDArray[np.bool_], paper: float, contrast: float) -> Pixels | None:
    """What is printed at the end of a cell and on the rule there, as far as it shows, the rule lifted.

    Args:
        beside: ``_NEAR`` columns of the cell and what is beside them, outwards.
        print_rows: rows of the cell with print anywhere.
        paper: grey level of the paper.
        contrast: darkness of the print, in grey levels.
    """
    darkness = paper - beside.astype(np.float32)
    first = _NEAR - _INSIDE
    figure = print_rows
    # Where print fills the cell, that near the rule alone says which rows are the figure's.
    if np.count_nonzero(~figure) < _FEWEST:
        figure = _dilated(np.asarray((darkness[:, :first] > _FIGURE * contrast).any(axis=1)))
    over = darkness[:, first:]
    if np.count_nonzero(~figure) < _FEWEST:
        return None
    rule = np.percentile(over[~figure], _DARKER, axis=0).clip(0.0)
    peak = int(rule.argmax())
    ends = (rule > _PALER * contrast) | ((np.arange(len(rule)) > peak) & (rule < _END * rule[peak]))
    end = int(np.append(ends, True).argmax())
    if rule[peak] < _FAINTEST or end <= _INSIDE:
        return None
    over, rule = over[:, :end], rule[:end]
    print_alone = np.maximum(over - rule - _MARGIN * contrast, 0.0) * (contrast / (contrast - rule))
    lifted: Pixels = np.clip(paper - print_alone, 0, 255).astype(np.uint8)
    return lifted
