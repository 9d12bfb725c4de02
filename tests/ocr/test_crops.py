"""Blank cells stay blank, print is found, rules and specks are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.ocr import crops
from tests.ocr.drawing import LATIN, NARROW, cell


@pytest.mark.parametrize("noise", [0, 5, 10, 15])
def test_blank_cell_on_noisy_shaded_paper_is_blank(noise: float) -> None:
    blanks = [crops.is_blank(cell("", noise=noise, shade=25, rules=True, seed=seed)) for seed in range(20)]
    assert all(blanks)


@pytest.mark.parametrize("text", [".", "-", "/", "1", "0", "—"])
@pytest.mark.parametrize(("ink", "noise"), [(30, 10), (150, 5), (185, 1)])
def test_faint_marks_are_not_blank(text: str, ink: int, noise: float) -> None:
    found = [crops.is_blank(cell(text, ink=ink, noise=noise, shade=10, rules=True, seed=s)) for s in range(5)]
    assert not any(found)


def test_very_noisy_paper_is_never_surely_blank() -> None:
    assert crops.blank_probability(cell("", noise=2)) > 0.98
    assert crops.blank_probability(cell("", noise=60, paper=130)) < 0.9


@pytest.mark.parametrize("right", [False, True], ids=["left", "right"])
@pytest.mark.parametrize("text", ["0", "68", "3"])
def test_a_figure_that_stands_against_a_rule_is_whole(text: str, right: bool) -> None:
    picture = cv2.resize(cell(text, size=25, shape=(36, 160), noise=4), None, fx=1.0, fy=1.3)
    box = crops.ink_box(picture)
    assert box is not None
    x0, x1 = round(box.x0) - 2, round(box.x1) + 2
    against = picture[:, 20:x1] if right else picture[:, x0:-20]
    assert crops.ink_mask(against).sum() == pytest.approx(crops.ink_mask(picture).sum(), rel=0.05)


@pytest.mark.parametrize("right", [False, True], ids=["left", "right"])
@pytest.mark.parametrize("cut", [0, 2, 3])
def test_a_slash_that_a_rule_cuts_is_no_rest_of_it(cut: int, right: bool) -> None:
    picture = cell("/", font=NARROW, size=22, shape=(45, 160), noise=4)
    box = crops.ink_box(picture)
    assert box is not None
    x0, x1 = round(box.x0) + cut, round(box.x1) - cut
    assert not crops.is_blank(picture[:, 20:x1] if right else picture[:, x0:-20])
    assert crops.is_blank(with_rest_of_rule(cell("", shape=(50, 100), noise=4), right))


def with_rest_of_rule(picture: np.ndarray, right: bool) -> np.ndarray:
    """A cell cut a little outside its rule where that bends."""
    picture[12:38, -1:] = 40
    picture[16:34, -2:] = 40
    return picture if right else picture[:, ::-1]


def test_another_look_at_some_crops_of_a_sheet_finds_what_it_finds_in_them_alone() -> None:
    pictures = [
        cell(text, noise=6, shade=15, rules=True, seed=i) for i, text in enumerate(["106", "7", "", "3.5", "0"])
    ]
    chosen = [0, 3, 4]
    sheet = crops.lay_out_again(crops.lay_out(pictures), pictures, chosen, crops.STRONG_INK)
    alone = crops.find_inks([pictures[i] for i in chosen], crops.STRONG_INK)
    assert set(sheet.pieces[:, 1].tolist()) == set(chosen)
    for again, ink in zip(crops.inks_of(sheet, pictures, chosen), alone, strict=True):
        assert np.array_equal(again.mask, ink.mask)
        assert again.contrast == ink.contrast
    every = crops.find_inks([pictures[0]])[0]
    assert alone[0].mask.sum() < every.mask.sum()


def test_the_characters_of_a_unit_are_cut_off() -> None:
    for size in (16, 22, 28):
        whole, figure = (crops.ink_box(picture) for picture in (cell("84.5万元", size=size), cell("84.5", size=size)))
        kept = crops.without_last(cell("84.5万元", size=size), 2)
        assert kept is not None
        left = crops.ink_box(kept)
        assert whole is not None
        assert figure is not None
        assert left is not None
        assert left.x0 == whole.x0
        assert left.width == pytest.approx(figure.width, abs=2)
    assert crops.without_last(cell("万元"), 2) is None


def test_ink_box_leaves_rules_out() -> None:
    box = crops.ink_box(cell("35", rules=True))
    assert box is not None
    assert box.y0 > 4
    assert box.x1 < 160
    assert 18 <= box.height <= 26


def test_tight_adds_paper_where_the_crop_ends() -> None:
    picture = cell("8", shape=(24, 20))
    cut = crops.tight(picture, padding=8)
    box = crops.ink_box(picture)
    assert box is not None
    assert cut.shape == (box.height + 16, box.width + 16)
    assert np.abs(cut[:4].astype(int) - 235).max() <= 6


def test_tight_is_idempotent() -> None:
    once = crops.tight(cell("1,204", noise=4, rules=True))
    again = crops.tight(once)
    assert abs(once.shape[0] - again.shape[0]) <= 1
    assert abs(once.shape[1] - again.shape[1]) <= 1


def test_blank_crop_has_no_box_and_comes_back_as_it_is() -> None:
    picture = cell("")
    assert crops.ink_box(picture) is None
    assert crops.tight(picture) is picture


def test_reading_many_crops_finds_the_same_ink_as_one_at_a_time() -> None:
    pictures = [cell(text, font=LATIN, noise=5, shade=9) for text in ("", "0", "12.5", "/", "")]
    together = crops.find_inks(pictures)
    for picture, ink in zip(pictures, together, strict=True):
        np.testing.assert_array_equal(crops.ink_mask(picture), ink.mask)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_no_picture_is_too_odd(picture: np.ndarray) -> None:
    assert 0.0 <= crops.blank_probability(picture) <= 1.0
    assert crops.tight(picture).size > 0
