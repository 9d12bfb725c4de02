"""The history of one cell: where it stands, how it was read, what it has to agree with, and what became of it.

Everything comes from the tables of a run; the picture is cut from the scan where that is at hand
and still the same file.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath

from pipeline import dataset, review
from pipeline.documents import find_inputs, read_pages
from pipeline.domain import BoundingBox, CellKey, FormSpec, Mark, PageImage, RuleSpec, Status, Value
from pipeline.errors import DocumentError, UsageError
from pipeline.forms import form_by_id
from pipeline.review.pictures import cut, load_same
from pipeline.rules import KINDS, both_sides
from pipeline.settings import Settings
from pipeline.spreadsheet import read

_LISTED = 10
_BECAME = {
    Status.ACCEPTED: "accepted without a look at it",
    Status.REVIEW: "to be looked at: read with too little certainty",
    Status.MISSING: "not found on any page",
    Status.RECONCILED: "changed so that the sums of the form hold",
    Status.CORRECTED: "corrected by a person",
}

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Term:
    """A cell of an identity: ids, labels as the form prints them, what it holds and its status."""

    name: str
    label: str
    value: str
    status: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A relation that the cell takes part in; ``outcome`` is "holds", "broken" or "cannot be checked"."""

    rule_id: str
    text: str
    reference: str
    left: tuple[Term, ...]
    right: tuple[Term, ...]
    outcome: str
    expected: str = ""
    printed: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Everything known about one cell.

    Attributes:
        row: its row of cells.csv.
        row_label, column_label: as the form prints them.
        reader: what read it; alternatives: text and probability, most probable first.
        steps: what happened to it, in words, in order.
        identities: the relations it takes part in.
        picture: PNG of the cell and what is around it, the cell outlined; None where there is none.
        no_picture: why there is none, in words.
    """

    row: Row
    row_label: str
    column_label: str
    reader: str
    alternatives: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]
    identities: tuple[Identity, ...]
    picture: bytes | None
    no_picture: str


def explain(
    out: Path, document: str, row_id: str, column_id: str, report: int | None = None, scans: Path | None = None
) -> History:
    """Collect the history of a cell.

    Args:
        out: output folder of a run.
        document: document id, source or file name, or how one of the first two begins.
        row_id: canonical id of the row; ``table.row`` where several tables have such a row.
        report: number of the report in a document with several.
        scans: folder or file that was read; without it there is no picture.

    Raises:
        UsageError: nothing or more than one cell is meant (the message lists what could be), or a table cannot be read.
    """
    rows = _of_document(out / "cells.csv", document)
    cell = _one_cell(rows, row_id, column_id, report)
    form = form_by_id(cell["form_id"])
    labels = review.labels(form)
    same = [each for each in rows if each["report"] == cell["report"]]
    picture, reason = _picture(cell, scans)
    reader, alternatives = _readings(cell["reading"])
    row_label, column_label = labels[_key(cell)]
    return History(
        row=cell,
        row_label=row_label,
        column_label=column_label,
        reader=reader,
        alternatives=alternatives,
        steps=tuple(_steps(cell)),
        identities=tuple(_identities(form, _key(cell), {_key(each): each for each in same}, labels)),
        picture=picture,
        no_picture=reason,
    )


# --------------------------------------------------------------------------- which cell


def _of_document(path: Path, document: str) -> list[Row]:
    """The rows of one document; the table is read twice, as it may be larger than the memory."""
    columns = dataset.CELL_COLUMNS
    documents = dict.fromkeys((row["document_id"], row["source"]) for row in read(path, columns))
    exact = [each for each in documents if document in (*each, PurePosixPath(each[1]).name)]
    found = exact or [each for each in documents if any(name.startswith(document) for name in each)]
    if len(found) != 1:
        listed = [f"{source} ({document_id})" for document_id, source in found or documents]
        raise _unclear("document", document, listed, bool(found))
    return [row for row in read(path, columns) if (row["document_id"], row["source"]) == found[0]]


def _one_cell(rows: Sequence[Row], row_id: str, column_id: str, report: int | None) -> Row:
    in_report = [row for row in rows if report is None or row["report"] == str(report)]
    if not in_report:
        raise _unclear("report", str(report), sorted({row["report"] for row in rows}), False)
    in_row = [row for row in in_report if row_id in (row["row_id"], f"{row['table_id']}.{row['row_id']}")]
    if not in_row:
        raise _unclear("row", row_id, _distinct(f"{row['table_id']}.{row['row_id']}" for row in in_report), False)
    found = [row for row in in_row if row["column_id"] == column_id]
    if not found:
        raise _unclear("column", column_id, _distinct(row["column_id"] for row in in_row), False)
    if len(found) > 1:
        listed = [f"{row['table_id']}.{row['row_id']} in report {row['report']}" for row in found]
        raise _unclear("cell", f"{row_id} {column_id}", listed, True)
    return found[0]


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _unclear(what: str, given: str, candidates: Sequence[str], several: bool) -> UsageError:
    more = f" and {len(candidates) - _LISTED} more" if len(candidates) > _LISTED else ""
    listed = "; ".join(candidates[:_LISTED]) + more
    if several:
        advice = f"Give more of the name, TABLE.ROW, or --report: {listed}"
        return UsageError(f"{given!r} may mean {len(candidates)} {what}s", advice)
    return UsageError(f"there is no {what} {given!r}", f"There is: {listed}")


# --------------------------------------------------------------------------- what happened


def _readings(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Reader, and its alternatives with their probabilities, of the column ``reading``."""
    reader, _, rest = text.partition(": ")
    pairs = (each.rpartition(" ") for each in rest.split(" | ")) if rest else ()
    return reader, tuple((read_as, probability) for read_as, _, probability in pairs)


def _steps(cell: Row) -> Iterable[str]:
    if cell["page"]:
        yield f"found on page {cell['page']}, from {cell['x0']}, {cell['y0']} to {cell['x1']}, {cell['y1']}"
        yield f"read as {cell['raw_text']!r}" if cell["raw_text"] else "read as blank"
    if cell["mark"]:
        unit = f" {cell['unit']}" if cell["unit"] else ""
        yield f"taken for {cell['mark']} {cell['value']}{unit}".rstrip()
    if cell["note"]:
        yield f"note: {cell['note']}"
    yield f"{_BECAME[Status(cell['status'])]}, confidence {cell['confidence']}"
    if cell["reasons"]:
        yield f"reasons for review: {cell['reasons']}"


def _identities(
    form: FormSpec, key: CellKey, rows: Mapping[CellKey, Row], labels: Mapping[CellKey, tuple[str, str]]
) -> Iterable[Identity]:
    values = {each: _value(row) for each, row in rows.items()}

    def term(each: CellKey) -> Term:
        row = rows.get(each, {})
        shown = row.get("value") or row.get("mark", "")
        return Term(
            f"{each.table_id}.{each.row_id}.{each.column_id}", " / ".join(labels[each]), shown, row.get("status", "")
        )

    for rule in form.rules:
        if key in rule.left or key in rule.right:
            left, right = tuple(map(term, rule.left)), tuple(map(term, rule.right))
            yield Identity(rule.id, rule.text, rule.reference, left, right, *_outcome(rule, values))


def _outcome(rule: RuleSpec, values: Mapping[CellKey, Value | None]) -> tuple[str, str, str]:
    """Outcome, and what was expected and printed where it is broken."""
    if both_sides(rule, values) is None:
        return "cannot be checked", "", ""
    finding = KINDS[rule.kind](rule, values)
    return ("holds", "", "") if finding is None else ("broken", finding.expected, finding.printed)


def _value(row: Row) -> Value | None:
    if not row["mark"]:
        return None
    return Value(Mark(row["mark"]), Decimal(row["value"]) if row["value"] else None)


def _key(row: Row) -> CellKey:
    return CellKey(row["table_id"], row["row_id"], row["column_id"])


# --------------------------------------------------------------------------- the picture


def _picture(cell: Row, scans: Path | None) -> tuple[bytes | None, str]:
    """The picture of the cell, or why there is none."""
    if not cell["page"]:
        return None, "the cell was not found on any page"
    if scans is None:
        return None, "the scans were not given"
    found = next((each for each in find_inputs([str(scans)]) if each.source == cell["source"]), None)
    if found is None:
        return None, f"{cell['source']} is not in {scans}"
    try:
        data = load_same(found, cell["document_id"])
        if data is None:
            return None, f"{cell['source']} in {scans} is another file than the one that was read"
        for page in read_pages(data, Settings()):
            if isinstance(page, PageImage) and page.number == int(cell["page"]):
                box = BoundingBox(*(float(cell[name]) for name in ("x0", "y0", "x1", "y1")))
                buffer = io.BytesIO()
                cut(page, box, box).save(buffer, "PNG")
                return buffer.getvalue(), ""
    except DocumentError as error:
        return None, error.cause
    return None, f"page {cell['page']} cannot be read"
