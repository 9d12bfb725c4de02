"""What one document adds to the tables of a dataset, ready to be written under every name that the document has.

Rows are kept as the lines of the files, so that a large dataset is put together again from what is stored as fast as
the disk allows. Only the name of the file is put in when a table is written.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from pipeline import dataset, review
from pipeline.domain import Extraction, Failure, FormSpec, Status
from pipeline.spreadsheet import line

TABLES = {**dataset.TABLES, "review.csv": (review.REVIEW_COLUMNS, review.NUMBER_COLUMNS)}
"""File name of each table, its columns and those of them that hold numbers."""
_AT = {name: columns.index("source") for name, (columns, _) in TABLES.items()}


@dataclass(frozen=True, slots=True)
class Results:
    """What one document gave.

    Attributes:
        document_id: as in the tables.
        pages, reports, findings: how many.
        cells: number of cells by status.
        rows: for each table but that for review its lines, each without what stands up to the name of the file.
        to_review: of each line of the table for review what the answer is worth, what stands before the name of the
            file and what comes after it; they are sorted over all documents.
    """

    document_id: str
    pages: int
    reports: int
    findings: int
    cells: Mapping[str, int]
    rows: Mapping[str, list[str]]
    to_review: list[tuple[float, str, str]]


def of(extraction: Extraction, forms: Mapping[str, FormSpec]) -> Results:
    """What an extraction adds to the tables; a report that lacks cells or has too many becomes a failure."""
    extraction = _sound(extraction, forms)
    rows: dict[str, list[str]] = {name: [] for name in dataset.TABLES}
    to_review = []
    for report in extraction.reports:
        cells = [dataset.cell_row(extraction, report, each) for each in report.cells]
        printed = [dataset.printed_row(extraction, report, each) for each in report.rows]
        findings = [dataset.finding_row(extraction, report, each) for each in report.findings]
        rows["reports.csv"].append(_after("reports.csv", dataset.report_row(extraction, report)))
        rows["cells.csv"].extend(_after("cells.csv", row) for row in cells)
        rows["rows.csv"].extend(_after("rows.csv", row) for row in printed)
        rows["findings.csv"].extend(_after("findings.csv", row) for row in findings)
        for item in review.items_of(cells, printed, findings, forms[report.form_id], pages=report.pages):
            row = review.item_row(item)
            to_review.append((item.worth, _before("review.csv", row), _after("review.csv", row)))
    rows["failures.csv"] = failure_rows(extraction.failures)
    counted = Counter(cell.status for report in extraction.reports for cell in report.cells)
    return Results(
        document_id=extraction.document_id,
        pages=extraction.pages,
        reports=len(extraction.reports),
        findings=len(rows["findings.csv"]),
        cells={status.value: counted[status] for status in Status},
        rows=rows,
        to_review=to_review,
    )


def failure_rows(failures: Iterable[Failure]) -> list[str]:
    """Lines of the table of failures, without the name of the file."""
    return [_after("failures.csv", dataset.failure_row("", failure)) for failure in failures]


def start(table: str, document_id: str, source: str) -> str:
    """What a line of a table but that for review begins with, up to the name of the file."""
    return _before(table, {"document_id": document_id}) + named(source)


def named(source: str) -> str:
    """The name of a file as it stands in a line, with the comma behind it."""
    return _cells(("source",), frozenset(), {"source": source})


def encode(results: Results) -> bytes:
    """The results as bytes, always the same for the same results."""
    text = json.dumps(asdict(results), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode("utf-8", "surrogatepass"), compresslevel=6, mtime=0)


def decode(data: bytes) -> Results:
    """What `encode` was given.

    Raises:
        ValueError: the bytes are no results, or cut off.
    """
    try:
        content = json.loads(gzip.decompress(data).decode("utf-8", "surrogatepass"))
        content["to_review"] = [(worth, before, after) for worth, before, after in content["to_review"]]
        return Results(**content)
    except (OSError, EOFError, zlib.error, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not the results of a document: {error}") from error


def _before(table: str, row: Mapping[str, str]) -> str:
    columns, numbers = TABLES[table]
    return _cells(columns[: _AT[table]], numbers, row) if _AT[table] else ""


def _after(table: str, row: Mapping[str, str]) -> str:
    columns, numbers = TABLES[table]
    return line(columns[_AT[table] + 1 :], numbers, row)


def _cells(columns: Sequence[str], numbers: frozenset[str], row: Mapping[str, str]) -> str:
    return line(columns, numbers, row).removesuffix("\r\n") + ","


def _sound(extraction: Extraction, forms: Mapping[str, FormSpec]) -> Extraction:
    faulty = {
        report.index: found for report in extraction.reports if (found := dataset.faults(report, forms[report.form_id]))
    }
    if not faulty:
        return extraction
    failures = tuple(
        Failure(
            None,
            f"report {index} of the document is inconsistent: {'; '.join(found[:5])}",
            "This is a fault of nianbao; please report it with the file",
            "fault",
        )
        for index, found in faulty.items()
    )
    sound = tuple(report for report in extraction.reports if report.index not in faulty)
    return replace(extraction, reports=sound, failures=(*extraction.failures, *failures))
