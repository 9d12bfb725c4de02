"""From a form and its figures to printed tables: the statutory wording and layout, and how agencies depart from it.

The departures are those collected in the field: other wordings, lost labels, added and split rows, zeros printed as
nothing, ``/`` or ``-``, units and notes inside cells, headers never merged, columns whose rules do not meet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

import numpy as np

from pipeline.domain import BlockSpec, CellKey, FormSpec, RowSpec, TableLayout, TableSpec
from scripts.scans.figures import Drawn
from scripts.scans.printing import Table, TableCell, Truth

_GLOSSES = {
    "regulations": "（指有立法权的地方政府制定的规章）",
    "normative_documents": (
        "（指以本机关名义印发、具有普遍约束力的决定、通知、意见等公文，以及其他按规范性文件管理的公文）"
    ),
    "other_external_services": "（指行政许可以外面向群众和企业的确认、裁决、给付等事项）",
    "licensing": "（含新办、变更、延续）",
    "penalties": "（指作出处罚决定的件数）",
}
_ADDED = ("其他主动公开文件", "其他主动公开文件（通知、公告、方案等）", "其他文件")
_HEADERS_CUT = {
    "本年新制作数量": "本年新",
    "本年新公开数量": "本年新",
    "对外公开总数量": "对外公开",
    "本年制发件数": "本年发件",
    "现行有效件数": "现行有效件",
}
_HEADERS_BROKEN = {
    "本年新制作数量": "本年新\n制作数量",
    "本年新公开数量": "本年新\n公开数量",
    "对外公开总数量": "对外公开\n总数量",
    "商业企业": "商业\n企业",
    "科研机构": "科研\n机构",
    "社会公益组织": "社会公\n益组织",
    "法律服务机构": "法律服\n务机构",
    "自然人": "自然\n人",
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How one agency fills and words the form; the defaults follow the statute.

    Attributes:
        aliases: share of labels printed in another wording.
        half_width: brackets and commas are half-width.
        point: what stands after an item number, instead of a full stop.
        zero, zero_share: how a zero is printed, and in which share of the cells that are zero.
        blank_where: cells whose zeros are left blank: "details" (all but totals), "organisations", "" for none;
            "totals" leaves the total column blank on detail rows whatever it is.
        plus: positive changes carry a sign; minus: how negative ones are marked.
        thousands: thousands separators; unit_in_cell: money carries its unit; in_yuan: money stands in yuan.
        note_share: share of large counts followed by a note in brackets.
        lost: group whose row labels are gone, or the row whose label is; spaced: two-character labels are spread.
        glosses: share of labels explained at length.
        merged: header cells are merged; broken_header: header labels are broken by hand;
            cut_header: they end where their first line does.
        uneven: how far, in column widths, the rules of data rows stand off those of their header.
        added, split: rows that are not on the form; captions: "", "no 第", "lost number" or "first missing".
        widths: share of a table's width that its labels take, per table.
        jitter: how unequal the columns are.
    """

    aliases: float = 0.0
    half_width: bool = False
    point: str = "."
    zero: str = "0"
    zero_share: float = 1.0
    blank_where: str = ""
    plus: bool = False
    minus: str = "-"
    unchanged: str = ""
    thousands: bool = False
    unit_in_cell: bool = False
    in_yuan: bool = False
    note_share: float = 0.0
    lost: str = ""
    spaced: bool = False
    glosses: float = 0.0
    merged: bool = True
    broken_header: bool = False
    cut_header: bool = False
    uneven: float = 0.0
    added: bool = False
    split: bool = False
    captions: str = ""
    heading_mark: str = "——"
    unit_header: str = "单位"
    full_width_digits: bool = False
    widths: Mapping[str, float] = field(default_factory=dict)
    jitter: float = 0.0
    numbers_centred: bool = True


def draw_manner(rng: np.random.Generator, plain: bool = False) -> Manner:
    """A manner: one report in two follows the statute to the letter, the others depart from it in one or more ways."""
    widths = {
        "proactive_disclosure": float(rng.uniform(0.24, 0.42)),
        "requests": float(rng.uniform(0.36, 0.56)),
        "statistics": float(rng.uniform(0.6, 0.76)),
    }
    half = bool(rng.random() < 0.3)
    base = Manner(widths=widths, jitter=float(rng.uniform(0, 0.25)), half_width=half, heading_mark=_heading_mark(rng))
    if plain:
        return base

    def seldom(share: float) -> bool:
        return bool(rng.random() < share)

    departs = seldom(0.6)
    zero, zero_share = "0", 1.0
    blank_where = ""
    if seldom(0.3):
        zero = str(rng.choice(["", "/", "-", "—", "不适用", "\\"], p=[0.36, 0.32, 0.16, 0.08, 0.04, 0.04]))
        zero_share = 1.0 if seldom(0.75) else float(rng.uniform(0.1, 0.9))
    elif seldom(0.18):
        blank_where = str(rng.choice(["details", "organisations", "totals"]))
    if not departs:
        return Manner(
            widths=widths,
            jitter=base.jitter,
            half_width=half,
            zero=zero,
            zero_share=zero_share,
            blank_where=blank_where,
            heading_mark=base.heading_mark,
        )
    return Manner(
        widths=widths,
        jitter=base.jitter,
        half_width=half,
        heading_mark=base.heading_mark,
        aliases=float(rng.uniform(0.05, 0.5)) if seldom(0.5) else 0.0,
        point=str(rng.choice([".", "．", "、", ". ", "."])),
        zero=zero,
        zero_share=zero_share,
        blank_where=blank_where,
        plus=seldom(0.3),
        minus=str(rng.choice(["-", "-", "-", "－", "—", "--", "减"], p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05])),
        unchanged="未增未减" if seldom(0.05) else "",
        thousands=seldom(0.06),
        unit_in_cell=seldom(0.2),
        in_yuan=seldom(0.12),
        note_share=float(rng.uniform(0.2, 0.8)) if seldom(0.1) else 0.0,
        lost=str(rng.choice(["（三）不予公开", "（三）不予公开", "（五）不予处理", "规章"])) if seldom(0.07) else "",
        spaced=seldom(0.15),
        glosses=float(rng.uniform(0.3, 0.8)) if seldom(0.1) else 0.0,
        merged=not seldom(0.12),
        broken_header=seldom(0.35),
        cut_header=seldom(0.04),
        uneven=float(rng.uniform(0.05, 0.35)) if seldom(0.2) else 0.0,
        added=seldom(0.12),
        split=seldom(0.05),
        captions=str(rng.choice(["no 第", "lost number", "first missing", "wide"])) if seldom(0.15) else "",
        unit_header="计量单位" if seldom(0.2) else "单位",
        full_width_digits=seldom(0.02),
    )


def _heading_mark(rng: np.random.Generator) -> str:
    return str(rng.choice(["——", "----", "—", "", "/"], p=[0.45, 0.25, 0.1, 0.15, 0.05]))


@dataclass(slots=True)
class Composer:
    """Turns the tables of one form into printed tables in one manner."""

    form: FormSpec
    drawn: Drawn
    manner: Manner
    rng: np.random.Generator

    def table(self, spec: TableSpec) -> Table:
        """One statutory table as it is printed."""
        if spec.layout is TableLayout.STRIP:
            return self._strip(spec)
        if spec.blocks[0].headings:
            return self._indented(spec)
        return self._grouped(spec)

    # ------------------------------------------------------------------ tables

    def _strip(self, spec: TableSpec) -> Table:
        block = spec.blocks[0]
        paths, truths = [], []
        for row in block.rows:
            own = self._alias(row.label, row.aliases)
            for column in block.columns:
                paths.append((*row.parents, own, self._alias(column.label, column.aliases)))
                truths.append(self._truth(spec, row, column.id, ""))
        edges = self._edges(0.0, len(paths), 0.4)
        depth = max(map(len, paths))
        cells = _header(paths, edges, 0, depth, self.manner.merged)
        for number, (text, truth) in enumerate(truths):
            cells.append(TableCell(depth, edges[number], edges[number + 1], text, truth=truth))
        return Table(tuple(cells), depth + 1, depth)

    def _indented(self, spec: TableSpec) -> Table:
        block = spec.blocks[0]
        label = self.manner.widths["statistics"]
        unit = label + (1 - label) * 0.42
        value_header = self._alias(block.columns[0].label, block.columns[0].aliases)
        stub = str(self.rng.choice([block.stub, "统 计 指 标", "指 标"])) if self.manner.aliases else block.stub
        cells = [
            TableCell(0, 0, label, stub, header=True),
            TableCell(0, label, unit, self.manner.unit_header, header=True),
            TableCell(0, unit, 1, value_header, header=True),
        ]
        at = 1
        printed: set[tuple[str, ...]] = set()
        step = float(self.rng.choice([0.0, 1.0, 1.0, 2.0]))
        own_rows = {(*row.parents, row.label) for row in block.rows}
        for row in block.rows:
            for depth in range(1, len(row.parents) + 1):
                path = row.parents[:depth]
                if path not in printed and path not in own_rows:
                    mark = self.manner.heading_mark
                    cells.append(
                        TableCell(at, 0, label, self._styled(path[-1]), align="left", indent=step * (depth - 1))
                    )
                    cells.append(TableCell(at, label, unit, mark))
                    cells.append(TableCell(at, unit, 1, mark))
                    at += 1
                printed.add(path)
            own = self._row_label(row)
            text, truth = self._truth(spec, row, block.columns[0].id, own)
            cells.append(TableCell(at, 0, label, own, align="left", indent=step * len(row.parents)))
            cells.append(TableCell(at, label, unit, row.unit))
            cells.append(TableCell(at, unit, 1, text, truth=truth))
            at += 1
        return Table(tuple(cells), at, 1)

    def _grouped(self, spec: TableSpec) -> Table:
        label = self.manner.widths[spec.id]
        depth = max(len(row.parents) for block in spec.blocks for row in block.rows) + 1
        cells: list[TableCell] = []
        at = header_rows = 0
        most = max(len(block.columns) for block in spec.blocks)
        shared = self._edges(label, most, 0.0)
        for number, block in enumerate(spec.blocks):
            caption = self._caption(block, number)
            if caption is not None:
                align = "centre" if self.rng.random() < 0.97 else "left"
                cells.append(TableCell(at, 0, 1, caption, align=align, header=False))
                at += 1
            edges = shared if len(block.columns) == most else self._edges(label, len(block.columns), 0.0)
            paths = [
                (*map(self._styled, column.parents), self._header_label(column.label, column.aliases))
                for column in block.columns
            ]
            tall = max(map(len, paths))
            stub = self._styled(block.stub)
            cells.append(
                TableCell(at, 0, label, stub, rows=tall, header=True, align="centre" if len(stub) < 8 else "left")
            )
            cells += _header(paths, edges, at, tall, self.manner.merged)
            at += tall
            if not number:
                header_rows = at if len(spec.blocks) == 1 else 0
            shift = self.manner.uneven * (1 - label) / len(block.columns) * float(self.rng.choice([-1, 1]))
            moved = [label, *(edge + shift for edge in edges[1:-1]), 1.0]
            at = self._rows(spec, block, cells, at, depth, moved)
        return Table(tuple(cells), at, header_rows)

    def _rows(
        self, spec: TableSpec, block: BlockSpec, cells: list[TableCell], at: int, depth: int, edges: Sequence[float]
    ) -> int:
        label = edges[0]
        stubs = _label_edges(label, depth, self.rng)
        open_groups: dict[tuple[str, ...], tuple[int, int]] = {}
        first = at
        for position, row in enumerate(block.rows):
            for level in range(len(row.parents)):
                path = row.parents[: level + 1]
                start, _ = open_groups.get(path, (at, at))
                open_groups[path] = (start, at + 1)
            own = self._row_label(row)
            level = len(row.parents)
            if self.manner.split and row.id == "other_external_services":
                at = self._split_row(cells, at, stubs, edges, own)
                continue
            cells.append(TableCell(at, stubs[level], label, own, align=self._label_align(spec)))
            for number, column in enumerate(block.columns):
                text, truth = self._truth(spec, row, column.id, own)
                cells.append(TableCell(at, edges[number], edges[number + 1], text, truth=truth))
            at += 1
            last = position == len(block.rows) - 1
            if self.manner.added and last and spec.id == "proactive_disclosure" and first < 6:
                at = self._foreign_row(cells, at, label, edges, str(self.rng.choice(_ADDED)))
            if self.manner.added and row.id == "received" and self.rng.random() < 0.3:
                at = self._foreign_row(cells, at, label, edges, "其中：通过互联网提出的申请")
        for path, (start, stop) in open_groups.items():
            level = len(path) - 1
            cells.append(TableCell(start, stubs[level], stubs[level + 1], self._styled(path[-1]), rows=stop - start))
        return at

    def _split_row(
        self, cells: list[TableCell], at: int, stubs: Sequence[float], edges: Sequence[float], own: str
    ) -> int:
        """One statutory row printed as two under a common label: its statutory cells are not on the page."""
        middle = edges[0] * 0.55
        cells.append(TableCell(at, 0, middle, own, rows=2))
        for name in ("行政检查", "行政确认"):
            cells.append(TableCell(at, middle, edges[0], name))
            for left, right in pairwise(edges):
                cells.append(TableCell(at, left, right, str(int(self.rng.integers(0, 40)))))
            at += 1
        return at

    def _foreign_row(self, cells: list[TableCell], at: int, label: float, edges: Sequence[float], name: str) -> int:
        cells.append(TableCell(at, 0, label, name, align="left"))
        for left, right in pairwise(edges):
            cells.append(TableCell(at, left, right, str(int(self.rng.choice([0, 0, 3, 12, 147])))))
        return at + 1

    # ------------------------------------------------------------------ words

    def _row_label(self, row: RowSpec) -> str:
        if self.manner.lost and self.manner.lost in (*row.parents, row.label):
            return ""
        label = self._alias(row.label, row.aliases)
        if self.manner.glosses and row.id in _GLOSSES and self.rng.random() < self.manner.glosses:
            label = row.label + self._styled(_GLOSSES[row.id])
        if self.manner.spaced and len(label) == 2:
            label = f"{label[0]}  {label[1]}"
        return label

    def _header_label(self, label: str, aliases: Sequence[str]) -> str:
        if self.manner.in_yuan and label == "采购总金额":
            return self._styled("采购总金额（元）")
        chosen = self._alias(label, aliases)
        if self.manner.cut_header:
            return _HEADERS_CUT.get(chosen, chosen)
        return _HEADERS_BROKEN.get(chosen, chosen) if self.manner.broken_header else chosen

    def _alias(self, label: str, aliases: Sequence[str]) -> str:
        if aliases and self.rng.random() < self.manner.aliases:
            label = aliases[int(self.rng.integers(len(aliases)))]
        return self._styled(label)

    def _styled(self, label: str) -> str:
        """The agency's own brackets, commas and item numbers."""
        if self.manner.half_width:
            label = label.translate(str.maketrans("（），：", "(),:"))
        return re.sub(r"^(\d)\.", lambda m: m[1] + self.manner.point, label) if self.manner.point != "." else label

    def _caption(self, block: BlockSpec, number: int) -> str | None:
        """The caption row, or None where there is none."""
        if not block.caption:
            return None
        match self.manner.captions:
            case "no 第":
                return self._styled(block.caption.replace("条第", "条"))
            case "lost number":
                return "第二十条第"
            case "first missing" if number == 0:
                return None
            case "wide":
                return self._styled(block.caption.replace("条第", "条  第"))
            case _:
                return self._alias(block.caption, block.caption_aliases)

    def _label_align(self, spec: TableSpec) -> str:
        return "centre" if spec.id == "proactive_disclosure" and self.manner.numbers_centred else "left"

    # ------------------------------------------------------------------ figures

    def _truth(self, spec: TableSpec, row: RowSpec, column_id: str, label: str) -> tuple[str, Truth]:
        """What is printed in a cell, and what it means."""
        key = CellKey(spec.id, row.id, column_id)
        value = self.drawn.figures[key]
        hidden = self._hidden(key, value)
        text = "" if hidden else self._printed(key, value)
        if not hidden and self.manner.in_yuan and column_id == "amount" and value:
            value = value * 10000
        blank = not any(character.isdigit() for character in text)
        meant = "" if blank and value != 0 else f"{value:f}"
        if "." in meant and self.manner.in_yuan:
            meant = meant.rstrip("0").rstrip(".")
        return text, Truth(key, meant, blank, key not in self.drawn.guilty, label)

    def _hidden(self, key: CellKey, value: Decimal) -> bool:
        if key.table_id != "requests":
            return False
        total_rows = ("received", "carried_in", "outcome_total", "carried_out")
        match self.manner.blank_where:
            case "details":
                return value == 0 and key.column_id != "total"
            case "organisations":
                return value == 0 and key.column_id not in ("natural_person", "total")
            case "totals":
                return key.column_id == "total" and key.row_id not in total_rows
            case _:
                return False

    def _printed(self, key: CellKey, value: Decimal) -> str:
        manner = self.manner
        money = key.column_id == "amount" or key.row_id in ("budget", "fees_collected")
        if value == 0:
            if key.column_id == "items_change" and manner.unchanged:
                return manner.unchanged
            return manner.zero if manner.zero == "0" or self.rng.random() < manner.zero_share else "0"
        if money and manner.in_yuan and key.column_id == "amount":
            value = value * 10000
        text = f"{abs(value):,f}" if manner.thousands else f"{abs(value):f}"
        if money and manner.in_yuan and "." in text:
            text = text.rstrip("0").rstrip(".")
        if manner.full_width_digits:
            text = text.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
        if key.column_id == "items_change":
            text = manner.minus + text if value < 0 else "+" + text if manner.plus else text
        if money and manner.unit_in_cell:
            text += "元" if manner.in_yuan and key.column_id == "amount" else "万元"
        elif (
            not money
            and value > 9
            and self.rng.random() < manner.note_share
            and key.column_id in ("in_force", "issued")
        ):
            part = int(self.rng.integers(1, int(value)))
            text += self._styled(f"（{self.rng.choice(['其中修订', '含自然失效', '含联合发文'])}{part}件）")
        return text

    # ------------------------------------------------------------------ widths

    def _edges(self, start: float, count: int, least: float) -> list[float]:
        weights = 1 + self.manner.jitter * (1 - least) * self.rng.uniform(-1, 1, count)
        shares = np.cumsum(weights / weights.sum()) * (1 - start) + start
        return [start, *(float(s) for s in shares[:-1]), 1.0]


def _label_edges(label: float, depth: int, rng: np.random.Generator) -> list[float]:
    """Left edges of the label columns, and the right edge of the last."""
    if depth == 1:
        return [0.0, label]
    first = label * float(rng.uniform(0.13, 0.24))
    second = first + label * float(rng.uniform(0.16, 0.3))
    return [0.0, first, second, label]


def _header(
    paths: Sequence[tuple[str, ...]], edges: Sequence[float], row: int, depth: int, merged: bool
) -> list[TableCell]:
    """Header cells over value columns: common beginnings of the paths are one wide cell, ends reach down."""
    cells = []
    for level in range(depth):
        start = 0
        while start < len(paths):
            prefix = paths[start][: level + 1]
            stop = start + 1
            while (
                stop < len(paths)
                and len(prefix) > level
                and len(prefix) < len(paths[stop])
                and paths[stop][: level + 1] == prefix
            ):
                stop += 1
            if len(prefix) > level:
                end = len(paths[start]) == level + 1
                if merged:
                    cells.append(
                        TableCell(
                            row + level,
                            edges[start],
                            edges[stop],
                            prefix[level],
                            depth - level if end else 1,
                            header=True,
                        )
                    )
                else:
                    middle = (start + stop - 1) // 2
                    for column in range(start, stop):
                        text = prefix[level] if column == middle else ""
                        cells.append(TableCell(row + level, edges[column], edges[column + 1], text, header=True))
            elif not merged:
                cells.append(TableCell(row + level, edges[start], edges[start + 1], "", header=True))
            start = stop
    return cells
