"""Retraining where nianbao was installed from its wheel: what it learns from is in the wheel, what it learns is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline import corrections, model_store
from tests.retrain.test_retraining import NOW, poisoned

ROOT = Path(__file__).resolve().parents[2]
REASON = "两人核对过"
pytestmark = [pytest.mark.timeout(300)]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the package as the wheel holds it."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    return tmp_path / "installed"


def test_a_refused_model_can_be_forced_into_use_with_a_reason(installed: Path, tmp_path: Path) -> None:
    home = tmp_path / "data" / "nianbao"
    corrections.append(tmp_path / corrections.FILE, poisoned(0.2)[0], NOW)
    environment = os.environ | {"PYTHONPATH": str(installed), "XDG_DATA_HOME": str(tmp_path / "data")}
    environment.pop(model_store.HOME_VARIABLE, None)

    def nianbao(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipeline", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    before = sorted(path for path in installed.rglob("*") if path.suffix != ".pyc")
    done = nianbao("retrain", corrections.FILE, "--force", REASON)
    assert done.returncode == 0, done.stderr
    assert "contradict everything else" in done.stderr  # it is told all the same
    assert str(home) in done.stderr
    (model,) = {path.parent for path in home.rglob("manifest.json")}
    metrics = json.loads((model / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["retraining"]["forced"] == REASON
    assert REASON in (model / "CARD.md").read_text(encoding="utf-8")
    listed = nianbao("models", "list")
    assert model.name in listed.stdout
    assert sorted(path for path in installed.rglob("*") if path.suffix != ".pyc" and path.name != "__pycache__") == [
        path for path in before if path.name != "__pycache__"
    ]
