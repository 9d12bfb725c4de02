"""The history of a cell, from tables of a run and the scan they were made from."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from pipeline.commands import app
from pipeline.commands.explain_page import page
from pipeline.dataset import CELL_COLUMNS, NUMBER_COLUMNS
from pipeline.errors import UsageError
from pipeline.explain import explain
from pipeline.forms import form_by_id
from pipeline.spreadsheet import Writer

FORM = form_by_id("ogi-2021")
RECEIVED = ("requests", "received", "total")


def scan() -> bytes:
    pixels = np.full((120, 200), 255, np.uint8)
    pixels[50:60, 100:104] = 0
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def rows(source: str, document_id: str, report: int = 1) -> list[dict[str, str]]:
    made = []
    for key in FORM.keys():  # noqa: SIM118 -- a form is not a mapping
        ids = (key.table_id, key.row_id, key.column_id)
        row = dict.fromkeys(CELL_COLUMNS, "")
        row |= {"document_id": document_id, "source": source, "report": str(report), "form_id": FORM.id}
        row |= dict(zip(("table_id", "row_id", "column_id"), ids, strict=True))
        row |= {"value": "0", "mark": "number", "status": "accepted", "confidence": "1.0000", "raw_text": "0"}
        row |= {"agency": "<b>局</b>", "year": "2021"}
        if ids == RECEIVED:
            row |= {"value": "7", "raw_text": "1", "status": "reconciled", "confidence": "0.9800", "page": "1"}
            row |= {"x0": "90.0", "y0": "40.0", "x1": "120.0", "y1": "70.0"}
            row |= {"reading": "numerals: 1 0.612 | 7 0.388", "note": "<script>"}
            row |= {"reasons": "the sum says so"}
        made.append(row)
    return made


def tables(out: Path, made: Sequence[dict[str, str]]) -> Path:
    out.mkdir()
    with Writer(out / "cells.csv", CELL_COLUMNS, NUMBER_COLUMNS) as cells:
        for row in made:
            cells.write(row)
    return out


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.png").write_bytes(scan())
    own = f"d-{hashlib.sha256(scan()).hexdigest()[:16]}"
    return tables(tmp_path / "out", [*rows("a.png", own), *rows("in/b.png", "d-x1"), *rows("in/b.png", "d-x1", 2)])


def test_it_tells_how_a_cell_was_read_and_what_became_of_it(out: Path) -> None:
    history = explain(out, "a.png", "received", "total")
    assert (history.reader, history.alternatives) == ("numerals", (("1", "0.612"), ("7", "0.388")))
    assert history.row_label == "一、本年新收政府信息公开申请数量"
    assert history.steps == (
        "found on page 1, from 90.0, 40.0 to 120.0, 70.0",
        "read as '1'",
        "taken for number 7",
        "note: <script>",
        "changed so that the sums of the form hold, confidence 0.9800",
        "reasons for review: the sum says so",
    )


def test_identities_are_checked_with_the_figures_of_the_report(out: Path) -> None:
    outcomes = {each.rule_id: each for each in explain(out, "a.png", "received", "total").identities}
    balance = outcomes["requests.balance.total"]
    assert (balance.outcome, balance.left[0].value, balance.left[0].status) == ("broken", "7", "reconciled")
    assert balance.expected
    assert {each.outcome for each in explain(out, "a.png", "carried_in", "natural_person").identities} == {"holds"}


def test_the_picture_is_cut_from_the_page_and_outlined(out: Path, tmp_path: Path) -> None:
    history = explain(out, "a.png", "received", "total", scans=tmp_path / "scans")
    assert history.picture is not None
    with Image.open(io.BytesIO(history.picture), formats=("PNG",)) as image:
        assert 30 < image.width < 120
        assert (200, 0, 0) in {tint for _, tint in image.getcolors(1 << 16) or ()}


def test_without_a_picture_it_says_why(out: Path, tmp_path: Path) -> None:
    assert explain(out, "a.png", "received", "total").no_picture == "the scans were not given"
    missing = explain(out, "d-x1", "received", "total", 1, tmp_path / "scans")
    assert "in/b.png is not in" in missing.no_picture
    (tmp_path / "scans" / "a.png").write_bytes(scan() + b"\0")
    assert "another file" in explain(out, "a.png", "received", "total", None, tmp_path / "scans").no_picture
    assert "not found on any page" in explain(out, "a.png", "carried_in", "total").no_picture


@pytest.mark.parametrize(
    ("document", "row", "column", "message"),
    [
        ("d-", "received", "total", "'d-' may mean 2 documents.*in/b.png"),
        ("c.png", "received", "total", "no document 'c.png'.*a.png"),
        ("a.png", "none", "total", "no row 'none'.*requests.received"),
        ("a.png", "reviews.received", "total", "no row"),
        ("a.png", "received", "none", "no column 'none'.*natural_person"),
        ("b.png", "received", "total", "may mean 2 cells.*report 1.*report 2"),
    ],
)
def test_what_is_unclear_is_told_with_the_candidates(
    out: Path, document: str, row: str, column: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        explain(out, document, row, column)


def test_one_of_several_reports_is_chosen_by_its_number(out: Path) -> None:
    assert explain(out, "in/b", "requests.received", "total", 2).row["report"] == "2"
    with pytest.raises(UsageError, match="no report '3'"):
        explain(out, "in/b", "received", "total", 3)


def test_the_page_runs_nothing_that_a_report_says(out: Path, tmp_path: Path) -> None:
    text = page(explain(out, "a.png", "received", "total", None, tmp_path / "scans"))
    assert "<script" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text
    assert "default-src &#x27;none&#x27;" in text
    assert 'src="data:image/png;base64,' in text
    assert "http:" not in text
    assert "https:" not in text


def test_the_command_draws_the_cell_and_writes_the_page(out: Path, tmp_path: Path) -> None:
    command = ["explain", str(out), "a.png", "received", "total", "--scans", str(tmp_path / "scans")]
    done = CliRunner().invoke(app, [*command, "--html", str(tmp_path / "cell.html")], catch_exceptions=False)
    assert done.exit_code == 0
    assert "█" in done.stdout
    assert "requests.balance.total broken" in done.stdout
    assert (tmp_path / "cell.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
