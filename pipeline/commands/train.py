"""``nianbao train``: from training data to models."""

from __future__ import annotations

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
) -> None:
    """Train the models from the training data; the same data gives the same bytes.

    With --check the exit code is 1 when a model differs from what its training data gives.
    """
    if not training_data.is_dir():
        raise UsageError(
            f"{training_data} is no folder", "Run it in a checkout, or name the folder with --training-data"
        )
    from pipeline.retrain import training

    outcomes = training.train(training_data, models, check)
    for outcome in outcomes:
        console.write(f"{outcome.model}: {outcome.folder}: {outcome.explanation}\n")
    if check and not all(outcome.reproduced for outcome in outcomes):
        raise typer.Exit(ExitCode.FAILURES)
