"""The fast numeral reader: a table's value cells at once, a few dozen microseconds each.

Ink is cut into glyphs by connectedness, each glyph scaled to a small grey picture and classified together
with its proportions by a small perceptron. What is no numeral (Chinese characters, seal strokes, dirt)
has a class of its own, so that a doubtful cell shows as one and can go to a text engine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import model_store
from pipeline.domain import Alternative, Pixels, Reading
from pipeline.errors import ModelError
from pipeline.ocr import pictures
from pipeline.ocr.crops import (
    PRINT,
    STRONG_INK,
    Ink,
    Sheet,
    blank_odds,
    inks_of,
    lay_out,
    lay_out_again,
    without_broad_strokes,
)
from pipeline.ocr.glyphs import (
    SHAPES,
    SIDE,
    Boxes,
    Floats,
    Glyphs,
    cuts,
    cuts_after_sign,
    describe,
    find_glyphs,
    line_of,
)
from pipeline.ocr.traces import with_traces

MODEL = "numeral_reader"
NAME = "numerals"
CLASSES = (*"0123456789.,+-—/()", "reject")
FORMAT = 1

_REJECT = CLASSES.index("reject")
_POINT = CLASSES.index(".")
_SLASH = CLASSES.index("/")
_DASHES = [CLASSES.index("-"), CLASSES.index("—")]
_WELL_FORMED = re.compile(r"[+\-—]{0,2}\d+([.,]\d+)*|\(\d+\)|[/\-—]|——|--|")
# A text that is no numeral as people write them is at most this likely, whatever its glyphs look like.
_MALFORMED = 0.5
_DOUBTFUL = 0.9
_IMPOSSIBLE = 1e-6  # a text less probable is none
_BEAM = 8
_MIRRORED = 0.98
_STRAY_AMONG_NUMERALS = 0.1  # odds of a stray stroke there, relative to the odds anywhere
_MOST_GLYPHS = 16  # more are words; the longest amounts have 13
# What stands where a point does and looks like nothing known is one, most likely; the distance of the digits beside it,
# in terms of the usual one.
_POINT_SHARE, _POINT_STEP = 0.9, 1.25
_LOWEST = 0.45  # height of a digit as a share of that of the tallest glyph
_MOST_SUSPECTS = 3  # glyphs of a cell that may be digits grown together; more are Chinese characters
_WIDEST, _WIDEST_ONE = 0.95, 0.75  # width of a digit and of a 1, as a share of its height
# A digit is wider than others of its sheet by no more than this factor and these pixels; so many tell what is usual.
_WIDER, _BLUR, _USUAL = 1.2, 1.5, 5
# A piece that is so probable a dash before a digit is one; so is a longer one, whatever it looks like.
_LIKE_DASH, _LONG_DASH = 0.1, 0.3
_CUT = 0.997  # how much less sure each piece of a glyph is for having been cut
_MARGIN = 14  # pixels of paper around print
_SHRINK = 4  # words are told from numerals on means of this many pixels squared

_NO_NUMERAL = Reading((Alternative("", 0.0),), NAME)


class _Seen(NamedTuple):
    """What one look at a crop shows; whether it holds too many glyphs for a numeral, and whether one was cut."""

    reading: Reading
    wordy: bool
    joined: bool


@dataclass(frozen=True, slots=True, eq=False)
class NumeralReader:
    """The classifier's weights; each layer is (matrix, offset)."""

    name: ClassVar[str] = NAME

    layers: tuple[tuple[Floats, Floats], ...]
    temperature: float
    identity: str

    @classmethod
    def load(cls) -> NumeralReader:
        """Load the model in use.

        Raises:
            ModelError: it is missing, damaged or of another format.
        """
        return cls.load_from(model_store.current(MODEL))

    @classmethod
    def load_from(cls, folder: Path) -> NumeralReader:
        """Load one model folder: ``manifest.json`` and ``model.npz``, checked against each other.

        Raises:
            ModelError: it is missing, damaged or of another format.
        """
        manifest = model_store.read_json(folder / "manifest.json")
        try:
            if manifest["format"] != FORMAT or tuple(manifest["classes"]) != CLASSES:
                raise ModelError(f"The numeral reader in {folder} is of another format", model_store.ADVICE)
            sizes = [SIDE * SIDE + SHAPES, *map(int, manifest["hidden"]), len(CLASSES)]
            temperature = float(manifest["temperature"])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ModelError(f"{folder / 'manifest.json'} is damaged ({error})", model_store.ADVICE) from error
        content = model_store.read_verified(folder / "model.npz", manifest.get("sha256"))
        shapes: dict[str, tuple[int, ...]] = {f"matrix{i}": pair for i, pair in enumerate(pairwise(sizes))}
        shapes |= {f"offset{i}": (size,) for i, size in enumerate(sizes[1:])}
        arrays = model_store.read_arrays(content, shapes, folder / "model.npz")
        layers = tuple((arrays[f"matrix{i}"], arrays[f"offset{i}"]) for i in range(len(sizes) - 1))
        return cls(layers, temperature, folder.name)

    def version(self) -> str:
        """Name of the model."""
        return f"{NAME} {self.identity}"

    def read(self, crops: Sequence[Pixels]) -> list[Reading]:
        """Read value cells, grey (h, w), dark on light.

        Returns:
            One reading per crop; the probabilities sum to at most 1, the remainder is the probability that
            the cell holds something other than a numeral or nothing.
        """
        readings = [_NO_NUMERAL] * len(crops)
        parts = {index: part for index, crop in enumerate(crops) if (part := glance(crop)) is not None}
        for index, found in zip(parts, self._read_parts(list(parts.values())), strict=True):
            readings[index] = found
        return readings

    def _read_parts(self, crops: Sequence[Pixels]) -> list[Reading]:
        """The readings of crops, each around its print, after as many looks as they need."""
        if not crops:
            return []
        sheet = lay_out(crops)
        looked = self._look(crops, sheet, range(len(crops)))
        best = [seen.reading for seen in looked]
        doubtful = [i for i, seen in enumerate(looked) if not seen.wordy and (_is_doubtful(best[i]) or seen.joined)]
        every = dict(zip(doubtful, inks_of(sheet, crops, doubtful), strict=True))
        # Strokes of seals and watermarks join up with the print; what they leave in doubt is looked at without them.
        strong = lay_out_again(sheet, crops, doubtful, STRONG_INK)
        looked = self._look(crops, strong, doubtful)
        better = {
            i: seen.reading for i, seen in zip(doubtful, looked, strict=True) if _is_better(seen.reading, best[i])
        }
        for (i, read), kept in zip(better.items(), inks_of(strong, crops, better), strict=True):
            hidden = pictures.hides_digit(every[i].mask, kept.mask)
            best[i] = _better(best[i], read, pictures.perhaps(read) if hidden else read)
        doubtful = [i for i, seen in zip(doubtful, looked, strict=True) if not seen.wordy and _is_doubtful(best[i])]
        self._look_softly(best, {i: crops[i] for i in doubtful if pictures.is_grainy(every[i])})
        self._look_at_print(best, {i: crops[i] for i in doubtful}, every)
        return best

    def _look_softly(self, best: list[Reading], crops: Mapping[int, Pixels]) -> None:
        """Look at crops by their number with less grain, and put what is better among the ``best`` readings."""
        if crops:
            soft = [pictures.smooth(crop, pictures.SMOOTHINGS[0]) for crop in crops.values()]
            for i, seen in zip(crops, self._look(soft, lay_out(soft), range(len(soft))), strict=True):
                if _is_better(seen.reading, best[i]):
                    best[i] = seen.reading

    def _look_at_print(self, best: list[Reading], crops: Mapping[int, Pixels], every: Mapping[int, Ink]) -> None:
        """Look at the print alone, without broad strokes and pale ones; as ``_look_softly``.

        Args:
            every: all ink of the same crops.
        """
        alone = {i: part for i, crop in crops.items() if (part := without_broad_strokes(crop)) is not None}
        if not alone:
            return
        prints = list(alone.values())
        sheet = lay_out(prints, PRINT)
        looked = zip(alone, self._look(prints, sheet, range(len(prints))), strict=True)
        better = [
            (place, i, seen.reading) for place, (i, seen) in enumerate(looked) if _is_better(seen.reading, best[i])
        ]
        inks = inks_of(sheet, prints, [place for place, _, _ in better])
        for (_, i, read), kept in zip(better, inks, strict=True):
            best[i] = _better(best[i], read, pictures.left_of_print(read, every[i].mask, kept.mask))

    def _look(self, crops: Sequence[Pixels], sheet: Sheet, chosen: Sequence[int]) -> list[_Seen]:
        """What is seen in some of the crops of a sheet, by their number, where there is nothing in the others."""
        wordy = np.bincount(sheet.pieces[:, 1], minlength=len(crops)) > _MOST_GLYPHS
        glyphs = find_glyphs(sheet, crops, ~wordy)
        probabilities = self.classify(glyphs.pictures, glyphs.shapes)
        glyphs, probabilities, doubt = self._split_touching(sheet, glyphs, probabilities)
        probabilities = _by_place(probabilities, glyphs)
        first = np.searchsorted(glyphs.crop, np.arange(len(crops) + 1))
        ink = np.zeros((len(crops), 2))
        np.add.at(ink, sheet.pieces[:, 1], sheet.weight)
        joined = np.zeros(len(crops), dtype=np.bool_)
        joined[glyphs.crop[doubt < 1.0]] = True
        backslash = self._backslash(glyphs, probabilities, np.diff(first) == 1)
        probabilities = _in_company(probabilities, glyphs.crop)
        legible = _are_legible(probabilities, doubt, glyphs.crop, len(crops))
        found = []
        for index in chosen:
            if wordy[index]:
                found.append(_Seen(_NO_NUMERAL, True, False))
                continue
            rows = slice(int(first[index]), int(first[index + 1]))
            noise = float(sheet.noise[index])
            blank = blank_odds(int(ink[index, 0]), float(ink[index, 1]) * noise, noise)
            texts: list[tuple[str, float]] = []
            if legible[index]:
                texts = _texts(probabilities[rows], glyphs.boxes[rows], doubt[rows])
                texts = with_traces(texts, sheet, glyphs.boxes[rows], index, crops[index])
            if backslash[index] > 0.0:
                texts.append(("\\", float(backslash[index])))
            read = [Alternative(text, probability * (1.0 - blank)) for text, probability in texts]
            if read and rows.stop - rows.start == 1:
                x0, y0, x1, y1 = glyphs.boxes[rows.start].tolist()
                stroke = sheet.labels[y0:y1, x0:x1] > 0
                read = pictures.without_strokes_of_seals(read, stroke, crops[index].shape)
            read.append(Alternative("", blank))
            found.append(_Seen(pictures.reading(read, NAME), False, bool(joined[index])))
        return found

    def _backslash(
        self, glyphs: Glyphs, probabilities: NDArray[np.float64], lone: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Probability that a crop holds a backslash, which some print for nothing: what is a slash in a mirror.

        Args:
            glyphs: with their ``probabilities``; a backslash is none of the classes.
            lone: the crops that hold one glyph, shape (n,).
        """
        found = np.zeros(len(lone))
        rows = np.flatnonzero(lone[glyphs.crop] & (probabilities.argmax(axis=1) == _REJECT))
        mirrored = glyphs.pictures[rows].reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(-1, SIDE * SIDE)
        seen = self.classify(mirrored, glyphs.shapes[rows])[:, _SLASH]
        # Never so sure that nobody else is asked: the classifier has not learned strokes that lean this way.
        found[glyphs.crop[rows]] = np.minimum(probabilities[rows, _REJECT] * seen, _MIRRORED)
        return found

    def classify(self, images: Pixels, shapes: Floats) -> NDArray[np.float64]:
        """Probability of each class for each glyph, shape (n, len(CLASSES))."""
        values = features(images, shapes)
        for number, (matrix, offset) in enumerate(self.layers):
            values = values @ matrix + offset
            if number < len(self.layers) - 1:
                values = np.maximum(values, 0.0)
        scores = values.astype(np.float64) / self.temperature
        scores = np.exp(scores - scores.max(axis=1, keepdims=True)) if len(scores) else scores
        result: NDArray[np.float64] = scores / scores.sum(axis=1, keepdims=True)
        return result

    def _split_touching(
        self, sheet: Sheet, glyphs: Glyphs, probabilities: NDArray[np.float64]
    ) -> tuple[Glyphs, NDArray[np.float64], NDArray[np.float64]]:
        """Cut wide glyphs that look like nothing into two to four digits, where these look like something.

        The first glyph of a crop may be a dash and digits.

        Returns:
            Glyphs, their probabilities, and the factor by which each is less sure for having been cut.
        """
        sizes = glyphs.boxes[:, 2:] - glyphs.boxes[:, :2]
        certain = np.ones(len(sizes))
        wide = _too_wide(sizes, probabilities)
        probabilities = probabilities.copy()
        probabilities[wide, :_REJECT] *= _MALFORMED
        probabilities[wide, _REJECT] = 1.0 - probabilities[wide, :_REJECT].sum(axis=1)
        suspects = np.flatnonzero(
            (probabilities[:, :_REJECT].max(axis=1, initial=0.0) < _DOUBTFUL)
            & (wide | (sizes[:, 0] > 0.75 * sizes[:, 1]))
            & (sizes[:, 0] < 4.0 * sizes[:, 1])
            & (sizes[:, 1] >= 7)
        )
        of_crop = np.bincount(glyphs.crop[suspects], minlength=1)
        suspects = suspects[of_crop[glyphs.crop[suspects]] <= _MOST_SUSPECTS]
        proposals: list[tuple[int, Boxes, bool]] = []
        for index in suspects.tolist():
            proposals += [(index, cut, False) for cut in cuts(sheet, glyphs.boxes[index])]
        leading = np.flatnonzero(np.diff(glyphs.crop, prepend=-1))
        # A nought that is not too wide is no dash and a digit, and most cells hold one.
        likeliest = probabilities[leading, :_REJECT].argmax(axis=1)
        signed_perhaps = ((likeliest > 0) & (likeliest < 10)) | wide[leading]
        for index in leading[signed_perhaps & (sizes[leading, 1] >= 7)].tolist():
            contrast = float(sheet.contrast[glyphs.crop[index]])
            proposals += [(index, cut, True) for cut in cuts_after_sign(sheet, glyphs.boxes[index], contrast)]
        if not proposals:
            return glyphs, probabilities, certain
        boxes = np.concatenate([cut for _, cut, _ in proposals])
        owners = np.concatenate([np.full(len(cut), glyphs.crop[index]) for index, cut, _ in proposals])
        # The place in the line is judged among the neighbours the pieces will have.
        lines = line_of(glyphs)
        pieces = describe(sheet, boxes, owners, lines)
        found = self.classify(pieces.pictures, pieces.shapes)
        digits = found[:, :10].max(axis=1).tolist()
        whole = probabilities[:, :_REJECT].max(axis=1).tolist()
        best: dict[int, tuple[float, slice]] = {}
        start = 0
        for index, cut, signed in proposals:
            rows = slice(start, start + len(cut))
            start += len(cut)
            if signed:
                length = float(cut[0, 2] - cut[0, 0]) / float(sizes[index, 1])
                # Preferred to digits, since it leaves a doubt.
                worth = 1.0 + _worth_of_sign(found[rows], length)
                least = 1.0
            else:
                worth = math.prod(digits[rows])
                least = max(_MALFORMED, whole[index])
            if worth > max(best.get(index, (least, rows))[0], least):
                best[index] = (worth, rows)
        factors = np.full(len(boxes), _CUT)
        for index, (worth, rows) in best.items():
            if worth > 1.0:
                found[rows.start] = _as_dash(found[rows.start])
                # A 4 of few dots may look like a dash and a 1.
                if whole[index] > _DOUBTFUL:
                    factors[rows.start] = _MALFORMED
        if not best:
            return glyphs, probabilities, certain
        kept = np.array([index for index in range(len(sizes)) if index not in best], dtype=np.intp)
        chosen = np.concatenate([np.arange(rows.start, rows.stop) for _, rows in best.values()])
        boxes = np.concatenate([glyphs.boxes[kept], boxes[chosen]])
        crop = np.concatenate([glyphs.crop[kept], owners[chosen]])
        order = np.lexsort((boxes[:, 0], crop))
        merged = Glyphs(
            boxes[order],
            crop[order],
            np.concatenate([glyphs.pictures[kept], pieces.pictures[chosen]])[order],
            np.concatenate([glyphs.shapes[kept], pieces.shapes[chosen]])[order],
        )
        doubt = np.concatenate([np.ones(len(kept)), factors[chosen]])[order]
        return merged, np.concatenate([probabilities[kept], found[chosen]])[order], doubt


def _is_doubtful(reading: Reading) -> bool:
    return reading.probability < _DOUBTFUL


def _better(before: Reading, seen: Reading, judged: Reading) -> Reading:
    """Of the reading before and a better one that was ``judged``, the one that is better all the same."""
    return judged if judged.probability > before.probability or _is_pointed(seen, before) else before


def _is_better(reading: Reading, before: Reading) -> bool:
    """Whether a reading is surer than the one before it, or has the point that it lacks."""
    return (reading.text != "" and reading.probability > before.probability) or _is_pointed(reading, before)


def _is_pointed(reading: Reading, before: Reading) -> bool:
    """Whether a reading has a point that the one before lacks: the blur that joins digits hides it."""
    return reading.probability > _MALFORMED and reading.text.replace(".", "", 1) == before.text != reading.text


def features(images: Pixels, shapes: Floats) -> Floats:
    """What the classifier sees: grey values 0 to 1 and the proportions, shape (n, SIDE² + SHAPES)."""
    return np.concatenate([images.astype(np.float32) / 255.0, shapes.astype(np.float32)], axis=1)


def glance(crop: Pixels) -> Pixels | None:
    """The part of a crop around its print, or None where it holds more than any numeral does.

    Words are a line of many characters, or several lines of some. Said in a few microseconds and only where it
    is plain: words that are overlooked are found out glyph by glyph, and a crop whose print is faint stays whole.
    """
    height, width = crop.shape[0] // _SHRINK, crop.shape[1] // _SHRINK
    if height < 5 or width < 5:
        return crop
    small = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
    inner = small[1:-1, 1:-1]
    ranks = int(0.02 * inner.size), int(0.85 * inner.size)
    darkest, paper = np.partition(inner, ranks, axis=None)[list(ranks)].tolist()
    if paper - darkest < 25:
        return crop
    if _is_wordy(inner < math.ceil(paper - 0.35 * (paper - darkest))):
        return None
    # The margin holds paper enough to know its noise by, and points and commas too small to show here.
    traces = small < math.ceil(paper - max(8.0, 0.12 * (paper - darkest)))
    x, y, wide, high = cv2.boundingRect(traces.view(np.uint8))
    top, left = max(0, y * _SHRINK - _MARGIN), max(0, x * _SHRINK - _MARGIN)
    return crop[top : (y + high) * _SHRINK + _MARGIN, left : (x + wide) * _SHRINK + _MARGIN]


def _is_wordy(inked: NDArray[np.bool_]) -> bool:
    rows: list[int] = inked.sum(axis=1).tolist()
    lines = [tuple(line) for is_line, line in groupby(rows, bool) if is_line]
    tall = max(map(len, lines), default=0)
    if tall < 3:
        return False
    areas = [sum(line) for line in lines]
    full = sum(len(line) >= 0.6 * tall and area > 1.6 * tall * tall for line, area in zip(lines, areas, strict=True))
    return full > 1 or max(areas) > 7.0 * tall * tall


def _too_wide(sizes: Boxes, probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which glyphs that look like a digit are too wide for one: two that touch, or a dash and a digit.

    No digit is as wide as high, least of all a 1. Those of one typeface are all about as wide, so that the others of
    the sheet tell more.
    """
    digit = probabilities.argmax(axis=1)
    width, height = sizes[:, 0], sizes[:, 1]
    widest = np.where(digit == 1, _WIDEST_ONE, _WIDEST) * height
    sure = (digit < 10) & (digit != 1) & (probabilities.max(axis=1) > _DOUBTFUL) & (height >= 7)
    if np.count_nonzero(sure) >= _USUAL:
        usual = float(np.median(width[sure] / height[sure]))
        widest = np.minimum(widest, _WIDER * usual * height + _BLUR)
    wide: NDArray[np.bool_] = (digit < 10) & (width > widest) & (height >= 7)
    return wide


def _worth_of_sign(pieces: NDArray[np.float64], length: float) -> float:
    """How well a dash of a length, as a share of the height, and digits explain a glyph; 0 where they do not.

    The tip of a 4 looks like a dash that touches a 4 or a 1, but it is short.
    """
    digits = pieces[1:, :10]
    dash, best = float(pieces[0, _DASHES].sum()), float(np.prod(digits.max(axis=1)))
    other = len(digits) == 1 and best >= _MALFORMED and int(digits.argmax()) not in (1, 4)
    return max(dash, _MALFORMED) * best if dash * best >= _LIKE_DASH or length >= _LONG_DASH or other else 0.0


def _as_dash(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probabilities of a piece that is a dash at least as likely as not."""
    dash = float(probabilities[_DASHES].sum())
    if dash >= _MALFORMED:
        return probabilities
    weighed = probabilities * (1.0 - _MALFORMED) / (1.0 - dash)
    weighed[_DASHES] = 0.0
    weighed[_DASHES[0]] = _MALFORMED
    return weighed


def _by_place(probabilities: NDArray[np.float64], glyphs: Glyphs) -> NDArray[np.float64]:
    """No glyph much lower than another one of its crop is a digit; one that stands where a point does is a point."""
    sizes = glyphs.boxes[:, 2:] - glyphs.boxes[:, :2]
    tallest = np.zeros(int(glyphs.crop.max(initial=-1)) + 1)
    np.maximum.at(tallest, glyphs.crop, sizes[:, 1])
    low = sizes[:, 1] < _LOWEST * tallest[glyphs.crop]
    result = probabilities.copy()
    result[low, :10] = 0.0
    rest = result[low].sum(axis=1, keepdims=True)
    # What looks like nothing but a digit is part of something else.
    result[low] = np.where(rest > _MALFORMED, result[low] / np.maximum(rest, 1e-9), result[low])
    result[low, _REJECT] += 1.0 - result[low].sum(axis=1)
    for index in np.flatnonzero(low).tolist():
        if _is_point(glyphs, low, index):
            result[index, _POINT] += _POINT_SHARE * result[index, _REJECT]
            result[index, _REJECT] *= 1.0 - _POINT_SHARE
    return result


def _is_point(glyphs: Glyphs, low: NDArray[np.bool_], index: int) -> bool:
    """Whether a low glyph stands at the foot of a gap that is wider than those between the digits of its crop."""
    rows = np.flatnonzero((glyphs.crop == glyphs.crop[index]) & ~low)
    place = int(np.searchsorted(rows, index))
    if not 0 < place < len(rows):
        return False
    x0, y0, x1, y1 = glyphs.boxes[index].tolist()
    boxes = glyphs.boxes[rows]
    before, after = boxes[place - 1], boxes[place]
    tall = float(before[3] - before[1])
    if y1 - y0 > 0.3 * tall or x1 - x0 > 0.35 * tall or abs(y1 - float(before[3])) > 0.12 * tall:
        return False
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    steps = np.diff(middles)
    step = float(steps[place - 1])
    # Digits that grew together tell nothing of the distance between two.
    single = boxes[:, 2] - boxes[:, 0] < tall
    others = [float(steps[i]) for i in range(len(steps)) if i != place - 1 and single[i] and single[i + 1]]
    usual = float(np.median(others)) if others else 0.0
    usual = usual or (before[2] - before[0] + after[2] - after[0]) / 2 + 0.1 * tall
    return bool(single[place - 1] and single[place] and step >= _POINT_STEP * usual)


def _in_company(probabilities: NDArray[np.float64], crop: NDArray[np.intp]) -> NDArray[np.float64]:
    """Among glyphs that all look like a numeral's, one that could be a stray stroke is rather a numeral's too.

    Args:
        crop: of each glyph, ascending, shape (n,).
    """
    count = np.bincount(crop)
    worst = np.ones(len(count))
    np.minimum.at(worst, crop, probabilities[:, :_REJECT].max(axis=1, initial=0.0))
    among = ((count >= 2) & (worst >= 0.5))[crop]
    weighed = probabilities.copy()
    weighed[among, _REJECT] *= _STRAY_AMONG_NUMERALS
    weighed[among] /= weighed[among].sum(axis=1, keepdims=True)
    return weighed


def _are_legible(
    probabilities: NDArray[np.float64], doubt: NDArray[np.float64], crop: NDArray[np.intp], crops: int
) -> NDArray[np.bool_]:
    """Which crops hold glyphs that make a text of any probability; arguments as for ``_texts``, of all crops."""
    likeliest = np.zeros(crops)
    likeliest[crop] = 1.0
    np.multiply.at(likeliest, crop, probabilities[:, :_REJECT].max(axis=1, initial=0.0) * doubt)
    # The product is rounded in another order there.
    legible: NDArray[np.bool_] = likeliest > 0.5 * _IMPOSSIBLE
    return legible


def _texts(probabilities: NDArray[np.float64], boxes: Boxes, doubt: NDArray[np.float64]) -> list[tuple[str, float]]:
    """Most probable texts of one crop: products over its glyphs, less where the text or the spacing is odd."""
    beams = [("", 1.0)]
    ranks = np.argsort(-probabilities, axis=1, kind="stable")[:, :4].tolist()
    for row, rank, factor in zip(probabilities.tolist(), ranks, doubt.tolist(), strict=True):
        likely = [(CLASSES[index], row[index]) for index in rank if index != _REJECT]
        grown = [(text + sign, p * share * factor) for text, p in beams for sign, share in likely]
        beams = sorted(grown, key=lambda item: (-item[1], item[0]))[:_BEAM]
    edges = boxes.tolist()
    if len(edges) == 1:
        beams = _one_dash(beams)
    height = max(bottom - top for _, top, _, bottom in edges)
    gap = max((after[0] - before[2] for before, after in pairwise(edges)), default=0)
    spacing = _MALFORMED if gap > 1.3 * max(height, 8.0) else 1.0
    return [(t, p * spacing * (1.0 if _WELL_FORMED.fullmatch(t) else _MALFORMED)) for t, p in beams if p > _IMPOSSIBLE]


def _one_dash(texts: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """A dash and a hyphen that stand alone mean the same: the likelier one stands for both."""
    dashes = [(text, probability) for text, probability in texts if text in ("-", "—")]
    if len(dashes) < 2:
        return texts
    both = (dashes[0][0], sum(probability for _, probability in dashes))
    return sorted([both, *(item for item in texts if item not in dashes)], key=lambda item: (-item[1], item[0]))
