"""Lines of labels to rows of figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from pipeline.tables.whitespace.pieces import FEWEST, Piece, clusters, text_lines

WRAPPED = 1.8
"""Largest distance of lines, in heights of characters, inside one cell."""
ALONE_WRAPPED = 1.45
"""The same inside a label without figures, which nothing else holds together."""
GROUPED = 0.3
"""Least share of labels that begin beside group labels where there are any."""
LOST, ALONE = 0.6, 0.8
"""Cost of a row without a label and of a label without figures, against labels off the middle by their height."""


@dataclass(slots=True)
class Band:
    """One printed row.

    Attributes:
        y: height of its figures; y0, y1: from where to where its content reaches.
        cells: (x0, x1) of its value cells, or of the caption that spans the table.
        start: where its label begins, which may reach over several columns of labels.
        caption: whether it spans the table.
    """

    y: float
    y0: float
    y1: float
    cells: tuple[tuple[float, float], ...]
    start: float
    caption: bool = False


def group_labels(stub: Sequence[Piece], edge: float, unit: float) -> tuple[list[Piece], list[float]]:
    """Pieces of labels that stand beside the labels of several rows, and where the columns of labels begin."""
    beside = [
        (one, other)
        for one in stub
        for other in stub
        if other.x0 > one.x1 - 0.3 * unit
        and abs(other.y - one.y) < 0.75 * unit
        and (one.width > 1.3 * unit or _is_upright(one, stub, unit))
    ]
    lefts = {id(one) for one, _ in beside}
    rights = [other.x0 for _, other in beside if id(other) not in lefts]
    if not rights:
        return [], []
    # Most labels of rows begin at one place; the words after a number may begin anywhere.
    start = max(rights, key=lambda x: (sum(abs(x - p.x0) < 0.5 * unit for p in stub), -x))
    if start > edge - 2.0 * unit:
        return [], []
    outer = [p for p in stub if p.x1 <= start + 0.3 * unit]
    inner = np.array([p.y for p in stub if p.x0 >= start - 0.6 * unit])
    flush = sum(abs(p.x0 - start) < unit for p in stub)
    # The words after a bracket of a centred label begin anywhere.
    if len(inner) < GROUPED * (len(stub) - len(lefts)) or flush < max(FEWEST, GROUPED * len(inner)):
        return [], []
    groups = [
        p
        for p in outer
        if id(p) in lefts
        or (((inner < p.y) & (inner > p.y - 3.0 * unit)).any() and ((inner > p.y) & (inner < p.y + 3.0 * unit)).any())
    ]
    columns = clusters(groups, 0.1 * unit)
    ends = [x1 for _, x1, _ in columns]
    begins = [x0 for x0, _, _ in columns[1:]] + [start]
    return groups, [(a + b) / 2 for a, b in zip(ends, begins, strict=True)]


def _is_upright(piece: Piece, stub: Sequence[Piece], unit: float) -> bool:
    """Whether a character belongs to a label that is written downwards."""
    return any(
        other is not piece
        and other.width < 1.3 * unit
        and abs(other.x - piece.x) < 0.35 * unit
        and abs(other.y - piece.y) < 1.42 * unit
        for other in stub
    )


def label_bands(bands: list[Band], leaves: Sequence[Piece], starts: Sequence[float], unit: float) -> None:
    """Give every band its lines of labels; lines that fit none become bands without figures."""
    own = sorted((band for band in bands if not band.caption), key=lambda band: band.y)
    texts = text_lines(leaves, unit)
    for index, group in _matched([(min(p.y0 for p in t), max(p.y1 for p in t)) for t in texts], own, unit):
        lines = [p for t in group for p in texts[t]]
        y0, y1, x0 = min(p.y0 for p in lines), max(p.y1 for p in lines), min(p.x0 for p in lines)
        start = max([s for s in starts if s <= x0 + 0.5 * unit], default=starts[0])
        if index is None:
            near = min(own, key=lambda band: abs(band.y - (y0 + y1) / 2))
            bands.append(Band((y0 + y1) / 2, y0, y1, near.cells, start))
            continue
        band = own[index]
        band.y0, band.y1, band.start = min(band.y0, y0), max(band.y1, y1), start


def _matched(
    texts: Sequence[tuple[float, float]], bands: Sequence[Band], unit: float
) -> list[tuple[int | None, range]]:
    """Lines of text in order to bands in order: the cheapest way by dynamic programming.

    Lines of one band stand close to each other and their middle at its height.
    """
    centres = [(y0 + y1) / 2 for y0, y1 in texts]

    @cache
    def best(text: int, band: int) -> tuple[float, tuple[int, bool]]:
        if text == len(texts) and band == len(bands):
            return 0.0, (0, False)
        options: list[tuple[float, tuple[int, bool]]] = []
        if band < len(bands):
            options.append((LOST + best(text, band + 1)[0], (0, True)))
        for count in range(1, 7):
            last = text + count - 1
            if last >= len(texts) or (count > 1 and centres[last] - centres[last - 1] > WRAPPED * unit):
                break
            if band < len(bands):
                off = abs((texts[text][0] + texts[last][1]) / 2 - bands[band].y) / unit
                if off < 1.0:
                    options.append((off + best(last + 1, band + 1)[0], (count, True)))
            if count == 1 or centres[last] - centres[last - 1] < ALONE_WRAPPED * unit:
                options.append((ALONE + best(last + 1, band)[0], (count, False)))
        return min(options)

    found: list[tuple[int | None, range]] = []
    text = band = 0
    while text < len(texts) or band < len(bands):
        count, used = best(text, band)[1]
        if count:
            found.append((band if used else None, range(text, text + count)))
        text, band = text + count, band + used
    return found
