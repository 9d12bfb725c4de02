"""``nianbao extract``: what is said on which stream; the reading itself is replaced."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import commands, confidence
from pipeline import run as runs
from pipeline.commands import console
from pipeline.domain import Failure, Status
from pipeline.errors import ExitCode
from pipeline.settings import Settings
from pipeline.workers import Limits

EVENT = runs.Event(
    *("县/某局.pdf", "partial", "0123456789abcdef" * 4, 3, 1.5, (Failure(2, "the page is torn", "", "damaged"),)),
    *(1, 4, 1, 3),
)


class Runner:
    """Takes the place of the run and remembers what it was given."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.settings: Settings | None = None
        self.jobs = 0
        self.limits = Limits()
        self.retry_failed = False
        self.shard = runs.Shard()
        self.cluster: str | None = None
        self.store: str | None = None

    def __call__(
        self,
        inputs: list[str],
        out: Path,
        settings: Settings,
        jobs: int,
        limits: Limits,
        tell: Callable[[runs.Event], None],
        retry_failed: bool,
        shard: runs.Shard,
        cluster: str | None,
        store: str | None,
    ) -> runs.RunSummary:
        self.settings, self.jobs, self.limits, self.retry_failed = settings, jobs, limits, retry_failed
        self.shard, self.cluster, self.store = shard, cluster, store
        tell(EVENT)
        cells = {**dict.fromkeys(Status, 0), Status.ACCEPTED: 190, Status.REVIEW: 8}
        return runs.RunSummary(out, 3, 8, 1, 2, 0, 1, cells, 2, self.failures, 8, 5.0, 2.0)


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
    bound = confidence.load().threshold(1e-4).risk
    kept = [f"{bound:.2g}"] if bound <= 1e-4 else [f"{bound:.2g},", "not", "0.0001"]
    assert [line.split() for line in printed.err.splitlines()] == [
        ["tables"],
        ["documents", "3"],
        ["-", "wholly", "read", "2"],
        ["-", "partly", "read", "0"],
        ["-", "not", "read", "1"],
        ["documents", "read", "now", "2"],
        ["pages", "8"],
        ["reports", "1"],
        ["cells", "accepted", "190"],
        ["cells", "review", "8"],
        ["cells", "missing", "0"],
        ["cells", "reconciled", "0"],
        ["cells", "corrected", "0"],
        ["accepted", "cells", "wrong", "at", "most", *kept],
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
        "partial": 0,
        "failed": 1,
        "pages": 8,
        "reports": 1,
        "cells": {"accepted": 190, "review": 8, "missing": 0, "reconciled": 0, "corrected": 0},
        "findings": 2,
        "failures": 1,
        "review": 8,
        "seconds": 5.0,
        "pages_per_second": 2.0,
        "risk": 1e-4,
        "risk_bound": confidence.load().threshold(1e-4).risk,
    }


def test_options_reach_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("密码 1\nsecond line\n", encoding="utf-8")
    runner = Runner(0)
    arguments = ("--ocr", "tesseract", "--jobs", "3", "--max-megapixels", "50", "--retry-failed", "--timeout", "9")
    more = ("--password-file", str(tmp_path / "secret"), "--shard", "2/5", "--risk", "0.001")
    call(monkeypatch, runner, *arguments, *more)
    assert runner.settings == Settings(ocr="tesseract", max_megapixels=50.0, password="密码 1", risk=1e-3)
    assert runner.jobs == 3
    assert runner.retry_failed
    assert runner.shard == runs.Shard(2, 5)
    assert runner.limits == Limits(9.0, 2000)


def test_a_cluster_takes_the_place_of_processes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = Runner(0)
    assert call(monkeypatch, runner, "--cluster", "tcp://host:8786") == ExitCode.OK
    assert runner.cluster == "tcp://host:8786"
    assert call(monkeypatch, Runner(0), "--cluster", "tcp://host:8786", "--jobs", "2") == ExitCode.USAGE
    assert "--jobs says nothing about a cluster" in capsys.readouterr().err


def test_results_are_kept_at_a_url_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = Runner(0)
    assert call(monkeypatch, runner, "--store", "s3://bucket/run") == ExitCode.OK
    assert runner.store == "s3://bucket/run"
    assert call(monkeypatch, Runner(0), "--store", "bucket/run") == ExitCode.USAGE
    assert "bucket/run is no URL" in capsys.readouterr().err


def test_the_log_has_a_line_of_json_for_each_document(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for _ in range(2):
        call(monkeypatch, Runner(0), "--log-json", str(tmp_path / "log"))
    first, second = (json.loads(line) for line in (tmp_path / "log").read_text(encoding="utf-8").splitlines())
    assert first.pop("at") <= second.pop("at")
    assert (
        first
        == second
        == {
            "source": "县/某局.pdf",
            "document_id": "d-0123456789abcdef",
            "status": "partial",
            "pages": 3,
            "seconds": 1.5,
            "failures": [{"page": 2, "kind": "damaged", "cause": "the page is torn"}],
        }
    )
    assert call(monkeypatch, Runner(0), "--log-json", str(tmp_path)) == ExitCode.OUTPUT


def test_progress_shows_rate_rest_and_failures_where_somebody_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    for name, value in {"TERM": "xterm", "COLUMNS": "200", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    with console.progress(quiet=False) as advance:
        assert advance is not None
        advance(EVENT)
    assert "1 of 4 documents, 1 with failures, 3 pages read, 0.00 pages/s, unknown left" in capsys.readouterr().err
    with console.progress(quiet=True) as advance:
        assert advance is None
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(console, "_EVERY", 0.0)
    with console.progress(quiet=False) as advance:
        assert advance is not None
        advance(EVENT)
    assert capsys.readouterr().err.startswith("nianbao: 1 of 4 documents, 1 with failures, 3 pages read, ")


def test_the_pace_is_that_of_the_last_two_minutes() -> None:
    meter = console.Meter()
    for second in range(0, 1000, 10):
        meter.add(second, done=second if second < 500 else 500 + (second - 500) // 10, pages=second // 2)
    assert meter.pages_per_second() == pytest.approx(0.5)
    assert meter.left(1000) == pytest.approx((1000 - 549) * 10)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "unknown"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3500, "58 min"), (12_000, "3 h 20 min")],
)
def test_durations_are_told_in_words(seconds: float | None, words: str) -> None:
    assert console.duration(seconds) == words
