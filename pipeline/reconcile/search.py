"""The most probable ways to make relations hold: best-first search over deviations from the likeliest reading.

Every way deviates somewhere in each set of relations that contradict each other, so the search branches on the cells
of such a set (Reiter, "A theory of diagnosis from first principles", Artificial Intelligence 32, 1987); what it still
has to pay is at least the cheapest deviation of each of several sets without a common cell. Sums are Python integers.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, log

from pipeline.reconcile.table import WILD, Table

# Ways less probable than the best by more than this many nats (about one in a thousand) do not count.
SPAN = 7.0
_MOST_WAYS = 60


@dataclass(frozen=True, slots=True)
class Way:
    """One way to make the relations hold.

    Attributes:
        cost: nats above the table of likeliest readings.
        deviations: (cell, choice) where it differs from the likeliest reading, by cell.
        amounts: (cell, amount) of each cell whose value is none of the readings, None where relations leave it open.
        misprints: those of them that are rather wrong in print than unread.
    """

    cost: float
    deviations: tuple[tuple[int, int], ...]
    amounts: tuple[tuple[int, int | None], ...]
    misprints: frozenset[int]


@dataclass(slots=True)
class Budget:
    """How many tables may still be tried; shared by the searches of one report."""

    left: int


@dataclass(frozen=True, slots=True)
class _Conflict:
    """Relations that cannot all hold, and the cells whose deviation could mend them."""

    cells: tuple[int, ...]


_Equation = tuple[Mapping[int, int], int, frozenset[int]]


class Searcher:
    """Searches on one table; holds the sums of its likeliest readings."""

    def __init__(self, table: Table, budget: Budget) -> None:
        self._table = table
        self._budget = budget
        self._balance = [0] * len(table.relations)
        self._figures = [[0, 0] for _ in table.relations]
        self._unknown: list[dict[int, int]] = [{} for _ in table.relations]
        for number, relation in enumerate(table.relations):
            for cell, sign in relation.terms:
                self._apply(cell, table.suspects[cell].default, sign, number)
        self._ordered = [suspect.deviations() for suspect in table.suspects]
        self._cheapest = [
            suspect.costs[ordered[0]] if ordered else inf
            for suspect, ordered in zip(table.suspects, self._ordered, strict=True)
        ]

    def broken(self) -> list[int]:
        """Relations that the likeliest readings do not keep."""
        return [number for number in range(len(self._table.relations)) if self._breaks(number)]

    def judged(self, relation: int) -> bool:
        """Whether both sides of a relation show a figure."""
        return all(self._figures[relation])

    def ways(
        self,
        relations: Iterable[int],
        forced: Mapping[int, int],
        kept: Iterable[int] = (),
        limit: float = inf,
        most: int = _MOST_WAYS,
        spare: int = 0,
    ) -> tuple[list[Way], bool]:
        """The ways to make relations hold, cheapest first, and whether these are all within the span and the limit.

        Args:
            relations: those that must hold; so must every other that a deviation touches.
            forced: choices that are given; kept: cells that keep their likeliest reading.
            limit: greatest cost; most: number of ways after which the search ends.
            spare: how many tables may be tried for this search beyond what is left of the budget.
        """
        # What holds as long as nothing in it deviates has nothing to say until something does.
        interest = frozenset(n for n in relations if self._breaks(n) or (self._unknown[n] and self.judged(n)))
        start = tuple(sorted(forced.items()))
        found: list[Way] = []
        heap: list[tuple[float, int, tuple[tuple[int, int], ...], frozenset[int], _Conflict | Way]] = []

        def push(deviations: tuple[tuple[int, int], ...], fixed: frozenset[int]) -> None:
            cost = sum(self._table.suspects[cell].costs[choice] for cell, choice in deviations)
            if cost > limit:
                return
            self._budget.left -= 1
            conflicts, amounts = self._conflicts(interest, deviations, fixed)
            rest, used = 0.0, set[int]()
            for conflict in sorted(conflicts, key=lambda c: (len(c.cells), c.cells)):
                if used.isdisjoint(conflict.cells):
                    rest += min((self._cheapest[cell] for cell in conflict.cells), default=inf)
                    used.update(conflict.cells)
            if cost + rest > limit:
                return
            if conflicts:
                narrow = min(conflicts, key=lambda c: (len(c.cells), c.cells))
                heapq.heappush(heap, (cost + rest, 0, deviations, fixed, narrow))
                return
            # What the relations give to an unread cell may be one of its readings, or misprinted all the same.
            for cell, choice in self._listed(deviations, amounts):
                if cell not in fixed:
                    push(tuple(sorted((*deviations, (cell, choice)))), fixed | {cell})
            way = self._settle(cost, deviations, amounts)
            if way.cost <= limit:
                heapq.heappush(heap, (way.cost, 1, deviations, fixed, way))

        push(start, frozenset(kept) | frozenset(forced))
        while heap and self._budget.left + spare > 0 and len(found) < most:
            _, _, deviations, fixed, step = heapq.heappop(heap)
            if isinstance(step, Way):
                if not found:
                    limit = min(limit, step.cost + SPAN)
                found.append(step)
                continue
            tried: set[int] = set()
            for cell in sorted(step.cells, key=lambda c: (self._cheapest[c], c)):
                tried.add(cell)
                for choice in self._ordered[cell]:
                    push(tuple(sorted((*deviations, (cell, choice)))), fixed | tried)
        return found, self._budget.left + spare > 0 and not heap

    def _apply(self, cell: int, choice: int, sign: int, number: int) -> None:
        side = 0 if sign > 0 else 1
        if choice == WILD:
            self._unknown[number][cell] = sign
            self._figures[number][side] += 1
        else:
            self._balance[number] += sign * self._table.suspects[cell].choices[choice].amount
            self._figures[number][side] += self._table.suspects[cell].choices[choice].figure

    def _breaks(self, number: int) -> bool:
        balance = self._balance[number]
        wrong = balance != 0 if self._table.relations[number].equation else balance > 0
        return wrong and self.judged(number) and not self._unknown[number]

    def _conflicts(
        self, interest: frozenset[int], deviations: tuple[tuple[int, int], ...], fixed: frozenset[int]
    ) -> tuple[list[_Conflict], dict[int, int]]:
        """Sets of relations that contradict each other, and the values that relations give to wild cells."""
        suspects, relations = self._table.suspects, self._table.relations
        changed: dict[int, list[tuple[int, int, int]]] = {number: [] for number in interest}
        for cell, choice in deviations:
            for number, sign in self._table.standing[cell]:
                changed.setdefault(number, []).append((cell, choice, sign))
        broken: list[frozenset[int]] = []
        equations: list[_Equation] = []
        bounds: list[_Equation] = []
        for number in sorted(changed):
            balance, figures, unknown = self._balance[number], list(self._figures[number]), self._unknown[number]
            for cell, choice, sign in changed[number]:
                side, before = (0 if sign > 0 else 1), suspects[cell].default
                if before != WILD:
                    balance -= sign * suspects[cell].choices[before].amount
                    figures[side] -= suspects[cell].choices[before].figure
                    unknown = unknown if choice != WILD else {**unknown, cell: sign}
                else:
                    figures[side] -= 1
                    unknown = {c: s for c, s in unknown.items() if c != cell}
                if choice != WILD:
                    balance += sign * suspects[cell].choices[choice].amount
                figures[side] += 1 if choice == WILD else suspects[cell].choices[choice].figure
            if not all(figures):
                continue
            if not unknown:
                if balance != 0 if relations[number].equation else balance > 0:
                    broken.append(frozenset({number}))
                continue
            equation = (unknown, -balance, frozenset({number}))
            (equations if relations[number].equation else bounds).append(equation)
        contradictions, amounts = _solve(equations, bounds)
        conflicts = []
        for numbers in [*broken, *contradictions]:
            cells = {cell for number in numbers for cell, _ in relations[number].terms}
            conflicts.append(_Conflict(tuple(sorted(cells - fixed))))
        return conflicts, amounts

    def _wild(self, deviations: tuple[tuple[int, int], ...], amounts: Mapping[int, int]) -> list[int]:
        """The cells whose value is none of their readings."""
        chosen = dict(deviations)
        involved = {*amounts, *chosen}
        return sorted(cell for cell in involved if chosen.get(cell, self._table.suspects[cell].default) == WILD)

    def _listed(self, deviations: tuple[tuple[int, int], ...], amounts: Mapping[int, int]) -> list[tuple[int, int]]:
        """The first cell that was to hold none of its readings and is given one all the same, with those readings."""
        for cell in self._wild(deviations, amounts):
            choices = self._table.suspects[cell].choices
            found = [(cell, number) for number, choice in enumerate(choices) if choice.shows(amounts.get(cell))]
            if found:
                return found
        return []

    def _settle(self, cost: float, deviations: tuple[tuple[int, int], ...], amounts: Mapping[int, int]) -> Way:
        """The way with its true cost: a value that was not read costs what it differs from what was read."""
        wild = self._wild(deviations, amounts)
        misprints = set()
        for cell in wild:
            suspect, amount = self._table.suspects[cell], amounts.get(cell)
            if amount is not None:
                cost += log(suspect.wild_weight() / (suspect.misprint + suspect.unread(amount)))
            if suspect.wrong(amount) >= 0.5:
                misprints.add(cell)
        return Way(cost, deviations, tuple((cell, amounts.get(cell)) for cell in wild), frozenset(misprints))


def _solve(equations: list[_Equation], bounds: list[_Equation]) -> tuple[list[frozenset[int]], dict[int, int]]:
    """Gauss-Jordan elimination: relations that contradict each other, and the unknowns that are determined.

    An unknown is a count or an amount of money: it is whole in units of the table, and not negative.
    """
    if not equations:
        return [], {}
    rows = list(equations)
    for pivot in range(len(rows)):
        coefficients, value, numbers = rows[pivot]
        if not coefficients:
            continue
        cell = min(coefficients)
        for other in range(len(rows)):
            factor = rows[other][0].get(cell, 0)
            if other == pivot or factor == 0:
                continue
            mixed = {c: s * coefficients[cell] for c, s in rows[other][0].items()}
            for c, s in coefficients.items():
                mixed[c] = mixed.get(c, 0) - factor * s
            kept = {c: s for c, s in mixed.items() if s != 0}
            rows[other] = (kept, rows[other][1] * coefficients[cell] - factor * value, rows[other][2] | numbers)
    contradictions: list[frozenset[int]] = []
    amounts: dict[int, int] = {}
    sources: dict[int, frozenset[int]] = {}
    for coefficients, value, numbers in rows:
        if not coefficients and value != 0:
            contradictions.append(numbers)
        if len(coefficients) == 1:
            ((cell, sign),) = coefficients.items()
            amount, remainder = divmod(value, sign)
            if remainder or amount < 0:
                contradictions.append(numbers)
            else:
                amounts[cell] = amount
                sources[cell] = numbers
        elif coefficients and all(sign * value < 0 for sign in coefficients.values()):
            contradictions.append(numbers)  # several that together would be negative
    for coefficients, value, numbers in bounds:
        if (
            all(cell in amounts for cell in coefficients)
            and sum(s * amounts[c] for c, s in coefficients.items()) > value
        ):
            contradictions.append(numbers.union(*(sources[cell] for cell in coefficients)))
    return contradictions, amounts
