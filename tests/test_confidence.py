"""How far a cell may be relied on: what is known about it goes in, status, confidence and reasons come out."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import confidence
from pipeline.confidence import Company, ConfidenceModel, Evidence, Threshold, company_of
from pipeline.confidence.evidence import PLACE, READING, against_place, against_reading
from pipeline.confidence.model import Logistic, load_from, save
from pipeline.confidence.training import COLUMNS, fit
from pipeline.domain import Alternative, CellKey, Judgement, Reading, Status
from pipeline.errors import ModelError, UsageError
from pipeline.values import parse_value

PROBABILITIES = st.floats(0.0, 1.0)
ACCEPT = 0.9
MODEL = ConfidenceModel(
    "made for tests",
    Logistic(9.0, tuple(1.0 for _ in READING)),
    Logistic(5.0, tuple(1.0 for _ in PLACE)),
    (Threshold(0.999, 40_000, 0, 7.5e-5), Threshold(0.99, 60_000, 9, 2.6e-4), Threshold(0.6, 70_000, 300, 4.7e-3)),
    least_risk=8e-5,
)
SURE = 1 - 1e-9


def reading(*alternatives: tuple[str, float]) -> Reading:
    return Reading(tuple(Alternative(text, probability) for text, probability in alternatives), "numerals")


def evidence(found: Reading, **changes: object) -> Evidence:
    known = Evidence(
        found,
        row_probability=SURE,
        column_probability=1.0,
        label=SURE,
        stray_above=False,
        stray_below=False,
        surplus=0,
        apart=False,
        astray=False,
        quality=1.0,
        ink=None,
        support=0,
        at_odds=False,
        vouched=1,
        broken=False,
        open_total=False,
        counted=False,
        shortened=False,
        company=Company(alike=0.3, rivals=0.0, doubt=0.0, doubt_alike=0.0, usual=found.probability),
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def beside(known: Evidence, **changes: float) -> Evidence:
    """The same cell in another company."""
    return replace(known, company=replace(known.company, **changes))


def judge(known: Evidence, model: ConfidenceModel = MODEL, accept: float = ACCEPT) -> Judgement:
    return confidence.judge(known, model, accept)


@pytest.mark.parametrize("text", ["", "/", "-", "0", "17", "1,204", "20.3", "3件", "55（含自然失效 29 件）", "不适用"])
def test_what_is_clearly_read_in_a_clear_place_is_accepted_without_a_word(text: str) -> None:
    judged = judge(evidence(reading((text, SURE))), confidence.load(), 0.97)
    assert judged.status is Status.ACCEPTED
    assert judged.reasons == ()
    assert judged.confidence > 0.99


def test_what_else_the_picture_may_be_is_told() -> None:
    judged = judge(evidence(reading(("17", 0.7), ("11", 0.2), ("", 0.1))))
    assert judged.status is Status.REVIEW
    assert judged.reasons == ("the picture can be read in several ways: also “11”, “blank”",)


@pytest.mark.parametrize(
    ("text", "counted", "status"),
    [
        ("1.234", True, Status.REVIEW),
        ("1.234", False, Status.ACCEPTED),
        ("1,234", True, Status.ACCEPTED),
        ("20.0", True, Status.ACCEPTED),
    ],
)
def test_a_fraction_of_what_is_counted_is_never_accepted(text: str, counted: bool, status: Status) -> None:
    judged = judge(evidence(reading((text, SURE)), counted=counted), confidence.load(), 0.97)
    assert judged.status is status
    assert (status is Status.REVIEW) == any("fraction" in reason for reason in judged.reasons)


DOUBTS = {
    "row_probability": (0.3, "which row of the form this is, is not certain"),
    "label": (0.02, "which row of the form this is, is not certain"),
    "column_probability": (0.002, "which column of the form this is, is not certain"),
}


@pytest.mark.parametrize("name", DOUBTS)
def test_a_clear_figure_in_a_doubtful_place_goes_to_review(name: str) -> None:
    value, reason = DOUBTS[name]
    judged = judge(evidence(reading(("17", SURE)), **{name: value}))
    assert judged.status is Status.REVIEW
    assert judged.reasons[0] == reason


@given(PROBABILITIES, PROBABILITIES, PROBABILITIES, PROBABILITIES, st.integers(0, 3), st.booleans())
def test_what_speaks_for_a_cell_never_lowers_its_confidence(
    one: float, other: float, row: float, column: float, support: int, doubtful: bool
) -> None:
    low, high = sorted((one, other))
    known = evidence(
        reading(("17", low)),
        row_probability=row,
        column_probability=column,
        support=support,
        broken=doubtful,
        stray_below=doubtful,
        open_total=doubtful,
        surplus=int(doubtful),
        ink=(low, high),
        quality=low,
        label=max(low, 0.001),
        apart=doubtful,
        astray=doubtful,
        shortened=doubtful,
        company=Company(alike=low, rivals=high, doubt=high, doubt_alike=high, usual=low),
    )
    for model in (MODEL, confidence.load()):
        before = judge(known, model).confidence
        assert 0.0 <= before <= 1.0
        for better in (
            *({"row_probability": max(row, other)}, {"column_probability": max(column, other)}),
            *({"support": support + 1}, {"broken": False}, {"stray_below": False}, {"open_total": False}),
            *({"surplus": 0}, {"ink": (high, low)}, {"quality": high}, {"label": max(high, 0.001)}),
            *({"apart": False}, {"astray": False}, {"shortened": False}, {"reading": reading(("17", high))}),
        ):
            assert judge(replace(known, **better), model).confidence >= before - 1e-12
        for company in ({"doubt": low}, {"doubt_alike": low}, {"rivals": low}, {"alike": high}, {"usual": high}):
            assert judge(beside(known, **company), model).confidence >= before - 1e-12


@given(PROBABILITIES, PROBABILITIES, PROBABILITIES, st.integers(0, 3), st.booleans(), PROBABILITIES)
def test_a_person_is_asked_exactly_when_confidence_is_low_and_is_told_why(
    probability: float, row: float, column: float, support: int, broken: bool, accept: float
) -> None:
    known = evidence(
        reading(("17", probability)),
        row_probability=row,
        column_probability=column,
        support=support,
        broken=broken,
    )
    judged = judge(known, confidence.load(), accept)
    assert (judged.status is Status.REVIEW) == (judged.confidence <= accept)
    assert bool(judged.reasons) == (judged.status is Status.REVIEW)


def test_a_relation_that_fails_does_not_shake_what_is_plainly_printed() -> None:
    """The report itself may be wrong: then the figures stay as they are and the finding tells."""
    certain = evidence(reading(("17", SURE)))
    assert judge(replace(certain, broken=True)) == judge(certain)
    doubtful = evidence(reading(("17", 0.98), ("11", 0.01)))
    assert judge(replace(doubtful, broken=True)).confidence < judge(doubtful).confidence


def test_what_the_relations_make_of_a_doubtful_reading_counts() -> None:
    doubtful = evidence(reading(("17", 0.8), ("11", 0.2)))
    kept = replace(doubtful, weighed=(Alternative("17", 0.998), Alternative("11", 0.002)))
    refuted = replace(doubtful, weighed=(Alternative("11", 0.6), Alternative("17", 0.4)))
    assert judge(refuted).confidence < judge(doubtful).confidence < judge(kept).confidence
    assert "“11”" in judge(refuted).reasons[0]


def test_doubtful_cells_of_one_sum_do_not_vouch_for_each_other() -> None:
    doubtful = evidence(reading(("1", 0.7), ("", 0.2)), support=2)
    assert judge(doubtful).confidence > judge(replace(doubtful, support=0)).confidence
    assert judge(replace(doubtful, vouched=0)) == judge(replace(doubtful, vouched=0, support=0))
    certain = evidence(reading(("1", SURE)), support=2)
    assert judge(replace(certain, vouched=0)) == judge(certain)


def test_a_value_that_the_relations_determine_takes_the_place_of_the_reading_and_says_so() -> None:
    doubtful = evidence(reading(("17", 0.5), ("11", 0.4)))
    doubtful = replace(doubtful, settled=Alternative("11", 0.995), weighed=(Alternative("11", 0.995),))
    judged = judge(doubtful)
    assert judged.status is Status.RECONCILED
    assert judged.value == parse_value("11")
    for change in ({"row_probability": 0.2}, {"vouched": 0}):
        kept = judge(replace(doubtful, **change))
        assert kept.status is Status.REVIEW
        assert kept.value is None
    assert judge(replace(doubtful, vouched=0, agreed=True)).status is Status.RECONCILED


def test_a_doubtful_reading_that_the_relations_determine_needs_no_review() -> None:
    torn = evidence(reading(("3", 0.6), ("8", 0.03)), ink=(1.0, 0.9))
    assert judge(torn).status is Status.REVIEW
    settled = replace(torn, settled=Alternative("3", 0.999), weighed=(Alternative("3", 0.999),))
    assert (judge(settled).status, judge(settled).value) == (Status.RECONCILED, parse_value("3"))
    assert judge(replace(settled, vouched=0)).status is Status.RECONCILED
    for change in ({"row_probability": 0.2}, {"at_odds": True}):
        assert judge(replace(settled, **change)).status is Status.REVIEW


def test_what_was_hardly_read_owes_its_value_to_the_relations_also_where_it_is_the_one_they_determine() -> None:
    hidden = evidence(reading(("?", 0.02), ("0", 0.012), ("1", 0.012)))
    settled = replace(hidden, settled=Alternative("1", 0.99), weighed=(Alternative("1", 0.99),))
    for first in ("?", "1"):
        known = replace(settled, reading=reading((first, 0.02)))
        assert (judge(known).status, judge(known).value) == (Status.RECONCILED, parse_value("1"))
    assert judge(replace(hidden, weighed=(Alternative("1", 0.99),))).status is Status.REVIEW


@pytest.mark.parametrize("text", ["", "-", "/"])
def test_a_sum_that_holds_does_not_tell_a_mark_from_a_zero(text: str) -> None:
    doubtful = evidence(reading((text, 0.93), ("0", 0.05)))
    assert judge(replace(doubtful, support=2)) == judge(doubtful)


@pytest.mark.parametrize("text", ["", "-", "/"])
def test_a_mark_where_hardly_any_cell_has_one_or_others_are_used_is_doubted(text: str) -> None:
    usual = evidence(reading((text, 0.999)))
    assert judge(beside(usual, alike=0.01)).confidence < judge(usual).confidence
    assert judge(beside(usual, rivals=0.4)).confidence < judge(usual).confidence


def test_a_blank_with_something_dark_in_it_is_not_taken_for_one_however_sure_the_readers() -> None:
    blank = evidence(reading(("", SURE)), ink=(0.05, 0.0))
    assert judge(blank).status is Status.ACCEPTED
    stained = judge(replace(blank, ink=(0.5, 0.0)), confidence.load(), 0.97)
    assert stained.status is Status.REVIEW
    assert stained.reasons[0] == "something that was not read is printed in it"


def test_what_its_readers_rather_doubt_is_not_accepted_whatever_else_speaks_for_it() -> None:
    """Noughts are the commonest figures, and a reader that is at a loss hits them by chance."""
    for read in (0.85, 0.4):
        known = beside(evidence(reading(("0", read), ("6", 0.05)), support=2), usual=SURE)
        assert judge(known, confidence.load(), 0.6).status is Status.REVIEW
    told = replace(known, weighed=(Alternative("0", 0.999),))
    assert judge(told, confidence.load()).confidence > judge(known, confidence.load()).confidence


def test_what_the_relations_rather_give_another_value_is_not_accepted_whatever_else_speaks_for_it() -> None:
    """A blot over a 1 is as round as a nought."""
    both = (reading(("0", 0.9)), reading(("0", 0.9)))
    found = replace(reading(("0", 0.92)), parts=both)
    blot = beside(evidence(found, broken=True), usual=SURE)
    kept = replace(blot, weighed=(Alternative("0", 0.81), Alternative("1", 0.18)))
    refuted = replace(blot, weighed=(Alternative("1", 0.81), Alternative("0", 0.18)))
    statuses = [judge(each, confidence.load(), 0.97).status for each in (kept, refuted)]
    assert statuses == [Status.ACCEPTED, Status.REVIEW]


def test_one_reader_alone_has_to_be_surer_than_two() -> None:
    """A figure with a note in words is read by the engine alone: of `20（其中修订17件）` it saw `0（其中修订17件）`."""
    alone = beside(evidence(reading(("0（其中修订17件）", 0.93))), usual=SURE)
    both = replace(alone.reading, parts=(alone.reading, alone.reading))
    assert judge(alone, confidence.load(), 0.97).status is Status.REVIEW
    assert judge(replace(alone, reading=both), confidence.load(), 0.97).status is Status.ACCEPTED


@pytest.mark.parametrize("text", ["0", "17"])
def test_a_figure_whose_borders_were_not_seen_is_accepted_only_where_an_equation_of_a_table_that_adds_up_bears_it_out(
    text: str,
) -> None:
    """Where the frame was taken for a column of ones, every nought stood in the next column, read rightly."""
    both = replace(reading((text, 0.99)), parts=(reading((text, SURE)), reading((text, SURE))))
    seen = evidence(both, support=1)
    assert judge(replace(seen, at_odds=True), confidence.load(), 0.97).status is Status.ACCEPTED
    unseen = replace(seen, quality=0.4)
    assert judge(unseen, confidence.load(), 0.97).status is Status.ACCEPTED
    for lacking in ({"support": 0}, {"at_odds": True}):
        judged = judge(replace(unseen, **lacking), confidence.load(), 0.97)  # type: ignore[arg-type]
        assert judged.status is Status.REVIEW
        assert judged.reasons[0] == "its borders were not all seen"


def test_a_column_found_by_its_place_alone_is_in_doubt_where_sums_say_that_figures_may_stand_elsewhere() -> None:
    """Rows that had one rule too many and one too few had as many cells as the form, and told others their places."""
    by_place = evidence(reading(("17", SURE)), column_probability=0.9)
    assert judge(by_place, confidence.load(), 0.97).status is Status.ACCEPTED
    judged = judge(replace(by_place, at_odds=True), confidence.load(), 0.97)
    assert judged.status is Status.REVIEW
    assert judged.reasons[0] == "which column of the form this is, is not certain"
    counted = replace(by_place, column_probability=1.0, at_odds=True)
    assert judge(counted, confidence.load(), 0.97).status is Status.ACCEPTED


@pytest.mark.parametrize(("text", "support", "lifted"), [("0", 0, False), ("0", 1, True), ("17", 0, True)])
def test_sums_of_nothing_but_noughts_make_none_surer_where_others_of_the_table_fail(
    text: str, support: int, lifted: bool
) -> None:
    """Noughts add up wherever they stand, also on a page on its head."""
    doubtful = evidence(reading((text, 0.85)), support=2, weighed=(Alternative(text, 0.999),))
    assert judge(doubtful, confidence.load(), 0.97).status is Status.ACCEPTED
    known = beside(replace(doubtful, at_odds=True, support=support), usual=SURE)
    lowered = judge(replace(known, weighed=None), confidence.load(), 0.97).confidence
    assert (judge(known, confidence.load(), 0.97).confidence > lowered) is lifted


def test_what_one_of_two_readers_saw_alone_counts() -> None:
    """A gap between two digits that the other one does not look at: two cells may have become one."""
    engine = reading(("3132", 0.996))
    parts = [(reading(("3132", first)), engine) for first in (0.994, 0.499)]
    sure, gap = (
        replace(evidence(reading(("3132", 0.996))), reading=Reading(engine.alternatives, "both", p)) for p in parts
    )
    assert judge(gap, confidence.load()).confidence < judge(sure, confidence.load()).confidence


def test_a_figure_that_lacks_a_digit_of_what_its_sum_demands_is_doubted_however_sure() -> None:
    known = evidence(reading(("752", SURE)))
    shortened = judge(replace(known, shortened=True), confidence.load(), 0.995)
    assert shortened.status is Status.REVIEW
    assert "a relation would hold if the figure had a digit more" in shortened.reasons
    assert shortened.value is None  # it stays as printed


@pytest.mark.parametrize(
    ("doubt", "reason"),
    [
        ("apart", "which row of the form this is, is not certain"),
        ("astray", "which column of the form this is, is not certain"),
    ],
)
def test_figures_under_a_label_of_several_rows_or_beside_their_columns_are_doubted(doubt: str, reason: str) -> None:
    judged = judge(replace(evidence(reading(("17", SURE)), support=2), **{doubt: True}), confidence.load(), 0.995)
    assert judged.status is Status.REVIEW
    assert judged.reasons[0] == reason


def table_of(*texts: tuple[str, float] | list[tuple[str, float]]) -> dict[CellKey, Reading]:
    cells = [text if isinstance(text, list) else [text] for text in texts]
    return {CellKey("t", str(row), "c"): reading(*each) for row, each in enumerate(cells)}


def test_a_mark_is_believed_where_the_rest_of_its_table_uses_it() -> None:
    doubtful = [("-", 0.6), ("4", 0.4)]
    usual = [
        company_of(table_of(doubtful, *others))[CellKey("t", "0", "c")]
        for others in ([("-", 0.99)] * 9, [("5", 0.99)] * 9)
    ]
    assert usual[0].usual > 0.9 > 0.2 > usual[1].usual
    assert [each.alike for each in usual] == [1.0, 0.0]
    assert usual[0].doubt_alike == pytest.approx(0.01)
    assert usual[1].doubt_alike == 1.0


@pytest.mark.parametrize("mark", ["", "-", "/"])
def test_a_mark_that_no_other_cell_of_its_table_holds_is_never_accepted(mark: str) -> None:
    """Of a figure that was rubbed out thresholding leaves a blank that no reader doubts."""
    known = evidence(reading((mark, SURE)))
    alone = judge(beside(known, alike=0.0), confidence.load())
    assert judge(known, confidence.load()).status is Status.ACCEPTED
    assert alone.status is Status.REVIEW
    assert "hardly another cell of the table holds such a mark" in alone.reasons


def test_a_blank_alone_in_a_column_of_noughts_has_no_company_in_other_columns() -> None:
    """Details are left blank, and one of the totals was rubbed out; where all totals are figures a dash may be one."""
    details = {CellKey("t", str(row), "detail"): reading(("", 0.99)) for row in range(9)}
    noughts, figures = (
        {CellKey("t", str(row), "total"): reading((text, 0.99)) for row in range(8)} for text in ("0", "7")
    )
    lone = {CellKey("t", "8", "total"): reading(("", 0.97))}
    assert company_of(details | noughts | lone)[CellKey("t", "8", "total")].alike == 0.0
    assert company_of(details | figures | lone)[CellKey("t", "8", "total")].alike > 0.4


def test_other_ways_to_write_what_did_not_occur_are_rivals_of_noughts_and_marks_alone() -> None:
    found = company_of(table_of(("0", 1.0), ("7", 1.0), ("/", 1.0), ("", 1.0), ("/", 1.0)))
    assert [found[CellKey("t", str(row), "c")].rivals for row in range(5)] == [0.75, 0.0, 0.25, 0.5, 0.25]


@given(
    st.lists(st.tuples(st.sampled_from(["", "-", "/", "0", "7", "12", "公开"]), PROBABILITIES), min_size=1, max_size=12)
)
def test_company_is_made_of_shares(texts: list[tuple[str, float]]) -> None:
    for each in company_of(table_of(*texts)).values():
        assert all(
            -1e-9 <= share <= 1 + 1e-9 for share in (each.alike, each.rivals, each.doubt, each.doubt_alike, each.usual)
        )


def test_print_that_is_paler_than_the_rest_of_its_table_is_doubted() -> None:
    """What shines through from the back of the page, or is part of a watermark, reads as figures too."""
    known = evidence(reading(("17", SURE)), ink=(1.0, 0.0))
    assert judge(known).status is Status.ACCEPTED
    pale = judge(replace(known, ink=(0.2, 0.0)), confidence.load())
    assert pale.status is Status.REVIEW
    assert pale.reasons[0] == "it is paler than the other print of its table"


def test_a_figure_that_reaches_the_border_may_have_lost_a_digit() -> None:
    known = evidence(reading(("728", SURE)), support=2, ink=(1.0, 0.1))
    cut = judge(replace(known, ink=(1.0, 0.9)), confidence.load())
    assert cut.confidence < judge(known, confidence.load()).confidence
    reasons = judge(replace(known, ink=(1.0, 0.9)), confidence.load(), 1.0).reasons
    assert "its print reaches the border, so a digit may be missing" in reasons


def test_a_row_with_a_row_below_it_that_is_on_no_form_is_doubted_whole() -> None:
    """What the row says may be said in two rows."""
    known = evidence(reading(("17", SURE)), support=2)
    judged = judge(replace(known, stray_below=True), confidence.load(), 0.998)
    assert judge(known, confidence.load(), 0.998).status is Status.ACCEPTED
    assert judged.status is Status.REVIEW
    assert judged.reasons[0] == "which row of the form this is, is not certain"


@pytest.mark.parametrize("text", ["予以公开", "1O4", "12/", "二十", "3 4"])
def test_text_that_is_neither_figure_nor_mark_goes_to_review_however_sure_the_reader(text: str) -> None:
    judged = judge(evidence(reading((text, 1.0)), support=2), accept=0.4)
    assert judged.status is Status.REVIEW
    assert judged.confidence <= 0.5
    assert judged.reasons == (f"“{text}” is neither a number nor a mark",)


def test_a_threshold_is_the_lowest_that_keeps_the_risk_or_the_least_that_is_borne_out() -> None:
    found = [MODEL.threshold(risk) for risk in (1e-5, 1e-4, 1e-3, 0.1)]
    assert [each.confidence for each in found] == [0.999, 0.999, 0.99, 0.6]
    assert found[0].risk > 1e-5  # whoever asks for it can see that it is not kept


def test_the_model_in_use_promises_no_less_where_less_is_asked_for() -> None:
    thresholds = [confidence.load().threshold(risk) for risk in (1e-5, 1e-4, 1e-3, 1e-2)]
    assert [each.confidence for each in thresholds] == sorted((e.confidence for e in thresholds), reverse=True)
    assert all(each.risk <= risk for each, risk in zip(thresholds[2:], (1e-3, 1e-2), strict=True))


def test_what_is_written_is_read_again_and_nothing_else(tmp_path: Path) -> None:
    save(tmp_path, MODEL)
    assert replace(load_from(tmp_path), identity=MODEL.identity) == MODEL
    path = tmp_path / "model.json"
    path.write_text(path.read_text().replace("0.999", "0.1"))
    with pytest.raises(ModelError, match="not the file its manifest describes"):
        load_from(tmp_path)


@pytest.mark.parametrize("spoiled", ["a weight less", "no thresholds", "another format"])
def test_a_model_of_another_version_is_refused(tmp_path: Path, spoiled: str) -> None:
    save(tmp_path, MODEL)
    path = tmp_path / "model.json"
    content = json.loads(path.read_text())
    match spoiled:
        case "a weight less":
            del content["place"]["weights"]["column_9"]
        case "no thresholds":
            content["thresholds"] = []
        case _:
            content["format"] = 99
    path.write_text(json.dumps(content))
    manifest = {"sha256": __import__("hashlib").sha256(path.read_bytes()).hexdigest()}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError):
        load_from(tmp_path)


def table(path: Path, lines: list[dict[str, object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval=0)
        writer.writeheader()
        writer.writerows(lines)


def test_training_learns_doubts_and_chooses_thresholds_by_cells_it_was_not_fitted_to(tmp_path: Path) -> None:
    lines: list[dict[str, object]] = []
    for split in ("train", "test"):
        for number in range(3000):
            doubtful, misplaced = number % 10 == 0, number % 500 == 1
            known = {"share": 1, "placed": int(not misplaced), "right": int(not doubtful or number % 20 == 0)}
            lines.append({**known, "read_9": 6.0 * doubtful, "row_9": 8.0 * misplaced, "split": split})
            lines[-1] |= {"font": f"{'abc'[number % 3]}+times", "damage": ("bad", "good+fax")[number % 2]}
    path = tmp_path / "cells.csv.gz"
    table(path, lines)
    found = fit(path)
    assert found.model.reading.weights[READING.index("read_9")] > 0
    assert found.model.place.weights[PLACE.index("row_9")] > 0
    assert found.model.reading.weights[READING.index("unseen")] == 0  # nothing is to be learned of it
    assert found.tested.calibration_error < 0.01
    strict = next(each for each in found.promises if each.risk == 3e-3)
    assert strict.bound <= 3e-3
    assert (strict.wrong, strict.cells) == (0, 2694)
    assert fit(path).model == found.model


@pytest.mark.parametrize("content", ["nothing", "other columns", "no test", "no table"])
def test_training_refuses_what_teaches_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cells.csv.gz"
    match content:
        case "other columns":
            path.write_bytes(gzip.compress(b"one,two\n"))
        case "no test":
            table(path, [{"split": "train", "placed": 1}, {"split": "train"}])
        case "no table":
            path.write_bytes(b"one,two\n")
    with pytest.raises(UsageError):
        fit(path)


def test_a_clean_cell_has_no_doubt_against_it() -> None:
    known = evidence(reading(("7", SURE)), support=2)
    named = dict(zip(READING, against_reading(known), strict=True)) | dict(
        zip(PLACE, against_place(known), strict=True)
    )
    assert {name for name, doubt in named.items() if doubt > 1e-6} == {"digits"}
