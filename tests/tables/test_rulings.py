"""Looking for rules: what is painted over first because it is text, and what makes one of them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tables.courses import Courses, crossed, solidity
from pipeline.tables.rulings import PAPER, Ruling, Sight, darkness, ink, join, trace, without_characters
from tests.ocr.drawing import cell


@pytest.mark.parametrize("darkness", [80, 120, 220])
def test_characters_are_painted_over_however_faint_they_are(darkness: int) -> None:
    lines = [
        cell("本年新收政府信息公开申请数量", size=24, shape=(60, 500), ink=PAPER - darkness, paper=PAPER)
        for _ in range(4)
    ]
    page = np.vstack([np.full((300, 500), PAPER, np.uint8), *lines])
    page = np.asarray(cv2.GaussianBlur(page, (0, 0), 0.9), dtype=np.uint8)
    bare = without_characters(page, ink(page), 24.0)
    left = np.count_nonzero(bare < PAPER - 20) / np.count_nonzero(page < PAPER - 20)
    assert left < 0.3


@pytest.mark.parametrize("rise", [0, 6])
@pytest.mark.parametrize(("apart", "text_height"), [(6, 18.75), (6, 20.0), (5, 25.0), (6, 25.0)], ids=str)
def test_the_lines_of_a_double_rule_are_no_text(apart: int, text_height: float, rise: int) -> None:
    page = np.full((120, 900), PAPER, np.uint8)
    for top in (50, 50 + apart):
        cv2.line(page, (20, top), (880, top + rise), (150,), 2, cv2.LINE_AA)
    found = trace(darkness(page, text_height, Sight(80.0)), ink(page), text_height, 100.0)
    assert [rule.length > 850 for rule in found] == [True, True]


def test_a_long_rule_is_one_though_figures_stand_against_most_of_it() -> None:
    page = np.full((120, 1500), PAPER, np.uint8)
    page[60:63, 20:1480] = 40
    for start in range(30, 1450, 38):
        cv2.rectangle(page, (start, 66), (start + 20, 78), (40,), 3)  # noughts, seen from the side
    found = trace(darkness(page, 20.0, Sight(80.0)), ink(page), 20.0, 44.0)
    assert max(rule.length for rule in found) > 1400


@pytest.mark.parametrize(("length", "share"), [(20, 0.6), (300, 0.0)])
def test_strokes_beside_each_other_are_no_double_rule_because_they_are_short(length: int, share: float) -> None:
    inked = np.zeros((60, 400), np.uint8)
    inked[25, 50 : 50 + length] = inked[28, 50 : 50 + length] = 1
    inked[29:31, 50 : 50 + round(0.6 * length)] = 1  # thicker here than there, as strokes are
    rule = Courses(
        x=np.array([50.0, 50.0 + length]),
        y=np.array([25.0, 25.0]),
        knots=np.array([[0, 2]]),
        start=np.array([50]),
        end=np.array([50 + length]),
        height=np.full(length, 25.0),
        inked=np.ones(length, dtype=bool),
        columns=np.array([0]),
    )
    assert crossed(inked, rule, 18.0) == pytest.approx([share])


INKED = st.lists(st.integers(0, 1), min_size=1, max_size=40).filter(any)


@given(st.lists(INKED, min_size=1, max_size=4), st.sampled_from([3, 5, 9]))
@settings(deadline=None)
def test_rules_that_are_measured_together_are_as_solid_as_each_alone(rules: list[list[int]], gap: int) -> None:
    length = np.array([len(rule) for rule in rules])
    start = np.cumsum(length) - length
    inked = np.concatenate(rules).astype(bool)
    together = Courses(
        x=np.empty(0),
        y=np.empty(0),
        knots=np.zeros((len(rules), 2), np.intp),
        start=start,
        end=start + length,
        height=np.zeros(len(inked)),
        inked=inked,
        columns=start,
    )
    shares, solid, dash = solidity(together, gap)
    for number, rule in enumerate(rules):
        row = np.array([rule], np.uint8)
        assert shares[number] == row.mean()
        assert solid[number] == cv2.morphologyEx(row, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8)).mean()
        runs = sorted(len(run) for run in "".join(map(str, rule)).split("0") if run)
        upto = [sum(runs[: index + 1]) for index in range(len(runs))]
        assert dash[number] == next(run for run, sofar in zip(runs, upto, strict=True) if 2 * sofar >= upto[-1])


def test_the_dashes_of_a_rule_are_as_long_as_most_of_them() -> None:
    page = np.full((200, 900), 250, np.uint8)
    for start in range(100, 800, 14):
        page[99:102, start : start + 9] = 20
    page[60:140, 398:401] = 20  # a crossing rule between two of them
    page[160:163, 100:800] = 20
    found = trace(darkness(page, 25.0, Sight(80.0)), ink(page), 25.0, 300.0)
    dotted, solid = sorted(found, key=lambda ruling: ruling.y[0])
    assert 7.0 <= dotted.dash <= 13.0
    assert solid.dash > 650.0


def _sloping(start: float, end: float, slope: float, at: float) -> Ruling:
    x = np.linspace(start, end, 20)
    return Ruling(x, at + slope * x, start, end, 1.0, 1.0, end - start)


def test_pieces_of_a_rule_that_slopes_are_one() -> None:
    """Where a sheet curls a rule climbs by more than half a character over a gap."""
    rows = [600.0, 630.0, 660.0]
    pieces = [_sloping(100.0, 300.0, -0.15, at) for at in rows] + [_sloping(360.0, 900.0, -0.15, at) for at in rows]
    joined = join(pieces, 25.0, 75.0)
    assert [(rule.start, rule.end) for rule in joined] == [(100.0, 900.0)] * 3
    assert sorted(float(rule.at(900.0)) for rule in joined) == pytest.approx([465.0, 495.0, 525.0])
