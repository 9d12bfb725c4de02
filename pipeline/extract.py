"""One document through all stages; the order of the stages stands here and nowhere else."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline import assemble, confidence, reading, rules
from pipeline.documents import read_pages
from pipeline.domain import (
    CellKey,
    Extraction,
    Failure,
    FormSpec,
    Judgement,
    PageReading,
    Reading,
    Report,
    TableReading,
)
from pipeline.errors import DocumentError
from pipeline.forms import load_forms
from pipeline.labels.classifier import LabelClassifier
from pipeline.ocr import load_engine
from pipeline.ocr.numerals import NumeralReader
from pipeline.reconcile import Reconciliation, reconcile
from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class _Tools:
    """What is loaded once per process."""

    readers: reading.Readers
    classifier: LabelClassifier
    forms: tuple[FormSpec, ...]


def warm_up(settings: Settings) -> None:
    """Load models and engines, so that the first document does not wait for them.

    Raises:
        MissingDependencyError: the engine asked for is not installed.
        ModelError: a model is missing or damaged.
    """
    _tools(settings.ocr)


def extract_document(data: bytes, source: str, settings: Settings) -> Extraction:
    """Read every report in a document.

    Args:
        data: the content of the file.
        source: path relative to the input root, passed through to the result.

    Pages that cannot be read are failures of the result; so is the file as a whole where it cannot be opened.
    """
    began = time.perf_counter()
    tools = _tools(settings.ocr)
    pages: list[PageReading] = []
    failures: list[Failure] = []
    try:
        for page in read_pages(data, settings):
            if isinstance(page, DocumentError):
                failures.append(Failure(page.page, page.cause, page.advice))
            else:
                pages.append(reading.read_page(page, tools.readers))
    except DocumentError as error:
        failures.append(Failure(error.page, error.cause, error.advice))
    reports = _reports(pages, tools)
    if pages and not reports:
        cause = f"no statutory table was found on {len(pages)} page{'s' if len(pages) > 1 else ''}"
        failures.append(Failure(None, cause, "If it is an annual report, scan it again with more contrast"))
    return Extraction(
        document_id=f"d-{hashlib.sha256(data).hexdigest()[:16]}",
        source=source,
        pages=sum(page.sheets for page in pages),
        reports=reports,
        failures=tuple(failures),
        seconds=time.perf_counter() - began,
    )


@lru_cache(maxsize=2)
def _tools(engine: str) -> _Tools:
    readers = reading.Readers(load_engine(engine), NumeralReader.load())
    return _Tools(readers, LabelClassifier.load(), load_forms())


def _reports(pages: Sequence[PageReading], tools: _Tools) -> tuple[Report, ...]:
    tables = [item for page in pages for item in page.items if isinstance(item, TableReading)]
    mapped = assemble.map_reports(pages, tools.forms, tools.classifier)
    return tuple(_report(index, report, tables, tools) for index, report in enumerate(mapped, start=1))


def _report(index: int, report: assemble.MappedReport, tables: Sequence[TableReading], tools: _Tools) -> Report:
    readings = {key: tables[place.table].readings[place.cell] for key, place in report.placements.items()}
    readings = _look_again(report, tables, readings, tools)
    placed = {key: place.row_probability * place.column_probability for key, place in report.placements.items()}
    reconciled = reconcile(report.form.rules, readings, placed)
    judgements = _judge(report, readings, reconciled)
    return Report(
        index=index,
        pages=report.pages,
        agency=report.agency,
        year=report.year,
        form_id=report.form.id,
        cells=assemble.build_cells(report, [table.grid for table in tables], readings, judgements),
        findings=reconciled.findings,
    )


def _look_again(
    report: assemble.MappedReport,
    tables: Sequence[TableReading],
    readings: Mapping[CellKey, Reading],
    tools: _Tools,
) -> dict[CellKey, Reading]:
    """Ask a second reader for every cell of a relation that fails and that one reader alone has read.

    The relation only says where to look: what is printed decides.
    """
    findings = rules.check_all(report.form.rules, assemble.parse_readings(readings))
    keys = [
        key
        for key in dict.fromkeys(key for finding in findings for key in finding.cells)
        if key in readings and readings[key].reader == tools.readers.numerals.name
    ]
    cells = []
    for key in keys:
        place = report.placements[key]
        grid = tables[place.table].grid
        cells.append((grid, grid.cells[place.cell], readings[key]))
    return {**readings, **dict(zip(keys, reading.second_opinions(cells, tools.readers.engine), strict=True))}


def _judge(
    report: assemble.MappedReport, readings: Mapping[CellKey, Reading], reconciled: Reconciliation
) -> dict[CellKey, Judgement]:
    values = assemble.parse_readings(readings)
    support = rules.count_support(report.form.rules, values)
    well_read = {key for key, read in readings.items() if read.probability >= confidence.VOUCHING}
    vouched = rules.count_vouched(report.form.rules, values, well_read)
    broken = {key for finding in rules.check_all(report.form.rules, values) for key in finding.cells}
    printed = Counter(key.table_id for key in readings)
    blank = Counter(key.table_id for key, read in readings.items() if not read.text.strip())
    judgements = {}
    for key, read in readings.items():
        place = report.placements[key]
        judgements[key] = confidence.judge(
            confidence.Evidence(
                reading=read,
                row_probability=place.row_probability,
                column_probability=place.column_probability,
                support=support[key],
                vouched=vouched[key],
                broken=key in broken,
                blank_share=blank[key.table_id] / printed[key.table_id],
                weighed=reconciled.posterior.get(key),
                settled=reconciled.settled.get(key),
            )
        )
    return judgements
