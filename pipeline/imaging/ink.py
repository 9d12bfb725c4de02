"""How dark the print in a cell is: ghosts and stains are paler than figures, and a blank has nothing dark at all."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain import Pixels

# What is nearer to the border may be a rest of a rule, pixels.
_BORDER = 3
# What is nearer to it may be cut off, or was taken for a rest of a rule, pixels.
_EDGE = 2
# Deviation of the smoothing that takes single dark grains out of the paper, pixels.
_SMOOTHING = 1.0


def darkness(crop: Pixels) -> tuple[float, float] | None:
    """By how much print in the picture of a cell is darker than its paper, grey levels.

    Args:
        crop: grey picture, shape (height, width), inside the cell's rules.

    Returns:
        Of the darkest print away from the borders, and of the darkest in the middle half of the left and the right
        edge, where digits that stand against a rule are; None where the picture is too small to tell.
    """
    if min(crop.shape) <= 2 * _BORDER + 3:
        return None
    smooth = cv2.GaussianBlur(crop, (0, 0), _SMOOTHING)
    inside = smooth[_BORDER:-_BORDER, _BORDER:-_BORDER]
    paper = float(np.median(inside[::2, ::2]))
    middle = smooth[crop.shape[0] // 4 : -(crop.shape[0] // 4)]
    edge = min(int(middle[:, :_EDGE].min()), int(middle[:, -_EDGE:].min()))
    return paper - float(inside.min()), max(0.0, paper - edge)
