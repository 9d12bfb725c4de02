"""From a clean page to the exact cells of its ruled tables and the lines of text around them."""

from __future__ import annotations

from pipeline.tables.grids import find_grids
from pipeline.tables.lines import find_lines

__all__ = ["find_grids", "find_lines"]
