"""Tables and lines read from the text that a PDF carries."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pikepdf
import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from pipeline.documents import read_pages
from pipeline.domain import Grid, PageImage
from pipeline.geometry import box_to_parent
from pipeline.settings import Settings
from pipeline.tables.textlayer import read_text_layer
from tests.documents.builders import FONT, NARRATIVE, ROWS, encrypted, text_pdf


def _page(data: bytes) -> PageImage:
    (page,) = read_pages(data, Settings())
    assert isinstance(page, PageImage)
    return page


def _drawn(draw: Callable[[Canvas], None]) -> bytes:
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _texts(grid: Grid) -> dict[tuple[int, int], str | None]:
    return {(cell.row, cell.column): cell.text for cell in grid.cells}


def test_cells_and_spans_are_read_as_printed() -> None:
    (grid,), _ = read_text_layer(_page(text_pdf()))
    assert (grid.rows, grid.columns) == (4, 5)
    texts = _texts(grid)
    assert texts[1, 0] == "一、本年新收申请数量"
    assert texts[2, 4] == "1,234"
    assert texts[2, 3] == "/"
    assert texts[3, 3] == ""
    assert texts[3, 4] == "-8"
    spans = {(cell.row, cell.column): (cell.row_span, cell.column_span) for cell in grid.cells}
    assert spans[0, 0] == (1, 2)
    assert spans[2, 0] == (2, 1)
    assert sum(rows * columns for rows, columns in spans.values()) == 20


def test_a_cell_is_found_on_the_page_where_it_is_printed() -> None:
    page = _page(text_pdf())
    (grid,), _ = read_text_layer(page)
    cell = next(cell for cell in grid.cells if cell.text == "168")
    box = box_to_parent(grid.to_page, cell.box)
    ink = page.pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
    assert ink.min() < 100
    assert ink[:, :5].min() > 200  # the rules are outside
    picture = grid.pixels[int(cell.box.y0) : int(cell.box.y1), int(cell.box.x0) : int(cell.box.x1)]
    assert (picture == ink).all()


def test_lines_outside_carry_text_prominence_and_place() -> None:
    _, lines = read_text_layer(_page(text_pdf()))
    title, heading, *body = lines
    assert title.text == "政府信息公开工作年度报告"
    assert title.centred
    assert title.prominence > 1.5
    assert heading.prominence == pytest.approx(1.0, abs=0.1)
    assert [line.text for line in body] == [NARRATIVE, NARRATIVE]
    assert not any(line.centred for line in body)


def test_a_page_without_tables_gives_its_lines() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont(FONT, 12)
        for row in range(5):
            canvas.drawString(70, 700 - 20 * row, NARRATIVE)

    grids, lines = read_text_layer(_page(_drawn(draw)))
    assert grids == ()
    assert [line.text for line in lines] == [NARRATIVE] * 5


def test_owner_restricted_page_is_read_the_same() -> None:
    (plain,), _ = read_text_layer(_page(text_pdf()))
    (locked,), _ = read_text_layer(_page(encrypted(text_pdf(), user="")))
    assert _texts(locked) == _texts(plain)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_page_that_shows_its_text_sideways_is_left_to_the_picture(rotation: int) -> None:
    buffer = BytesIO()
    with pikepdf.open(BytesIO(text_pdf())) as pdf:
        pdf.pages[0].obj["/Rotate"] = rotation
        pdf.save(buffer)
    assert read_text_layer(_page(buffer.getvalue())) == ((), ())


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_page_that_is_turned_to_show_its_text_upright_is_read(rotation: int) -> None:
    width, height = A4
    turn, box = {
        90: ((0, 1, -1, 0, height, 0), [0, 0, height, width]),
        180: ((-1, 0, 0, -1, width, height), [0, 0, width, height]),
        270: ((0, -1, 1, 0, 0, width), [0, 0, height, width]),
    }[rotation]
    buffer = BytesIO()
    with pikepdf.open(BytesIO(text_pdf())) as pdf:
        page = pdf.pages[0]
        page.contents_add(b"%f %f %f %f %f %f cm" % turn, prepend=True)
        page.obj["/MediaBox"] = pikepdf.Array([round(side, 3) for side in box])
        page.obj["/Rotate"] = rotation
        pdf.save(buffer)
    (plain,), _ = read_text_layer(_page(text_pdf()))
    (grid,), _ = read_text_layer(_page(buffer.getvalue()))
    assert _texts(grid) == _texts(plain)
    assert grid.box.x0 == pytest.approx(plain.box.x0, abs=2)
    assert grid.box.y0 == pytest.approx(plain.box.y0, abs=2)


def test_a_cut_out_page_keeps_its_boxes_on_the_picture() -> None:
    buffer = BytesIO()
    with pikepdf.open(BytesIO(text_pdf())) as pdf:
        pdf.pages[0].obj["/CropBox"] = pikepdf.Array([40, 100, 595, 842])
        pdf.save(buffer)
    page = _page(buffer.getvalue())
    (grid,), _ = read_text_layer(page)
    (whole,), _ = read_text_layer(_page(text_pdf()))
    assert grid.box.x0 == pytest.approx(whole.box.x0 - 40 * 200 / 72, abs=2)
    assert grid.box.y0 == pytest.approx(whole.box.y0, abs=2)
    assert _texts(grid) == _texts(whole)


def test_numbers_without_a_rule_between_them_are_left_to_the_picture() -> None:
    rows = [list(row) for row in ROWS]
    rows[1][0] = "12                              34"
    assert read_text_layer(_page(text_pdf(rows=rows))) == ((), ())


def test_digits_set_apart_make_one_number() -> None:
    rows = [list(row) for row in ROWS]
    rows[1][2] = "1 2 3"
    (grid,), _ = read_text_layer(_page(text_pdf(rows=rows)))
    assert _texts(grid)[1, 2] == "123"


def test_a_page_without_text_layer_gives_nothing() -> None:
    page = _page(text_pdf())
    assert read_text_layer(PageImage(1, page.pixels)) == ((), ())
