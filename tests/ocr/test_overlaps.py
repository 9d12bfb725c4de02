"""Figures on a rule are read whole, and a rule alone is nothing."""

from __future__ import annotations

import pytest

from pipeline.ocr import load_engine
from pipeline.ocr.numerals import NumeralReader
from pipeline.ocr.overlaps import beyond_rules
from tests.ocr.drawing import on_rule


@pytest.mark.parametrize("right", [False, True], ids=["left", "right"])
@pytest.mark.parametrize("text", ["0", "/", "1", "6", "7", "8", "204"])
def test_a_figure_on_a_paler_rule_is_read_whole(text: str, right: bool, reader: NumeralReader) -> None:
    picture, box = on_rule(text, darkness=60 if text == "/" else 90, into=3, right=right)
    whole = beyond_rules(picture, box)
    assert whole is not None
    for readings in (reader.read([whole]), load_engine("rapidocr").read_numerals([whole])):
        assert readings[0].text == text
        assert readings[0].probability > 0.8


@pytest.mark.parametrize("text", ["1705", "174", "17"])
def test_a_stroke_on_the_rule_beside_which_the_figure_leans_away_is_not_taken_for_the_rule(
    text: str, reader: NumeralReader
) -> None:
    """Below the bar of the 7 nothing is printed near the rule but the 1 on it."""
    whole = beyond_rules(*on_rule(text, darkness=60, into=4))
    assert whole is not None
    for readings in (reader.read([whole]), load_engine("rapidocr").read_numerals([whole])):
        assert readings[0].text == text
        assert readings[0].probability > 0.8


@pytest.mark.parametrize("noise", [0.0, 3.0, 8.0])
def test_a_cell_without_print_at_its_rules_stays_as_it_is(noise: float) -> None:
    for text in ("", "0"):
        assert beyond_rules(*on_rule(text, darkness=90, into=-12, noise=noise)) is None


def test_of_a_rule_as_dark_as_print_nothing_is_taken_for_print() -> None:
    picture, box = on_rule("0", darkness=225, into=3, noise=0.0)
    whole = beyond_rules(picture, box)
    assert whole is not None
    assert whole.shape[1] - box.width <= 2  # its blurred side
    assert whole[:8].min() > 235
