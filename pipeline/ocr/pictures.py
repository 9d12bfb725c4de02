"""What every engine does around its own reading: empty pictures, lone marks, and the shape of a reading."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from pipeline import patches
from pipeline.domain import Alternative, Pixels, Reading
from pipeline.ocr.crops import BROAD, PRINT, Ink, Mask, blank_probability_of, cut_ink, find_inks, without_broad_strokes

# Alternatives beyond this many have never decided anything.
_MOST = 8
# Readings less sure than this are looked at again without what is paler than the print, where that is so much (share of
# the print's area).
_DOUBTFUL, _TINT = 0.9, 0.2
_PERHAPS = 0.5
_SPANNING = 0.85  # share of its cell that no dash is as wide as, and no slash as high
# A short dash that blur has rounded: lower than any digit that can be read (pixels), wider than high by this factor at
# least, and filled to this share of its box.
_LOW, _ROUNDED, _SOLID, _SHORT_DASH = 6, 1.6, 0.65, 0.9
# Beside a stroke others are paler, as shares of its darkness, and specks smaller, as shares of its size.
_PALER, _SPECK = 0.7, 0.4
_GRAIN = 0.1  # noise from which smoothing helps, in terms of the contrast of print
# What a stroke may be read as, and how much less probable that is of one too broad for it.
_STROKES = frozenset({"-", "—", "--", "——", "/", "\\", "1"})
_SLASHES = frozenset({"/", "\\"})
_NO_MARK = 0.1
# What is left of a nought that is worn at its top and bottom looks like brackets, or like one and a narrow digit. Of
# 1,429 readings of the first kind, of cells of 520 generated scans, 1,426 are of a nought, of the second 292 of 304.
# Brackets printed around nothing are told by their height, where the other figures of the page are known.
_WORN = ((re.compile(r"\(0?\)?|0?\)"), 0.97), (re.compile(r"\([134]|[134]\)"), 0.9))
# A comma where only a point can be.
_DECIMAL_COMMA = re.compile(r"[+\-—]{0,2}\d+,(\d{1,2}|\d{4,})\D*")
# A place that a digit was washed out of: how far its ends are from those of the print, its width, both as shares of the
# height of the print, and the share of it that is inked.
_IN_LINE, _NARROWEST, _WIDEST, _FILLED = 0.2, 0.2, 1.2, 0.6

SMOOTHINGS = (0.7, 1.0)
"""Sigma in pixels, by which pictures are smoothed where they leave a doubt; more blurs thin strokes."""

# How each mark may look to a general recogniser: same shape, other character.
LOOK_ALIKES: dict[str, str] = {
    **{digit: digit + chr(0xFF10 + int(digit)) for digit in "23456789"},
    "0": "0０OoＯｏ〇○",
    "1": "1１lI",
    ".": ".．",
    ",": ",，",
    "+": "+＋",
    "-": "-－–−‐",
    "—": "—―一",
    "/": "/／",
    "\\": "\\＼",
    "(": "(（",
    ")": ")）",
    "%": "%％",
    **{unit: unit for unit in "万亿元件条次篇个人"},
}


def picture_hash(picture: Pixels) -> str:
    """Identity of a picture: SHA-256 over shape and pixels, 32 hex digits."""
    shape = "x".join(str(size) for size in picture.shape).encode()
    return hashlib.sha256(shape + b":" + np.ascontiguousarray(picture).tobytes()).hexdigest()[:32]


def reading(alternatives: Iterable[Alternative], reader: str) -> Reading:
    """A reading from alternatives in any order; texts that occur twice are added up, their sum is at most 1.

    A comma that separates no three digits speaks for the point that it looks like, where that is likelier, and brackets
    around nothing for a nought.
    """
    sums: dict[str, float] = {}
    for alternative in alternatives:
        for text, share in _with_noughts(alternative.text):
            sums[text] = sums.get(text, 0.0) + share * alternative.probability
    for text in [text for text in sums if _DECIMAL_COMMA.fullmatch(text)]:
        point = text.replace(",", ".")
        if sums.get(point, 0.0) >= sums[text]:
            sums[point] += sums.pop(text)
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:_MOST]
    total = max(1.0, sum(probability for _, probability in ordered))
    kept = tuple(Alternative(text, probability / total) for text, probability in ordered if probability > 0.0)
    return Reading(kept or (Alternative("", 0.0),), reader)


def _with_noughts(text: str) -> list[tuple[str, float]]:
    """What a reader's text may mean, with the share of each: a nought that is worn looks like brackets."""
    for pattern, share in _WORN:
        if pattern.fullmatch(text):
            return [("0", share), (text, 1.0 - share)]
    return [(text.replace("()", "0"), 1.0)]


def read_cells(
    crops: Sequence[Pixels], recognise: Callable[[Sequence[Pixels]], list[list[Alternative]]], reader: str
) -> list[Reading]:
    """Read value cells: what is empty or a lone stroke is settled by its shape, the rest by ``recognise``.

    Args:
        crops: grey cell pictures.
        recognise: alternatives for tight pictures of ink, summing to at most 1 each.
        reader: name for the readings.
    """
    inks = find_inks(crops)
    readings = _read_inks(crops, inks, recognise, reader)
    # What grain or broken strokes leave in doubt is looked at again, smoothed; no look is better than the others.
    doubtful = [i for i, found in enumerate(readings) if found.probability < _DOUBTFUL and inks[i].mask.any()]
    softer = [[smooth(crops[i], sigma) for i in doubtful] for sigma in SMOOTHINGS]
    looks = [_read_inks(soft, find_inks(soft), recognise, reader) for soft in softer]
    for i, *others in zip(doubtful, *looks, strict=True):
        readings[i] = _mean((readings[i], *others))
    # Where a seal or a watermark lies under the print, the print is looked at alone.
    doubtful = [i for i in doubtful if readings[i].probability < _DOUBTFUL]
    alone = {i: crop for i in doubtful if (crop := without_broad_strokes(crops[i])) is not None}
    prints = dict(zip(alone, find_inks(list(alone.values()), PRINT), strict=True))
    tinted = [i for i, ink in prints.items() if is_tinted(inks[i], ink)]
    again = _read_inks([alone[i] for i in tinted], [prints[i] for i in tinted], recognise, reader)
    for i, read in zip(tinted, again, strict=True):
        found = left_of_print(read, inks[i].mask, prints[i].mask)
        if found.text != "" and found.probability > readings[i].probability:
            readings[i] = found
    return readings


def _read_inks(
    crops: Sequence[Pixels],
    inks: Sequence[Ink],
    recognise: Callable[[Sequence[Pixels]], list[list[Alternative]]],
    reader: str,
) -> list[Reading]:
    blanks = [blank_probability_of(ink) for ink in inks]
    inked = [index for index, ink in enumerate(inks) if ink.mask.any()]
    found = recognise([cut_ink(crops[index], inks[index]) for index in inked])
    readings = [reading([Alternative("", blank)], reader) for blank in blanks]
    for index, alternatives in zip(inked, found, strict=True):
        alternatives = without_strokes_of_seals(alternatives, _inked(inks[index].mask), crops[index].shape)
        stroke = None if _are_digits(alternatives) else lone_stroke(inks[index]) or _stroke_among_specks(inks[index])
        share = 0.0 if stroke is None else stroke.probability
        parts = [Alternative(a.text, a.probability * (1.0 - share)) for a in alternatives]
        parts += [] if stroke is None else [stroke]
        ink_share = 1.0 - blanks[index]
        readings[index] = reading(
            [Alternative("", blanks[index]), *(Alternative(a.text, a.probability * ink_share) for a in parts)], reader
        )
    return readings


def is_no_mark(ink: Mask, room: int) -> bool:
    """Whether ink is too broad for a mark or a 1, or as wide as its cell: a stroke of a seal, or digits grown together.

    Args:
        ink: shape (height, width) of the ink, where it is.
        room: width of the cell.
    """
    height, width = ink.shape
    return bool(width > _SPANNING * room or np.count_nonzero(ink) > BROAD * math.hypot(width, height))


def _inked(mask: Mask) -> Mask:
    """The part of a mask around its ink, of which there is some."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return mask[y : y + height, x : x + width]


def without_strokes_of_seals(
    alternatives: Iterable[Alternative], ink: Mask, room: tuple[int, ...]
) -> list[Alternative]:
    """The alternatives for ink that hangs together; what may be a stroke of a seal or of a watermark is hardly a mark.

    Ink that is no mark is no 1 either. A slash that goes from end to end of its cell goes on beyond it.

    Args:
        ink: shape (height, width) of the ink, where it is.
        room: height and width of the cell.
    """
    unlikely = _STROKES if is_no_mark(ink, room[1]) else _SLASHES if ink.shape[0] > _SPANNING * room[0] else frozenset()
    return [replace(a, probability=a.probability * (_NO_MARK if a.text in unlikely else 1.0)) for a in alternatives]


def _are_digits(alternatives: Sequence[Alternative]) -> bool:
    """Whether several digits were recognised: small ones that grew together are as flat as a dash."""
    best = max(alternatives, key=lambda each: each.probability, default=Alternative("", 0.0))
    return best.probability > _PERHAPS and sum(character.isdigit() for character in best.text) > 1


def is_grainy(ink: Ink) -> bool:
    """Whether the grain of the paper is so strong beside the print that a smoothed look may be believed."""
    return bool(ink.mask.any()) and ink.noise > _GRAIN * ink.contrast


def smooth(crop: Pixels, sigma: float) -> Pixels:
    """The crop with less grain, and small gaps in its strokes closed."""
    soft: Pixels = cv2.GaussianBlur(crop, (0, 0), sigma).astype(np.uint8)
    return soft


def _mean(looks: Sequence[Reading]) -> Reading:
    """The reading of a picture of which one reader had several looks."""
    share = 1.0 / len(looks)
    every = (replace(each, probability=share * each.probability) for look in looks for each in look.alternatives)
    return reading(every, looks[0].reader)


def is_tinted(ink: Ink, alone: Ink) -> bool:
    """Whether paler strokes lie beside the print, more of them than the blurred edges of print that ``alone`` lacks."""
    edges = cv2.dilate(alone.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return bool(np.count_nonzero(ink.mask & ~edges) > _TINT * np.count_nonzero(alone.mask))


def left_of_print(found: Reading, every: Mask, kept: Mask) -> Reading:
    """The reading of what is left without a watermark, a seal or the blur between digits.

    A mark may be the rest of a figure, and what was left out in line with the print a digit that was washed out.

    Args:
        found: as read.
        every: all ink, shape (h, w).
        kept: the ink that was read, shape (h, w).
    """
    sure = any(character.isdigit() for character in found.text) and not hides_digit(every, kept)
    return found if sure else perhaps(found)


def perhaps(found: Reading) -> Reading:
    """The reading, half as sure."""
    return reading([Alternative(a.text, a.probability * _PERHAPS) for a in found.alternatives], found.reader)


def hides_digit(every: Mask, kept: Mask) -> bool:
    """Whether ink that is not read fills a place as high as the print that is, beside it and in line with it."""
    inked = np.flatnonzero(kept.any(axis=1))
    if not inked.size:
        return False
    top, bottom = int(inked[0]), int(inked[-1]) + 1
    tall = bottom - top
    rest = every & (cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    for x, y, w, h, area in patches.label(rest.astype(np.uint8))[1][1:].tolist():
        if kept[:y, x : x + w].any() and kept[y + h :, x : x + w].any():
            continue  # the inside of a nought
        in_line = abs(y - top) <= _IN_LINE * tall and abs(y + h - bottom) <= _IN_LINE * tall
        if in_line and _NARROWEST * tall <= w <= _WIDEST * tall and area >= _FILLED * w * h:
            return True
    return False


def lone_stroke(ink: Ink) -> Alternative | None:
    """A slash or dash that stands alone in its cell, told by its shape.

    Cut tight, a slash and a 1, or a dash and the character for one, are the same picture to a recogniser
    that scales everything to one height; what tells them apart is slant, straightness and proportion.

    Returns:
        A slash, backslash, hyphen or dash with the probability that it is one; None when the ink is no single stroke.
    """
    ys, xs = np.nonzero(ink.mask)
    if ys.size < 6:
        return None
    width, height = int(xs.max() - xs.min()) + 1, int(ys.max() - ys.min()) + 1
    if is_no_mark(_inked(ink.mask), ink.mask.shape[1]):
        return None
    if height > _SPANNING * ink.mask.shape[0] and height > width:
        return None
    if width >= 2.2 * height and (dash := _dash(ink, xs, ys, width, height)) is not None:
        return dash
    if height <= _LOW and width >= max(_ROUNDED * height, _LOW) and ys.size >= _SOLID * width * height:
        return Alternative("-", _SHORT_DASH)
    if height >= 1.15 * width and width >= 4:
        return _slash(xs, ys, height)
    return None


def _stroke_among_specks(ink: Ink) -> Alternative | None:
    """A slash beside specks and strokes that are paler, as likely as not; None where there is no such thing."""
    labels, stats = patches.label(ink.mask.view(np.uint8))
    if len(stats) <= 2:
        return None
    sizes = stats[:, 2:4].max(axis=1)
    strokes = np.flatnonzero(sizes > _SPECK * sizes.max())
    peaks = np.array([float(ink.darkness[labels == number].max()) for number in strokes.tolist()])
    dark = strokes[peaks > _PALER * peaks.max()]
    if len(dark) != 1:
        return None
    found = lone_stroke(replace(ink, mask=labels == dark[0]))
    return None if found is None or found.text not in "/\\" else replace(found, probability=_PERHAPS)


def _dash(ink: Ink, xs: np.ndarray, ys: np.ndarray, width: int, height: int) -> Alternative | None:
    """A flat stroke: nearly every column holds ink, and its thickness hardly changes."""
    columns = np.bincount(xs - xs.min(), minlength=width)
    # A dash over skewed paper climbs; what counts is the thickness of the stroke, not the height of its box.
    thickness = float(np.median(columns[columns > 0])) if columns.any() else 0.0
    if thickness > max(0.3 * width, 3.0) or height > thickness + 3.0 + 0.05 * width:
        return None
    gaps = int((columns == 0).sum())
    even = float((np.abs(columns - thickness) <= 1.5).mean())
    if even < 0.75 or gaps > 0.25 * width:
        return None
    # A rule of 1 em is a dash of the Chinese full width; the hyphen is a third of it. The size of the type is
    # unknown here, so proportion decides: a hyphen is 3 to 6 times as long as thick.
    text = "—" if width > 9.0 * max(thickness, 1.0) or width > 0.5 * ink.mask.shape[1] else "-"
    return Alternative(text, 0.97)


def _slash(xs: np.ndarray, ys: np.ndarray, height: int) -> Alternative | None:
    """A straight slanted stroke of even width: a slash, or a backslash where it leans the other way."""
    rows = ys - ys.min()
    counts = np.bincount(rows, minlength=height)
    if (counts == 0).any():
        return None
    centres = np.bincount(rows, weights=xs, minlength=height) / counts
    inner = slice(max(1, height // 10), height - max(1, height // 10))
    steps = np.arange(height, dtype=np.float64)[inner]
    if steps.size < 4:
        return None
    slope, offset = np.polyfit(steps, centres[inner], 1)
    bend = float(np.abs(centres[inner] - (slope * steps + offset)).max())
    even = float(counts[inner].max() - counts[inner].min())
    if not 0.16 <= abs(slope) <= 1.1:
        return None
    # Rows with paper between ink belong to a ring, as in a slanted 0.
    first, last = np.full(height, xs.max()), np.full(height, xs.min())
    np.minimum.at(first, rows, xs)
    np.maximum.at(last, rows, xs)
    if int((last - first + 1 - counts)[inner].max()) > 0 or float(np.median(counts)) > 0.35 * height:
        return None
    if bend > max(0.9, 0.05 * height) or even > max(2.0, 0.12 * height):
        return None
    return Alternative("/" if slope < 0 else "\\", 0.97)
