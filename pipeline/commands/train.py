"""``nianbao train``: from training data to models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import console
from pipeline.errors import ExitCode, UsageError


def train(
    training_data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with labels.csv; training_data by default.")
    ] = None,
    models: Annotated[Path, typer.Option(metavar="DIR", help="Folder the models are written to.")] = Path("models"),
    check: Annotated[
        bool, typer.Option("--check", help="Only tell whether the models there are what the data gives; write nothing.")
    ] = False,
    audit: Annotated[
        bool, typer.Option("--audit", help="Only list the labels whose meaning all the others speak against.")
    ] = False,
) -> None:
    """Train the models from the training data; the same data gives the same bytes.

    With --check the exit code is 1 when a model differs from what its training data gives. With --audit the labels that
    may have been given a wrong meaning are printed, worst first.
    """
    if audit:
        _audit(training_data)
        return
    folder = training_data or Path("training_data")
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "Run it in a checkout, or name the folder with --training-data")
    from pipeline.retrain import training

    outcomes = training.train(folder, models, check)
    for outcome in outcomes:
        console.write(f"{outcome.model}: {outcome.folder}: {outcome.explanation}\n")
    if check and not all(outcome.reproduced for outcome in outcomes):
        raise typer.Exit(ExitCode.FAILURES)


def _audit(folder: Path | None) -> None:
    """Print what may be mistaken: row of the file, both meanings with their probabilities, text and source."""
    from pipeline.labels.dataset import in_force, read_labels
    from pipeline.retrain.audit import suspicious
    from pipeline.retrain.retraining import learned_files

    files = learned_files() if folder is None else (folder / "labels.csv",)
    # Rows as a spreadsheet counts them: the columns are row 1.
    rows = {example: f"{file}:{row}" for file in files for row, example in enumerate(read_labels(file), start=2)}
    learned = [example for example in in_force(rows) if example.split == "train"]
    found = suspicious(learned)
    for each in found:
        example = learned[each.index]
        meanings = f"{example.label_id}\t{each.given:.4f}\t{each.suggested}\t{each.likely:.4f}"
        text = " ".join(example.context.text.split())
        console.write(f"{rows[example]}\t{meanings}\t{text}\t{example.source}\n")
    print(f"{len(found)} of {len(learned)} labels may mean something else", file=sys.stderr)
