"""Percentiles of grey levels are NumPy's."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.domain import Pixels
from pipeline.levels import percentiles

PICTURES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@given(PICTURES, st.floats(0, 100), st.floats(0, 100))
@settings(deadline=None)
def test_percentiles_are_those_of_numpy(picture: Pixels, one: float, other: float) -> None:
    assert np.array_equal(percentiles(picture, (one, other)), np.percentile(picture, (one, other)))
    assert float(percentiles(picture, one)) == float(np.percentile(picture, one))


def test_every_other_pixel_may_be_asked_for() -> None:
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert float(percentiles(picture[::2, ::2], 50.0)) == float(np.median(picture[::2, ::2]))
