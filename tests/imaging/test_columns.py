"""The glance that tells pages with figures in columns from running text."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.domain import PageImage, Pixels
from pipeline.imaging import glance, has_columns
from tests.tables.test_whitespace import PROSE, figure, narrative, prose, table, words


def wide(pixels: Pixels) -> Pixels:
    """The drawing on a sheet as large as A4 at 200 dots per inch."""
    sheet = np.full((2339, 1654), 250, np.uint8)
    sheet[: pixels.shape[0], : pixels.shape[1]] = pixels
    return sheet


@pytest.mark.parametrize("quarters", [0, 1, 2])
def test_figures_in_columns_are_seen_whichever_way_the_page_lies(quarters: int) -> None:
    assert has_columns(glance(PageImage(1, np.ascontiguousarray(np.rot90(wide(table().pixels), quarters)))))


def test_a_streak_of_the_scanner_hides_no_columns() -> None:
    pixels = wide(table().pixels)
    words(pixels, 260, 120, 34)
    pixels[:, 780:782] = 60
    assert has_columns(glance(PageImage(1, pixels)))


def test_a_single_line_of_many_figures_is_seen() -> None:
    pixels = np.full((2339, 1654), 250, np.uint8)
    for number in range(15):
        figure(pixels, str(number), 200 + 85 * number, 400)
    words(pixels, 200, 300, 30)
    assert has_columns(glance(PageImage(1, pixels)))


def test_a_small_table_with_few_figures_is_seen() -> None:
    pixels = np.full((2339, 1654), 250, np.uint8)
    for row in range(6):
        words(pixels, 320, 700 + 60 * row, 5)
        if row % 2:
            figure(pixels, "12", 1000, 700 + 60 * row)
        else:
            words(pixels, 900, 700 + 60 * row, 8)
    assert has_columns(glance(PageImage(1, pixels)))


@pytest.mark.parametrize("quarters", [0, 1])
def test_running_text_is_not(quarters: int) -> None:
    assert not has_columns(glance(PageImage(1, np.ascontiguousarray(np.rot90(wide(narrative(24).pixels), quarters)))))


@pytest.mark.parametrize("kind", PROSE)
def test_prose_with_numbers_is_not(kind: str) -> None:
    assert not has_columns(glance(PageImage(1, wide(prose(kind).pixels))))


def test_an_empty_page_is_not() -> None:
    assert not has_columns(glance(PageImage(1, np.full((2339, 1654), 250, np.uint8))))
