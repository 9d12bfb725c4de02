"""``nianbao extract``: from scans to tables."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import console
from pipeline.errors import ExitCode, OutputError, UsageError
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.run import Event, RunSummary, Shard

_DEFAULTS = Settings()


def extract(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="Files, folders (searched through), patterns, .zip archives, URLs."),
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
    risk: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="SHARE", help="Accept cells so that at most this share of them is wrong."),
    ] = _DEFAULTS.risk,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which a document is given up.")] = 3600.0,
    memory_limit: Annotated[
        int, typer.Option(min=500, metavar="MB", help="Memory above which a document is given up.")
    ] = 2000,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Read again what could not be read before, or not all of it.")
    ] = False,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Let the machines of this dask scheduler read.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(metavar="URL", help="Keep what is read at this place, and put the tables there too.")
    ] = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Read only the I-th of N shares, told apart by content.")
    ] = "1/1",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be read, what not, and why; write nothing.")
    ] = False,
    log_json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add a line of JSON for each document to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary table.")] = False,
) -> None:
    """Read scanned reports and write every statutory cell.

    OUT gets cells.csv, rows.csv, reports.csv, findings.csv, review.csv and failures.csv. What was read into it before
    is not read again, unless files, settings or models that matter have changed. The exit code is 0 when all documents
    were read, 1 when some documents or pages could not be; rows for review are no failure.
    """
    from pipeline.locations import is_url
    from pipeline.ocr import availability
    from pipeline.run import Shard, run
    from pipeline.workers import Limits

    settings = Settings(ocr=ocr, max_megapixels=max_megapixels, password=_password(password_file), risk=risk)
    if cluster is not None and jobs is not None:
        raise UsageError(
            "--jobs says nothing about a cluster", "Leave it out; dask worker has --nworkers and --nthreads"
        )
    if store is not None and not is_url(store):
        raise UsageError(
            f"{store} is no URL", "Write --store s3://bucket/folder; a folder of this machine is given with -o"
        )
    share = Shard.parse(shard)
    availability(ocr)  # an unknown name is told before any work begins
    if dry_run:
        _print_plan(inputs, out, settings, retry_failed, share, quiet)
        return
    limits = Limits(timeout, memory_limit)
    with console.progress(quiet) as progress, _log(log_json) as log:

        def tell(event: Event) -> None:
            if log is not None:
                log(event)
            if progress is not None:
                progress(event)

        summary = run(
            *(inputs, out, settings, jobs or len(os.sched_getaffinity(0)), limits, tell),
            retry_failed=retry_failed,
            shard=share,
            cluster=cluster,
            store=store,
        )
    kept = _promised(risk)
    if as_json:
        console.write(json.dumps(as_dict(summary) | {"risk": risk, "risk_bound": kept}, ensure_ascii=False) + "\n")
    if not quiet:
        _print_summary(summary, risk, kept)
    if summary.failures:
        raise typer.Exit(ExitCode.FAILURES)


def as_dict(summary: RunSummary) -> dict[str, object]:
    """The summary as it stands in the JSON output; docs/command-line.md describes it."""
    return {
        "out": str(summary.out),
        "documents": summary.documents,
        "read": summary.read,
        "partial": summary.partial,
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


def _print_plan(
    inputs: list[str], out: Path, settings: Settings, retry_failed: bool, shard: Shard, quiet: bool
) -> None:
    from pipeline.run import plan

    counted: Counter[str] = Counter()
    for step in plan(inputs, out, settings, retry_failed, shard):
        counted[step.action.value] += 1
        console.write(f"{step.action.value}\t{step.document.source}\t{step.reason}\n")
    if not quiet:
        console.note("nianbao: " + ", ".join(f"{number:,} to {action}" for action, number in sorted(counted.items())))


@contextlib.contextmanager
def _log(path: Path | None) -> Iterator[Callable[[Event], None] | None]:
    """What adds an event to a log, None without one."""
    if path is None:
        yield None
        return
    try:
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise _log_error(path, error) from error

    def add(event: Event) -> None:
        try:
            file.write(json.dumps(_log_line(event), ensure_ascii=False) + "\n")
        except OSError as error:
            raise _log_error(path, error) from error

    with file:
        yield add


def _log_error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written: {error.strerror or error}", "Name another file with --log-json")


def _log_line(event: Event) -> dict[str, object]:
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
        "source": event.source,
        "document_id": f"d-{event.sha256[:16]}" if event.sha256 else None,
        "status": event.status,
        "pages": event.pages,
        "seconds": round(event.seconds, 3),
        "failures": [{"page": each.page, "kind": each.kind, "cause": each.cause} for each in event.failures],
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


def _promised(risk: float) -> float:
    """Upper bound of the risk that held-out scans bear out for the threshold in use."""
    from pipeline import confidence

    return confidence.load().threshold(risk).risk


def _print_summary(summary: RunSummary, risk: float, kept: float) -> None:
    rows = [
        ("documents", f"{summary.documents:,}"),
        ("- wholly read", f"{summary.documents - summary.partial - summary.failed:,}"),
        ("- partly read", f"{summary.partial:,}"),
        ("- not read", f"{summary.failed:,}"),
        ("documents read now", f"{summary.read:,}"),
        ("pages", f"{summary.pages:,}"),
        ("reports", f"{summary.reports:,}"),
        *((f"cells {status.value}", f"{number:,}") for status, number in summary.cells.items()),
        ("accepted cells wrong", f"at most {kept:.2g}" + (f", not {risk:g}" if kept > risk else "")),
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
