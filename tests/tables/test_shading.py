"""Screens of dots on two-level scans."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain import Pixels
from pipeline.tables import find_grids
from pipeline.tables.shading import without_screens
from tests.ocr.drawing import SANS, cell
from tests.tables.drawing import Drawn

XS, YS = [150, 330, 510, 690, 870, 1050, 1230], [200, 270, 340, 400]
HEADER = ((0, 0, 2, 1), (0, 1, 1, 5))


def shaded(dark: float) -> Drawn:
    """A header of two rows on a screen of dots, ``dark`` of which is black, above one row of figures."""
    drawn = Drawn()
    dots = np.random.default_rng(5).random((YS[2] - YS[0], XS[-1] - XS[0])) < dark
    drawn.pixels[YS[0] : YS[2], XS[0] : XS[-1]] = np.where(dots, 10, 250)
    drawn.table(XS, YS, HEADER, width=6)
    for x in XS[:-1]:
        cv2.putText(drawn.pixels, "0", (x + 80, 380), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (10,), 3)
        cv2.putText(drawn.pixels, "HEAD", (x + 40, 316), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (10,), 5)
    drawn.pixels[:] = np.where(drawn.pixels < 128, 10, 250)
    return drawn


@pytest.mark.parametrize("dark", [0.4, 0.5, 0.6])
def test_the_cells_of_a_header_on_a_screen_of_dots_are_found(dark: float) -> None:
    drawn = shaded(dark)
    (grid,) = find_grids(drawn.page())
    assert [(c.row, c.column, c.row_span, c.column_span) for c in grid.cells] == drawn.cells
    figures = [c.box for c in grid.cells if c.row == 2]
    assert all(grid.pixels[round(b.y0) : round(b.y1), round(b.x0) : round(b.x1)].min() <= 10 for b in figures)


def text() -> Pixels:
    lines = [cell("本年新收政府信息公开申请数量", size=24, shape=(36, 500), ink=10, paper=250) for _ in range(8)]
    return np.vstack(lines)


def bold() -> Pixels:
    """A heading in large bold type, whose characters are as dense as a screen."""
    words = cell("五、其他需要报告的事项", font=SANS, size=30, shape=(60, 500), ink=10, paper=250)
    return np.asarray(cv2.erode(words, np.ones((2, 2), np.uint8)), dtype=np.uint8)


def gradient() -> Pixels:
    return np.tile(np.linspace(0, 250, 500).astype(np.uint8), (300, 1))


@pytest.mark.parametrize(
    "picture",
    [text(), np.where(text() < 160, 10, 250).astype(np.uint8), bold(), gradient()],
    ids=["text", "black and white", "bold", "gradient"],
)
def test_text_and_dark_pictures_are_no_screens(picture: Pixels) -> None:
    page = np.full((600, 700), 250, np.uint8)
    page[100 : 100 + len(picture), 100:600] = picture
    assert all(np.array_equal(without_screens(page, size), page) for size in (18.75, 24.0))


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (40, 40)], ids=str)
def test_pictures_of_any_size(shape: tuple[int, int]) -> None:
    dots = np.where(np.random.default_rng(1).random(shape) < 0.5, 10, 250).astype(np.uint8)
    assert without_screens(dots, 24.0).shape == shape
