"""Pages stacked in one tall picture are told apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipeline.documents import cut_long_page
from pipeline.domain import PageImage
from tests.documents.builders import picture


def _cut(image: Image.Image) -> tuple[tuple[int, int], ...]:
    return cut_long_page(PageImage(1, np.asarray(image)))


def _stack(*images: Image.Image) -> Image.Image:
    tall = Image.new(images[0].mode, (images[0].width, sum(image.height for image in images)))
    y = 0
    for image in images:
        tall.paste(image, (0, y))
        y += image.height
    return tall


def _photograph(seed: int, height: int = 1754) -> Image.Image:
    """A page lying askew on a desk of its own brightness, lit from one side, with noise."""
    rng = np.random.default_rng(seed)
    desk = int(rng.integers(60, 180))
    page = picture(1060, round(height * 0.93), int(rng.integers(215, 250)), seed)
    turned = page.rotate(float(rng.uniform(-3, 3)), expand=True, fillcolor=desk, resample=Image.Resampling.BILINEAR)
    sheet = Image.new("L", (1240, height), desk)
    sheet.paste(turned, ((1240 - turned.width) // 2, (height - turned.height) // 2))
    light = np.linspace(rng.uniform(0.8, 1.0), rng.uniform(0.8, 1.0), 1240)[None, :]
    noisy = np.asarray(sheet) * light + rng.normal(0, 4, (height, 1240))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("size", [(1240, 1754), (1754, 1240), (1000, 1890)])
def test_an_ordinary_page_is_left_whole(size: tuple[int, int]) -> None:
    assert _cut(picture(*size)) == ((0, size[1]),)


@pytest.mark.parametrize("pages", [2, 3, 5])
def test_stacked_a4_pages(pages: int) -> None:
    ranges = _cut(_stack(*(picture(1240, 1754, seed=seed) for seed in range(pages))))
    assert len(ranges) == pages
    assert all(abs(y0 - 1754 * index) <= 3 for index, (y0, _) in enumerate(ranges))


@pytest.mark.parametrize("pages", [3, 4])
def test_stacked_a4_pages_that_lie_on_their_side(pages: int) -> None:
    lying = [picture(1240, 1754, seed=seed).rotate(90, expand=True) for seed in range(pages)]
    ranges = _cut(_stack(*lying))
    assert len(ranges) == pages
    assert all(abs(y0 - 1240 * index) <= 3 for index, (y0, _) in enumerate(ranges))


def test_the_ranges_follow_each_other_and_cover_the_picture() -> None:
    ranges = _cut(_stack(*(picture(700, 1200, seed=seed) for seed in range(3))))
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 3600
    assert all(before[1] == after[0] for before, after in pairwise(ranges))


@pytest.mark.parametrize("heights", [(1754, 1754, 1754), (1500, 1754, 1600), (1240, 1900, 1400, 1754)])
def test_photographs_of_differing_slant_light_and_height(heights: tuple[int, ...]) -> None:
    ranges = _cut(_stack(*(_photograph(seed, height) for seed, height in enumerate(heights))))
    seams = np.cumsum(heights)[:-1]
    cuts = [y0 for y0, _ in ranges[1:]]
    for seam in seams:
        assert min(abs(cut - seam) for cut in cuts) < 80, (cuts, seams)


@pytest.mark.parametrize("heights", [(1754, 1754, 1754), (1780, 1700, 1800, 1660)])
def test_photographs_on_one_desk_whose_light_changes_little(heights: tuple[int, ...]) -> None:
    rng = np.random.default_rng(8)
    sheets = []
    for number, height in enumerate(heights):
        page = picture(1060, height - 120, 235, number)
        turned = page.rotate((-6, 5, -4, 6)[number], expand=True, fillcolor=120, resample=Image.Resampling.BILINEAR)
        sheet = Image.new("L", (1240, height), 120)
        sheet.paste(turned, ((1240 - turned.width) // 2, (height - turned.height) // 2))
        # The light falls from above, the more the farther to the right, so that little changes where sheets meet.
        light = 1.0 + np.linspace(-0.05, 0.05, height)[:, None] * np.linspace(0.0, 1.0, 1240)
        noisy = np.asarray(sheet) * light + rng.normal(0, 2, (height, 1240))
        sheets.append(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
    cuts = [y0 for y0, _ in _cut(_stack(*sheets))[1:]]
    assert len(cuts) == len(heights) - 1
    assert max(abs(cut - seam) for cut, seam in zip(cuts, np.cumsum(heights), strict=False)) < 80


def _long_table(height: int, first: int, last: int) -> Image.Image:
    image = Image.new("L", (1000, height), 250)
    draw = ImageDraw.Draw(image)
    for y in range(first, last + 1, 60):
        draw.line((100, y, 900, y), fill=0, width=2)
    for x in range(100, 901, 160):
        draw.line((x, first, x, last), fill=0, width=2)
    return image


def test_a_ruled_table_is_not_cut() -> None:
    for height in (2828, 2600):  # the first would be two A4 pages by its shape
        for y0, y1 in _cut(_long_table(height, 800, 1940)):
            assert not 805 < y0 < 1935
            assert not 805 < y1 < 1935


def _askew(seed: int, angle: float, lid: int) -> Image.Image:
    """A sheet scanned askew and whole, the inside of the scanner around it."""
    sheet = picture(1240, 1754, shade=245, seed=seed)
    ImageDraw.Draw(sheet).rectangle((0, 0, 100, 60), fill=245)  # nothing is printed in the margin
    return sheet.rotate(angle, expand=True, fillcolor=lid, resample=Image.Resampling.BILINEAR)


@pytest.mark.parametrize("lid", [0, 60])
def test_sheets_scanned_askew_on_a_dark_bed(lid: int) -> None:
    sheets = [_askew(seed, angle, lid) for seed, angle in enumerate((4.0, -4.0, 4.0))]
    ranges = _cut(_stack(*sheets))
    assert len(ranges) == 3
    assert all(abs(y0 - sheets[0].height * index) <= 12 for index, (y0, _) in enumerate(ranges))


@pytest.mark.parametrize("pages", [3, 5])
def test_lying_sheets_scanned_askew(pages: int) -> None:
    lying = [picture(1240, 1754, shade=245, seed=seed).rotate(90, expand=True) for seed in range(pages)]
    sheets = [sheet.rotate(0.7, expand=True, fillcolor=245) for sheet in lying]
    ranges = _cut(_stack(*sheets))
    assert len(ranges) == pages
    assert all(abs(y0 - sheets[0].height * index) <= 12 for index, (y0, _) in enumerate(ranges))


@pytest.mark.parametrize("pages", [3, 4])
def test_lying_sheets_with_a_dark_rim(pages: int) -> None:
    lying = [picture(1240, 1754, seed=seed).rotate(90, expand=True) for seed in range(pages)]
    for sheet in lying:
        ImageDraw.Draw(sheet).line((0, sheet.height - 3, sheet.width, sheet.height - 3), fill=40, width=6)
    ranges = _cut(_stack(*lying))
    assert len(ranges) == pages
    assert all(abs(y0 - 1240 * index) <= 8 for index, (y0, _) in enumerate(ranges))


def test_streaks_of_the_scanner_through_all_sheets_are_no_rules() -> None:
    tall = _stack(*(picture(1240, 1754, seed=seed) for seed in range(3)))
    draw = ImageDraw.Draw(tall)
    for x in (333, 902):
        draw.line((x, 0, x, tall.height), fill=90, width=2)
    ranges = _cut(tall)
    assert len(ranges) == 3
    assert all(abs(y0 - 1754 * index) <= 3 for index, (y0, _) in enumerate(ranges))


def test_four_lying_sheets_that_are_no_multiple_of_a4_are_not_taken_for_two_upright_ones() -> None:
    sheets = []
    for seed in range(4):
        sheet = Image.new("L", (1905, 1252), 245)
        sheet.paste(picture(1700, 1040, shade=245, seed=seed), (100, 100))
        ImageDraw.Draw(sheet).line((900, 1200, 930, 1200), fill=0, width=20)  # a number below the text
        sheets.append(sheet)
    ranges = _cut(_stack(*sheets))
    assert len(ranges) == 4
    assert all(abs(y0 - 1252 * index) <= 12 for index, (y0, _) in enumerate(ranges))


def test_a_long_text_is_cut_between_its_lines() -> None:
    image = Image.new("RGB", (800, 6000), "white")
    draw = ImageDraw.Draw(image)
    ink = []
    for y in range(40, 5950, 36):
        draw.rectangle((60, y, 740, y + 20), fill="black")
        ink.append((y, y + 20))
    ranges = _cut(image)
    assert len(ranges) >= 4
    for y0, _ in ranges[1:]:
        assert all(not top <= y0 <= bottom for top, bottom in ink)
    assert all(y1 - y0 <= 1.9 * 800 for y0, y1 in ranges)


def test_a_tall_table_without_any_gap_stays_in_one_piece() -> None:
    assert _cut(_long_table(3000, 2, 2998)) == ((0, 3000),)


def _spread(left: Image.Image, right: Image.Image | None) -> Image.Image:
    """An open book of two pages of one size; without a right one that page is empty."""
    book = Image.new("L", (2 * left.width, left.height), 245)
    book.paste(left, (0, 0))
    if right is not None:
        book.paste(right, (left.width, 0))
    for x in (0, left.width):  # nothing is printed in the margin
        ImageDraw.Draw(book).rectangle((x, 0, x + 100, 60), fill=245)
    return book


def _spreads(width: int, height: int, count: int) -> Image.Image:
    pages = [picture(width, height, seed=seed) for seed in range(2 * count)]
    return _stack(*(_spread(pages[n], pages[n + 1] if n < 2 * count - 2 else None) for n in range(0, 2 * count, 2)))


@pytest.mark.parametrize("size", [(1240, 1754), (1754, 1240), (1275, 1650)])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_stacked_spreads_of_two_pages(size: tuple[int, int], count: int) -> None:
    ranges = _cut(_spreads(*size, count))
    assert len(ranges) == count
    assert all(abs(y0 - size[1] * index) <= 5 for index, (y0, _) in enumerate(ranges))


def test_four_spreads_of_differing_light_are_more_than_the_two_pages_whose_shape_they_have() -> None:
    book = np.asarray(_spreads(1275, 1650, 4)).astype(np.int16)
    book -= np.repeat([0, 12, 4, 20], 1650)[:, None]
    ranges = _cut(Image.fromarray(np.clip(book, 0, 255).astype(np.uint8)))
    assert len(ranges) == 4
    assert all(abs(y0 - 1650 * index) <= 5 for index, (y0, _) in enumerate(ranges))


def test_a_seal_and_a_fold_between_the_pages_of_spreads() -> None:
    book = _spreads(1240, 1754, 2)
    draw = ImageDraw.Draw(book)
    draw.ellipse((1120, 2700, 1400, 2980), outline=90, width=14)
    draw.rectangle((1236, 0, 1243, book.height), fill=120)
    assert _cut(book) == ((0, 1754), (1754, 3508))


def test_a_page_with_little_on_it_is_no_stack_of_spreads() -> None:
    page = Image.new("L", (1654, 2339), 245)
    draw = ImageDraw.Draw(page)
    for y in (200, 260, 320):  # the last lines of a report, who signed it, and the number of the page
        draw.rectangle((200, y, 600, y + 30), fill=30)
    for y in (460, 520):
        draw.rectangle((1100, y, 1400, y + 30), fill=30)
    draw.rectangle((800, 2200, 850, 2220), fill=30)
    assert _cut(page) == ((0, 2339),)


def test_a_page_of_two_columns_of_figures_is_no_stack_of_spreads() -> None:
    page = Image.new("L", (1654, 2339), 245)
    draw = ImageDraw.Draw(page)
    for y in range(200, 2100, 60):
        draw.rectangle((200, y, 600, y + 30), fill=30)
        draw.rectangle((1100, y, 1400, y + 30), fill=30)
    assert _cut(page) == ((0, 2339),)
