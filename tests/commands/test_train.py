"""``nianbao train``: what it says of each model, and when --check fails; the training itself is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import commands
from pipeline.errors import ExitCode
from pipeline.retrain import training
from pipeline.retrain.training import TrainingOutcome

SAME = TrainingOutcome("label_classifier", Path("models/label_classifier/1"), True, "reproduced bit for bit")
OTHER = TrainingOutcome("numeral_reader", Path("models/numeral_reader/1"), False, "the data has changed")
NEW = TrainingOutcome("numeral_reader", Path("models/numeral_reader/1"), None, "there was no model")


@pytest.mark.parametrize(
    ("outcomes", "arguments", "code"),
    [
        ((SAME,), [], ExitCode.OK),
        ((SAME, OTHER), [], ExitCode.OK),
        ((SAME,), ["--check"], ExitCode.OK),
        ((SAME, OTHER), ["--check"], ExitCode.FAILURES),
        ((NEW,), ["--check"], ExitCode.FAILURES),
    ],
)
def test_only_a_check_fails_when_a_model_is_another(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    outcomes: tuple[TrainingOutcome, ...],
    arguments: list[str],
    code: ExitCode,
) -> None:
    asked: list[tuple[Path, Path, bool]] = []

    def train(training_data: Path, models: Path, check: bool) -> tuple[TrainingOutcome, ...]:
        asked.append((training_data, models, check))
        return outcomes

    monkeypatch.setattr(training, "train", train)
    options = ["--training-data", str(tmp_path), "--models", str(tmp_path / "models")]
    monkeypatch.setattr("sys.argv", ["nianbao", "train", *options, *arguments])
    with pytest.raises(SystemExit) as left:
        commands.main()
    assert int(left.value.code or 0) == code
    assert asked == [(tmp_path, tmp_path / "models", bool(arguments))]
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"{each.model}: {each.folder}: {each.explanation}" for each in outcomes]
