"""Copies of labels as a poor scan would show them: misread, dropped and added characters, lost surroundings."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from pipeline.domain import LabelContext
from pipeline.labels.dataset import Example
from pipeline.labels.features import UNKNOWN
from pipeline.labels.normalise import normalise

Confusions = Mapping[str, Sequence[str]]

# About one character in eight, the most that a bad fax loses.
_EDITS_PER_CHARACTER = 1 / 8
_FIELDS = ("parent", "section", "previous", "following")


def measured_confusions(examples: Iterable[Example]) -> Confusions:
    """Which characters the engines took for which, from the labels they misread (repeated as often as seen)."""
    seen: Counter[tuple[str, str]] = Counter()
    for example in examples:
        if example.source.startswith("ocr:"):
            printed, read = normalise(example.base), normalise(example.context.text)
            matcher = SequenceMatcher(None, printed, read, autojunk=False)
            for kind, a0, a1, b0, b1 in matcher.get_opcodes():
                if kind == "replace" and a1 - a0 == b1 - b0:
                    seen.update(zip(printed[a0:a1], read[b0:b1], strict=True))
    confusions: dict[str, list[str]] = {}
    for (printed, read), count in sorted(seen.items()):
        confusions.setdefault(printed, []).extend([read] * count)
    return confusions


def misread(text: str, confusions: Confusions, alphabet: Sequence[str], rng: random.Random) -> str:
    """``text`` with up to two misread characters in every eight; never all of them.

    Args:
        text: a label or part of its surroundings.
        confusions: what a character is taken for.
        alphabet: characters that stand in for others when nothing was measured.
        rng: source of chance.
    """
    characters = list(text)
    most = max(1, round(2 * len(text) * _EDITS_PER_CHARACTER)) if len(text) > 2 else 0
    for _ in range(rng.randint(0, most)):
        at = rng.randrange(len(characters))
        kind = rng.random()
        if kind < 0.35 and len(characters) > 2:
            del characters[at]
        elif kind < 0.9:
            taken_for = confusions.get(characters[at])
            measured = taken_for is not None and rng.random() < 0.5
            characters[at] = rng.choice(taken_for) if taken_for is not None and measured else _stranger(alphabet, rng)
        else:
            characters.insert(at, _stranger(alphabet, rng))
    return "".join(characters)


def degraded(example: Example, confusions: Confusions, alphabet: Sequence[str], rng: random.Random) -> Example:
    """A copy of the example, misread, with each part of its surroundings lost half of the time."""
    context = example.context
    kept = {
        name: misread(getattr(context, name), confusions, alphabet, rng) if rng.random() < 0.5 else ""
        for name in _FIELDS
    }
    if rng.random() < 0.25:
        kept = dict.fromkeys(_FIELDS, "")
    placed = rng.random() < 0.5
    lost = LabelContext(
        text=misread(context.text, confusions, alphabet, rng),
        position=context.position if placed else 0.0,
        columns=context.columns if placed else 0,
        **kept,
    )
    return replace(example, context=lost)


def _stranger(alphabet: Sequence[str], rng: random.Random) -> str:
    return UNKNOWN if rng.random() < 0.5 else rng.choice(alphabet)
