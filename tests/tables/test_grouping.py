"""Which rules make a table."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.tables.grouping import group
from pipeline.tables.rulings import Ruling


def dotted(at: float, start: float, end: float, solid: float = 1.0, dash: float = 9.0) -> Ruling:
    return Ruling(np.array([start, end]), np.array([at, at]), start, end, 0.65, solid, dash)


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


def test_a_solid_frame_of_dotted_rules_is_theirs() -> None:
    levels = [dotted(y, 100, 900) for y in (146.0, 192.0, 238.0)]
    frame = Ruling(np.array([100.0, 900.0]), np.array([100.0, 100.0]), 100.0, 900.0, 1.0, 1.0, 800.0)
    (found,) = group([*levels, frame], [dotted(x, 100, 238) for x in (100.0, 400.0, 900.0)], 25.0)
    assert frame in found.levels
