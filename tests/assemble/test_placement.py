"""Printed cells find their place on the form, whatever page breaks, added rows and lost labels do to the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.assemble import MappedReport, map_reports
from pipeline.domain import (
    BoundingBox,
    CellKey,
    ColumnSpec,
    FormSpec,
    LabelContext,
    PageReading,
    RowSpec,
    TableReading,
    TableSpec,
)
from pipeline.forms import form_by_id, load_forms
from tests.assemble.oracle import Oracle
from tests.assemble.printed import Square, below, cut, line, page, reading, squares_of, table

FORMS = load_forms()
ORACLE = Oracle(FORMS)


def name(row: RowSpec, column: ColumnSpec) -> str:
    """A figure that tells where it was printed: no two cells of a table share one."""
    return str(1000 + sum(ord(c) * 7 ** (i % 5) for i, c in enumerate(row.id + "/" + column.id)) % 90000)


def expected(form: FormSpec, table_id: str) -> dict[CellKey, str]:
    spec = next(t for t in form.tables if t.id == table_id)
    return {
        CellKey(spec.id, row.id, column.id): name(row, column)
        for block in spec.blocks
        for row in block.rows
        for column in block.columns
    }


def found(pages: Sequence[PageReading], report: MappedReport) -> dict[CellKey, str]:
    tables = [item for p in pages for item in p.items if isinstance(item, TableReading)]
    return {key: tables[place.table].readings[place.cell].text for key, place in report.placements.items()}


def spec_of(form: FormSpec, table_id: str) -> TableSpec:
    return next(t for t in form.tables if t.id == table_id)


def read(*pages: PageReading) -> tuple[MappedReport, ...]:
    return map_reports(pages, FORMS, ORACLE)


def whole(form: FormSpec) -> list[list[Square]]:
    return [squares_of(t, name) for t in form.tables]


@pytest.mark.parametrize("form_id", ["ogi-2019", "ogi-2021"])
def test_every_cell_of_a_plain_report(form_id: str) -> None:
    form = form_by_id(form_id)
    pages = [page(line("临河市水务局2022年政府信息公开工作年度报告"), *(table(s) for s in whole(form)))]
    (report,) = read(*pages)
    assert (report.form.id, report.agency, report.year) == (form_id, "临河市水务局", 2022)
    assert found(pages, report) == {k: v for t in form.tables for k, v in expected(form, t.id).items()}


def test_the_form_is_decided_from_print_not_from_the_year() -> None:
    form = form_by_id("ogi-2019")
    pages = [page(line("佳县民政局2021年政府信息公开工作年度报告"), *(table(s) for s in whole(form)))]
    assert read(*pages)[0].form.id == "ogi-2019"


@pytest.mark.parametrize(("year", "form_id"), [(2020, "ogi-2019"), (2023, "ogi-2021")])
def test_where_print_does_not_tell_the_form_the_year_does_and_no_row_is_certain(year: int, form_id: str) -> None:
    title = line(f"临河市水务局{year}年政府信息公开工作年度报告")
    requests = squares_of(spec_of(form_by_id(form_id), "requests"), name)
    first = [square for square in requests if square[0] + square[2] <= 12]  # both forms word these rows alike
    (report,) = read(page(title, table(first)))
    assert report.form.id == form_id
    assert {key.row_id for key in report.placements} >= {"received", "denied_state_secret"}
    assert max(place.row_probability for place in report.placements.values()) < 0.97
    assert max(row.certainty for row in report.rows) < 0.97


@pytest.mark.parametrize("break_at", [4, 10, 20, 26])
def test_a_table_goes_on_on_the_next_page_without_its_header(break_at: int) -> None:
    form = form_by_id("ogi-2021")
    upper, lower = cut(squares_of(spec_of(form, "requests"), name), break_at)
    pages = [page(table(upper)), page(table(lower), number=2)]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")


def test_the_header_is_repeated_on_the_next_page() -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "requests"), name)
    header = [s for s in squares if s[0] < 3]
    upper, lower = cut(squares, 12)
    pages = [page(table(upper)), page(table(header + below(lower, 3)), number=2)]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")


def test_tables_stacked_without_a_gap() -> None:
    form = form_by_id("ogi-2019")
    first, second = (squares_of(spec_of(form, t), name) for t in ("proactive_disclosure", "requests"))
    width = max(c + cs for _, c, _, cs, _ in second)
    first = [(r, c, rs, width - c if c + cs == 4 else cs, text) for r, c, rs, cs, text in first]
    stacked = first + below(second, max(r for r, *_ in first) + 1)
    pages = [page(table(stacked))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "proactive_disclosure") | expected(form, "requests")


def test_an_added_row_is_left_out() -> None:
    form = form_by_id("ogi-2019")
    squares = squares_of(spec_of(form, "proactive_disclosure"), name)
    squares = [s for s in squares if s[0] < 4] + below([s for s in squares if s[0] >= 4], 1)
    squares += [(4, 0, 1, 1, "其他主动公开文件"), (4, 1, 1, 1, "7"), (4, 2, 1, 1, "8"), (4, 3, 1, 1, "9")]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "proactive_disclosure")


def test_rows_that_lost_their_labels_are_placed_by_their_neighbours() -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "requests"), name)
    lost = {"1.属于国家秘密", "4.保护第三方合法权益", "8.属于行政查询事项"}
    squares = [(r, c, rs, cs, "" if text in lost else text) for r, c, rs, cs, text in squares]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")


@pytest.mark.parametrize(("omitted", "unnamed"), [("行政规范性文件", "行政许可"), ("行政许可", "行政规范性文件")])
def test_the_number_of_its_cells_tells_of_which_block_a_row_without_a_label_is(omitted: str, unnamed: str) -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "proactive_disclosure"), name)
    gone = next(r for r, *_, text in squares if text == omitted)
    squares = [(r - (r > gone), c, rs, cs, "" if t == unnamed else t) for r, c, rs, cs, t in squares if r != gone]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    absent = {"行政规范性文件": "normative_documents", "行政许可": "licensing"}[omitted]
    right = {k: v for k, v in expected(form, "proactive_disclosure").items() if k.row_id != absent}
    assert found(pages, report) == right


def test_a_row_that_the_agency_left_out_is_not_found() -> None:
    form = form_by_id("ogi-2019")
    squares = squares_of(spec_of(form, "requests"), name)
    row = next(r for r, *_, text in squares if text == "2.重复申请")
    kept = [(r - (r > row), c, rs - (r < row < r + rs), cs, text) for r, c, rs, cs, text in squares if r != row]
    pages = [page(table(kept))]
    (report,) = read(*pages)
    missing = {k for k in expected(form, "requests") if k.row_id == "not_processed_duplicate"}
    assert found(pages, report) == {k: v for k, v in expected(form, "requests").items() if k not in missing}


@pytest.mark.parametrize("speck", ["", "-"])
@pytest.mark.parametrize("figures_above", [True, False])
def test_a_row_cut_in_two_by_the_page_break(figures_above: bool, speck: str) -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "requests"), name)
    label = "（二）部分公开（区分处理的，只计这一情形，不计其他情形）"
    row = next(r for r, *_, text in squares if text == label)
    upper, lower = cut(squares, row + 1)
    twin = [(0, c, rs, cs, text) for r, c, rs, cs, text in squares if r == row]
    lower = below(lower, 1) + twin
    figures = {name(r, c) for b in spec_of(form, "requests").blocks for r in b.rows for c in b.columns}
    blanked = lower if figures_above else upper
    emptied = [
        (r, c, rs, cs, "" if text in figures and r == (0 if figures_above else row) else text)
        for r, c, rs, cs, text in blanked
    ]
    upper, lower = (upper, emptied) if figures_above else (emptied, lower)
    tables = [table(upper), table(lower)]
    half = tables[1 if figures_above else 0]
    spot = max(i for i, c in enumerate(half.grid.cells) if c.row == (0 if figures_above else row) and c.column > 2)
    readings = [reading(speck, probability=0.4) if i == spot else r for i, r in enumerate(half.readings)]
    tables[1 if figures_above else 0] = replace(half, readings=tuple(readings))
    pages = [page(tables[0]), page(tables[1], number=2)]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")


def test_a_header_cell_that_was_never_merged_leaves_blank_squares() -> None:
    form = form_by_id("ogi-2021")
    spec = spec_of(form, "proactive_disclosure")
    squares = squares_of(spec, name)
    top = next(r for r, *_, text in squares if text == "本年处理决定数量")
    squares += [(r, c, 1, 1, "") for r in (top, top + 1) for c in (2, 3)]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "proactive_disclosure")


def test_two_reports_in_one_file_the_second_starting_in_the_middle_of_a_page() -> None:
    first, second = form_by_id("ogi-2019"), form_by_id("ogi-2021")
    pages = [
        page(line("甲县水务局2020年政府信息公开工作年度报告"), *(table(s) for s in whole(first)[:2])),
        page(
            table(whole(first)[2]),
            line("乙县水务局2021年政府信息公开工作年度报告", top=200.0),
            *(table(s) for s in whole(second)),
            number=2,
        ),
    ]
    one, two = read(*pages)
    assert [(r.form.id, r.agency, r.year, r.pages) for r in (one, two)] == [
        ("ogi-2019", "甲县水务局", 2020, (1, 2)),
        ("ogi-2021", "乙县水务局", 2021, (2,)),
    ]
    for form, report in ((first, one), (second, two)):
        assert found(pages, report) == {k: v for t in form.tables for k, v in expected(form, t.id).items()}


def test_two_reports_without_titles_are_told_apart_by_what_repeats() -> None:
    form = form_by_id("ogi-2021")
    pages = [page(*(table(s) for s in whole(form)), number=n) for n in (1, 2)]
    assert len(read(*pages)) == 2


def test_a_report_on_another_form_begins_where_its_title_was_not_read() -> None:
    first, second = form_by_id("ogi-2014"), form_by_id("ogi-2021")
    one, two = read(
        *(page(*(table(s) for s in whole(form)), number=n) for n, form in enumerate((first, second), start=1))
    )
    for form, report in ((first, one), (second, two)):
        assert report.form.id == form.id
        assert len(report.placements) == sum(len(expected(form, t.id)) for t in form.tables)


def test_an_unrelated_table_is_no_report() -> None:
    squares = [(0, 0, 1, 1, "姓名"), (0, 1, 1, 1, "电话"), (1, 0, 1, 1, "张三"), (1, 1, 1, 1, "13800000000")]
    assert read(page(table(squares))) == ()


def test_a_row_with_a_lost_rule_is_placed_by_where_its_cells_lie_and_doubted() -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "requests"), name)
    row = next(r for r, *_, text in squares if text == "（一）予以公开")
    values = sorted(s for s in squares if s[0] == row and s[1] >= 3)
    squares = [s for s in squares if s not in values[2:4]]
    squares.append((row, values[2][1], 1, 2, values[2][4] + values[3][4]))
    pages = [page(table(squares))]
    (report,) = read(*pages)
    right = expected(form, "requests")
    for key, place in report.placements.items():
        if key.row_id == "granted" and found(pages, report)[key] != right[key]:
            assert place.column_probability < 0.5
        elif key.row_id != "granted":
            assert found(pages, report)[key] == right[key]


@pytest.mark.parametrize("fault", ["none above", "a blank between", "a piece cut off"])
def test_cells_that_stand_alone_in_the_place_of_their_column_are_sure_enough_for_the_sums(fault: str) -> None:
    """Where one of the row above spans both, or a stroke was taken for a rule; a piece may belong to a figure."""
    form = form_by_id("ogi-2021")
    squares = [(r, 3 * c, rs, 3 * cs, text) for r, c, rs, cs, text in squares_of(spec_of(form, "requests"), name)]
    row = next(r for r, *_, text in squares if text == "（一）予以公开")
    values = sorted(s for s in squares if s[0] == row and s[1] >= 9)
    _, left, _, _, text = values[2]
    squares.remove(values[2])
    if fault == "none above":
        above = next(s for s in squares if s[:2] == (row - 1, left))
        squares.remove(above)
        squares.append((row - 1, left, 2, 3, above[4]))
    else:
        squares += [(row, left, 1, 1, ""), (row, left + 1, 1, 2, text)]
        if fault == "a piece cut off":
            squares[-2:] = [(row, left, 1, 1, "1"), (row, left + 1, 1, 2, text)]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    right = expected(form, "requests")
    others = {k: p for k, p in report.placements.items() if k.row_id == "granted" and right[k] != text}
    assert len(others) == 6
    assert all(found(pages, report)[key] == right[key] for key in others)
    least = min(place.column_probability for place in others.values())
    assert (0.95 <= least < 0.97) if fault != "a piece cut off" else least < 0.5


def test_a_figure_beside_a_unit_that_was_cut_in_two_and_read_as_figures_keeps_its_column() -> None:
    """Before a blank edge, which a frame that was found twice leaves."""
    form = form_by_id("ogi-2014")
    block = form.tables[0].blocks[0]
    squares: list[Square] = [(0, 0, 1, 1, block.stub), (0, 1, 1, 2, block.unit_header), (0, 3, 1, 2, "统计数")]
    for row in block.rows[:30]:
        top = len({s[0] for s in squares})
        squares += [(top, 0, 1, 1, row.label), (top, 1, 1, 2, row.unit)]
        squares += [(top, 3, 1, 1, name(row, block.columns[0])), (top, 4, 1, 1, "")]
    cut_row = block.rows[12]
    top, *_ = next(s for s in squares if s[4] == cut_row.label)
    squares = [s for s in squares if s[:2] != (top, 1)] + [(top, 1, 1, 1, "4"), (top, 2, 1, 1, "1")]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    key = CellKey("statistics", cut_row.id, block.columns[0].id)
    assert found(pages, report)[key] == name(cut_row, block.columns[0])
    assert report.placements[key].column_probability >= 0.95


def test_the_form_of_2014_with_headings_units_and_indents() -> None:
    form = form_by_id("ogi-2014")
    block = form.tables[0].blocks[0]
    squares: list[Square] = [(0, 0, 1, 1, block.stub), (0, 1, 1, 1, block.unit_header), (0, 2, 1, 1, "统计数")]
    printed = set()
    for row in block.rows:
        for heading in row.parents:
            if heading in block.headings and heading not in printed:
                printed.add(heading)
                squares += [(len(squares) // 3, i, 1, 1, text) for i, text in enumerate((heading, "——", "——"))]
        figures = (row.label, row.unit, name(row, block.columns[0]))
        squares += [(len(squares) // 3, i, 1, 1, text) for i, text in enumerate(figures)]
    upper, lower = cut(squares, 30)
    pages = [
        page(line("政府信息公开情况统计表"), line("（2016年度）", top=30.0), table(upper)),
        page(table(lower), number=2),
    ]
    (report,) = read(*pages)
    assert (report.form.id, report.year) == ("ogi-2014", 2016)
    assert found(pages, report) == expected(form, "statistics")


def test_doubtful_labels_lower_the_certainty_of_the_row() -> None:
    form = form_by_id("ogi-2021")
    spec = spec_of(form, "requests")
    squares = squares_of(spec, name)
    row = next(r for r, *_, text in squares if text == "2.重复申请")
    gone = [s for s in squares if s[0] != row]
    gone = [(r - (r > row), c, rs - (r < row < r + rs), cs, text) for r, c, rs, cs, text in gone]
    unsure = [
        (r, c, rs, cs, "" if text in {"3.要求提供公开出版物", "1.信访举报投诉类申请"} else text)
        for r, c, rs, cs, text in gone
    ]
    (report,) = read(page(table(unsure)))
    sure = min(p.row_probability for k, p in report.placements.items() if k.row_id == "granted")
    doubtful = [p.row_probability for k, p in report.placements.items() if k.row_id.startswith("not_processed")]
    assert sure > 0.95
    assert min(doubtful) < 0.9


def test_reading_a_value_as_words_does_not_move_its_neighbours() -> None:
    form = form_by_id("ogi-2021")
    spec = spec_of(form, "requests")
    printed = table(squares_of(spec, name))
    spoiled = next(
        i
        for i, r in enumerate(printed.readings)
        if r.text == expected(form, "requests")[CellKey("requests", "granted", "enterprise")]
    )
    readings = list(printed.readings)
    readings[spoiled] = reading("章", probability=0.4)
    pages = [page(replace(printed, readings=tuple(readings)))]
    (report,) = read(*pages)
    wrong = {k for k, v in found(pages, report).items() if v != expected(form, "requests")[k]}
    assert wrong == {CellKey("requests", "granted", "enterprise")}


def test_a_label_beside_the_strip_does_not_shift_it() -> None:
    form = form_by_id("ogi-2021")
    squares = [(r, c + 1, rs, cs, text) for r, c, rs, cs, text in squares_of(spec_of(form, "reviews"), name)]
    squares += [(0, 0, 3, 1, "项目"), (3, 0, 1, 1, "数量")]
    pages = [page(table(squares_of(spec_of(form, "proactive_disclosure"), name)), table(squares))]
    (report,) = read(*pages)
    assert {k: v for k, v in found(pages, report).items() if k.table_id == "reviews"} == expected(form, "reviews")


@pytest.mark.parametrize(
    "heading", ["四、政府信息公开行政复议、行政诉讼情况", "五、存在的主要问题及改进情况"], ids=["its own", "another"]
)
def test_a_strip_of_which_no_label_can_be_read_is_told_by_its_heading(heading: str) -> None:
    form = form_by_id("ogi-2021")
    reviews = squares_of(spec_of(form, "reviews"), name)
    figures = max(r for r, *_ in reviews)
    illegible = [(r, c, rs, cs, text if r == figures else "") for r, c, rs, cs, text in reviews]
    requests = table(squares_of(spec_of(form, "requests"), name))
    pages = [page(requests, line(heading, top=800.0), table(illegible))]
    (report,) = read(*pages)
    wanted = expected(form, "requests") | (expected(form, "reviews") if heading.startswith("四") else {})
    assert found(pages, report) == wanted


@pytest.mark.parametrize("heading", ["二、主动公开政府信息情况", "一、总体情况"], ids=["its own", "another"])
def test_a_table_of_which_no_label_can_be_read_is_told_by_its_heading(heading: str) -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "proactive_disclosure"), name)
    figures = set(expected(form, "proactive_disclosure").values())
    illegible = [(r, c, rs, cs, text if text in figures else "") for r, c, rs, cs, text in squares]
    requests = table(squares_of(spec_of(form, "requests"), name))
    pages = [page(line(heading), table(illegible)), page(requests)]
    (report,) = read(*pages)
    wanted = expected(form, "requests")
    if heading.startswith("二"):
        wanted |= expected(form, "proactive_disclosure")
    assert found(pages, report) == wanted


def test_rows_without_labels_do_not_decide_the_form() -> None:
    first = [("信息内容", "本年制发件数", "本年废止件数", "现行有效件数"), ("规章", "1", "2", "3")]
    rows = [*first, ("信息内容", "处理决定数量"), ("行政处罚", "4"), ("行政强制", "5"), ("行政事业性收费", "6")]
    squares: list[Square] = [(r, c, 1, 1, text) for r, row in enumerate(rows) for c, text in enumerate(row)]
    unnamed: list[Square] = [(r, c, 1, 1, str(r + c)) for r in range(12) for c in range(2)]
    (report,) = read(page(table(squares)), page(table(unnamed)))
    assert report.form.id == "ogi-2021"


def test_rows_without_labels_that_look_like_those_of_another_form_do_not_decide_it_either() -> None:
    form = form_by_id("ogi-2021")
    unnamed: list[Square] = [(0, c, 1, 1, text) for c, text in enumerate(("统计指标", "单位", "统计数"))]
    unnamed += [(r, c, 1, 1, text) for r in range(1, 18) for c, text in enumerate(("", "", str(r)))]
    disclosed = table(squares_of(spec_of(form, "proactive_disclosure"), name))
    report = read(page(table(unnamed)), page(disclosed))[-1]
    assert report.form.id == form.id


@pytest.mark.parametrize("first", [2, 7, 9, 13])
def test_a_strip_in_which_a_rule_was_lost_is_placed_by_its_labels(first: int) -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "reviews"), name)
    single = {s for s in squares if s[3] == 1}
    left = sorted(s for s in single if s[1] == first)
    merged = [
        (r, c, rs, 2, text + next(t for y, x, *_, t in single if (y, x) == (r, c + 1))) for r, c, rs, _, text in left
    ]
    kept = [s for s in squares if s not in single or s[1] not in (first, first + 1)]
    pages = [page(table(squares_of(spec_of(form, "proactive_disclosure"), name)), table(kept + merged))]
    (report,) = read(*pages)
    right = expected(form, "reviews")
    keys = list(right)
    lost = {keys[first], keys[first + 1]}
    got = {k: v for k, v in found(pages, report).items() if k.table_id == "reviews"}
    assert {k: v for k, v in got.items() if k not in lost} == {k: v for k, v in right.items() if k not in lost}
    assert all(report.placements[k].column_probability < 0.6 for k in lost & got.keys())


def test_a_row_whose_label_reads_like_a_column_header() -> None:
    form = form_by_id("ogi-2019")
    squares = squares_of(spec_of(form, "requests"), name)
    squares = [(r, c, rs, cs, "其他" if text == "（六）其他处理" else text) for r, c, rs, cs, text in squares]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")


def test_labels_that_read_like_column_headers_beside_blanks_on_the_next_page() -> None:
    """In a table that goes on without its header 其他 and 总计 name rows, though hardly a figure stands beside them."""
    form = form_by_id("ogi-2019")

    def sparse(row: RowSpec, column: ColumnSpec) -> str:
        return name(row, column) if column.id == "natural_person" and row.id != "other" else ""

    short = {"（六）其他处理": "其他", "（七）总计": "总计"}
    squares = [(*place, short.get(text, text)) for *place, text in squares_of(spec_of(form, "requests"), sparse)]
    upper, lower = cut(squares, 20)  # type: ignore[arg-type]
    pages = [page(table(upper)), page(table(lower), number=2)]
    (report,) = read(*pages)
    requests = next(table for table in form.tables if table.id == "requests")
    cells = {CellKey("requests", r.id, c.id): sparse(r, c) for b in requests.blocks for r in b.rows for c in b.columns}
    assert found(pages, report) == cells
    assert all(row.label for row in report.rows)


def test_a_blank_row_below_the_strip_is_not_taken_for_it() -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "reviews"), name)
    squares += [(4, c, 1, 1, "") for c in range(15)]
    pages = [page(table(squares_of(spec_of(form, "proactive_disclosure"), name)), table(squares))]
    (report,) = read(*pages)
    assert {k: v for k, v in found(pages, report).items() if k.table_id == "reviews"} == expected(form, "reviews")


def test_a_header_that_was_never_merged_is_no_row_even_with_a_speck_in_it() -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "requests"), name)
    spanning = next(s for s in squares if s[4] == "申请人情况")
    row, first, _, count, text = spanning
    squares.remove(spanning)
    squares += [(row, first + i, 1, 1, text if i == 3 else "1" if i == 0 else "") for i in range(count)]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")
    assert min(p.row_probability for p in report.placements.values()) > 0.95


def test_a_header_that_was_never_merged_is_no_row_though_more_specks_than_words_stand_in_it() -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "requests"), name)
    spanning = next(s for s in squares if s[4] == "申请人情况")
    row, first, _, count, text = spanning
    squares.remove(spanning)
    squares += [(row, first + i, 1, 1, text if i == 3 else "-" if i < 3 else "") for i in range(count)]
    printed = table(squares)
    readings = [reading(r.text, probability=0.6) if r.text == "-" else r for r in printed.readings]
    pages = [page(replace(printed, readings=tuple(readings)))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")
    assert len(report.rows) == sum(len(block.rows) for block in spec_of(form, "requests").blocks)


@pytest.mark.parametrize("figure", ["5", "不适用"])
def test_a_unit_does_not_name_its_row_and_a_word_may_stand_for_its_figure(figure: str) -> None:
    form = form_by_id("ogi-2014")
    block = form.tables[0].blocks[0]
    lost = {"channel_weibo", "denied_trade_secret", "litigation_upheld"}
    squares: list[Square] = [(0, 0, 1, 1, block.stub), (0, 1, 1, 1, block.unit_header), (0, 2, 1, 1, "统计数")]
    for number, row in enumerate(block.rows, start=1):
        texts = ("" if row.id in lost else row.label, row.unit, figure)
        squares += [(number, column, 1, 1, text) for column, text in enumerate(texts)]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    assert found(pages, report) == dict.fromkeys(expected(form, "statistics"), figure)


@pytest.mark.parametrize(("unit", "figure"), [("件厂", "5"), ("/条一", "5"), ("件", ".")])
def test_rows_that_lost_their_labels_keep_their_place_where_the_unit_or_the_figure_is_misread_too(
    unit: str, figure: str
) -> None:
    form = form_by_id("ogi-2014")
    block = form.tables[0].blocks[0]
    lost = {"channel_weibo", "denied_trade_secret", "litigation_upheld"}
    squares: list[Square] = [(0, 0, 1, 1, block.stub), (0, 1, 1, 1, block.unit_header), (0, 2, 1, 1, "统计数")]
    for number, row in enumerate(block.rows, start=1):
        texts = ("", unit, figure) if row.id in lost else (row.label, row.unit, "8")
        squares += [(number, column, 1, 1, text) for column, text in enumerate(texts)]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    right = {key: figure if key.row_id in lost else "8" for key in expected(form, "statistics")}
    assert found(pages, report) == right


def test_an_illegible_row_before_the_page_break_is_not_the_half_of_another_though_headings_add_to_the_rows() -> None:
    form = form_by_id("ogi-2014")
    block = form.tables[0].blocks[0]
    squares: list[Square] = [(0, 0, 1, 1, block.stub), (0, 1, 1, 1, block.unit_header), (0, 2, 1, 1, "统计数")]
    number = 1
    printed: set[str] = set()
    for row in block.rows:
        for heading in row.parents:
            if heading in block.headings and heading not in printed:
                printed.add(heading)
                squares += [(number, i, 1, 1, text) for i, text in enumerate((heading, "——", "——"))]
                number += 1
        label = "" if row.id == "denied_state_secret" else row.label
        squares += [(number, i, 1, 1, text) for i, text in enumerate((label, row.unit, name(row, block.columns[0])))]
        if row.id == "denied_state_secret":
            last = number
        number += 1
    upper, lower = cut(squares, last + 1)
    above = table(upper)
    doubtful = (*above.readings[:-1], reading(above.readings[-1].text, probability=0.3))
    pages = [page(replace(above, readings=doubtful)), page(table(lower), number=2)]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "statistics")


@pytest.mark.parametrize("sliver_first", [True, False])
def test_a_sliver_of_a_row_at_a_page_break_is_not_taken_for_the_row_itself(sliver_first: bool) -> None:
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "requests"), name)
    row = next(r for r, *_, text in squares if text == "8.属于行政查询事项")
    squares = [(r, c, rs, cs, "" if text == "8.属于行政查询事项" else text) for r, c, rs, cs, text in squares]
    upper, lower = cut(squares, row + (not sliver_first))
    sliver = [(0, c, rs, cs, "" if c < 9 else "1") for r, c, rs, cs, _ in squares if r == row]
    if sliver_first:
        upper += below(sliver, row)
    else:
        lower = below(lower, 1) + sliver
    pages = [page(table(upper)), page(table(lower), number=2)]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")


@pytest.mark.parametrize("added", [0.02, 0.3])
@pytest.mark.parametrize("figures_above", [True, False])
def test_strokes_of_a_seal_over_the_blank_half_of_a_row_do_not_stand_for_its_figures(
    figures_above: bool, added: float
) -> None:
    form = form_by_id("ogi-2021")
    label, rest = "2.没有现成信息需要另行制作", "2.没有现成信息"

    class Doubtful(Oracle):
        """Takes what is left of the label beside the figures for an added row with some probability."""

        def probabilities(self, contexts: Sequence[LabelContext]) -> NDArray[np.float64]:
            found = super().probabilities([replace(c, text=label) if c.text == rest else c for c in contexts])
            other = super().probabilities([LabelContext("added")] * len(contexts))
            cut_off = np.array([[context.text == rest] for context in contexts])
            return np.where(cut_off, (1 - added) * found + added * other, found)

    squares = squares_of(spec_of(form, "requests"), name)
    row = next(r for r, *_, text in squares if text == label)
    upper, lower = cut(squares, row + 1)
    figures = [(0, c, rs, cs, rest if text == label else text) for r, c, rs, cs, text in squares if r == row]
    strokes = {2: label, 5: "2", 8: "/"}
    blank = [(0, c, rs, cs, strokes.get(c, "")) for _, c, rs, cs, _ in figures]
    above, under = (figures, blank) if figures_above else (blank, figures)
    pages = []
    for number, half in enumerate(([s for s in upper if s[0] != row] + below(above, row), under + below(lower, 1)), 1):
        printed = table(half)
        doubtful = {"2": 0.3, "/": 0.97}
        readings = tuple(reading(r.text, probability=doubtful.get(r.text, 1.0)) for r in printed.readings)
        pages.append(page(replace(printed, readings=readings), number=number))
    (report,) = map_reports(pages, FORMS, Doubtful(FORMS))
    got, wanted = found(pages, report), expected(form, "requests")
    cut_row = [key for key in wanted if key.row_id == "unavailable_needs_creation"]
    assert [got[key] for key in cut_row] == [wanted[key] for key in cut_row]
    assert all(report.placements[key].row_probability < 0.5 for key in cut_row)


@pytest.mark.parametrize("surplus", [True, False], ids=["one row too many", "another was lost"])
@pytest.mark.parametrize("certainty", [1.0, 0.85])
def test_figures_before_the_page_break_leave_no_blank_row_behind_it_certain(surplus: bool, certainty: float) -> None:
    """What is left of the label beside the figures names no row, and nothing on their page is read for sure."""
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "requests"), name)
    label, rest, row_id = "2.没有现成信息需要另行制作", "2.没有", "unavailable_needs_creation"
    row = next(r for r, *_, text in squares if text == label)
    upper, lower = cut(squares, row + 1)
    own = [(r, c, text) for r, c, *_, text in squares if r == row]
    upper = [s for s in upper if s[0] != row] + [(r, c, 1, 1, rest if text == label else text) for r, c, text in own]
    lower = [(0, c, 1, 1, text if text == label else "") for _, c, text in own] + below(lower, 1)
    if not surplus:
        last = max(r for r, *_ in lower)
        lower = [s for s in lower if s[0] + s[2] <= last]
    above = table(upper)
    above = replace(above, readings=tuple(reading(r.text, probability=certainty) for r in above.readings))
    pages = [page(above), page(table(lower), number=2)]
    (report,) = read(*pages)
    got, wanted = found(pages, report), expected(form, "requests")
    for key in (key for key in wanted if key.row_id == row_id):
        assert got[key] == wanted[key] or report.placements[key].row_probability < 0.5


@pytest.mark.parametrize("digit", ["2", ""])
def test_a_figure_set_in_lines_that_the_page_break_cuts_is_not_certain(digit: str) -> None:
    """Of a wide 202 two digits stand before the page break and one behind it, beside blanks and no label."""
    form = form_by_id("ogi-2021")
    squares = squares_of(spec_of(form, "requests"), name)
    row = next(r for r, *_, text in squares if text == "2.没有现成信息需要另行制作")
    upper, lower = cut(squares, row + 1)
    own = [(c, cs) for r, c, _, cs, _ in squares if r == row]
    rest = [(0, c, 1, cs, digit if number == 2 else "") for number, (c, cs) in enumerate(own)]
    pages = [page(table(upper)), page(table(rest + below(lower, 1)), number=2)]
    (report,) = read(*pages)
    got, wanted = found(pages, report), expected(form, "requests")
    assert got == wanted
    cut_row = [key for key in wanted if key.row_id == "unavailable_needs_creation"]
    assert all((report.placements[key].row_probability <= 0.5) == bool(digit) for key in cut_row)


def test_a_figure_beside_the_labels_of_two_rows_is_not_certain() -> None:
    """The ring of a seal ran along the rule between their values, and the figure may be of either."""
    form = form_by_id("ogi-2014")
    squares = squares_of(spec_of(form, "statistics"), name)
    row = next(r for r, *_, text in squares if text == "六、举报投诉数量") - 1
    last = max(c for _, c, *_ in squares)
    merged = [(r, c, 2 if (r, c) == (row, last) else rs, cs, text) for r, c, rs, cs, text in squares]
    merged = [square for square in merged if square[:2] != (row + 1, last)]
    (report,) = read(page(table(merged)))
    doubtful = {key.row_id for key, place in report.placements.items() if place.row_probability <= 0.5}
    assert doubtful == {"litigation_other"}
    assert all(key.row_id != "complaints" for key in report.placements)


def test_figures_that_are_hard_to_read_are_those_of_the_label_beside_them() -> None:
    form = form_by_id("ogi-2019")
    squares = squares_of(spec_of(form, "proactive_disclosure"), name)
    row = next(r for r, *_, text in squares if text == "规范性文件")
    stray = [(row + 1, c, 1, 1, text) for c, text in enumerate(("", "", "", "1"))]
    squares = [s for s in squares if s[0] <= row] + below([s for s in squares if s[0] > row + 1], 0) + stray
    printed = table(squares)
    cells = zip(printed.grid.cells, printed.readings, strict=True)
    readings = [reading(r.text, probability=0.7) if c.row == row and c.column else r for c, r in cells]
    pages = [page(replace(printed, readings=tuple(readings)))]
    (report,) = read(*pages)
    right = {k: v for k, v in expected(form, "proactive_disclosure").items() if k.row_id == "normative_documents"}
    assert {k: found(pages, report)[k] for k in right} == right


def test_blank_squares_between_the_figures_of_a_row_do_not_shift_them_and_leave_a_doubt() -> None:
    form = form_by_id("ogi-2019")
    squares = squares_of(spec_of(form, "proactive_disclosure"), name)
    rows = [r for r, *_, text in squares if text in {"行政许可", "其他对外管理服务事项"}]
    spread = [(r, c + max(0, c - 1) if r in rows else c, rs, cs, text) for r, c, rs, cs, text in squares]
    spread += [(r, c, 1, 1, "") for r in rows for c in (2, 4)]
    pages = [page(table(spread))]
    (report,) = read(*pages)
    moved = {k for k in report.placements if k.row_id in ("licensing", "other_external_services")}
    assert {k: found(pages, report)[k] for k in moved} == {
        k: v for k, v in expected(form, "proactive_disclosure").items() if k in moved
    }
    assert len(moved) == 6
    assert max(report.placements[k].column_probability for k in moved) < 0.5


def test_a_piece_of_a_label_before_the_columns_does_not_shift_them() -> None:
    form = form_by_id("ogi-2021")
    spec = spec_of(form, "requests")
    squares = squares_of(spec, name)
    row, left = next((r, c) for r, c, *_, text in squares if text == "2.重复申请")
    first = 1 + max(c for r, c, *_, text in squares if text == "2.重复申请")
    moved = [(r, c + (c >= first), rs, cs + (c < first <= c + cs), text) for r, c, rs, cs, text in squares]
    moved = [s for s in moved if s[:2] != (row, left)]
    moved += [(row, left, 1, first - left, "2.重复申请"), (row, first, 1, 1, "3")]
    pages = [page(table(moved))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")
    assert min(p.column_probability for p in report.placements.values()) == 1.0


def test_specks_in_place_of_labels_are_lost_labels() -> None:
    form = form_by_id("ogi-2019")
    squares = squares_of(spec_of(form, "requests"), name)
    lost = {"1.属于国家秘密", "4.保护第三方合法权益", "8.属于行政查询事项"}
    pages = [page(table([(r, c, rs, cs, "," if text in lost else text) for r, c, rs, cs, text in squares]))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")


def test_units_read_as_figures_are_no_values_where_the_header_tells() -> None:
    form = form_by_id("ogi-2014")
    block = spec_of(form, "statistics").blocks[0]
    squares: list[Square] = [(0, c, 1, 1, t) for c, t in enumerate((block.stub, "单位", block.columns[0].label))]
    for number, row in enumerate(block.rows, start=1):
        squares += [(number, c, 1, 1, t) for c, t in enumerate((row.label, "5", name(row, block.columns[0])))]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    wanted = {CellKey("statistics", row.id, "value"): name(row, block.columns[0]) for row in block.rows}
    assert found(pages, report).items() >= wanted.items()


def test_units_read_as_figures_are_no_values_where_the_header_is_lost() -> None:
    form = form_by_id("ogi-2014")
    block = spec_of(form, "statistics").blocks[0]
    squares: list[Square] = []
    for number, row in enumerate(block.rows):
        squares += [(number, c, 1, 1, t) for c, t in enumerate((row.label, "5", name(row, block.columns[0])))]
    pages = [page(table(squares))]
    (report,) = read(*pages)
    wanted = {CellKey("statistics", row.id, "value"): name(row, block.columns[0]) for row in block.rows}
    assert found(pages, report).items() >= wanted.items()


def lying(printed: TableReading, top: float) -> TableReading:
    """The table on a sheet that lies on its side, below others in one picture."""

    def turned(box: BoundingBox) -> BoundingBox:
        width = printed.grid.box.width
        return BoundingBox(box.y0, top + width - box.x1, box.y1, top + width - box.x0)

    grid = replace(printed.grid, box=turned(printed.grid.box))
    return replace(printed, grid=grid, places=tuple(turned(place) for place in printed.places))


@pytest.mark.parametrize("last_first", [True, False])
def test_sheets_that_lie_on_their_side_in_one_picture_are_read_in_either_order(last_first: bool) -> None:
    form = form_by_id("ogi-2021")
    upper, lower = cut(squares_of(spec_of(form, "requests"), name), 14)
    sheets = [lying(table(upper), 0.0), lying(table(lower), 1000.0)]
    pages = [page(*(reversed(sheets) if last_first else sheets))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")


@pytest.mark.parametrize("last_first", [True, False])
def test_of_three_such_sheets_two_may_be_the_wrong_way_round(last_first: bool) -> None:
    form = form_by_id("ogi-2021")
    upper, lower = cut(squares_of(spec_of(form, "requests"), name), 14)
    first = lying(table(squares_of(spec_of(form, "proactive_disclosure"), name)), 0.0)
    second, third = lying(table(upper), 1000.0), lying(table(lower), 2000.0)
    pages = [page(*((second, first) if last_first else (first, second)), third)]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "proactive_disclosure") | expected(form, "requests")


def test_a_spread_on_its_side_keeps_its_left_sheet_first() -> None:
    form = form_by_id("ogi-2021")
    upper, lower = cut(squares_of(spec_of(form, "requests"), name), 14)
    pages = [page(lying(table(upper), 1000.0), lying(table(lower), 0.0))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "requests")


@pytest.mark.parametrize("nought", ["()", "0)"])
def test_noughts_read_as_brackets_are_no_words_on_a_page_without_header(nought: str) -> None:
    form = form_by_id("ogi-2021")
    upper, lower = cut(squares_of(spec_of(form, "requests"), name), 8)
    columns = spec_of(form, "requests").blocks[0].columns
    last = max(column for _, column, *_ in lower)
    broken = {last - offset for offset in range(1, len(columns))}
    worn = [(r, c, rs, cs, nought if c in broken else text) for r, c, rs, cs, text in lower]
    pages = [page(table(upper)), page(table(worn, 2), number=2)]
    (report,) = read(*pages)
    wanted = expected(form, "requests")
    lower_rows = {key.row_id for key, text in found(pages, report).items() if text == nought}
    assert lower_rows
    assert found(pages, report) == {
        key: nought if key.row_id in lower_rows and key.column_id != columns[-1].id else text
        for key, text in wanted.items()
    }


def test_labels_that_can_hardly_be_read_do_not_make_added_rows() -> None:
    form = form_by_id("ogi-2014")
    block = spec_of(form, "statistics").blocks[0]
    garbled = {"applications_fax": "", "applications_online": "人份不", "applications_mail": "|4体申数/"}
    squares: list[Square] = [(0, c, 1, 1, t) for c, t in enumerate((block.stub, "单位", block.columns[0].label))]
    for number, row in enumerate(block.rows, start=1):
        texts = (garbled.get(row.id, row.label), row.unit, name(row, block.columns[0]))
        squares += [(number, c, 1, 1, t) for c, t in enumerate(texts)]
    printed = table(squares)
    doubtful = tuple(reading(r.text, probability=0.65) if r.text in garbled.values() else r for r in printed.readings)
    pages = [page(replace(printed, readings=doubtful))]
    (report,) = read(*pages)
    assert found(pages, report) == expected(form, "statistics")
