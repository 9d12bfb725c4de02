"""A digit damaged for the measurement is beyond reading, and its neighbours are as they were."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from benchmarks import spoiling


def printed(text: str, colour: bool = False) -> np.ndarray:
    cell = np.full((40, 30 + 26 * len(text)), 240, np.uint8)
    for place, char in enumerate(text):
        cv2.putText(cell, char, (15 + 26 * place, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 20, 2, cv2.LINE_AA)
    return np.repeat(cell[:, :, None], 3, axis=2) if colour else cell


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("kind", spoiling.KINDS)
def test_one_digit_changes_and_the_others_do_not(kind: str, colour: bool) -> None:
    before = printed("748", colour)
    for seed in range(6):
        cell = before.copy()
        assert spoiling.spoil(cell, "748", kind, np.random.default_rng(seed))
        changed = (cell != before).reshape(*before.shape[:2], -1).any(axis=(0, 2))
        ink = [changed[left:right].mean() for left, right in spoiling.glyphs(before)]
        assert sorted(share > 0.5 for share in ink) == [False, False, True]


def test_glyphs_that_cannot_be_told_apart_are_left_alone() -> None:
    cell = printed("748")
    before = cell.copy()
    assert not spoiling.spoil(cell, "7481", "blot", np.random.default_rng(0))
    assert not spoiling.spoil(np.full((40, 80), 240, np.uint8), "7", "blot", np.random.default_rng(0))
    assert (cell == before).all()
