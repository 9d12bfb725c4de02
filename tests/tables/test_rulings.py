"""Looking for rules: what is painted over first because it is text."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.tables.rulings import PAPER, ink, without_characters
from tests.ocr.drawing import cell


@pytest.mark.parametrize("darkness", [80, 120, 220])
def test_characters_are_painted_over_however_faint_they_are(darkness: int) -> None:
    lines = [
        cell("本年新收政府信息公开申请数量", size=24, shape=(60, 500), ink=PAPER - darkness, paper=PAPER)
        for _ in range(4)
    ]
    page = np.vstack([np.full((300, 500), PAPER, np.uint8), *lines])
    page = np.asarray(cv2.GaussianBlur(page, (0, 0), 0.9), dtype=np.uint8)
    bare = without_characters(page, ink(page), 24.0)
    left = np.count_nonzero(bare < PAPER - 20) / np.count_nonzero(page < PAPER - 20)
    assert left < 0.3
