"""How well a dataset agrees with the truth: cells, row labels, and what was taken for what.

A cell is *correct* when its value equals the truth as a decimal number; a cell whose zero is printed blank, as a dash
or as a slash (``blank`` is 1) may be empty or 0. It is *missing* when nothing was extracted, else *wrong*. It is
*under review* when its status is ``review`` or ``missing``, and a *silent error* when it is neither correct nor under
review: nobody would look at it.

A *row label* counts as right when the cells extracted for a row lie where the row is printed: for most of the cells
whose place the truth gives, the middle of the true box lies in the extracted box.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePosixPath

from pipeline.domain import BoundingBox, Status
from pipeline.errors import UsageError
from pipeline.spreadsheet import read

_KEY = ("form_id", "table_id", "row_id", "column_id")
_BOX = ("x0", "y0", "x1", "y1")
TRUTH_COLUMNS = ("source", *_KEY, "value", "blank", "level")
_EXTRACTED_COLUMNS = ("source", *_KEY, "value", "status", "page", *_BOX)
_NOTHING = "(nothing)"
_ELSEWHERE = "(no row of the form)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is printed: page and box on it."""

    page: int
    box: BoundingBox

    def middle_in(self, other: Place) -> bool:
        """Whether the middle of this box lies in the other box, on the same page."""
        x, y = (self.box.x0 + self.box.x1) / 2, (self.box.y0 + self.box.y1) / 2
        inside = other.box.x0 <= x < other.box.x1 and other.box.y0 <= y < other.box.y1
        return self.page == other.page and inside


@dataclass(frozen=True, slots=True)
class TrueCell:
    """A cell as it is printed.

    Attributes:
        source: the file, as in the dataset or only its name.
        row: form, table and row id.
        column: column id.
        value: the number, None where none is meant.
        printed_empty: the zero is printed blank, as a dash or as a slash.
        level, damage: how hard it is to read, as the table says; damage is empty where it does not.
        place: where it is printed, None where the table does not say.
    """

    source: str
    row: tuple[str, str, str]
    column: str
    value: Decimal | None
    printed_empty: bool
    level: str
    damage: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class ExtractedCell:
    """A cell of the dataset, as far as it is compared."""

    row: tuple[str, str, str]
    column: str
    value: Decimal | None
    status: Status
    place: Place | None


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over some cells; rates are in percent of the cells."""

    cells: int = 0
    correct: int = 0
    wrong: int = 0
    missing: int = 0
    silent: int = 0
    review: int = 0

    def rate(self, count: int) -> float:
        return 100 * count / self.cells if self.cells else 0.0


@dataclass(frozen=True, slots=True)
class RowScore:
    """Rows whose place is known, and how many of them were found there."""

    rows: int = 0
    right: int = 0

    @property
    def rate(self) -> float:
        return 100 * self.right / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A dataset against the truth.

    Attributes:
        total, by_level, by_damage: scores of all cells, and by what the truth table says of them.
        rows: row labels over all, None when the truth gives no places; rows_by_level likewise.
        row_confusions: row printed, row it was taken for, how often; most frequent first.
        value_confusions: value printed, value read, how often; most frequent first.
        worst_sources: source, percentage of its cells that are correct; worst first.
    """

    total: Score
    by_level: Mapping[str, Score]
    by_damage: Mapping[str, Score]
    rows: RowScore | None
    rows_by_level: Mapping[str, RowScore]
    row_confusions: tuple[tuple[str, str, int], ...]
    value_confusions: tuple[tuple[str, str, int], ...]
    worst_sources: tuple[tuple[str, float], ...]


Extracted = Mapping[tuple[str, tuple[str, str, str], str], ExtractedCell]
"""Extracted cells by source, row and column."""


def read_truth(path: Path) -> list[TrueCell]:
    """Read a truth table.

    Args:
        path: comma-separated, with the columns source, form_id, table_id, row_id, column_id, value, blank, level, and
            optionally page, x0, y0, x1, y1 and damage; further columns are ignored.

    Raises:
        UsageError: the table cannot be read, is empty, or holds a value that is no number.
    """
    cells = [
        TrueCell(
            source=row["source"],
            row=(row["form_id"], row["table_id"], row["row_id"]),
            column=row["column_id"],
            value=_number(row["value"], path),
            printed_empty=row["blank"] == "1",
            level=row["level"],
            damage=row.get("damage", ""),
            place=_place(row, path),
        )
        for row in read(path, TRUTH_COLUMNS)
    ]
    if not cells:
        raise UsageError(f"{path} has no cells", "Give a table with at least one cell")
    return cells


def read_extracted(path: Path) -> dict[tuple[str, tuple[str, str, str], str], ExtractedCell]:
    """Read ``cells.csv``; of a form that one document holds twice, the last report counts.

    Raises:
        UsageError: the table cannot be read or holds a value that is no number or a status that is not known.
    """
    cells = {}
    for row in read(path, _EXTRACTED_COLUMNS):
        cell = ExtractedCell(
            row=(row["form_id"], row["table_id"], row["row_id"]),
            column=row["column_id"],
            value=_number(row["value"], path),
            status=_status(row["status"], path),
            place=_place(row, path),
        )
        cells[row["source"], cell.row, cell.column] = cell
    return cells


def evaluate(extracted: Extracted, truth: Iterable[TrueCell]) -> Evaluation:
    """Compare a dataset with the truth.

    A source that the truth names by its file name alone is looked for under any folder.
    """
    sources = _Sources({source for source, _, _ in extracted})
    cells = [(cell, extracted.get((sources.find(cell.source), cell.row, cell.column))) for cell in truth]
    kinds = [(true, found, _kind(true, found)) for true, found in cells]
    rows = _rows(cells, extracted, sources)
    by_source = _scores((true.source, found, kind) for true, found, kind in kinds)
    return Evaluation(
        total=_scores(("", found, kind) for _, found, kind in kinds).get("", Score()),
        by_level=_scores((true.level, found, kind) for true, found, kind in kinds),
        by_damage=_scores((true.damage, found, kind) for true, found, kind in kinds if true.damage),
        rows=_row_scores(("", taken) for _, _, taken in rows).get(""),
        rows_by_level=_row_scores((level, taken) for _, level, taken in rows),
        row_confusions=_ranked((printed, taken) for printed, _, taken in rows if taken is not None),
        value_confusions=_ranked(
            (_shown(true.value), _shown(found.value) if found else _NOTHING)
            for true, found, kind in kinds
            if kind != "correct"
        ),
        worst_sources=tuple(
            sorted(
                ((source, score.rate(score.correct)) for source, score in by_source.items()), key=lambda each: each[1]
            )
        ),
    )


class _Sources:
    """Sources of the dataset, to be found by their path or, where that is unique, by their file name."""

    def __init__(self, sources: Iterable[str]) -> None:
        self._paths = frozenset(sources)
        by_name = defaultdict(list)
        for source in self._paths:
            by_name[PurePosixPath(source).name].append(source)
        self._by_name = {name: paths[0] for name, paths in by_name.items() if len(paths) == 1}

    def find(self, source: str) -> str:
        return source if source in self._paths else self._by_name.get(source, source)


def _kind(true: TrueCell, found: ExtractedCell | None) -> str:
    if found is None:
        return "missing"
    if found.value == true.value:
        return "correct"
    if true.printed_empty and found.value in (None, 0) and true.value in (None, 0):
        return "correct"
    return "missing" if found.value is None else "wrong"


def _scores(cells: Iterable[tuple[str, ExtractedCell | None, str]]) -> dict[str, Score]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for group, found, kind in cells:
        looked_at = found is not None and found.status in (Status.REVIEW, Status.MISSING)
        counts[group].update(cells=1, review=looked_at, silent=kind != "correct" and not looked_at)
        counts[group][kind] += 1
    return {group: Score(**counts[group]) for group in sorted(counts)}


def _rows(
    cells: Iterable[tuple[TrueCell, ExtractedCell | None]], extracted: Extracted, sources: _Sources
) -> list[tuple[str, str, str | None]]:
    """For each row whose place is known: the row as printed, its level, and what it was taken for (None: right)."""
    printed: dict[tuple[str, tuple[str, str, str]], list[tuple[TrueCell, ExtractedCell | None]]] = defaultdict(list)
    for true, found in cells:
        if true.place is not None:
            printed[sources.find(true.source), true.row].append((true, found))
    placed: dict[tuple[str, int], list[ExtractedCell]] = defaultdict(list)
    for (source, _, _), cell in extracted.items():
        if cell.place is not None:
            placed[source, cell.place.page].append(cell)
    result = []
    for (source, row), members in printed.items():
        right = sum(_at_place(true, found) for true, found in members)
        taken = None if 2 * right > len(members) else _taken_for(source, members, placed)
        result.append(("/".join(row), members[0][0].level, taken))
    return result


def _at_place(true: TrueCell, found: ExtractedCell | None) -> bool:
    return (
        found is not None and found.place is not None and true.place is not None and true.place.middle_in(found.place)
    )


def _taken_for(
    source: str,
    members: Iterable[tuple[TrueCell, ExtractedCell | None]],
    placed: Mapping[tuple[str, int], list[ExtractedCell]],
) -> str:
    """The row that most of the cells printed here were given to."""
    votes: Counter[str] = Counter()
    for true, _ in members:
        if true.place is not None:
            at = [cell for cell in placed.get((source, true.place.page), []) if _at_place(true, cell)]
            votes.update({"/".join(cell.row) for cell in at} or {_ELSEWHERE})
    return votes.most_common(1)[0][0]


def _row_scores(rows: Iterable[tuple[str, str | None]]) -> dict[str, RowScore]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for group, taken in rows:
        counts[group].update(rows=1, right=taken is None)
    return {group: RowScore(**counts[group]) for group in sorted(counts)}


def _ranked(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str, int], ...]:
    counted = Counter(pairs).items()
    return tuple((first, second, n) for (first, second), n in sorted(counted, key=lambda each: (-each[1], each[0])))


def _shown(value: Decimal | None) -> str:
    return _NOTHING if value is None else format(value, "f")


def _number(text: str, path: Path) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation as error:
        raise UsageError(f"{path}: {text!r} is no number", "Values are plain decimal numbers") from error


def _status(text: str, path: Path) -> Status:
    try:
        return Status(text)
    except ValueError as error:
        raise UsageError(f"{path}: {text!r} is no status", "Give the cells.csv of an extraction") from error


def _place(row: Mapping[str, str], path: Path) -> Place | None:
    texts = [row.get(name, "") for name in ("page", *_BOX)]
    if "" in texts:
        return None
    try:
        x0, y0, x1, y1 = (float(text) for text in texts[1:])
        return Place(int(texts[0]), BoundingBox(x0, y0, x1, y1))
    except ValueError as error:
        raise UsageError(
            f"{path}: {texts} is no page and box", "Give whole page numbers and boxes in pixels"
        ) from error
