"""One document through all stages; the order of the stages stands here and nowhere else."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pipeline import assemble, confidence, keeping, reading, rules
from pipeline.corrections import Correction
from pipeline.documents import read_pages
from pipeline.domain import (
    CellKey,
    DocumentReading,
    Extraction,
    Failure,
    FormSpec,
    Judgement,
    PageReading,
    Reading,
    Report,
    Status,
    TableReading,
    Value,
    document_id,
)
from pipeline.errors import DocumentError
from pipeline.facts import Facts, find_facts, row_answers
from pipeline.forms import load_forms
from pipeline.labels.classifier import LabelClassifier
from pipeline.ocr import load_engine
from pipeline.ocr.numerals import NumeralReader
from pipeline.reconcile import Reconciliation, reconcile
from pipeline.settings import Settings
from pipeline.values import parse_value


@dataclass(frozen=True, slots=True)
class _Tools:
    """What reading loads once per process."""

    readers: reading.Readers
    mapping: _Mapping


@dataclass(frozen=True, slots=True)
class _Mapping:
    """What assembling loads once per process."""

    classifier: LabelClassifier
    forms: tuple[FormSpec, ...]


def warm_up(settings: Settings) -> None:
    """Load models and engines, so that the first document does not wait for them.

    Raises:
        MissingDependencyError: the engine asked for is not installed.
        ModelError: a model is missing or damaged.
    """
    _tools(settings.ocr)


def read_document(data: bytes, source: str, settings: Settings) -> DocumentReading:
    """Read everything that is printed in a document; its pictures are not needed any more afterwards.

    Args:
        data: the content of the file.
        source: path relative to the input root, passed through to the result.

    Pages that cannot be read are failures of the result; so is the file as a whole where it cannot be opened.
    """
    began = time.perf_counter()
    tools = _tools(settings.ocr)
    pages: list[PageReading] = []
    pictures: list[Mapping[int, keeping.PackedPicture]] = []
    failures: list[Failure] = []
    try:
        for page in read_pages(data, settings):
            if isinstance(page, DocumentError):
                failures.append(Failure(page.page, page.cause, page.advice, page.kind))
                continue
            found = reading.read_page(page, tools.readers)
            pictures.extend(keeping.cells_read_by(tools.readers.numerals.name, found))
            pages.append(keeping.without_pictures(found))
    except DocumentError as error:
        failures.append(Failure(error.page, error.cause, error.advice, error.kind))
    return DocumentReading(
        document_id=document_id(hashlib.sha256(data).hexdigest()),
        source=source,
        pages=_look_again(pages, pictures, tools),
        failures=tuple(failures),
        seconds=time.perf_counter() - began,
    )


def assemble_document(document: DocumentReading, corrections: Sequence[Correction] = ()) -> Extraction:
    """Find the reports in what was read, and say of every statutory cell what it holds and how far to rely on it.

    Args:
        corrections: what people said of this document, as in force, oldest first. What they said holds; rows and cells
            beside it are judged anew in its light. A correction of something that was not read is a failure.
    """
    forms, classifier = _mapping().forms, _mapping().classifier
    tables = _tables(document.pages)
    mapped = assemble.map_reports(document.pages, forms, classifier, row_answers(corrections))
    facts = find_facts(corrections, mapped, tables)
    reports = tuple(_report(index, report, tables, facts) for index, report in enumerate(mapped, start=1))
    failures = (*document.failures, *facts.lost)
    if document.pages and not reports:
        read = len(document.pages)
        cause = f"no statutory table was found on {read} page{'s' if read > 1 else ''}"
        advice = "If it is an annual report, scan it again with more contrast"
        failures = (*failures, Failure(None, cause, advice, "no-table"))
    return Extraction(
        document_id=document.document_id,
        source=document.source,
        pages=sum(page.sheets for page in document.pages),
        reports=reports,
        failures=failures,
        seconds=document.seconds,
    )


@lru_cache(maxsize=2)
def _tools(engine: str) -> _Tools:
    return _Tools(reading.Readers(load_engine(engine), NumeralReader.load()), _mapping())


@lru_cache(maxsize=1)
def _mapping() -> _Mapping:
    return _Mapping(LabelClassifier.load(), load_forms())


def _tables(pages: Sequence[PageReading]) -> list[TableReading]:
    return [item for page in pages for item in page.items if isinstance(item, TableReading)]


def _look_again(
    pages: Sequence[PageReading], pictures: Sequence[Mapping[int, keeping.PackedPicture]], tools: _Tools
) -> tuple[PageReading, ...]:
    """The pages after a second reader was asked for every cell of a failing relation that one reader alone has read.

    The relation only says where to look: what is printed decides.

    Args:
        pictures: for each table of the document the pictures of the cells that one reader alone has read.
    """
    tables = _tables(pages)
    changed = [list(table.readings) for table in tables]
    for report in assemble.map_reports(pages, tools.mapping.forms, tools.mapping.classifier):
        places = [report.placements[key] for key in _disputed(report, tables)]
        places = [place for place in places if place.cell in pictures[place.table]]
        cells = [(tables[p.table].grid.cells[p.cell], tables[p.table].readings[p.cell]) for p in places]
        crops = [pictures[p.table][p.cell].unpack() for p in places]
        for place, pooled in zip(places, reading.second_opinions(cells, crops, tools.readers.engine), strict=True):
            changed[place.table][place.cell] = keeping.rounded(pooled)
    renewed = iter([replace(table, readings=tuple(own)) for table, own in zip(tables, changed, strict=True)])
    return tuple(
        replace(page, items=tuple(next(renewed) if isinstance(item, TableReading) else item for item in page.items))
        for page in pages
    )


def _disputed(report: assemble.MappedReport, tables: Sequence[TableReading]) -> list[CellKey]:
    """The cells that were found and take part in a relation that does not hold."""
    readings = report.readings(tables)
    findings = rules.check_all(report.form.rules, assemble.parse_readings(readings))
    return [key for key in dict.fromkeys(key for finding in findings for key in finding.cells) if key in readings]


def _report(index: int, report: assemble.MappedReport, tables: Sequence[TableReading], facts: Facts) -> Report:
    readings = report.readings(tables)
    said = facts.readings[index - 1]
    known = {**readings, **said}
    reconciled = reconcile(report.form.rules, known, {**report.placed(), **dict.fromkeys(said, 1.0)})
    judgements = _judge(report, known, reconciled, facts.values[index - 1])
    return Report(
        index=index,
        pages=report.pages,
        agency=report.agency,
        year=report.year,
        form_id=report.form.id,
        cells=assemble.build_cells(report, tables, readings, judgements),
        findings=reconciled.findings,
        rows=report.rows,
    )


def _judge(
    report: assemble.MappedReport,
    readings: Mapping[CellKey, Reading],
    reconciled: Reconciliation,
    said: Mapping[CellKey, Value],
) -> dict[CellKey, Judgement]:
    values = assemble.parse_readings(readings)
    support = rules.count_support(report.form.rules, values)
    settled = {key: parse_value(found.text) for key, found in reconciled.settled.items()}
    well_read = {key for key, read in readings.items() if read.probability >= confidence.VOUCHING} - settled.keys()
    vouched = rules.count_vouched(report.form.rules, {**values, **settled}, well_read)
    findings = rules.check_all(report.form.rules, {**values, **settled})
    broken = {key for finding in findings for key in finding.cells}
    printed = Counter(key.table_id for key in readings)
    blank = Counter(key.table_id for key, read in readings.items() if not read.text.strip())
    judgements = {}
    for key, read in readings.items():
        if key in said:
            judgements[key] = Judgement(Status.CORRECTED, 1.0, (), said[key])
            continue
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
