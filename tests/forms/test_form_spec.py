"""Form files: what they say, and how a malformed one is refused."""

import datetime as dt

import pytest

from pipeline.domain import CellKey, TableLayout
from pipeline.errors import FormError
from pipeline.forms import cell_units, parse_form

SMALL = """
id: tax-2020
title: 税收统计
legal_reference: 税函〔2020〕1号
issued: 2020-01-02
valid_from: 2020
valid_to: 2021
tables:
  - id: taxes
    title: 一、税收情况
    unit: 件
    blocks:
      - caption: 第一项
        stub: 税种
        unit_header: 单位
        heading_rows: true
        columns:
          企业:
            small: 小型
            large: {label: 大型, aliases: [大型企业]}
          total: 总计
          amount: {label: 金额, unit: 万元}
        rows:
          一、流转税:
            value_added: 增值税
            consumption:
              label: 消费税
              aliases: 消费
              unit: 次
              under:
                tobacco: 其中：烟
          fees: {label: 收费, unit: 万元}
    rules:
      - id: sizes
        kind: sum
        per: row
        left: total
        right: small .. large
        reference: 总计列
        text: 总计等于各类之和
      - id: tobacco
        kind: subset
        per: column
        left: [tobacco]
        right: [consumption]
        reference: 其中
        text: 其中数不多于总数
"""


def parse(text: str) -> list[str]:
    """The faults of a form file, without the line that names it."""
    with pytest.raises(FormError) as caught:
        parse_form(text, "small.yaml")
    first, *faults = caught.value.cause.splitlines()
    assert first == "small.yaml:"
    return [fault.strip() for fault in faults]


def test_a_form_file_becomes_a_form() -> None:
    form = parse_form(SMALL, "small.yaml")
    assert (form.id, form.issued, form.valid_from, form.valid_to) == ("tax-2020", dt.date(2020, 1, 2), 2020, 2021)
    (table,) = form.tables
    (block,) = table.blocks
    assert (table.title, table.layout) == ("一、税收情况", TableLayout.LIST)
    assert (block.caption, block.stub, block.unit_header) == ("第一项", "税种", "单位")
    assert block.headings == ("一、流转税",)
    assert [(row.id, row.label, row.parents) for row in block.rows] == [
        ("value_added", "增值税", ("一、流转税",)),
        ("consumption", "消费税", ("一、流转税",)),
        ("tobacco", "其中：烟", ("一、流转税", "消费税")),
        ("fees", "收费", ()),
    ]
    assert block.rows[1].aliases == ("消费",)
    assert [(column.id, column.label, column.parents) for column in block.columns] == [
        ("small", "小型", ("企业",)),
        ("large", "大型", ("企业",)),
        ("total", "总计", ()),
        ("amount", "金额", ()),
    ]


def test_a_unit_stands_at_the_table_the_row_or_the_column() -> None:
    units = cell_units(parse_form(SMALL, "small.yaml"))
    assert units[CellKey("taxes", "value_added", "small")] == "件"
    assert units[CellKey("taxes", "value_added", "amount")] == "万元"
    assert units[CellKey("taxes", "consumption", "small")] == "次"
    assert units[CellKey("taxes", "fees", "small")] == "万元"


def test_a_line_of_rules_ranges_over_rows_or_columns() -> None:
    rules = {rule.id: rule for rule in parse_form(SMALL, "small.yaml").rules}
    assert list(rules) == [
        *(f"taxes.sizes.{row}" for row in ("value_added", "consumption", "tobacco", "fees")),
        *(f"taxes.tobacco.{column}" for column in ("small", "large", "total", "amount")),
    ]
    sizes = rules["taxes.sizes.fees"]
    assert sizes.kind == "sum"
    assert sizes.left == (CellKey("taxes", "fees", "total"),)
    assert sizes.right == (CellKey("taxes", "fees", "small"), CellKey("taxes", "fees", "large"))
    assert (sizes.reference, sizes.text) == ("税函〔2020〕1号 总计列", "收费：总计等于各类之和")
    assert rules["taxes.tobacco.total"].left == (CellKey("taxes", "tobacco", "total"),)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("            small: 小型", "            small: 小型\n            small: 微型", "line 20: small stands twice"),
        ("    title: 一、税收情况", "    titel: 一、税收情况", "table taxes: unknown key titel"),
        ("          fees: {label: 收费, unit: 万元}", "          fees: {unit: 万元}", "rows fees: label must be text"),
        ("          fees: {", "          Fees: {", "Fees is neither an id"),
        ("                tobacco: 其中：烟", "                value_added: 其中：烟", "row value_added stands twice"),
        ("          total: 总计", "          small: 总计", "column small stands twice"),
        ("          一、流转税:\n", "          二、:\n          一、流转税:\n", "the group 二、 must hold a mapping"),
        ("kind: sum", "kind: product", "unknown kind product; known are carry_over, subset, sum"),
        ("per: row", "per: cell", "per must be row or column"),
        ("left: [tobacco]", "left: [wine]", "rule tobacco: left: unknown id wine"),
        ("right: small .. large", "right: large .. small", "runs backwards"),
        ("right: small .. large", "right: [small .. large, small]", "right small stands twice"),
        ("right: small .. large", "right: []", "right names no cell"),
        ("        reference: 其中", "        reason: 其中", "rule tobacco: reference must be text"),
        ("id: tobacco", "id: sizes", "table taxes: rule sizes stands twice"),
        ("issued: 2020-01-02", "issued: {TODO}", "issued must be a date"),
        ("valid_to: 2021", "valid_to: 2019", "valid_to lies before valid_from"),
        ("valid_from: 2020", "valid_from: yes", "valid_from must be a year"),
        ("id: tax-2020", "id: tax", "must be a family and a year"),
        ("    unit: 件", "    layout: heap", "layout heap is none of list, strip"),
        ("        heading_rows: true", "        heading_rows: maybe", "heading_rows is true or left out"),
        ("aliases: [大型企业]", "aliases: [大型企业, 大型企业]", "aliases names something twice"),
        ("aliases: [大型企业]", "aliases: [2019]", "aliases must be text or a list of texts"),
        ("        caption: 第一项\n", "", "blocks 1"),
    ],
)
def test_a_fault_is_named(old: str, new: str, fault: str) -> None:
    if fault == "blocks 1":
        old, new = SMALL[SMALL.index("    blocks:") : SMALL.index("    rules:")], "    blocks: [1]\n"
    assert SMALL.count(old) == 1
    assert any(fault in line for line in parse(SMALL.replace(old, new)))


def test_every_fault_is_listed_at_once() -> None:
    text = SMALL.replace("issued: 2020-01-02", "issued: soon").replace("kind: sum", "kind: product")
    text = text.replace("    title: 一、税收情况", "    colour: red")
    faults = parse(text)
    assert len(faults) == 4
    for word in ("issued", "product", "colour", "title"):
        assert any(word in fault for fault in faults)


@pytest.mark.parametrize("text", ["", "- 1", "id: [", "just words", "id: !!python/object:os.system x", "? [a]\n: b"])
def test_what_is_no_form_file_at_all_is_refused(text: str) -> None:
    assert parse(text)
