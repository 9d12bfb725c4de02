"""``review.csv``: one line for each item, with room for the answer."""

from __future__ import annotations

from pipeline.corrections import NOT_ON_THE_FORM, written
from pipeline.review.incoming import ANSWERS
from pipeline.review.items import Item, Kind
from pipeline.values import parse_value

ANSWER_COLUMNS = (*ANSWERS, "reviewer", "comment")
REVIEW_COLUMNS = (
    *("item_id", "kind", "worth", "source", "page", "agency", "year", "table", "printed_label", "row_label"),
    *("column_label", "unit", "value", "reading", "alternatives", "status", "confidence", "reasons"),
    *("document_id", "report", "form_id", "table_id", "row_id", "column_id", "picture", *ANSWER_COLUMNS),
)
NUMBER_COLUMNS = frozenset(
    {"worth", "page", "year", "value", "reading", "alternatives", "confidence", "report", "corrected_value"}
)
"""Columns in which a plain number is written as it is, a minus in front included."""


def item_row(item: Item, picture: str = "") -> dict[str, str]:
    """One row of ``review.csv``.

    Args:
        picture: where the picture of the cell lies, relative to the table; empty where it was not cut.
    """
    return {
        "item_id": item.item_id,
        "kind": item.kind.value,
        "worth": f"{item.worth:.3f}",
        "source": item.source,
        "page": "" if item.page is None else str(item.page),
        "agency": item.agency,
        "year": item.year,
        "table": item.table_label,
        "printed_label": item.printed_label,
        "row_label": item.row_label,
        "column_label": item.column_label,
        "unit": item.unit,
        "value": item.value,
        "reading": _as_read(item, item.reading),
        "alternatives": " | ".join(_as_read(item, text) for text in item.alternatives),
        "status": item.status,
        "confidence": item.confidence,
        "reasons": "; ".join((*item.reasons, *item.sums)),
        "document_id": item.document_id,
        "report": str(item.report),
        "form_id": item.form_id,
        "table_id": item.key.table_id,
        "row_id": item.key.row_id or (NOT_ON_THE_FORM if item.kind is Kind.ROW else ""),
        "column_id": item.key.column_id,
        "picture": picture,
        **dict.fromkeys(ANSWER_COLUMNS, ""),
    }


def _as_read(item: Item, text: str) -> str:
    """A reading in the words an answer may use: nothing printed is "blank", a stroke "slash" or "dash"."""
    if item.kind is Kind.ROW or not item.box:
        return text
    return written(parse_value(text), text)
