"""Lines of text through the real recogniser: squeezed they keep their words and their figures."""

from __future__ import annotations

import pytest

from pipeline.ocr import TextEngine, rapidocr
from pipeline.ocr.lines import split_lines
from tests.ocr.drawing import SANS, SERIF, cell


@pytest.fixture(scope="module")
def engine() -> TextEngine:
    return rapidocr.load()


@pytest.mark.parametrize("font", [SERIF, SANS], ids=["serif", "sans"])
@pytest.mark.parametrize(
    "text",
    [
        "危及国家安全、公共安全、经济安全和社会稳定",
        "全年收到申请135548件、答复135211件",
        "2021年度结转10007件",
        "1,360,028.55万元",
    ],
)
def test_long_lines_are_read_word_for_word_and_digit_for_digit(
    engine: TextEngine, font: tuple[object, int], text: str
) -> None:
    (line,) = split_lines(cell(text, font=font, size=22, shape=(48, 26 * len(text)), noise=4.0))  # type: ignore[arg-type]
    (reading,) = engine.read_lines([line])
    assert reading.text.replace(" ", "").replace(",", "，") == text.replace(",", "，")
    assert reading.probability > 0.8
