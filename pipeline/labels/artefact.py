"""The label model on disk: numbers and words, parsed and checked, never a pickle.

A model is one folder ``<date>-<hash>`` with ``model.npz``, ``vocabulary.json``, ``manifest.json``, ``metrics.json`` and
``CARD.md``; ``CURRENT`` beside it names the one in use. What identifies a model is the hash of its contents:
vocabularies, weights, intercepts, classes and known characters.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import model_store
from pipeline.errors import ModelError
from pipeline.labels.features import FIELDS, SCHEMA, WEIGHTS
from pipeline.labels.model import NGRAMS, LabelModel

MODEL = "label_classifier"
_PACKAGES = ("scikit-learn", "numpy", "scipy")


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """What a model folder says about its model."""

    contents: str
    training_data: str
    versions: Mapping[str, str]
    machine: str


def read_manifest(folder: Path) -> Manifest:
    """Read what a model folder says about its model.

    Raises:
        ModelError: the manifest is missing or malformed.
    """
    data = _manifest(folder)
    return Manifest(data["contents_sha256"], data["training_data_sha256"], data["versions"], data["machine"])


def load_model(folder: Path) -> LabelModel:
    """Load the model of one folder.

    Raises:
        ModelError: it is missing, damaged, or made for another version.
    """
    data = _manifest(folder)
    if data["feature_schema"] != SCHEMA or data["fields"] != list(FIELDS):
        raise ModelError(f"The label model {folder.name} was made for another version of nianbao", model_store.ADVICE)
    path = folder / "model.npz"
    content = model_store.read_verified(path, data["file_sha256"])
    vocabularies = _vocabularies(folder / "vocabulary.json")
    classes, terms = len(data["classes"]), sum(map(len, vocabularies.values()))
    shapes = {"coefficients": (classes, terms), "intercepts": (classes,), "idf": (terms,)}
    model = LabelModel(
        **model_store.read_arrays(content, shapes, path),
        classes=tuple(map(str, data["classes"])),
        vocabularies=vocabularies,
        characters=frozenset(data["characters"]),
        temperature=float(data["temperature"]),
    )
    if contents_hash(model) != data["contents_sha256"]:
        raise ModelError(f"{folder} does not hold the weights its manifest describes", model_store.ADVICE)
    return model


def save_model(
    model: LabelModel, folder: Path, date: str, training_data: str, metrics: Mapping[str, Any], card: str
) -> Path:
    """Write a model into a new folder below ``folder``; returns the new folder, which is not in use yet.

    Args:
        model: what to write.
        folder: the folder of the label models.
        date: of today, YYYY-MM-DD.
        training_data: SHA-256 of the training data.
        metrics: what was measured on the held-out labels.
        card: text of CARD.md.
    """
    contents = contents_hash(model)
    target = folder / f"{date}-{contents[:12]}"
    target.mkdir(parents=True, exist_ok=True)
    path = target / "model.npz"
    np.savez_compressed(path, coefficients=model.coefficients, intercepts=model.intercepts, idf=model.idf)
    vocabularies = {name: list(terms) for name, terms in model.vocabularies.items()}
    _write(target / "vocabulary.json", json.dumps(vocabularies, ensure_ascii=False) + "\n")
    manifest = {
        "model": MODEL,
        "contents_sha256": contents,
        "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "training_data_sha256": training_data,
        "versions": versions(),
        "machine": platform.machine(),
        "feature_schema": SCHEMA,
        "fields": list(FIELDS),
        "weights": WEIGHTS,
        "characters": "".join(sorted(model.characters)),
        "temperature": model.temperature,
        "classes": list(model.classes),
    }
    _write(target / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    _write(target / "metrics.json", json.dumps(metrics, ensure_ascii=False, indent=1) + "\n")
    _write(target / "CARD.md", card)
    return target


def versions() -> dict[str, str]:
    """Versions of the packages that the weights depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def contents_hash(model: LabelModel) -> str:
    """SHA-256 of what the model knows, whatever bytes it is stored in."""
    digest = hashlib.sha256()
    for name, part in _contents(model):
        digest.update(f"{name}:{len(part)}:".encode())
        digest.update(part)
    return digest.hexdigest()


def _contents(model: LabelModel) -> Iterator[tuple[str, bytes]]:
    yield "schema", json.dumps([SCHEMA, sorted(WEIGHTS.items()), model.temperature]).encode()
    yield "characters", "".join(sorted(model.characters)).encode()
    yield "classes", "\n".join(model.classes).encode()
    first = 0
    for name in FIELDS:
        own = list(model.vocabularies[name])
        yield f"vocabulary {name}", json.dumps(list(enumerate(own)), ensure_ascii=False).encode()
        if name in NGRAMS:
            yield f"idf {name}", np.ascontiguousarray(model.idf[first : first + len(own)], dtype="<f4").tobytes()
        first += len(own)
    yield "coefficients", np.ascontiguousarray(model.coefficients, dtype="<f4").tobytes()
    yield "intercepts", np.ascontiguousarray(model.intercepts, dtype="<f4").tobytes()


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    data = model_store.read_json(path)
    wanted: dict[str, type | tuple[type, ...]] = {
        "contents_sha256": str,
        "file_sha256": str,
        "training_data_sha256": str,
        "versions": dict,
        "machine": str,
        "feature_schema": int,
        "fields": list,
        "characters": str,
        "temperature": (int, float),
        "classes": list,
    }
    wrong = [key for key, kind in wanted.items() if not isinstance(data.get(key), kind)]
    if wrong:
        raise ModelError(f"{path} lacks {', '.join(wrong)}", model_store.ADVICE)
    return data


def _vocabularies(path: Path) -> dict[str, dict[str, int]]:
    """The terms of each field with their numbers, counted on from field to field."""
    data = model_store.read_json(path)
    number = count()
    try:
        return {name: {term: next(number) for term in map(str, data[name])} for name in FIELDS}
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged ({error})", model_store.ADVICE) from error


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
