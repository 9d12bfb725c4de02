"""The integer table behind the readings: per cell what it may hold and how likely, per relation its cells."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import attrgetter

from pipeline import rules
from pipeline.domain import Alternative, CellKey, Mark, Reading, RuleSpec, Value
from pipeline.values import format_number, parse_value

# A reading this probable, in a place this sure, is a fact: only its print can be wrong.
CERTAIN = 0.995
# About three relations of eight cells in a hundred fail, so one figure in 250 is wrong in print; of the ways to be
# wrong a picture shows one, and an eighth for it is a high guess.
_WRONG, _SHOWN = 0.004, 0.125
# An alternative less likely than this, relative to the best one, is noise of the reader and not a candidate.
_FLOOR = 0.003
# Share of what a reader did not list that falls to one value: one digit of ten unread, one glyph lost, two at an end,
# nothing legible.
_ONE_DIGIT, _ONE_LOST, _END_LOST, _NOTHING_LEGIBLE = 0.1, 0.05, 0.02, 0.01
# Where a reader is this sure of a number, what is printed is hardly ever another digit that it does not list: none was
# in eighty cells' worth of what readings of generated scans with half of the probability and more leave of 1.
_SURE, _UNHEARD_OF = 0.9, 0.01
# Two thirds of the figures on a form are 0 and the share of a small number is one in twenty divided by it (of 62,925
# generated figures 66 % are 0, 5.6 % are 1, 2.8 % are 2): of what is not legible at all these are the likeliest.
_NOUGHT, _ONE = 0.5, 0.055
# An agency writes what did not occur in one way: marks that are rarer than this in a table are doubted in proportion.
# How it writes is known from few cells: of 420 generated tables 15 have several marks, none has one of a kind alone. As
# many as the second tell nothing, then what is not known counts as much of a cell as the third says. Those others count
# that were rather read so than otherwise.
_USUAL, _FEW, _NOT_KNOWN, _RATHER = 0.05, 9, 0.4, 0.5
_HARDLY_READ = 0.5  # of a cell that leaves as much to what is not listed any other figure may be printed
_LEGIBLE = 0.1  # readings that sum to less than this tell nothing
_PLACED = 0.95  # a cell whose place on the form is less sure takes no part
_NOTHING_OCCURRED = (Mark.NUMBER, Mark.BLANK, Mark.SLASH, Mark.DASH)  # a number: 0
_WORD = re.compile(r"[^\W\d_]")

_NAME = attrgetter("table_id", "row_id", "column_id")  # in the order of the keys, and faster

WILD = -1  # the choice of a value that is not among the readings


@dataclass(frozen=True, slots=True)
class Choice:
    """An amount that a cell may hold, scaled to an integer; whether a figure shows it; the readings that mean it."""

    amount: int
    figure: bool
    weight: float
    texts: tuple[Alternative, ...]

    def shows(self, amount: int | None) -> bool:
        """Whether it is this amount as a figure; a mark or nothing in print is not the figure 0."""
        return self.figure and self.amount == amount

    @property
    def read(self) -> float:
        """Probability that the reader gives it."""
        return sum(alternative.probability for alternative in self.texts)

    @property
    def text(self) -> str:
        """Its most probable reading."""
        return max(self.texts, key=lambda alternative: (alternative.probability, alternative.text)).text


@dataclass(frozen=True, slots=True)
class Suspect:
    """One cell.

    Attributes:
        choices: amounts that were read, most probable first; empty where nothing was.
        unlisted: probability that what is printed is none of the readings.
        misprint: weight of a value that the relations demand while the picture shows another.
        default: index of the most probable choice, possibly ``WILD``.
        costs: of each choice, and last of ``WILD``, in nats above the default.
        certain: whether the reading is a fact.
        shapes: digits of the readings, which a value not among them must resemble.
        legible: whether the readings tell anything.
        one_digit: share of what is not listed that falls to a number with one digit different from what was read.
        scale: factor between amounts and printed numbers.
        nought: share of what is not legible that falls to 0.
        bare: whether the table hardly has blanks or marks, so that what amounts to 0 is a printed 0.
        mixed: whether the table has several of these.
    """

    key: CellKey
    choices: tuple[Choice, ...]
    unlisted: float
    misprint: float
    default: int
    costs: tuple[float, ...]
    certain: bool
    shapes: frozenset[str]
    legible: bool
    scale: int
    nought: float
    one_digit: float = _ONE_DIGIT
    bare: bool = False
    mixed: bool = False

    @property
    def read(self) -> float:
        """Probability that the reader gives its most probable choice."""
        return 0.0 if self.default == WILD else self.choices[self.default].read

    def deviations(self) -> list[int]:
        """Every choice but the default, cheapest first."""
        others = [choice for choice in range(WILD, len(self.choices)) if choice != self.default]
        return sorted(others, key=lambda choice: (self.costs[choice], choice))

    def unread(self, amount: int) -> float:
        """Probability that this amount is printed here and no reading lists it; 0 where the picture excludes it."""
        if amount < 0 or self.unlisted == 0.0 or any(choice.shows(amount) for choice in self.choices):
            return 0.0
        if not self.legible:
            return self.unlisted * (self.nought if amount == 0 else _nothing_legible(amount / self.scale))
        alike = _resemblance(self.printed(amount), self.shapes, self.one_digit)
        return self.unlisted * (max(alike, _NOTHING_LEGIBLE) if self.unlisted >= _HARDLY_READ else alike)

    def resembles(self, number: str) -> bool:
        """Whether the picture may show a number that no reading lists; where nothing is legible, any."""
        return not self.legible or _resemblance(number, self.shapes, self.one_digit) > 0.0

    def wrong(self, amount: int | None) -> float:
        """Probability that a value which no reading lists is misprinted rather than unread; None is any value."""
        unread = self.wild_weight() - self.misprint if amount is None else self.unread(amount)
        return self.misprint / (self.misprint + unread)

    def leaves_open(self, number: str) -> bool:
        """Whether a number that no reading lists differs from them where they show that they are not sure.

        That is a glyph that is lost, or a digit in which the readings differ among themselves: what is merely crowded,
        by a rule or a stroke of a seal, is read one way or not at all.
        """
        digits = _digits(number)
        alike = [shape for shape in self.shapes if len(shape) == len(digits)]
        for shape in alike:
            wrong = [place for place, (a, b) in enumerate(zip(shape, digits, strict=True)) if a != b]
            if len(wrong) == 1 and any(other[wrong[0]] != shape[wrong[0]] for other in alike):
                return True
        return self.legible and any(_has_lost(shape, digits) for shape in self.shapes)

    def wild_weight(self) -> float:
        """Upper bound of the weight of a value that was not read."""
        return self.misprint + self.unlisted * (
            max(self.one_digit, _ONE_LOST) if self.legible else max(self.nought, _ONE)
        )

    def printed(self, amount: int) -> str:
        """The amount as a form would print it: no more decimals than it needs."""
        whole = amount % self.scale == 0
        return format_number(Decimal(amount // self.scale) if whole else (Decimal(amount) / self.scale).normalize())


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation: its rule, its cells with their coefficients, left sides counting 1 and right sides -1."""

    rule: RuleSpec
    equation: bool
    terms: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Suspects and relations in a canonical order, and in which relations each cell stands with which coefficient."""

    suspects: tuple[Suspect, ...]
    relations: tuple[Relation, ...]
    standing: tuple[tuple[tuple[int, int], ...], ...]


def build_table(
    specs: Sequence[RuleSpec], readings: Mapping[CellKey, Reading], placed: Mapping[CellKey, float]
) -> Table:
    """Prepare the relations that can be judged at all.

    A relation with a cell that was not found, whose place is doubtful or that holds words is left out: half a sum
    proves nothing. ``placed`` is the probability of a cell's place; a cell that is not in it is not used.
    """
    usable: dict[CellKey, tuple[list[tuple[Value, Alternative]], float, bool]] = {}
    marks = _count_marks(readings)
    noughts: dict[CellKey, float] = {}
    for key in dict.fromkeys(key for spec in specs for key in (*spec.left, *spec.right)):
        if key not in readings or placed.get(key, 0.0) < _PLACED:
            continue
        alternatives = readings[key].alternatives
        value = parse_value(alternatives[0].text)
        if _is_words(value):
            continue
        if _is_certain(value, alternatives[0]):
            usable[key] = ([(value, alternatives[0])], 0.0, True)
            continue
        parsed = [(parse_value(alternative.text), alternative) for alternative in alternatives]
        others = marks[key.table_id] - Counter(_nothing_occurred(readings[key]))
        usual = _usual(others)
        noughts[key] = _nought(others)
        usable[key] = ([_in_style(*each, usual) for each in parsed], _unlisted(parsed), False)
    kept = sorted(
        (spec for spec in specs if all(key in usable for key in (*spec.left, *spec.right))), key=lambda spec: spec.id
    )
    keys = sorted({key for spec in kept for key in (*spec.left, *spec.right)}, key=_NAME)
    scale = _scale(value for key in keys for value, _ in usable[key][0])
    bare = {
        table: all(share < 1.0 for mark, share in _usual(of).items() if mark is not Mark.NUMBER)
        for table, of in marks.items()
    }
    mixed = {table: sum(mark is not Mark.NUMBER for mark in of) > 1 for table, of in marks.items()}
    suspects = tuple(
        replace(
            _suspect(key, *usable[key], scale, noughts.get(key, 0.0)),
            bare=bare[key.table_id],
            mixed=mixed[key.table_id],
        )
        for key in keys
    )
    index = {key: position for position, key in enumerate(keys)}
    relations = tuple(
        Relation(
            spec,
            spec.kind in rules.EQUATIONS,
            tuple((index[key], sign) for side, sign in ((spec.left, 1), (spec.right, -1)) for key in side),
        )
        for spec in kept
    )
    standing: list[list[tuple[int, int]]] = [[] for _ in keys]
    for number, relation in enumerate(relations):
        for cell, sign in relation.terms:
            standing[cell].append((number, sign))
    return Table(suspects, relations, tuple(tuple(places) for places in standing))


def _count_marks(readings: Mapping[CellKey, Reading]) -> dict[str, Counter[Mark]]:
    """For each table how often each mark and 0 stand for what did not occur."""
    counts: dict[str, Counter[Mark]] = {key.table_id: Counter() for key in readings}
    for key, reading in readings.items():
        counts[key.table_id].update(_nothing_occurred(reading))
    return counts


def _nothing_occurred(reading: Reading) -> tuple[Mark, ...]:
    """The mark, or 0, that a cell rather holds than anything else; nothing where it is neither."""
    value = parse_value(reading.text)
    return (value.mark,) if reading.probability >= _RATHER and not value.number else ()


def _usual(counts: Mapping[Mark, int]) -> dict[Mark, float]:
    """How usual each mark and 0 are where they occur that often, 0 to 1."""
    known = max(0, sum(counts.values()) - _FEW) + _NOT_KNOWN
    return {mark: min(1.0, (counts.get(mark, 0) / _USUAL + _NOT_KNOWN) / known) for mark in _NOTHING_OCCURRED}


def _in_style(value: Value, alternative: Alternative, usual: Mapping[Mark, float]) -> tuple[Value, Alternative]:
    """An alternative and its value, a mark less probable where the table hardly has any."""
    if value.mark is Mark.NUMBER:
        return value, alternative
    return value, replace(alternative, probability=alternative.probability * usual.get(value.mark, 1.0))


def _nought(counts: Mapping[Mark, int]) -> float:
    """Share of what is not legible at all that falls to 0, where 0 and marks that often say what did not occur."""
    noughts = (counts.get(Mark.NUMBER, 0) + _NOT_KNOWN) / (sum(counts.values()) + _NOT_KNOWN)
    return max(_NOUGHT * noughts, _NOTHING_LEGIBLE)


def _is_words(value: Value) -> bool:
    return value.mark is Mark.TEXT and (not value.note or _WORD.search(value.note) is not None)


def _is_negative(value: Value) -> bool:
    return value.number is not None and value.number < 0


def _unlisted(parsed: Iterable[tuple[Value, Alternative]]) -> float:
    """What a reader leaves to values that it does not list; what has no value, as a point alone, is none."""
    listed = sum(each.probability for value, each in parsed if value.mark is not Mark.TEXT or _is_words(value))
    return max(0.0, 1.0 - listed)


def _is_certain(value: Value, best: Alternative) -> bool:
    return best.probability >= CERTAIN and value.mark is not Mark.TEXT


def _scale(values: Iterable[Value]) -> int:
    """The power of ten that makes every number an integer."""
    exponents = [value.number.as_tuple().exponent for value in values if value.number is not None]
    return int(10 ** -min([e for e in exponents if isinstance(e, int)], default=0)) if exponents else 1


def _suspect(
    key: CellKey,
    parsed: Sequence[tuple[Value, Alternative]],
    unlisted: float,
    certain: bool,
    scale: int,
    nought: float,
) -> Suspect:
    if certain:
        value, best_read = parsed[0]
        amount = 0 if value.number is None else int(value.number * scale)
        choice = Choice(amount, value.number is not None, best_read.probability, (best_read,))
        misprint = _WRONG * _SHOWN
        cost = math.log(best_read.probability / misprint)
        return Suspect(key, (choice,), 0.0, misprint, 0, (0.0, cost), True, frozenset(), True, scale, nought)
    groups: dict[tuple[int, bool], list[Alternative]] = {}
    shapes, legible = set(), 0.0
    loudest = max(alternative.probability for _, alternative in parsed)
    for value, alternative in parsed:
        if _is_words(value) or (_is_negative(value) and not _is_negative(parsed[0][0])):
            continue  # a change is read as one; of counts a dash beside a speck is none less than nothing
        digits = _digits(alternative.text)
        if digits:
            legible += alternative.probability
            if alternative.probability >= _FLOOR * loudest:
                shapes.add(digits)
        if value.mark is not Mark.TEXT:
            amount = 0 if value.number is None else int(value.number * scale)
            groups.setdefault((amount, value.number is not None), []).append(alternative)
    weighed = []
    for (amount, figure), texts in groups.items():
        # What a reader could not make out may also be what it listed with little conviction.
        hidden = _ONE_DIGIT if legible >= _LEGIBLE else nought if amount == 0 else _nothing_legible(amount / scale)
        unread = unlisted * hidden if figure else 0.0
        weighed.append(Choice(amount, figure, sum(a.probability for a in texts) + unread, tuple(texts)))
    best = max((choice.weight for choice in weighed), default=0.0)
    choices = tuple(
        sorted(
            (choice for choice in weighed if choice.weight > 0.0 and choice.weight >= _FLOOR * best),
            key=lambda choice: (-choice.weight, choice.amount, choice.figure),
        )
    )
    suspect = Suspect(
        key=key,
        choices=choices,
        unlisted=unlisted,
        misprint=_WRONG
        * ((1.0 - unlisted) * _SHOWN + unlisted * (_ONE_DIGIT if legible >= _LEGIBLE else _NOTHING_LEGIBLE)),
        default=0,
        costs=(),
        certain=False,
        shapes=frozenset(shapes),
        legible=legible >= _LEGIBLE,
        one_digit=_UNHEARD_OF if max((c.read for c in choices if c.figure), default=0.0) >= _SURE else _ONE_DIGIT,
        scale=scale,
        nought=nought,
    )
    weights = [*(choice.weight for choice in choices), suspect.wild_weight()]
    top = max(range(len(weights)), key=lambda position: (weights[position], -position))
    costs = tuple(math.log(weights[top] / weight) for weight in weights)
    return replace(suspect, costs=costs, default=top if top < len(choices) else WILD)


def _nothing_legible(number: float) -> float:
    """Share of what is not legible at all that falls to a number other than 0."""
    return max(_ONE / abs(number), _NOTHING_LEGIBLE)


def _resemblance(printed: str, shapes: Iterable[str], one_digit: float) -> float:
    """Share of what was not listed that falls to a number, from how little it differs from what was read."""
    digits = _digits(printed)
    best = 0.0
    for shape in shapes:
        if len(shape) == len(digits) and sum(a != b for a, b in zip(shape, digits, strict=True)) == 1:
            best = max(best, one_digit)
        elif _has_lost(shape, digits):
            best = max(best, _ONE_LOST)
        elif _has_lost_end(shape, digits):
            best = max(best, _END_LOST)
    return best


def _has_lost(shape: str, digits: str) -> bool:
    """Whether digits with one of them left out are those of a reading."""
    return len(shape) + 1 == len(digits) and any(digits[:i] + digits[i + 1 :] == shape for i in range(len(digits)))


def _has_lost_end(shape: str, digits: str) -> bool:
    """Whether digits without two at an end are those of a reading, itself of two at least: paper tears at the end."""
    return len(digits) == len(shape) + 2 >= 4 and (digits.startswith(shape) or digits.endswith(shape))


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())
