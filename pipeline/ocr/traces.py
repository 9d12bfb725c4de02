"""What may be printed beside the glyphs that were found.

Traces of points and signs, strokes at the border, and figures that the border cuts: each makes a text less sure, or as
likely as one with a character more.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from pipeline.domain import Pixels
from pipeline.ocr.crops import Sheet
from pipeline.ocr.glyphs import Boxes, Floats

_PERHAPS = 0.5
# Pixels along the border where rests of rules are; where strokes of figures stand against one.
_BORDER, _STRIP = 3, 9
# Darkness of what may be left of a sign, in units of the noise and of the crop's contrast.
_TRACE, _TRACE_INK = 5.2, 0.2
_CUT_OFF = 0.9  # how much less sure a text is of which a glyph runs into the border
_LONG = 0.3  # share of a glyph's height on which it touches what was taken for a rule


def with_traces(
    texts: list[tuple[str, float]], sheet: Sheet, boxes: Boxes, index: int, crop: Pixels
) -> list[tuple[str, float]]:
    """The texts of a crop and their probabilities, with what its glyphs alone do not show.

    Args:
        boxes: of its glyphs on the sheet, of which there is one at least, shape (n, 4).
        index: number of the crop on the sheet.
    """
    texts = _perhaps_pointed(texts, sheet, boxes, float(sheet.contrast[index]))
    texts = _perhaps_signed(texts, sheet, boxes, index)
    texts = _perhaps_longer(texts, sheet, boxes, index, crop)
    whole = _whole(sheet, boxes, index, crop)
    return [(text, probability * whole) for text, probability in texts]


def _perhaps_pointed(
    texts: list[tuple[str, float]], sheet: Sheet, boxes: Boxes, contrast: float
) -> list[tuple[str, float]]:
    """The texts, one per glyph, each as likely as not with a point where there is a trace of one."""
    traces = _faint_points(sheet, boxes, contrast)
    if not traces:
        return texts
    found = [(text, probability * _PERHAPS) for text, probability in texts]
    for text, probability in texts:
        if "." not in text:
            share = probability * _PERHAPS / len(traces)
            found += [(f"{text[:place]}.{text[place:]}", share) for place in traces]
    return found


def _faint_points(sheet: Sheet, boxes: Boxes, contrast: float) -> list[int]:
    """Gaps between tall glyphs with a trace at their foot too faint to be a glyph, each by its right glyph."""
    tall = int((boxes[:, 3] - boxes[:, 1]).max())
    found = []
    for place, ((_, top, right, bottom), (left, other_top, _, _)) in enumerate(pairwise(boxes.tolist()), 1):
        if left - right < 4 or bottom - top < 0.7 * tall or other_top > top + 0.4 * tall:
            continue
        foot = sheet.darkness[bottom - tall // 4 : bottom + tall // 6, right + 1 : left - 1]
        if foot.size and float(foot.max()) > max(2.2, 0.2 * contrast):
            found.append(place)
    return found


def _perhaps_signed(texts: list[tuple[str, float]], sheet: Sheet, boxes: Boxes, index: int) -> list[tuple[str, float]]:
    """The texts, each as likely as not with a minus where specks lie before a figure."""
    if not _faint_sign(sheet, boxes, index):
        return texts
    halved = [(text, probability * _PERHAPS) for text, probability in texts]
    return halved + [(f"-{text}", probability) for text, probability in halved if text[:1].isdigit()]


def _faint_sign(sheet: Sheet, boxes: Boxes, index: int) -> bool:
    """Whether a speck lies before a figure where a sign would: a dash that thresholding broke into pieces, perhaps."""
    left, top, _, bottom = (int(value) for value in boxes[0])
    tall = bottom - top
    first = max(int(sheet.x[index]) + _BORDER, left - round(1.2 * tall))
    place = sheet.darkness[top + round(0.35 * tall) : bottom - round(0.25 * tall), first : left - 1]
    return _is_trace(place, float(sheet.contrast[index]))


def _is_trace(place: Floats, contrast: float) -> bool:
    """Whether there is something darker than the paper's noise, even if too little for a piece of ink."""
    return place.size > 0 and float(place.max()) > max(_TRACE, _TRACE_INK * contrast)


def _perhaps_longer(
    texts: list[tuple[str, float]], sheet: Sheet, boxes: Boxes, index: int, crop: Pixels
) -> list[tuple[str, float]]:
    """The texts, each as likely as not with a 1 more where a stroke as high as the figure stands at the border.

    It may be a rest of the rule, but those are as high as the cell, or begin in a corner.
    """
    x, y = int(sheet.x[index]), int(sheet.y[index])
    height, width = crop.shape
    tallest = int((boxes[:, 3] - boxes[:, 1]).argmax())
    top, bottom = int(boxes[tallest, 1]) - y, int(boxes[tallest, 3]) - y
    slack = 0.2 * (bottom - top)
    left, right = int(boxes[0, 0]) - x, int(boxes[-1, 2]) - x
    for start, stop, gap in ((0, min(_STRIP, left - 1), left), (max(width - _STRIP, right + 1), width, width - right)):
        if stop <= start or gap > _STRIP + bottom - top:
            continue
        strip = sheet.darkness[y : y + height, x + start : x + stop]
        strong = 0.5 * float(sheet.contrast[index])
        if float(strip.max()) <= strong:
            continue
        inked = (strip > strong).any(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], inked.astype(np.int8), [0]]))).tolist()
        for first, last in zip(edges[0::2], edges[1::2], strict=True):
            inside = first > 1 and last < height - 1
            if inside and abs(first - top) <= slack and abs(last - bottom) <= slack:
                halved = [(text, probability * _PERHAPS) for text, probability in texts]
                return halved + [(f"1{t}" if start == 0 else f"{t}1", p) for t, p in halved if t[-1:].isdigit()]
    return texts


def _whole(sheet: Sheet, boxes: Boxes, index: int, crop: Pixels) -> float:
    """How much less sure a text is whose glyphs touch the border of the crop, or what is left of a rule there.

    On a long stretch: the cell was cut through its print, or the print through the rule.
    """
    height, width = crop.shape
    x, y = int(sheet.x[index]), int(sheet.y[index])
    strong = 0.5 * float(sheet.contrast[index])
    sure = 1.0
    for x0, y0, x1, y1 in boxes.tolist():
        if min(x0 - x, x + width - x1) > _STRIP and min(y0 - y, y + height - y1) > 1:
            continue
        for near, column in ((x0 - x <= _STRIP, x0 - 1), (x + width - x1 <= _STRIP, x1)):
            if near and x <= column < x + width:
                beyond = np.count_nonzero(sheet.darkness[y0:y1, column] > strong)
                sure = min(sure, _PERHAPS if beyond > _LONG * (y1 - y0) else 1.0)
        sides = (
            (x0 - x <= 1, (slice(y0, y1), slice(x0, x0 + 1))),
            (x + width - x1 <= 1, (slice(y0, y1), slice(x1 - 1, x1))),
            (y0 - y <= 1, (slice(y0, y0 + 1), slice(x0, x1))),
            (y + height - y1 <= 1, (slice(y1 - 1, y1), slice(x0, x1))),
        )
        if any(touches and np.count_nonzero(sheet.labels[side]) > 0.2 * (y1 - y0) for touches, side in sides):
            sure = min(sure, _CUT_OFF)
    return sure
