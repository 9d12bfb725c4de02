"""``nianbao review``: what a person is asked, and what the answers change."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import console

app = typer.Typer(help="Ask a person about doubtful cells, and take the answers.", no_args_is_help=True)

Out = Annotated[Path, typer.Argument(metavar="OUT", help="Output folder of an extraction.")]


class Level(StrEnum):
    """Whether a doubtful row is one question, or as many as it has cells."""

    ROWS = "rows"
    CELLS = "cells"


@app.command()
def export(
    out: Out,
    budget: Annotated[int | None, typer.Option(min=1, help="At most so many questions.", show_default="all")] = None,
    level: Annotated[
        Level, typer.Option(help="Ask about a doubtful row once, or about each of its cells.")
    ] = Level.ROWS,
    scans: Annotated[
        Path | None, typer.Option(metavar="INPUT", help="Folder, archive or file that was read, for the pictures.")
    ] = None,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="The table.", show_default="OUT/review.csv")] = None,
) -> None:
    """Write the questions to a table for a spreadsheet, those whose answers are worth most first."""
    from pipeline import review, revise

    done = revise.export(out, review.Level(level.value), budget, scans, to)
    if done.kept is not None:
        console.complain(f"the table held answers that were not applied; they are saved in {done.kept}")
    for cause, number in done.lacking.items():
        console.complain(f"{number:,} without a picture: {cause}")
    pictures = f", {done.pictures:,} with a picture" if scans is not None else ""
    console.note(f"{done.items:,} of {done.of:,} questions in {done.path}{pictures}")
