"""The generator of scans: what it prints is what its truth says, wherever the damage moves it."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest
from PIL import Image

from pipeline.domain import BoundingBox
from pipeline.forms import load_forms
from scripts.scans.cli import main
from scripts.scans.damage import SCAN_KINDS, apply, recipe
from scripts.scans.faults import make_faults
from scripts.scans.figures import broken_rules, draw_figures
from scripts.scans.fonts import FACES, Lettering, installed
from scripts.scans.reports import Document, Options, make_document
from scripts.scans.setting import text_width, wrap
from scripts.scans.writing import COLUMNS, encode, rows_of

pytestmark = pytest.mark.skipif(
    not any(face.path.exists() for face in FACES if not face.latin),
    reason="no Chinese font is installed; scripts/setup installs them",
)
ROOT = Path(__file__).resolve().parents[2]


def options(**changes: object) -> Options:
    return replace(Options(load_forms(), installed()[0], volumes=0.0), **changes)


@pytest.mark.parametrize("form", load_forms(), ids=lambda form: form.id)
def test_figures_keep_every_identity_unless_told_not_to(form):
    for seed in range(40):
        drawn = draw_figures(form, np.random.default_rng(seed))
        assert set(drawn.figures) == set(form.keys())
        assert broken_rules(form.rules, drawn.figures) == []
        wrong = draw_figures(form, np.random.default_rng(seed), errors=1 + seed % 3)
        assert len(wrong.guilty) == 1 + seed % 3
        assert broken_rules(form.rules, wrong.figures) != []


def test_figures_are_mostly_zero_and_some_are_large():
    figures = [
        value
        for seed in range(60)
        for form in load_forms()
        for value in draw_figures(form, np.random.default_rng(seed)).figures.values()
    ]
    assert 0.6 < sum(value == 0 for value in figures) / len(figures) < 0.8
    assert max(figures) > 100_000
    assert any(value != value.to_integral_value() for value in figures)
    assert any(value < 0 for value in figures)


def test_the_same_seed_gives_the_same_bytes_whatever_was_made_before():
    wanted = options(levels=(2,), formats=("jpg", "tiff", "pdf", "textpdf"))
    make_document(wanted, 5, 50)
    for index in range(4):
        first, again = (make_document(wanted, 5, index) for _ in range(2))
        assert encode(first) == encode(again)
        assert list(rows_of(first, "a", None)) == list(rows_of(again, "a", None))
    assert encode(make_document(wanted, 6, 0)) != encode(make_document(wanted, 5, 0))


@pytest.mark.parametrize("kind", SCAN_KINDS)
def test_boxes_follow_every_geometric_damage(kind):
    """Black squares on a white page are found again where the map says."""
    page = np.full((1200, 900), 255, np.uint8)
    squares = [BoundingBox(x, y, x + 60, y + 40) for x in (110, 400, 700) for y in (150, 560, 980)]
    for box in squares:
        page[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = 0
    rng = np.random.default_rng(3)
    damage = replace(
        recipe(2, (kind,), rng, 200), seals=(), noise=0.0, blur=0.0, shade=0.0, shadow=0.0, specks=0, ink=0.0, swell=0
    )
    if damage.desk is not None:
        damage = replace(damage, desk=(255, 255, 255))
    picture = apply(page, damage, rng, 200, Lettering(FACES[0]), "")
    grey = picture.pixels if picture.pixels.ndim == 2 else picture.pixels.min(axis=2)
    _, _, found, _ = cv2.connectedComponentsWithStats((grey < 70).astype(np.uint8))
    blobs = sorted((x, y, x + w, y + h) for x, y, w, h, area in found[1:].tolist() if area > 100)
    mapped = sorted((b.x0, b.y0, b.x1, b.y1) for b in map(picture.box, squares))
    assert len(blobs) == len(squares)
    assert np.abs(_by_centre(blobs) - _by_centre(mapped)).max() < 1.6


def _by_centre(boxes: list[tuple[float, ...]]) -> np.ndarray:
    return np.array(sorted(boxes, key=lambda b: (round((b[0] + b[2]) / 400), b[1] + b[3])))


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_printed_figures_are_ink_inside_their_boxes(level):
    """A figure is darker than its cell's paper; a blank cell on a clean print holds nothing."""
    document = make_document(options(levels=(level,), formats=("tiff",)), 21, 4)
    for page, cell, box in document.cells():
        pixels = document.pictures[page - 1].pixels
        height, width = pixels.shape[:2]
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height
        part = pixels[int(box.y0) + 3 : int(box.y1) - 2, int(box.x0) + 3 : int(box.x1) - 2]
        contrast = int(part.max()) - int(part.min())
        if cell.printed:
            assert contrast > 25, cell
        elif level == 0:
            assert contrast == 0, cell


def test_the_truth_is_what_is_printed():
    for index in range(16):
        document = make_document(options(levels=(0,), formats=("textpdf",)), 8, index)
        keys = [cell.key for _, cell, _ in document.cells()]
        assert len(keys) == len(set(keys))
        for _, cell, _ in document.cells():
            number = re.match(r"[^\d０-９]*([\d０-９,.]+)", cell.printed)
            assert cell.blank == (number is None)
            if number is not None:
                digits = number[1].translate(str.maketrans("０１２３４５６７８９", "0123456789")).replace(",", "")
                assert Decimal(digits) == abs(Decimal(cell.value)), cell
            else:
                assert cell.value in ("", "0")


def test_text_pdf_carries_the_printed_text_in_the_boxes():
    for index in range(3):
        document = make_document(options(formats=("textpdf",)), 4, index)
        pdf = pypdfium2.PdfDocument(encode(document)[0])
        for number, cell, box in document.cells():
            page = pdf[number - 1]
            scale, height = 72 / document.dpi, page.get_height()
            bounds = (box.x0 * scale, height - box.y1 * scale, box.x1 * scale, height - box.y0 * scale)
            assert re.sub(r"\s", "", page.get_textpage().get_text_bounded(*bounds)) == cell.printed.replace(" ", "")


@pytest.mark.parametrize("container", ["pdf", "tiff", "jpg", "png", "webp", "bmp"])
def test_containers_hold_all_pages(container):
    document = make_document(options(levels=(2,), formats=(container,)), 12, 1)
    data, offsets = encode(document)
    height = sum(picture.pixels.shape[0] for picture in document.pictures)
    if container == "pdf":
        with pikepdf.open(io.BytesIO(data)) as pdf:
            assert len(pdf.pages) == len(document.pages)
        return
    with Image.open(io.BytesIO(data)) as image:
        if container == "tiff":
            assert image.n_frames == len(document.pages)
        else:
            assert image.height == height
            assert offsets is not None
            assert len(offsets) == len(document.pages)


def test_a_recognised_scan_has_faulty_text_behind_the_picture():
    document = make_document(options(levels=(1,), formats=("ocrpdf",), forms=load_forms()[1:]), 40, 0)
    pdf = pypdfium2.PdfDocument(encode(document)[0])
    text = "".join(pdf[number].get_textpage().get_text_range() for number in range(len(pdf)))
    assert len(pdf) == len(document.pages)
    assert len(re.findall("[\u4e00-\u9fff]", text)) > 300
    assert text.count("口") > 20


def test_a_volume_holds_several_reports_with_their_own_truth():
    document = make_document(options(volumes=1.0), 2, 0)
    assert len(document.form_ids) > 1
    assert {cell.report for _, cell, _ in document.cells()} == set(range(1, len(document.form_ids) + 1))


def test_falsified_reports_name_the_guilty_cells():
    documents = [make_document(options(inconsistent=1.0, levels=(0,), formats=("textpdf",)), 3, i) for i in range(4)]
    for document in documents:
        assert 1 <= sum(not cell.consistent for _, cell, _ in document.cells()) <= 3


def test_lines_are_not_wider_than_asked_and_lose_nothing():
    lettering = Lettering(next(face for face in FACES if not face.latin and face.path.exists()))
    text = "（二）部分公开（区分处理的，只计这一情形，不计其他情形）1234567"
    lines = wrap(text, 160, lettering, 20)
    assert "".join(lines) == text
    assert len(lines) > 2
    assert all(text_width(line, lettering, 20) <= 160 + 0.6 * 20 for line in lines)


def test_command_line_writes_files_and_truth(tmp_path):
    arguments = ["--reports", "3", "--seed", "9", "--levels", "0,2", "--forms", "ogi-2021", "--formats", "pdf,png"]
    for folder in ("one", "two"):
        command = [sys.executable, str(ROOT / "scripts" / "make_scans.py"), str(tmp_path / folder), *arguments]
        subprocess.run([*command, "--jobs", "1" if folder == "one" else "2"], check=True, timeout=100)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 4
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    with (tmp_path / "one" / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert {row["source"] for row in rows} == set(files) - {"truth.csv"}
    assert {row["form_id"] for row in rows} == {"ogi-2021"}


@pytest.mark.parametrize(
    "wrong", [["--fonts", "nobody"], ["--kinds", "rain"], ["--levels", "7"], ["--forms", "x-1999"]]
)
def test_wrong_names_are_usage_errors(tmp_path, wrong, capsys):
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path), *wrong])
    assert caught.value.code == 2
    assert wrong[1] in capsys.readouterr().err or wrong[0] == "--levels"


def test_fonts_can_be_held_out():
    documents = [make_document(options(faces=installed(["wenkai", "times"])[0]), 1, index) for index in range(3)]
    assert {document.font for document in documents} <= {"wenkai", "wenkai+times"}


def test_faults_are_what_they_say(tmp_path):
    faults = {fault.name: fault for fault in make_faults(tmp_path, options(), 3)}
    assert {fault.outcome for fault in faults.values()} == {"readable", "failure", "partial", "empty"}
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(io.BytesIO(faults[b"password.pdf"].data))
    with pikepdf.open(io.BytesIO(faults[b"owner_restricted.pdf"].data)) as pdf:
        assert not pdf.allow.extract
    assert len(faults[b"bomb.png"].data) < 40_000
    assert str(tmp_path / "secret.png").encode() in faults[b"list.png"].data
    with Image.open(io.BytesIO(faults[b"last_page_cut.tiff"].data), formats=("TIFF",)) as image:
        image.seek(0)
        image.load()
        image.seek(image.n_frames - 1)
        with pytest.raises(OSError, match="truncated"):
            image.load()
    assert faults[b"good.pdf"].rows
    main([str(tmp_path), "--faults", "--seed", "3"])
    with (tmp_path / "expected.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(faults)


def test_documents_say_what_was_done_to_them():
    document: Document = make_document(options(levels=(2,), kinds=("fax",), formats=("tiff",)), 1, 0)
    assert document.damage == "everyday+fax"
    assert all(picture.bilevel and picture.dpi[0] == 204 for picture in document.pictures)


def test_a_spread_holds_two_pages_and_their_cells():
    single = make_document(options(kinds=("scan",), levels=(2,), formats=("tiff",)), 5, 0)
    spread = make_document(options(kinds=("spread",), levels=(2,), formats=("tiff",)), 5, 0)
    assert len(spread.pages) == -(-len(single.pages) // 2)
    assert spread.pages[0].width == 2 * single.pages[0].width
    assert {cell.key for page in spread.pages for cell in page.cells} == {
        cell.key for page in single.pages for cell in page.cells
    }
    for _, _, box in spread.cells():
        assert box.x1 > box.x0


def test_a_traditional_reprint_keeps_figures_and_places():
    plain = make_document(options(kinds=("clean",), levels=(0,), formats=("tiff",)), 5, 0)
    reprint = make_document(options(kinds=("traditional",), levels=(0,), formats=("tiff",)), 5, 0)
    assert [cell.box for page in reprint.pages for cell in page.cells] == [
        cell.box for page in plain.pages for cell in page.cells
    ]
    labels = "".join(cell.label for page in reprint.pages for cell in page.cells)
    assert not set("请总无") & set(labels)


def test_pages_of_turns_are_turned_one_by_one():
    document = make_document(options(kinds=("turns",), levels=(2,), formats=("tiff",)), 3, 1)
    shapes = {picture.pixels.shape[0] > picture.pixels.shape[1] for picture in document.pictures}
    assert shapes == {True, False}


def test_a_coarse_fax_has_oblong_dots():
    document = make_document(options(kinds=("coarsefax",), levels=(2,), formats=("tiff",)), 3, 1)
    assert {picture.dpi for picture in document.pictures} == {(204, 98)}
