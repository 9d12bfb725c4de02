"""One page through the readers: who is asked about what, and where on the page it lies."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pikepdf
import pytest

from pipeline.documents import read_pages
from pipeline.domain import (
    Alternative,
    BoundingBox,
    GridCell,
    LineReading,
    PageImage,
    PageReading,
    Pixels,
    Reading,
    TableReading,
)
from pipeline.geometry import affine, box_to_parent, chain, translation
from pipeline.ocr import calibration, load_engine
from pipeline.ocr.numerals import NumeralReader
from pipeline.ocr.pooling import pool
from pipeline.reading import Readers, crop, read_page
from pipeline.reading.cells import as_sure_as, at_most, read_cells, without_fraction
from pipeline.reading.lines import in_order
from pipeline.reading.orientation import legibility
from pipeline.reading.page_tables import Tables
from pipeline.settings import Settings
from pipeline.values import parse_value
from tests.assemble import printed
from tests.documents.builders import text_pdf
from tests.ocr.drawing import LATIN, SANS, cell, on_rule
from tests.tables import test_whitespace as unruled

FIGURES = (("17", "0", "204"), ("1,360", "5", "88"), ("0", "9", "73"))
LABEL = "本年度办理结果"
WIDTH, HEIGHT, LEFT, TOP = 260, 60, 120, 200


class Engine:
    """Reads every long line as the same label and nothing else, and keeps the pictures it was shown."""

    name = "stub"

    def __init__(self) -> None:
        self.lines: list[Pixels] = []
        self.numerals: list[Pixels] = []

    def version(self) -> str:
        return "stub 1"

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        self.lines.extend(lines)
        return [self._reading(LABEL if _is_long(line) else "") for line in lines]

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        return self.read_lines(lines)

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        self.numerals.extend(crops)
        return [self._reading("") for _ in crops]

    def _reading(self, text: str) -> Reading:
        return Reading((Alternative(text, 0.9 if text else 0.0),), self.name)


def _is_long(picture: Pixels) -> bool:
    inked = np.flatnonzero((picture < 128).any(axis=0))
    return len(inked) > 0 and int(inked[-1] - inked[0]) > 120  # the widest figure has 80


@pytest.fixture(scope="module")
def numerals() -> NumeralReader:
    return NumeralReader.load()


def table(rows: Sequence[Sequence[str]]) -> Pixels:
    """A page of 200 dpi with a ruled table of these texts."""
    pixels = np.full((1100, 1500), 245, np.uint8)
    for r, texts in enumerate(rows):
        for c, text in enumerate(texts):
            x, y = LEFT + c * WIDTH, TOP + r * HEIGHT
            pixels[y : y + HEIGHT, x : x + WIDTH] = cell(text, shape=(HEIGHT, WIDTH), paper=245)
    for r in range(len(rows) + 1):
        pixels[TOP + r * HEIGHT - 1 : TOP + r * HEIGHT + 2, LEFT : LEFT + len(rows[0]) * WIDTH] = 30
    for c in range(len(rows[0]) + 1):
        pixels[TOP : TOP + len(rows) * HEIGHT, LEFT + c * WIDTH - 1 : LEFT + c * WIDTH + 2] = 30
    return pixels


def labelled(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[LABEL, *row] for row in rows]


def tables_of(found: PageReading) -> list[TableReading]:
    return [item for item in found.items if isinstance(item, TableReading)]


def texts_of(found: TableReading) -> list[list[str]]:
    """The readings by row."""
    rows: list[list[str]] = [[] for _ in range(found.grid.rows)]
    for each, reading in zip(found.grid.cells, found.readings, strict=True):
        rows[each.row].append(reading.text)
    return rows


def test_clear_figures_are_read_without_the_text_engine_and_labels_with_it(numerals: NumeralReader) -> None:
    engine = Engine()
    (found,) = tables_of(read_page(PageImage(1, table(labelled(FIGURES)), 200.0), Readers(engine, numerals)))
    assert texts_of(found) == labelled(FIGURES)
    by_reader = Counter(reading.reader for reading in found.readings)
    assert by_reader[engine.name] == len(FIGURES)
    assert by_reader[numerals.name] >= 7  # of nine figures
    assert len(engine.lines) <= 5  # three labels and what the other was not sure of


def test_a_cell_with_a_speck_in_it_is_read_as_blank_and_its_picture_left_as_it_is(numerals: NumeralReader) -> None:
    pixels = table(labelled((*FIGURES, ("", "41", "56"))))
    speck = LEFT + round(1.4 * WIDTH), TOP + round(3.6 * HEIGHT)
    cv2.circle(pixels, speck, 2, (60,), -1)
    (found,) = tables_of(read_page(PageImage(1, pixels, 200.0), Readers(Engine(), numerals)))
    place = next(i for i, each in enumerate(found.grid.cells) if (each.row, each.column) == (3, 1))
    assert found.readings[place].text == ""
    assert found.readings[place].probability > 0.9
    assert crop(found.grid, found.grid.cells[place]).min() < 100


@pytest.mark.parametrize(("ink", "text"), [(185, ""), (60, "7")], ids=["ghost", "print"])
def test_what_is_far_paler_than_print_is_blank_and_not_surely(ink: int, text: str, numerals: NumeralReader) -> None:
    """From the back of the sheet a figure shines through the wrong way round."""
    pixels = table(labelled((*FIGURES, ("", "41", "56"))))
    shown = cell("7", shape=(HEIGHT, WIDTH), ink=ink, paper=245)[4:-4, 4:-4]
    top, left = TOP + 3 * HEIGHT + 4, LEFT + WIDTH + 4
    pixels[top : top + HEIGHT - 8, left : left + WIDTH - 8] = shown if text else shown[:, ::-1]
    (found,) = tables_of(read_page(PageImage(1, pixels, 200.0), Readers(Engine(), numerals)))
    place = next(i for i, each in enumerate(found.grid.cells) if (each.row, each.column) == (3, 1))
    assert found.readings[place].text == text
    assert (found.readings[place].probability < 0.995) == (not text)


@pytest.mark.parametrize(("ink", "blank"), [(30, 0.0), (222, 0.45)], ids=["blot", "smear"])
def test_a_smear_may_hide_a_digit_where_nothing_was_read_and_a_blot_does(
    ink: int, blank: float, numerals: NumeralReader
) -> None:
    pixels = table(labelled((*FIGURES, ("", "41", "56"))))
    middle = LEFT + round(1.4 * WIDTH), TOP + round(3.5 * HEIGHT)
    cv2.ellipse(pixels, middle, (10, 17), 0, 0, 360, (ink,), -1)
    (found,) = tables_of(read_page(PageImage(1, pixels, 200.0), Readers(Engine(), numerals)))
    place = next(i for i, each in enumerate(found.grid.cells) if (each.row, each.column) == (3, 1))
    listed = {each.text: each.probability for each in found.readings[place].alternatives}
    assert {*"0123456789"} <= listed.keys()
    assert listed.get("", 0.0) == pytest.approx(blank, abs=0.06)


class Scrawled(Engine):
    """Rather takes every picture for a character than for a figure."""

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        return [Reading((Alternative("件", 0.17), Alternative("8", 0.002)), self.name) for _ in crops]


def test_a_figure_that_was_scribbled_over_is_left_open_where_a_reader_may_see_a_character(
    numerals: NumeralReader,
) -> None:
    pixels = table(labelled((*FIGURES, ("", "41", "56"))))
    x, y = LEFT + round(1.4 * WIDTH), TOP + round(3.5 * HEIGHT)
    places = [(x - 10, y - 14), (x + 10, y - 9), (x - 10, y - 4), (x + 10, y + 1), (x - 10, y + 6), (x + 10, y + 12)]
    cv2.polylines(pixels, [np.array(places, np.int32)], False, (25,), 6)
    (found,) = tables_of(read_page(PageImage(1, pixels, 200.0), Readers(Scrawled(), numerals)))
    place = next(i for i, each in enumerate(found.grid.cells) if (each.row, each.column) == (3, 1))
    assert found.readings[place].text == "?"


class Figures(Engine):
    """Is sure of one figure in every picture."""

    def __init__(self, figure: str = "88") -> None:
        super().__init__()
        self.figure = figure

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        self.numerals.extend(crops)
        return [Reading((Alternative(self.figure, 0.97),), self.name) for _ in crops]


@pytest.mark.parametrize("touches", [False, True])
def test_a_figure_that_is_surely_read_is_doubted_beside_a_smear_as_large_as_a_digit(
    touches: bool, numerals: NumeralReader
) -> None:
    """Where the smear also covers a part of what stands beside it that cannot be read for itself."""
    pixels = table(labelled((*FIGURES, ("11", "41", "56"))))
    y, x = TOP + 3 * HEIGHT, LEFT + WIDTH
    inked = np.flatnonzero((pixels[y + 4 : y + HEIGHT - 4, x + 4 : x + WIDTH - 4] < 128).any(axis=0)) + x + 4
    rows = np.flatnonzero((pixels[y + 4 : y + HEIGHT - 4, x + 4 : x + WIDTH - 4] < 128).any(axis=1)) + y + 4
    start = inked[-1] - 4 if touches else inked[-1] + 4
    smeared = pixels[rows[0] : rows[-1] + 1, start : start + 24]
    smeared[:] = np.minimum(smeared, 205)
    (found,) = tables_of(read_page(PageImage(1, pixels, 200.0), Readers(Figures("11"), numerals)))
    place = next(i for i, each in enumerate(found.grid.cells) if (each.row, each.column) == (3, 1))
    reading = found.readings[place]
    assert reading.probability <= 0.5
    assert reading.reader.endswith("+hidden")  # no reader that would say the same is asked again
    assert touches or {f"11{digit}" for digit in range(10)} <= {each.text for each in reading.alternatives}


class Alike(Engine):
    """Reads figures as the other reader does."""

    def __init__(self, numerals: NumeralReader) -> None:
        super().__init__()
        self.other = numerals

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        return [replace(reading, reader=self.name) for reading in self.other.read(crops)]


@pytest.mark.parametrize(
    ("figure", "stroke", "broken", "most"),
    [("6", 165, False, 0.979), ("6", 165, True, 0.979), ("", 165, False, 0.9), ("", 60, False, 0.0)],
)
def test_a_figure_under_a_seal_is_told_from_its_paler_strokes_by_the_print_of_the_page(
    figure: str, stroke: int, broken: bool, most: float, numerals: NumeralReader
) -> None:
    """What is as dark as print stays; what is left of a red seal is broken."""
    pixels = table(labelled((*FIGURES, (figure, "41", "56"))))
    top, left = TOP + 3 * HEIGHT + 4, LEFT + WIDTH + 4
    seal = np.full((HEIGHT - 8, WIDTH - 8), 255, np.uint8)
    for start in range(85, 155, 28):
        cv2.line(seal, (start, 50), (start + 30, 2), (stroke,), 7)
    cv2.line(seal, (85, 30), (180, 22), (stroke,), 6)
    if broken:
        for row in range(1, HEIGHT, 12):
            seal[row : row + 5] = 255
    inside = pixels[top : top + HEIGHT - 8, left : left + WIDTH - 8]
    inside[:] = np.minimum(inside, cv2.GaussianBlur(seal, (0, 0), 0.8))
    (found,) = tables_of(read_page(PageImage(1, pixels, 200.0), Readers(Alike(numerals), numerals)))
    place = next(i for i, each in enumerate(found.grid.cells) if (each.row, each.column) == (3, 1))
    reading = found.readings[place]
    if most:
        assert (reading.text, reading.probability) == (figure, pytest.approx(most))
        assert reading.reader.endswith("+seal")
    else:
        assert reading.probability < 0.5
        assert "seal" not in reading.reader


@pytest.mark.parametrize("brackets", ["（ ）", "( )", "（）", "（　　）"])
def test_printed_brackets_around_nothing_are_no_nought(brackets: str, numerals: NumeralReader) -> None:
    """A nought worn at its top and bottom reads like them, but is as high as other figures."""
    pixels = table([("25", text) for text in ("31", brackets, "477", "5", "20", "866")])
    (found,) = tables_of(read_page(PageImage(1, pixels, 200.0), Readers(load_engine("rapidocr"), numerals)))
    read = {(cell.row, cell.column): reading for cell, reading in zip(found.grid.cells, found.readings, strict=True)}
    assert read[1, 1].probability <= 0.5


def test_a_figure_of_which_an_end_was_rubbed_out_is_doubted_for_its_place(numerals: NumeralReader) -> None:
    """Thresholding left nothing of the smear, and both readers agree on what is left."""
    pixels = table([("25", str(number)) for number in (0, 31, 477, 5, 20, 866, 47, 9, 103, 3602, 7)])
    inked = np.flatnonzero((cell("103", shape=(HEIGHT, WIDTH), paper=245) < 128).any(axis=0))
    third = LEFT + WIDTH + int(inked[np.flatnonzero(np.diff(inked) > 3)[-1] + 1])
    engine = load_engine("rapidocr")
    for rubbed in (False, True):
        if rubbed:
            pixels[TOP + 8 * HEIGHT + 5 : TOP + 9 * HEIGHT - 5, third - 2 : third + 30] = 245
        (found,) = tables_of(read_page(PageImage(1, pixels, 200.0), Readers(engine, numerals)))
        read = {
            (cell.row, cell.column): reading for cell, reading in zip(found.grid.cells, found.readings, strict=True)
        }
        assert read[8, 1].text == ("10" if rubbed else "103")
        assert (read[8, 1].probability > 0.98) != rubbed
        assert all(reading.probability > 0.98 for place, reading in read.items() if place != (8, 1))
    assert "103" in [each.text for each in read[8, 1].alternatives]


def test_a_watermark_beside_a_blot_is_no_digit(numerals: NumeralReader) -> None:
    pixels = table(labelled((*FIGURES, ("", "41", "56"))))
    x, y = LEFT + WIDTH, TOP + 3 * HEIGHT
    cv2.ellipse(pixels, (x + 100, y + 30), (10, 17), 0, 0, 360, (30,), -1)
    for start in (40, 135):
        cv2.line(pixels, (x + start, y + 45), (x + start + 22, y + 16), (190,), 4)
    (found,) = tables_of(read_page(PageImage(1, pixels, 200.0), Readers(Engine(), numerals)))
    place = next(i for i, each in enumerate(found.grid.cells) if (each.row, each.column) == (3, 1))
    assert {each.text for each in found.readings[place].alternatives} == {"?", *"0123456789"}


def test_words_are_not_asked_for_where_the_engine_knows_the_figure(numerals: NumeralReader) -> None:
    hardly = NumeralReader(numerals.layers, 4.0, numerals.identity)  # softer than it should be: sure of nothing
    engine = Figures()
    crops = [cell(text, shape=(HEIGHT, WIDTH)) for text in (LABEL, "88", "88", LABEL)]
    readings = read_cells(crops, Readers(engine, hardly))
    assert [reading.text for reading in readings] == [LABEL, "88", "88", LABEL]
    assert len(engine.lines) == 2
    assert all(map(_is_long, engine.lines))


class Words(Engine):
    """Reads the same short word in every line."""

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        return [Reading((Alternative("其他", 0.97),), self.name) for _ in lines]


def test_figures_are_not_asked_for_where_a_short_word_shows_none(numerals: NumeralReader) -> None:
    engine = Words()
    readings = read_cells([cell("其他", shape=(HEIGHT, WIDTH))], Readers(engine, numerals))
    assert [reading.text for reading in readings] == ["其他"]
    assert engine.numerals == []


def test_a_figure_set_in_lines_is_read_line_by_line_and_never_sure(numerals: NumeralReader) -> None:
    """Wide digits break at the edge of a narrow column; two rows between which a rule was lost look alike."""
    narrow = np.vstack([cell(digit, shape=(40, 60))[4:-4] for digit in "129"])
    wordy = np.vstack([cell(text, shape=(40, 160))[4:-4] for text in ("12", LABEL)])
    column, label = read_cells([narrow, wordy], Readers(Engine(), numerals))
    assert (column.text, column.probability) == ("129", 0.85)
    assert not label.text.isdigit()


def test_pieces_of_a_broken_border_are_no_lines_of_a_figure(numerals: NumeralReader) -> None:
    """The inner one of two borders, in a cell that reaches to the outer one."""
    picture = cell("77", font=SANS, shape=(72, 84))
    picture[4:16, 72:74] = 140
    (reading,) = read_cells([picture], Readers(Engine(), numerals))
    assert reading.text != "177"
    assert reading.probability < 0.85


class Units(Engine):
    """Reads the same unit in every line, as surely as told."""

    def __init__(self, sure: float) -> None:
        super().__init__()
        self.sure = sure

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        return [Reading((Alternative("件", self.sure),), self.name) for _ in lines]


@pytest.mark.parametrize(("sure", "asked"), [(0.97, 0), (0.7, 1)])
def test_a_unit_that_is_surely_one_is_not_read_as_a_figure(sure: float, asked: int, numerals: NumeralReader) -> None:
    engine = Units(sure)
    (reading,) = read_cells([cell("件", shape=(HEIGHT, WIDTH))], Readers(engine, numerals))
    assert len(engine.numerals) == asked
    assert (reading.text == "件") == (asked == 0)


class Names(Engine):
    """Its quick network reads the same text in every line, the full one another."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        return [self._reading(self.text) for _ in lines]


@pytest.mark.parametrize(
    ("quick", "text"), [("填报单位：某县某局", LABEL), ("某县某局2017年度", LABEL), ("二、概述", "二、概述")]
)
def test_lines_above_a_table_are_read_closely_where_they_name_somebody(
    quick: str, text: str, numerals: NumeralReader
) -> None:
    pixels = table(labelled(FIGURES))
    pixels[TOP - 80 : TOP - 20, LEFT : LEFT + WIDTH] = cell(LABEL, shape=(60, WIDTH), paper=245)
    lines = [
        item.reading.text
        for item in read_page(PageImage(1, pixels, 200.0), Readers(Names(quick), numerals)).items
        if isinstance(item, LineReading)
    ]
    assert lines == [text]


class Amounts(Engine):
    """Reads the same amount in every cell."""

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        return [Reading((Alternative("84.5万元", 0.97),), self.name) for _ in lines]

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        return self.read_labels(crops)


def test_a_figure_with_its_unit_is_read_by_both_readers(numerals: NumeralReader) -> None:
    crops = [cell(text, shape=(HEIGHT, WIDTH)) for text in ("84.5万元", "34.5万元")]
    right, wrong = read_cells(crops, Readers(Amounts(), numerals))
    assert right.text == "84.5万元"
    assert right.probability > 0.99
    assert right.parts[0].text == "84.5万元"
    assert wrong.parts[0].text == "34.5万元"
    assert wrong.probability < 0.9


def test_boxes_lead_back_to_the_page(numerals: NumeralReader) -> None:
    (found,) = tables_of(read_page(PageImage(1, table(labelled(FIGURES)), 200.0), Readers(Engine(), numerals)))
    for each in found.grid.cells:
        box = box_to_parent(found.grid.to_page, each.box)
        assert (box.x0 + box.x1) / 2 == pytest.approx(LEFT + (each.column + 0.5) * WIDTH, abs=6)
        assert (box.y0 + box.y1) / 2 == pytest.approx(TOP + (each.row + 0.5) * HEIGHT, abs=6)
        assert crop(found.grid, each).size > 0


def test_boxes_are_those_of_the_file_where_its_dots_were_stretched_to_squares(numerals: NumeralReader) -> None:
    page = PageImage(1, table(labelled(FIGURES)), 200.0, stretch=(1.0, 2.0))
    (found,) = tables_of(read_page(page, Readers(Engine(), numerals)))
    boxes = [box_to_parent(found.grid.to_page, each.box) for each in found.grid.cells]
    for each, box in zip(found.grid.cells, boxes, strict=True):
        assert (box.x0 + box.x1) / 2 == pytest.approx(LEFT + (each.column + 0.5) * WIDTH, abs=6)
        assert (box.y0 + box.y1) / 2 == pytest.approx((TOP + (each.row + 0.5) * HEIGHT) / 2, abs=4)
    assert found.grid.box.y1 <= 1100 / 2


def test_pages_pasted_under_each_other_are_read_one_by_one_and_placed_in_the_whole(numerals: NumeralReader) -> None:
    upper, lower = (np.full((1500, 1061), 245, np.uint8) for _ in range(2))
    rows = [list(row[:2]) for row in labelled(FIGURES)]
    upper[:1100] = table(rows)[:, :1061]
    lower[:1100] = table(rows[::-1])[:, :1061]
    page = PageImage(1, np.vstack([upper, lower]), 200.0)
    first, second = tables_of(read_page(page, Readers(Engine(), numerals)))
    assert texts_of(first) == rows
    assert texts_of(second) == rows[::-1]
    assert second.grid.box.y0 - first.grid.box.y0 == pytest.approx(1500, abs=6)
    above, below = (box_to_parent(part.grid.to_page, part.grid.cells[0].box) for part in (first, second))
    assert below.y0 - above.y0 == pytest.approx(1500, abs=6)


def test_the_text_layer_is_read_as_it_stands_and_no_picture_is(numerals: NumeralReader) -> None:
    (page,) = read_pages(text_pdf(), Settings())
    assert isinstance(page, PageImage)
    engine = Engine()
    (found,) = tables_of(read_page(page, Readers(engine, numerals)))
    assert {(reading.reader, reading.probability) for reading in found.readings} == {("text-layer", 1.0)}
    assert [reading.text for reading in found.readings] == [each.text for each in found.grid.cells]
    assert engine.lines == engine.numerals == []


def test_a_table_that_the_text_layer_does_not_have_is_read_from_the_picture(numerals: NumeralReader) -> None:
    """Someone typed a line of text over a scan: the layer is sound, but the table is a picture."""
    (typed,) = read_pages(text_pdf(), Settings())
    assert isinstance(typed, PageImage)
    assert typed.text_layer is not None
    words_only = replace(typed.text_layer, pdf=_without_rules(typed.text_layer.pdf))
    page = PageImage(1, table(labelled(FIGURES)), 200.0, words_only)
    (found,) = tables_of(read_page(page, Readers(Engine(), numerals)))
    assert texts_of(found) == labelled(FIGURES)


def test_a_blank_page_gives_nothing_and_asks_nobody(numerals: NumeralReader) -> None:
    engine = Engine()
    assert read_page(PageImage(4, np.full((1100, 800), 250, np.uint8), None), Readers(engine, numerals)).items == ()
    assert engine.lines == engine.numerals == []


@pytest.mark.parametrize("dpi", [100.0, 200.0])
def test_of_a_page_without_tables_all_lines_of_the_title_are_read_and_no_others(
    dpi: float, numerals: NumeralReader
) -> None:
    pixels = np.full((2339, 1654), 250, np.uint8)
    # Of a title that is too long for one line the first one fills the column.
    for text, x, y, size in (("ANNUAL-REPORT-OF-THE-OFFICE-ON", 190, 300, 2.1), ("MATTERS", 680, 390, 2.1)):
        cv2.putText(pixels, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, (20,), 4)
    for y in range(500, 1500, 70):
        cv2.putText(
            pixels, "The-office-has-answered-what-it-was-asked", (190, y), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (20,), 3
        )
    pixels = cv2.resize(pixels, None, fx=dpi / 200.0, fy=dpi / 200.0, interpolation=cv2.INTER_AREA)
    engine = Engine()
    found = read_page(PageImage(1, np.asarray(pixels, np.uint8), dpi), Readers(engine, numerals)).items
    middles = [
        (item.line.box.y0 + item.line.box.y1) / 2 * 200.0 / dpi for item in found if isinstance(item, LineReading)
    ]
    assert middles == pytest.approx([278, 368], abs=8)
    # As large as they are on the page, not as at the glance.
    assert [picture.shape[0] for picture in engine.lines] == pytest.approx([45, 45], rel=0.3)


def _without_rules(pdf: bytes) -> bytes:
    """The page with its text and none of its lines."""
    drawing = {"l", "m", "re", "S", "s", "f", "F", "f*", "B", "B*", "b", "b*"}
    with pikepdf.open(io.BytesIO(pdf)) as document:
        kept = [each for each in pikepdf.parse_content_stream(document.pages[0]) if str(each.operator) not in drawing]
        document.pages[0].Contents = document.make_stream(pikepdf.unparse_content_stream(kept))
        buffer = io.BytesIO()
        document.save(buffer)
    return buffer.getvalue()


def test_cells_whose_borders_were_not_seen_are_never_sure(numerals: NumeralReader) -> None:
    drawn = unruled.table(blank=(3, 2)).pixels
    sheet = np.full((2339, 1654), 250, np.uint8)
    sheet[: drawn.shape[0], : drawn.shape[1]] = drawn
    read = read_page(PageImage(1, sheet, 200.0), Readers(Engine(), numerals))
    (found,) = [item for item in read.items if isinstance(item, TableReading)]
    assert max(reading.probability for reading in found.readings) <= 0.95
    assert all(reading.probability <= 0.9 for reading in found.readings if not reading.text)


@pytest.mark.parametrize(("rows", "sure"), [(3.4, False), (4.0, True)], ids=["cut", "whole"])
def test_cells_that_the_end_of_the_page_cuts_are_not_surely_blank(
    rows: float, sure: bool, numerals: NumeralReader
) -> None:
    pixels = table(labelled((*FIGURES, ("", "", ""))))[: TOP + round(rows * HEIGHT) + 3]
    (found,) = tables_of(read_page(PageImage(1, pixels, 200.0), Readers(Engine(), numerals)))
    last = [r for c, r in zip(found.grid.cells, found.readings, strict=True) if c.row == 3 and c.column]
    assert [reading.text for reading in last] == ["", "", ""]
    assert [reading.probability > 0.9 for reading in last] == [sure] * 3
    figures = [r for c, r in zip(found.grid.cells, found.readings, strict=True) if c.row < 3 and c.column]
    assert min(reading.probability for reading in figures) > 0.9


@pytest.mark.parametrize(
    ("first", "second"),
    [(("624784", "6247.84"), "624784"), (("7", "-7"), "7"), (("839", "889"), "8.39"), (("204", "1204"), "204")],
)
def test_a_point_a_sign_or_a_1_that_one_reader_saw_faintly_leaves_a_doubt(first: tuple[str, str], second: str) -> None:
    faint = Reading(tuple(Alternative(text, 0.49) for text in first), NumeralReader.name)
    plain = replace(faint, alternatives=(Alternative(second, 0.98),))
    engine = Reading((Alternative(second, 0.9999),), calibration.ENGINE)
    whole = GridCell(0, 0, 1, 1, BoundingBox(0, 0, 90, 40), quality=1.0)
    assert as_sure_as(whole, pool([plain, engine])).probability > 0.99
    doubtful = as_sure_as(whole, pool([faint, engine]))
    assert (doubtful.text, doubtful.probability) == (second, 0.85)
    # What it loses may be what was seen faintly, and no other digits: a misprint is not taken for one of these.
    traced = first[1] if first[0] == second else first[0]
    assert doubtful.alternatives[1].text == traced
    assert sum(each.probability for each in doubtful.alternatives) > 0.99


@pytest.mark.parametrize(("bound", "least", "most"), [(1.0, 0.995, 1.0), (0.3, 0.0, 0.31)])
def test_where_things_are_counted_a_comma_that_one_reader_takes_for_a_point_leaves_no_doubt(
    bound: float, least: float, most: float
) -> None:
    """Unless what was known of the cell bounds its reading."""
    first = Reading((Alternative("7,184", 0.982), Alternative("7.184", 0.002)), "numerals")
    second = Reading((Alternative("7.184", 0.975), Alternative("7,184", 0.025)), calibration.ENGINE)
    place = GridCell(0, 0, 1, 1, BoundingBox(0, 0, 90, 40))
    seen = at_most(as_sure_as(place, pool([first, second])), bound)
    assert max(other.probability for other in seen.alternatives) < 0.9
    found = without_fraction(place, seen)
    assert parse_value(found.text).number == 7184
    assert least <= found.probability <= most
    plain = as_sure_as(place, pool([replace(first, alternatives=first.alternatives[:1])] * 2))
    assert without_fraction(place, plain) is plain
    torn = as_sure_as(place, pool([Reading((Alternative("3.79", 0.4),), "numerals")] * 2))
    assert without_fraction(place, torn) is torn


@pytest.mark.parametrize("degrees", [-15.0, 0.0, 15.0])
def test_the_heading_of_a_wide_table_comes_before_it_on_a_page_that_lies_askew(degrees: float) -> None:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    to_page = affine([[cosine, -sine, 800.0], [sine, cosine, 500.0]])
    requests = printed.table([(row, 4 * column, 1, 4, "0") for row in range(9) for column in range(8)])
    on_page = chain(translation(200, 400), to_page)
    wide = replace(
        requests, grid=replace(requests.grid, to_page=on_page, box=box_to_parent(on_page, requests.grid.box))
    )
    heading, below = printed.line("统计表"), printed.line("负责人")
    lines = [
        replace(one, line=replace(one.line, box=box_to_parent(to_page, BoundingBox(700.0, top, 1000.0, top + 30.0))))
        for one, top in ((heading, 360.0), (below, 590.0))
    ]
    assert in_order([wide], lines, to_page) == (lines[0], wide, lines[1])


def test_dashes_and_words_that_nobody_can_read_are_no_upright_page() -> None:
    dashes = [printed.reading("—", probability=0.99)] * 20
    unread = [printed.reading("", probability=0.06)] * 12
    words = [printed.reading(LABEL, probability=0.7)] * 3
    legible = [printed.reading(LABEL, probability=0.95)] * 12
    assert not legibility([*dashes, *unread, *words])[1]
    assert legibility([*dashes, *legible, *words])[1]


def test_words_read_downwards_do_not_outweigh_figures_that_are_read_surely() -> None:
    words = [printed.reading(LABEL, probability=0.99)] * 9
    unread = [printed.reading("", probability=0.05)] * 12
    upright = [*words[:6], *unread, *[printed.reading("0", probability=1.0)] * 20]
    sideways = [*words, *unread, *[printed.reading("0", probability=0.48)] * 20]
    assert legibility(upright)[0] > legibility(sideways)[0] > 0


def test_dashes_that_look_like_ones_on_their_side_do_not_tell_how_a_page_lies() -> None:
    words = [printed.reading(LABEL, probability=0.99)] * 6
    dashes = [printed.reading("—", probability=1.0)] * 30
    strangers = [printed.reading("4", probability=0.1)] * 3
    downwards = [printed.reading(LABEL[:5], probability=0.97)] * 4 + [printed.reading("1", probability=1.0)] * 36
    assert legibility([*words, *dashes, *strangers])[0] > legibility([*downwards, *strangers])[0]


class Guesses(Engine):
    """Guesses some characters of every line, and sees nothing in a figure."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        return [Reading((Alternative(self.text, 0.2),), self.name) for _ in lines]


@pytest.mark.parametrize(("guessed", "kept"), [("其中主劲公开观范性件教", True), ("其中", False)])
def test_a_long_label_of_which_some_characters_are_guessed_is_words(
    numerals: NumeralReader, guessed: str, kept: bool
) -> None:
    (read,) = read_cells([cell(LABEL, shape=(HEIGHT, WIDTH))], Readers(Guesses(guessed), numerals))
    assert (read.text == guessed) is kept


@pytest.mark.parametrize(
    "box",
    [(50.2, 20.0, 50.4, 40.0), (10.0, 30.4, 60.0, 30.4), (99.8, 59.9, 100.0, 60.0), (-3.0, -2.0, -1.0, -1.0)],
    ids=str,
)
def test_cells_between_rules_that_coincide_are_read_too(
    numerals: NumeralReader, box: tuple[float, float, float, float]
) -> None:
    (wide, slit) = (
        replace(each, box=BoundingBox(*place))
        for each, place in zip(
            printed.table([(0, 0, 1, 1, ""), (1, 0, 1, 1, "")]).grid.cells, ((0.0, 0.0, 100.0, 60.0), box), strict=True
        )
    )
    grid = replace(printed.table([(0, 0, 1, 1, "")]).grid, cells=(wide, slit), pixels=np.full((60, 100), 250, np.uint8))
    crops = [crop(grid, each) for each in grid.cells]
    assert all(each.size for each in crops)
    readings = read_cells(crops, Readers(Engine(), numerals))
    assert [reading.text for reading in readings] == ["", ""]


def test_a_page_of_figures_that_look_alike_upside_down_is_turned_by_its_heading(numerals: NumeralReader) -> None:
    page = table([["—", "0", "—", "0", "—"]] * 3)
    heading = "收到和处理政府信息公开申请情况"
    page[60:140, 200:1300] = cell(heading, size=40, shape=(80, 1100), paper=245)
    for upright in (page, page[::-1, ::-1]):
        found = read_page(
            PageImage(1, np.ascontiguousarray(upright), 200.0), Readers(load_engine("rapidocr"), numerals)
        )
        (line,) = (item for item in found.items if isinstance(item, LineReading))
        assert line.reading.text == heading
        assert texts_of(tables_of(found)[0])[0] == ["—", "0", "—", "0", "—"]


def test_a_page_that_looks_alike_upside_down_is_read_and_nothing_on_it_believed(numerals: NumeralReader) -> None:
    readers = Readers(load_engine("rapidocr"), numerals)
    (found,) = tables_of(read_page(PageImage(1, table([["—", "0", "8", "0", "—"]] * 3), 200.0), readers))
    assert texts_of(found)[1][1:4] == ["0", "8", "0"]
    assert max(reading.probability for reading in found.readings) <= 0.85
    assert not any(reading.reader == numerals.name for reading in found.readings)


@pytest.mark.parametrize("columns", [4, 6, 8, 9, 12])
def test_cells_of_every_column_tell_how_a_page_lies(columns: int, numerals: NumeralReader) -> None:
    """Of a page of noughts only the labels tell, and these are in one column."""
    heading: list[printed.Square] = [(0, 0, 1, columns, "")]
    squares = heading + [(r, c, 1, 1, "") for r in range(1, 31) for c in range(columns)]
    found = Tables([printed.table(squares).grid])
    read = len(found.sample(Readers(Engine(), numerals)))
    assert 40 <= read < 80
    share = Counter(found.cells[index][1].column for index in found.readings)
    assert all(share[column] >= read // columns - 1 for column in range(columns))


def test_what_stands_beside_a_digit_on_the_rule_is_not_accepted_for_the_figure_however_sure(
    numerals: NumeralReader,
) -> None:
    picture, box = on_rule("1705", darkness=60, into=7)
    grid = printed.table([(0, 0, 1, 1, "")]).grid
    found = Tables([replace(grid, cells=(replace(grid.cells[0], box=box),), pixels=picture)])
    (cut,) = read_cells([crop(found.grids[0], found.cells[0][1])], Readers(load_engine("rapidocr"), numerals))
    assert (cut.text, cut.parts) == ("705", ())
    (read,) = found.read(Readers(load_engine("rapidocr"), numerals))
    assert read.readings[0].text == "1705"
    assert read.readings[0].probability <= 0.5


@pytest.mark.parametrize(("figure", "sure"), [("0", True), ("8", False)])
def test_a_figure_that_a_rule_cut_is_read_whole_and_is_doubtful_where_it_looked_like_another_one(
    figure: str, sure: bool, numerals: NumeralReader
) -> None:
    """Without its left side the nought is nothing that is printed, the 8 surely a 3."""
    picture, box = on_rule(figure, darkness=90, into=3)
    grid = printed.table([(0, 0, 1, 1, "")]).grid
    found = Tables([replace(grid, cells=(replace(grid.cells[0], box=box),), pixels=picture)])
    (table,) = found.read(Readers(load_engine("rapidocr"), numerals))
    assert table.readings[0].text == figure
    assert (table.readings[0].probability > 0.9) == sure


def test_a_nought_that_a_dark_speck_makes_a_six_is_read_as_either(numerals: NumeralReader) -> None:
    print_of_low_resolution = [
        cell(text, font=LATIN, size=16, ink=130, noise=2.0) for text in ("0", "8", "15", "40", "0")
    ]
    print_of_low_resolution[-1][15:17, 86:88] = 10
    readers = Readers(load_engine("rapidocr"), numerals)
    (specked,) = read_cells(print_of_low_resolution[-1:], readers)
    assert (specked.text, specked.probability > 0.99) == ("6", True)
    places = [BoundingBox(170.0 * n, 0.0, 170.0 * (n + 1), 48.0) for n in range(5)]
    grid = printed.table([(0, n, 1, 1, "") for n in range(5)]).grid
    cells = tuple(replace(each, box=box) for each, box in zip(grid.cells, places, strict=True))
    (read,) = Tables([replace(grid, cells=cells, pixels=np.hstack(print_of_low_resolution))]).read(readers)
    assert [reading.text for reading in read.readings[:-1]] == ["0", "8", "15", "40"]
    assert {each.text for each in read.readings[-1].alternatives[:2]} == {"0", "6"}
    assert read.readings[-1].probability <= 0.5


def test_a_page_that_nobody_can_read_is_not_read_whole_in_every_orientation(numerals: NumeralReader) -> None:
    class Blind(Engine):
        def _reading(self, text: str) -> Reading:
            return Reading((Alternative(text, 0.04),), self.name)

    page = np.vstack([table([[LABEL] * 5] * 14)] * 2)
    engine = Blind()
    found = tables_of(read_page(PageImage(1, page, 200.0), Readers(engine, numerals)))
    cells = sum(len(each.readings) for each in found)
    assert cells == 140
    assert cells <= len(engine.numerals) <= 2.1 * cells
