"""Which rules make a table."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.tables.grouping import group
from pipeline.tables.rulings import Ruling


def dotted(at: float, start: float, end: float, solid: float = 1.0, dash: float = 9.0, inked: float = 0.65) -> Ruling:
    return Ruling(np.array([start, end]), np.array([at, at]), start, end, inked, solid, dash)


@pytest.mark.parametrize(
    "stroke",
    [{"dash": 24.0}, {"solid": 0.84}],
    ids=["longer than the dashes", "with gaps that the rules do not have"],
)
def test_strokes_of_text_in_line_are_no_rules_of_a_dotted_table(stroke: dict[str, float]) -> None:
    levels = [dotted(y, 100, 900) for y in (100.0, 146.0, 192.0, 238.0)]
    places = [100.0 * n for n in range(1, 10)]
    uprights = [dotted(x, 100, 238) for x in places]
    (found,) = group(levels, [*uprights, dotted(250.0, 108, 230, **stroke)], 25.0)
    assert sorted(rule.y[0] for rule in found.uprights) == places


@pytest.mark.parametrize(
    ("solid", "inked", "kept"),
    [(0.98, 0.8, True), (0.9, 0.8, False), (1.0, 0.66, False)],
    ids=["no gaps", "gaps between characters", "the same character in every row"],
)
def test_a_long_rule_whose_dashes_run_into_each_other_stays_in_a_dotted_table(
    solid: float, inked: float, kept: bool
) -> None:
    """The columns on both sides of one were read as one: a threshold had filled half of its gaps.

    Units below each other, 件 in every row, had cut their column in two.
    """
    levels = [dotted(y, 100, 900) for y in (100.0, 146.0, 192.0, 238.0, 338.0)]
    uprights = [dotted(x, 100, 338) for x in (100.0, 400.0, 560.0, 720.0, 900.0)]
    (found,) = group(levels, [*uprights, dotted(250.0, 108, 330, solid, dash=24.0, inked=inked)], 25.0)
    assert (250.0 in [rule.middle for rule in found.uprights]) is kept


def test_a_solid_frame_of_dotted_rules_is_theirs() -> None:
    levels = [dotted(y, 100, 900) for y in (146.0, 192.0, 238.0)]
    frame = Ruling(np.array([100.0, 900.0]), np.array([100.0, 100.0]), 100.0, 900.0, 1.0, 1.0, 800.0)
    (found,) = group([*levels, frame], [dotted(x, 100, 238) for x in (100.0, 400.0, 900.0)], 25.0)
    assert frame in found.levels


def rule(at: float, start: float, end: float) -> Ruling:
    return Ruling(np.array([start, end]), np.array([at, at]), start, end, 1.0, 1.0, end - start)


def worn(left: float) -> tuple[list[Ruling], list[Ruling]]:
    """A tall table whose level rules are worn to pieces: of the upper half hardly one reaches its right side."""
    upper = [rule(y, left, left + 300) for y in (100.0, 150.0, 200.0, 250.0, 300.0, 350.0)]
    lower = [rule(y, left + 400, left + 800) for y in (450.0, 500.0, 550.0, 600.0)]
    inner = [*(rule(left + x, 100, 350) for x in (0.0, 300.0)), *(rule(left + x, 450, 600) for x in (400.0, 600.0))]
    return [*upper, *lower], [*inner, rule(left + 1.0, 100, 600), rule(left + 800, 102, 598)]


def test_sides_that_begin_and_end_together_hold_a_worn_table_together() -> None:
    levels, uprights = worn(100.0)
    (found,) = group(levels, uprights, 25.0)
    assert set(found.uprights) == set(uprights)


def test_two_worn_tables_beside_each_other_stay_two() -> None:
    (levels, uprights), (others, more) = worn(100.0), worn(1100.0)
    first, second = group([*levels, *others], [*uprights, *more], 25.0)
    assert set(first.uprights) == set(uprights)
    assert set(second.uprights) == set(more)


def test_a_streak_far_beyond_the_table_is_none_of_its_sides() -> None:
    levels, uprights = worn(100.0)
    streaks = [rule(500.0, 0, 1000), rule(880.0, 0, 1000)]
    (found,) = group(levels, [*uprights, *streaks], 25.0)
    assert not set(streaks) & set(found.uprights)
