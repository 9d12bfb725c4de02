"""Files that cannot or must not be read: each ends in one clear cause, and nothing else happens."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from pipeline.documents import find_inputs, read_pages
from pipeline.domain import PageImage
from pipeline.errors import (
    DamagedDocumentError,
    DocumentError,
    EncryptedDocumentError,
    TooLargeError,
    UnsupportedDocumentError,
)
from pipeline.settings import Settings
from tests.documents.builders import bomb_png, encode, encrypted, picture, scan_pdf, text_pdf, tiff

SCAN = picture()
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\nshowpage\n"


def _wide_page() -> bytes:
    buffer = BytesIO()
    with pikepdf.open(BytesIO(text_pdf())) as pdf:
        pdf.pages[0].obj["/MediaBox"] = pikepdf.Array([0, 0, 14400 * 72, 842])
        pdf.save(buffer)
    return buffer.getvalue()


FAULTS: dict[str, tuple[bytes, type[DocumentError], str]] = {
    "empty.pdf": (b"", UnsupportedDocumentError, "0 bytes"),
    "half.pdf": (scan_pdf([SCAN] * 3)[:40000], DamagedDocumentError, "lost"),
    "locked.pdf": (encrypted(scan_pdf([SCAN]), user="geheim"), EncryptedDocumentError, "password"),
    "text.pdf": ("一些文字\n".encode(), UnsupportedDocumentError, "text"),
    "gbk.pdf": ("一些文字，不是扫描件\n".encode("gbk"), UnsupportedDocumentError, "text"),
    "list.png": (b"/etc/hostname\n/etc/passwd\n", UnsupportedDocumentError, "text"),
    "web.pdf": (b"<!DOCTYPE html><html><body>404</body></html>", UnsupportedDocumentError, "HTML"),
    "eps.png": (EPS, UnsupportedDocumentError, "PostScript"),
    "office.pdf": (b"PK\x03\x04" + bytes(100), UnsupportedDocumentError, "zip"),
    "noise.png": (bytes(range(1, 255)) * 3, UnsupportedDocumentError, "unknown"),
    "short.tiff": (tiff([SCAN, SCAN, SCAN])[:-100_000], DamagedDocumentError, ""),
    "bomb.png": (bomb_png(12000, 12000), TooLargeError, "144 megapixels"),
    "wide.pdf": (_wide_page(), TooLargeError, "14400"),
    "header.jpg": (encode(SCAN, "JPEG")[:200], DamagedDocumentError, ""),
}


def _errors(data: bytes) -> list[DocumentError]:
    try:
        return [page for page in read_pages(data, Settings()) if isinstance(page, DocumentError)]
    except DocumentError as error:
        return [error]


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named_with_what_to_do(name: str) -> None:
    data, kind, words = FAULTS[name]
    errors = _errors(data)
    assert errors
    assert isinstance(errors[0], kind)
    assert words in errors[0].cause
    assert errors[0].advice


def test_a_folder_of_faults_leaves_the_good_ones_readable(tmp_path: Path) -> None:
    for name, (data, _, _) in FAULTS.items():
        (tmp_path / name).write_bytes(data)
    good = {"owner.pdf": encrypted(scan_pdf([SCAN]), user=""), "plain.png": encode(SCAN, "PNG")}
    for name, data in good.items():
        (tmp_path / name).write_bytes(data)
    outcomes: dict[str, bool] = {}
    for found in find_inputs([tmp_path]):
        try:
            pages = list(read_pages(found.load(), Settings()))
            outcomes[found.source] = all(isinstance(page, PageImage) for page in pages)
        except DocumentError:
            outcomes[found.source] = False
    assert {name for name, clean in outcomes.items() if clean} == set(good)
    assert set(outcomes) == set(FAULTS) | set(good)


def test_a_tiff_without_its_last_page_gives_the_others_and_says_which_is_lost() -> None:
    data = tiff([SCAN, SCAN, SCAN])
    *good, error = read_pages(data[:-1000], Settings())
    assert [page.number for page in good if isinstance(page, PageImage)] == [1, 2]
    assert isinstance(error, DamagedDocumentError)
    assert error.page == 3


def test_the_bomb_is_small_and_refused_by_its_header() -> None:
    data = FAULTS["bomb.png"][0]
    assert len(data) < 40_000
    script = (
        "import resource, sys\n"
        "from pipeline.documents import read_pages\nfrom pipeline.settings import Settings\n"
        "import pipeline.documents.rasters\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    list(read_pages(sys.stdin.buffer.read(), Settings()))\n"
        "except Exception as error:\n    print(type(error).__name__)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, check=True, timeout=60)
    name, grown = run.stdout.decode().split()
    assert name == "TooLargeError"
    assert int(grown) < 20_000  # KiB


def test_no_program_is_started_for_any_of_them(tmp_path: Path) -> None:
    """Programs that decoders are known to call leave a mark when they run; none may."""
    programs = tmp_path / "bin"
    programs.mkdir()
    mark = tmp_path / "called"
    for name in ("gs", "gswin64c", "djpeg", "qpdf", "pdftoppm", "jbig2dec", "convert", "magick", "tesseract"):
        program = programs / name
        program.write_text(f"#!/bin/sh\necho {name} >> {mark}\n")
        program.chmod(0o755)
    files = tmp_path / "files"
    files.mkdir()
    for name, (data, _, _) in FAULTS.items():
        (files / name).write_bytes(data)
    (files / "good.pdf").write_bytes(scan_pdf([SCAN]))
    script = (
        "import sys\nfrom pipeline.documents import find_inputs, read_pages\n"
        "from pipeline.errors import DocumentError\nfrom pipeline.settings import Settings\n"
        "for found in find_inputs([sys.argv[1]]):\n"
        "    try:\n        list(read_pages(found.load(), Settings()))\n"
        "    except DocumentError:\n        pass\n"
    )
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run([sys.executable, "-c", script, str(files)], check=True, timeout=100, env=environment)
    assert not mark.exists()
