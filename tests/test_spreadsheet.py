"""Tables for spreadsheets: harmless to open, exact to read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.spreadsheet import Writer, protect, read, restore

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
AWKWARD = st.builds(
    "".join, st.lists(st.sampled_from(["=", "＝", "+", "-", "'", '"', ",", "\r", "\n", " ", "\u3000", "a"]))
)


@given(TEXT | AWKWARD)
def test_protected_text_is_restored_exactly(text: str) -> None:
    assert restore(protect(text)) == text


@given(TEXT | AWKWARD)
def test_no_protected_text_begins_a_formula(text: str) -> None:
    assert not protect(text).lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert not protect(text).startswith(("\t", "\r"))


@pytest.mark.parametrize("text", ["=1+1", "+3", "-8", "@x", " =1", "\u3000＝1", "\u200b=1", "\t1", "\r=1", "'quoted"])
def test_text_that_would_be_evaluated_gets_an_apostrophe(text: str) -> None:
    assert protect(text) == "'" + text


@pytest.mark.parametrize("text", ["", "0", "规章", "1-2", "3+4"])
def test_other_text_is_left_alone(text: str) -> None:
    assert protect(text) == text


def test_what_no_csv_can_hold_becomes_visible() -> None:
    assert protect("a\0b") == "a␀b"
    assert protect("a\udcb9") == "a\\udcb9"


@given(st.lists(st.tuples(TEXT | AWKWARD, TEXT | AWKWARD), max_size=5))
def test_a_table_reads_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("table") / "t.csv"
    with Writer(path, ("name", "number", "text"), {"number"}) as table:
        for name, text in rows:
            table.write({"name": name, "number": "-3", "text": text})
    assert [(row["name"], row["number"], row["text"]) for row in read(path, ["name"])] == [
        (name, "-3", text) for name, text in rows
    ]


def test_numbers_are_never_changed(tmp_path: Path) -> None:
    with Writer(tmp_path / "t.csv", ("value", "raw"), {"value"}) as table:
        table.write({"value": "-8", "raw": "-8"})
    assert (tmp_path / "t.csv").read_bytes() == b"\xef\xbb\xbfvalue,raw\r\n-8,'-8\r\n"


def test_a_row_with_other_columns_is_refused(tmp_path: Path) -> None:
    with Writer(tmp_path / "t.csv", ("a", "b"), ()) as table, pytest.raises(ValueError, match="'b'"):
        table.write({"a": "1"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,c\n1,2\n", "no column b"),
        (b"", "no column a, b"),
        (b"a,b\n1,2,3\n", "line 2: 3 cells under 2 columns"),
        ("a,b\n规,章\n".encode("gbk"), "cannot be read"),
        (b'a,b\n1,"2\n', "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_read_is_said_to_be_so(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        list(read(path, ["a", "b"]))


def test_columns_may_come_in_any_order_and_more_of_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("note,b,a\nx,2,1\n\n", encoding="utf-8")
    assert list(read(path, ["a", "b"])) == [{"note": "x", "b": "2", "a": "1"}]


def test_a_cell_of_a_megabyte_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n" + "x" * 1_000_000 + "\n", encoding="utf-8")
    assert len(next(read(path, ["a"]))["a"]) == 1_000_000
