"""What is kept of a page once it was read: readings and places, and for a while the pictures of some cells.

Boxes are kept to a tenth of a pixel and probabilities to six digits, so that what is stored is what was worked with.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from pipeline.domain import (
    Alternative,
    BoundingBox,
    Grid,
    GridCell,
    LineReading,
    Mark,
    PageReading,
    Pixels,
    Reading,
    TableReading,
    TextLine,
)
from pipeline.geometry import Forgotten, boxes_to_parent
from pipeline.imaging import darkness
from pipeline.reading import crop
from pipeline.values import parse_value

NO_PICTURE: Pixels = np.zeros((0, 0), np.uint8)
NO_PICTURE.flags.writeable = False


@dataclass(frozen=True, slots=True)
class PackedPicture:
    """A grey picture, compressed without loss: a document of hundreds of pages has tens of thousands of cells."""

    height: int
    width: int
    data: bytes

    def unpack(self) -> Pixels:
        """The picture, shape (height, width)."""
        return np.frombuffer(zlib.decompress(self.data), np.uint8).reshape(self.height, self.width)


def cells_read_by(reader: str, page: PageReading) -> list[dict[int, PackedPicture]]:
    """For each table of a page the pictures of the cells that ``reader`` alone has read, by position of the cell."""
    return [
        {
            index: _pack(crop(table.grid, cell))
            for index, (cell, reading) in enumerate(zip(table.grid.cells, table.readings, strict=True))
            if reading.reader == reader
        }
        for table in page.items
        if isinstance(table, TableReading)
    ]


def without_pictures(page: PageReading) -> PageReading:
    """The page without pixels and maps; each cell knows its place on the page."""
    return replace(page, items=tuple(map(_without_picture, page.items)))


def rounded(reading: Reading) -> Reading:
    """The reading with its probabilities as they are kept."""
    return Reading(
        tuple(Alternative(each.text, _digits(each.probability)) for each in reading.alternatives),
        reading.reader,
        tuple(map(rounded, reading.parts)),
    )


def _pack(picture: Pixels) -> PackedPicture:
    height, width = picture.shape
    # Of scanned paper runs are all that repeats; looking for more takes longer and finds less.
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    return PackedPicture(height, width, packer.compress(picture.tobytes()) + packer.flush())


def _without_picture(item: TableReading | LineReading) -> TableReading | LineReading:
    if isinstance(item, LineReading):
        return LineReading(_line(item.line), rounded(item.reading))
    grid = item.grid
    kept = replace(
        grid,
        cells=tuple(map(partial(_cell, grid), grid.cells, item.readings)),
        pixels=NO_PICTURE,
        to_page=Forgotten(),
        box=_tenths(grid.box),
    )
    places = tuple(map(_tenths, boxes_to_parent(grid.to_page, [cell.box for cell in grid.cells])))
    return TableReading(kept, tuple(map(rounded, item.readings)), places)


def _line(line: TextLine) -> TextLine:
    return TextLine(
        page=line.page,
        box=_tenths(line.box),
        pixels=NO_PICTURE,
        prominence=_digits(line.prominence),
        centred=bool(line.centred),  # numpy's own is no JSON
        text=line.text,
    )


def _cell(grid: Grid, cell: GridCell, reading: Reading) -> GridCell:
    """The cell as it is kept; how dark words are nobody asks."""
    value = parse_value(reading.text)
    seen = grid.pixels.size and not (value.mark is Mark.TEXT and value.note)
    found = darkness(crop(grid, cell)) if seen else None
    dark = None if found is None else (_digits(found[0]), _digits(found[1]))
    return replace(cell, box=_tenths(cell.box), quality=_digits(cell.quality), darkness=dark)


def _tenths(box: BoundingBox) -> BoundingBox:
    return BoundingBox(*(round(float(each), 1) for each in (box.x0, box.y0, box.x1, box.y1)))


def _digits(number: float) -> float:
    return float(f"{number:.6g}")
