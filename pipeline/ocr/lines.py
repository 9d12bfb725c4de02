"""Lines of text in the picture of a cell: where they are, and how to cut them out.

A recogniser forgives a speck or the rest of a rule beside a line, never a character that was cut away. So
nothing is sorted out by its size or shape here, as the numeral reader does with pieces of ink: what is
darker than the paper counts, and lines are told apart by the rows and columns that it stands in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Pixels
from pipeline.geometry import transposed

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

_SMOOTHING = 0.9  # standard deviation in pixels, about a third of a stroke at 200 dpi
_SHRINK = 4  # the paper is measured on means of this many pixels squared
# Ink is darker than the paper by this many times the noise, by this share of the ink's own contrast, by these levels.
_NOISES, _SHARE, _LEVELS = 3.2, 0.3, 9.0
# A line holds at least one pixel of this many times the noise, and so many pixels of ink.
_SURE_NOISES, _FEWEST = 5.5, 10
_STIFF = np.diag([1e-6, 3.0, 3.0])  # keeps the paper's plane flat where there is hardly any paper to fit
_STEEPEST = 0.027  # slope of lines that flattening left in a cell
_SLOPES = np.array(sorted(np.linspace(-_STEEPEST, _STEEPEST, 13), key=abs))
# Lines are made level where they climb by so many pixels, and that makes them sharper by this factor.
_SHIFT, _SHARPER = 2.0, 1.01
_ENOUGH = 4000  # pixels of ink to know the slope by
_SMALLEST = 9.0  # pixels; no character is lower, what is lower is a stroke of one


@dataclass(frozen=True, slots=True, eq=False)
class _Print:
    """What is printed in a cell.

    Attributes:
        pixels: the cell, its lines level, rests of rules painted over; uint8 (h, w).
        mask: ink, shape (h, w).
        sure: ink beyond doubt, shape (h, w).
        paper: grey level of the paper.
    """

    pixels: Pixels
    mask: Mask
    sure: Mask
    paper: float


def split_lines(crop: Pixels, padding: int = 4) -> list[Pixels]:
    """Cut a cell picture into its lines of text, top to bottom, each tight; no ink, no lines.

    A vertical label, a column of single characters, comes apart into its characters. Slopes up to about
    1.5° are levelled; strokes that stand apart vertically within one character (as in 二) stay together
    because they are lower than the characters of the cell.

    Args:
        crop: grey, dark on light, shape (h, w), inside the cell's rules or with rests of them.
        padding: pixels of paper around each line.
    """
    if min(crop.shape) < 4:
        return []
    found = _find_print(crop)
    if not found.sure.any():
        return []
    size = _character_size(found.mask)
    lines = []
    profile = _counts(found.mask, 1)
    for top, bottom in _bands(profile, size):
        if profile[top:bottom].sum() < _FEWEST or not found.sure[top:bottom].any():
            continue
        left, right = _extent(_counts(found.mask[top:bottom], 0), max(size, float(bottom - top)))
        if max(right - left, bottom - top) >= 5:
            lines.append(_cut(found, (left, top, right, bottom), padding))
    return lines


def _counts(mask: Mask, axis: int) -> NDArray[np.int32]:
    """Pixels of ink in each column (axis 0) or row (axis 1)."""
    return np.asarray(cv2.reduce(mask.view(np.uint8), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()


def _find_print(crop: Pixels) -> _Print:
    smooth: Floats = cv2.GaussianBlur(crop.astype(np.float32), (0, 0), _SMOOTHING)  # type: ignore[assignment]
    paper = _paper(crop)
    dark: Floats = paper - smooth
    # The light side of the paper is free of ink; on paper clipped to white there is no noise to be seen at all.
    noise = max(1.3, _percentile(-dark[::2, ::2], 92) / 1.4)
    ink = dark[dark > max(4.0 * noise, _LEVELS)].astype(np.float64)
    contrast = float((ink**2).sum() / ink.sum()) if ink.size else 0.0
    mask: Mask = dark > max(_NOISES * noise, _SHARE * contrast, _LEVELS)
    rules = _rules(mask)
    pixels = crop
    if rules is not None:
        mask &= ~rules
        pixels = np.where(rules, np.clip(paper, 0, 255), crop).astype(np.uint8)
    sure: Mask = mask & (dark > max(_SURE_NOISES * noise, 1.4 * _LEVELS))
    level = float(np.mean(paper))
    slope = _slope(mask)
    if slope != 0.0:
        pixels = _sheared(pixels, slope, level, cv2.INTER_LINEAR)
        mask, sure = (_sheared(m.astype(np.uint8), slope, 0.0, cv2.INTER_NEAREST) > 0 for m in (mask, sure))
    return _Print(pixels, mask, sure, level)


def _paper(crop: Pixels) -> Floats:
    """Grey level of the paper at each pixel: a plane through the lighter pixels, shape (h, w)."""
    height, width = crop.shape
    small = cv2.resize(
        crop, (max(2, width // _SHRINK), max(2, height // _SHRINK)), interpolation=cv2.INTER_AREA
    ).astype(np.float64)
    terms, values = _terms(small.shape), small.ravel()
    ordered = np.sort(values)
    # Where text stands close, hardly any mean is free of ink: the lightest fifth is.
    plane = np.array([_at_percent(ordered, 85), 0.0, 0.0])
    spread = max(_at_percent(ordered, 95) - plane[0], 2.0)
    for _ in range(3):
        rest = values - terms @ plane
        keep = np.flatnonzero(np.abs(rest) <= 2.5 * spread)
        chosen = terms.take(keep, axis=0)
        # OpenCV solves three equations in a tenth of the time that NumPy takes.
        plane = plane + cv2.solve(chosen.T @ chosen + _STIFF, chosen.T @ rest[keep], flags=cv2.DECOMP_CHOLESKY)[1][:, 0]
        off = values[keep] - chosen @ plane
        spread = max(math.sqrt(float(off @ off) / keep.size) if keep.size else 2.0, 2.0)
    rows = (plane[0] + plane[2] * _along(height)).astype(np.float32)
    columns = (plane[1] * _along(width)).astype(np.float32)
    return np.add.outer(rows, columns)  # type: ignore[no-any-return]


@lru_cache(maxsize=128)
def _terms(shape: tuple[int, int]) -> NDArray[np.float64]:
    """One, and the place across and down from −0.5 to 0.5, of each pixel, shape (pixels, 3)."""
    across, down = _along(shape[1]), _along(shape[0])
    return np.column_stack([np.ones(len(down) * len(across)), np.tile(across, len(down)), np.repeat(down, len(across))])


@lru_cache(maxsize=1024)
def _along(pixels: int) -> NDArray[np.float64]:
    """Places along a side from −0.5 to 0.5."""
    return np.linspace(-0.5, 0.5, pixels)


def _percentile(values: NDArray[np.floating | np.integer], percent: float) -> float:
    """As ``np.percentile``, which takes four times as long for the few values of a cell."""
    return _at_percent(np.sort(values, axis=None), percent)


def _at_percent(ordered: NDArray[np.floating | np.integer], percent: float) -> float:
    """The percentile of ascending values."""
    place = percent / 100.0 * (ordered.size - 1)
    low, high = math.floor(place), math.ceil(place)
    return float(ordered[low]) + (float(ordered[high]) - float(ordered[low])) * (place - low)


def _rules(mask: Mask) -> Mask | None:
    """Rests of the cell's rules: straight runs along a border, of its length or beginning in a corner.

    A character for one or a figure 1 that stands close to a border is as straight, but shorter and ends before
    the corner.
    """
    height, width = mask.shape
    if height < 8 or width < 8:
        return None
    found = np.zeros_like(mask)
    band_y, band_x = max(3, min(int(height * 0.16), 9)), max(3, min(int(width * 0.08), 7))
    for turned, place, band in ((mask, found, band_y), (mask.T, found.T, band_x)):
        length = turned.shape[1]
        for rows in (slice(0, band), slice(turned.shape[0] - band, turned.shape[0])):
            strip = turned[rows]
            if np.count_nonzero(strip) < 0.4 * length:
                continue
            run = max(9, int(0.4 * length))
            opened = (
                cv2.morphologyEx(
                    np.ascontiguousarray(strip).astype(np.uint8),
                    cv2.MORPH_OPEN,
                    np.ones((1, run), np.uint8),
                    borderType=cv2.BORDER_CONSTANT,
                    borderValue=0,
                )
                > 0
            )
            lengths = np.count_nonzero(opened, axis=1)
            corner = opened[:, :3].any(axis=1) | opened[:, -3:].any(axis=1)
            opened[~(corner | (lengths >= 0.8 * length))] = False
            place[rows] |= opened
    if not found.any():
        return None
    # The blurred flanks of a rule belong to it.
    return np.asarray(cv2.dilate(found.astype(np.uint8), np.ones((3, 3), np.uint8))) > 0


def _slope(mask: Mask) -> float:
    """Slope of the lines (dy/dx) that makes the row projection sharpest; 0 where that shifts them hardly at all."""
    width = mask.shape[1]
    steep = _SLOPES[np.abs(_SLOPES) * width >= _SHIFT]
    ink = np.count_nonzero(mask)
    if not steep.size or not ink:
        return 0.0
    if ink >= 2 * _ENOUGH:
        places = np.flatnonzero(mask)[:: ink // _ENOUGH]
        mask = np.zeros_like(mask)
        mask.ravel()[places] = True
    level, *others = _sharpness(mask, np.concatenate([_SLOPES[:1], steep]))
    # A slope has to be sharper than all before it, of which this is the first.
    if max(others) <= level * _SHARPER:
        return 0.0
    between = _sharpness(mask, _SLOPES[1 : -len(steep)])
    best, best_score = 0.0, -1.0
    for slope, score in zip(_SLOPES.tolist(), (level, *between, *others), strict=True):
        if score > best_score * _SHARPER:
            best, best_score = slope, score
    return best if abs(best) * width >= _SHIFT else 0.0


def _sharpness(mask: Mask, slopes: NDArray[np.float64]) -> list[float]:
    """How sharp the row projection of ink is when lines of each slope are made level: the sum of its squares."""
    height, width = mask.shape
    columns = _counts(mask, 0)
    middle = int(columns @ np.arange(width)) / int(columns.sum())
    moved = np.round(_STEEPEST * width - slopes[:, None] * (np.arange(width) - middle)).astype(np.intp)
    # Columns beside each other that move alike are counted at once, the rows of all slopes one below the other.
    begins = np.ones(moved.shape, dtype=np.bool_)
    np.not_equal(moved[:, 1:], moved[:, :-1], out=begins[:, 1:])
    slope, first = np.nonzero(begins)
    last = np.append(first, 0)[1:]
    last[last == 0] = width
    upto = np.asarray(cv2.integral(transposed(mask.view(np.uint8))))
    ink = np.diff(upto[last] - upto[first])
    high = height + int(moved.max(initial=0)) + 1
    rows = (high * slope + moved[slope, first])[:, None] + np.arange(height)
    counts = np.bincount(rows.ravel(), ink.ravel(), high * len(slopes)).reshape(len(slopes), high)
    scores: list[float] = (counts * counts).sum(axis=1).tolist()
    return scores


def _sheared(picture: Pixels, slope: float, paper: float, way: int) -> Pixels:
    """Move columns up or down so that lines of that slope are level; shape unchanged but for the height it takes."""
    height, width = picture.shape
    drift = math.ceil(abs(slope) * width / 2)
    matrix = np.array([[1.0, 0.0, 0.0], [-slope, 1.0, slope * (width - 1) / 2 + drift]])
    moved = cv2.warpAffine(
        picture, matrix, (width, height + 2 * drift), flags=way, borderMode=cv2.BORDER_CONSTANT, borderValue=paper
    )
    return np.asarray(moved, dtype=np.uint8)


def _character_size(mask: Mask) -> float:
    """Typical size of a character in pixels, from the connected pieces; characters may touch along the line."""
    # So many numbers are enough for the patches of a small picture, and take half as long.
    numbers = cv2.CV_16U if mask.size < 1 << 18 else cv2.CV_32S
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8, ltype=numbers)
    stats = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= 6]
    if len(stats) == 0:
        return 1.0
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    tall, long = _percentile(heights, 95), _percentile(np.maximum(widths, heights), 85)
    # The tall pieces are whole characters; where all are flat (as in 二) their width is the character's.
    return min(long, 1.15 * tall) if tall >= _SMALLEST else long


def _bands(profile: NDArray[np.int32], size: float) -> list[tuple[int, int]]:
    """Rows of text in a row projection: runs of ink, low ones joined to their nearest, tall ones split."""
    limit = max(0.0, 0.02 * float(profile.max()))
    inked = np.flatnonzero(profile > limit)
    if inked.size == 0:
        return []
    breaks = np.flatnonzero(np.diff(inked) > 1)
    starts = np.concatenate([[inked[0]], inked[breaks + 1]])
    ends = np.concatenate([inked[breaks], [inked[-1]]]) + 1
    bands = [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]
    bands = [part for band in bands for part in _split_tall(profile, band, size)]
    tallest = max(max(b - a for a, b in bands), size)
    while len(bands) > 1:
        # The pair that makes the lowest line when joined; stop when that would be more than one character.
        joined = [
            (b[1] - a[0], index)
            for index, (a, b) in enumerate(pairwise(bands))
            if min(a[1] - a[0], b[1] - b[0]) < 0.62 * tallest
        ]
        if not joined or min(joined)[0] > 1.12 * tallest:
            break
        index = min(joined)[1]
        bands[index : index + 2] = [(bands[index][0], bands[index + 1][1])]
    return bands


def _split_tall(profile: NDArray[np.int32], band: tuple[int, int], size: float) -> list[tuple[int, int]]:
    """Split a run that is as tall as several lines at its thinnest rows."""
    top, bottom = band
    lines = round((bottom - top) / (1.25 * size))
    if lines < 2 or bottom - top < 1.8 * size:
        return [band]
    low, high = top + int(0.6 * size), bottom - int(0.6 * size)
    inner = profile[low:high]
    if inner.size == 0:
        return [band]
    cut = low + int(np.argmin(inner))
    if profile[cut] > 0.35 * float(np.median(profile[top:bottom])):
        return [band]
    return [*_split_tall(profile, (top, cut), size), *_split_tall(profile, (cut + 1, bottom), size)]


def _extent(columns: NDArray[np.int32], size: float) -> tuple[int, int]:
    """First and last column of a line; specks at its ends, further off than a character is wide, are left out."""
    inked = np.flatnonzero(columns)
    breaks = np.flatnonzero(np.diff(inked) > 1.2 * size)
    starts = [int(inked[0]), *(int(inked[b + 1]) for b in breaks)]
    ends = [*(int(inked[b]) + 1 for b in breaks), int(inked[-1]) + 1]
    runs = list(zip(starts, ends, strict=True))
    speck = max(4.0, 0.02 * size * size)
    while len(runs) > 1 and columns[runs[0][0] : runs[0][1]].sum() < speck:
        runs.pop(0)
    while len(runs) > 1 and columns[runs[-1][0] : runs[-1][1]].sum() < speck:
        runs.pop()
    return runs[0][0], runs[-1][1]


def _cut(found: _Print, box: tuple[int, int, int, int], padding: int) -> Pixels:
    """Cut a line out; its neighbours are painted over, paper is added where the cell ends before the padding."""
    x0, y0, x1, y1 = box
    height, width = found.mask.shape
    left, top = max(x0 - padding, 0), max(y0 - padding, 0)
    right, bottom = min(x1 + padding, width), min(y1 + padding, height)
    piece = found.pixels[top:bottom, left:right]
    others = found.mask[top:bottom, left:right].copy()
    others[y0 - top : y1 - top] = False
    if others.any():
        near = np.asarray(cv2.dilate(others.astype(np.uint8), np.ones((3, 3), np.uint8))) > 0
        near[y0 - top : y1 - top] = False
        piece = np.where(near, np.uint8(np.clip(found.paper, 0, 255)), piece)
    result = cv2.copyMakeBorder(
        piece,
        padding - (y0 - top),
        padding - (bottom - y1),
        padding - (x0 - left),
        padding - (right - x1),
        cv2.BORDER_CONSTANT,
        value=found.paper,
    )
    return np.asarray(result, dtype=np.uint8)
