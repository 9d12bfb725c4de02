"""Merging grid squares into cells."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.tables.squares import Span, cells, is_broken, present

GRIDS = st.tuples(st.integers(1, 7), st.integers(1, 7)).flatmap(
    lambda size: st.tuples(
        arrays(np.float64, (size[0] + 1, size[1]), elements=st.floats(0, 1)),
        arrays(np.float64, (size[1] + 1, size[0]), elements=st.floats(0, 1)),
        arrays(np.bool_, (size[0] + 1, size[1])),
        arrays(np.bool_, (size[1] + 1, size[0])),
    )
)


def _cells(level: np.ndarray, upright: np.ndarray) -> tuple[Span, ...]:
    """The cells where nothing is known of the texts."""
    return cells(level, upright, np.zeros_like(level, dtype=bool), np.zeros_like(upright, dtype=bool))


@settings(max_examples=80)
@given(GRIDS)
def test_cells_cover_every_square_exactly_once(evidence: tuple[np.ndarray, ...]) -> None:
    level, upright, *_ = evidence
    covered = [square for span in cells(*evidence) for square in span.squares()]
    rows, columns = level.shape[0] - 1, upright.shape[0] - 1
    assert sorted(covered) == [(row, column) for row in range(rows) for column in range(columns)]


@settings(max_examples=80)
@given(GRIDS)
def test_cells_come_in_reading_order(evidence: tuple[np.ndarray, ...]) -> None:
    found = cells(*evidence)
    assert list(found) == sorted(found, key=lambda span: (span.row, span.column))


def test_a_missing_border_joins_two_squares() -> None:
    level, upright = np.ones((3, 2)), np.ones((3, 2))
    upright[1, 0] = 0.0
    assert _cells(level, upright) == (Span(0, 0, 1, 2), Span(1, 0, 1, 1), Span(1, 1, 1, 1))


def test_a_group_label_spans_its_rows() -> None:
    level, upright = np.ones((6, 3)), np.ones((4, 5))
    level[1:5, 0] = 0.0
    assert _cells(level, upright)[0] == Span(0, 0, 5, 1)


def test_a_gap_in_a_rule_that_continues_on_both_sides_is_no_span() -> None:
    level, upright = np.ones((4, 5)), np.ones((6, 3))
    level[1, 2] = 0.3
    assert len(_cells(level, upright)) == 15


def test_a_corner_shape_is_cut_along_the_line_that_was_seen_best() -> None:
    level, upright = np.ones((3, 2)), np.ones((3, 2))
    level[1, 0], upright[1, 1] = 0.0, 0.45
    found = _cells(level, upright)
    assert Span(0, 0, 2, 1) in found
    assert len(found) == 3


def test_rules_broken_all_over_are_completed_but_captions_stay_whole() -> None:
    rows, columns = 6, 5
    upright = np.full((columns + 1, rows), 0.75)
    upright[2, 3] = 0.0
    upright[1:-1, 1] = 0.0
    assert is_broken(upright)
    there = present(upright, np.zeros_like(upright, dtype=bool), broken=True)
    assert there[2, 3]
    assert not there[1:-1, 1].any()


def test_a_border_that_was_worn_off_is_told_by_the_texts_it_parts() -> None:
    level, upright = np.ones((6, 5)), np.ones((6, 5))
    upright[2, 2] = upright[3, 0] = 0.0
    parted = np.zeros_like(upright, dtype=bool)
    assert len(cells(level, upright, np.zeros_like(parted), parted)) == 23
    parted[2, 2] = True
    assert len(cells(level, upright, np.zeros_like(parted), parted)) == 24
    parted[3, 0] = True
    assert len(cells(level, upright, np.zeros_like(parted), parted)) == 25


def test_texts_apart_do_not_cut_a_caption() -> None:
    level, upright = np.ones((6, 5)), np.ones((6, 5))
    upright[1:-1, 2] = 0.0
    parted = np.zeros_like(upright, dtype=bool)
    parted[2, 2] = True
    assert Span(2, 0, 1, 5) in cells(level, upright, np.zeros_like(parted), parted)


def test_a_border_between_a_header_and_a_caption_is_told_by_the_texts_it_parts_though_specks_lie_in_the_caption() -> (
    None
):
    seen = [
        [1.00, 0.03, 0.20, 0.03, 0.05, 0.05, 1.00],  # a caption
        [1.00, 1.00, 0.00, 0.01, 1.00, 0.00, 1.00],
        [1.00, 0.19, 0.02, 0.01, 0.54, 0.01, 1.00],
        [1.00, 0.01, 0.14, 0.01, 0.04, 0.01, 1.00],  # a caption
        [1.00, 1.00, 0.00, 1.00, 0.02, 0.07, 1.00],
    ]
    parted = np.zeros((7, 5), dtype=bool)
    parted[1, [1, 2, 4]] = parted[4, 1] = parted[3, 4] = True
    there = present(np.array(seen).T, parted, broken=True)
    assert there[:, 2].tolist() == there[:, 1].tolist()
    assert not there[1:-1, [0, 3]].any()


def test_lines_that_only_a_header_has_do_not_keep_gaps_below_it_open() -> None:
    upright = np.ones((9, 6))
    upright[1:4, 1:] = 0.0  # lines of the header alone
    upright[4:-1, 0] = 0.0  # lines of the columns below it
    upright[5, 3] = 0.3
    assert present(upright, np.zeros_like(upright, dtype=bool), broken=False)[5, 3]
    upright[5, 3] = 0.0
    assert not present(upright, np.zeros_like(upright, dtype=bool), broken=False)[5, 3]


def test_long_gaps_are_closed_where_rules_are_broken_and_go_on_beside_them() -> None:
    upright = np.ones((8, 9))
    upright[3, 4:7] = 0.0
    nothing = np.zeros_like(upright, dtype=bool)
    assert not present(upright, nothing, broken=False)[3, 4:7].any()
    assert present(upright, nothing, broken=True).all()
    upright[1:-1, 5] = 0.0
    assert not present(upright, nothing, broken=True)[1:-1, 5].any()


def test_a_long_gap_up_to_the_frame_is_closed_where_something_of_every_border_was_seen() -> None:
    upright = np.full((9, 14), 0.7)
    upright[4, :7] = [0.52, 0.21, 0.22, 0.48, 0.52, 0.34, 0.19]
    upright[2, :2] = [0.11, 0.10]  # labels of the first rows span two columns
    upright[6, 3:9] = 0.0
    nothing = np.zeros_like(upright, dtype=bool)
    there = present(upright, nothing, broken=True, across_text=True)
    assert there[4].all()
    assert not there[2, :2].any()
    assert not there[6, 3:9].any()
    assert not present(upright, nothing, broken=True)[4, 1:3].any()  # along text its strokes are seen


def test_a_rule_between_rows_runs_to_the_frame_where_the_texts_beside_it_differ() -> None:
    level = np.full((9, 3), 0.7)
    level[2] = [0.67, 0.22, 0.15]
    parted = np.ones_like(level, dtype=bool)
    assert present(level, parted, broken=True)[2].all()
    assert not present(level, parted, broken=False)[2, 1:].any()
    parted[2, 2] = False
    assert not present(level, parted, broken=True)[2, 2]
    level[2], parted[2] = [0.67, 0.23, 0.0], [True, False, True]  # a piece that runs on into a narrow column
    assert present(level, parted, broken=True)[2].all()
    level[2, 1:] = 0.0
    assert not present(level, np.ones_like(parted), broken=True)[2, 2]


def test_lost_borders_tell_that_rules_are_broken() -> None:
    level, upright = np.ones((9, 6)), np.ones((7, 8))
    assert not is_broken(level, upright)
    for line, row in ((1, 2), (2, 5), (3, 3), (4, 6)):
        upright[line, row] = 0.0
    assert is_broken(level, upright)


def test_rules_broken_one_way_are_broken_the_other_way_too() -> None:
    level, upright = np.ones((9, 6)), np.ones((7, 8))
    level[2:6, 2] = 0.6
    level[3:7, 4] = 0.5
    upright[3, 3] = 0.0
    assert len(_cells(level, upright)) == 8 * 6


def test_a_gap_in_a_border_that_other_rows_divide_joins_no_cells() -> None:
    level = np.array([[1.0] * 6, [1.0, 1.0, 0.1, 1.0, 1.0, 1.0], [1.0] * 6])
    upright = np.array([[1.0, 1.0], *[[0.0, 0.0]] * 5, [1.0, 1.0]])
    assert _cells(level, upright) == (Span(0, 0, 1, 6), Span(1, 0, 1, 6))
