"""Maps between pictures: every step from a page to a flattened table is invertible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import BoundingBox, Pixels, Points, Transform


@dataclass(frozen=True, slots=True)
class Identity:
    """The map that changes nothing."""

    def to_parent(self, points: Points) -> Points:
        return np.asarray(points, dtype=np.float64)

    def from_parent(self, points: Points) -> Points:
        return np.asarray(points, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The map of a picture that is not kept: asking it is a fault of the program.

    Raises:
        LookupError: on every use.
    """

    def to_parent(self, points: Points) -> Points:
        raise LookupError("the map of a picture that is not kept")

    from_parent = to_parent


@dataclass(frozen=True, slots=True, eq=False)
class Homography:
    """A projective map; ``matrix`` (3, 3) takes points of this picture to the parent's."""

    matrix: NDArray[np.float64]

    def to_parent(self, points: Points) -> Points:
        return _project(self.matrix, points)

    def from_parent(self, points: Points) -> Points:
        return _project(np.asarray(np.linalg.inv(self.matrix), dtype=np.float64), points)


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A smooth deformation given at knots: straight grid squares of this picture, bent ones of the parent.

    Attributes:
        xs: x of the knot columns in this picture, shape (m,), strictly increasing.
        ys: y of the knot rows in this picture, shape (n,), strictly increasing.
        targets: the knots in the parent picture, shape (n, m, 2).

    Between knots the map is bilinear; outside, the outermost square is extended.
    """

    xs: NDArray[np.float64]
    ys: NDArray[np.float64]
    targets: NDArray[np.float64]

    def to_parent(self, points: Points) -> Points:
        points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        i, u = _locate(self.xs, points[:, 0])
        j, v = _locate(self.ys, points[:, 1])
        t = self.targets
        u, v = u[:, None], v[:, None]
        upper = t[j, i] * (1 - u) + t[j, i + 1] * u
        lower = t[j + 1, i] * (1 - u) + t[j + 1, i + 1] * u
        result: Points = upper * (1 - v) + lower * v
        return result

    def from_parent(self, points: Points) -> Points:
        """Invert by fixed-point iteration with a Newton step (numerical Jacobian); exact to 0.01 pixel."""
        goal = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        guess = _project(self._affine_inverse(), goal)
        step = 0.5
        for _ in range(25):
            here = self.to_parent(guess)
            error = goal - here
            if not error.size or np.abs(error).max() < 1e-6:
                break
            dx = (self.to_parent(guess + [step, 0.0]) - self.to_parent(guess - [step, 0.0])) / (2 * step)
            dy = (self.to_parent(guess + [0.0, step]) - self.to_parent(guess - [0.0, step])) / (2 * step)
            determinant = dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0]
            determinant = np.where(np.abs(determinant) < 1e-9, 1e-9, determinant)
            move_x = (error[:, 0] * dy[:, 1] - error[:, 1] * dy[:, 0]) / determinant
            move_y = (error[:, 1] * dx[:, 0] - error[:, 0] * dx[:, 1]) / determinant
            guess = guess + np.stack([move_x, move_y], axis=1)
        return guess

    def _affine_inverse(self) -> NDArray[np.float64]:
        gx, gy = np.meshgrid(self.xs, self.ys)
        source = np.stack([self.targets[..., 0].ravel(), self.targets[..., 1].ravel(), np.ones(gx.size)], axis=1)
        target = np.stack([gx.ravel(), gy.ravel()], axis=1)
        solution, *_ = np.linalg.lstsq(source, target, rcond=None)
        return np.vstack([solution.T, [0.0, 0.0, 1.0]])


@dataclass(frozen=True, slots=True)
class Chain:
    """Several maps one after another; the first belongs to the picture at hand, the last leads to the page."""

    steps: tuple[Transform, ...]

    def to_parent(self, points: Points) -> Points:
        for step in self.steps:
            points = step.to_parent(points)
        return points

    def from_parent(self, points: Points) -> Points:
        for step in reversed(self.steps):
            points = step.from_parent(points)
        return points


def affine(matrix: Sequence[Sequence[float]] | NDArray[np.float64]) -> Homography:
    """A map from the 2×3 matrix that takes points of this picture to the parent's."""
    return Homography(np.vstack([np.asarray(matrix, dtype=np.float64), [0.0, 0.0, 1.0]]))


def translation(dx: float, dy: float) -> Homography:
    """This picture is a cut-out whose origin lies at (dx, dy) of the parent."""
    return affine([[1.0, 0.0, dx], [0.0, 1.0, dy]])


def scaling(x: float, y: float) -> Homography:
    """One pixel of this picture is (x, y) pixels of the parent, pixel centres lying at half-integers."""
    return affine([[x, 0.0, 0.0], [0.0, y, 0.0]])


def quarter_turns(turns: int, width: int, height: int) -> Homography:
    """This picture is the parent (width × height) turned counter-clockwise by ``turns`` quarters (as np.rot90)."""
    matrices = {
        0: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        1: [[0.0, -1.0, width], [1.0, 0.0, 0.0]],
        2: [[-1.0, 0.0, width], [0.0, -1.0, height]],
        3: [[0.0, 1.0, 0.0], [-1.0, 0.0, height]],
    }
    return affine(matrices[turns % 4])


def chain(*steps: Transform) -> Transform:
    """Compose maps, leaving out those that change nothing."""
    kept = tuple(step for step in steps if not isinstance(step, Identity))
    return kept[0] if len(kept) == 1 else Chain(kept) if kept else Identity()


def corners(box: BoundingBox) -> Points:
    """The four corners of a box, clockwise from the top left, shape (4, 2)."""
    return np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]], dtype=np.float64)


def bounding(points: Points) -> BoundingBox:
    """The smallest box that holds all points, shape (n, 2)."""
    low, high = np.min(points, axis=0), np.max(points, axis=0)
    return BoundingBox(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def box_to_parent(transform: Transform, box: BoundingBox) -> BoundingBox:
    """The smallest box of the parent picture that holds the image of ``box``."""
    return bounding(transform.to_parent(corners(box)))


def boxes_to_parent(transform: Transform, boxes: Sequence[BoundingBox]) -> list[BoundingBox]:
    """As `box_to_parent` for many boxes, in the time of one."""
    if not boxes:
        return []
    images = transform.to_parent(np.concatenate([corners(box) for box in boxes])).reshape(-1, 4, 2)
    return [bounding(image) for image in images]


def transposed(picture: Pixels) -> Pixels:
    """Rows made columns, laid out in memory as any picture; NumPy takes four times as long."""
    return cv2.transpose(picture)  # type: ignore[return-value]


def _project(matrix: NDArray[np.float64], points: Points) -> Points:
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    mapped = np.hstack([points, np.ones((len(points), 1))]) @ matrix.T
    result: Points = mapped[:, :2] / mapped[:, 2:]
    return result


def _locate(knots: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    index = np.clip(np.searchsorted(knots, values, side="right") - 1, 0, len(knots) - 2)
    return index, (values - knots[index]) / (knots[index + 1] - knots[index])


def slope(points: Points, weights: NDArray[np.float64], steepest: float) -> tuple[float, float]:
    """Direction along which points gather most sharply in lines (Postl, 1986).

    Args:
        points: shape (n, 2), in whole pixels; the ink of a page.
        weights: how much ink each point stands for, shape (n,).
        steepest: largest slope that is looked for, in degrees.

    Returns:
        Slope in degrees, positive where lines fall to the right, and how sharp they are, relative to what is usual for
        other slopes.
    """
    if not len(points):
        return 0.0, 1.0
    x, y = points.astype(np.intp).T
    rows, column = y - y.min(), x - x.min()
    columns = np.arange(x.min(), x.max() + 1) - points[:, 0].mean()

    def sharpness(angle: float) -> float:
        # Points lie at whole pixels: all of a column are shifted by as many rows.
        shift = np.ceil(columns * np.tan(np.radians(angle))).astype(np.intp)
        counts = np.bincount(rows - (shift - shift.max())[column], weights)
        # Where lines end matters more than how much ink they hold: pictures are dark throughout. The one edge of a
        # sheet that lies along the slope must not count for more than all lines of text: hence less than squared.
        steps = np.abs(np.diff(counts[np.flatnonzero(counts)[0] :]))
        return float((steps * np.sqrt(steps)).sum())

    coarse = np.linspace(-steepest, steepest, 2 * round(steepest / 0.8) + 1)
    found = np.array([sharpness(angle) for angle in coarse])
    middle = coarse[int(found.argmax())]
    around = middle + np.arange(-6, 7) * 0.1
    refined = [sharpness(angle) for angle in around]
    best = int(np.argmax(refined))
    return float(around[best]), refined[best] / max(1.0, float(np.median(found)))
