"""What a person answered: lines of a review table turned into corrections, or refused with the reason in words.

A line is taken only where everything in it agrees: it names a question of this dataset, what it tells of that question
is true, its answer can stand there, and no other line says something else. Whatever else a spreadsheet or a person did
to the table is refused line by line; nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pipeline.corrections import NOT_ON_THE_FORM, Correction, written
from pipeline.corrections import Kind as CorrectionKind
from pipeline.corrections import value_of as value_of_words
from pipeline.domain import CellKey, FormSpec, LabelContext, Mark, Status, TableLayout
from pipeline.forms import cell_units
from pipeline.review.incoming import Line
from pipeline.review.items import UNREAD, Kind, Row, box_of, held_figures, key_of, labels, lines_of, value_of
from pipeline.rules import check_all
from pipeline.values import parse_value

AS_PRINTED = "!"
"""Stands behind figures that do not add up and are printed so."""
_MARKS = {"blank": "blank", "空": "blank", "空白": "blank", "slash": "slash", "dash": "dash"}
_MONEY = frozenset({"元", "万元", "亿元"})
_DATE = re.compile(
    r"\d{1,4}[-/.年]\d{1,2}([-/.月]\d{1,4}日?)?( .*)?|\d{1,2}月(\d{1,2}日)?|\d{1,2}[-/ ]?[A-Za-z]{3}[-/ ]?\d{0,4}"
    r"|[A-Za-z]{3}[-/ ]\d{1,4}"
)
_SCIENTIFIC = re.compile(r"[-+]?\d+(\.\d+)?[eE][-+]?\d+")
# A spreadsheet leaves these alone; where they disagree, columns were sorted apart.
_APART = "columns were sorted or shifted apart, or the dataset has changed since; export the questions again"
_IDENTITY = ("document_id", "form_id", "table_id", "row_id", "column_id")
_NEVER_EMPTY = ("kind", "source", "document_id", "report")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is about.

    Attributes:
        cell: its row of ``cells.csv``; None where a printed row or a whole line is asked about.
        printed: the printed row it stands on, of ``rows.csv``; None where none was found.
        form: the form of the report.
        by_name: whether the answer is about the cell as the form names it, wherever that is printed.
        line: the rows of ``cells.csv`` of a whole line, in the order of the form; empty unless one is asked about.
        rows: all printed rows of a table on a page, of ``rows.csv``; empty unless they are asked about.
        forms: ids that the form of the report may have, which is asked about then; ``cell`` is one of its cells.
    """

    cell: Row | None
    printed: Row | None
    form: FormSpec
    by_name: bool = False
    line: tuple[Row, ...] = ()
    rows: tuple[Row, ...] = ()
    forms: tuple[str, ...] = ()

    @property
    def row(self) -> Row:
        """What stands in the table of the question of the place it is about."""
        if self.line:
            (name,) = lines_of(self.line, self.form)
            return {**self.line[0], "row_id": name.row_id, "column_id": ""}
        if self.rows:
            return {**self.rows[0], "row_id": "", "column_id": ""}
        row = self.printed if self.cell is None else self.cell
        if row is None:
            raise ValueError("a question is about a cell, a row or a line")
        return row

    @property
    def kinds(self) -> frozenset[Kind]:
        """What the question can be."""
        if self.line:
            return frozenset({Kind.FIGURES})
        if self.rows:
            return frozenset({Kind.ROWS})
        if self.forms:
            return frozenset({Kind.FORM})
        return frozenset({Kind.ROW} if self.cell is None else {Kind.CELL, Kind.FINDING})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that was not taken, and why."""

    line: Line
    reason: str


@dataclass(frozen=True, slots=True)
class Understood:
    """What a review table says.

    Attributes:
        corrections: the new ones, in the order of the lines; without id and time.
        unchanged: number of answers that were given before and are in force.
        refused: lines that are not taken.
    """

    corrections: tuple[Correction, ...]
    unchanged: int
    refused: tuple[Refusal, ...]


def understand(lines: Sequence[Line], asked: Mapping[str, Asked], in_force: Iterable[Correction]) -> Understood:
    """Turn the lines of a review table into corrections.

    Args:
        asked: what the lines may be about, by the name of the question.
        in_force: corrections made before; an answer that says the same is no new one.
    """
    before = {each.target: each.new for each in in_force}
    refused: dict[int, str] = {}
    read: dict[int, tuple[Correction, ...]] = {}
    for place, line in enumerate(lines):
        try:
            read[place] = _corrections(line, asked, before)
        except ValueError as error:
            refused[place] = str(error)
    _refuse_contradictions(lines, read, refused)
    taken: dict[tuple[object, ...], Correction] = {}
    unchanged = 0
    for place, corrections in read.items():
        for each in corrections if place not in refused else ():
            if before.get(each.target) == each.new:
                unchanged += 1
            else:
                taken.setdefault(each.target, each)  # a repeated line says the same
    return Understood(
        tuple(taken.values()), unchanged, tuple(Refusal(lines[place], why) for place, why in sorted(refused.items()))
    )


def value_answer(text: str, unit: str, negative: bool) -> str:
    """A value as a person wrote it, in the words of `pipeline.corrections.written`.

    Args:
        unit: of the cell.
        negative: whether it may be less than nothing, as `may_fall` tells.

    Raises:
        ValueError: it cannot stand in the cell; the message says why.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    known = _MARKS.get(text.casefold())
    if known is not None:
        return known
    if text.startswith("="):
        raise ValueError(f"{text!r} is a formula; write what is printed")
    if _SCIENTIFIC.fullmatch(text):
        raise ValueError(f"a spreadsheet has shortened the number to {text!r}; write all its digits")
    value = parse_value(text)
    if value.mark is Mark.TEXT and value.note:
        if _DATE.fullmatch(text):
            raise ValueError(f"a spreadsheet has made a date of it: {text!r}; write what is printed")
        raise ValueError(f"{text!r} is no number and no mark; write a number, blank, slash, dash or 不适用")
    if value.number is None:
        return written(value, text)
    if value.note:
        raise ValueError(f"{text!r} is more than a number; write the number alone")
    if value.unit not in ("", unit):
        raise ValueError(f"the unit of this cell is {unit or 'none'}; write the number alone")
    number = value.number
    if number == number.to_integral_value():
        number = number.quantize(Decimal(1))
    elif unit not in _MONEY:
        raise ValueError(f"{text!r} is no whole number, and this cell counts")
    if number < 0 and not negative:
        raise ValueError(f"{text!r} is less than nothing, and this cell counts")
    return written(replace(value, number=number), text)


def may_fall(column_label: str) -> bool:
    """Whether the cells of a column tell a change, which may be negative."""
    return "减" in column_label


def row_answer(text: str, form: FormSpec, table_id: str) -> str:
    """The row of a table that a person named, or ``none``.

    Raises:
        ValueError: the table has no such row; the message says which it has.
    """
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    table = next(table for table in form.tables if table.id == table_id)
    ids = [row.id for block in table.blocks for row in block.rows]
    if name == NOT_ON_THE_FORM or name in ids:
        return name
    raise ValueError(f"{text!r} is no row of {table_id}; its rows are {', '.join(ids)}, or none")


def _corrections(
    line: Line, asked: Mapping[str, Asked], before: Mapping[tuple[object, ...], str]
) -> tuple[Correction, ...]:
    """Raises ValueError with the reason where the line is not to be taken."""
    cells = line.cells
    value, row = cells.get("corrected_value", ""), cells.get("corrected_row_id", "")
    about = asked.get(cells["item_id"].casefold())
    if not value and not row:
        if about is not None:
            _refuse_other_picture(cells)
            _refuse_overwriting(cells, about)
        return ()
    if line.fault:
        raise ValueError(line.fault)
    if about is None:
        name = cells["item_id"]
        raise ValueError(
            f"no question of this dataset is named {name!r}; export the questions again" if name else "item_id is empty"
        )
    made: list[Correction] = []
    if row and about.rows:
        made.extend(_rows_corrections(row, about))
    elif row:
        made.append(_row_correction(row, about))
    if value and about.forms:
        made.append(_form_correction(value, about, about.forms))
    elif value and about.line:
        made.extend(_line_corrections(value, about))
    elif value:
        made.append(_value_correction(value, about, made[0].new if made and about.by_name else ""))
    said = [replace(each, reviewer=cells.get("reviewer", ""), comment=cells.get("comment", "")) for each in made]
    if any(before.get(each.target) != each.new for each in said):
        _refuse_disagreement(cells, about)
    return tuple(said)


def figures_answer(text: str, line: Sequence[CellKey], form: FormSpec) -> dict[CellKey, str]:
    """What a person wrote of all cells of a line, separated by blanks, each as `value_answer` gives it.

    Where the line adds up in itself on the form the figures must, or ``!`` must stand behind them: printed so.

    Raises:
        ValueError: these are not so many values, or one of them cannot stand in its cell; the message says why.
    """
    texts = unicodedata.normalize("NFKC", text).replace(AS_PRINTED, f" {AS_PRINTED} ").split()
    as_printed = texts[-1:] == [AS_PRINTED]
    texts = texts[:-1] if as_printed else texts
    if len(texts) != len(line):
        raise ValueError(
            f"{len(texts)} figures for the {len(line)} columns of this line; write them all, with blanks between"
        )
    units, named = cell_units(form), labels(form)
    values = {}
    for key, one in zip(line, texts, strict=True):
        try:
            values[key] = value_answer(one, units[key], may_fall(named[key][1]))
        except ValueError as error:
            raise ValueError(f"{named[key][1]}: {error}") from error
    broken = broken_sum(values, form)
    if broken and not as_printed:
        raise ValueError(f"the figures do not add up: {broken}; write {AS_PRINTED} behind them if they are printed so")
    return values


def broken_sum(values: Mapping[CellKey, str], form: FormSpec) -> str:
    """A relation between these cells alone that they do not satisfy, in words; empty where there is none."""
    found = {key: value_of_words(text) for key, text in values.items()}
    within = [rule for rule in form.rules if found.keys() >= {*rule.left, *rule.right}]
    return next((f"{each.text}: {each.expected} ≠ {each.printed}" for each in check_all(within, found)), "")


def _line_corrections(text: str, about: Asked) -> Iterator[Correction]:
    cells = {key_of(row): row for row in about.line}
    for key, new in figures_answer(text, list(cells), about.form).items():
        yield _value(cells[key], key, new, by_name=True)


def _form_correction(text: str, about: Asked, forms: Sequence[str]) -> Correction:
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    if name not in forms:
        raise ValueError(f"{text!r} is no form; write one of {', '.join(forms)}")
    plain = _plain(about.row, key_of(about.row))
    return replace(plain, kind=CorrectionKind.FORM, old=about.form.id, new=name)


def _value_correction(text: str, about: Asked, row_id: str) -> Correction:
    """The correction; ``row_id`` is the row of a cell asked about by name, empty for the one it was taken for."""
    if about.cell is None:
        raise ValueError("this line asks which row it is: write the row in corrected_row_id, not a value")
    key = replace(key_of(about.cell), row_id=row_id or about.cell["row_id"])
    if key not in labels(about.form):
        raise ValueError(f"{row_id} has no such column; write no value")
    new = value_answer(text, cell_units(about.form)[key], may_fall(labels(about.form)[key][1]))
    return _value(about.cell, key, new, about.by_name)


def _value(cell: Row, key: CellKey, new: str, by_name: bool) -> Correction:
    held = value_of(cell)
    old = "" if held is None else written(held, cell["raw_text"])
    made = replace(_plain(cell, key), old=old, new=new, reading=cell["reading"])
    return replace(made, page=None, box=None) if by_name else made


def _rows_corrections(text: str, about: Asked) -> Iterator[Correction]:
    names = unicodedata.normalize("NFKC", text).casefold().split()
    if len(names) != len(about.rows):
        raise ValueError(
            f"{len(names)} rows for the {len(about.rows)} that are printed; write one for each, or none for it"
        )
    twice = next((name for name in names if name != NOT_ON_THE_FORM and names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(
            f"{twice} is named twice; of a row in pieces name the one with the figures, and none for the others"
        )
    for name, printed in zip(names, about.rows, strict=True):
        yield _row_correction(name, replace(about, printed=printed, rows=()))


def _row_correction(text: str, about: Asked) -> Correction:
    table_id = about.row["table_id"]
    table = next(table for table in about.form.tables if table.id == table_id)
    if table.layout is TableLayout.STRIP:
        raise ValueError("the rows of this table have no labels; write the value in corrected_value")
    if about.forms:
        raise ValueError("this line asks for a form: write it in corrected_value, and no row")
    if about.line:
        raise ValueError("this line asks for figures: write them in corrected_value, and no row")
    if about.printed is None:
        raise ValueError("no printed row was found for this cell; write its value in corrected_value")
    printed = about.printed
    new = row_answer(text, about.form, table_id)
    found = printed["row_id"] != NOT_ON_THE_FORM
    plain = _plain(printed, CellKey(table_id, printed["row_id"] if found else "", ""))
    return replace(
        plain,
        kind=CorrectionKind.ROW,
        old=printed["row_id"],
        new=new,
        context=LabelContext(
            text=printed["label"],
            parent=printed["parent"],
            section=printed["section"],
            previous=printed["previous"],
            following=printed["following"],
            position=float(printed["position"]),
            columns=int(printed["columns"]),
        ),
    )


def _plain(row: Row, key: CellKey) -> Correction:
    return Correction(
        correction_id="",
        at="",
        reviewer="",
        comment="",
        kind=CorrectionKind.VALUE,
        document_id=row["document_id"],
        source=row["source"],
        report=int(row["report"]),
        form_id=row["form_id"],
        key=key,
        old="",
        new="",
        page=int(row["page"]) if row["page"] else None,
        box=box_of(row),
    )


def _refuse_disagreement(cells: Mapping[str, str], about: Asked) -> None:
    """Refuse a line that tells something else of its question than the dataset does.

    A cell that was deleted or inserted moves everything behind it: any column there may be the one that shows it.
    """
    for name in _NEVER_EMPTY:
        if cells.get(name) == "":
            raise ValueError(f"{name} is empty here: {_APART}")
    true = {name: about.row.get(name, "") for name in _IDENTITY}
    for name in _IDENTITY:
        given = cells.get(name, "")
        if given and given != true[name]:
            raise ValueError(f"{name} is {given!r} here and {true[name]!r} in the dataset: {_APART}")
    if cells.get("kind") and cells["kind"] not in about.kinds:
        raise ValueError(f"kind is {cells['kind']!r} here: {_APART}")
    if cells.get("status") and cells["status"] not in set(Status):
        raise ValueError(f"status is {cells['status']!r} here: {_APART}")
    if "report" in cells and parse_value(cells["report"]).number != int(about.row["report"]):
        raise ValueError(f"report is {cells['report']!r} here and {about.row['report']} in the dataset: {_APART}")
    _refuse_other_picture(cells)


def _refuse_other_picture(cells: Mapping[str, str]) -> None:
    picture = cells.get("picture", "")
    if picture and cells["item_id"].casefold() not in picture.casefold():
        raise ValueError("the picture is that of another line: columns were sorted or shifted apart")


def _refuse_overwriting(cells: Mapping[str, str], about: Asked) -> None:
    """Refuse a line whose answer stands where the question told what was read, instead of leaving it unnoticed."""
    told = cells.get("value", "")
    if about.forms:
        if told not in ("", about.form.id):
            raise ValueError(f"value was changed to {told!r}; write what is right in corrected_value")
        return
    if about.rows and told not in ("", " ".join(row["row_id"] for row in about.rows)):
        raise ValueError("value was changed; write the rows as they are in corrected_row_id")
    if about.line and UNREAD not in told and told not in ("", held_figures(about.line)):
        raise ValueError(f"value was changed to {told!r}; write what is right in corrected_value")
    if about.cell is None:
        return
    held = value_of(about.cell)
    known = {parse_value(about.cell["raw_text"]).number, None if held is None else held.number}
    for name in ("value", "reading"):
        number = parse_value(cells.get(name, "")).number
        if number is not None and number not in known:
            raise ValueError(f"{name} was changed to {cells[name]!r}; write what is right in corrected_value")


def _refuse_contradictions(
    lines: Sequence[Line], read: Mapping[int, tuple[Correction, ...]], refused: dict[int, str]
) -> None:
    """Refuse every line about something that another line says something else of."""
    said: dict[object, dict[int, object]] = defaultdict(dict)
    for place, corrections in read.items():
        for each in corrections:
            said[each.target][place] = each.new
    for place, line in enumerate(lines):
        answers = (line.cells.get("corrected_value", ""), line.cells.get("corrected_row_id", ""))
        if any(answers):
            taken = tuple(each.new for each in read.get(place, ()))
            said["item", line.cells["item_id"].casefold()][place] = taken or answers
    for by_place in said.values():
        if len(set(by_place.values())) > 1:
            numbers = ", ".join(str(lines[place].number) for place in sorted(by_place))
            for place in by_place:
                refused.setdefault(place, f"lines {numbers} give different answers to one question")
