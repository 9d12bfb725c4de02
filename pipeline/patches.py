"""Connected patches of ink: where they are and how large.

OpenCV counts its statistics over every pixel, paper too, which takes far longer than finding the patches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cv2.typing import MatLike

Labels = NDArray[np.int32]


def label(mask: MatLike, corners: bool = True) -> tuple[Labels, Labels]:
    """The patches of a mask, each with all that touches it at a side, or also at a corner.

    Args:
        mask: uint8, anything but 0 is ink, shape (h, w).
        corners: whether it is enough to touch at a corner.

    Returns:
        The number of each pixel's patch, 0 for paper, shape (h, w); and for every number left, top, width, height and
        area, in the columns that ``cv2.CC_STAT_LEFT`` and the like name, shape (n + 1, 5). That of the paper is zeros.
    """
    labels, stats, _ = _labelled(mask, corners)
    return labels, stats


def some(mask: MatLike, wanted: Callable[[Labels], NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """Some patches of a mask, 1 where they are, 0 elsewhere, shape (h, w).

    Args:
        mask: as for `label`.
        wanted: tells from what `label` says of each patch, shape (n, 5), whether it is one of them, shape (n,).
    """
    labels, stats, runs = _labelled(mask, corners=True)
    found = np.zeros(labels.shape, np.uint8)
    if len(stats) > 1:
        which = np.concatenate([[False], wanted(stats[1:])])
        found.ravel()[runs.places] = np.repeat(which[labels[runs.y, runs.x]], runs.width)
    return found


class _Runs(NamedTuple):
    """Runs of ink along x, from top to bottom, left to right: left end, height and width; ``places`` of all pixels."""

    x: NDArray[np.intp]
    y: NDArray[np.intp]
    width: NDArray[np.intp]
    places: NDArray[np.intp]


def _labelled(mask: MatLike, corners: bool) -> tuple[Labels, Labels, _Runs]:
    """What `label` returns, and the runs of the patches."""
    count, found = cv2.connectedComponents(mask, connectivity=8 if corners else 4, ltype=cv2.CV_32S)
    labels: Labels = np.asarray(found, dtype=np.int32)
    stats = np.zeros((count, 5), np.int32)
    if count == 1:
        return labels, stats, _Runs(*np.zeros((4, 0), np.intp))
    runs = _runs(np.asarray(mask))
    x, y, width, _ = runs
    owner = labels[y, x]
    left, right = np.full(count, labels.shape[1]), np.zeros(count, np.intp)
    np.minimum.at(left, owner, x)
    np.maximum.at(right, owner, x + width)
    top, bottom = np.zeros((2, count), np.intp)
    top[owner[::-1]] = y[::-1]  # what is written last stays: the first run of each patch, and its last
    bottom[owner] = y + 1
    area = np.bincount(owner, width, count)
    stats[1:] = np.stack([left, top, right - left, bottom - top, area], axis=1)[1:]
    return labels, stats, runs


def _runs(mask: NDArray[np.integer]) -> _Runs:
    """All runs of a mask, at least one."""
    width = mask.shape[1]
    places = np.flatnonzero(mask != 0)
    begins = np.ones(len(places) + 1, dtype=bool)
    np.not_equal(places[1:], places[:-1] + 1, out=begins[1:-1])
    begins[np.searchsorted(places, np.arange(0, mask.size, width))] = True  # no run goes on in the next row
    bounds = np.flatnonzero(begins)
    y, x = np.divmod(places[bounds[:-1]], width)
    return _Runs(x, y, np.diff(bounds), places)


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
