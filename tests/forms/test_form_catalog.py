"""A folder of form files: found by being there, refused together when one is wrong."""

from pathlib import Path

import pytest
from new_form import skeleton

from pipeline.errors import FormError
from pipeline.forms import form_by_id, load_forms
from pipeline.forms.catalog import FOLDER

FORM = """
id: {form_id}
title: 表
legal_reference: 文
issued: 2020-01-02
valid_from: {first}
valid_to: {last}
tables:
  - id: t
    title: 一
    blocks: [{{columns: {{c: 列}}, rows: {{r: 行}}}}]
"""


def write(folder: Path, form_id: str, first: object, last: object, name: str = "") -> None:
    text = FORM.format(form_id=form_id, first=first, last=last)
    (folder / f"{name or form_id}.yaml").write_text(text, encoding="utf-8")


def faults_of(folder: Path) -> str:
    with pytest.raises(FormError) as caught:
        load_forms(folder)
    return caught.value.cause


def test_the_forms_of_the_package_come_oldest_first() -> None:
    assert [form.id for form in load_forms()] == ["ogi-2014", "ogi-2019", "ogi-2021"]
    assert form_by_id("ogi-2019").valid_to == 2020


def test_an_unknown_form_is_refused_with_the_known_ones() -> None:
    with pytest.raises(FormError, match="ogi-1999") as caught:
        form_by_id("ogi-1999")
    assert "ogi-2014, ogi-2019, ogi-2021" in caught.value.advice


def test_a_form_is_added_by_adding_a_file(tmp_path: Path) -> None:
    write(tmp_path, "a-2010", 2010, 2014)
    assert [form.id for form in load_forms(tmp_path)] == ["a-2010"]
    write(tmp_path, "a-2015", 2015, "null")
    write(tmp_path, "b-2012", 2012, "null")
    assert [form.id for form in load_forms(tmp_path)] == ["a-2010", "a-2015", "b-2012"]


@pytest.mark.parametrize(("last", "first"), [(2015, 2015), ("null", 2020), (2030, 2015)])
def test_two_versions_may_not_be_in_force_together(tmp_path: Path, last: object, first: int) -> None:
    write(tmp_path, "a-2010", 2010, last)
    write(tmp_path, "a-2015", first, "null")
    assert faults_of(tmp_path) == f"a-2010.yaml and a-2015.yaml: both valid in {first}"


def test_faults_of_all_files_are_listed(tmp_path: Path) -> None:
    write(tmp_path, "a-2010", "soon", "null")
    write(tmp_path, "a-2015", 2015, "null", name="other")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    found = faults_of(tmp_path)
    assert "a-2010.yaml:\n  form: valid_from must be a year" in found
    assert "other.yaml: holds the form a-2015; the name must be a-2015.yaml" in found
    assert "bytes.yaml: not UTF-8" in found


def test_a_folder_without_forms_is_refused(tmp_path: Path) -> None:
    assert "no form file" in faults_of(tmp_path)
    assert "no form file" in faults_of(tmp_path / "missing")


def test_a_new_form_starts_from_the_one_in_force_and_is_refused_until_it_is_looked_up(tmp_path: Path) -> None:
    text = skeleton("ogi-2027", (FOLDER / "ogi-2021.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "ogi-2027.yaml"
    path.write_text(text, encoding="utf-8")
    found = faults_of(tmp_path)
    assert [line.split()[1] for line in found.splitlines()[1:]] == ["issued", "valid_from", "legal_reference"]
    filled = text.replace("issued: {TODO}", "issued: 2027-02-03").replace("valid_from: {TODO}", "valid_from: 2027")
    path.write_text(filled.replace("{TODO}", "文"), encoding="utf-8")
    (form,) = load_forms(tmp_path)
    assert (form.id, form.valid_from, form.valid_to) == ("ogi-2027", 2027, None)
    assert form.tables == form_by_id("ogi-2021").tables
