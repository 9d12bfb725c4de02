"""What an item can be answered with: the likeliest values, and the rows of its table."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.corrections import NOT_ON_THE_FORM, written
from pipeline.domain import FormSpec, TableLayout
from pipeline.review.answers import may_fall, value_answer
from pipeline.review.items import Item, Kind, labels
from pipeline.values import parse_value

# As many as there are keys to choose them.
_CHOICES = 9
_MARKS = ("blank", "slash", "dash")


def choices(item: Item) -> list[str]:
    """Answers to choose from, the likeliest first: what is held, what was read, what else it may be, marks.

    Of a row these are row ids; of whole lines and tables there are none. Only what `pipeline.review.answers` takes is
    among them.
    """
    if item.kind is Kind.ROW:
        rows = dict.fromkeys((item.key.row_id or NOT_ON_THE_FORM, *item.alternatives))
        return [*[each for each in rows if each != NOT_ON_THE_FORM][: _CHOICES - 1], NOT_ON_THE_FORM]
    if item.kind in (Kind.FIGURES, Kind.ROWS):
        return []
    if item.kind is Kind.FORM:
        return [item.value, *item.alternatives]
    read = [item.value]
    if item.box is not None:
        read += [written(parse_value(text), text) for text in (item.reading, *item.alternatives)]
    possible = dict.fromkeys(answer for text in read if text for answer in _possible(text, item))
    marks = [mark for mark in _MARKS if mark not in possible]
    return [*list(possible)[: _CHOICES - len(marks)], *marks]


def may_be_another_row(item: Item, form: FormSpec) -> bool:
    """Whether a printed row is known that may be another row of the form."""
    table = next(table for table in form.tables if table.id == item.key.table_id)
    known = item.kind in (Kind.ROW, Kind.ROWS) or (
        item.kind is not Kind.FORM and item.box is not None and item.printed_label != ""
    )
    return known and table.layout is not TableLayout.STRIP


def rows_of(form: FormSpec, table_id: str) -> dict[str, str]:
    """The rows of a table in printed order, with their labels, groups first."""
    return {key.row_id: label for key, (label, _) in labels(form).items() if key.table_id == table_id}


def _possible(text: str, item: Item) -> Iterator[str]:
    try:
        yield value_answer(text, item.unit, may_fall(item.column_label))
    except ValueError:
        return
