"""Which model is in use, and model files that were tampered with: refused before anything in them is built or run."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import model_store
from pipeline.errors import ModelError
from pipeline.labels import artefact
from pipeline.labels.classifier import LabelClassifier
from pipeline.ocr import calibration, numerals, recogniser


def _load_labels(folder: Path) -> object:
    return LabelClassifier.load(folder)


Load = Callable[[Path], object]
KINDS: dict[str, tuple[str, str, Load]] = {
    artefact.MODEL: ("model.npz", "file_sha256", _load_labels),
    numerals.MODEL: ("model.npz", "sha256", numerals.NumeralReader.load_from),
    calibration.MODEL: ("model.json", "sha256", calibration.load_from),
    recogniser.MODEL: ("model.onnx", "sha256", recogniser.load_quick),
}
ARCHIVES = [artefact.MODEL, numerals.MODEL]


class Evil:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return Path.touch, (str(self.mark),)


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that a test may spoil."""
    monkeypatch.setenv(model_store.HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


def _own(home: Path, kind: str) -> Path:
    """A copy of the shipped model, in use in the home."""
    shipped = model_store.current_in(model_store.shipped_models() / kind)
    folder = Path(shutil.copytree(shipped, home / "models" / kind / shipped.name))
    model_store.promote(folder)
    return folder


def _put(folder: Path, kind: str, content: bytes) -> None:
    """Another model file, with a manifest that vouches for it."""
    name, key, _ = KINDS[kind]
    (folder / name).write_bytes(content)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, key: hashlib.sha256(content).hexdigest()}), encoding="utf-8")


def _archive(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def _promising(content: bytes, size: int) -> bytes:
    """The archive with its first member said to be of ``size`` bytes, in the directory at its end."""
    at = content.index(b"PK\x01\x02") + 24
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


def test_the_shipped_models_load(kind: str) -> None:
    KINDS[kind][2](model_store.current_in(model_store.shipped_models() / kind))


def test_a_changed_byte_is_refused(home: Path, kind: str) -> None:
    name, _, load = KINDS[kind]
    folder = _own(home, kind)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(ModelError, match="not the file its manifest describes"):
        load(folder)


@pytest.mark.parametrize("manifest", ["", "[]", "{}", "null", '{"sha256": ["a"]}', "[" * 100_000])
def test_a_damaged_manifest_is_refused(home: Path, kind: str, manifest: str) -> None:
    folder = _own(home, kind)
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(ModelError, match="manifest"):
        KINDS[kind][2](folder)


@pytest.mark.parametrize("dump", [pickle.dumps, lambda evil: _joblib(evil)])
def test_an_object_that_would_run_something_is_refused_and_not_run(
    home: Path, kind: str, tmp_path: Path, dump: Callable[[object], bytes]
) -> None:
    folder = _own(home, kind)
    _put(folder, kind, dump(Evil(tmp_path / "ran")))
    with pytest.raises(ModelError):
        KINDS[kind][2](folder)
    assert not (tmp_path / "ran").exists()


def _joblib(value: object) -> bytes:
    made = io.BytesIO()
    importlib.import_module("joblib").dump(value, made)  # comes with scikit-learn
    return made.getvalue()


def test_a_pickle_inside_the_archive_of_the_numeral_reader_is_not_run(home: Path, tmp_path: Path) -> None:
    folder = _own(home, numerals.MODEL)
    with zipfile.ZipFile(folder / "model.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    made = io.BytesIO()
    np.save(made, np.array([Evil(tmp_path / "ran")], dtype=object), allow_pickle=True)
    _put(folder, numerals.MODEL, _archive({**members, "matrix0.npy": made.getvalue()}))
    with pytest.raises(ModelError, match="does not hold the weights"):
        numerals.NumeralReader.load_from(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_member_of_gigabytes_is_refused_by_the_directory_of_the_archive(home: Path, kind: str) -> None:
    folder = _own(home, kind)
    name = "idf.npy" if kind == artefact.MODEL else "matrix0.npy"
    _put(folder, kind, _promising(_archive({name: b"{}"}), 4_000_000_000))
    with pytest.raises(ModelError, match="unpacks to 1 files of 4000000000 bytes"):
        KINDS[kind][2](folder)


def test_arrays_that_promise_more_than_there_is_take_no_memory(home: Path) -> None:
    folder = _own(home, numerals.MODEL)
    with zipfile.ZipFile(folder / "model.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, {"descr": "<f2", "fortran_order": False, "shape": (10**6, 10**4)})
    _put(folder, numerals.MODEL, _archive({**members, "matrix0.npy": made.getvalue()}))
    with pytest.raises(ModelError, match=r"matrix0 is float16 \(1000000, 10000\)"):
        numerals.NumeralReader.load_from(folder)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "9" * 400, '"much"', "null"])
def test_a_calibration_with_weights_that_are_no_numbers_is_refused(home: Path, value: str) -> None:
    folder = _own(home, calibration.MODEL)
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    content = json.dumps(model).replace(str(model["intercept"]), value)
    _put(folder, calibration.MODEL, content.encode())
    with pytest.raises(ModelError, match=r"calibration|damaged"):
        calibration.load_from(folder)


@pytest.mark.parametrize("name", ["../../etc", "", "/tmp/x", "2026-01-01-../../../x", "2026-01-01-00000000"])
def test_current_may_only_name_a_model_beside_it(home: Path, kind: str, name: str) -> None:
    folder = _own(home, kind)
    (folder.parent / "CURRENT").write_text(name, encoding="utf-8")
    with pytest.raises(ModelError, match="CURRENT"):
        model_store.current(kind)


def test_a_missing_model_tells_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no label classifier.*nianbao train"):
        model_store.current_in(tmp_path / "label_classifier")


def test_a_model_of_the_home_goes_before_the_shipped_one_until_that_is_used_again(home: Path, kind: str) -> None:
    shipped = model_store.current(kind)
    assert not home.exists()
    own = _own(home, kind)
    renamed = own.rename(own.with_name("2030-01-01-0123456789ab"))
    model_store.promote(renamed)
    assert model_store.current(kind) == renamed
    listed = [model for model in model_store.models() if model.kind == kind]
    assert [(m.folder, m.in_use, m.shipped) for m in listed if m.in_use] == [(renamed, True, False)]
    model_store.use(model_store.find(shipped.name))
    assert model_store.current(kind) == shipped
    model_store.use(model_store.find("0123"))
    assert model_store.current(kind) == renamed


def test_a_name_that_means_nothing_or_two_models_is_refused_with_the_candidates(home: Path) -> None:
    with pytest.raises(ModelError, match="no model 'abc'"):
        model_store.find("abc")
    with pytest.raises(ModelError, match=r"label_classifier .*numeral_reader"):
        model_store.find("20")
    with pytest.raises(ModelError, match="no model ''"):
        model_store.find("")
