"""Straighten a table by its own rules.

Skew, perspective and the curl of a page all bend rules slowly. Two smooth fields are fitted to the traced rules: by how
much a level rule departs from a straight one at each place, and by how much an upright one does. Each rule has an
unknown height of its own, which drops out when its points are taken relative to their mean; so pieces of broken rules
serve as well as whole ones and nothing need be known of the table's structure.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import BoundingBox, Pixels, Transform
from pipeline.geometry import Mesh, translation
from pipeline.tables.grouping import RuleGroup
from pipeline.tables.rulings import Ruling

ALONG, ACROSS = 4, 2
"""Degree of the fields along the rules and across them: curl bends along, perspective varies slowly across."""
STRAIGHT = 0.6
"""A table whose rules depart less than this from straight ones, in pixels, is cut out as it is."""
KNOTS = 24.0
"""Distance of the mesh's knots in pixels."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A polynomial displacement across rules: zero at the middle, ``coefficients`` (ALONG, ACROSS + 1).

    ``centre`` and ``half`` scale positions along and across the rules to about -1 to 1.
    """

    coefficients: Array
    centre: tuple[float, float]
    half: tuple[float, float]

    def at(self, along: Array, across: Array) -> Array:
        """Displacement in pixels at positions along and across the rules."""
        u = (along - self.centre[0]) / self.half[0]
        v = (across - self.centre[1]) / self.half[1]
        result: Array = _terms(u, v) @ self.coefficients.ravel()
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Flattened:
    """A straightened table: its picture, the map to the picture it was cut from, and positions of its rules in it.

    Rules are rows (position, start, end, length of ink) in pixels: heights of level ones, abscissae of upright ones.
    """

    pixels: Pixels
    to_parent: Transform
    levels: Array
    uprights: Array


def flatten(picture: Pixels, group: RuleGroup, text_height: float) -> Flattened:
    """Cut a table out of a picture (h, w) so that its rules run along the axes."""
    box = _with_margin(group.box, text_height, picture.shape)
    centre = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    half = (box.width / 2, box.height / 2)
    level_field = fit(group.levels, centre, half, 3.0 * text_height)
    upright_field = fit(group.uprights, centre[::-1], half[::-1], 1.8 * text_height)
    levels = _straightened(group.levels, level_field, upright_field)
    uprights = _straightened(group.uprights, upright_field, level_field)
    xs, ys = _knots(box.x0, box.x1), _knots(box.y0, box.y1)
    targets = _targets(xs, ys, level_field, upright_field)
    gx, gy = np.meshgrid(xs, ys)
    if max(np.abs(targets[..., 0] - gx).max(), np.abs(targets[..., 1] - gy).max()) < STRAIGHT:
        x0, y0, x1, y1 = int(box.x0), int(box.y0), int(np.ceil(box.x1)), int(np.ceil(box.y1))
        x0, y0 = max(0, x0), max(0, y0)
        cut: Pixels = np.ascontiguousarray(picture[y0:y1, x0:x1])
        return Flattened(cut, translation(x0, y0), _moved(levels, y0, x0), _moved(uprights, x0, y0))
    mesh = Mesh(xs - box.x0, ys - box.y0, targets)
    levels, uprights = _moved(levels, box.y0, box.x0), _moved(uprights, box.x0, box.y0)
    return Flattened(_remap(picture, mesh), mesh, levels, uprights)


def fit(rulings: tuple[Ruling, ...], centre: tuple[float, float], half: tuple[float, float], shortest: float) -> Field:
    """Fit a displacement field to rules, robustly (iteratively reweighted, Huber's weights)."""
    pieces = []
    for ruling in rulings:
        inside = (ruling.x >= ruling.start - 1) & (ruling.x <= ruling.end + 1)
        if ruling.length >= shortest and np.count_nonzero(inside) >= 3:
            pieces.append((ruling.x[inside], ruling.y[inside]))
    if not pieces:
        return Field(np.zeros((ALONG, ACROSS + 1)), centre, half)
    x, y = (np.concatenate(each) for each in zip(*pieces, strict=True))
    sizes = np.array([len(each) for each, _ in pieces])
    height = _means(y, sizes)
    terms = _terms((x - centre[0]) / half[0], (height - centre[1]) / half[1])
    matrix, goal = terms - _means(terms, sizes), y - height
    orders = np.add.outer(np.arange(ALONG), np.arange(ACROSS + 1) * 1.5).ravel()
    ridge = np.diag(1e-5 * len(goal) * (1.0 + 20.0 * orders**2))
    weights = np.ones(len(goal))
    for _ in range(4):
        weighted = matrix * weights[:, None]
        solution = np.linalg.solve(weighted.T @ matrix + ridge, weighted.T @ goal)
        residual = np.abs(goal - matrix @ solution)
        scale = max(0.5, 1.5 * float(np.median(residual)))
        weights = np.minimum(1.0, scale / np.maximum(residual, 1e-9))
    return Field(np.asarray(solution).reshape(ALONG, ACROSS + 1), centre, half)


def _terms(u: Array, v: Array) -> Array:
    """Powers u^p v^q for p from 1 and q from 0, shape (n, ALONG * (ACROSS + 1)); beyond the edges u and v are held."""
    u, v = np.clip(u, -1.2, 1.2), np.clip(v, -1.2, 1.2)
    # Products of products: NumPy takes fifty times as long for a power.
    along = np.multiply.accumulate([u] * ALONG)
    across = np.multiply.accumulate([np.ones_like(v), *[v] * ACROSS])
    return np.stack([up * vp for up in along for vp in across], axis=-1)


def _straightened(rulings: tuple[Ruling, ...], field: Field, other: Field) -> Array:
    """Rules as rows (position, start, end, length of ink); ``other`` is the field of the rules that cross them."""
    if not rulings:
        return np.empty((0, 4))
    knots = [_inked(ruling) for ruling in rulings]
    x, y = (np.concatenate([each[axis] for each in knots]) for axis in (0, 1))
    sizes = np.array([len(each) for each, _ in knots])
    level = np.array([each.mean() for _, each in knots])
    for _ in range(2):
        level = _medians(y - field.at(x, np.repeat(level, sizes)), sizes)
    printed = np.array([(ruling.start, ruling.end) for ruling in rulings])
    ends, beside = printed, np.array([ruling.at(both) for ruling, both in zip(rulings, printed, strict=True)])
    for _ in range(2):
        ends = printed - other.at(beside.ravel(), ends.ravel()).reshape(-1, 2)
    return np.column_stack([level, ends, [ruling.length for ruling in rulings]])


def _inked(ruling: Ruling) -> tuple[Array, Array]:
    """The knots of a rule, x and y, between its ends; all where none are."""
    inside = (ruling.x >= ruling.start - 1) & (ruling.x <= ruling.end + 1)
    return (ruling.x[inside], ruling.y[inside]) if inside.any() else (ruling.x, ruling.y)


def _medians(values: Array, sizes: NDArray[np.intp]) -> Array:
    """The median of each of several parts, at least one value each, that lie one after another."""
    ordered = values[np.lexsort((values, np.repeat(np.arange(len(sizes)), sizes)))]
    first = np.cumsum(sizes) - sizes
    return np.asarray((ordered[first + (sizes - 1) // 2] + ordered[first + sizes // 2]) / 2)


def _means(values: Array, sizes: NDArray[np.intp]) -> Array:
    """The mean of each of several parts that lie one after another along the first axis, for each of its values."""
    sums = np.add.reduceat(values, np.cumsum(sizes) - sizes, axis=0)
    return np.repeat((sums.T / sizes).T, sizes, axis=0)


def _moved(rules: Array, position: float, along: float) -> Array:
    moved: Array = rules - np.array([position, along, along, 0.0])
    return moved


def _targets(xs: Array, ys: Array, level_field: Field, upright_field: Field) -> Array:
    straight_x, straight_y = (part.ravel() for part in np.meshgrid(xs, ys))
    x, y = straight_x, straight_y
    for _ in range(3):
        x = straight_x + upright_field.at(y, straight_x)
        y = straight_y + level_field.at(x, straight_y)
    return np.stack([x, y], axis=-1).reshape(len(ys), len(xs), 2)


def _knots(low: float, high: float) -> Array:
    return np.linspace(low, high, max(2, round((high - low) / KNOTS) + 1))


def _with_margin(box: BoundingBox, margin: float, shape: tuple[int, ...]) -> BoundingBox:
    """The box grown by a margin; it may stick out of the picture a little where the table reaches its edge."""
    x0, y0 = np.floor(box.x0 - margin), np.floor(box.y0 - margin)
    width, height = np.ceil(box.x1 + margin - x0), np.ceil(box.y1 + margin - y0)
    x0, y0 = max(x0, -margin), max(y0, -margin)
    x1, y1 = min(x0 + width, shape[1] + margin), min(y0 + height, shape[0] + margin)
    return BoundingBox(float(x0), float(y0), float(x1), float(y1))


def _remap(picture: Pixels, mesh: Mesh) -> Pixels:
    """Resample through a mesh; its knots are spread over the pixels bilinearly, as the mesh itself does."""
    width, height = int(mesh.xs[-1]), int(mesh.ys[-1])
    across, down = _hats(mesh.xs, width), _hats(mesh.ys, height)
    targets = mesh.targets.astype(np.float32) - 0.5
    map_x, map_y = (down @ targets[..., axis] @ across.T for axis in (0, 1))
    return cv2.remap(picture, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=250)  # type: ignore[return-value]


def _hats(knots: Array, count: int) -> NDArray[np.float32]:
    """Bilinear weights of equidistant knots at pixel centres, shape (count, knots)."""
    position = (np.arange(count) + 0.5 - knots[0]) / (knots[1] - knots[0])
    hats = np.maximum(0.0, 1.0 - np.abs(position[:, None] - np.arange(len(knots))))
    return hats.astype(np.float32)  # type: ignore[no-any-return]
