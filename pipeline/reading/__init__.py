"""One page through imaging, tables and readers: every printed cell gets a reading."""

from __future__ import annotations

from dataclasses import replace

from pipeline import imaging, tables
from pipeline.documents import cut_long_page
from pipeline.domain import CleanPage, Grid, LineReading, PageImage, PageReading, TableReading, Transform
from pipeline.geometry import Identity, box_to_parent, chain, scaling, translation
from pipeline.reading.cells import as_sure_as, at_most, crop, second_opinions, without_fraction
from pipeline.reading.lines import embedded, in_order, read_alone, read_lines, titles_of
from pipeline.reading.orientation import legibility, legible_titles
from pipeline.reading.page_tables import Tables, without_ends
from pipeline.reading.readers import Readers
from pipeline.tables.textlayer import read_text_layer

__all__ = ["Readers", "at_most", "crop", "read_page", "second_opinions", "without_fraction"]

# Where a page that no orientation makes legible reads nearly as well another way up, in this proportion at least,
# nothing on it is surer than the last number: noughts and dashes look the same on their head.
_PLAINLY, _EITHER_WAY = 0.5, 0.85


def read_page(page: PageImage, readers: Readers) -> PageReading:
    """Read the tables and the titles of a page.

    A sound text layer is read as it stands; where it holds no sound table the picture is read.
    """
    if page.text_layer is not None:
        grids, lines = read_text_layer(page)
        glance = imaging.glance(page)
        if grids or not (imaging.has_rules(glance) or imaging.has_columns(glance)):
            found = [_embedded(grid) for grid in grids]
            return PageReading(page.number, in_order(found, read_lines(lines, grids, readers, Identity()), Identity()))
    items: list[TableReading | LineReading] = []
    parts = cut_long_page(page)
    for top, bottom in parts:
        part = page if bottom - top == page.pixels.shape[0] else replace(page, pixels=page.pixels[top:bottom])
        in_file = chain(translation(0, top), scaling(1 / page.stretch[0], 1 / page.stretch[1]))
        items.extend(_moved(item, in_file) for item in _read_picture(part, readers))
    return PageReading(page.number, tuple(items), len(parts))


def _read_picture(page: PageImage, readers: Readers) -> tuple[TableReading | LineReading, ...]:
    """Read a picture in the first orientation in which its labels are legible, else in the most legible one."""
    glance = imaging.glance(page)
    ruled = imaging.has_rules(glance)
    if not (ruled or imaging.has_columns(glance)):
        sheet = imaging.clean_glance(page, glance)
        titles = titles_of(tables.find_lines(sheet, ()))
        near = [replace(line, pixels=imaging.close_up(page, sheet, line)) for line in titles]
        return tuple(read_alone(near, readers.engine))
    clean = imaging.clean(page, ruled=ruled)
    seen: list[tuple[float, CleanPage, Tables]] = []
    bare: set[int] = set()
    for quarters in imaging.orientation_candidates(clean):
        # Where no table is found there is none on its head either.
        if quarters % 2 in bare:
            continue
        turned = imaging.turn(clean, quarters)
        found = Tables(tables.find_grids(turned, ruled))
        amount, legible = legibility(found.sample(readers))
        amount *= len(found.cells) / max(1, len(found.readings))
        if not legible:  # where the cells cannot be read what stands around them may
            amount += legible_titles(tables.find_lines(turned, found.grids), readers)
        seen.append((amount, turned, found))
        # Rules may be found in a picture that lies on its side; text that is aligned is not.
        if legible or not (ruled or found.cells):
            break
        if not found.cells:
            bare.add(quarters % 2)
    # Of orientations that can be read as well as each other the first is the likelier.
    (amount, upright, chosen), *others = sorted(seen, key=lambda each: -each[0])
    plain = legible or all(other < _PLAINLY * amount for other, _, _ in others)
    read = [_calibrated(without_ends(table, page)) for table in chosen.read(readers)]
    if not plain:
        read = [_doubted(table, readers) for table in read]
    lines = read_lines(tables.find_lines(upright, chosen.grids), chosen.grids, readers, upright.to_page)
    return in_order(read, lines, upright.to_page)


def _calibrated(table: TableReading) -> TableReading:
    """The table with calibrated probabilities; these hold on upright pages only, so the orientation comes first."""
    pairs = zip(table.grid.cells, table.readings, strict=True)
    return replace(table, readings=tuple(as_sure_as(cell, reading) for cell, reading in pairs))


def _doubted(table: TableReading, readers: Readers) -> TableReading:
    """A table that may lie another way up: both readers have looked at every cell, and are not believed."""
    alone = [i for i, reading in enumerate(table.readings) if reading.reader == readers.numerals.name]
    cells = [(table.grid.cells[i], table.readings[i]) for i in alone]
    crops = [crop(table.grid, cell) for cell, _ in cells]
    readings = list(table.readings)
    for i, reading in zip(alone, second_opinions(cells, crops, readers.engine), strict=True):
        readings[i] = reading
    return replace(table, readings=tuple(at_most(reading, _EITHER_WAY) for reading in readings))


def _embedded(grid: Grid) -> TableReading:
    return TableReading(grid, tuple(embedded(cell.text or "") for cell in grid.cells))


def _moved(item: TableReading | LineReading, to_file: Transform) -> TableReading | LineReading:
    """The item of a picture with its place in the file's picture, which that one was cut from."""
    if isinstance(item, LineReading):
        return replace(item, line=replace(item.line, box=box_to_parent(to_file, item.line.box)))
    grid = item.grid
    moved = replace(grid, to_page=chain(grid.to_page, to_file), box=box_to_parent(to_file, grid.box))
    return replace(item, grid=moved)
