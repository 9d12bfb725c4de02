"""Training of the numeral reader from its glyph collection; the same collection gives the same model.

One thread, fixed seeds, no clock: with the same versions of NumPy and scikit-learn on the same kind of
processor the model comes out bit for bit.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.ocr.glyphs import SHAPES, SIDE
from pipeline.ocr.numerals import CLASSES, FORMAT, NumeralReader, features

SEED = 20
HIDDEN = (128, 64)
EPOCHS = 25


def train(dataset: Path, out: Path) -> Path:
    """Train the numeral reader.

    First a model is fitted without the fonts that the collection marks as held out, to measure on them and
    to set the temperature that calibrates the probabilities (Guo et al., "On calibration of modern neural
    networks", ICML 2017); then the model that is kept is fitted on everything.

    Args:
        dataset: glyph collection written by ``scripts/make_numerals.py``.
        out: the folder ``models/numeral_reader``.

    Returns:
        The folder of the new model: ``model.npz``, ``manifest.json``, ``metrics.json``.

    Raises:
        ModelError: the collection is missing or is none.
    """
    images, shapes, classes, held_out, content = _collection(dataset)
    values = features(images, shapes)
    trial = fit(values[~held_out], classes[~held_out])
    scores = _scores(trial, values[held_out])
    # Calibrated where it matters: on glyphs that it calls a numeral's.
    called = scores.argmax(axis=1) != CLASSES.index("reject")
    temperature = _temperature(scores[called], classes[held_out][called])
    layers = fit(values, classes)
    stored = {
        f"{name}{index}": array.astype(np.float16)
        for index, layer in enumerate(layers)
        for name, array in zip(("matrix", "offset"), layer, strict=True)
    }
    model = _archive(stored)
    digest = hashlib.sha256(model).hexdigest()
    folder = out / f"{content['date']}-{digest[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.npz").write_bytes(model)
    manifest = {
        "format": FORMAT,
        "classes": CLASSES,
        "layers": len(layers),
        "temperature": temperature,
        "sha256": digest,
        "dataset_sha256": hashlib.sha256(dataset.read_bytes()).hexdigest(),
        "seed": SEED,
        "hidden": HIDDEN,
        "epochs": EPOCHS,
    }
    _write(folder / "manifest.json", manifest)
    _write(folder / "metrics.json", _metrics(scores / temperature, classes[held_out], len(classes)))
    NumeralReader.load_from(folder)
    return folder


def _collection(
    dataset: Path,
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.intp], NDArray[np.bool_], dict[str, str]]:
    try:
        with np.load(dataset, allow_pickle=False) as arrays:
            images, shapes = arrays["images"], arrays["shapes"].astype(np.float32)
            classes, held_out = arrays["classes"].astype(np.intp), arrays["held_out"].astype(np.bool_)
            content = {"date": str(arrays["date"])}
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{dataset} is no glyph collection ({error})", "Run: scripts/make_numerals.py") from error
    # Stored as SIDE rows of two pixels a byte.
    pictures = np.stack([images >> 4, images & 15], axis=-1).reshape(len(images), -1) * np.uint8(17)
    if pictures.shape[1] != SIDE * SIDE or shapes.shape[1] != SHAPES:
        raise ModelError(f"{dataset} is of another format", "Run: scripts/make_numerals.py")
    return pictures, shapes, classes, held_out, content


def fit(
    values: NDArray[np.float32], classes: NDArray[np.intp]
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Weights of a perceptron, fitted with a fixed number of epochs."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    network = MLPClassifier(
        hidden_layer_sizes=HIDDEN,
        alpha=1e-3,
        batch_size=128,
        learning_rate_init=2e-3,
        max_iter=EPOCHS,
        random_state=SEED,
        n_iter_no_change=EPOCHS,
    )
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # The number of epochs is chosen, not waited for.
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(values.astype(np.float32), classes)
    if len(network.classes_) != len(CLASSES):
        raise ModelError("The glyph collection lacks a class", "Run: scripts/make_numerals.py")
    return [
        (matrix.astype(np.float32), offset.astype(np.float32))
        for matrix, offset in zip(network.coefs_, network.intercepts_, strict=True)
    ]


def _scores(
    layers: list[tuple[NDArray[np.float32], NDArray[np.float32]]], values: NDArray[np.float32]
) -> NDArray[np.float64]:
    for index, (matrix, offset) in enumerate(layers):
        values = values @ matrix + offset
        if index < len(layers) - 1:
            values = np.maximum(values, 0.0)
    return values.astype(np.float64)


def _log_loss(scores: NDArray[np.float64], classes: NDArray[np.intp]) -> float:
    shifted = scores - scores.max(axis=1, keepdims=True)
    chosen = shifted[np.arange(len(classes)), classes]
    return float((np.log(np.exp(shifted).sum(axis=1)) - chosen).mean())


def _temperature(scores: NDArray[np.float64], classes: NDArray[np.intp]) -> float:
    """The temperature, of a grid, with the least log loss on glyphs of unknown fonts; never below 1."""
    grid = [round(float(value), 2) for value in np.arange(1.0, 4.01, 0.05)]
    return min(grid, key=lambda value: _log_loss(scores / value, classes))


def _metrics(scores: NDArray[np.float64], classes: NDArray[np.intp], total: int) -> dict[str, object]:
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    best = probabilities.argmax(axis=1)
    right = best == classes
    sure = (probabilities.max(axis=1) >= 0.99) & (best != CLASSES.index("reject"))
    return {
        "glyphs": total,
        "held_out_glyphs": len(classes),
        "held_out_right": round(float(right.mean()), 5),
        "held_out_sure": round(float(sure.sum() / max((classes != CLASSES.index("reject")).sum(), 1)), 5),
        "held_out_sure_right": round(float(right[sure].mean()), 6),
        "log_loss": round(_log_loss(scores, classes), 5),
    }


def _archive(arrays: dict[str, NDArray[np.float16]]) -> bytes:
    """An npz archive whose bytes depend on the arrays alone (NumPy's own carries the time of day)."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, arrays[name], allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), member.getvalue())
    return target.getvalue()


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
