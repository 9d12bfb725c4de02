"""Straightening a page without rules: by the slope of its lines of text, and lines and columns in place of rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from pipeline.domain import BoundingBox, CleanPage, Pixels
from pipeline.geometry import affine, chain, slope
from pipeline.tables.grouping import RuleGroup
from pipeline.tables.rulings import Ruling
from pipeline.tables.whitespace.pieces import FEWEST, Piece, character_height, find_figures

LEVEL = 0.25
"""Smaller slopes of lines, in degrees, are left to the straightening of the table."""
STEEPEST = 12.0
"""Largest slope of lines that is looked for, in degrees."""


def text_slope(inked: Pixels) -> float:
    """Slope of the lines of text in degrees."""
    small = cv2.resize(inked * np.uint8(255), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    y, x = np.nonzero(small > 60)
    return slope(np.column_stack([x, y]).astype(np.float64), np.ones(len(x)), STEEPEST)[0]


def levelled(picture: Pixels, page: CleanPage, angle: float) -> tuple[Pixels, CleanPage]:
    """The picture turned so that lines of the given slope lie level, on ground large enough for all of it."""
    height, width = picture.shape
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wide, high = round(width * cos + height * abs(sin)), round(height * cos + width * abs(sin))
    turn = np.array([[cos, -sin], [sin, cos]])
    offset = np.array([width / 2, height / 2]) - turn @ [wide / 2, high / 2]
    # OpenCV puts the centres of pixels at whole numbers, the geometry here at halves.
    shifted = offset + turn @ [0.5, 0.5] - 0.5
    turned: Pixels = cv2.warpAffine(  # type: ignore[assignment]
        picture,
        np.column_stack([turn, shifted]),
        (wide, high),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(250,),
    )
    to_page = chain(affine(np.column_stack([turn, offset])), page.to_page)
    return turned, replace(page, pixels=turned, to_page=to_page)


def alignment(pieces: Sequence[Piece], zone: tuple[float, float], scale: float) -> RuleGroup:
    """Lines of text and columns of figures around a zone, in place of rules, in pixels of the page."""
    unit = character_height(pieces)
    top, bottom = zone[0] - 16.0 * unit, zone[1] + 16.0 * unit
    near = [piece for piece in pieces if top <= piece.y <= bottom]
    figures = find_figures(near, unit)
    levels = _chains([(p.x0, p.x1, p.y) for p in near if p.height > 0.5 * unit], 16.0 * unit, 0.3 * unit)
    uprights = _chains([(p.y0, p.y1, p.x) for p in figures], 3.0 * unit, 0.3 * unit)
    box = BoundingBox(
        min(piece.x0 for piece in near) / scale,
        max(top, min(piece.y0 for piece in near)) / scale,
        max(piece.x1 for piece in near) / scale,
        min(bottom, max(piece.y1 for piece in near)) / scale,
    )
    return RuleGroup(_as_rulings(levels, scale), _as_rulings(uprights, scale), box)


def _chains(
    spans: Sequence[tuple[float, float, float]], reach: float, drift: float
) -> list[list[tuple[float, float, float]]]:
    """Spans (start, end, position across) strung together, each to the next within ``reach`` and ``drift``."""
    chains: list[list[tuple[float, float, float]]] = []
    for span in sorted(spans):
        best = min(
            (c for c in chains if 0 < span[0] - c[-1][1] <= reach and abs(span[2] - c[-1][2]) <= drift),
            key=lambda c: abs(span[2] - c[-1][2]),
            default=None,
        )
        if best is None:
            chains.append([span])
        else:
            best.append(span)
    return [chain for chain in chains if len(chain) >= FEWEST]


def _as_rulings(chains: Sequence[Sequence[tuple[float, float, float]]], scale: float) -> tuple[Ruling, ...]:
    rulings = []
    for points in chains:
        start, end, across = np.array(points).T / scale
        along = (start + end) / 2
        rulings.append(Ruling(along, across, float(along[0]), float(along[-1]), 1.0, 1.0, float(along[-1] - along[0])))
    return tuple(rulings)
