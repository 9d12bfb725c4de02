"""Readings against the relations of the form: exact on small tables, and within its bars on whole reports."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scans.figures import draw_figures

from pipeline import rules
from pipeline.domain import Alternative, CellKey, FormSpec, Reading, RuleSpec
from pipeline.forms import load_forms
from pipeline.reconcile import SPAN, Component, Reconciliation, Verdict, reconcile
from pipeline.reconcile.table import Suspect, build_table
from pipeline.values import parse_value

Readings = dict[CellKey, Reading]
FORMS = load_forms()
ROWS, COLUMNS = ("a", "b", "total"), ("x", "y", "total")


def reading(*alternatives: tuple[str, float]) -> Reading:
    return Reading(tuple(Alternative(text, probability) for text, probability in alternatives), "reader")


def sure(text: str) -> Reading:
    return reading((text, 0.9999))


def key(row: str, column: str) -> CellKey:
    return CellKey("t", row, column)


def rule(name: str, left: list[CellKey], right: list[CellKey], kind: str = "sum") -> RuleSpec:
    return RuleSpec(name, kind, tuple(left), tuple(right), "law", "words")


# Two rows and two columns with their totals.
SQUARE = [
    *(rule(f"row {r}", [key(r, "total")], [key(r, "x"), key(r, "y")]) for r in ROWS),
    *(rule(f"column {c}", [key("total", c)], [key("a", c), key("b", c)]) for c in COLUMNS),
]
FIGURES = {"a": ("5", "12", "17"), "b": ("138", "0", "138"), "total": ("143", "12", "155")}


def square(**changes: Reading) -> Readings:
    """The table of consistent figures; a change is named like ``a_x``."""
    readings = {key(r, c): sure(FIGURES[r][i]) for r in ROWS for i, c in enumerate(COLUMNS)}
    return readings | {key(*name.split("_")): new for name, new in changes.items()}


def solve(readings: Mapping[CellKey, Reading], specs: list[RuleSpec] | None = None, **options: int) -> Reconciliation:
    return reconcile(SQUARE if specs is None else specs, readings, dict.fromkeys(readings, 1.0), **options)


# --------------------------------------------------------------------------- one table


def test_certain_figures_that_add_up_need_nothing() -> None:
    assert solve(square()) == Reconciliation((), {}, {}, ())


def test_a_doubtful_reading_that_alone_adds_up_is_settled() -> None:
    found = solve(square(b_x=reading(("188", 0.5), ("138", 0.3), ("133", 0.1))))
    (component,) = found.components
    assert component.verdict is Verdict.UNIQUE
    assert component.solutions == 1
    assert component.choice == {key("b", "x"): "138"}
    assert found.settled[key("b", "x")].text == "138"
    assert found.findings == ()


def test_two_doubtful_cells_that_can_make_up_for_each_other_are_left_open() -> None:
    row = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    readings = {
        key("a", "total"): sure("10"),
        key("a", "x"): reading(("3", 0.5), ("8", 0.4)),
        key("a", "y"): reading(("7", 0.5), ("2", 0.4)),
    }
    found = solve(readings, row)
    (component,) = found.components
    assert component.verdict is Verdict.AMBIGUOUS
    assert component.solutions == 2
    assert component.choice == {key("a", "x"): "3", key("a", "y"): "7"}
    assert component.runner_up == {key("a", "x"): "8", key("a", "y"): "2"}
    assert component.margin == pytest.approx(2 * math.log((0.5 + 0.01) / (0.4 + 0.01)))
    assert found.settled == {}


def test_a_hardly_possible_reading_is_not_taken_because_a_sum_then_holds() -> None:
    row = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    readings = {
        key("a", "total"): sure("10"),
        key("a", "x"): reading(("3", 0.99), ("8", 0.004)),
        key("a", "y"): sure("2"),
    }
    found = solve(readings, row)
    assert found.settled == {}
    assert found.posterior[key("a", "x")][0].probability < 0.9


def test_what_two_sums_demand_and_a_reader_hardly_lists_may_be_misprinted_too() -> None:
    hardly, rather = (solve(square(b_x=reading(("133", 0.988), ("138", share)))) for share in (0.003, 0.02))
    assert hardly.settled == {}
    assert 0.8 < hardly.posterior[key("b", "x")][0].probability < 0.95
    assert rather.settled[key("b", "x")].text == "138"


def test_where_everything_is_certain_the_print_is_wrong_and_the_crossing_is_named() -> None:
    found = solve(square(b_x=sure("183")))
    (component,) = found.components
    assert component.verdict is Verdict.INFEASIBLE
    assert component.guilty == ((key("b", "x"),),)
    assert {finding.rule_id for finding in found.findings} == {"row b", "column x"}
    assert all(finding.cells == (key("b", "x"),) for finding in found.findings)
    assert found.settled == {}


def test_a_lone_relation_names_all_its_cells() -> None:
    row = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    readings = {key("a", "total"): sure("0"), key("a", "x"): sure("3"), key("a", "y"): sure("2")}
    (finding,) = solve(readings, row).findings
    assert set(finding.cells) == set(readings)


def test_a_mark_where_another_sum_wants_a_figure_is_named_with_the_rest() -> None:
    """What the one sum lacks is not what the other adds up to, so that no single figure in its place mends both."""
    parts = {key("a", c): sure(text) for c, text in (("x", "14"), ("y", "1"), ("z", "/"))}
    specs = [
        rule("whole", [key("a", "total")], list(parts)),
        rule("part", [key("a", "z")], [key("b", c) for c in "xy"]),
    ]
    details = {key("b", c): sure("1") for c in "xy"}
    (finding,) = solve(parts | details | {key("a", "total"): sure("16")}, specs).findings
    assert finding.rule_id == "whole"
    assert set(finding.cells) == {*parts, key("a", "total")}
    nothing = solve(parts | dict.fromkeys(details, sure("0")) | {key("a", "total"): sure("16")}, specs)
    assert key("a", "z") not in nothing.findings[0].cells
    # Alone it is no fault: an agency may leave its totals blank.
    assert solve(parts | details | {key("a", "total"): sure("15")}, specs).findings == ()


def test_two_sums_that_fail_by_themselves_and_share_a_cell_are_both_reported_beside_a_doubtful_mark() -> None:
    """One of nine figures of the one with one of nine of the other: so many pairs mend both."""
    row, column = ([key("a", "x"), *(key(r, str(number)) for number in range(8))] for r in "ab")
    figures = dict.fromkeys([*row, *column], sure("4"))
    totals = {key("a", "total"): sure("39"), key("b", "total"): sure("37")}
    mark = {key("a", "mark"): reading(("/", 0.964), ("1", 0.01))}
    specs = [
        rule("row", [key("a", "total")], [*row, key("a", "mark")]),
        rule("column", [key("b", "total")], column),
    ]
    found = solve(figures | totals | mark, specs)
    assert {finding.rule_id: len(finding.cells) for finding in found.findings} == {"row": 11, "column": 10}
    assert found.settled == {}


@pytest.mark.parametrize(
    "unread",
    [
        reading(("", 0.0)),
        reading(("108", 0.2), ("198", 0.1)),
        reading(("18", 0.3)),
        reading(("13", 0.2), ("1.3.8", 0.2)),
    ],
)
def test_an_unread_figure_is_derived_from_two_sums(unread: Reading) -> None:
    found = solve(square(b_x=unread))
    assert found.settled[key("b", "x")].text == "138"


@pytest.mark.parametrize("contrary", [reading(("9245", 0.4)), reading(("", 0.6)), reading(("188", 0.94)), sure("")])
def test_nothing_is_derived_that_the_picture_contradicts(contrary: Reading) -> None:
    assert solve(square(b_x=contrary)).settled == {}


ROW = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
OTHER_ROW = [rule("other", [key("b", "total")], [key("b", "x"), key("b", "y")])]
HARDLY_READ = {
    key("a", "total"): sure("147"),
    key("a", "x"): reading(("188", 0.2), ("108", 0.1)),
    key("a", "y"): sure("9"),
}


def test_one_sum_of_certain_figures_gives_what_resembles_the_picture() -> None:
    found = solve(HARDLY_READ, ROW)
    assert found.settled[key("a", "x")].text == "138"


@pytest.mark.parametrize(
    "unlike",
    [
        reading(("9", 0.2)),
        reading(("31", 0.2), ("4275", 0.1)),
        reading(("", 0.0)),
        reading(("137", 0.3), ("13", 0.0001)),
    ],
)
def test_one_sum_alone_gives_nothing_that_the_picture_does_not_show(unlike: Reading) -> None:
    assert solve(HARDLY_READ | {key("a", "x"): unlike}, ROW).settled.get(key("a", "x")) is None


def test_one_sum_alone_gives_back_a_digit_that_was_lost() -> None:
    assert solve(HARDLY_READ | {key("a", "x"): reading(("13", 0.3))}, ROW).settled[key("a", "x")].text == "138"


def test_one_sum_alone_gives_nothing_in_a_report_that_is_wrong_elsewhere() -> None:
    wrong = {key("b", "total"): sure("10"), key("b", "x"): sure("3"), key("b", "y"): sure("2")}
    found = solve(HARDLY_READ | wrong, ROW + OTHER_ROW)
    assert [finding.rule_id for finding in found.findings] == ["other"]
    assert found.settled == {}
    assert found.posterior[key("a", "x")][0].text == "138"
    right = wrong | {key("b", "total"): sure("5")}
    assert solve(HARDLY_READ | right, ROW + OTHER_ROW).settled[key("a", "x")].text == "138"


def test_where_nothing_is_legible_one_sum_alone_gives_only_nought() -> None:
    nothing = HARDLY_READ | {key("a", "x"): reading((".", 0.4))}
    assert solve(nothing, ROW).settled == {}
    noughts = {key("a", str(i)): sure("0") for i in range(12)}
    assert solve(nothing | noughts | {key("a", "total"): sure("9")}, ROW).settled == {
        key("a", "x"): Alternative("0", pytest.approx(1.0, abs=0.02))
    }


def test_specks_in_a_table_that_leaves_cells_blank_are_no_nought() -> None:
    columns = [str(i) for i in range(8)]
    specs = [rule("row", [key("a", "total")], [key("a", c) for c in columns])]
    figures = {key("a", c): sure("0") for c in columns} | {key("a", "0"): sure("4"), key("a", "total"): sure("4")}
    specks = {key("a", "3"): reading((",", 0.5), ("0", 0.0005))}
    blanks = {key("a", c): sure("") for c in columns[4:]}
    noughts = {key("b", str(i)): sure("0") for i in range(12)}
    assert solve(figures | blanks | specks, specs).settled == {}
    assert solve(figures | noughts | specks, specs).settled[key("a", "3")].text == "0"
    hardly = {key("a", "3"): reading(("0", 0.06))}
    assert solve(figures | blanks | hardly, specs).settled == {}
    assert solve(figures | blanks | hardly, specs).posterior[key("a", "3")][0].probability < 0.5
    assert solve(figures | noughts | hardly, specs).settled[key("a", "3")].text == "0"


@pytest.mark.parametrize(("read", "reported"), [("45", False), ("31", False), ("38", True)])
def test_a_figure_of_which_an_end_is_torn_off_is_no_misprint(read: str, reported: bool) -> None:
    """Of 3145 two digits are left, of which readers are nearly sure."""
    specs = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    figures = {key("a", "total"): reading((read, 0.937)), key("a", "x"): sure("292"), key("a", "y"): sure("2853")}
    found = solve(figures, specs)
    assert bool(found.findings) == reported
    assert found.settled == {}


@pytest.mark.parametrize(("total", "settled"), [("735", False), ("245", True)])
def test_one_sum_does_not_overrule_what_is_left_of_a_digit_beside_a_hidden_one(total: str, settled: bool) -> None:
    """Of 735 the 7, half under the blot, looks like a 2."""
    row = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    hidden = reading(("2?5", 0.07), *((f"2{digit}5", 0.012) for digit in range(10)))
    figures = {key("a", "total"): sure(total), key("a", "x"): hidden, key("a", "y"): sure("0")}
    assert {k: a.text for k, a in solve(figures, row).settled.items()} == ({key("a", "x"): total} if settled else {})
    column = rule("column", [key("total", "x")], [key("a", "x"), key("b", "x")])
    both = figures | {key("total", "x"): sure(total), key("b", "x"): sure("0")}
    assert solve(both, [*row, column]).settled[key("a", "x")].text == total


@pytest.mark.parametrize("mark", ["-", ""])
def test_what_a_mark_loses_that_the_table_does_not_use_falls_to_nothing_else(mark: str) -> None:
    """One agency in many writes two ways: where a reader is nearly sure of a dash among noughts it may be one."""
    specs = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    figures = {key("a", "total"): sure("7"), key("a", "y"): sure("7"), key("a", "x"): reading((mark, 0.97))}
    found = solve(figures | {key("b", str(number)): sure("0") for number in range(60)}, specs)
    assert found.settled == {}
    assert {a.text: a.probability for a in found.posterior[key("a", "x")]}[mark] > 0.1


@pytest.mark.parametrize(("others", "certain"), [([""] * 20, True), ([""] * 18 + ["/"] * 2, False)])
def test_a_sum_does_not_make_a_blank_surer_in_a_table_that_has_other_marks_too(
    others: list[str], certain: bool
) -> None:
    """A slash that thresholding left a trace of reads as a blank, and counts as 0 like one."""
    specs = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    figures = {key("a", "total"): sure("7"), key("a", "y"): sure("7"), key("a", "x"): reading(("", 0.97), ("1", 0.002))}
    found = solve(figures | {key("b", str(number)): sure(text) for number, text in enumerate(others)}, specs)
    posterior = {a.text: a.probability for a in found.posterior[key("a", "x")]}
    assert (posterior[""] > 0.99) == certain
    assert posterior[""] > 0.95


@pytest.mark.parametrize(
    ("others", "settled"),
    [
        (["0"] * 60, True),
        (["0"] * 5, False),  # of so few nobody knows how what did not occur is written
        (["0"] * 58 + ["-"] * 4, False),
    ],
)
def test_a_torn_nought_that_looks_like_a_dash_is_one_where_all_others_are_noughts(
    others: list[str], settled: bool
) -> None:
    specs = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    torn = {key("a", "x"): reading(("-", 0.32), ("0", 0.004), ("1", 0.004))}
    figures = {key("a", "total"): sure("7"), key("a", "y"): sure("7")}
    company = {key("b", str(number)): sure(text) for number, text in enumerate(others)}
    found = solve(torn | figures | company, specs)
    assert {k: a.text for k, a in found.settled.items()} == ({key("a", "x"): "0"} if settled else {})


@pytest.mark.parametrize(("hidden", "settled"), [("8", True), ("0", False)])
def test_two_sums_that_agree_on_a_figure_settle_it_beside_dashes_that_are_hard_to_read(
    hidden: str, settled: bool
) -> None:
    """That they agree on a 0 says less: dashes that are none make up for each other as easily."""
    dash = reading(("-", 0.9), ("+1", 0.002))
    unread = reading(("?", 0.07), ("0", 0.06), *((str(digit), 0.0066) for digit in range(1, 10)))
    figures = {key(r, c): sure("-") for r in ROWS for c in COLUMNS} | {key("a", "x"): unread}
    figures |= {key("a", "y"): dash, key("b", "x"): dash, key("b", "y"): sure("3")}
    figures |= {key("total", "y"): sure("3"), key("b", "total"): sure("3")}
    figures |= {key("a", "total"): sure(hidden), key("total", "x"): sure(hidden)}
    figures |= {key("total", "total"): sure(str(3 + int(hidden)))}
    found = solve(figures)
    assert {k: a.text for k, a in found.settled.items()} == ({key("a", "x"): hidden} if settled else {})
    assert (key("a", "x") in found.agreed) == settled


def test_a_dash_that_may_be_less_than_nothing_hides_no_misprint() -> None:
    """A watermark lies behind the dash; that the sum wants one less is a fault in print."""
    row = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    figures = {key("a", "total"): sure("7"), key("a", "x"): sure("8")}
    found = solve(figures | {key("a", "y"): reading(("-", 0.5), ("—1", 0.0001))}, row)
    assert [finding.rule_id for finding in found.findings] == ["row"]
    change = solve(figures | {key("a", "y"): reading(("-1", 0.9), ("1", 0.05))}, row)
    assert change.findings == ()


def test_a_value_that_was_hardly_read_is_not_taken_for_unread() -> None:
    """The reader lists the right figure last, after points that mean nothing."""
    found = solve(square(b_x=reading((".", 0.5), ("138", 0.0005))))
    assert found.settled[key("b", "x")].text == "138"


def test_a_mark_that_the_table_does_not_use_gives_way_to_the_usual_nought() -> None:
    specs = [rule("row", [key("a", "total")], [key("a", str(i)) for i in range(40)])]
    noughts = {key("a", str(i)): sure("0") for i in range(40)} | {key("a", "total"): sure("0")}
    dash = reading(("-", 0.1), ("1", 0.002))
    dashes = {k: sure("-") for k in noughts} | {key("a", "5"): sure("0"), key("a", "total"): sure("0")}
    among_noughts, among_dashes = (
        {a.text: a.probability for a in solve(others | {key("a", "3"): dash}, specs).posterior[key("a", "3")]}
        for others in (noughts, dashes)
    )
    assert among_noughts["0"] > 0.9
    assert among_dashes["-"] > 3 * among_noughts["-"]


def test_a_component_that_is_too_large_is_taken_apart() -> None:
    """What a sum with one doubtful cell says is known, whatever doubts stand in the others."""
    vague = [reading(*((str(d), 0.1 - d / 1000) for d in range(9))) for _ in range(12)]
    wide = [rule("wide", [key("a", "total")], [key("a", str(i)) for i in range(12)])]
    narrow = [rule("narrow", [key("b", "total")], [key("a", "0"), key("b", "y")])]
    readings = {key("a", str(i)): read for i, read in enumerate(vague)} | {
        key("a", "total"): sure("40"),
        key("b", "total"): sure("9"),
        key("b", "y"): sure("4"),
    }
    found = solve(readings, wide + narrow, budget=300)
    assert found.settled[key("a", "0")].text == "5"
    assert [(c.verdict, c.rules) for c in found.components] == [
        (Verdict.UNDECIDED, ("wide",)),
        (Verdict.UNIQUE, ("narrow",)),
    ]
    assert key("a", "0") not in found.components[0].cells


def test_of_very_many_doubtful_cells_those_with_few_others_in_their_sum_are_still_searched() -> None:
    """Taken apart one relation at a time, a table of doubtful cells would use up all tables that may be tried."""
    lines = [str(number) for number in range(12)]
    vague = [(str(digit), 0.1 - digit / 1000) for digit in range(9)]
    readings = {key(r, c): reading(*vague) for r in lines for c in lines}
    readings |= {key("z", c): sure("4") for c in lines} | {key("z", "0"): reading(("4", 0.6), ("/", 0.39))}
    readings |= {key(r, "total"): sure("40") for r in lines} | {key("total", c): sure("44") for c in lines}
    readings[key("z", "total")] = sure("53")
    specs = [rule(f"row {r}", [key(r, "total")], [key(r, c) for c in lines]) for r in [*lines, "z"]]
    specs += [rule(f"column {c}", [key("total", c)], [key(r, c) for r in [*lines, "z"]]) for c in lines]
    found = solve(readings, specs, budget=2500)
    assert [finding.rule_id for finding in found.findings] == ["row z"]
    assert found.settled == {}


def test_a_misprint_among_many_doubtful_figures_is_named_with_more_tables_than_all_else_may_take() -> None:
    """What else each figure may be is not asked where that alone would use up the tables."""
    lines = [str(number) for number in range(8)]
    figures = {key(r, c): 3 + (7 * int(r) + 5 * int(c)) % 9 for r in lines for c in lines}
    figures |= {key(r, "total"): sum(figures[key(r, c)] for c in lines) for r in lines}
    figures |= {key("total", c): sum(figures[key(r, c)] for r in lines) for c in [*lines, "total"]}
    specs = [rule(f"row {r}", [key(r, "total")], [key(r, c) for c in lines]) for r in [*lines, "total"]]
    specs += [rule(f"column {c}", [key("total", c)], [key(r, c) for r in lines]) for c in lines]
    readings = {k: reading((str(amount), 0.95), (f"{amount}1", 0.002)) for k, amount in figures.items()}
    readings[key("1", "1")] = sure(str(figures[key("1", "1")] + 2))
    found = solve(readings, specs, budget=100)  # 219 are needed
    assert {(f.rule_id, f.cells) for f in found.findings} == {(n, (key("1", "1"),)) for n in ("row 1", "column 1")}


def test_a_digit_that_no_reader_lists_is_rarer_than_a_misprint_in_a_sum_of_three() -> None:
    """Of a thousand such doubtful figures of generated scans none was another one with one other digit."""
    specs = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    noughts = {key("a", c): sure("0") for c in "xy"}
    found = solve(noughts | {key("a", "total"): reading(("1", 0.911), ("3", 1e-4))}, specs)
    assert [set(f.cells) for f in found.findings] == [{key("a", c) for c in ("total", "x", "y")}]
    assert solve(noughts | {key("a", "total"): reading(("1", 0.911), ("0", 0.01))}, specs).findings == ()


def test_a_plain_misprint_is_reported_though_every_figure_is_doubtful_and_the_search_does_not_end() -> None:
    """All that a picture shows may be doubtful alike: what else each cell may be is not needed to see what is wrong."""
    lines = [*(str(number) for number in range(9)), "total"]
    figures = {key(r, c): 100 + 37 * int(r) + 11 * int(c) for r in lines[:-1] for c in lines[:-1]}
    figures |= {key(r, "total"): sum(figures[key(r, c)] for c in lines[:-1]) for r in lines[:-1]}
    figures |= {key("total", c): sum(figures[key(r, c)] for r in lines[:-1]) for c in lines}
    specs = [rule(f"row {r}", [key(r, "total")], [key(r, c) for c in lines[:-1]]) for r in lines]
    specs += [rule(f"column {c}", [key("total", c)], [key(r, c) for r in lines[:-1]]) for c in lines]
    misprint = key("4", "6")
    readings = {k: reading(("3314" if k == misprint else str(amount), 0.85)) for k, amount in figures.items()}
    found = solve(readings, specs, budget=2500)
    assert {(f.rule_id, f.cells) for f in found.findings} == {("row 4", (misprint,)), ("column 6", (misprint,))}
    beside = {key("4", c) for c in lines} | {key(r, "6") for r in lines}
    assert {k: value.text for k, value in found.settled.items()} == {
        k: str(amount) for k, amount in figures.items() if k not in beside
    }
    assert [c.rules for c in found.components if c.verdict is Verdict.INFEASIBLE] == [("column 6", "row 4")]
    # That one digit of 314 was read wrongly is likelier than that it is wrong in print.
    readings[misprint] = reading(("814", 0.85))
    assert solve(readings, specs, budget=2500).findings == ()


def test_a_digit_that_a_reader_of_a_number_does_not_list_is_rather_wrong_in_print() -> None:
    """Of what a fairly sure reading leaves of 1 hardly anything is another digit that is not among its alternatives."""
    specs = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    others = {key("a", "total"): sure("13"), key("a", "y"): sure("9")}
    for unread in (("1", 0.001), ("\\", 0.001)):
        found = solve(others | {key("a", "x"): reading(("2", 0.985), unread)}, specs)
        assert [set(f.cells) for f in found.findings] == [{key("a", "x"), *others}]
        assert found.settled == {}
    for listed in (reading(("2", 0.95), ("4", 0.04)), reading(("2", 0.4), ("1", 0.05))):
        assert solve(others | {key("a", "x"): listed}, specs).findings == ()


def test_a_figure_that_was_hardly_read_may_be_quite_another_before_the_rest_is_wrong_in_print() -> None:
    """Specks and what is left of a border make more digits than are printed."""
    specs = [rule("row", [key("a", "total")], [key("a", c) for c in "xyz"])]
    others = {key("a", "total"): sure("3"), key("a", "y"): sure("0"), key("a", "z"): sure("0")}
    found = solve(others | {key("a", "x"): reading(("-37", 0.24), ("1.37", 0.01))}, specs)
    assert (found.findings, found.settled) == ((), {})
    fairly = solve(others | {key("a", "x"): reading(("-37", 0.8), ("1.37", 0.01))}, specs)
    assert [finding.rule_id for finding in fairly.findings] == ["row"]
    # Nor do two sums make it that: the picture shows another one.
    assert solve(square(b_x=reading(("38.7", 0.45)))).settled == {}


def test_many_misprints_together_outweigh_the_one_digit_that_alone_is_likelier() -> None:
    """What mends the sum best is a digit that was not read, yet it is rather one of nine figures that is misprinted."""
    parts = [key("a", str(number)) for number in range(8)]
    specs = [rule("row", [key("a", "total")], parts)]
    doubtful = {key("a", "total"): reading(("82", 0.92), ("832", 0.001))}
    found = solve(doubtful | dict.fromkeys(parts, sure("10")), specs)
    assert [set(f.cells) for f in found.findings] == [{key("a", "total"), *parts}]
    assert found.components[0].choice == {key("a", "total"): "82"}
    assert found.components[0].runner_up == {key("a", "total"): "80"}
    # One of two figures is not misprinted as often as a third that is read less well is misread.
    few = {key("a", "total"): reading(("22", 0.8), ("232", 0.001))} | dict.fromkeys(parts[:2], sure("10"))
    assert solve(few, [rule("row", [key("a", "total")], parts[:2])]).findings == ()


def test_two_figures_beyond_reading_are_together_not_less_than_nothing() -> None:
    faint = {key("a", c): reading((text, 0.8), ("—", 0.001)) for c, text in (("x", "0"), ("y", "1"))}
    others = {key("a", "total"): sure("0"), key("a", "z"): sure("1")}
    specs = [rule("row", [key("a", "total")], [key("a", c) for c in "xyz"])]
    assert [f.rule_id for f in solve(faint | others, specs).findings] == ["row"]


def test_two_digits_beyond_reading_have_many_ways_to_make_up_for_each_other() -> None:
    unsure = {key("a", c): reading((text, 0.49), ("77777", 0.05)) for c, text in (("total", "0"), ("y", "9"))}
    specs = [rule("row", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    assert solve(unsure | {key("a", "x"): sure("2")}, specs).findings == ()
    assert solve(unsure | {key("a", "x"): sure("2"), key("a", "y"): sure("9")}, specs).findings


def test_where_every_way_may_be_a_misprint_and_none_is_surely_one_nothing_is_said() -> None:
    """Two figures that are hardly read make up for each other in many ways, each of them as likely wrong in print."""
    keys = [key("a", c) for c in ("total", "x", "y")]
    parts = (reading(("1", 0.991), ("—", 1e-4)), sure("9"), reading(("8", 0.02), ("—", 0.01)))
    found = solve(dict(zip(keys, parts, strict=True)), [rule("row", keys[:1], keys[1:])])
    assert [(c.verdict, c.solutions) for c in found.components] == [(Verdict.AMBIGUOUS, 0)]
    assert (found.settled, found.findings) == ({}, ())


def test_a_cell_whose_place_is_doubtful_does_not_testify() -> None:
    readings = square(b_x=reading(("188", 0.5), ("138", 0.4)))
    placed = dict.fromkeys(readings, 1.0) | {key("b", "total"): 0.9, key("total", "x"): 0.9}
    assert reconcile(SQUARE, readings, placed).settled == {}


def test_a_blank_total_and_blank_details_are_legal() -> None:
    assert solve(square(a_total=sure(""), b_total=sure(""), total_total=sure(""))).components == ()


def test_words_make_a_relation_silent() -> None:
    assert solve(square(b_x=sure("不适用"))).components == ()


def test_a_sum_does_not_tell_a_blank_from_nought() -> None:
    found = solve(square(b_y=reading(("", 0.6), ("0", 0.4))))
    assert found.settled == {}
    assert [(a.text, pytest.approx(a.probability, abs=0.01)) for a in found.posterior[key("b", "y")]] == [
        ("", 0.6),
        ("0", 0.4),
    ]


def test_decimals_are_exact() -> None:
    money = [rule("money", [key("a", "total")], [key("a", "x"), key("a", "y")])]
    readings = {
        key("a", "total"): sure("0.3"),
        key("a", "x"): sure("0.1"),
        key("a", "y"): reading(("0.2", 0.6), ("0.8", 0.3)),
    }
    assert solve(readings, money).settled[key("a", "y")].text == "0.2"


def test_a_part_is_at_most_the_whole() -> None:
    part = [rule("part", [key("a", "x")], [key("a", "total")], "subset")]
    found = solve({key("a", "x"): reading(("9", 0.6), ("3", 0.4)), key("a", "total"): sure("5")}, part)
    assert found.components[0].choice == {key("a", "x"): "3"}
    assert found.settled == {}  # many other figures would be small enough


def test_what_cannot_be_searched_is_undecided_and_certain_faults_are_still_reported() -> None:
    found = solve(square(b_x=sure("183")), budget=1)
    assert found.components[0].verdict is Verdict.UNDECIDED
    assert {finding.rule_id for finding in found.findings} == {"row b", "column x"}


# --------------------------------------------------------------------------- properties

DIGITS = st.integers(0, 12).map(str)
DOUBTFUL = st.lists(
    st.tuples(DIGITS, st.floats(0.05, 1.0)), min_size=1, max_size=3, unique_by=lambda pair: pair[0]
).map(lambda pairs: reading(*sorted(((t, w / sum(p[1] for p in pairs) * 0.99) for t, w in pairs), key=lambda p: -p[1])))
# A number that is not quite sure, beside what hardly anything speaks for.
ILLEGIBLE = DIGITS.map(lambda text: reading((text, 0.02), ("—", 0.01)))
UNSURE = st.tuples(DIGITS, st.floats(0.8, 0.994)).map(lambda pair: reading(pair, ("—", 1e-4)))
TABLES = st.fixed_dictionaries({key(r, c): st.one_of(DIGITS.map(sure), DOUBTFUL) for r in ROWS for c in COLUMNS})


def amounts(texts: Mapping[CellKey, str]) -> dict[CellKey, int]:
    return {k: int(parse_value(text).number or 0) for k, text in texts.items()}


def broken(texts: Mapping[CellKey, str]) -> bool:
    return bool(rules.check_all(SQUARE, {k: parse_value(text) for k, text in texts.items()}))


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_a_certain_cell_is_never_touched(readings: Readings) -> None:
    found = solve(readings)
    certain = {k for k, read in readings.items() if read.probability >= 0.995}
    assert not certain & (set(found.posterior) | set(found.settled))


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_what_is_chosen_among_the_readings_keeps_every_relation(readings: Readings) -> None:
    found = solve(readings)
    texts = {k: read.text for k, read in readings.items()}
    for component in found.components:
        texts |= component.choice
    # A choice without one of its cells leaves that one open.
    whole = all(set(component.choice) == set(component.cells) for component in found.components)
    if whole and all(component.verdict in (Verdict.UNIQUE, Verdict.AMBIGUOUS) for component in found.components):
        assert not broken(texts)


@settings(max_examples=40, deadline=None)
@given(TABLES, st.permutations(SQUARE), st.permutations([key(r, c) for r in ROWS for c in COLUMNS]))
def test_the_order_of_rules_and_cells_does_not_matter(
    readings: Readings, order: list[RuleSpec], cells: list[CellKey]
) -> None:
    one, other = solve(readings), solve({k: readings[k] for k in cells}, order)
    assert (one.posterior, one.settled) == (other.posterior, other.settled)
    assert _canonical(one) == _canonical(other)


def _canonical(found: Reconciliation) -> list[Component]:
    return sorted((replace(c, rules=tuple(sorted(c.rules))) for c in found.components), key=lambda c: c.rules)


@settings(max_examples=80, deadline=None)
@given(st.fixed_dictionaries({key(r, c): DOUBTFUL for r in ROWS[:2] for c in COLUMNS[:2]}), st.data())
def test_unique_means_that_enumeration_finds_one(doubtful: Readings, data: st.DataObject) -> None:
    """The totals are those of one of the tables that can be read, so that at least one keeps the relations."""
    picked = {k: data.draw(st.sampled_from([a.text for a in read.alternatives])) for k, read in doubtful.items()}
    told = amounts(picked)
    totals = {key(r, "total"): told[key(r, "x")] + told[key(r, "y")] for r in ROWS[:2]}
    totals |= {key("total", c): told[key("a", c)] + told[key("b", c)] for c in COLUMNS[:2]}
    totals[key("total", "total")] = sum(told.values())
    readings = doubtful | {k: sure(str(total)) for k, total in totals.items()}
    certain = {k: str(total) for k, total in totals.items()}
    options = [
        [
            (k, a.text, a.probability + 0.1 * (1.0 - sum(b.probability for b in read.alternatives)))
            for a in read.alternatives
        ]
        for k, read in doubtful.items()
        if read.probability < 0.995
    ]
    fixed = {k: read.text for k, read in doubtful.items() if read.probability >= 0.995}
    costs = []
    for table in itertools.product(*options):
        if not broken({**certain, **fixed, **{k: text for k, text, _ in table}}):
            costs.append(-sum(math.log(weight) for _, _, weight in table))
    within = [cost for cost in costs if cost <= min(costs) + SPAN - 1e-9]
    found = solve(readings)
    if any(component.verdict is Verdict.INFEASIBLE for component in found.components):
        return  # a misprint explains it better than the readings
    read = {(k, a.text) for k, r in doubtful.items() for a in r.alternatives}
    if any(chosen not in read for component in found.components for chosen in component.choice.items()):
        return  # a digit that was not read explains it better
    if all(component.verdict is Verdict.UNIQUE for component in found.components):
        assert len(within) == 1


def spread(suspect: Suspect, misprinted: bool) -> np.ndarray:
    """How likely a cell means each amount, as it was read and where it may be misprinted."""
    weights = np.zeros(60)
    for choice in suspect.choices:
        weights[choice.amount] += choice.weight
    for amount in {*range(60)} - {choice.amount for choice in suspect.choices}:
        weights[amount] = suspect.unread(amount) + suspect.misprint * misprinted
    return weights


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(DIGITS.map(sure), DOUBTFUL, UNSURE, ILLEGIBLE), min_size=2, max_size=4))
def test_what_is_unique_keeps_the_sum_whatever_is_read(parts: list[Reading]) -> None:
    """Nor is any reading so odd that the search fails."""
    keys = [key("a", str(number)) for number in range(len(parts))]
    for component in solve(dict(zip(keys, parts, strict=True)), [rule("row", keys[:1], keys[1:])]).components:
        texts = [component.choice.get(k, part.text) for k, part in zip(keys, parts, strict=True)]
        told = set(component.cells) <= set(component.choice) and all(text.isdigit() for text in texts)
        if component.verdict is Verdict.UNIQUE and told:
            total, *details = map(int, texts)
            assert total == sum(details)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(DIGITS.map(sure), DOUBTFUL, UNSURE), min_size=3, max_size=4))
def test_a_sum_is_called_wrong_where_enumeration_finds_more_misprints_than_anything_else(parts: list[Reading]) -> None:
    readings = {key("a", str(number)): read for number, read in enumerate(parts)}
    keys = list(readings)
    spec = rule("row", keys[:1], keys[1:])
    suspects = {s.key: s for s in build_table([spec], readings, dict.fromkeys(readings, 1.0)).suspects}
    masses = []
    for misprinted in (False, True):
        total, *details = (spread(suspects[k], misprinted) for k in keys)
        masses.append(sum(a * b for a, b in zip(total, reduce(np.convolve, details), strict=False)))
    honest, every = masses
    share = 1.0 - honest / every
    found = solve(readings, [spec])
    # What differs in several cells at once is counted by the dozen, and rather as unread than as misprinted.
    if found.findings:
        assert share > 0.4
    elif sum(read.probability < 0.995 for read in parts) < 2:
        assert share < 0.6


# --------------------------------------------------------------------------- whole reports

REPORTS = 40


def drawn(seed: int, errors: bool = False) -> list[tuple[FormSpec, dict[CellKey, str], frozenset[CellKey]]]:
    rng = np.random.default_rng(seed)
    reports = []
    for _ in range(REPORTS):
        form = FORMS[int(rng.integers(len(FORMS)))]
        figures = draw_figures(form, rng, int(rng.integers(1, 4)) if errors else 0)
        reports.append((form, {k: f"{number:f}" for k, number in figures.figures.items()}, figures.guilty))
    return reports


def settle(form: FormSpec, readings: Readings) -> Reconciliation:
    return reconcile(form.rules, readings, dict.fromkeys(readings, 1.0))


def test_clean_reports_are_not_called_inconsistent() -> None:
    assert not any(settle(form, {k: sure(t) for k, t in texts.items()}).components for form, texts, _ in drawn(1))


def test_faults_in_print_are_reported_with_the_guilty_cells_and_change_nothing() -> None:
    named = 0
    for form, texts, guilty in drawn(2, errors=True):
        found = settle(form, {k: sure(t) for k, t in texts.items()})
        assert found.settled == {}
        assert found.findings
        named += guilty <= {k for finding in found.findings for k in finding.cells}
    assert named >= 0.98 * REPORTS


def damaged(text: str, rng: np.random.Generator) -> Reading:
    """One digit beyond reading: some of its confusions, or nothing at all."""
    place = int(rng.integers(len(text.replace(".", ""))))
    if rng.random() < 0.2:
        return reading(("", 0.0))
    total = float(rng.uniform(0.05, 0.7))
    guesses = [text[:place] + str(d) + text[place + 1 :] for d in rng.permutation(10)[:4]]
    texts = [t for t in guesses if parse_value(t).number is not None] or [""]
    shares = sorted(rng.dirichlet(np.ones(len(texts))), reverse=True)
    return reading(*((t, float(share) * total) for t, share in zip(texts, shares, strict=True)))


def test_a_damaged_digit_comes_back_where_two_sums_determine_it_and_never_wrong() -> None:
    rng = np.random.default_rng(3)
    determined = right = 0
    for form, texts, _ in drawn(4):
        sums = [r for r in form.rules if r.kind in rules.EQUATIONS]
        cells = sorted({k for r in sums for k in (*r.left, *r.right)})
        for cell in (cells[int(i)] for i in rng.integers(len(cells), size=3)):
            found = settle(form, {k: sure(t) for k, t in texts.items()} | {cell: damaged(texts[cell], rng)})
            settled = found.settled.get(cell)
            assert settled is None or settled.text == texts[cell]
            if sum(cell in (*r.left, *r.right) for r in sums) >= 2:
                determined += 1
                right += settled is not None
    assert determined > 20
    assert right >= 0.95 * determined
