"""What can go wrong, each with its cause in words, the next thing to do, and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """Exit status of the command line; one value per cause."""

    OK = 0
    FAILURES = 1
    USAGE = 2
    MISSING_DEPENDENCY = 3
    NO_INPUT = 4
    OUTPUT = 5
    CLUSTER = 6
    OTHER = 15
    INTERRUPTED = 130
    CLOSED_PIPE = 141
    TERMINATED = 143


class NianbaoError(Exception):
    """Base of every error that is reported to the user without a traceback.

    Attributes:
        cause: what happened, in words.
        advice: what to do next, in words.
    """

    exit_code = ExitCode.OTHER

    def __init__(self, cause: str, advice: str = "") -> None:
        super().__init__(f"{cause}. {advice}".strip() if advice else cause)
        self.cause = cause
        self.advice = advice

    def __reduce__(self) -> tuple[type[NianbaoError], tuple[object, ...]]:
        return (type(self), (self.cause, self.advice))


class UsageError(NianbaoError):
    """The command or its settings make no sense."""

    exit_code = ExitCode.USAGE


class MissingDependencyError(NianbaoError):
    """A program or package that was asked for is not installed."""

    exit_code = ExitCode.MISSING_DEPENDENCY


class NoInputError(NianbaoError):
    """Nothing to read was found."""

    exit_code = ExitCode.NO_INPUT


class OutputError(NianbaoError):
    """The output folder cannot be written."""

    exit_code = ExitCode.OUTPUT


class TerminatedError(NianbaoError):
    """The system asked the run to end."""

    exit_code = ExitCode.TERMINATED


class ClusterError(NianbaoError):
    """The cluster cannot be reached, was lost, or is not set up for the run."""

    exit_code = ExitCode.CLUSTER


CHOOSE_A_FOLDER = "Choose a folder that can be written and has room, with -o"


@contextmanager
def as_output_error(out: Path, advice: str = CHOOSE_A_FOLDER) -> Iterator[None]:
    """Turn what the system says while ``out`` is written into an `OutputError`."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror or error}", advice) from error


class FormError(NianbaoError):
    """A form file is malformed; the message lists every fault at once."""

    exit_code = ExitCode.USAGE


class ModelError(NianbaoError):
    """A model file is missing, damaged, of another version, or holds what must not be loaded."""

    exit_code = ExitCode.USAGE


class DocumentError(NianbaoError):
    """A document, or one page of it, cannot be read.

    Attributes:
        page: the 1-based page the fault is on, or None when it is the file as a whole.
        kind: one word for what is wrong, as in failures.csv.
    """

    exit_code = ExitCode.FAILURES
    kind = "unreadable"

    def __init__(self, cause: str, advice: str = "", page: int | None = None) -> None:
        super().__init__(cause, advice)
        self.page = page

    def __reduce__(self) -> tuple[type[NianbaoError], tuple[object, ...]]:
        return (type(self), (self.cause, self.advice, self.page))


class EncryptedDocumentError(DocumentError):
    """The document opens only with a password."""

    kind = "encrypted"


class DamagedDocumentError(DocumentError):
    """The document is cut off or its structure is broken."""

    kind = "damaged"


class UnsupportedDocumentError(DocumentError):
    """The content is not of a kind that is read here, whatever the file is called."""

    kind = "unsupported"


class TooLargeError(DocumentError):
    """A page or picture is over the limit on pixels or pages."""

    kind = "too-large"
