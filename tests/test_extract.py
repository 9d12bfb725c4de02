"""From file to tables with the real readers: what is printed comes out, at its place, and nothing else."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from pipeline import records
from pipeline.dataset import CELL_COLUMNS, FINDING_COLUMNS
from pipeline.domain import CellKey
from pipeline.evaluation import evaluate, read_extracted, read_truth
from pipeline.extract import assemble_document, read_document
from pipeline.forms import load_forms
from pipeline.run import RunSummary, run
from pipeline.settings import Settings
from pipeline.spreadsheet import read
from scripts.scans.damage import Damage, apply
from scripts.scans.figures import broken_rules
from scripts.scans.fonts import FACES, Lettering, installed
from scripts.scans.printing import Press, Style
from scripts.scans.reports import Document, Options, make_document
from scripts.scans.setting import draw
from scripts.scans.writing import image_pdf, write, write_truth

# The scans are read once for all tests of this file, so one process runs them.
pytestmark = [
    pytest.mark.xdist_group("end to end"),
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        not any(face.path.exists() for face in FACES if not face.latin),
        reason="no Chinese font is installed; scripts/setup installs them",
    ),
]
FORMS = {form.id: form for form in load_forms()}
CELLS = ("source", "report", "form_id", "table_id", "row_id", "column_id", "value", "status", "page", "agency", "year")
Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Result:
    """Scans, the tables made from them, and the summary of the run."""

    scans: Path
    out: Path
    summary: RunSummary

    def cells(self, source: str) -> Rows:
        return [row for row in read(self.out / "cells.csv", CELLS) if row["source"] == source]

    def table(self, name: str, source: str, *columns: str) -> Rows:
        return [row for row in read(self.out / name, ("source", *columns)) if row["source"] == source]

    def truth(self, source: str) -> Rows:
        columns = ("source", "report", "form_id", "table_id", "row_id", "column_id", "value", "blank")
        return [row for row in read(self.scans / "truth.csv", columns) if row["source"] == source]


def options(*forms: str, **changes: object) -> Options:
    plain = Options(
        tuple(FORMS[name] for name in forms or FORMS), installed()[0], kinds=("scan",), volumes=0.0, inconsistent=0.0
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def drawn(chosen: Options, fits: Callable[[Document], bool]) -> Document:
    """The first document that fits."""
    return next(document for seed in range(100) if fits(document := make_document(chosen, seed, 0)))


def short(document: Document) -> bool:
    """Few pages, and not the largest ones."""
    return len(document.pages) <= 3 and (not document.pictures or document.pictures[0].pixels.shape[0] < 2600)


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """One run over reports of every form and kind."""
    folder = tmp_path_factory.mktemp("end-to-end")
    scans = folder / "scans"
    scans.mkdir()
    documents = {
        "good-2014": drawn(options("ogi-2014", levels=(1,), formats=("pdf",)), short),
        "good-2019": drawn(options("ogi-2019", levels=(1,), formats=("png",)), short),
        "clean-2021": drawn(options("ogi-2021", levels=(0,), formats=("tiff",)), short),
        "text": drawn(options("ogi-2021", formats=("textpdf",), plain=True), short),
        "volume": drawn(
            options("ogi-2014", "ogi-2019", levels=(0,), formats=("pdf",), kinds=("clean",), volumes=1.0),
            lambda document: document.form_ids == ("ogi-2014", "ogi-2019"),
        ),
        "wrong": drawn(options("ogi-2021", levels=(0,), formats=("pdf",), inconsistent=1.0), short),
    }
    rows = [row for stem, document in documents.items() for row in write(document, scans, stem)]
    write_truth(scans / "truth.csv", rows)
    (scans / "narrative.pdf").write_bytes(narrative())
    return extracted(scans, folder / "out", jobs=2)


def extracted(scans: Path, out: Path, jobs: int = 1, engine: str = "rapidocr") -> Result:
    summary = run([str(scans)], out, replace(Settings(), ocr=engine), jobs)
    return Result(scans, out, summary)


def narrative() -> bytes:
    """A page of prose under the title of an annual report, without any table."""
    lettering = Lettering(next(face for face in installed()[0] if not face.latin))
    rng = np.random.default_rng(3)
    press = Press(Style(150, lettering, lettering, footer=""), rng)
    press.start_page()
    press.paragraph(
        "松江口街道办事处2022年政府信息公开工作年度报告", points=20, align="centre", bold=True, heading=True
    )
    for _ in range(4):
        press.paragraph(
            "全年主动公开政府信息 128 条，收到依申请公开 14 件，均已按期答复，未发生行政复议和行政诉讼案件。"
        )
    return image_pdf([apply(draw(page), Damage(), rng, 150, lettering, "") for page in press.pages])


def name_of(result: Result, stem: str) -> str:
    (path,) = result.scans.glob(f"{stem}.*")
    return path.name


REPORTS = ("good-2014", "good-2019", "clean-2021", "text", "wrong")


@pytest.mark.parametrize("stem", REPORTS)
def test_every_statutory_cell_is_a_row_and_says_what_is_printed(result: Result, stem: str) -> None:
    source = name_of(result, stem)
    cells = result.cells(source)
    form = FORMS[cells[0]["form_id"]]
    assert [key_of(row) for row in cells] == list(form.keys())
    truth = [cell for cell in read_truth(result.scans / "truth.csv") if cell.source == source]
    assert len(truth) == len(cells)
    score = evaluate(read_extracted(result.out / "cells.csv"), truth)
    assert score.total.rate(score.total.correct) >= (100 if stem == "text" else 99), score.value_confusions
    assert score.total.silent == 0
    assert score.rows is not None
    assert score.rows.rate >= 99, score.row_confusions


@pytest.mark.parametrize("stem", REPORTS)
def test_the_middle_of_each_printed_figure_lies_in_the_box_given_for_its_cell(result: Result, stem: str) -> None:
    source = name_of(result, stem)
    extracted_cells = read_extracted(result.out / "cells.csv")
    truth = [cell for cell in read_truth(result.scans / "truth.csv") if cell.source == source]
    astray = []
    for cell in truth:
        found = extracted_cells[source, cell.copy, cell.row, cell.column].place
        assert cell.place is not None
        if found is None or not cell.place.middle_in(found):
            astray.append((cell.row, cell.column))
    assert len(astray) <= len(truth) / 100, astray


def test_sound_reports_need_little_review_and_have_no_findings(result: Result) -> None:
    for stem in ("good-2014", "good-2019", "clean-2021"):
        cells = result.cells(name_of(result, stem))
        assert sum(row["status"] != "accepted" for row in cells) <= 0.1 * len(cells)
        assert result.table("findings.csv", name_of(result, stem), "rule_id") == []


def test_a_text_layer_is_read_as_it_stands(result: Result) -> None:
    source = name_of(result, "text")
    readings = result.table("cells.csv", source, "reading", "status")
    assert all(row["reading"].startswith("text-layer") for row in readings)
    assert agree(result.cells(source), result.truth(source)) == []


def test_a_report_that_does_not_add_up_is_reported_as_printed(result: Result) -> None:
    source = name_of(result, "wrong")
    truth = result.truth(source)
    form = FORMS[truth[0]["form_id"]]
    figures = {key_of(row): Decimal(row["value"] or 0) for row in truth}
    broken = broken_rules(form.rules, figures)
    assert broken
    assert agree(result.cells(source), truth) == []
    assert sorted(row["rule_id"] for row in result.table("findings.csv", source, "rule_id")) == sorted(broken)
    assert {row["status"] for row in result.cells(source)} <= {"accepted", "review"}


def test_a_volume_of_two_reports_gives_two_reports(result: Result) -> None:
    source = name_of(result, "volume")
    cells, truth = result.cells(source), result.truth(source)
    reports = result.table("reports.csv", source, "report", "form_id", "pages")
    assert [(row["report"], row["form_id"]) for row in reports] == [("1", "ogi-2014"), ("2", "ogi-2019")]
    for number, form in (("1", "ogi-2014"), ("2", "ogi-2019")):
        part = [row for row in cells if row["report"] == number]
        assert len(part) == len(FORMS[form].keys())
        wrong = agree(part, [row for row in truth if row["report"] == number])
        assert len(wrong) <= len(part) / 100, wrong


def test_prose_without_a_table_gives_no_report(result: Result) -> None:
    assert result.cells("narrative.pdf") == []
    assert result.table("reports.csv", "narrative.pdf", "report") == []
    (failure,) = read(result.out / "failures.csv", ("source", "page", "cause", "advice"))
    assert (failure["source"], failure["page"]) == ("narrative.pdf", "")
    assert "no statutory table" in failure["cause"]


def test_agency_and_year_are_read_from_the_title(result: Result) -> None:
    for stem in ("good-2019", "clean-2021"):
        (row,) = {(row["agency"], row["year"]) for row in result.cells(name_of(result, stem))}
        form = FORMS[result.cells(name_of(result, stem))[0]["form_id"]]
        assert row[0]
        assert form.valid_from <= int(row[1]) <= (form.valid_to or form.valid_from + 4) + 1


def test_one_process_gives_the_same_rows_as_two(result: Result, tmp_path: Path) -> None:
    chosen = [name_of(result, stem) for stem in ("good-2014", "text")]
    (tmp_path / "scans").mkdir()
    for name in chosen:
        shutil.copy(result.scans / name, tmp_path / "scans" / name)
    alone = extracted(tmp_path / "scans", tmp_path / "out", jobs=1)
    for table, columns in (("cells.csv", CELL_COLUMNS), ("findings.csv", FINDING_COLUMNS)):
        both = [row for row in read(result.out / table, columns) if row["source"] in chosen]
        assert list(read(alone.out / table, columns)) == both


@pytest.mark.parametrize("stem", ["good-2014", "good-2019", "wrong", "text"])
def test_reports_assembled_from_the_stored_record_are_the_same(result: Result, stem: str) -> None:
    path = result.scans / name_of(result, stem)
    read_now = read_document(path.read_bytes(), path.name, Settings())
    stored = records.encode(read_now)
    assert assemble_document(records.decode(stored)) == assemble_document(read_now)
    assert len(stored) < 30_000


@pytest.mark.parametrize("engine", ["null", "tesseract"])
def test_other_engines_read_what_they_can(result: Result, tmp_path: Path, engine: str) -> None:
    (tmp_path / "scans").mkdir()
    for name in (name_of(result, "text"), "narrative.pdf"):
        shutil.copy(result.scans / name, tmp_path / "scans" / name)
    other = extracted(tmp_path / "scans", tmp_path / "out", engine=engine)
    source = name_of(result, "text")
    assert other.cells(source) == result.cells(source)
    assert [row["cause"] for row in read(other.out / "failures.csv", ("cause",))] == [
        "no statutory table was found on 1 page"
    ]


_KEEP_AND_FREE = """
import resource
from pathlib import Path
from pipeline.extract import _give_back_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20

kept, passing = zip(*((bytes(600), bytearray(60_000)) for _ in range(2000)), strict=True)
del passing
before = resident()
_give_back_memory()
print(before - resident(), len(kept))
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library gives nothing back")
def test_memory_between_things_that_are_kept_is_given_back() -> None:
    # In a process of its own: here earlier tests left so much free memory that what is made comes from all over it.
    told = subprocess.run([sys.executable, "-c", _KEEP_AND_FREE], capture_output=True, text=True, check=True)
    megabytes, kept = map(int, told.stdout.split())
    assert megabytes > 60
    assert kept == 2000


def key_of(row: dict[str, str]) -> CellKey:
    return CellKey(row["table_id"], row["row_id"], row["column_id"])


def agree(cells: Rows, truth: Rows) -> list[tuple[CellKey, str, str]]:
    """Where the figures differ: cell, printed, extracted. A zero printed as nothing or as a mark may be empty."""
    found = {key_of(row): row["value"] for row in cells}
    return [
        (key_of(row), row["value"], found[key_of(row)])
        for row in truth
        if number(found[key_of(row)]) != number(row["value"])
        and not (row["blank"] == "1" and number(found[key_of(row)]) in (None, 0))
    ]


def number(text: str) -> Decimal | None:
    return Decimal(text) if text else None
