"""Rules of a page: where thin dark lines run, traced as slowly varying curves.

A rule is dark, thin across and long along. Per pixel the darkness against the surroundings across (a black top-hat) is
averaged along the rule; broken, dotted, grey and hairline rules all survive that, noise and characters do not.
Everything is written for rules along x; rules along y are those of the transposed picture.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import patches
from pipeline.domain import Pixels
from pipeline.levels import percentiles
from pipeline.tables import courses
from pipeline.tables.courses import Courses

FULL = 80.0
"""Darkness against the surroundings, in grey levels, that counts as a full rule at most."""
SHARP, BLURRED = 0.12, 0.5
"""Length along rules over which darkness is averaged before it is measured, in text heights: usual, and faint pages."""
FAINT, FAINTEST = 16.0, 8.0
"""Least darkness of a full rule, in grey levels, of either."""
STANDING_OUT = 4.0
"""Least darkness of rules relative to that of the grain, of which three quarters are less dark."""
LONG = 8.0
"""Rules at least this long, in text heights, tell how dark the rules of a page are."""
GHOST = 0.15
"""Rules fainter than this, relative to the dark ones of their page, may be those of its back."""
LONG_ENOUGH = 1.6
"""Length over which darkness is averaged, in text heights."""
PRESENT = 0.36
"""Average darkness from which a rule is taken to be there."""
CROSSED = (0.15, 0.35)
"""Share of its length at which other ink may run into a rule, for the shortest rules and for those four times as long.

Strokes of text are crossed more often, but do not line up over long stretches.
"""
UNBROKEN = 8.0
"""Ink that runs on so far without a gap is a rule, in text heights, also where figures stand against all of it."""
IN_LINE, LEAN = 0.12, 0.03
"""By how much the ends of pieces in line may differ across, in text heights: at once, and for each one of the gap."""
COURSE = 4.0
"""Length, in text heights, over which the ends of a piece show where it is heading: on curled sheets rules slope."""

THIN, SMALL, LARGE = 0.25, 0.7, 2.5
"""Least short side, least long side and most long side of characters and of several that touch, in text heights."""
DENSE, DENSE_SMALL = 0.18, 0.34
"""Least share of its box that a character fills, and a digit: dashes of two rules that touch fill less."""
DIGIT = 1.1
"""Patches no longer than this, in text heights, must be as dense as digits."""
PAPER = 250
"""Grey level of paper after cleaning."""


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """One traced rule along x: ``y`` (n,) measured at ``x`` (n,), both in pixels, x strictly increasing.

    ``start`` and ``end`` are the x between which ink was seen, on the share ``inked`` of the way; ``solid`` is that
    share when small gaps, as between dots and dashes, are taken for ink. ``dash`` is how far ink runs without a gap:
    half of it in shorter runs, half in longer ones.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    start: float
    end: float
    inked: float
    solid: float
    dash: float

    @property
    def length(self) -> float:
        return self.end - self.start

    @property
    def middle(self) -> float:
        """The median of its heights."""
        # Of so few numbers NumPy takes five times as long.
        return float(median(self.y.tolist()))

    def at(self, x: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Height of the rule at x, kept constant beyond its ends."""
        return np.asarray(np.interp(x, self.x, self.y))


@dataclass(frozen=True, slots=True)
class Sight:
    """How the rules of a page are looked at.

    Attributes:
        full: darkness that counts as that of a full rule, in grey levels above the grain of the paper.
        along: length along rules over which darkness is averaged first, in text heights.
    """

    full: float
    along: float = SHARP


def darkness(picture: Pixels, text_height: float, sight: Sight) -> Pixels:
    """How much darker than its surroundings above and below each pixel is, 0 to 255 for none to a full rule.

    Only ink thinner than a fifth of the text height counts, double rules included.
    """
    return scaled(thin_ink(picture, text_height, sight.along), sight.full)


def thin_ink(picture: Pixels, text_height: float, along: float) -> Pixels:
    """How much darker than its surroundings above and below each pixel is, in grey levels."""
    length = max(3, round(along * text_height) | 1)
    across = max(5, round(0.45 * text_height) | 1)
    smooth = cv2.blur(picture, (length, 1))
    return cv2.morphologyEx(smooth, cv2.MORPH_BLACKHAT, np.ones((across, 1), np.uint8))  # type: ignore[return-value]


def _grain(thin: Pixels) -> float:
    """What the grain of paper shows in a picture of thin ink, in grey levels."""
    return float(percentiles(thin[::7, ::7], 50.0)) * 1.5


def scaled(thin: Pixels, full: float) -> Pixels:
    """Thin ink above the grain of the paper, 0 to 255 for none to that of a full rule."""
    scale = np.clip((np.arange(256) - _grain(thin)) * (255.0 / full), 0, 255).astype(np.uint8)
    return cv2.LUT(thin, scale)  # type: ignore[return-value]


def sights(picture: Pixels, inked: Pixels, text_height: float) -> tuple[Sight, Sight, Pixels]:
    """How to look at all rules of a page, and at its own: not so faint that they may show through from the back.

    Also the thin ink of the picture as both look at it, as from ``thin_ink``.

    The darkness of the fainter among the long rules along x tells. Gaps between dots and dashes count as white, so
    that a dotted rule is fainter than its dots. Where rules hardly stand out from the grain of the paper more of their
    length is averaged.
    """
    for along, least in ((SHARP, FAINT), (BLURRED, FAINTEST)):
        thin = thin_ink(picture, text_height, along)
        rules = trace(scaled(thin, least), inked, text_height, LONG * text_height)
        if not rules:
            break
        seen = np.maximum(0.0, np.array([_along(thin, rule) for rule in rules]) - _grain(thin))
        length = np.array([rule.length for rule in rules])
        own = seen >= GHOST * weighted_quantile(seen, length, 0.95)
        fainter, fainter_own = weighted_quantile(seen, length, 0.2), weighted_quantile(seen[own], length[own], 0.2)
        if along == BLURRED or fainter >= STANDING_OUT * percentiles(thin[::7, ::7], 75.0):
            every, faintest_own = (Sight(min(max(each, least), FULL), along) for each in (fainter, fainter_own))
            return every, faintest_own, thin
    return Sight(FULL), Sight(FULL), thin_ink(picture, text_height, SHARP)


def _along(thin: Pixels, rule: Ruling) -> float:
    """Mean darkness of thin ink on the course of a rule, in grey levels."""
    columns = np.arange(round(rule.start), min(round(rule.end), thin.shape[1]))
    path = np.clip(rule.at(columns + 0.5).astype(np.intp), 1, thin.shape[0] - 2)
    return float(np.maximum(np.maximum(thin[path - 1, columns], thin[path, columns]), thin[path + 1, columns]).mean())


def weighted_quantile(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """The value below which a share of the weight lies, both of shape (n,), n > 0."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][int(np.searchsorted(total, share * total[-1]))])


def ink(picture: Pixels) -> Pixels:
    """Where the dark half of a picture is: 1 for ink, 0 for paper (Otsu's threshold, held within sensible bounds).

    Faint characters must come out whole: in pieces they would be taken for rules.
    """
    level, _ = cv2.threshold(np.ascontiguousarray(picture[::3, ::3]), 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return cv2.threshold(picture, min(max(level, 120.0), 225.0), 1, cv2.THRESH_BINARY_INV)[1]  # type: ignore[return-value]


def without_characters(picture: Pixels, inked: Pixels, text_height: float) -> Pixels:
    """The picture with characters painted over: patches of ink of about their size and density.

    Rules are longer, dots and dashes smaller, and the corners of broken rules thinner; a character that touches a rule
    stays.
    """

    def likely(stats: patches.Labels) -> NDArray[np.bool_]:
        width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
        short, long = np.minimum(width, height) / text_height, np.maximum(width, height) / text_height
        dense = stats[:, cv2.CC_STAT_AREA] >= np.where(long < DIGIT, DENSE_SMALL, DENSE) * width * height
        return np.asarray((short >= THIN) & (long >= SMALL) & (long <= LARGE) & dense)

    characters = cv2.dilate(patches.some(inked, likely), np.ones((3, 3), np.uint8))
    bare = picture.copy()
    np.copyto(bare, np.uint8(PAPER), where=characters > 0)
    return bare


def join(pieces: list[Ruling], text_height: float, widest: float) -> list[Ruling]:
    """Make one rule of pieces that continue each other, longest first: a rule that breaks is still one rule.

    Pieces are joined where they lie in line and the gap is no longer than ``widest``, in pixels, or than the longer of
    the two.
    """
    rest = sorted((_Piece.of(piece, COURSE * text_height) for piece in pieces), key=_start)
    joined = []
    while rest:
        chain = [rest.pop(0)]
        while (index := _continuation(chain[-1], rest, text_height, widest)) is not None:
            chain.append(rest.pop(index))
        joined.append(_as_one([piece.ruling for piece in chain]))
    return sorted(joined, key=lambda ruling: -ruling.length)


class _Piece(NamedTuple):
    """A piece of a rule with what is asked of it for every other: its ends, and the heights and slopes there."""

    ruling: Ruling
    start: float
    end: float
    height_at_start: float
    height_at_end: float
    slope_at_start: float
    slope_at_end: float

    @classmethod
    def of(cls, ruling: Ruling, course: float) -> _Piece:
        """With slopes over so many pixels at the ends, or over all of a shorter one."""
        start, end = ruling.start, ruling.end
        course = max(1.0, min(course, end - start))
        first, after, before, last = ruling.at(np.array([start, start + course, end - course, end])).tolist()
        return cls(ruling, start, end, first, last, (after - first) / course, (last - before) / course)


def _continuation(piece: _Piece, others: list[_Piece], text_height: float, widest: float) -> int | None:
    """Index among others, in the order of their starts, of the nearest piece that continues a piece to the right."""
    near = []
    length = piece.end - piece.start
    # Those that begin near enough; a pixel more, because the gap itself decides.
    first = bisect_left(others, piece.end - 0.1 * text_height - 1.0, key=_start)
    last = bisect_right(others, piece.end + widest + 1.0, key=_start)
    for index in range(first, last):
        other = others[index]
        gap = other.start - piece.end
        step = other.height_at_start - piece.height_at_end
        # On its way over the gap a rule keeps sloping as it does on both sides.
        step = min(abs(step), abs(step - gap * (piece.slope_at_end + other.slope_at_start) / 2))
        if step > (IN_LINE + LEAN * max(0.0, gap) / text_height) * text_height:
            continue
        if -0.1 * text_height <= gap <= min(widest, max(length, other.end - other.start)):
            near.append((gap, index))
    return min(near)[1] if near else None


def _start(piece: _Piece) -> float:
    return piece.start


def _as_one(chain: list[Ruling]) -> Ruling:
    if len(chain) == 1:
        return chain[0]
    x, y = np.concatenate([piece.x for piece in chain]), np.concatenate([piece.y for piece in chain])
    order = np.argsort(x, kind="stable")
    rising = np.concatenate([[True], np.diff(x[order]) > 0])
    # Gaps do not count: a rule that stops at a caption and goes on below it is as solid as its pieces.
    length = np.array([piece.length for piece in chain])
    return Ruling(
        x=x[order][rising],
        y=y[order][rising],
        start=chain[0].start,
        end=max(piece.end for piece in chain),
        inked=float(np.dot([piece.inked for piece in chain], length) / length.sum()),
        solid=float(np.dot([piece.solid for piece in chain], length) / length.sum()),
        dash=weighted_quantile(np.array([piece.dash for piece in chain]), length, 0.5),
    )


def trace(dark: Pixels, inked: Pixels, text_height: float, shortest: float) -> list[Ruling]:
    """Rules along x in a picture of darkness, longest first.

    Args:
        dark: as from ``darkness``.
        inked: as from ``ink``.
        text_height: of the page, in pixels.
        shortest: shorter rules are left out, in pixels.
    """
    length = max(9, round(LONG_ENOUGH * text_height) | 1)
    mean = cv2.blur(dark, (length, 1))
    # A line of text is dark over the height of a character; a rule stands out from what is just above and below.
    across = max(5, round(0.5 * text_height) | 1)
    sharp = cv2.morphologyEx(mean, cv2.MORPH_TOPHAT, np.ones((across, 1), np.uint8))
    _, mask = cv2.threshold(sharp, round(PRESENT * 255), 255, cv2.THRESH_BINARY)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, max(3, round(0.4 * text_height))), np.uint8))
    found = patches.wide(mask, shortest)
    if not found:
        return []
    traced = courses.follow(dark, sharp, found, text_height)  # type: ignore[arg-type]
    traced = courses.chosen(traced, traced.length >= shortest)
    most = np.interp(traced.length / shortest, (1.0, 4.0), CROSSED)
    clear = courses.crossed(inked, traced, text_height) <= most
    *_, run = courses.solidity(traced, 1)
    traced = courses.chosen(traced, clear | (run >= UNBROKEN * text_height))
    return sorted(_rulings(traced, text_height), key=lambda ruling: -ruling.length)


def _rulings(traced: Courses, text_height: float) -> list[Ruling]:
    gap = max(3, round(0.22 * text_height) | 1)
    numbers = (*traced.knots.T, traced.start, traced.end, *courses.solidity(traced, gap))
    return [
        Ruling(traced.x[a:b], traced.y[a:b], float(start), float(end), inked, solid, dash)
        for a, b, start, end, inked, solid, dash in zip(*(each.tolist() for each in numbers), strict=True)
    ]
