#!/usr/bin/env python3
"""Reads a document with a real engine and records every reading, for the replay engine.

    scripts/record_ocr.py DOCUMENT RECORDING [--ocr rapidocr]
    NIANBAO_REPLAY=RECORDING nianbao extract DOCUMENT --ocr replay -o OUT

The replay holds for pictures that are cut exactly as they were when recorded.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline import reading
from pipeline.documents import read_pages
from pipeline.domain import PageImage
from pipeline.ocr import load_engine
from pipeline.ocr.numerals import NumeralReader
from pipeline.ocr.replay import RecordingEngine
from pipeline.settings import Settings


def main() -> None:
    """Read and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document", type=Path)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--ocr", default="rapidocr", help="engine to record (default rapidocr)")
    arguments = parser.parse_args()
    recorder = RecordingEngine(load_engine(arguments.ocr))
    readers = reading.Readers(recorder, NumeralReader.load())
    settings = replace(Settings(), ocr=arguments.ocr)
    for page in read_pages(arguments.document.read_bytes(), settings):
        if isinstance(page, PageImage):
            reading.read_page(page, readers)
    recorder.save(arguments.recording)
    print(f"{sum(len(kind) for kind in recorder.recorded.values())} readings in {arguments.recording}")


if __name__ == "__main__":
    main()
