import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline import model_store
from pipeline.errors import ModelError
from pipeline.labels.artefact import MODEL, load_model
from pipeline.labels.classifier import LabelClassifier

SHIPPED = model_store.shipped_models() / MODEL


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of the shipped models that a test may spoil."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "label_classifier"))


def _change(models: Path, **entries: object) -> None:
    path = model_store.current_in(models) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **entries}), encoding="utf-8")


def _replace_model(models: Path, content: bytes) -> None:
    (model_store.current_in(models) / "model.skops").write_bytes(content)
    _change(models, file_sha256=hashlib.sha256(content).hexdigest())


def _with_schema(models: Path, old: str, new: str) -> None:
    """Rewrite the model file with another type in its schema."""
    path = model_store.current_in(models) / "model.skops"
    out = path.with_name("changed")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(out, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            changed.writestr(name, content.replace(old.encode(), new.encode()) if name == "schema.json" else content)
    _replace_model(models, out.read_bytes())


def test_the_shipped_model_loads_and_is_small() -> None:
    assert LabelClassifier.load().classes
    assert sum(file.stat().st_size for file in model_store.current_in(SHIPPED).iterdir()) < 5_000_000


def test_a_model_with_a_foreign_type_is_refused_before_it_is_built(models: Path) -> None:
    _with_schema(models, "TfidfTransformer", "HashingVectorizer")
    with pytest.raises(ModelError, match=r"must not be loaded.*HashingVectorizer"):
        load_model(model_store.current_in(models))


def test_a_model_that_would_run_a_command_is_refused(models: Path, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return Path.touch, (str(tmp_path / "ran"),)

    _replace_model(models, pickle.dumps(Evil()))
    with pytest.raises(ModelError, match="no archive of a model"):
        load_model(model_store.current_in(models))
    assert not (tmp_path / "ran").exists()


def test_a_model_that_names_a_function_is_refused(models: Path) -> None:
    _with_schema(models, '"__class__": "Pipeline"', '"__class__": "system"')
    with pytest.raises(ModelError, match="must not be loaded"):
        load_model(model_store.current_in(models))


def test_a_changed_model_file_is_refused(models: Path) -> None:
    path = model_store.current_in(models) / "model.skops"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelError, match="not the file its manifest describes"):
        load_model(model_store.current_in(models))


def test_other_weights_under_a_true_file_hash_are_refused(models: Path) -> None:
    _change(models, contents_sha256="0" * 64)
    with pytest.raises(ModelError, match="does not hold the weights"):
        load_model(model_store.current_in(models))


def test_a_file_that_unpacks_to_too_much_is_refused(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = model_store.current_in(models) / "bomb"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b" " * (model_store._MOST_BYTES + 1))
    _replace_model(models, bomb.read_bytes())
    with pytest.raises(ModelError, match="unpacks to"):
        load_model(model_store.current_in(models))


def test_a_foreign_member_is_refused(models: Path) -> None:
    path = model_store.current_in(models) / "model.skops"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil.py", b"")
    _replace_model(models, path.read_bytes())
    with pytest.raises(ModelError, match="evil"):
        load_model(model_store.current_in(models))


def test_another_scikit_learn_is_a_warning_with_advice(models: Path) -> None:
    manifest = json.loads((model_store.current_in(models) / "manifest.json").read_text(encoding="utf-8"))
    _change(models, versions={**manifest["versions"], "scikit-learn": "0.1"})
    with pytest.warns(UserWarning, match="nianbao train"):
        load_model(model_store.current_in(models))


def test_a_model_for_other_features_is_refused(models: Path) -> None:
    _change(models, feature_schema=0)
    with pytest.raises(ModelError, match="another version of nianbao"):
        load_model(model_store.current_in(models))


@pytest.mark.parametrize("content", ["", "[]", '{"versions": 1}'])
def test_a_damaged_manifest_is_refused(models: Path, content: str) -> None:
    (model_store.current_in(models) / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="manifest"):
        load_model(model_store.current_in(models))


def test_loading_the_model_imports_no_tables_and_no_test_tools() -> None:
    code = (
        "import sys; from pipeline.labels.classifier import LabelClassifier; LabelClassifier.load();"
        "print(sorted({'dask', 'pandas', 'pytest', 'rich'} & set(sys.modules)));"
        "import pandas, sklearn.model_selection; print(len(pandas.DataFrame({'a': [1, 2]})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "2"]
