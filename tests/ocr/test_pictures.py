"""A stroke that stands alone is told by its shape; alternatives that mean the same are one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from pipeline.domain import Alternative, Pixels
from pipeline.ocr.crops import find_ink
from pipeline.ocr.numerals import NumeralReader
from pipeline.ocr.pictures import lone_stroke, read_cells, reading
from tests.ocr.drawing import cell


def test_a_slash_is_told_by_the_way_it_leans() -> None:
    slash = cell("/", size=30, shape=(60, 60))
    for picture, text in ((slash, "/"), (np.ascontiguousarray(slash[:, ::-1]), "\\")):
        stroke = lone_stroke(find_ink(picture))
        assert stroke is not None
        assert stroke.text == text


def test_a_flat_stroke_as_wide_as_its_cell_is_no_dash() -> None:
    narrow, wide = (np.full((40, width), 235, np.uint8) for width in (60, 160))
    for picture in (narrow, wide):
        picture[17:23, 3:57] = 30
    assert lone_stroke(find_ink(narrow)) is None
    stroke = lone_stroke(find_ink(wide))
    assert stroke is not None
    assert stroke.text == "-"


@pytest.mark.parametrize("size", [(9, 5), (8, 4), (10, 5)])
def test_a_short_dash_that_blur_has_rounded_is_one_and_a_point_is_none(size: tuple[int, int]) -> None:
    def digits(cuts: Sequence[Pixels]) -> list[list[Alternative]]:
        return [[Alternative("0", 0.3), Alternative("-", 0.1)] for _ in cuts]

    width, height = size
    dash, point = (np.full((50, 90), 240, np.uint8) for _ in range(2))
    cv2.ellipse(dash, (45, 25), (width // 2, height // 2 - 1), 0, 0, 360, (60,), cv2.FILLED, cv2.LINE_AA)
    cv2.circle(point, (45, 25), height // 2, (60,), cv2.FILLED, cv2.LINE_AA)
    for picture, mark in ((dash, True), (point, False)):
        found = read_cells([cv2.GaussianBlur(picture, (0, 0), 0.7).astype(np.uint8)], digits, "x")[0]
        assert (found.text == "-" and found.probability > 0.85) is mark


@pytest.mark.parametrize("lean", [0, 40])
def test_a_stroke_of_a_seal_through_an_empty_cell_is_no_mark(lean: int) -> None:
    picture = np.full((70, 160), 235, np.uint8)
    cv2.line(picture, (80 - lean, 5), (80 + lean, 65), 60, 15)

    def mark(cuts: Sequence[Pixels]) -> list[list[Alternative]]:
        return [[Alternative("/", 0.99)] for _ in cuts]

    assert lone_stroke(find_ink(picture)) is None
    assert read_cells([picture], mark, "x")[0].probability < 0.2
    assert NumeralReader.load().read([picture])[0].probability < 0.2


@pytest.mark.parametrize("seen", ["()", "(0", "0)", "(", "(1", "4)"])
def test_what_is_left_of_a_worn_nought_counts_for_it_and_is_kept_in_mind(seen: str) -> None:
    found = reading([Alternative(seen, 0.9), Alternative("0", 0.05), Alternative("6", 0.02)], "x")
    assert found.text == "0"
    assert 0.85 <= found.probability < 0.95
    assert seen in [each.text for each in found.alternatives]


@pytest.mark.parametrize(("seen", "meant"), [("1()5", "105"), ("(5", "(5"), ("12(含3件)", "12(含3件)"), ("(2)", "(2)")])
def test_other_brackets_stay(seen: str, meant: str) -> None:
    assert [each.text for each in reading([Alternative(seen, 0.9)], "x").alternatives] == [meant]


def test_a_slash_is_told_among_specks_and_beside_paler_strokes() -> None:
    specks = cell("/", size=30, shape=(60, 80))
    specks[50:53, 10:13] = 40
    pale = cell("/", size=30, shape=(60, 80))
    pale[:, 58:72] = np.minimum(pale[:, 58:72], 205)

    def one(cuts: Sequence[Pixels]) -> list[list[Alternative]]:
        return [[Alternative("1", 0.9)] for _ in cuts]

    for picture in (specks, pale):
        assert lone_stroke(find_ink(picture)) is None
        texts = {each.text: each.probability for each in read_cells([picture], one, "x")[0].alternatives}
        assert texts["/"] > 0.4
    seven = cell("7", size=30, shape=(60, 80))
    seven[50:53, 10:13] = 40
    assert read_cells([seven], one, "x")[0].alternatives[0].probability > 0.85


def test_doubtful_pictures_are_looked_at_again_smoothed() -> None:
    shown: list[int] = []

    def unsure(cuts: Sequence[Pixels]) -> list[list[Alternative]]:
        shown.append(len(cuts))
        texts = [("9" if len(shown) == 1 else "0", 0.6), ("7", 0.99)]
        return [[Alternative(*text)] for text, _ in zip(texts, cuts, strict=False)]

    found = read_cells([cell("0", ink=170, noise=14), cell("7", ink=30, noise=1)], unsure, "x")
    assert shown[:3] == [2, 1, 1]
    assert [each.text for each in found] == ["0", "7"]


def test_a_comma_that_parts_no_three_digits_speaks_for_the_point_that_is_likelier() -> None:
    def texts(*pairs: tuple[str, float]) -> dict[str, float]:
        found = reading([Alternative(text, probability) for text, probability in pairs], "x")
        return {each.text: round(each.probability, 3) for each in found.alternatives}

    assert texts(("37784.8", 0.9), ("37784,8", 0.05)) == {"37784.8": 0.95}
    assert texts(("0.08", 0.3), ("0,08", 0.6)) == {"0,08": 0.6, "0.08": 0.3}
    assert texts(("32.481", 0.9), ("32,481", 0.05)) == {"32.481": 0.9, "32,481": 0.05}


def test_small_digits_that_grew_together_are_no_dash() -> None:
    picture = np.full((40, 200), 235, np.uint8)
    picture[17:24, 60:130] = 30

    def digits(cuts: Sequence[Pixels]) -> list[list[Alternative]]:
        return [[Alternative("55679.437", 0.9)] for _ in cuts]

    assert read_cells([picture], lambda cuts: [[] for _ in cuts], "x")[0].text == "—"
    assert read_cells([picture], digits, "x")[0].text == "55679.437"


@pytest.mark.parametrize("text", ["1", "0", "7", "件"])
def test_figures_and_words_are_no_lone_strokes(text: str) -> None:
    assert lone_stroke(find_ink(cell(text, size=30, shape=(60, 60)))) is None
