"""What is found behind files, folders, globs and archives, and under which name."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest

from pipeline.documents import InputFile, find_inputs
from pipeline.documents.inputs import printable
from pipeline.errors import (
    DamagedDocumentError,
    DocumentError,
    EncryptedDocumentError,
    NoInputError,
    TooLargeError,
    UnsupportedDocumentError,
)
from tests.documents.builders import encode, picture

PNG = encode(picture(60, 80), "PNG")


def _tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)


def _sources(*inputs: Path | str, exclude: tuple[Path, ...] = ()) -> list[str]:
    return [found.source for found in find_inputs(inputs, exclude)]


def test_a_file_goes_by_its_name_and_a_folder_by_relative_paths(tmp_path: Path) -> None:
    _tree(tmp_path, "b.png", "a/2.png", "a/10.png")
    assert _sources(tmp_path / "b.png") == ["b.png"]
    assert _sources(tmp_path) == ["b.png", "a/10.png", "a/2.png"]


def test_hidden_files_links_pipes_and_what_is_no_document_are_left_out(tmp_path: Path) -> None:
    _tree(tmp_path, "a.png", ".hidden.png", ".git/b.png", "scan_without_suffix")
    (tmp_path / "truth.csv").write_text("a,b\n")
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    assert _sources(tmp_path) == ["a.png", "scan_without_suffix"]


def test_a_file_given_by_name_and_a_suffix_of_a_scan_are_always_tried(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / "fake.PDF").write_text("text")
    assert _sources(tmp_path / "notes.txt") == ["notes.txt"]
    assert _sources(tmp_path) == ["fake.PDF"]


def test_own_output_is_not_read_again(tmp_path: Path) -> None:
    _tree(tmp_path, "a.png", "out/page.png", "outer/b.png")
    assert _sources(tmp_path, exclude=(tmp_path / "out",)) == ["a.png", "outer/b.png"]


def test_globs(tmp_path: Path) -> None:
    _tree(tmp_path, "a.png", "b.png", "sub/c.png", "[x].png")
    assert _sources(f"{tmp_path}/?.png") == ["a.png", "b.png"]
    assert _sources(f"{tmp_path}/**/*.png") == ["[x].png", "a.png", "b.png", "sub/c.png"]
    assert _sources(f"{tmp_path}/[x].png") == ["[x].png"]


def test_what_does_not_exist_is_said(tmp_path: Path) -> None:
    for name in ("missing.pdf", "*.pdf"):
        with pytest.raises(NoInputError, match=r"\.pdf does not exist"):
            _sources(tmp_path / name)


def test_the_same_file_is_listed_once_and_sources_differ(tmp_path: Path) -> None:
    _tree(tmp_path, "one/a.png", "two/a.png", "x/one/a.png")
    assert _sources(tmp_path / "one", tmp_path / "one" / "a.png", tmp_path / "one") == ["a.png"]
    assert _sources(tmp_path / "one", tmp_path / "two") == ["one/a.png", "two/a.png"]
    assert len(set(_sources(tmp_path / "one", tmp_path / "x" / "one"))) == 2


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("年报.png".encode(), "年报.png"),
        ("报.png".encode("gbk"), "\\xb1\\xa8.png"),
        (b"a\nb.png", "a\\nb.png"),
        (b"-x .png", "-x .png"),
        ("文".encode() * 80 + b".png", "文" * 80 + ".png"),
    ],
)
def test_odd_names_are_read_and_shown(tmp_path: Path, name: bytes, shown: str) -> None:
    Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(PNG)
    (found,) = find_inputs([tmp_path])
    assert found.source == shown
    found.source.encode("utf-8")
    assert pickle.loads(pickle.dumps(found)).load() == PNG


def test_a_name_cannot_turn_the_writing_direction() -> None:
    assert printable("a\u202egnp.pdf") == "a\\u202egnp.pdf"


def test_empty_vanished_and_odd_files(tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.pdf")
    with pytest.raises(UnsupportedDocumentError, match="0 bytes"):
        next(find_inputs([tmp_path / "empty.pdf"])).load()
    with pytest.raises(UnsupportedDocumentError, match="regular"):
        next(find_inputs([tmp_path / "pipe.pdf"])).load()
    with pytest.raises(DocumentError, match="No such file"):
        InputFile("a", str(tmp_path / "gone")).load()


# --------------------------------------------------------------------------- zip archives


def _zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_members_of_an_archive_are_documents(tmp_path: Path) -> None:
    names = {"b/年报.png": PNG, "a.png": PNG, "notes.txt": b"text", "__MACOSX/._a.png": b"x", "../../evil.png": PNG}
    _zip(tmp_path / "all.zip", names)
    found = list(find_inputs([tmp_path]))
    assert [each.source for each in found] == ["all.zip/a.png", "all.zip/b/年报.png", "all.zip/evil.png"]
    assert all(pickle.loads(pickle.dumps(each)).load() == PNG for each in found)


def test_gbk_names_in_an_archive(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"XXXX.png": PNG})
    path.write_bytes(path.read_bytes().replace(b"XXXX", "年报".encode("gbk")))
    (found,) = find_inputs([path])
    assert found.source == "a.zip/年报.png"
    assert found.load() == PNG


def test_a_broken_archive_is_one_fault(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"a.png": PNG})
    path.write_bytes(path.read_bytes()[:-30])
    (found,) = find_inputs([tmp_path])
    with pytest.raises(DamagedDocumentError, match="zip"):
        pickle.loads(pickle.dumps(found)).load()


def test_a_broken_member_is_one_fault(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"a.png": PNG, "b.png": PNG}, zipfile.ZIP_STORED)
    data = path.read_bytes()
    position = data.index(PNG) + 100
    path.write_bytes(data[:position] + b"XXXXXXXX" + data[position + 8 :])
    bad, good = find_inputs([path])
    with pytest.raises(DamagedDocumentError):
        bad.load()
    assert good.load() == PNG


def test_locked_and_bomb_members(tmp_path: Path) -> None:
    path = _zip(tmp_path / "bomb.zip", {"zero.png": bytes(100 << 20)})
    with pytest.raises(TooLargeError, match="100 MiB"):
        next(find_inputs([path])).load()
    path = _zip(tmp_path / "locked.zip", {"a.png": PNG})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(EncryptedDocumentError):
        next(find_inputs([path])).load()


def test_an_archive_without_scans_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedDocumentError, match="no scans"):
        next(find_inputs([_zip(tmp_path / "a.zip", {"notes.txt": b"text"})])).load()
