"""Kinds of arithmetic rules. A module in this folder is its own registration; its instances stand in the form files.

Each module has ``KIND``, the name used in the form files, and ``check(rule, values)``, which returns a
:class:`~pipeline.domain.Finding` when the printed figures break the rule and None when they keep it or when it
cannot be judged.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping

from pipeline.domain import CellKey, Finding, RuleSpec, Value

Check = Callable[[RuleSpec, Mapping[CellKey, Value | None]], Finding | None]

__all__ = ["KINDS", "Check", "check_all"]


def _find_kinds() -> dict[str, Check]:
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {module.KIND: module.check for module in modules}


KINDS: Mapping[str, Check] = _find_kinds()


def check_all(rules: Iterable[RuleSpec], values: Mapping[CellKey, Value | None]) -> tuple[Finding, ...]:
    """Return what the printed figures do not satisfy, in the order of the rules.

    Args:
        rules: the rules of one form.
        values: the parsed cells; a cell that is absent or None was not found or not read.
    """
    findings = (KINDS[rule.kind](rule, values) for rule in rules)
    return tuple(found for found in findings if found is not None)
