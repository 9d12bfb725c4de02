"""Runs of characters on a reduced picture, and which of them are figures."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import patches
from pipeline.domain import BoundingBox, Pixels
from pipeline.tables.rulings import ink

Array = NDArray[np.float64]

REDUCED = 12.0
"""Height of the usual table character, in pixels, on the reduced picture that is searched."""
FIGURE = 0.9
"""Height of figures relative to that of Chinese characters, at most."""
DASH = 0.45
"""Marks lower than this, in heights of characters, are dashes."""
FIGURE_HIGHER = 1.2
"""Height of figures relative to the median of all, at most; characters are 1.3 times as high as figures."""
LABEL = 2.5
"""Least width, in heights of characters, of a label beside such a word."""
WORD = 3.6
"""Greatest width, in heights of characters, of a word in place of a figure."""
ON_LINE = 0.45
"""Distance of centres, in heights of characters, up to which a word stands beside a figure."""
CLOSE = 0.55
"""Largest white, in heights of characters, between the lines of one such word."""
NUMBERED = 1.7
"""Largest white, in heights of characters, between the number of a label and its words."""
APART = 0.8
"""White, in heights of characters, around a figure that stands in a column of its own."""
DOWNWARDS = 0.65
"""Least white, in heights of the figures, between those of different rows."""
BETWEEN = 0.4
"""Least distance of what stands between two lines of characters from both, in heights of characters."""
DOT = 0.4
"""Largest side of dots and crossings that are left of rules, in heights of characters."""
THIN_PIECE, TALL_PIECE, GAP, ASIDE, LEAN = 0.3, 0.25, 1.2, 0.2, 0.1
"""Pieces of a worn rule, in heights of characters: most width, least height, widest gap, and by how much the next one
stands aside at most, at once and for each one of the gap."""
WORN, CLOSELY, INKED = 12.0, 1.5, 0.45
"""Least length of such a rule and most length for each of its pieces, in heights of characters: lines of figures are
further apart. Least share of ink: specks along the edge of a sheet have less."""
FEWEST = 3
"""Fewest rows of figures that make a table."""


@dataclass(frozen=True, slots=True)
class Piece(BoundingBox):
    """A run of characters: its box in pixels of the reduced picture.

    ``lead`` is the height of its first character, ``usual`` the median of all; ``core`` that of most, brackets and the
    like left out; ``first`` is the width of what hangs together where it begins. ``value``: a word in place of a
    figure.
    """

    lead: float
    usual: float
    core: float
    first: float
    value: bool = False

    @property
    def x(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def y(self) -> float:
        return (self.y0 + self.y1) / 2


def text_ink(picture: Pixels, scale: float, dots: bool = False) -> Pixels:
    """Ink of the reduced picture without what is left of rules; ``dots``: of these only dots and crossings are left."""
    small: Pixels = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    inked = ink(small)
    length = round(3.0 * REDUCED)
    rules = cv2.bitwise_or(
        cv2.morphologyEx(inked, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)),
        cv2.morphologyEx(inked, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8)),
    )
    inked[cv2.dilate(rules, np.ones((3, 3), np.uint8)) > 0] = 0
    for across in (inked, inked.T):
        labels, stats = patches.label(np.ascontiguousarray(across))
        across[_in_worn_rules(stats)[labels]] = 0
    if dots:
        labels, stats = patches.label(inked)
        tiny = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) <= DOT * REDUCED
        inked[tiny[labels]] = 0
    return inked


def _in_worn_rules(stats: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which patches of ink are pieces of an upright rule, as the frame of a table whose other rules are lost.

    They are thin, stand in line, and follow each other more closely than figures of a column do.
    """
    x, y, width, height = stats[:, :4].T.astype(np.float64)
    thin = np.flatnonzero((width <= THIN_PIECE * REDUCED) & (height >= TALL_PIECE * REDUCED))
    thin = thin[thin > 0]
    order = thin[np.argsort(y[thin], kind="stable")]
    top, end, middle = y[order], (y + height)[order], (x + width / 2)[order]
    tops, middles = top.tolist(), middle.tolist()
    follows = [-1] * len(order)
    for index, (bottom, at) in enumerate(zip(end.tolist(), middles, strict=True)):
        for other in range(bisect_left(tops, bottom - 1.0), bisect_left(tops, bottom + GAP * REDUCED)):
            if abs(middles[other] - at) <= ASIDE * REDUCED + LEAN * (tops[other] - bottom):
                follows[index] = other
                break
    found = np.zeros(len(stats), dtype=bool)
    first = np.setdiff1d(np.arange(len(order)), np.array(follows))
    for index in first.tolist():
        chain = [index]
        while follows[chain[-1]] >= 0:
            chain.append(follows[chain[-1]])
        length = end[chain[-1]] - top[index]
        inked = (end[chain] - top[chain]).sum()
        closely = len(chain) * CLOSELY * REDUCED >= length and inked >= INKED * length
        if closely and length >= WORN * REDUCED:
            found[order[chain]] = True
    return found


def find_pieces(inked: Pixels) -> list[Piece]:
    """Runs of characters, specks left out, the strokes of one character put together."""
    joined = cv2.morphologyEx(inked, cv2.MORPH_CLOSE, np.ones((1, round(0.58 * REDUCED) | 1), np.uint8))
    joined = cv2.morphologyEx(joined, cv2.MORPH_CLOSE, np.ones((3, 1), np.uint8))
    _, stats = patches.label(joined)
    boxes = stats[1:, :4].astype(np.float64)
    boxes[:, 2:] += boxes[:, :2]
    size = boxes[:, 2:] - boxes[:, :2]
    boxes = boxes[(size.max(axis=1) >= 0.28 * REDUCED) & (size[:, 1] <= 4.0 * REDUCED)]
    boxes = boxes[~_between_lines(boxes)]
    found = []
    for box in _whole(boxes):
        x0, y0, x1, y1 = map(float, box)
        found.append(Piece(x0, y0, x1, y1, *_heights(inked, box)))
    return found


def _between_lines(boxes: Array) -> NDArray[np.bool_]:
    """Which boxes are low and stand where no line of characters is, as the remains of rules do; dashes stand on one."""
    height, middle = boxes[:, 3] - boxes[:, 1], (boxes[:, 1] + boxes[:, 3]) / 2
    high = boxes[height >= 0.6 * REDUCED]
    on_line = (high[:, 1] - BETWEEN * REDUCED <= middle[:, None]) & (middle[:, None] <= high[:, 3] + BETWEEN * REDUCED)
    return np.asarray((height <= 0.3 * REDUCED) & ~on_line.any(axis=1))


def _whole(boxes: Array) -> Array:
    """Boxes with low ones merged into what they stand close above or below."""
    order = np.argsort(boxes[:, 3] - boxes[:, 1])
    boxes = boxes[order]
    kept = np.ones(len(boxes), dtype=bool)
    for index in np.flatnonzero(boxes[:, 3] - boxes[:, 1] < 0.65 * REDUCED):
        x0, y0, x1, y1 = boxes[index]
        shared = np.minimum(boxes[:, 2], x1) - np.maximum(boxes[:, 0], x0)
        gap = np.maximum(boxes[:, 1], y0) - np.minimum(boxes[:, 3], y1)
        union = np.maximum(boxes[:, 3], y1) - np.minimum(boxes[:, 1], y0)
        near = (shared > 0.5 * (x1 - x0)) & (gap <= 0.2 * REDUCED) & (union <= 1.35 * REDUCED) & kept
        near[index] = False
        if near.any():
            other = int(np.flatnonzero(near)[np.argmin(gap[near])])
            boxes[other, :2] = np.minimum(boxes[other, :2], (x0, y0))
            boxes[other, 2:] = np.maximum(boxes[other, 2:], (x1, y1))
            kept[index] = False
    return boxes[kept]


def _heights(inked: Pixels, box: Array) -> tuple[float, float, float, float]:
    """Heights of the first character and of most, which tell figures from Chinese characters, and of the line's body.

    Last how wide the first patch is.
    """
    x0, y0, x1, y1 = box.astype(int)
    window = inked[y0:y1, x0:x1]
    step = round(0.9 * REDUCED)
    heights = [_height(window[:, start : start + step]) for start in range(0, window.shape[1], step)]
    profile = np.count_nonzero(window, axis=1)
    body = np.count_nonzero(profile >= 0.25 * profile.mean())
    white = np.flatnonzero(~window[:, 1:].any(axis=0))
    width = white[0] + 1 if len(white) else window.shape[1]
    return heights[0], float(np.median(heights)), float(body), float(width)


def _height(window: Pixels) -> float:
    rows = np.flatnonzero(window.any(axis=1))
    return float(rows[-1] - rows[0] + 1) if len(rows) else 0.0


def character_height(pieces: Sequence[Piece], default: float = REDUCED) -> float:
    """Height of the characters of labels: the median of words with something short well beside them.

    Words count by their width, since figures stand beside each other, too, and of labels that wrap around the height
    of their figures only one line of three does.
    """
    boxes = np.array([(p.x0, p.x1, p.y, p.height) for p in pieces]).reshape(-1, 4)
    width = boxes[:, 1] - boxes[:, 0]
    short = boxes[width < 3.2 * REDUCED]
    beside = []
    for x0, x1, y, height in boxes[width > 1.6 * boxes[:, 3]]:
        gap = np.maximum(short[:, 0] - x1, x0 - short[:, 1])
        if ((np.abs(short[:, 2] - y) < 0.9 * height) & (gap > height)).any():
            beside.append((height, x1 - x0))
    words = boxes[width > 1.4 * boxes[:, 3]]
    for sample in (np.array(beside).reshape(-1, 2), np.column_stack([words[:, 3], words[:, 1] - words[:, 0]])):
        high = sample[sample[:, 0] > 0.6 * REDUCED]
        if len(high) > FEWEST:
            high = high[np.argsort(high[:, 0])]
            return float(high[np.searchsorted(np.cumsum(high[:, 1]), high[:, 1].sum() / 2), 0])
    return default


def _is_figure(piece: Piece, unit: float) -> bool:
    """Whether a piece begins with a digit or is a mark: lower than Chinese characters, or narrow."""
    low = piece.lead <= (FIGURE * unit + 0.5 if piece.first <= 0.72 * unit else 0.8 * unit)
    low = low and piece.lead >= 0.35 * unit and piece.width <= 7.0 * unit
    slash = piece.width <= 0.5 * unit and piece.height <= 1.2 * unit
    dash = piece.height <= 0.3 * unit and piece.width <= 2.5 * unit
    return low or slash or dash


def find_figures(pieces: Sequence[Piece], unit: float) -> list[Piece]:
    """Figures that stand alone: nothing beside them on their line for the width of a column's white.

    Words that follow at little more than that make a figure the number of a label. What stands close above or below
    something of its width is written downwards.
    """
    if not pieces:
        return []
    boxes = np.array([(p.x0, p.x1, p.y, p.y0, p.y1) for p in pieces])
    like = np.array([p.value or _is_figure(p, unit) for p in pieces])
    middle, width = (boxes[:, 0] + boxes[:, 1]) / 2, boxes[:, 1] - boxes[:, 0]
    wordy = ~like & (width > 1.5 * unit)
    found = []
    for index in np.flatnonzero(like).tolist():
        piece = pieces[index]
        if piece.value:
            found.append(piece)
            continue
        beside = np.abs(boxes[:, 2] - piece.y) < 0.6 * unit
        gap = np.maximum(boxes[:, 0] - piece.x1, piece.x0 - boxes[:, 1])
        numbers = beside & wordy & (boxes[:, 0] > piece.x1) & (gap < NUMBERED * unit)
        if np.count_nonzero(beside & (gap < APART * unit)) != 1 or numbers.any():
            continue
        white = np.maximum(boxes[:, 3] - piece.y1, piece.y0 - boxes[:, 4])
        # Digits are narrower than other characters, and rows no closer than lines.
        close = DOWNWARDS if piece.first > 0.72 * unit else 0.6 * DOWNWARDS
        below = np.abs(middle - piece.x) < 0.5 * unit
        below &= (width < 1.6 * unit) & (white > -piece.height) & (white < close * piece.height)
        if not below.any():
            found.append(piece)
    return _of_one_height(found, unit)


def _of_one_height(figures: Sequence[Piece], unit: float) -> list[Piece]:
    """Figures without the words that are low only where they begin, as numbered labels are."""
    heights = [p.usual for p in figures if p.height > DASH * unit]
    most = FIGURE_HIGHER * float(np.median(heights)) + 0.5 if len(heights) >= FEWEST else np.inf
    return [p for p in figures if p.value or p.width <= unit or p.usual <= most]


def with_words(pieces: Sequence[Piece], unit: float) -> list[Piece]:
    """Pieces, with short words that stand in place of figures, such as 不适用, marked as values, each as one piece.

    They stand alone between the columns of figures, beside a figure or below and like a word that does. Their lines
    may be two.
    """
    figures = find_figures(pieces, unit)
    columns = [(x0, x1) for x0, x1, count in clusters(figures, 0.5 * unit) if count >= 2]
    if not columns:
        return list(pieces)
    left, right = columns[0][0], columns[-1][1]
    taken = {id(p) for p in figures}
    short = [p for p in pieces if id(p) not in taken and 0.8 * unit <= p.width <= WORD * unit and p.height > 0.6 * unit]
    boxes = np.array([(p.x0, p.x1, p.y0, p.y1) for p in pieces]).reshape(-1, 4)
    stacks = []
    for stack in _stacks(short, unit):
        word = union(stack)
        level = (boxes[:, 2] < word.y1) & (boxes[:, 3] > word.y0)
        near = np.maximum(boxes[:, 0] - word.x1, word.x0 - boxes[:, 1]) < APART * unit
        labels = level & (boxes[:, 1] < word.x0) & (boxes[:, 1] - boxes[:, 0] > LABEL * unit)
        # Units stand beside figures as well, and are shorter.
        long = word.width > 1.6 * unit or len(stack) > 1
        alone = np.count_nonzero(level & near) == len(stack)
        if alone and long and labels.any() and left < word.x1 and word.x0 < right:
            stacks.append((word, stack))
    beside = [w for w, _ in stacks if any(abs(f.y - w.y) < ON_LINE * unit for f in figures)]
    found = [
        (word, stack)
        for word, stack in stacks
        if any(
            w.y < word.y + ON_LINE * unit and abs(w.width - word.width) + abs(w.height - word.height) < 0.35 * unit
            for w in beside
        )
    ]
    parts = {id(p) for _, stack in found for p in stack}
    return [*(p for p in pieces if id(p) not in parts), *(replace(word, value=True) for word, _ in found)]


def _stacks(short: Sequence[Piece], unit: float) -> list[list[Piece]]:
    """Lines of one word that stand centred and close below each other, top to bottom."""
    stacks: list[list[Piece]] = []
    for piece in sorted(short, key=lambda p: p.y):
        for stack in stacks:
            if abs(stack[-1].x - piece.x) < 0.35 * unit and piece.y0 - stack[-1].y1 < CLOSE * unit:
                stack.append(piece)
                break
        else:
            stacks.append([piece])
    return stacks


def clusters(pieces: Sequence[Piece], gap: float) -> list[tuple[float, float, int]]:
    """Intervals along x that pieces cover, those closer than ``gap`` as one, with the number of pieces in each."""
    found: list[tuple[float, float, int]] = []
    for piece in sorted(pieces, key=lambda p: p.x0):
        if found and piece.x0 <= found[-1][1] + gap:
            x0, x1, count = found[-1]
            found[-1] = (x0, max(x1, piece.x1), count + 1)
        else:
            found.append((piece.x0, piece.x1, 1))
    return found


def runs(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces that go on with no more than a character's white, as sentences do, left to right."""
    runs: list[list[Piece]] = []
    # Commas and dots stand lower than the line they belong to.
    least = 0.5 * float(np.median([p.height for p in pieces] or [0.0]))
    for piece in sorted((p for p in pieces if p.height >= least), key=lambda p: p.x0):
        for run in runs:
            last = run[-1]
            high = max(last.height, piece.height)
            long = max(last.x1 - run[0].x0, piece.width) > 2.5 * high
            if long and abs(last.y - piece.y) < 0.4 * high and -high < piece.x0 - last.x1 < 1.2 * high:
                run.append(piece)
                break
        else:
            runs.append([piece])
    return runs


def union(pieces: Sequence[Piece]) -> Piece:
    """Pieces as one, of the kind of the first."""
    x0, y0 = min(p.x0 for p in pieces), min(p.y0 for p in pieces)
    return replace(pieces[0], x0=x0, y0=y0, x1=max(p.x1 for p in pieces), y1=max(p.y1 for p in pieces))


def text_lines(pieces: Sequence[Piece], unit: float) -> list[list[Piece]]:
    """Pieces grouped by height, top to bottom."""
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: p.y):
        if lines and piece.y - np.mean([p.y for p in lines[-1]]) < 0.5 * unit:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return lines
