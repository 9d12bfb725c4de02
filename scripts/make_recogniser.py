#!/usr/bin/env python3
"""Make models/quick_recogniser: the recogniser of the rapidocr wheel in whole numbers, for smaller pictures.

    scripts/make_recogniser.py [--reports 10] [--seed 4001]

Three things are changed in the network, none by training: the last pooling, so that pictures of 32 pixels of height do
instead of 48; the output layer, of which the characters of GB 2312 and the traditional forms of the words of reports
are kept; and its numbers, which become whole ones of 8 bits, weights of 7, so that no processor overflows. For their
sake its curves (GELU) become x·σ(1.702 x), of which the sigmoid is a table. How large numbers get is measured on lines
of generated reports. Needs the fonts that ``scripts/setup`` installs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper, version_converter
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.fusion_gelu import FusionGelu
from onnxruntime.transformers.onnx_model import OnnxModel

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline import model_store, reading
from pipeline.documents import find_inputs, read_pages
from pipeline.domain import Alternative, PageImage, Pixels, Reading
from pipeline.labels.normalise import TRADITIONAL, normalise
from pipeline.ocr import TextEngine, ctc, rapidocr
from pipeline.ocr.null import NullEngine
from pipeline.ocr.numerals import NumeralReader
from pipeline.ocr.recogniser import FORMAT, MODEL, Recogniser, Scaled, load_quick, squeeze
from pipeline.settings import Settings
from scripts.scans import cli

HEIGHT, STEP = 32, 16  # the network halves heights four times before the pooling
OPSET = 17  # the first with what whole numbers for every channel need, and layer normalisation as one step
MEASURED_ON = 250  # lines
STEEPNESS = 1.702  # of the sigmoid by which GELU is approximated (Hendrycks and Gimpel 2016)


class _Lines(NullEngine):
    """Keeps the lines that it is asked for, and reads all alike, so that no page seems to lie on its side."""

    def __init__(self) -> None:
        self.lines: list[Pixels] = []

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        self.lines.extend(lines)
        return [Reading((Alternative("政府信息公开", 1.0),), self.name) for _ in lines]


class _Feed(CalibrationDataReader):  # type: ignore[misc]
    """Pictures one by one, as the network takes them."""

    def __init__(self, name: str, pictures: Sequence[Scaled]) -> None:
        self._name = name
        self._pictures = iter(pictures)

    def get_next(self) -> dict[str, Scaled] | None:
        """The next picture, None after the last."""
        picture = next(self._pictures, None)
        return None if picture is None else {self._name: np.repeat(picture[None, None], 3, axis=1)}


def main() -> None:
    """Make the network, measure it on other reports, and put it to use."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--reports", type=int, default=10)
    parser.add_argument("--seed", type=int, default=4001)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    source = rapidocr.model_file()
    if source is None:
        raise SystemExit("The rapidocr package holds no recognition model")
    lines = _lines(options.reports, options.seed)
    made = _quantised(_smaller(onnx.load(source)), lines[:: max(1, len(lines) // MEASURED_ON)])
    folder = model_store.shipped_models() / MODEL / f"{dt.date.today().isoformat()}-{_sha256(made)[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(made)
    _write(
        folder / "manifest.json",
        {
            "format": FORMAT,
            "sha256": _sha256(made),
            "made_of": source.name,
            "made_of_sha256": _sha256(source.read_bytes()),
            "onnx": onnx.__version__,
            "reports": options.reports,
            "seed": options.seed,
        },
    )
    metrics = _metrics(load_quick(folder), Recogniser(source), _lines(options.reports, options.seed + 1))
    _write(folder / "metrics.json", metrics)
    (folder / "CARD.md").write_text(_card(folder.name, source.name, metrics), encoding="utf-8")
    model_store.promote(folder)
    print(f"{folder}: {json.dumps(metrics)}")


def _lines(reports: int, seed: int) -> list[Pixels]:
    """The lines in cells of generated reports that the numeral reader leaves over."""
    engine: TextEngine = _Lines()
    assert isinstance(engine, _Lines)
    readers = reading.Readers(engine, NumeralReader.load())
    with tempfile.TemporaryDirectory() as folder:
        cli.main([folder, "--reports", str(reports), "--seed", str(seed), "--volumes", "0"])
        for file in find_inputs([folder]):
            for page in read_pages(file.load(), Settings()) if not file.source.endswith(".csv") else ():
                if isinstance(page, PageImage):
                    reading.read_page(page, readers)
    return engine.lines


def _smaller(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network for pictures of `HEIGHT`, with the characters that are kept."""
    told = {each.key: each.value for each in model.metadata_props}
    # Before anything else: while all shapes are stated the last step stays one, else it is wrapped in three more.
    model = version_converter.convert_version(model, OPSET)
    characters = [*told["character"].split("\n"), " "]
    kept = [index for index, character in enumerate(characters) if character in _wanted() or character == " "]
    columns = [0, *(index + 1 for index in kept)]  # column 0 is the blank
    for tensor in model.graph.initializer:
        if len(characters) + 1 in tensor.dims:
            numbers = numpy_helper.to_array(tensor)
            cut = np.take(numbers, columns, axis=numbers.shape.index(len(characters) + 1))
            tensor.CopyFrom(numpy_helper.from_array(cut, tensor.name))
    for node in model.graph.node:
        if node.op_type == "AveragePool":
            for attribute in node.attribute:
                if attribute.name in ("kernel_shape", "strides"):
                    attribute.ints[0] = HEIGHT // STEP
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = HEIGHT
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = len(columns)
    del model.graph.value_info[:]
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {**told, "character": "\n".join(characters[index] for index in kept[:-1])})
    return model


def _wanted() -> set[str]:
    """The characters of GB 2312 and of ASCII, and traditional forms of the words of reports."""
    codes = (bytes((row, cell)) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    return {*TRADITIONAL, *map(chr, range(0x21, 0x7F)), *(code.decode("gb2312", "ignore") for code in codes)} - {""}


def _quantised(model: onnx.ModelProto, lines: Sequence[Pixels]) -> bytes:
    """The network in whole numbers; the last step gives probabilities and stays as it is."""
    with tempfile.TemporaryDirectory() as scratch:
        plain, prepared, made = (Path(scratch) / name for name in ("plain.onnx", "prepared.onnx", "made.onnx"))
        onnx.save(model, plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        pictures = [squeeze(line, *rapidocr.QUICK, HEIGHT) for line in lines]
        onnx.save(_with_sigmoids(onnx.load(prepared), pictures), prepared)
        graph: Any = onnx.load(prepared).graph
        quantize_static(
            prepared,
            made,
            _Feed(graph.input[0].name, pictures),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[[node.name for node in graph.node if node.op_type == "Softmax"][-1]],
        )
        return made.read_bytes()


def _with_sigmoids(model: onnx.ModelProto, pictures: Sequence[Scaled]) -> onnx.ModelProto:
    """The network with each GELU, all of which stand between two convolutions, as a sigmoid and a product.

    The first convolution gives its steepness to x, the second takes it from the product: x·σ(x) is all that is left.
    What the approximation lacks on average goes into the offset of the second.
    """
    fused = OnnxModel(model)
    FusionGelu(fused).apply()
    fused.prune_graph()
    lacks = _lacks(fused, pictures)
    numbers = {tensor.name: tensor for tensor in fused.model.graph.initializer}

    def change(name: str, changed: NDArray[np.floating]) -> None:
        numbers[name].CopyFrom(numpy_helper.from_array(changed.astype(np.float32), name))

    for curve in fused.get_nodes_by_op_type("Gelu"):
        before, (after,) = fused.get_parent(curve, 0), fused.get_children(curve)
        weights, offset = (numpy_helper.to_array(numbers[name]) for name in after.input[1:])
        change(after.input[2], offset + weights.sum(axis=(2, 3)) @ lacks[curve.output[0]])
        change(after.input[1], weights / STEEPNESS)
        for name in before.input[1:]:
            change(name, numpy_helper.to_array(numbers[name]) * STEEPNESS)
        (x,), (y,) = curve.input, curve.output
        sigmoid = onnx.helper.make_node("Sigmoid", [x], [f"{y}_share"], f"{curve.name}_share")
        product = onnx.helper.make_node("Mul", [x, f"{y}_share"], [y], f"{curve.name}_product")
        fused.add_nodes([sigmoid, product])
        fused.remove_node(curve)
    fused.topological_sort()
    made: onnx.ModelProto = fused.model
    return made


def _lacks(fused: OnnxModel, pictures: Sequence[Scaled]) -> dict[str, NDArray[np.float64]]:
    """By how much each channel of each GELU is above its approximation on average, by the name of its output."""
    curves = [(curve.input[0], curve.output[0]) for curve in fused.get_nodes_by_op_type("Gelu")]
    shown = onnx.ModelProto()
    shown.CopyFrom(fused.model)
    shown.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for pair in curves for name in pair)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(shown.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [name for pair in curves for name in pair]
    sums = {y: np.zeros(1) for _, y in curves}
    pixels = dict.fromkeys(sums, 0)
    for picture in pictures:
        found = session.run(names, {session.get_inputs()[0].name: np.repeat(picture[None, None], 3, axis=1)})
        for (_, y), before, after in zip(curves, found[::2], found[1::2], strict=True):
            rest = after - before / (1.0 + np.exp(-STEEPNESS * before.astype(np.float64)))
            sums[y] = sums[y] + rest.sum(axis=(0, 2, 3))
            pixels[y] += rest[:, 0].size
    return {name: total / pixels[name] for name, total in sums.items()}


def _metrics(quick: Recogniser, full: Recogniser, lines: Sequence[Pixels]) -> dict[str, float]:
    """How lines of other reports are read by both: how many the quick network is sure of, and reads alike."""
    began = time.process_time()
    quickly = [squeeze(line, *rapidocr.QUICK, quick.height) for line in lines]
    found = quick.recognise(quickly, lambda read: ctc.peaks(read, quick.characters))
    between = time.process_time()
    scaled = [squeeze(line, *rapidocr.WORDS, full.height) for line in lines]
    closely = full.recognise(scaled, lambda read: ctc.greedy(read, full.characters).text)
    ended = time.process_time()
    alike = sure = 0
    for line, picture, peaks, theirs in zip(lines, quickly, found, closely, strict=True):
        if rapidocr.is_plain(peaks, line, picture.shape[1]):
            sure += 1
            alike += normalise(ctc.text_of(peaks).text) == normalise(theirs)
    return {
        "lines": len(lines),
        "sure": round(sure / len(lines), 4),
        "sure_and_alike": round(alike / max(1, sure), 4),
        "share_of_time": round((between - began) / (ended - between), 3),
    }


def _card(name: str, source: str, metrics: dict[str, float]) -> str:
    sure, alike, share = (metrics[name] for name in ("sure", "sure_and_alike", "share_of_time"))
    return f"""# Quick recogniser {name}

Reads labels, whose meaning counts and not every character. Made of `{source}` of the rapidocr wheel (PaddleOCR,
Apache License 2.0) by `scripts/make_recogniser.py`, without training: 32 pixels of height instead of 48, whole numbers
of 8 bits, and the characters of GB 2312 and the traditional forms of the words of reports.

- On {metrics["lines"]} lines of generated reports that had no part in it, it is sure of {sure:.1%}; of these it reads
  {alike:.1%} as the full network does, compared as labels are. It takes {share:.0%} of the time.
- Not for figures, of which it loses digits, nor for names, which may hold other characters.
"""


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
