import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.labels.alignment import Alignment, align

OFF_FORM = "off form"
LOST = "lost"


def aligned(labels: list[int | str], rows: int, certainty: float = 0.97) -> Alignment:
    """Align rows whose labels say, with this certainty, which row of the form they are."""
    scores = np.full((len(labels), rows), (1 - certainty) / rows)
    reject = np.full(len(labels), (1 - certainty) / rows)
    for index, label in enumerate(labels):
        if label == OFF_FORM:
            reject[index] = certainty
        elif label == LOST:
            scores[index] = reject[index] = 1 / rows
        else:
            scores[index, int(label)] = certainty
    return align(np.log(scores), np.log(reject))


def test_a_complete_table_maps_row_by_row() -> None:
    result = aligned(list(range(25)), 25)
    assert result.assignment == tuple(range(25))
    assert min(result.probabilities) > 0.99


def test_an_added_row_is_left_out() -> None:
    result = aligned([0, 1, OFF_FORM, 2, 3], 4)
    assert result.assignment == (0, 1, None, 2, 3)
    assert min(result.probabilities) > 0.99


def test_a_missing_row_is_skipped() -> None:
    assert aligned([0, 1, 3, 4], 5).assignment == (0, 1, 3, 4)


def test_rows_without_labels_take_their_places_from_their_neighbours() -> None:
    result = aligned([0, LOST, 2, LOST, LOST, 5], 6)
    assert result.assignment == (0, 1, 2, 3, 4, 5)
    assert min(result.probabilities) > 0.99


def test_a_table_without_any_label_maps_by_count() -> None:
    assert aligned([LOST] * 8, 8).assignment == tuple(range(8))


def test_a_row_without_label_that_may_stand_in_two_places_is_not_sure() -> None:
    result = aligned([0, LOST, 3], 4)
    assert result.assignment[1] in (1, 2)
    assert result.probabilities[1] < 0.6
    assert result.margins[1] < 0.3


def test_one_wrong_label_does_not_move_its_row() -> None:
    result = aligned([0, 1, 4, 3, 4, 5], 6)
    assert result.assignment == (0, 1, 2, 3, 4, 5)


def test_a_row_printed_in_two_pieces_keeps_its_place() -> None:
    assert aligned([0, 1, 1, 2, 3], 4).assignment == (0, 1, 1, 2, 3)


def test_a_fragment_after_a_page_break_finds_its_place() -> None:
    result = aligned([14, 15, 16, LOST, 18], 25)
    assert result.assignment == (14, 15, 16, 17, 18)


def test_labels_that_are_certainly_off_the_form_win_over_the_count() -> None:
    assert aligned([0, OFF_FORM, 1, 3], 4, certainty=0.9999).assignment == (0, None, 1, 3)


def test_the_right_form_explains_the_rows_better() -> None:
    printed = np.log(np.full((6, 6), 0.005) + 0.97 * np.eye(6))
    reject = np.log(np.full(6, 0.005))
    whole = align(printed, reject).score
    lacking = align(np.delete(printed, 3, axis=1), reject).score
    assert whole > lacking + 3


def test_nothing_printed_maps_to_nothing() -> None:
    assert align(np.zeros((0, 5)), np.zeros(0)).assignment == ()


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        align(np.zeros((3, 5)), np.zeros(2))
    with pytest.raises(ValueError, match="do not fit"):
        align(np.zeros((3, 0)), np.zeros(3))


@given(st.integers(0, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_any_scores_give_a_map_in_order_with_probabilities(printed: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    likely = rng.dirichlet(np.full(rows + 1, 0.3), size=printed).reshape(printed, rows + 1) + 1e-12
    result = align(np.log(likely[:, :rows]), np.log(likely[:, rows]))
    places = [place for place in result.assignment if place is not None]
    assert places == sorted(places)
    assert len(result.assignment) == printed
    assert all(0 <= place < rows for place in places)
    assert all(0 <= p <= 1 + 1e-9 for p in result.probabilities)
    assert all(-1 <= m <= p + 1e-9 for m, p in zip(result.margins, result.probabilities, strict=True))


@given(st.integers(2, 20), st.data())
def test_an_omitted_and_an_added_row_are_both_found(rows: int, data: st.DataObject) -> None:
    omitted = data.draw(st.integers(0, rows - 1))
    added = data.draw(st.integers(0, rows))
    labels: list[int | str] = [row for row in range(rows) if row != omitted]
    labels.insert(min(added, len(labels)), OFF_FORM)
    result = aligned(labels, rows, certainty=0.9999)
    expected = tuple(None if label == OFF_FORM else label for label in labels)
    assert result.assignment == expected
