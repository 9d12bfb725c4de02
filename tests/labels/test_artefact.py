import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipeline import model_store
from pipeline.errors import ModelError
from pipeline.labels.artefact import MODEL, load_model, save_model
from pipeline.labels.classifier import LabelClassifier, _model, _pipeline
from pipeline.labels.dataset import read_labels
from pipeline.labels.features import field_table, known_characters

SHIPPED = model_store.shipped_models() / MODEL


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of the shipped models that a test may spoil."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "label_classifier"))


def _change(models: Path, **entries: object) -> None:
    path = model_store.current_in(models) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **entries}), encoding="utf-8")


def _replace_model(models: Path, content: bytes) -> None:
    (model_store.current_in(models) / "model.npz").write_bytes(content)
    _change(models, file_sha256=hashlib.sha256(content).hexdigest())


def test_the_shipped_model_loads_and_is_small() -> None:
    assert LabelClassifier.load().classes
    assert sum(file.stat().st_size for file in model_store.current_in(SHIPPED).iterdir()) < 5_000_000


def test_a_model_that_would_run_a_command_is_refused(models: Path, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return Path.touch, (str(tmp_path / "ran"),)

    _replace_model(models, pickle.dumps(Evil()))
    with pytest.raises(ModelError, match="no archive of a model"):
        load_model(model_store.current_in(models))
    assert not (tmp_path / "ran").exists()


def test_a_changed_model_file_is_refused(models: Path) -> None:
    path = model_store.current_in(models) / "model.npz"
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
        archive.writestr("idf.npy", b" " * (model_store._MOST_BYTES + 1))
    _replace_model(models, bomb.read_bytes())
    with pytest.raises(ModelError, match="unpacks to"):
        load_model(model_store.current_in(models))


def test_a_foreign_member_is_refused(models: Path) -> None:
    path = model_store.current_in(models) / "model.npz"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil.py", b"")
    _replace_model(models, path.read_bytes())
    with pytest.raises(ModelError, match="evil"):
        load_model(model_store.current_in(models))


def test_another_vocabulary_is_refused(models: Path) -> None:
    path = model_store.current_in(models) / "vocabulary.json"
    path.write_text(path.read_text(encoding="utf-8").replace("行政", "政行", 1), encoding="utf-8")
    with pytest.raises(ModelError, match="does not hold the weights"):
        load_model(model_store.current_in(models))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"text": 3}'])
def test_a_damaged_vocabulary_is_refused(models: Path, content: str) -> None:
    (model_store.current_in(models) / "vocabulary.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="vocabulary"):
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


def test_what_was_trained_reads_as_scikit_learn_would(models: Path) -> None:
    data = model_store.shipped_training_data() / "labels.csv"
    examples = [each for each in read_labels(data) if each.split == "train"][::9]
    pipeline = _pipeline()
    known = known_characters(each.context.text for each in examples)
    table = field_table([each.context for each in examples], known)
    pipeline.fit(table, [each.label_id for each in examples])
    written = save_model(_model(pipeline, known, 1.0), models, "2030-01-01", "", {}, "")
    read = load_model(written)
    found = np.stack([read.probabilities(fields) for fields in table])
    np.testing.assert_allclose(found, pipeline.predict_proba(table), atol=1e-5)


def test_loading_the_model_imports_no_library_of_training() -> None:
    code = (
        "import sys; from pipeline.labels.classifier import LabelClassifier; LabelClassifier.load();"
        "print(sorted({'sklearn', 'scipy', 'joblib', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
