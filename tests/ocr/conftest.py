"""The model in use, loaded once."""

from __future__ import annotations

import pytest

from pipeline.ocr.numerals import NumeralReader


@pytest.fixture(scope="session")
def reader() -> NumeralReader:
    return NumeralReader.load()
