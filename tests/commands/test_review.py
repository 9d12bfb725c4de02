"""The review commands, as a person types them."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from pipeline.commands import app
from tests.test_revise import one, write


def test_export_tells_how_much_is_to_be_asked(tmp_path: Path) -> None:
    out = write(tmp_path / "out", one())
    done = CliRunner().invoke(app, ["review", "export", str(out), "--budget", "3", "--level", "cells"])
    assert done.exit_code == 0
    assert done.stdout == ""
    assert done.stderr == f"3 of 4 questions in {out / 'review.csv'}\n"
