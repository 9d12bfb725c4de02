"""PP-OCRv6 recognition as shipped in the rapidocr wheel, run with onnxruntime on single lines.

Only the recogniser is used: cells are found by their rules, and the wheel's line classifier would turn 999
into 666. Reading the network directly gives every character's probability, and so alternatives.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline import model_store
from pipeline.domain import Alternative, Mark, Pixels, Reading
from pipeline.ocr import TextEngine, ctc, pictures, recogniser
from pipeline.ocr.crops import find_ink
from pipeline.ocr.recogniser import Recogniser, Scaled, natural_width, scale, squeeze
from pipeline.values import parse_value

NAME = "rapidocr"

# Lines of text are read as surely at less than half of their width (share of it, and pixels from which on), in as much
# less time. Digits are not: lines that turn out to hold figures are read again with more room, value cells at full
# width.
WORDS = (0.45, 120)
_FIGURES = (0.7, 200)
_FIGURE = re.compile(r"\d{2}")
# The quick network, which has less height, wants as much less width. Its word is taken where every character is at
# least so probable.
QUICK = (0.45, 90)
_SURE = 0.8
# A line wider than its characters by this factor has lost one: pixels of a Chinese character, and of the paper around.
_ROOM, _CHARACTER, _PADDING = 1.35, 40.0, 13.0
# Unless it is set wide: so many letters at least, at most so many times their width, and no gap too long by this share
# of what a character takes there.
_FEWEST_LETTERS, _WIDEST, _LOST = 3, 3.0, 0.45


class RapidOcrEngine:
    """PP-OCRv6 recogniser on one thread, and a quick one for labels."""

    name = NAME

    def __init__(self, model: Path, quick: Recogniser) -> None:
        self._model = model
        self._full = Recogniser(model)
        self._quick = quick
        self._alphabet = _alphabet(self._full.characters)

    def version(self) -> str:
        """Version of the wheel and name of the model inside."""
        return f"rapidocr {importlib.metadata.version('rapidocr')} {self._model.stem}"

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Read single lines; the probability is the geometric mean over the characters.

        Those that turn out to hold figures are read again with more room.
        """
        readings = self._read(lines, WORDS)
        figures = [
            i for i, line in enumerate(lines) if natural_width(line) > WORDS[1] and _FIGURE.search(readings[i].text)
        ]
        for i, reading in zip(figures, self._read([lines[i] for i in figures], _FIGURES), strict=True):
            readings[i] = reading
        return readings

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Read single lines with the quick network, those that it leaves in doubt or with figures with the full one."""
        scaled = [squeeze(line, *QUICK, self._quick.height) for line in lines]
        readings = []
        doubtful, figures = [], []
        every = self._quick.recognise(scaled, lambda found: ctc.peaks(found, self._quick.characters))
        for index, peaks in enumerate(every):
            found = ctc.text_of(peaks)
            if _counts(found.text):
                figures.append(index)
            elif not is_plain(peaks, lines[index], scaled[index].shape[1]):
                doubtful.append(index)
            readings.append(Reading((Alternative(found.text.strip(), found.probability),), NAME))
        again = [
            *zip(doubtful, self.read_lines([lines[i] for i in doubtful]), strict=True),
            *zip(figures, self._read([lines[i] for i in figures], _FIGURES), strict=True),
        ]
        for index, reading in again:
            readings[index] = reading
        return readings

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        """Read value cells with the output restricted to the numeral alphabet."""
        return pictures.read_cells(crops, self._numerals, NAME)

    def _read(self, lines: Sequence[Pixels], width: tuple[float, int]) -> list[Reading]:
        """Lines squeezed to a share of their width, or to so many pixels, as the network reads them."""
        scaled = [squeeze(line, *width, self._full.height) for line in lines]
        texts = self._full.recognise(scaled, lambda found: ctc.greedy(found, self._full.characters))
        readings = []
        for line, text in zip(lines, texts, strict=True):
            # Nothing read is right where there is nothing.
            sure = 1.0 if text.text == "" and not find_ink(line).mask.any() else text.probability
            readings.append(Reading((Alternative(text.text.strip(), sure),), NAME))
        return readings

    def _numerals(self, cuts: Sequence[Pixels]) -> list[list[Alternative]]:
        symbols, columns = self._alphabet

        def decode(found: Scaled) -> list[Alternative]:
            folded = np.stack([found[:, chosen].sum(axis=1) for chosen in columns], axis=1)
            return [a for a in ctc.beam(folded, symbols) if a.text != ""]

        return self._full.recognise([scale(cut, natural_width(cut), self._full.height) for cut in cuts], decode)


def availability() -> str | None:
    """None when wheel, model and onnxruntime are there, else the reason."""
    missing = [name for name in ("rapidocr", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        return f"The Python package {' and '.join(missing)} is not installed: pip install rapidocr onnxruntime"
    if model_file() is None:
        return "The rapidocr package holds no recognition model: pip install --force-reinstall rapidocr"
    return None


def load() -> TextEngine:
    """Load the networks (about 0.3 s).

    Raises:
        ModelError: the quick network is missing or damaged.
    """
    model = model_file()
    if model is None:
        raise FileNotFoundError("recognition model of rapidocr")
    return RapidOcrEngine(model, recogniser.load_quick(model_store.current(recogniser.MODEL)))


def model_file() -> Path | None:
    """The recognition network inside the wheel, None where there is none."""
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        return None
    found = sorted((Path(spec.origin).parent / "models").glob("PP-OCRv*_rec_*.onnx"))
    return found[-1] if found else None


def _alphabet(characters: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """Numeral symbols, and for the blank and each symbol the output columns that look like it."""
    places = {character: column for column, character in enumerate(characters, start=1)}
    symbols = list(pictures.LOOK_ALIKES)
    columns = [[places[c] for c in pictures.LOOK_ALIKES[symbol] if c in places] for symbol in symbols]
    # A space between digits is no character of a numeral: it counts as a blank.
    return symbols, [[0, places[" "]], *columns]


def is_plain(peaks: Sequence[ctc.Peak], line: Pixels, width: int) -> bool:
    """Whether letters and digits were read, each is sure, and they fill the line; points do not count.

    Args:
        peaks: what was read.
        line: the picture of the line.
        width: that it was read at, in pixels.
    """
    letters = [peak.probability for peak in peaks if peak.character.isalnum()]
    if min(letters, default=0.0) < _SURE:
        return False
    sizes = np.array([0.5 if peak.character.isascii() else 1.0 for peak in peaks])
    wide = natural_width(line)
    if wide <= _ROOM * (_PADDING + _CHARACTER * sizes.sum()):
        return True
    # Words may be set wide: then no way from one character to the next is as long as if there were one between.
    if len(letters) < _FEWEST_LETTERS or wide > _WIDEST * _CHARACTER * sizes.sum():
        return False
    size = width / sizes.sum()
    middles = np.array([0.0, *((peak.step + 0.5) * recogniser.STRIDE for peak in peaks), width])
    due = size * np.convolve(np.pad(sizes, 1), (0.5, 0.5), mode="valid")
    return bool((np.diff(middles) - due).max() <= _LOST * size)


def _counts(text: str) -> bool:
    """Whether digits of a text are more than the number of an entry."""
    return _FIGURE.search(text) is not None or parse_value(text).mark is Mark.NUMBER
