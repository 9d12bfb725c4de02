"""A review table as it comes back from a spreadsheet, whatever the spreadsheet did to it: CSV or a workbook.

Spreadsheets save in the encoding of the system (GBK in China), with ``;`` or tabs between the cells where the comma is
a decimal sign, with or without a byte order mark, cut empty cells off at the end of lines or add some; people reorder,
drop and add columns, sort, delete and repeat lines. All that changes nothing here: cells are found by the name of
their column. Only text is returned; what it means is decided elsewhere.
"""

from __future__ import annotations

import codecs
import csv
import io
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.review.sheets import is_workbook, read_workbook
from pipeline.spreadsheet import restore

_DELIMITERS = (",", ";", "\t", "|")
_NAMED = "item_id"
ANSWERS = ("corrected_value", "corrected_row_id")
_BESIDE = ("reviewer", "comment")
_ADVICE = "Give the file that `nianbao review export` wrote, filled in and saved as CSV or .xlsx"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        number: its 1-based number among the lines of the file, the header counted.
        cells: text by name of column, in the order of the file; blanks around it are cut off.
        fault: why the line cannot be trusted; empty where it can.
    """

    number: int
    cells: dict[str, str]
    fault: str = ""


def read_lines(path: Path) -> tuple[Line, ...]:
    """Every line of a review table that is not blank.

    Raises:
        UsageError: the file cannot be read, is no table of this kind, or names a column twice.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", _ADVICE) from error
    of_workbook = is_workbook(data)
    table = iter(read_workbook(path, _NAMED, _ADVICE)) if of_workbook else _split(_decode(data, path), path)
    header = next((row for _, row in table), [])
    return tuple(lines_of(header, table, path))


def lines_of(header: Sequence[str], rows: Iterator[tuple[int, list[str]]], path: Path) -> Iterator[Line]:
    """The lines under a header.

    Raises:
        UsageError: a column is named twice, or there is none for the item or none for an answer.
    """
    names = [name.strip().strip("\ufeff").casefold() for name in header]
    for name in names:
        if name and names.count(name) > 1:
            raise UsageError(f"{path} has the column {name} twice", "Delete one of them")
    if _NAMED not in names:
        raise UsageError(f"{path} has no column {_NAMED}", _ADVICE)
    if not set(ANSWERS).intersection(names):
        raise UsageError(f"{path} has no column corrected_value", _ADVICE)
    # Spreadsheets leave out empty cells at the end of lines. That does no harm where answers alone stand there; else a
    # line that is too short may be one whose cells have moved.
    first = min(names.index(name) for name in ANSWERS if name in names)
    may_be_short = set(names[first:]) <= {*ANSWERS, *_BESIDE, ""}
    for number, row in rows:
        cells = [restore(cell.strip()).strip() for cell in row]
        if not any(cells):
            continue
        fault = ""
        if len(cells) > len(names) or (len(cells) < len(names) and not may_be_short):
            fault = f"the line has {len(cells)} cells under {len(names)} columns"
        cells += [""] * (len(names) - len(cells))
        yield Line(number, {name: cell for name, cell in zip(names, cells, strict=False) if name}, fault)


def _decode(data: bytes, path: Path) -> str:
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UsageError(f"{path} is in none of the encodings UTF-8, UTF-16 and GBK", "Save it as “CSV UTF-8”")


def _split(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows with their numbers, from the header on; what stands between cells is told by the header."""
    csv.field_size_limit(sys.maxsize)
    lines = text.lstrip("\ufeff")
    first = next((line for line in lines.splitlines() if _NAMED in line.casefold()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter)
    begun = False
    try:
        for number, row in enumerate(reader, start=1):
            begun = begun or any(cell.strip().casefold() == _NAMED for cell in row)
            if begun:
                yield number, row
    except csv.Error as error:
        raise UsageError(f"{path} cannot be read: {error}", _ADVICE) from error


def keep_answers(path: Path) -> Path | None:
    """Save a table in which somebody wrote answers, before another one takes its place.

    A table that cannot be read may hold answers and is saved as well.

    Returns:
        The copy, which takes no other's place; None where there are no answers, or no table.

    Raises:
        OSError: the copy cannot be written.
    """
    if not path.exists():
        return None
    try:
        answered = any(line.cells.get(name) for line in read_lines(path) for name in ANSWERS)
    except UsageError:
        answered = True
    if not answered:
        return None
    names = (path.with_name(f"{path.stem}.answered-{number}{path.suffix}") for number in count(1))
    copy = next(name for name in names if not name.exists())
    shutil.copyfile(path, copy)
    return copy
