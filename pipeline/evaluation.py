"""How well a dataset agrees with the truth: cells, row labels, and what was taken for what.

A cell is *correct* when its value equals the truth as a decimal number; a cell whose zero is printed blank, as a dash
or as a slash (``blank`` is 1) may be empty or 0. It is *missing* when nothing was extracted, else *wrong*. It is
*under review* when its status is ``review`` or ``missing``, and a *silent error* when it is neither correct nor under
review: nobody would look at it.

A *row label* counts as right when the cells extracted for a row lie where the row is printed: for most of the cells
whose place the truth gives, the middle of the true box lies in the extracted box.

An *identity*, a relation that the form prints, is *checked* when both its sides can be added up from what was
extracted. A *false repair* is a cell with the status ``reconciled`` that is not correct.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePosixPath

from pipeline.domain import BoundingBox, CellKey, FormSpec, Mark, Status, Value
from pipeline.errors import UsageError
from pipeline.reliability import Judged, Reliability, measure
from pipeline.rules import KINDS, both_sides
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
        copy: which of the reports of the file on this form, from 1.
        row: form, table and row id.
        column: column id.
        value: the number, None where none is meant.
        printed_empty: the zero is printed blank, as a dash or as a slash.
        level, damage: how hard it is to read, as the table says; damage is empty where it does not.
        place: where it is printed, None where the table does not say.
    """

    source: str
    copy: int
    row: tuple[str, str, str]
    column: str
    value: Decimal | None
    printed_empty: bool
    level: str
    damage: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class ExtractedCell:
    """A cell of the dataset, as far as it is compared; ``mark`` and ``confidence`` are None where they are not told."""

    row: tuple[str, str, str]
    column: str
    value: Decimal | None
    status: Status
    place: Place | None
    mark: Mark | None
    confidence: float | None

    @property
    def under_review(self) -> bool:
        """Whether a person is asked to look at it."""
        return self.status in (Status.REVIEW, Status.MISSING)


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over some cells; rates are in percent of the cells."""

    cells: int = 0
    correct: int = 0
    wrong: int = 0
    missing: int = 0
    silent: int = 0
    review: int = 0
    reconciled: int = 0
    false_repairs: int = 0

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
class IdentityScore:
    """Identities of the forms.

    Attributes:
        identities: how many the forms of these reports have.
        checked, hold: how many can be checked on the figures extracted, and how many of those hold.
        printed_checked, printed_hold: likewise on the figures as printed, which may be wrong themselves.
    """

    identities: int = 0
    checked: int = 0
    hold: int = 0
    printed_checked: int = 0
    printed_hold: int = 0

    @property
    def rate(self) -> float:
        """Percentage of those checked that hold."""
        return 100 * self.hold / self.checked if self.checked else 0.0

    @property
    def printed_rate(self) -> float:
        return 100 * self.printed_hold / self.printed_checked if self.printed_checked else 0.0


@dataclass(frozen=True, slots=True)
class SilentError:
    """A cell that is wrong or empty and that nobody is asked to look at; ``status`` is empty when it has no row."""

    source: str
    form_id: str
    table_id: str
    row_id: str
    column_id: str
    printed: str
    read: str
    status: str
    confidence: float | None
    place: Place | None
    level: str
    damage: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A dataset against the truth.

    Attributes:
        total, by_level, by_damage: scores of all cells, and by what the truth table says of them.
        rows: row labels over all, None when the truth gives no places; rows_by_level likewise.
        row_confusions: row printed, row it was taken for, how often; most frequent first.
        value_confusions: value printed, value read, how often; most frequent first.
        worst_sources: source, percentage of its cells that are correct; worst first.
        identities, identities_by_damage: how many identities hold, over all and by damage.
        silent_errors: every one of them, in the order of the truth.
        reliability: of the confidences, over the cells that have one; None where the dataset gives none.
    """

    total: Score
    by_level: Mapping[str, Score]
    by_damage: Mapping[str, Score]
    rows: RowScore | None
    rows_by_level: Mapping[str, RowScore]
    row_confusions: tuple[tuple[str, str, int], ...]
    value_confusions: tuple[tuple[str, str, int], ...]
    worst_sources: tuple[tuple[str, float], ...]
    identities: IdentityScore
    identities_by_damage: Mapping[str, IdentityScore]
    silent_errors: tuple[SilentError, ...]
    reliability: Reliability | None


Address = tuple[str, int, tuple[str, str, str], str]
"""Source, copy, row and column of a cell, as of ``TrueCell``."""
Extracted = Mapping[Address, ExtractedCell]


def read_truth(path: Path) -> list[TrueCell]:
    """Read a truth table.

    Args:
        path: comma-separated, with the columns source, form_id, table_id, row_id, column_id, value, blank, level, and
            optionally report, page, x0, y0, x1, y1 and damage; further columns are ignored. Of two reports of a file on
            the same form the truth must number both; else it is compared with the first.

    Raises:
        UsageError: the table cannot be read, is empty, or holds a value that is no number.
    """
    copies = _Copies()
    cells = [
        TrueCell(
            source=row["source"],
            copy=copies.find(row),
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


def read_extracted(path: Path) -> dict[Address, ExtractedCell]:
    """Read ``cells.csv``; the columns ``report``, ``mark`` and ``confidence`` may be lacking.

    Raises:
        UsageError: the table cannot be read or holds a value that is no number, a confidence that is no probability, or
            a status or mark that is not known.
    """
    cells = {}
    copies = _Copies()
    for row in read(path, _EXTRACTED_COLUMNS):
        cell = ExtractedCell(
            row=(row["form_id"], row["table_id"], row["row_id"]),
            column=row["column_id"],
            value=_number(row["value"], path),
            status=_status(row["status"], path),
            place=_place(row, path),
            mark=_mark(row.get("mark", ""), path),
            confidence=_confidence(row.get("confidence", ""), path),
        )
        cells[row["source"], copies.find(row), cell.row, cell.column] = cell
    return cells


class _Copies:
    """Which of the reports of its file on its form a row belongs to: reports are numbered as they first occur."""

    def __init__(self) -> None:
        self._reports: dict[tuple[str, str], list[str]] = defaultdict(list)

    def find(self, row: Mapping[str, str]) -> int:
        seen = self._reports[row["source"], row["form_id"]]
        report = row.get("report", "")
        if report not in seen:
            seen.append(report)
        return 1 + seen.index(report)


def evaluate(extracted: Extracted, truth: Iterable[TrueCell], forms: Iterable[FormSpec] = ()) -> Evaluation:
    """Compare a dataset with the truth.

    Args:
        forms: those whose identities are checked.

    A source that the truth names by its file name alone is looked for under any folder.
    """
    sources = _Sources({source for source, *_ in extracted})
    cells = [(cell, extracted.get((sources.find(cell.source), cell.copy, cell.row, cell.column))) for cell in truth]
    kinds = [(true, found, _kind(true, found)) for true, found in cells]
    rows = _rows(cells, extracted, sources)
    by_source = _scores((true.source, found, kind) for true, found, kind in kinds)
    identities = list(_identities(cells, {form.id: form for form in forms}))
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
        identities=_identity_scores(("", score) for _, score in identities).get("", IdentityScore()),
        identities_by_damage=_identity_scores((damage, score) for damage, score in identities if damage),
        silent_errors=tuple(
            _silent_error(true, found) for true, found, kind in kinds if kind != "correct" and not _looked_at(found)
        ),
        reliability=measure(
            Judged(found.confidence, kind == "correct", not found.under_review)
            for _, found, kind in kinds
            if found is not None and found.confidence is not None
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
        looked_at, bad = _looked_at(found), kind != "correct"
        repaired = found is not None and found.status is Status.RECONCILED
        counts[group].update(cells=1, review=looked_at, silent=bad and not looked_at)
        counts[group].update(reconciled=repaired, false_repairs=repaired and bad)
        counts[group][kind] += 1
    return {group: Score(**counts[group]) for group in sorted(counts)}


def _looked_at(found: ExtractedCell | None) -> bool:
    return found is not None and found.under_review


def _silent_error(true: TrueCell, found: ExtractedCell | None) -> SilentError:
    form_id, table_id, row_id = true.row
    return SilentError(
        source=true.source,
        form_id=form_id,
        table_id=table_id,
        row_id=row_id,
        column_id=true.column,
        printed=_shown(true.value),
        read=_NOTHING if found is None else _shown(found.value),
        status="" if found is None else found.status.value,
        confidence=None if found is None else found.confidence,
        place=true.place if found is None or found.place is None else found.place,
        level=true.level,
        damage=true.damage,
    )


def _identities(
    cells: Iterable[tuple[TrueCell, ExtractedCell | None]], forms: Mapping[str, FormSpec]
) -> Iterator[tuple[str, IdentityScore]]:
    """For each report of a known form its damage and how its identities stand."""
    reports: dict[tuple[str, int, str], list[tuple[TrueCell, ExtractedCell | None]]] = defaultdict(list)
    for true, found in cells:
        if true.row[0] in forms:
            reports[true.source, true.copy, true.row[0]].append((true, found))
    for (_, _, form_id), members in reports.items():
        keys = [CellKey(true.row[1], true.row[2], true.column) for true, _ in members]
        checked, hold = _count_holding(
            forms[form_id], {key: _extracted_value(found) for key, (_, found) in zip(keys, members, strict=True)}
        )
        printed_checked, printed_hold = _count_holding(
            forms[form_id], {key: _printed_value(true) for key, (true, _) in zip(keys, members, strict=True)}
        )
        number = len(forms[form_id].rules)
        yield members[0][0].damage, IdentityScore(number, checked, hold, printed_checked, printed_hold)


def _count_holding(form: FormSpec, values: Mapping[CellKey, Value | None]) -> tuple[int, int]:
    """How many rules of a form can be checked, and how many of them hold."""
    checked = [rule for rule in form.rules if both_sides(rule, values) is not None]
    return len(checked), sum(KINDS[rule.kind](rule, values) is None for rule in checked)


def _extracted_value(found: ExtractedCell | None) -> Value | None:
    if found is None or found.status is Status.MISSING:
        return None
    if found.value is not None:
        return Value(Mark.NUMBER, found.value)
    return Value(Mark.BLANK if found.mark is None else found.mark)


def _printed_value(true: TrueCell) -> Value:
    if true.value is None or true.printed_empty:
        return Value(Mark.BLANK)
    return Value(Mark.NUMBER, true.value)


def _identity_scores(scores: Iterable[tuple[str, IdentityScore]]) -> dict[str, IdentityScore]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for group, score in scores:
        counts[group].update(asdict(score))
    return {group: IdentityScore(**counts[group]) for group in sorted(counts)}


def _rows(
    cells: Iterable[tuple[TrueCell, ExtractedCell | None]], extracted: Extracted, sources: _Sources
) -> list[tuple[str, str, str | None]]:
    """For each row whose place is known: the row as printed, its level, and what it was taken for (None: right)."""
    printed: dict[tuple[str, int, tuple[str, str, str]], list[tuple[TrueCell, ExtractedCell | None]]] = defaultdict(
        list
    )
    for true, found in cells:
        if true.place is not None:
            printed[sources.find(true.source), true.copy, true.row].append((true, found))
    placed: dict[tuple[str, int], list[ExtractedCell]] = defaultdict(list)
    for (source, *_), cell in extracted.items():
        if cell.place is not None:
            placed[source, cell.place.page].append(cell)
    result = []
    for (source, _, row), members in printed.items():
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


def _mark(text: str, path: Path) -> Mark | None:
    try:
        return Mark(text) if text else None
    except ValueError as error:
        raise UsageError(f"{path}: {text!r} is no mark", "Give the cells.csv of an extraction") from error


def _confidence(text: str, path: Path) -> float | None:
    if not text:
        return None
    try:
        confidence = float(text)
    except ValueError:
        confidence = math.nan
    if not 0 <= confidence <= 1:
        raise UsageError(f"{path}: {text!r} is no confidence", "Confidences are probabilities from 0 to 1")
    return confidence


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
