"""One document in a process of its own: read, stored, assembled, stored again."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline import fingerprint, records, results, stores
from pipeline.corrections import Correction
from pipeline.documents import InputFile
from pipeline.domain import DocumentReading, Extraction, Failure
from pipeline.errors import ClusterError, DocumentError, OutputError
from pipeline.forms import load_forms
from pipeline.ledger import Outcome, record_name, rows_name
from pipeline.settings import Settings
from pipeline.stores import Store

ADVICE = {
    "crashed": "The file is damaged, or there is too little memory for it; read it again with --retry-failed",
    "timeout": "Give it more time with --retry-failed --timeout, or split it",
    "memory": "Read it again with --retry-failed and a higher --memory-limit or a lower --max-megapixels",
}
"""What to do about a document at which a process was lost, by the kind of failure."""


def _warm_up(settings: Settings) -> None:
    from pipeline import extract

    extract.warm_up(settings)


def _read(data: bytes, source: str, settings: Settings) -> DocumentReading:
    from pipeline import extract

    return extract.read_document(data, source, settings)


def _assemble(document: DocumentReading, said: Sequence[Correction], settings: Settings) -> Extraction:
    from pipeline import extract

    return extract.assemble_document(document, said, settings.risk)


@dataclass(frozen=True, slots=True)
class Stages:
    """What is done with a document; each is a function that can be imported by name.

    Attributes:
        warm_up: loads what every document needs.
        read: content, source and settings to everything that is printed.
        assemble: that, what people said of it, and settings to reports.
    """

    warm_up: Callable[[Settings], None] = _warm_up
    read: Callable[[bytes, str, Settings], DocumentReading] = _read
    assemble: Callable[[DocumentReading, Sequence[Correction], Settings], Extraction] = _assemble


@dataclass(frozen=True, slots=True)
class Task:
    """One content to be read, or only to be assembled anew from its record.

    Attributes:
        position: of the input among all.
        sha256: of the content, when it was last looked at.
        known: what reading it gave before, where its record is to be used; None where it is to be read.
        store: where record and rows are put.
        reading, assembly: fingerprints.
        said: what people said of the document.
    """

    position: int
    document: InputFile
    sha256: str
    known: Outcome | None
    store: Store
    settings: Settings
    reading: str
    assembly: str
    stages: Stages
    said: Sequence[Correction]


Done = Outcome | Failure
"""What came of a task: an outcome, or why the file could not be opened."""


# --------------------------------------------------------------------------- in the processes


def prepare(stages: Stages, settings: Settings, reads: bool) -> None:
    """What a process does before its first task; one that only assembles needs no engine."""
    if reads:
        stages.warm_up(settings)


def prepare_there(stages: Stages, settings: Settings, reading: str, assembly: str) -> None:
    """What a process on another machine does before its first task.

    Raises:
        ClusterError: program, models or libraries there are not those of the run.
    """
    if (fingerprint.of_reading(settings), fingerprint.of_assembly(settings)) != (reading, assembly):
        raise ClusterError(
            f"{socket.gethostname()} has another version of nianbao, of its models or of its libraries",
            "Install the same everywhere; nianbao doctor tells the versions",
        )
    prepare(stages, settings, True)


def carry_out(task: Task) -> Done:
    """Carry out one task: its files are in place when this returns."""
    began = time.time()
    try:
        if task.known is not None:
            return _assembled_from_store(task, task.known)
        data = task.document.load()
    except DocumentError as error:
        return failure_of(error)
    sha256 = hashlib.sha256(data).hexdigest()  # of what is read now, whatever it was before
    try:
        document = task.stages.read(data, task.document.source, task.settings)
    except (DocumentError, MemoryError) as error:
        failure = (
            failure_of(error)
            if isinstance(error, DocumentError)
            else Failure(None, "there is not enough memory for it", ADVICE["memory"], "memory")
        )
        return Outcome(sha256, task.reading, 0, time.time() - began, time.time(), (failure,), 0)
    pages = sum(page.sheets for page in document.pages)
    outcome = Outcome(sha256, task.reading, pages, document.seconds, time.time(), document.failures, 0)
    if not document.pages:
        return outcome
    data = records.encode(document)
    task.store.write(record_name(sha256, task.reading), data)
    return _assembled(task, replace(outcome, size=len(data)), records.decode(data))  # as it will be read again


def _assembled_from_store(task: Task, outcome: Outcome) -> Outcome:
    name = record_name(outcome.sha256, outcome.fingerprint)
    try:
        document = records.decode(stores.read(task.store, name))
    except (OSError, ValueError) as error:
        raise OutputError(f"{name} is damaged: {error}", "Remove it and run nianbao extract again") from error
    return _assembled(task, outcome, document)


def _assembled(task: Task, outcome: Outcome, document: DocumentReading) -> Outcome:
    """The outcome once the rows of its record are in place."""
    said = task.said if outcome.sha256 == task.sha256 else ()  # of another content nobody has said it
    found = results.of(task.stages.assemble(document, said, task.settings), {form.id: form for form in load_forms()})
    name = assembled_name(outcome.fingerprint, task.assembly, said)
    task.store.write(rows_name(outcome.sha256, name), results.encode(found))
    return replace(outcome, assembled=name)


def assembled_name(reading: str, assembly: str, said: Sequence[Correction]) -> str:
    """Name of the rows that are made of a record: they depend on both fingerprints, and on what people said of it."""
    if not said:
        return f"{reading}-{assembly}"
    ids = " ".join(each.correction_id for each in said)
    return f"{reading}-{assembly}-{hashlib.sha256(ids.encode()).hexdigest()[:16]}"


def failure_of(error: DocumentError) -> Failure:
    """The failure that an error tells of."""
    return Failure(error.page, error.cause, error.advice, error.kind)
