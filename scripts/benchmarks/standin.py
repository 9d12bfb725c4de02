"""Stages that read nothing: what is left is what a run costs around the reading. Contents say what is to happen.

A content is a word, which may be followed by anything: ``crash`` ends the process, ``hang`` never ends, ``locked`` and
``damaged`` fail; of everything else one page is given, and no report.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Sequence

from pipeline.corrections import Correction
from pipeline.domain import DocumentReading, Extraction, PageReading, document_id
from pipeline.errors import DamagedDocumentError, EncryptedDocumentError
from pipeline.run import Stages
from pipeline.settings import Settings


def _warm_up(settings: Settings) -> None:
    """Nothing is loaded."""


def _read(data: bytes, source: str, settings: Settings) -> DocumentReading:
    match data.split(maxsplit=1)[0]:
        case b"crash":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"hang":
            time.sleep(3600)
        case b"locked":
            raise EncryptedDocumentError("the document opens only with a password", "Give it with --password-file")
        case b"damaged":
            raise DamagedDocumentError("the file is cut off", "Scan it again")
    return DocumentReading(document_id(hashlib.sha256(data).hexdigest()), source, (PageReading(1, (), 1),), (), 0.0)


def _assemble(document: DocumentReading, said: Sequence[Correction], settings: Settings) -> Extraction:
    return Extraction(document.document_id, document.source, 1, (), document.failures, 0.0)


STAGES = Stages(_warm_up, _read, _assemble)
