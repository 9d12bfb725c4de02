"""The tables of a dataset: their columns, what stands in them, and that they appear all at once or not at all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import results
from pipeline.dataset import DatasetWriter, faults
from pipeline.domain import Failure, Mark, Status, Value
from pipeline.errors import OutputError
from pipeline.spreadsheet import read
from tests.reports import add, cell, extraction, form, missing, report, with_finding
from tests.reports import write_tables as write

FIRST = form().keys()[0]
TABLES = {"cells.csv", "rows.csv", "reports.csv", "findings.csv", "failures.csv"}


def rows(out: Path, name: str) -> list[dict[str, str]]:
    return list(read(out / name, ["source"]))


def test_the_columns_are_those_that_were_promised(tmp_path: Path) -> None:
    write(tmp_path)
    headers = {name: (tmp_path / name).read_text(encoding="utf-8-sig").strip() for name in TABLES}
    assert headers == {
        "cells.csv": "document_id,source,report,agency,year,form_id,table_id,row_id,column_id,value,unit,mark,raw_text,"
        "status,confidence,reading,page,x0,y0,x1,y1,note,reasons",
        "rows.csv": "document_id,source,report,form_id,table_id,row_id,certainty,candidates,page,x0,y0,x1,y1,"
        "label,parent,section,previous,following,position,columns",
        "reports.csv": "document_id,source,report,pages,agency,year,form_id,cells,accepted,review,missing,reconciled,"
        "corrected,findings,seconds",
        "findings.csv": "document_id,source,report,rule_id,cells,expected,printed,reference,text",
        "failures.csv": "source,page,kind,cause,advice",
    }


def test_every_cell_of_the_form_has_one_row(tmp_path: Path) -> None:
    write(tmp_path, extraction(report(changes={FIRST: missing(FIRST)})))
    written = rows(tmp_path, "cells.csv")
    assert [(row["table_id"], row["row_id"], row["column_id"]) for row in written] == [
        (key.table_id, key.row_id, key.column_id)
        for key in form().keys()  # noqa: SIM118 - not a mapping
    ]
    assert {name: written[0][name] for name in ("value", "mark", "status", "page", "x0")} == {
        "value": "",
        "mark": "",
        "status": "missing",
        "page": "",
        "x0": "",
    }
    assert {name: written[5][name] for name in ("value", "mark", "status", "page", "x0", "y1", "confidence")} == {
        "value": "5",
        "mark": "number",
        "status": "accepted",
        "page": "2",
        "x0": "0.0",
        "y1": "118.0",
        "confidence": "0.999000",
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Value(Mark.NUMBER, Decimal("1E+3")), "1000"),
        (Value(Mark.NUMBER, Decimal("-0.50")), "-0.50"),
        (Value(Mark.NUMBER, Decimal("0.0000001")), "0.0000001"),
        (Value(Mark.BLANK), ""),
        (Value(Mark.SLASH), ""),
        (Value(Mark.TEXT), ""),
    ],
)
def test_values_are_plain_decimal_numbers_and_nothing_else(tmp_path: Path, value: Value, written: str) -> None:
    write(tmp_path, extraction(report(changes={FIRST: replace(cell(FIRST), value=value)})))
    row = rows(tmp_path, "cells.csv")[0]
    assert (row["value"], row["mark"]) == (written, value.mark.value)


def test_printed_text_cannot_become_a_formula(tmp_path: Path) -> None:
    evil = replace(cell(FIRST), raw_text='=HYPERLINK("http://x")', note="\t@x\r\n2")
    write(tmp_path, extraction(with_finding(report(changes={FIRST: evil})), source="=cmd.pdf"))
    assert "\"'=HYPERLINK(" in (tmp_path / "cells.csv").read_text(encoding="utf-8-sig")
    row = rows(tmp_path, "cells.csv")[0]
    assert (row["raw_text"], row["note"], row["source"]) == (evil.raw_text, evil.note, "=cmd.pdf")
    assert rows(tmp_path, "findings.csv")[0]["text"] == "=SUM does not hold"


def test_reports_count_their_cells_by_status(tmp_path: Path) -> None:
    changes = {FIRST: missing(FIRST)}
    write(tmp_path, extraction(report(1, changes), with_finding(report(2))))
    first, second = rows(tmp_path, "reports.csv")
    assert (first["cells"], first["accepted"], first["missing"], first["findings"]) == ("198", "197", "1", "0")
    assert (second["report"], second["accepted"], second["findings"]) == ("2", "198", "1")
    assert (first["pages"], first["seconds"]) == ("2 3", "0.75")


def test_findings_name_their_cells(tmp_path: Path) -> None:
    write(tmp_path, extraction(with_finding(report())))
    (row,) = rows(tmp_path, "findings.csv")
    names = [f"{key.table_id}/{key.row_id}/{key.column_id}" for key in form().keys()[:2]]
    assert row["cells"] == " ".join(names)
    assert (row["expected"], row["printed"]) == ("3", "4")


def test_failures_are_written_with_cause_and_advice(tmp_path: Path) -> None:
    torn = Failure(3, "torn", "scan it again", "damaged")
    failed = replace(extraction(), reports=(), failures=(torn, Failure(None, "cut", "")))
    write(tmp_path, failed)
    assert [(row["page"], row["kind"], row["cause"], row["advice"]) for row in rows(tmp_path, "failures.csv")] == [
        ("3", "damaged", "torn", "scan it again"),
        ("", "unreadable", "cut", ""),
    ]
    assert rows(tmp_path, "cells.csv") == []


def test_without_commit_the_tables_of_the_run_before_stay(tmp_path: Path) -> None:
    write(tmp_path, extraction())
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")}
    with DatasetWriter(tmp_path, results.TABLES) as tables:
        add(tables, extraction(source="other.pdf"))
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")} == before
    assert not list(tmp_path.glob(".*partial"))


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".cells.csv.partial").write_text("half a table")
    write(tmp_path, extraction())
    assert len(rows(tmp_path, "cells.csv")) == 198
    assert not list(tmp_path.glob(".*partial"))


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("nowhere/at/all")])
def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "out")
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "out")


def test_a_full_disk_is_an_output_error_and_keeps_the_tables_of_before(tmp_path: Path) -> None:
    write(tmp_path, extraction())
    before = (tmp_path / "cells.csv").read_bytes()
    limited = f"""
import resource, signal
from pathlib import Path
from pipeline import results
from pipeline.dataset import DatasetWriter
from pipeline.errors import OutputError
from tests.reports import add, extraction
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    with DatasetWriter(Path({str(tmp_path)!r}), results.TABLES) as tables:
        add(tables, extraction())
        tables.commit()
except OutputError as error:
    print(error.cause)
"""
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout
    assert (tmp_path / "cells.csv").read_bytes() == before
    assert not list(tmp_path.glob(".*partial"))


def test_a_sound_report_has_no_faults() -> None:
    assert faults(report(changes={FIRST: missing(FIRST)}), form()) == []


def test_lost_doubled_and_contradictory_cells_are_faults() -> None:
    whole = report()
    blank_with_number = replace(cell(FIRST), value=Value(Mark.BLANK, Decimal(3)))
    assert "is lacking" in faults(replace(whole, cells=whole.cells[1:]), form())[0]
    assert "is there twice" in faults(replace(whole, cells=(*whole.cells, whole.cells[0])), form())[0]
    assert "is marked blank and has the number 3" in faults(report(changes={FIRST: blank_with_number}), form())[0]
    assert {each.status for each in whole.cells} == {Status.ACCEPTED}
