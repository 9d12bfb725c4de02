"""Review tables as spreadsheets save them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.review.incoming import keep_answers, read_lines

PLAIN = "item_id,label,corrected_value\r\nq-a,规章,12\r\nq-b,其他,\r\n"


def saved(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "review.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode(),
        PLAIN.encode("gbk"),
        PLAIN.encode("utf-16"),
        PLAIN.replace(",", ";").encode("utf-8-sig"),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.replace("\r\n", "\n").encode(),
        PLAIN.replace("\r\n", "\r").encode(),
        ("sep=,\r\n" + PLAIN).encode(),
        ("\r\n,,\r\n" + PLAIN).encode(),
        PLAIN.replace("\r\n", ",,\r\n").encode(),
        PLAIN.replace("其他,", "其他").replace("12\r\n", "12\r\n,,\r\n").encode(),
        PLAIN.replace("item_id,label", '" Item_ID ",LABEL').encode(),
    ],
    ids=["bom", "plain", "gbk", "utf16", "semicolon", "tab", "lf", "cr", "sep", "above", "more", "cut off", "header"],
)
def test_what_spreadsheets_do_to_a_table_changes_nothing(tmp_path: Path, content: bytes) -> None:
    lines = read_lines(saved(tmp_path, content))
    assert [line.cells for line in lines] == [
        {"item_id": "q-a", "label": "规章", "corrected_value": "12"},
        {"item_id": "q-b", "label": "其他", "corrected_value": ""},
    ]
    assert not any(line.fault for line in lines)


def test_a_line_with_more_cells_than_columns_is_not_trusted(tmp_path: Path) -> None:
    (line,) = read_lines(saved(tmp_path, b"item_id,corrected_value\nq-a,1,234\n"))
    assert line.fault == "the line has 3 cells under 2 columns"


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"a,b\n1,2\n", "no column item_id"),
        (b"item_id,b\n1,2\n", "no column corrected_value"),
        (b"item_id,corrected_value,corrected_value\n1,2,3\n", "twice"),
        (b"\xff\xff\xff\x00", "encodings"),
        (b"", "no column item_id"),
    ],
    ids=["other table", "no answers", "twice", "bytes", "empty"],
)
def test_another_file_is_said_to_be_one(tmp_path: Path, content: bytes, cause: str) -> None:
    with pytest.raises(UsageError, match=cause):
        read_lines(saved(tmp_path, content))


def test_answers_are_saved_before_a_table_is_replaced(tmp_path: Path) -> None:
    assert keep_answers(tmp_path / "review.csv") is None
    path = saved(tmp_path, PLAIN.replace(",12", ",").encode())
    assert keep_answers(path) is None
    saved(tmp_path, PLAIN.encode())
    first, second = keep_answers(path), keep_answers(path)
    assert first is not None
    assert second is not None
    assert first != second
    assert first.read_bytes() == second.read_bytes() == PLAIN.encode()
