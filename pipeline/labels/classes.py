"""The canonical ids a printed label can have, and where each form prints them.

================================  ================================================================================
``row/<table>/<row>``             a row, shared by the forms in which its id occurs
``column/<table>/<column>``       a column header that every form with the table words alike
``column/<form>/<table>/<column>``  a column header whose wording tells the forms apart
``caption/<table>/<n>``           the caption of the n-th block (from 1)
``group/<table>/<words>``         a label that spans rows, or a heading row without figures
``header/<table>/<words>``        any other header cell: spanning headers and the header of the unit column
``header/<table>/stub``           the header of the labels themselves
``section/<table>``               the heading a table is printed under
``title/report``                  the title of a report
``other``                         nothing that is on a form
================================  ================================================================================

``<words>`` is the official label, normalised and without its numerals. The rows of a strip table have no label of
their own beside the figures; what names them is a header.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.domain import BlockSpec, ColumnSpec, FormSpec, RowSpec, TableLayout, TableSpec
from pipeline.labels.normalise import normalise, split_enumeration

OTHER = "other"
TITLE = "title/report"
_HEADING_MARK = "——"


@dataclass(frozen=True, slots=True)
class OfficialText:
    """A text that a form prints, or a variant of it, with what it means."""

    label_id: str
    text: str
    variant: bool = False


@dataclass(frozen=True, slots=True)
class PrintedCell:
    """A cell of a table as the form prints it; places and spans are in grid squares.

    Attributes:
        label_id: None for a value cell.
        texts: the official text first, then its variants.
    """

    row: int
    column: int
    row_span: int
    column_span: int
    label_id: str | None
    texts: tuple[str, ...]


def words(label: str) -> str:
    """A label normalised and stripped of its numerals, as it stands in ids made of words."""
    return split_enumeration(normalise(label))[1]


def row_class(table_id: str, row_id: str) -> str:
    """The class of a row label."""
    return f"row/{table_id}/{row_id}"


def column_class(form: FormSpec, table: TableSpec, column: ColumnSpec, forms: Sequence[FormSpec]) -> str:
    """The class of a column header; it names the form unless all forms with this table word the header alike."""
    wordings = {
        words(other.label) if other is not None else ""
        for other_form in forms
        for other_table in other_form.tables
        if other_table.id == table.id
        for other in (_column(other_table, column.id),)
    }
    return f"column/{table.id}/{column.id}" if len(wordings) == 1 else f"column/{form.id}/{table.id}/{column.id}"


def official_texts(forms: Sequence[FormSpec]) -> tuple[OfficialText, ...]:
    """Every text of the forms once per meaning, official ones first.

    A variant that another meaning of the same kind claims as its official text is left to that meaning.
    """
    found: dict[tuple[str, str], OfficialText] = {}
    for form in forms:
        for label_id, texts in _meanings(form, forms):
            for number, text in enumerate(texts):
                key = (label_id, text)
                if number == 0 or key not in found:
                    found[key] = OfficialText(label_id, text, variant=number > 0)
    official = {(_kind(t.label_id), words(t.text)): t.label_id for t in found.values() if not t.variant}
    owners = {key: official.get((_kind(t.label_id), words(t.text)), t.label_id) for key, t in found.items()}
    kept = (t for key, t in found.items() if not t.variant or owners[key] == t.label_id)
    return tuple(sorted(kept, key=lambda t: t.variant))


def printed_table(form: FormSpec, table: TableSpec, forms: Sequence[FormSpec]) -> tuple[PrintedCell, ...]:
    """The cells of a table as the form prints it, in reading order; value cells hold a zero."""
    cells = _strip(table, form, forms) if table.layout is TableLayout.STRIP else _list(table, form, forms)
    return tuple(sorted(cells, key=lambda cell: (cell.row, cell.column)))


def _kind(label_id: str) -> tuple[str, str]:
    """The kind of a class and its table: meanings that could stand in each other's place."""
    parts = label_id.split("/")
    return parts[0], parts[-2] if len(parts) > 2 else ""


def _column(table: TableSpec, column_id: str) -> ColumnSpec | None:
    columns = (column for block in table.blocks for column in block.columns)
    return next((column for column in columns if column.id == column_id), None)


def _meanings(form: FormSpec, forms: Sequence[FormSpec]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield TITLE, (form.title, *form.title_aliases)
    for table in form.tables:
        yield f"section/{table.id}", (table.title, *table.title_aliases)
        for cell in printed_table(form, table, forms):
            if cell.label_id is not None:
                yield cell.label_id, cell.texts


def _list(table: TableSpec, form: FormSpec, forms: Sequence[FormSpec]) -> Iterator[PrintedCell]:
    depth = 1 + max(len(_groups(row, block, table)) for block in table.blocks for row in block.rows)
    width = max(len(block.columns) for block in table.blocks)
    top = 0
    for number, block in enumerate(table.blocks, 1):
        first = depth + (1 if block.unit_header else 0)
        if block.caption:
            texts = (block.caption, *block.caption_aliases)
            yield PrintedCell(top, 0, 1, first + width, f"caption/{table.id}/{number}", texts)
            top += 1
        height = 1 + max(len(column.parents) for column in block.columns)
        if block.stub:
            yield PrintedCell(top, 0, height, depth, f"header/{table.id}/stub", (block.stub, *block.stub_aliases))
        if block.unit_header:
            texts = (block.unit_header, *block.unit_header_aliases)
            yield PrintedCell(top, depth, height, 1, f"header/{table.id}/{words(block.unit_header)}", texts)
        spans = _spans(len(block.columns), first, width)
        yield from _column_headers(table, block, spans, top, height, form, forms)
        top += height
        for cell in _data_rows(table, block, spans, depth):
            yield replace(cell, row=top + cell.row)
        top += len(block.rows) + len(block.headings)


def _spans(columns: int, first: int, width: int) -> list[tuple[int, int]]:
    """Where each column begins and how many squares it covers; the last takes what is left."""
    return [(first + i, 1 if i < columns - 1 else width - i) for i in range(columns)]


def _column_headers(
    table: TableSpec,
    block: BlockSpec,
    spans: Sequence[tuple[int, int]],
    top: int,
    height: int,
    form: FormSpec,
    forms: Sequence[FormSpec],
) -> Iterator[PrintedCell]:
    for i, column in enumerate(block.columns):
        start, span = spans[i]
        level = len(column.parents)
        texts = (column.label, *column.aliases)
        yield PrintedCell(top + level, start, height - level, span, column_class(form, table, column, forms), texts)
        for depth, parent in enumerate(column.parents):
            path = column.parents[: depth + 1]
            if i == 0 or block.columns[i - 1].parents[: depth + 1] != path:
                under = [j for j, other in enumerate(block.columns) if j >= i and other.parents[: depth + 1] == path]
                covered = sum(spans[j][1] for j in under)
                yield PrintedCell(top + depth, start, 1, covered, f"header/{table.id}/{words(parent)}", (parent,))


def _groups(row: RowSpec, block: BlockSpec, table: TableSpec) -> tuple[str, ...]:
    """The labels that span this row: not those that are printed as a row or a heading of their own."""
    own = {other.label for blocks in table.blocks for other in blocks.rows}
    return tuple(parent for parent in row.parents if parent not in own and parent not in block.headings)


def _data_rows(
    table: TableSpec, block: BlockSpec, spans: Sequence[tuple[int, int]], depth: int
) -> Iterator[PrintedCell]:
    """The rows of a block, counted from 0."""
    line = 0
    headed: set[str] = set()
    lines: list[tuple[int, tuple[str, ...]]] = []
    for row in block.rows:
        for heading in row.parents:
            if heading in block.headings and heading not in headed:
                headed.add(heading)
                yield PrintedCell(line, 0, 1, depth, f"group/{table.id}/{words(heading)}", (heading,))
                yield from _beside(line, block, spans, depth, _HEADING_MARK, _HEADING_MARK)
                line += 1
        groups = _groups(row, block, table)
        label_id = row_class(table.id, row.id)
        yield PrintedCell(line, len(groups), 1, depth - len(groups), label_id, (row.label, *row.aliases))
        yield from _beside(line, block, spans, depth, row.unit, "0")
        lines.append((line, groups))
        line += 1
    for index, (at, groups) in enumerate(lines):
        for level, group in enumerate(groups):
            path = groups[: level + 1]
            if index == 0 or lines[index - 1][1][: level + 1] != path:
                covered = sum(1 for _, other in lines[index:] if other[: level + 1] == path)
                yield PrintedCell(at, level, covered, 1, f"group/{table.id}/{words(group)}", (group,))


def _beside(
    line: int, block: BlockSpec, spans: Sequence[tuple[int, int]], depth: int, unit: str, value: str
) -> Iterator[PrintedCell]:
    if block.unit_header:
        is_unit = unit != _HEADING_MARK
        yield PrintedCell(line, depth, 1, 1, OTHER if is_unit else None, (unit,))
    for start, span in spans:
        yield PrintedCell(line, start, 1, span, None, (value,))


def _strip(table: TableSpec, form: FormSpec, forms: Sequence[FormSpec]) -> Iterator[PrintedCell]:
    height = 2 + max(len(row.parents) for block in table.blocks for row in block.rows)
    start = 0
    for block in table.blocks:
        width = len(block.columns)
        for i, row in enumerate(block.rows):
            level = len(row.parents)
            texts = (row.label, *row.aliases)
            yield PrintedCell(level, start, 1, width, f"header/{table.id}/{words(row.label)}", texts)
            for depth, parent in enumerate(row.parents):
                path = row.parents[: depth + 1]
                if i == 0 or block.rows[i - 1].parents[: depth + 1] != path:
                    covered = width * sum(1 for other in block.rows if other.parents[: depth + 1] == path)
                    yield PrintedCell(depth, start, 1, covered, f"header/{table.id}/{words(parent)}", (parent,))
            for j, column in enumerate(block.columns):
                label_id = column_class(form, table, column, forms)
                texts = (column.label, *column.aliases)
                yield PrintedCell(level + 1, start + j, height - level - 1, 1, label_id, texts)
                yield PrintedCell(height, start + j, 1, 1, None, ("0",))
            start += width
