"""What came in equals what was dealt with and what is carried on: Σ left = Σ right.

The relation printed at the head of the table of requests: the first item and the second make the third and the
fourth.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.domain import CellKey, Finding, RuleSpec, Value
from pipeline.rules._sides import both_sides, finding

KIND = "carry_over"
EQUATION = True


def check(rule: RuleSpec, values: Mapping[CellKey, Value | None]) -> Finding | None:
    """Return a finding when the two sums differ: what came in is expected, what became of it is printed."""
    sides = both_sides(rule, values)
    if sides is None:
        return None
    came_in, became = sides
    return None if came_in.total == became.total else finding(rule, expected=came_in.worked, printed=became.worked)
