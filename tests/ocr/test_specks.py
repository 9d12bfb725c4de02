"""Specks of dust do not count as print, and whatever might be print is no speck."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.domain import Pixels
from pipeline.ocr.crops import find_inks
from pipeline.ocr.numerals import NumeralReader
from pipeline.ocr.specks import flakes_beside, without_dark_specks, without_specks
from tests.ocr.drawing import LATIN, SANS, cell

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


# Print as pale as that of a scan of low resolution: dust is darker.
PALE = [cell(text, font=LATIN, ink=130) for text in ("27", "305", "8", "14", "60")]


def without_dark(picture: Pixels, count: int = len(PALE)) -> Pixels | None:
    return without_dark_specks({3: picture}, PALE[:count], find_inks(PALE[:count])).get(3)


def with_speck(text: str, x: int, y: int, size: int = 3, tone: int = 10) -> Pixels:
    """Pale print with a speck so far from the middle of the cell."""
    picture = cell(text, font=LATIN, ink=130, noise=2.0)
    picture[24 + y : 24 + y + size, 85 + x : 85 + x + size] = tone
    return picture


@pytest.mark.parametrize(
    ("text", "x", "y"), [("0", 1, -12), ("0", -1, -11), ("16", -1, -3), ("105", 17, 5), ("3", 8, -2)]
)
def test_figures_are_read_without_a_speck_that_is_darker_than_print(
    text: str, x: int, y: int, reader: NumeralReader
) -> None:
    cleaned = without_dark(with_speck(text, x, y))
    assert cleaned is not None
    (reading,) = reader.read([cleaned])
    assert reading.text == text
    assert reading.probability > 0.9


@pytest.mark.parametrize("text", ["0", "-", "9.5", "1,204", "46"])
@pytest.mark.parametrize("font", [LATIN, SANS])
def test_what_is_no_darker_than_print_is_no_dark_speck(text: str, font: tuple[Path, int]) -> None:
    assert without_dark(cell(text, font=font, ink=130, noise=2.0)) is None
    assert without_dark(with_speck("0", 1, -12, tone=120)) is None


def test_a_drop_of_ink_or_a_rest_of_a_rule_is_no_speck() -> None:
    assert without_dark(with_speck("0", -3, -6, size=12)) is None
    beside_rule = cell("0", font=LATIN, ink=130)
    beside_rule[:, :2] = 10
    assert without_dark(beside_rule) is None
    assert without_dark(with_speck("0", 1, -12), count=2) is None


@pytest.mark.parametrize(("shift", "side"), [(30, 1), (-30, -1), (60, 0)])
def test_flakes_of_a_torn_digit_lie_beside_what_is_left_of_its_figure(shift: int, side: int) -> None:
    """Full-width digits stand so far apart that the flakes count for dust."""
    picture = cell("1", font=LATIN, size=34)
    outline = cv2.ellipse2Poly((85 + shift, 24), (6, 10), 0, 0, 330, 40)
    for x, y in outline:
        picture[y : y + 2, x : x + 2] = 90
    (ink,) = find_inks([picture])
    assert flakes_beside(ink) == side


@pytest.mark.parametrize("text", ["1", "305", "12,345", "0.5", "-7", "/"])
@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_print_and_grain_are_no_flakes(text: str, noise: float) -> None:
    (ink,) = find_inks([cell(text, font=LATIN, noise=noise)])
    assert flakes_beside(ink) == 0


def test_a_single_speck_beside_a_figure_is_dust() -> None:
    picture = cell("17", font=LATIN)
    cv2.circle(picture, (115, 24), 2, (60,), -1)
    (ink,) = find_inks([picture])
    assert flakes_beside(ink) == 0
