"""Where the ink is in small grey pictures, and how to cut it out.

All functions take grey pictures, ``uint8`` of shape (h, w), dark ink on light ground, and keep no state.
The paper is modelled as a plane (light falls off slowly over a cell) plus noise; ink is what is darker
than the plane by more than the noise explains. Thresholds are therefore relative to the noise and to the
contrast of the crop itself, never absolute grey levels, save for the few named below.

The crops of a table are laid out on one sheet and searched together: a call of OpenCV or NumPy costs
more than the pixels of a cell.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import patches
from pipeline.domain import BoundingBox, Pixels
from pipeline.levels import percentiles

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

# Grey levels by which real print is darker than its paper, whatever the scanner; less is a doubtful trace.
_FAINTEST_INK = 18.0
# In units of the noise of the smoothed crop: what may belong to a stroke, what certainly does.
_POSSIBLE, _SURE = 2.8, 5.2
# Significance of a piece as a whole (mean in units of noise times root of area) that makes up for a faint peak.
_SURE_PIECE = 9.0
_GAP = 3  # pixels between crops on a sheet
_WIDTH = 1200  # pixels of a row of crops on a sheet
BROAD = 9
"""Pixels at 200 dpi; strokes of figures are half as wide."""
_STANDS_OUT = 1.2  # how much darker print is than the broad strokes under it; the rests of their edges are no darker
_WHOLE_RUN = 0.8  # share of a border's length that only a rule has
_LEAN = 0.12  # columns per row by which a slash leans; what is left of a rule runs along the border
_LEAST_LEANING = 10  # rows that tell whether a stroke leans
_ROOM = 16  # pixels of paper after what was cut off
_FULL_WIDTH = 1.05  # distance of full-width characters, as a share of the height of a line of them
_STRIDE = 4  # every fourth pixel in both directions is enough to know the paper


@dataclass(frozen=True, slots=True)
class Look:
    """What counts as ink in a crop.

    Attributes:
        least: share of the crop's contrast below which nothing does.
        power: how darkness weighs in that contrast. By the first power it is that of the usual ink; by the third that
            of the darkest, even where paler strokes cover many times its area.
    """

    least: float
    power: int


ALL_INK = Look(0.33, 1)
"""Thin and pale strokes too."""
STRONG_INK = Look(0.6, 1)
"""Without the blur that joins digits, and strokes of a seal as long as there are few."""
PRINT = Look(0.5, 3)
"""Without the strokes of a seal or a watermark that are paler than print, as long as they are no wider either."""


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """The ink of a crop.

    Attributes:
        darkness: how much darker than the paper each pixel is, grey levels, shape (h, w).
        mask: pixels that belong to ink; rule remnants and stray specks are left out.
        noise: standard deviation of the paper after light smoothing, grey levels, at least 1.
        contrast: darkness typical of the ink, grey levels; 0 without ink.
    """

    darkness: Floats
    mask: Mask
    noise: float
    contrast: float


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Crops laid out on one sheet.

    Attributes:
        darkness: lightly smoothed darkness in units of the crop's noise, shape (H, W); 0 between crops.
        x, y: place of each crop's top left corner, shape (crops,).
        noise: per crop, as in ``Ink``.
        contrast: per crop, in units of the noise.
    """

    darkness: Floats
    x: NDArray[np.intp]
    y: NDArray[np.intp]
    noise: Floats
    contrast: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sheet(Layout):
    """Crops laid out on one sheet, with the pieces of ink found on it.

    Attributes:
        labels: number of the piece at each pixel, 0 for paper, shape (H, W).
        owner: crop of every piece by its number, also of those that are not kept, shape (n + 1,); 0 for paper.
        pieces: one row per piece kept: its label and crop, shape (pieces, 2), ordered by crop, then left to right.
        boxes: x, y, width, height of each piece on the sheet, shape (pieces, 4).
        weight: per piece: number of pixels, summed darkness in units of the noise; shape (pieces, 2).
    """

    labels: NDArray[np.int32]
    owner: NDArray[np.intp]
    pieces: NDArray[np.intp]
    boxes: NDArray[np.intp]
    weight: NDArray[np.float64]


def find_ink(crop: Pixels) -> Ink:
    """Separate ink from paper; shade, noise, rule remnants at the border and stray specks are left out."""
    return find_inks([crop])[0]


def find_inks(crops: Sequence[Pixels], look: Look = ALL_INK) -> list[Ink]:
    """As ``find_ink`` for many crops at once."""
    if not crops:
        return []
    return inks_of(lay_out(crops, look), crops)


def inks_of(sheet: Sheet, crops: Sequence[Pixels], chosen: Iterable[int] | None = None) -> list[Ink]:
    """The ink of each of the crops that were laid out on a sheet, or of those of some numbers."""
    inks = []
    kept = np.zeros(int(sheet.labels.max(initial=0)) + 1, dtype=np.bool_)
    kept[sheet.pieces[:, 0]] = True
    for index in range(len(crops)) if chosen is None else chosen:
        y, x = int(sheet.y[index]), int(sheet.x[index])
        window = (slice(y, y + crops[index].shape[0]), slice(x, x + crops[index].shape[1]))
        noise = float(sheet.noise[index])
        inks.append(
            Ink(sheet.darkness[window] * noise, kept[sheet.labels[window]], noise, float(sheet.contrast[index]) * noise)
        )
    return inks


def lay_out(crops: Sequence[Pixels], look: Look = ALL_INK) -> Sheet:
    """Lay crops, grey pictures, at least one, out on a sheet and find their pieces of ink."""
    xs, ys, width, height = _places(crops)
    owner = np.full((height, width), -1, dtype=np.int16 if len(crops) < 32000 else np.int32)
    planes, noise = _papers(crops)
    values = np.zeros((height, width), dtype=np.float32)
    for index, crop in enumerate(crops):
        h, w = crop.shape
        window = (slice(int(ys[index]), int(ys[index]) + h), slice(int(xs[index]), int(xs[index]) + w))
        owner[window] = index
        level, across, down = planes[index] / noise[index]
        into = values[window]
        np.multiply(crop, np.float32(-1.0 / noise[index]), out=into)
        # A slope that adds up to less than a tenth of the noise changes nothing.
        into += level + across * np.arange(w, dtype=np.float32) if abs(across) * w > 0.1 else level + across * w / 2
        if abs(down) * h > 0.1:
            into += (down * np.arange(h, dtype=np.float32))[:, None]
        else:
            into += down * h / 2
    smooth: Floats = cv2.GaussianBlur(values, (3, 3), 0.0).astype(np.float32)
    _rescale(smooth, noise, crops, xs, ys)
    possible = smooth > _POSSIBLE
    _clear_rules(possible, crops, xs, ys)
    places = np.flatnonzero(possible)
    owners = owner.ravel()[places]
    if owners.min(initial=0) < 0:  # ink that smoothing spilt between the crops
        places, owners = places[owners >= 0], owners[owners >= 0]
    contrast = _contrasts(smooth.ravel()[places], owners, len(crops), look.power)
    return _find(Layout(smooth, xs, ys, noise, contrast), places, owners, look, crops)


def lay_out_again(sheet: Sheet, crops: Sequence[Pixels], chosen: Sequence[int], look: Look) -> Sheet:
    """What ``lay_out`` would find in some of the crops of a sheet, at the places where they lie already.

    Args:
        sheet: of a look with the same power that leaves out less.
        chosen: numbers of the crops; in the others nothing is found.
    """
    wanted = np.zeros(len(crops), dtype=np.bool_)
    wanted[chosen] = True
    places = np.flatnonzero(sheet.labels != 0)
    owners = sheet.owner[sheet.labels.ravel()[places]]
    kept = wanted[owners]
    return _find(sheet, places[kept], owners[kept], look, crops)


def without_broad_strokes(crop: Pixels) -> Pixels | None:
    """The crop with what is wider than strokes of print, those of a watermark, made as light as its paper.

    Paper and broad strokes are what closing leaves (Serra 1982, Image Analysis and Mathematical Morphology); thinner
    strokes keep their contrast to what they stand on. None where nothing is left that is darker than broad strokes.
    """
    ground: Pixels = cv2.morphologyEx(crop, cv2.MORPH_CLOSE, np.ones((BROAD, BROAD), np.uint8))  # type: ignore[assignment]
    paper = int(percentiles(ground, 90.0))
    print_alone = ground - crop  # closing makes nothing darker
    broad = np.bincount(ground.ravel(), minlength=256)[paper::-1]
    if _darkest(np.bincount(print_alone.ravel())) < _STANDS_OUT * _darkest(broad):
        return None
    lightened: Pixels = paper - np.minimum(print_alone, paper)
    return lightened


def without_last(crop: Pixels, characters: int) -> Pixels | None:
    """The crop of a line without its last full-width characters; None where nothing is left before them.

    Such a character is about as wide as high, and the line about as high as one; the cut is at the palest column there.
    """
    ink = find_ink(crop)
    box = _box(ink.mask)
    if box is None:
        return None
    height = box.y1 - box.y0
    middle = box.x1 - characters * _FULL_WIDTH * height
    low, high = (round(middle + share * height) for share in (-0.3, 0.3))
    if low <= box.x0:
        return None
    darkness = (ink.darkness * ink.mask)[:, low:high].sum(axis=0)
    palest = np.flatnonzero(darkness == darkness.min())
    kept = crop[:, : low + int(palest[len(palest) // 2])]
    paper = float(np.median(crop + ink.darkness))
    result: Pixels = cv2.copyMakeBorder(kept, 0, 0, 0, _ROOM, cv2.BORDER_CONSTANT, value=paper).astype(np.uint8)
    return result


def _darkest(counts: NDArray[np.intp]) -> float:
    """Darkness of the darkest ink, grey levels, as the contrast of ``PRINT``; so many pixels have each darkness."""
    least = int(_FAINTEST_INK / 2) + 1
    inked, darkness = counts[least:], np.arange(least, max(len(counts), least))
    total = int((inked * darkness**3).sum())
    return int((inked * darkness**4).sum()) / total if total else 0.0


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
    """Probability (0 to 1) that nothing is printed in a crop; noise, shade and rule remnants are nothing."""
    return blank_probability_of(find_ink(crop))


def blank_probability_of(ink: Ink) -> float:
    """As ``blank_probability`` for ink that has been found already."""
    area = int(ink.mask.sum())
    return blank_odds(area, float(ink.darkness[ink.mask].sum()) if area else 0.0, ink.noise)


def blank_odds(area: int, darkness: float, noise: float) -> float:
    """Probability that pieces of ink of ``area`` pixels and summed ``darkness`` (grey levels) are not print.

    The evidence is how far their mean stands above the faintest print and above the noise, and their
    size; the constants were set on drawn cells, blank ones with noise up to 25 grey levels against
    single points and dashes from 25 grey levels on.
    """
    if area == 0:
        # The noisier the paper, the darker the print it can hide.
        return 0.996 / (1.0 + (noise / 20.0) ** 4)
    mean = darkness / area
    evidence = 3.0 * math.log(max(mean, 1.0) / _FAINTEST_INK) + 1.5 * math.log(area / 6.0) + 0.7 * (mean / noise - 3.5)
    return 1.0 / (1.0 + math.exp(min(max(evidence, -5.0), 12.0)))


def is_blank(crop: Pixels) -> bool:
    """Whether nothing is printed in a crop, more likely than not."""
    return blank_probability(crop) > 0.5


def _places(crops: Sequence[Pixels]) -> tuple[NDArray[np.intp], NDArray[np.intp], int, int]:
    """Where each crop goes: in rows of about one height; and the size of the sheet (width, height)."""
    widths = [crop.shape[1] + _GAP for crop in crops]
    width = _GAP + max(*widths, min(_WIDTH, sum(widths)))
    xs, ys = np.zeros(len(crops), dtype=np.intp), np.zeros(len(crops), dtype=np.intp)
    x, y, tallest = _GAP, _GAP, 0
    for index in sorted(range(len(crops)), key=lambda place: crops[place].shape[0]):
        h, w = crops[index].shape
        if x + w + _GAP > width:
            x, y, tallest = _GAP, y + tallest + _GAP, 0
        xs[index], ys[index] = x, y
        x, tallest = x + w + _GAP, max(tallest, h)
    return xs, ys, width, y + tallest + _GAP


def _papers(crops: Sequence[Pixels]) -> tuple[Floats, Floats]:
    """The paper of each crop: its plane (level, slope across, slope down; shape (crops, 3)) and its noise.

    A plane is fitted to the lighter majority of the pixels, three times, each time without what lies off it.
    """
    samples = [crop[1::_STRIDE, 1::_STRIDE] if min(crop.shape) > 2 * _STRIDE else crop for crop in crops]
    sizes = np.array([sample.size for sample in samples], dtype=np.intp)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    total = len(crops)
    level = np.concatenate([sample.ravel() for sample in samples]).astype(np.float64)
    places = [_coordinates(sample.shape) for sample in samples]
    across = np.concatenate([place[0] for place in places])
    down = np.concatenate([place[1] for place in places])
    ordered = np.concatenate([np.sort(sample, axis=None) for sample in samples]).astype(np.float64)
    dark, centre, bright = (ordered[first + (share * (sizes - 1)).astype(np.intp)] for share in (0.40, 0.65, 0.92))
    # Paper clipped to white shows its noise on the dark side only.
    spread = np.clip(np.maximum(bright - centre, (centre - dark) / 0.7), 2.0, 25.0)
    rest = level - np.repeat(centre, sizes)
    keep = (np.abs(rest) <= np.repeat(3.0 * spread + 6.0, sizes)).astype(np.float64)
    planes = np.zeros((total, 3))
    for _ in range(3):
        terms = (keep, keep * across, keep * down)
        moments = np.zeros((total, 3, 3))
        sums = np.stack([np.add.reduceat(term * rest, first) for term in terms], axis=1)
        for i, other in enumerate((None, across, down)):
            for j in range(i, 3):
                product = terms[j] if other is None else terms[j] * other
                moments[:, i, j] = moments[:, j, i] = np.add.reduceat(product, first)
        # A little stiffness keeps the plane flat where there is hardly any paper to fit.
        moments += np.diag([1e-6, 3.0, 3.0])
        step = np.linalg.solve(moments, sums[:, :, None])[:, :, 0]
        planes += step
        steps = np.repeat(step, sizes, axis=0)
        rest -= steps[:, 0] + steps[:, 1] * across + steps[:, 2] * down
        # Ink lies on the dark side only, so the light side says how far the paper's noise reaches.
        squares, light = keep * rest**2, keep * (rest > 0.0)
        both = np.sqrt(np.add.reduceat(squares, first) / np.maximum(np.add.reduceat(keep, first), 1.0))
        lighter = np.sqrt(np.add.reduceat(squares * light, first) / np.maximum(np.add.reduceat(light, first), 1.0))
        spread = np.minimum(both, 1.2 * lighter + 1.0)
        keep = (np.abs(rest) <= np.repeat(2.8 * np.maximum(spread, 1.5), sizes)).astype(np.float64)
    planes[:, 0] += centre
    shapes = np.array([crop.shape for crop in crops], dtype=np.float64).reshape(-1, 2)
    slopes = planes[:, 1:] / np.maximum(shapes[:, ::-1] - 1.0, 1.0)
    start = planes[:, 0] - 0.5 * planes[:, 1] - 0.5 * planes[:, 2]
    # Light smoothing leaves 3/8 of the deviation of white noise, more of others; it is measured afterwards.
    noise = np.maximum(0.5 * spread, 1.0)
    return np.column_stack([start, slopes]).astype(np.float32), noise.astype(np.float32)


def _rescale(
    smooth: Floats, noise: Floats, crops: Sequence[Pixels], xs: NDArray[np.intp], ys: NDArray[np.intp]
) -> None:
    """Measure the noise that smoothing left in each crop, and bring ``smooth`` and ``noise`` to it, in place."""
    samples = [
        smooth[y + 1 : y + max(crop.shape[0] - 1, 2) : _STRIDE, x + 1 : x + max(crop.shape[1] - 1, 2) : _STRIDE]
        for crop, x, y in zip(crops, xs.tolist(), ys.tolist(), strict=True)
    ]
    sizes = np.array([sample.size for sample in samples], dtype=np.intp)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    values = np.concatenate([sample.ravel() for sample in samples]).astype(np.float64)
    spread = np.full(len(crops), 1.5)
    for _ in range(2):
        keep = (np.abs(values) <= np.repeat(2.5 * spread, sizes)).astype(np.float64)
        squares, light = keep * values**2, keep * (values < 0.0)
        both = np.sqrt(np.add.reduceat(squares, first) / np.maximum(np.add.reduceat(keep, first), 1.0))
        lighter = np.sqrt(np.add.reduceat(squares * light, first) / np.maximum(np.add.reduceat(light, first), 1.0))
        spread = np.maximum(np.minimum(both, 1.1 * lighter + 0.1), 0.5)
    # The noise stays at one grey level or more: less is the rounding of a clean picture.
    scale = np.maximum(spread * 1.1, 1.0 / noise)
    for i in np.flatnonzero(np.abs(scale - 1.0) > 0.05).tolist():
        smooth[ys[i] : ys[i] + crops[i].shape[0], xs[i] : xs[i] + crops[i].shape[1]] /= np.float32(scale[i])
        noise[i] *= np.float32(scale[i])


@lru_cache(maxsize=1024)
def _coordinates(shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates of the samples of a crop from −0.5 to 0.5, across and down, flattened."""
    across, down = np.linspace(-0.5, 0.5, shape[1]), np.linspace(-0.5, 0.5, shape[0])
    return np.tile(across, shape[0]), np.repeat(down, shape[1])


def _contrasts(values: Floats, owners: NDArray[np.signedinteger], count: int, power: int) -> Floats:
    """Darkness typical of the ink of each crop: the mean weighted by darkness itself, so that blur counts little."""
    weights = values.astype(np.float64) ** power
    sums = np.bincount(owners, weights=weights, minlength=count)
    weighted = np.bincount(owners, weights=values.astype(np.float64) ** (power + 1), minlength=count)
    return (weighted / np.maximum(sums, 1e-9)).astype(np.float32)


def _clear_rules(possible: Mask, crops: Sequence[Pixels], xs: NDArray[np.intp], ys: NDArray[np.intp]) -> None:
    """Take what is left of the cells' rules out of ``possible``, in place."""
    for index, crop in enumerate(crops):
        h, w = crop.shape
        if h < 8 or w < 8:
            continue
        window = possible[ys[index] : ys[index] + h, xs[index] : xs[index] + w]
        # Noise reaches the border here and there, a rule's rest at more than a few pixels.
        strips = (window[:3], window[-3:], window[:, :3], window[:, -3:])
        if max(np.count_nonzero(strip) for strip in strips) > 8:
            window &= _without_rules(window)


def _without_rules(mask: Mask) -> Mask:
    """Take away straight runs that lie along the border: what is left of the cell's rules."""
    height, width = mask.shape
    picture = mask.view(np.uint8)
    found = np.zeros_like(picture)
    band = max(3, min(int(height * 0.16), 9))
    _open_along(picture, found, band, max(9, int(width * 0.3)))
    upright = np.zeros_like(picture)
    band = max(3, min(int(width * 0.08), 7))
    _open_along(picture.T, upright.T, band, max(9, int(height * 0.45)))
    if upright.any():
        _leave_figures(upright, picture, band)
        found |= upright
    if not found.any():
        return mask
    # The blurred flanks of a rule belong to it.
    kept: Mask = mask & (np.asarray(cv2.dilate(found, np.ones((3, 3), np.uint8))) == 0)
    return kept


def _open_along(picture: Pixels, into: Pixels, band: int, run: int) -> None:
    """Write straight runs of at least a length in the first and the last rows of a picture ``into`` another one."""
    for rows in (slice(0, band), slice(max(0, len(picture) - band), None)):
        strip = np.ascontiguousarray(picture[rows])
        if np.count_nonzero(strip) >= run:
            into[rows] = cv2.morphologyEx(
                strip, cv2.MORPH_OPEN, np.ones((1, run), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0
            )


def _leave_figures(upright: Pixels, picture: Pixels, band: int) -> None:
    """Take strokes of figures that stand against a rule out of the upright runs along it, in place.

    The rest of a rule begins in a corner or runs nearly from end to end; else it hangs together with nothing broad, nor
    does it lean.
    """
    height = len(picture)
    pieces, sizes = patches.label(picture)
    runs, places = patches.label(upright)
    for run in range(1, len(places)):
        x, y, _, h = places[run, :4]
        if y <= 2 or y + h >= height - 2 or h >= _WHOLE_RUN * height:
            continue
        piece = pieces[runs == run].max()
        left, top, width, tall = sizes[piece, :4]
        stroke = pieces[top : top + tall, left : left + width] == piece
        if width > band or _leans(stroke, x < picture.shape[1] // 2):
            upright[runs == run] = 0


def _leans(stroke: Mask, left: bool) -> bool:
    """Whether a connected stroke at the left or the right border leans: the side that looks into the cell does."""
    if len(stroke) < _LEAST_LEANING:
        return False
    inwards = stroke[:, ::-1] if left else stroke
    edge, rows = inwards.argmax(axis=1), np.arange(len(stroke)) - (len(stroke) - 1) / 2
    return abs(float(rows @ edge)) >= _LEAN * float(rows @ rows)


def _find(
    laid: Layout,
    places: NDArray[np.intp],
    owners: NDArray[np.signedinteger],
    look: Look,
    crops: Sequence[Pixels],
) -> Sheet:
    """Connected pieces that are ink: strong enough for the look, significant, no rest of a rule, no stray speck.

    Args:
        places: those of the flattened sheet that may be ink; ``owners`` are their crops.
    """
    values = laid.darkness.ravel()[places]
    # Next to strong strokes, the blur between them is no ink.
    strong = values >= look.least * laid.contrast[owners]
    places, values, owners = places[strong], values[strong].astype(np.float64), owners[strong]
    possible = np.zeros(laid.darkness.shape, dtype=np.uint8)
    possible.ravel()[places] = 1
    labels, stats = patches.label(possible)
    count = len(stats)
    marks = labels.ravel()[places].astype(np.intp)
    owner = np.zeros(count, dtype=np.intp)
    owner[marks] = owners
    peak = np.zeros(count)
    np.maximum.at(peak, marks, values)
    total = np.bincount(marks, weights=values, minlength=count)
    x, y, w, h, area = (stats[:, column].astype(np.intp) for column in range(5))
    shapes = np.array([crop.shape for crop in crops], dtype=np.intp).reshape(-1, 2)
    height, width = shapes[owner, 0], shapes[owner, 1]
    left, top = x - laid.x[owner], y - laid.y[owner]
    side = (left <= 1) | (left + w >= width - 1)
    edge = (top <= 1) | (top + h >= height - 1)
    rest = side & (w <= np.clip(0.08 * width, 3, 8)) & (h >= 1.8 * w)
    for one in np.flatnonzero(rest & (top > 2) & (top + h < height - 2)).tolist():
        stroke = labels[y[one] : y[one] + h[one], x[one] : x[one] + w[one]] == one
        rest[one] = not _leans(stroke, bool(left[one] <= 1))
    rest |= edge & (h <= np.clip(0.1 * height, 3, 6)) & (w >= 1.8 * h)
    rest |= side & edge & (w <= np.maximum(4, 0.12 * width)) & (h <= np.maximum(4, 0.2 * height))
    rest |= (side | edge) & (area <= 6)
    significant = (peak > _SURE) | (total / np.sqrt(np.maximum(area, 1)) > _SURE_PIECE)
    keep = significant & (area >= 3) & ~rest
    keep &= (peak > 0.45 * laid.contrast[owner]) & (peak * laid.noise[owner] > 0.5 * _FAINTEST_INK)
    keep &= ~_strays(keep, owner, x, y, w, h, area)
    chosen = np.flatnonzero(keep)
    chosen = chosen[np.lexsort((x[chosen], owner[chosen]))]
    return Sheet(
        *(laid.darkness, laid.x, laid.y, laid.noise, laid.contrast, labels, owner),
        np.column_stack([chosen, owner[chosen]]),
        np.column_stack([x, y, w, h])[chosen],
        np.column_stack([area, total])[chosen].astype(np.float64),
    )


def _strays(
    keep: Mask,
    cell: NDArray[np.intp],
    x: NDArray[np.intp],
    y: NDArray[np.intp],
    w: NDArray[np.intp],
    h: NDArray[np.intp],
    area: NDArray[np.intp],
) -> Mask:
    """Specks far from the main ink of their crop: tiny against it, and further off than a point is from its digit."""
    strays = np.zeros_like(keep)
    largest, tall, widest = np.zeros((3, int(cell.max()) + 1), dtype=np.intp)
    np.maximum.at(largest, cell[keep], area[keep])
    tiny = np.flatnonzero(keep & (area < 0.12 * largest[cell]))
    if not tiny.size:
        return strays
    large = keep & (area >= 0.25 * largest[cell])
    np.maximum.at(tall, cell[large], h[large])
    # Beside digits that hang together a digit that stands alone has little area.
    main = np.flatnonzero(large | (keep & (h >= 0.5 * tall[cell])))
    main = main[np.argsort(cell[main], kind="stable")]
    np.maximum.at(widest, cell[main], w[main])
    tiny = tiny[np.maximum(w[tiny], h[tiny]) < 0.4 * np.maximum(tall, widest)[cell[tiny]]]
    if not tiny.size:
        return strays
    # Each with all the main pieces of its crop, of which there is one at least.
    begin, end = (np.searchsorted(cell[main], cell[tiny], side=side) for side in ("left", "right"))
    first = np.cumsum(end - begin) - (end - begin)
    one = np.repeat(tiny, end - begin)
    other = main[np.arange(len(one)) + np.repeat(begin - first, end - begin)]
    gap_x, gap_y = (
        np.minimum.reduceat(np.maximum(np.maximum(a[other] - (a + size)[one], a[one] - (a + size)[other]), 0), first)
        for a, size in ((x, w), (y, h))
    )
    reach = 0.6 * np.maximum(tall[cell[tiny]], 8)
    strays[tiny] = (gap_x > reach) | (gap_y > 0.35 * reach)
    return strays


def _box(mask: Mask) -> BoundingBox | None:
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return BoundingBox(float(x), float(y), float(x + width), float(y + height)) if width else None


def paper_level(crop: Pixels, ink: Ink) -> int:
    """The usual grey level of the paper of a crop, 0 to 255."""
    return int(np.clip(np.median(crop + ink.darkness), 0, 255))


def _cut(crop: Pixels, ink: Ink, box: BoundingBox, padding: int) -> Pixels:
    """Cut a box out, foreign ink painted over; paper is added where the crop ends before the padding does."""
    x0, y0, x1, y1 = int(box.x0), int(box.y0), int(box.x1), int(box.y1)
    left, top = max(x0 - padding, 0), max(y0 - padding, 0)
    right, bottom = min(x1 + padding, crop.shape[1]), min(y1 + padding, crop.shape[0])
    window = (slice(top, bottom), slice(left, right))
    paper = paper_level(crop, ink)
    near = cv2.dilate(ink.mask[window].view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    foreign = (ink.darkness[window] > max(_POSSIBLE * ink.noise, 0.2 * ink.contrast)) & ~near
    result: Pixels = cv2.copyMakeBorder(
        np.where(foreign, np.uint8(paper), crop[window]),
        padding - (y0 - top),
        padding - (bottom - y1),
        padding - (x0 - left),
        padding - (right - x1),
        cv2.BORDER_CONSTANT,
        value=float(paper),
    ).astype(np.uint8)
    return result
