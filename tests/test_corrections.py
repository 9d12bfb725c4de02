"""What people answered is kept for good: who, when, old and new, in a file that only grows."""

from __future__ import annotations

import datetime as dt
import fcntl
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import corrections
from pipeline.corrections import Correction, Kind
from pipeline.domain import BoundingBox, CellKey, LabelContext, Mark, Value
from pipeline.errors import OutputError, UsageError
from pipeline.values import parse_value

KEY = CellKey("requests", "received", "natural_persons")
NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)


def answer(new: str = "5", key: CellKey = KEY, reviewer: str = "王芳", **changes: object) -> Correction:
    plain = Correction(
        correction_id="",
        at="",
        reviewer=reviewer,
        comment="",
        kind=Kind.VALUE,
        document_id="d-0123456789abcdef",
        source="某县/2020.pdf",
        report=1,
        form_id="ogi-2019",
        key=key,
        old="6",
        new=new,
        page=2,
        box=BoundingBox(1.0, 2.0, 30.5, 40.0),
        reading="numerals: 6 0.500 | 5 0.400",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def row_answer(new: str = "received") -> Correction:
    context = LabelContext("一、本年新收", "", "三、收到", "", "二、上年", 0.25, 7)
    return answer(new, replace(KEY, row_id="", column_id=""), kind=Kind.ROW, old="none", reading="", context=context)


def test_what_is_appended_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    assert corrections.load(path) == ()
    written = corrections.append(path, [answer(), row_answer()], NOW)
    assert corrections.load(path) == written
    assert [each.at for each in written] == ["2026-11-24T12:00:00+00:00"] * 2
    assert len({each.correction_id for each in written}) == 2
    assert path.read_bytes().startswith(b"\xef\xbb\xbfcorrection_id,at,reviewer")


def test_lines_that_are_there_are_never_changed(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    corrections.append(path, [answer()], NOW)
    before = path.read_bytes()
    corrections.append(path, [answer("7", comment="=HYPERLINK(1)")], NOW)
    assert path.read_bytes().startswith(before)
    assert [each.new for each in corrections.history(path)] == ["5", "7"]
    assert corrections.history(path)[1].comment == "=HYPERLINK(1)"
    assert b",=HYPERLINK" not in path.read_bytes()


def test_the_last_answer_to_a_question_is_in_force(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    other = answer("9", replace(KEY, column_id="total"), box=BoundingBox(50.0, 2.0, 80.0, 40.0))
    corrections.append(path, [answer("5"), other, row_answer("received"), answer("7"), row_answer("none")], NOW)
    assert [each.new for each in corrections.load(path)] == ["9", "7", "none"]


def test_undoing_brings_the_answer_before_back(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    _, second = corrections.append(path, [answer("5"), answer("7")], NOW)
    (undone,) = corrections.undo(path, [second.correction_id], "李强", "wrong line", NOW)
    assert undone.new == "7"
    assert [each.new for each in corrections.load(path)] == ["5"]
    last = corrections.history(path)[-1]
    assert (last.kind, last.reviewer, last.comment) == (Kind.UNDO, "李强", "wrong line")
    with pytest.raises(UsageError, match="undone already"):
        corrections.undo(path, [second.correction_id], "", "", NOW)
    with pytest.raises(UsageError, match="no correction"):
        corrections.undo(path, ["c-ffff"], "", "", NOW)


def test_an_answer_undone_can_be_given_again(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    (first,) = corrections.append(path, [answer()], NOW)
    corrections.undo(path, [first.correction_id], "", "", NOW)
    (again,) = corrections.append(path, [answer()], NOW)
    assert again.correction_id != first.correction_id
    assert corrections.load(path) == (again,)


def test_negative_figures_stay_figures(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    corrections.append(
        path, [answer("-8"), answer("dash", replace(KEY, row_id="carried_over"), box=None, page=None)], NOW
    )
    assert b",-8," in path.read_bytes()
    assert [each.value for each in corrections.load(path)] == [Value(Mark.NUMBER, Decimal(-8)), Value(Mark.DASH)]


@given(text=st.from_regex(r"-?[1-9][0-9]{0,9}(\.[0-9]{1,4})?|0|/|—| *|不适用", fullmatch=True))
def test_a_value_is_written_and_understood_again(text: str) -> None:
    value = parse_value(text)
    assert corrections.value_of(corrections.written(value, text)) == value


@pytest.mark.parametrize(
    ("column", "content", "cause"),
    [
        ("kind", "guess", "guess"),
        ("document_id", "../../etc/passwd", "document id"),
        ("row_id", "../x", "row_id"),
        ("table_id", "", "table_id"),
        ("report", "one", "one"),
        ("new", "五", "no value"),
        ("page", "2.5", "2.5"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(tmp_path: Path, column: str, content: str, cause: str) -> None:
    path = tmp_path / "corrections.csv"
    corrections.append(path, [answer()], NOW)
    header, line = path.read_text(encoding="utf-8-sig").splitlines()
    cells = line.split(",")
    cells[header.split(",").index(column)] = content
    path.write_text("\n".join([header, line, ",".join(cells)]), encoding="utf-8-sig")
    with pytest.raises(UsageError, match=cause) as raised:
        corrections.load(path)
    assert "correction 2" in raised.value.cause


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    with (tmp_path / ".corrections.csv.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another process"):
            corrections.append(path, [answer()], NOW)
    assert not path.exists()


def test_a_disk_that_fails_costs_nothing_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "corrections.csv"
    corrections.append(path, [answer()], NOW)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="No space left"):
        corrections.append(path, [answer("7")], NOW)
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == [".corrections.csv.lock", "corrections.csv"]


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    left = tmp_path / f".{path.name}.0123456789abcdef.part"
    other = tmp_path / ".other.csv.0123456789abcdef.part"
    for each in (left, other):
        each.write_bytes(b"correction_id,at,revie")
    written = corrections.append(path, [answer()], NOW)
    assert corrections.load(path) == written
    assert not left.exists()
    assert other.exists()
