"""How far a cell may be relied on: what is known about it goes in, status, confidence and reasons come out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.confidence import ACCEPT, CERTAIN, Evidence, judge
from pipeline.domain import Alternative, Reading, Status
from pipeline.values import parse_value

PROBABILITIES = st.floats(0.0, 1.0)


def reading(*alternatives: tuple[str, float]) -> Reading:
    return Reading(tuple(Alternative(text, probability) for text, probability in alternatives), "numerals")


def evidence(found: Reading, **changes: float) -> Evidence:
    known = Evidence(
        found,
        row_probability=1.0,
        column_probability=1.0,
        support=0,
        vouched=1,
        broken=False,
        blank_share=0.3,
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def test_a_clear_figure_in_a_clear_place_is_accepted_without_a_word() -> None:
    judged = judge(evidence(reading(("17", 0.9999))))
    assert judged.status is Status.ACCEPTED
    assert judged.confidence > 0.99
    assert judged.reasons == ()


@pytest.mark.parametrize("text", ["", "/", "-", "0", "1,204", "20.3", "3件", "55（含自然失效 29 件）"])
def test_figures_and_marks_of_every_kind_can_be_accepted(text: str) -> None:
    assert judge(evidence(reading((text, 0.9999)))).status is Status.ACCEPTED


def test_what_else_the_picture_may_be_is_told() -> None:
    judged = judge(evidence(reading(("17", 0.7), ("11", 0.2), ("", 0.1))))
    assert judged.status is Status.REVIEW
    assert judged.confidence == pytest.approx(0.7)
    assert judged.reasons == ("the picture can be read in several ways: also “11”, “blank”",)


@given(PROBABILITIES, PROBABILITIES, PROBABILITIES, PROBABILITIES, st.integers(0, 3), st.booleans())
def test_a_surer_reading_or_place_never_lowers_confidence(
    one: float, other: float, row: float, column: float, support: int, broken: bool
) -> None:
    low, high = sorted((one, other))
    known = evidence(
        reading(("17", low)), row_probability=row, column_probability=column, support=support, broken=broken
    )
    before = judge(known).confidence
    assert judge(replace(known, reading=reading(("17", high)))).confidence >= before
    assert judge(replace(known, row_probability=max(row, other))).confidence >= before
    assert judge(replace(known, column_probability=max(column, other))).confidence >= before
    assert judge(replace(known, support=support + 1)).confidence >= before
    assert 0.0 <= before <= 1.0


@given(PROBABILITIES, PROBABILITIES, PROBABILITIES, st.integers(0, 3), st.booleans())
def test_a_person_is_asked_exactly_when_confidence_is_low_and_is_told_why(
    probability: float, row: float, column: float, support: int, broken: bool
) -> None:
    judged = judge(
        evidence(
            reading(("17", probability)),
            row_probability=row,
            column_probability=column,
            support=support,
            broken=broken,
        )
    )
    assert (judged.status is Status.REVIEW) == (judged.confidence < ACCEPT)
    if judged.status is Status.REVIEW:
        assert judged.reasons


def test_equations_that_hold_carry_a_doubtful_figure() -> None:
    doubtful = evidence(reading(("17", 0.93), ("11", 0.05)))
    assert judge(doubtful).status is Status.REVIEW
    assert judge(replace(doubtful, support=1)).status is Status.ACCEPTED
    assert judge(replace(doubtful, support=2)).confidence > judge(replace(doubtful, support=1)).confidence


def test_a_relation_that_fails_sends_a_doubtful_figure_to_review() -> None:
    doubtful = evidence(reading(("17", 0.985), ("11", 0.01)))
    assert judge(doubtful).status is Status.ACCEPTED
    judged = judge(replace(doubtful, broken=True))
    assert judged.status is Status.REVIEW
    assert "an arithmetic relation does not hold with this reading" in judged.reasons


def test_a_relation_that_fails_does_not_shake_what_is_plainly_printed() -> None:
    """The report itself may be wrong: then the figures stay as they are and the finding tells."""
    certain = evidence(reading(("17", CERTAIN)))
    assert judge(replace(certain, broken=True)) == judge(certain)
    assert judge(certain).status is Status.ACCEPTED


def test_what_the_relations_make_of_a_doubtful_reading_decides() -> None:
    doubtful = evidence(reading(("17", 0.8), ("11", 0.2)))
    kept = replace(doubtful, weighed=(Alternative("17", 0.998), Alternative("11", 0.002)))
    assert judge(kept).status is Status.ACCEPTED
    refuted = replace(doubtful, weighed=(Alternative("11", 0.6), Alternative("17", 0.4)))
    judged = judge(refuted)
    assert judged.status is Status.REVIEW
    assert "“11”" in judged.reasons[0]


def test_doubtful_cells_of_one_sum_do_not_vouch_for_each_other() -> None:
    doubtful = evidence(reading(("1", 0.7), ("", 0.2)), weighed=(Alternative("1", 0.99),), support=2)
    assert judge(doubtful).status is Status.ACCEPTED
    assert judge(replace(doubtful, vouched=0)).status is Status.REVIEW
    repaired = replace(doubtful, settled=Alternative("4", 0.99), vouched=0)
    assert judge(repaired).status is Status.REVIEW


def test_a_value_that_the_relations_determine_takes_the_place_of_the_reading_and_says_so() -> None:
    doubtful = evidence(reading(("17", 0.5), ("11", 0.4)), settled=Alternative("11", 0.995))
    judged = judge(replace(doubtful, weighed=(Alternative("11", 0.995),)))
    assert judged.status is Status.RECONCILED
    assert judged.value == parse_value("11")
    assert judged.confidence >= ACCEPT
    in_a_doubtful_row = judge(replace(doubtful, row_probability=0.7, weighed=(Alternative("11", 0.995),)))
    assert in_a_doubtful_row.status is Status.REVIEW
    assert in_a_doubtful_row.value is None


def test_a_blank_where_hardly_anything_is_blank_is_looked_at() -> None:
    blank = evidence(reading(("", 0.999)))
    assert judge(blank).status is Status.ACCEPTED
    assert judge(replace(blank, blank_share=0.01)).status is Status.REVIEW


@pytest.mark.parametrize("text", ["", "-", "/"])
def test_a_sum_that_holds_does_not_tell_a_mark_from_a_zero(text: str) -> None:
    doubtful = evidence(reading((text, 0.93), ("0", 0.05)))
    assert judge(replace(doubtful, support=2)) == judge(doubtful)


def test_words_that_forms_use_instead_of_a_figure_are_accepted() -> None:
    for word in ("不适用", "未增未减", "无", "不适 用"):
        assert judge(evidence(reading((word, 0.9999)))).status is Status.ACCEPTED


@pytest.mark.parametrize("text", ["予以公开", "1O4", "12/", "二十", "3 4"])
def test_text_that_is_neither_figure_nor_mark_goes_to_review_however_sure_the_reader(text: str) -> None:
    judged = judge(evidence(reading((text, 1.0)), support=2))
    assert judged.status is Status.REVIEW
    assert judged.confidence <= 0.5
    assert judged.reasons == (f"“{text}” is neither a number nor a mark",)


@pytest.mark.parametrize(("place", "word"), [("row_probability", "row"), ("column_probability", "column")])
def test_a_clear_figure_in_a_doubtful_place_goes_to_review(place: str, word: str) -> None:
    judged = judge(evidence(reading(("17", 1.0)), **{place: 0.6}))
    assert judged.status is Status.REVIEW
    assert judged.confidence == pytest.approx(0.6, abs=0.001)
    assert judged.reasons == (f"which {word} of the form this is, is not certain",)


def test_small_doubts_add_up() -> None:
    judged = judge(evidence(reading(("17", 0.98)), row_probability=0.98, column_probability=0.98))
    assert judged.status is Status.REVIEW
    assert judged.reasons == ("several small doubts add up",)
