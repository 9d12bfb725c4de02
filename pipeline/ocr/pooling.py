"""One reading out of several readers' readings of the same picture."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pipeline.domain import Alternative, Mark, Reading
from pipeline.values import parse_value

# What a reader gives a text that it did not list: it may have overlooked it.
_UNLISTED = 0.01
# How probable what is no value is before anything was seen, in terms of what is one.
_NO_VALUE = 0.05
# A figure with a speck at an end, and how likely it is that figure.
_SPECKED = re.compile(r"[.,]?([+\-—]?\d+)[.,]?")
_LIKELY = 0.5


def _is_no_value(text: str) -> bool:
    """Whether digits and marks make no figure, as in `0.` and `070`: specks make such, nobody prints them."""
    return text != "" and not any(character.isalpha() for character in text) and parse_value(text).mark is Mark.TEXT


def _likely(text: str) -> str | None:
    """The figure that a text which is no value most likely shows, None where there is none."""
    found = _SPECKED.fullmatch(text)
    figure = found[1] if found and found[1] != text else ""
    return figure if figure and parse_value(figure).mark is Mark.NUMBER else None


def _with_likely(alternatives: Sequence[Alternative]) -> list[Alternative]:
    """The alternatives, and what those that are no value most likely show."""
    found = list(alternatives)
    for each in alternatives:
        figure = _likely(each.text)
        if figure is not None:
            found.remove(each)
            share = _LIKELY * each.probability
            found += [Alternative(each.text, each.probability - share), Alternative(figure, share)]
    return found


def pool(readings: Sequence[Reading]) -> Reading:
    """Combine the readings of one picture by several readers into one.

    Logarithmic opinion pool (Genest & Zidek 1986, Statistical Science 1:114-135) with equal weights that are not
    normalised to one: the readers err independently of each other. Texts that parse to the same value are one text,
    spelled as the readers together find likeliest.
    Digits with a point or a comma at an end, where nobody prints one, count for the digits in part.
    """
    if len(readings) == 1:
        return readings[0]
    spellings: dict[object, dict[str, float]] = {}
    tables: list[dict[object, float]] = []
    for reading in readings:
        table: dict[object, float] = {}
        for alternative in _with_likely(reading.alternatives):
            value = parse_value(alternative.text)
            meaning = (value.mark, value.number, value.unit, alternative.text if value.mark is Mark.TEXT else "")
            spelling = spellings.setdefault(meaning, {})
            spelling[alternative.text] = spelling.get(alternative.text, 0.0) + alternative.probability
            table[meaning] = table.get(meaning, 0.0) + alternative.probability
        tables.append(table)
    spelled = {meaning: max(texts, key=texts.__getitem__) for meaning, texts in spellings.items()}
    weights = {
        m: (_NO_VALUE if _is_no_value(spelled[m]) else 1.0) * math.prod(max(t.get(m, 0.0), _UNLISTED) for t in tables)
        for m in spelled
    }
    # The mass that each reader leaves to texts that none of them lists keeps two doubtful readers doubtful.
    rest = math.prod(max(1.0 - sum(t.values()), _UNLISTED) for t in tables)
    total = sum(weights.values()) + rest
    ranked = sorted(weights.items(), key=lambda item: -item[1])
    reader = "+".join(dict.fromkeys(r.reader for r in readings))
    return Reading(tuple(Alternative(spelled[m], w / total) for m, w in ranked), reader, tuple(readings))
