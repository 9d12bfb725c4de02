"""Stand-ins for the stages of a document: what they do is written in the document."""

from __future__ import annotations

import hashlib
import logging
import os
import resource
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.corrections import Correction
from pipeline.domain import (
    Alternative,
    BoundingBox,
    DocumentReading,
    Extraction,
    Failure,
    LineReading,
    PageReading,
    Reading,
    Status,
    TextLine,
)
from pipeline.errors import DamagedDocumentError, EncryptedDocumentError, MissingDependencyError
from pipeline.run import Stages
from pipeline.settings import Settings
from tests.reports import cell, extraction, form, missing, report, with_finding

KEYS = form().keys()
COUNTED = "NIANBAO_TEST_COUNTED"
"""Variable that names a file to which the source of each document read is added."""


def warm_up(settings: Settings) -> None:
    """Nothing needs to be loaded."""


def read(data: bytes, source: str, settings: Settings) -> DocumentReading:
    """Crash, hang or fail in some way where the content says so, else give it as the only line of three pages."""
    document_id = f"d-{hashlib.sha256(data).hexdigest()[:16]}"
    text = data.decode()
    failures: tuple[Failure, ...] = ()
    if os.environ.get(COUNTED):
        with open(os.environ[COUNTED], "a", encoding="utf-8") as file:
            file.write(f"{source}\n")
    match text.split():
        case ["crash"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["crash-once", mark]:
            if not Path(mark).exists():
                Path(mark).touch()
                os.abort()
        case ["abort"]:
            os.abort()
        case ["hang", mark]:
            with open(mark, "a", encoding="utf-8") as file:
                file.write(f"{os.getpid()} {time.time()}\n")
            time.sleep(600)
        case ["replace", path, *words]:
            Path(path).write_text(" ".join(words))
        case ["hang"]:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
            time.sleep(600)
        case ["swell", megabytes]:
            swollen = bytearray(int(megabytes) << 20)
            swollen[:: resource.getpagesize()] = b"1" * len(swollen[:: resource.getpagesize()])
            time.sleep(1)
        case ["damaged"]:
            raise DamagedDocumentError("the file is cut off", "Scan it again")
        case ["locked", password] if settings.password != password:
            raise EncryptedDocumentError("the document opens only with a password", "Give it with --password-file")
        case ["bug"]:
            raise ZeroDivisionError("division by zero")
        case ["memory"]:
            raise MemoryError
        case ["no-engine"]:
            raise MissingDependencyError("tesseract is not installed", "apt-get install tesseract-ocr")
        case ["torn-page"]:
            failures = (Failure(2, "the page is torn", "Scan it again"),)
        case ["slow", seconds]:
            time.sleep(float(seconds))
        case ["chatter"]:
            print("a library says hello", flush=True)
            os.write(2, b"a library in C warns\n")
            logging.getLogger("library").warning("a library warns")
            logging.getLogger("library").error("something is really wrong")
        case ["environment"]:
            threads = f"{os.environ.get('OMP_NUM_THREADS')} {os.environ.get('OMP_THREAD_LIMIT')}"
            failures = (Failure(None, threads, str(os.getppid())),)
    line = TextLine(1, BoundingBox(0, 0, 1, 1), np.zeros((0, 0), np.uint8), 1.0, False, text)
    pages = PageReading(1, (LineReading(line, Reading((Alternative(text, 1.0),), "embedded")),), 3)
    return DocumentReading(document_id, source, (pages,), failures, 1.5)


def assemble(
    document: DocumentReading, said: Sequence[Correction] = (), settings: Settings | None = None
) -> Extraction:
    """The report that the content asks for."""
    item = document.pages[0].items[0]
    assert isinstance(item, LineReading)
    match item.reading.text.split():
        case ["incomplete"]:
            one = report()
            found = extraction(replace(one, cells=one.cells[:-1]), report(2))
        case ["torn-page"]:
            found = extraction(with_finding(report()))
        case ["doubtful", confidence]:
            changes = {
                KEYS[0]: missing(KEYS[0]),
                KEYS[1]: replace(cell(KEYS[1]), status=Status.REVIEW, confidence=float(confidence)),
            }
            found = extraction(report(changes=changes))
        case _:
            found = extraction()
    return replace(
        found,
        document_id=document.document_id,
        source=document.source,
        failures=document.failures,
        seconds=document.seconds,
    )


STAGES = Stages(warm_up, read, assemble)
