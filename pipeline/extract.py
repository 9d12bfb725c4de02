"""One document through all stages; the order of the stages stands here and nowhere else."""

from __future__ import annotations

import ctypes
import hashlib
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import median

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
    Mark,
    PageReading,
    Reading,
    Report,
    Status,
    TableReading,
    document_id,
)
from pipeline.errors import DocumentError
from pipeline.facts import Facts, find_facts, form_answers, row_answers
from pipeline.forms import counted_cells, load_forms
from pipeline.labels.classifier import LabelClassifier
from pipeline.ocr import load_engine
from pipeline.ocr.numerals import NumeralReader
from pipeline.reconcile import Reconciliation, reconcile
from pipeline.settings import Settings
from pipeline.values import parse_value

# A figure that one reader alone has read and no sum supports needs no second look from here on.
_CERTAIN = 0.9999
# Of fewer cells what is usual in a table or a column is not known.
_FEWEST_FIGURES = 3
# To the relations a blank in which something is as dark as print is no surer than the first, since it may be what is
# left of a figure, nor is a figure that is paler than the second of the usual print: it may be a smear.
_UNLIKE, _PALEST = 0.5, 0.65


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
    confidence.load()


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
            _give_back_memory()
    except DocumentError as error:
        failures.append(Failure(error.page, error.cause, error.advice, error.kind))
    return DocumentReading(
        document_id=document_id(hashlib.sha256(data).hexdigest()),
        source=source,
        pages=_look_again(pages, pictures, tools),
        failures=tuple(failures),
        seconds=time.perf_counter() - began,
    )


def assemble_document(
    document: DocumentReading, corrections: Sequence[Correction] = (), risk: float = Settings().risk
) -> Extraction:
    """Find the reports in what was read, and say of every statutory cell what it holds and how far to rely on it.

    Args:
        corrections: what people said of this document, as in force, oldest first. What they said holds; rows and cells
            beside it are judged anew in its light. A correction of something that was not read is a failure.
        risk: which share of the accepted cells may be wrong, 0 to 1.
    """
    forms, classifier = _mapping().forms, _mapping().classifier
    tables = _tables(document.pages)
    said = row_answers(corrections), form_answers(corrections)
    mapped = assemble.map_reports(document.pages, forms, classifier, *said)
    facts = find_facts(corrections, mapped, tables)
    accept = confidence.load().threshold(risk).confidence
    reports = tuple(_report(index, report, tables, facts, accept) for index, report in enumerate(mapped, start=1))
    failures = (*document.failures, *facts.lost)
    if document.pages and not any(report.placements for report in mapped):
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


def _give_back_memory() -> None:
    """Give memory that is free back to the system, where the C library can; it takes some milliseconds.

    By itself that library gives back only what lies at the end; what is kept of a page lies between freed pictures.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)


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
    """The pages after a second reader was asked for cells that one reader alone has read.

    These are the cells of failing relations, and figures for which nothing else speaks. What the relations say only
    tells where to look: what is printed decides.

    Args:
        pictures: for each table of the document the pictures of the cells that one reader alone has read.
    """
    tables = _tables(pages)
    changed = [list(table.readings) for table in tables]
    for report in assemble.map_reports(pages, tools.mapping.forms, tools.mapping.classifier):
        places = [report.placements[key] for key in _open_to_doubt(report, tables)]
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


def _open_to_doubt(report: assemble.MappedReport, tables: Sequence[TableReading]) -> list[CellKey]:
    """The cells that take part in a relation that does not hold, and the figures that are in none that does."""
    readings = report.readings(tables)
    values = assemble.parse_readings(readings)
    findings = rules.check_all(report.form.rules, values)
    disputed = dict.fromkeys(key for finding in findings for key in finding.cells if key in readings)
    support = rules.count_support(report.form.rules, values)
    alone = (
        key
        for key, read in readings.items()
        if values[key].mark is Mark.NUMBER and not support[key] and read.probability < _CERTAIN
    )
    return list(dict.fromkeys((*disputed, *alone)))


def _report(
    index: int, report: assemble.MappedReport, tables: Sequence[TableReading], facts: Facts, accept: float
) -> Report:
    said, values = facts.readings[index - 1], facts.values[index - 1]
    evidence, reconciled = _weigh(report, tables, said)
    model = confidence.load()
    judgements = {key: confidence.judge(known, model, accept) for key, known in evidence.items() if key not in values}
    judgements |= {key: Judgement(Status.CORRECTED, 1.0, (), value) for key, value in values.items()}
    return Report(
        index=index,
        pages=report.pages,
        agency=report.agency,
        year=report.year,
        form_id=report.form.id,
        cells=assemble.build_cells(report, tables, report.readings(tables), judgements),
        findings=reconciled.findings,
        rows=report.rows,
    )


def weigh_document(
    document: DocumentReading,
) -> list[tuple[assemble.MappedReport, Mapping[CellKey, confidence.Evidence]]]:
    """What is known about every cell that was found, for each report of a document: what its confidence is made of."""
    tables = _tables(document.pages)
    mapped = assemble.map_reports(document.pages, _mapping().forms, _mapping().classifier)
    return [(report, _weigh(report, tables, {})[0]) for report in mapped]


def _weigh(
    report: assemble.MappedReport, tables: Sequence[TableReading], said: Mapping[CellKey, Reading]
) -> tuple[dict[CellKey, confidence.Evidence], Reconciliation]:
    """What is known about every cell that was found; ``said`` are the values that people gave."""
    found = report.readings(tables)
    readings = {**found, **said}
    counted = counted_cells(report.form)
    places = {key: tables[place.table].grid.cells[place.cell] for key, place in report.placements.items()}
    whole = {key: reading.without_fraction(places[key], read) for key, read in found.items() if key in counted}
    usual = _usual_darkness(tables, {(p.table, p.cell) for p in report.placements.values()})
    inks = {key: _relative(places[key].darkness, usual.get(place.table)) for key, place in report.placements.items()}
    unlike = {
        key: reading.at_most(whole.get(key, read), _UNLIKE)
        for key, read in found.items()
        if _is_unlike_print(parse_value(read.text).mark, inks[key])
    }
    reconciled = reconcile(
        report.form.rules, {**readings, **whole, **unlike, **said}, {**report.placed(), **dict.fromkeys(said, 1.0)}
    )
    values = assemble.parse_readings(readings)
    # What is hardly read says nothing about where figures stand.
    likely = {key: value for key, value in values.items() if readings[key].probability >= confidence.DISBELIEVED}
    at_odds = rules.at_odds(report.form.rules, likely)
    support = rules.count_support(report.form.rules, values, at_odds)
    settled = {key: parse_value(each.text) for key, each in reconciled.settled.items()}
    changed = {key for key, value in settled.items() if value != values[key]}
    well_read = {key for key, read in readings.items() if read.probability >= confidence.VOUCHING} - changed
    vouched = rules.count_vouched(report.form.rules, {**values, **settled}, well_read)
    findings = rules.check_all(report.form.rules, {**values, **settled})
    broken = {key for finding in findings for key in finding.cells}
    company = confidence.company_of(found)
    apart = {(row.table_id, row.row_id) for row in report.rows if row.label is not None and not row.label.columns}
    astray = _rows_astray(report, tables)
    open_totals = rules.open_totals(report.form.rules, values)
    shortened = rules.digits_lost(report.form.rules, {**values, **settled})
    evidence = {}
    for key, read in found.items():
        place = report.placements[key]
        evidence[key] = confidence.Evidence(
            reading=read,
            row_probability=place.row_probability,
            column_probability=place.column_probability,
            label=place.label,
            stray_above=place.stray_above,
            stray_below=place.stray_below,
            surplus=place.surplus,
            apart=(key.table_id, key.row_id) in apart,
            astray=(key.table_id, key.row_id) in astray and place.column_probability >= confidence.COLUMN_SURE,
            quality=places[key].quality,
            ink=inks[key],
            support=support[key],
            at_odds=key.table_id in at_odds,
            vouched=vouched[key],
            broken=key in broken,
            open_total=key in open_totals,
            counted=key in counted,
            shortened=key in shortened,
            company=company[key],
            weighed=reconciled.posterior.get(key),
            settled=reconciled.settled.get(key),
            agreed=key in reconciled.agreed,
        )
    return evidence, reconciled


def _is_unlike_print(mark: Mark, ink: tuple[float, float] | None) -> bool:
    """Whether a blank holds something as dark as print, or a figure is far paler; strokes of marks may be pale."""
    if ink is None:
        return False
    return (mark is Mark.BLANK and ink[0] >= confidence.PALE) or (mark is Mark.NUMBER and ink[0] < _PALEST)


def _rows_astray(report: assemble.MappedReport, tables: Sequence[TableReading]) -> frozenset[tuple[str, str]]:
    """Rows of which some cells, but not most, begin in another grid column than those above and below them."""
    columns: dict[tuple[int, str, str], list[int]] = {}
    for key, place in report.placements.items():
        start = tables[place.table].grid.cells[place.cell].column
        columns.setdefault((place.table, key.table_id, key.column_id), []).append(start)
    rows: dict[tuple[str, str], list[bool]] = {}
    for key, place in report.placements.items():
        others = columns[place.table, key.table_id, key.column_id]
        if len(others) > _FEWEST_FIGURES:
            start = tables[place.table].grid.cells[place.cell].column
            rows.setdefault((key.table_id, key.row_id), []).append(2 * (others.count(start) - 1) < len(others) - 1)
    return frozenset(row for row, parts in rows.items() if 0 < 2 * sum(parts) < len(parts))


def _usual_darkness(tables: Sequence[TableReading], cells: Iterable[tuple[int, int]]) -> dict[int, float]:
    """Median darkness of the figures and marks of each table that has at least three."""
    found: dict[int, list[float]] = {}
    for table, cell in cells:
        dark = tables[table].grid.cells[cell].darkness
        if dark is not None and tables[table].readings[cell].text.strip():
            found.setdefault(table, []).append(dark[0])
    return {table: median(dark) for table, dark in found.items() if len(dark) >= _FEWEST_FIGURES}


def _relative(dark: tuple[float, float] | None, usual: float | None) -> tuple[float, float] | None:
    """Darkness relative to what is usual in the table, None where either is not known."""
    return None if dark is None or not usual else (dark[0] / usual, dark[1] / usual)
