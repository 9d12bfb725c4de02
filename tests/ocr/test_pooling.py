"""Readers that agree make a reading certain, readers that differ make it doubtful."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import Alternative, Mark, Reading
from pipeline.ocr.pooling import pool
from pipeline.values import parse_value


def _reading(reader: str, **texts: float) -> Reading:
    return Reading(tuple(Alternative(t.strip("_"), p) for t, p in texts.items()), reader)


def test_agreement_is_more_certain_than_either() -> None:
    pooled = pool([_reading("a", _7=0.9, _1=0.05), _reading("b", _7=0.9, _1=0.02)])
    assert pooled.text == "7"
    assert pooled.probability > 0.95
    assert pooled.reader == "a+b"


def test_disagreement_is_doubtful() -> None:
    pooled = pool([_reading("a", _7=0.95), _reading("b", _1=0.95)])
    assert pooled.probability < 0.7


def test_two_readers_that_reject_do_not_make_a_certain_reading() -> None:
    assert pool([_reading("a", _0=0.02), _reading("b", _0=0.02)]).probability < 0.5


def test_what_is_no_value_gives_way_to_one() -> None:
    pooled = pool([_reading("a", _00=0.5, _0=0.3), _reading("b", _00=0.5, _0=0.2)])
    assert pooled.text == "0"
    assert pool([_reading("a", _00=0.9), _reading("b", _00=0.9)]).text == "00"


@pytest.mark.parametrize(("seen", "likely"), [("315.", "315"), (".12", "12"), ("-7,", "-7")])
def test_specks_at_the_ends_of_a_figure_give_way_to_it_and_are_kept_in_mind(seen: str, likely: str) -> None:
    both = [Reading((Alternative(seen, 0.98),), reader) for reader in ("a", "b")]
    pooled = pool(both)
    assert pooled.text == likely
    assert seen in [each.text for each in pooled.alternatives]
    assert pooled.parts == tuple(both)


@pytest.mark.parametrize("text", ["3.15", "1,234", "0.", "07."])
def test_other_points_stay(text: str) -> None:
    pooled = pool([Reading((Alternative(text, 0.9),), reader) for reader in ("a", "b")])
    assert text in [each.text for each in pooled.alternatives]
    assert parse_value(pooled.text).mark is Mark.NUMBER or pooled.text == text


def test_spellings_of_one_value_are_one_alternative() -> None:
    pooled = pool([_reading("a", _0=0.9), Reading((Alternative("０", 0.9),), "b")])
    assert len(pooled.alternatives) == 1


def test_a_value_is_spelled_as_the_readers_together_find_likeliest() -> None:
    nought = Reading((Alternative("-0", 0.4), Alternative("0", 0.35)), "a")
    assert pool([nought, _reading("b", _0=0.99)]).text == "0"
    assert pool([nought, Reading((Alternative("-0", 0.9),), "b")]).text == "-0"


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["0", "1", "10", "", "/", "-", "章"]), st.floats(0.001, 0.14), min_size=1),
        min_size=1,
        max_size=3,
    )
)
def test_probabilities_stay_probabilities(tables: list[dict[str, float]]) -> None:
    readings = [Reading(tuple(Alternative(t, p) for t, p in table.items()), "r") for table in tables]
    pooled = pool(readings)
    assert 0.0 < sum(a.probability for a in pooled.alternatives) <= 1.0 + 1e-9
    if len(readings) > 1:
        ranked = [a.probability for a in pooled.alternatives]
        assert ranked == sorted(ranked, reverse=True)
