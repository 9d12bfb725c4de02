"""Whether a page can be read as it lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.domain import Mark, Reading, TextLine
from pipeline.reading.lines import titles_of
from pipeline.reading.readers import Readers
from pipeline.values import parse_value

# A page whose words or figures read worse than this on average stands on its side or on its head.
_LEGIBLE = 0.6
# What dashes are read as where they stand upright, one or several in line.
_ON_ITS_SIDE = frozenset("1-—+")


def legibility(readings: Sequence[Reading]) -> tuple[float, bool]:
    """How much of the cells can be read, and whether that is as much as on an upright page.

    Upside down neither words nor figures are sure, and of many words nothing is read at all. On its side words may be:
    a column of characters turns into a line that recognisers know from vertical print. Figures are not, so that the
    amount counts in proportion to how surely they are read. Dashes look the same on their head and like ones on their
    side: neither says anything.
    """
    words = [r for r in readings if (len(r.text) > 1 and not _is_figure(r.text)) or _is_unread(r)]
    figures = [r for r in readings if parse_value(r.text).mark is Mark.NUMBER and set(r.text) - _ON_ITS_SIDE]
    amount = sum(len(r.text) * r.probability for r in (*words, *figures) if r.probability >= _LEGIBLE)
    amount *= (1.0 + sum(r.probability for r in figures)) / (1.0 + len(figures))
    sure = [float(np.mean([r.probability for r in some])) >= _LEGIBLE for some in (words, figures) if len(some) > 2]
    return amount, len(words) > 2 and all(sure)


def legible_titles(lines: Sequence[TextLine], readers: Readers) -> float:
    """How much of the titles and headings of a page can be read, in characters."""
    readings = readers.engine.read_labels([line.pixels for line in titles_of(lines)])
    return sum(len(r.text) * r.probability for r in readings if r.probability >= _LEGIBLE)


def _is_unread(reading: Reading) -> bool:
    """Whether something is printed that no reader could make anything of."""
    return not reading.text.strip() and reading.probability < _LEGIBLE


def _is_figure(text: str) -> bool:
    """Whether a text is a figure or a mark; blank is neither."""
    return bool(text.strip()) and parse_value(text).mark in {Mark.NUMBER, Mark.SLASH, Mark.DASH}
