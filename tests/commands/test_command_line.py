"""The command line as a user meets it: help at once, one exit code per cause, data on standard output only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline import __version__
from pipeline.errors import ExitCode

HEAVY = ("numpy", "cv2", "sklearn", "scipy", "pandas", "camelot", "rapidocr", "onnxruntime", "rich", "PIL")
TRUTH = "source,form_id,table_id,row_id,column_id,value,blank,level\na.pdf,f,t,r,c,1,0,0\n"
CELLS = "source,form_id,table_id,row_id,column_id,value,status,page,x0,y0,x1,y1\na.pdf,f,t,r,c,{},accepted,,,,,\n"


def nianbao(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


def tables(folder: Path, value: str) -> tuple[Path, Path]:
    (folder / "cells.csv").write_text(CELLS.format(value))
    (folder / "truth.csv").write_text(TRUTH)
    return folder / "cells.csv", folder / "truth.csv"


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pipeline", "--help"], capture_output=True, text=True, check=True
    )
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "typer" in loaded
    assert not loaded & set(HEAVY)
    assert all(name in done.stdout for name in ("extract", "explain", "train", "evaluate", "forms", "doctor"))


def test_the_version_is_that_of_the_package() -> None:
    assert nianbao("--version").stdout == f"nianbao {__version__}\n"


def test_0_all_is_well(tmp_path: Path) -> None:
    done = nianbao("evaluate", *tables(tmp_path, "1"), "--min-correct", 100, "--max-silent", 0, "--max-review", 0)
    assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    assert "100.000" in done.stdout


def test_1_a_document_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    done = nianbao("extract", tmp_path, "-o", tmp_path / "out", "--ocr", "null", "--jobs", 1)
    assert done.returncode == ExitCode.FAILURES
    assert "failures.csv" in done.stderr
    assert done.stdout == ""
    assert (tmp_path / "out" / "failures.csv").read_text(encoding="utf-8-sig").count("empty.pdf") == 1


def test_1_a_limit_is_not_kept(tmp_path: Path) -> None:
    done = nianbao("evaluate", *tables(tmp_path, "2"), "--min-correct", 99, "--max-silent", 1, "--min-rows", 1)
    assert done.returncode == ExitCode.FAILURES
    assert "correct 0.000 % < 99.0 %" in done.stderr
    assert "silent errors 100.000 % > 1.0 %" in done.stderr
    assert "row labels right 0.000 % < 1.0 %" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["extract"], "Missing argument"),
        (["extract", "x"], "Missing option"),
        (["extract", ".", "-o", "out", "--jobs", "0"], "jobs"),
        (["extract", ".", "-o", "out", "--ocr", "crystal-ball"], "crystal-ball"),
        (["extract", ".", "-o", "out", "--password-file", "nowhere"], "nowhere"),
        (["read", "x"], "No such command"),
        (["forms", "show", "ogi-1999"], "ogi-2019"),
        (["evaluate", "nowhere.csv", "nowhere.csv"], "nowhere.csv"),
        (["train", "--training-data", "nowhere"], "nowhere"),
        (["retrain", "nowhere"], "nowhere"),
        (["retrain", "nowhere", "--force", " "], "reason"),
    ],
)
def test_2_the_command_makes_no_sense(tmp_path: Path, arguments: Sequence[str], message: str) -> None:
    done = nianbao(*arguments, cwd=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_3_the_text_engine_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    monkeypatch.setenv("PATH", str(tmp_path))
    done = nianbao("extract", tmp_path / "a.png", "-o", tmp_path / "out", "--ocr", "tesseract")
    assert done.returncode == ExitCode.MISSING_DEPENDENCY
    assert "apt" in done.stderr
    assert not (tmp_path / "out" / "cells.csv").exists()


def test_4_there_is_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    done = nianbao("extract", tmp_path / "in", "-o", tmp_path / "out")
    assert done.returncode == ExitCode.NO_INPUT
    assert "nothing to read" in done.stderr


def test_5_the_output_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "out").touch()
    done = nianbao("extract", tmp_path / "a.png", "-o", tmp_path / "out")
    assert done.returncode == ExitCode.OUTPUT
    assert "cannot be written" in done.stderr


def test_15_a_fault_of_the_program_does_not_look_like_failed_documents(tmp_path: Path) -> None:
    script = """
import sys
from pipeline import commands, forms
def broken(): raise ZeroDivisionError
forms.load_forms = broken
sys.argv = ["nianbao", "forms", "list"]
commands.main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.OTHER
    assert "ZeroDivisionError" in done.stderr


def test_130_interrupted(tmp_path: Path) -> None:
    script = """
import signal, sys
from pipeline import commands, forms
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background of a shell
forms.load_forms = lambda: signal.raise_signal(signal.SIGINT)
sys.argv = ["nianbao", "forms", "list"]
commands.main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.INTERRUPTED
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr


def test_141_nobody_reads_on() -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", "import sys, time; from pipeline.commands import main; time.sleep(0.5); main()"]
        + ["forms", "show", "ogi-2019"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL),
    )
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    complaints = running.stderr.read().decode()
    running.stderr.close()
    assert running.wait(timeout=30) == ExitCode.CLOSED_PIPE
    assert complaints == ""


def test_forms_are_listed_and_shown() -> None:
    listed = nianbao("forms", "list").stdout.splitlines()
    assert [line.split("\t")[0] for line in listed] == ["ogi-2014", "ogi-2019", "ogi-2021"]
    shown = nianbao("forms", "show", "ogi-2021").stdout.splitlines()
    assert sum(line.count("\t") == 5 for line in shown) == 200
    assert any("行政复议" in line for line in shown)


def test_evaluate_gives_everything_as_json(tmp_path: Path) -> None:
    tables(tmp_path, "2")
    result = json.loads(nianbao("evaluate", tmp_path, tmp_path / "truth.csv", "--json").stdout)
    counts = {"correct": 0, "wrong": 1, "missing": 0, "silent": 1, "review": 0, "reconciled": 0, "false_repairs": 0}
    assert result["total"] == {"cells": 1, **counts}
    assert result["value_confusions"] == [["1", "2", 1]]


def test_colour_stays_out_of_what_is_not_a_terminal(tmp_path: Path) -> None:
    assert "\x1b" not in nianbao("evaluate", *tables(tmp_path, "2")).stdout
