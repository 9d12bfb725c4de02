"""The two sides of a relation, added up exactly: what every kind of rule needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact

from pipeline.domain import CellKey, Finding, Mark, RuleSpec, Value

# Sums are exact or an error: 100 digits are far beyond any figure on a form.
_EXACT = Context(prec=100, traps=[Inexact])


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a relation: its total, and the terms that are not zero."""

    total: Decimal
    terms: tuple[Decimal, ...]

    @property
    def worked(self) -> str:
        """The side as a person would check it: ``31 = 15+7+9``, or ``31`` alone where one term makes it up."""
        if len(self.terms) < 2:
            return _plain(self.total)
        return f"{_plain(self.total)} = {'+'.join(_term(term) for term in self.terms)}"


def both_sides(rule: RuleSpec, values: Mapping[CellKey, Value | None]) -> tuple[Side, Side] | None:
    """Return both sides of a rule, or None where it cannot be judged.

    A blank, slash or dash counts as 0, as agencies may leave what did not occur empty. A rule cannot be judged
    when one of its cells is missing, unread or holds words, or when a side shows no figure at all (a total left
    blank, details nobody filled in).
    """
    left, right = _side(rule.left, values), _side(rule.right, values)
    return None if left is None or right is None else (left, right)


def finding(rule: RuleSpec, expected: str, printed: str) -> Finding:
    """Return the finding that a rule is broken."""
    return Finding(
        rule_id=rule.id,
        cells=rule.left + rule.right,
        expected=expected,
        printed=printed,
        reference=rule.reference,
        text=rule.text,
    )


def _side(cells: tuple[CellKey, ...], values: Mapping[CellKey, Value | None]) -> Side | None:
    numbers: list[Decimal] = []
    for cell in cells:
        value = values.get(cell)
        if value is None or value.mark is Mark.TEXT:
            return None
        if value.number is not None:
            numbers.append(value.number)
    if not numbers:
        return None
    total = Decimal(0)
    for number in numbers:
        total = _EXACT.add(total, number)
    return Side(total, tuple(number for number in numbers if number != 0))


def _plain(number: Decimal) -> str:
    return f"{number:f}"


def _term(number: Decimal) -> str:
    return f"({_plain(number)})" if number < 0 else _plain(number)
