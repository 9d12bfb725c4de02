"""``nianbao doctor``: says what is there, what is missing, and how to get it."""

from __future__ import annotations

from importlib import metadata

import pytest
import typer

from pipeline.commands import doctor
from pipeline.errors import ExitCode


def test_nothing_that_is_needed_is_missing_where_the_tests_run() -> None:
    found = list(doctor.checks())
    assert [check for check in found if check.needed and check.cure] == []
    names = [check.name for check in found]
    assert "text engine rapidocr (the default)" in names
    assert {"OpenCV", "text engine tesseract", "model label classifier", "model numeral reader"} <= set(names)


class Distribution:
    def __init__(self, name: str) -> None:
        self.name = name


@pytest.mark.parametrize(
    "names", [[], ["opencv-python", "opencv-python-headless"], ["opencv_contrib_python", "opencv-python-headless"]]
)
def test_there_must_be_exactly_one_opencv(monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    monkeypatch.setattr(metadata, "distributions", lambda: [Distribution(each) for each in [*names, "numpy"]])
    (check,) = (each for each in doctor.opencv())
    assert f"{len(names)} distributions" in check.state
    assert "pip install" in check.cure
    assert check.needed


def test_a_missing_part_is_exit_code_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [doctor.Check("a", "1.0"), doctor.Check("b", "not installed", "pip install b")]
    monkeypatch.setattr(doctor, "checks", lambda: iter(parts))
    with pytest.raises(typer.Exit) as left:
        doctor.doctor()
    assert left.value.exit_code == ExitCode.MISSING_DEPENDENCY
    assert capsys.readouterr().out == "ok      a: 1.0\nMISSING b: not installed\n        -> pip install b\n"


def test_what_is_optional_does_not_fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "checks", lambda: iter([doctor.Check("c", "no", "apt-get install c", needed=False)]))
    doctor.doctor()
    assert capsys.readouterr().out.startswith("missing c")
