"""``nianbao retrain``: from people's answers to a new label classifier."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import console
from pipeline.commands.models import show_comparison
from pipeline.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from pipeline.corrections import Correction
    from pipeline.retrain.retraining import Retraining


def retrain(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="OUT...", help="Folders with corrections.csv, or such files.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Train and compare, but write nothing.")] = False,
    force: Annotated[
        str, typer.Option(metavar="REASON", help="Use the new model whatever speaks against it; the reason is kept.")
    ] = "",
) -> None:
    """Learn the row labels that people corrected, and use the new classifier unless something speaks against it.

    The exit code is 1 when something does; what there was before stays in use, and nothing is learned.
    """
    if force and not force.strip():
        raise UsageError("--force needs a reason", "Say why the model is to be used; it is kept with the model")
    from pipeline.retrain import retraining

    outcome = retraining.retrain(inputs, dry_run, force.strip())
    _show(outcome)
    if outcome.comparison is None:
        print("There is nothing new to learn.", file=sys.stderr)
    elif outcome.model is not None:
        print(f"{outcome.model} is in use.", file=sys.stderr)
    elif dry_run:
        print("Nothing was written.", file=sys.stderr)
    for objection in outcome.objections:
        console.complain(objection)
    if outcome.objections and outcome.model is None:
        advice = "nianbao review undo takes an answer back; --force REASON uses the model all the same"
        console.complain("the new classifier is not used", advice)
        raise typer.Exit(ExitCode.FAILURES)


def _show(outcome: Retraining) -> None:
    """Print what was learned, what is doubtful, and both classifiers by category."""
    for unlearnable in outcome.unlearnable:
        console.write(f"not learned\t{_place(unlearnable.correction)}\t{unlearnable.reason}\n")
    for withdrawn in outcome.withdrawn:
        console.write(f"taken back\t{withdrawn.source}\t{withdrawn.label_id}\n")
    for conflict in outcome.conflicts:
        given = conflict.answer.example.label_id
        console.write(
            f"conflict\t{_place(conflict.answer.correction)}\t{given}\t{conflict.meaning}\t{conflict.source}\n"
        )
    for doubt in outcome.doubts:
        meanings = f"{doubt.answer.example.label_id}\t{doubt.given:.4f}\t{doubt.suggested}\t{doubt.likely:.4f}"
        console.write(f"doubtful\t{_place(doubt.answer.correction)}\t{meanings}\n")
    if outcome.comparison is not None:
        show_comparison(outcome.comparison)
        before, after = outcome.understood
        console.write(f"new answers {len(outcome.new)}, understood {before} before, {after} after\n")


def _place(correction: Correction) -> str:
    text = "" if correction.context is None else " ".join(correction.context.text.split())
    page = "" if correction.page is None else f" page {correction.page}"
    return f"{correction.correction_id}\t{correction.source}{page}\t{text}"
