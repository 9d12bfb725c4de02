"""A network that recognises a line of text, run with onnxruntime on one thread.

There are two: the one that comes inside the rapidocr wheel, and the quick one, made of it by
``scripts/make_recogniser.py``, which computes with whole numbers on smaller pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import model_store
from pipeline.domain import Pixels
from pipeline.errors import ModelError

MODEL = "quick_recogniser"
_ADVICE = "Install nianbao again, or make the network anew with scripts/make_recogniser.py"
FORMAT = 1

STRIDE = 8
"""Pixels of width from one step of the output to the next."""

_STEP = 16  # widths are rounded up to this, so that pictures of one width go through together
_NARROWEST = 64  # the network was trained on lines; single digits are surer with some room to their right
_WIDEST = 3200
# Pictures that go through together, and their width in all: what a step computes should stay in the processor's cache.
_BATCH, _BATCH_WIDTH = 16, 768

Scaled = NDArray[np.float32]
Found = TypeVar("Found")


class Recogniser:
    """A network with its characters.

    Attributes:
        height: of the pictures it reads, in pixels.
        characters: the text of its output columns 1 and up; column 0 is the blank.
    """

    def __init__(self, model: Path | bytes) -> None:
        """Make a network of an ONNX file or its content.

        Raises:
            ValueError: it is no network of this kind.
        """
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as native

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        # Widths vary from cell to cell: an arena would keep the largest buffers of every shape for good.
        options.enable_cpu_mem_arena = False
        content = model if isinstance(model, bytes) else str(model)
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            (entry,) = self._session.get_inputs()
            listed = self._session.get_modelmeta().custom_metadata_map["character"].split("\n")
            self.height = int(entry.shape[2])
        except (
            *(native.Fail, native.InvalidArgument, native.InvalidGraph, native.InvalidProtobuf, native.NotImplemented),
            *(native.RuntimeException, ValueError, KeyError, TypeError, IndexError),
        ) as error:
            raise ValueError(f"no network that recognises text: {error}") from error
        self._input = entry.name
        # The list leaves out the space, which comes last.
        self.characters = [*listed, " "]

    def recognise(self, scaled: Sequence[Scaled], decode: Callable[[Scaled], Found]) -> list[Found]:
        """What ``decode`` makes of each picture of `scale`, in the order given.

        It gets the probabilities, shape (steps, characters + 1): several MB for a long line, of which a noisy page may
        seem to have a thousand, so that they are decoded as they come.
        """
        widths = [_bucket(picture.shape[1]) for picture in scaled]
        order = sorted(range(len(scaled)), key=lambda index: (widths[index], index))
        results: dict[int, Found] = {}
        start = 0
        while start < len(order):
            width = widths[order[start]]
            most = max(1, min(_BATCH, _BATCH_WIDTH // width))
            batch = [index for index in order[start : start + most] if widths[index] == width]
            # Nought is mid grey: what the network was padded with in training.
            tensor = np.zeros((len(batch), 3, self.height, width), dtype=np.float32)
            for place, index in enumerate(batch):
                tensor[place, :, :, : scaled[index].shape[1]] = scaled[index]
            output = self._session.run(None, {self._input: tensor})[0]
            for place, index in enumerate(batch):
                results[index] = decode(np.asarray(output[place], dtype=np.float32))
            start += len(batch)
        return [results[index] for index in range(len(scaled))]


def load_quick(folder: Path) -> Recogniser:
    """Load the quick network of a folder, its two files checked against each other.

    Raises:
        ModelError: it is missing, damaged or of another format.
    """
    manifest = model_store.read_json(folder / "manifest.json")
    path = folder / "model.onnx"
    content = model_store.read_verified(path, manifest.get("sha256"))
    if manifest.get("format") != FORMAT:
        raise ModelError(f"{folder / 'manifest.json'} is of another format", _ADVICE)
    try:
        return Recogniser(content)
    except ValueError as error:
        raise ModelError(f"{path} is damaged ({error})", _ADVICE) from error


def natural_width(picture: Pixels) -> float:
    """Width of a picture when scaled to 48 pixels of height, in which widths are stated."""
    height, width = picture.shape
    return float(width * 48 / height)


def squeeze(line: Pixels, share: float, from_width: int, height: int) -> Scaled:
    """Scale a line, lines wider than ``from_width`` to that share of their width but no narrower than it."""
    wide = natural_width(line)
    return scale(line, wide if wide <= from_width else max(float(from_width), share * wide), height)


def scale(picture: Pixels, wide: float, height: int) -> Scaled:
    """Scale to a width and a height, and to the range −1 … 1, shape (height, w)."""
    size = (min(max(8, math.ceil(wide)), _WIDEST), height)
    way = cv2.INTER_AREA if picture.shape[0] > 1.5 * height else cv2.INTER_LINEAR
    return (cv2.resize(picture, size, interpolation=way).astype(np.float32) / 127.5 - 1.0).astype(np.float32)


def _bucket(width: int) -> int:
    step = _STEP if width <= 256 else 2 * _STEP
    return max(_NARROWEST, -(-width // step) * step)
