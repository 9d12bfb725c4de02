"""Printed rows: which table of the statute each row of a grid belongs to, its labels and its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.domain import (
    BlockSpec,
    BoundingBox,
    FormSpec,
    LabelContext,
    Mark,
    PageReading,
    RowSpec,
    TableReading,
    TableSpec,
)
from pipeline.labels.contexts import grid_contexts
from pipeline.values import is_unit, parse_value

_VALUE_MARKS = frozenset({Mark.NUMBER, Mark.BLANK, Mark.SLASH, Mark.DASH})
# A table rarely changes inside a grid: one label alone is too weak to start another.
_SWITCH_COST = 5.0
_UNSEEN = 0.02
# A blank square speaks for a value column, but a label may have been lost as well.
_BLANK = 0.2
# What is read with less may be specks in a header of cells that were never merged.
_FIGURE = 0.9
# A header counts as recognised from here on.
_RECOGNISED = 0.9

NAMED = 0.5
"""A label says which row, column or group it is from here on."""
SHARED = 0.3
"""How sure a place is that something else has a claim to as well."""
ADDED_WITHOUT_LABEL = 0.05
"""Who adds a line to the form gives it a label: of those without one, few are added."""
FLOOR = 1e-4
"""The least probability that an alignment counts with: a label may have been misread for another."""


class Classifier(Protocol):
    """What assembling needs of the label classifier."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    def probabilities(self, contexts: Sequence[LabelContext]) -> NDArray[np.float64]: ...


@dataclass(frozen=True, slots=True, eq=False)
class LabelledTable:
    """A table with what its text cells may mean.

    Attributes:
        index: position among the tables of the document.
        probabilities: per cell that holds text, class probabilities, shape (k,), in the order of the classifier.
        contexts: of the same cells the text with what surrounds it.
    """

    index: int
    reading: TableReading
    probabilities: Mapping[int, NDArray[np.float64]]
    contexts: Mapping[int, LabelContext]


@dataclass(frozen=True, slots=True, eq=False)
class PrintedRow:
    """One row of a grid.

    Attributes:
        table: the table it is printed in.
        number: 0-based row of the grid.
        labels: indices of its label cells, outermost first (spanning ones included).
        values: indices of its value cells, left to right.
        label: the label that names the row, as read, with what surrounds it; None when it was lost.
        likely: class probabilities of that label, shape (k,), None when it was lost.
        shared: those of its values that also stand beside a label below that names another row: the rule between was
            lost, and the figure may be that row's.
    """

    table: LabelledTable
    number: int
    labels: tuple[int, ...]
    values: tuple[int, ...]
    label: LabelContext | None
    likely: NDArray[np.float64] | None
    shared: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Consecutive rows of one grid that belong to one table of the statute.

    ``headers`` are indices of the cells of rows without values.
    """

    table_id: str
    table: LabelledTable
    rows: tuple[PrintedRow, ...]
    headers: tuple[int, ...]


def row_box(row: PrintedRow) -> BoundingBox:
    """Where a printed row lies on the page as decoded: its values and the labels that stand beside them alone."""
    cells = row.table.reading.grid.cells
    own = (*row.values, *(c for c in row.labels if cells[c].row_span == 1))
    places = [row.table.reading.places[c] for c in own]
    return BoundingBox(
        min(place.x0 for place in places),
        min(place.y0 for place in places),
        max(place.x1 for place in places),
        max(place.y1 for place in places),
    )


def label_tables(
    tables: Sequence[TableReading], sections: Sequence[str], classifier: Classifier
) -> tuple[LabelledTable, ...]:
    """Classify every text cell of the tables in one call; ``sections`` holds the heading above each table."""
    contexts: list[LabelContext] = []
    owners: list[tuple[int, int]] = []
    surroundings: list[dict[int, LabelContext]] = [{} for _ in tables]
    for index, (table, section) in enumerate(zip(tables, sections, strict=True)):
        texts = [reading.text for reading in table.readings]
        worded = [_is_label(text) for text in texts]
        for cell, context in grid_contexts(table.grid.cells, texts, worded, section):
            contexts.append(context)
            owners.append((index, cell))
            surroundings[index][cell] = context
    probabilities = classifier.probabilities(contexts) if contexts else np.zeros((0, len(classifier.classes)))
    by_table: list[dict[int, NDArray[np.float64]]] = [{} for _ in tables]
    for (index, cell), row in zip(owners, probabilities, strict=True):
        by_table[index][cell] = row
    return tuple(LabelledTable(i, table, by_table[i], surroundings[i]) for i, table in enumerate(tables))


def is_value(text: str) -> bool:
    """Whether a reading could stand in a value cell: a number, a mark, nothing, or a word such as 不适用."""
    value = parse_value(text)
    return value.mark in _VALUE_MARKS or not value.note


def _is_label(text: str) -> bool:
    """Whether a reading holds words; specks read as points, and a nought read as two brackets, name nothing."""
    return not is_value(text) and any(character.isalpha() for character in text)


def cells_by_row(table: TableReading) -> list[list[int]]:
    """For each row of the grid the indices of the cells that cover it, left to right."""
    rows: list[list[int]] = [[] for _ in range(table.grid.rows)]
    for index, cell in enumerate(table.grid.cells):
        for number in range(cell.row, cell.row + cell.row_span):
            rows[number].append(index)
    for row in rows:
        row.sort(key=lambda c: table.grid.cells[c].column)
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class LabelKinds:
    """What the classes of the classifier stand for.

    Attributes:
        table: table id of each class that names one, by position of the class.
        row: whether the class names a data row, shape (k,).
        header: whether the class is a caption, a column header or another cell of a header, shape (k,).
        over_values: whether it heads columns of values, shape (k,).
        over_labels: whether it heads the labels or their units, shape (k,).
    """

    table: Mapping[int, str]
    row: NDArray[np.bool_]
    header: NDArray[np.bool_]
    over_values: NDArray[np.bool_]
    over_labels: NDArray[np.bool_]


def label_kinds(classes: Sequence[str], forms: Sequence[FormSpec]) -> LabelKinds:
    """What each class of the classifier stands for, read from its id ``kind/…/table/…``."""
    table_ids = {table.id for form in forms for table in form.tables}
    owners: dict[int, str] = {}
    for position, name in enumerate(classes):
        parts = name.split("/")
        owner = next((part for part in parts[1:] if part in table_ids), None)
        if owner is not None:
            owners[position] = owner
    beside = {"stub"} | {block.unit_header for form in forms for table in form.tables for block in table.blocks}
    heads = [name.split("/")[0] for name in classes]
    row = np.array([head == "row" for head in heads])
    header = np.array([head in {"column", "caption", "header", "title", "section"} for head in heads])
    over_labels = np.array([h == "header" and n.split("/")[-1] in beside for h, n in zip(heads, classes, strict=True)])
    over_values = np.array([head in {"column", "header"} for head in heads]) & ~over_labels
    return LabelKinds(owners, row, header, over_values, over_labels)


def segments(
    table: LabelledTable, kinds: LabelKinds, strips: frozenset[str], before: str | None
) -> tuple[Segment, ...]:
    """Cut a grid into runs of rows of one statutory table each.

    Args:
        strips: ids of the tables whose values stand on one line without a label.
        before: table id of the last rows before this grid, on which rows without any label go on.
    """
    rows = cells_by_row(table.reading)
    ids = sorted(set(kinds.table.values()))
    owner = np.zeros((len(kinds.row), len(ids)))
    for position, name in kinds.table.items():
        owner[position, ids.index(name)] = 1.0
    votes = np.full((len(rows), len(ids)), _UNSEEN)
    seen = False
    for number, row in enumerate(rows):
        for cell in row:
            if table.reading.grid.cells[cell].row != number or cell not in table.probabilities:
                continue
            seen = True
            votes[number] += table.probabilities[cell] @ owner
    if not seen and before is None:
        return ()
    start = np.zeros(len(ids))
    if before is not None:
        start[ids.index(before)] = _SWITCH_COST / 2
    path = _viterbi(np.log(votes / votes.sum(axis=1, keepdims=True)), start)
    result = []
    first = 0
    for number in range(1, len(rows) + 1):
        if number == len(rows) or path[number] != path[first]:
            name = ids[path[first]]
            result.append(_segment(name, table, rows, range(first, number), name in strips, kinds))
            first = number
    return tuple(result)


def _segment(
    owner: str, table: LabelledTable, rows: list[list[int]], numbers: range, strip: bool, kinds: LabelKinds
) -> Segment:
    grid = table.reading.grid
    boundary = 0 if strip else _boundary(table, rows, numbers, kinds)
    units = _unit_columns(table, rows, numbers, boundary)
    printed: list[PrintedRow] = []
    headers: list[int] = []
    for number in numbers:
        labels = tuple(c for c in rows[number] if grid.cells[c].column < boundary)
        own = [c for c in rows[number] if grid.cells[c].row == number]
        values = tuple(c for c in own if grid.cells[c].column >= boundary)
        naming = [c for c in own if c in table.probabilities and c in labels and grid.cells[c].column not in units]
        leaf = _leaf(table, naming, kinds)
        if values and _is_data(table, leaf, values, kinds):
            label = None if leaf is None else table.contexts[leaf]
            likely = None if leaf is None else table.probabilities[leaf]
            shared = frozenset(c for c in values if leaf is not None and _names_another(table, rows, c, leaf, kinds))
            printed.append(PrintedRow(table, number, labels, values, label, likely, shared))
        else:
            headers.extend(own)
    return Segment(owner, table, tuple(printed), tuple(headers))


def _names_another(table: LabelledTable, rows: list[list[int]], value: int, leaf: int, kinds: LabelKinds) -> bool:
    """Whether a label beside the lower part of a value cell names another row than the label of its first row."""
    cells = table.reading.grid.cells
    below = range(cells[value].row + 1, cells[value].row + cells[value].row_span)
    named = int(np.argmax(table.probabilities[leaf]))
    beside = (table.probabilities[c] for n in below for c in rows[n] if cells[c].row == n and c in table.probabilities)
    return any(likely[kinds.row].sum() > 0.5 and int(np.argmax(likely)) != named for likely in beside)


def _unit_columns(table: LabelledTable, rows: list[list[int]], numbers: range, boundary: int) -> frozenset[int]:
    """Grid columns of labels in which units stand, some of them misread.

    A unit does not name its row: a row that shows nothing else has lost its label.
    """
    grid = table.reading.grid
    units: Counter[int] = Counter()
    worded: Counter[int] = Counter()
    for number in numbers:
        for c in rows[number]:
            cell, text = grid.cells[c], table.reading.readings[c].text
            if cell.row == number and cell.column < boundary and _is_label(text):
                worded[cell.column] += 1
                units[cell.column] += is_unit(text)
    return frozenset(column for column, count in worded.items() if 2 * units[column] >= count)


def _leaf(table: LabelledTable, labels: Sequence[int], kinds: LabelKinds) -> int | None:
    """The label cell that names the row; a cell that spans further rows names a group, unless it reads as a row."""
    named = {c: float(table.probabilities[c][kinds.row].sum()) for c in labels}
    cells = table.reading.grid.cells
    own = [c for c in labels if cells[c].row_span == 1 or named[c] > 0.5]
    return max(own, key=lambda c: (named[c], c), default=None)


def _is_data(table: LabelledTable, leaf: int | None, values: tuple[int, ...], kinds: LabelKinds) -> bool:
    readings = [table.reading.readings[c] for c in values]
    texts = [reading.text for reading in readings]
    figures = sum(is_value(r.text) and bool(r.text.strip()) and r.probability >= _FIGURE for r in readings)
    worded = [c for c, text in zip(values, texts, strict=True) if _is_label(text)]
    words = len(worded)
    if figures > words:
        return True
    if words and all(_is_header(table, c, kinds) for c in worded):
        return False  # a header whose cells were never merged is mostly blank
    if leaf is not None:
        likely = table.probabilities[leaf]
        if likely[kinds.row].sum() > 0.5:
            return True
        # What stands left of all values heads none of them: 其他 and 合计 name rows and columns.
        if likely[kinds.header & ~kinds.over_values].sum() > 0.5:
            return False
    return 2 * words < len(texts)


def _is_header(table: LabelledTable, cell: int, kinds: LabelKinds) -> bool:
    likely = table.probabilities.get(cell)
    return likely is not None and bool(likely[kinds.header].sum() > 0.5)


def _boundary(table: LabelledTable, rows: list[list[int]], numbers: range, kinds: LabelKinds) -> int:
    """The grid column where values begin: most words to its left, most figures and blanks to its right.

    A header that is recognised outweighs all the rows below it, whose units may have been read as figures; so does each
    recognised label of a row: 其他 and 合计 are both. Other lines of words alone have no say.
    """
    grid = table.reading.grid
    gain = np.zeros(grid.columns + 1)
    for number in numbers:
        own = [c for c in rows[number] if grid.cells[c].row == number]
        for c in own:
            likely = table.probabilities.get(c)
            if likely is not None:
                column = grid.cells[c].column
                gain[: column + 1] += len(numbers) * (likely[kinds.over_values].sum() > _RECOGNISED)
                gain[column + 1 :] += len(numbers) * (likely[kinds.over_labels].sum() > _RECOGNISED)
                gain[column + 1 :] += len(numbers) * (likely[kinds.row].sum() > _RECOGNISED)
        readings = {c: table.reading.readings[c] for c in own}
        if all(not is_value(reading.text) for reading in readings.values()):
            continue
        for c, reading in readings.items():
            column = grid.cells[c].column
            if is_value(reading.text):
                gain[: column + 1] += reading.probability if reading.text.strip() else _BLANK
            elif _is_label(reading.text):
                gain[column + 1 :] += reading.probability
    gain[0] = -1.0
    return int(np.argmax(gain[: grid.columns]))


def _viterbi(scores: NDArray[np.float64], start: NDArray[np.float64]) -> list[int]:
    count = scores.shape[1]
    best = scores[0] + start
    back: list[NDArray[np.intp]] = []
    for row in scores[1:]:
        moves = best[:, None] - _SWITCH_COST * (1 - np.eye(count))
        back.append(np.argmax(moves, axis=0))
        best = np.max(moves, axis=0) + row
    path = [int(np.argmax(best))]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return path[::-1]


def form_rows(table: TableSpec) -> list[tuple[BlockSpec, RowSpec]]:
    """The rows of a table as the form prints them, each with its block."""
    return [(block, row) for block in table.blocks for row in block.rows]


def tables_of(pages: Sequence[PageReading]) -> list[TableReading]:
    """The tables of the pages in their order."""
    return [item for page in pages for item in page.items if isinstance(item, TableReading)]
