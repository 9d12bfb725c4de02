"""Lines of text outside the tables, for titles and headings."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import patches
from pipeline.domain import BoundingBox, CleanPage, Grid, Pixels, TextLine
from pipeline.geometry import box_to_parent, corners
from pipeline.tables.rulings import ink

REDUCED_TEXT = 10.0
"""Text height, in pixels, of the reduced picture on which lines are looked for."""
LEAST_INK = 4
"""Smaller patches of ink on the reduced picture are specks, in pixels."""


def find_lines(page: CleanPage, grids: Sequence[Grid]) -> tuple[TextLine, ...]:
    """Lines of text outside ``grids``, top to bottom, each with a picture of its own from the clean page."""
    scale = REDUCED_TEXT / page.text_height
    small = cv2.resize(page.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    boxes = _boxes(_without(ink(small), page, grids, scale))  # type: ignore[arg-type]
    if not boxes:
        return ()
    usual = float(np.median([box.height for box in boxes]))
    left = min(box.x0 for box in boxes)
    right = max(box.x1 for box in boxes)
    for grid in grids:
        outline = page.to_page.from_parent(corners(grid.box)) * scale
        left, right = min(left, outline[:, 0].min()), max(right, outline[:, 0].max())
    return tuple(_line(page, box, scale, usual, (left, right)) for box in boxes)


def _without(inked: Pixels, page: CleanPage, grids: Sequence[Grid], scale: float) -> Pixels:
    """Ink without that of the tables and of long rules."""
    for grid in grids:
        outline = [
            page.to_page.from_parent(grid.to_page.to_parent(corners(_outline(grid)))),
        ]
        cv2.fillPoly(inked, [np.round(part * scale).astype(np.int32) for part in outline], (0,))
    length = round(4 * REDUCED_TEXT)
    rules = cv2.bitwise_or(
        cv2.morphologyEx(inked, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)),
        cv2.morphologyEx(inked, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8)),
    )
    inked[cv2.dilate(rules, np.ones((3, 3), np.uint8)) > 0] = 0
    return inked


def _outline(grid: Grid) -> BoundingBox:
    return BoundingBox(
        min(cell.box.x0 for cell in grid.cells) - 2,
        min(cell.box.y0 for cell in grid.cells) - 2,
        max(cell.box.x1 for cell in grid.cells) + 2,
        max(cell.box.y1 for cell in grid.cells) + 2,
    )


def _boxes(inked: Pixels) -> list[BoundingBox]:
    """Boxes of lines on the reduced picture: characters joined along x, pieces at one height put together."""
    # Specks are noise, and joining them would fill the page. Strokes of small text are as thin as specks, but longer.
    solid = patches.some(inked, lambda stats: np.asarray(stats[:, cv2.CC_STAT_AREA] >= LEAST_INK))
    joined = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((1, round(1.8 * REDUCED_TEXT)), np.uint8))
    _, stats = patches.label(joined)
    pieces = stats[1:]
    height, width = pieces[:, cv2.CC_STAT_HEIGHT], pieces[:, cv2.CC_STAT_WIDTH]
    pieces = pieces[(height >= 0.4 * REDUCED_TEXT) & (height <= 6 * REDUCED_TEXT) & (width >= 0.45 * REDUCED_TEXT)]
    lines: list[BoundingBox] = []
    for x, y, w, h, _ in sorted(pieces.tolist(), key=lambda piece: piece[0]):
        box = BoundingBox(float(x), float(y), float(x + w), float(y + h))
        for index, line in enumerate(lines):
            if _same_line(line, box):
                lines[index] = BoundingBox(
                    min(line.x0, box.x0), min(line.y0, box.y0), max(line.x1, box.x1), max(line.y1, box.y1)
                )
                break
        else:
            lines.append(box)
    lines = [box for box in lines if 0.5 * REDUCED_TEXT <= box.height <= 4 * REDUCED_TEXT]
    return sorted(lines, key=lambda box: ((box.y0 + box.y1) / 2, box.x0))


def _same_line(line: BoundingBox, box: BoundingBox) -> bool:
    overlap = min(line.y1, box.y1) - max(line.y0, box.y0)
    return overlap >= 0.6 * min(line.height, box.height) and box.x0 - line.x1 <= 4 * REDUCED_TEXT


def _line(page: CleanPage, box: BoundingBox, scale: float, usual: float, column: tuple[float, float]) -> TextLine:
    margin = 0.25 * page.text_height
    height, width = page.pixels.shape
    cut = BoundingBox(
        max(0.0, box.x0 / scale - margin),
        max(0.0, box.y0 / scale - margin),
        min(float(width), box.x1 / scale + margin),
        min(float(height), box.y1 / scale + margin),
    )
    before, after = box.x0 - column[0], column[1] - box.x1
    room = min(before, after)
    centred = room >= 1.2 * REDUCED_TEXT and abs(before - after) <= max(2.0 * REDUCED_TEXT, 0.2 * (before + after))
    pixels: NDArray[np.uint8] = np.ascontiguousarray(
        page.pixels[int(cut.y0) : int(np.ceil(cut.y1)), int(cut.x0) : int(np.ceil(cut.x1))]
    )
    return TextLine(
        page=page.number,
        box=box_to_parent(page.to_page, cut),
        pixels=pixels,
        prominence=box.height / usual,
        centred=centred,
    )
