"""How dark the print of a cell is: what the reader of a blank overlooked, and what only shines through."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.imaging import darkness


def paper(noise: float = 0.0, level: float = 240.0) -> np.ndarray:
    rng = np.random.default_rng(7)
    return np.clip(rng.normal(level, noise, (40, 90)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_a_stroke_stands_out_by_its_contrast_and_paper_by_next_to_nothing(noise: float) -> None:
    blank, pale, dark = paper(noise), paper(noise), paper(noise)
    cv2.line(pale, (30, 30), (50, 10), 180, 4)
    cv2.line(dark, (30, 30), (50, 10), 60, 4)
    found = [(darkness(crop) or (None, None))[0] for crop in (blank, pale, dark)]
    assert found[0] is not None
    assert found[0] <= 10
    assert found[1] == pytest.approx(60, abs=20)
    assert found[2] == pytest.approx(180, abs=25)


def test_the_rest_of_a_rule_at_the_border_and_a_grain_of_dust_are_no_print() -> None:
    crop = paper()
    crop[:2] = 0
    crop[20, 45] = 150
    assert darkness(crop) == (pytest.approx(0, abs=20), 0)


@pytest.mark.parametrize("column", [0, 89])
def test_a_digit_against_the_border_shows_at_the_edge(column: int) -> None:
    crop = paper()
    cv2.line(crop, (column, 10), (column, 30), 60, 3)
    found = darkness(crop)
    assert found is not None
    assert found[1] > 90
    assert found[0] < found[1]


@pytest.mark.parametrize("shape", [(0, 0), (4, 90), (40, 8)])
def test_of_a_scrap_of_a_picture_nothing_is_known(shape: tuple[int, int]) -> None:
    assert darkness(np.full(shape, 240, np.uint8)) is None
