"""Where the ink is in a small grey picture, and how to cut it out.

All functions take grey pictures, ``uint8`` of shape (h, w), dark ink on light ground, and keep no state.
The paper is modelled as a plane (light falls off slowly over a cell) plus noise; ink is what is darker
than the plane by more than the noise explains. Thresholds are therefore relative to the noise and to the
contrast of the crop itself, never absolute grey levels, save for the few named below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import BoundingBox, Pixels

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

# Grey levels by which real print is darker than its paper, whatever the scanner; less is a doubtful trace.
_FAINTEST_INK = 18.0
# In units of the noise: what certainly is not paper, and what may belong to a stroke that is.
_SURE, _POSSIBLE = 6.0, 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """The ink of a crop.

    Attributes:
        darkness: how much darker than the paper each pixel is, grey levels, shape (h, w).
        mask: pixels that belong to ink; rule remnants and stray specks are left out.
        noise: standard deviation of the paper, grey levels.
        contrast: darkness of the darkest strokes, grey levels.
    """

    darkness: Floats
    mask: Mask
    noise: float
    contrast: float


def find_ink(crop: Pixels) -> Ink:
    """Separate ink from paper; shade, noise, rule remnants at the border and stray specks are left out."""
    height, width = crop.shape
    if height < 3 or width < 3:
        empty = np.zeros(crop.shape, dtype=np.float32)
        return Ink(empty, empty > 0, 0.0, 0.0)
    darkness, noise = _darkness(crop)
    smooth = cv2.GaussianBlur(darkness, (3, 3), 0.0)
    # A 3×3 binomial kernel leaves 3/8 of the deviation of white noise; scanner noise is not white, so half.
    floor = max(noise * 0.5, 1.0)
    contrast = float(np.partition(smooth.ravel(), -min(smooth.size, 6))[-min(smooth.size, 6)])
    sure = smooth > max(_SURE * floor, 0.45 * contrast, _FAINTEST_INK * 0.6)
    possible = smooth > max(_POSSIBLE * floor, 0.3 * contrast, _FAINTEST_INK * 0.4)
    possible = _without_rules(possible)
    mask = _components_with_seeds(possible, sure)
    return Ink(darkness, mask, noise, contrast)


def ink_mask(crop: Pixels) -> Mask:
    """Pixels that belong to ink, shape (h, w)."""
    return find_ink(crop).mask


def ink_box(crop: Pixels) -> BoundingBox | None:
    """The smallest box around the ink, or None when there is none."""
    return _box(find_ink(crop).mask)


def tight(crop: Pixels, padding: int = 8) -> Pixels:
    """Cut the ink out with ``padding`` pixels of paper on every side; a crop without ink comes back as it is.

    Rule remnants and specks outside the ink are painted over with paper, so that no reader sees them.
    """
    return cut_ink(crop, find_ink(crop), padding)


def cut_ink(crop: Pixels, ink: Ink, padding: int = 8) -> Pixels:
    """As ``tight`` for ink that has been found already."""
    box = _box(ink.mask)
    return crop if box is None else _cut(crop, ink, box, padding)


def blank_probability(crop: Pixels) -> float:
    """Probability (0 to 1) that nothing is printed in a crop; noise, shade and rule remnants are nothing.

    The evidence is the strongest piece of ink: how far its mean darkness stands out of the noise and above
    the faintest print, and how many pixels it has. The logistic constants were set on drawn cells: blank
    ones under noise up to 20 grey levels against single dots and dashes of 25 grey levels and more.
    """
    return blank_probability_of(find_ink(crop))


def blank_probability_of(ink: Ink) -> float:
    """As ``blank_probability`` for ink that has been found already."""
    if not ink.mask.any():
        return 0.995
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink.mask.astype(np.uint8), connectivity=8)
    sums = np.bincount(labels.ravel(), weights=np.maximum(ink.darkness, 0.0).ravel(), minlength=count)[1:]
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    best = int(np.argmax(sums))
    mean = float(sums[best] / areas[best])
    standing = min(mean / _FAINTEST_INK, mean / max(3.0 * ink.noise, 1.0))
    evidence = 4.0 * math.log(max(standing, 1e-3)) + 2.0 * math.log(areas[best] / 5.0)
    return float(1.0 / (1.0 + math.exp(min(max(evidence, -5.0), 12.0))))


def is_blank(crop: Pixels) -> bool:
    """Whether nothing is printed in a crop, more likely than not."""
    return blank_probability(crop) > 0.5


def split_lines(crop: Pixels, padding: int = 4) -> list[Pixels]:
    """Cut a cell picture into its lines of text, top to bottom, each tight; no ink, no lines.

    A vertical label, a column of single characters, comes apart into its characters. Skew up to about
    1.5° is taken out of the projection; strokes that stand apart vertically within one character (as in 二)
    stay together because they are lower than the characters of the crop.
    """
    ink = find_ink(crop)
    box = _box(ink.mask)
    if box is None:
        return []
    slope = _slope(ink.mask)
    ys, xs = np.nonzero(ink.mask)
    heights = np.round(ys - slope * (xs - xs.mean())).astype(np.intp)
    heights -= int(heights.min())
    size = _character_size(ink.mask)
    bands = _bands(np.bincount(heights), size)
    lines = []
    for top, bottom in bands:
        chosen = (heights >= top) & (heights < bottom)
        part = np.zeros_like(ink.mask)
        part[ys[chosen], xs[chosen]] = True
        piece = _box(part)
        if piece is not None:
            lines.append(_cut(crop, Ink(ink.darkness, part, ink.noise, ink.contrast), piece, padding))
    return lines


def _darkness(crop: Pixels) -> tuple[Floats, float]:
    """Darkness against a plane fitted to the paper, and the noise of the paper (both in grey levels)."""
    values = crop.astype(np.float32)
    height, width = values.shape
    step = max(1, int(math.sqrt(values.size / 1500)))
    sample = values[::step, ::step]
    ys, xs = np.mgrid[0:height:step, 0:width:step].astype(np.float32)
    basis = np.stack([np.ones(sample.size, np.float32), (xs.ravel() / width), (ys.ravel() / height)], axis=1)
    level = sample.ravel()
    # Paper is the lighter majority: start from the upper part of the histogram.
    centre = float(np.percentile(level, 65))
    spread = max(1.4826 * float(np.median(np.abs(level[level >= centre - 40] - centre))), 3.0)
    keep = np.abs(level - centre) <= 3.5 * spread + 6.0
    plane = np.array([centre, 0.0, 0.0], dtype=np.float32)
    for _ in range(2):
        if keep.sum() < 12:
            break
        chosen = basis[keep]
        plane = np.linalg.solve(chosen.T @ chosen + np.eye(3, dtype=np.float32) * 0.05, chosen.T @ level[keep])
        rest = level - basis @ plane
        spread = max(1.4826 * float(np.median(np.abs(rest[keep]))), 1.5)
        keep = np.abs(rest) <= 3.0 * spread
    paper = plane[0] + plane[1] * (np.arange(width, dtype=np.float32) / width)[None, :]
    paper = paper + plane[2] * (np.arange(height, dtype=np.float32) / height)[:, None]
    return (paper - values).astype(np.float32), spread


def _without_rules(mask: Mask) -> Mask:
    """Take away straight runs that lie along the border: what is left of the cell's rules."""
    height, width = mask.shape
    picture = mask.astype(np.uint8)
    found = np.zeros_like(picture)
    for length, across, shape in (
        (max(9, int(width * 0.3)), height, (1, 0)),
        (max(9, int(height * 0.45)), width, (0, 1)),
    ):
        size = (length, 1) if shape == (1, 0) else (1, length)
        runs = cv2.morphologyEx(picture, cv2.MORPH_OPEN, np.ones(size[::-1], np.uint8), borderType=cv2.BORDER_CONSTANT,
                                borderValue=0)
        band = max(3, min(int(across * 0.16), 9))
        if shape == (1, 0):
            runs[band : height - band] = 0
        else:
            runs[:, band : width - band] = 0
        found |= runs
    if not found.any():
        return mask
    # The blurred flanks of a rule belong to it.
    grown = cv2.dilate(found, np.ones((3, 3), np.uint8))
    return mask & (grown == 0)


def _components_with_seeds(possible: Mask, sure: Mask) -> Mask:
    """Keep connected pieces of ``possible`` that hold a seed, are no speck and no remnant stuck to the border."""
    height, width = possible.shape
    count, labels, stats, centres = cv2.connectedComponentsWithStats(possible.astype(np.uint8), connectivity=8)
    if count == 1:
        return possible
    seeded = np.bincount(labels[sure & possible], minlength=count) > 0
    x, y, w, h, area = (stats[:, column] for column in range(5))
    touches_side = (x == 0) | (x + w == width)
    touches_edge = (y == 0) | (y + h == height)
    thin_upright = touches_side & (w <= max(3, 0.06 * width)) & (h >= 2.5 * w)
    thin_flat = touches_edge & (h <= max(3, 0.1 * height)) & (w >= 2.5 * h)
    corner = touches_side & touches_edge & (w <= max(4, 0.12 * width)) & (h <= max(4, 0.2 * height))
    at_border = (touches_side | touches_edge) & (area <= 6)
    keep = seeded & (area >= 3) & ~thin_upright & ~thin_flat & ~corner & ~at_border
    keep[0] = False
    if not keep.any():
        return np.zeros_like(possible)
    keep &= ~_strays(keep, stats, centres)
    result: Mask = keep[labels]
    return result


def _strays(keep: NDArray[np.bool_], stats: NDArray[np.int32], centres: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Specks far from the main ink: tiny against it, and further off than a point is from its digit."""
    x, y, w, h, area = (stats[:, column].astype(np.float64) for column in range(5))
    largest = float(area[keep].max())
    main = keep & (area >= 0.25 * largest)
    tall = float(h[main].max())
    tiny = keep & (area < 0.12 * largest) & (np.maximum(w, h) < 0.4 * max(tall, float(w[main].max())))
    gap_x = np.min(np.maximum(np.maximum(x[main][None] - (x + w)[:, None], x[:, None] - (x + w)[main][None]), 0), axis=1)
    gap_y = np.min(np.maximum(np.maximum(y[main][None] - (y + h)[:, None], y[:, None] - (y + h)[main][None]), 0), axis=1)
    reach = 0.6 * max(tall, 8.0)
    return tiny & ((gap_x > reach) | (gap_y > 0.35 * reach))


def _box(mask: Mask) -> BoundingBox | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return BoundingBox(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def _cut(crop: Pixels, ink: Ink, box: BoundingBox, padding: int) -> Pixels:
    """Cut a box out, foreign ink painted over; paper is added where the crop ends before the padding does."""
    x0, y0, x1, y1 = int(box.x0), int(box.y0), int(box.x1), int(box.y1)
    paper = int(np.clip(np.median(crop.astype(np.float32) + ink.darkness), 0, 255))
    near = cv2.dilate(ink.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    foreign = (ink.darkness > max(3.0 * ink.noise, 0.2 * ink.contrast)) & ~near
    clean = np.where(foreign, np.uint8(paper), crop)
    left, top = max(x0 - padding, 0), max(y0 - padding, 0)
    right, bottom = min(x1 + padding, crop.shape[1]), min(y1 + padding, crop.shape[0])
    result: Pixels = cv2.copyMakeBorder(
        clean[top:bottom, left:right], padding - (y0 - top), padding - (bottom - y1),
        padding - (x0 - left), padding - (right - x1), cv2.BORDER_CONSTANT, value=float(paper),
    ).astype(np.uint8)
    return result


def _slope(mask: Mask) -> float:
    """Slope of the lines (dy/dx, within ±0.027) that makes the row projection sharpest."""
    height, width = mask.shape
    if width < 60:
        return 0.0
    ys, xs = np.nonzero(mask)
    offsets = xs - xs.mean()
    best, best_score = 0.0, -1.0
    for slope in sorted(np.linspace(-0.027, 0.027, 13), key=abs):
        rows = np.bincount(np.round(ys - slope * offsets + 0.027 * width).astype(np.intp), minlength=height)
        score = float((rows.astype(np.float64) ** 2).sum())
        if score > best_score * 1.01:
            best, best_score = float(slope), score
    return best


def _character_size(mask: Mask) -> float:
    """Typical size of a character in pixels: from pieces joined where their boxes overlap."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    sizes = np.maximum(stats[1:, cv2.CC_STAT_WIDTH], stats[1:, cv2.CC_STAT_HEIGHT]) if count > 1 else np.array([1])
    return float(np.percentile(sizes, 85))


def _bands(profile: NDArray[np.intp], size: float) -> list[tuple[int, int]]:
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
        joined = [(b[1] - a[0], index) for index, (a, b) in enumerate(pairwise(bands))
                  if min(a[1] - a[0], b[1] - b[0]) < 0.62 * tallest]
        if not joined or min(joined)[0] > 1.12 * tallest:
            break
        index = min(joined)[1]
        bands[index : index + 2] = [(bands[index][0], bands[index + 1][1])]
    return [band for band in bands if int(profile[band[0] : band[1]].sum()) >= 3]


def _split_tall(profile: NDArray[np.intp], band: tuple[int, int], size: float) -> list[tuple[int, int]]:
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
