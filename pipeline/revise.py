"""The reviewer's round trip over a finished dataset: what is to be asked, and what the answers change."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count, groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline import corrections, dataset, ledger, review, run
from pipeline.corrections import Correction
from pipeline.errors import OutputError, UsageError
from pipeline.forms import load_forms
from pipeline.review.answers import Asked, Refusal, understand
from pipeline.review.incoming import read_lines
from pipeline.review.pictures import cut_pictures
from pipeline.review.workbook import SUFFIX as WORKBOOK
from pipeline.review.workbook import write_workbook
from pipeline.spreadsheet import Writer, read

TABLE = "review.csv"
PAGE = "review.html"
PICTURES = "pictures"
_ADDED = ("line", "refused_because")

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which questions are wanted, and what is to be shown with them.

    Attributes:
        level: whether what belongs together is one question.
        budget: at most so many, those that are worth most; None for all.
        scans: folders, archives or files that were read, for the pictures; none of them for no pictures, None for those
            that the run was given.
    """

    level: review.Level = review.Level.ROWS
    budget: int | None = None
    scans: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        path: the table or page.
        items: number of its questions, out of ``of`` items in all.
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


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of answers, or of taking some back.

    Attributes:
        corrections: what was taken, or taken back.
        unchanged: number of answers that were in force already.
        refused: lines that were not taken, with the reason.
        refused_path: the table they were written to; None where there are none.
        summary: of the tables as they are now; None where nothing was changed.
    """

    corrections: tuple[Correction, ...]
    unchanged: int
    refused: tuple[Refusal, ...]
    refused_path: Path | None
    summary: run.RunSummary | None


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
    for cells, rows, findings, pages in _reports(out):
        first = cells[0]
        # A content that lies there under two names is asked about once.
        if asked.setdefault(first["document_id"], first["source"]) != first["source"]:
            continue
        if first["form_id"] not in forms:
            raise UsageError(
                f"{out / 'cells.csv'} has a report on the form {first['form_id']!r}, which is not known",
                "Extract the scans again",
            )
        found.extend(review.items_of(cells, rows, findings, forms[first["form_id"]], level, pages))
    return review.order(found)[:budget], len(found)


def export(out: Path, wanted: Wanted, to: Path | None = None) -> Exported:
    """Write the table of what is to be asked.

    Args:
        out: output folder of a run.
        to: the file; ``review.csv`` in the output folder by default. Pictures lie in a folder beside it; they are in it
            where its name ends in ``.xlsx``.

    Raises:
        UsageError: a table is missing or cannot be read.
        OutputError: the table cannot be written, or a run is writing the folder.
    """
    path = to or out / TABLE
    kept: list[Path | None] = []

    def write(items: Sequence[review.Item], links: Mapping[str, str]) -> None:
        kept.append(review.keep_answers(path))
        _write_table(path, (review.item_row(item, links.get(item.item_id, "")) for item in items))

    def write_book(items: Sequence[review.Item], links: Mapping[str, str]) -> None:
        kept.append(review.keep_answers(path))
        forms = {form.id: form for form in load_forms()}
        with _replaced(path) as partial:
            write_workbook(partial, items, {name: Path(folder, link) for name, link in links.items()}, forms)

    if path.suffix.casefold() == WORKBOOK:
        with TemporaryDirectory() as folder:  # the pictures go into the workbook
            done = _ask(out, wanted, path, write_book, Path(folder))
    else:
        done = _ask(out, wanted, path, write, path.parent)
    return replace(done, kept=kept[0])


def page(out: Path, wanted: Wanted, to: Path | None = None) -> Exported:
    """Write what is to be asked as a page for a browser, which gives back the table that `export` writes, filled in.

    Args:
        out: output folder of a run.
        to: the file; ``review.html`` in the output folder by default. Pictures lie in a folder beside it.

    Raises:
        UsageError, OutputError: as `export`.
    """
    path = to or out / PAGE
    forms = {form.id: form for form in load_forms()}

    def write(items: Sequence[review.Item], links: Mapping[str, str]) -> None:
        with _replaced(path) as partial:
            partial.write_bytes(review.page(items, links, forms, path.with_suffix(".csv").name))

    return _ask(out, wanted, path, write, path.parent)


def _ask(
    out: Path,
    wanted: Wanted,
    path: Path,
    write: Callable[[Sequence[review.Item], Mapping[str, str]], None],
    beside: Path,
) -> Exported:
    """Write questions to a file; their pictures lie in a folder in ``beside``, and are named relative to that."""
    _require(out / "cells.csv")
    with ExitStack() as stack:
        state = stack.enter_context(ledger.hold(out)) if ledger.is_there(out) else None
        if state is None:
            stack.enter_context(ledger.locked(out))
        items, of = questions(out, wanted.level, wanted.budget)
        links: dict[str, str] = {}
        lacking: dict[str, int] = {}
        try:
            given = _roots(out) if wanted.scans is None else wanted.scans
            if wanted.scans is None and not given and items:
                lacking["the scans are not where the run found them; name them with --scans"] = len(items)
            if given:
                folder = beside / PICTURES
                folder.mkdir(exist_ok=True)
                for item, picture in cut_pictures(items, given):
                    if isinstance(picture, str):
                        lacking[picture] = lacking.get(picture, 0) + 1
                        continue
                    links[item.item_id] = f"{PICTURES}/{item.item_id}.png"
                    (folder / f"{item.item_id}.png").write_bytes(picture.png)
            write(items, links)
            if state is not None and path == out / TABLE:
                state.remember(asked={"level": wanted.level.value, "budget": wanted.budget})
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written: {error.strerror or error}", "Name another file with --to"
            ) from error
    return Exported(path, len(items), of, len(links), lacking, None)


def _roots(out: Path) -> list[str]:
    """The inputs of the run that wrote a folder, as far as they are still there on a disk."""
    if not ledger.is_there(out):
        return []
    with ledger.look(out) as state:
        return [each for each in state.fact("roots") or () if os.path.exists(each)]


def apply(out: Path, answers: Path, dry_run: bool = False, reviewer: str = "", jobs: int = 1) -> Applied:
    """Take the answers of a review table: keep them, and put the tables together anew in their light.

    Args:
        out: output folder of a run.
        answers: the table, as `export` wrote it and a person filled it in.
        dry_run: change nothing, only tell what would be.
        reviewer: who answered, where the table does not say.
        jobs: number of processes.

    Raises:
        UsageError: a table cannot be read.
        OutputError: the folder cannot be written, a run is writing it, or its run has not come to its end.
    """
    lines = read_lines(answers)
    kept = out / corrections.FILE
    understood = understand(
        lines, _asked(out, {line.cells["item_id"].casefold() for line in lines}), corrections.load(kept)
    )
    new = tuple(each if each.reviewer else replace(each, reviewer=reviewer) for each in understood.corrections)
    if dry_run:
        return Applied(new, understood.unchanged, understood.refused, None, None)
    refused = _write_refused(answers, understood.refused)
    if not new:
        return Applied((), understood.unchanged, understood.refused, refused, None)

    def keep() -> None:
        corrections.append(kept, new, dt.datetime.now(dt.UTC))
        if answers.resolve() == (out / TABLE).resolve():  # another table takes its place
            answers.rename(_free(answers, "applied"))

    summary = _rebuild(out, jobs, keep)
    return Applied(new, understood.unchanged, understood.refused, refused, summary)


def undo(out: Path, ids: Sequence[str], reviewer: str = "", comment: str = "", jobs: int = 1) -> Applied:
    """Take corrections back, and put the tables together anew without them; what was answered before holds again.

    Raises:
        UsageError: there is no such correction in force; nothing is changed then.
        OutputError: as `apply`.
    """
    taken_back: list[Correction] = []

    def take_back() -> None:
        now = dt.datetime.now(dt.UTC)
        taken_back.extend(corrections.undo(out / corrections.FILE, ids, reviewer, comment, now))

    summary = _rebuild(out, jobs, take_back)
    return Applied(tuple(taken_back), 0, (), None, summary)


def _rebuild(out: Path, jobs: int, first: Callable[[], None]) -> run.RunSummary:
    """Put the tables together anew; of the questions that are left as many are asked as before, with their pictures."""
    summary = run.rebuild(out, jobs, first=first)
    with ledger.hold(out) as state:
        asked = state.fact("asked") or {"level": review.Level.ROWS.value, "budget": None}
        items, _ = questions(out, review.Level(asked["level"]), asked["budget"])
        links = {each.item_id: f"{PICTURES}/{each.item_id}.png" for each in items}
        links = {name: link for name, link in links.items() if (out / link).is_file()}
        _write_table(out / TABLE, (review.item_row(each, links.get(each.item_id, "")) for each in items))
    return summary


def _asked(out: Path, names: Container[str]) -> dict[str, Asked]:
    """What the questions of these names are about."""
    forms = {form.id: form for form in load_forms()}
    found: dict[str, Asked] = {}
    for cells, rows, _, _ in _reports(out):
        form = forms[cells[0]["form_id"]]
        for row in rows:
            if (name := review.row_id(row)) in names:
                found.setdefault(name, Asked(None, row, form))
        anchor = next((cell for cell in cells if cell["page"]), cells[0])
        if (name := review.form_id(anchor)) in names:
            found.setdefault(name, Asked(anchor, None, form, forms=review.forms_to_choose(anchor, forms)))
        for together in review.rows_on_pages(rows):
            if (name := review.rows_id(together[0])) in names:
                found.setdefault(name, Asked(None, None, form, rows=together))
        for key, line in review.lines_of(cells, form).items():
            if (name := review.figures_id(line[0], key)) in names:
                found.setdefault(name, Asked(None, None, form, line=line))
        for cell in cells:
            # Under both names: what is asked about it may have changed since.
            for by_name in (False, True) if cell["page"] else (True,):
                if (name := review.cell_id(cell, by_name)) in names:
                    found.setdefault(name, Asked(cell, _row_of(cell, rows), form, by_name))
    return found


def _row_of(cell: Row, rows: Sequence[Row]) -> Row | None:
    """The printed row on which a cell stands; a row may be printed in pieces."""
    box = review.box_of(cell)
    if box is None:
        return None
    middle = (box.y0 + box.y1) / 2
    for row in rows:
        around = review.box_of(row)
        if (
            (row["table_id"], row["row_id"], row["page"]) == (cell["table_id"], cell["row_id"], cell["page"])
            and around is not None
            and around.y0 <= middle < around.y1
        ):
            return row
    return None


def _write_refused(answers: Path, refused: Sequence[Refusal]) -> Path | None:
    """Write the lines that were refused as a review table of their own, each with the reason."""
    if not refused:
        return None
    path = _free(answers.with_suffix(".csv"), "refused")
    columns = tuple(dict.fromkeys(name for each in refused for name in each.line.cells if name not in _ADDED))
    try:
        with Writer(path, (*columns, *_ADDED), review.NUMBER_COLUMNS) as table:
            for each in refused:
                row = dict.fromkeys(columns, "") | {n: t for n, t in each.line.cells.items() if n not in _ADDED}
                table.write(row | {"line": str(each.line.number), "refused_because": each.reason})
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}", "Make room, or move the table"
        ) from error
    return path


def _free(path: Path, what: str) -> Path:
    names = (path.with_name(f"{path.stem}.{what}-{number}{path.suffix}") for number in count(1))
    return next(name for name in names if not name.exists())


def _write_table(path: Path, rows: Iterable[Row]) -> None:
    with _replaced(path) as partial, Writer(partial, review.REVIEW_COLUMNS, review.NUMBER_COLUMNS) as table:
        for row in rows:
            table.write(row)


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """Where to write what takes the place of a file in one step, once it is whole and safe on disk."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _reports(out: Path) -> Iterator[tuple[list[Row], list[Row], list[Row], list[int]]]:
    """Cells, printed rows, findings and pages of one report after the other; all tables have the same order."""
    reports = _Following(out / "reports.csv", dataset.REPORT_COLUMNS)
    rows = _Following(out / "rows.csv", dataset.ROW_COLUMNS)
    findings = _Following(out / "findings.csv", dataset.FINDING_COLUMNS)
    for name, cells in groupby(_table(out / "cells.csv", dataset.CELL_COLUMNS), _report):
        pages = [int(page) for report in reports.of(name) for page in report["pages"].split()]
        yield list(cells), rows.of(name), findings.of(name), pages


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
