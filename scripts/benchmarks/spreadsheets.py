"""Review tables as spreadsheets and people spoil them: no wrong cell may change, no refusal may lack its reason."""

from __future__ import annotations

import argparse
import codecs
import csv
import datetime as dt
import io
import random
import re
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl

from pipeline.domain import CellKey
from pipeline.forms import form_by_id
from pipeline.review import (
    NUMBER_COLUMNS,
    REVIEW_COLUMNS,
    Level,
    figures_id,
    item_row,
    items_of,
    lines_of,
    rows_id,
    rows_on_pages,
)
from pipeline.review.answers import Asked, Understood, broken_sum, understand
from pipeline.review.incoming import read_lines
from pipeline.review.items import cell_id, key_of, row_id
from pipeline.spreadsheet import protect, protect_figure

FORM = form_by_id("ogi-2019")
_DOCUMENTS = 3
_WORDS = ("blank", "slash", "dash", "不适用", "空白")
_SAME = {"空白": "blank"}
_IMPOSSIBLE = (
    "五",
    "3-2",
    "3月2日",
    "2-Mar",
    "2026/3/2",
    "1.23E+09",
    "1.5",
    "-4",
    "12 13",
    "=1+1",
    "1,23",
    "abc",
    "007",
)
_KEPT = ("item_id", "corrected_value", "corrected_row_id")

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Questions:
    """An export as rows, and what its questions are about."""

    rows: tuple[Mapping[str, str], ...]
    asked: Mapping[str, Asked]


@dataclass(slots=True)
class Spoiled:
    """A table as it comes back.

    Attributes:
        content: the bytes of the file.
        meant: what the lines about each question say, in the words of corrections; what is impossible in no words of
            theirs.
        doubtful: the same of lines whose cells were moved about, which may be refused.
        damage: what was done to it, by name.
    """

    content: bytes = b""
    meant: dict[str, set[str]] = field(default_factory=dict)
    doubtful: dict[str, set[str]] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)


def questions() -> Questions:
    """An export of three documents: every fourth cell and every third row is doubtful, in the first a single row."""
    rows: list[Mapping[str, str]] = []
    asked: dict[str, Asked] = {}
    for number in range(_DOCUMENTS):
        cells, printed = tables(number)
        for row in printed:
            asked[row_id(row)] = Asked(None, row, FORM)
        by_row = {(row["table_id"], row["row_id"]): row for row in printed}
        for cell in cells:
            asked[cell_id(cell, by_name=False)] = Asked(cell, by_row.get((cell["table_id"], cell["row_id"])), FORM)
        for together in rows_on_pages(printed):
            asked[rows_id(together[0])] = Asked(None, None, FORM, rows=together)
        for key, line in lines_of(cells, FORM).items():
            asked[figures_id(line[0], key)] = Asked(None, None, FORM, line=line)
        rows.extend(item_row(item) for item in items_of(cells, printed, (), FORM, Level.ROWS))
    return Questions(tuple(rows), asked)


def spoil(made: Questions, seed: int, workbook: bool | None = None) -> Spoiled:
    """Answer some of the questions, and do to the table what spreadsheets and people do.

    Args:
        workbook: whether it comes back as a workbook, or as CSV; None for either.
    """
    chance = random.Random(seed)
    result = Spoiled()
    drawn = chance.sample(made.rows, k=min(len(made.rows), 40))
    rows = [{**row, "about": row["item_id"], "meant": "", "我的备注": ""} for row in drawn]
    for row in rows:
        if chance.random() < 0.4:
            _answer(row, chance, made.asked[row["item_id"]])
    for change in _CHANGES:
        if chance.random() < 0.25:
            result.damage.append(change.__name__.strip("_"))
            rows = change(rows, chance, result)
    columns = _columns(chance, result)
    for row in rows:  # a column that a person added
        row["我的备注"] = chance.choice(["", "x", "12"]) if row["about"].strip() else ""
    result.content = _write(rows, columns, chance, result, workbook)
    return result


def wrong(made: Questions, spoiled: Spoiled, understood: Understood) -> list[str]:
    """What must never happen and did, in words."""
    found = []
    targets = {}
    of_lines: dict[str, set[tuple[str, CellKey]]] = {}
    lines: dict[str, list[str]] = {}
    for name in made.asked.keys() & {*spoiled.meant, *spoiled.doubtful}:
        about = made.asked[name]
        of = about.row
        if about.line:
            of_lines[name] = {(row["document_id"], key_of(row)) for row in about.line}
            continue
        for row in about.rows or (of,):
            targets[row["document_id"], row["page"], row["x0"], row["y0"], row["table_id"]] = name
    for each in understood.corrections:
        box = each.box
        if box is None or each.page is None:
            cell = (each.document_id, each.key)
            lines.setdefault(next((n for n, keys in of_lines.items() if cell in keys), ""), []).append(each.new)
            continue
        place = (each.document_id, str(each.page), f"{box.x0:.1f}", f"{box.y0:.1f}", each.key.table_id)
        name = targets.get(place, "")
        if name and made.asked[name].rows:
            lines.setdefault(name, []).append(each.new)
            continue
        found += _not_meant(str(place), each.new, name, spoiled)
    for name, news in lines.items():
        found += _not_meant(name or "a cell nobody asked about", " ".join(news), name, spoiled)
    found += [f"line {each.line.number} was refused without a reason" for each in understood.refused if not each.reason]
    return found


def _not_meant(what: str, new: str, name: str, spoiled: Spoiled) -> list[str]:
    meant, doubtful = spoiled.meant.get(name, set()), spoiled.doubtful.get(name, set())
    if new in meant | doubtful and not meant - {new}:
        return []
    return [f"{what} became {new!r}, and {sorted(meant)} was meant, or {sorted(doubtful)}"]


def take(made: Questions, spoiled: Spoiled, folder: Path) -> Understood:
    """Read the table and understand it."""
    path = folder / "review.csv"
    path.write_bytes(spoiled.content)
    return understand(read_lines(path), made.asked, ())


def tables(number: int) -> tuple[list[Row], list[Row]]:
    """Cells and printed rows of a report, as rows of ``cells.csv`` and ``rows.csv``."""
    document = f"d-{number:016x}"
    cells: list[Row] = []
    printed: list[Row] = []
    lines: dict[tuple[str, str], int] = {}
    common = {"document_id": document, "source": f"县/{number}.pdf", "report": "1", "form_id": FORM.id}
    for place, key in enumerate(FORM.keys()):
        line = lines.setdefault((key.table_id, key.row_id), len(lines))
        box = {"x0": f"{place % 10 * 90}.0", "y0": f"{line * 30}.0", "x1": f"{place % 10 * 90 + 80}.0"}
        doubtful = place % 4 == 0
        row = {
            **common,
            "agency": "=某局",
            "year": "2020",
            "table_id": key.table_id,
            "row_id": key.row_id,
            "column_id": key.column_id,
            "value": str(place),
            "unit": "",
            "mark": "number",
            "raw_text": str(place),
            "status": "review" if doubtful else "accepted",
            "confidence": "0.5" if doubtful else "0.999",
            "reading": f"numerals: {place} 0.5 | - 0.3",
            "page": "2",
            **box,
            "y1": f"{line * 30 + 20}.0",
            "note": "",
            "reasons": "; ".join(["-1 or 1"] * doubtful),
        }
        cells.append(row)
        if lines[key.table_id, key.row_id] == len(lines) - 1 and not any(r["row_id"] == key.row_id for r in printed):
            printed.append(
                {
                    **common,
                    "table_id": key.table_id,
                    "row_id": key.row_id,
                    "certainty": "0.6" if (line % 3 == 0 if number else key.row_id == "received") else "0.999",
                    "candidates": "",
                    "page": "2",
                    "x0": "-100.0",
                    "y0": f"{line * 30}.0",
                    "x1": "900.0",
                    "y1": f"{line * 30 + 20}.0",
                    "label": "-其他",
                    "parent": "",
                    "section": "",
                    "previous": "",
                    "following": "",
                    "position": "0.5",
                    "columns": "7",
                }
            )
    return cells, printed


def _answer(row: Row, chance: random.Random, about: Asked) -> None:
    row["reviewer"], row["comment"] = chance.choice(["王芳", "Li", ""]), chance.choice(["", "看不清", "=2", "-x"])
    if row["kind"] == "rows":
        names = row["value"].split()
        drawn = chance.choice([names, names[::-1], ["none", *names[:-1]], names[:-1]])
        row["corrected_row_id"] = chance.choice([" ", "\u3000"]).join(drawn)
        row["meant"] = " ".join(drawn) if len(drawn) == len(names) else f"impossible {drawn}"
        return
    if row["kind"] == "row":
        table = next(table for table in FORM.tables if table.id == row["table_id"])
        row["corrected_row_id"] = chance.choice([each.id for block in table.blocks for each in block.rows] + ["none"])
        row["meant"] = row["corrected_row_id"]
        return
    if row["kind"] == "figures":
        _answer_line(row, chance, [key_of(cell) for cell in about.line])
        return
    if chance.random() < 0.2:
        word = chance.choice(_WORDS)
        row["corrected_value"] = word
        row["meant"] = _SAME.get(word, word)
        return
    number = chance.choice([0, 3, 17, 508, 1234, 20_500_000])
    row["corrected_value"] = chance.choice(_SHAPES)(number)
    row["meant"] = str(number)


def _answer_line(row: Row, chance: random.Random, line: Sequence[CellKey]) -> None:
    """Figures of a whole line; what does not add up is impossible, unless it says that it is printed so."""
    values = [str(chance.choice([0, 0, 3, 17, 1234])) for _ in line]
    as_printed = chance.random() < 0.5
    row["corrected_value"] = chance.choice([" ", "  ", "\u3000"]).join(values) + " !" * as_printed
    refused = not as_printed and broken_sum(dict(zip(line, values, strict=True)), FORM)
    row["meant"] = f"impossible {values}" if refused else " ".join(values)


def _said(text: str) -> str:
    """What a text means that is impossible in most cells: a column of changes may hold a negative number."""
    return text if text in ("99", "blank", "-4") else f"impossible {text}"


def _wide(number: int) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in str(number))


_SHAPES: tuple[Callable[[int], str], ...] = (
    str,
    str,
    lambda number: f"{number}.0",
    lambda number: f"{number:,}",
    lambda number: f" {number} ",
    lambda number: f"{number:,}.00",
    _wide,
    lambda number: f"+{number}",
)


# --------------------------------------------------------------------------- what is done to the lines


def _sorted_lines(rows: list[Row], chance: random.Random, _: Spoiled) -> list[Row]:
    name = chance.choice(REVIEW_COLUMNS)
    return sorted(rows, key=lambda row: row[name], reverse=chance.random() < 0.5)


def _deleted_lines(rows: list[Row], chance: random.Random, _: Spoiled) -> list[Row]:
    return [row for row in rows if chance.random() < 0.8]


def _repeated_lines(rows: list[Row], chance: random.Random, _: Spoiled) -> list[Row]:
    return rows + [dict(row) for row in chance.sample(rows, k=min(5, len(rows)))]


def _blank_lines(rows: list[Row], chance: random.Random, _: Spoiled) -> list[Row]:
    for _line in range(3):
        blank = dict.fromkeys((*REVIEW_COLUMNS, "about", "meant"), chance.choice(["", " "]))
        rows.insert(chance.randint(0, len(rows)), blank)
    return rows


def _two_answers(rows: list[Row], chance: random.Random, result: Spoiled) -> list[Row]:
    answered = [row for row in rows if row["corrected_value"].strip()]
    for row in chance.sample(answered, k=min(3, len(answered))):
        text = chance.choice(["99", "blank", *_IMPOSSIBLE])
        rows.append(row | {"corrected_value": text, "meant": _said(text)})
    return rows


def _impossible_answers(rows: list[Row], chance: random.Random, result: Spoiled) -> list[Row]:
    asked = [row for row in rows if row["about"].strip()]
    for row in chance.sample(asked, k=min(4, len(asked))):
        column = "corrected_row_id" if row["kind"] == "row" else "corrected_value"
        text = chance.choice(_IMPOSSIBLE)
        row |= {column: text, "meant": _said(text)}
    return rows


def _unknown_names(rows: list[Row], chance: random.Random, result: Spoiled) -> list[Row]:
    for row in chance.sample(rows, k=min(3, len(rows))):
        row["item_id"] = chance.choice(["", "q-aaaaaaaaaaaaaaaa", row["item_id"][:-1], "12"])
    return rows


def _column_sorted_apart(rows: list[Row], chance: random.Random, _: Spoiled) -> list[Row]:
    """The names alone are sorted, and all else stays: what each line tells of its question is that of another."""
    names = sorted(row["item_id"] for row in rows)
    return [row | {"item_id": name} for row, name in zip(rows, names, strict=True)]


def _overwritten(rows: list[Row], chance: random.Random, _: Spoiled) -> list[Row]:
    for row in chance.sample(rows, k=min(3, len(rows))):
        row[chance.choice(["value", "reading"])] = "77777"
    return rows


_CHANGES = (
    _sorted_lines,
    _deleted_lines,
    _repeated_lines,
    _blank_lines,
    _two_answers,
    _impossible_answers,
    _unknown_names,
    _overwritten,
    _column_sorted_apart,
)


# --------------------------------------------------------------------------- what is done to the file


def _columns(chance: random.Random, result: Spoiled) -> list[str]:
    columns = [*REVIEW_COLUMNS, "我的备注"] if chance.random() < 0.3 else list(REVIEW_COLUMNS)
    if chance.random() < 0.3:
        result.damage.append("reordered columns")
        chance.shuffle(columns)
    apart = "column_sorted_apart" in result.damage  # nothing could tell without the columns that name the cell
    if chance.random() < 0.3 and not apart:
        result.damage.append("dropped columns")
        columns = [name for name in columns if name in _KEPT or chance.random() < 0.6]
    return columns


def _write(
    rows: Sequence[Row], columns: Sequence[str], chance: random.Random, result: Spoiled, workbook: bool | None
) -> bytes:
    protected = chance.random() < 0.7  # a spreadsheet may have taken the apostrophe away
    as_workbook = chance.random() < 0.3 if workbook is None else workbook
    # A workbook does not tell how many cells a line has: moved cells show by the columns that name what is asked.
    may_move = not (as_workbook and "dropped columns" in result.damage)
    table = [[name.upper() if chance.random() < 0.02 else name for name in columns]]
    for row in rows:
        cells = [_cell(name, row[name], protected) for name in columns]
        event, moved = chance.random(), False
        if event < 0.03:
            while cells and not cells[-1]:
                cells.pop()
        elif event < 0.05 and may_move:
            moved = True
            del cells[chance.randrange(len(cells))]
        elif event < 0.07 and may_move:
            moved = True
            cells.insert(chance.randrange(len(cells)), "" if as_workbook else chance.choice(["", "7"]))
        table.append(cells)
        if row["meant"].strip() and row["item_id"] == row["about"]:
            (result.doubtful if moved else result.meant).setdefault(row["about"], set()).add(row["meant"])
    if as_workbook:
        result.damage.append("workbook")
        return _workbook(table, chance)
    return _csv(table, chance, result)


def _csv(table: Sequence[Sequence[str]], chance: random.Random, result: Spoiled) -> bytes:
    delimiter = chance.choice([",", ",", ";", "\t"])
    end = chance.choice(["\r\n", "\n"])
    every = chance.random() < 0.5
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
    )
    writer.writerows(table)
    head = f"sep={delimiter}{end}" if chance.random() < 0.1 else ""
    content = head + text.getvalue()
    encoding = chance.choice(["utf-8-sig", "utf-8", "gb18030", "utf-16"])
    result.damage.append(f"{encoding} {delimiter!r}")
    if encoding == "utf-16":
        return codecs.BOM_UTF16_LE + content.encode("utf-16-le")
    return content.encode(encoding)


def _workbook(table: Sequence[Sequence[str]], chance: random.Random) -> bytes:
    """The table as Excel keeps it, where cells are text or where it makes of them what it likes."""
    book = openpyxl.Workbook()
    sheet = book.active
    if chance.random() < 0.2:  # a sheet that a person put in front
        sheet.append(["notes"])
        sheet = book.create_sheet("answers")
    for _line in range(chance.choice([0, 0, 0, 2])):
        sheet.append([])
    as_text = chance.random() < 0.4
    for cells in table:
        sheet.append([text if as_text else _as_excel(text) for text in cells])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _as_excel(text: str) -> object:
    if text == "":
        return None
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})", text):
        return int(text)
    if re.fullmatch(r"-?(0|[1-9]\d{0,11})\.\d+", text):
        return float(text)
    if text in ("3-2", "3月2日", "2-Mar", "2026/3/2"):
        return dt.datetime(2026, 3, 2)
    return text


def _cell(name: str, text: str, protected: bool) -> str:
    if not protected:
        return text
    return (protect_figure if name in NUMBER_COLUMNS else protect)(text)


# --------------------------------------------------------------------------- the measurement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this measurement."""
    parser.add_argument("--number", type=int, default=10_000, help="tables to spoil")
    parser.add_argument("--seed", type=int, default=0, help="of the first table")


def run(arguments: argparse.Namespace) -> int:
    """Spoil tables and report what happened; the exit status is 1 when a wrong cell was changed."""
    made = questions()
    began = time.perf_counter()
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.seed, arguments.seed + arguments.number):
            spoiled = spoil(made, seed)
            understood = take(made, spoiled, Path(folder))
            faults = wrong(made, spoiled, understood)
            for fault in faults:
                print(f"seed {seed}: {fault}")
            counts.update(tables=1, wrong=len(faults), refused=len(understood.refused))
            counts.update(taken=len(understood.corrections), meant=len(spoiled.meant))
            reasons.update(_kind(each.reason) for each in understood.refused)
    print(
        f"{counts['tables']:,} tables, {counts['meant']:,} answers meant, {counts['taken']:,} taken, "
        f"{counts['refused']:,} lines refused, {counts['wrong']:,} wrong, {time.perf_counter() - began:.0f} s"
    )
    for reason, number in reasons.most_common():
        print(f"{number:>9,}  {reason}")
    return 1 if counts["wrong"] else 0


def _kind(reason: str) -> str:
    """A reason without what it quotes."""
    words = unicodedata.normalize("NFKC", reason).replace('"', "'").split("'")
    return "…".join(words[::2]).partition(" its rows are")[0].partition("lines ")[0].partition(":")[0] or "two answers"
