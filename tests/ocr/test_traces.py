"""What may be printed beside the glyphs of a cell leaves a doubt in its reading."""

from __future__ import annotations

import numpy as np

from pipeline.ocr.numerals import NumeralReader
from tests.ocr.drawing import LATIN, cell


def test_the_trace_of_a_point_leaves_both_readings(reader: NumeralReader) -> None:
    picture = cell("12.5", font=LATIN, size=28, shape=(60, 160))
    columns = np.flatnonzero((picture < 140).any(axis=0))
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    point = slice(int(runs[2][0]) - 2, int(runs[2][-1]) + 3)
    picture[:, point] = 235 - (235 - picture[:, point].astype(np.int16)) * 0.28
    texts = {a.text: a.probability for a in reader.read([picture])[0].alternatives}
    assert texts["125"] > 0.3
    assert texts["12.5"] > 0.3


def test_a_stroke_as_high_as_the_figure_at_the_border_may_be_a_1(reader: NumeralReader) -> None:
    picture = cell("204", size=28, shape=(60, 90))
    rows = np.flatnonzero((picture < 140).any(axis=1))
    assert reader.read([picture])[0].probability > 0.99
    picture[rows[0] : rows[-1] + 1, :4] = 40
    texts = {a.text: a.probability for a in reader.read([picture])[0].alternatives}
    assert texts["1204"] > 0.2


def test_print_that_the_border_cuts_through_is_not_claimed(reader: NumeralReader) -> None:
    whole = cell("6304", size=28, shape=(60, 160))
    columns = np.flatnonzero((whole < 128).any(axis=0))
    rows = np.flatnonzero((whole < 128).any(axis=1))
    three = int(columns[0] + 0.375 * (columns[-1] - columns[0]))
    left = np.ascontiguousarray(whole[:, :three])
    assert reader.read([left])[0].probability < 0.99
    upper = np.ascontiguousarray(whole[: int(rows[0] + rows[-1]) // 2 + 1])
    assert reader.read([upper])[0].probability < 0.99


def test_specks_where_a_sign_would_be_leave_a_doubt(reader: NumeralReader) -> None:
    picture = cell("6", size=28, shape=(60, 160))
    assert reader.read([picture])[0].probability > 0.99
    rows, columns = (np.flatnonzero((picture < 128).any(axis=axis)) for axis in (1, 0))
    middle, left = int(rows.mean()), int(columns[0])
    specks = picture.copy()
    for x in (left - 20, left - 14, left - 9):
        specks[middle : middle + 2, x : x + 2] = 60
    assert reader.read([specks])[0].probability < 0.9
    picture[middle : middle + 2, left - 9 : left - 7] = 60
    assert "-6" in [a.text for a in reader.read([picture])[0].alternatives if a.probability > 0.1]
