"""Tesseract with the simplified Chinese model, one short-lived child process per picture.

The child is given pixels only, never a path of the user's: Tesseract takes a text file under a picture's
name for a list of files to open. A child that crashes or hangs costs one reading, not the run.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from pipeline.domain import Alternative, Pixels, Reading
from pipeline.errors import MissingDependencyError
from pipeline.ocr import TextEngine, pictures
from pipeline.ocr.crops import cut_ink, find_ink

NAME = "tesseract"

_LANGUAGE = "chi_sim"
_SECONDS = 20
_LINE_HEIGHT = 48  # pixels; Tesseract's line recogniser works at about 36 with its margins
_SINGLE_LINE, _SINGLE_CHARACTER = 7, 10
_NUMERALS = "0123456789.,+-/—()%万元件"


class TesseractEngine:
    """The ``tesseract`` program through pytesseract."""

    name = NAME

    def version(self) -> str:
        """Version of the program and of its language model."""
        import pytesseract

        return f"tesseract {pytesseract.get_tesseract_version()} {_LANGUAGE}"

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Read single lines of Chinese text."""
        readings = []
        for line in lines:
            ink = find_ink(line)
            if ink.mask.any():
                found = _run(cut_ink(line, ink, 10), _SINGLE_LINE, "")
                readings.append(Reading((found,), NAME))
            else:
                readings.append(Reading((Alternative("", 1.0),), NAME))
        return readings

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Read single lines of Chinese text."""
        return self.read_lines(lines)

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        """Read value cells with a whitelist; Tesseract gives one alternative only."""
        return pictures.read_cells(crops, _numerals, NAME)


def availability() -> str | None:
    """None when pytesseract, the program and its Chinese model are there, else the reason."""
    if importlib.util.find_spec("pytesseract") is None:
        return "The Python package pytesseract is not installed: pip install pytesseract"
    program = shutil.which("tesseract")
    if program is None:
        return "The program tesseract is not installed: apt-get install tesseract-ocr tesseract-ocr-chi-sim"
    try:
        listed = subprocess.run(
            [program, "--list-langs"], capture_output=True, text=True, timeout=_SECONDS, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"The program {program} does not run ({error}): apt-get install --reinstall tesseract-ocr"
    if _LANGUAGE not in listed.stdout.split():
        return f"Tesseract has no model {_LANGUAGE}: apt-get install tesseract-ocr-chi-sim"
    return None


def load() -> TextEngine:
    """The engine; its children are kept to one thread each, which is three times faster than many.

    Raises:
        MissingDependencyError: the program does not tell its version, or is too old.
    """
    import pytesseract

    os.environ["OMP_THREAD_LIMIT"] = "1"
    try:
        # pytesseract asks once, without a timeout, and leaves the interpreter when it dislikes the answer: ask here.
        pytesseract.get_tesseract_version(cached=True)
    except SystemExit as error:
        raise MissingDependencyError(
            str(error.code), "apt-get install --reinstall tesseract-ocr tesseract-ocr-chi-sim"
        ) from error
    return TesseractEngine()


def _numerals(cuts: Sequence[Pixels]) -> list[list[Alternative]]:
    options = f"-c tessedit_char_whitelist={_NUMERALS}"
    found = []
    for cut in cuts:
        # With 8 pixels of paper around, a single digit is narrower than it is high.
        mode = _SINGLE_CHARACTER if cut.shape[1] <= cut.shape[0] else _SINGLE_LINE
        best = _run(cut, mode, options)
        found.append([best] if best.text != "" else [])
    return found


def _run(cut: Pixels, mode: int, options: str) -> Alternative:
    """One call; a crash or a timeout is an empty reading of probability 0."""
    import pytesseract

    scale = _LINE_HEIGHT / cut.shape[0]
    size = (max(8, round(cut.shape[1] * scale)), _LINE_HEIGHT)
    picture = Image.fromarray(cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC))
    try:
        words = pytesseract.image_to_data(
            picture,
            lang=_LANGUAGE,
            config=f"--psm {mode} --oem 1 --dpi 150 {options}".strip(),
            timeout=_SECONDS,
            output_type=pytesseract.Output.DICT,
        )
        parts = [(str(text).strip(), float(sure)) for text, sure in zip(words["text"], words["conf"], strict=True)]
    except (pytesseract.TesseractError, RuntimeError, OSError, KeyError, ValueError):
        # TesseractError: the child ended with a status or a signal (SIGFPE). RuntimeError: it ran into the timeout.
        # The others: it ended well but left no table, or a broken one.
        return Alternative("", 0.0)
    parts = [(text, sure) for text, sure in parts if text != "" and sure >= 0.0]
    if not parts:
        return Alternative("", 0.0)
    probability = float(np.clip(min(sure for _, sure in parts) / 100.0, 0.0, 1.0))
    return Alternative("".join(text for text, _ in parts), probability)
