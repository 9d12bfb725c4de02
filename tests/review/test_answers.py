"""What a person answered is taken only where everything in the line agrees."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.review.answers import Understood, row_answer, understand, value_answer
from pipeline.review.incoming import Line
from scripts.benchmarks import spreadsheets
from scripts.benchmarks.spreadsheets import FORM

MADE = spreadsheets.questions()
CELL = next(row for row in MADE.rows if row["kind"] == "cell" and row["table_id"] == "requests")
ROW = next(row for row in MADE.rows if row["kind"] == "row" and row["table_id"] == "requests")
ROWS = next(row for row in MADE.rows if row["kind"] == "rows" and row["table_id"] == "requests")
LINE = next(row for row in MADE.rows if row["kind"] == "figures" and row["table_id"] == "reviews")


def take(*rows: dict[str, str]) -> Understood:
    lines = [Line(number, dict(row)) for number, row in enumerate(rows, start=2)]
    return understand(lines, MADE.asked, ())


def answered(row: object, **answers: str) -> dict[str, str]:
    assert isinstance(row, dict)
    return {**row, **answers}


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("12", "12"),
        ("12.0", "12"),
        ("1,234", "1234"),
        ("1,234.00", "1234"),
        ("１，２３４", "1234"),
        (" ５ ", "5"),
        ("0", "0"),
        ("3件", "3"),
        ("+3", "3"),
        ("blank", "blank"),
        ("空白", "blank"),
        ("/", "slash"),
        ("slash", "slash"),
        ("—", "dash"),
        ("Dash", "dash"),
        ("不适用", "不适用"),
    ],
)
def test_values_as_people_write_them(text: str, new: str) -> None:
    assert value_answer(text, "件", negative=False) == new


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("3-2", "made a date"),
        ("3月2日", "made a date"),
        ("2-Mar", "made a date"),
        ("2026/3/2", "made a date"),
        ("2026-03-02 00:00:00", "made a date"),
        ("1.23E+09", "shortened"),
        ("1.5", "no whole number"),
        ("-4", "less than nothing"),
        ("=1+1", "formula"),
        ("五", "no number and no mark"),
        ("12 13", "no number and no mark"),
        ("3元", "unit of this cell is 件"),
        ("55（含自然失效 29 件）", "more than a number"),
        ("9999999999999999", "no number and no mark"),
        ("007", "no number and no mark"),
    ],
)
def test_values_that_cannot_stand_there(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        value_answer(text, "件", negative=False)


def test_money_has_decimals_and_changes_may_be_negative() -> None:
    assert value_answer("20.30", "万元", negative=False) == "20.30"
    assert value_answer("-8", "件", negative=True) == "-8"


def test_rows_are_named_by_their_id() -> None:
    assert row_answer(" Received ", FORM, "requests") == "received"
    assert row_answer("ｎｏｎｅ", FORM, "requests") == "none"
    with pytest.raises(ValueError, match="its rows are received, carried_in"):
        row_answer("regulations", FORM, "requests")


def test_an_answer_says_what_was_who_said_it_and_of_what() -> None:
    (made,) = take(answered(CELL, corrected_value="7", reviewer="王芳", comment="=看清")).corrections
    assert (made.new, made.old, made.reviewer, made.comment) == ("7", CELL["value"], "王芳", "=看清")
    assert (made.key.table_id, made.key.row_id, made.key.column_id) == tuple(
        CELL[name] for name in ("table_id", "row_id", "column_id")
    )
    (moved,) = take(answered(ROW, corrected_row_id="carried_out")).corrections
    assert (moved.old, moved.new, moved.key.column_id) == (ROW["row_id"], "carried_out", "")
    assert moved.context is not None
    assert moved.context.text == "-其他"


def test_a_cell_may_be_answered_with_its_value_and_its_row() -> None:
    made = take(answered(CELL, corrected_value="7", corrected_row_id="other")).corrections
    assert {(each.kind.value, each.new) for each in made} == {("value", "7"), ("row", "other")}


def test_what_is_asked_by_its_name_is_answered_wherever_it_is_printed() -> None:
    about = {CELL["item_id"]: replace(MADE.asked[CELL["item_id"]], by_name=True)}

    def said(**answers: str) -> Understood:
        return understand([Line(2, answered(CELL, **answers))], about, ())

    (made,) = said(corrected_value="7").corrections
    assert (made.page, made.box, made.new) == (None, None, "7")
    assert (made.key.row_id, made.key.column_id) == (CELL["row_id"], CELL["column_id"])
    moved, value = said(corrected_value="7", corrected_row_id="other").corrections
    assert (moved.new, value.key.row_id, value.key.column_id) == ("other", "other", CELL["column_id"])
    nowhere = said(corrected_value="7", corrected_row_id="none")
    assert nowhere.corrections == ()
    assert "no such column" in nowhere.refused[0].reason


def test_figures_of_a_whole_line_are_one_answer() -> None:
    done = take(answered(LINE, corrected_value="1 0　/ 空白 1" + " 0" * 10, reviewer="王芳"))
    assert not done.refused
    assert [each.new for each in done.corrections] == ["1", "0", "slash", "blank", "1", *["0"] * 10]
    assert len({each.key for each in done.corrections}) == 15
    assert {(each.page, each.box, each.reviewer) for each in done.corrections} == {(None, None, "王芳")}
    again = understand(
        [Line(2, answered(LINE, corrected_value="1 0 slash blank 1" + " 0" * 10))], MADE.asked, done.corrections
    )
    assert (again.corrections, again.unchanged) == ((), 15)


def test_the_rows_of_a_table_are_one_answer() -> None:
    names = ROWS["value"].split()
    shifted = ["none", *names[:-1]]
    done = take(answered(ROWS, corrected_row_id=" ".join(shifted), reviewer="王芳"))
    assert [each.new for each in done.corrections] == shifted
    assert [each.old for each in done.corrections] == names
    assert {each.kind.value for each in done.corrections} == {"row"}
    assert len({each.box for each in done.corrections}) == len(names)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (lambda names: names[:-1], "rows for the"),
        (lambda names: ["received", "received", *names[2:]], "named twice"),
        (lambda names: ["regulations", *names[1:]], "no row of requests"),
    ],
    ids=["one too few", "one twice", "of another table"],
)
def test_rows_that_cannot_be_are_refused(given: Callable[[list[str]], list[str]], reason: str) -> None:
    done = take(answered(ROWS, corrected_row_id=" ".join(given(ROWS["value"].split()))))
    assert done.corrections == ()
    assert reason in done.refused[0].reason


def test_the_form_of_a_report_is_one_of_those_that_are_known() -> None:
    row = {**answered(CELL, kind="form", value=FORM.id, column_id=CELL["column_id"]), "item_id": "q-form"}
    about = {"q-form": replace(MADE.asked[CELL["item_id"]], forms=("ogi-2014", FORM.id, "ogi-2021"))}
    (made,) = understand([Line(2, {**row, "corrected_value": "OGI-2021"})], about, ()).corrections
    assert (made.kind.value, made.old, made.new) == ("form", FORM.id, "ogi-2021")
    assert made.page is not None
    (refused,) = understand([Line(2, {**row, "corrected_value": "ogi-2020"})], about, ()).refused
    assert "is no form; write one of ogi-2014" in refused.reason
    (refused,) = understand([Line(2, {**row, "corrected_row_id": "received"})], about, ()).refused
    assert "asks for a form" in refused.reason


def test_figures_that_are_printed_so_need_not_add_up() -> None:
    for mark in ("!", "！", " !"):
        done = take(answered(LINE, corrected_value="1 0 0 0 2" + " 0" * 10 + mark))
        assert [each.new for each in done.corrections][:5] == ["1", "0", "0", "0", "2"]


def test_no_answer_changes_nothing() -> None:
    done = take(*(dict(row) for row in MADE.rows))
    assert (done.corrections, done.unchanged, done.refused) == ((), 0, ())


def test_an_answer_given_before_is_no_new_one() -> None:
    line = Line(2, answered(CELL, corrected_value="7"))
    (made,) = understand([line], MADE.asked, ()).corrections
    again = understand([line], MADE.asked, [made])
    assert (again.corrections, again.unchanged, again.refused) == ((), 1, ())
    other = understand([Line(2, answered(CELL, corrected_value="8"))], MADE.asked, [made])
    assert [each.new for each in other.corrections] == ["8"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (answered(CELL, corrected_value="7", item_id="q-unknown"), "no question of this dataset"),
        (answered(CELL, corrected_value="7", item_id=""), "item_id is empty"),
        (answered(CELL, corrected_value="7", row_id="other"), "columns were sorted"),
        (answered(CELL, corrected_value="7", document_id="d-0"), "columns were sorted"),
        (answered(CELL, corrected_value="7", report="2.0"), "report is"),
        (answered(CELL, corrected_value="7", picture="pictures/q-other.png"), "picture is that of another"),
        (answered(CELL, corrected_value="7", kind="row"), "kind is"),
        (answered(ROW, corrected_value="7"), "which row it is"),
        (answered(ROW, corrected_row_id="regulations"), "no row of requests"),
        (answered(LINE, corrected_row_id="litigation_direct"), "have no labels"),
        (answered(LINE, corrected_value="7"), "1 figures for the 15 columns"),
        (answered(LINE, corrected_value="7 " * 14 + "?"), "no number and no mark"),
        (answered(LINE, corrected_value="1 0 0 0 2" + " 0" * 10), "do not add up: .* write ! behind"),
        (answered(LINE, value="1 0 0 0 2" + " 0" * 10), "value was changed"),
        (answered(LINE, corrected_value="0 " * 15, kind="cell"), "kind is"),
        (answered(CELL, reading="99"), "reading was changed"),
        (answered(CELL, value="99"), "value was changed"),
        (answered(CELL, corrected_value="7", status="64"), "status is '64' here: columns were sorted"),
        (answered(CELL, corrected_value="7", report="enterprise"), "report is 'enterprise' here"),
        (answered(CELL, corrected_value="7", report=""), "report is empty here: columns were sorted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_in_which_something_does_not_agree_is_refused(row: dict[str, str], reason: str) -> None:
    done = take(row)
    assert done.corrections == ()
    assert re.search(reason, done.refused[0].reason)


def test_two_answers_to_one_question_are_both_refused() -> None:
    done = take(answered(CELL, corrected_value="7"), answered(CELL, corrected_value="8"))
    assert done.corrections == ()
    assert [each.reason for each in done.refused] == ["lines 2, 3 give different answers to one question"] * 2
    same = take(answered(CELL, corrected_value="7"), answered(CELL, corrected_value="7.0"))
    assert [each.new for each in same.corrections] == ["7"]


def test_two_rows_for_one_printed_row_are_both_refused() -> None:
    of_row = [row for row in MADE.rows if row["kind"] == "cell"]
    pairs: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in of_row:
        pairs.setdefault((row["document_id"], row["table_id"], row["row_id"]), []).append(dict(row))
    first, second = next(rows for rows in pairs.values() if len(rows) > 1 and rows[0]["table_id"] == "requests")[:2]
    done = take(answered(first, corrected_row_id="other"), answered(second, corrected_row_id="granted"))
    assert (done.corrections, len(done.refused)) == ((), 2)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_whatever_happens_to_a_table_no_wrong_cell_changes(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.getbasetemp()
    spoiled = spreadsheets.spoil(MADE, seed)
    assert spreadsheets.wrong(MADE, spoiled, spreadsheets.take(MADE, spoiled, folder)) == [], spoiled.damage
