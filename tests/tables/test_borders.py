"""Borders between grid squares: what was seen of them, and what the texts beside them tell."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.tables.borders import apart, measure
from pipeline.tables.grids import SURE_UPRIGHT, _worth_keeping
from tests.ocr.drawing import cell

SIZE = 20.0


@pytest.mark.parametrize(("line", "cut"), [(95.0, True), (30.0, False)])
def test_a_line_that_cuts_a_character_is_a_stroke_where_little_of_it_is_seen(line: float, cut: bool) -> None:
    words = cell("三年报告事项", size=22, shape=(40, 300), ink=20, paper=250)  # characters from 84 on, 22 wide
    inked = np.ascontiguousarray((words < 200).astype(np.uint8).T)
    dark = np.zeros_like(inked)
    dark[round(line) - 1 : round(line) + 1, :20] = 255
    lines, stops = np.array([0.0, line, 299.0]), np.array([0.0, 40.0])
    seen = measure(dark, inked, lines, stops, SIZE, across_text=True).seen[1, 0]
    assert (seen < 0.25) == cut


def test_a_side_of_a_border_reaches_over_the_lines_of_other_blocks() -> None:
    inked = np.zeros((400, 60), np.uint8)
    for top in (120, 300):
        cv2.rectangle(inked, (20, top), (40, top + 30), (1,), -1)
    lines, stops = np.array([0.0, 100.0, 200.0, 250.0, 399.0]), np.array([0.0, 60.0])
    seen = np.array([[1.0], [1.0], [0.0], [0.3], [1.0]])
    assert apart(inked, lines, stops, SIZE, seen)[3, 0]
    seen[2] = 1.0
    assert not apart(inked, lines, stops, SIZE, seen)[3, 0]


@pytest.mark.parametrize(("crossed", "rule"), [(False, True), (True, False)], ids=["a figure", "a stroke of text"])
def test_a_rule_is_seen_beside_a_figure_that_stands_against_it(crossed: bool, rule: bool) -> None:
    dark, inked = np.zeros((2, 60, 60), np.uint8)
    dark[29:31, 10:51] = 255
    dark[29:31, 25:29] = 0  # where the figure hides it
    inked[31:42, 18:38] = 1
    if crossed:
        inked[18:29, 18:38] = 1
    lines, stops = np.array([0.0, 30.0, 59.0]), np.array([8.0, 53.0])
    seen = measure(dark, inked, lines, stops, SIZE, across_text=True).seen[1, 0]
    assert (seen > 0.85) == rule


@pytest.mark.parametrize("crossed", [False, True], ids=["figures", "strokes of text"])
def test_a_line_of_two_whole_borders_is_a_rule_though_figures_stand_against_both(crossed: bool) -> None:
    """On the same line words of other rows lie, whose columns are their own."""
    stops = np.arange(0.0, 481.0, 60.0)
    dark, inked = np.zeros((2, 120, 481), np.uint8)
    dark[59:61, 120:241] = 255
    for start in (140, 200):
        inked[61:72, start : start + 20] = 1
        if crossed:
            inked[48:59, start : start + 20] = 1
    for start in (20, 80, 260, 320, 380, 440):
        dark[59:61, start : start + 34] = 255
        inked[48:72, start : start + 7] = 1
    borders = measure(dark, inked, np.array([10.0, 60.0, 110.0]), stops, SIZE, across_text=True)
    assert _worth_keeping(borders, np.diff(stops), SURE_UPRIGHT * SIZE)[1] != crossed


@pytest.mark.parametrize("bend", [0, 1, 2])
def test_figures_that_stand_against_a_rule_are_no_part_of_it_and_a_second_rule_is(bend: int) -> None:
    stops = np.arange(0.0, 601.0, 60.0)
    rule, figures, second = np.zeros((3, 60, 601), np.uint8)
    for start in range(601):
        y = 28 + round(bend * start / 600)
        rule[y : y + 2, start] = 255
        second[y + 4 : y + 6, start] = 255
    for start in range(14, 600, 60):
        figures[31 + bend : 33 + bend, start : start + 32] = 255
    for beside, thickness in ((figures, 2), (second, 6)):
        dark = np.maximum(rule, beside)
        found = measure(dark, (dark > 0).astype(np.uint8), np.array([10.0, 29.0, 50.0]), stops, 1.5 * SIZE)
        assert (found.high[1] - found.low[1]).tolist() == pytest.approx([thickness] * 10, abs=1)


@pytest.mark.parametrize("dotted", [True, False], ids=["a dotted rule", "a stroke of text"])
def test_a_stroke_from_rule_to_rule_is_no_border_of_a_dotted_table(dotted: bool) -> None:
    picture = np.zeros((60, 200), np.uint8)
    for x in (50, 100, 150):
        picture[:, x - 1 : x + 2] = 255
    for start in range(50, 150, 14):
        picture[29:32, start : start + 9] = 255
    if not dotted:
        picture[29:32, 50:100] = 0
        picture[29:32, 58:92] = 255  # 8 pixels short of either rule
        for x in (55, 94):
            picture[29:32, x - 3 : x + 2] = 255  # what dashes of the crossing rules leave beside them
    stops = np.array([50.0, 100.0, 150.0])
    borders = measure(picture, np.zeros_like(picture), np.array([30.5]), stops, 25.0, dash=9.0)
    assert bool(borders.seen[0, 0] > 0.7) is dotted
    assert borders.seen[0, 1] > 0.7
