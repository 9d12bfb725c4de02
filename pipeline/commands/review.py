"""``nianbao review``: what a person is asked, and what the answers change."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import console
from pipeline.errors import ExitCode

if TYPE_CHECKING:
    from pipeline.corrections import Correction
    from pipeline.revise import Applied, Exported, Wanted

_LISTED = 20

app = typer.Typer(help="Ask a person about doubtful cells, and take the answers.", no_args_is_help=True)

Out = Annotated[Path, typer.Argument(metavar="OUT", help="Output folder of an extraction.")]


Reviewer = Annotated[str, typer.Option(metavar="NAME", help="Who answered, where the table does not say.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Number of processes.")]


class Level(StrEnum):
    """Whether a doubtful row is one question, or as many as it has cells."""

    ROWS = "rows"
    CELLS = "cells"


Budget = Annotated[int | None, typer.Option(min=1, help="At most so many questions.", show_default="all")]
AskedOf = Annotated[Level, typer.Option("--level", help="Ask about a doubtful row once, or about each of its cells.")]
Scans = Annotated[
    list[str] | None,
    typer.Option(
        metavar="INPUT",
        help="Folder, archive or file that was read, for the pictures; may be repeated.",
        show_default="those that extract was given",
    ),
]
WithPictures = Annotated[bool, typer.Option("--pictures/--no-pictures", help="Cut pictures from the scans.")]


@app.command()
def export(
    out: Out,
    budget: Budget = None,
    level: AskedOf = Level.ROWS,
    scans: Scans = None,
    pictures: WithPictures = True,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The table: .csv or .xlsx.", show_default="OUT/review.csv")
    ] = None,
) -> None:
    """Write the questions to a table for a spreadsheet, those whose answers are worth most first."""
    from pipeline import revise

    _tell_exported(revise.export(out, _wanted(level, budget, scans if pictures else []), to))


@app.command()
def page(
    out: Out,
    budget: Budget = None,
    level: AskedOf = Level.ROWS,
    scans: Scans = None,
    pictures: WithPictures = True,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="The page.", show_default="OUT/review.html")] = None,
) -> None:
    """Write the questions as a page for a browser, to be answered with the keyboard.

    It needs no server and no network. "Export the table" on the page gives the table that `apply` takes.
    """
    from pipeline import revise

    _tell_exported(revise.page(out, _wanted(level, budget, scans if pictures else []), to))


@app.command()
def apply(
    out: Out,
    answers: Annotated[Path, typer.Argument(metavar="FILE", help="The table, filled in.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    reviewer: Reviewer = "",
    jobs: Jobs = 1,
) -> None:
    """Take the answers of a filled-in table and put the tables of OUT together anew.

    Lines that cannot be taken are written to a table of their own with the reason; the exit code is 1 then.
    """
    from pipeline import revise

    done = revise.apply(out, answers, dry_run, reviewer, jobs)
    _tell(done, "would change" if dry_run else "corrected")
    if done.unchanged:
        console.note(f"{done.unchanged:,} answers were given before")
    for each in done.refused[:_LISTED]:
        console.complain(f"line {each.line.number} is refused: {each.reason}")
    if done.refused:
        where = f"; they are in {done.refused_path}" if done.refused_path is not None else ""
        console.complain(f"{len(done.refused):,} lines are refused{where}", "Correct them there and apply that file")
        raise typer.Exit(ExitCode.FAILURES)


@app.command()
def undo(
    out: Out,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Corrections to take back.", show_default="list them")
    ] = None,
    reviewer: Reviewer = "",
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    jobs: Jobs = 1,
) -> None:
    """Take corrections back; without an ID, list those in force."""
    from pipeline import corrections, revise

    if ids:
        _tell(revise.undo(out, ids, reviewer, comment, jobs), "taken back")
        return
    rows = [
        (each.correction_id, each.at, each.reviewer, _name(each), each.old or "-", each.new)
        for each in corrections.load(out / corrections.FILE)
    ]
    console.table(("correction", "at", "by", "of", "was", "is"), rows, to_stdout=True)


def _wanted(level: Level, budget: int | None, scans: list[str] | None) -> Wanted:
    from pipeline import review, revise

    return revise.Wanted(review.Level(level.value), budget, scans)


def _tell_exported(done: Exported) -> None:
    if done.kept is not None:
        console.complain(f"the table held answers that were not applied; they are saved in {done.kept}")
    for cause, number in done.lacking.items():
        console.complain(f"{number:,} without a picture: {cause}")
    console.note(f"{done.items:,} of {done.of:,} questions in {done.path}, {done.pictures:,} with a picture")


def _tell(done: Applied, what: str) -> None:
    rows = [(_name(each), each.old or "-", each.new) for each in done.corrections]
    if rows:
        console.table(("of", "was", "is"), rows, to_stdout=True)
    console.note(f"{len(rows):,} {what}")
    if done.summary is not None:
        cells = ", ".join(f"{number:,} {status.value}" for status, number in done.summary.cells.items())
        console.note(
            f"{done.summary.out}: {cells}, {done.summary.findings:,} findings, {done.summary.review:,} questions"
        )


def _name(correction: Correction) -> str:
    key = correction.key
    parts = "/".join(part for part in (key.table_id, key.row_id, key.column_id) if part)
    text = f"{correction.source} {correction.report} {parts}"
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
