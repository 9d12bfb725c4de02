"""Lines of text through the real recognisers: squeezed they keep their words and their figures."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline import model_store
from pipeline.domain import Pixels
from pipeline.labels.normalise import normalise
from pipeline.ocr import TextEngine, rapidocr, recogniser
from pipeline.ocr.lines import split_lines
from tests.ocr.drawing import SANS, SERIF, cell
from tests.ocr.test_numerals import rubbed


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


def _line(text: str, font: tuple[object, int] = SERIF, size: int = 22, noise: float = 4.0) -> Pixels:
    (line,) = split_lines(cell(text, font=font, size=size, shape=(48, 26 * len(text) + 20), noise=noise))  # type: ignore[arg-type]
    return line


@pytest.mark.parametrize("font", [SERIF, SANS], ids=["serif", "sans"])
@pytest.mark.parametrize(
    "text",
    [
        "（一）予以公开",
        "2.没有现成信息需要另行制作",
        "其他处理",
        "總計",
        "三、本年度办理结果",
        "社会公益组织",
        "未经复议直接起诉",
        "行政事业性收费",
    ],
)
def test_labels_keep_their_meaning(engine: TextEngine, font: tuple[object, int], text: str) -> None:
    (reading,) = engine.read_labels([_line(text, font)])
    assert normalise(reading.text) == normalise(text)
    assert reading.probability > 0.7


@pytest.mark.parametrize("text", ["3万元", "5223.3万元", "本年收到135548件", "2021年度结转10007件", "1个"])
def test_figures_among_words_are_read_by_the_full_network(engine: TextEngine, unsure: TextEngine, text: str) -> None:
    line = _line(text)
    assert engine.read_labels([line]) == unsure.read_labels([line])


@pytest.mark.parametrize("text", ["政府信息公开申请", "审结"])
def test_what_the_quick_network_leaves_in_doubt_is_read_by_the_full_one(
    engine: TextEngine, unsure: TextEngine, text: str
) -> None:
    plain, poor = _line(text), _line(text, size=9, noise=26.0)
    assert engine.read_labels([plain]) != unsure.read_labels([plain])
    assert engine.read_labels([poor]) == unsure.read_labels([poor])


@pytest.mark.parametrize("text", ["统计指标", "制发规范性文件总数"])
def test_the_quick_network_is_believed_of_words_set_wide_unless_one_may_be_lost(
    engine: TextEngine, unsure: TextEngine, text: str
) -> None:
    line = _line("\u3000".join(text))
    (reading,) = engine.read_labels([line])
    assert normalise(reading.text) == text
    assert [reading] != unsure.read_labels([line])
    middle, pitch = line.shape[1] / 2, line.shape[1] / (len(text) - 0.5)
    at = round(middle - pitch / 2) if len(text) % 2 == 0 else round(middle)
    line[:, round(at - pitch / 2) : round(at + pitch / 2)] = line[0, 0]
    assert engine.read_labels([line]) == unsure.read_labels([line])


@pytest.fixture(scope="module")
def unsure() -> TextEngine:
    """An engine that reads everything with the full network, because its quick one leaves everything in doubt."""
    quick = recogniser.load_quick(model_store.current(recogniser.MODEL))
    return rapidocr.RapidOcrEngine(rapidocr.model_file() or Path(), _Unsure(quick))


class _Unsure(recogniser.Recogniser):
    """A network whose every character is as likely as not."""

    def __init__(self, other: recogniser.Recogniser) -> None:
        self._other = other
        self.height, self.characters = other.height, other.characters

    def recognise(
        self, scaled: Sequence[recogniser.Scaled], decode: Callable[[recogniser.Scaled], recogniser.Found]
    ) -> list[recogniser.Found]:
        return self._other.recognise(scaled, lambda found: decode(found * np.float32(0.5)))


def test_what_a_thousand_lines_look_like_to_the_network_is_not_kept(engine: TextEngine) -> None:
    line = np.full((40, 900), 250, np.uint8)
    line[10:30, 20:880:9] = 30
    tracemalloc.start()
    engine.read_lines([line] * 60)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 60 << 20  # all 60 together are 240 MB


@pytest.mark.parametrize("text", ["12", "07"])
def test_a_figure_beside_a_digit_that_was_rubbed_out_is_never_sure(engine: TextEngine, text: str) -> None:
    assert engine.read_numerals([rubbed(text, 1)])[0].probability < 0.6


def test_a_reading_does_not_depend_on_what_is_read_with_it(engine: TextEngine) -> None:
    lines = [_line(text) for text in ("予以公开", "其他", "重复申请", "一、本年新收政府信息公开申请数量", "总计")]
    together = engine.read_labels(lines * 7)[: len(lines)]
    alone = [engine.read_labels([line])[0] for line in lines]
    assert [found.text for found in together] == [found.text for found in alone]
    assert [found.probability for found in together] == pytest.approx([found.probability for found in alone], abs=1e-4)
