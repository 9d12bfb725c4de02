"""From ink on a sheet to glyphs, each a small picture with its proportions, and ways to cut one that is several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Pixels
from pipeline.ocr.crops import Sheet

SIDE = 16
"""Pixels of the square a glyph is scaled to."""
SHAPES = 8
"""Numbers that tell a glyph's proportions."""

# A dash that touches its digit: ink in units of the crop's contrast, its height at most and its width at least, as
# shares of the digit's height.
_STROKE, _FLAT, _SHORTEST = 0.4, 0.45, 0.15

Floats = NDArray[np.float32]
Boxes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Glyphs:
    """Glyphs of many crops.

    Attributes:
        boxes: x0, y0, x1, y1 on the sheet, shape (n, 4).
        crop: index of the crop, ascending, and within a crop from left to right; shape (n,).
        pictures: grey, ink light on 0, shape (n, SIDE * SIDE), uint8.
        shapes: proportions and place in the line, shape (n, SHAPES).
    """

    boxes: Boxes
    crop: NDArray[np.intp]
    pictures: Pixels
    shapes: Floats


def find_glyphs(sheet: Sheet, crops: Sequence[Pixels], wanted: NDArray[np.bool_] | None = None) -> Glyphs:
    """Group pieces of ink that stand above each other into glyphs, and describe each; ``wanted`` selects crops."""
    boxes: list[tuple[int, int, int, int]] = []
    owners: list[int] = []
    pieces = sheet.boxes.tolist()
    for (_, crop), (x, y, w, h) in zip(sheet.pieces.tolist(), pieces, strict=True):
        if wanted is not None and not wanted[crop]:
            continue
        if owners and owners[-1] == crop:
            x0, y0, x1, y1 = boxes[-1]
            shared = min(x1, x + w) - max(x0, x)
            if shared >= 0.5 * min(x1 - x0, w):
                boxes[-1] = (min(x0, x), min(y0, y), max(x1, x + w), max(y1, y + h))
                continue
        boxes.append((x, y, x + w, y + h))
        owners.append(crop)
    array = np.array(boxes, dtype=np.intp).reshape(-1, 4)
    crop_of = np.array(owners, dtype=np.intp)
    empty = Glyphs(array, crop_of, np.zeros((len(boxes), 0), np.uint8), np.zeros((len(boxes), 0), np.float32))
    return describe(sheet, array, crop_of, line_of(empty, len(crops)))


def line_of(glyphs: Glyphs, crops: int | None = None) -> NDArray[np.float64]:
    """Top and bottom of the tallest glyph of each crop, and number of glyphs; shape (crops, 3)."""
    count = crops if crops is not None else int(glyphs.crop.max(initial=-1)) + 1
    lines = np.zeros((count, 3))
    heights = glyphs.boxes[:, 3] - glyphs.boxes[:, 1]
    # Ascending heights: what is written last stays, the tallest; equal ones from right to left, so the leftmost.
    order = np.lexsort((-np.arange(len(heights)), heights))
    lines[glyphs.crop[order], :2] = glyphs.boxes[order][:, (1, 3)]
    np.add.at(lines[:, 2], glyphs.crop, 1.0)
    return lines


def describe(sheet: Sheet, boxes: Boxes, crop: NDArray[np.intp], lines: NDArray[np.float64]) -> Glyphs:
    """The glyphs in boxes of a sheet, shape (n, 4), by the crop of each, shape (n,), and the lines of all crops."""
    images = np.zeros((len(boxes), SIDE, SIDE), dtype=np.float32)
    scale = 255.0 / np.maximum(1.15 * sheet.contrast[crop], 1e-3)
    for index, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        width, height = x1 - x0, y1 - y0
        factor = (SIDE - 2) / max(width, height)
        wide, high = max(2, round(width * factor)), max(2, round(height * factor))
        way = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_LINEAR
        picture = cv2.resize(sheet.darkness[y0:y1, x0:x1], (wide, high), interpolation=way)
        left, top = (SIDE - wide) // 2, (SIDE - high) // 2
        images[index, top : top + high, left : left + wide] = picture
    images *= scale[:, None, None]
    pictures = np.clip(images, 0.0, 255.0, out=images).astype(np.uint8).reshape(len(boxes), SIDE * SIDE)
    width = (boxes[:, 2] - boxes[:, 0]).astype(np.float64)
    height = (boxes[:, 3] - boxes[:, 1]).astype(np.float64)
    top, bottom, number = (lines[crop, column] for column in range(3))
    tall = np.maximum(bottom - top, 1.0)
    shapes = (
        np.column_stack(
            [
                np.clip(np.log2(width / height), -4.0, 4.0) / 2.0,
                height / tall,
                np.clip(width / tall, 0.0, 3.0),
                np.clip((boxes[:, 1] - top) / tall, -1.0, 2.0),
                np.clip((boxes[:, 3] - bottom) / tall, -2.0, 1.0),
                np.log2(np.maximum(height, 1.0)) / 4.0,
                np.log2(np.maximum(width, 1.0)) / 4.0,
                (number == 1.0).astype(np.float64),
            ]
        )
        if len(boxes)
        else np.zeros((0, SHAPES))
    )
    return Glyphs(boxes, crop, pictures, shapes.astype(np.float32))


def cuts(sheet: Sheet, box: NDArray[np.intp]) -> list[Boxes]:
    """Ways to cut a glyph into two to four pieces as wide as digits are, at its thinnest columns."""
    x0, y0, x1, y1 = box.tolist()
    width, height = x1 - x0, y1 - y0
    window = sheet.darkness[y0:y1, x0:x1]
    # Lists: of a few columns each that is sooner done than calls of NumPy.
    profile = window.clip(min=0.0).sum(axis=0).tolist()
    inked = window > 3.0
    inks = inked.sum(axis=0)
    count = inks.tolist()
    # Paper above and below the ink of each column.
    first, last = (np.where(inks > 0, rows.argmax(axis=0), height).tolist() for rows in (inked, inked[::-1]))
    ways = []
    for parts in (2, 3, 4):
        pitch = width / parts
        if not 0.3 * height <= pitch <= 0.95 * height:
            continue
        edges = [0]
        for part in range(1, parts):
            low = max(int((part - 0.25) * pitch), 1)
            high = min(int((part + 0.25) * pitch) + 1, width - 1)
            edges.append(min(range(low, high), key=profile.__getitem__) if high > low else round(part * pitch))
        edges.append(width)
        pieces = []
        for left, right in pairwise(edges):
            rows = max(count[left:right], default=0)
            if rows < 3:  # the columns may yet hold ink in different rows
                rows = int(np.count_nonzero(inked[:, left:right].any(axis=1)))
            if right - left < 2 or rows < 3:
                break
            top, below = min(first[left:right]), min(last[left:right])
            pieces.append((x0 + left, y0 + top, x0 + right, y1 - below))
        if len(pieces) == parts:
            ways.append(np.array(pieces, dtype=np.intp))
    return ways


def cuts_after_sign(sheet: Sheet, box: NDArray[np.intp], contrast: float) -> list[Boxes]:
    """Ways to cut a glyph into a dash on its left and one or more digits; none where it has no dash there."""
    x0, y0, x1, y1 = box.tolist()
    height = y1 - y0
    inked = sheet.darkness[y0:y1, x0:x1] > _STROKE * contrast
    first, last = inked.argmax(axis=0), height - inked[::-1].argmax(axis=0)
    flat = (last - first <= _FLAT * height) & (first + last > 0.5 * height) & (first + last < 1.6 * height)
    flat |= ~inked.any(axis=0)
    wide = len(flat) if flat.all() else int(np.argmin(flat))
    rows = np.flatnonzero(inked[:, :wide].any(axis=1))
    if wide < _SHORTEST * height or x1 - x0 - wide < 3 or not rows.size:
        return []
    dash = (x0, y0 + int(rows[0]), x0 + wide, y0 + int(rows[-1]) + 1)
    rest = np.array([x0 + wide, y0, x1, y1], dtype=np.intp)
    ways = [rest.reshape(1, 4), *cuts(sheet, rest)]
    return [np.concatenate([np.array([dash], dtype=np.intp), way]) for way in ways]
