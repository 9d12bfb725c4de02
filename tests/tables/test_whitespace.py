"""Tables without any rule: drawn pages and generated ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline import tables
from pipeline.domain import ALIGNED, CleanPage, Grid
from pipeline.geometry import Identity, box_to_parent
from pipeline.tables.whitespace import find_grids
from pipeline.tables.whitespace.pieces import REDUCED, character_height, find_figures, find_pieces, text_ink

COLUMNS = [700, 860, 1020, 1180]
FIRST, PITCH = 300, 60


def character(pixels: np.ndarray, x: int, y: int) -> None:
    """A Chinese character as far as its outline goes: 26 pixels square, strokes both ways."""
    for offset in (0, 12, 24):
        cv2.line(pixels, (x, y + offset), (x + 24, y + offset), (20,), 2)
    cv2.line(pixels, (x + 12, y), (x + 12, y + 24), (20,), 2)


def words(pixels: np.ndarray, x: int, middle: int, count: int) -> None:
    for number in range(count):
        character(pixels, x + 29 * number, middle - 12)


def figure(pixels: np.ndarray, text: str, centre: int, middle: int) -> None:
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.85, 2)
    cv2.putText(pixels, text, (centre - width // 2, middle + height // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.85, (20,), 2)


def table(rows: int = 8, blank: tuple[int, int] | None = None, wrapped: int | None = None) -> CleanPage:
    """Labels of seven characters and four columns of figures under a header of words, 200 dots per inch."""
    pixels = np.full((1400, 1500), 250, np.uint8)
    words(pixels, 320, FIRST - PITCH, 4)
    for x in COLUMNS:
        words(pixels, x - 28, FIRST - PITCH, 2)
    for row in range(rows):
        middle = FIRST + PITCH * row
        if row == wrapped:
            words(pixels, 300, middle - 17, 7)
            words(pixels, 300, middle + 17, 3)
        else:
            words(pixels, 300, middle, 7)
        for column, x in enumerate(COLUMNS):
            if (row, column) != blank:
                figure(pixels, str((7 * row + 3 * column) % 40), x, middle)
    return CleanPage(1, pixels, Identity(), 200.0, 25.0)


def narrative(lines: int = 20) -> CleanPage:
    """Lines of words with commas and a number here and there, as in a report."""
    pixels = np.full((1400, 1500), 250, np.uint8)
    for line in range(lines):
        middle = 200 + 50 * line
        words(pixels, 200 if line % 5 else 258, middle, 12)
        figure(pixels, str(37 * line), 590, middle)
        words(pixels, 630, middle, 24 if line % 5 != 4 else 3)
    return CleanPage(1, pixels, Identity(), 200.0, 25.0)


def owner(grid: Grid, x: float, y: float) -> tuple[int, int]:
    """Row and column of the cell that holds a point of the page."""
    inside = [
        cell
        for cell in grid.cells
        if (box := box_to_parent(grid.to_page, cell.box)).x0 <= x < box.x1 and box.y0 <= y < box.y1
    ]
    assert len(inside) == 1
    return inside[0].row, inside[0].column


def owners(grid: Grid, rows: int = 8) -> np.ndarray:
    return np.array([[owner(grid, x, FIRST + PITCH * row) for x in COLUMNS] for row in range(rows)])


@pytest.mark.parametrize("options", [{}, {"blank": (3, 2)}, {"wrapped": 4}], ids=str)
def test_every_figure_has_a_cell_of_its_own_in_order(options: dict[str, object]) -> None:
    (grid,) = find_grids(table(**options))  # type: ignore[arg-type]
    found = owners(grid)
    assert len({tuple(place) for place in found.reshape(-1, 2)}) == found.shape[0] * found.shape[1]
    assert (found[..., 0] == found[:, :1, 0]).all()
    assert (np.diff(found[:, 0, 0]) == 1).all()
    assert (found[..., 1] == found[:1, :, 1]).all()
    assert (np.diff(found[0, :, 1]) > 0).all()


def test_cells_cover_the_grid_once() -> None:
    (grid,) = find_grids(table())
    covered = np.zeros((grid.rows, grid.columns), int)
    for cell in grid.cells:
        covered[cell.row : cell.row + cell.row_span, cell.column : cell.column + cell.column_span] += 1
    assert (covered == 1).all()
    assert all(cell.quality == ALIGNED for cell in grid.cells)


def test_a_wrapped_label_stays_in_the_row_of_its_figures() -> None:
    (grid,) = find_grids(table(wrapped=4))
    row = owners(grid)[4, 0, 0]
    middle = FIRST + PITCH * 4
    assert owner(grid, 400, middle - 17)[0] == owner(grid, 330, middle + 17)[0] == row


def test_a_slanting_page_is_straightened_and_leads_back() -> None:
    page = table()
    turn = cv2.getRotationMatrix2D((750, 700), 2.0, 1.0)
    pixels = cv2.warpAffine(page.pixels, turn, (1500, 1400), borderValue=(250,))
    (grid,) = find_grids(CleanPage(1, pixels, Identity(), 200.0, 25.0))  # type: ignore[arg-type]
    points = np.array([[x, FIRST + PITCH * row, 1.0] for row in range(8) for x in COLUMNS]) @ turn.T
    places = grid.to_page.from_parent(points)
    held = [
        [n for n, c in enumerate(grid.cells) if c.box.x0 <= x < c.box.x1 and c.box.y0 <= y < c.box.y1]
        for x, y in places
    ]
    assert all(len(cells) == 1 for cells in held)
    assert len({cells[0] for cells in held}) == len(points)


def test_what_was_found_by_its_rules_is_not_found_again() -> None:
    page = table()
    grids = find_grids(page)
    assert find_grids(page, grids) == ()


@pytest.mark.parametrize("ruled", [True, False])
def test_where_dots_are_left_of_rules_the_alignment_of_text_shows_more_than_a_few_pieces(ruled: bool) -> None:
    page = table()
    edges = [*(x - 80 for x in COLUMNS), COLUMNS[-1] + 80]
    heights = [FIRST + PITCH * row - PITCH // 2 for row in range(9)]
    for y in heights:
        page.pixels[y, 280:1260:14] = 20
        for x in edges:
            cv2.line(page.pixels, (x - 3, y), (x + 3, y), (20,), 2)  # a crossing
            cv2.line(page.pixels, (x, y - 3), (x, y + 3), (20,), 2)
    for x in edges:
        page.pixels[heights[0] : heights[-1] : 14, x] = 20
    for y in heights[:4]:  # of one corner the rules are whole
        cv2.line(page.pixels, (edges[0], y), (edges[2], y), (20,), 2)
    for x in edges[:3]:
        cv2.line(page.pixels, (x, heights[0]), (x, heights[3]), (20,), 2)
    (grid,) = tables.find_grids(page, ruled)
    if ruled:
        assert len(grid.cells) < 32
    else:
        assert len({tuple(place) for place in owners(grid).reshape(-1, 2)}) == 32


@pytest.mark.parametrize("lean", [0, 12])
def test_the_worn_frame_of_a_table_is_no_column_of_ones(lean: int) -> None:
    """Its pieces are as high as figures; every column had been counted one off."""
    framed = table()
    for x in (230, 1310):
        for number, y in enumerate(range(210, 780, 32)):
            at = x + round(lean * (y - 210) / 570)
            cv2.line(framed.pixels, (at, y), (at, y + (17, 21, 14)[number % 3]), (20,), 3)
    (expected,), (grid,) = find_grids(table()), find_grids(framed)
    assert (owners(grid) == owners(expected)).all()
    assert (grid.rows, grid.columns) == (expected.rows, expected.columns)


def test_a_column_of_ones_is_no_rule() -> None:
    pixels = table().pixels.copy()
    pixels[:, 1150:1210] = 250
    for row in range(8):
        middle = FIRST + PITCH * row
        cv2.line(pixels, (1180, middle - 9), (1180, middle + 9), (20,), 3)
    (grid,) = find_grids(CleanPage(1, pixels, Identity(), 200.0, 25.0))
    assert (owners(grid) == owners(find_grids(table())[0])).all()


def test_narrative_is_no_table() -> None:
    assert find_grids(narrative()) == ()


def test_an_empty_page_is_no_table() -> None:
    assert find_grids(CleanPage(1, np.full((1400, 1000), 250, np.uint8), Identity(), 200.0, 25.0)) == ()


PROSE = ("list", "addresses", "paragraphs", "contents", "date")


def prose(kind: str) -> CleanPage:
    """A page without a table that has numbers in places of its own."""
    pixels = np.full((1400, 1500), 250, np.uint8)
    for line in range(18):
        middle = 150 + 55 * line
        if kind == "list":
            figure(pixels, f"{line + 1}.", 215, middle)
            words(pixels, 245, middle, 8 + 7 * line % 17)
        elif kind == "addresses":
            words(pixels, 200, middle, 4)
            words(pixels, 345, middle, 6 + 5 * line % 9)
            if line % 3 == 2:
                figure(pixels, f"0571-8{line:02d}20{line:02d}", 300, middle + 27)
        elif kind == "paragraphs":
            figure(pixels, f"{line + 1}", 270, middle)
            words(pixels, 300, middle, 30 if line % 3 else 12)
        elif kind == "contents":
            words(pixels, 200, middle, 6 + 7 * line % 11)
            for x in range(620, 1150, 14):
                cv2.circle(pixels, (x, middle + 8), 2, (20,), -1)
            figure(pixels, str(line + 1), 1180, middle)
        elif line < 3:
            words(pixels, 900, middle, 7)
            figure(pixels, "2020", 930, middle + 27)
    return CleanPage(1, pixels, Identity(), 200.0, 25.0)


@pytest.mark.parametrize("kind", PROSE)
def test_prose_with_numbers_is_no_table(kind: str) -> None:
    assert find_grids(prose(kind)) == ()


@pytest.mark.parametrize("heights", [(220, 270, 780), tuple(range(210, 800, 60))], ids=["three lines", "every row"])
def test_rules_between_rows_alone_make_the_same_table(heights: tuple[int, ...]) -> None:
    page = table()
    for y in heights:
        cv2.line(page.pixels, (280, y), (1240, y), (20,), 2)
    (grid,) = tables.find_grids(page)
    found = owners(grid)
    assert len({tuple(place) for place in found.reshape(-1, 2)}) == found.size // 2
    assert (np.diff(found[:, 0, 0]) == 1).all()


def strip(labels_downwards: bool) -> CleanPage:
    """Fifteen figures on one line under labels of two levels."""
    pixels = np.full((1400, 1500), 250, np.uint8)
    words(pixels, 300, 240, 4)
    words(pixels, 900, 240, 4)
    for number in range(15):
        x = 120 + 88 * number
        for at in range(4 if labels_downwards else 1):
            words(pixels, x - (12 if labels_downwards else 27), 300 + 33 * at, 1 if labels_downwards else 2)
        figure(pixels, str(3 * number % 20), x, 450 if labels_downwards else 350)
    return CleanPage(1, pixels, Identity(), 200.0, 25.0)


@pytest.mark.parametrize("labels_downwards", [False, True])
def test_a_single_row_without_a_label_keeps_its_header(labels_downwards: bool) -> None:
    (grid,) = find_grids(strip(labels_downwards))
    assert grid.columns == 15
    assert grid.rows > 1
    last = [owner(grid, 120 + 88 * number, 450 if labels_downwards else 350) for number in range(15)]
    assert last == [(grid.rows - 1, number) for number in range(15)]


def test_a_heading_above_a_single_row_is_no_part_of_its_header() -> None:
    page = strip(labels_downwards=False)
    words(page.pixels, 110, 190, 14)
    (grid,) = find_grids(page)
    top = min(box_to_parent(grid.to_page, cell.box).y0 for cell in grid.cells)
    assert 202 < top < 240


def test_a_group_label_covers_the_rows_in_whose_middle_it_stands() -> None:
    pixels = np.full((1400, 1500), 250, np.uint8)
    for row in range(8):
        middle = FIRST + PITCH * row
        words(pixels, 300, middle, 8)
        for column, x in enumerate(COLUMNS):
            figure(pixels, str((7 * row + 3 * column) % 40), x, middle)
    for first, last in ((0, 4), (5, 7)):
        words(pixels, 180, FIRST + PITCH * (first + last) // 2, 3)
    (grid,) = find_grids(CleanPage(1, pixels, Identity(), 200.0, 25.0))
    spans = [(cell.row, cell.row_span) for cell in grid.cells if cell.column == 0]
    assert spans == [(0, 5), (5, 3)]


def test_large_labels_that_wrap_do_not_make_their_figures_characters() -> None:
    pixels = np.full((1400, 1500), 250, np.uint8)
    for row in range(8):
        middle = FIRST + 100 * row
        words(pixels, 300, middle - 19, 7)
        words(pixels, 300, middle + 19, 5)
        for column, x in enumerate(COLUMNS):
            figure(pixels, str(1000 + 371 * row + 29 * column), x, middle)
    large = cv2.resize(pixels, None, fx=1.4, fy=1.4, interpolation=cv2.INTER_AREA)
    (grid,) = find_grids(CleanPage(1, np.asarray(large, np.uint8), Identity(), 200.0, 25.0))
    found = np.array([[owner(grid, 1.4 * x, 1.4 * (FIRST + 100 * row)) for x in COLUMNS] for row in range(8)])
    assert len({tuple(place) for place in found.reshape(-1, 2)}) == 32
    assert (np.diff(found[:, 0, 0]) == 1).all()


def test_a_lone_figure_beside_a_wrapped_label_is_a_row_however_far_the_next_is() -> None:
    pixels = np.full((1400, 1500), 250, np.uint8)
    words(pixels, 320, FIRST - 100, 4)
    words(pixels, COLUMNS[0] - 56, FIRST - 100, 4)
    words(pixels, COLUMNS[1] - 56, FIRST - 100, 4)
    for row in range(8):
        middle = FIRST + 100 * row
        words(pixels, 300, middle - 17, 7)
        words(pixels, 300, middle + 17, 5)
        figure(pixels, str(7 * row), COLUMNS[row == 5], middle)
    (grid,) = find_grids(CleanPage(1, pixels, Identity(), 200.0, 25.0))
    places = [owner(grid, COLUMNS[row == 5], FIRST + 100 * row) for row in range(8)]
    assert (np.diff([row for row, _ in places]) == 1).all()
    assert places[5][1] > places[4][1] == places[6][1]


@pytest.mark.parametrize("lines", [1, 2])
def test_words_in_place_of_figures_are_values_and_no_header(lines: int) -> None:
    page = table()
    for row, column in ((0, 3), (2, 1), (2, 2), (2, 3), (3, 0), (3, 1), (3, 2), (3, 3), (6, 2)):
        x, middle = COLUMNS[column], FIRST + PITCH * row
        page.pixels[middle - 20 : middle + 20, x - 50 : x + 50] = 250
        if lines == 1:
            words(page.pixels, x - 42, middle, 3)
        else:
            words(page.pixels, x - 28, middle - 16, 2)
            words(page.pixels, x - 13, middle + 16, 1)
    (grid,) = find_grids(page)
    found = owners(grid)
    assert len({tuple(place) for place in found.reshape(-1, 2)}) == found.size // 2
    assert (found[..., 0] == found[:, :1, 0]).all()
    assert (np.diff(found[:, 0, 0]) == 1).all()


def test_a_label_close_to_its_number_is_no_figure() -> None:
    page = table()
    for row in (2, 5):
        page.pixels[FIRST + PITCH * row - 20 : FIRST + PITCH * row + 20, 280:1300] = 250
        figure(page.pixels, "2", 312, FIRST + PITCH * row)
        words(page.pixels, 330, FIRST + PITCH * row, 4)
    pieces = find_pieces(text_ink(page.pixels, REDUCED / 25.0))
    figures = find_figures(pieces, 1.1 * character_height(pieces))  # as brackets among the labels make it
    assert len(figures) == 24
    assert max(piece.width for piece in figures) < 2.0 * REDUCED


def test_the_number_of_the_page_is_no_row() -> None:
    page = table()
    figure(page.pixels, "- 3 -", COLUMNS[0], 1300)
    (grid,) = find_grids(page)
    assert owners(grid)[-1, 0, 0] == grid.rows - 1


def test_a_heading_parts_two_tables() -> None:
    page = table()
    words(page.pixels, 320, FIRST + PITCH * 9, 16)
    lower = table(4).pixels[FIRST - 2 * PITCH : FIRST + 5 * PITCH]
    page.pixels[FIRST + PITCH * 10 : FIRST + PITCH * 10 + len(lower)] = lower
    upper, below = find_grids(page)
    assert (upper.rows, below.rows) == (9, 5)


def test_what_is_left_of_rules_between_rows_makes_no_rows() -> None:
    page = table()
    rng = np.random.default_rng(5)
    for row in range(9):
        for x in rng.integers(300, 1250, size=14).tolist():
            cv2.line(
                page.pixels, (x, FIRST - PITCH // 2 + PITCH * row), (x + 14, FIRST - PITCH // 2 + PITCH * row), (20,), 1
            )
    (grid,) = find_grids(page)
    assert np.array_equal(owners(grid), owners(find_grids(table())[0]))
