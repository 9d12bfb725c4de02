"""The label model on disk: a skops file, parsed and audited before anything in it is built, never a pickle.

A model is one folder ``<date>-<hash>`` with ``model.skops``, ``manifest.json``, ``metrics.json`` and ``CARD.md``;
``CURRENT`` beside it names the one in use. skops writes other bytes at every dump, so what identifies a model is the
hash of its contents: vocabularies, weights, intercepts, classes and known characters.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import platform
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import model_store
from pipeline.errors import ModelError
from pipeline.labels.classifier import LabelModel
from pipeline.labels.features import FIELDS, SCHEMA, WEIGHTS

MODEL = "label_classifier"
_PACKAGES = ("scikit-learn", "numpy", "scipy", "skops")
# Everything the model consists of; a file that names anything else is refused before it is built.
_TYPES = frozenset(
    {
        "builtins.bool",
        "builtins.dict",
        "builtins.float",
        "builtins.int",
        "builtins.list",
        "builtins.slice",
        "builtins.str",
        "builtins.tuple",
        "numpy.dtype",
        "numpy.float32",
        "numpy.float64",
        "numpy.int32",
        "numpy.int64",
        "numpy.ndarray",
        "scipy.sparse.csr_matrix",
        "scipy.sparse._csr.csr_matrix",
        "scipy.sparse._dia.dia_matrix",
        "scipy.sparse._dia.dia_array",
        "sklearn.compose._column_transformer.ColumnTransformer",
        "sklearn.feature_extraction.text.TfidfTransformer",
        "sklearn.feature_extraction.text.TfidfVectorizer",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.pipeline.Pipeline",
        "sklearn.utils._bunch.Bunch",
    }
)
# What scikit-learn imports where it is installed, for tables, progress bars and tests that are not ours: as long to
# import as all that is needed, and 50 MB.
_SPARED = ("dask", "pandas", "pytest", "rich")
_MEMBERS = r"schema\.json|\d+\.(npy|npz)"


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
    """Load the model of one folder; a different scikit-learn is a warning, anything else that is wrong an error.

    Raises:
        ModelError: it is missing, damaged, made for another version, or holds what must not be loaded.
    """
    data = _manifest(folder)
    if data["feature_schema"] != SCHEMA or data["fields"] != list(FIELDS):
        raise ModelError(f"The label model {folder.name} was made for another version of nianbao", model_store.ADVICE)
    fitted, here = data["versions"].get("scikit-learn"), version("scikit-learn")
    if fitted != here:
        warnings.warn(
            f"The label model {folder.name} was made with scikit-learn {fitted}, this is {here}. {model_store.ADVICE}.",
            stacklevel=2,
        )
    path = folder / "model.skops"
    content = model_store.read_verified(path, data["file_sha256"])
    model = LabelModel(_build(content, path), frozenset(data["characters"]), float(data["temperature"]))
    if contents_hash(model) != data["contents_sha256"]:
        raise ModelError(f"{path} does not hold the weights its manifest describes", model_store.ADVICE)
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
    import skops.io

    contents = contents_hash(model)
    target = folder / f"{date}-{contents[:12]}"
    target.mkdir(parents=True, exist_ok=True)
    path = target / "model.skops"
    skops.io.dump(model.pipeline, path, compression=zipfile.ZIP_DEFLATED, compresslevel=9)
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
        "classes": [str(name) for name in model.pipeline.classes_],
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
    fields = model.pipeline.named_steps["fields"]
    weights = model.pipeline.named_steps["weights"]
    yield "schema", json.dumps([SCHEMA, sorted(WEIGHTS.items()), model.temperature]).encode()
    yield "characters", "".join(sorted(model.characters)).encode()
    yield "classes", "\n".join(str(name) for name in weights.classes_).encode()
    for name in FIELDS:
        vectoriser = fields.named_transformers_[name]
        entries = sorted((int(index), str(gram)) for gram, index in vectoriser.vocabulary_.items())
        yield f"vocabulary {name}", json.dumps(entries, ensure_ascii=False).encode()
        if vectoriser.use_idf:
            yield f"idf {name}", np.ascontiguousarray(vectoriser.idf_, dtype="<f4").tobytes()
    yield "coefficients", np.ascontiguousarray(weights.coef_, dtype="<f4").tobytes()
    yield "intercepts", np.ascontiguousarray(weights.intercept_, dtype="<f4").tobytes()


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
    }
    wrong = [key for key, kind in wanted.items() if not isinstance(data.get(key), kind)]
    if wrong:
        raise ModelError(f"{path} lacks {', '.join(wrong)}", model_store.ADVICE)
    return data


def _build(content: bytes, path: Path) -> Any:
    """Audit the content of the file ``path`` and build the pipeline."""
    _audit(content, path)
    with _sparing_imports():
        import skops.io
        from sklearn.pipeline import Pipeline
        from skops.io.exceptions import UntrustedTypesFoundException

    try:
        pipeline = skops.io.loads(content, trusted=[])
    except UntrustedTypesFoundException as error:
        raise ModelError(f"{path} holds what must not be loaded: {error}", model_store.ADVICE) from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        ImportError,
        MemoryError,
    ) as error:
        raise ModelError(f"{path} is damaged or from another version: {error}", model_store.ADVICE) from error
    if not isinstance(pipeline, Pipeline) or list(pipeline.named_steps) != ["fields", "weights"]:
        raise ModelError(f"{path} holds no label model", model_store.ADVICE)
    return pipeline


@contextlib.contextmanager
def _sparing_imports() -> Iterator[None]:
    """Let what nobody needs seem not to be installed; it can be imported as ever before and afterwards."""
    spared = [name for name in _SPARED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(spared))  # type: ignore[arg-type]  # None is how Python marks what is not there
    try:
        yield
    finally:
        for name in spared:
            sys.modules.pop(name, None)


def _audit(content: bytes, path: Path) -> None:
    """Refuse a file that is too large once unpacked, or names a type or a member outside the short list."""
    model_store.audit_archive(content, _MEMBERS, path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            schema = json.loads(archive.read("schema.json"))
            strange = sorted(set(_types(schema)) - _TYPES)
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} is no skops file", model_store.ADVICE) from error
    if strange:
        raise ModelError(f"{path} holds what must not be loaded: {', '.join(strange[:5])}", model_store.ADVICE)


def _types(schema: Any) -> Iterator[str]:
    """Every type that a skops schema names."""
    if isinstance(schema, dict):
        if "__class__" in schema or "__module__" in schema:
            yield f"{schema.get('__module__')}.{schema.get('__class__')}"
        for value in schema.values():
            yield from _types(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _types(value)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
