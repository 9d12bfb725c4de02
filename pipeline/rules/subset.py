"""A part is at most the whole, or at most the sum of several wholes: Σ left ≤ Σ right."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.domain import CellKey, Finding, RuleSpec, Value
from pipeline.rules._sides import both_sides, finding

KIND = "subset"
EQUATION = False


def check(rule: RuleSpec, values: Mapping[CellKey, Value | None]) -> Finding | None:
    """Return a finding when the part (left) exceeds the whole (right)."""
    sides = both_sides(rule, values)
    if sides is None:
        return None
    part, whole = sides
    return None if part.total <= whole.total else finding(rule, expected=f"≤ {whole.worked}", printed=part.worked)
