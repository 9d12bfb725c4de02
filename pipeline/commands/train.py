"""``nianbao train``: from training data to models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import console
from pipeline.errors import ExitCode, UsageError


def train(
    training_data: Annotated[Path, typer.Option(metavar="DIR", help="Folder with labels.csv.")] = Path("training_data"),
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
    if not training_data.is_dir():
        raise UsageError(
            f"{training_data} is no folder", "Run it in a checkout, or name the folder with --training-data"
        )
    if audit:
        _audit(training_data / "labels.csv")
        return
    from pipeline.retrain import training

    outcomes = training.train(training_data, models, check)
    for outcome in outcomes:
        console.write(f"{outcome.model}: {outcome.folder}: {outcome.explanation}\n")
    if check and not all(outcome.reproduced for outcome in outcomes):
        raise typer.Exit(ExitCode.FAILURES)


def _audit(path: Path) -> None:
    """Print what may be mistaken: row of the file, both meanings with their probabilities, text and source."""
    from pipeline.labels.dataset import read_labels
    from pipeline.retrain.audit import suspicious

    # Rows as a spreadsheet counts them: the columns are row 1.
    learned = [(row, each) for row, each in enumerate(read_labels(path), start=2) if each.split == "train"]
    found = suspicious([example for _, example in learned])
    for each in found:
        row, example = learned[each.index]
        meanings = f"{example.label_id}\t{each.given:.4f}\t{each.suggested}\t{each.likely:.4f}"
        console.write(f"{row}\t{meanings}\t{' '.join(example.context.text.split())}\t{example.source}\n")
    print(f"{len(found)} of {len(learned)} labels in {path} may mean something else", file=sys.stderr)
