"""``nianbao extract``: from scans to tables."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import console
from pipeline.errors import ExitCode, UsageError
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.run import RunSummary

_DEFAULTS = Settings()


def extract(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="Files, folders (searched through), patterns, .zip archives."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="Folder for the tables; made if missing.")],
    ocr: Annotated[str, typer.Option(metavar="NAME", help="Text engine; `nianbao doctor` lists them.")] = _DEFAULTS.ocr,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Number of processes.", show_default="one per core")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The first line of this file opens encrypted PDFs.")
    ] = None,
    max_megapixels: Annotated[
        float, typer.Option(min=1, help="Render larger pages smaller; refuse larger pictures.")
    ] = _DEFAULTS.max_megapixels,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which a document is given up.")] = 3600.0,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Read again what could not be read before, or not all of it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no summary table.")] = False,
) -> None:
    """Read scanned reports and write every statutory cell.

    OUT gets cells.csv, rows.csv, reports.csv, findings.csv, review.csv and failures.csv. What was read into it before
    is not read again, unless files, settings or models that matter have changed. The exit code is 0 when all documents
    were read, 1 when some documents or pages could not be; rows for review are no failure.
    """
    from pipeline.ocr import availability
    from pipeline.run import run

    settings = Settings(ocr=ocr, max_megapixels=max_megapixels, password=_password(password_file))
    availability(ocr)  # an unknown name is told before any work begins
    with console.progress_bar(quiet) as progress:
        summary = run(
            inputs, out, settings, jobs or len(os.sched_getaffinity(0)), timeout, progress, retry_failed=retry_failed
        )
    if as_json:
        console.write(json.dumps(as_dict(summary), ensure_ascii=False) + "\n")
    if not quiet:
        _print_summary(summary)
    if summary.failures:
        raise typer.Exit(ExitCode.FAILURES)


def as_dict(summary: RunSummary) -> dict[str, object]:
    """The summary as it stands in the JSON output; docs/command-line.md describes it."""
    return {
        "out": str(summary.out),
        "documents": summary.documents,
        "read": summary.read,
        "failed": summary.failed,
        "pages": summary.pages,
        "reports": summary.reports,
        "cells": {status.value: number for status, number in summary.cells.items()},
        "findings": summary.findings,
        "failures": summary.failures,
        "review": summary.review,
        "seconds": round(summary.seconds, 2),
        "pages_per_second": round(summary.pages_per_second, 3),
    }


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}", "Give a text file in UTF-8 with --password-file") from error
    if not lines:
        raise UsageError(f"{file} is empty", "Write the password in its first line")
    return lines[0]


def _print_summary(summary: RunSummary) -> None:
    rows = [
        ("documents", f"{summary.documents:,}"),
        ("documents read now", f"{summary.read:,}"),
        ("documents not read", f"{summary.failed:,}"),
        ("pages", f"{summary.pages:,}"),
        ("reports", f"{summary.reports:,}"),
        *((f"cells {status.value}", f"{number:,}") for status, number in summary.cells.items()),
        ("findings", f"{summary.findings:,}"),
        ("failures", f"{summary.failures:,}"),
        ("seconds", f"{summary.seconds:,.1f}"),
        ("pages/s once started", f"{summary.pages_per_second:.2f}"),
    ]
    console.table(("", str(summary.out)), rows, to_stdout=False)
    if summary.kept is not None:
        console.complain(
            f"review.csv held answers that were not applied; they are saved in {summary.kept}",
            "Apply them with `nianbao review apply`",
        )
    if summary.failures:
        console.complain(
            "not everything could be read", f"{summary.out / 'failures.csv'} says what, why and what to do"
        )
