"""The reviewer's round trip over a finished dataset."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline import corrections, ledger, review
from pipeline.domain import BoundingBox, Extraction, Status
from pipeline.errors import NoInputError, OutputError, UsageError
from pipeline.review import Level
from pipeline.revise import TABLE, Wanted, apply, export, questions, undo
from pipeline.spreadsheet import Writer, read
from tests import printed_documents
from tests.reports import cell, extraction, form, missing, report, write_tables

KEYS = [key for key in form().keys() if key.column_id == "natural_person"]  # noqa: SIM118 -- one of each row
ROW = "requests/granted"
ROWS = [f"requests/{row}" for row in ("received", "granted", "denied_state_secret", "carried_out")]
LINE = [key.column_id for key in form().keys() if (key.table_id, key.row_id) == ("requests", "granted")]  # noqa: SIM118


def scan() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((6000, 300), 250, np.uint8)).save(buffer, "TIFF")
    return buffer.getvalue()


def one(source: str = "a.tif", confidence: float = 0.5) -> Extraction:
    """A report with three doubtful cells on a page that exists, and one that was not found."""
    doubt = {
        key: replace(cell(key, 7, number), status=Status.REVIEW, confidence=confidence, page=1)
        for number, key in enumerate(KEYS[:3])
    }
    beside = {
        key: replace(cell(key, number, number), page=1)
        for number, key in enumerate(form().keys())
        if (key.table_id, key.row_id) == (KEYS[3].table_id, KEYS[3].row_id)
    }
    changes = doubt | beside | {KEYS[3]: missing(KEYS[3])}
    whole = extraction(report(changes=changes), source=source)
    return replace(whole, document_id=content_id(scan()))


def content_id(data: bytes) -> str:
    return f"d-{hashlib.sha256(data).hexdigest()[:16]}"


def write(out: Path, *documents: Extraction) -> Path:
    write_tables(out, *documents)
    return out


def test_what_is_asked_can_be_told_from_the_tables_alone(tmp_path: Path) -> None:
    done = export(write(tmp_path / "out", one()), Wanted())
    assert (done.items, done.of, done.path) == (4, 4, tmp_path / "out" / "review.csv")
    rows = list(read(done.path, review.REVIEW_COLUMNS))
    assert rows[0]["status"] == "missing"
    assert [row["picture"] for row in rows] == [""] * 4


def test_a_budget_keeps_what_is_worth_most(tmp_path: Path) -> None:
    out = write(tmp_path / "out", one())
    every = [row["item_id"] for row in read(export(out, Wanted()).path, ["item_id"])]
    done = export(out, Wanted(budget=2))
    assert (done.items, done.of) == (2, 4)
    assert [row["item_id"] for row in read(done.path, ["item_id"])] == every[:2]


def test_one_content_under_two_names_is_asked_about_once(tmp_path: Path) -> None:
    done = export(write(tmp_path / "out", one("a.tif"), one("copy of a.tif")), Wanted())
    rows = list(read(done.path, ["item_id", "source"]))
    assert len({row["item_id"] for row in rows}) == len(rows) == 4
    assert {row["source"] for row in rows} == {"a.tif"}


def test_pictures_are_cut_from_the_scans(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "a.tif").write_bytes(scan())
    done = export(write(tmp_path / "out", one()), Wanted(scans=[str(scans)]))
    links = [row["picture"] for row in read(done.path, ["picture"])]
    assert all(links)
    for link in links:
        with Image.open(done.path.parent / link, formats=("PNG",)) as picture:
            assert picture.width > 100
    assert not done.lacking


def test_a_row_that_may_be_on_either_of_two_pages_is_shown_with_both(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((height, 300), grey, np.uint8)) for height, grey in ((400, 250), (200, 100))]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.tif").write_bytes(buffer.getvalue())
    every = form().keys()
    row = [key for key in every if (key.table_id, key.row_id) == ("requests", "granted")]
    after = every[every.index(row[-1]) + 1 :]
    low = replace(cell(row[0]).box or BoundingBox(0, 0, 0, 0), y0=10.0, y1=28.0)
    changes = {key: replace(cell(key), page=1, box=low) for key in every} | {key: missing(key) for key in row}
    changes |= {key: replace(changes[key], page=2) for key in after}
    whole = replace(extraction(report(changes=changes), source="a.tif"), document_id=content_id(buffer.getvalue()))
    done = export(write(tmp_path / "out", whole), Wanted(scans=[str(tmp_path / "scans")]))
    (row_asked,) = read(done.path, review.REVIEW_COLUMNS)
    assert (row_asked["kind"], row_asked["page"], done.lacking) == ("figures", "1", {})
    with Image.open(tmp_path / "out" / row_asked["picture"], formats=("PNG",)) as picture:
        shown = np.asarray(picture.convert("L"))
    assert shown.shape == (600, 300)  # the first page above the second
    assert (int(shown[350, 150]), int(shown[450, 150])) == (250, 100)


def test_a_scan_that_has_changed_gives_no_picture(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "a.tif").write_bytes(scan() + b"x")
    done = export(write(tmp_path / "out", one(), one("b.tif", 0.2)), Wanted(scans=[str(scans)]))
    assert done.pictures == 0
    assert done.lacking == {"the file is another than the one that was read": 4}
    with pytest.raises(NoInputError):
        export(tmp_path / "out", Wanted(scans=[str(tmp_path / "nowhere")]))


def test_pictures_that_cannot_be_had_are_told_of(tmp_path: Path) -> None:
    out = write(tmp_path / "out", one())
    told = {"the scans are not where the run found them; name them with --scans": 4}
    assert export(out, Wanted()).lacking == told
    assert export(out, Wanted(scans=[])).lacking == {}


def test_answers_nobody_applied_are_saved(tmp_path: Path) -> None:
    out = write(tmp_path / "out", one())
    path = export(out, Wanted()).path
    text = path.read_text(encoding="utf-8-sig").splitlines()
    text[1] = text[1][: -len(",,,")] + "5,,,"
    path.write_text("\n".join(text), encoding="utf-8-sig")
    done = export(out, Wanted())
    assert done.kept == out / "review.answered-1.csv"
    assert "5,,," in done.kept.read_text(encoding="utf-8-sig")
    assert export(out, Wanted()).kept is None


def test_no_dataset_no_questions(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        export(tmp_path, Wanted())
    out = write(tmp_path / "out", one())
    with ledger.locked(out), pytest.raises(OutputError, match="another run"):
        export(out, Wanted())


def test_the_figures_of_a_lost_row_come_back_as_one_answer(tmp_path: Path) -> None:
    out = printed_documents.extracted(tmp_path, printed_documents.content({f"{ROW}/{column}": "?0" for column in LINE}))
    (item,) = (item for item in questions(out, Level.ROWS)[0] if item.kind is review.Kind.FIGURES)
    assert (item.key.row_id, item.value.split()) == ("granted", ["blank"] * len(LINE))
    for figures, taken in (("1 0 0 0 0 2", 0), ("1 0 0 0 0 0 2", 0), ("1 0 0 0 0 1 2", 7)):
        table = tmp_path / f"{figures}.csv"
        with Writer(table, review.REVIEW_COLUMNS, review.NUMBER_COLUMNS) as file:
            file.write(review.item_row(item) | {"corrected_value": figures})
        done = apply(out, table)
        assert (len(done.corrections), len(done.refused)) == (taken, not taken)
    held = {row["column_id"]: row for row in read(out / "cells.csv", ["value"]) if row["row_id"] == "granted"}
    assert [row["value"] for row in held.values()] == ["1", "0", "0", "0", "0", "1", "2"]
    assert {row["status"] for row in held.values()} == {"corrected"}
    again = apply(out, table)
    assert (again.corrections, again.unchanged, again.refused) == ((), 7, ())


def test_after_answers_as_many_are_asked_as_before(tmp_path: Path) -> None:
    out = printed_documents.extracted(tmp_path, printed_documents.content({f"{row}/total": "3?8" for row in ROWS}))
    every = [item.item_id for item in questions(out, Level.ROWS)[0]]
    export(out, Wanted(budget=2, scans=[]))
    answered = tmp_path / "answers.csv"
    rows = list(read(out / TABLE, review.REVIEW_COLUMNS))
    assert [row["item_id"] for row in rows] == every[:2]
    with Writer(answered, review.REVIEW_COLUMNS, review.NUMBER_COLUMNS) as table:
        table.write(rows[0] | {"corrected_value": "3"})
    done = apply(out, answered)
    left = [item.item_id for item in questions(out, Level.ROWS)[0]]
    assert every[0] not in left
    assert len(left) > 2
    assert [row["item_id"] for row in read(out / TABLE, review.REVIEW_COLUMNS)] == left[:2]
    undo(out, [corrections.load(out / corrections.FILE)[0].correction_id])
    assert [row["item_id"] for row in read(out / TABLE, review.REVIEW_COLUMNS)] == every[:2]
    assert done.corrections
