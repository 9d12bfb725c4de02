"""The review table through LibreOffice, as people open and save it: nothing changes but what they write."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest

from pipeline.review import Item, Kind, Level, items_of
from pipeline.review.answers import Understood, understand
from pipeline.review.incoming import read_lines
from pipeline.review.table import NUMBER_COLUMNS, REVIEW_COLUMNS, item_row
from pipeline.review.workbook import write_workbook
from pipeline.spreadsheet import Writer
from scripts.benchmarks import spreadsheets
from scripts.benchmarks.spreadsheets import FORM

OFFICE = shutil.which("soffice")
pytestmark = [
    pytest.mark.skipif(OFFICE is None, reason="apt-get install libreoffice-calc-nogui"),
    pytest.mark.xdist_group("office"),
    pytest.mark.timeout(300),
]
MADE = spreadsheets.questions()
ANSWERS = {Kind.CELL: ("corrected_value", "1,234"), Kind.ROW: ("corrected_row_id", "carried_out")}


def items() -> list[Item]:
    cells, printed = spreadsheets.tables(0)
    return items_of(cells, printed, (), FORM, Level.ROWS)


def saved(path: Path, kind: str) -> Path:
    """The file as LibreOffice saves it, opened and saved without a hand on it."""
    target = path.parent / "saved"
    filters = {"csv": "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"}
    command = [OFFICE, "--headless", f"-env:UserInstallation={(path.parent / 'profile').as_uri()}"]
    if path.suffix == ".csv":
        command.append("--infilter=CSV:44,34,76,1")
    command += ["--convert-to", filters.get(kind, kind), "--outdir", target, path]
    subprocess.run([str(each) for each in command], check=True, capture_output=True, timeout=240)
    return target / f"{path.stem}.{kind}"


def understood(path: Path) -> Understood:
    return understand(read_lines(path), MADE.asked, ())


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_workbook_that_was_only_opened_and_saved_says_nothing(tmp_path: Path, kind: str) -> None:
    write_workbook(tmp_path / "review.xlsx", items(), {}, {FORM.id: FORM})
    done = understood(saved(tmp_path / "review.xlsx", kind))
    assert (done.corrections, done.unchanged, done.refused) == ((), 0, ())


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_answers_in_a_workbook_are_taken(tmp_path: Path, kind: str) -> None:
    asked = items()
    write_workbook(tmp_path / "review.xlsx", asked, {}, {FORM.id: FORM})
    book = openpyxl.load_workbook(tmp_path / "review.xlsx")
    sheet = book["review"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    for which, (column, text) in ANSWERS.items():
        line = next(n for n, item in enumerate(asked) if item.kind is which and item.key.table_id == "requests")
        sheet.cell(line + 2, columns[column]).value = text
    book.save(tmp_path / "review.xlsx")
    done = understood(saved(tmp_path / "review.xlsx", kind))
    assert sorted(each.new for each in done.corrections) == ["1234", "carried_out"]
    assert done.refused == ()


def test_a_table_with_answers_is_taken_as_it_is_saved_again(tmp_path: Path) -> None:
    asked = items()
    with Writer(tmp_path / "review.csv", REVIEW_COLUMNS, NUMBER_COLUMNS) as table:
        for item in asked:
            column, text = ANSWERS.get(item.kind, ("", ""))
            table.write(item_row(item) | ({column: text} if column and item.key.table_id == "requests" else {}))
    plain = understood(tmp_path / "review.csv")
    done = understood(saved(tmp_path / "review.csv", "xlsx"))
    assert plain.corrections
    assert [(each.key, each.new) for each in done.corrections] == [(each.key, each.new) for each in plain.corrections]
    assert done.refused == ()
