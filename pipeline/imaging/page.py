"""One page through all steps of cleaning."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import patches
from pipeline.domain import CleanPage, PageImage, Pixels, TextLine, Transform
from pipeline.geometry import Identity, affine, chain, corners, quarter_turns, scaling
from pipeline.imaging.colour import grey
from pipeline.imaging.light import even
from pipeline.imaging.skew import skew
from pipeline.imaging.streaks import without_streaks

TARGET_DPI = 200.0
TITLES_DPI = 130.0
"""Resolution at which titles, which are set large, can still be read."""
LOWEST_DPI = 140.0
"""Resolution below which a page is enlarged, because rules and digits need a few pixels to be told apart."""
SHORT_SIDE_INCHES = 8.27
"""Short side of an A4 sheet, the paper of reports (ISO 216)."""
USUAL_TEXT_POINTS = 10.5
"""Size of the usual character in points (五号), used where the page shows no text to measure."""
SMALL_SKEW = 0.12
"""Smaller angles, in degrees, are left to the flattening of each table."""


def clean(page: PageImage, ruled: bool = True) -> CleanPage:
    """Prepare a page for reading: grey, at most about 200 dpi, evenly lit, coloured ink lightened, level.

    Args:
        page: as decoded.
        ruled: whether it may have rules, which show how it lies.
    """
    dpi = resolution(page)
    factor = TARGET_DPI / dpi if dpi > TARGET_DPI * 1.1 else _enlargement(dpi)
    picture, shrunk = _resize(page.pixels, factor)
    return _levelled(page.number, without_streaks(grey(picture)), shrunk, dpi * factor, ruled)


def clean_glance(page: PageImage, glance: Pixels) -> CleanPage:
    """The glance at a page without rules, evenly lit and level: enough to see where its lines of text are."""
    height, width = page.pixels.shape[:2]
    shrunk = scaling(width / glance.shape[1], height / glance.shape[0])
    return _levelled(page.number, glance, shrunk, resolution(page) * glance.shape[1] / width, ruled=False)


def close_up(page: PageImage, glance: CleanPage, line: TextLine) -> Pixels:
    """A line that was seen at a glance, cut from the page itself: level, evenly lit, legible.

    Args:
        page: as decoded.
        glance: the cleaned glance at it.
        line: its box is where it lies on ``page``, its picture as large as it is on ``glance``.
    """
    dpi = resolution(page)
    factor = TITLES_DPI / dpi if dpi > TITLES_DPI * 1.1 else _enlargement(dpi)
    x0, y0 = max(0, int(line.box.x0)), max(0, int(line.box.y0))
    around = page.pixels[y0 : int(np.ceil(line.box.y1)), x0 : int(np.ceil(line.box.x1))]
    picture, shrunk = _resize(grey(around), factor)
    height, width = line.pixels.shape
    # The middle of the box is that of the line, however askew it lies.
    middle = glance.to_page.from_parent(corners(line.box)).mean(axis=0)
    size = [width, height] * np.array(dpi * factor / glance.dpi)
    own = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    there = shrunk.from_parent(glance.to_page.to_parent(middle + (own - 0.5) * [width, height]) - [x0, y0])
    to_parent = cv2.getAffineTransform((own * size).astype(np.float32), there.astype(np.float32)).astype(np.float64)
    return _warp(even(picture), to_parent, (round(size[0]), round(size[1])))


def turn(page: CleanPage, quarters: int) -> CleanPage:
    """The same page turned counter-clockwise by quarters."""
    if quarters % 4 == 0:
        return page
    height, width = page.pixels.shape
    return CleanPage(
        number=page.number,
        pixels=np.ascontiguousarray(np.rot90(page.pixels, quarters)),
        to_page=chain(quarter_turns(quarters, width, height), page.to_page),
        dpi=page.dpi,
        text_height=page.text_height,
    )


def resolution(page: PageImage) -> float:
    """Dots per inch: as the file states where that fits a sheet of paper, else as if the short side were A4's."""
    estimate = min(page.pixels.shape[:2]) / SHORT_SIDE_INCHES
    if page.dpi is not None and 0.66 <= page.dpi / estimate <= 1.5:
        return page.dpi
    return float(estimate)


def text_height(picture: Pixels, dpi: float) -> float:
    """Height of the usual character in pixels.

    The median of components of about the size of characters, by area, because characters fall apart into smaller ones.
    """
    expected = USUAL_TEXT_POINTS / 72.0 * dpi
    # A glance is small as it is.
    reduction = 2.0 if dpi >= TITLES_DPI else 1.0
    small = cv2.resize(picture, None, fx=1 / reduction, fy=1 / reduction, interpolation=cv2.INTER_AREA)
    # Strokes of one character are parted by thin gaps: a touch of closing joins them.
    ink = cv2.morphologyEx((small < 170).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, stats = patches.label(ink)
    width = reduction * stats[1:, cv2.CC_STAT_WIDTH]
    height = reduction * stats[1:, cv2.CC_STAT_HEIGHT]
    likely = (height > 0.5 * expected) & (height < 2.0 * expected) & (width > 0.6 * height) & (width < 1.5 * height)
    if likely.sum() < 20:
        return expected
    height, area = height[likely], (width * height)[likely]
    order = np.argsort(height)
    total = np.cumsum(area[order])
    return float(height[order][int(np.searchsorted(total, total[-1] / 2))])


def _levelled(number: int, picture: Pixels, shrunk: Transform, dpi: float, ruled: bool) -> CleanPage:
    """A grey picture of a page, evenly lit and turned until its lines are level."""
    picture = even(picture)
    small = cv2.resize(picture, None, fx=75.0 / dpi, fy=75.0 / dpi, interpolation=cv2.INTER_AREA)
    picture, turned = _rotate(picture, skew(small, ruled))  # type: ignore[arg-type]
    return CleanPage(number, picture, chain(turned, shrunk), dpi, text_height(picture, dpi))


def _enlargement(dpi: float) -> float:
    """By how much a picture is enlarged: not at all where its resolution will do."""
    return max(1.0, min(2.0, 150.0 / dpi)) if dpi < LOWEST_DPI else 1.0


def _resize(picture: Pixels, factor: float) -> tuple[Pixels, Transform]:
    if factor == 1.0:
        return picture, Identity()
    height, width = picture.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    method = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_CUBIC
    return cv2.resize(picture, size, interpolation=method), scaling(width / size[0], height / size[1])  # type: ignore[return-value]


def _rotate(picture: Pixels, angle: float) -> tuple[Pixels, Transform]:
    """Turn a picture back by ``angle`` degrees, enlarging it so that nothing is cut off."""
    if abs(angle) < SMALL_SKEW:
        return picture, Identity()
    height, width = picture.shape
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    new_width = round(width * cos + height * abs(sin))
    new_height = round(height * cos + width * abs(sin))
    to_parent = np.array(
        [
            [cos, -sin, width / 2 - cos * new_width / 2 + sin * new_height / 2],
            [sin, cos, height / 2 - sin * new_width / 2 - cos * new_height / 2],
        ]
    )
    return _warp(picture, to_parent, (new_width, new_height)), affine(to_parent)


def _warp(picture: Pixels, to_parent: NDArray[np.float64], size: tuple[int, int]) -> Pixels:
    """A part of a picture, (width, height); the matrix (2, 3) takes its points to the picture's."""
    # OpenCV puts pixel centres at whole numbers, the geometry here at halves.
    shifted = to_parent.copy()
    shifted[:, 2] += to_parent[:, :2] @ [0.5, 0.5] - 0.5
    return cv2.warpAffine(  # type: ignore[return-value]
        picture,
        shifted,
        size,
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=250,
    )
