"""Each kind of rule on made-up cells: kept, broken, and not to be judged."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.domain import CellKey, Mark, RuleSpec, Value
from pipeline.rules import KINDS, at_odds, check_all, count_support, digits_lost, misfits
from pipeline.values import parse_value

Values = dict[CellKey, Value | None]


def made_up(kind: str, left: list[str | None], right: list[str | None]) -> tuple[RuleSpec, Values]:
    """A rule over cells that hold the given texts; None stands for a cell that was not read."""
    values = {
        CellKey("t", side, str(place)): None if text is None else parse_value(text)
        for side, texts in (("left", left), ("right", right))
        for place, text in enumerate(texts)
    }
    sides = [tuple(key for key in values if key.row_id == side) for side in ("left", "right")]
    return RuleSpec("rule", kind, sides[0], sides[1], "law", "words"), values


def broken(kind: str, left: list[str | None], right: list[str | None]) -> bool:
    rule, values = made_up(kind, left, right)
    return KINDS[kind](rule, values) is not None


# kind, left, right, whether it is broken: what every kind must tell apart.
TRUTH = [
    ("sum", ["7"], ["5", "2"], False),
    ("sum", ["8"], ["5", "2"], True),
    ("sum", ["6"], ["5", "2"], True),
    ("sum", ["1.0"], ["0.1"] * 10, False),
    ("sum", ["5"], ["5", "", "/", "-"], False),
    ("sum", ["4"], ["5", "-1"], False),
    ("carry_over", ["5", "2"], ["6", "1"], False),
    ("carry_over", ["5", "2"], ["6", "0"], True),
    ("carry_over", ["5", ""], ["5", ""], False),
    ("carry_over", ["5", ""], ["4", ""], True),
    ("subset", ["5"], ["5"], False),
    ("subset", ["6"], ["5"], True),
    ("subset", ["6"], ["5", "1"], False),
    ("subset", ["7"], ["5", "1"], True),
]


@pytest.mark.parametrize(("kind", "left", "right", "expected"), TRUTH)
def test_truth_table(kind: str, left: list[str | None], right: list[str | None], expected: bool) -> None:
    assert broken(kind, left, right) is expected


def test_every_kind_is_seen_kept_and_broken() -> None:
    assert {(kind, expected) for kind, _, _, expected in TRUTH} == {
        (kind, expected) for kind in KINDS for expected in (True, False)
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["9"], ["1", None]),
        ([None], ["1", "1"]),
        (["9"], ["1", "不适用"]),
        (["9"], ["1", "? 0"]),
        ([""], ["1", "1"]),
        (["/"], ["1", "1"]),
        (["9"], ["", "/"]),
        ([""], ["", ""]),
    ],
)
def test_no_rule_judges_what_is_unread_or_left_empty(
    kind: str, left: list[str | None], right: list[str | None]
) -> None:
    assert not broken(kind, left, right)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_that_is_not_in_the_table_is_as_good_as_unread(kind: str) -> None:
    rule, values = made_up(kind, ["9"], ["1", "1"])
    values.pop(rule.right[1])
    assert KINDS[kind](rule, values) is None


@pytest.mark.parametrize(
    ("kind", "left", "right", "expected", "printed"),
    [
        ("sum", ["30"], ["15", "7", "0", "2", "", "1", "3", "3"], "31 = 15+7+2+1+3+3", "30"),
        ("sum", ["30"], ["-8", "9.50"], "1.50 = (-8)+9.50", "30"),
        ("sum", ["3"], ["0", "0"], "0", "3"),
        ("carry_over", ["5", "2"], ["6", "4"], "7 = 5+2", "10 = 6+4"),
        ("subset", ["13"], ["5", "7"], "≤ 12 = 5+7", "13"),
    ],
)
def test_a_finding_shows_the_sum_as_a_person_would_check_it(
    kind: str, left: list[str | None], right: list[str | None], expected: str, printed: str
) -> None:
    rule, values = made_up(kind, left, right)
    (finding,) = check_all([rule], values)
    assert (finding.expected, finding.printed) == (expected, printed)
    assert finding.rule_id == rule.id
    assert finding.cells == rule.left + rule.right
    assert (finding.reference, finding.text) == ("law", "words")


amounts = st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=3), min_size=1, max_size=25)


@given(parts=amounts, off=st.decimals(min_value=-5, max_value=5, places=3))
def test_sums_are_exact(parts: list[Decimal], off: Decimal) -> None:
    assume(off != 0)
    exact = sum(int(part * 1000) for part in parts)
    texts: list[str | None] = [f"{part:f}" for part in parts]
    assert not broken("sum", [f"{Decimal(exact) / 1000:f}"], texts)
    assert broken("sum", [f"{Decimal(exact) / 1000 + off:f}"], texts)


def test_figures_beyond_the_usual_precision_are_added_exactly() -> None:
    rule, values = made_up("carry_over", ["0", "1"], ["0"])
    huge = Value(Mark.NUMBER, Decimal(10**40))
    assert KINDS["carry_over"](rule, {**values, rule.left[0]: huge, rule.right[0]: huge}) is not None


EQUATIONS = ("sum", "carry_over")


@pytest.mark.parametrize("kind", EQUATIONS)
@given(left=amounts, right=amounts, place=st.integers(min_value=0), off=st.decimals(-5, 5, places=3))
def test_one_wrong_cell_alone_always_breaks_an_equation(
    kind: str, left: list[Decimal], right: list[Decimal], place: int, off: Decimal
) -> None:
    assume(off != 0)
    right = [*right, sum(left, Decimal(0)) - sum(right, Decimal(0))]
    rule, values = made_up(kind, [f"{n:f}" for n in left], [f"{n:f}" for n in right])
    assert KINDS[kind](rule, values) is None
    wrong = list(values)[place % len(values)]
    number = values[wrong].number  # type: ignore[union-attr]
    assert number is not None
    assert KINDS[kind](rule, {**values, wrong: Value(Mark.NUMBER, number + off)}) is not None


@pytest.mark.parametrize(
    ("down", "found"), [(["9", "1", "5"], True), (["7", "1", "5"], False), (["6", "1", "5"], False)]
)
def test_where_two_sums_that_lack_the_same_cross_a_figure_is_wrong(down: list[str], found: bool) -> None:
    across, values = made_up("sum", ["6"], ["1", "2"])
    one = CellKey("t", "right", "0")
    column = {CellKey("t", "down", str(place)): parse_value(text) for place, text in enumerate(down)}
    total, _, other = column
    rules = [across, RuleSpec("down", "sum", (total,), (one, other), "law", "words")]
    assert misfits(rules, values | column) == (frozenset({one}) if found else frozenset())
    assert not misfits([across], values)


@pytest.mark.parametrize("kind", EQUATIONS)
def test_an_equation_that_holds_supports_its_cells(kind: str) -> None:
    rule, values = made_up(kind, ["7"], ["5", "2", ""])
    assert count_support([rule, rule], values) == dict.fromkeys(values, 2)


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [
        ("sum", ["8"], ["5", "2"]),
        ("sum", ["7"], ["5", None]),
        ("sum", [""], ["5", "2"]),
        ("subset", ["5"], ["5"]),
    ],
)
def test_nothing_supports_a_cell_when_a_wrong_figure_could_pass(
    kind: str, left: list[str | None], right: list[str | None]
) -> None:
    rule, values = made_up(kind, left, right)
    assert not count_support([rule], values)


@pytest.mark.parametrize(
    ("left", "right", "lost"),
    [
        (["752"], ["3000", "752"], {("left", "0")}),
        (["117"], ["1000", "170"], {("left", "0")}),
        (["31"], ["7", "21"], set()),
        (["26"], ["5", "1"], {("right", "0"), ("right", "1")}),
        (["6"], ["5", "2"], set()),
        (["17"], ["5", "12"], set()),
        (["", "4"], ["0", "5"], set()),
    ],
)
def test_a_figure_is_a_digit_short_where_its_sum_would_hold_with_one(
    left: list[str | None], right: list[str | None], lost: set[tuple[str, str]]
) -> None:
    rule, values = made_up("sum", left, right)
    assert {(key.row_id, key.column_id) for key in digits_lost([rule], values)} == lost


@given(st.integers(1, 9999), st.integers(1, 9), st.booleans(), st.integers(0, 9999))
def test_every_digit_that_is_lost_at_an_end_shows(whole: int, digit: int, front: bool, other: int) -> None:
    printed = int(f"{digit}{whole}" if front else f"{whole}{digit}")
    rule, values = made_up(
        "sum",
        [str(whole)],
        [str(printed - other) if printed > other else str(printed), str(other) if printed > other else "0"],
    )
    assert CellKey("t", "left", "0") in digits_lost([rule], values)


# Received, dealt with, carried on: what came in is the sum of the two; first both kinds of applicants, then their sum.
_UPRIGHT = {
    "in its place": (["12 5 17", "9 5 14", "3 0 3"], False),
    "a column off to the right": (["1 12 5", "1 9 5", "1 3 0"], True),
    "a column off to the left": (["5 17 ", "5 14 ", "0 3 "], True),
    "a row that is not read rightly": (["12 5 17", "9 7 14", "3 0 3"], False),
    "noughts alone, of which all sums hold": (["0 0 0", "0 0 0", "0 0 0"], False),
    "no total anywhere": (["12 5 ", "9 5 ", "3 0 "], True),
}


@pytest.mark.parametrize("case", _UPRIGHT)
def test_a_table_a_column_off_is_known_by_its_rows_though_its_columns_add_up(case: str) -> None:
    lines, expected = _UPRIGHT[case]
    values = {
        CellKey("t", row, str(column)): parse_value(text)
        for row, line in zip(("in", "done", "open"), lines, strict=True)
        for column, text in enumerate(line.split(" "))
    }

    def cells(row: str, *columns: int) -> tuple[CellKey, ...]:
        return tuple(CellKey("t", row, str(column)) for column in columns)

    rules = [RuleSpec(row, "sum", cells(row, 2), cells(row, 0, 1), "law", "") for row in ("in", "done", "open")]
    rules += [
        RuleSpec(f"{c}", "carry_over", cells("in", c), (*cells("done", c), *cells("open", c)), "law", "")
        for c in (0, 1, 2)
    ]
    assert (at_odds(rules, values) == {"t"}) is expected
    assert at_odds(rules[:3], values) == at_odds(rules, values)
    assert not at_odds([replace(rule, kind="subset") for rule in rules], values)


def test_equations_of_nothing_but_noughts_support_nothing_in_a_table_that_is_at_odds() -> None:
    rules, values = [], {}
    for row, texts in (("noughts", "000"), ("figures", "321")):
        cells = tuple(CellKey("t", row, str(column)) for column in range(3))
        values |= {key: parse_value(text) for key, text in zip(cells, texts, strict=True)}
        rules.append(RuleSpec(row, "sum", cells[:1], cells[1:], "law", ""))
    assert count_support(rules, values) == dict.fromkeys(values, 1)
    assert count_support(rules, values, {"t"}) == {key: 1 for key in values if key.row_id == "figures"}
    assert count_support(rules, values, {"u"}) == count_support(rules, values)
