"""Decoding of a recogniser trained with connectionist temporal classification.

Graves et al., "Connectionist temporal classification" (ICML 2006): a text's probability is the sum over all
ways to stretch it over the time steps, with a blank between; equal neighbours collapse into one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Alternative

Probabilities = NDArray[np.float32]

# A character less likely than this at a step opens no alternative.
_NEGLIGIBLE = 1e-4


class Peak(NamedTuple):
    """A character, the step at which it is most probable, and its probability there."""

    character: str
    probability: float
    step: int


def greedy(probabilities: Probabilities, characters: Sequence[str]) -> Alternative:
    """The most probable character at every step, collapsed.

    Args:
        probabilities: shape (steps, 1 + len(characters)); column 0 is the blank.
        characters: the text of columns 1 and up.

    Returns:
        The text and its probability, as `text_of` says.
    """
    return text_of(peaks(probabilities, characters))


def peaks(probabilities: Probabilities, characters: Sequence[str]) -> list[Peak]:
    """The characters that `greedy` reads, in order; its arguments."""
    best = probabilities.argmax(axis=1)
    values = probabilities[np.arange(len(best)), best]
    found: list[Peak] = []
    previous = 0
    for step, (index, value) in enumerate(zip(best.tolist(), values.tolist(), strict=True)):
        if index != 0 and index != previous:
            found.append(Peak(characters[index - 1], value, step))
        elif index != 0 and value > found[-1].probability:
            found[-1] = Peak(characters[index - 1], value, step)
        previous = index
    return found


def text_of(found: Sequence[Peak]) -> Alternative:
    """The text of characters and its probability.

    The probability is the geometric mean over the characters, so that long lines are not punished for their length; 0
    when there is no character.
    """
    if not found:
        return Alternative("", 0.0)
    mean = sum(math.log(max(peak.probability, 1e-9)) for peak in found) / len(found)
    return Alternative("".join(peak.character for peak in found), min(1.0, math.exp(mean)))


def beam(probabilities: Probabilities, characters: Sequence[str], width: int = 12) -> list[Alternative]:
    """Prefix beam search: the most probable texts with the sum of all their stretchings.

    Args:
        probabilities: shape (steps, 1 + len(characters)); column 0 is the blank. Rows may sum to less than
            1: what is missing went to characters outside the alphabet and is lost to every text.
        characters: the text of columns 1 and up.
        width: number of prefixes kept at each step.

    Returns:
        Alternatives, most probable first; their probabilities sum to at most 1.
    """
    # prefix of columns -> (probability ending in blank, probability ending in its last character)
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}
    for row, likely in zip(probabilities.tolist(), probabilities > _NEGLIGIBLE, strict=True):
        columns = [column for column in np.flatnonzero(likely).tolist() if column > 0]
        if not columns:
            beams = {
                prefix: ((in_blank + in_last) * row[0], in_last * row[prefix[-1] if prefix else 0])
                for prefix, (in_blank, in_last) in beams.items()
            }
            continue
        grown: dict[tuple[int, ...], list[float]] = {}
        for prefix, (in_blank, in_last) in beams.items():
            last = prefix[-1] if prefix else 0
            entry = grown.setdefault(prefix, [0.0, 0.0])
            entry[0] += (in_blank + in_last) * row[0]
            entry[1] += in_last * row[last]
            for column in columns:
                before = in_blank if last == column else in_blank + in_last
                if before > 0.0:
                    grown.setdefault((*prefix, column), [0.0, 0.0])[1] += before * row[column]
        ranked = list(grown.items())
        if len(ranked) > width:
            ranked.sort(key=lambda item: (-(item[1][0] + item[1][1]), item[0]))
        beams = {prefix: (pair[0], pair[1]) for prefix, pair in ranked[:width]}
    texts: defaultdict[str, float] = defaultdict(float)
    for prefix, (in_blank, in_last) in beams.items():
        texts["".join(characters[column - 1] for column in prefix)] += in_blank + in_last
    ordered = sorted(texts.items(), key=lambda item: (-item[1], item[0]))
    return [Alternative(text, min(1.0, probability)) for text, probability in ordered]
