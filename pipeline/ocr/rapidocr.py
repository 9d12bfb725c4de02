"""PP-OCRv6 recognition as shipped in the rapidocr wheel, run with onnxruntime on single lines.

Only the recogniser is used: cells are found by their rules, and the wheel's line classifier would turn 999
into 666. Reading the network directly gives every character's probability, and so alternatives.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain import Alternative, Pixels, Reading
from pipeline.ocr import TextEngine, ctc, pictures
from pipeline.ocr.crops import find_ink

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

NAME = "rapidocr"

_HEIGHT = 48  # the network's only input height
_STEP = 16  # widths are rounded up to this, so that pictures of one width go through together
_NARROWEST = 64  # the network was trained on lines; single digits are surer with some room to their right
_WIDEST = 3200
_BATCH = 16
# Lines of text are read as surely at less than half of their width (share of it, and pixels from which on), in as much
# less time. Digits are not: lines that turn out to hold figures are read again with more room, value cells at full
# width.
_WORDS = (0.45, 120)
_FIGURES = (0.7, 200)
_FIGURE = re.compile(r"\d{2}")


class RapidOcrEngine:
    """PP-OCRv6 recogniser on one thread."""

    name = NAME

    def __init__(self, model: Path) -> None:
        self._model = model
        self._session = _session(model)
        self._input = self._session.get_inputs()[0].name
        # Column 0 is the blank of CTC; the character list leaves out the space, which comes last.
        listed = self._session.get_modelmeta().custom_metadata_map["character"].split("\n")
        self._characters = [*listed, " "]
        self._alphabet = _alphabet(self._characters)

    def version(self) -> str:
        """Version of the wheel and name of the model inside."""
        return f"rapidocr {importlib.metadata.version('rapidocr')} {self._model.stem}"

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Read single lines; the probability is the geometric mean over the characters."""
        found = self._texts([_squeezed(line, *_WORDS) for line in lines])
        figures = [i for i, (line, text) in enumerate(zip(lines, found, strict=True)) if _holds_figures(line, text)]
        again = self._texts([_squeezed(lines[i], *_FIGURES) for i in figures])
        for i, text in zip(figures, again, strict=True):
            found[i] = text
        readings = []
        for line, text in zip(lines, found, strict=True):
            # Nothing read is right where there is nothing.
            sure = 1.0 if text.text == "" and not find_ink(line).mask.any() else text.probability
            readings.append(Reading((Alternative(text.text.strip(), sure),), NAME))
        return readings

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        """Read value cells with the output restricted to the numeral alphabet."""
        return pictures.read_cells(crops, self._numerals, NAME)

    def _texts(self, scaled: Sequence[NDArray[np.float32]]) -> list[Alternative]:
        return [ctc.greedy(probabilities, self._characters) for probabilities in self._recognise(scaled)]

    def _numerals(self, cuts: Sequence[Pixels]) -> list[list[Alternative]]:
        symbols, columns = self._alphabet
        found = []
        for probabilities in self._recognise([_scale(cut, _width(cut)) for cut in cuts]):
            folded = np.stack([probabilities[:, chosen].sum(axis=1) for chosen in columns], axis=1)
            found.append([a for a in ctc.beam(folded, symbols) if a.text != ""])
        return found

    def _recognise(self, scaled: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Probabilities of every scaled picture, shape (steps, characters + 1), in the order given."""
        widths = [_bucket(picture.shape[1]) for picture in scaled]
        order = sorted(range(len(scaled)), key=lambda index: (widths[index], index))
        results: list[NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(scaled)
        start = 0
        while start < len(order):
            width = widths[order[start]]
            batch = [index for index in order[start : start + _BATCH] if widths[index] == width]
            # Nought is mid grey: what the network was padded with in training.
            tensor = np.zeros((len(batch), 3, _HEIGHT, width), dtype=np.float32)
            for place, index in enumerate(batch):
                tensor[place, :, :, : scaled[index].shape[1]] = scaled[index]
            output = self._session.run(None, {self._input: tensor})[0]
            for place, index in enumerate(batch):
                results[index] = np.asarray(output[place], dtype=np.float32)
            start += len(batch)
        return results


def availability() -> str | None:
    """None when wheel, model and onnxruntime are there, else the reason."""
    missing = [name for name in ("rapidocr", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        return f"The Python package {' and '.join(missing)} is not installed: pip install rapidocr onnxruntime"
    if _model_file() is None:
        return "The rapidocr package holds no recognition model: pip install --force-reinstall rapidocr"
    return None


def load() -> TextEngine:
    """Load the network (about 0.2 s)."""
    model = _model_file()
    if model is None:
        raise FileNotFoundError("recognition model of rapidocr")
    return RapidOcrEngine(model)


def _model_file() -> Path | None:
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        return None
    found = sorted((Path(spec.origin).parent / "models").glob("PP-OCRv*_rec_*.onnx"))
    return found[-1] if found else None


def _session(model: Path) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # Widths vary from cell to cell: an arena would keep the largest buffers of every shape for good.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _alphabet(characters: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """Numeral symbols, and for the blank and each symbol the output columns that look like it."""
    places = {character: column for column, character in enumerate(characters, start=1)}
    symbols = list(pictures.LOOK_ALIKES)
    columns = [[places[c] for c in pictures.LOOK_ALIKES[symbol] if c in places] for symbol in symbols]
    # A space between digits is no character of a numeral: it counts as a blank.
    return symbols, [[0, places[" "]], *columns]


def _holds_figures(line: Pixels, text: Alternative) -> bool:
    """Whether a line that was squeezed holds figures, which need more room."""
    return _width(line) > _WORDS[1] and _FIGURE.search(text.text) is not None


def _squeezed(line: Pixels, share: float, from_width: int) -> NDArray[np.float32]:
    """Scale a line, lines wider than ``from_width`` to that share of their width but no narrower than it."""
    wide = _width(line)
    return _scale(line, wide if wide <= from_width else max(float(from_width), share * wide))


def _width(picture: Pixels) -> float:
    """Width of a picture when scaled to the network's height."""
    height, width = picture.shape
    return float(width * _HEIGHT / height)


def _scale(picture: Pixels, wide: float) -> NDArray[np.float32]:
    """Scale to the network's height, a width, and the range −1 … 1, shape (48, w)."""
    size = (min(max(8, math.ceil(wide)), _WIDEST), _HEIGHT)
    way = cv2.INTER_AREA if picture.shape[0] > 1.5 * _HEIGHT else cv2.INTER_LINEAR
    return (cv2.resize(picture, size, interpolation=way).astype(np.float32) / 127.5 - 1.0).astype(np.float32)


def _bucket(width: int) -> int:
    step = _STEP if width <= 256 else 2 * _STEP
    return max(_NARROWEST, -(-width // step) * step)
