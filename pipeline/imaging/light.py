"""Uneven light, yellowed paper and shaded cells brought to the same white."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain import Pixels

REDUCTION = 8
"""The ground is estimated on a picture this many times smaller."""
REACH = 5
"""Widest ink that is bridged when looking for the ground, in pixels of the reduced picture."""
DARKEST = 40
"""No ground is taken to be darker than this, lest the noise of a black desk be blown up."""


def even(grey: Pixels) -> Pixels:
    """Divide a grey picture by a smooth estimate of its ground, so that paper becomes about 250 everywhere."""
    height, width = grey.shape
    small = cv2.resize(
        cv2.dilate(grey, np.ones((3, 3), np.uint8)),
        (max(1, width // REDUCTION), max(1, height // REDUCTION)),
        interpolation=cv2.INTER_AREA,
    )
    ground = cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((REACH, REACH), np.uint8)), 5)
    ground = cv2.GaussianBlur(ground, (0, 0), 2.0)
    full = cv2.resize(np.maximum(ground, DARKEST).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    evened = cv2.divide(grey, full, scale=250.0)
    return evened  # type: ignore[return-value]
