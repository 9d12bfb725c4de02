"""What the other cells of its table say about a cell: an agency writes what did not occur in one way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.domain import CellKey, Mark, Reading
from pipeline.values import parse_value

# How agencies write what did not occur, beside 0.
_NOTHING = (Mark.BLANK, Mark.SLASH, Mark.DASH)
_KINDS = (Mark.NUMBER, *_NOTHING)
# Cells of each kind that a table is taken to have beside those it has.
_UNSEEN = 0.5
_FEWEST = 5  # other cells of a column that tell how it is written
# Share of words in a table of figures.
_WORDS = 0.002


@dataclass(frozen=True, slots=True)
class Company:
    """The other cells of a cell's table.

    Attributes:
        alike: share of them that holds the same kind of mark; 0 for one that stands alone in a column of noughts.
        rivals: share that writes in another way than it what did not occur, of the table or of the cell's column where
            fewer do there; 0 for other figures than 0.
        doubt: mean of what their readings leave to 1.
        doubt_alike: the same of those that hold the same kind of mark; 1 where there is none.
        usual: probability of the cell's reading, given how often the kinds of marks occur in the others, 0 to 1.
    """

    alike: float
    rivals: float
    doubt: float
    doubt_alike: float
    usual: float


def company_of(readings: Mapping[CellKey, Reading]) -> dict[CellKey, Company]:
    """The company of each cell of a report, from the final readings of those that were found."""
    tables: defaultdict[str, list[CellKey]] = defaultdict(list)
    for key in readings:
        tables[key.table_id].append(key)
    found: dict[CellKey, Company] = {}
    for keys in tables.values():
        values = {key: parse_value(readings[key].text) for key in keys}
        kinds = Counter(value.mark for value in values.values())
        doubts: defaultdict[Mark, float] = defaultdict(float)
        for key, value in values.items():
            doubts[value.mark] += _doubt(readings[key])
        in_columns: defaultdict[str, Counter[Mark]] = defaultdict(Counter)
        noughts: Counter[str] = Counter()
        for key, value in values.items():
            in_columns[key.column_id][value.mark] += 1
            noughts[key.column_id] += value.number == 0
        others = max(1, len(keys) - 1)
        for key, value in values.items():
            own, same = _doubt(readings[key]), kinds[value.mark] - 1
            nothing = value.mark in _NOTHING or value.number == 0
            column = in_columns[key.column_id]
            around = (kinds, column) if column.total() > _FEWEST else (kinds,)
            alone = column[value.mark] == 1 and noughts[key.column_id] >= _FEWEST
            found[key] = Company(
                alike=0.0 if alone else same / others,
                rivals=min(_rivals(value.mark, each) for each in around) if nothing else 0.0,
                doubt=(sum(doubts.values()) - own) / others,
                doubt_alike=(doubts[value.mark] - own) / same if same else 1.0,
                usual=_usual(readings[key], kinds),
            )
    return found


def _rivals(mark: Mark, kinds: Counter[Mark]) -> float:
    """Share of the other cells that writes in another way what did not occur."""
    return sum(kinds[other] for other in _NOTHING if other is not mark) / max(1, kinds.total() - 1)


def _doubt(reading: Reading) -> float:
    return 1.0 - reading.probability


def _usual(reading: Reading, kinds: Mapping[Mark, int]) -> float:
    """Probability of a reading where the kinds of marks occur as often as in the other cells of its table.

    What no reader lists is taken for one of the likeliest kind, in half of the cases.
    """
    best = parse_value(reading.text)
    counts = {kind: kinds.get(kind, 0) - (kind is best.mark) + _UNSEEN for kind in _KINDS}
    shares = {kind: count / sum(counts.values()) for kind, count in counts.items()}
    for_it = against = 0.0
    for each in reading.alternatives:
        value = parse_value(each.text)
        weight = each.probability * shares.get(value.mark, _WORDS)
        if (value.mark, value.number) == (best.mark, best.number):
            for_it += weight
        else:
            against += weight
    unread = max(0.0, 1.0 - sum(each.probability for each in reading.alternatives))
    against += unread * max(shares.values()) / 2
    return for_it / (for_it + against) if for_it else 0.0
