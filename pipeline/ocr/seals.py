"""What is printed under a grey seal, told from it by the print of the page, which is darker.

One cell does not show how dark print is: where broad strokes of a seal cover many times the area of a figure, they
count for the print. The sure figures of the page show it. Thin strokes of print are as pale as a seal where a scan is
poor; the strokes of a seal go on beyond the cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from pipeline import patches
from pipeline.domain import Pixels
from pipeline.ocr.crops import Mask, find_inks, paper_level
from pipeline.ocr.pictures import is_tinted

NAME = "seal"
"""Names this way of reading a cell beside its readers."""

# By so much of the usual print of the page everything is lightened but what is as dark as the second and what touches
# that. The strokes of the seals on 30 generated scans have 0.44 to 0.56, figures under them 0.97 to 1.2.
_SEAL, _PRINT = 0.6, 0.75
# Where more of the print that was surely read than this share is paler in part, print is not told from seals so.
_UNEVEN = 0.05
_GAPS = 9  # pixels; what is left of a seal that was taken away has gaps
_FRAME = 2  # pixels; what is nearer to the end of a cell goes on beyond it


def without_seals(
    crops: Mapping[int, Pixels], sure: Sequence[Pixels], usual: float
) -> dict[int, tuple[Pixels, Mask, Mask]]:
    """The pictures of those cells that show strokes of a seal, without these; all their ink, and what is left.

    Args:
        crops: grey pictures of cells, inside their rules, shape (h, w).
        sure: pictures of cells of the page that surely hold print.
        usual: by how much figures of the page are darker than paper, grey levels, more than 0.
    """
    found = _paler_in_part(list(crops.values()), usual)
    sealed = {i: parts for i, parts in zip(crops, found, strict=True) if parts and _goes_on(*parts[1:])}
    if not sealed:
        return {}
    uneven = sum(parts is not None and not _goes_on(*parts[1:]) for parts in _paler_in_part(sure, usual))
    return sealed if uneven <= _UNEVEN * len(sure) else {}


def _paler_in_part(crops: Sequence[Pixels], usual: float) -> list[tuple[Pixels, Mask, Mask] | None]:
    """Without what is paler than print the pictures that show such: these, all their ink, and what is left of it."""
    inks = find_inks(crops)
    alone = [_print_alone(crop, paper_level(crop, ink), usual) for crop, ink in zip(crops, inks, strict=True)]
    left = find_inks(alone)
    return [
        (picture, ink.mask, kept.mask) if is_tinted(ink, kept) else None
        for picture, ink, kept in zip(alone, inks, left, strict=True)
    ]


def _goes_on(every: Mask, kept: Mask) -> bool:
    """Whether most ink that is not kept hangs together with ink at the end of the cell."""
    gone = every & (cv2.dilate(kept.view(np.uint8), np.ones((5, 5), np.uint8)) == 0)
    together = cv2.morphologyEx(gone.view(np.uint8), cv2.MORPH_CLOSE, np.ones((_GAPS, _GAPS), np.uint8))
    labels, stats = patches.label(together)
    inside = np.zeros_like(gone)
    inside[_FRAME:-_FRAME, _FRAME:-_FRAME] = True
    beyond = np.unique(labels[~inside])
    return 2 * int(stats[beyond, cv2.CC_STAT_AREA].sum()) > int(np.count_nonzero(together))


def _print_alone(crop: Pixels, paper: int, usual: float) -> Pixels:
    """The crop with what is paler than print as light as paper, and print as dark as before."""
    darkness = np.maximum(np.float32(paper) - crop, 0.0)
    edges = cv2.dilate((darkness > _PRINT * usual).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    print_alone = np.where(edges, darkness, np.maximum(darkness - _SEAL * usual, 0.0))
    lightened: Pixels = np.clip(paper - print_alone, 0, 255).astype(np.uint8)
    return lightened
