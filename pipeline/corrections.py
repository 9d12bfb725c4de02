"""What people answered: every correction with who, when, old and new value, in a file that only ever grows.

``corrections.csv`` lies beside the tables it corrects. A correction is bound to the content of a document and to the
canonical name of what it corrects, never to a line of a table, so it outlives new extractions of the same file. Nothing
is taken out of the file: what was wrong is undone by a further line.
"""

from __future__ import annotations

import csv
import datetime as dt
import fcntl
import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain import BoundingBox, CellKey, LabelContext, Mark, Value
from pipeline.errors import OutputError, UsageError
from pipeline.spreadsheet import ENCODING, protect_figure, read
from pipeline.stores import sweep_partial, write_whole
from pipeline.values import format_number, parse_value

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "corrections.csv"
NOT_ON_THE_FORM = "none"
"""Stands for the row id of a printed row that is no row of the form."""

_BOX = ("x0", "y0", "x1", "y1")
COLUMNS = (
    *("correction_id", "at", "reviewer", "comment", "kind", "document_id", "source", "report", "form_id"),
    *("table_id", "row_id", "column_id", "old", "new", "page", *_BOX, "reading"),
    *("label", "parent", "section", "previous", "following", "position", "columns"),
)
_MARKS = {Mark.BLANK: "blank", Mark.SLASH: "slash", Mark.DASH: "dash"}
_WORDS = {word: Value(mark) for mark, word in _MARKS.items()}
_DOCUMENT = re.compile(r"d-[0-9a-f]{16}")
_NAME = re.compile(r"[A-Za-z0-9_]{1,80}")


class Kind(StrEnum):
    """What a correction is about: the value of a cell, a printed row, the form of a report, or another correction."""

    VALUE = "value"
    ROW = "row"
    FORM = "form"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Correction:
    """One answer of a person.

    Attributes:
        at: when it was given, in UTC, ISO 8601.
        key: the cell; of a row its column is empty, and its row is empty where the row had no place on the form; of a
            form a cell of the report, where that was found.
        old, new: what the cell held and holds, in the words of `written`; of a row its row ids, ``none`` for a row that
            is not on the form; of a form form ids; of an undo ``old`` is the id of the correction undone.
        page, box: where on the page as decoded it was read; None for a cell that was not found, and for the form of a
            report of which none was.
        reading: how the machine had read the cell, as in ``cells.csv``.
        context: the printed label of the row with what surrounds it; None unless it is a row.
    """

    correction_id: str
    at: str
    reviewer: str
    comment: str
    kind: Kind
    document_id: str
    source: str
    report: int
    form_id: str
    key: CellKey
    old: str
    new: str
    page: int | None = None
    box: BoundingBox | None = None
    reading: str = ""
    context: LabelContext | None = None

    @property
    def value(self) -> Value:
        """What the cell holds according to a correction of a value."""
        return value_of(self.new)

    @property
    def target(self) -> tuple[object, ...]:
        """What it corrects; of several corrections with one target the last one holds."""
        if self.kind is Kind.ROW:
            return (self.kind, self.document_id, self.key.table_id, self.page, self.box)
        if self.kind is Kind.FORM:
            return (self.kind, self.document_id, self.report)
        if self.box is not None:
            return (self.kind, self.document_id, self.page, self.box)
        return (self.kind, self.document_id, self.report, self.key)


def written(value: Value, text: str) -> str:
    """A value as it stands in ``old`` and ``new``: a number, ``blank``, ``slash`` or ``dash``, else its text."""
    if value.number is not None:
        return format_number(value.number)
    return _MARKS.get(value.mark, text)


def value_of(text: str) -> Value:
    """The value that `written` was given, but for unit and note of a number."""
    return _WORDS.get(text) or parse_value(text)


def load(path: Path) -> tuple[Correction, ...]:
    """The corrections in force, oldest first; none where there is no file.

    Of several corrections of one cell or row the last one that was not undone is in force.

    Raises:
        UsageError: the file cannot be read or a line of it makes no sense.
    """
    return in_force(history(path))


def history(path: Path) -> tuple[Correction, ...]:
    """Every line of the file, oldest first; none where there is no file.

    Raises:
        UsageError: as `load`.
    """
    if not path.exists():
        return ()
    found = []
    for number, row in enumerate(read(path, COLUMNS), start=1):
        try:
            found.append(_parse(row))
        except ValueError as error:
            raise UsageError(
                f"{path}, correction {number}: {error}",
                "Corrections are written by `nianbao review apply`; undo the change that was made to the file by hand",
            ) from error
    return tuple(found)


def in_force(corrections: Iterable[Correction]) -> tuple[Correction, ...]:
    """Those that were neither undone nor followed by another answer to the same question, oldest first."""
    corrections = tuple(corrections)
    undone = {each.old for each in corrections if each.kind is Kind.UNDO}
    last: dict[tuple[object, ...], Correction] = {}
    for each in corrections:
        if each.kind is not Kind.UNDO and each.correction_id not in undone:
            last.pop(each.target, None)  # the order is that of the answers that hold
            last[each.target] = each
    return tuple(last.values())


def by_document(corrections: Iterable[Correction]) -> dict[str, tuple[Correction, ...]]:
    """The corrections of each document."""
    found: dict[str, list[Correction]] = {}
    for each in corrections:
        found.setdefault(each.document_id, []).append(each)
    return {document: tuple(of) for document, of in found.items()}


def append(path: Path, corrections: Sequence[Correction], at: dt.datetime) -> tuple[Correction, ...]:
    """Add corrections to the file: all of them in one step, or none.

    Args:
        corrections: their ids and times are set here.
        at: when they were given.

    Returns:
        What was written.

    Raises:
        UsageError: the file that is there cannot be read.
        OutputError: another process is writing it, or the disk is full or fails.
    """
    if not corrections:
        return ()
    with _locked(path):
        sweep_partial(path)
        before = history(path)
        taken = {each.correction_id for each in before}
        time = at.astimezone(dt.UTC).isoformat(timespec="seconds")
        new = []
        for each in corrections:
            new.append(_named(replace(each, at=time), taken))
            taken.add(new[-1].correction_id)
        kept = path.read_bytes() if before else _lines([COLUMNS], ENCODING)
        write_whole(path, kept + _lines(map(_row, new), "utf-8"), "Nothing was changed; make room and apply again")
    return tuple(new)


def undo(path: Path, ids: Sequence[str], reviewer: str, comment: str, at: dt.datetime) -> tuple[Correction, ...]:
    """Undo corrections by further lines.

    Returns:
        The corrections undone.

    Raises:
        UsageError: an id is unknown, or that correction is undone already; nothing is undone then.
        OutputError: as `append`.
    """
    before = history(path)
    known = {each.correction_id: each for each in before if each.kind is not Kind.UNDO}
    undone = {each.old for each in before if each.kind is Kind.UNDO}
    for each in ids:
        if each not in known:
            raise UsageError(f"there is no correction {each!r} in {path}", "`nianbao review undo OUT` lists them")
        if each in undone:
            raise UsageError(f"{each} is undone already", "`nianbao review undo OUT` lists those in force")
    wanted = [known[each] for each in dict.fromkeys(ids)]
    lines = [
        replace(each, kind=Kind.UNDO, reviewer=reviewer, comment=comment, old=each.correction_id, new="", context=None)
        for each in wanted
    ]
    append(path, lines, at)
    return tuple(wanted)


def _named(correction: Correction, taken: set[str]) -> Correction:
    """The correction with an id of its own: of its content, and of a count where the same was said before."""
    content = "\n".join(_row(replace(correction, correction_id="")))
    for count in range(len(taken) + 1):
        digest = hashlib.sha256(f"{count}\n{content}".encode("utf-8", "surrogatepass")).hexdigest()
        found = f"c-{digest[:16]}"
        if found not in taken:
            break
    return replace(correction, correction_id=found)


def _row(each: Correction) -> tuple[str, ...]:
    box, context = each.box, each.context
    corners = [""] * 4 if box is None else [f"{edge:.1f}" for edge in (box.x0, box.y0, box.x1, box.y1)]
    label = [""] * 7
    if context is not None:
        label = [context.text, context.parent, context.section, context.previous, context.following]
        label += [f"{context.position:.3f}", str(context.columns)]
    return (
        *(each.correction_id, each.at, each.reviewer, each.comment, each.kind.value, each.document_id, each.source),
        *(str(each.report), each.form_id, each.key.table_id, each.key.row_id, each.key.column_id, each.old, each.new),
        *("" if each.page is None else str(each.page), *corners, each.reading, *label),
    )


def _parse(row: Mapping[str, str]) -> Correction:
    """Raises ValueError where the line makes no sense."""
    kind = Kind(row["kind"])
    if not _DOCUMENT.fullmatch(row["document_id"]):
        raise ValueError(f"{row['document_id']!r} is no document id")
    names = {"form_id": row["form_id"].replace("-", "_"), "table_id": row["table_id"]}
    if kind is Kind.VALUE:
        names |= {"row_id": row["row_id"], "column_id": row["column_id"]}
        # Words that forms use instead of a figure have no note; anything else is no value of a cell.
        value = value_of(row["new"])
        if value.mark is Mark.TEXT and value.note:
            raise ValueError(f"{row['new']!r} is no value")
    if kind is Kind.ROW:
        names |= {"new": row["new"]}
    if kind is Kind.FORM:
        names |= {"new": row["new"].replace("-", "_")}
    for column, name in names.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{row[column]!r} is no {column}")
    context = None
    if kind is Kind.ROW:
        context = LabelContext(
            text=row["label"],
            parent=row["parent"],
            section=row["section"],
            previous=row["previous"],
            following=row["following"],
            position=float(row["position"] or 0),
            columns=int(row["columns"] or 0),
        )
    corners = [float(row[name]) for name in _BOX if row[name]]
    page = int(row["page"]) if row["page"] else None
    if kind is Kind.ROW and (page is None or not corners):
        raise ValueError("a row needs a page and a box")
    return Correction(
        correction_id=row["correction_id"],
        at=row["at"],
        reviewer=row["reviewer"],
        comment=row["comment"],
        kind=kind,
        document_id=row["document_id"],
        source=row["source"],
        report=int(row["report"]),
        form_id=row["form_id"],
        key=CellKey(row["table_id"], row["row_id"], row["column_id"]),
        old=row["old"],
        new=row["new"],
        page=page,
        box=BoundingBox(*corners) if len(corners) == len(_BOX) else None,
        reading=row["reading"],
        context=context,
    )


# --------------------------------------------------------------------------- the file


def _lines(rows: Iterable[Sequence[str]], encoding: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([protect_figure(each) for each in row] for row in rows)
    return text.getvalue().encode(encoding)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of the file; the system frees it when the process ends, however it ends."""
    try:
        file = path.with_name(f".{path.name}.lock").open("a")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}", "Name a folder of tables") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"another process is writing {path}", "Wait until it has ended, then try again"
            ) from error
        yield
