"""Many documents: order, counts, review list, and that the number of processes changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.domain import Status
from pipeline.errors import MissingDependencyError, NoInputError, OutputError
from pipeline.run import RunSummary, run
from pipeline.settings import Settings
from pipeline.spreadsheet import read
from tests import readers


def scans(folder: Path, **contents: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}.png").write_text(content)
    return folder


def go(inputs: Path, out: Path, jobs: int = 1, timeout: float | None = None) -> RunSummary:
    return run([str(inputs)], out, Settings(), jobs, timeout, None, readers.read)


def column(out: Path, table: str, name: str) -> list[str]:
    return [row[name] for row in read(out / table, [name])]


def test_a_run_is_summed_up(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="fine", b="torn-page", c="doubtful 0.4", d="damaged")
    summary = go(inputs, tmp_path / "out")
    assert (summary.documents, summary.pages, summary.reports) == (4, 9, 3)
    assert (summary.findings, summary.failures, summary.review) == (1, 2, 4)
    assert summary.cells == {**dict.fromkeys(Status, 0), Status.ACCEPTED: 592, Status.REVIEW: 1, Status.MISSING: 1}
    assert summary.pages_per_second > 0
    assert column(tmp_path / "out", "reports.csv", "source") == ["a.png", "b.png", "c.png"]
    assert column(tmp_path / "out", "failures.csv", "cause") == ["the page is torn", "the file is cut off"]


def test_tables_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="slow 0.5", b="fine", c="doubtful 0.4", d="doubtful 0.2", e="damaged")
    go(inputs, tmp_path / "one", jobs=1)
    go(inputs, tmp_path / "three", jobs=3)
    one = {path.name: path.read_bytes() for path in (tmp_path / "one").glob("*.csv")}
    three = {path.name: path.read_bytes() for path in (tmp_path / "three").glob("*.csv")}
    assert len(one) == 6
    assert one == three


def test_the_review_list_begins_with_the_worst(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="doubtful 0.9", b="doubtful 0.1")
    go(inputs, tmp_path / "out", jobs=2)
    worst_first = list(read(tmp_path / "out" / "review.csv", ["source"]))
    assert [(row["source"], row["status"]) for row in worst_first] == [
        ("a.png", "missing"),
        ("b.png", "missing"),
        ("b.png", "review"),
        ("a.png", "review"),
    ]
    assert [row["corrected_value"] for row in worst_first] == [""] * 4


def test_progress_is_told_after_each_document(tmp_path: Path) -> None:
    told: list[tuple[int, int, int]] = []
    inputs = scans(tmp_path / "in", a="fine", b="damaged", c="fine")
    run([str(inputs)], tmp_path / "out", Settings(), 2, None, lambda *each: told.append(each), readers.read)
    assert [(done, total) for done, total, _ in told] == [(1, 3), (2, 3), (3, 3)]
    assert told[-1][2] == 6


def test_the_output_folder_is_no_input_but_inputs_may_lie_in_it(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="fine")
    (inputs / "out").mkdir()
    (inputs / "out" / "picture.png").write_text("fine")
    assert go(inputs, inputs / "out").documents == 1
    assert go(inputs, tmp_path).documents == 2


def test_nothing_to_read_is_said_to_be_so_and_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="nothing to read"):
        go(scans(tmp_path / "in"), tmp_path / "out")
    with pytest.raises(NoInputError, match="does not exist"):
        go(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_concerns_every_document_ends_the_run(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="fine", b="no-engine", c="slow 300")
    with pytest.raises(MissingDependencyError, match="apt-get install"):
        go(inputs, tmp_path / "out", jobs=2)
    assert not (tmp_path / "out" / "cells.csv").exists()


def test_an_output_folder_that_cannot_be_written_is_told_before_reading(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError):
        go(scans(tmp_path / "in", a="slow 300"), tmp_path / "out")


def test_processes_use_one_thread_each_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = scans(tmp_path / "in", a="environment")
    for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    go(inputs, tmp_path / "out")
    assert column(tmp_path / "out", "failures.csv", "cause") == ["1 1"]
    assert column(tmp_path / "out", "failures.csv", "advice") == [str(os.getpid())]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    go(inputs, tmp_path / "out")
    assert column(tmp_path / "out", "failures.csv", "cause") == ["3 1"]
