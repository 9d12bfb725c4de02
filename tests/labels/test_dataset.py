from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.domain import LabelContext
from pipeline.errors import UsageError
from pipeline.labels.dataset import COLUMNS, Example, appended, in_force, read_labels, replace_labels

EXAMPLE = Example(
    "row/requests/received",
    LabelContext('一、本年"新收', "", "三、收到", "", "二、上年\n结转", 0.125, 7),
    "一、本年新收政府信息公开申请数量",
    "correction:d-0123",
)


def append_labels(path: Path, examples: list[Example]) -> None:
    replace_labels(path, appended(path, examples))


def test_what_is_appended_is_read_back_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    append_labels(path, [EXAMPLE, EXAMPLE])
    append_labels(path, [EXAMPLE])
    assert read_labels(path) == (EXAMPLE,)


def test_appending_leaves_earlier_lines_alone(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    append_labels(path, [EXAMPLE])
    before = path.read_bytes()
    append_labels(path, [Example("other", LabelContext("备注"), "", "correction:d-0456")])
    assert path.read_bytes().startswith(before)
    assert not list(tmp_path.glob("*.part"))


def _file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n", encoding="utf-8")
    return path


GOOD = "other,备注,,,,,0.000,0,,other:header,train"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("other,备注", "2 fields"),
        (GOOD.replace("other,", "thing/a,", 1), "not a label id"),
        (GOOD.replace("train", "both"), "split"),
        (GOOD.replace("0.000", "1.500"), "position"),
        (GOOD.replace("0.000", ""), "position"),
        (GOOD.replace(",0,,", ",-1,,"), "columns"),
        (GOOD.replace("other:header", " "), "source"),
        ('other,"备注', "line 3"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault) as caught:
        read_labels(_file(tmp_path, GOOD, line))
    assert "line 3" in str(caught.value)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("text,label_id\n总计,other\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 1"):
        read_labels(path)


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(",".join(COLUMNS).encode() + b"\n" + GOOD.encode("gb18030"))
    with pytest.raises(UsageError, match="UTF-8"):
        read_labels(path)


def test_a_missing_file_tells_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"scripts/make_labels\.py"):
        read_labels(tmp_path / "labels.csv")


def test_an_id_that_is_none_is_not_appended(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a label id"):
        append_labels(tmp_path / "labels.csv", [Example("row", LabelContext("总计"), "", "correction:x")])
    assert not (tmp_path / "labels.csv").exists()


def test_an_answer_taken_back_is_not_in_force_but_stays_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    append_labels(path, [EXAMPLE])
    append_labels(path, [replace(EXAMPLE, split="withdrawn")])
    assert len(read_labels(path)) == 2
    assert in_force(read_labels(path)) == ()


def test_the_later_answer_about_the_same_label_holds() -> None:
    generated = replace(EXAMPLE, source="form", label_id="row/requests/carried_in")
    elsewhere = replace(generated, context=replace(EXAMPLE.context, parent="别处"))
    test = replace(generated, split="test")
    assert in_force([generated, elsewhere, test, EXAMPLE]) == (elsewhere, test, EXAMPLE)
    later = replace(EXAMPLE, label_id="other", source="correction:d-9:2026-12-01:c-9")
    assert in_force([EXAMPLE, later]) == (later,)
