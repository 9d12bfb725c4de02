"""What a person said of a document holds, for the print it was said of, and what is beside it is judged anew."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pipeline.assemble import FORM_SAID
from pipeline.corrections import Correction, Kind
from pipeline.domain import (
    Alternative,
    BoundingBox,
    Cell,
    CellKey,
    DocumentReading,
    Extraction,
    LineReading,
    Mark,
    Reading,
    Status,
    TableReading,
    Value,
)
from pipeline.extract import assemble_document
from pipeline.settings import Settings
from tests import printed_documents
from tests.printed_documents import FORM, content

ISSUED = CellKey("proactive_disclosure", "regulations", "issued")
SUM = "requests/received/natural_person", "requests/carried_in/natural_person"


def document(figures: dict[str, str] | None = None, labels: dict[str, str] | None = None) -> DocumentReading:
    return printed_documents.read(content(figures, labels), "a.png", Settings())


def slanting(read: DocumentReading) -> DocumentReading:
    """The same document, its tables printed so that the boxes of rows reach into each other."""

    def slant(table: TableReading) -> TableReading:
        moved = (replace(box, y0=box.y0 + box.x0 / 8, y1=box.y1 + box.x0 / 8) for box in table.places)
        return replace(table, places=tuple(moved))

    pages = (
        replace(page, items=tuple(slant(item) if isinstance(item, TableReading) else item for item in page.items))
        for page in read.pages
    )
    return replace(read, pages=tuple(pages))


def illegible(read: DocumentReading) -> DocumentReading:
    """The same document, nothing legible in its tables."""
    blot = Reading((Alternative("〓", 0.3),), "test")
    pages = (
        replace(
            page,
            items=tuple(
                replace(item, readings=tuple(blot for _ in item.readings)) if isinstance(item, TableReading) else item
                for item in page.items
            ),
        )
        for page in read.pages
    )
    return replace(read, pages=tuple(pages))


def cells(extraction: Extraction, number: int = 0) -> dict[CellKey, Cell]:
    return {cell.key: cell for cell in extraction.reports[number].cells}


def said(cell: Cell, new: str, **changes: object) -> Correction:
    plain = Correction(
        *("c-1", "2026-11-25T00:00:00+00:00", "王芳", "", Kind.VALUE, "d-0123456789abcdef", "a.png", 1, FORM),
        *(cell.key, "", new, cell.page, cell.box),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def row_said(read: DocumentReading, row_id: str, new: str) -> Correction:
    (found,) = (row for row in assemble_document(read).reports[0].rows if row.row_id == row_id)
    key = CellKey(found.table_id, row_id, "")
    plain = said(next(iter(cells(assemble_document(read)).values())), new)
    return replace(plain, correction_id="c-2", kind=Kind.ROW, key=key, page=found.page, box=found.box)


@pytest.mark.parametrize(
    ("new", "value"),
    [
        ("12", Value(Mark.NUMBER, Decimal(12))),
        ("blank", Value(Mark.BLANK)),
        ("slash", Value(Mark.SLASH)),
        ("dash", Value(Mark.DASH)),
        ("不适用", Value(Mark.TEXT)),
    ],
)
def test_a_cell_holds_what_a_person_said(new: str, value: Value) -> None:
    read = document({"proactive_disclosure/regulations/issued": "3?8"})
    before = cells(assemble_document(read))[ISSUED]
    assert before.status is Status.REVIEW
    after = cells(assemble_document(read, [said(before, new)]))
    assert (after[ISSUED].value, after[ISSUED].status, after[ISSUED].confidence) == (value, Status.CORRECTED, 1.0)
    assert (after[ISSUED].raw_text, after[ISSUED].reading) == (before.raw_text, before.reading)
    unchanged = {key: cell for key, cell in cells(assemble_document(read)).items() if key != ISSUED}
    assert {key: cell for key, cell in after.items() if key != ISSUED} == unchanged


def test_sums_are_judged_anew_with_it() -> None:
    """Two doubtful figures of one sum: once a person has told the one, the sum tells the other."""
    figures = {SUM[0]: "3?8", SUM[1]: "5?6", "requests/outcome_total/natural_person": "14"}
    figures |= {"requests/granted/natural_person": "14"}
    figures |= dict.fromkeys((f"requests/{row}/total" for row in ("received", "carried_in", "outcome_total")), "不适用")
    figures |= {"requests/granted/total": "14"}
    read = document(figures)
    first, second = (CellKey(*name.split("/")) for name in SUM)
    before = cells(assemble_document(read))
    assert before[second].status is not Status.ACCEPTED
    after = cells(assemble_document(read, [said(before[first], "8")]))
    value = after[second].value
    assert value is not None
    assert (value.number, after[second].status) == (Decimal(6), Status.RECONCILED)


def test_a_sum_that_fails_with_it_is_a_finding() -> None:
    read = document()
    key = CellKey("requests", "received", "natural_person")
    assert assemble_document(read).reports[0].findings == ()
    found = assemble_document(read, [said(cells(assemble_document(read))[key], "4")]).reports[0]
    assert key in {each for finding in found.findings for each in finding.cells}


def test_a_cell_that_was_not_found_holds_what_a_person_said() -> None:
    read = document()
    lost = replace(read, pages=tuple(page for page in read.pages if page.number != 2))  # the first table is torn off
    before = cells(assemble_document(lost))[ISSUED]
    assert before.status is Status.MISSING
    after = cells(assemble_document(lost, [said(before, "9")]))[ISSUED]
    assert (after.value, after.status, after.unit) == (Value(Mark.NUMBER, Decimal(9)), Status.CORRECTED, "")


@pytest.mark.parametrize("named_first", [True, False])
def test_of_two_answers_about_one_cell_the_later_one_holds(named_first: bool) -> None:
    read = document()
    cell = cells(assemble_document(read))[ISSUED]
    named, placed = said(cell, "9", page=None, box=None), said(cell, "8")
    after = cells(assemble_document(read, [named, placed] if named_first else [placed, named]))[ISSUED]
    assert after.value == Value(Mark.NUMBER, Decimal(8 if named_first else 9))


def test_a_row_goes_where_a_person_puts_it_and_a_figure_goes_with_its_print() -> None:
    figures = {"requests/denied_state_secret/natural_person": "5", "requests/denied_state_secret/total": "5"}
    read = document(figures, {"denied_state_secret": "其他情形"})
    moved = row_said(read, "denied_state_secret", "denied_prohibited_by_law")
    secret = CellKey("requests", "denied_state_secret", "natural_person")
    own = said(cells(assemble_document(read))[secret], "6")
    after = cells(assemble_document(read, [own, moved]))
    value = after[replace(secret, row_id="denied_prohibited_by_law")].value
    assert value is not None
    assert value.number == 6
    total = after[CellKey("requests", "denied_prohibited_by_law", "total")].value
    assert total is not None
    assert total.number == 5
    assert after[secret].status is Status.MISSING


def test_on_a_slanting_page_only_the_row_that_is_meant_moves() -> None:
    read = slanting(document())
    rows = {row.row_id: row for row in assemble_document(read).reports[0].rows}
    first, second = rows["received"].box, rows["carried_in"].box
    assert (
        second.y0 < (first.y0 + first.y1) / 2 < (second.y0 + second.y1) / 2 < first.y1
    )  # each holds the other's middle
    said_of = [row_said(read, "received", "received"), row_said(read, "carried_in", "carried_in")]
    after = assemble_document(read, said_of).reports[0].rows
    assert [(row.row_id, row.box) for row in after] == [(row.row_id, row.box) for row in rows.values()]


def test_what_is_said_of_rows_leads_to_no_other_form() -> None:
    read = document()
    order = [row.row_id for row in assemble_document(read).reports[0].rows if row.table_id == "requests"]
    against = [row_said(read, str(name), str(new)) for name, new in zip(order, reversed(order), strict=True)]
    (found,) = assemble_document(read, against).reports
    assert found.form_id == FORM


def test_the_form_is_the_one_that_a_person_told() -> None:
    read = document({SUM[0]: "7"})
    first = cells(assemble_document(read))[CellKey("requests", "received", "natural_person")]
    other = said(first, "ogi-2021", kind=Kind.FORM)
    before = said(first, "9", page=None, box=None)  # told of the form that was found, on which this cell is as well
    (found,) = assemble_document(read, [before, other]).reports
    assert found.form_id == "ogi-2021"
    received = cells(assemble_document(read, [before, other]))[first.key]
    assert (received.value, received.status) == (Value(Mark.NUMBER, Decimal(9)), Status.CORRECTED)
    assert any(FORM_SAID in cell.reasons for cell in found.cells if cell.status is Status.MISSING)


def test_a_form_told_of_what_is_not_there_any_more_is_told() -> None:
    read = document()
    told = said(next(iter(cells(assemble_document(read)).values())), "ogi-2021", kind=Kind.FORM)
    nowhere = replace(told, box=BoundingBox(5000.0, 5000.0, 5040.0, 5020.0))
    after = assemble_document(read, [nowhere])
    assert after.reports[0].form_id == FORM
    assert [each.kind for each in after.failures] == ["correction"]


def test_a_report_of_which_no_table_is_recognised_is_asked_for() -> None:
    read = illegible(document())
    found = assemble_document(read)
    assert [(each.form_id, each.year) for each in found.reports] == [("ogi-2019", 2020)]
    assert {cell.status for cell in found.reports[0].cells} == {Status.MISSING}
    assert [each.kind for each in found.failures] == ["no-table"]
    first = cells(found)[CellKey("requests", "received", "natural_person")]
    other = said(first, "ogi-2021", kind=Kind.FORM)
    told = assemble_document(read, [said(first, "9"), other])
    assert told.reports[0].form_id == "ogi-2021"
    assert (cells(told)[first.key].value, cells(told)[first.key].status) == (
        Value(Mark.NUMBER, Decimal(9)),
        Status.CORRECTED,
    )
    assert [each.kind for each in told.failures] == ["no-table"]
    none = assemble_document(read, [said(first, "none", kind=Kind.FORM)])
    assert (none.reports, none.failures) == ((), found.failures)


def test_what_was_said_of_a_report_without_tables_is_told_where_some_are_found() -> None:
    first = next(iter(cells(assemble_document(document())).values()))
    after = assemble_document(document(), [said(first, "ogi-2021", kind=Kind.FORM, page=None, box=None)])
    assert after.reports[0].form_id == FORM
    assert [each.kind for each in after.failures] == ["correction"]


def test_without_a_title_or_without_a_table_there_is_no_report() -> None:
    read = illegible(document())
    without_title = replace(read, pages=read.pages[1:])
    lines = [tuple(item for item in page.items if isinstance(item, LineReading)) for page in read.pages]
    without_table = replace(read, pages=tuple(map(lambda page, of: replace(page, items=of), read.pages, lines)))
    for nothing in (without_title, without_table):
        assert assemble_document(nothing).reports == ()


def test_a_row_that_is_none_of_the_form_leaves_its_cells_open() -> None:
    read = document({"requests/granted/natural_person": "5"})
    granted = CellKey("requests", "granted", "natural_person")
    own = said(cells(assemble_document(read))[granted], "6")
    found = assemble_document(read, [own, row_said(read, "granted", "none")])
    assert cells(found)[granted].status is Status.MISSING
    assert found.failures == ()
    (row,) = (row for row in found.reports[0].rows if row.label is not None and "予以公开" in row.label.text)
    assert (row.row_id, row.certainty) == (None, 1.0)


def test_what_is_about_nothing_any_more_is_told() -> None:
    read = document()
    somewhere = replace(said(cells(assemble_document(read))[ISSUED], "7"), box=BoundingBox(5000, 0, 5010, 10))
    other_row = replace(row_said(read, "granted", "other"), page=9)
    found = assemble_document(read, [somewhere, other_row])
    assert [failure.kind for failure in found.failures] == ["correction"] * 2
    assert "c-1" in found.failures[0].cause
    assert "undo" in found.failures[0].advice
    assert found.reports == assemble_document(read).reports


def test_a_correction_stays_with_its_print_when_the_rows_are_placed_otherwise() -> None:
    """The same content read anew: another model finds the row of a correction on another row of the form."""
    labels = {"denied_state_secret": "2.其他法律行政法规禁止公开", "denied_prohibited_by_law": "1.属于国家秘密"}
    read = document({"requests/denied_state_secret/natural_person": "5"})
    own = said(cells(assemble_document(read))[CellKey("requests", "denied_state_secret", "natural_person")], "6")
    swapped = document({"requests/denied_state_secret/natural_person": "5"}, labels)
    corrected = [cell for cell in cells(assemble_document(swapped, [own])).values() if cell.status is Status.CORRECTED]
    assert [cell.box for cell in corrected] == [own.box]


def test_tables_of_the_same_place_on_other_pages_are_not_meant() -> None:
    read = document()
    (first,) = (cell for key, cell in cells(assemble_document(read)).items() if key == ISSUED)
    found = cells(assemble_document(read, [said(first, "7")]))
    assert [key for key, cell in found.items() if cell.status is Status.CORRECTED] == [ISSUED]
    assert isinstance(read.pages[1].items[1], TableReading)
