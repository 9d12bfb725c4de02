"""Whether one classifier is worse than another beyond noise: losses are told, chance is not, calibration counts."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.domain import LabelContext
from pipeline.labels.classifier import LabelClassifier
from pipeline.labels.dataset import Example
from pipeline.retrain.comparison import Comparison, chance_of, compare

ROW, GROUP = "row/requests/received", "group/requests/received"


class Fixed(LabelClassifier):
    """Gives the labels named by number the right answer and all others a wrong one, with one confidence."""

    def __init__(self, understood: Sequence[int], confidence: float = 0.9) -> None:
        self.classes = (ROW, GROUP, "other")
        self._understood, self._confidence = set(understood), confidence

    def probabilities(self, contexts: Sequence[LabelContext]) -> NDArray[np.float64]:
        rest = (1 - self._confidence) / 2
        likely = np.full((len(contexts), 3), rest)
        for line, context in enumerate(contexts):
            number = int(context.text)
            truth = number % 2
            likely[line, truth if number in self._understood else 1 - truth] = self._confidence
        return likely


def labels(count: int, source: str = "deviation:gloss", first: int = 0) -> list[Example]:
    return [
        Example((ROW, GROUP)[number % 2], LabelContext(str(number)), "", source)
        for number in range(first, first + count)
    ]


def compared(before: Fixed, after: Fixed, examples: Sequence[Example]) -> Comparison:
    return compare(before, after, {"held out": examples})


def names(made: Comparison) -> set[str]:
    return {category.name for category in made.worse}


def test_a_loss_in_one_category_is_told_although_the_whole_gains() -> None:
    examples = [*labels(200), *labels(40, "ocr:rapidocr:serif:fax", first=200)]
    made = compared(Fixed(range(100, 240)), Fixed(range(220)), examples)
    assert names(made) == {"held out: ocr:rapidocr"}
    lost = {c.name: (c.labels, c.before, c.after, c.lost, c.gained) for c in made.categories}
    assert lost["held out: ocr:rapidocr"] == (40, 40, 20, 20, 0)
    assert lost["held out: all"] == (240, 140, 220, 20, 100)
    assert lost["held out: row"] == (120, 70, 110, 10, 50)


def test_a_few_labels_that_change_are_noise() -> None:
    made = compared(Fixed(range(200)), Fixed(range(4, 200)), labels(200))
    assert made.worse == ()


def test_being_misled_with_certainty_counts_apart() -> None:
    everything = labels(100)
    made = compared(Fixed(range(60), 0.9), Fixed(range(60), 0.98), everything)
    assert names(made) == {"held out: not misled"}
    assert made.miscalibrated


def test_a_better_calibrated_classifier_is_not_blamed() -> None:
    made = compared(Fixed(range(90), 0.99), Fixed(range(90), 0.9), labels(100))
    assert (made.worse, made.miscalibrated) == ((), False)
    assert made.error_after < made.error_before


def test_two_that_are_equally_good_are_rarely_told_apart() -> None:
    chance = np.random.default_rng(5)
    examples = [e for n in range(8) for e in labels(50, f"deviation:{n}", first=50 * n)]
    blamed = 0
    for _ in range(60):
        either = [np.flatnonzero(chance.random(400) < 0.9) for _ in range(2)]
        blamed += bool(compared(Fixed(either[0]), Fixed(either[1]), examples).worse)
    assert blamed <= 7  # 3 are expected at the level of 5 %; more than 7 would be one chance in fifty


@given(st.integers(0, 40), st.integers(0, 40))
def test_chance_is_a_tail_of_the_binomial(lost: int, gained: int) -> None:
    assert 0 < chance_of(lost, gained) <= 1
    if lost:
        assert isclose(chance_of(lost, gained) + chance_of(gained + 1, lost - 1), 1)


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_labels_are_no_evidence(count: int) -> None:
    made = compared(Fixed([]), Fixed([]), labels(count))
    assert (made.worse, made.miscalibrated) == ((), False)
