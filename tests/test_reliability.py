"""Measures of confidence, on cases small enough to count by hand."""

from __future__ import annotations

import pytest

from pipeline.reliability import Judged, Reliability, measure, upper_bound


def judged(*cells: tuple[float, bool], bins: int = 15) -> Reliability:
    found = measure([Judged(confidence, right, confidence >= 0.9) for confidence, right in cells], bins)
    assert found is not None
    return found


def test_nothing_is_measured_without_cells() -> None:
    assert measure([]) is None


def test_bins_are_closed_below_and_the_last_one_holds_certainty() -> None:
    bins = judged((0.0, False), (0.5, True), (0.9999, True), (1.0, True), (0.99989, False)).bins
    assert {each.low: each.cells for each in bins if each.cells} == {0.0: 1, 0.5: 1, 0.999: 1, 0.9999: 2}
    assert bins[-1].mean_confidence == pytest.approx(0.99995)
    assert (bins[-1].share_right, bins[2].share_right) == (1.0, None)


def test_calibration_error_is_the_mean_distance_over_bins_of_equal_mass() -> None:
    assert judged((0.8, True), (0.8, True), (0.8, True), (0.8, True), (0.8, False)).calibration_error == pytest.approx(
        0
    )
    two = [(0.6, False), (0.6, True), (0.9, True), (0.9, True)]
    assert judged(*two, bins=2).calibration_error == pytest.approx((0.1 + 0.1) / 2)
    assert judged(*two, bins=1).calibration_error == pytest.approx(0)
    uneven = [(0.5, True)] * 7 + [(1.0, True)]  # the seven stay together, whatever their number
    assert judged(*uneven, bins=4).calibration_error == pytest.approx(7 / 8 * 0.5)


def test_the_curve_goes_from_the_most_confident_to_all() -> None:
    curve = judged((0.9, False), (1.0, True), (0.5, True), (1.0, True)).curve
    assert [(p.confidence, p.coverage, p.risk) for p in curve] == [
        (1.0, 0.5, 0.0),
        (0.9, 0.75, 1 / 3),
        (0.5, 1.0, 0.25),
    ]


def test_the_area_does_not_depend_on_the_order_of_ties() -> None:
    assert judged((0.9, True), (0.5, False)).area == pytest.approx((0 + 1 / 2) / 2)
    assert judged((0.9, True), (0.9, False)).area == judged((0.9, False), (0.9, True)).area == pytest.approx(0.5)


def test_accepted_cells_and_their_bound() -> None:
    found = judged(*[(1.0, True)] * 99, (0.95, False), (0.3, False))
    assert (found.accepted, found.wrong, found.risk) == (100, 1, 0.01)
    assert found.coverage == pytest.approx(100 / 101)
    assert found.risk_bound == pytest.approx(0.0466, abs=1e-4)
    assert found.risk_at(0.5).risk == 0.0
    assert found.risk_at(1.0).confidence == 0.3


def test_without_an_error_the_bound_is_the_rule_of_three() -> None:
    assert upper_bound(0, 1000) == pytest.approx(1 - 0.05 ** (1 / 1000))
    assert (upper_bound(0, 0), upper_bound(5, 5)) == (1.0, 1.0)


def test_nothing_accepted_has_no_risk() -> None:
    found = judged((0.1, True))
    assert (found.risk, found.risk_bound) == (None, 1.0)
