"""Reads one form file, strictly, into a :class:`~pipeline.domain.FormSpec`.

The shape of a form file is described in ``docs/decisions/0002-statute-as-data.md``. A malformed file is one error
that lists every fault at once, each with the place it stands at.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader  # a tenth of the time
except ImportError:  # wheels for some systems come without libyaml
    from yaml import SafeLoader  # type: ignore[assignment]

from pipeline import rules
from pipeline.domain import (
    BlockSpec,
    CellKey,
    ColumnSpec,
    FormSpec,
    RowSpec,
    RuleSpec,
    TableLayout,
    TableSpec,
)
from pipeline.errors import FormError

_ID = re.compile(r"[a-z][a-z0-9_]*")
_FORM_ID = re.compile(r"[a-z][a-z0-9]*-[0-9]{4}")
LAST_YEAR = 9999  # a form without valid_to is in force for good
_RANGE = re.compile(r"(\S+) \.\. (\S+)")


def parse_form(text: str, source: str) -> FormSpec:
    """Parse a form file.

    Args:
        text: the YAML text.
        source: name of the file, for messages.

    Raises:
        FormError: naming the file and every fault in it.
    """
    faults: list[str] = []
    form = _read_form(_load(text, faults), faults)
    if faults or form is None:
        raise FormError("\n  ".join([f"{source}:", *faults]), "docs/decisions/0002 describes form files.")
    return form


# --------------------------------------------------------------------------- YAML


class _StrictLoader(SafeLoader):
    """A safe loader that notes keys standing twice in one mapping, which YAML would let the last one win."""

    def __init__(self, text: str, faults: list[str]) -> None:
        super().__init__(text)
        self.faults = faults

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                self.faults.append(f"line {key.start_mark.line + 1}: {name} stands twice")
            seen.add(name)
        return super().construct_mapping(node, deep)


def _load(text: str, faults: list[str]) -> object:
    loader = _StrictLoader(text, faults)
    try:
        return loader.get_single_data()
    except yaml.YAMLError as error:
        faults.append(" ".join(str(error).split()))
        return {}
    finally:
        loader.dispose()


@dataclass
class _Fields:
    """One mapping, taken key by key. What is wrong is noted; keys nobody took are unknown ones."""

    data: dict[Any, Any]
    where: str
    faults: list[str]
    taken: set[str] = field(default_factory=set)

    def fault(self, what: str) -> None:
        self.faults.append(f"{self.where}: {what}")

    def take(self, key: str) -> object:
        self.taken.add(key)
        return self.data.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.take(key)
        if isinstance(value, str) and value.strip():
            return value
        if value is not None or default is None:
            self.fault(f"{key} must be text")
        return default or ""

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.take(key)
        items = [] if value is None else value if isinstance(value, list) else [value]
        if any(not isinstance(item, str) for item in items):
            self.fault(f"{key} must be text or a list of texts")
        if len(set(map(str, items))) < len(items):
            self.fault(f"{key} names something twice")
        return tuple(str(item) for item in items)

    def year(self, key: str, default: int | None = None) -> int:
        value = self.take(key)
        if value is None and default is not None:
            return default
        if type(value) is not int or not 1900 <= value <= LAST_YEAR:
            self.fault(f"{key} must be a year")
            return LAST_YEAR
        return value

    def day(self, key: str) -> dt.date:
        value = self.take(key)
        if type(value) is not dt.date:
            self.fault(f"{key} must be a date")
            return dt.date.min
        return value

    def mapping(self, key: str) -> dict[Any, Any]:
        value = self.take(key)
        if isinstance(value, dict):
            return value
        self.fault(f"{key} must be a mapping")
        return {}

    def sections(self, key: str) -> Iterator[_Fields]:
        value = self.take(key)
        if not isinstance(value, list) or not value:
            self.fault(f"{key} must be a list")
            return
        for number, item in enumerate(value, 1):
            with_place = f"{self.where} {key} {number}"
            if isinstance(item, dict):
                yield _Fields(item, with_place, self.faults)
            else:
                self.faults.append(f"{with_place}: must be a mapping")

    def close(self) -> None:
        for key in self.data:
            if key not in self.taken:
                self.fault(f"unknown key {key}")


# --------------------------------------------------------------------------- the form


def _read_form(data: object, faults: list[str]) -> FormSpec | None:
    if not isinstance(data, dict):
        faults.append("must be a mapping")
        return None
    top = _Fields(data, "form", faults)
    form_id = top.text("id")
    if not _FORM_ID.fullmatch(form_id):
        top.fault(f"id {form_id} must be a family and a year, such as ogi-2021")
    issued, first, last = top.day("issued"), top.year("valid_from"), top.year("valid_to", default=LAST_YEAR)
    if last < first:
        top.fault("valid_to lies before valid_from")
    reference = top.text("legal_reference")
    tables: list[TableSpec] = []
    found_rules: list[RuleSpec] = []
    for section in top.sections("tables"):
        table = _read_table(section)
        tables.append(table)
        found_rules.extend(_read_rules(section, table, reference))
        section.close()
    title, aliases = top.text("title"), top.texts("title_aliases")
    top.close()
    _refuse_twins("table", [table.id for table in tables], faults)
    return FormSpec(
        id=form_id,
        title=title,
        title_aliases=aliases,
        legal_reference=reference,
        issued=issued,
        valid_from=first,
        valid_to=None if last == LAST_YEAR else last,
        tables=tuple(tables),
        rules=tuple(found_rules),
    )


def _read_table(table: _Fields) -> TableSpec:
    table_id = _checked_id(table)
    table.where = f"table {table_id}"
    layout = table.text("layout", TableLayout.LIST.value)
    if layout not in set(TableLayout):
        table.fault(f"layout {layout} is none of {', '.join(TableLayout)}")
        layout = TableLayout.LIST.value
    unit = table.text("unit", "")
    blocks = tuple(_read_block(block, unit) for block in table.sections("blocks"))
    _refuse_twins(f"{table.where}: row", [row.id for block in blocks for row in block.rows], table.faults)
    return TableSpec(
        id=table_id,
        title=table.text("title"),
        title_aliases=table.texts("title_aliases"),
        layout=TableLayout(layout),
        blocks=blocks,
    )


def _read_block(block: _Fields, unit: str) -> BlockSpec:
    columns = tuple(
        ColumnSpec(entry.id, entry.label, entry.parents, entry.aliases, entry.unit)
        for entry in _entries(block.mapping("columns"), f"{block.where} columns", block.faults)
        if entry.id
    )
    entries = list(_entries(block.mapping("rows"), f"{block.where} rows", block.faults))
    own_units = {column.id: column.unit for column in columns if column.unit}
    rows = tuple(
        RowSpec(
            id=entry.id,
            label=entry.label,
            parents=entry.parents,
            aliases=entry.aliases,
            unit=entry.unit or unit,
            units={column: own for column, own in own_units.items() if own != (entry.unit or unit)},
        )
        for entry in entries
        if entry.id
    )
    _refuse_twins(f"{block.where}: column", [column.id for column in columns], block.faults)
    if not rows or not columns:
        block.fault("needs rows and columns")
    heads_printed = block.take("heading_rows")
    if heads_printed not in (None, True):
        block.fault("heading_rows is true or left out")
    spec = BlockSpec(
        rows=rows,
        columns=columns,
        caption=block.text("caption", ""),
        caption_aliases=block.texts("caption_aliases"),
        stub=block.text("stub", ""),
        stub_aliases=block.texts("stub_aliases"),
        unit_header=block.text("unit_header", ""),
        unit_header_aliases=block.texts("unit_header_aliases"),
        headings=tuple(entry.label for entry in entries if not entry.id) if heads_printed else (),
    )
    block.close()
    return spec


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row or column, or, without an id, a printed group of them."""

    id: str
    label: str
    parents: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    unit: str = ""


def _entries(data: Mapping[Any, Any], where: str, faults: list[str], parents: tuple[str, ...] = ()) -> Iterator[_Entry]:
    """Walk rows or columns in printed order. A key that is no id is the printed label of a group."""
    for key, value in data.items():
        if not isinstance(key, str):
            faults.append(f"{where}: {key} must be an id or a printed label")
        elif key.isascii() and not _ID.fullmatch(key):
            faults.append(f"{where}: {key} is neither an id (a-z, 0-9, _) nor a printed label")
        elif not _ID.fullmatch(key):
            yield _Entry("", key, parents)
            if isinstance(value, dict):
                yield from _entries(value, f"{where} {key}", faults, (*parents, key))
            else:
                faults.append(f"{where}: the group {key} must hold a mapping")
        elif isinstance(value, str):
            yield _Entry(key, value, parents)
        elif isinstance(value, dict):
            entry = _Fields(value, f"{where} {key}", faults)
            label = entry.text("label")
            yield _Entry(key, label, parents, entry.texts("aliases"), entry.text("unit", ""))
            if "under" in value:
                yield from _entries(entry.mapping("under"), entry.where, faults, (*parents, label))
            entry.close()
        else:
            faults.append(f"{where} {key}: must be a label or a mapping with a label")


def _checked_id(section: _Fields) -> str:
    found = section.text("id")
    if not _ID.fullmatch(found):
        section.fault(f"id {found} must be lower-case letters, digits and underscores")
    return found


def _refuse_twins(what: str, ids: list[str], faults: list[str]) -> None:
    for twin in sorted({one for one in ids if ids.count(one) > 1}):
        faults.append(f"{what} {twin} stands twice")


# --------------------------------------------------------------------------- rules


def _read_rules(table: _Fields, spec: TableSpec, legal_reference: str) -> Iterator[RuleSpec]:
    """Expand each line of rules over the columns or the rows of its table."""
    if "rules" not in table.data:
        return
    rows = {row.id: row.label for block in spec.blocks for row in block.rows}
    columns = {column.id: column.label for block in spec.blocks for column in block.columns}
    keys = {
        CellKey(spec.id, row.id, column.id) for block in spec.blocks for row in block.rows for column in block.columns
    }
    lines: list[str] = []
    for line in table.sections("rules"):
        rule_id = _checked_id(line)
        lines.append(rule_id)
        line.where = f"rule {rule_id}"
        kind, per = line.text("kind"), line.text("per")
        if kind not in rules.KINDS:
            line.fault(f"unknown kind {kind}; known are {', '.join(rules.KINDS)}")
        if per not in ("row", "column"):
            line.fault("per must be row or column")
        over, summed = (rows, columns) if per == "row" else (columns, rows)
        left, right = (_terms(line, side, list(summed)) for side in ("left", "right"))
        reference, text = line.text("reference"), line.text("text")
        line.close()
        for one, label in over.items():
            sides = [
                tuple(CellKey(spec.id, one, term) if per == "row" else CellKey(spec.id, term, one) for term in side)
                for side in (left, right)
            ]
            for key in (*sides[0], *sides[1]):
                if key not in keys:
                    line.fault(f"no cell {key.table_id}/{key.row_id}/{key.column_id}")
            yield RuleSpec(
                id=f"{spec.id}.{rule_id}.{one}",
                kind=kind,
                left=sides[0],
                right=sides[1],
                reference=f"{legal_reference} {reference}",
                text=f"{label}：{text}" if len(over) > 1 else text,
            )
    _refuse_twins(f"{table.where}: rule", lines, table.faults)


def _terms(line: _Fields, side: str, order: list[str]) -> tuple[str, ...]:
    """Return the ids of one side; ``first .. last`` stands for all between them in printed order."""
    terms: list[str] = []
    for item in line.texts(side):
        ends = _RANGE.fullmatch(item)
        named = ends.groups() if ends else (item,)
        unknown = [name for name in named if name not in order]
        if unknown:
            line.fault(f"{side}: unknown id {', '.join(unknown)}")
        elif ends:
            between = order[order.index(named[0]) : order.index(named[1]) + 1]
            if not between:
                line.fault(f"{side}: {item} runs backwards")
            terms.extend(between)
        else:
            terms.append(item)
    if not terms:
        line.fault(f"{side} names no cell")
    _refuse_twins(f"{line.where}: {side}", terms, line.faults)
    return tuple(terms)
