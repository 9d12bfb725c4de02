"""Labels made from the forms alone: to learn from, and afresh to measure on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.domain import FormSpec, LabelContext
from pipeline.labels.dataset import Example
from pipeline.labels.generation.printed import printed
from pipeline.labels.generation.strangers import lines, strangers


def generate(forms: Sequence[FormSpec], seed: int) -> list[Example]:
    """Labels as printed and as offices alter them, lines, and what is on no form; a seed always gives the same."""
    return [*printed(forms, seed), *lines(forms, seed + 1), *strangers(forms, seed + 2)]


def without_repeats(examples: Iterable[Example]) -> list[Example]:
    """Each context once, rounded as it is stored; what is to be learned may not turn up in the test."""
    seen: dict[tuple[str, LabelContext], Example] = {}
    ordered = sorted(examples, key=lambda e: e.split, reverse=True)
    for example in ordered:
        context = replace(example.context, position=round(example.context.position, 3))
        seen.setdefault((example.label_id, context), replace(example, context=context))
    return list(seen.values())
