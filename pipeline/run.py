"""Many documents: each is read in a process of its own pool, so that a crash or a hang costs that document alone.

Results are taken in the order of the inputs, whatever finished first: the tables do not depend on the number of
processes. One process is a pool of one, for the same protection.
"""

from __future__ import annotations

import ctypes
import faulthandler
import logging
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from pipeline import dataset, review
from pipeline.documents import InputFile, find_inputs
from pipeline.domain import Extraction, Failure, FormSpec, Status
from pipeline.errors import DocumentError, NianbaoError, NoInputError, OutputError
from pipeline.forms import load_forms
from pipeline.settings import Settings

Reader = Callable[[bytes, str, Settings], Extraction]
"""Reads one document: content, source, settings; must be importable by name."""

Progress = Callable[[int, int, int], None]
"""Told after each document: documents done, documents in all, pages read so far."""

_log = logging.getLogger(__name__)
_THREAD_LIMITS = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_PR_SET_PDEATHSIG = 1
_MOST_BREAKS = 4


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run gave.

    Attributes:
        out: folder with the tables.
        documents, pages, reports: how many were read; a document that failed counts as a document.
        cells: number of cells by status.
        findings: rules that the printed figures do not satisfy.
        failures: documents and pages that could not be read.
        review: rows of review.csv.
        seconds: wall time of the whole run.
        reading_seconds: wall time from the moment the first process was ready to read.
        kept: copy of a review table of before that held answers nobody had applied.
    """

    out: Path
    documents: int
    pages: int
    reports: int
    cells: Mapping[Status, int]
    findings: int
    failures: int
    review: int
    seconds: float
    reading_seconds: float
    kept: Path | None = None

    @property
    def pages_per_second(self) -> float:
        return self.pages / self.reading_seconds if self.reading_seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Outcome:
    """An extraction and when it ended, in seconds of the wall clock."""

    extraction: Extraction
    ended: float


def read_document(data: bytes, source: str, settings: Settings) -> Extraction:
    """Read one document with the engines and models of this process, which are loaded on first use.

    Raises:
        DocumentError: nothing of the document can be read.
        MissingDependencyError: the text engine that was asked for is not installed.
        ModelError: a model is missing or damaged.
    """
    from pipeline import extract

    extract.warm_up(settings)
    return extract.assemble_document(extract.read_document(data, source, settings), settings)


def run(
    inputs: Sequence[str],
    out: Path,
    settings: Settings,
    jobs: int,
    timeout: float | None = None,
    progress: Progress | None = None,
    read: Reader = read_document,
) -> RunSummary:
    """Read all inputs and write the tables.

    Args:
        inputs: files, folders, patterns and archives, as `pipeline.documents.find_inputs` takes them.
        out: folder for the tables; it is never read as an input.
        settings: what decides the result.
        jobs: number of processes, at least 1.
        timeout: seconds after which a document is given up; None waits for ever.
        progress: called after each document, one call at a time, not always from the calling thread.
        read: how one document is read.

    Raises:
        NoInputError: there is nothing to read.
        OutputError: the folder cannot be written or another run is writing it.
        MissingDependencyError, ModelError: what every document needs is not there.
    """
    began = time.time()
    found = list(find_inputs(inputs, exclude=_own_folder(inputs, out)))
    if not found:
        raise NoInputError(
            f"nothing to read in {', '.join(inputs)}", "Name files or folders with PDF, TIFF, PNG or JPEG pictures"
        )
    forms = {form.id: form for form in load_forms()}
    tally = _Tally()
    to_review: dict[str, list[review.Item]] = {}  # a content that lies there twice is asked about once
    with dataset.DatasetWriter(out, {"review.csv": (review.REVIEW_COLUMNS, review.NUMBER_COLUMNS)}) as tables:
        for outcome in _in_order(found, settings, jobs, timeout, progress, read):
            extraction = _sound(outcome.extraction, forms)
            tables.add(extraction)
            to_review.setdefault(extraction.document_id, _review_items(extraction, forms))
            tally.add(extraction, outcome.ended)
        items = review.order(item for of in to_review.values() for item in of)
        tables.extend("review.csv", map(review.item_row, items))
        kept = _kept_answers(out)
        tables.commit()
    ended = time.time()
    return RunSummary(
        out=out,
        documents=len(found),
        pages=tally.pages,
        reports=tally.reports,
        cells=tally.cells,
        findings=tally.findings,
        failures=tally.failures,
        review=len(items),
        seconds=ended - began,
        reading_seconds=ended - min(tally.first_ready, ended),
        kept=kept,
    )


def _kept_answers(out: Path) -> Path | None:
    try:
        return review.keep_answers(out / "review.csv")
    except OSError as error:
        raise OutputError(
            f"the answers in {out / 'review.csv'} cannot be saved: {error.strerror or error}", "Move the file away"
        ) from error


def _own_folder(inputs: Sequence[str], out: Path) -> tuple[Path, ...]:
    """The output folder where it may be met while searching, and not where the inputs lie in it."""
    folder = out.resolve()
    return () if any(Path(each).resolve().is_relative_to(folder) for each in inputs) else (out,)


class _Tally:
    """Counts over a run, without keeping what was counted."""

    def __init__(self) -> None:
        self.pages = self.reports = self.findings = self.failures = 0
        self.cells: Counter[Status] = Counter(dict.fromkeys(Status, 0))
        self.first_ready = math.inf

    def add(self, extraction: Extraction, ended: float) -> None:
        self.pages += extraction.pages
        self.reports += len(extraction.reports)
        self.findings += sum(len(report.findings) for report in extraction.reports)
        self.failures += len(extraction.failures)
        self.cells.update(cell.status for report in extraction.reports for cell in report.cells)
        self.first_ready = min(self.first_ready, ended - extraction.seconds)


def _in_order(
    found: Sequence[InputFile],
    settings: Settings,
    jobs: int,
    timeout: float | None,
    progress: Progress | None,
    read: Reader,
) -> Iterator[_Outcome]:
    """What each input gave, in the order of the inputs."""
    for name in _THREAD_LIMITS:  # inherited by the processes; more threads only get in each other's way
        os.environ.setdefault(name, "1")
    meter = _Meter(len(found), progress)
    waiting = deque(found)
    breaks = 0
    while waiting:
        pool = _pool(min(jobs, len(waiting)))
        try:
            futures: deque[ProcessFuture[_Outcome]] = deque()
            for document in waiting:
                future = pool.schedule(_read_input, args=(document, settings, read), timeout=timeout)
                future.add_done_callback(meter.advance)
                futures.append(future)
            while futures:
                # A pool gives up as a whole when a process dies before it has said what it works on. What it had not
                # read goes to a new pool; a document at which that happens again and again is given up.
                if isinstance(futures[0].exception(), BrokenProcessPool) and (breaks := breaks + 1) < _MOST_BREAKS:
                    break
                breaks = 0
                yield _outcome(waiting.popleft(), futures.popleft(), timeout)
        finally:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def _pool(processes: int) -> ProcessPool:
    return ProcessPool(
        max_workers=processes,
        initializer=_prepare_process,
        initargs=(os.getpid(),),
        context=multiprocessing.get_context("spawn"),  # a fork would inherit locks held by other threads
    )


class _Meter:
    """Passes progress on, one call at a time; futures are done in threads of the pool."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._lock = threading.Lock()
        self._total = total
        self._progress = progress
        self._done = self._pages = 0

    def advance(self, future: Future[_Outcome]) -> None:
        if not future.cancelled() and isinstance(future.exception(), BrokenProcessPool):
            return  # it will be read by another pool
        with self._lock:
            self._done += 1
            if not future.cancelled() and future.exception() is None:
                self._pages += future.result().extraction.pages
            if self._progress is not None:
                self._progress(self._done, self._total, self._pages)


def _prepare_process(parent: int) -> None:
    """End with the parent, however it ends; leave standard output to it, and standard error to what matters.

    Libraries in C write warnings about damaged files to both; what is wrong is told by the failures. Errors that are
    logged, and the place of a crash, still come through.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    faulthandler.enable(sys.stderr)
    logging.basicConfig(level=logging.ERROR, format="nianbao: %(message)s")


def _read_input(document: InputFile, settings: Settings, read: Reader) -> _Outcome:
    """Runs in a process of the pool."""
    began = time.time()
    try:
        extraction = read(document.load(), document.source, settings)
    except DocumentError as error:
        extraction = _failed(document, error.cause, error.advice, error.page, time.time() - began)
    except MemoryError:
        advice = "Read it alone with --jobs 1, or with a lower --max-megapixels"
        extraction = _failed(document, "there is not enough memory for it", advice, seconds=time.time() - began)
    return _Outcome(extraction, time.time())


def _outcome(document: InputFile, future: ProcessFuture[_Outcome], timeout: float | None) -> _Outcome:
    """Wait for one document; whatever became of its process is an outcome of that document.

    Raises:
        NianbaoError: something is wrong that concerns every document.
    """
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, NianbaoError):
        raise error
    if isinstance(error, TimeoutError):
        cause = f"reading it took longer than {timeout:g} seconds"
        advice = "Give it more time with --timeout, or split it"
    elif isinstance(error, ProcessExpired | BrokenProcessPool):
        how = _how_it_ended(error.exitcode) if isinstance(error, ProcessExpired) else "before it said how"
        cause = f"the process that read it ended early ({how})"
        advice = (
            "Read it alone with --jobs 1; if that fails too, the file is damaged or needs more memory than there is"
        )
    else:
        _log.error("%s: unexpected error", document.source, exc_info=error)
        cause = f"an unexpected error: {type(error).__name__}: {error}"
        advice = "This is a fault of nianbao; please report it with the message on standard error"
    return _Outcome(_failed(document, cause, advice), time.time())


def _how_it_ended(exitcode: int) -> str:
    if exitcode >= 0:
        return f"exit code {exitcode}"
    try:
        return signal.Signals(-exitcode).name
    except ValueError:
        return f"signal {-exitcode}"


def _failed(document: InputFile, cause: str, advice: str, page: int | None = None, seconds: float = 0.0) -> Extraction:
    return Extraction(
        document_id="",
        source=document.source,
        pages=0,
        reports=(),
        failures=(Failure(page, cause, advice),),
        seconds=seconds,
    )


def _sound(extraction: Extraction, forms: Mapping[str, FormSpec]) -> Extraction:
    """The extraction with reports that lack cells or have too many turned into failures."""
    faulty = {
        report.index: found for report in extraction.reports if (found := dataset.faults(report, forms[report.form_id]))
    }
    if not faulty:
        return extraction
    failures = tuple(
        Failure(
            None,
            f"report {index} of the document is inconsistent: {'; '.join(found[:5])}",
            "This is a fault of nianbao; please report it with the file",
        )
        for index, found in faulty.items()
    )
    sound = tuple(report for report in extraction.reports if report.index not in faulty)
    return replace(extraction, reports=sound, failures=(*extraction.failures, *failures))


def _review_items(extraction: Extraction, forms: Mapping[str, FormSpec]) -> list[review.Item]:
    """What a person is asked about one document."""
    return [
        item
        for report in extraction.reports
        for item in review.items_of(
            [dataset.cell_row(extraction, report, each) for each in report.cells],
            [dataset.printed_row(extraction, report, each) for each in report.rows],
            [dataset.finding_row(extraction, report, each) for each in report.findings],
            forms[report.form_id],
        )
    ]
