"""What people said of a document, found again in what is read of it now.

A correction holds for what it was given for: a place on the page, where cells and rows are found again, or, where the
question named the cell, the statutory cell itself, wherever it is printed. A correction whose print is not there any
more is told of and never put somewhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.assemble import FormAnswer, MappedReport, RowAnswer, same_place
from pipeline.corrections import NOT_ON_THE_FORM, Correction, Kind
from pipeline.domain import Alternative, CellKey, Failure, Reading, TableReading, Value

PERSON = "person"
"""Name of the reader of what a person said."""

_PRINTED = {"blank": "", "slash": "/", "dash": "-"}


def row_answers(corrections: Iterable[Correction]) -> tuple[RowAnswer, ...]:
    """What corrections say of printed rows."""
    return tuple(
        RowAnswer(
            each.form_id,
            each.key.table_id,
            None if each.new == NOT_ON_THE_FORM else each.new,
            each.page,
            each.box,
        )
        for each in corrections
        if each.kind is Kind.ROW and each.page is not None and each.box is not None
    )


def form_answers(corrections: Iterable[Correction]) -> tuple[FormAnswer, ...]:
    """What corrections say of the forms of reports."""
    return tuple(
        FormAnswer(None if each.new == NOT_ON_THE_FORM else each.new, each.page, each.box)
        for each in corrections
        if each.kind is Kind.FORM
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """Cells whose values people gave.

    Attributes:
        values: for each report of the document, in order, its cells with their values.
        readings: the same as if a reader without a doubt had read them.
        lost: corrections that are about nothing that is read now.
    """

    values: tuple[Mapping[CellKey, Value], ...]
    readings: tuple[Mapping[CellKey, Reading], ...]
    lost: tuple[Failure, ...]


def find_facts(
    corrections: Sequence[Correction], reports: Sequence[MappedReport], tables: Sequence[TableReading]
) -> Facts:
    """Find the cells that corrections are about.

    Args:
        corrections: those of this document that are in force, oldest first.
        reports: as placed with `row_answers` and `form_answers`.
        tables: the tables of the document.
    """
    chosen: list[dict[CellKey, Correction]] = [{} for _ in reports]
    owners = {
        (place.table, place.cell): (number, key)
        for number, report in enumerate(reports)
        for key, place in report.placements.items()
    }
    rows = row_answers(corrections)
    lost = []
    for each in (each for each in corrections if each.kind is Kind.VALUE):  # of two about one cell the later one holds
        printed = _printed_cell(each, tables)
        number = each.report - 1
        if printed in owners:
            owner, key = owners[printed]
            chosen[owner][key] = each
        elif each.box is not None and _was_moved(each, rows):
            continue  # its row is on no row of the form any more, as somebody said
        elif (
            number < len(reports)
            and _is_on_form(each, reports[number])
            and (each.box is None or (printed is not None and each.key not in reports[number].placements))
        ):
            chosen[number][each.key] = each
        else:
            lost.append(_lost(each))
    lost += [
        _lost(each)
        for each in corrections
        if each.kind is Kind.ROW and not any(_is_about(each, report) for report in reports)
    ]
    # Of a report without a cell only its form can be told, or that it is none.
    bare = {report.form.id for report in reports if report.form_said and not report.placements}
    lost += [
        _lost(each)
        for each in corrections
        for said in form_answers([each])
        if not (said.is_about(tables) or (said.box is None and (said.form_id in bare or said.form_id is None)))
    ]
    return Facts(
        tuple({key: each.value for key, each in of.items()} for of in chosen),
        tuple({key: _reading(each) for key, each in of.items()} for of in chosen),
        tuple(lost),
    )


def _printed_cell(correction: Correction, tables: Sequence[TableReading]) -> tuple[int, int] | None:
    if correction.box is None:
        return None
    for number, table in enumerate(tables):
        if table.grid.page == correction.page:
            for cell, place in enumerate(table.places):
                if same_place(place, correction.box):
                    return number, cell
    return None


def _is_on_form(correction: Correction, report: MappedReport) -> bool:
    """Whether a cell is one of the report's form; what was said before the form was told holds where it is one, too."""
    if correction.form_id == report.form.id:
        return True
    return report.form_said and correction.key in report.form.keys()  # noqa: SIM118 -- a form is not a mapping


def _was_moved(correction: Correction, rows: Iterable[RowAnswer]) -> bool:
    box = correction.box
    if box is None:
        return False
    middle = (box.y0 + box.y1) / 2
    return any(row.page == correction.page and row.box.y0 <= middle < row.box.y1 for row in rows)


def _is_about(correction: Correction, report: MappedReport) -> bool:
    (answer,) = row_answers([correction]) or (None,)
    return (
        answer is not None
        and answer.form_id == report.form.id
        and any(row.table_id == answer.table_id and answer.is_about(row.page, row.box) for row in report.rows)
    )


def _reading(correction: Correction) -> Reading:
    return Reading((Alternative(_PRINTED.get(correction.new, correction.new), 1.0),), PERSON)


def _lost(correction: Correction) -> Failure:
    key = correction.key
    name = "/".join(part for part in (key.table_id, key.row_id, key.column_id) if part)
    return Failure(
        correction.page,
        f"the correction {correction.correction_id} of {name} to {correction.new!r} is about nothing that was read",
        f"Look at it again; `nianbao review undo OUT {correction.correction_id}` takes it back",
        "correction",
    )
