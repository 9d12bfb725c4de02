"""Lines of a cell are found whole, however noisy the paper; blank cells have none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.ocr.lines import split_lines
from tests.ocr.drawing import SANS, SERIF, cell


@pytest.mark.parametrize("noise", [0, 5, 10, 20])
def test_blank_cell_has_no_lines(noise: float) -> None:
    pictures = [cell("", noise=noise, shade=20, rules=True, seed=seed) for seed in range(10)]
    assert all(split_lines(picture) == [] for picture in pictures)


@pytest.mark.parametrize(("ink", "noise"), [(30, 0), (30, 20), (150, 15), (200, 3)])
def test_a_line_on_noisy_paper_is_cut_whole(ink: int, noise: float) -> None:
    clear = split_lines(cell("（一）予以公开", size=24, shape=(48, 400)))
    found = split_lines(cell("（一）予以公开", size=24, shape=(48, 400), ink=ink, noise=noise, rules=True))
    assert len(clear) == len(found) == 1
    assert abs(clear[0].shape[1] - found[0].shape[1]) <= 6


@pytest.mark.parametrize("text", ["一、", "1.", "二", "一"])
def test_a_leading_number_close_to_the_border_is_no_rest_of_a_rule(text: str) -> None:
    picture = cell(text + "本年新收", size=26, shape=(44, 300))
    inked = np.flatnonzero((picture < 150).any(axis=0))
    lines = split_lines(np.ascontiguousarray(picture[:, inked[0] - 1 :]))
    assert len(lines) == 1
    assert lines[0].shape[1] >= inked[-1] - inked[0]


@pytest.mark.parametrize("font", [SERIF, SANS])
@pytest.mark.parametrize("noise", [0, 8])
def test_wrapped_label_comes_apart_into_its_lines(font: tuple[object, int], noise: float) -> None:
    picture = cell("本年新收政府\n信息公开\n申请数量", font=font, size=22, shape=(130, 190), noise=noise, rules=True)  # type: ignore[arg-type]
    lines = split_lines(picture)
    assert len(lines) == 3
    widths = [line.shape[1] for line in lines]
    assert widths[0] > widths[1]


def test_vertical_label_comes_apart_into_characters() -> None:
    lines = split_lines(cell("本\n年\n度\n二\n三", size=24, shape=(210, 44)))
    assert len(lines) == 5


def test_characters_of_loose_strokes_stay_whole() -> None:
    assert len(split_lines(cell("二三", size=24))) == 1
    assert len(split_lines(cell("三、二", size=24))) == 1


def test_skewed_lines_are_told_apart() -> None:
    import cv2

    picture = cell("商业企业科研机构社会公益\n法律服务机构其他组织总计", size=20, shape=(80, 280))
    matrix = cv2.getRotationMatrix2D((140, 40), 1.0, 1.0)
    turned = cv2.warpAffine(picture, matrix, (280, 80), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)
    assert len(split_lines(turned)) == 2


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_no_picture_is_too_odd(picture: np.ndarray) -> None:
    assert all(line.size > 0 for line in split_lines(picture))
