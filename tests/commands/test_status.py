"""``nianbao status``: during a run, after one that was stopped, and at its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import commands
from pipeline.errors import ExitCode
from pipeline.run import Event, run
from pipeline.settings import Settings
from tests import readers


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["nianbao", *arguments])
    try:
        commands.main()
    except SystemExit as left:
        return int(left.code or 0)
    raise AssertionError("main leaves with an exit code")


def test_a_run_can_be_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def status() -> dict[str, Any]:
        assert call(monkeypatch, "status", str(out), "--json") == ExitCode.OK
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    def look(event: Event) -> None:
        if event.done == 2:
            seen.append(status())
            raise KeyboardInterrupt

    inputs, out = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    # The largest are read first.
    for name, content in {
        "a": "torn-page" + 40 * " ",
        "b": "damaged" + 30 * " ",
        "c": "fine",
        "d": "doubtful 0.1",
    }.items():
        (inputs / f"{name}.png").write_text(content)
    seen: list[dict[str, Any]] = []
    with pytest.raises(KeyboardInterrupt):
        run([str(inputs)], out, Settings(), 1, None, look, readers.STAGES)
    counts = ("state", "documents", "wholly_read", "partly_read", "not_read", "waiting", "pages")
    assert [seen[0][name] for name in counts] == ["running", 4, 0, 1, 1, 2, 3]
    assert seen[0]["failures"] == {"damaged": 1, "unreadable": 1}
    assert "process " in seen[0]["holder"]
    assert seen[0]["seconds_left"] > 0
    assert [status()[name] for name in counts] == ["stopped", 4, 0, 1, 1, 2, 3]
    run([str(inputs)], out, Settings(), 1, None, None, readers.STAGES)
    assert [status()[name] for name in counts] == ["finished", 4, 2, 1, 1, 0, 9]
    assert call(monkeypatch, "status", str(out)) == ExitCode.OK
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["wholly", "read", "2"] in lines
    assert ["failures:", "damaged", "1"] in lines


def test_a_folder_without_a_run_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "status", str(tmp_path)) == ExitCode.USAGE
    assert "holds no state of a run" in capsys.readouterr().err
