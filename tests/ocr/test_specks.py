"""Specks of dust do not count as print, and whatever might be print is no speck."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain import Pixels
from pipeline.ocr.crops import find_inks
from pipeline.ocr.numerals import NumeralReader
from pipeline.ocr.specks import without_specks
from tests.ocr.drawing import LATIN, cell

FIGURES = find_inks([cell(text, font=LATIN) for text in ("27", "305", "8", "14")])


def dusty(*places: tuple[int, int]) -> Pixels:
    picture = cell("", noise=2.0)
    for place in places:
        cv2.circle(picture, place, 2, (70,), -1)
    return cv2.GaussianBlur(picture, (0, 0), 0.6)  # type: ignore[return-value]


@pytest.mark.parametrize("places", [((60, 20),), ((40, 14), (120, 30)), ((20, 20), (80, 30), (140, 12))])
def test_a_cell_that_holds_nothing_but_specks_is_blank_without_them(
    places: tuple[tuple[int, int], ...], reader: NumeralReader
) -> None:
    (cleaned,) = without_specks({7: dusty(*places)}, FIGURES).values()
    (reading,) = reader.read([cleaned])
    assert reading.text == ""
    assert reading.probability > 0.9


@pytest.mark.parametrize("text", ["-", "－", "/", "1", "0", "7"])
@pytest.mark.parametrize("ink", [30, 120])
def test_print_is_no_speck(text: str, ink: int) -> None:
    picture = cell(text, font=LATIN, ink=ink) if text.isascii() else cell(text, ink=ink)
    assert without_specks({0: picture}, FIGURES) == {}


def test_dots_that_may_be_left_of_a_figure_are_no_specks() -> None:
    worn = cell("8", font=LATIN)
    rows = np.flatnonzero((worn < 140).any(axis=1))
    for top in (rows[0] + 4, rows[-1] - 8):
        worn[top : top + 5] = 235
    assert without_specks({0: worn}, FIGURES) == {}
    assert without_specks({0: dusty((80, 18), (80, 28))}, FIGURES) == {}


def test_what_stands_against_the_border_may_be_a_part_of_something() -> None:
    assert without_specks({0: dusty((3, 24))}, FIGURES) == {}


def test_nothing_is_known_of_specks_where_figures_are_few() -> None:
    assert without_specks({0: dusty((60, 20))}, FIGURES[:2]) == {}


def test_a_speck_beside_a_figure_stays() -> None:
    picture = np.minimum(cell("6", font=LATIN), dusty((30, 30)))
    assert without_specks({0: picture}, FIGURES) == {}
