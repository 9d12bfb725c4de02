"""Connected patches of ink: where they are and how large.

OpenCV counts its statistics over every pixel, paper too, which takes far longer than finding the patches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cv2.typing import MatLike

Labels = NDArray[np.int32]


def label(mask: MatLike) -> tuple[Labels, Labels]:
    """The patches of a mask, each with all that touches it at a side or a corner.

    Args:
        mask: uint8, anything but 0 is ink, shape (h, w).

    Returns:
        The number of each pixel's patch, 0 for paper, shape (h, w); and for every number left, top, width, height and
        area, in the columns that ``cv2.CC_STAT_LEFT`` and the like name, shape (n + 1, 5). That of the paper is zeros.
    """
    count, found = cv2.connectedComponents(mask, connectivity=8, ltype=cv2.CV_32S)
    labels: Labels = np.asarray(found, dtype=np.int32)
    stats = np.zeros((count, 5), np.int32)
    places = np.flatnonzero(mask)
    if places.size == 0:
        return labels, stats
    owner = labels.ravel()[places]
    y, x = np.divmod(places.astype(np.int32), np.int32(mask.shape[1]))
    low, high = np.full((2, count), np.iinfo(np.int32).max, np.int32), np.full((2, count), -1, np.int32)
    for axis, values in enumerate((x, y)):
        np.minimum.at(low[axis], owner, values)
        np.maximum.at(high[axis], owner, values)
    stats[1:, :2] = low[:, 1:].T
    stats[1:, 2:4] = (high - low)[:, 1:].T + 1
    stats[1:, cv2.CC_STAT_AREA] = np.bincount(owner, minlength=count)[1:]
    return labels, stats


def wide(mask: MatLike, least: float) -> list[tuple[tuple[int, int, int, int], NDArray[np.bool_]]]:
    """The patches of at least a width, from top to bottom, much faster than `label` where these are few.

    Returns:
        For each left, top, width and height, and which pixels of that box are of the patch.
    """
    outlines, nested = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline, relation in zip(outlines, nested[0] if len(outlines) else (), strict=True):
        left, top, width, height = cv2.boundingRect(outline)
        if relation[3] >= 0 or width < least:  # what has a parent is the outline of a hole
            continue
        _, labels = cv2.connectedComponents(mask[top : top + height, left : left + width], connectivity=8)
        x, y = outline[0, 0]
        inside = np.asarray(labels == labels[y - top, x - left])
        found.append(((int(y), int(x)), ((left, top, width, height), inside)))
    return [patch for _, patch in sorted(found, key=lambda each: each[0])]
