"""The most probable table that keeps the relations of the form, and what cannot be reconciled with them.

A cell is read in several ways, an unread glyph leaves it open, and what is printed may be wrong itself. One exact
problem weighs all three: every cell takes one of its readings, or a value that no reading lists, either because the
picture could not be read or because the report is wrong there. Readings change only where the picture allows it;
where the fault is in print, the smallest sets of cells that would have to differ are named and nothing is changed.
"It adds up" is not "it is right": a value is settled only when no other way to keep the relations comes near it.

Prior art: error localisation by Fellegi and Holt, "A systematic approach to automatic edit and imputation" (JASA 71,
1976), and its deductive form in the R packages deductive and errorlocate (van der Loo and de Jonge); repairs of
acquired tabular data under aggregate constraints by Fazzinga, Flesca, Furfaro and Parisi, "DART: a data acquisition and
repairing tool" (EDBT workshops, 2006); here every alternative carries the probability of its picture.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp, log, prod

from pipeline import rules
from pipeline.domain import Alternative, CellKey, Finding, Reading, RuleSpec
from pipeline.reconcile.search import SPAN, Budget, Searcher, Way
from pipeline.reconcile.table import CERTAIN, WILD, Suspect, Table, build_table
from pipeline.values import parse_value

__all__ = ["SETTLED", "SPAN", "Component", "Reconciliation", "Verdict", "reconcile"]

# A cell is settled from this posterior on.
SETTLED = 0.97
# The picture supports a reading that is not its best one when it is at least this probable, relative to the best.
_SUPPORTED = 0.02
# From this posterior on that the print is wrong, the report is called inconsistent.
_INCONSISTENT = 0.5
# Ways to explain an inconsistency that are less probable than the best by more than this many nats are not named.
_NAMED = 1.1
# Other digits that may stand in place of one that was not read.
_OTHER_DIGITS = 9
# Tables tried for one report before it is left undecided; bounds the time to a second or two, which few reports need.
_BUDGET = 10_000
# How many more, in terms of these, may be tried for what mends the failing relations of one component: a misprint among
# many doubtful cells is known by that, whatever else they may be.
_SPARE = 1.5
# Ways to mend what fails that are looked at: misprints in two sums make as many as these have pairs of cells.
_MOST_MENDING = 400
_AGREE = 2  # equations that agree on a figure
# Doubtful cells of relations that can be searched together when those of their component were too many.
_PIECE = 8


class Verdict(StrEnum):
    """What the relations say about a component.

    UNIQUE: one choice among the readings keeps them, and none comes within ``SPAN`` nats of it.
    AMBIGUOUS: several do, or none that is not as likely a misprint.
    INFEASIBLE: rather than that any do, the print is wrong.
    UNDECIDED: too large to be searched in the time there is, and no misprint is so plain that it is known all the same;
        its relation was left out.
    """

    UNIQUE = "unique"
    AMBIGUOUS = "ambiguous"
    INFEASIBLE = "infeasible"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Component:
    """Relations that doubtful cells or a common fault link.

    Attributes:
        rules: ids of the relations.
        cells: their doubtful cells.
        choice: the most probable text of each doubtful cell, as read, or as derived where no reading fits; cells that
            the relations leave open are absent.
        runner_up: the cells in which the second most probable way differs, with its texts; empty when there is none.
        margin: nats between the two, at most ``SPAN``.
        solutions: ways without a misprint within ``SPAN`` nats of the best that differ in a number; independent choices
            are not multiplied out, and one search stops at 60.
        guilty: in an infeasible component the smallest sets of cells that would have to differ in print.
    """

    verdict: Verdict
    rules: tuple[str, ...]
    cells: tuple[CellKey, ...]
    choice: Mapping[CellKey, str]
    runner_up: Mapping[CellKey, str]
    margin: float
    solutions: int
    guilty: tuple[tuple[CellKey, ...], ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What the relations of a form say about the readings of a report.

    Attributes:
        components: those with a doubtful cell or a relation that fails, in the order of their first relation.
        posterior: of each doubtful cell its readings, and values no reading lists, given the relations, most probable
            first; what is missing to 1 is unread. Cells of undecided components are absent.
        settled: doubtful cells whose value the relations determine and the picture supports; the value may be none
            of the readings.
        agreed: those of them on whose figure, no 0, two equations agree.
        findings: relations that the print breaks; ``cells`` are those of the relation that would have to differ, and
            those where a mark stands in place of a figure that another relation wants.
    """

    components: tuple[Component, ...]
    posterior: Mapping[CellKey, tuple[Alternative, ...]]
    settled: Mapping[CellKey, Alternative]
    findings: tuple[Finding, ...]
    agreed: frozenset[CellKey] = frozenset()


def reconcile(
    specs: Sequence[RuleSpec],
    readings: Mapping[CellKey, Reading],
    placed: Mapping[CellKey, float],
    budget: int = _BUDGET,
) -> Reconciliation:
    """Choose among the readings of a report the most probable table that keeps the relations of its form.

    Args:
        specs: the relations.
        readings: of the cells that were found.
        placed: probability that a cell stands in the right row and column; a doubtful place neither testifies nor
            is changed, nor is a cell that is absent here.
        budget: tables to try before what is left is called undecided.
    """
    found, lone = _reconcile(specs, readings, placed, budget, round(_SPARE * budget))
    if not found.findings:
        return found
    # Where the print is wrong in one place it may be so in another: what one sum alone says is not relied on.
    return replace(
        found,
        settled={key: value for key, value in found.settled.items() if key not in lone},
        findings=tuple(_with_unfilled(found.findings, specs, readings)),
    )


def _with_unfilled(
    findings: Iterable[Finding], specs: Sequence[RuleSpec], readings: Mapping[CellKey, Reading]
) -> Iterator[Finding]:
    """The findings, each also with those of its cells where a mark stands and another relation wants a figure.

    The smallest sets leave these out where the figure that mends the one relation does not keep the other.
    """
    open_cells = rules.unfilled(specs, {key: parse_value(reading.text) for key, reading in readings.items()})
    cells = {spec.id: (*spec.left, *spec.right) for spec in specs}
    for finding in findings:
        named = open_cells.union(finding.cells)
        yield replace(finding, cells=tuple(key for key in cells[finding.rule_id] if key in named))


def _reconcile(
    specs: Sequence[RuleSpec],
    readings: Mapping[CellKey, Reading],
    placed: Mapping[CellKey, float],
    budget: int,
    spare: int = 0,
) -> tuple[Reconciliation, frozenset[CellKey]]:
    """The same, and which of the settled cells owe a value that was hardly read to one relation alone."""
    table = build_table(specs, readings, placed)
    left = Budget(budget)
    searcher = Searcher(table, left)
    components: list[Component] = []
    posterior: dict[CellKey, tuple[Alternative, ...]] = {}
    settled: dict[CellKey, Alternative] = {}
    findings: list[Finding] = []
    lone: set[CellKey] = set()
    agreed: set[CellKey] = set()
    # Small components first: one that is too large takes nothing from the others.
    for relations in sorted(_linked(table, searcher.broken()), key=lambda linked: (len(linked), linked)):
        solved = _solve(table, searcher, relations, spare)
        components.append(solved.component)
        posterior |= solved.posterior
        settled |= solved.settled
        lone |= solved.lone
        agreed |= solved.agreed
        if solved.component.verdict is Verdict.INFEASIBLE:
            findings.extend(_findings(specs, readings, solved.component))
        if not solved.whole:
            parts, lone_there = _by_parts(specs, readings, placed, solved.component, budget // 2)
            lone |= lone_there
            components[-1:] = parts.components
            posterior |= parts.posterior
            settled |= parts.settled
            agreed |= parts.agreed
            findings.extend(parts.findings)
    order = {spec.id: place for place, spec in enumerate(specs)}
    components.sort(key=lambda component: min(order[rule] for rule in component.rules))
    findings.sort(key=lambda finding: order[finding.rule_id])
    found = Reconciliation(tuple(components), posterior, settled, tuple(findings), frozenset(agreed))
    return found, frozenset(lone)


def _by_parts(
    specs: Sequence[RuleSpec],
    readings: Mapping[CellKey, Reading],
    placed: Mapping[CellKey, float],
    component: Component,
    budget: int,
) -> tuple[Reconciliation, frozenset[CellKey]]:
    """What the relations of a component too large to be searched say without some of them.

    Those are the ones that are wrong in print, where that is known, else those that have most doubtful cells.
    """
    doubtful, wrong = set(component.cells), {key for keys in component.guilty for key in keys}
    inside = [spec for spec in specs if spec.id in component.rules]
    findings: list[Finding] = []
    beside: set[CellKey] = set()
    if component.verdict is Verdict.INFEASIBLE:
        out = [spec for spec in inside if wrong.intersection((*spec.left, *spec.right))]
        beside = {key for spec in out for key in (*spec.left, *spec.right)}
    else:
        out = _vaguest(inside, doubtful)
        # What is certain cannot be read otherwise, whatever a search would have found.
        certain = [s for s in out if all(readings[key].probability >= CERTAIN for key in (*s.left, *s.right))]
        findings = _findings(certain, readings, component)
    left_out = {spec.id for spec in out}
    rest = [spec for spec in inside if spec.id not in left_out]
    parts, lone = _reconcile(rest, readings, placed, budget)
    left = replace(
        component,
        rules=tuple(name for name in component.rules if name in left_out),
        cells=tuple(key for key in component.cells if key not in parts.posterior),
    )
    # Beside a misprint nothing is settled, whatever else says so.
    found = Reconciliation(
        components=(left, *parts.components),
        posterior=parts.posterior,
        settled={key: value for key, value in parts.settled.items() if key not in beside},
        findings=(*findings, *parts.findings),
        agreed=parts.agreed - beside,
    )
    return found, lone


def _vaguest(specs: Sequence[RuleSpec], doubtful: set[CellKey]) -> list[RuleSpec]:
    """The relations without which the rest falls into pieces small enough to be searched; one at least.

    Each is the one with most doubtful cells of the largest piece.
    """
    out: list[RuleSpec] = []
    rest = list(specs)
    while rest:
        piece, cells = max(_pieces(rest, doubtful), key=lambda each: (len(each[1]), max(spec.id for spec in each[0])))
        if out and len(cells) <= _PIECE:
            break
        out.append(max(piece, key=lambda spec: (len(doubtful.intersection((*spec.left, *spec.right))), spec.id)))
        rest.remove(out[-1])
    return out


def _pieces(specs: Iterable[RuleSpec], doubtful: set[CellKey]) -> list[tuple[tuple[RuleSpec, ...], frozenset[CellKey]]]:
    """Relations that hang together by doubtful cells, and these."""
    pieces: list[tuple[tuple[RuleSpec, ...], frozenset[CellKey]]] = []
    for spec in specs:
        cells = frozenset(doubtful.intersection((*spec.left, *spec.right)))
        apart = [piece for piece in pieces if cells.isdisjoint(piece[1])]
        joined = [piece for piece in pieces if not cells.isdisjoint(piece[1])]
        whole = (spec, *(each for piece in joined for each in piece[0]))
        pieces = [*apart, (whole, cells.union(*(piece[1] for piece in joined)))]
    return pieces


def _linked(table: Table, broken: Sequence[int]) -> list[tuple[int, ...]]:
    """Relations that must be looked at together: they share a doubtful cell, or fail and share any cell."""
    failing = set(broken)
    root = list(range(len(table.relations)))

    def find(number: int) -> int:
        while root[number] != number:
            root[number] = root[root[number]]
            number = root[number]
        return number

    doubtful: set[int] = set()
    for suspect, places in zip(table.suspects, table.standing, strict=True):
        numbers = [number for number, _ in places if not suspect.certain or number in failing]
        doubtful.update(() if suspect.certain else numbers)
        for number in numbers[1:]:
            low, high = sorted((find(numbers[0]), find(number)))
            root[high] = low
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for number in range(len(table.relations)):
        if number in failing or number in doubtful:
            groups[find(number)].append(number)
    return [tuple(group) for _, group in sorted(groups.items())]


@dataclass(frozen=True, slots=True)
class _Solved:
    component: Component
    posterior: Mapping[CellKey, tuple[Alternative, ...]]
    settled: Mapping[CellKey, Alternative]
    lone: frozenset[CellKey] = frozenset()
    agreed: frozenset[CellKey] = frozenset()
    whole: bool = True  # whether the search came to its end


def _solve(table: Table, searcher: Searcher, relations: tuple[int, ...], spare: int) -> _Solved:
    suspects = table.suspects
    cells = sorted({c for number in relations for c, _ in table.relations[number].terms if not suspects[c].certain})
    names = tuple(table.relations[number].rule.id for number in relations)
    keys = tuple(suspects[cell].key for cell in cells)
    best, complete = searcher.ways(relations, {}, most=_MOST_MENDING, spare=spare)
    if not best:
        return _Solved(Component(Verdict.UNDECIDED, names, keys, {}, {}, 0.0, 0, ()), {}, {}, whole=False)
    # Whatever keeps the relations differs from the likeliest readings where one of these ways does.
    # So it does where these are too many, as the cheapest come first.
    plain = (complete or len(best) == _MOST_MENDING) and _wrong_share(best, suspects) >= SETTLED
    limit = best[0].cost + SPAN
    # A way is motivated by what fails; what else a cell may be is asked for every cell and every choice of its own.
    by_choice: dict[int, dict[int, list[Way]]] = {}
    for cell in cells:
        by_choice[cell] = {}
        for choice in (suspects[cell].default, *suspects[cell].deviations()):
            if choice == suspects[cell].default:
                ways, whole = searcher.ways(relations, {}, kept=(cell,), limit=limit)
            else:
                ways, whole = searcher.ways(relations, {cell: choice}, limit=limit)
            by_choice[cell][choice] = ways
            complete = complete and whole
    every = {way.deviations: way for way in best}
    every |= {way.deviations: way for of in by_choice.values() for ways in of.values() for way in ways}
    ways = sorted(every.values(), key=lambda way: (way.cost, way.deviations))
    ways = [way for way in ways if way.cost <= ways[0].cost + SPAN]
    honest = _distinct([way for way in ways if not way.misprints], cells, suspects)
    wrong = _misprinted(ways, suspects)
    verdict = _verdict(ways, honest, suspects)
    if not complete:
        verdict = Verdict.INFEASIBLE if plain and verdict is Verdict.INFEASIBLE else Verdict.UNDECIDED
    # Many unlikely choices may together outweigh one of another kind that is likelier than each of them.
    likeliest = {Verdict.INFEASIBLE: wrong, Verdict.UNDECIDED: ways}.get(verdict, honest or ways)
    first = likeliest[0]
    chosen = _texts(first, cells, suspects)
    others = [way for way in ways if way.misprints or way in honest]
    second = next((way for way in others if way is not first), None)
    component = Component(
        verdict=verdict,
        rules=names,
        cells=keys,
        choice=chosen,
        runner_up={} if second is None else _differences(chosen, second, cells, suspects),
        margin=SPAN if second is None else max(0.0, second.cost - first.cost),
        solutions=len(honest),
        guilty=_guilty(wrong, suspects),
    )
    if not complete:
        return _Solved(component, {}, {}, whole=False)
    posterior = {suspects[cell].key: _posterior(cell, suspects[cell], by_choice[cell]) for cell in cells}
    settled, lone, agreed = {}, set(), set()
    for cell in cells:
        key = suspects[cell].key
        found = posterior[key][:1]
        if not found or found[0].probability < SETTLED:
            continue
        sums = _determining(cell, found[0], first, honest, table, searcher)
        if sums:
            settled[key] = found[0]
            if sums == 1 and not _is_read(cell, first, suspects):
                lone.add(key)
            if sums >= _AGREE and _amount(cell, first, suspects) != 0:
                agreed.add(key)
    return _Solved(component, posterior, settled, frozenset(lone), frozenset(agreed))


def _distinct(ways: Iterable[Way], cells: Sequence[int], suspects: Sequence[Suspect]) -> list[Way]:
    """The ways that differ in a number; a blank, a dash and a 0 are one number to a sum."""
    found: dict[tuple[int | None, ...], Way] = {}
    for way in ways:
        found.setdefault(tuple(_amount(cell, way, suspects) for cell in cells), way)
    return list(found.values())


def _amount(cell: int, way: Way, suspects: Sequence[Suspect]) -> int | None:
    choice = _choice_of(cell, way, suspects)
    return dict(way.amounts).get(cell) if choice == WILD else suspects[cell].choices[choice].amount


def _verdict(ways: Sequence[Way], honest: Sequence[Way], suspects: Sequence[Suspect]) -> Verdict:
    if _wrong_share(ways, suspects) >= _INCONSISTENT:
        return Verdict.INFEASIBLE
    return Verdict.UNIQUE if len(honest) == 1 else Verdict.AMBIGUOUS


def _wrong_share(ways: Sequence[Way], suspects: Sequence[Suspect]) -> float:
    """Share of the weight of these ways, cheapest first, that lies on misprints."""
    wrong = right = 0.0
    for way in ways:
        weight = exp(ways[0].cost - way.cost)
        unread = weight * prod(1.0 - suspects[cell].wrong(amount) for cell, amount in way.amounts)
        wrong += weight - unread
        # Where several figures make up for each other, each of a digit's other values is a way of its own.
        right += unread * (_OTHER_DIGITS if any(amount is None for _, amount in way.amounts) else 1)
    return wrong / (wrong + right)


def _misprinted(ways: Sequence[Way], suspects: Sequence[Suspect]) -> list[Way]:
    """The ways as misprints, cheapest first: what is rather unread than wrong in print may be so all the same."""
    found = [way for way in ways if way.misprints]
    for way in ways:
        shares = [(suspects[cell].wrong(amount), cell) for cell, amount in way.amounts]
        if shares and not way.misprints:
            share, cell = max(shares)
            found.append(replace(way, cost=way.cost - log(share), misprints=frozenset({cell})))
    return sorted(found, key=lambda way: (way.cost, way.deviations))


def _guilty(wrong: Sequence[Way], suspects: Sequence[Suspect]) -> tuple[tuple[CellKey, ...], ...]:
    named = [way for way in wrong if way.cost <= wrong[0].cost + _NAMED]
    sets = {tuple(suspects[cell].key for cell in sorted(way.misprints)) for way in named}
    return tuple(sorted(sets))


def _text(cell: int, way: Way, suspects: Sequence[Suspect]) -> str | None:
    suspect, choice = suspects[cell], dict(way.deviations).get(cell, suspects[cell].default)
    if choice != WILD:
        return suspect.choices[choice].text
    if cell in way.misprints and suspect.choices:  # what is printed stays
        return suspect.choices[0].text
    amount = dict(way.amounts).get(cell)
    return None if amount is None else suspect.printed(amount)


def _texts(way: Way, cells: Iterable[int], suspects: Sequence[Suspect]) -> dict[CellKey, str]:
    found = ((suspects[cell].key, _text(cell, way, suspects)) for cell in cells)
    return {key: text for key, text in found if text is not None}


def _differences(
    choice: Mapping[CellKey, str], other: Way, cells: Iterable[int], suspects: Sequence[Suspect]
) -> dict[CellKey, str]:
    return {key: text for key, text in _texts(other, cells, suspects).items() if choice.get(key) != text}


def _posterior(cell: int, suspect: Suspect, by_choice: Mapping[int, Sequence[Way]]) -> tuple[Alternative, ...]:
    """Sum over the ways, one choice of the cell at a time; a cell wrong in print shows any of its readings.

    In a table with blanks and marks what amounts to nothing and was not read may be one of these: it stays unread.
    Where a table has several, what a reader of one leaves to what it does not list may be another: no sum excludes it.
    """
    every = [way for ways in by_choice.values() for way in ways]
    if not every:
        return ()
    least = min(way.cost for way in every)
    read = sum(a.probability for choice in suspect.choices for a in choice.texts)
    mass: defaultdict[str, float] = defaultdict(float)
    for choice, ways in by_choice.items():
        for way in ways:
            weight = exp(least - way.cost)
            if choice != WILD:
                of = suspect.choices[choice]
                whole = of.read
                if suspect.mixed and not of.figure:
                    whole += suspect.unlisted
                elif of.amount == 0 and not suspect.bare:
                    whole = of.weight
                for alternative in of.texts:
                    mass[alternative.text] += weight * alternative.probability / whole
                continue
            amount = dict(way.amounts).get(cell)
            unread = 0.0 if amount is None else suspect.unread(amount)
            if amount is not None and (amount != 0 or suspect.bare):
                mass[suspect.printed(amount)] += weight * unread / (unread + suspect.misprint)
            for alternative in (a for of in suspect.choices for a in of.texts):
                mass[alternative.text] += (
                    weight * suspect.misprint / (unread + suspect.misprint) * alternative.probability / read
                )
    total = sum(exp(least - way.cost) for way in every)
    ranked = sorted(mass.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Alternative(text, min(1.0, weight / total)) for text, weight in ranked)


def _determining(
    cell: int, found: Alternative, first: Way, honest: Sequence[Way], table: Table, searcher: Searcher
) -> int:
    """How many equations leave a cell this one value; 0 where one of them is in doubt or the picture is against it."""
    suspects = table.suspects
    if found.text != _text(cell, first, suspects):
        return 0
    if len({_amount(cell, way, suspects) for way in honest}) != 1:
        return 0
    hold, sound = 0, 0
    for number, _ in table.standing[cell]:
        relation = table.relations[number]
        others = [other for other, _ in relation.terms if other != cell]
        if any(other in first.misprints for other, _ in relation.terms):
            return 0
        if relation.equation and searcher.judged(number):
            hold += 1
            sound += all(suspects[other].read >= SETTLED for other in others)
    choice = _choice_of(cell, first, suspects)
    if choice != WILD and not suspects[cell].choices[choice].figure:
        return 0  # a blank, a dash and a 0 are one number to a sum
    if _is_read(cell, first, suspects):
        return hold
    if not suspects[cell].resembles(found.text):
        return 0
    if not suspects[cell].bare and _amount(cell, first, suspects) == 0:
        return 0  # where blanks and marks are usual, specks on one of them are no 0
    # One sum of figures well read hardly leads by chance to a value that completes what was read, or to the usual
    # one; where nothing is legible, or nothing speaks against what is, a second one has to agree. On a figure that is
    # no 0 two sums hardly agree by chance, whatever else in them is doubtful.
    if hold >= _AGREE and _amount(cell, first, suspects) != 0:
        return hold
    return sound if sound >= (1 if found.text == "0" or suspects[cell].leaves_open(found.text) else 2) else 0


def _is_read(cell: int, way: Way, suspects: Sequence[Suspect]) -> bool:
    """Whether the value that a way gives a cell is one that the picture supports by itself."""
    choice, of = _choice_of(cell, way, suspects), suspects[cell].choices
    return choice != WILD and of[choice].read >= _SUPPORTED * max(
        suspects[cell].unlisted, *(other.read for other in of)
    )


def _choice_of(cell: int, way: Way, suspects: Sequence[Suspect]) -> int:
    return dict(way.deviations).get(cell, suspects[cell].default)


def _findings(specs: Iterable[RuleSpec], readings: Mapping[CellKey, Reading], component: Component) -> list[Finding]:
    """What the chosen readings break, each with the cells of the relation that would have to differ."""
    guilty = {key for keys in component.guilty for key in keys}
    standing = Counter(key for spec in specs for key in (*spec.left, *spec.right))
    found = []
    for spec in (spec for spec in specs if spec.id in component.rules):
        values = {key: parse_value(component.choice.get(key, readings[key].text)) for key in (*spec.left, *spec.right)}
        finding = rules.KINDS[spec.kind](spec, values)
        if finding is None:
            continue
        named = guilty.intersection(finding.cells)
        if any(standing[key] == 1 for key in named):
            # Cells that no second relation checks can share the fault among them.
            named |= {key for key in finding.cells if standing[key] == 1}
        found.append(replace(finding, cells=tuple(key for key in finding.cells if key in named) or finding.cells))
    return found
