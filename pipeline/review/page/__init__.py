"""The questions as a page for a browser: no server, no network; answers leave it as the table that an export writes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from pipeline.corrections import NOT_ON_THE_FORM, written
from pipeline.domain import FormSpec, TableLayout
from pipeline.review.answers import may_fall, value_answer
from pipeline.review.items import Item, Kind, labels
from pipeline.review.table import ANSWER_COLUMNS, NUMBER_COLUMNS, REVIEW_COLUMNS, item_row
from pipeline.spreadsheet import line
from pipeline.values import parse_value

# As many as there are keys to choose them.
_CHOICES = 9
_MARKS = ("blank", "slash", "dash")
_BEFORE = REVIEW_COLUMNS[: -len(ANSWER_COLUMNS)]
_QUOTED = re.compile("“[^”]*”")


def page(items: Sequence[Item], pictures: Mapping[str, str], forms: Mapping[str, FormSpec], table: str) -> bytes:
    """The page, in UTF-8.

    Args:
        pictures: by the name of an item where its picture lies, relative to the page.
        forms: those of the items, by id.
        table: name of the file that the answers are saved as.
    """
    style, script = _text("page.css"), _text("page.js")
    # Hashes, since a page that is opened from a disk has no origin of its own that could be named. Trusted types make
    # the browser refuse every way in which text could become HTML or a program.
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src 'self' file:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
    data = json.dumps(_data(items, pictures, forms, table), ensure_ascii=False, separators=(",", ":"))
    # Nothing in the data may end the element it stands in.
    data = re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", data)
    text = Template(_text("page.html")).substitute(policy=escape(policy), style=style, script=script, data=data)
    return text.encode("utf-8", "backslashreplace")  # half surrogates, as JSON writes them


def _data(
    items: Sequence[Item], pictures: Mapping[str, str], forms: Mapping[str, FormSpec], table: str
) -> dict[str, Any]:
    reports, tables, reasons = _Numbered(), _Numbered(), _Numbered()
    lines = [_line(item, pictures.get(item.item_id, "")) for item in items]
    shown = [
        {
            "id": item.item_id,
            "kind": item.kind,
            "line": text,
            "report": reports.number((item.document_id, item.report), _report(item)),
            "table": tables.number(item.table_label, item.table_label),
            "reasons": [reasons.number(each, each) for each in _reasons(item)],
            "page": item.page,
            "printed": item.printed_label,
            "row": item.row_label,
            "column": item.column_label,
            "held": item.value,
            "unit": item.unit,
            "reading": item.reading,
            "choices": choices(item),
            "sums": item.sums,
            "picture": pictures.get(item.item_id, ""),
            "rows": _rows_of(item, forms[item.form_id]),
        }
        for item, text in zip(items, lines, strict=True)
    ]
    return {
        "name": _name(items),
        "file": table,
        "header": line(REVIEW_COLUMNS, (), {name: name for name in REVIEW_COLUMNS}).rstrip("\r\n"),
        "reports": reports.texts,
        "tables": tables.texts,
        "reasons": reasons.texts,
        "rows": {
            f"{form.id}/{table.id}": list(_labels_of(form, table.id))
            for form in forms.values()
            for table in form.tables
        },
        "words": json.loads(_text("words.json")),
        "items": shown,
    }


def choices(item: Item) -> list[str]:
    """Answers to choose from, the likeliest first: what is held, what was read, what else it may be, marks.

    Of a row these are row ids. Only what `pipeline.review.answers` takes is among them.
    """
    if item.kind is Kind.ROW:
        rows = dict.fromkeys((item.key.row_id or NOT_ON_THE_FORM, *item.alternatives))
        return [*[each for each in rows if each != NOT_ON_THE_FORM][: _CHOICES - 1], NOT_ON_THE_FORM]
    read = [item.value]
    if item.box is not None:
        read += [written(parse_value(text), text) for text in (item.reading, *item.alternatives)]
    possible = dict.fromkeys(answer for text in read if text for answer in _possible(text, item))
    marks = [mark for mark in _MARKS if mark not in possible]
    return [*list(possible)[: _CHOICES - len(marks)], *marks]


def _possible(text: str, item: Item) -> Iterator[str]:
    try:
        yield value_answer(text, item.unit, may_fall(item.column_label))
    except ValueError:
        return


def _line(item: Item, picture: str) -> str:
    """The columns before the answers as they stand in the table."""
    return line(_BEFORE, NUMBER_COLUMNS, item_row(item, picture)).rstrip("\r\n")


def _name(items: Sequence[Item]) -> str:
    """The same for the same questions: answers are kept in the browser under it."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(_line(item, "").encode("utf-8", "backslashreplace") + b"\n")
    return digest.hexdigest()[:16]


def _report(item: Item) -> str:
    return " · ".join(text for text in (item.agency, item.year, item.source, f"#{item.report}") if text)


def _reasons(item: Item) -> Iterator[str]:
    """The reasons without what is told of this cell alone, so that many items share them."""
    for reason in _QUOTED.sub("…", "; ".join(item.reasons)).split("; "):
        yield reason.partition(": ")[0]


def _rows_of(item: Item, form: FormSpec) -> str:
    """Where the rows stand that the printed row may be; empty where no row is known or rows have no labels."""
    table = next(table for table in form.tables if table.id == item.key.table_id)
    known = item.kind is Kind.ROW or (item.box is not None and item.printed_label)
    return f"{form.id}/{table.id}" if known and table.layout is not TableLayout.STRIP else ""


def _labels_of(form: FormSpec, table_id: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for key, (label, _) in labels(form).items():
        if key.table_id == table_id and key.row_id not in seen:
            seen.add(key.row_id)
            yield key.row_id, label


class _Numbered:
    """Texts with the numbers they are named by."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[object, int] = {}

    def number(self, key: object, text: str) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self.texts)
            self.texts.append(text)
        return self._numbers[key]


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
