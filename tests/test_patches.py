"""Patches of ink are those that OpenCV counts, with the same places and sizes."""

from __future__ import annotations

from random import Random

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from pipeline import patches
from pipeline.domain import Pixels

MASKS = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.sampled_from([0, 0, 1, 255])
)


@given(MASKS, st.booleans())
@settings(deadline=None)
def test_labels_and_sizes_are_those_of_opencv(mask: Pixels, corners: bool) -> None:
    labels, stats = patches.label(mask, corners)
    _, expected, sizes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8 if corners else 4)
    assert np.array_equal(labels, expected)
    assert np.array_equal(stats[1:], sizes[1:])
    assert not stats[0].any()


@given(MASKS, st.randoms())
@settings(deadline=None)
def test_some_patches_are_those_pixels_alone(mask: Pixels, random: Random) -> None:
    labels, stats = patches.label(mask)
    which = np.array([False, *(random.random() < 0.5 for _ in stats[1:])])

    def wanted(each: patches.Labels) -> NDArray[np.bool_]:
        assert np.array_equal(each, stats[1:])
        return which[1:]

    assert np.array_equal(patches.some(mask, wanted), which[labels])


@given(MASKS, st.integers(1, 6))
@settings(deadline=None)
def test_wide_patches_are_those_of_that_width(mask: Pixels, least: int) -> None:
    _, labels, sizes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    expected = {}
    for number in np.flatnonzero(sizes[1:, cv2.CC_STAT_WIDTH] >= least) + 1:
        left, top, width, height, _ = map(int, sizes[number])
        inside = labels[top : top + height, left : left + width] == number
        expected[left, top, width, height, inside.tobytes()] = True
    found = {(*box, inside.tobytes()): True for box, inside in patches.wide(mask, least)}
    assert found == expected


@pytest.mark.parametrize("mask", [np.zeros((5, 7), np.uint8), np.ones((1, 1), np.uint8)], ids=["paper", "dot"])
def test_paper_and_a_dot(mask: Pixels) -> None:
    assert len(patches.wide(mask, 1)) == int(mask.any())
    assert len(patches.label(mask)[1]) == 1 + int(mask.any())
