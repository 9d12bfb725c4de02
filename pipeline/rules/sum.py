"""A total is the sum of its parts: left = Σ right."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.domain import CellKey, Finding, RuleSpec, Value
from pipeline.rules._sides import both_sides, finding

KIND = "sum"
EQUATION = True


def check(rule: RuleSpec, values: Mapping[CellKey, Value | None]) -> Finding | None:
    """Return a finding when the printed total (left) is not the sum of the parts (right)."""
    sides = both_sides(rule, values)
    if sides is None:
        return None
    total, parts = sides
    return None if total.total == parts.total else finding(rule, expected=parts.worked, printed=total.worked)
