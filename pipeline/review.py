"""The rows a person should look at, worst first, with room for what is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.domain import Cell, CellKey, FormSpec, Status

REVIEW_COLUMNS = (
    *("document_id", "source", "report", "agency", "year", "form_id", "table_id", "row_id", "column_id"),
    *("row_label", "column_label", "value", "unit", "mark", "raw_text", "reading", "status", "confidence", "reasons"),
    *("page", "x0", "y0", "x1", "y1", "corrected_value", "corrected_row_id"),
)

_IN_WORDS = {
    Status.REVIEW: "read with too little certainty",
    Status.MISSING: "not found on the page",
    Status.RECONCILED: "changed so that the sums of the form hold",
}


def reasons(cell: Cell) -> tuple[str, ...]:
    """Why a person should look at a cell, in words; empty when nobody needs to."""
    if cell.status in (Status.REVIEW, Status.MISSING):
        return cell.reasons or (_IN_WORDS[cell.status],)
    if cell.status is Status.RECONCILED:
        return (_IN_WORDS[cell.status], *cell.reasons)
    return ()


def badness(cell: Cell) -> tuple[float, int]:
    """Sort key: the least certain first, among equals the one with most reasons."""
    return (cell.confidence, -len(reasons(cell)))


def labels(form: FormSpec) -> Mapping[CellKey, tuple[str, str]]:
    """Row and column label of each cell as the form prints them, groups first, separated by " / "."""
    return dict(_labels(form))


def review_row(row: Mapping[str, str], cell: Cell, row_label: str, column_label: str) -> dict[str, str]:
    """One row of ``review.csv``, made from the cell's row of ``cells.csv``."""
    added = {
        "row_label": row_label,
        "column_label": column_label,
        "reasons": "; ".join(reasons(cell)),
        "corrected_value": "",
        "corrected_row_id": "",
    }
    return {name: added[name] if name in added else row[name] for name in REVIEW_COLUMNS}


def _labels(form: FormSpec) -> Iterator[tuple[CellKey, tuple[str, str]]]:
    for table in form.tables:
        for block in table.blocks:
            for row in block.rows:
                above = (block.caption,) if block.caption else ()
                row_label = " / ".join((*above, *row.parents, row.label))
                for column in block.columns:
                    column_label = " / ".join((*column.parents, column.label))
                    yield CellKey(table.id, row.id, column.id), (row_label, column_label)
