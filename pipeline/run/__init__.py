"""Many documents: what is to be read, read in processes of its own, and the tables made of everything that was read.

What was read under the same fingerprint before is not read again. A document is read in a process apart, so that a
crash or a hang costs that document alone. Its record is stored first and the line in the ledger last; the tables are
put together at the end from what is stored, in the order of the inputs. So they depend neither on the number of
processes nor on how often the run was stopped, but for the seconds that reading took.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline import corrections, fingerprint, locations
from pipeline.corrections import Correction
from pipeline.documents import InputFile, find_inputs
from pipeline.domain import Status
from pipeline.errors import NoInputError, OutputError
from pipeline.ledger import blank, hold, is_there, look
from pipeline.run.output import Counts, write_tables
from pipeline.run.plan import Action, Plan, Shard, Step
from pipeline.run.tasks import Stages
from pipeline.run.work import Event, Work
from pipeline.settings import Settings
from pipeline.workers import Limits

__all__ = ["Action", "Event", "RunSummary", "Shard", "Stages", "Step", "plan", "rebuild", "run"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run gave.

    Attributes:
        out: folder with the tables.
        documents, pages, reports: how many there are; a document that failed counts as a document.
        read: documents read in this run; the others were known, or have the same content as one that was.
        partial: documents of which some pages could not be read.
        failed: documents of which nothing could be read; the rest was read wholly.
        cells: number of cells by status.
        findings: rules that the printed figures do not satisfy.
        failures: documents and pages that could not be read.
        review: rows of review.csv.
        seconds: wall time of the whole run.
        pages_per_second: pages read in this run, from the moment the first process was ready to read.
        kept: copy of a review table of before that held answers nobody had applied.
    """

    out: Path
    documents: int
    pages: int
    reports: int
    read: int
    partial: int
    failed: int
    cells: Mapping[Status, int]
    findings: int
    failures: int
    review: int
    seconds: float
    pages_per_second: float
    kept: Path | None = None


def run(
    inputs: Sequence[str],
    out: Path,
    settings: Settings,
    jobs: int,
    limits: Limits | None = None,
    tell: Callable[[Event], None] | None = None,
    stages: Stages | None = None,
    retry_failed: bool = False,
    shard: Shard | None = None,
    cluster: str | None = None,
    store: str | None = None,
) -> RunSummary:
    """Read all inputs that were not read before, and write the tables of all.

    Args:
        inputs: files, folders, patterns, archives and URLs, as `pipeline.documents.find_inputs` takes them.
        out: folder for the tables and for the state of the run; it is never read as an input.
        settings: what decides the result.
        jobs: number of processes, at least 1.
        limits: what one document may cost; without them it may take for ever.
        tell: called after each document.
        stages: how one document is read.
        retry_failed: read again what could not be read before, or not all of it.
        shard: read only the documents of this share; the tables hold no others. All without it.
        store: URL of the place where what is read is kept, and the tables are put as well; OUT without one.
        cluster: address of a scheduler whose machines read, instead of ``jobs`` processes of this one.

    Raises:
        NoInputError: there is nothing to read.
        OutputError: the folder cannot be written or another run is writing it.
        MissingDependencyError, ModelError: what every document needs is not there.
        ClusterError: the cluster cannot be reached, was lost, or is not set up for this run.
        KeyboardInterrupt: the user interrupted; documents in hand had some seconds to end, and what was read is kept.
        TerminatedError: the same by SIGTERM.
    """
    began = time.time()
    found = _find(inputs, out)
    reading, assembly = fingerprint.of_reading(settings), fingerprint.of_assembly(settings)
    with hold(out) as state:
        state.keep_at(store)
        state.store.sweep()
        state.remember(
            settings={name: value for name, value in asdict(settings).items() if name != "password"},
            roots=[locations.absolute(each) for each in inputs],
            reading=reading,
            began=began,
            ended=None,
        )
        decided = Plan(state, settings, reading, assembly, retry_failed, _said(out), shard or Shard())
        work = Work(decided, stages or Stages(), tell, cluster)
        work.read_all(found, jobs, limits or Limits())
        read_until = time.time()
        counts = write_tables(state)
        if counts.documents + work.left != len(found):
            raise RuntimeError(f"{len(found) - work.left} documents went in, {counts.documents} came out")
        state.remember(ended=time.time())
    return _summary(out, counts, work, began, read_until)


def plan(
    inputs: Sequence[str], out: Path, settings: Settings, retry_failed: bool = False, shard: Shard | None = None
) -> Iterator[Step]:
    """What `run` would do about each input, and why; nothing is written.

    Raises:
        NoInputError: there is nothing to read.
        MissingDependencyError, ModelError: what every document needs is not there.
        UsageError: the state of the folder cannot be read.
    """
    found = _find(inputs, out)
    reading, assembly = fingerprint.of_reading(settings), fingerprint.of_assembly(settings)
    with look(out) if is_there(out) else blank(out) as state:
        decided = Plan(state, settings, reading, assembly, retry_failed, _said(out), shard or Shard())
        yield from decided.steps(range(len(found)), found, state.known_contents(found))


def _said(out: Path) -> Mapping[str, Sequence[Correction]]:
    """What people said, by document id."""
    return corrections.by_document(corrections.load(out / corrections.FILE))


def rebuild(
    out: Path, jobs: int = 1, stages: Stages | None = None, first: Callable[[], object] = lambda: None
) -> RunSummary:
    """Assemble anew what was read, where its rows are not of the present forms, rules and models, and write the tables.

    Nothing is read again: the inputs need not be there.

    Args:
        out: folder of a run that has come to its end.
        jobs: number of processes, at least 1.
        stages: how one document is assembled.
        first: done before, while no other run can write the folder.

    Raises:
        OutputError: the folder cannot be written, another run is writing it, or its run has not come to its end; then
            nothing was done.
        ModelError: there is no label model.
    """
    began = time.time()
    with hold(out) as state:
        state.store.sweep()
        settings = replace(Settings(), risk=(state.fact("settings") or {}).get("risk", Settings().risk))
        assembly = fingerprint.of_assembly(settings)
        waiting = len(state.unsettled())
        if waiting:
            raise OutputError(
                f"{waiting} of the documents of {out} were not read yet", "Run nianbao extract again to read the rest"
            )
        first()
        work = Work(Plan(state, settings, "", assembly, False, _said(out)), stages or Stages())
        work.assemble_all(jobs)
        counts = write_tables(state)
    return _summary(out, counts, work, began, began)


def _find(inputs: Sequence[str], out: Path) -> list[InputFile]:
    """The documents; the output folder is left out where it may be met while searching."""
    folder = out.resolve()
    inside = any(
        not locations.is_url(each) and Path(each).resolve().is_relative_to(folder) for each in inputs
    )  # then it is meant
    found = list(find_inputs(inputs, exclude=() if inside else (out,)))
    if not found:
        raise NoInputError(
            f"nothing to read in {', '.join(inputs)}", "Name files or folders with PDF, TIFF, PNG or JPEG pictures"
        )
    return found


def _summary(out: Path, counts: Counts, work: Work, began: float, read_until: float) -> RunSummary:
    seconds = read_until - work.first_ready
    return RunSummary(
        out=out,
        documents=counts.documents,
        pages=counts.pages,
        reports=counts.reports,
        read=work.read,
        partial=counts.partial,
        failed=counts.failed,
        cells={status: counts.cells[status.value] for status in Status},
        findings=counts.findings,
        failures=counts.failures,
        review=counts.review,
        seconds=time.time() - began,
        pages_per_second=work.pages / seconds if seconds > 0 else 0.0,
        kept=out / counts.kept if counts.kept else None,
    )
