"""Lines of figures, and which of them share a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipeline.tables.whitespace.pieces import Piece, find_figures, runs

NARRATIVE = 0.62
"""Share of the width of all text from which an unbroken line is taken for narrative."""
HEADING = 10.5
"""Least length, in characters, of a heading as large as the table; captions are shorter."""
BREAK = 3.4
"""White between lines, in heights of characters, that ends a table."""
HEADER = 16.0
"""Height of a heading and a header above a row of many figures, in heights of characters."""
WIDE = 10
"""Lines with so many figures do not share a table with lines of fewer."""
CLEAR = 0.9
"""Words at least this far above or below figures, in heights of characters, do not belong to their row."""


@dataclass(frozen=True, slots=True)
class Line:
    """Figures side by side: the height of their line and what stands on it."""

    y: float
    figures: tuple[Piece, ...]


def figure_lines(pieces: Sequence[Piece], unit: float) -> list[Line]:
    """Figures among pieces, grouped by height; those among the words of a header are none."""
    figures = find_figures(pieces, unit)
    words = [p for p in pieces if p.width > 1.4 * unit and p not in figures]
    figures = [p for p in figures if not any(o.x0 > p.x1 and abs(o.y - p.y) < 0.75 * unit for o in words)]
    groups: list[list[Piece]] = []
    for piece in sorted(figures, key=lambda p: p.y):
        if groups and piece.y - np.mean([p.y for p in groups[-1]]) <= 0.45 * unit:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    lines = []
    for group in groups:
        y, first = float(np.median([p.y for p in group])), min(p.x1 for p in group)
        after = sum(p.x0 > first and abs(p.y - y) < 1.25 * unit for p in words)
        if after <= 2 * len(group):
            lines.append(Line(y, tuple(sorted(group, key=lambda p: p.x0))))
    return lines


def table_regions(
    lines: Sequence[Line], pieces: Sequence[Piece], unit: float
) -> Iterator[tuple[float, float, list[Line]]]:
    """Lines of figures that belong to one table, and from where to where along y it may reach."""
    barriers = [float(np.mean([p.y for p in run])) for run in runs(pieces) if _is_barrier(run, lines, pieces, unit)]
    edges = sorted(y for piece in pieces for y in (piece.y0, piece.y1))
    covered = np.zeros(int(max(edges)) + 2, dtype=bool)
    for piece in pieces:
        covered[int(piece.y0) : int(np.ceil(piece.y1)) + 1] = True
    white = np.flatnonzero(~covered)
    for run in np.split(white, np.flatnonzero(np.diff(white) > 1) + 1):
        if len(run) >= BREAK * unit:
            barriers.append(float(run.mean()))
    # Characters written downwards above many figures may look like figures; rows have labels.
    rows = [line for line in lines if len(line.figures) >= WIDE or _is_labelled(line, pieces, unit)]
    for above, below in pairwise(rows):
        if (len(above.figures) >= WIDE) != (len(below.figures) >= WIDE):
            between = [p for p in pieces if above.y + CLEAR * unit < p.y < below.y - CLEAR * unit]
            widest = max(between, key=lambda p: p.width, default=None)
            barriers.append((above.y + below.y) / 2 if widest is None else widest.y)
    stops = sorted([*barriers, -np.inf, np.inf])
    for top, bottom in pairwise(stops):
        top, bottom = top + 0.6 * unit, bottom - 0.6 * unit
        own = [line for line in lines if top < line.y < bottom]
        if own:
            yield top, bottom, own


def _is_labelled(line: Line, pieces: Sequence[Piece], unit: float) -> bool:
    return any(p.width > 1.5 * unit and p.x1 < line.figures[0].x0 and abs(p.y - line.y) < CLEAR * unit for p in pieces)


def _is_barrier(run: Sequence[Piece], lines: Sequence[Line], pieces: Sequence[Piece], unit: float) -> bool:
    """Whether a run is a line of narrative, or a heading.

    A heading stands alone on its line, in larger characters than the table's, or reaches from the labels into the
    columns of figures and is too long for a caption; or it stands right above a row of many figures, as no label does.
    """
    x0, x1, y = run[0].x0, max(p.x1 for p in run), float(np.mean([p.y for p in run]))
    wide = [p for p in pieces if p.width > 3.0 * unit] or pieces
    left = float(np.percentile([p.x0 for p in wide], 5))
    right = float(np.percentile([p.x1 for p in pieces if p.height > 0.5 * unit], 98))
    if x1 - x0 > NARRATIVE * (right - left) and x1 - left > 0.85 * (right - left):
        return True
    beside = [p for p in pieces if p not in run and abs(p.y - y) < 0.6 * unit]
    # The number of a heading may stand a little apart.
    apart = [p for p in beside if p.width > 2.5 * unit or abs(p.x - x0) > 4.0 * unit]
    # Commas between its words are low.
    if (
        x1 - x0 >= HEADING * unit
        and not any(p.height > 0.5 * unit for p in apart)
        and _is_above_strip(run, lines, unit)
    ):
        return True
    if x1 - x0 < 4.0 * unit or apart:
        return False
    usual = float(np.median([p.core for p in wide]))
    if float(np.average([p.core for p in run], weights=[p.width for p in run])) >= 1.2 * usual:
        return True
    above = [line.figures[0].x0 for line in lines if unit < y - line.y < 12.0 * unit]
    below = [line.figures[0].x0 for line in lines if unit < line.y - y < 12.0 * unit]
    first = float(np.median(above or below or [np.inf]))
    if any(abs(line.y - y) <= unit and line.figures[0].x0 > x1 for line in lines):
        return False
    return x1 - x0 >= HEADING * unit and x0 < first - 2.0 * unit and x1 > first + 2.0 * unit


def _is_above_strip(run: Sequence[Piece], lines: Sequence[Line], unit: float) -> bool:
    """Whether no figures stand beside a run, and so many near below that only a header is between them."""
    y, end = float(np.mean([p.y for p in run])), max(p.x1 for p in run)
    if any(abs(line.y - y) <= unit and line.figures[-1].x0 > end for line in lines):
        return False
    return any(len(line.figures) >= WIDE and unit < line.y - y < HEADER * unit for line in lines)
