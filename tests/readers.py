"""Stand-ins for reading a document: what they do is written in the document."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import time
from dataclasses import replace

from pipeline.domain import Extraction, Failure, Status
from pipeline.errors import DamagedDocumentError, MissingDependencyError
from pipeline.settings import Settings
from tests.reports import cell, extraction, form, missing, report, with_finding

KEYS = form().keys()


def read(data: bytes, source: str, settings: Settings) -> Extraction:
    """Do what the content says: crash, hang, fail in some way, or give a report."""
    document_id = f"d-{hashlib.sha256(data).hexdigest()[:16]}"
    return replace(_read(data, source), document_id=document_id)


def _read(data: bytes, source: str) -> Extraction:
    match data.decode().split():
        case ["crash"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["abort"]:
            os.abort()
        case ["hang"]:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
            time.sleep(600)
        case ["damaged"]:
            raise DamagedDocumentError("the file is cut off", "Scan it again")
        case ["bug"]:
            raise ZeroDivisionError("division by zero")
        case ["memory"]:
            raise MemoryError
        case ["no-engine"]:
            raise MissingDependencyError("tesseract is not installed", "apt-get install tesseract-ocr")
        case ["incomplete"]:
            one = report()
            return extraction(replace(one, cells=one.cells[:-1]), report(2), source=source)
        case ["torn-page"]:
            failure = Failure(2, "the page is torn", "Scan it again")
            return replace(extraction(with_finding(report()), source=source), failures=(failure,))
        case ["doubtful", confidence]:
            changes = {
                KEYS[0]: missing(KEYS[0]),
                KEYS[1]: replace(cell(KEYS[1]), status=Status.REVIEW, confidence=float(confidence)),
            }
            return extraction(report(changes=changes), source=source)
        case ["slow", seconds]:
            time.sleep(float(seconds))
        case ["chatter"]:
            print("a library says hello", flush=True)
            os.write(2, b"a library in C warns\n")
            logging.getLogger("library").warning("a library warns")
            logging.getLogger("library").error("something is really wrong")
        case ["environment"]:
            threads = f"{os.environ.get('OMP_NUM_THREADS')} {os.environ.get('OMP_THREAD_LIMIT')}"
            return replace(extraction(source=source), failures=(Failure(None, threads, str(os.getppid())),))
    return extraction(source=source)
