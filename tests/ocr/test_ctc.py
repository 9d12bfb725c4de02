"""Decoding agrees with the definition: a text's probability is the sum over all its stretchings."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr import ctc


def _enumerate(probabilities: np.ndarray, characters: str) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for path in itertools.product(range(probabilities.shape[1]), repeat=len(probabilities)):
        collapsed = [index for index, _ in itertools.groupby(path) if index != 0]
        weight = float(np.prod([row[index] for row, index in zip(probabilities, path, strict=True)]))
        sums["".join(characters[index - 1] for index in collapsed)] += weight
    return sums


@given(st.integers(0, 10_000))
def test_wide_beam_is_exact(seed: int) -> None:
    rows = np.random.default_rng(seed).dirichlet(np.ones(3), size=4).astype(np.float32)
    expected = _enumerate(rows, "01")
    found = {a.text: a.probability for a in ctc.beam(rows, "01", width=100)}
    for text, probability in found.items():
        assert probability == pytest.approx(expected[text], abs=1e-3)
    assert max(expected, key=lambda text: expected[text]) == next(iter(found))


def test_mass_outside_the_alphabet_is_lost_to_every_text() -> None:
    rows = np.array([[0.05, 0.15], [0.9, 0.1]], dtype=np.float32)
    assert sum(a.probability for a in ctc.beam(rows, "0")) <= 0.2 + 1e-6


def test_double_digit_needs_a_blank_between() -> None:
    with_blank = np.array([[0.01, 0.99], [0.99, 0.01], [0.01, 0.99]], dtype=np.float32)
    without = np.array([[0.01, 0.99], [0.01, 0.99]], dtype=np.float32)
    assert ctc.beam(with_blank, "6")[0].text == "66"
    assert ctc.beam(without, "6")[0].text == "6"
    assert ctc.greedy(with_blank, "6").text == "66"


def test_greedy_without_characters_is_empty_with_probability_nought() -> None:
    found = ctc.greedy(np.array([[0.9, 0.1]], dtype=np.float32), "0")
    assert (found.text, found.probability) == ("", 0.0)
