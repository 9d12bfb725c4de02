"""Whether there are columns of figures on a page at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.tables.whitespace.pieces import DASH, FEWEST, Piece, character_height, find_figures

STRIP = 6
"""So many figures on a single line make a table, too."""
ALIKE = 0.45
"""Least share of figures that are of the commonest height, within an eighth."""


def alike(sizes: Sequence[float], share: float) -> bool:
    """Whether sizes are much the same, as those of digits or dashes are and those of the grain of a desk are not."""
    if len(sizes) < FEWEST:
        return False
    like = np.abs(np.divide.outer(sizes, sizes) - 1.0) <= 0.12
    return bool(like.mean(axis=0).max() >= share)


def figure_zone(pieces: Sequence[Piece]) -> tuple[float, float] | None:
    """From where to where along y figures stand in columns or close together on one line; None if nowhere."""
    if len(pieces) < 2 * FEWEST:
        return None
    unit = character_height(pieces)
    figures = [piece for piece in find_figures(pieces, unit) if piece.height > DASH * unit]
    if not alike([piece.height for piece in figures], 0.6 * ALIKE):
        return None
    at = np.array([(piece.x, piece.y) for piece in figures]).reshape(-1, 2)
    dx = np.abs(at[:, None, 0] - at[None, :, 0])
    dy = np.abs(at[:, None, 1] - at[None, :, 1])
    stacked = ((dx < 1.0 * unit) & (dy > unit) & (dy < 6.0 * unit)).any(axis=1)
    beside = ((dy < 0.5 * unit) & (dx > unit)).sum(axis=1) >= STRIP - 1
    chosen = at[stacked | beside, 1]
    if len(chosen) < FEWEST:
        return None
    return float(chosen.min()), float(chosen.max())
