"""The suite, what the peers' rows are taken for, and the tables of results."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.documents import read_pages
from pipeline.domain import CellKey
from pipeline.errors import DocumentError
from pipeline.forms import form_by_id, load_forms
from pipeline.settings import Settings
from scripts.benchmarks import accuracy, fuzz, peers, reconcile, soak, speed_report, suite
from scripts.benchmarks.peer_rows import cluster
from scripts.benchmarks.peers import Cells, read_document
from scripts.scans.damage import KINDS
from scripts.scans.fonts import FACES, installed

needs_fonts = pytest.mark.skipif(
    not any(face.path.exists() for face in FACES if not face.latin),
    reason="no Chinese font is installed; scripts/setup installs them",
)


def test_every_kind_of_the_suite_can_be_made_and_is_named_once():
    names = [kind.name for kind in suite.KINDS]
    assert len(set(names)) == len({kind.title for kind in suite.KINDS}) == len(names)
    assert {kind.damage for kind in suite.KINDS} <= set(KINDS)


@needs_fonts
def test_kinds_forms_and_containers_take_turns():
    forms, faces = load_forms(), installed(())[0]
    plan = list(suite._plan(9 * len(suite.KINDS), suite.KINDS, forms, faces))
    for kind in suite.KINDS:
        mine = [options for _, each, options in plan if each is kind]
        assert len(mine) == 9
        assert len({options.forms[0].id for options in mine}) == len(forms)
        assert len({options.formats for options in mine}) == (2 if kind.paged else 3)


@needs_fonts
def test_a_suite_is_a_function_of_its_size(tmp_path: Path):
    kinds = [kind for kind in suite.KINDS if kind.name in ("print", "fax")]
    for folder in ("one", "two"):
        files = suite.make(tmp_path / folder, 2, kinds, load_forms(), installed(())[0], jobs=1)
        assert [kind.name for kind in files.values()] == ["print", "fax"]
    for name in (*files, "truth.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_words_at_one_height_are_a_row():
    words = [("b", [50.0, 11.0, 60.0, 31.0]), ("a", [0.0, 10.0, 20.0, 30.0]), ("c", [0.0, 40.0, 20.0, 60.0])]
    assert cluster(words) == [[(10.0, "a"), (55.0, "b")], [(10.0, "c")]]


def rows_of_2021() -> list[list[tuple[float, str]]]:
    return [
        [(10, "信息内容"), (50, "本年制发件数"), (70, "本年废止件数"), (90, "现行有效件数")],
        [(10, "规章"), (50, "1"), (70, "2"), (90, "3,000")],
        [(10, "行政规范性立件"), (50, "4"), (90, "/")],
        [(10, "行政许可"), (50, "78")],
        [(10, "行政处罚"), (50, "56")],
        [(10, "行政强制"), (50, "")],
    ]


def test_rows_become_cells_by_their_labels_and_the_place_of_their_figures():
    form_id, cells = read_document(rows_of_2021(), load_forms())
    assert form_id == "ogi-2021"
    assert set(cells) == set(form_by_id("ogi-2021").keys())
    table = "proactive_disclosure"
    assert cells[CellKey(table, "regulations", "in_force")] == Decimal(3000)
    assert cells[CellKey(table, "normative_documents", "issued")] == Decimal(4)
    assert cells[CellKey(table, "normative_documents", "repealed")] is None
    assert cells[CellKey(table, "normative_documents", "in_force")] is None
    assert cells[CellKey(table, "licensing", "decisions")] == Decimal(78)
    assert cells[CellKey(table, "coercive_measures", "decisions")] is None


def test_a_line_of_figures_alone_is_a_strip():
    strip = next(table for table in form_by_id("ogi-2021").tables if table.id == "reviews")
    keys = [CellKey(strip.id, row.id, c.id) for row in strip.blocks[0].rows for c in strip.blocks[0].columns]
    row = [(float(n), str(n)) for n in range(len(keys))]
    _, cells = read_document([*rows_of_2021(), row], load_forms())
    assert [cells[key] for key in keys] == list(map(Decimal, range(len(keys))))


def test_an_empty_document_has_no_figures():
    _, cells = read_document([], load_forms())
    assert set(cells.values()) == {None}


@needs_fonts
def test_results_stand_in_a_table_for_each_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    class Summary:
        pages, pages_per_second = 1, 1.0

    def extract(inputs: list[str], out: Path, *_: object) -> Summary:
        out.mkdir()
        (out / "cells.csv").write_text("source,form_id,table_id,row_id,column_id,value,status,page,x0,y0,x1,y1\n")
        return Summary()

    monkeypatch.setattr(accuracy, "extract", extract)
    parser = argparse.ArgumentParser()
    accuracy.add_arguments(parser)
    options = ["--reports", "2", "--kinds", "print,fax", "--jobs", "1", "--out", str(tmp_path / "out")]
    assert accuracy.run(parser.parse_args(options)) == 0
    text = capsys.readouterr().out
    assert (tmp_path / "out" / "accuracy.md").read_text(encoding="utf-8") in text
    with (tmp_path / "out" / "accuracy.csv").open(encoding="utf-8", newline="") as file:
        kinds = [row["kind"] for row in csv.DictReader(file)]
    assert kinds == ["clean print", "fax, 1 bit, 204 × 98 dpi", "hard kinds", "all"]
    assert accuracy.run(parser.parse_args(["--kinds", "snow"])) == 2


@needs_fonts
def test_a_suite_that_is_there_is_gone_on_with_and_another_one_is_refused(tmp_path: Path):
    kinds, forms, faces = (
        [kind for kind in suite.KINDS if kind.name in ("print", "fax")],
        load_forms(),
        installed(())[0],
    )
    made = suite.make(tmp_path, 2, kinds, forms, faces, jobs=1)
    times = [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())]
    assert suite.make(tmp_path, 2, kinds, forms, faces, jobs=1) == made
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())] == times
    with pytest.raises(ValueError, match="another suite"):
        suite.make(tmp_path, 3, kinds, forms, faces, jobs=1)


PEER = """
import json, sys
from pathlib import Path
work = Path(sys.argv[2])
for path in sorted(work.glob("*/*.png")):
    line = {"page": str(path.relative_to(work)), "seconds": 1.0, "rapidocr": ROWS, "img2table": []}
    print(json.dumps(line), flush=True)
    if STOP:
        sys.exit(1)
"""


@needs_fonts
def test_peers_that_were_stopped_read_the_other_pages_alone(tmp_path: Path):
    forms, kinds = load_forms(), [suite.KINDS[0]]
    files = suite.make(tmp_path / "scans", 2, kinds, forms, installed(())[0], jobs=1)

    def read(stop: bool) -> Mapping[str, Cells]:
        program = tmp_path / "peer"
        source = PEER.replace("ROWS", repr(rows_of_2021())).replace("STOP", str(stop))
        program.write_text(f"#!{sys.executable}\n{source}")
        program.chmod(0o755)
        return peers.read(program, tmp_path / "scans", files, tmp_path / "pages", forms)

    with pytest.raises(subprocess.CalledProcessError):
        read(stop=True)
    first = (tmp_path / "pages" / "rows.jsonl").read_bytes()
    with (tmp_path / "pages" / "rows.jsonl").open("ab") as file:
        file.write(first[:20])  # the run ended while it wrote
    cells = read(stop=False)
    lines = [json.loads(line) for line in (tmp_path / "pages" / "rows.jsonl").read_bytes().splitlines()]
    assert lines[0] == json.loads(first)
    pages = [line["page"] for line in lines]
    assert len(set(pages)) == len(pages) > 1
    assert not list((tmp_path / "pages").glob("*/*.png"))
    assert {source for source, *_ in cells["RapidOCR + row clustering"]} == set(files)


@needs_fonts
def test_faults_in_print_and_damaged_digits_are_measured_on_real_pictures(tmp_path: Path):
    parser = argparse.ArgumentParser()
    reconcile.add_arguments(parser)
    given = ["--reports", "1", "--parts", "wrong,damaged", "--levels", "0", "--jobs", "1", "--out", str(tmp_path)]
    assert reconcile.run(parser.parse_args(given)) == 0
    with (tmp_path / "reconcile.csv").open(encoding="utf-8", newline="") as stream:
        wrong, damaged = csv.DictReader(stream)
    assert wrong["found"] == damaged["found"] == "1"
    assert wrong["changed"] == "0"
    assert wrong["named"] == wrong["guilty"]
    assert int(damaged["equations"]) >= 0
    assert damaged["right"] == "1" or damaged["status"] == "review"
    assert "Reconciliation takes" in (tmp_path / "reconcile.md").read_text(encoding="utf-8")


def test_spoiled_files_are_the_same_every_time_and_every_seed_is_sound() -> None:
    for name, data in fuzz.seeds().items():
        assert fuzz.spoiled(name, 7) == fuzz.spoiled(name, 7)
        assert fuzz.spoiled(name, 7) != data or fuzz.spoiled(name, 8) != data
        assert (fuzz._read_archive(data) if name == "zip" else fuzz._read(data)) == "read"


def test_spoiled_files_have_named_outcomes() -> None:
    outcomes = {fuzz.read_spoiled((name, number)).outcome for name in fuzz.seeds() for number in range(12)}
    assert {"read", "damaged", "all pages lost"} <= outcomes
    assert outcomes <= {
        *("read", "some pages lost", "all pages lost", "damaged", "unsupported", "unreadable", "too-large"),
        *("encrypted", "all pages lost and read", "read and some pages lost"),
    }


def test_poison_of_the_soak_is_met_as_it_should_be() -> None:
    kinds = []
    for number in range(4):
        try:
            kinds.append({type(page).__name__ for page in read_pages(soak._poisoned(number), Settings())})
        except DocumentError as error:
            kinds.append({error.kind})
    assert kinds == [{"unsupported"}, {"damaged"}, {"encrypted"}, {"too-large"}]
    assert soak._poisoned(6) == b""
    assert len({soak._poisoned(number) for number in range(1, 6)} | {soak._poisoned(n) for n in range(7, 12)}) == 10


RESULTS = speed_report.Results(
    jobs={1: (100, 100.0, 2.0, 500, 70), 2: (100, 52.0, 2.5, 510, 70)},
    stages=[("read text", 0.75, 750.0, 500), ("decode and render", 0.25, 250.0, 400)],
    lengths=[(1, 3.0, 400), (10, 12.0, 410), (100, 102.0, 420)],
    beside={"nianbao": (10, 10.0, 500), "A < B": (10, 80.0, 900)},
    documents=50,
    stored=50 * 20_000,
    scanned=50 * 1_000_000,
    tables=50 * 40_000,
)


def test_the_speed_report_gives_ratios_and_the_arithmetic_for_a_million() -> None:
    text = speed_report.markdown(RESULTS)
    assert "1.92 times as fast" in text
    assert "| A < B | 10 | 0.125 | 8.0 | 900 |" in text
    assert "| pages | 1,000,000 reports × 2.00 pages | 2,000,000 |" in text
    assert f"| core hours | pages ÷ 0.96 pages a second and process ÷ 3600 | {2e6 / (100 / 104) / 3600:,.0f} |" in text
    assert len(list(speed_report.rows(RESULTS))) == 1 + 2 + 2 + 3 + 2


def test_the_plot_is_a_picture_that_browsers_take() -> None:
    svg = ElementTree.fromstring(speed_report.svg(RESULTS))
    words = [each.text for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert "A < B, same pages" in words
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}polyline"))) == 2
