"""Calibrated probabilities of readings: what several readers saw becomes one probability."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import Alternative, Reading
from pipeline.errors import UsageError
from pipeline.ocr import calibration
from pipeline.ocr.calibration_training import COLUMNS, fit
from pipeline.ocr.pooling import pool


def seen(reader: str, *alternatives: tuple[str, float]) -> Reading:
    return Reading(tuple(Alternative(text, probability) for text, probability in alternatives), reader)


def pooled(first: tuple[str, float], second: tuple[str, float]) -> Reading:
    return pool([seen("numerals", first), seen("rapidocr", second)])


def test_readers_that_agree_are_surer_than_readers_that_differ() -> None:
    model = calibration.load()
    agree = model.apply(pooled(("17", 0.8), ("17", 0.9)), 1.0)
    differ = model.apply(pooled(("11", 0.8), ("17", 0.9)), 1.0)
    assert agree.text == differ.text == "17"
    assert agree.probability > 0.95 > differ.probability


def test_a_reader_that_sees_nothing_it_knows_does_not_outvote_one_that_is_sure() -> None:
    model = calibration.load()
    known = pooled(("3", 0.003), ("17", 0.9995))
    assert model.apply(known, 1.0).probability > known.probability


def test_a_second_reader_that_sees_the_same_takes_nothing_from_one_that_is_sure() -> None:
    model = calibration.load()
    assert model.apply(pooled(("0", 0.9999), ("0", 0.3)), 1.0).probability == 0.9999
    assert model.apply(pooled(("0", 0.9), ("0", 0.3)), 1.0).probability < 0.97
    assert model.apply(pooled(("0", 0.9999), ("8", 0.9)), 1.0).probability < 0.9


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_probabilities_stay_probabilities_and_the_best_text_stays(one: float, other: float, quality: float) -> None:
    known = pooled(("17", one), ("11", other))
    found = calibration.load().apply(known, quality)
    assert found.text == known.text
    assert all(0.0 <= a.probability <= 1.0 for a in found.alternatives)
    assert sum(a.probability for a in found.alternatives) <= 1.0 + 1e-9


def test_readings_of_one_reader_and_of_unknown_engines_stay_as_they_are() -> None:
    model = calibration.load()
    for reading in (
        seen("numerals", ("17", 0.4)),
        pool([seen("numerals", ("17", 0.4)), seen("tesseract", ("17", 0.4))]),
    ):
        assert model.apply(reading, 1.0) is reading


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    calibration.save(tmp_path, 0.5, [0.1 * i for i in range(len(calibration.FEATURES))])
    model = calibration.load_from(tmp_path)
    assert model.intercept == 0.5
    assert model.weights == pytest.approx([0.1 * i for i in range(len(calibration.FEATURES))])


def test_training_learns_that_scores_matter_and_refuses_what_teaches_nothing(tmp_path: Path) -> None:
    data = tmp_path / "readings.csv"
    rows = [
        f"{x},{x},0,0,1,0,{int(x > 0)},scan,songti,{'train' if i % 2 else 'test'}"
        for i, x in enumerate([-3.0, -2.5, -2.0, -1.5, 1.5, 2.0, 2.5, 3.0] * 10)
    ]
    data.write_text("\n".join([",".join(COLUMNS), *rows, ""]), encoding="utf-8")
    found = fit(data)
    assert min(found.weights[:2]) > 0
    assert found.error < 0.1
    for text in ("nonsense\n", ",".join(COLUMNS) + "\n"):
        data.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError):
            fit(data)
