"""What every form must keep, through the registry: a form added as a file is under this contract at once."""

import csv
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from pipeline.domain import BlockSpec, CellKey, FormSpec, Mark, RuleSpec, TableLayout, TableSpec, Value
from pipeline.forms import cell_units, load_forms
from pipeline.rules import KINDS, check_all
from pipeline.values import parse_value

FORMS = load_forms()
every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.id)
CELLS = Path(__file__).parent.parent / "forms" / "cells.csv"

Description = tuple[str, str, str]


def folded(label: str) -> str:
    """A label without the differences of print that say nothing: spaces, width of characters."""
    return "".join(unicodedata.normalize("NFKC", label).split())


def path(labels: Iterable[str]) -> str:
    return " / ".join(unicodedata.normalize("NFKC", label) for label in labels if label)


def blocks(form: FormSpec) -> list[tuple[TableSpec, BlockSpec]]:
    return [(table, block) for table in form.tables for block in table.blocks]


def described(form: FormSpec) -> dict[CellKey, Description]:
    """Row path, column path and unit of every cell; what stands over all columns of a block tells none apart."""
    units = cell_units(form)
    found = {}
    for table, block in blocks(form):
        shared = set.intersection(*(set(column.parents) for column in block.columns))
        for row in block.rows:
            for column in block.columns:
                key = CellKey(table.id, row.id, column.id)
                own = [label for label in column.parents if label not in shared]
                row_path = path((block.caption, *row.parents, row.label))
                found[key] = (row_path, path((*own, column.label)), units[key])
    return found


def canonical() -> dict[str, dict[CellKey, Description]]:
    cells: dict[str, dict[CellKey, Description]] = defaultdict(dict)
    with CELLS.open(encoding="utf-8", newline="") as lines:
        for cell in csv.DictReader(lines):
            key = CellKey(cell["table_id"], cell["row_id"], cell["column_id"])
            cells[cell["form_id"]][key] = (
                unicodedata.normalize("NFKC", cell["row_label"]),
                unicodedata.normalize("NFKC", cell["column_label"]),
                cell["unit"],
            )
    return cells


@pytest.mark.parametrize(("form_id", "cells"), canonical().items())
def test_the_cells_are_the_canonical_ones_in_printed_order(form_id: str, cells: dict[CellKey, Description]) -> None:
    (form,) = (form for form in FORMS if form.id == form_id)
    assert list(described(form).items()) == list(cells.items())


def test_the_three_forms_have_456_cells() -> None:
    assert {form.id: len(form.keys()) for form in FORMS if form.id in canonical()} == {
        "ogi-2014": 58,
        "ogi-2019": 198,
        "ogi-2021": 200,
    }


@every_form
def test_ids_and_labels_are_unique_where_they_must_be(form: FormSpec) -> None:
    assert len(set(form.keys())) == len(form.keys())
    assert len({rule.id for rule in form.rules}) == len(form.rules)
    assert len(set(described(form).values())) == len(form.keys())


@every_form
def test_a_printed_label_means_one_thing_in_its_place(form: FormSpec) -> None:
    """Labels and aliases together, by place: section titles; captions of a table; rows and columns of a group."""
    meanings: dict[tuple[object, ...], set[str]] = defaultdict(set)

    def note(place: tuple[object, ...], meaning: str, *labels: str) -> None:
        for label in labels:
            assert label.strip()
            meanings[*place, folded(label)].add(meaning)

    for table in form.tables:
        note(("title",), table.id, table.title, *table.title_aliases)
        for number, block in enumerate(table.blocks):
            if block.caption:
                note(("caption", table.id), str(number), block.caption, *block.caption_aliases)
            for row in block.rows:
                note(("row", table.id, number, row.parents), row.id, row.label, *row.aliases)
            for column in block.columns:
                note(("column", table.id, number, column.parents), column.id, column.label, *column.aliases)
    assert {place: ids for place, ids in meanings.items() if len(ids) > 1} == {}


@every_form
def test_aliases_are_other_wordings(form: FormSpec) -> None:
    for table, block in blocks(form):
        for item in (*block.rows, *block.columns):
            spellings = Counter(map(folded, (item.label, *item.aliases)))
            assert max(spellings.values()) == 1, (table.id, item.id, spellings)


@every_form
def test_tables_of_one_line_have_no_row_labels_to_head(form: FormSpec) -> None:
    for table, block in blocks(form):
        assert bool(block.stub) == (table.layout is TableLayout.LIST)


@every_form
def test_every_rule_names_cells_of_the_form_and_its_source(form: FormSpec) -> None:
    keys, units = set(form.keys()), cell_units(form)
    for rule in form.rules:
        cells = rule.left + rule.right
        assert set(cells) <= keys
        assert len(set(cells)) == len(cells)
        assert rule.kind in KINDS
        assert rule.reference.startswith(form.legal_reference)
        assert rule.text
        assert len({units[cell] for cell in cells}) == 1, "amounts in different units cannot be compared"


def zeros(form: FormSpec) -> dict[CellKey, Value]:
    return dict.fromkeys(form.keys(), parse_value("0"))


def lines(form: FormSpec) -> list[RuleSpec]:
    """One rule of every line of the form file."""
    return list({rule.id.rpartition(".")[0]: rule for rule in form.rules}.values())


@every_form
def test_an_empty_year_breaks_no_rule_however_it_is_printed(form: FormSpec) -> None:
    for text in ("0", "", "/", "—", "不适用"):
        assert check_all(form.rules, dict.fromkeys(form.keys(), parse_value(text))) == ()
    assert check_all(form.rules, {}) == ()


@every_form
def test_every_rule_is_broken_by_its_own_cells(form: FormSpec) -> None:
    for rule in lines(form):
        values = zeros(form) | {rule.left[0]: parse_value("1")}
        assert rule.id in {finding.rule_id for finding in check_all(form.rules, values)}
        values[rule.left[0]] = Value(Mark.BLANK)
        assert rule.id not in {finding.rule_id for finding in check_all(form.rules, values)}


@every_form
def test_every_form_has_a_case_file(form: FormSpec) -> None:
    assert (Path(__file__).parent.parent / "forms" / "cases" / f"{form.id}.yaml").is_file()
