"""What a page is read with."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.ocr import TextEngine
from pipeline.ocr.numerals import NumeralReader


@dataclass(frozen=True, slots=True)
class Readers:
    """The readers a page is read with."""

    engine: TextEngine
    numerals: NumeralReader
