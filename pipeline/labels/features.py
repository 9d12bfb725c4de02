"""What the classifier is told about a label, as a row of short texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.domain import LabelContext
from pipeline.labels.normalise import normalise, split_enumeration

SCHEMA = 1
"""Number of the meaning of the fields; a model made for another one is refused."""

FIELDS = ("text", "numerals", "parent", "section", "previous", "following", "place")
UNKNOWN = "□"
_START, _END = "^", "$"
# Two of the text's own characters say more than any neighbour does; the numerals change from office to office.
WEIGHTS = {
    "text": 1.0,
    "numerals": 0.2,
    "parent": 0.5,
    "section": 0.35,
    "previous": 0.35,
    "following": 0.35,
    "place": 0.25,
}
# Longest label on a form, and then some: what follows is a gloss.
_LONGEST = 80
_NEIGHBOUR = 24


def field_table(contexts: Sequence[LabelContext], characters: frozenset[str]) -> NDArray[Any]:
    """The fields of each label, object array of shape (n, 7) in the order of ``FIELDS``.

    Args:
        contexts: labels with their surroundings.
        characters: those the forms use; any other becomes one and the same sign, so that a misread character is
            known to be one.
    """
    table = np.empty((len(contexts), len(FIELDS)), dtype=object)
    for index, context in enumerate(contexts):
        numerals, text = split_enumeration(normalise(context.text))
        table[index] = [
            _framed(text[:_LONGEST], characters),
            " ".join(f"n{part}" for part in numerals.split()),
            *(
                _framed(split_enumeration(normalise(field))[1][:_NEIGHBOUR], characters)
                for field in (context.parent, context.section, context.previous, context.following)
            ),
            _place(context, text),
        ]
    return table


def known_characters(texts: Iterable[str]) -> frozenset[str]:
    """The characters of labels once normalised."""
    return frozenset(character for text in texts for character in normalise(text))


def _framed(text: str, characters: frozenset[str]) -> str:
    if not text:
        return ""
    return _START + "".join(c if c in characters else UNKNOWN for c in text) + _END


def _place(context: LabelContext, text: str) -> str:
    """Words for where the label stands, how many values stand beside it and how long it is."""
    tokens = [f"length{min(len(text), 3)}" if len(text) < 4 else f"length{min(len(text).bit_length(), 6)}x"]
    if context.columns > 0:
        tokens += [f"columns{min(context.columns, 8)}", f"place{round(context.position * 8)}"]
    return " ".join(tokens)
