"""A digit under a blot is left open, whatever readers take the blot for; print hides nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain import Alternative, BoundingBox, Pixels, Reading
from pipeline.ocr.crops import find_inks
from pipeline.ocr.hidden import Around, around_hidden, hidden_reading
from pipeline.ocr.numerals import NumeralReader
from scripts.benchmarks.spoiling import glyphs, spoil
from tests.ocr.drawing import LATIN, SANS, SERIF, cell

NOTHING = Reading((), "both")
FIGURES = find_inks([cell(text, font=LATIN) for text in ("27", "305", "8", "14")])


def spoiled(text: str, kind: str, seed: int = 3) -> Pixels:
    picture = cell(text, font=LATIN, noise=2.0)
    assert spoil(picture, text, kind, np.random.default_rng(seed))
    return picture


def in_table(picture: Pixels) -> tuple[Pixels, BoundingBox]:
    """A cell with its rules and paper around it, and where it is inside these."""
    height, width = picture.shape
    table = np.full((height + 46, width + 46), 235, np.uint8)
    table[:, [21, 22, -23, -22]] = table[[21, 22, -23, -22]] = 30
    table[23:-23, 23:-23] = picture
    return table, BoundingBox(23, 23, 23 + width, 23 + height)


def left_open(picture: Pixels | tuple[Pixels, BoundingBox], reader: NumeralReader) -> set[str] | None:
    """The figures that a cell may hold, None where no digit of it is hidden."""
    found = around_hidden({4: picture if isinstance(picture, tuple) else in_table(picture)}, FIGURES)
    if not found:
        return None
    reading = hidden_reading(found[4], *reader.read([found[4].before, found[4].behind]), NOTHING)
    return None if reading is None else {each.text for each in reading.alternatives}


@pytest.mark.parametrize(("text", "kind"), [("5", "blot"), ("0", "blot"), ("1", "blot"), ("0", "rubbed")])
def test_a_digit_that_stands_alone_may_be_any(text: str, kind: str, reader: NumeralReader) -> None:
    assert left_open(spoiled(text, kind), reader) == {"?", *"0123456789"}


@pytest.mark.parametrize(("darkness", "breadth", "blot"), [(2.4, 1.6, True), (1.5, 1.6, False), (2.4, 1.3, False)])
def test_what_is_far_darker_than_print_need_not_be_as_broad(darkness: float, breadth: float, blot: bool) -> None:
    assert Around(cell(""), cell(""), darkness, breadth, one_digit=True).is_blot == blot


def test_a_blot_that_covers_most_of_its_cell_is_not_its_paper(reader: NumeralReader) -> None:
    picture = cell("5", font=LATIN, shape=(36, 28), noise=2.0)
    cv2.ellipse(picture, (14, 18), (11, 16), 0, 0, 360, (20,), cv2.FILLED)
    assert np.median(picture) < 30
    assert left_open(picture, reader) == {"?", *"0123456789"}


def test_a_hidden_digit_that_stands_alone_is_as_often_a_nought_as_not(reader: NumeralReader) -> None:
    around = around_hidden({4: in_table(spoiled("5", "blot"))}, FIGURES)[4]
    found = hidden_reading(around, *reader.read([around.before, around.behind]), NOTHING)
    assert found is not None
    shares = {each.text: each.probability for each in found.alternatives if each.text.isdigit()}
    assert shares["0"] == pytest.approx(sum(shares.values()) / 2)
    assert len({round(share, 9) for text, share in shares.items() if text != "0"}) == 1
    assert found.text == "?"


@pytest.mark.parametrize("seed", range(4))
def test_the_digits_beside_a_blot_are_read(seed: int, reader: NumeralReader) -> None:
    picture = cell("3  7", font=LATIN)
    (_, left), (right, _) = glyphs(picture)
    middle = np.random.default_rng(seed).normal([(left + right) / 2, 24], 0.7)
    cv2.circle(picture, tuple(int(place) for place in middle.round()), 8, (30,), -1)
    assert left_open(picture, reader) == {"3?7", *(f"3{digit}7" for digit in range(10))}


def test_what_a_blot_over_all_of_a_figure_was_taken_for_is_not_excluded() -> None:
    around = Around(cell(""), cell(""), darkness=2.0, breadth=2.0, one_digit=False)
    seen = Reading((Alternative("20", 0.6), Alternative("26", 0.2)), "both")
    found = hidden_reading(around, NOTHING, NOTHING, seen)
    assert found is not None
    assert [each.text for each in found.alternatives] == ["?", "20", "26"]
    assert sum(each.probability for each in found.alternatives[1:]) == pytest.approx(0.05)


@pytest.mark.parametrize("text", ["0", "8", "46", "1305", "-", "/", "9.50"])
@pytest.mark.parametrize("font", [LATIN, SANS, SERIF])
def test_print_hides_nothing(text: str, font: tuple[object, int], reader: NumeralReader) -> None:
    assert left_open(cell(text, font=font, ink=10), reader) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("darkness", "found"), [(0.5, None), (2.0, {"?"})])
def test_beside_what_cannot_be_read_no_digit_is_guessed(darkness: float, found: set[str] | None) -> None:
    """Under a blot there is some figure; where a smear is, there may also be what was read."""
    picture = cell("", font=LATIN)
    around = Around(picture, picture, darkness, breadth=2.0, one_digit=True)
    legible, illegible, word = (
        Reading((Alternative(text, probability),), "numerals")
        for text, probability in (("4", 0.99), ("7", 0.5), ("/", 0.99))
    )
    for before, behind in ((legible, illegible), (illegible, legible), (word, word)):
        reading = hidden_reading(around, before, behind, NOTHING)
        assert (None if reading is None else {each.text for each in reading.alternatives}) == found


def test_a_broad_dash_hides_nothing(reader: NumeralReader) -> None:
    picture = cell("", font=LATIN)
    picture[16:30, 76:94] = 30
    assert left_open(picture, reader) is not None
    picture[24:30, 76:94] = 235
    assert left_open(picture, reader) is None


def test_a_blot_may_lie_over_a_rule_and_a_stroke_of_a_seal_goes_on_behind_it(reader: NumeralReader) -> None:
    for end, hidden in ((24, True), (0, False)):
        table, box = in_table(cell("4", font=LATIN))
        cv2.line(table, (170, 38), (170, end), (30,), 17)
        assert (left_open((table, box), reader) is not None) == hidden


def test_what_is_hidden_belongs_to_the_cell_that_holds_most_of_it(reader: NumeralReader) -> None:
    for middle, hidden in ((33, True), (12, False)):
        table, box = in_table(cell("4", font=LATIN))
        cv2.circle(table, (170, middle), 12, (30,), -1)
        assert (left_open((table, box), reader) is not None) == hidden


@pytest.mark.parametrize("seed", range(3))
def test_a_smear_hides_a_digit_however_pale_it_is(seed: int, reader: NumeralReader) -> None:
    picture = cell("  7", font=LATIN).astype(np.float32)
    ((left, _),) = glyphs(picture.astype(np.uint8))
    picture[:, left - 24 : left - 6] -= 18
    picture += np.random.default_rng(seed).normal(0, 6, picture.shape)
    smeared = picture.clip(0, 255).astype(np.uint8)
    assert left_open(smeared, reader) == {"?7", *(f"{digit}7" for digit in range(1, 10))}
    assert not around_hidden({0: in_table(smeared)}, FIGURES)[0].is_blot


def test_a_blot_is_told_from_what_may_be_print(reader: NumeralReader) -> None:
    found = around_hidden({0: in_table(spoiled("5", "blot")), 1: in_table(spoiled("5", "rubbed"))}, FIGURES)
    assert {cell: around.is_blot for cell, around in found.items()} == {0: True, 1: False}


@pytest.mark.parametrize(("tone", "found"), [(40, {"?"}), (170, None)])
def test_under_a_blot_as_wide_as_several_digits_may_be_any_figure(
    tone: int, found: set[str] | None, reader: NumeralReader
) -> None:
    """What is as wide and pale is nothing that hides digits: rubbed words, shadows."""
    picture = cell("2748", font=LATIN)
    ends = glyphs(picture)
    picture[10:38, ends[0][0] : ends[-1][1]] = tone
    assert left_open(picture, reader) == found


def test_nothing_is_known_of_blots_where_figures_are_few() -> None:
    assert around_hidden({0: in_table(spoiled("5", "blot"))}, FIGURES[:2]) == {}


def test_a_smear_as_large_as_a_digit_is_seen_beside_a_figure_that_is_surely_read(reader: NumeralReader) -> None:
    smear = around_hidden({0: in_table(beside("1", 170))}, FIGURES)[0]
    assert smear.may_hide(Reading((Alternative("1", 1.0),), "both"))
    # What is as dark as print may be a part of it.
    bold = around_hidden({0: in_table(beside("1", 130))}, FIGURES)[0]
    assert not bold.may_hide(Reading((Alternative("1", 0.99),), "both"))
    assert bold.may_hide(Reading((Alternative("1", 0.5),), "both"))


@pytest.mark.parametrize(("cells", "darkest", "hides"), [(1, 212, True), (6, 212, False), (6, 170, True)])
def test_what_is_as_pale_as_the_print_of_the_back_in_many_cells_hides_no_digit_that_is_surely_read(
    cells: int, darkest: int, hides: bool
) -> None:
    pictures = {i: in_table(beside("1", 212)) for i in range(cells - 1)} | {9: in_table(beside("1", darkest))}
    found = around_hidden(pictures, FIGURES)
    assert len(found) == cells
    assert found[9].may_hide(Reading((Alternative("1", 1.0),), "both")) == hides
    assert found[9].may_hide(Reading((Alternative("1", 0.7),), "both"))


def test_a_smear_less_broad_may_hide_a_digit_of_a_cell_that_is_blank_for_its_paleness_alone() -> None:
    pale = Around(cell(""), cell(""), darkness=0.6, breadth=1.6, one_digit=True)
    assert pale.may_hide(Reading((Alternative("", 0.97),), "both"))
    assert not pale.may_hide(Reading((Alternative("", 0.995),), "both"))


def test_the_digit_that_a_smear_touches_is_read_whole(reader: NumeralReader) -> None:
    assert left_open(beside("2", 170), reader) == {"2?", *(f"2{digit}" for digit in range(10))}


def beside(text: str, tone: int) -> Pixels:
    """A figure with a patch behind it that is as high and all but touches it."""
    picture = cell(f"{text}  ", font=LATIN)
    ((_, right),) = glyphs(picture)
    rows = np.flatnonzero((picture < 128).any(axis=1))
    picture[rows[0] : rows[-1] + 1, right + 2 : right + 16] = tone
    return picture
