"""Which rules belong to the same table: those that meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.domain import BoundingBox
from pipeline.tables.rulings import LONG, Ruling, weighted_quantile

TOUCH = 0.4
"""Distance, in text heights, at which rules still meet; corners are often worn off."""
NARROWEST, LOWEST = 10.0, 1.2
"""Least width and height of a table, in text heights."""
LESS_SOLID = 0.22
"""By how much less solid than the usual rule of its table a rule may be; strokes of text in line are less."""
LESS_SOLID_THAN_ANY = 0.1
"""The same in a dotted table, relative to the least solid tenth of its rules."""
AS_SOLID = 0.03
"""A long rule that is no less solid than the usual one but for so much may be no text: thresholds fill gaps of some."""
FILLED = 0.25
"""Least share of its gaps that is filled then; the same character in row after row leaves as much open as dashes do."""
LONG_DASH, STROKE, LONGEST_STROKE = 1.6, 0.5, 3.0
"""Strokes of text among dotted rules: least length in dashes and in text heights, and most in text heights."""
CAPTION = 3.6
"""Greatest height of a row that holds a caption between two rules, in text heights."""
STREAK = 8.0
"""A rule that runs on so far beyond the outermost one it crosses, in text heights, is none of the table's."""
SIDE = 3
"""So many upright rules that end together are a side of the table, whether a level rule was seen there or not."""
GUTTER = 4.0
"""Tables further apart than this, in text heights, stand beside each other however alike they are."""
HOLLOW, HOLLOW_HEIGHT = 3, 8.0
"""Most rules each way of a frame that may be filled with pieces, and its least height, in text heights."""
PIECE_LEVEL, PIECE_UPRIGHT = 4.0, 2.0
"""Least length of such pieces, in text heights."""


@dataclass(frozen=True, slots=True, eq=False)
class RuleGroup:
    """Rules that hang together: ``levels`` along x, ``uprights`` along y (given with x and y swapped)."""

    levels: tuple[Ruling, ...]
    uprights: tuple[Ruling, ...]
    box: BoundingBox


def group(levels: list[Ruling], uprights: list[Ruling], text_height: float) -> list[RuleGroup]:
    """Groups of rules that may be tables, top to bottom.

    A group needs two rules each way, or all but one (a box open to one side), and the size of a table; one upright rule
    is enough where it crosses level ones of one length.
    """
    if not levels or not uprights:
        return []
    groups = []
    for chosen_levels, chosen_uprights in _tied(levels, uprights, text_height):
        tied_levels, tied_uprights = [levels[i] for i in chosen_levels], [uprights[i] for i in chosen_uprights]
        dotted = is_dotted(tied_levels) or is_dotted(tied_uprights)
        alike_levels = _alike(tied_levels, dotted, text_height)
        alike_uprights = _alike(tied_uprights, dotted, text_height)
        # Without the strokes that had tied them together a group may fall into several.
        for kept_levels, kept_uprights in _tied(alike_levels, alike_uprights, text_height):
            tied_levels, tied_uprights = (
                [alike_levels[i] for i in kept_levels],
                [alike_uprights[i] for i in kept_uprights],
            )
            tied_uprights = _without_streaks(tied_uprights, tied_levels, STREAK * text_height, text_height)
            if not tied_uprights:
                continue
            candidate = _as_group(tied_levels, tied_uprights)
            if _is_table(candidate, text_height):
                groups.append(candidate)
    filled = [_filled(found, levels, uprights, text_height) for found in groups]
    kept = [found for found in filled if not any(_holds(other, found) for other in filled)]
    return sorted(kept, key=lambda found: (found.box.y0, found.box.x0))


def _tied(levels: list[Ruling], uprights: list[Ruling], text_height: float) -> list[tuple[list[int], list[int]]]:
    """Which level and which upright rules hang together: they meet, hold a caption between them or frame a table."""
    meets = _meet(levels, uprights, TOUCH * text_height)
    captions = _spanned(levels, uprights, meets, text_height)
    frames = np.zeros((0, len(uprights)), dtype=bool)
    for pair in _sides(levels, uprights, text_height):
        frames = np.vstack([frames, np.isin(np.arange(len(uprights)), pair)])
    tied = np.block([[meets, captions], [frames, np.zeros((len(frames), captions.shape[1]), dtype=bool)]])
    parts = ((_below(rows, len(levels)), _below(columns, len(uprights))) for rows, columns in _components(tied))
    return [part for part in parts if all(part)]


def _below(numbers: list[int], end: int) -> list[int]:
    return [number for number in numbers if number < end]


def _sides(levels: list[Ruling], uprights: list[Ruling], text_height: float) -> list[tuple[int, int]]:
    """Pairs of upright rules that are the sides of one table: they begin and end together, and so do level ones there.

    Where the level rules are worn to pieces hardly one may reach a side.
    """
    long = [i for i, rule in enumerate(uprights) if rule.length >= HOLLOW_HEIGHT * text_height]
    order = sorted(long, key=lambda i: uprights[i].middle)
    reach = TOUCH * text_height
    found = []
    for place, one in enumerate(order):
        left = uprights[one]
        for other in (i for i in order[place + 1 :] if _is_opposite(left, uprights[i], text_height)):
            right = uprights[other]
            inner = [r for r in levels if r.start >= left.middle - reach and r.end <= right.middle + reach]
            closed = all(any(abs(r.middle - end) <= 2 * reach for r in inner) for end in (left.start, left.end))
            if closed and _widest_gap(inner, left.middle, right.middle) <= GUTTER * text_height:
                found.append((one, other))
                break
    return found


def _widest_gap(levels: Sequence[Ruling], left: float, right: float) -> float:
    """The widest stretch between two places along x over which no level rule lies."""
    widest, covered = 0.0, left
    for start, end in sorted((r.start, r.end) for r in levels):
        widest, covered = max(widest, start - covered), max(covered, end)
    return max(widest, right - covered)


def _is_opposite(left: Ruling, right: Ruling, text_height: float) -> bool:
    """Whether two upright rules are as far apart as the sides of a table, begin together and end together."""
    apart = max(abs(left.start - right.start), abs(left.end - right.end))
    return right.middle - left.middle >= NARROWEST * text_height and apart <= 2 * TOUCH * text_height


def _filled(frame: RuleGroup, levels: list[Ruling], uprights: list[Ruling], text_height: float) -> RuleGroup:
    """A hollow frame, or a table of worn rules, with all pieces in it: of hairlines some are left that meet nothing."""
    hollow = max(len(frame.levels), len(frame.uprights)) <= HOLLOW
    if not (hollow or is_dotted(frame.levels)) or frame.box.height < HOLLOW_HEIGHT * text_height:
        return frame
    left, right, top, bottom = frame.box.x0, frame.box.x1, frame.box.y0, frame.box.y1
    reach = TOUCH * text_height
    inner_levels = [r for r in levels if _within(r, (left, right), (top, bottom), reach)]
    inner_uprights = [r for r in uprights if _within(r, (top, bottom), (left, right), reach)]
    inner_levels = [r for r in inner_levels if r.length >= PIECE_LEVEL * text_height]
    inner_uprights = [r for r in inner_uprights if r.length >= PIECE_UPRIGHT * text_height]
    inner_levels = _like(frame.levels, inner_levels, text_height)
    inner_uprights = _like(frame.uprights, inner_uprights, text_height)
    heights = [r.middle for r in inner_levels]
    if _distinct(heights, 0.7 * text_height) < 4 or not inner_uprights:
        return frame
    return _as_group(
        list(dict.fromkeys([*frame.levels, *inner_levels])), list(dict.fromkeys([*frame.uprights, *inner_uprights]))
    )


def _within(rule: Ruling, along: tuple[float, float], across: tuple[float, float], reach: float) -> bool:
    beside = rule.middle
    return (
        rule.start >= along[0] - reach
        and rule.end <= along[1] + reach
        and across[0] + reach < beside < across[1] - reach
    )


def _holds(outer: RuleGroup, inner: RuleGroup) -> bool:
    """Whether the rules of a group are among those of a larger one."""
    return outer is not inner and set(inner.levels) < set(outer.levels) and set(inner.uprights) <= set(outer.uprights)


def is_dotted(rulings: Sequence[Ruling]) -> bool:
    """Whether a good part of the long rules consists of dots, dashes or pieces; short ones may be strokes of text."""
    longest = max(ruling.length for ruling in rulings)
    long = [ruling for ruling in rulings if ruling.length >= 0.5 * longest]
    return sum(ruling.length for ruling in long if ruling.inked < 0.85) >= 0.25 * sum(ruling.length for ruling in long)


def _alike(rulings: list[Ruling], dotted: bool, text_height: float) -> list[Ruling]:
    """Rules about as solid as most of their length is: strokes of text in line are less so."""
    share = np.array([ruling.solid if dotted else ruling.inked for ruling in rulings])
    usual = weighted_quantile(share, _weights(rulings), 0.5)
    alike = [ruling for ruling, here in zip(rulings, share, strict=True) if here >= usual - LESS_SOLID]
    return _like(rulings, alike, text_height) if dotted else alike


def _like(known: Sequence[Ruling], pieces: list[Ruling], text_height: float) -> list[Ruling]:
    """Pieces that may belong to known rules made of dashes of one length: strokes of text are longer, or have gaps."""
    dash = usual_dash(known)
    if dash > STROKE * text_height:
        return pieces
    least = weighted_quantile(np.array([rule.solid for rule in known]), _weights(known), 0.1) - LESS_SOLID_THAN_ANY
    longest, solid = max(LONG_DASH * dash, STROKE * text_height), LONGEST_STROKE * text_height
    whole = weighted_quantile(np.array([rule.solid for rule in known]), _weights(known), 0.5) - AS_SOLID
    gaps = 1.0 - weighted_quantile(np.array([rule.inked for rule in known]), _weights(known), 0.5)

    def is_filled(piece: Ruling) -> bool:
        long = piece.length >= LONG * text_height
        return long and piece.solid >= whole and 1.0 - piece.inked <= (1.0 - FILLED) * gaps

    return [
        piece for piece in pieces if piece.solid >= least and (not longest < piece.dash < solid or is_filled(piece))
    ]


def usual_dash(rulings: Sequence[Ruling]) -> float:
    """Length of the dashes that rules are made of, in pixels; what is solid has long ones."""
    return weighted_quantile(np.array([rule.dash for rule in rulings]), _weights(rulings), 0.5)


def _weights(rulings: Sequence[Ruling]) -> NDArray[np.float64]:
    return np.array([ruling.length for ruling in rulings]) ** 2


def _spanned(
    levels: list[Ruling], uprights: list[Ruling], meets: NDArray[np.bool_], text_height: float
) -> NDArray[np.bool_]:
    """Pairs of level rules that hold a caption between open sides, shape (levels, pairs): equal and a row apart.

    In a table without sides nothing else ties the rules above and below a caption together.
    """
    reach = TOUCH * text_height
    ends = np.array([(r.start, r.end) for r in levels])
    height = np.array([r.middle for r in levels])
    beside = np.array([r.middle for r in uprights])
    inside = (beside > ends[:, :1] + 2 * reach) & (beside < ends[:, 1:] - 2 * reach)
    open_sided: NDArray[np.bool_] = np.logical_not(np.any(meets & ~inside, axis=1, keepdims=True))[:, 0]
    order = np.argsort(height)
    pairs = [
        (one, other)
        for one, other in pairwise(order.tolist())
        if open_sided[one]
        and open_sided[other]
        and height[other] - height[one] <= CAPTION * text_height
        and np.abs(ends[one] - ends[other]).max() <= 2 * reach
    ]
    tied = np.zeros((len(levels), len(pairs)), dtype=bool)
    for column, pair in enumerate(pairs):
        tied[list(pair), column] = True
    return tied


def _without_streaks(uprights: list[Ruling], levels: list[Ruling], beyond: float, agreeing: float) -> list[Ruling]:
    """Leave out upright rules that run on far beyond the outermost level one: streaks of scanners, folds of the paper.

    Where the upper or lower side of a table was not printed its upright rules run on by no more than a row.
    """
    first = min(rule.middle for rule in levels)
    last = max(rule.middle for rule in levels)
    first = -_agreed([-rule.start for rule in uprights], -first, agreeing)
    last = _agreed([rule.end for rule in uprights], last, agreeing)
    return [rule for rule in uprights if rule.start >= first - beyond and rule.end <= last + beyond]


def _agreed(ends: list[float], last: float, agreeing: float) -> float:
    """How far a table reaches: to its last level rule, or as far as ``SIDE`` upright ones end together beyond it.

    The rules of a header that is shaded may be lost where its upright ones are not.
    """
    ordered = sorted(ends)
    together = [end for end, other in zip(ordered, ordered[SIDE - 1 :], strict=False) if other - end <= agreeing]
    return max([last, *together])


def _meet(levels: list[Ruling], uprights: list[Ruling], reach: float) -> NDArray[np.bool_]:
    """Whether each level rule meets each upright one, shape (levels, uprights)."""
    level_start = np.array([r.start for r in levels])[:, None] - reach
    level_end = np.array([r.end for r in levels])[:, None] + reach
    upright_start = np.array([r.start for r in uprights])[None, :] - reach
    upright_end = np.array([r.end for r in uprights])[None, :] + reach
    middle_y = np.array([r.y.mean() for r in levels])
    # Where an upright rule stands at the height of each level one, and the height of the level one there.
    x = np.stack([r.at(middle_y) for r in uprights], axis=1)
    y = np.stack([r.at(x[i]) for i, r in enumerate(levels)], axis=0)
    result: NDArray[np.bool_] = (x >= level_start) & (x <= level_end) & (y >= upright_start) & (y <= upright_end)
    return result


def _components(meets: NDArray[np.bool_]) -> list[tuple[list[int], list[int]]]:
    """Connected parts of a bipartite graph as (rows, columns) of its matrix; lone rows and columns are left out."""
    unseen = set(np.flatnonzero(meets.any(axis=1)).tolist())
    parts = []
    while unseen:
        rows: NDArray[np.bool_] = np.zeros(meets.shape[0], dtype=bool)
        rows[min(unseen)] = True
        columns: NDArray[np.bool_] = np.zeros(meets.shape[1], dtype=bool)
        while True:
            grown = np.asarray(meets[rows].any(axis=0))
            wider = np.logical_or(rows, meets[:, grown].any(axis=1))
            if (grown == columns).all() and (wider == rows).all():
                break
            columns, rows = grown, np.asarray(wider)
        found = np.flatnonzero(rows).tolist()
        unseen -= set(found)
        parts.append((found, np.flatnonzero(columns).tolist()))
    return parts


def _as_group(levels: list[Ruling], uprights: list[Ruling]) -> RuleGroup:
    xs = [v for r in levels for v in (r.start, r.end)] + [v for r in uprights for v in (r.y.min(), r.y.max())]
    ys = [v for r in uprights for v in (r.start, r.end)] + [v for r in levels for v in (r.y.min(), r.y.max())]
    box = BoundingBox(float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys)))
    return RuleGroup(tuple(levels), tuple(uprights), box)


def _is_table(candidate: RuleGroup, text_height: float) -> bool:
    if candidate.box.width < NARROWEST * text_height or candidate.box.height < LOWEST * text_height:
        return False
    long = [r for r in candidate.levels if r.length >= 0.4 * candidate.box.width]
    distinct_levels = _distinct([r.middle for r in long], 0.7 * text_height)
    distinct_uprights = _distinct([r.middle for r in candidate.uprights], 0.7 * text_height)
    if distinct_uprights == 1:
        return distinct_levels >= 3 and _halved(candidate, long, text_height)
    return distinct_levels >= 1 and distinct_uprights >= 2 and distinct_levels + distinct_uprights >= 4


def _halved(candidate: RuleGroup, long: list[Ruling], text_height: float) -> bool:
    """Whether level rules of one length are crossed by an upright one, as in a table of two columns without sides."""
    starts, ends = np.array([r.start for r in long]), np.array([r.end for r in long])
    x = np.array([r.middle for r in candidate.uprights])
    alike = (np.abs(starts - np.median(starts)) <= text_height) & (np.abs(ends - np.median(ends)) <= text_height)
    inside = (x > np.median(starts) + 2 * text_height) & (x < np.median(ends) - 2 * text_height)
    return bool(alike.all() and inside.all())


def _distinct(positions: list[float], apart: float) -> int:
    ordered = np.sort(np.array(positions))
    return 0 if not len(ordered) else 1 + int((np.diff(ordered) > apart).sum())
