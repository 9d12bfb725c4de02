"""From training data to models: trains them anew and says whether they come out as they are.

The same data gives the same model bit for bit on the same kind of machine with the same versions. Where it does not,
the outcome says what differs: the data, the versions, or only the arithmetic of another processor.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import model_store
from pipeline.confidence import model as confidence
from pipeline.errors import ModelError
from pipeline.labels import artefact, classifier
from pipeline.labels.dataset import Example, in_force, read_labels
from pipeline.labels.evaluation import Evaluation, evaluate
from pipeline.labels.model import LabelModel
from pipeline.ocr import calibration, numerals

LABELS = "labels.csv"
NUMERALS = "numerals.npz"
READINGS = "readings.csv"
CELLS = "cells.csv.gz"


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What training one model gave.

    Attributes:
        model: name of the model.
        folder: the model that is in use now.
        reproduced: whether training gave what was there already; None when nothing was there.
        explanation: the same in words, with what differs.
    """

    model: str
    folder: Path
    reproduced: bool | None
    explanation: str


def train(training_data: Path, models: Path, check: bool = False) -> tuple[TrainingOutcome, ...]:
    """Train every model for which there is training data.

    Args:
        training_data: the folder with ``labels.csv`` and, where there is one, the glyphs of the numeral reader.
        models: the folder of the models; a model that comes out differently is added and becomes the current one.
        check: write nothing.

    Raises:
        UsageError: the training data is missing or breaks its contract.
        ModelError: training gave no usable model.
    """
    outcomes = [_train_labels(training_data / LABELS, models / artefact.MODEL, check)]
    glyphs = training_data / NUMERALS
    if glyphs.exists():
        outcomes.append(_train_numerals(glyphs, models / numerals.MODEL, check))
    readings = training_data / READINGS
    if readings.exists():
        outcomes.append(_train_calibration(readings, models / calibration.MODEL, check))
    cells = training_data / CELLS
    if cells.exists():
        outcomes.append(_train_confidence(cells, models / confidence.MODEL, check))
    return tuple(outcomes)


def _train_labels(data: Path, folder: Path, check: bool) -> TrainingOutcome:
    examples = in_force(read_labels(data))
    model = classifier.fit(examples)
    contents = artefact.contents_hash(model)
    data_hash = _sha256(data)
    before = _current_labels(folder)
    if before is not None and before[1].contents == contents:
        return TrainingOutcome(artefact.MODEL, before[0], True, f"reproduced bit for bit (contents {contents[:12]})")
    difference = "there was no model" if before is None else _difference(before[1], data_hash, model, before[0])
    reproduced = None if before is None else False
    if check:
        shown = folder if before is None else before[0]
        return TrainingOutcome(artefact.MODEL, shown, reproduced, f"training gives {contents[:12]}: {difference}")
    written, measured = store(model, examples, folder, data_hash)
    model_store.promote(written)
    accuracy = f"{measured.whole.accuracy:.1%} of {measured.whole.labels} held-out labels"
    return TrainingOutcome(artefact.MODEL, written, reproduced, f"new model, {accuracy} right: {difference}")


def store(
    model: LabelModel,
    examples: Sequence[Example],
    folder: Path,
    data_hash: str,
    retraining: Mapping[str, object] | None = None,
    notes: str = "",
) -> tuple[Path, Evaluation]:
    """Write a label model with its metrics and card, and load it again; it is not in use yet.

    Args:
        model: the model.
        examples: the labels it was trained on, with those held out.
        folder: the folder of the label models.
        data_hash: SHA-256 of the training data.
        retraining: what was measured before it was decided to use the model, for its metrics.
        notes: further text for its card.
    """
    held_out = [example for example in examples if example.split == "test"]
    measured = evaluate(classifier.LabelClassifier(model), held_out)
    metrics = measured.as_metrics() | ({} if retraining is None else {"retraining": dict(retraining)})
    date = dt.datetime.now(dt.UTC).date().isoformat()
    card = _card(artefact.contents_hash(model), examples, measured, model) + notes
    written = artefact.save_model(model, folder, date, data_hash, metrics, card)
    artefact.load_model(written)
    return written, measured


def _current_labels(folder: Path) -> tuple[Path, artefact.Manifest] | None:
    path = _before(folder)
    return None if path is None else (path, artefact.read_manifest(path))


def _difference(before: artefact.Manifest, data_hash: str, model: LabelModel, folder: Path) -> str:
    """Why training gave something else, in words."""
    reasons = []
    if before.training_data != data_hash:
        reasons.append("the training data has changed")
    now = artefact.versions()
    reasons += [
        f"{name} was {before.versions.get(name, 'absent')} and is {here}"
        for name, here in now.items()
        if before.versions.get(name) != here
    ]
    if reasons:
        return "; ".join(reasons)
    return "data and versions are the same, so " + _arithmetic(model, folder)


def _arithmetic(model: LabelModel, folder: Path) -> str:
    """How far the weights are from the ones in use; small means only another processor."""
    import numpy as np

    try:
        other = artefact.load_model(folder)
    except ModelError as error:
        return f"the model in use is damaged ({error.cause})"
    mine, theirs = model.coefficients, other.coefficients
    if mine.shape != theirs.shape:
        return "the code that trains has changed"
    furthest = float(np.abs(mine - theirs).max())
    share = float((mine != theirs).mean())
    if share < 0.01:
        return f"this processor rounds differently ({share:.2%} of the weights differ, by {furthest:.3g} at most)"
    return f"the code that trains has changed ({share:.0%} of the weights differ, by {furthest:.3g} at most)"


def _card(contents: str, examples: Sequence[Example], measured: Evaluation, model: LabelModel) -> str:
    learned = [example for example in examples if example.split == "train"]
    corrected = [example for example in learned if example.corrected]
    reports = len({example.source.split(":")[1] for example in corrected})
    sources = "\n".join(
        f"| {name} | {share.right} of {share.labels} |" for name, share in sorted(measured.by_source.items())
    )
    return f"""# Label classifier {contents[:12]}

Says what a printed row label, column header, caption, heading or title of an annual report means
({len(model.classes)} classes, one of them "not on a form"). Multinomial logistic regression on character
n-grams of the label and of its surroundings; the temperature {model.temperature:.3f} is in the weights.

- Learned from {len(learned)} labels of `training_data/labels.csv`: the statutory forms, deviations that occur in
  print, and readings of damaged print by real engines, each once more with artificial misreadings and without parts of
  its surroundings. {len(corrected)} of them are what people answered, from {reports} reports.
- Held out: {measured.whole.labels} labels, among them everything printed in one of the fonts.
  {measured.whole.accuracy:.2%} right with their surroundings, {measured.alone.accuracy:.2%} without any.
- Not for: other languages, other kinds of reports, or values.

| held-out labels from | right |
|---|---|
{sources}
"""


def _train_numerals(data: Path, folder: Path, check: bool) -> TrainingOutcome:
    from pipeline.ocr import numerals_training

    name = numerals.MODEL
    with tempfile.TemporaryDirectory() as scratch:
        made = numerals_training.train(data, Path(scratch))
        mine = _numeral_manifest(made)
        before = _before(folder)
        if before is not None:
            theirs = _numeral_manifest(before)
            if theirs["sha256"] == mine["sha256"]:
                return TrainingOutcome(name, before, True, f"reproduced bit for bit (sha256 {mine['sha256'][:12]})")
            if theirs["dataset_sha256"] != mine["dataset_sha256"]:
                difference = "the training data has changed"
            else:
                difference = "the data is the same, so the code, its libraries or this processor's arithmetic differ"
        else:
            difference = "there was no model"
        reproduced = None if before is None else False
        if check:
            shown = folder if before is None else before
            return TrainingOutcome(name, shown, reproduced, f"training gives {mine['sha256'][:12]}: {difference}")
        written = folder / made.name
        shutil.copytree(made, written, dirs_exist_ok=True)
    model_store.promote(written)
    return TrainingOutcome(name, written, reproduced, f"new model: {difference}")


def _train_calibration(data: Path, folder: Path, check: bool) -> TrainingOutcome:
    from pipeline.ocr import calibration_training

    found = calibration_training.fit(data)
    metrics = {"calibration_error": round(found.error, 5), "held_out": found.readings, "held_out_wrong": found.wrong}
    return _keep_weights(
        *(data, folder, check, partial(calibration.save, intercept=found.intercept, weights=found.weights)),
        metrics=metrics,
        measured=f"calibration error {found.error:.4f}",
    )


def _train_confidence(data: Path, folder: Path, check: bool) -> TrainingOutcome:
    from pipeline.confidence import training

    found = training.fit(data)
    return _keep_weights(
        *(
            data,
            folder,
            check,
            partial(confidence.save, model=found.model),
        ),
        metrics=found.metrics(),
        measured=f"calibration error {found.tested.calibration_error:.4f}",
        card=found.card(),
    )


def _keep_weights(
    data: Path,
    folder: Path,
    check: bool,
    save: Callable[[Path], None],
    metrics: Mapping[str, object],
    measured: str,
    card: str = "",
) -> TrainingOutcome:
    """Keep a model that is a ``model.json`` with its manifest, where it is another one than before.

    Args:
        data: what it was fitted to.
        folder: of the models of its kind.
        check: write nothing.
        save: writes it into a folder.
        metrics: what was measured on what was held out, and the same in a few words.
        card: what CARD.md says below its title; empty for none.
    """
    kind = folder.name
    before = _before(folder)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "model.json"
        save(made.parent)
        contents = _sha256(made)
        if before is not None and _sha256(before / made.name) == contents:
            return TrainingOutcome(kind, before, True, f"reproduced bit for bit ({contents[:12]})")
        difference = "there was no model" if before is None else "the training data or the code has changed"
        reproduced = None if before is None else False
        if check:
            shown = folder if before is None else before
            return TrainingOutcome(kind, shown, reproduced, f"training gives {contents[:12]}: {difference}")
        written = folder / f"{dt.datetime.now(dt.UTC).date().isoformat()}-{contents[:8]}"
        written.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made.parent, written, dirs_exist_ok=True)
    kept = {**metrics, "training_data_sha256": _sha256(data)}
    (written / "metrics.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if card:
        (written / "CARD.md").write_text(f"# {kind.replace('_', ' ').capitalize()} {contents[:12]}\n\n{card}", "utf-8")
    model_store.promote(written)
    return TrainingOutcome(kind, written, reproduced, f"new model, {measured}: {difference}")


def _before(folder: Path) -> Path | None:
    return model_store.current_in(folder) if (folder / "CURRENT").exists() else None


def _numeral_manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / "manifest.json"
    data = model_store.read_json(path)
    try:
        return {key: str(data[key]) for key in ("sha256", "dataset_sha256")}
    except KeyError as error:
        raise ModelError(f"{path} lacks {error}", model_store.ADVICE) from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
