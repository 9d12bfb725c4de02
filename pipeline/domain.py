"""The values that flow through the pipeline, all frozen; names are the field's standard terms.

Coordinates are pixels with the origin at the top left corner, x to the right, y down; a box covers
``x0 <= x < x1`` and ``y0 <= y < y1``. Pictures are ``uint8`` arrays, dark ink on light ground:
shape ``(height, width)`` for grey and ``(height, width, 3)`` for RGB.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]


class Transform(Protocol):
    """An invertible map between the coordinates of a picture and those of the picture it was made from."""

    def to_parent(self, points: Points) -> Points:
        """Map points, shape (n, 2), of this picture to the picture it was made from."""
        ...

    def from_parent(self, points: Points) -> Points:
        """Map points, shape (n, 2), of the parent picture to this one."""
        ...


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """An axis-parallel rectangle in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0


# --------------------------------------------------------------------------- documents and pages


def document_id(sha256: str) -> str:
    """The name of a content in the tables: "d-" and the first 16 of the hex digits of its SHA-256."""
    return f"d-{sha256[:16]}"


@dataclass(frozen=True, slots=True)
class TextLayer:
    """The embedded text of one PDF page, kept as a PDF of that page alone.

    Attributes:
        pdf: a decrypted single-page PDF.
        width, height: size of the page in points (1/72 inch).
    """

    pdf: bytes
    width: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class PageImage:
    """One page as decoded: upright according to its metadata, otherwise untouched.

    Attributes:
        number: 1-based number of the page in its file.
        pixels: grey (h, w) or RGB (h, w, 3).
        dpi: resolution in dots per inch where the file states a plausible one, else None.
        text_layer: set when the page carries embedded text that is sound enough to be read.
        stretch: by how much the file's picture was enlarged along x and y to make its dots square.
    """

    number: int
    pixels: Pixels
    dpi: float | None = None
    text_layer: TextLayer | None = None
    stretch: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class CleanPage:
    """A page made ready for finding tables: evened light, seals lightened, text lines level.

    Attributes:
        number: 1-based number of the page in its file.
        pixels: grey (h, w), at most about 200 dots per inch.
        to_page: maps pixels of this picture to pixels of the page as decoded.
        dpi: resolution of ``pixels`` in dots per inch, as stated by the file or estimated from the page's size.
        text_height: height of the usual character in pixels.
    """

    number: int
    pixels: Pixels
    to_page: Transform
    dpi: float
    text_height: float


# --------------------------------------------------------------------------- tables and lines


ALIGNED = 0.4
"""Quality of a cell whose edges come from the alignment of text; one with less of its rules seen is no better."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """One printed cell of a table.

    Attributes:
        row, column: 0-based position of the top left grid square.
        row_span, column_span: number of grid squares covered.
        box: inner area of the cell (inside its rules) in pixels of the grid's picture.
        text: the cell's embedded text where the table came from a text layer, else None.
        quality: 0 to 1, how much of the cell's four rules was seen.
        darkness: by how much its darkest print, and that at its left and right edges, is darker than its paper, grey
            levels; None where there is no picture, it was not read yet, or words are printed.
    """

    row: int
    column: int
    row_span: int
    column_span: int
    box: BoundingBox
    text: str | None = None
    quality: float = 1.0
    darkness: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A table found on a page, flattened: its rules run parallel to the axes of ``pixels``.

    Attributes:
        page: 1-based page number.
        rows, columns: size of the grid in squares.
        cells: every printed cell once, in reading order; together they cover the grid.
        pixels: flattened grey picture of the table, seals lightened and illumination evened; empty once it was read.
        to_page: maps pixels of the picture to pixels of the page as decoded; of no use once it was read.
        box: where the table lies on the page as decoded.
    """

    page: int
    rows: int
    columns: int
    cells: tuple[GridCell, ...]
    pixels: Pixels
    to_page: Transform
    box: BoundingBox


@dataclass(frozen=True, slots=True, eq=False)
class TextLine:
    """A line of text outside the tables.

    Attributes:
        page: 1-based page number.
        box: where it lies on the page as decoded.
        pixels: grey picture of the line; empty once it was read.
        prominence: height of the line relative to the median line of its page.
        centred: whether it stands in the middle of the text column with room on both sides.
        text: embedded text where there is a text layer, else None.
    """

    page: int
    box: BoundingBox
    pixels: Pixels
    prominence: float
    centred: bool
    text: str | None = None


# --------------------------------------------------------------------------- readings and labels


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to read a picture, with its probability (0 to 1)."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader saw in a picture: alternatives, most probable first, never empty.

    A picture without ink reads as the empty text. ``reader`` names the reader. Where several looked at the picture
    ``parts`` holds what each of them saw.
    """

    alternatives: tuple[Alternative, ...]
    reader: str
    parts: tuple[Reading, ...] = ()

    @property
    def text(self) -> str:
        return self.alternatives[0].text

    @property
    def probability(self) -> float:
        return self.alternatives[0].probability

    @property
    def margin(self) -> float:
        """Probability of the best alternative less that of the second best."""
        second = self.alternatives[1].probability if len(self.alternatives) > 1 else 0.0
        return self.probability - second


@dataclass(frozen=True, slots=True, eq=False)
class TableReading:
    """A grid with a reading for each of its cells.

    Attributes:
        readings: runs parallel to ``grid.cells``.
        places: where each cell lies on the page as decoded, parallel to ``grid.cells``; empty until the table was read.
    """

    grid: Grid
    readings: tuple[Reading, ...]
    places: tuple[BoundingBox, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class LineReading:
    """A line of text outside the tables with its reading."""

    line: TextLine
    reading: Reading


@dataclass(frozen=True, slots=True, eq=False)
class PageReading:
    """What was read on one page, in reading order; ``sheets`` counts the pages stacked in one long picture."""

    number: int
    items: tuple[TableReading | LineReading, ...]
    sheets: int = 1


@dataclass(frozen=True, slots=True)
class LabelContext:
    """A printed label and what surrounds it, as the classifier sees it.

    Attributes:
        text: the label as read.
        parent: text of the label cell(s) that span it to the left, or of the caption above it.
        section: text of the last heading above the table, empty when unknown.
        previous, following: the labels before and after it in the same table.
        position: 0 to 1, relative position among the labelled rows of its table.
        columns: number of value cells beside it.
    """

    text: str
    parent: str = ""
    section: str = ""
    previous: str = ""
    following: str = ""
    position: float = 0.0
    columns: int = 0


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a label means: a canonical id (None: not on the form) with its probability and margin."""

    label_id: str | None
    probability: float
    margin: float


# --------------------------------------------------------------------------- the statute


@dataclass(frozen=True, slots=True, order=True)
class CellKey:
    """Canonical name of one statutory cell within a form."""

    table_id: str
    row_id: str
    column_id: str


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column of a block: canonical id, header labels from the outermost to its own, and variants seen in print."""

    id: str
    label: str
    parents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class RowSpec:
    """A row of a block: canonical id, label, group labels it stands under (outermost first), variants, unit.

    ``units`` maps a column id to the unit of that cell where it differs from the row's.
    """

    id: str
    label: str
    parents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    unit: str = ""
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """Rows that share one header: a caption row (where printed), a header and data rows.

    ``stub`` heads the row labels, ``unit_header`` the column that prints each row's unit (empty: no such column);
    ``headings`` are the rows that carry a label and no figure.
    """

    rows: tuple[RowSpec, ...]
    columns: tuple[ColumnSpec, ...]
    caption: str = ""
    caption_aliases: tuple[str, ...] = ()
    stub: str = ""
    headings: tuple[str, ...] = ()
    stub_aliases: tuple[str, ...] = ()
    unit_header: str = ""
    unit_header_aliases: tuple[str, ...] = ()


class TableLayout(StrEnum):
    """How the statute prints a table.

    LIST: a label and the values of a row on one printed line.
    STRIP: all rows of the block side by side on a single line of values without a row label.
    """

    LIST = "list"
    STRIP = "strip"


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A statutory table: canonical id, section titles it is printed under, layout, blocks in printed order."""

    id: str
    title: str
    layout: TableLayout
    blocks: tuple[BlockSpec, ...]
    title_aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One arithmetic relation that the form prints or implies.

    Attributes:
        kind: name of the kind of rule, a module of ``pipeline.rules``.
        left, right: the cells on both sides, summed.
        reference: legal or printed source.
        text: the relation in words, as a reviewer reads it.
    """

    id: str
    kind: str
    left: tuple[CellKey, ...]
    right: tuple[CellKey, ...]
    reference: str
    text: str


@dataclass(frozen=True, slots=True)
class FormSpec:
    """One version of the statutory form. ``valid_from``/``valid_to`` are report years, inclusive; None is open."""

    id: str
    title: str
    title_aliases: tuple[str, ...]
    legal_reference: str
    issued: dt.date
    valid_from: int
    valid_to: int | None
    tables: tuple[TableSpec, ...]
    rules: tuple[RuleSpec, ...]

    def keys(self) -> tuple[CellKey, ...]:
        """Every statutory cell of the form, in printed order."""
        return tuple(
            CellKey(table.id, row.id, column.id)
            for table in self.tables
            for block in table.blocks
            for row in block.rows
            for column in block.columns
        )


# --------------------------------------------------------------------------- what comes out


class Mark(StrEnum):
    """What is printed in a cell; blank, slash, dash and the number 0 are different things."""

    NUMBER = "number"
    BLANK = "blank"
    SLASH = "slash"
    DASH = "dash"
    TEXT = "text"


class Status(StrEnum):
    """How far a cell may be relied on."""

    ACCEPTED = "accepted"
    REVIEW = "review"
    MISSING = "missing"
    RECONCILED = "reconciled"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Value:
    """The content of a cell, parsed: ``number`` is None unless ``mark`` is NUMBER."""

    mark: Mark
    number: Decimal | None = None
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How far a cell that was found may be relied on, with the reasons for review in words.

    ``value`` is set where the relations of the form determine the value.
    """

    status: Status
    confidence: float
    reasons: tuple[str, ...]
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One statutory cell of one report, with where it came from.

    Attributes:
        raw_text: the cell as read, before parsing.
        reading: how it was read: readers and alternatives with probabilities, as text.
        page: 1-based page, None when the cell was not found.
        box: on the page as decoded, None when the cell was not found.
        reasons: why a person should look at it, in words; empty when accepted.
    """

    key: CellKey
    value: Value | None
    raw_text: str
    status: Status
    confidence: float
    reading: str
    page: int | None
    box: BoundingBox | None
    unit: str = ""
    note: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A printed row of a table whose rows have labels, and what it was taken for.

    Attributes:
        row_id: the row of the form; None where it is taken for none of them.
        certainty: probability of that, 0 to 1.
        candidates: other rows of the form that the label may mean, the most probable first.
        page, box: 1-based page, and where the row lies on it as decoded.
        label: the printed label with what surrounds it; None where it was lost.
    """

    table_id: str
    row_id: str | None
    certainty: float
    candidates: tuple[str, ...]
    page: int
    box: BoundingBox
    label: LabelContext | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that the printed figures do not satisfy."""

    rule_id: str
    cells: tuple[CellKey, ...]
    expected: str
    printed: str
    reference: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """One annual report found in a document."""

    index: int
    pages: tuple[int, ...]
    agency: str
    year: int | None
    form_id: str
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    rows: tuple[PlacedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be read: the page is None when it is the file as a whole.

    ``kind`` is one word for machines (docs/output.md lists them), ``cause`` and ``advice`` are for people.
    """

    page: int | None
    cause: str
    advice: str
    kind: str = "unreadable"


@dataclass(frozen=True, slots=True, eq=False)
class DocumentReading:
    """Everything that was read in one document, without any picture: all that assembling its reports needs.

    Attributes:
        document_id: "d-" and the first 16 hex digits of the SHA-256 of the content.
        source: path relative to the input root, with "/" as separator.
        pages: the pages that could be read, in order.
        failures: what could not be read.
        seconds: wall time spent.
    """

    document_id: str
    source: str
    pages: tuple[PageReading, ...]
    failures: tuple[Failure, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Extraction:
    """Everything that one document gave.

    Attributes:
        document_id: "d-" and the first 16 hex digits of the SHA-256 of the content.
        source: path relative to the input root, with "/" as separator.
        pages: number of pages read; pages stacked in one long picture count each.
        seconds: wall time spent.
    """

    document_id: str
    source: str
    pages: int
    reports: tuple[Report, ...]
    failures: tuple[Failure, ...]
    seconds: float
