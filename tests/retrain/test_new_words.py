"""A wording that nobody knew, on real pictures: asked about once, learned, and read in the next report of its kind."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import model_store
from pipeline.commands import app
from pipeline.domain import FormSpec, RowSpec
from pipeline.forms import form_by_id
from pipeline.spreadsheet import Writer, read
from scripts.scans.fonts import installed
from scripts.scans.reports import Options, make_document
from scripts.scans.writing import write

pytestmark = [pytest.mark.xdist_group("end to end"), pytest.mark.timeout(600)]
TABLE = "proactive_disclosure"
RENAMED, EXTRA = "法治政府令", "行政处罚信用修复"
FACES = tuple(face for face in installed(())[0] if face.name in ("noto-serif", "noto-sans"))


def provincial() -> FormSpec:
    """The form as a province prints it: a row has another name, and before another one stands a row of its own."""
    form = form_by_id("ogi-2021")
    table = form.tables[0]
    blocks = []
    for block in table.blocks:
        rows = [replace(row, label=RENAMED, aliases=()) if row.id == "regulations" else row for row in block.rows]
        if rows[0].id == "penalties":
            rows.insert(0, RowSpec("credit_repair", EXTRA, unit="件"))
        blocks.append(replace(block, rows=tuple(rows)))
    return replace(form, tables=(replace(table, blocks=tuple(blocks)), *form.tables[1:]))


def printed(folder: Path, seed: int) -> Mapping[tuple[str, str], str]:
    """Print and scan a report of that province; the figures of the first table by label and column."""
    folder.mkdir()
    options = Options((provincial(),), FACES, (1,), ("scan",), ("pdf",), 0.0, 0.0, plain=True)
    rows = write(make_document(options, seed, 0), folder, "report")
    return {(row["label"], row["column_id"]): row["value"] for row in rows if row["table_id"] == TABLE}


def nianbao(*arguments: object) -> None:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.stderr


def meant(label: str) -> str:
    """What a person says of a printed row of the first table: the row of the form, or none."""
    names = {row.label: row.id for block in provincial().tables[0].blocks for row in block.rows}
    (known,) = difflib.get_close_matches(label, names, n=1, cutoff=0.4)
    return "none" if names[known] == "credit_repair" else names[known]


def rows_of(out: Path) -> dict[str, tuple[str, float]]:
    """The row id and the certainty of each printed row of the first table, by what its label means."""
    rows = [row for row in read(out / "rows.csv", ["label"]) if row["table_id"] == TABLE]
    return {row["label"]: (row["row_id"], float(row["certainty"])) for row in rows}


def unsure(out: Path) -> list[str]:
    """Labels of rows that were taken for a wrong row, or hardly for the right one."""
    return [label for label, (row, sure) in rows_of(out).items() if row != meant(label) or sure < 0.97]


def test_a_new_wording_costs_one_answer_and_the_next_report_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(model_store.HOME_VARIABLE, str(tmp_path / "home"))
    printed(tmp_path / "first", 1)
    truth = printed(tmp_path / "second", 2)
    out, later = tmp_path / "out", tmp_path / "later"
    nianbao("extract", tmp_path / "first", "-o", out)
    nianbao("extract", tmp_path / "second", "-o", later)
    assert unsure(later)

    nianbao("review", "export", out)
    asked = [row for row in read(out / "review.csv", ["kind"]) if row["table_id"] == TABLE]
    (about,) = [row for row in asked if row["kind"] == "rows"]
    labels = about["printed_label"].split(" | ")
    answers = tmp_path / "answers.csv"
    with Writer(answers, tuple(about), frozenset()) as table:
        table.write(about | {"corrected_row_id": " ".join(map(meant, labels)), "reviewer": "王芳"})
    nianbao("review", "apply", out, answers)
    assert not unsure(out)
    nianbao("retrain", out)

    nianbao("extract", tmp_path / "second", "-o", later)
    assert not unsure(later)
    cells = [row for row in read(later / "cells.csv", ["value"]) if row["table_id"] == TABLE]
    names = {row.id: row.label for block in provincial().tables[0].blocks for row in block.rows}
    assert not [row for row in read(later / "review.csv", ["kind"]) if row["kind"] in ("row", "rows")]
    assert all(row["value"] == truth[names[row["row_id"]], row["column_id"]] for row in cells)
