"""What decides a result, as short texts to compare: what was made under another fingerprint is made again.

There are two. That of the *reading* covers everything between the bytes of a file and its record: code, settings,
libraries, the text engine, the numeral reader and the calibration of readings. That of the *assembly* covers the rest,
from the record to the tables: forms, rules, the label classifier, the model of confidence, the risk. A new label model
leaves what was read in place.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path

from pipeline import model_store
from pipeline.errors import MissingDependencyError
from pipeline.ocr import availability, load_engine
from pipeline.settings import Settings

_PACKAGE = Path(__file__).resolve().parent
# What stands between the bytes of a file and its record, and what stands between the record and the tables.
_READING = (
    *(
        "documents",
        "imaging",
        "tables",
        "ocr",
        "domain.py",
        "errors.py",
        "geometry.py",
        "keeping.py",
        "reading.py",
        "records.py",
    ),
    *("settings.py", "values.py"),
)
_ASSEMBLY = (
    *(
        "assemble",
        "forms",
        "labels",
        "reconcile",
        "rules",
        "confidence",
        "corrections.py",
        "dataset.py",
        "extract.py",
        "facts.py",
        "results.py",
    ),
    # Of the questions only how they are made; how they are shown and what comes back changes no row.
    *("review/items.py", "review/questions.py", "review/surroundings.py", "review/table.py", "spreadsheet.py"),
)
_READING_LIBRARIES = (
    *("camelot-py", "numpy", "onnxruntime", "opencv-python-headless", "pikepdf", "pillow", "playa-pdf", "pypdfium2"),
    *("rapidocr", "scipy"),
)
_ASSEMBLY_LIBRARIES = ("numpy",)
# Engines made of a program or a file outside of Python, which tell their version only when they are loaded.
_TELL_THEMSELVES = frozenset({"tesseract", "replay"})


def of_reading(settings: Settings) -> str:
    """Fingerprint of what decides what is read in a file, 16 hex digits.

    The password is not part of it: it opens a file or it does not.

    Raises:
        MissingDependencyError: the engine asked for is not installed.
        ModelError: there is no model in use.
        UsageError: there is no engine of that name.
    """
    reason = availability(settings.ocr)
    if reason is not None:
        raise MissingDependencyError(reason, "Or choose another engine with --ocr; nianbao doctor lists them")
    parts = [
        _code(_READING),
        *_versions(_READING_LIBRARIES),
        *(model_store.current(kind).name for kind in ("numeral_reader", "quick_recogniser", "reading_calibration")),
        f"{settings.ocr} {settings.render_dpi} {settings.max_megapixels:g} {settings.max_pages}",
        load_engine(settings.ocr).version() if settings.ocr in _TELL_THEMSELVES else settings.ocr,
    ]
    return _digest(parts)


def of_assembly(settings: Settings) -> str:
    """Fingerprint of what decides what is made of a record, 16 hex digits.

    Raises:
        ModelError: there is no model in use.
    """
    models = (model_store.current(kind).name for kind in ("label_classifier", "confidence"))
    return _digest([_code(_ASSEMBLY), *_versions(_ASSEMBLY_LIBRARIES), *models, f"risk {settings.risk:g}"])


def _code(names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        path = _PACKAGE / name
        files = (
            [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.suffix in (".py", ".yaml"))
        )
        for file in files:
            digest.update(f"{file.relative_to(_PACKAGE).as_posix()} {file.stat().st_size}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _versions(names: Iterable[str]) -> list[str]:
    found = []
    for name in names:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} is not installed")
    return found


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:16]
