"""The state of an output folder: what was read, from which files, with what outcome, and where its record lies.

Everything stands in ``OUT/.nianbao``: a SQLite database that says what was done, and beside it, or in a place named
by a URL, one file for each document with everything that was read in it and one with the rows its reports gave. Results
come first, whole or not at all, and the line in the database last: a run that ends at any instant leaves nothing that
is counted and not there. Files are named by the SHA-256 of the content of the document and the fingerprint of what made
them.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import locations, records, stores
from pipeline.documents import InputFile
from pipeline.domain import DocumentReading, Failure, document_id
from pipeline.errors import OutputError, UsageError, as_output_error
from pipeline.stores import FolderStore, Store, UrlStore

_FOLDER = ".nianbao"
_DATABASE = "ledger.sqlite"
_LOCK = ".lock"
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inputs (
    position INTEGER PRIMARY KEY, source TEXT NOT NULL, path BLOB NOT NULL, member INTEGER, sha256 TEXT, failure TEXT
);
CREATE INDEX IF NOT EXISTS inputs_by_content ON inputs (sha256);
CREATE TABLE IF NOT EXISTS hashes (
    path BLOB NOT NULL, member INTEGER NOT NULL, stamp TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (path, member)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outcomes (
    sha256 TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, pages INTEGER NOT NULL, seconds REAL NOT NULL,
    ended REAL NOT NULL, failures TEXT NOT NULL, size INTEGER NOT NULL, assembled TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What reading one content gave.

    Attributes:
        sha256: of the content.
        fingerprint: of what decided the reading.
        pages: number of pages read.
        seconds: wall time of reading.
        ended: seconds of the wall clock.
        failures: what could not be read.
        size: bytes of its record; 0 where nothing was read, and there is none.
        assembled: name of the file with the rows of its reports; empty where there is none.
    """

    sha256: str
    fingerprint: str
    pages: int
    seconds: float
    ended: float
    failures: tuple[Failure, ...]
    size: int
    assembled: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One input with what is known of it: its content and its outcome, or why it could not be opened."""

    document: InputFile
    sha256: str | None
    failure: Failure | None
    outcome: Outcome | None


@dataclass
class Tally:
    """How far the inputs of a folder are done with: each is read wholly, read partly, failed, or waiting.

    Attributes:
        pages: number of pages read.
        kinds: number of failures by kind.
    """

    documents: int = 0
    read: int = 0
    partial: int = 0
    failed: int = 0
    waiting: int = 0
    pages: int = 0
    kinds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document of an output folder whose record is there.

    Attributes:
        sha256: of its content; ``document_id`` is "d-" and its first 16 digits.
        files: the files that hold it, at least one, in the order of the inputs; ``source`` is the name in the tables.
        record: name of its record in the store.
    """

    sha256: str
    files: tuple[InputFile, ...]
    store: Store
    record: str

    @property
    def document_id(self) -> str:
        return document_id(self.sha256)

    def reading(self) -> DocumentReading:
        """Everything that was read in it.

        Raises:
            ValueError: the record is damaged.
            OSError: it cannot be read.
        """
        return records.decode(stores.read(self.store, self.record))


class Ledger:
    """The state of one output folder, opened by `hold` to change it or by `look` to read it."""

    def __init__(self, out: Path, database: sqlite3.Connection) -> None:
        self.out = out
        self._database = database

    @cached_property
    def store(self) -> Store:
        """Where records and rows lie."""
        url = self.fact("store")
        return FolderStore(self.out.absolute() / _FOLDER) if url is None else UrlStore(url)

    # ------------------------------------------------------------------ facts

    def fact(self, name: str) -> Any:
        """What `remember` was given, None where there is nothing."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def remember(self, **facts: object) -> None:
        """Keep values that JSON can hold."""
        with self._changing() as database:
            database.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)", [(name, json.dumps(facts[name])) for name in facts]
            )

    # ------------------------------------------------------------------ inputs

    def known_contents(self, found: Sequence[InputFile]) -> list[str | None]:
        """For each input the SHA-256 of its content, where it is known and the file has not been touched since."""
        rows = self._database.execute("SELECT path, member, stamp, sha256 FROM hashes")
        known = {(path, member): (stamp, sha256) for path, member, stamp, sha256 in rows}
        contents: list[str | None] = []
        for each in found:
            then, sha256 = known.get((_path(each), _member(each)), (None, None))
            contents.append(sha256 if then is not None and then == stamp(each) else None)
        return contents

    def take_inputs(self, found: Sequence[InputFile], contents: Sequence[str | None]) -> None:
        """Put the inputs of a run, with their contents where known, in place of those of the run before."""
        with self._changing() as database:
            database.execute("DELETE FROM inputs")
            database.executemany(
                "INSERT INTO inputs VALUES (?, ?, ?, ?, ?, NULL)",
                (
                    (position, each.source, _path(each), each.member, sha256)
                    for position, (each, sha256) in enumerate(zip(found, contents, strict=True))
                ),
            )

    def identify(self, position: int, document: InputFile, sha256: str, before: str | None) -> None:
        """Note the content of an input.

        Args:
            before: what `stamp` said before the content was read.
        """
        with self._changing() as database:
            database.execute("UPDATE inputs SET sha256 = ?, failure = NULL WHERE position = ?", (sha256, position))
            if before is not None:
                row = (_path(document), _member(document), before, sha256)
                database.execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?)", row)

    def leave(self, position: int) -> None:
        """Take an input away that is not for this run."""
        with self._changing() as database:
            database.execute("DELETE FROM inputs WHERE position = ?", (position,))

    def fail_input(self, position: int, failure: Failure) -> None:
        """Note that an input could not be opened."""
        with self._changing() as database:
            database.execute(
                "UPDATE inputs SET sha256 = NULL, failure = ? WHERE position = ?", (_dump((failure,)), position)
            )

    def unsettled(self) -> list[int]:
        """Positions of the inputs that have neither an outcome nor a failure."""
        rows = self._database.execute(
            "SELECT position FROM inputs WHERE failure IS NULL AND (sha256 IS NULL OR sha256 NOT IN "
            "(SELECT sha256 FROM outcomes)) ORDER BY position"
        )
        return [position for (position,) in rows]

    def tally(self, fingerprint: str) -> Tally:
        """How far the inputs are done with; an outcome of another fingerprint counts as waiting."""
        documents, unopened = self._database.execute("SELECT count(*), count(failure) FROM inputs").fetchone()
        tally = Tally(documents=documents, failed=unopened)
        kinds: Counter[str] = Counter()
        for (failure,) in self._database.execute("SELECT failure FROM inputs WHERE failure IS NOT NULL"):
            kinds[_load(failure)[0].kind] += 1
        settled = unopened
        for number, pages, failures, size in self._database.execute(
            "SELECT count(*), outcomes.pages, failures, size FROM inputs JOIN outcomes USING (sha256) "
            "WHERE fingerprint = ? AND failure IS NULL GROUP BY sha256",
            (fingerprint,),
        ):
            settled += number
            tally.pages += number * pages
            tally.read += number * (failures == "[]")
            tally.partial += number * (failures != "[]" and size > 0)
            tally.failed += number * (failures != "[]" and size == 0)
            for each in _load(failures):
                kinds[each.kind] += number
        tally.waiting = documents - settled
        tally.kinds = dict(sorted(kinds.items()))
        return tally

    def pace(self, since: float, last: int) -> tuple[int, int, float] | None:
        """Documents and pages read and the seconds that took, of the ``last`` that ended after ``since``; or None."""
        rows = self._database.execute(
            "SELECT pages, ended, seconds FROM outcomes WHERE ended > ? ORDER BY ended DESC LIMIT ?", (since, last)
        ).fetchall()
        if not rows:
            return None
        seconds = rows[0][1] - min(ended - seconds for _, ended, seconds in rows)
        return len(rows), sum(pages for pages, _, _ in rows), seconds

    def entries(self, once: bool = False) -> Iterator[Entry]:
        """All inputs in order, with their outcomes; ``once``: of inputs with the same content the first only."""
        chosen = "WHERE position IN (SELECT min(position) FROM inputs GROUP BY sha256)" if once else ""
        for source, path, member, sha256, failure, *outcome in self._database.execute(
            "SELECT source, path, member, inputs.sha256, failure, outcomes.* "
            f"FROM inputs LEFT JOIN outcomes ON outcomes.sha256 = inputs.sha256 {chosen} ORDER BY position"
        ):
            yield Entry(
                InputFile(source, os.fsdecode(path), member),
                sha256,
                _load(failure)[0] if failure else None,
                _outcome(outcome) if outcome[0] is not None else None,
            )

    # ------------------------------------------------------------------ documents

    def outcome(self, sha256: str) -> Outcome | None:
        """What reading a content gave; None where it was not read yet."""
        row = self._database.execute("SELECT * FROM outcomes WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else _outcome(row)

    def settle(self, outcome: Outcome) -> None:
        """Note an outcome whose files are in place, and let go of the files it replaces."""
        before = self.outcome(outcome.sha256)
        with self._changing() as database:
            database.execute(
                "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(outcome.sha256, outcome.fingerprint, outcome.pages, outcome.seconds, outcome.ended),
                    *(_dump(outcome.failures), outcome.size, outcome.assembled),
                ),
            )
        if before is not None:
            for name in _files(before) - _files(outcome):
                self.store.remove(name)

    def is_whole(self, outcome: Outcome) -> bool:
        """Whether the record of an outcome is there with the size it had."""
        return outcome.size == 0 or self.store.holds(record_name(outcome.sha256, outcome.fingerprint), outcome.size)

    def is_assembled(self, outcome: Outcome, name: str) -> bool:
        """Whether the rows of an outcome are those of this name, and there; where nothing was read there are none."""
        if outcome.size == 0:
            return True
        return outcome.assembled == name and self.store.holds(rows_name(outcome.sha256, name))

    def forget(self, sha256: str) -> None:
        """Take an outcome away whose files are damaged or gone, so that the next run reads the document again."""
        with self._changing() as database:
            database.execute("DELETE FROM outcomes WHERE sha256 = ?", (sha256,))

    def documents(self) -> Iterator[StoredDocument]:
        """The documents among the inputs that have a record, each once, in the order of the inputs."""
        for entry in self.entries(once=True):
            if entry.outcome is not None and entry.outcome.size > 0:
                sha256 = entry.outcome.sha256
                record = record_name(sha256, entry.outcome.fingerprint)
                yield StoredDocument(sha256, self._holders(sha256), self.store, record)

    def _holders(self, sha256: str) -> tuple[InputFile, ...]:
        rows = self._database.execute(
            "SELECT source, path, member FROM inputs WHERE sha256 = ? ORDER BY position", (sha256,)
        )
        return tuple(InputFile(source, os.fsdecode(path), member) for source, path, member in rows)

    def keep_at(self, url: str | None) -> None:
        """Let records and rows lie at a URL (None: where they lie already, beside the database at first).

        Raises:
            OutputError: some lie elsewhere.
        """
        before = self.fact("store")
        if url is None or url.rstrip("/") == before:
            return
        if self._database.execute("SELECT 1 FROM outcomes LIMIT 1").fetchone() is not None:
            raise OutputError(
                f"{self.out} keeps what was read at {before or 'its own folder'}, not at {url}",
                "Choose another output folder, or the same --store as before",
            )
        self.remember(store=url.rstrip("/"))
        self.__dict__.pop("store", None)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One change, as a whole or not at all."""
        with _as_output_error(self.out), self._database:
            yield self._database


@contextlib.contextmanager
def hold(out: Path) -> Iterator[Ledger]:
    """Make an output folder where it is missing, and have it to oneself.

    Raises:
        OutputError: it cannot be written, its state is damaged, or another run holds it; the message says who.
    """
    folder = out / _FOLDER
    with contextlib.ExitStack() as stack:
        with _as_output_error(out):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(out))
            database = stack.enter_context(contextlib.closing(sqlite3.connect(folder / _DATABASE, timeout=30)))
            database.execute("PRAGMA journal_mode = WAL")
            # A power cut may lose the last lines, never the whole; what they told is then done again.
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_SCHEMA)
        state = Ledger(out, database)
        _check_version(state)
        state.remember(version=_VERSION)
        yield state


@contextlib.contextmanager
def look(out: Path) -> Iterator[Ledger]:
    """The state of an output folder, only to be read, also while a run goes on.

    Raises:
        UsageError: no run has written there, or its state is damaged.
    """
    path = out.absolute() / _FOLDER / _DATABASE
    advice = "Give the folder that nianbao extract was given with -o"
    if not is_there(out):
        raise UsageError(f"{out} holds no state of a run", advice)
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as database:
            state = Ledger(out, database)
            _check_version(state)
            yield state
    except sqlite3.Error as error:
        raise UsageError(f"the state in {out} cannot be read: {error}", advice) from error


@contextlib.contextmanager
def blank(out: Path) -> Iterator[Ledger]:
    """The state of an output folder in which nothing was done yet; nothing is written."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.executescript(_SCHEMA)
        yield Ledger(out, database)


def is_there(out: Path) -> bool:
    """Whether a run has left its state in an output folder."""
    return (out / _FOLDER / _DATABASE).is_file()


def holder(out: Path) -> str | None:
    """Which process writes to an output folder, in words; None where none does."""
    try:
        with (out / _LOCK).open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read(200).strip()
    except OSError:
        pass
    return None


def record_name(sha256: str, fingerprint: str) -> str:
    """Name in the store of the record of a content that was read under a fingerprint."""
    return f"records/{sha256[:2]}/{sha256}-{fingerprint}.json.gz"


def rows_name(sha256: str, assembled: str) -> str:
    """Name in the store of the rows of a content that were assembled under a name."""
    return f"rows/{sha256[:2]}/{sha256}-{assembled}.json.gz"


def stamp(document: InputFile) -> str | None:
    """What changes when a file is written to; None where it was touched so lately that this may not show."""
    if locations.is_url(document.path):
        return document.version or None
    try:
        found = os.stat(document.path)
    except OSError:
        return None
    if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) < 2_000_000_000:  # file systems count in up to 2 s
        return None
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the lock of an output folder; the system frees it when the process ends, however it ends.

    Raises:
        OutputError: another run is writing the folder; the message says which.
    """
    with (out / _LOCK).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read(200).strip() or "it does not say which"
            raise OutputError(
                f"another run is writing to {out} ({holder})",
                "Wait until it has ended, or choose another output folder",
            ) from error
        file.truncate(0)
        began = dt.datetime.now().astimezone().isoformat(" ", "seconds")
        file.write(f"process {os.getpid()} on {socket.gethostname()} since {began}\n")
        file.flush()
        yield


@contextlib.contextmanager
def _as_output_error(out: Path) -> Iterator[None]:
    try:
        with as_output_error(out):
            yield
    except sqlite3.Error as error:
        raise OutputError(
            f"the state of {out} cannot be written: {error}",
            f"Make room on the disk; if it is damaged, remove {_FOLDER} in the folder, and everything is read again",
        ) from error


def _check_version(state: Ledger) -> None:
    version = state.fact("version")
    if version not in (None, _VERSION):
        raise OutputError(
            f"the state in {state.out} is of version {version}, not {_VERSION}", "Choose another output folder with -o"
        )


def _path(document: InputFile) -> bytes:
    return os.fsencode(locations.absolute(document.path))


def _member(document: InputFile) -> int:
    return -1 if document.member is None else document.member


def _files(outcome: Outcome) -> set[str]:
    if outcome.size == 0:
        return set()
    return {record_name(outcome.sha256, outcome.fingerprint), rows_name(outcome.sha256, outcome.assembled)}


def _outcome(row: Sequence[Any]) -> Outcome:
    sha256, fingerprint, pages, seconds, ended, failures, size, assembled = row
    return Outcome(sha256, fingerprint, pages, seconds, ended, _load(failures), size, assembled)


def _dump(failures: Iterable[Failure]) -> str:
    return json.dumps([[each.page, each.cause, each.advice, each.kind] for each in failures], ensure_ascii=False)


def _load(text: str) -> tuple[Failure, ...]:
    return tuple(Failure(*each) for each in json.loads(text))
