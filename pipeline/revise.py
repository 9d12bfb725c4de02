"""The reviewer's round trip over a finished dataset: what is to be asked, and what the answers change."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from pipeline import dataset, ledger, review
from pipeline.errors import OutputError, UsageError
from pipeline.forms import load_forms
from pipeline.review.pictures import cut_pictures
from pipeline.spreadsheet import Writer, read

TABLE = "review.csv"
PICTURES = "pictures"

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        path: the table.
        items: number of its lines, out of ``of`` items in all.
        pictures: how many pictures were cut.
        lacking: why some items have none, in words with their number.
        kept: where answers that nobody has applied were saved; None where there were none.
    """

    path: Path
    items: int
    of: int
    pictures: int
    lacking: Mapping[str, int]
    kept: Path | None


def questions(out: Path, level: review.Level, budget: int | None = None) -> tuple[list[review.Item], int]:
    """What a person is to be asked about a dataset, what is worth most first; and how much there is in all.

    Args:
        out: output folder of a run.
        budget: at most so many; None for all.

    Raises:
        UsageError: a table is missing or cannot be read.
    """
    forms = {form.id: form for form in load_forms()}
    found: list[review.Item] = []
    asked: dict[str, str] = {}
    for cells, rows, findings in _reports(out):
        first = cells[0]
        # A content that lies there under two names is asked about once.
        if asked.setdefault(first["document_id"], first["source"]) != first["source"]:
            continue
        if first["form_id"] not in forms:
            raise UsageError(
                f"{out / 'cells.csv'} has a report on the form {first['form_id']!r}, which is not known",
                "Extract the scans again",
            )
        found.extend(review.items_of(cells, rows, findings, forms[first["form_id"]], level))
    return review.order(found)[:budget], len(found)


def export(
    out: Path, level: review.Level, budget: int | None = None, scans: Path | None = None, to: Path | None = None
) -> Exported:
    """Write the table of what is to be asked.

    Args:
        out, level, budget: as of `questions`.
        scans: folder, archive or file that was read, for the pictures; None for none.
        to: the file; ``review.csv`` in the output folder by default. Pictures lie in a folder beside it.

    Raises:
        UsageError: a table is missing or cannot be read.
        OutputError: the table cannot be written, or a run is writing the folder.
    """
    path = to or out / TABLE
    _require(out / "cells.csv")
    with ledger.locked(out):
        items, of = questions(out, level, budget)
        links: dict[str, str] = {}
        lacking: dict[str, int] = {}
        try:
            if scans is not None:
                folder = path.parent / PICTURES
                folder.mkdir(exist_ok=True)
                for item, picture in cut_pictures(items, scans):
                    if isinstance(picture, str):
                        lacking[picture] = lacking.get(picture, 0) + 1
                        continue
                    links[item.item_id] = f"{PICTURES}/{item.item_id}.png"
                    (folder / f"{item.item_id}.png").write_bytes(picture.png)
            kept = review.keep_answers(path)
            _write(path, [review.item_row(item, links.get(item.item_id, "")) for item in items])
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written: {error.strerror or error}", "Name another file with --to"
            ) from error
    return Exported(path, len(items), of, len(links), lacking, kept)


def _write(path: Path, rows: Sequence[Row]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with Writer(partial, review.REVIEW_COLUMNS, review.NUMBER_COLUMNS) as table:
            for row in rows:
                table.write(row)
            table.file().flush()
            os.fsync(table.file().fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _reports(out: Path) -> Iterator[tuple[list[Row], list[Row], list[Row]]]:
    """Cells, printed rows and findings of one report after the other; all tables have them in the same order."""
    rows = _Following(out / "rows.csv", dataset.ROW_COLUMNS)
    findings = _Following(out / "findings.csv", dataset.FINDING_COLUMNS)
    for name, cells in groupby(_table(out / "cells.csv", dataset.CELL_COLUMNS), _report):
        yield list(cells), rows.of(name), findings.of(name)


class _Following:
    """A table whose reports come in the same order as those of another, some of them without a row."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._groups = groupby(_table(path, columns), _report)
        self._next = self._advance()

    def of(self, name: tuple[str, ...]) -> list[Row]:
        if self._next is None or self._next[0] != name:
            return []
        found, self._next = self._next[1], self._advance()
        return found

    def _advance(self) -> tuple[tuple[str, ...], list[Row]] | None:
        name, rows = next(self._groups, (None, iter(())))
        return None if name is None else (name, list(rows))


def _table(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    _require(path)
    return read(path, columns)


def _require(path: Path) -> None:
    if not path.exists():
        advice = "Give the output folder of `nianbao extract`, and extract again where an earlier version wrote it"
        raise UsageError(f"{path} does not exist", advice)


def _report(row: Row) -> tuple[str, ...]:
    return (row["document_id"], row["source"], row["report"])
