"""What a person is asked to look at, and in which order."""

from __future__ import annotations

from dataclasses import replace

from pipeline.domain import Status
from pipeline.review import REVIEW_COLUMNS, badness, labels, reasons, review_row
from tests.reports import cell, form, missing

KEYS = form().keys()


def test_accepted_and_corrected_cells_are_not_for_review() -> None:
    accepted = cell(KEYS[0])
    assert reasons(accepted) == ()
    assert reasons(replace(accepted, status=Status.CORRECTED)) == ()


def test_every_row_for_review_has_a_reason_in_words() -> None:
    doubtful = replace(cell(KEYS[0]), status=Status.REVIEW, confidence=0.4)
    assert reasons(doubtful) == ("read with too little certainty",)
    assert reasons(replace(doubtful, reasons=("the sum does not hold",))) == ("the sum does not hold",)
    assert reasons(missing(KEYS[0])) == ("the row was not found",)
    assert reasons(replace(missing(KEYS[0]), reasons=())) == ("not found on the page",)
    assert "sums" in reasons(replace(doubtful, status=Status.RECONCILED))[0]


def test_the_least_certain_come_first_then_those_with_most_reasons() -> None:
    doubtful = replace(cell(KEYS[0]), status=Status.REVIEW, confidence=0.4)
    worse = replace(doubtful, confidence=0.2)
    two_reasons = replace(doubtful, reasons=("one", "two"))
    assert sorted([doubtful, two_reasons, worse], key=badness) == [worse, two_reasons, doubtful]


def test_labels_are_those_of_the_form_with_their_groups() -> None:
    printed = labels(form())
    assert set(printed) == set(KEYS)
    row, column = next(printed[key] for key in KEYS if key.row_id == "denied_state_secret")
    assert "（三）不予公开" in row
    assert row.endswith("1.属于国家秘密")
    assert column.endswith("自然人")


def test_a_row_leaves_room_for_what_is_right() -> None:
    doubtful = replace(cell(KEYS[0]), status=Status.REVIEW, reasons=("a", "b"))
    row = review_row(dict.fromkeys(REVIEW_COLUMNS, "x"), doubtful, "规章", "本年新制作数量")
    assert tuple(row) == REVIEW_COLUMNS
    assert (row["reasons"], row["row_label"]) == ("a; b", "规章")
    assert (row["corrected_value"], row["corrected_row_id"]) == ("", "")
