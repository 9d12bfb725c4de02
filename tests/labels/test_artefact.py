import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from pipeline.errors import ModelError
from pipeline.labels import artefact
from pipeline.labels.artefact import current, default_folder, load_current
from pipeline.labels.classifier import LabelClassifier

SHIPPED = default_folder()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of the shipped models that a test may spoil."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "label_classifier"))


def _change(models: Path, **entries: object) -> None:
    path = current(models) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **entries}), encoding="utf-8")


def _replace_model(models: Path, content: bytes) -> None:
    (current(models) / "model.skops").write_bytes(content)
    _change(models, file_sha256=hashlib.sha256(content).hexdigest())


def _with_schema(models: Path, old: str, new: str) -> None:
    """Rewrite the model file with another type in its schema."""
    path = current(models) / "model.skops"
    out = path.with_name("changed")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(out, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            changed.writestr(name, content.replace(old.encode(), new.encode()) if name == "schema.json" else content)
    _replace_model(models, out.read_bytes())


def test_the_shipped_model_loads_and_is_small() -> None:
    assert LabelClassifier.load().classes
    assert sum(file.stat().st_size for file in current(SHIPPED).iterdir()) < 5_000_000


def test_a_model_with_a_foreign_type_is_refused_before_it_is_built(models: Path) -> None:
    _with_schema(models, "TfidfTransformer", "HashingVectorizer")
    with pytest.raises(ModelError, match=r"must not be loaded.*HashingVectorizer"):
        load_current(models)


def test_a_model_that_would_run_a_command_is_refused(models: Path, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return Path.touch, (str(tmp_path / "ran"),)

    _replace_model(models, pickle.dumps(Evil()))
    with pytest.raises(ModelError, match="no skops file"):
        load_current(models)
    assert not (tmp_path / "ran").exists()


def test_a_model_that_names_a_function_is_refused(models: Path) -> None:
    _with_schema(models, '"__class__": "Pipeline"', '"__class__": "system"')
    with pytest.raises(ModelError, match="must not be loaded"):
        load_current(models)


def test_a_changed_model_file_is_refused(models: Path) -> None:
    path = current(models) / "model.skops"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelError, match="not the file its manifest describes"):
        load_current(models)


def test_other_weights_under_a_true_file_hash_are_refused(models: Path) -> None:
    _change(models, contents_sha256="0" * 64)
    with pytest.raises(ModelError, match="does not hold the weights"):
        load_current(models)


def test_a_file_that_unpacks_to_too_much_is_refused(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = current(models) / "bomb"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b" " * (artefact._MOST_BYTES + 1))
    _replace_model(models, bomb.read_bytes())
    with pytest.raises(ModelError, match="unpacks to"):
        load_current(models)


def test_a_foreign_member_is_refused(models: Path) -> None:
    path = current(models) / "model.skops"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil.py", b"")
    _replace_model(models, path.read_bytes())
    with pytest.raises(ModelError, match="evil"):
        load_current(models)


def test_another_scikit_learn_is_a_warning_with_advice(models: Path) -> None:
    manifest = json.loads((current(models) / "manifest.json").read_text(encoding="utf-8"))
    _change(models, versions={**manifest["versions"], "scikit-learn": "0.1"})
    with pytest.warns(UserWarning, match="nianbao train"):
        load_current(models)


def test_a_model_for_other_features_is_refused(models: Path) -> None:
    _change(models, feature_schema=0)
    with pytest.raises(ModelError, match="another version of nianbao"):
        load_current(models)


@pytest.mark.parametrize("name", ["../../etc", "", "/tmp/x"])
def test_current_may_only_name_a_model_beside_it(models: Path, name: str) -> None:
    (models / "CURRENT").write_text(name, encoding="utf-8")
    with pytest.raises(ModelError, match="names no model"):
        load_current(models)


def test_a_missing_model_tells_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nianbao train"):
        LabelClassifier.load(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"versions": 1}'])
def test_a_damaged_manifest_is_refused(models: Path, content: str) -> None:
    (current(models) / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="manifest"):
        load_current(models)
