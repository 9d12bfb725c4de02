"""``nianbao models``: what is there, what is in use, and that a file somebody tampered with never gets there."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import commands, model_store
from pipeline.errors import ExitCode
from pipeline.labels.artefact import MODEL
from tests.labels.test_artefact import SHIPPED

NAME = "2030-01-01-0123456789ab"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of the label classifier in a home of its own, not in use yet."""
    shipped = model_store.current_in(SHIPPED)
    return Path(shutil.copytree(shipped, tmp_path / "home" / "models" / MODEL / NAME))


@pytest.fixture
def nianbao(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv(model_store.HOME_VARIABLE, "")  # what --home sets is taken back after the test

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["nianbao", "--home", str(tmp_path / "home"), *arguments])
        code = 0
        try:
            commands.main()
        except SystemExit as left:
            code = int(left.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def in_use(run: Run) -> list[str]:
    lines = [line.split("\t") for line in run("models", "list")[1].splitlines()]
    return [line[1] for line in lines if line[0] == MODEL and line[2] == "in use"]


def tamper_byte(folder: Path, mark: Path) -> None:
    content = bytearray((folder / "model.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.npz").write_bytes(bytes(content))


def tamper_pickle(folder: Path, mark: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return Path.touch, (str(mark),)

    _vouched(folder, pickle.dumps(Evil()))


def tamper_object(folder: Path, mark: Path) -> None:
    """An array of objects, which only a pickle can hold, in the place of one of numbers."""

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return Path.touch, (str(mark),)

    with np.load(folder / "model.npz") as arrays:
        changed = {**arrays, "idf": np.array([Evil()], dtype=object)}
    made = io.BytesIO()
    np.savez_compressed(made, **changed)
    _vouched(folder, made.getvalue())


def tamper_weights(folder: Path, mark: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "temperature": 9.0}), encoding="utf-8")


def _vouched(folder: Path, content: bytes) -> None:
    """Another model file, with a manifest that vouches for it."""
    (folder / "model.npz").write_bytes(content)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "file_sha256": hashlib.sha256(content).hexdigest()}), encoding="utf-8")


def test_models_are_listed_used_and_left_again(own: Path, nianbao: Run) -> None:
    shipped = model_store.current_in(SHIPPED).name
    assert in_use(nianbao) == [shipped]
    code, out, _ = nianbao("models", "use", NAME[:6])
    assert (code, in_use(nianbao)) == (0, [NAME])
    assert str(own) in out
    assert nianbao("models", "use", shipped[11:])[0] == 0
    assert in_use(nianbao) == [shipped]
    assert not list(own.parent.glob("*.part"))


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (tamper_byte, "not the file its manifest describes"),
        (tamper_pickle, "no archive of a model"),
        (tamper_object, "does not hold the weights of a model"),
        (tamper_weights, "does not hold the weights its manifest describes"),
    ],
)
def test_a_model_that_was_tampered_with_is_refused_and_the_old_one_stays(
    own: Path, nianbao: Run, tmp_path: Path, tamper: Callable[[Path, Path], None], message: str
) -> None:
    before = in_use(nianbao)
    tamper(own, tmp_path / "ran")
    code, out, complaint = nianbao("models", "use", NAME)
    assert (code, out) == (ExitCode.USAGE, "")
    assert message in complaint
    assert "Traceback" not in complaint
    assert in_use(nianbao) == before
    assert not (tmp_path / "ran").exists()


def test_a_model_compared_with_itself_loses_nothing(own: Path, nianbao: Run) -> None:
    code, out, _ = nianbao("models", "compare", model_store.current_in(SHIPPED).name, NAME)
    assert code == 0
    assert "WORSE" not in out
    (whole,) = [line.split() for line in out.splitlines() if line.startswith("held out: all")]
    assert whole[3] == "679"
    assert whole[4] == whole[5]
    assert whole[6:] == ["0", "0"]


def test_other_kinds_are_compared_by_their_figures_and_only_with_their_like(own: Path, nianbao: Run) -> None:
    numerals = model_store.current("numeral_reader").name
    code, out, _ = nianbao("models", "compare", numerals, numerals)
    assert code == 0
    assert out.splitlines()[0].split() == [numerals, numerals]
    assert [line.split()[1] for line in out.splitlines() if line.startswith("held_out_right")] == ["0.95794"]
    code, _, complaint = nianbao("models", "compare", numerals, NAME)
    assert code == ExitCode.USAGE
    assert "numeral reader" in complaint


def test_a_name_that_is_none_says_where_to_look(own: Path, nianbao: Run) -> None:
    code, _, complaint = nianbao("models", "use", "nothing")
    assert code == ExitCode.USAGE
    assert "nianbao models list" in complaint
