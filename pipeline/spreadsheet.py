"""CSV tables that people open in a spreadsheet: no cell is taken for a formula, and reading restores what was written.

Spreadsheets evaluate a cell that begins with one of ``= + - @`` (also full-width, also after blanks), a tab or a
carriage return (OWASP, "CSV Injection"). Text is therefore written with a leading apostrophe where it begins so, or
with an apostrophe of its own; a number is never changed. Files are UTF-8 with a byte order mark, without which Excel
takes Chinese for another encoding.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from pipeline.errors import UsageError

ENCODING = "utf-8-sig"
_TRIGGERS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "﹢", "﹣", "﹦", "﹫")
_CONTROLS = ("\t", "\r", "\n")
# Zero-width characters are no blanks to Python, but spreadsheets may drop them.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def protect(text: str) -> str:
    r"""The text as it stands in a file: an apostrophe in front of what would be evaluated or begins with one.

    NUL, which many readers of CSV stop at, becomes ␀ (U+2400); half surrogates, which UTF-8 cannot hold, become
    their escape ``\udcxx``. Everything else is restored exactly by `restore`.
    """
    text = text.replace("\0", "␀").encode("utf-8", "backslashreplace").decode("utf-8")
    bare = text.lstrip().lstrip(_INVISIBLE).lstrip()
    if text.startswith(("'", *_CONTROLS)) or bare.startswith(_TRIGGERS):
        return "'" + text
    return text


def protect_figure(text: str) -> str:
    """A plain number as it is, anything else as `protect` gives it: ``-8`` is a figure, ``-8+1`` a formula."""
    return text if _NUMBER.fullmatch(text) else protect(text)


def restore(text: str) -> str:
    """The text that `protect` or `protect_figure` was given."""
    return text.removeprefix("'")


def line(columns: Sequence[str], numbers: Container[str], row: Mapping[str, str]) -> str:
    """Some cells of a row as they stand in a file, with the end of the line.

    Args:
        columns: names of the cells, in order.
        numbers: those of them that hold numbers; these are written as they are.
    """
    text = io.StringIO()
    csv.writer(text).writerow([(protect_figure if name in numbers else protect)(row[name]) for name in columns])
    return text.getvalue()


class Writer:
    """A table being written to a file that must not exist yet; a context manager.

    Args:
        path: the new file.
        columns: names of all columns, in order.
        numbers: those of them that hold numbers.

    Raises:
        FileExistsError: the file is there already.
    """

    def __init__(self, path: Path, columns: Sequence[str], numbers: Iterable[str]) -> None:
        self._columns = tuple(columns)
        self._numbers = frozenset(numbers)
        self._file: TextIO = path.open("x", encoding=ENCODING, newline="")
        self.append(line(columns, (), {name: name for name in columns}))

    def write(self, row: Mapping[str, str]) -> None:
        """Append a row; it must have every column and no other."""
        if row.keys() != set(self._columns):
            raise ValueError(f"columns {sorted(row.keys() ^ set(self._columns))} are missing or unknown")
        self.append(line(self._columns, self._numbers, row))

    def append(self, lines: str) -> None:
        """Append rows as `line` gives them."""
        self._file.write(lines)

    def file(self) -> TextIO:
        """The open file, to be flushed and synchronised."""
        return self._file

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def read(path: Path, required: Iterable[str]) -> Iterator[dict[str, str]]:
    """Read a table by the names of its columns, in any order; further columns are kept.

    Args:
        path: a file as `Writer` writes it, or any comma-separated UTF-8 file with a header.
        required: columns that must be there.

    Raises:
        UsageError: the file cannot be read, a column is missing, or a row has not as many cells as the header.
    """
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding=ENCODING, newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            missing = [name for name in required if name not in header]
            if missing:
                raise UsageError(
                    f"{path} has no column {', '.join(missing)}",
                    "The first line must name the columns, separated by commas",
                )
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise UsageError(
                        f"{path}, line {reader.line_num}: {len(row)} cells under {len(header)} columns",
                        "Repair the line; a cell that holds a comma must stand in quotes",
                    )
                yield {name: restore(text) for name, text in zip(header, row, strict=True)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read: {error}", "Give a comma-separated table in UTF-8") from error
