"""The review table as a workbook: what Excel is told, and what comes back whatever Excel made of it."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.errors import UsageError
from pipeline.review import Item, Kind, Level, item_row, items_of, sheets
from pipeline.review.answers import Understood, understand
from pipeline.review.incoming import read_lines
from pipeline.review.workbook import write_workbook
from scripts.benchmarks import spreadsheets
from scripts.benchmarks.spreadsheets import FORM

MADE = spreadsheets.questions()
FORMS = {FORM.id: FORM}


def questions() -> list[Item]:
    cells, printed = spreadsheets.tables(0)
    return items_of(cells, printed, (), FORM, Level.ROWS)


ITEMS = questions()
CELL = next(number for number, item in enumerate(ITEMS) if item.kind is Kind.CELL and item.key.table_id == "requests")
ROW = next(number for number, item in enumerate(ITEMS) if item.kind is Kind.ROW and item.key.table_id == "requests")
LINE = next(number for number, item in enumerate(ITEMS) if item.kind is Kind.FIGURES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Image.new("L", (1400, 200), 255).save(tmp_path / "picture.png")
    path = tmp_path / "review.xlsx"
    write_workbook(path, ITEMS, {ITEMS[CELL].item_id: tmp_path / "picture.png"}, FORMS)
    return path


def columns(sheet: Any) -> dict[str, int]:
    return {cell.value: cell.column for cell in sheet[1]}


def edited(path: Path, number: int, **values: object) -> Understood:
    book = openpyxl.load_workbook(path)
    sheet = book["review"]
    for name, value in values.items():
        sheet.cell(number + 2, columns(sheet)[name]).value = value
    book.save(path)
    return understand(read_lines(path), MADE.asked, ())


def test_everything_that_a_table_holds_is_in_the_workbook(path: Path) -> None:
    lines = read_lines(path)
    assert len(lines) == len(ITEMS)
    for item, line in zip(ITEMS, lines, strict=True):
        assert line.cells == item_row(item)
        assert not line.fault
    assert understand(lines, MADE.asked, ()) == Understood((), 0, ())


def test_only_answers_can_be_written_and_every_cell_is_text(path: Path) -> None:
    sheet = openpyxl.load_workbook(path)["review"]
    assert sheet.protection.sheet
    assert sheet.protection.sort  # is forbidden
    at = columns(sheet)

    def unlocked(number: int) -> set[str]:
        return {name for name, column in at.items() if not sheet.cell(number + 2, column).protection.locked}

    assert unlocked(CELL) == {"corrected_value", "corrected_row_id", "reviewer", "comment"}
    assert unlocked(ROW) == {"corrected_row_id", "reviewer", "comment"}
    assert unlocked(LINE) == {"corrected_value", "reviewer", "comment"}
    assert {cell.number_format for row in sheet.iter_rows(min_row=2) for cell in row} == {"@"}
    assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row} <= {
        "s",
        "inlineStr",
    }  # inlineStr: nothing
    agency = sheet.cell(CELL + 2, at["agency"])
    assert (agency.data_type, agency.value) == ("s", "'=某局")


def test_rows_are_chosen_from_a_list(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book["review"]
    cell = sheet.cell(ROW + 2, columns(sheet)["corrected_row_id"]).coordinate
    (rule,) = [rule for rule in sheet.data_validations.dataValidation if cell in rule.sqref]
    assert rule.showErrorMessage
    name, _, place = rule.formula1.partition("!")
    listed = [each[0].value for each in book[name][place.replace("$", "")]]
    table = next(table for table in FORM.tables if table.id == "requests")
    assert listed == [*(row.id for block in table.blocks for row in block.rows), "none"]


def test_values_are_chosen_or_typed(path: Path) -> None:
    sheet = openpyxl.load_workbook(path)["review"]
    cell = sheet.cell(CELL + 2, columns(sheet)["corrected_value"]).coordinate
    (rule,) = [rule for rule in sheet.data_validations.dataValidation if cell in rule.sqref]
    assert rule.formula1 == f'"{ITEMS[CELL].value},dash,blank,slash"'
    assert not rule.showErrorMessage


def test_pictures_lie_in_their_cells(path: Path) -> None:
    sheet = openpyxl.load_workbook(path)["review"]
    (picture,) = sheet._images
    anchor = picture.anchor
    assert (anchor._from.row, anchor.to.row) == (CELL + 1, CELL + 1)
    assert anchor._from.col == anchor.to.col == columns(sheet)["picture"] - 1
    assert anchor.to.rowOff / 9525 <= sheet.row_dimensions[CELL + 2].height / 0.75


@pytest.mark.parametrize(
    ("value", "new"), [(8, "8"), (8.0, "8"), ("１，２３４", "1234"), ("slash", "slash"), (1e9, "1000000000")]
)
def test_answers_as_excel_keeps_them(path: Path, value: object, new: str) -> None:
    done = edited(path, CELL, corrected_value=value, comment="=看清")
    assert [(each.new, each.comment) for each in done.corrections] == [(new, "=看清")]
    assert done.refused == ()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (dt.datetime(2026, 3, 2), "made a date"),
        (dt.date(2026, 3, 2), "made a date"),
        (dt.time(3, 2), "no number and no mark"),
        (1.5, "no whole number"),
        (0.1 + 0.2, "no whole number"),
        (1e22, "no number and no mark"),
        (True, "no number and no mark"),
        ("=1+1", "formula"),
        ("#N/A", "no number and no mark"),
    ],
    ids=str,
)
def test_what_excel_made_of_an_answer_is_refused(path: Path, value: object, reason: str) -> None:
    done = edited(path, CELL, corrected_value=value)
    assert done.corrections == ()
    assert reason in done.refused[0].reason
    assert done.refused[0].line.number == CELL + 2


def test_a_row_answer_comes_back(path: Path) -> None:
    (made,) = edited(path, ROW, corrected_row_id="carried_out").corrections
    assert made.new == "carried_out"


def test_text_that_xml_cannot_hold_does_not_spoil_the_file(tmp_path: Path) -> None:
    path = tmp_path / "review.xlsx"
    write_workbook(path, [replace(ITEMS[CELL], source="a\x00\x07\ud800\ufffe.pdf")], {}, FORMS)
    (line,) = read_lines(path)
    assert line.cells["source"] == "a␀␇\\ud800\ufffd.pdf"


@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30), max_size=3))
def test_any_text_comes_back(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "texts.xlsx"
    items = [replace(ITEMS[CELL], printed_label=text) for text in texts]
    write_workbook(path, items, {}, FORMS)
    expected = [text.strip().replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd") for text in texts]
    assert [line.cells["printed_label"] for line in read_lines(path)] == expected


@settings(max_examples=60)
@given(seed=st.integers(0, 10**9))
def test_whatever_excel_does_to_a_workbook_no_wrong_cell_changes(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spoiled = spreadsheets.spoil(MADE, seed, workbook=True)
    taken = spreadsheets.take(MADE, spoiled, tmp_path_factory.getbasetemp())
    assert spreadsheets.wrong(MADE, spoiled, taken) == [], spoiled.damage


def empty_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def old(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000))


def without_questions(path: Path) -> None:
    openpyxl.Workbook().save(path)


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (empty_archive, "cannot be read"),
        (cut_off, "damaged workbook"),
        (old, "old, a locked"),
        (without_questions, "no column item_id"),
    ],
    ids=["archive", "cut off", "old", "another"],
)
def test_another_file_is_said_to_be_one(path: Path, spoil: Callable[[Path], None], cause: str) -> None:
    spoil(path)
    with pytest.raises(UsageError, match=cause):
        read_lines(path)


def test_a_workbook_that_unpacks_to_too_much_is_not_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "_LARGEST", 10_000)
    with pytest.raises(UsageError, match="MB in one part"):
        read_lines(path)
