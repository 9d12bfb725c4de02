"""What every text engine promises, through the registry: a new engine file is tested by being there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline import ocr
from pipeline.errors import MissingDependencyError, UsageError
from pipeline.ocr.replay import VARIABLE, RecordingEngine
from tests.ocr.drawing import cell

REAL = ("rapidocr", "tesseract")


@pytest.fixture(autouse=True)
def _recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "recording.json"
    path.write_text(
        json.dumps({"source": "nothing", "readings": {"lines": {}, "labels": {}, "numerals": {}}}), encoding="utf-8"
    )
    monkeypatch.setenv(VARIABLE, str(path))


def test_the_engines_are_found() -> None:
    assert set(ocr.engine_names()) == {"null", "rapidocr", "replay", "tesseract"}


@pytest.mark.parametrize("name", ocr.engine_names())
def test_every_engine_is_usable_or_says_why_not(name: str) -> None:
    reason = ocr.availability(name)
    if reason is None:
        engine = ocr.load_engine(name)
        assert engine.name == name
        assert engine.version() != ""
    else:
        assert "install" in reason


@pytest.mark.parametrize("name", ocr.engine_names())
def test_one_reading_per_picture_and_probabilities_that_are_some(name: str) -> None:
    engine = ocr.load_engine(name)
    odd = [np.full((1, 1), 255, np.uint8), np.full((3, 90), 0, np.uint8), np.full((30, 30), 128, np.uint8)]
    pictures = [cell("0"), cell(""), *odd]
    for readings in (engine.read_lines(pictures), engine.read_labels(pictures), engine.read_numerals(pictures)):
        assert len(readings) == len(pictures)
        for found in readings:
            probabilities = [a.probability for a in found.alternatives]
            assert probabilities == sorted(probabilities, reverse=True)
            assert probabilities
            assert all(0.0 <= p <= 1.0 for p in probabilities)
            assert sum(probabilities) <= 1.0 + 1e-6
            assert found.reader == name
    assert engine.read_lines([]) == []
    assert engine.read_labels([]) == []
    assert engine.read_numerals([]) == []


@pytest.mark.parametrize("name", REAL)
def test_real_engines_read_chinese_and_tell_empty_cells(name: str) -> None:
    engine = ocr.load_engine(name)
    label = "政府信息公开申请"
    for read in (engine.read_lines, engine.read_labels):
        lines = read([cell(label, size=24, shape=(48, 240)), cell("")])
        assert lines[0].text.replace(" ", "") == label
        assert lines[0].probability > 0.5
        assert (lines[1].text, lines[1].probability) == ("", 1.0)
    numerals = engine.read_numerals([cell("137"), cell(""), cell("/"), cell("—")])
    assert [found.text.replace("—", "-") for found in numerals] == ["137", "", "/", "-"]


def test_unknown_engine_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="rapidocr"):
        ocr.load_engine("paddle")


def test_missing_tesseract_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = ocr.availability("tesseract")
    assert reason is not None
    assert "apt-get install tesseract-ocr" in reason
    with pytest.raises(MissingDependencyError, match="tesseract"):
        ocr.load_engine("tesseract")


def test_missing_model_of_tesseract_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _program(tmp_path, "echo eng")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    reason = ocr.availability("tesseract")
    assert reason is not None
    assert "tesseract-ocr-chi-sim" in reason


@pytest.mark.parametrize("behaviour", ["kill -FPE $$", "exit 1", "printf '\\377\\376'"])
def test_crash_of_tesseract_costs_one_reading(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, behaviour: str) -> None:
    engine = ocr.load_engine("tesseract")
    _program(tmp_path, behaviour)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = engine.read_lines([cell("0")])[0]
    assert (found.text, found.probability) == ("", 0.0)


def test_pictures_that_tesseract_does_not_survive_together_are_read_one_by_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = ocr.load_engine("tesseract")
    _program(tmp_path, f'[ "$(wc -l < "$1")" -gt 1 ] && kill -FPE $$; exec {shutil.which("tesseract")} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert [found.text for found in engine.read_numerals([cell("137"), cell("52"), cell("80")])] == ["137", "52", "80"]


def test_hanging_tesseract_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pipeline.ocr import tesseract

    engine = ocr.load_engine("tesseract")
    _program(tmp_path, "exec sleep 30")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(tesseract, "_SECONDS", 1)
    assert engine.read_lines([cell("0")])[0].probability == 0.0


def test_what_was_recorded_is_replayed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pictures = [cell("12"), cell("/")]
    recorder = RecordingEngine(ocr.load_engine("rapidocr"))
    said = recorder.read_numerals(pictures)
    recorder.save(tmp_path / "recorded.json")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "recorded.json"))
    replayed = ocr.load_engine("replay").read_numerals([*pictures, cell("99")])
    assert [found.text for found in replayed[:2]] == [found.text for found in said]
    assert replayed[2].probability == 0.0


def _program(folder: Path, body: str) -> None:
    path = folder / "tesseract"
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
