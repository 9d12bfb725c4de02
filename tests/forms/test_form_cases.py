"""The law, tested as data: what each form's relations say about made-up tables."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.domain import CellKey, FormSpec, Value
from pipeline.forms import form_by_id, load_forms
from pipeline.rules import check_all
from pipeline.values import parse_value

FOLDER = Path(__file__).parent / "cases"
CASES = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))}


def printed_table(form: FormSpec, case: dict[str, Any]) -> dict[CellKey, Value]:
    (table,) = (table for table in form.tables if table.id == case["table"])
    cells = form.keys()
    texts = {key: case["others"] for key in cells if key.table_id == table.id}
    for row_id, given in case.get("printed", {}).items():
        keys = [key for key in texts if key.row_id == row_id]
        row = given if isinstance(given, list) else [given]
        assert len(row) == len(keys), row_id
        texts.update(zip(keys, map(str, row), strict=True))
    return {key: parse_value(text) for key, text in texts.items()}


@pytest.mark.parametrize(
    ("form_id", "case"),
    [
        pytest.param(form_id, case, id=f"{form_id}: {case['name']}")
        for form_id, cases in CASES.items()
        for case in cases
    ],
)
def test_case(form_id: str, case: dict[str, Any]) -> None:
    form = form_by_id(form_id)
    findings = check_all(form.rules, printed_table(form, case))
    broken = {finding.rule_id: {"expected": finding.expected, "printed": finding.printed} for finding in findings}
    assert broken == case["broken"]


@pytest.mark.parametrize("form", load_forms(), ids=lambda form: form.id)
def test_every_line_of_rules_has_a_case_that_breaks_it(form: FormSpec) -> None:
    lines = {rule.id.rpartition(".")[0] for rule in form.rules}
    assert lines == {rule_id.rpartition(".")[0] for case in CASES[form.id] for rule_id in case["broken"]}
