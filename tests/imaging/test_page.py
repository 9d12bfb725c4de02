"""Cleaning of pages: colour, light, level, and the way back to the page as decoded."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain import BoundingBox, PageImage, Pixels
from pipeline.geometry import corners
from pipeline.imaging import clean, clean_glance, close_up, glance, has_rules, orientation_candidates, turn
from pipeline.imaging.streaks import without_streaks
from pipeline.tables import find_lines


def sheet(width: int = 1654, height: int = 2339) -> Pixels:
    """An A4 page of 200 dpi with lines of text and a table."""
    page = np.full((height, width), 255, np.uint8)
    for y in range(200, 900, 60):
        cv2.putText(page, "HEADING AND TEXT OF A REPORT " * 2, (160, y), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0,), 2)
    for y in range(1000, 1501, 50):
        cv2.line(page, (160, y), (1460, y), (0,), 2)
    for x in range(160, 1461, 260):
        cv2.line(page, (x, 1000), (x, 1500), (0,), 2)
    return page


def test_a_red_seal_fades_and_ink_under_it_stays() -> None:
    page = cv2.cvtColor(sheet(), cv2.COLOR_GRAY2RGB)
    seal = np.zeros(page.shape[:2], np.uint8)
    cv2.circle(seal, (600, 1250), 150, (255,), 20)
    seen = np.where((seal > 0)[..., None], (page.astype(np.uint16) * np.array([235, 60, 60]) // 255), page)
    cleaned = clean(PageImage(1, seen.astype(np.uint8), 200.0)).pixels
    assert cleaned[1250 + 25, 450] > 180
    assert cleaned[1249:1252, 450].min() < 60


@pytest.mark.parametrize(("paper", "ink"), [((255, 255, 255), (235, 120, 120)), ((240, 238, 215), (120, 130, 235))])
def test_a_seal_in_shade_and_grain_comes_out_as_light_as_the_paper_around(
    paper: tuple[int, int, int], ink: tuple[int, int, int]
) -> None:
    seal = np.zeros((2339, 1654), np.uint8)
    cv2.circle(seal, (600, 1250), 100, (255,), cv2.FILLED)
    light = np.linspace(0.95, 0.7, 1654)[None, :, None] * np.array(paper) / 255.0
    inked = np.where(seal[..., None] > 0, np.array(ink) / 255.0, 1.0) * light * sheet()[..., None]
    grain = np.random.default_rng(3).normal(0.0, 12.0, (*seal.shape, 1))
    cleaned = clean(PageImage(1, np.clip(inked + grain, 0, 255).astype(np.uint8), 200.0)).pixels
    # Between the rules of the table, and beside the seal.
    under, beside = cleaned[1255:1295, 560:670].astype(int), cleaned[1255:1295, 720:830].astype(int)
    assert abs(np.median(under) - np.median(beside)) <= 5
    assert abs(under.std() - beside.std()) <= 4
    rule, clear = cleaned[1249:1252, 560:670].astype(int), cleaned[1249:1252, 720:830].astype(int)
    assert rule.min(axis=0).mean() < clear.min(axis=0).mean() + 25


def test_light_is_evened() -> None:
    shade = np.linspace(1.0, 0.55, 1654)[None, :]
    cleaned = clean(PageImage(1, (sheet() * shade).astype(np.uint8), 200.0)).pixels
    paper = cleaned[1700:2200]
    assert paper.min() > 225


@pytest.mark.parametrize("angle", [-14.0, -3.0, 0.0, 6.0])
def test_skew_is_removed_and_points_lead_back(angle: float) -> None:
    matrix = cv2.getRotationMatrix2D((827, 1170), angle, 0.8)
    turned = cv2.warpAffine(sheet(), matrix, (1654, 2339), borderValue=255)
    page = clean(PageImage(1, turned, 200.0))
    ends = np.array([[160.0, 1000.0], [1460.0, 1000.0]]) @ matrix[:, :2].T + matrix[:, 2]
    level = page.to_page.from_parent(ends)
    assert abs(level[0, 1] - level[1, 1]) < 6
    assert np.allclose(page.to_page.to_parent(level), ends, atol=0.01)


@pytest.mark.parametrize("angle", [-8.0, 0.0, 3.0])
def test_a_page_of_slanting_writing_is_levelled_by_its_lines(angle: float) -> None:
    page = np.full((2339, 1654), 255, np.uint8)
    for y in range(400, 1900, 60):
        for x in range(300, 1350, 34):
            # Strokes that lean by 15 degrees, as those of a brush do, are longer than anything that is level.
            cv2.line(page, (x, y + 24), (x + 7, y), (60,), 3)
            cv2.line(page, (x - 6, y + 16), (x + 16, y + 8), (60,), 3)
    matrix = cv2.getRotationMatrix2D((827, 1170), angle, 0.9)
    cleaned = clean(PageImage(1, cv2.warpAffine(page, matrix, (1654, 2339), borderValue=255), 200.0))
    ends = np.array([[300.0, 1012.0], [1350.0, 1012.0]]) @ matrix[:, :2].T + matrix[:, 2]
    level = cleaned.to_page.from_parent(ends)
    assert abs(level[0, 1] - level[1, 1]) < 8


def test_the_lid_of_a_scanner_does_not_tell_how_the_page_lies() -> None:
    matrix = cv2.getRotationMatrix2D((827, 1170), 2.0, 0.8)
    seen = cv2.warpAffine(sheet(), matrix, (1654, 2339), borderValue=255)
    seen[:, :60], seen[:40] = 0, 0
    page = clean(PageImage(1, np.asarray(seen, dtype=np.uint8), 200.0))
    ends = np.array([[160.0, 1000.0], [1460.0, 1000.0]]) @ matrix[:, :2].T + matrix[:, 2]
    level = page.to_page.from_parent(ends)
    assert abs(level[0, 1] - level[1, 1]) < 6


@pytest.mark.parametrize(("size", "dpi"), [((1654, 2339), 200.0), ((2481, 3508), 200.0), ((827, 1169), 150.0)])
def test_the_working_resolution_suits_small_characters(size: tuple[int, int], dpi: float) -> None:
    page = PageImage(1, cv2.resize(sheet(), size, interpolation=cv2.INTER_AREA).astype(np.uint8))
    cleaned = clean(page)
    assert cleaned.dpi == pytest.approx(dpi, rel=0.03)
    whole = BoundingBox(0, 0, cleaned.pixels.shape[1], cleaned.pixels.shape[0])
    assert np.allclose(cleaned.to_page.to_parent(corners(whole))[2], size, atol=2)


def test_a_stated_resolution_that_fits_no_paper_is_not_believed() -> None:
    assert clean(PageImage(1, sheet(), 72.0)).dpi == pytest.approx(200, rel=0.03)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turned_page_is_offered_level_first(quarters: int) -> None:
    page = clean(PageImage(1, np.ascontiguousarray(np.rot90(sheet(), quarters)), 200.0))
    assert orientation_candidates(page)[0] % 2 == quarters % 2
    upright = turn(page, -quarters)
    assert upright.pixels.shape == sheet().shape
    there = page.to_page.to_parent(np.array([[10.0, 20.0]]))
    assert np.allclose(upright.to_page.to_parent(upright.to_page.from_parent(there)), there)


def test_a_glance_tells_pages_with_rules() -> None:
    narrative = sheet()
    narrative[950:1550] = 255
    assert has_rules(glance(PageImage(1, sheet())))
    assert not has_rules(glance(PageImage(1, narrative)))
    assert not has_rules(glance(PageImage(1, np.full((2339, 1654), 255, np.uint8))))


def test_a_glance_tells_rules_much_paler_than_print() -> None:
    page = sheet()
    table = page[950:1550]
    table[table < 255] = 235
    for angle in (0.0, 2.0):
        matrix = cv2.getRotationMatrix2D((827, 1170), angle, 0.9)
        turned = cv2.warpAffine(page, matrix, (1654, 2339), borderValue=255)
        assert has_rules(glance(PageImage(1, np.asarray(turned, dtype=np.uint8))))


@pytest.mark.parametrize("angle", [-7.0, 0.0, 3.0])
@pytest.mark.parametrize("dpi", [100.0, 200.0, 300.0])
def test_a_line_seen_at_a_glance_is_cut_from_the_page_itself(angle: float, dpi: float) -> None:
    page = sheet()
    page[950:1550] = 255
    matrix = cv2.getRotationMatrix2D((827, 1170), angle, 0.8) * (dpi / 200.0)
    size = (round(1654 * dpi / 200.0), round(2339 * dpi / 200.0))
    seen = PageImage(1, np.asarray(cv2.warpAffine(page, matrix, size, borderValue=255), dtype=np.uint8), dpi)
    level = clean_glance(seen, glance(seen))
    lines = find_lines(level, ())
    assert len(lines) == 12
    cut = close_up(seen, level, lines[5])
    assert cut.shape[0] > 1.4 * lines[5].pixels.shape[0]
    as_drawn = page[500 - 32 : 500 + 10, 150:600]
    scale = cut.shape[1] / lines[5].pixels.shape[1] * level.dpi / 200.0 * 0.8
    sought = cv2.resize(as_drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    room = cv2.copyMakeBorder(cut, 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=(250,))
    assert cv2.matchTemplate(room, sought, cv2.TM_CCOEFF_NORMED).max() > 0.85


def test_a_page_of_few_lines_and_much_grain_is_levelled() -> None:
    page = np.full((2339, 1654), 235, np.uint8)
    for y in (300, 360, 420):
        cv2.putText(page, "HEADING AND TEXT OF A REPORT", (160, y), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20,), 2)
    matrix = cv2.getRotationMatrix2D((827, 1170), 4.0, 0.9)
    turned = cv2.warpAffine(page, matrix, (1654, 2339), borderValue=235).astype(np.float64)
    grain = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 40, turned.shape), (0, 0), 1.5)
    seen = PageImage(1, np.clip(turned + grain, 0, 255).astype(np.uint8), 200.0)
    ends = np.array([[160.0, 300.0], [660.0, 300.0]]) @ matrix[:, :2].T + matrix[:, 2]
    level = clean(seen, ruled=False).to_page.from_parent(ends)
    assert abs(level[0, 1] - level[1, 1]) < 4


@pytest.mark.parametrize("gap", [0, 3], ids=["whole", "worn"])
def test_streaks_of_the_scanner_go_and_rules_stay(gap: int) -> None:
    page = sheet()
    streaked = page.copy()
    streaked[:, 700:702] = np.minimum(streaked[:, 700:702], 150)
    for row in range(gap):
        streaked[200 + row : -200 : 8, 700:702] = page[200 + row : -200 : 8, 700:702]
    cleared = without_streaks(streaked)
    assert (cleared[:, 690:712] < 200).mean() < (page[:, 690:712] < 200).mean() + 0.01
    assert np.array_equal(cleared[:, :690], page[:, :690])
    assert np.array_equal(without_streaks(page), page)


@pytest.mark.parametrize("passed", [0.6, 0.0], ids=["pale", "black"])
def test_print_under_a_streak_of_the_scanner_stays(passed: float) -> None:
    page = sheet()
    cv2.putText(page, "8", (600, 1600), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (0,), 3)
    ink = np.flatnonzero((page[1560:1605, 590:640] < 100).any(axis=0)) + 590
    for left in [int(ink[0]), int(ink.mean())] if passed else [int(ink.mean())]:
        streaked = page.copy()
        streaked[:, left : left + 2] = np.round(streaked[:, left : left + 2] * passed)
        part = slice(1550, 1610), slice(left - 1, left + 3)
        assert np.count_nonzero((without_streaks(streaked)[part] < 128) ^ (page[part] < 128)) <= 6


@pytest.mark.parametrize("ink", [0, 180, 215])
def test_faint_lines_of_text_tell_how_a_page_lies(ink: int) -> None:
    faint = (ink + sheet().astype(np.float64) * (255 - ink) / 255).astype(np.uint8)
    assert orientation_candidates(clean(PageImage(1, faint, 200.0)))[0] in {0, 2}
    lying = np.ascontiguousarray(np.rot90(faint))
    assert orientation_candidates(clean(PageImage(1, lying, 200.0)))[0] in {1, 3}
