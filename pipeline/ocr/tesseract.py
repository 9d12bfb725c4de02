"""Tesseract with the simplified Chinese model, one short-lived child process for a handful of pictures.

The child is given pixels only, never a path of the user's: Tesseract takes a text file under a picture's
name for a list of files to open. Such a list of our own saves the start of a process for each picture, nine
tenths of the time. Where a child crashes or hangs its pictures are read one by one: that costs one reading.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

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
_TOGETHER = 32  # pictures for one child
_NOTHING = Alternative("", 0.0)


class TesseractEngine:
    """The ``tesseract`` program through pytesseract."""

    name = NAME

    def version(self) -> str:
        """Version of the program and of its language model."""
        import pytesseract

        return f"tesseract {pytesseract.get_tesseract_version()} {_LANGUAGE}"

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Read single lines of Chinese text."""
        inks = [find_ink(line) for line in lines]
        inked = [i for i, ink in enumerate(inks) if ink.mask.any()]
        found = dict(zip(inked, _read([cut_ink(lines[i], inks[i], 10) for i in inked], _SINGLE_LINE, ""), strict=True))
        return [Reading((found.get(i, Alternative("", 1.0)),), NAME) for i in range(len(lines))]

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
    # With 8 pixels of paper around, a single digit is narrower than it is high.
    narrow = [cut.shape[1] <= cut.shape[0] for cut in cuts]
    found: dict[int, Alternative] = {}
    for mode, of in ((_SINGLE_CHARACTER, True), (_SINGLE_LINE, False)):
        chosen = [i for i, each in enumerate(narrow) if each is of]
        found |= dict(zip(chosen, _read([cuts[i] for i in chosen], mode, options), strict=True))
    return [[found[i]] if found[i].text != "" else [] for i in range(len(cuts))]


def _read(cuts: Sequence[Pixels], mode: int, options: str) -> list[Alternative]:
    """The best text of each cut; one that a child does not survive is an empty reading of probability 0."""
    found: list[Alternative] = []
    for start in range(0, len(cuts), _TOGETHER):
        together = cuts[start : start + _TOGETHER]
        read = _run(together, mode, options)
        if read is None:
            alone = [_run([cut], mode, options) for cut in together]
            read = [_NOTHING if each is None else each[0] for each in alone]
        found.extend(read)
    return found


def _run(cuts: Sequence[Pixels], mode: int, options: str) -> list[Alternative] | None:
    """One child; None where it crashed or ran out of time."""
    import pytesseract

    with tempfile.TemporaryDirectory(prefix="nianbao-") as folder:
        paths = [Path(folder) / f"{number}.png" for number in range(len(cuts))]
        for path, cut in zip(paths, cuts, strict=True):
            size = (max(8, round(cut.shape[1] * _LINE_HEIGHT / cut.shape[0])), _LINE_HEIGHT)
            coded = cv2.imencode(".png", cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC))[1]
            path.write_bytes(coded.tobytes())
        names = Path(folder) / "pictures.txt"
        names.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
        try:
            words = pytesseract.image_to_data(
                str(names),
                lang=_LANGUAGE,
                config=f"--psm {mode} --oem 1 --dpi 150 {options}".strip(),
                timeout=_SECONDS,
                output_type=pytesseract.Output.DICT,
            )
            parts = [
                (int(page), str(text).strip(), float(sure))
                for page, text, sure in zip(words["page_num"], words["text"], words["conf"], strict=True)
            ]
        except (pytesseract.TesseractError, RuntimeError, OSError, KeyError, ValueError):
            # TesseractError: the child ended with a status or a signal (SIGFPE). RuntimeError: it ran into the timeout.
            # The others: it ended well but left no table, or a broken one.
            return None
    if max((page for page, _, _ in parts), default=0) != len(cuts):
        return None
    return [_best([part for part in parts if part[0] == number + 1]) for number in range(len(cuts))]


def _best(parts: Sequence[tuple[int, str, float]]) -> Alternative:
    """The text of one picture, as sure as its least sure word."""
    words = [(text, sure) for _, text, sure in parts if text != "" and sure >= 0.0]
    if not words:
        return _NOTHING
    probability = float(np.clip(min(sure for _, sure in words) / 100.0, 0.0, 1.0))
    return Alternative("".join(text for text, _ in words), probability)
