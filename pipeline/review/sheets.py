"""The cells of an Excel workbook as text, whatever Excel made of them."""

from __future__ import annotations

import datetime as dt
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from pipeline.errors import UsageError

_LARGEST = 1 << 30  # bytes of one part, unpacked


def is_workbook(data: bytes) -> bool:
    """Whether the content of a file is that of an Excel workbook, of whatever kind."""
    return data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def read_workbook(path: Path, named: str, advice: str) -> list[tuple[int, list[str]]]:
    """The rows of the first sheet with a column of this name, with their numbers, from the header on; none without one.

    A cell becomes the text that a person sees in it; a formula stays a formula.

    Raises:
        UsageError: the file cannot be read.
    """
    from openpyxl import load_workbook  # not wanted where documents are read
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with path.open("rb") as file:  # whatever its name ends in
            _refuse_large(file, path)
            book = load_workbook(file, read_only=True)
            for sheet in book.worksheets:
                sheet.reset_dimensions()  # some programs write wrong ones
                table = list(_table(sheet.iter_rows(values_only=True), named))
                if table:
                    return table
    except (zipfile.BadZipFile, InvalidFileException) as error:
        advice = "Save it as .xlsx, without a password"
        raise UsageError(f"{path} is an old, a locked or a damaged workbook", advice) from error
    except (OSError, ParseError, zlib.error, EOFError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", advice) from error
    return []


def _refuse_large(file: BinaryIO, path: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        size = max((each.file_size for each in archive.infolist()), default=0)
    if size > _LARGEST:
        raise UsageError(
            f"{path} holds {size / 2**20:,.0f} MB in one part", "Export the questions again, fewer of them"
        )


def _table(rows: Iterable[Sequence[object]], named: str) -> Iterator[tuple[int, list[str]]]:
    """Rows from the header on; cells that are empty at the end of a row are left out or added."""
    width = 0
    for number, row in enumerate(rows, start=1):
        cells = [_text(cell) for cell in row]
        while cells and not cells[-1].strip():
            cells.pop()
        if not width and any(cell.strip().casefold() == named for cell in cells):
            width = len(cells)
        if width:
            yield number, [*cells, *[""] * (width - len(cells))]


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        number = Decimal(repr(cell))
        return format(number.quantize(Decimal(1)) if number == number.to_integral_value() else number, "f")
    if isinstance(cell, dt.datetime | dt.date | dt.time | dt.timedelta):
        return str(cell)
    return f"={getattr(cell, 'text', '')}"  # formulas of several cells
