"""Ready-made extractions of real forms, for tests of what comes after reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from pipeline import results
from pipeline.dataset import DatasetWriter
from pipeline.domain import BoundingBox, Cell, CellKey, Extraction, Finding, FormSpec, Mark, Report, Status, Value
from pipeline.forms import form_by_id, load_forms

FORM = "ogi-2019"


def form() -> FormSpec:
    return form_by_id(FORM)


def cell(key: CellKey, number: int = 0, place: int = 0) -> Cell:
    """An accepted cell with a number, in a box of its own on page 2."""
    return Cell(
        key=key,
        value=Value(Mark.NUMBER, Decimal(number)),
        raw_text=str(number),
        status=Status.ACCEPTED,
        confidence=0.999,
        reading=f"numerals {number} 0.999",
        page=2,
        box=BoundingBox(0.0, 20.0 * place, 100.0, 20.0 * place + 18.0),
    )


def missing(key: CellKey) -> Cell:
    return Cell(key, None, "", Status.MISSING, 0.0, "", None, None, reasons=("the row was not found",))


def report(index: int = 1, changes: Mapping[CellKey, Cell] | None = None) -> Report:
    """A report with every cell, its numbers counting up; ``changes`` replaces some of them."""
    cells = tuple((changes or {}).get(key, cell(key, number, place=number)) for number, key in enumerate(form().keys()))
    return Report(index, (2, 3), "某市某局", 2019, FORM, cells, findings=())


def extraction(*reports: Report, source: str = "a/某局.pdf") -> Extraction:
    return Extraction("d-0123456789abcdef", source, 3, reports or (report(),), (), 1.5)


def with_finding(one: Report) -> Report:
    """The same report with a finding about its first two cells."""
    first, second = form().keys()[:2]
    finding = Finding("sum-1", (first, second), "3", "4", "国办公开办函〔2019〕60号", "=SUM does not hold")
    return replace(one, findings=(finding,))


def write_tables(out: Path, *extractions: Extraction) -> None:
    """The tables of a dataset, but for what is to be reviewed."""
    with DatasetWriter(out, results.TABLES) as tables:
        for each in extractions:
            add(tables, each)
        tables.commit()


def add(tables: DatasetWriter, one: Extraction) -> None:
    """As a run does it: through what is stored, with the name of the file put in at the end."""
    forms = {each.id: each for each in load_forms()}
    found = results.decode(results.encode(results.of(replace(one, source=""), forms)))
    for name, rows in found.rows.items():
        start = results.start(name, found.document_id, one.source)
        tables.write(name, "".join(start + text for text in rows))
