"""The tables of an output folder, put together from what is stored."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from pipeline import results, review
from pipeline.dataset import DatasetWriter
from pipeline.domain import Status
from pipeline.errors import OutputError
from pipeline.ledger import Entry, Ledger, rows_name

_EDITABLE = "review.csv"
_AT_ONCE = 64  # documents whose rows are fetched at the same time


@dataclass
class Counts:
    """What stands in the tables; documents are read wholly, partly, or failed."""

    documents: int = 0
    partial: int = 0
    failed: int = 0
    pages: int = 0
    reports: int = 0
    findings: int = 0
    failures: int = 0
    review: int = 0
    kept: str = ""
    cells: dict[str, int] = field(default_factory=lambda: {status.value: 0 for status in Status})


def write_tables(state: Ledger) -> Counts:
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
        return Counts(**written["counts"])
    counts = Counts()
    with contextlib.closing(_Sorter()) as sorter, DatasetWriter(state.out, results.TABLES) as tables:
        asked: set[bytes] = set()  # a content that lies there twice is asked about once
        for entry, rows in _with_rows(state):
            content = bytes.fromhex(entry.sha256 or "")
            _add(entry, rows, content not in asked, tables, sorter, counts)
            asked.add(content)
        for text in sorter.sorted():
            tables.write("review.csv", text)
        counts.kept = _keep_answers(state.out)
        tables.commit()
    for name in results.TABLES:
        state.store.publish(state.out / name)
    state.remember(
        tables={"state": digest.hexdigest(), "files": _stamps(state.out), "counts": {**asdict(counts), "kept": ""}},
    )
    return counts


def _with_rows(state: Ledger) -> Iterator[tuple[Entry, results.Results | None]]:
    """Every input with its rows, None where nothing was read; many are fetched at the same time.

    Raises:
        OutputError: some are gone or damaged; their document will be read again.
    """
    entries = state.entries()
    while some := list(islice(entries, _AT_ONCE)):
        read = [
            each.outcome for each in some if each.failure is None and each.outcome is not None and each.outcome.size
        ]
        names = [rows_name(each.sha256, each.assembled) for each in read]
        rows = {each.sha256: data for each, data in zip(read, state.store.read_many(names), strict=True)}
        for entry in some:
            data = rows.get(entry.sha256 or "") if entry.failure is None else None
            yield entry, None if data is None else _decoded(entry, data, state)


def _decoded(entry: Entry, data: bytes | OSError, state: Ledger) -> results.Results:
    try:
        if isinstance(data, OSError):
            raise data
        return results.decode(data)
    except (OSError, ValueError) as error:
        state.forget(entry.sha256 or "")
        raise OutputError(
            f"the rows of {entry.document.source} are damaged: {error}", "Run nianbao extract again; it reads them anew"
        ) from error


def _add(
    entry: Entry,
    found: results.Results | None,
    first: bool,
    tables: DatasetWriter,
    sorter: _Sorter,
    counts: Counts,
) -> None:
    """Add one input to the tables; ``first``: no input before it has the same content."""
    source, outcome = entry.document.source, entry.outcome
    counts.documents += 1
    if found is None or outcome is None:
        failures = (entry.failure,) if entry.failure is not None else outcome.failures if outcome is not None else ()
        counts.failed += 1
        counts.failures += len(failures)
        for text in results.failure_rows(failures):
            tables.write("failures.csv", results.start("failures.csv", "", source) + text)
        return
    for name, rows in found.rows.items():
        start = results.start(name, found.document_id, source)
        tables.write(name, "".join(start + text for text in rows))
    if first:
        middle = results.named(source)
        sorter.add((worth, before + middle + after) for worth, before, after in found.to_review)
        counts.review += len(found.to_review)
    counts.partial += bool(outcome.failures)
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
