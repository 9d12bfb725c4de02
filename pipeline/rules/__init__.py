"""Kinds of arithmetic rules. A module in this folder is its own registration; its instances stand in the form files.

Each module has ``KIND``, the name used in the form files, ``EQUATION``, whether both sides must be equal, so that one
wrong cell alone always breaks the rule (else the left side is at most the right), and ``check(rule, values)``: a
:class:`~pipeline.domain.Finding` when the printed figures break the rule, None when they keep it or when it cannot be
judged.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from decimal import Decimal
from types import ModuleType

from pipeline.domain import CellKey, Finding, Mark, RuleSpec, Value
from pipeline.rules._sides import both_sides

Check = Callable[[RuleSpec, Mapping[CellKey, Value | None]], Finding | None]

__all__ = [
    "EQUATIONS",
    "KINDS",
    "Check",
    "at_odds",
    "both_sides",
    "check_all",
    "count_support",
    "count_vouched",
    "digits_lost",
    "misfits",
    "open_totals",
    "unfilled",
]


def _modules() -> list[ModuleType]:
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


KINDS: Mapping[str, Check] = {module.KIND: module.check for module in _modules()}
EQUATIONS = frozenset(module.KIND for module in _modules() if module.EQUATION)


def check_all(rules: Iterable[RuleSpec], values: Mapping[CellKey, Value | None]) -> tuple[Finding, ...]:
    """Return what the printed figures do not satisfy, in the order of the rules.

    Args:
        rules: the rules of one form.
        values: the parsed cells; a cell that is absent or None was not found or not read.
    """
    findings = (KINDS[rule.kind](rule, values) for rule in rules)
    return tuple(found for found in findings if found is not None)


def count_support(
    rules: Iterable[RuleSpec], values: Mapping[CellKey, Value | None], odd: Container[str] = ()
) -> Counter[CellKey]:
    """How many equations each cell takes part in that can be judged and hold: a wrong figure would break them.

    Of ``odd`` tables, as from `at_odds`, those of nothing but noughts do not count: they hold wherever noughts stand.
    """
    support: Counter[CellKey] = Counter()
    for rule in rules:
        if rule.kind in EQUATIONS and both_sides(rule, values) is not None and KINDS[rule.kind](rule, values) is None:
            cells = (*rule.left, *rule.right)
            if _has_amounts(cells, values) or not any(key.table_id in odd for key in cells):
                support.update(cells)
    return support


def _has_amounts(cells: Iterable[CellKey], values: Mapping[CellKey, Value | None]) -> bool:
    """Whether any of the cells holds a figure other than 0."""
    return any(value.number for key in cells if (value := values.get(key)) is not None)


def at_odds(rules: Iterable[RuleSpec], values: Mapping[CellKey, Value | None]) -> frozenset[str]:
    """Tables whose figures may stand in other rows or columns than they seem to.

    Only equations tell in which something is added up: where there are any, more must hold than fail. So must those
    along rows by themselves: where the grid is a column off, sums down its columns hold all the same.
    """
    balance: dict[tuple[str, bool], int] = {}
    for rule in rules:
        cells = (*rule.left, *rule.right)
        if rule.kind not in EQUATIONS or not _has_amounts(cells, values):
            continue
        holds = KINDS[rule.kind](rule, values) is None
        speaks = 0 if both_sides(rule, values) is None else 1 if holds else -1
        along_row = len({(key.table_id, key.row_id) for key in cells}) == 1
        for table in {key.table_id for key in cells}:
            for only_rows in {False, along_row}:
                balance[table, only_rows] = balance.get((table, only_rows), 0) + speaks
    return frozenset(table for (table, _), each in balance.items() if each <= 0)


def misfits(rules: Iterable[RuleSpec], values: Mapping[CellKey, Value | None]) -> frozenset[CellKey]:
    """Cells against which all their equations speak, two at least, and which one and the same figure would mend.

    That two sums fail by the same amount is no chance: where they cross, the picture was misread or the print is wrong.
    """
    lacking: dict[CellKey, list[Decimal]] = defaultdict(list)
    for rule in rules:
        sides = both_sides(rule, values) if rule.kind in EQUATIONS else None
        if sides is not None:
            left, right = sides
            for key in rule.left:
                lacking[key].append(right.total - left.total)
            for key in rule.right:
                lacking[key].append(left.total - right.total)
    return frozenset(key for key, by in lacking.items() if len(by) > 1 and by[0] != 0 and len(set(by)) == 1)


def open_totals(rules: Iterable[RuleSpec], values: Mapping[CellKey, Value | None]) -> frozenset[CellKey]:
    """Cells that alone are one side of an equation and show no figure, while the other side adds up to something.

    An agency may leave its totals blank; where it does not, a figure was overlooked.
    """
    return frozenset(side[0] for side in _sides_without_figure(rules, values) if len(side) == 1)


def unfilled(rules: Iterable[RuleSpec], values: Mapping[CellKey, Value | None]) -> frozenset[CellKey]:
    """Cells of a side of an equation that shows no figure, while the other side adds up to something.

    One of them at least should hold a figure, though the equation cannot be judged without it.
    """
    return frozenset(key for side in _sides_without_figure(rules, values) for key in side)


def _sides_without_figure(
    rules: Iterable[RuleSpec], values: Mapping[CellKey, Value | None]
) -> Iterator[tuple[CellKey, ...]]:
    for rule in (rule for rule in rules if rule.kind in EQUATIONS):
        for side, others in ((rule.left, rule.right), (rule.right, rule.left)):
            marks = [value.mark for key in side if (value := values.get(key)) is not None]
            bare = len(marks) == len(side) and all(mark in (Mark.BLANK, Mark.SLASH, Mark.DASH) for mark in marks)
            if bare and _has_amounts(others, values):
                yield side


def digits_lost(rules: Iterable[RuleSpec], values: Mapping[CellKey, Value | None]) -> frozenset[CellKey]:
    """Figures for which an equation fails that would hold if they had one digit more, at their beginning or their end.

    A misprint hardly ever is just that; a digit that was taken for a part of the border is.
    """
    found = set()
    for rule in rules:
        sides = both_sides(rule, values) if rule.kind in EQUATIONS else None
        if sides is None or KINDS[rule.kind](rule, values) is None:
            continue
        missing = sides[1].total - sides[0].total
        for cells, more in ((rule.left, missing), (rule.right, -missing)):
            for key in cells:
                value = values.get(key)
                if value is not None and value.number is not None and _is_longer(value.number, value.number + more):
                    found.add(key)
    return frozenset(found)


def _is_longer(short: Decimal, whole: Decimal) -> bool:
    """Whether a figure is another one with a digit more."""
    if short <= 0 or short != short.to_integral_value() or whole != whole.to_integral_value():
        return False
    digits, others = f"{short:.0f}", f"{whole:.0f}"
    return len(others) == len(digits) + 1 and (others.endswith(digits) or others.startswith(digits))


def count_vouched(
    rules: Iterable[RuleSpec], values: Mapping[CellKey, Value | None], well_read: Container[CellKey]
) -> Counter[CellKey]:
    """How many equations that can be judged each doubtful cell takes part in whose other cells are all well read.

    What two doubtful cells of one equation say in each other's favour counts little: a reader that takes a stroke for a
    1 does so in the detail and in the total.
    """
    vouched: Counter[CellKey] = Counter()
    for rule in rules:
        open_cells = [key for key in (*rule.left, *rule.right) if key not in well_read]
        if rule.kind in EQUATIONS and len(open_cells) == 1 and both_sides(rule, values) is not None:
            vouched.update(open_cells)
    return vouched
