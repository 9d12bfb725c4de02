"""``nianbao extract``: what is said on which stream; the reading itself is replaced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline import commands
from pipeline import run as runs
from pipeline.domain import Status
from pipeline.errors import ExitCode
from pipeline.settings import Settings


class Runner:
    """Takes the place of the run and remembers what it was given."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.settings: Settings | None = None
        self.jobs = 0
        self.retry_failed = False

    def __call__(
        self,
        inputs: list[str],
        out: Path,
        settings: Settings,
        jobs: int,
        timeout: float,
        progress: runs.Progress | None,
        retry_failed: bool,
    ) -> runs.RunSummary:
        self.settings, self.jobs, self.retry_failed = settings, jobs, retry_failed
        assert progress is None  # standard error is no terminal here
        cells = {**dict.fromkeys(Status, 0), Status.ACCEPTED: 190, Status.REVIEW: 8}
        return runs.RunSummary(out, 3, 8, 1, 2, 1, cells, 2, self.failures, 8, 5.0, 2.0)


def call(monkeypatch: pytest.MonkeyPatch, runner: Runner, *arguments: str) -> int:
    monkeypatch.setattr(runs, "run", runner)
    monkeypatch.setattr("sys.argv", ["nianbao", "extract", "scans", "-o", "tables", *arguments])
    with pytest.raises(SystemExit) as left:
        commands.main()
    return int(left.value.code or 0)


def test_the_summary_goes_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, Runner(0)) == ExitCode.OK
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [line.split() for line in printed.err.splitlines()] == [
        ["tables"],
        ["documents", "3"],
        ["documents", "read", "now", "2"],
        ["documents", "not", "read", "1"],
        ["pages", "8"],
        ["reports", "1"],
        ["cells", "accepted", "190"],
        ["cells", "review", "8"],
        ["cells", "missing", "0"],
        ["cells", "reconciled", "0"],
        ["cells", "corrected", "0"],
        ["findings", "2"],
        ["failures", "0"],
        ["seconds", "5.0"],
        ["pages/s", "once", "started", "2.00"],
    ]


def test_rows_for_review_are_no_failure_but_failures_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(monkeypatch, Runner(0)) == ExitCode.OK
    assert call(monkeypatch, Runner(1)) == ExitCode.FAILURES


def test_json_is_the_only_thing_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call(monkeypatch, Runner(1), "--json", "--quiet")
    printed = capsys.readouterr()
    assert printed.err == ""
    assert json.loads(printed.out) == {
        "out": "tables",
        "documents": 3,
        "read": 2,
        "failed": 1,
        "pages": 8,
        "reports": 1,
        "cells": {"accepted": 190, "review": 8, "missing": 0, "reconciled": 0, "corrected": 0},
        "findings": 2,
        "failures": 1,
        "review": 8,
        "seconds": 5.0,
        "pages_per_second": 2.0,
    }


def test_options_reach_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("密码 1\nsecond line\n", encoding="utf-8")
    runner = Runner(0)
    arguments = ("--ocr", "tesseract", "--jobs", "3", "--max-megapixels", "50", "--retry-failed")
    call(monkeypatch, runner, *arguments, "--password-file", str(tmp_path / "secret"))
    assert runner.settings == Settings(ocr="tesseract", max_megapixels=50.0, password="密码 1")
    assert runner.jobs == 3
    assert runner.retry_failed


def test_a_progress_bar_shows_rate_and_rest_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    for name, value in {"TERM": "xterm", "COLUMNS": "100", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    with commands.console.progress_bar(quiet=False) as advance:
        assert advance is not None
        advance(1, 4, 3)
    assert "1/4" in capsys.readouterr().err
    with commands.console.progress_bar(quiet=True) as advance:
        assert advance is None
    monkeypatch.setenv("TERM", "dumb")
    with commands.console.progress_bar(quiet=False) as advance:
        assert advance is None
