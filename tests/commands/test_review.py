"""The review commands, as a person types them: from questions to answers to corrected tables, and back."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline import ledger
from pipeline.commands import app
from pipeline.errors import OutputError, UsageError
from pipeline.run import run
from pipeline.settings import Settings
from pipeline.spreadsheet import read
from tests.printed_documents import STAGES, content, extracted

FIGURES = {"proactive_disclosure/regulations/issued": "3?8", "requests/granted/natural_person": "1?7"}
ISSUED = ("regulations", "issued")


def nianbao(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def fill_in(path: Path, answers: dict[tuple[str, str], str], **more: str) -> None:
    rows = list(read(path, ["item_id"]))
    for row in rows:
        row["corrected_value"] = answers.get((row["row_id"], row["column_id"]), "")
        row.update(more)
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def cell(out: Path, name: tuple[str, str] = ISSUED) -> tuple[str, str]:
    rows = read(out / "cells.csv", ["value"])
    return next((row["value"], row["status"]) for row in rows if (row["row_id"], row["column_id"]) == name)


@pytest.fixture(scope="module")
def extraction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extraction")
    extracted(folder, content(FIGURES))
    return folder


@pytest.fixture
def out(extraction: Path, tmp_path: Path) -> Path:
    shutil.copytree(extraction, tmp_path, dirs_exist_ok=True)
    return tmp_path / "out"


def test_export_tells_how_much_is_to_be_asked(out: Path) -> None:
    done = nianbao("review", "export", out, "--budget", 1, "--level", "cells", "--no-pictures")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert done.stderr.startswith("1 of ")
    assert str(out / "review.csv") in done.stderr


def test_answers_correct_the_tables_and_can_be_taken_back(out: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in out.glob("*.csv")}
    table = tmp_path / "answers.csv"
    nianbao("review", "export", out, "--to", table)
    unedited = nianbao("review", "apply", out, table)
    assert (unedited.exit_code, unedited.stdout) == (0, "")
    assert not (out / "corrections.csv").exists()

    fill_in(table, {ISSUED: "8.0"}, reviewer="王芳")
    tried = nianbao("review", "apply", out, table, "--dry-run")
    assert "1 would change" in tried.stderr
    assert cell(out) == ("3", "review")

    done = nianbao("review", "apply", out, table)
    assert done.exit_code == 0, done.stderr
    assert "proactive_disclosure/regulations/issued" in done.stdout
    assert cell(out) == ("8", "corrected")
    assert all(row["item_id"] for row in read(out / "review.csv", ["item_id"]))

    again = nianbao("review", "apply", out, table)
    assert (again.exit_code, again.stdout) == (0, "")
    assert "1 answers were given before" in again.stderr

    listed = nianbao("review", "undo", out)
    name = next(word for word in listed.stdout.split() if word.startswith("c-"))
    assert "王芳" in listed.stdout
    assert nianbao("review", "undo", out, name, "--comment", "wrong line").exit_code == 0
    assert {path.name: path.read_bytes() for path in out.glob("*.csv") if path.name in before} == before
    assert isinstance(nianbao("review", "undo", out, name).exception, UsageError)


def test_nothing_is_kept_while_a_run_is_writing_the_folder(out: Path) -> None:
    fill_in(out / "review.csv", {ISSUED: "8"})
    table = (out / "review.csv").read_bytes()
    with ledger.locked(out):
        refused = nianbao("review", "apply", out, out / "review.csv")
    assert isinstance(refused.exception, OutputError)
    assert not (out / "corrections.csv").exists()
    assert (out / "review.csv").read_bytes() == table
    assert nianbao("review", "apply", out, out / "review.csv").exit_code == 0
    assert cell(out) == ("8", "corrected")


def test_corrections_outlive_a_new_extraction(out: Path, tmp_path: Path) -> None:
    fill_in(out / "review.csv", {ISSUED: "8"})
    assert nianbao("review", "apply", out, out / "review.csv").exit_code == 0
    assert (out / "review.applied-1.csv").exists()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "renamed.png").write_bytes((tmp_path / "scans" / "1.png").read_bytes())
    (moved / "new.png").write_bytes(content({"proactive_disclosure/regulations/issued": "4?9"}))
    (out / ".nianbao" / "ledger.sqlite").unlink()
    run([str(moved)], out, Settings(), 1, stages=STAGES)
    rows = read(out / "cells.csv", ["value"])
    issued = {row["source"]: row["status"] for row in rows if (row["row_id"], row["column_id"]) == ISSUED}
    assert issued == {"new.png": "review", "renamed.png": "corrected"}


def test_lines_that_are_refused_are_written_with_the_reason_and_can_be_mended(out: Path) -> None:
    table = out / "review.csv"
    fill_in(table, {ISSUED: "8", ("granted", "natural_person"): "3-2"})
    done = nianbao("review", "apply", out, table)
    assert done.exit_code == 1
    assert "made a date" in done.stderr
    (refused,) = out.glob("review.refused-*.csv")
    (row,) = read(refused, ["refused_because", "line"])
    assert "made a date" in row["refused_because"]
    assert cell(out) == ("8", "corrected")
    fill_in(refused, {("granted", "natural_person"): "7"})
    assert nianbao("review", "apply", out, refused).exit_code == 0
    assert cell(out, ("granted", "natural_person")) == ("7", "corrected")
