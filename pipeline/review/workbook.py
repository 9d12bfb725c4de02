"""The review table as an Excel workbook: pictures of the cells in it, answers chosen from lists, all else locked.

Every cell is text, figures and answers too: of what is typed into any other Excel makes a date (``3-2``) or a number
(``007``). The sheet is protected, without a password, so that nothing can be sorted apart from its picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.drawing.image import Image
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from PIL import Image as Pictures

from pipeline.corrections import NOT_ON_THE_FORM
from pipeline.domain import FormSpec
from pipeline.review.choices import choices, may_be_another_row, rows_of
from pipeline.review.items import Item, Kind
from pipeline.review.table import ANSWER_COLUMNS, NUMBER_COLUMNS, REVIEW_COLUMNS, item_row
from pipeline.spreadsheet import protect, protect_figure

SUFFIX = ".xlsx"
_SHEET, _ROWS = "review", "rows"
# What a person looks at comes first, the answers among it; the rest follows in its order.
_FIRST = (
    *("picture", "printed_label", "column_label", "value", "reading", "alternatives"),
    *(*ANSWER_COLUMNS, "reasons", "row_label", "unit"),
)
_COLUMNS = (*_FIRST, *(name for name in REVIEW_COLUMNS if name not in _FIRST))
_WIDTHS = {"picture": 90, "printed_label": 20, "column_label": 20, "corrected_row_id": 24, "comment": 24, "reasons": 60}
_WIDTH = 12
# Pixels at 96 dpi; a character of the standard font is about 7 wide, a point of height 4/3.
_CHARACTER = 7
_TALLEST = 160
_TALLEST_TABLE = 500  # what is asked by name is looked for in a whole table
_PIXEL = 9525  # in the units of drawings
_INLINE = 255  # a list written into the cell's rule may be no longer
_RANGES = 200  # cells named in one rule
# Characters that XML cannot hold.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NO_CHARACTER = re.compile("[\ufffe\uffff]")


def write_workbook(
    path: Path, items: Sequence[Item], pictures: Mapping[str, Path], forms: Mapping[str, FormSpec]
) -> None:
    """Write the table.

    Args:
        pictures: by the name of an item the PNG of its picture.
        forms: those of the items, by id.

    Raises:
        OSError: the file cannot be written.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_SHEET)
    for place, name in enumerate(_COLUMNS, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = _WIDTHS.get(name, _WIDTH)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(_COLUMNS))}{len(items) + 1}"
    sheet.protection.sheet = True
    for allowed in ("formatColumns", "formatRows", "autoFilter"):
        setattr(sheet.protection, allowed, False)  # what is set is forbidden
    for rule in _rules(items, forms):
        sheet.data_validations.append(rule)
    look = _Look()
    sheet.append([look.head(sheet, name) for name in _COLUMNS])
    for number, item in enumerate(items, start=2):
        picture = pictures.get(item.item_id)
        if picture is not None:
            sheet.row_dimensions[number].height = (
                _place(sheet, picture, number, _TALLEST_TABLE if item.by_name else _TALLEST) * 0.75
            )
        row = item_row(item)
        open_to = _answers(item, forms[item.form_id])
        sheet.append([look.cell(sheet, name, row[name], name in open_to) for name in _COLUMNS])
    _write_rows(book, forms)
    book.save(path)


class _Look:
    """How cells look."""

    def __init__(self) -> None:
        self._top = Alignment(vertical="top", wrap_text=True)
        self._bold = Font(bold=True)
        self._open = PatternFill("solid", fgColor="FFF4CC")
        self._unlocked = Protection(locked=False)

    def head(self, sheet: Any, name: str) -> Any:
        cell = WriteOnlyCell(sheet, name)
        cell.font = self._bold
        cell.alignment = self._top
        return cell

    def cell(self, sheet: Any, name: str, text: str, is_open: bool) -> Any:
        cell = WriteOnlyCell(sheet, _safe((protect_figure if name in NUMBER_COLUMNS else protect)(text)))
        cell.data_type = "s"  # never a formula
        cell.number_format = "@"
        cell.alignment = self._top
        if is_open:
            cell.fill = self._open
            cell.protection = self._unlocked
        return cell


def _answers(item: Item, form: FormSpec) -> set[str]:
    """The columns that can be filled in."""
    asked = {"reviewer", "comment"}
    if item.kind not in (Kind.ROW, Kind.ROWS):
        asked.add("corrected_value")
    if may_be_another_row(item, form):
        asked.add("corrected_row_id")
    return asked


def _rules(items: Sequence[Item], forms: Mapping[str, FormSpec]) -> Iterator[DataValidation]:
    """Lists to choose from, each for all the cells that it is right for."""
    cells: dict[tuple[str, str], list[str]] = {}
    lists = {table: formula for table, _, formula in _lists(forms)}
    for number, item in enumerate(items, start=2):
        open_to = _answers(item, forms[item.form_id])
        if "corrected_row_id" in open_to and item.kind is not Kind.ROWS:
            cells.setdefault(("corrected_row_id", lists[item.form_id, item.key.table_id]), []).append(str(number))
        if "corrected_value" in open_to and item.kind is not Kind.FIGURES:
            listed = f'"{",".join(each for each in choices(item) if "," not in each and chr(34) not in each)}"'
            if len(listed) <= _INLINE:
                cells.setdefault(("corrected_value", listed), []).append(str(number))
    for (name, formula), numbers in cells.items():
        letter = get_column_letter(_COLUMNS.index(name) + 1)
        for start in range(0, len(numbers), _RANGES):
            yield DataValidation(
                type="list",
                formula1=formula,
                allow_blank=True,
                showErrorMessage=name == "corrected_row_id",  # another value can be typed, but no other row
                error=f"The sheet “{_ROWS}” lists the rows of each table.",
                sqref=" ".join(letter + each for each in numbers[start : start + _RANGES]),
            )


def _lists(forms: Mapping[str, FormSpec]) -> Iterator[tuple[tuple[str, str], dict[str, str], str]]:
    """Form and table, its rows with their labels, and where these stand on the sheet of rows."""
    top = 2
    for form in forms.values():
        for table in form.tables:
            rows = rows_of(form, table.id) | {NOT_ON_THE_FORM: ""}
            yield (form.id, table.id), rows, f"{_ROWS}!$C${top}:$C${top + len(rows) - 1}"
            top += len(rows)


def _write_rows(book: Any, forms: Mapping[str, FormSpec]) -> None:
    sheet = book.create_sheet(_ROWS)
    sheet.column_dimensions["C"].width = 40
    sheet.column_dimensions["D"].width = 80
    sheet.append(["form_id", "table_id", "row_id", "label"])
    for (form_id, table_id), rows, _ in _lists(forms):
        for row_id, label in rows.items():
            sheet.append([form_id, table_id, row_id, label])


def _place(sheet: Any, path: Path, number: int, tallest: int) -> int:
    """Put a picture into its cell, at most so tall; returns the height that the row must have, both in pixels."""
    with Pictures.open(path, formats=("PNG",)) as picture:
        width, height = picture.size
    column = _COLUMNS.index("picture")
    scale = min(1.0, (_WIDTHS["picture"] * _CHARACTER - 4) / width, tallest / height)
    across, down = round(width * scale), round(height * scale)
    image = Image(str(path))
    start = AnchorMarker(col=column, colOff=2 * _PIXEL, row=number - 1, rowOff=2 * _PIXEL)
    end = AnchorMarker(col=column, colOff=(2 + across) * _PIXEL, row=number - 1, rowOff=(2 + down) * _PIXEL)
    image.anchor = TwoCellAnchor(editAs="twoCell", _from=start, to=end)
    sheet.add_image(image)
    return down + 6


def _safe(text: str) -> str:
    """The text without what XML cannot hold: control characters as their pictures, half of nothing as a blot."""
    return _NO_CHARACTER.sub("\ufffd", _CONTROL.sub(lambda found: chr(0x2400 + ord(found[0])), text))
