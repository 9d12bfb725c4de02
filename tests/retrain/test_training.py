import json
from pathlib import Path

import pytest

from pipeline import model_store
from pipeline.errors import UsageError
from pipeline.labels import artefact
from pipeline.labels.dataset import read_labels, write_labels
from pipeline.retrain.training import TrainingOutcome, train

SHIPPED_DATA = Path(__file__).resolve().parents[2] / "training_data"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small part of the training data: the labels of one table."""
    folder = tmp_path_factory.mktemp("data")
    examples = read_labels(SHIPPED_DATA / "labels.csv")
    kept = [e for e in examples if "/reviews" in e.label_id or e.label_id == "other"][:900]
    write_labels(folder / "labels.csv", kept)
    return folder


def _train(data: Path, models: Path, check: bool = False) -> TrainingOutcome:
    return train(data, models, check)[0]


def test_the_same_data_gives_the_same_model(data: Path, tmp_path: Path) -> None:
    first = _train(data, tmp_path)
    assert first.reproduced is None
    again = _train(data, tmp_path, check=True)
    assert again.reproduced is True
    assert again.folder == first.folder
    files = {"model.npz", "vocabulary.json", "manifest.json", "metrics.json", "CARD.md"}
    assert {p.name for p in first.folder.iterdir()} == files
    assert (tmp_path / "label_classifier" / "CURRENT").read_text(encoding="utf-8").strip() == first.folder.name


def test_other_data_gives_another_model_and_says_so(data: Path, tmp_path: Path) -> None:
    first = _train(data, tmp_path / "models")
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    write_labels(fewer / "labels.csv", [*read_labels(data / "labels.csv")][:-40])
    checked = _train(fewer, tmp_path / "models", check=True)
    assert checked.reproduced is False
    assert "training data has changed" in checked.explanation
    assert model_store.current_in(tmp_path / "models" / artefact.MODEL) == first.folder
    trained = _train(fewer, tmp_path / "models")
    assert trained.folder != first.folder
    assert model_store.current_in(tmp_path / "models" / artefact.MODEL) == trained.folder


def test_other_versions_are_named(data: Path, tmp_path: Path) -> None:
    first = _train(data, tmp_path)
    path = first.folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    changed = {**manifest, "contents_sha256": "0" * 64, "versions": {**manifest["versions"], "numpy": "1.0"}}
    path.write_text(json.dumps(changed), encoding="utf-8")
    checked = _train(data, tmp_path, check=True)
    assert checked.reproduced is False
    assert "numpy was 1.0" in checked.explanation


def test_checking_writes_nothing(data: Path, tmp_path: Path) -> None:
    outcome = _train(data, tmp_path / "models", check=True)
    assert outcome.reproduced is None
    assert not (tmp_path / "models").exists()


def test_without_training_data_nothing_is_trained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"labels\.csv"):
        train(tmp_path, tmp_path / "models")


def test_the_shipped_model_is_of_the_shipped_data() -> None:
    import hashlib

    manifest = artefact.read_manifest(model_store.current_in(model_store.shipped_models() / artefact.MODEL))
    assert manifest.training_data == hashlib.sha256((SHIPPED_DATA / "labels.csv").read_bytes()).hexdigest()
