"""A digit under a blot is left open, whatever readers take the blot for; print hides nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain import Alternative, Pixels, Reading
from pipeline.ocr.crops import find_inks
from pipeline.ocr.hidden import any_digit, around_hidden
from pipeline.ocr.numerals import NumeralReader
from scripts.benchmarks.spoiling import glyphs, spoil
from tests.ocr.drawing import LATIN, SANS, SERIF, cell

FIGURES = find_inks([cell(text, font=LATIN) for text in ("27", "305", "8", "14")])


def spoiled(text: str, kind: str, seed: int = 3) -> Pixels:
    picture = cell(text, font=LATIN, noise=2.0)
    assert spoil(picture, text, kind, np.random.default_rng(seed))
    return picture


def left_open(picture: Pixels, reader: NumeralReader) -> set[str] | None:
    """The figures that a cell may hold, None where no digit of it is hidden."""
    found = around_hidden({4: picture}, FIGURES)
    if not found:
        return None
    reading = any_digit(*reader.read([found[4].before, found[4].behind]), "both")
    return None if reading is None else {each.text for each in reading.alternatives}


@pytest.mark.parametrize(("text", "kind"), [("5", "blot"), ("0", "blot"), ("1", "blot"), ("0", "rubbed")])
def test_a_digit_that_stands_alone_may_be_any(text: str, kind: str, reader: NumeralReader) -> None:
    assert left_open(spoiled(text, kind), reader) == {"?", *"0123456789"}


@pytest.mark.parametrize("seed", range(4))
def test_the_digits_beside_a_blot_are_read(seed: int, reader: NumeralReader) -> None:
    picture = cell("3  7", font=LATIN)
    (_, left), (right, _) = glyphs(picture)
    middle = np.random.default_rng(seed).normal([(left + right) / 2, 24], 0.7)
    cv2.circle(picture, tuple(int(place) for place in middle.round()), 8, (30,), -1)
    assert left_open(picture, reader) == {"3?7", *(f"3{digit}7" for digit in range(10))}


@pytest.mark.parametrize("text", ["0", "8", "46", "1305", "-", "/", "9.50"])
@pytest.mark.parametrize("font", [LATIN, SANS, SERIF])
def test_print_hides_nothing(text: str, font: tuple[object, int], reader: NumeralReader) -> None:
    assert left_open(cell(text, font=font, ink=10), reader) is None  # type: ignore[arg-type]


def test_digits_are_not_guessed_beside_what_cannot_be_read() -> None:
    legible, illegible = Reading((Alternative("4", 0.99),), "numerals"), Reading((Alternative("7", 0.5),), "numerals")
    assert any_digit(legible, illegible, "both") is None
    assert any_digit(illegible, legible, "both") is None


def test_what_makes_no_figure_is_not_listed() -> None:
    word = Reading((Alternative("/", 0.99),), "numerals")
    assert any_digit(word, word, "both") is None


def test_a_broad_dash_hides_nothing(reader: NumeralReader) -> None:
    picture = cell("", font=LATIN)
    picture[16:30, 76:94] = 30
    assert left_open(picture, reader) is not None
    picture[24:30, 76:94] = 235
    assert left_open(picture, reader) is None


def test_a_stroke_that_runs_into_the_border_is_one_of_a_seal(reader: NumeralReader) -> None:
    for edge in (0, 30):
        picture = cell("4", font=LATIN)
        cv2.circle(picture, (150, edge), 9, (30,), -1)
        assert (left_open(picture, reader) is None) == (edge == 0)


def test_a_stain_as_wide_as_several_digits_says_nothing_of_one(reader: NumeralReader) -> None:
    picture = cell("2748", font=LATIN)
    ends = glyphs(picture)
    picture[10:38, ends[0][0] : ends[-1][1]] = 40
    assert left_open(picture, reader) is None


def test_nothing_is_known_of_blots_where_figures_are_few() -> None:
    assert around_hidden({0: spoiled("5", "blot")}, FIGURES[:2]) == {}
