"""Tables on drawn pages: exact structure, and boxes that lead back to the page."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest

from pipeline.domain import CleanPage, Grid, Pixels, Points
from pipeline.geometry import Identity, box_to_parent
from pipeline.tables import find_grids
from pipeline.tables.grids import PLACED_UPRIGHT, SURE_LEVEL, _faint_lines, _Gauge, _open_sides
from tests.tables.drawing import SPANS, XS, YS, Drawn


def structure(grid: Grid) -> list[tuple[int, int, int, int]]:
    return [(cell.row, cell.column, cell.row_span, cell.column_span) for cell in grid.cells]


def only(grids: tuple[Grid, ...]) -> Grid:
    assert len(grids) == 1
    return grids[0]


@pytest.mark.parametrize(
    "manner",
    [
        {},
        {"width": 1},
        {"width": 5},
        {"ink": 170, "width": 1},
        {"dots": (2, 3)},
        {"dots": (12, 5)},
        {"outer": (False, True)},
        {"outer": (True, False)},
        {"text": "1024"},
        {"text": "HEHTL"},
    ],
    ids=str,
)
def test_spans_are_found_whatever_the_rules_look_like(manner: dict[str, object]) -> None:
    drawn = Drawn().table(XS, YS, SPANS, **manner)  # type: ignore[arg-type]
    grid = only(find_grids(drawn.page()))
    assert structure(grid) == drawn.cells
    for cell, (x0, y0, x1, y1) in zip(grid.cells, drawn.boxes, strict=True):
        box = box_to_parent(grid.to_page, cell.box)
        assert np.allclose((box.x0, box.y0, box.x1, box.y1), (x0, y0, x1, y1), atol=8)


@pytest.mark.parametrize("frame", [0, 8, 9], ids=lambda apart: f"frame {apart} pixels outside")
def test_cells_hold_no_ink_of_their_rules(frame: int) -> None:
    drawn = Drawn().table(XS, YS, SPANS, width=4 - frame // 8)
    if frame:
        cv2.rectangle(drawn.pixels, (XS[0] - frame, YS[0] - frame), (XS[-1] + frame, YS[-1] + frame), (20,), 3)
    grid = only(find_grids(drawn.page()))
    for cell in grid.cells:
        box = cell.box
        assert grid.pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)].min() > 200


def test_double_rules_are_one_line() -> None:
    drawn = Drawn().table(XS, YS, SPANS, width=1)
    cv2.rectangle(drawn.pixels, (XS[0] - 5, YS[0] - 5), (XS[-1] + 5, YS[-1] + 5), (20,), 1)
    assert structure(only(find_grids(drawn.page()))) == drawn.cells


def test_a_worn_rule_does_not_join_two_rows() -> None:
    drawn = Drawn().table(XS, YS, SPANS)
    drawn.pixels[295:305, 590:660] = 250
    drawn.pixels[345:355, 860:930] = 250
    assert structure(only(find_grids(drawn.page()))) == drawn.cells


def test_a_rule_along_which_a_stroke_of_a_seal_runs_in_one_row_does_not_join_its_cells() -> None:
    drawn = Drawn().table(XS, YS, SPANS)
    for left, right in pairwise(XS[1:]):
        for top in YS[1:-2]:
            cv2.putText(
                drawn.pixels, "10", ((left + right) // 2 - 10, top + 34), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (20,), 2
            )
    drawn.pixels[393:399, 835:846] = 250
    drawn.pixels[352:393, 845:856] = 90
    assert structure(only(find_grids(drawn.page()))) == drawn.cells


def test_a_row_cut_by_the_end_of_the_page_keeps_its_cells() -> None:
    drawn = Drawn().table(XS, YS, SPANS)
    drawn.pixels = np.ascontiguousarray(drawn.pixels[:490])
    assert structure(only(find_grids(drawn.page()))) == drawn.cells


def test_tables_below_each_other_come_in_order() -> None:
    drawn = Drawn().table(XS, [600, 650, 700]).table(XS, YS, SPANS)
    grids = find_grids(drawn.page())
    assert [grid.rows for grid in grids] == [6, 2]


def test_columns_of_data_need_not_agree_with_those_of_the_header() -> None:
    drawn = Drawn().table([200, 500, 800, 1200], [200, 250, 300]).table([200, 450, 900, 1200], [300, 350, 400])
    grid = only(find_grids(drawn.page()))
    assert [sum(cell.row == row for cell in grid.cells) for row in range(4)] == [3, 3, 3, 3]


@pytest.mark.parametrize("angle", [-3.0, 1.5])
def test_skew_is_flattened_and_boxes_lead_back(angle: float) -> None:
    drawn = Drawn().table(XS, YS, SPANS)
    matrix = cv2.getRotationMatrix2D((750, 550), angle, 1.0)
    turned = cv2.warpAffine(drawn.pixels, matrix, (1500, 1100), borderValue=250)
    check_centres(turned, drawn, lambda points: points @ matrix[:, :2].T + matrix[:, 2])


def test_curl_is_flattened_and_boxes_lead_back() -> None:
    drawn = Drawn().table(XS, YS, SPANS)
    y, x = np.mgrid[0:1100, 0:1500].astype(np.float32)
    bent = cv2.remap(drawn.pixels, x, y - 14 * np.sin(x / 330), cv2.INTER_LINEAR, borderValue=250)
    check_centres(bent, drawn, lambda p: np.stack([p[:, 0], p[:, 1] + 14 * np.sin(p[:, 0] / 330)], axis=1))


def check_centres(pixels: Pixels, drawn: Drawn, forward: Callable[[Points], Points]) -> None:
    grid = only(find_grids(CleanPage(1, pixels, Identity(), 200.0, 25.0)))
    assert structure(grid) == drawn.cells
    centres = np.array([[(x0 + x1) / 2, (y0 + y1) / 2] for x0, y0, x1, y1 in drawn.boxes])
    expected = forward(centres)
    found = grid.to_page.to_parent(
        np.array([[(c.box.x0 + c.box.x1) / 2, (c.box.y0 + c.box.y1) / 2] for c in grid.cells])
    )
    assert np.abs(found - expected).max() < 6


def test_underlines_frames_and_photographs_are_no_tables() -> None:
    drawn = Drawn()
    cv2.line(drawn.pixels, (200, 150), (900, 150), (20,), 2)
    cv2.line(drawn.pixels, (200, 190), (700, 190), (20,), 2)
    cv2.rectangle(drawn.pixels, (200, 300), (1100, 420), (20,), 2)
    noise = np.random.default_rng(1).integers(30, 220, (30, 40)).astype(np.uint8)
    drawn.pixels[500:1000, 300:1100] = cv2.resize(noise, (800, 500), interpolation=cv2.INTER_CUBIC)
    assert find_grids(drawn.page()) == ()


def test_a_side_without_a_rule_is_found_beside_a_label_that_spans_most_rows() -> None:
    ys = [200 + 50 * row for row in range(14)]
    drawn = Drawn().table(XS, ys, ((2, 0, 10, 1),), outer=(True, False))
    assert structure(only(find_grids(drawn.page()))) == drawn.cells


@pytest.mark.parametrize("text", ["1024", ""])
def test_a_worn_border_is_kept_between_two_texts_only(text: str) -> None:
    drawn = Drawn().table(XS, YS, text=text)
    drawn.pixels[YS[2] + 4 : YS[3] - 4, XS[2] - 4 : XS[2] + 5] = 250
    cells = structure(only(find_grids(drawn.page())))
    assert ((2, 2, 1, 1) in cells) == bool(text)


def test_strokes_of_text_in_line_are_no_rules_of_a_dotted_table() -> None:
    xs, ys = [100, 700, 850, 1100], list(range(100, 900, 40))
    drawn = Drawn().table(xs, ys, dots=(6, 4))
    rng = np.random.default_rng(3)
    for top, bottom in pairwise(ys):
        for x in rng.choice(np.arange(120, 680, 35), 9, replace=False).tolist():
            # A character as high as its row leaves room for: a long stroke and a few that cross it.
            cv2.line(drawn.pixels, (x, top + 3), (x, bottom - 3), (20,), 2)
            for y in rng.integers(top + 5, bottom - 5, 2).tolist():
                cv2.line(drawn.pixels, (x - 9, y), (x + 9, y), (20,), 2)
    grid = only(find_grids(drawn.page()))
    assert structure(grid) == drawn.cells


def test_rules_that_run_up_into_a_dark_header_belong_to_their_table() -> None:
    xs, ys = [150, 450, 600, 750, 900, 1050, 1250], [60, 340, *range(400, 1000, 60)]
    drawn = Drawn().table(xs, ys)
    shade = np.random.default_rng(5).random((280, 1100)) < 0.5
    header = drawn.pixels[60:340, 150:1250]
    header[shade & (header > 100)] = 60
    grid = only(find_grids(drawn.page()))
    assert grid.columns == 6
    assert len(grid.cells) >= 6 * 10


def test_the_last_row_of_an_open_table_is_found_though_its_columns_are_its_own() -> None:
    drawn = Drawn()
    drawn.table([200, 500, 800, 1200], [200, 240, 280, 320, 360], outer=(False, False))
    drawn.table([200, 500, 950, 1200], [360, 402], outer=(False, False))
    cv2.line(drawn.pixels, (200, 360), (1200, 360), (20,), 2)
    grid = only(find_grids(drawn.page()))
    assert grid.rows == 5
    assert [(cell.column, cell.column_span) for cell in grid.cells if cell.row == 4] == [(0, 1), (1, 2), (3, 1)]


@pytest.mark.parametrize("slope", [-0.05, 0.05])
def test_open_sides_of_a_table_that_lies_askew(slope: float) -> None:
    drawn = Drawn().table(list(range(200, 1300, 100)), [400, 440, 480, 520], outer=(False, False))
    matrix = np.array([[1.0, 0.0, 0.0], [slope, 1.0, -slope * 700]])
    askew = cv2.warpAffine(drawn.pixels, matrix, (1500, 1100), borderValue=250)
    grid = only(find_grids(CleanPage(1, askew, Identity(), 200.0, 25.0)))
    assert structure(grid) == drawn.cells


def test_a_rule_of_a_lower_block_is_kept_below_text_that_lies_on_its_line() -> None:
    upper, lower = [200, 900, 1200], [200, 480, 560, 640, 720, 800, 900, 1200]
    ys = list(range(100, 780, 40))
    drawn = Drawn().table(upper, ys).table(lower, [740, 826, 870])
    for top, bottom in pairwise(ys):
        for x in (560, 640, 720):
            cv2.line(drawn.pixels, (x, top + 8), (x, bottom - 8), (20,), 2)
            cv2.line(drawn.pixels, (x + 7, top + 8), (x + 7, bottom - 8), (20,), 2)
            cv2.line(drawn.pixels, (x - 9, (top + bottom) // 2), (x + 9, (top + bottom) // 2), (20,), 2)
    # Words that come close to the rules of the header.
    for x in lower[1:-1]:
        for beside in (x - 8, x + 8):
            cv2.line(drawn.pixels, (beside, 770), (beside, 800), (20,), 3)
    grid = only(find_grids(drawn.page()))
    assert [sum(cell.row == grid.rows - 1 - k for cell in grid.cells) for k in (0, 1)] == [7, 7]


@pytest.mark.parametrize("apart", [4, 8, 9])
def test_columns_of_two_blocks_that_nearly_agree(apart: int) -> None:
    upper = [200, 420, 560, 700, 840, 980, 1200]
    lower = [x + apart * (200 < x < 1200) for x in upper]
    drawn = Drawn().table(upper, list(range(100, 900, 40)), width=1, text="12")
    drawn.table(lower, [860, 900, 990, 1030], width=1, text="34")
    grid = only(find_grids(drawn.page()))
    assert [sum(cell.row == row for cell in grid.cells) for row in range(grid.rows)] == [6] * grid.rows
    assert grid.rows == 22


@pytest.mark.parametrize(
    ("left", "rows"), [((312, 358), [2]), ((311, 400), [0, 1, 2])], ids=["two broken", "half of one"]
)
def test_a_rule_of_which_broken_borders_are_left_is_told_by_the_texts_that_it_parts(
    left: tuple[int, int], rows: list[int]
) -> None:
    xs, ys = list(range(200, 1300, 80)), [200, 250, 340, 400]
    drawn = Drawn().table(xs, ys, width=1, text="0")
    rng = np.random.default_rng(6)
    for x in [x for x in xs[1:-1] if x != 680]:
        for top, bottom in pairwise(ys):
            start = int(rng.integers(top + 5, bottom - 20))
            drawn.pixels[start : start + 15, x - 2 : x + 3] = 250
    drawn.pixels[200:250, 678:683] = 250
    drawn.pixels[slice(*left), 678:683] = 250
    grid = only(find_grids(drawn.page()))
    assert {sum(cell.row == row for cell in grid.cells) for row in rows} == {len(xs) - 1}


def test_strokes_of_an_open_last_row_do_not_hide_that_it_is_open() -> None:
    size = 25.0
    long = [(y, 25.0, 1400.0, 1375.0) for y in range(74, 600, 47)]
    strokes = [(604.0, 157.0, 236.0, 79.0), (625.0, 237.0, 293.0, 56.0)]
    levels = np.array([*long, *strokes])
    column = (474.0, 544.0, 641.0, 97.0)
    uprights = np.array([column, *[(x, 601.0, 629.0, 28.0) for x in (160.0, 271.0, 302.0)]])
    found = _open_sides(levels[:, 0], levels, SURE_LEVEL * size, uprights, PLACED_UPRIGHT * size, size)
    assert found.tolist() == [641.0]


def test_what_looks_like_a_table_inside_a_cell_is_none() -> None:
    drawn = Drawn().table([200, 700, 900, 1200], [100, 400, 500, 600])
    cells = drawn.cells
    drawn.table([220, 400, 550], [200, 230, 260, 290])
    assert structure(only(find_grids(drawn.page()))) == cells


def test_hairlines_of_which_scattered_dots_are_left_part_the_rows_between_two_texts() -> None:
    xs, ys = [200, 800, 1000, 1200], list(range(200, 701, 50))
    drawn = Drawn().table([xs[0], xs[-1]], [ys[0], ys[-1]], width=4, text="")
    rng = np.random.default_rng(4)
    for number, y in enumerate(ys[1:-1]):
        piece, gap = ((14, 42), (90, 35))[number % 3 > 0]  # every third rule in pieces too short to be followed
        for x in range(xs[0] + int(rng.integers(20, 40)), xs[-1] - piece - 10, piece + gap):
            cv2.line(drawn.pixels, (x, y), (x + piece, y), (20,), 1)
    for x in xs[1:-1]:
        cv2.line(drawn.pixels, (x, ys[0]), (x, ys[-1]), (20,), 1)
    for y in ys[:-1]:
        for x in xs[:2]:
            cv2.putText(drawn.pixels, "12", (x + 60, y + 34), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20,), 2)
    grid = only(find_grids(drawn.page()))
    assert structure(grid) == [(row, column, 1, 1) for row in range(len(ys) - 1) for column in range(3)]


def test_two_columns_without_sides() -> None:
    drawn = Drawn().table([200, 600, 1200], [200, 250, 300, 350, 400, 450], ((3, 0, 1, 2),), outer=(True, False))
    assert structure(only(find_grids(drawn.page()))) == drawn.cells


@pytest.mark.parametrize("piece", [(1200, 560), (200, 560)], ids=["right", "left"])
def test_a_side_of_which_a_piece_is_left_is_found(piece: tuple[int, int]) -> None:
    ys = [200 + 50 * row for row in range(14)]
    drawn = Drawn().table([200, 600, 900, 1200], ys, outer=(True, False))
    x, y = piece
    drawn.pixels[y : y + 50, x - 1 : x + 1] = 20
    assert structure(only(find_grids(drawn.page()))) == drawn.cells


def test_lines_to_write_on_beside_an_upright_line_are_no_table() -> None:
    drawn = Drawn()
    for y, end in ((200, 900), (250, 1100), (300, 700)):
        cv2.line(drawn.pixels, (200, y), (end, y), (20,), 2)
    cv2.line(drawn.pixels, (500, 150), (500, 350), (20,), 2)
    assert find_grids(drawn.page()) == ()


def test_rules_that_show_through_from_the_back_are_not_those_of_the_page() -> None:
    drawn = Drawn().table(XS, YS, SPANS)
    shifted = [x + 37 for x in XS], [y + 55 for y in YS]
    back = Drawn().table(*shifted, ink=238)
    back.pixels = np.minimum(drawn.pixels, cv2.flip(back.pixels, 1))
    assert structure(only(find_grids(back.page()))) == drawn.cells


def test_a_faint_table_below_a_framed_photograph_is_found() -> None:
    drawn = Drawn().table(XS, YS, SPANS, ink=238)
    cv2.rectangle(drawn.pixels, (120, YS[-1] + 80), (700, YS[-1] + 300), 30, 3)
    assert drawn.cells in [structure(grid) for grid in find_grids(drawn.page())]


def test_a_last_row_below_a_caption_is_found_though_its_lower_side_was_not_printed() -> None:
    drawn = Drawn().table([200, 420, 840, 1200], YS[:5], outer=(True, True))
    for x in (200, 600, 1200):
        cv2.line(drawn.pixels, (x, YS[5]), (x, YS[6]), (20,), 2)
    for y in (YS[4], YS[5]):
        cv2.line(drawn.pixels, (200, y), (1200, y), (20,), 2)
    for x in (200, 1200):
        cv2.line(drawn.pixels, (x, YS[4]), (x, YS[5]), (20,), 2)
    assert only(find_grids(drawn.page())).rows == 6


def test_rules_that_hardly_stand_out_from_the_grain_are_found() -> None:
    drawn = Drawn().table(XS, YS, SPANS, ink=240)
    soft = np.asarray(cv2.GaussianBlur(drawn.pixels, (0, 0), 0.8), dtype=np.float64)
    grain = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 9, soft.shape), (0, 0), 0.6)
    drawn.pixels = np.clip(soft + grain, 0, 255).astype(np.uint8)
    assert structure(only(find_grids(drawn.page()))) == drawn.cells


def test_the_last_row_of_two_columns_without_sides_is_found() -> None:
    drawn = Drawn().table([200, 420, 840, 1200], [200, 240, 280, 320], outer=(True, False))
    cv2.line(drawn.pixels, (600, 320), (600, 402), (20,), 2)
    cv2.line(drawn.pixels, (200, 360), (1200, 360), (20,), 2)
    grid = only(find_grids(drawn.page()))
    assert [sum(cell.row == row for cell in grid.cells) for row in range(grid.rows)] == [3, 3, 3, 2, 2]


def test_the_outer_rows_of_two_columns_without_a_frame() -> None:
    drawn = Drawn().table([200, 600, 1200], [200, 250, 300, 350, 400, 450], ((3, 0, 1, 2),), outer=(False, False))
    assert structure(only(find_grids(drawn.page()))) == drawn.cells


def test_the_edges_of_a_sheet_around_a_table_do_not_take_its_place() -> None:
    drawn = Drawn().table(XS, [*YS, 550, 600], ())
    edges = (60, 80, 1400, 1000)
    cv2.rectangle(drawn.pixels, edges[:2], edges[2:], (20,), 2)
    for y in (700, 900):  # folds of the sheet
        cv2.line(drawn.pixels, (edges[0], y), (edges[2], y), (20,), 2)
    grid = only(find_grids(drawn.page()))
    assert structure(grid) == drawn.cells


@pytest.mark.parametrize("gap", [4, 5, 6, 7, 8])
def test_double_frames_of_any_width(gap: int) -> None:
    drawn = Drawn().table(XS, YS, SPANS)
    inner = (XS[0], YS[0], XS[-1], YS[-1])
    cv2.rectangle(drawn.pixels, (inner[0] - gap, inner[1] - gap), (inner[2] + gap, inner[3] + gap), (20,), 3)
    cv2.rectangle(drawn.pixels, inner[:2], inner[2:], (20,), 3)
    grid = only(find_grids(drawn.page()))
    assert structure(grid) == drawn.cells
    assert min(cell.quality for cell in grid.cells) > 0.9


@pytest.mark.parametrize("apart", [10, 14, 17])
def test_of_two_tables_whose_frames_nearly_touch_no_row_loses_its_cells(apart: int) -> None:
    drawn = Drawn().table([200, 420, 560, 700, 840, 1200], [200, 230, 260, 290])
    boxes = list(drawn.boxes)
    drawn.table([200, 500, 650, 770, 900, 1200], [290 + apart, 320 + apart, 350 + apart])
    boxes += drawn.boxes
    found = [box_to_parent(grid.to_page, cell.box) for grid in find_grids(drawn.page()) for cell in grid.cells]
    for box in boxes:
        assert any(np.allclose((b.x0, b.y0, b.x1, b.y1), box, atol=6) for b in found)


def test_pieces_of_hairlines_inside_a_thick_frame_make_rows_and_columns() -> None:
    xs, ys = [200, 800, 1000, 1200], list(range(200, 601, 50))
    drawn = Drawn().table([xs[0], xs[-1]], [ys[0], ys[-1]], width=4)
    rng = np.random.default_rng(3)
    for y in ys[1:-1]:
        for x in range(xs[0] + int(rng.integers(25, 55)), xs[-1] - 60, 150):
            cv2.line(drawn.pixels, (x, y), (min(x + 90, xs[-1] - 25), y), (20,), 1)
    for x in xs[1:-1]:
        for y in range(ys[0] + int(rng.integers(25, 35)), ys[-1] - 60, 90):
            cv2.line(drawn.pixels, (x, y), (x, y + 60), (20,), 1)
    grid = only(find_grids(drawn.page()))
    assert (grid.rows, grid.columns) == (len(ys) - 1, len(xs) - 1)


@pytest.mark.parametrize(("left", "right"), [(-3.0, 150.0), (-3.0, 420.0), (-9.0, -1.0), (410.0, 430.0)])
def test_worn_rules_are_looked_for_inside_the_picture_where_a_side_was_cut_off(left: float, right: float) -> None:
    dark = np.zeros((200, 400), np.uint8)
    dark[100, 5:395:9] = 255
    gauge = _Gauge(dark, (dark > 0).astype(np.uint8), 18.0, dash=None, across_text=False)
    assert _faint_lines(np.array([20.0, 180.0]), np.array([left, right]), gauge).size == 0
