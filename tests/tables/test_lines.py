"""Lines of text outside the tables."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain import CleanPage, PageImage, Pixels
from pipeline.geometry import Identity
from pipeline.imaging import clean
from pipeline.tables import find_grids, find_lines
from tests.tables.drawing import SPANS, XS, YS, Drawn


def write(pixels: Pixels, text: str, x: int, y: int, scale: float = 1.0, width: int = 2) -> None:
    cv2.putText(pixels, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (20,), width)


def middles(page: CleanPage) -> list[float]:
    return [(line.box.y0 + line.box.y1) / 2 for line in find_lines(page, find_grids(page))]


@pytest.mark.parametrize(("scale", "width"), [(0.8, 1), (1.0, 2), (2.2, 4)])
def test_a_title_page_of_three_lines_has_three_lines_however_large(scale: float, width: int) -> None:
    pixels = np.full((2339, 1654), 250, np.uint8)
    for y in (500, 700, 900):
        write(pixels, "ANNUAL REPORT 2023", 400, y, scale, width)
    lines = middles(clean(PageImage(1, pixels, 200.0)))
    assert lines == pytest.approx([500 - 10 * scale, 700 - 10 * scale, 900 - 10 * scale], abs=8)


def test_text_in_tables_is_no_line() -> None:
    drawn = Drawn().table(XS, YS, SPANS, text="1024")
    write(drawn.pixels, "HEADING OF A TABLE", 220, 150)
    assert middles(drawn.page()) == pytest.approx([140], abs=8)


def test_words_on_one_baseline_are_one_line() -> None:
    drawn = Drawn()
    write(drawn.pixels, "OFFICE", 220, 150)
    write(drawn.pixels, "2023", 400, 150)
    assert len(middles(drawn.page())) == 1


def test_specks_are_no_line() -> None:
    noise = np.random.default_rng(3).random((1100, 1500)) < 0.002
    page = CleanPage(1, np.where(noise, 20, 250).astype(np.uint8), Identity(), 200.0, 25.0)
    assert find_lines(page, ()) == ()
