"""A folder of hostile files through the command line: each costs itself, and says what is wrong with it."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.errors import ExitCode
from pipeline.evaluation import TrueCell, evaluate, read_extracted, read_truth
from pipeline.spreadsheet import read
from scripts.scans.cli import main as make_scans

# One run serves all tests of this file, so one process does them.
pytestmark = [pytest.mark.xdist_group("hostile files"), pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
SECRET = "271828182845"
GBK = os.fsdecode("年度报告".encode("gbk")) + ".pdf"
GBK_SHOWN = os.fsencode(GBK).decode("utf-8", "backslashreplace")
# What decoders and engines are known to call; none is needed for these files.
PROGRAMS = ("gs", "gswin64c", "djpeg", "qpdf", "pdftoppm", "jbig2dec", "convert", "magick", "tesseract")


@dataclass(frozen=True)
class Run:
    """What came of it: exit code, what was printed, seconds, and the memory of the largest process in KiB."""

    scans: Path
    out: Path
    code: int
    printed: str
    seconds: float
    memory: int
    called: Path

    def table(self, name: str, *columns: str) -> list[dict[str, str]]:
        return list(read(self.out / name, columns))

    def failures(self) -> dict[str, list[tuple[str, str]]]:
        """Page and cause of each failure, by file."""
        found: dict[str, list[tuple[str, str]]] = {}
        for row in self.table("failures.csv", "source", "page", "cause", "advice"):
            assert row["advice"]
            found.setdefault(row["source"], []).append((row["page"], row["cause"]))
        return found

    def truth(self, source: str) -> list[TrueCell]:
        return [cell for cell in read_truth(self.scans / "truth.csv") if cell.source == source]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("hostile")
    scans, out, programs, called = (folder / name for name in ("scans", "out", "bin", "called"))
    make_scans([str(scans), "--faults", "--seed", "5", "--forms", "ogi-2021"])
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).write_text(f"#!/bin/sh\necho {name} >> '{called}'\n")
        (programs / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    with (folder / "printed").open("wb") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "extract", str(scans), "--out", str(out), "--jobs", "2"],
            stdout=printed,
            stderr=printed,
            env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        scans,
        out,
        process.returncode,
        (folder / "printed").read_text(encoding="utf-8", errors="replace"),
        time.monotonic() - began,
        usage.ru_maxrss,
        called,
    )


def expected(outcome: str, scans: Path) -> set[str]:
    with (scans / "expected.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"] for row in csv.DictReader(file) if row["outcome"] == outcome}


def test_the_exit_code_says_that_not_everything_was_read(run: Run) -> None:
    assert run.code == ExitCode.FAILURES, run.printed
    assert "failures.csv" in run.printed
    assert "Traceback" not in run.printed


def test_exactly_what_gives_no_report_or_not_all_of_it_is_listed(run: Run) -> None:
    assert set(run.failures()) == {
        name for kind in ("failure", "partial", "empty") for name in expected(kind, run.scans)
    }


@pytest.mark.parametrize(
    ("source", "page", "words"),
    [
        ("empty.pdf", "", "0 bytes"),
        ("password.pdf", "", "password"),
        ("text.pdf", "", "text, not a scan"),
        ("list.png", "", "text, not a scan"),
        ("postscript.png", "", "PostScript"),
        ("bomb.png", "", "144 megapixels"),
        ("wide.pdf", "1", "14400 × 14400 inches"),
    ],
)
def test_each_unreadable_file_has_one_line_with_its_cause(run: Run, source: str, page: str, words: str) -> None:
    ((where, cause),) = run.failures()[source]
    assert where == page
    assert words in cause


def test_a_pdf_cut_in_half_loses_pages_and_says_which(run: Run) -> None:
    pages = [page for page, cause in run.failures()["half.pdf"] if "lost" in cause]
    assert pages
    assert "" not in pages
    assert len(set(pages)) == len(pages)
    assert "1" not in pages  # it is whole, and gives its cells
    assert {row["page"] for row in cells_of(run, "half.pdf")} == {"1"}


@pytest.mark.parametrize("source", ["last_page_missing.tiff", "last_page_cut.tiff"])
def test_a_tiff_keeps_the_pages_before_the_one_it_lost(run: Run, source: str) -> None:
    ((lost, _),) = run.failures()[source]
    pages = Counter(row["page"] for row in cells_of(run, source))
    assert lost not in pages
    assert sorted(pages) == [str(number) for number in range(1, int(lost))]
    missing = [
        row
        for row in run.table("cells.csv", "source", "page", "status")
        if row["source"] == source and row["status"] == "missing"
    ]
    assert missing  # the cells of the lost page are rows as well
    assert all(row["page"] == "" for row in missing)


@pytest.mark.parametrize("source", ["good.pdf", "owner_restricted.pdf", GBK_SHOWN])
def test_what_is_sound_is_read_fully_and_rightly(run: Run, source: str) -> None:
    assert source not in run.failures()
    truth = run.truth(source)
    assert truth
    score = evaluate(read_extracted(run.out / "cells.csv"), truth)
    assert score.total.cells == len(truth) == 200
    assert score.total.rate(score.total.correct) >= 99
    assert score.total.missing == 0
    assert score.rows is not None
    assert score.rows.rate >= 99


def test_the_same_report_is_the_same_whatever_its_file_is_called(run: Run) -> None:
    assert (run.scans / GBK).read_bytes() == (run.scans / "good.pdf").read_bytes()
    columns = ("source", "document_id", "table_id", "row_id", "column_id", "value", "status")
    rows = run.table("cells.csv", *columns)
    one, other = (
        [[row[c] for c in columns[1:]] for row in rows if row["source"] == source] for source in ("good.pdf", GBK_SHOWN)
    )
    assert one == other


@pytest.mark.parametrize(("source", "pages"), [("photographs.pdf", "1 page"), ("secret.png", "1 page")])
def test_pages_without_a_table_give_no_report_and_one_line_that_says_so(run: Run, source: str, pages: str) -> None:
    assert run.failures()[source] == [("", f"no statutory table was found on {pages}")]
    assert cells_of(run, source) == []
    assert all(row["source"] != source for row in run.table("reports.csv", "source"))


def test_a_picture_that_another_file_names_is_never_opened_in_its_place(run: Run) -> None:
    assert str(run.scans / "secret.png") in (run.scans / "list.png").read_text()
    assert SECRET not in run.printed
    for path in run.out.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        # The picture is an input too; what was read of it under its own name is no secret.
        assert SECRET.encode() not in content or b'"source":"secret.png"' in content


def test_no_program_is_started(run: Run) -> None:
    assert not run.called.exists(), run.called.read_text()


def test_time_and_memory_stay_in_bounds(run: Run) -> None:
    assert run.memory < 2_000_000
    assert run.seconds < 300


def cells_of(run: Run, source: str) -> list[dict[str, str]]:
    """The cells of a file that were found on a page."""
    columns = ("source", "page", "value", "status")
    return [row for row in run.table("cells.csv", *columns) if row["source"] == source and row["page"]]
