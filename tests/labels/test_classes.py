from pipeline.domain import FormSpec, TableSpec
from pipeline.forms import load_forms
from pipeline.labels.classes import official_texts, printed_table
from pipeline.labels.contexts import grid_contexts

FORMS = load_forms()
TABLES = [(form, table) for form in FORMS for table in form.tables]


def _ids(form: FormSpec, table: TableSpec) -> list[str]:
    return [cell.label_id for cell in printed_table(form, table, FORMS) if cell.label_id is not None]


def test_printed_cells_cover_their_grid_without_overlap() -> None:
    for form, table in TABLES:
        squares = [
            (row, column)
            for cell in printed_table(form, table, FORMS)
            for row in range(cell.row, cell.row + cell.row_span)
            for column in range(cell.column, cell.column + cell.column_span)
        ]
        height, width = (1 + max(square[axis] for square in squares) for axis in (0, 1))
        assert len(squares) == len(set(squares)) == height * width, (form.id, table.id)


def test_there_is_a_value_cell_for_every_statutory_cell() -> None:
    for form, table in TABLES:
        values = [c for c in printed_table(form, table, FORMS) if c.label_id is None and c.texts == ("0",)]
        assert len(values) == sum(key.table_id == table.id for key in form.keys())  # noqa: SIM118, (form.id, table.id)


def test_only_headers_worded_differently_name_their_form() -> None:
    ids = {text.label_id for text in official_texts(FORMS)}
    assert {"column/ogi-2019/proactive_disclosure/issued", "column/ogi-2021/proactive_disclosure/issued"} <= ids
    assert "column/requests/natural_person" in ids
    assert "row/requests/received" in ids
    assert not any(label.startswith("row/ogi-") for label in ids)


def test_group_labels_and_heading_rows_are_no_rows() -> None:
    by_form = {form.id: form for form in FORMS}
    requests = _ids(by_form["ogi-2021"], by_form["ogi-2021"].tables[1])
    statistics = _ids(by_form["ogi-2014"], by_form["ogi-2014"].tables[0])
    assert "group/requests/其他处理" in requests
    assert "row/requests/other_misc" in requests
    assert statistics.count("group/statistics/主动公开情况") == 1
    assert "row/statistics/disclosed" in statistics


def test_a_label_knows_what_surrounds_it() -> None:
    form, table = next((f, t) for f, t in TABLES if f.id == "ogi-2021" and t.id == "requests")
    cells = printed_table(form, table, FORMS)
    texts = [cell.texts[0] for cell in cells]
    contexts = dict(grid_contexts(cells, texts, [cell.label_id is not None for cell in cells], "三"))
    context = contexts[texts.index("2.重复申请")]
    assert context.parent == "（五）不予处理"
    assert context.previous == "1.信访举报投诉类申请"
    assert context.following == "3.要求提供公开出版物"
    assert context.columns == 7
    assert context.section == "三"
    assert 0.6 < context.position < 0.8


def test_a_caption_is_the_parent_of_what_stands_under_it() -> None:
    form, table = next((f, t) for f, t in TABLES if f.id == "ogi-2019" and t.id == "proactive_disclosure")
    cells = printed_table(form, table, FORMS)
    texts = [cell.texts[0] for cell in cells]
    contexts = dict(grid_contexts(cells, texts, [cell.label_id is not None for cell in cells]))
    assert contexts[texts.index("政府集中采购")].parent == "第二十条第（九）项"
    assert contexts[texts.index("第二十条第（九）项")].parent == ""


def test_no_labels_no_contexts() -> None:
    assert grid_contexts([], [], []) == ()
