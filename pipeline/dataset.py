"""The tables of a dataset, written row by row as documents come in and put in place all at once at the end.

``cells.csv``, ``rows.csv``, ``reports.csv``, ``findings.csv``, ``review.csv`` and ``failures.csv`` appear in the output
folder only when everything has been read: until then they grow under a hidden name beside their final one, and a run
that ends early leaves the tables of the run before it as they were.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from types import TracebackType

from pipeline.corrections import NOT_ON_THE_FORM
from pipeline.domain import (
    BoundingBox,
    Cell,
    CellKey,
    Extraction,
    Failure,
    Finding,
    FormSpec,
    LabelContext,
    Mark,
    PlacedRow,
    Report,
    Status,
)
from pipeline.errors import as_output_error
from pipeline.spreadsheet import Writer

_BOX = ("x0", "y0", "x1", "y1")
CELL_COLUMNS = (
    *("document_id", "source", "report", "agency", "year", "form_id", "table_id", "row_id", "column_id"),
    *("value", "unit", "mark", "raw_text", "status", "confidence", "reading", "page", *_BOX, "note", "reasons"),
)
REPORT_COLUMNS = (
    *("document_id", "source", "report", "pages", "agency", "year", "form_id", "cells"),
    *(status.value for status in (Status.ACCEPTED, Status.REVIEW, Status.MISSING)),
    *(status.value for status in (Status.RECONCILED, Status.CORRECTED)),
    *("findings", "seconds"),
)
FINDING_COLUMNS = (
    *("document_id", "source", "report", "rule_id", "cells", "expected", "printed", "reference", "text"),
)
ROW_COLUMNS = (
    *("document_id", "source", "report", "form_id", "table_id", "row_id", "certainty", "candidates", "page", *_BOX),
    *("label", "parent", "section", "previous", "following", "position", "columns"),
)
FAILURE_COLUMNS = ("source", "page", "kind", "cause", "advice")
NUMBER_COLUMNS = frozenset(
    {"report", "year", "value", "confidence", "page", *_BOX, "cells", *Status, "findings", "seconds"}
    | {"certainty", "position", "columns"}
)
"""Columns that hold numbers in any table but findings.csv, whose cells are names."""
TABLES: Mapping[str, tuple[Sequence[str], frozenset[str]]] = {
    "failures.csv": (FAILURE_COLUMNS, NUMBER_COLUMNS),
    "findings.csv": (FINDING_COLUMNS, NUMBER_COLUMNS - {"cells"}),
    "reports.csv": (REPORT_COLUMNS, NUMBER_COLUMNS),
    "rows.csv": (ROW_COLUMNS, NUMBER_COLUMNS),
    "cells.csv": (CELL_COLUMNS, NUMBER_COLUMNS),
}
"""File name of each table, its columns and those of them that hold numbers; the table for review has its own."""


def plain(number: Decimal) -> str:
    """A number as printed, without an exponent."""
    return format(number, "f")


def cell_row(extraction: Extraction, report: Report, cell: Cell) -> dict[str, str]:
    """One row of ``cells.csv``."""
    value = cell.value
    return {
        **_report_key(extraction, report),
        "agency": report.agency,
        "year": _optional(report.year),
        "form_id": report.form_id,
        "table_id": cell.key.table_id,
        "row_id": cell.key.row_id,
        "column_id": cell.key.column_id,
        "value": "" if value is None or value.number is None else plain(value.number),
        "unit": cell.unit,
        "mark": "" if value is None else value.mark.value,
        "raw_text": cell.raw_text,
        "status": cell.status.value,
        "confidence": f"{cell.confidence:.6f}",
        "reading": cell.reading,
        "page": _optional(cell.page),
        **_corners(cell.box),
        "note": cell.note,
        "reasons": "; ".join(cell.reasons),
    }


def report_row(extraction: Extraction, report: Report) -> dict[str, str]:
    """One row of ``reports.csv``; the time a document took is shared out evenly over its reports."""
    statuses = Counter(cell.status for cell in report.cells)
    return {
        **_report_key(extraction, report),
        "pages": " ".join(map(str, report.pages)),
        "agency": report.agency,
        "year": _optional(report.year),
        "form_id": report.form_id,
        "cells": str(len(report.cells)),
        **{status.value: str(statuses[status]) for status in Status},
        "findings": str(len(report.findings)),
        "seconds": f"{extraction.seconds / len(extraction.reports):.2f}",
    }


def finding_row(extraction: Extraction, report: Report, finding: Finding) -> dict[str, str]:
    """One row of ``findings.csv``; the cells are written as ``table/row/column``, separated by blanks."""
    return {
        **_report_key(extraction, report),
        "rule_id": finding.rule_id,
        "cells": " ".join(f"{key.table_id}/{key.row_id}/{key.column_id}" for key in finding.cells),
        "expected": finding.expected,
        "printed": finding.printed,
        "reference": finding.reference,
        "text": finding.text,
    }


def printed_row(extraction: Extraction, report: Report, row: PlacedRow) -> dict[str, str]:
    """One row of ``rows.csv``; ``none`` stands for the id of a row that is not on the form."""
    label = row.label or LabelContext("")
    return {
        **_report_key(extraction, report),
        "form_id": report.form_id,
        "table_id": row.table_id,
        "row_id": NOT_ON_THE_FORM if row.row_id is None else row.row_id,
        "certainty": f"{row.certainty:.4f}",
        "candidates": " ".join(row.candidates),
        "page": str(row.page),
        **_corners(row.box),
        "label": label.text,
        "parent": label.parent,
        "section": label.section,
        "previous": label.previous,
        "following": label.following,
        "position": f"{label.position:.3f}",
        "columns": str(label.columns),
    }


def failure_row(source: str, failure: Failure) -> dict[str, str]:
    """One row of ``failures.csv``."""
    return {
        "source": source,
        "page": _optional(failure.page),
        "kind": failure.kind,
        "cause": failure.cause,
        "advice": failure.advice,
    }


def faults(report: Report, form: FormSpec) -> list[str]:
    """What is wrong with a report as a whole: every statutory cell must have exactly one row.

    Each fault, in words, is a fault of a stage before this one; a sound report has none.
    """
    counted = Counter(cell.key for cell in report.cells)
    expected = Counter(form.keys())
    return [
        *(f"{_name(key)} is lacking" for key in expected - counted),
        *(f"{_name(key)} is there twice or not on the form" for key in counted - expected),
        *(
            f"{_name(cell.key)} is marked {cell.value.mark.value} and has the number {cell.value.number}"
            for cell in report.cells
            if cell.value is not None and (cell.value.mark is Mark.NUMBER) != (cell.value.number is not None)
        ),
    ]


class DatasetWriter:
    """The tables of one output folder while they are written; a context manager.

    The folder is made where it is missing. Tables are put in place by `commit`; leaving without it removes what was
    written. That nobody else writes there is seen to by `pipeline.ledger.hold`.

    Args:
        out: the output folder.
        tables: file name of each table to its columns and those of them that hold numbers.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, out: Path, tables: Mapping[str, tuple[Sequence[str], frozenset[str]]]) -> None:
        self._out = out
        self._columns = tables
        self._stack = ExitStack()
        self._writers: dict[str, Writer] = {}

    def __enter__(self) -> DatasetWriter:
        with as_output_error(self._out), ExitStack() as stack:
            self._out.mkdir(parents=True, exist_ok=True)
            for name, (columns, numbers) in self._columns.items():
                partial = self._partial(name)
                partial.unlink(missing_ok=True)  # left by a run that was killed
                stack.callback(partial.unlink, missing_ok=True)
                self._writers[name] = stack.enter_context(Writer(partial, columns, numbers))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with as_output_error(self._out):
            self._stack.close()

    def write(self, name: str, text: str) -> None:
        """Append rows to one of the tables, as `pipeline.spreadsheet.line` gives them.

        Raises:
            OutputError: the disk is full or fails.
        """
        with as_output_error(self._out):
            self._writers[name].append(text)

    def commit(self) -> None:
        """Put all tables in place, each in one step, once all of them are safe on disk.

        Raises:
            OutputError: the disk is full or fails; the tables that stood there before are kept.
        """
        with as_output_error(self._out):
            for writer in self._writers.values():
                writer.file().flush()
                os.fsync(writer.file().fileno())
            for name in self._writers:
                self._partial(name).replace(self._out / name)
            folder = os.open(self._out, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _partial(self, name: str) -> Path:
        return self._out / f".{name}.partial"


def _report_key(extraction: Extraction, report: Report) -> dict[str, str]:
    return {"document_id": extraction.document_id, "source": extraction.source, "report": str(report.index)}


def _optional(number: int | None) -> str:
    return "" if number is None else str(number)


def _corners(box: BoundingBox | None) -> dict[str, str]:
    if box is None:
        return dict.fromkeys(_BOX, "")
    return {name: f"{value:.1f}" for name, value in zip(_BOX, (box.x0, box.y0, box.x1, box.y1), strict=True)}


def _name(key: CellKey) -> str:
    return f"{key.table_id}/{key.row_id}/{key.column_id}"
