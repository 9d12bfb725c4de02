"""Maps between pictures are invertible, and the box of a cell is found again on its page."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import BoundingBox, Transform
from pipeline.geometry import (
    Homography,
    Identity,
    Mesh,
    affine,
    box_to_parent,
    chain,
    corners,
    quarter_turns,
    scaling,
    slope,
    translation,
)

_COORDINATES = st.floats(0, 2000, allow_nan=False)
_POINTS = st.lists(st.tuples(_COORDINATES, _COORDINATES), min_size=1, max_size=8).map(np.array)


def _bent(amplitude: float, shear: float) -> Mesh:
    xs, ys = np.linspace(0, 2000, 9), np.linspace(0, 2000, 7)
    gx, gy = np.meshgrid(xs, ys)
    bend = amplitude * np.sin(gx / 400.0)
    return Mesh(xs, ys, np.stack([gx + shear * gy + 30.0, gy + bend + 12.0], axis=-1))


def _maps() -> st.SearchStrategy[Transform]:
    small = st.floats(-0.2, 0.2)
    tilt = st.floats(-1e-5, 1e-5)
    return st.one_of(
        st.builds(translation, _COORDINATES, _COORDINATES),
        st.builds(scaling, st.floats(0.2, 5.0), st.floats(0.2, 5.0)),
        st.builds(quarter_turns, st.integers(0, 3), st.just(2000), st.just(1500)),
        st.builds(lambda a, b: affine([[1.0, a, 5.0], [b, 1.0, 7.0]]), small, small),
        st.builds(lambda p, q: Homography(np.array([[1.0, 0, 0], [0, 1.0, 0], [p, q, 1.0]])), tilt, tilt),
        st.builds(_bent, st.floats(-25, 25), st.floats(-0.1, 0.1)),
    )


@given(_maps(), _maps(), _POINTS)
def test_there_and_back(first: Transform, second: Transform, points: np.ndarray) -> None:
    both = chain(first, second)
    assert np.allclose(both.from_parent(both.to_parent(points)), points, atol=0.05)


@given(_POINTS)
def test_a_chain_of_nothing_changes_nothing(points: np.ndarray) -> None:
    assert np.array_equal(chain(Identity(), Identity()).to_parent(points), points)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_turned_picture_shows_the_same_pixels(turns: int) -> None:
    picture = np.arange(12).reshape(3, 4)
    turned = np.rot90(picture, turns)
    back = quarter_turns(turns, 4, 3)
    for y, x in np.ndindex(*turned.shape):
        (px, py), *_ = back.to_parent(np.array([[x + 0.5, y + 0.5]]))
        assert picture[int(py), int(px)] == turned[y, x]


def test_the_box_on_the_page_holds_the_cell() -> None:
    box = BoundingBox(100, 200, 180, 230)
    mesh = _bent(20.0, 0.05)
    on_page = box_to_parent(mesh, box)
    mapped = mesh.to_parent(corners(box))
    assert on_page.x0 <= mapped[:, 0].min()
    assert on_page.x1 >= mapped[:, 0].max()
    assert on_page.y0 <= mapped[:, 1].min()
    assert on_page.y1 >= mapped[:, 1].max()


@pytest.mark.parametrize("angle", [-6.0, 0.0, 2.5])
def test_lines_of_text_outweigh_one_long_edge(angle: float) -> None:
    rng = np.random.default_rng(7)
    x = rng.integers(0, 500, size=(30, 9, 90)).astype(np.float64)
    y = 25.0 * np.arange(30)[:, None, None] + np.arange(9)[None, :, None] + x * np.tan(np.radians(angle))
    along = np.arange(0.0, 500.0)
    edge = np.column_stack([along, 800.0 - along * np.tan(np.radians(9.0))])
    points = np.concatenate([np.column_stack([x.ravel(), y.ravel()]), edge, edge + [0, 1]])
    found, sharpness = slope(points, np.ones(len(points)), 20.0)
    assert found == pytest.approx(angle, abs=0.2)
    assert sharpness > 2.7
