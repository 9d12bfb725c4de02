"""What a person is asked about a report, and in which order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from pipeline import dataset
from pipeline.assemble import FORM_SAID
from pipeline.confidence import COLUMN_IN_DOUBT, ROW_IN_DOUBT
from pipeline.domain import BoundingBox, Cell, CellKey, Finding, LabelContext, Mark, PlacedRow, Status, Value
from pipeline.forms import form_by_id
from pipeline.review import REVIEW_COLUMNS, Item, Kind, Level, item_row, items_of, labels, order
from tests.reports import FORM, cell, extraction, form, missing, report

KEYS = form().keys()
PEOPLE = [key for key in KEYS if key.column_id == "natural_person"]
BALANCE = next(rule for rule in form().rules if rule.id == "requests.balance.natural_person")


def asked(
    changes: Mapping[CellKey, Cell] | None = None,
    rows: Sequence[PlacedRow] = (),
    findings: Sequence[Finding] = (),
    level: Level = Level.ROWS,
    source: str = "a/某局.pdf",
    pages: Sequence[int] = (),
) -> list[Item]:
    one = replace(report(changes=changes or {}), rows=tuple(rows), findings=tuple(findings))
    whole = extraction(one, source=source)
    return items_of(
        [dataset.cell_row(whole, one, each) for each in one.cells],
        [dataset.printed_row(whole, one, each) for each in one.rows],
        [dataset.finding_row(whole, one, each) for each in one.findings],
        form(),
        level,
        pages,
    )


def doubtful(key: CellKey, confidence: float = 0.4, **changes: object) -> Cell:
    plain = cell(key, 3, place=KEYS.index(key))
    shown = replace(plain, status=Status.REVIEW, confidence=confidence, reading="numerals: 3 0.400 | 8 0.350")
    return replace(shown, **changes)  # type: ignore[arg-type]


def printed(key: CellKey, certainty: float, row_id: str | None = "") -> PlacedRow:
    box = BoundingBox(0.0, 20.0 * KEYS.index(key), 600.0, 20.0 * KEYS.index(key) + 18.0)
    label = LabelContext("一、本年新收", position=0.1, columns=7)
    candidates = ("carried_in", "granted")
    return PlacedRow(key.table_id, key.row_id if row_id == "" else row_id, certainty, candidates, 2, box, label)


def test_nobody_is_asked_about_accepted_and_corrected_cells() -> None:
    corrected = replace(cell(KEYS[0]), status=Status.CORRECTED, confidence=1.0)
    assert asked({KEYS[0]: corrected}) == []


def test_every_question_has_a_reason_in_words() -> None:
    changes = {
        PEOPLE[0]: doubtful(PEOPLE[0]),
        PEOPLE[1]: doubtful(PEOPLE[1], reasons=("the stamp lies on it",)),
        PEOPLE[2]: missing(PEOPLE[2]),
        PEOPLE[3]: doubtful(PEOPLE[3], status=Status.RECONCILED, confidence=0.98),
    }
    reasons = [item.reasons for item in asked(changes)]
    assert reasons == [
        ("read with too little certainty",),
        ("the stamp lies on it",),
        ("the row was not found",),
        ("changed so that the sums of the form hold",),
    ]


def test_an_answer_is_worth_more_the_less_certain_the_cell_is() -> None:
    one, two, three = PEOPLE[:3]
    items = asked({one: doubtful(one, 0.8), two: doubtful(two, 0.2), three: missing(three)})
    assert [item.key for item in order(items)] == [three, two, one]
    assert [item.key for item in items] == [one, two, three]


def test_an_answer_that_settles_a_sum_is_worth_more() -> None:
    one, other = BALANCE.left
    alone = asked({one: doubtful(one, 0.5)})[0].worth
    together = asked({one: doubtful(one, 0.5), other: doubtful(other, 0.5)})[0].worth
    assert together > alone == 0.5


def test_a_row_in_doubt_is_one_question_for_all_its_cells() -> None:
    row = [key for key in KEYS if (key.table_id, key.row_id) == ("requests", "received")]
    changes = {key: doubtful(key, 0.6) for key in row}
    changes[row[0]] = doubtful(row[0], 0.3)  # this figure is doubtful in any row
    items = asked(changes, [printed(row[0], 0.6)])
    assert [(item.kind, item.key.column_id) for item in items] == [(Kind.ROW, ""), (Kind.CELL, row[0].column_id)]
    assert items[0].worth == 0.4 * len(row)
    assert (items[0].reading, items[0].alternatives) == ("一、本年新收", ("carried_in", "granted"))
    assert [item.kind for item in asked(changes, [printed(row[0], 0.6)], level=Level.CELLS)] == [Kind.CELL] * len(row)


def test_what_is_no_value_is_asked_about_beside_its_row() -> None:
    words = doubtful(RECEIVED[2], value=Value(Mark.TEXT), note="ㄣ", reasons=(ROW_IN_DOUBT,))
    plain = doubtful(RECEIVED[3], reasons=(ROW_IN_DOUBT,))
    items = asked({RECEIVED[2]: words, RECEIVED[3]: plain}, rows=[printed(RECEIVED[0], 0.4)])
    assert [(item.kind, item.key) for item in items if item.kind is not Kind.ROW] == [(Kind.CELL, RECEIVED[2])]


def test_several_rows_in_doubt_on_a_page_are_one_question() -> None:
    keys = PEOPLE[:3]
    rows = [printed(key, certainty) for key, certainty in zip(keys, (0.6, 0.999, 0.5), strict=True)]
    (item,) = asked(rows=rows)
    assert (item.kind, item.key) == (Kind.ROWS, CellKey("requests", "", ""))
    assert item.value.split() == [
        key.row_id for key in keys
    ]  # those that are certain too: a shift shows by all of them
    assert item.rows == tuple(row.box for row in rows)
    assert item.worth == pytest.approx((0.4 + 0.5) * 7)
    elsewhere = [rows[0], replace(rows[2], page=3)]
    assert [item.kind for item in asked(rows=elsewhere)] == [Kind.ROW, Kind.ROW]


def test_two_printed_rows_that_were_taken_for_one_are_asked_about() -> None:
    twice = [printed(PEOPLE[0], 0.998), printed(PEOPLE[1], 0.996, row_id=PEOPLE[0].row_id)]
    (item,) = asked(rows=twice)
    assert (item.kind, item.value) == (Kind.ROWS, "received received")
    settled = [replace(row, certainty=1.0) for row in twice]  # as a person said
    assert asked(rows=settled) == []


def test_a_row_that_is_certain_is_no_question() -> None:
    assert asked(rows=[printed(KEYS[40], 0.99)]) == []


def test_a_row_taken_for_none_is_asked_about_where_the_form_lacks_one() -> None:
    key = next(key for key in KEYS if (key.table_id, key.row_id) == ("requests", "received"))
    stray = printed(key, 0.95, row_id=None)
    lost = {each: missing(each) for each in KEYS if (each.table_id, each.row_id) == ("requests", "received")}
    assert asked(rows=[stray]) == []
    items = asked(lost, [stray])
    assert items[0].kind is Kind.ROW
    assert "was taken for none" in items[0].reasons[0]
    assert item_row(items[0])["row_id"] == "none"


def test_cells_of_a_sum_that_fails_in_print_are_asked_about_with_the_sum() -> None:
    finding = Finding(BALANCE.id, BALANCE.left[:1], "9 = 4+5", "8", "国办", "第一项加第二项")
    (item,) = asked(findings=[finding])
    assert (item.kind, item.key) == (Kind.FINDING, BALANCE.left[0])
    assert "第一项加第二项: 9 = 4+5 ≠ 8" in item.sums


def test_a_cell_in_which_two_sums_that_fail_alike_cross_is_asked_about_though_another_of_them_is_in_doubt() -> None:
    def at(row: str, column: str) -> CellKey:
        return CellKey("requests", row, column)

    four = {at(row, column) for row in ("new", "outcome_total") for column in ("natural_person", "total")}
    four |= {at("granted", "total")}
    changes = {key: cell(key, 4 if key in four else 0, place=KEYS.index(key)) for key in KEYS}
    assert asked(changes | {at("granted", "natural_person"): cell(KEYS[0], 4)}) == []
    changes[at("granted", "natural_person")] = replace(cell(at("granted", "natural_person"), 1), confidence=0.994)
    beside = at("granted", "enterprise")
    changes[beside] = doubtful(beside, value=changes[beside].value)
    first, second = order(asked(changes))
    assert (first.kind, first.key) == (Kind.CELL, beside)
    assert (second.kind, second.key) == (Kind.FINDING, at("granted", "natural_person"))
    assert len(second.sums) == 2


def test_a_place_of_a_file_always_has_the_same_name() -> None:
    key, other = PEOPLE[:2]
    before = asked({key: doubtful(key), other: missing(other)})
    after = asked({key: doubtful(key, 0.1, raw_text="9"), other: missing(other)}, source="moved/某局.pdf")
    assert [item.item_id for item in before] == [item.item_id for item in after]
    assert len({item.item_id for item in before}) == 2
    assert all(item.item_id.startswith("q-") and len(item.item_id) == 18 for item in before)


@pytest.mark.parametrize("reason", [COLUMN_IN_DOUBT, ROW_IN_DOUBT])
def test_a_cell_whose_row_or_column_is_in_doubt_is_asked_about_by_its_name(reason: str) -> None:
    key, other = KEYS[0], KEYS[30]
    reasons = (reason,)
    (item,) = asked({key: doubtful(key, reasons=reasons)})
    (plain,) = asked({key: doubtful(key)})
    assert (item.by_name, plain.by_name) == (True, False)
    assert item.reasons[-1] == "answer what is printed in the row and under the column named here"
    assert item.around is not None
    assert plain.around is not None
    assert item.around.height > plain.around.height  # the table, with the names of its columns
    twins = asked({each: replace(doubtful(key, reasons=reasons), key=each) for each in (key, other)})
    assert len({each.item_id for each in twins}) == 2  # although one box was taken for both


RECEIVED = [key for key in KEYS if (key.table_id, key.row_id) == ("requests", "received")]


@pytest.mark.parametrize(("number", "kinds"), [(2, ["cell", "cell"]), (3, ["figures"]), (7, ["figures"])])
def test_a_line_with_several_doubtful_cells_is_one_question(number: int, kinds: list[str]) -> None:
    changes = {key: doubtful(key) for key in RECEIVED[:number]}
    assert [item.kind for item in asked(changes)] == kinds
    assert {item.kind for item in asked(changes, level=Level.CELLS)} == {Kind.CELL}


def test_a_question_about_a_line_tells_what_is_held_and_what_is_lacking() -> None:
    changes = {key: doubtful(key) for key in RECEIVED[:3]} | {RECEIVED[3]: missing(RECEIVED[3])}
    (item,) = asked(changes)
    held = [str(KEYS.index(key)) for key in RECEIVED[4:]]
    assert item.value.split() == ["3", "3", "3", "?", *held]
    assert item.column_label.split(" | ") == [labels(form())[key][1] for key in RECEIVED]
    assert item.worth > sum(0.6 for _ in range(3)) + 0.99
    assert (item.page, item.by_name, item.box) == (2, True, None)
    assert "the row was not found" in item.reasons
    assert item_row(item)["column_id"] == ""


def test_a_table_that_is_one_printed_line_is_one_question() -> None:
    strip = [key for key in KEYS if key.table_id == "reviews"]
    (item,) = (each for each in asked({key: missing(key) for key in strip}) if each.kind is not Kind.FORM)
    assert (item.kind, item.key) == (Kind.FIGURES, CellKey("reviews", "", ""))
    assert len(item.column_label.split(" | ")) == len(item.value.split()) == len(strip) == 15
    assert item_row(item)["row_id"] == ""
    # Nothing of it was found: it is after the table before it, on that page or the next.
    assert item.page == 2
    assert item.around == BoundingBox(0.0, 0.0, math.inf, math.inf)


def test_a_lost_row_is_looked_for_between_those_beside_it() -> None:
    (item,) = asked({key: missing(key) for key in RECEIVED})
    assert item.around is not None
    assert item.around.y0 == 0.0  # it may be what goes before
    between = [key for key in KEYS if (key.table_id, key.row_id) == ("requests", "carried_in")]
    (item,) = asked({key: missing(key) for key in between})
    places = [cell(key, place=KEYS.index(key)).box for key in (RECEIVED[0], KEYS[KEYS.index(between[-1]) + 1])]
    assert item.around is not None
    assert all(
        place is not None and item.around.y0 < place.y0 < place.y1 < item.around.y1 < math.inf for place in places
    )
    last = [key for key in KEYS if key.table_id == "requests"][-7:]
    (item,) = asked({key: missing(key) for key in last})
    assert item.around is not None
    assert item.around.y1 == math.inf  # it may be what follows


def test_what_is_probably_not_printed_is_worth_little() -> None:
    lost = {key: missing(key) for key in KEYS if (key.table_id, key.row_id) == ("requests", "carried_in")}
    above, below = RECEIVED[0], next(key for key in KEYS if key.row_id == "granted")
    box = cell(above, place=KEYS.index(above)).box
    assert box is not None
    touching = replace(cell(below), box=replace(box, y0=box.y1 + 2, y1=box.y1 + 20))
    (apart,), (closed,) = asked(lost), asked({**lost, below: touching})
    assert (apart.worth, closed.worth) == (7.0, pytest.approx(0.7))


def test_next_to_nothing_of_a_further_report_is_worth_little() -> None:
    found = {key: cell(key, place=KEYS.index(key)) for key in RECEIVED}
    changes = {key: found.get(key, missing(key)) for key in KEYS}
    for index, worth in ((1, 15.0), (2, pytest.approx(1.5))):
        one = report(index, changes)
        whole = extraction(one)
        items = items_of([dataset.cell_row(whole, one, each) for each in one.cells], [], [], form())
        assert next(item for item in items if item.key.table_id == "reviews").worth == worth


def test_where_a_table_was_not_found_the_form_is_asked_about() -> None:
    lost = {key: missing(key) for key in KEYS if key.table_id == "proactive_disclosure"}
    (item,) = (each for each in asked(lost) if each.kind is Kind.FORM)
    assert (item.value, set(item.alternatives)) == (FORM, {"ogi-2014", "ogi-2021"})
    assert item.worth == pytest.approx(0.3 * len(KEYS))
    assert item_row(item)["form_id"] == FORM
    said = {key: replace(cell, reasons=(FORM_SAID,)) for key, cell in lost.items()}
    for nothing in (asked(said), asked({}), asked(lost, level=Level.CELLS)):
        assert Kind.FORM not in [each.kind for each in nothing]


def test_what_was_found_nowhere_is_looked_for_on_all_pages_that_it_may_be_on() -> None:
    everywhere = BoundingBox(0.0, 0.0, math.inf, math.inf)
    for table_id, pages in (("proactive_disclosure", (1, 2)), ("reviews", (2, 3, 4, 5))):  # the others are on page 2
        lost = {key: missing(key) for key in KEYS if key.table_id == table_id}
        lines = [each for each in asked(lost, pages=range(1, 7)) if each.kind is Kind.FIGURES]
        assert {(item.pages, item.around) for item in lines} == {(pages, everywhere)}
    between = [key for key in KEYS if (key.table_id, key.row_id) == ("requests", "carried_in")]
    later = {key: replace(cell(key), page=3) for key in KEYS[KEYS.index(between[-1]) + 1 :]}
    (item,) = asked({key: missing(key) for key in between} | later, pages=range(1, 7))
    assert (item.pages, item.around) == ((2, 3), everywhere)
    (item,) = asked({between[0]: missing(between[0])} | later, pages=range(1, 7))
    assert item.pages == (2,)  # beside the cells of its row that were found


def test_a_line_of_single_figures_is_shown_on_every_page_that_it_is_on() -> None:
    other = form_by_id("ogi-2014")
    cells = tuple(replace(doubtful(KEYS[0]), key=key, page=1 + (place > 3)) for place, key in enumerate(other.keys()))
    one = replace(report(), form_id=other.id, cells=cells)
    whole = extraction(one)
    first, second, *_ = items_of([dataset.cell_row(whole, one, each) for each in one.cells], [], [], other)
    assert (first.pages, second.pages) == ((1, 2), (2,))


def test_all_of_the_page_is_shown_where_the_columns_of_a_line_are_in_doubt() -> None:
    (item,) = asked({key: doubtful(key, reasons=(COLUMN_IN_DOUBT,)) for key in RECEIVED})
    assert (item.pages, item.around) == ((2,), BoundingBox(0.0, 0.0, math.inf, math.inf))


def test_of_a_report_without_a_table_its_form_is_asked_and_whether_it_is_one() -> None:
    form_item, *lines = asked({key: missing(key) for key in KEYS}, pages=(1, 2))
    assert (form_item.kind, form_item.pages, form_item.box) == (Kind.FORM, (1, 2), None)
    assert set(form_item.alternatives) == {"ogi-2014", "ogi-2021", "none"}
    assert {item.kind for item in lines} == {Kind.FIGURES}
    assert {item.pages for item in lines} == {(1, 2)}


@pytest.mark.parametrize("mark", [Mark.BLANK, Mark.DASH, Mark.SLASH])
def test_a_mark_in_doubt_is_worth_less_than_a_figure(mark: Mark) -> None:
    one, two = PEOPLE[:2]
    held = {one: doubtful(one, 0.01, value=Value(mark)), two: doubtful(two, 0.8)}
    assert [item.key for item in order(asked(held))] == [two, one]


def test_labels_are_those_of_the_form_with_their_groups() -> None:
    named = labels(form())
    assert set(named) == set(KEYS)
    row, column = next(named[key] for key in KEYS if key.row_id == "denied_state_secret")
    assert "（三）不予公开" in row
    assert row.endswith("1.属于国家秘密")
    assert column.endswith("自然人")


def test_a_line_leaves_room_for_the_answer() -> None:
    (item,) = asked({KEYS[0]: doubtful(KEYS[0], raw_text="3", reasons=("a", "b"))})
    row = item_row(item, "pictures/x.png")
    assert tuple(row) == REVIEW_COLUMNS
    assert (row["reading"], row["alternatives"], row["reasons"]) == ("3", "8", "a; b")
    assert {row[name] for name in ("corrected_value", "corrected_row_id", "reviewer", "comment")} == {""}
    blank = doubtful(KEYS[0], raw_text="", reading="numerals: (blank) 0.500 | - 0.300")
    (item,) = asked({KEYS[0]: blank})
    assert (item_row(item)["reading"], item_row(item)["alternatives"]) == ("blank", "dash")
