"""Scores against the truth, on tables small enough to count by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.domain import BoundingBox, CellKey, FormSpec, RuleSpec
from pipeline.errors import UsageError
from pipeline.evaluation import Evaluation, Place, evaluate, read_extracted, read_truth

CELLS = "source,form_id,table_id,row_id,column_id,value,status,page,x0,y0,x1,y1"
TRUTH = "source,form_id,table_id,row_id,column_id,value,blank,level"
PLACED = f"{TRUTH},damage,page,x0,y0,x1,y1"


def compare(folder: Path, cells: list[str], truth: list[str], header: str = TRUTH) -> Evaluation:
    (folder / "cells.csv").write_text("\n".join([CELLS, *cells]) + "\n", encoding="utf-8")
    (folder / "truth.csv").write_text("\n".join([header, *truth]) + "\n", encoding="utf-8")
    return evaluate(read_extracted(folder / "cells.csv"), read_truth(folder / "truth.csv"))


@pytest.mark.parametrize(
    ("value", "status", "true_value", "blank", "counts"),
    [
        # correct, wrong, missing, silent, review
        ("4", "accepted", "4", 0, (1, 0, 0, 0, 0)),
        ("4.0", "accepted", "4", 0, (1, 0, 0, 0, 0)),
        ("4", "review", "4", 0, (1, 0, 0, 0, 1)),
        ("5", "accepted", "4", 0, (0, 1, 0, 1, 0)),
        ("5", "review", "4", 0, (0, 1, 0, 0, 1)),
        ("", "accepted", "4", 0, (0, 0, 1, 1, 0)),
        ("", "missing", "4", 0, (0, 0, 1, 0, 1)),
        ("", "accepted", "0", 0, (0, 0, 1, 1, 0)),
        ("", "accepted", "0", 1, (1, 0, 0, 0, 0)),
        ("0", "accepted", "0", 1, (1, 0, 0, 0, 0)),
        ("0", "accepted", "", 1, (1, 0, 0, 0, 0)),
        ("", "accepted", "", 0, (1, 0, 0, 0, 0)),
        ("3", "accepted", "0", 1, (0, 1, 0, 1, 0)),
        ("", "accepted", "7", 1, (0, 0, 1, 1, 0)),
        ("5", "corrected", "4", 0, (0, 1, 0, 1, 0)),
    ],
)
def test_a_cell_counts_as_what_it_is(
    tmp_path: Path, value: str, status: str, true_value: str, blank: int, counts: tuple[int, ...]
) -> None:
    score = compare(tmp_path, [f"a.pdf,f,t,r,c,{value},{status},,,,,"], [f"a.pdf,f,t,r,c,{true_value},{blank},0"]).total
    assert (score.correct, score.wrong, score.missing, score.silent, score.review) == counts


def test_a_cell_without_a_row_is_missing_and_nobody_looks_at_it(tmp_path: Path) -> None:
    score = compare(tmp_path, [], ["a.pdf,f,t,r,c,0,1,0"]).total
    assert (score.cells, score.correct, score.missing, score.silent, score.review) == (1, 0, 1, 1, 0)


def test_two_reports_of_one_file_on_the_same_form_are_told_apart(tmp_path: Path) -> None:
    cells = [f"a.pdf,f,t,r,c,{value},accepted,,,,,,{report}" for report, value in ((2, 5), (3, 8))]
    truth = [f"a.pdf,f,t,r,c,{value},0,0,{report}" for report, value in ((1, 5), (2, 8))]
    (tmp_path / "cells.csv").write_text("\n".join([f"{CELLS},report", *cells]), encoding="utf-8")
    (tmp_path / "truth.csv").write_text("\n".join([f"{TRUTH},report", *truth]), encoding="utf-8")
    score = evaluate(read_extracted(tmp_path / "cells.csv"), read_truth(tmp_path / "truth.csv")).total
    assert (score.cells, score.correct) == (2, 2)


def test_scores_are_split_by_level_and_damage(tmp_path: Path) -> None:
    result = compare(
        tmp_path,
        ["a.pdf,f,t,r,c,1,accepted,,,,,", "b.pdf,f,t,r,c,2,accepted,,,,,"],
        ["a.pdf,f,t,r,c,1,0,0,clean,,,,,", "b.pdf,f,t,r,c,1,0,3,fax,,,,,"],
        PLACED,
    )
    assert {level: score.correct for level, score in result.by_level.items()} == {"0": 1, "3": 0}
    assert {damage: score.wrong for damage, score in result.by_damage.items()} == {"clean": 0, "fax": 1}
    assert result.total.rate(result.total.correct) == 50.0
    assert result.worst_sources == (("b.pdf", 0.0), ("a.pdf", 100.0))
    assert result.value_confusions == (("1", "2", 1),)
    assert result.rows is None


def test_the_truth_may_name_files_without_their_folder(tmp_path: Path) -> None:
    truth = ["a.pdf,f,t,r,c,1,0,0"]
    assert compare(tmp_path, ["in/2019/a.pdf,f,t,r,c,1,accepted,,,,,"], truth).total.correct == 1
    twice = ["x/a.pdf,f,t,r,c,1,accepted,,,,,", "y/a.pdf,f,t,r,c,1,accepted,,,,,"]
    assert compare(tmp_path, twice, truth).total.correct == 0  # which of them is meant is not known


def truth_row(row: str, y: int) -> list[str]:
    return [f"a.pdf,f,t,{row},{c},1,0,2,,1,{x},{y},{x + 10},{y + 10}" for c, x in (("c1", 0), ("c2", 20), ("c3", 40))]


def cell_row(row: str, y: int, columns: str = "123") -> list[str]:
    return [f"a.pdf,f,t,{row},c{n},1,accepted,1,{20 * int(n) - 20},{y},{20 * int(n) - 10},{y + 10}" for n in columns]


def test_a_row_is_right_when_most_of_its_cells_lie_where_it_is_printed(tmp_path: Path) -> None:
    result = compare(
        tmp_path, [*cell_row("r1", 0), *cell_row("r2", 20, "12")], [*truth_row("r1", 0), *truth_row("r2", 20)], PLACED
    )
    assert result.rows is not None
    assert (result.rows.rows, result.rows.right) == (2, 2)
    assert result.rows_by_level["2"].rate == 100.0


def test_rows_taken_for_others_are_listed(tmp_path: Path) -> None:
    swapped = [*cell_row("r1", 20), *cell_row("r2", 0), *cell_row("r3", 40, "1")]
    result = compare(tmp_path, swapped, [*truth_row("r1", 0), *truth_row("r2", 20), *truth_row("r3", 40)], PLACED)
    assert result.rows is not None
    assert (result.rows.rows, result.rows.right) == (3, 0)
    assert result.total.correct == 7  # the figures happen to agree; the labels do not
    assert result.row_confusions == (
        ("f/t/r1", "f/t/r2", 1),
        ("f/t/r2", "f/t/r1", 1),
        ("f/t/r3", "(no row of the form)", 1),
    )


def test_a_box_on_another_page_is_another_place(tmp_path: Path) -> None:
    elsewhere = [line.replace("accepted,1,", "accepted,2,") for line in cell_row("r1", 0)]
    result = compare(tmp_path, elsewhere, truth_row("r1", 0), PLACED)
    assert result.rows is not None
    assert result.rows.right == 0


@pytest.mark.parametrize(
    ("cells", "truth", "message"),
    [
        ([], [], "has no cells"),
        ([], ["a.pdf,f,t,r,c,four,0,0"], "'four' is no number"),
        (["a.pdf,f,t,r,c,1,fine,,,,,"], ["a.pdf,f,t,r,c,1,0,0"], "'fine' is no status"),
        (["a.pdf,f,t,r,c,1,accepted,1,a,b,c,d"], ["a.pdf,f,t,r,c,1,0,0"], "no page and box"),
    ],
)
def test_tables_that_make_no_sense_are_refused(
    tmp_path: Path, cells: list[str], truth: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        compare(tmp_path, cells, truth)


JUDGED = "source,form_id,table_id,row_id,column_id,value,status,mark,confidence,page,x0,y0,x1,y1"


def evaluated(folder: Path, cells: list[str], truth: list[str], forms: tuple[FormSpec, ...] = ()) -> Evaluation:
    (folder / "cells.csv").write_text("\n".join([JUDGED, *cells]) + "\n", encoding="utf-8")
    (folder / "truth.csv").write_text("\n".join([PLACED, *truth]) + "\n", encoding="utf-8")
    return evaluate(read_extracted(folder / "cells.csv"), read_truth(folder / "truth.csv"), forms)


def test_silent_errors_are_listed_with_what_was_printed_and_read(tmp_path: Path) -> None:
    result = evaluated(
        tmp_path,
        [
            "a.pdf,f,t,r,c1,7,accepted,number,0.9991,1,0,0,9,9",
            "a.pdf,f,t,r,c2,7,review,number,0.5,1,0,0,9,9",
            "a.pdf,f,t,r,c3,1,accepted,number,1,1,0,0,9,9",
        ],
        [f"a.pdf,f,t,r,{column},1,0,2,fax,1,2,2,8,8" for column in ("c1", "c2", "c3", "c4")],
    )
    first, second = result.silent_errors
    assert (first.column_id, first.printed, first.read, first.status) == ("c1", "1", "7", "accepted")
    assert (first.confidence, first.damage, first.place) == (0.9991, "fax", Place(1, BoundingBox(0, 0, 9, 9)))
    assert (second.column_id, second.read, second.status, second.confidence) == ("c4", "(nothing)", "", None)
    assert second.place == Place(1, BoundingBox(2, 2, 8, 8))


def test_a_false_repair_is_reconciled_and_wrong(tmp_path: Path) -> None:
    score = evaluated(
        tmp_path,
        [
            "a.pdf,f,t,r,c1,1,reconciled,number,0.99,,,,,",
            "a.pdf,f,t,r,c2,7,reconciled,number,0.99,,,,,",
            "a.pdf,f,t,r,c3,7,review,number,0.99,,,,,",
        ],
        [f"a.pdf,f,t,r,{column},1,0,2,,,,,," for column in ("c1", "c2", "c3")],
    ).total
    assert (score.reconciled, score.false_repairs, score.silent) == (2, 1, 1)


def form(*kinds: str) -> FormSpec:
    """A form whose every rule says that c1 and c2 make up c3."""
    cells = tuple(CellKey("t", "r", column) for column in ("c1", "c2", "c3"))
    rules = tuple(RuleSpec(f"rule-{n}", kind, cells[2:], cells[:2], "", "") for n, kind in enumerate(kinds))
    return FormSpec("f", "", (), "", dt.date(2021, 1, 1), 2021, None, (), rules)


@pytest.mark.parametrize(
    ("third", "counts"),
    [
        ("3,accepted,number", (1, 1, 1)),
        ("4,accepted,number", (1, 1, 0)),
        (",missing,", (1, 0, 0)),
        (",accepted,text", (1, 0, 0)),
        (",accepted,blank", (1, 0, 0)),  # a side without any figure cannot be checked
    ],
)
def test_identities_are_checked_on_what_was_extracted(tmp_path: Path, third: str, counts: tuple[int, int, int]) -> None:
    result = evaluated(
        tmp_path,
        ["a.pdf,f,t,r,c1,1,accepted,number,1,,,,,", "a.pdf,f,t,r,c2,2,accepted,number,1,,,,,"]
        + [f"a.pdf,f,t,r,c3,{third},1,,,,,"],
        [f"a.pdf,f,t,r,c{value},{value},0,2,fax,,,,," for value in (1, 2, 3)],
        (form("sum"),),
    )
    score = result.identities
    assert (score.identities, score.checked, score.hold) == counts
    assert (score.printed_checked, score.printed_hold) == (1, 1)
    assert result.identities_by_damage == {"fax": score}


def test_confidences_are_measured_where_there_are_any(tmp_path: Path) -> None:
    assert compare(tmp_path, ["a.pdf,f,t,r,c,1,accepted,,,,,"], ["a.pdf,f,t,r,c,1,0,0"]).reliability is None
    cells = ["a.pdf,f,t,r,c1,1,accepted,number,0.9,,,,,", "a.pdf,f,t,r,c2,7,review,number,0.2,,,,,"]
    reliability = evaluated(tmp_path, cells, [f"a.pdf,f,t,r,c{n},1,0,2,,,,,," for n in (1, 2, 3)]).reliability
    assert reliability is not None
    assert (reliability.cells, reliability.accepted, reliability.wrong, reliability.coverage) == (2, 1, 0, 0.5)


@pytest.mark.parametrize(
    "cell", ["1,accepted,number,1.2", "1,accepted,number,nan", "1,accepted,number,x", "1,accepted,some,1"]
)
def test_marks_and_confidences_that_make_no_sense_are_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(UsageError, match=r"is no (confidence|mark)"):
        evaluated(tmp_path, [f"a.pdf,f,t,r,c,{cell},,,,,"], ["a.pdf,f,t,r,c,1,0,0,,,,,,"])
