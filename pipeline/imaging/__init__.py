"""From a page as decoded to a clean picture: even light, no coloured seals, level and upright."""

from __future__ import annotations

from pipeline.imaging.columns import has_columns
from pipeline.imaging.ink import darkness
from pipeline.imaging.page import clean, clean_glance, close_up, resolution, turn
from pipeline.imaging.rules import glance, has_rules
from pipeline.imaging.upright import orientation_candidates

__all__ = [
    "clean",
    "clean_glance",
    "close_up",
    "darkness",
    "glance",
    "has_columns",
    "has_rules",
    "orientation_candidates",
    "resolution",
    "turn",
]
