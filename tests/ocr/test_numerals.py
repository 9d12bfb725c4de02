"""The fast numeral reader on freshly drawn cells, its honesty, and its model file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.domain import Pixels, Reading
from pipeline.ocr.numerals import NumeralReader
from tests.ocr.drawing import LATIN, SANS, SERIF, cell

TEXTS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "253", "1047", "6247.84", "1,234", "+3", "")


def _meaning(text: str) -> str:
    return text.replace("—", "-").replace("--", "-")


@pytest.mark.parametrize("font", [SERIF, SANS, LATIN], ids=["serif", "sans", "latin"])
@pytest.mark.parametrize(("size", "noise"), [(20, 0), (20, 6), (28, 0), (28, 10)])
def test_reads_drawn_numerals(reader: NumeralReader, font: tuple[Path, int], size: int, noise: float) -> None:
    readings = reader.read([cell(text, font=font, size=size, noise=noise, shade=8, rules=noise > 0) for text in TEXTS])
    wrong = [(text, found.text) for text, found in zip(TEXTS, readings, strict=True) if found.text != text]
    sure_and_wrong = [
        (text, found)
        for text, found in zip(TEXTS, readings, strict=True)
        if _meaning(found.text) != _meaning(text) and found.probability >= 0.99
    ]
    assert sure_and_wrong == []
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize("noise", [0, 6])
def test_blank_nought_slash_and_dash_stay_different(reader: NumeralReader, noise: float) -> None:
    texts = ("", "0", "/", "-", "—")
    found = [_meaning(r.text) for r in reader.read([cell(text, noise=noise) for text in texts])]
    assert found == ["", "0", "/", "-", "-"]


@pytest.mark.parametrize("font", [SERIF, LATIN], ids=["serif", "latin"])
def test_a_backslash_is_a_mark_and_other_strokes_are_none(reader: NumeralReader, font: tuple[Path, int]) -> None:
    for size in (18, 28):
        found = reader.read([cell(text, font=font, size=size, noise=6) for text in ("\\", "/", "1", "7")])
        assert [each.text for each in found] == ["\\", "/", "1", "7"]
        assert 0.6 < found[0].probability < 0.99
        assert all("\\" not in [a.text for a in each.alternatives if a.probability > 0.01] for each in found[1:])


def test_a_word_is_no_numeral(reader: NumeralReader) -> None:
    for found in reader.read([cell(text) for text in ("不适用", "详见附件", "无", "合计")]):
        assert found.text == "" or found.probability < 0.9
        assert found.alternatives[0].probability < 0.99


def test_touching_digits_are_parted_or_doubted(reader: NumeralReader) -> None:
    joined = np.minimum(cell("3", shape=(48, 60)), np.roll(cell("8", shape=(48, 60)), 13, axis=1))
    found = reader.read([joined])[0]
    assert found.text == "38" or found.probability < 0.9


def _signed(digit: str, font: tuple[Path, int], size: int) -> Pixels:
    """A digit that its minus touches."""
    figure, dash = (cell(text, font=font, size=size, shape=(48, 120)) for text in (digit, "-"))
    left, right = (np.flatnonzero((picture < 160).any(axis=0)) for picture in (figure, dash))
    joined = np.minimum(figure, np.roll(dash, int(left[0]) - int(right[-1]) - 1, axis=1))
    return cv2.GaussianBlur(joined, (0, 0), 0.8)


@pytest.mark.parametrize("font", [SERIF, SANS, LATIN], ids=["serif", "sans", "latin"])
@pytest.mark.parametrize("size", [16, 20, 26])
def test_a_minus_that_touches_its_digit_is_seen(reader: NumeralReader, font: tuple[Path, int], size: int) -> None:
    others = [cell(text, font=font, size=size, shape=(48, 120)) for text in ("20", "35", "48", "96", "57", "4", "7")]
    right, sure = 0, []
    for digit in "123456789":
        found = reader.read([*others, _signed(digit, font, size)])[-1]
        right += _meaning(found.text) == f"-{digit}"
        if _meaning(found.text) != f"-{digit}" and found.probability >= 0.995:
            sure.append((digit, found.text))
    assert right >= 6
    assert len(sure) <= 1, sure
    assert all(found.probability > 0.9 for found in reader.read(others))


@pytest.mark.parametrize("text", ["44401.23", "1.98", "0.08", "316.1"])
def test_points_are_read_where_digits_hang_together_and_where_they_are_small(reader: NumeralReader, text: str) -> None:
    found = reader.read([cell(text, font=LATIN, size=20, noise=3)])[0]
    assert found.text == text
    assert found.probability > 0.8


def test_probabilities_sum_to_at_most_one(reader: NumeralReader) -> None:
    rng = np.random.default_rng(3)
    pictures = [cell(text, noise=20, seed=i) for i, text in enumerate(("0", "38", "不", "", "1.5"))]
    pictures += [rng.integers(0, 256, (30, 50)).astype(np.uint8) for _ in range(5)]
    for found in reader.read(pictures):
        _check(found)


def test_every_size_of_picture_is_read(reader: NumeralReader) -> None:
    pictures = [np.full(shape, 200, np.uint8) for shape in ((1, 1), (2, 50), (50, 2), (7, 7), (300, 1500))]
    assert [found.text for found in reader.read(pictures)] == [""] * 5
    assert reader.read([]) == []


def test_a_reading_does_not_depend_on_its_neighbours(reader: NumeralReader) -> None:
    pictures = [cell(text, noise=5, seed=i) for i, text in enumerate(("0", "17", "", "/", "不适用", "6.5"))]
    together = reader.read(pictures)
    for picture, found in zip(pictures, together, strict=True):
        alone = reader.read([picture])[0]
        assert alone.text == found.text
        assert alone.probability == pytest.approx(found.probability, abs=1e-5)


def _check(found: Reading) -> None:
    probabilities = [a.probability for a in found.alternatives]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1.0 + 1e-9
    assert len({a.text for a in found.alternatives}) == len(found.alternatives)


def test_steep_slashes_are_not_taken_for_ones(reader: NumeralReader) -> None:
    upright = cell("/", font=LATIN, size=28, shape=(60, 60))
    for factor in (1.0, 0.8, 0.65):
        narrow = cv2.resize(upright, (round(60 * factor), 60), interpolation=cv2.INTER_AREA)
        found = reader.read([np.pad(narrow, ((0, 0), (20, 20)), mode="edge")])[0]
        assert found.text == "/" or found.probability < 0.9


def rubbed(text: str, place: int) -> np.ndarray:
    """A cell in which one digit is a smear: its ink is spread evenly over its place."""
    picture = cell(text, size=28, shape=(60, 160), noise=4)
    inked = picture < 140
    columns = np.flatnonzero(np.diff(np.concatenate([[0], inked.any(axis=0).astype(np.int8), [0]])))
    left, right = columns[2 * place : 2 * place + 2]
    rows = np.flatnonzero(inked[:, left:right].any(axis=1))
    where = (slice(int(rows[0]), int(rows[-1]) + 1), slice(max(0, left - 3), right + 3))
    smear = np.full(picture[where].shape, 150.0) + np.random.default_rng(1).normal(0, 12, picture[where].shape)
    picture[where] = np.clip(smear, 0, 255).astype(np.uint8)
    return picture


def watermarked(text: str, darkness: int) -> np.ndarray:
    """A cell with broad strokes of a watermark beside and under its print, by so many grey levels darker than paper."""
    picture = cell(text, size=28, shape=(60, 160), noise=4)
    strokes = np.zeros(picture.shape, np.uint8)
    cv2.line(strokes, (20, 0), (60, 60), 255, 16)
    cv2.line(strokes, (84, 0), (84, 60), 255, 14)
    cv2.line(strokes, (100, 50), (160, 44), 255, 12)
    return np.clip(picture.astype(np.int16) - darkness * (strokes > 0), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("darkness", [25, 50])
@pytest.mark.parametrize("text", ["0", "38", "146", "5.02"])
def test_print_on_a_watermark_is_read_without_it(reader: NumeralReader, text: str, darkness: int) -> None:
    found = reader.read([watermarked(text, darkness)])[0]
    assert found.text == text
    assert found.probability > 0.4


@pytest.mark.parametrize("text", ["0", "6", "38"])
def test_print_beside_a_seal_nearly_as_dark_is_read_without_it(reader: NumeralReader, text: str) -> None:
    picture = cell(text, size=26, shape=(60, 160), ink=90, paper=245, noise=3)
    cv2.line(picture, (112, 0), (140, 60), 175, 14)
    found = reader.read([cv2.GaussianBlur(picture, (0, 0), 0.7)])[0]
    assert found.text == text
    assert found.probability > 0.4


@pytest.mark.parametrize("darkness", [25, 50])
def test_a_mark_on_a_watermark_is_never_sure(reader: NumeralReader, darkness: int) -> None:
    """It may be what the watermark left of a figure."""
    assert reader.read([watermarked("/", darkness)])[0].probability < 0.9


@pytest.mark.parametrize("darkness", [25, 50, 90])
def test_a_watermark_alone_is_no_numeral(reader: NumeralReader, darkness: int) -> None:
    found = reader.read([watermarked("", darkness)])[0]
    assert found.text == "" or found.probability < 0.5


@pytest.mark.parametrize("text", ["0", ""])
@pytest.mark.parametrize("lean", [-1, 1])
@pytest.mark.parametrize("darkness", [25, 40, 60])
def test_a_stroke_from_end_to_end_of_its_cell_is_no_slash(
    reader: NumeralReader, text: str, lean: int, darkness: int
) -> None:
    picture = cell(text, size=22, shape=(58, 71), noise=1)
    stroke = np.zeros(picture.shape, np.uint8)
    cv2.line(stroke, (36 + 8 * lean, 0), (36 - 8 * lean, 57), (255,), 6, cv2.LINE_AA)
    picture = np.minimum(picture, (picture - darkness * (stroke / 255.0)).clip(0, 255)).astype(np.uint8)
    found = reader.read([picture])[0]
    assert found.text not in ("/", "\\") or found.probability < 0.5


@pytest.mark.parametrize("place", [0, 1])
def test_a_figure_beside_a_digit_that_was_rubbed_out_is_never_sure(reader: NumeralReader, place: int) -> None:
    for text in ("34", "12"):
        assert reader.read([rubbed(text, place)])[0].probability < 0.6


def test_a_digit_paler_than_its_neighbour_is_not_left_out(reader: NumeralReader) -> None:
    picture = cell("10", size=28, shape=(60, 160))
    columns = np.flatnonzero((picture < 128).any(axis=0))
    middle = int(columns[np.argmax(np.diff(columns) > 1)]) + 2
    picture[:, middle:] = 255 - (255 - picture[:, middle:]) * 0.6
    found = reader.read([picture])[0]
    assert found.text == "10" or found.probability < 0.9
