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

from pipeline.domain import FormSpec
from pipeline.review.choices import choices, may_be_another_row, rows_of
from pipeline.review.items import BETWEEN, Item, Kind
from pipeline.review.table import ANSWER_COLUMNS, NUMBER_COLUMNS, REVIEW_COLUMNS, item_row
from pipeline.spreadsheet import line

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
            "named": item.by_name,
            "line": text,
            "report": reports.number((item.document_id, item.report), _report(item)),
            "table": tables.number(item.table_label, item.table_label),
            "reasons": [reasons.number(each, each) for each in _reasons(item)],
            "page": ", ".join(map(str, item.pages)),
            "printed": "" if item.rows else item.printed_label,
            "labels": item.printed_label.split(BETWEEN) if item.rows else [],
            "row": item.row_label,
            "column": item.column_label,
            "held": item.value,
            "unit": item.unit,
            "reading": item.reading,
            "choices": choices(item),
            "count": len(item.column_label.split(BETWEEN)) if item.kind is Kind.FIGURES else 1,
            "sums": item.sums,
            "picture": pictures.get(item.item_id, ""),
            "rows": _table(item.form_id, item.key.table_id) if may_be_another_row(item, forms[item.form_id]) else "",
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
            _table(form.id, table.id): list(rows_of(form, table.id).items())
            for form in forms.values()
            for table in form.tables
        },
        "words": json.loads(_text("words.json")),
        "items": shown,
    }


def _line(item: Item, picture: str) -> str:
    """The columns before the answers as they stand in the table."""
    return line(_BEFORE, NUMBER_COLUMNS, item_row(item, picture)).rstrip("\r\n")


def _name(items: Sequence[Item]) -> str:
    """The same for the same questions: answers are kept in the browser under it."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(_line(item, "").encode("utf-8", "backslashreplace") + b"\n")
    return digest.hexdigest()[:16]


def _table(form_id: str, table_id: str) -> str:
    return f"{form_id}/{table_id}"


def _report(item: Item) -> str:
    return " · ".join(text for text in (item.agency, item.year, item.source, f"#{item.report}") if text)


def _reasons(item: Item) -> Iterator[str]:
    """The reasons without what is told of this cell alone, so that many items share them."""
    for reason in _QUOTED.sub("…", "; ".join(item.reasons)).split("; "):
        yield reason.partition(": ")[0]


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
