"""A figure that lost a digit at an end stands out of line with its column, others do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import BoundingBox
from pipeline.ocr.crops import find_ink
from pipeline.reading.justified import Figure, digits_box, out_of_line
from tests.ocr.drawing import cell

TALL, PITCH, WIDE, GAP = 20.0, 13.0, 160.0, 5.0
NUMBERS = st.lists(st.integers(0, 99_999).map(str), min_size=10, max_size=30)
SETTINGS = st.sampled_from(["left", "middle", "right"])


def figure(number: str, setting: str, kept: slice = slice(None)) -> Figure:
    """A figure as it is set, and what of its digits is left; a 1 is narrower than the others."""
    whole = PITCH * len(number)
    left = {"left": GAP, "middle": (WIDE - whole) / 2, "right": WIDE - GAP - whole}[setting]
    ends = [(left + PITCH * i + (4.0 if d == "1" else 1.0), left + PITCH * (i + 1) - 1.0) for i, d in enumerate(number)]
    return Figure((0, 3, 1), WIDE, BoundingBox(ends[kept][0][0], 10.0, ends[kept][-1][1], 10.0 + TALL))


@given(NUMBERS, SETTINGS)
def test_figures_set_in_one_way_are_in_line(numbers: list[str], setting: str) -> None:
    assert out_of_line({i: figure(number, setting) for i, number in enumerate(numbers)}) == {}


@given(NUMBERS, st.from_regex(r"[2-9]{2,4}", fullmatch=True), st.booleans())
def test_a_centred_figure_without_its_first_or_last_digit_is_out_of_line(
    numbers: list[str], damaged: str, first: bool
) -> None:
    """The numbers of a column differ in length, else it may as well be flush left."""
    column = {
        i: figure(number, "middle") for i, number in enumerate([*numbers, *"2345678", *("20", "345", "4567") * 9])
    }
    column[99] = figure(damaged, "middle", slice(1, None) if first else slice(-1))
    found = out_of_line(column)
    assert list(found) == [99]
    assert (found[99] > 0.0) == first


def test_a_figure_flush_right_without_its_last_digit_is_out_of_line() -> None:
    column = {i: figure(number, "right") for i, number in enumerate(["20", "345", "4567", "2"] * 4)}
    assert list(out_of_line(column | {99: figure("103", "right", slice(-1))})) == [99]
    assert out_of_line(column | {99: figure("103", "right", slice(1, None))}) == {}  # nor does the eye see it


def test_a_figure_flush_left_without_its_first_digit_stands_too_far_to_the_right() -> None:
    column = {i: figure(number, "left") for i, number in enumerate(["20345", "345678", "4567890", "278956"] * 4)}
    (offset,) = out_of_line(column | {99: figure("203", "left", slice(1, None))}).values()
    assert offset > 0.0


@pytest.mark.parametrize(("others", "told"), [(8, False), (9, True)])
def test_of_few_figures_nobody_knows_how_they_are_set(others: int, told: bool) -> None:
    column = {i: figure(number, "middle") for i, number in enumerate(["20", "345", "4567", "2"] * 3)}
    kept = dict(list(column.items())[:others]) | {99: figure("103", "middle", slice(-1))}
    assert bool(out_of_line(kept)) == told


def test_what_is_higher_than_figures_and_columns_set_anyhow_tell_nothing() -> None:
    column = {i: figure(number, "middle") for i, number in enumerate(["20", "345", "4567", "2"] * 4)}
    cut = figure("103", "middle", slice(-1))
    assert out_of_line(column | {99: replace(cut, ink=replace(cut.ink, y1=cut.ink.y1 + TALL))}) == {}
    anyhow = {
        i: figure(number, ["left", "middle", "right"][i % 3]) for i, number in enumerate(["20", "345", "4567"] * 4)
    }
    assert out_of_line(anyhow | {99: cut}) == {}


def test_a_speck_beside_a_figure_is_none_of_its_digits() -> None:
    plain = cell("443")
    specked = plain.copy()
    specked[22:25, 20:23] = 30
    boxes = [digits_box(find_ink(picture)) for picture in (plain, specked)]
    assert boxes[0] == boxes[1] is not None
    assert digits_box(find_ink(np.full((40, 90), 235, np.uint8))) is None
