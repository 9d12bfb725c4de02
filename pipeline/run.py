"""Many documents: what is to be read, read in processes of its own, and the tables made of everything that was read.

What was read under the same fingerprint before is not read again. A document is read in a process apart, so that a
crash or a hang costs that document alone. Its record is stored first and the line in the ledger last; the tables are
put together at the end from what is stored, in the order of the inputs. So they depend neither on the number of
processes nor on how often the run was stopped, but for the seconds that reading took.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from pipeline import fingerprint, records, results, review
from pipeline.dataset import DatasetWriter
from pipeline.documents import InputFile, find_inputs
from pipeline.domain import DocumentReading, Extraction, Failure, Status
from pipeline.errors import DocumentError, NianbaoError, NoInputError, OutputError
from pipeline.forms import load_forms
from pipeline.ledger import Entry, Ledger, Outcome, hold, record_path, rows_path, stamp, write_whole
from pipeline.settings import Settings
from pipeline.workers import Answer, Limits, LostError, Pool

Progress = Callable[[int, int, int], None]
"""Told after each document: documents done, documents in all, pages read so far."""

_log = logging.getLogger(__name__)
_MOST_ROUNDS = 3
_EDITABLE = "review.csv"
_LOST_ADVICE = {
    "crashed": "The file is damaged, or there is too little memory for it; read it again with --retry-failed",
    "timeout": "Give it more time with --retry-failed --timeout, or split it",
    "memory": "Read it again with --retry-failed and --jobs 1 or a lower --max-megapixels",
}
_THREAD_LIMITS = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _warm_up(settings: Settings) -> None:
    from pipeline import extract

    extract.warm_up(settings)


def _read(data: bytes, source: str, settings: Settings) -> DocumentReading:
    from pipeline import extract

    return extract.read_document(data, source, settings)


def _assemble(document: DocumentReading) -> Extraction:
    from pipeline import extract

    return extract.assemble_document(document)


@dataclass(frozen=True, slots=True)
class Stages:
    """What is done with a document; each is a function that can be imported by name.

    Attributes:
        warm_up: loads what every document needs.
        read: content, source and settings to everything that is printed.
        assemble: that to reports.
    """

    warm_up: Callable[[Settings], None] = _warm_up
    read: Callable[[bytes, str, Settings], DocumentReading] = _read
    assemble: Callable[[DocumentReading], Extraction] = _assemble


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run gave.

    Attributes:
        out: folder with the tables.
        documents, pages, reports: how many there are; a document that failed counts as a document.
        read: documents read in this run; the others were known, or have the same content as one that was.
        failed: documents of which nothing could be read.
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
    failed: int
    cells: Mapping[Status, int]
    findings: int
    failures: int
    review: int
    seconds: float
    pages_per_second: float
    kept: Path | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    """One content to be read, or only to be assembled anew from its record.

    Attributes:
        position: of the input among all.
        sha256: of the content, when it was last looked at.
        known: what reading it gave before, where its record is to be used; None where it is to be read.
        reading, assembly: fingerprints.
    """

    position: int
    document: InputFile
    sha256: str
    known: Outcome | None
    out: Path
    settings: Settings
    reading: str
    assembly: str
    stages: Stages


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of a task: an outcome, or why the file could not be opened."""

    outcome: Outcome | None
    failure: Failure | None = None


def run(
    inputs: Sequence[str],
    out: Path,
    settings: Settings,
    jobs: int,
    timeout: float | None = None,
    progress: Progress | None = None,
    stages: Stages | None = None,
    retry_failed: bool = False,
) -> RunSummary:
    """Read all inputs that were not read before, and write the tables of all.

    Args:
        inputs: files, folders, patterns and archives, as `pipeline.documents.find_inputs` takes them.
        out: folder for the tables and for the state of the run; it is never read as an input.
        settings: what decides the result.
        jobs: number of processes, at least 1.
        timeout: seconds after which a document is given up; None waits for ever.
        progress: called after each document.
        stages: how one document is read.
        retry_failed: read again what could not be read before, or not all of it.

    Raises:
        NoInputError: there is nothing to read.
        OutputError: the folder cannot be written or another run is writing it.
        MissingDependencyError, ModelError: what every document needs is not there.
        KeyboardInterrupt: the user interrupted; documents in hand had some seconds to end, and what was read is kept.
    """
    began = time.time()
    found = list(find_inputs(inputs, exclude=_own_folder(inputs, out)))
    if not found:
        raise NoInputError(
            f"nothing to read in {', '.join(inputs)}", "Name files or folders with PDF, TIFF, PNG or JPEG pictures"
        )
    tell = None if progress is None else lambda done, pages: progress(done, len(found), pages)
    reading, assembly = fingerprint.of_reading(settings), fingerprint.of_assembly()
    with hold(out) as state:
        state.sweep()
        state.remember(settings=_kept(settings), roots=[os.path.abspath(each) for each in inputs])
        work = _Work(state, assembly, stages or Stages(), settings, reading, retry_failed, tell)
        work.read_all(found, jobs, Limits(timeout))
        read_until = time.time()
        counts = _write_tables(state)
    return _summary(out, counts, work, began, read_until)


def rebuild(out: Path, jobs: int = 1, stages: Stages | None = None) -> RunSummary:
    """Assemble anew what was read, where its rows are not of the present forms, rules and models, and write the tables.

    Nothing is read again: the inputs need not be there.

    Args:
        out: folder of a run that has come to its end.
        jobs: number of processes, at least 1.
        stages: how one document is assembled.

    Raises:
        OutputError: the folder cannot be written, another run is writing it, or its run has not come to its end.
        ModelError: there is no label model.
    """
    began = time.time()
    assembly = fingerprint.of_assembly()
    with hold(out) as state:
        state.sweep()
        waiting = len(state.unsettled())
        if waiting:
            raise OutputError(
                f"{waiting} of the documents of {out} were not read yet", "Run nianbao extract again to read the rest"
            )
        work = _Work(state, assembly, stages or Stages())
        work.assemble_all(jobs)
        counts = _write_tables(state)
    return _summary(out, counts, work, began, began)


def _own_folder(inputs: Sequence[str], out: Path) -> tuple[Path, ...]:
    """The output folder where it may be met while searching, and not where the inputs lie in it."""
    folder = out.resolve()
    return () if any(Path(each).resolve().is_relative_to(folder) for each in inputs) else (out,)


def _kept(settings: Settings) -> dict[str, object]:
    """The settings as they are remembered: without the password."""
    return {name: value for name, value in asdict(settings).items() if name != "password"}


class _Work:
    """Everything that is to be done before the tables can be written, and what came of it so far."""

    def __init__(
        self,
        state: Ledger,
        assembly: str,
        stages: Stages,
        settings: Settings | None = None,
        reading: str = "",
        retry_failed: bool = False,
        tell: Callable[[int, int], None] | None = None,
    ) -> None:
        self._state = state
        self._assembly = assembly
        self._stages = stages
        self._settings = settings or Settings()
        self._reading = reading
        self._retry_failed = retry_failed
        self._tell = tell
        self._done: set[int] = set()
        self.read = self.pages = 0
        self.first_ready = math.inf

    def read_all(self, found: Sequence[InputFile], jobs: int, limits: Limits) -> None:
        """Read what has to be read, and assemble what has to be assembled.

        Raises:
            KeyboardInterrupt, NianbaoError: as `run` says.
        """
        contents = self._state.take_inputs(found)
        waiting: Sequence[int] = range(len(found))
        for _ in range(_MOST_ROUNDS):
            chosen = waiting
            self._carry_out(
                lambda stopping, chosen=chosen: self._to_do(chosen, found, contents, stopping),  # type: ignore[misc]
                min(jobs, len(waiting)),
                limits,
            )
            # A file that changed between two looks leaves those behind that had the content it had at first.
            waiting = self._state.unsettled()
            if not waiting:
                return
        raise RuntimeError(f"{len(waiting)} of {len(found)} documents have no outcome")

    def assemble_all(self, jobs: int) -> None:
        """Assemble what was read, where its rows are of another state than the present one."""
        tasks = [
            self._task(position, entry.document, entry.outcome.sha256, entry.outcome)
            for position, entry in enumerate(self._state.entries(once=True))
            if entry.outcome is not None and not self._is_assembled(entry.outcome)
        ]
        if tasks:
            self._carry_out(lambda _: iter(tasks), min(jobs, len(tasks)), Limits())

    def _carry_out(
        self, tasks: Callable[[Callable[[], bool]], Iterator[_Task]], processes: int, limits: Limits
    ) -> None:
        for name in _THREAD_LIMITS:  # inherited by the processes; more threads only get in each other's way
            os.environ.setdefault(name, "1")
        with _stoppable() as stopping:
            lost = self._run(tasks(stopping), processes, limits, stopping, last_try=False)
            for task in lost:  # alone: it may have been the fault of what ran beside it
                self._run(iter([task]), 1, limits, stopping, last_try=True)
            if stopping():
                raise KeyboardInterrupt

    def _run(
        self, tasks: Iterator[_Task], processes: int, limits: Limits, stopping: Callable[[], bool], last_try: bool
    ) -> list[_Task]:
        """Carry out tasks; returns those whose process was lost and that may be tried once more."""
        lost: list[_Task] = []
        with Pool(processes, partial(_prepare, self._stages, self._settings, self._reading), _do, limits) as pool:
            for answer in pool.run(tasks, stopping):
                if isinstance(answer.error, LostError) and not last_try:
                    lost.append(answer.task)
                else:
                    self._settle(answer)
        return lost

    def _to_do(
        self,
        chosen: Sequence[int],
        found: Sequence[InputFile],
        contents: Sequence[str | None],
        stopping: Callable[[], bool],
    ) -> Iterator[_Task]:
        """What is to be done, in the order of the inputs; what is known or cannot be opened is settled on the way."""
        taken: set[str] = set()
        for position in chosen:
            if stopping():
                return
            document, sha256 = found[position], contents[position]
            if sha256 is None:
                before = stamp(document)
                try:
                    sha256 = document.sha256()
                except DocumentError as error:
                    self._state.fail_input(position, Failure(error.page, error.cause, error.advice, error.kind))
                    self._advance(position)
                    continue
                self._state.identify(position, document, sha256, before)
            if sha256 not in taken:
                taken.add(sha256)
                known = self._state.outcome(sha256)
                to_read = known is None or not self._holds(known)
                if to_read or (known is not None and not self._is_assembled(known)):
                    yield self._task(position, document, sha256, None if to_read else known)
                    continue
            self._advance(position)

    def _holds(self, known: Outcome) -> bool:
        """Whether an outcome from before is what reading would give now."""
        if self._retry_failed and known.failures:
            return False
        if self._settings.password is not None and any(each.kind == "encrypted" for each in known.failures):
            return False
        return known.fingerprint == self._reading and self._state.is_whole(known)

    def _is_assembled(self, known: Outcome) -> bool:
        return self._state.is_assembled(known, _rows_name(known.fingerprint, self._assembly))

    def _task(self, position: int, document: InputFile, sha256: str, known: Outcome | None) -> _Task:
        return _Task(
            *(position, document, sha256, known, self._state.out, self._settings),
            *(self._reading, self._assembly, self._stages),
        )

    def _settle(self, answer: Answer[_Task, _Done]) -> None:
        """Note what came of a task; whatever became of its process is an outcome of that document.

        Raises:
            NianbaoError: something is wrong that concerns every document.
        """
        task, error, done = answer.task, answer.error, answer.result
        if error is None and done is not None:
            outcome, failure = done.outcome, done.failure
        elif isinstance(error, NianbaoError):
            raise error
        else:
            if isinstance(error, LostError):
                failure = Failure(None, str(error), _LOST_ADVICE[error.kind], error.kind)
            else:
                _log.error("%s: unexpected error", task.document.source, exc_info=error)
                cause = f"an unexpected error: {type(error).__name__}: {error}"
                advice = "This is a fault of nianbao; please report it with the message on standard error"
                failure = Failure(None, cause, advice, "fault")
            outcome = Outcome(task.sha256, self._reading, 0, 0.0, answer.ended, (failure,), 0)
        if outcome is None:
            if failure is not None:
                self._state.fail_input(task.position, failure)
        else:
            if outcome.sha256 != task.sha256:
                self._state.identify(task.position, task.document, outcome.sha256, None)
            self._state.settle(outcome)
            if task.known is None:
                self.read += 1
                self.pages += outcome.pages
                self.first_ready = min(self.first_ready, answer.ended - outcome.seconds)
        self._advance(task.position)

    def _advance(self, position: int) -> None:
        self._done.add(position)
        if self._tell is not None:
            self._tell(len(self._done), self.pages)


@contextlib.contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Within the block the first Ctrl-C only makes the function yielded say so; the second one interrupts at once."""
    asked = threading.Event()

    def stop(number: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():  # only there signals arrive
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


# --------------------------------------------------------------------------- in the processes


def _prepare(stages: Stages, settings: Settings, reading: str) -> None:
    if reading:  # else nothing is read
        stages.warm_up(settings)


def _do(task: _Task) -> _Done:
    """Carry out one task: its files are in place when this returns."""
    began = time.time()
    try:
        if task.known is not None:
            return _Done(_assembled(task, task.known))
        data = task.document.load()
    except DocumentError as error:
        return _Done(None, Failure(error.page, error.cause, error.advice, error.kind))
    sha256 = hashlib.sha256(data).hexdigest()  # of what is read now, whatever it was before
    try:
        document = task.stages.read(data, task.document.source, task.settings)
    except (DocumentError, MemoryError) as error:
        failure = (
            Failure(error.page, error.cause, error.advice, error.kind)
            if isinstance(error, DocumentError)
            else Failure(None, "there is not enough memory for it", _LOST_ADVICE["memory"], "memory")
        )
        return _Done(Outcome(sha256, task.reading, 0, time.time() - began, time.time(), (failure,), 0))
    pages = sum(page.sheets for page in document.pages)
    outcome = Outcome(sha256, task.reading, pages, document.seconds, time.time(), document.failures, 0)
    if not document.pages:
        return _Done(outcome)
    data = records.encode(document)
    write_whole(record_path(task.out, sha256, task.reading), data)
    return _Done(_assembled(task, replace(outcome, size=len(data))))


def _assembled(task: _Task, outcome: Outcome) -> Outcome:
    """The outcome once the rows of its record are in place."""
    path = record_path(task.out, outcome.sha256, outcome.fingerprint)
    try:
        document = records.decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} is damaged: {error}", "Remove it and run nianbao extract again") from error
    found = results.of(task.stages.assemble(document), {form.id: form for form in load_forms()})
    name = _rows_name(outcome.fingerprint, task.assembly)
    write_whole(rows_path(task.out, outcome.sha256, name), results.encode(found))
    return replace(outcome, assembled=name)


def _rows_name(reading: str, assembly: str) -> str:
    return f"{reading}-{assembly}"


# --------------------------------------------------------------------------- tables


@dataclass
class _Counts:
    """What stands in the tables."""

    documents: int = 0
    failed: int = 0
    pages: int = 0
    reports: int = 0
    findings: int = 0
    failures: int = 0
    review: int = 0
    kept: str = ""
    cells: dict[str, int] = field(default_factory=lambda: {status.value: 0 for status in Status})


def _write_tables(state: Ledger) -> _Counts:
    """Write the tables, unless they are already those of what is stored."""
    digest = hashlib.sha256()
    for entry in state.entries():
        digest.update(repr(entry).encode("utf-8", "backslashreplace"))
    written, there = state.fact("tables"), _stamps(state.out)
    edited = written is not None and written["files"].get(_EDITABLE) != there.get(_EDITABLE) and _EDITABLE in there
    if (
        written is not None
        and written["state"] == digest.hexdigest()
        and all(
            there.get(name) == written["files"].get(name) or (edited and name == _EDITABLE) for name in results.TABLES
        )
    ):
        return _Counts(**written["counts"])
    counts = _Counts()
    with contextlib.closing(_Sorter()) as sorter, DatasetWriter(state.out, results.TABLES) as tables:
        asked: set[bytes] = set()  # a content that lies there twice is asked about once
        for entry in state.entries():
            content = bytes.fromhex(entry.sha256 or "")
            _add(entry, content not in asked, state, tables, sorter, counts)
            asked.add(content)
        for text in sorter.sorted():
            tables.write("review.csv", text)
        counts.kept = _keep_answers(state.out)
        tables.commit()
    state.remember(
        tables={"state": digest.hexdigest(), "files": _stamps(state.out), "counts": {**asdict(counts), "kept": ""}},
    )
    return counts


def _add(entry: Entry, first: bool, state: Ledger, tables: DatasetWriter, sorter: _Sorter, counts: _Counts) -> None:
    """Add one input to the tables; ``first``: no input before it has the same content."""
    source, outcome = entry.document.source, entry.outcome
    counts.documents += 1
    if entry.failure is not None or outcome is None or outcome.size == 0:
        failures = (entry.failure,) if entry.failure is not None else outcome.failures if outcome is not None else ()
        counts.failed += 1
        counts.failures += len(failures)
        for text in results.failure_rows(failures):
            tables.write("failures.csv", results.start("failures.csv", "", source) + text)
        return
    path = rows_path(state.out, outcome.sha256, outcome.assembled)
    try:
        found = results.decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} is damaged: {error}", "Remove it and run nianbao extract again") from error
    for name, rows in found.rows.items():
        start = results.start(name, found.document_id, source)
        tables.write(name, "".join(start + text for text in rows))
    if first:
        middle = results.named(source)
        sorter.add((worth, before + middle + after) for worth, before, after in found.to_review)
        counts.review += len(found.to_review)
    counts.pages += found.pages
    counts.reports += found.reports
    counts.findings += found.findings
    counts.failures += len(found.rows["failures.csv"])
    for status, number in found.cells.items():
        counts.cells[status] += number


def _keep_answers(out: Path) -> str:
    """The copy of a table for review in which somebody wrote answers; empty where there are none."""
    try:
        kept = review.keep_answers(out / _EDITABLE)
    except OSError as error:
        raise OutputError(
            f"the answers in {out / _EDITABLE} cannot be saved: {error.strerror or error}", "Move the file away"
        ) from error
    return "" if kept is None else kept.name


class _Sorter:
    """Sorts more lines than there is memory for, what is worth most first; equals stay in the order they came in."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # in memory at first, then in a temporary file
        self._database.execute("CREATE TABLE lines (worth REAL, text TEXT)")

    def add(self, lines: Iterable[tuple[float, str]]) -> None:
        self._database.executemany("INSERT INTO lines VALUES (?, ?)", lines)

    def sorted(self) -> Iterator[str]:
        for (text,) in self._database.execute("SELECT text FROM lines ORDER BY worth DESC, rowid"):
            yield text

    def close(self) -> None:
        self._database.close()


def _stamps(out: Path) -> dict[str, list[int]]:
    """Size and time of each table that is there."""
    found = {}
    for name in results.TABLES:
        with contextlib.suppress(OSError):
            stat = (out / name).stat()
            found[name] = [stat.st_size, stat.st_mtime_ns]
    return found


def _summary(out: Path, counts: _Counts, work: _Work, began: float, read_until: float) -> RunSummary:
    seconds = read_until - work.first_ready
    return RunSummary(
        out=out,
        documents=counts.documents,
        pages=counts.pages,
        reports=counts.reports,
        read=work.read,
        failed=counts.failed,
        cells={status: counts.cells[status.value] for status in Status},
        findings=counts.findings,
        failures=counts.failures,
        review=counts.review,
        seconds=time.time() - began,
        pages_per_second=work.pages / seconds if seconds > 0 else 0.0,
        kept=out / counts.kept if counts.kept else None,
    )
