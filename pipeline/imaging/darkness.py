"""How dark the print in a cell is: ghosts and stains are paler than figures, and a blank has nothing dark at all."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain import Pixels

# What is nearer to the border may be a rest of a rule, pixels.
_BORDER = 3
# Deviation of the smoothing that takes single dark grains out of the paper, pixels.
_SMOOTHING = 1.0


def darkness(crop: Pixels) -> float | None:
    """By how much the darkest print in the picture of a cell is darker than its paper.

    Args:
        crop: grey picture, shape (height, width), inside the cell's rules.

    Returns:
        Grey levels, 0 to 255; None where the picture is too small to tell.
    """
    if min(crop.shape) <= 2 * _BORDER + 3:
        return None
    smooth = cv2.GaussianBlur(crop, (0, 0), _SMOOTHING)[_BORDER:-_BORDER, _BORDER:-_BORDER]
    return float(np.median(smooth[::2, ::2])) - float(smooth.min())
