"""A stroke that stands alone is told by its shape."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.ocr.crops import find_ink
from pipeline.ocr.pictures import lone_stroke
from tests.ocr.drawing import cell


def test_a_slash_is_told_by_the_way_it_leans() -> None:
    slash = cell("/", size=30, shape=(60, 60))
    for picture, text in ((slash, "/"), (np.ascontiguousarray(slash[:, ::-1]), "\\")):
        stroke = lone_stroke(find_ink(picture))
        assert stroke is not None
        assert stroke.text == text


@pytest.mark.parametrize("text", ["1", "0", "7", "件"])
def test_figures_and_words_are_no_lone_strokes(text: str) -> None:
    assert lone_stroke(find_ink(cell(text, size=30, shape=(60, 60)))) is None
