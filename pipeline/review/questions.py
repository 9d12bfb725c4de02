"""Which questions a report gives rise to, and how much each answer is worth.

They are made from the tables of a dataset, so that they can be asked of one that is finished.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.assemble import FORM_SAID
from pipeline.confidence import ROW_IN_DOUBT
from pipeline.corrections import NOT_ON_THE_FORM, written
from pipeline.domain import BoundingBox, CellKey, FormSpec, Mark, RuleSpec, Status, TableSpec
from pipeline.forms import cell_units, load_forms
from pipeline.review.items import (
    BETWEEN,
    BOX,
    UNREAD,
    Item,
    Kind,
    Level,
    Row,
    asked_by_name,
    box_of,
    cell_id,
    figures_id,
    form_id,
    forms_to_choose,
    held_figures,
    key_of,
    labels,
    lines_of,
    row_id,
    rows_id,
    rows_on_pages,
    value_of,
)
from pipeline.review.surroundings import EVERYWHERE, Surroundings
from pipeline.rules import KINDS, misfits

# A place less sure than this is asked about; the same probability from which cells are accepted.
_SURE = 0.97
# A sum that fails in print was misread about this often; the rest are faults of the agency.
_MISREAD = 0.1
# A doubtful mark hides a figure about this often; mostly it is another mark, and the figures are what they are.
_HIDES_FIGURE = 0.05
# What was not found is printed about this often where the rows that ought to be above and below it touch, and in a
# further report of a file of which less than this share was found: that is mostly a part of the report before it.
_HARDLY_PRINTED = 0.1
_FEW = 0.3
# A report of which a table was not found is on another form about this often.
_OTHER_FORM = 0.3
# A printed row taken for none of the form, while the form lacks one, is one of those about this often.
_STRAY = 0.3
# Of two printed rows that were taken for one row of the form this one is wrong about this often.
_ONE_OF_TWO = 0.5
# From so many doubtful cells of a line on, or more than half of them, one answer for the whole line is less work.
_WHOLE_LINE = 3
_NO_FIGURES = frozenset({Mark.BLANK, Mark.DASH, Mark.SLASH})
_IN_WORDS = {
    Status.REVIEW: "read with too little certainty",
    Status.MISSING: "not found on the page",
    Status.RECONCILED: "changed so that the sums of the form hold",
}
_STRAY_ROW = "this row was taken for none of the form, and the form has a row that was not found"
_ROWS = "which rows of the form these are, is not certain, write the row of each one from top to bottom"
_WHICH_FORM = "next to nothing of a table was found, so that the report may be on another form"
_NO_TABLE = "a title was read but no table was recognised, write the form of the report, or none where it is no report"
_BY_NAME = "answer what is printed in the row and under the column named here"
_FIGURES = "write all figures of this line as they are printed, in the order of the columns named here"


def items_of(
    cells: Sequence[Row],
    rows: Sequence[Row],
    findings: Sequence[Row],
    form: FormSpec,
    level: Level = Level.ROWS,
    pages: Sequence[int] = (),
) -> list[Item]:
    """What a person is asked about one report, in the order of the form.

    Args:
        cells, rows, findings: its rows of ``cells.csv``, ``rows.csv`` and ``findings.csv``.
        pages: those it is on, as far as they are known.
    """
    return list(_Report(cells, rows, findings, form, pages).items(level)) if cells else []


class _Report:
    """The rows of one report with what is looked up in them again and again."""

    def __init__(
        self,
        cells: Sequence[Row],
        rows: Sequence[Row],
        findings: Sequence[Row],
        form: FormSpec,
        pages: Sequence[int],
    ) -> None:
        self._cells = {key_of(row): row for row in cells}
        self._lines = lines_of(cells, form)
        self._on_pages = rows_on_pages(rows)
        self._taken = Counter((row["table_id"], row["row_id"]) for row in rows)
        self._form = form
        self._labels = labels(form)
        self._units = cell_units(form)
        self._titles = {table.id: table.title for table in form.tables}
        self._values = {key: value_of(row) for key, row in self._cells.items()}
        self._printed = {(row["table_id"], row["row_id"]): row for row in rows}
        self._rules: dict[CellKey, list[RuleSpec]] = defaultdict(list)
        for rule in form.rules:
            for key in (*rule.left, *rule.right):
                self._rules[key].append(rule)
        self._failing: dict[CellKey, list[Row]] = defaultdict(list)
        for finding in findings:
            for name in finding["cells"].split():
                self._failing[CellKey(*name.split("/"))].append(finding)
        self._misfits = misfits(form.rules, self._values)
        self._pages = Surroundings(self._cells, pages)
        self._wrong = {key: self._probability_wrong(key) for key in self._cells}

    def items(self, level: Level) -> Iterator[Item]:
        """The items, tables in the order of the form, of each the rows before the cells."""
        yield from self._form_items(level)
        for table in self._form.tables:
            asked: set[str] = set()
            if level is Level.ROWS:
                for printed in self._on_pages:
                    of_table = printed if printed[0]["table_id"] == table.id else ()
                    worths = {
                        place: worth
                        for place, row in enumerate(of_table)
                        if (worth := self._worth_of_row(row, table)) > 0
                    }
                    asked |= {of_table[place]["row_id"] for place in worths}
                    if len(worths) > 1:
                        yield self._rows_item(of_table, sum(worths.values()))
                    else:
                        yield from (self._row_item(of_table[place], worth) for place, worth in worths.items())
            for name, rows in self._lines.items():
                line = [key_of(row) for row in rows if name.table_id == table.id]
                doubtful = [
                    key
                    for key in line
                    if self._is_asked(key) and not (key.row_id in asked and self._only_row_doubtful(key))
                ]
                if level is Level.ROWS and len(line) > 1 and 2 * len(doubtful) > min(len(line), 2 * _WHOLE_LINE - 1):
                    yield self._figures_item(name, doubtful)
                else:
                    yield from map(self._cell_item, doubtful)

    # --- how much an answer is worth

    def _probability_wrong(self, key: CellKey) -> float:
        row = self._cells[key]
        if row["status"] == Status.CORRECTED:
            return 0.0
        if not row["page"]:
            return _HARDLY_PRINTED if self._is_hardly_printed(key) else 1.0
        # What is neither a figure nor a mark stands in no dataset as it is.
        wrong = 1.0 if _is_no_value(row) else 1.0 - float(row["confidence"])
        if row["mark"] in _NO_FIGURES:
            wrong *= _HIDES_FIGURE
        if key in self._misfits:
            return max(wrong, _MISREAD)
        share = max((_MISREAD / len(each["cells"].split()) for each in self._failing[key]), default=0.0)
        return max(wrong, share)

    def _is_hardly_printed(self, key: CellKey) -> bool:
        """Whether a cell that was not found is probably not there: its rows touch, or next to nothing is there."""
        found = sum(bool(row["page"]) for row in self._cells.values())
        is_first = self._cells[key]["report"] == "1"
        return self._pages.is_closed_around(key) or (not is_first and found < _FEW * len(self._cells))

    def _worth_of_form(self) -> float:
        """Zero where a good part of every table was found, or a person has said which form it is."""
        found: dict[str, list[bool]] = defaultdict(list)
        for key, row in self._cells.items():
            found[key.table_id].append(bool(row["page"]))
        said = any(FORM_SAID in row["reasons"] for row in self._cells.values())
        if said or all(sum(each) > _FEW * len(each) for each in found.values()):
            return 0.0
        return _OTHER_FORM * sum(row["status"] != Status.CORRECTED for row in self._cells.values())

    def _is_asked(self, key: CellKey) -> bool:
        status = self._cells[key]["status"]
        if status == Status.CORRECTED:
            return False
        return status != Status.ACCEPTED or bool(self._failing[key]) or key in self._misfits

    def _worth(self, key: CellKey) -> float:
        """The cell, and what its answer tells about the doubtful cells it is added up with."""
        gain = 0.0
        for rule in self._rules[key]:
            others = [each for each in (*rule.left, *rule.right) if each != key]
            if any(self._values[each] is None for each in others):
                continue
            doubtful = [each for each in others if self._is_asked(each)]
            if doubtful:
                gain += sum(self._wrong[each] for each in doubtful) / len(doubtful) ** 2
        return self._wrong[key] * (1.0 + gain)

    def _worth_of_row(self, row: Row, table: TableSpec) -> float:
        """Zero for a row that nobody needs to look at."""
        wrong = 1.0 - float(row["certainty"])
        cells = [key for key in self._cells if (key.table_id, key.row_id) == (row["table_id"], row["row_id"])]
        if row["row_id"] != NOT_ON_THE_FORM:
            if self._taken[row["table_id"], row["row_id"]] > 1 and wrong > 0.0:
                wrong = max(wrong, _ONE_OF_TWO)
            here = [key for key in cells if self._values[key] is not None]
            open_cells = sum(self._cells[key]["status"] != Status.CORRECTED for key in here)
            return wrong * open_cells if wrong > 1.0 - _SURE else 0.0
        lacking = {key.row_id for key in self._cells if key.table_id == table.id and self._values[key] is None} - {
            key.row_id for key in self._cells if key.table_id == table.id and self._values[key] is not None
        }
        if not lacking or wrong == 0.0:  # what a person has said is no question any more
            return 0.0
        return max(wrong, _STRAY) * len(table.blocks[0].columns)

    def _only_row_doubtful(self, key: CellKey) -> bool:
        """Whether the cell would be accepted if its row were certain."""
        row, printed = self._cells[key], self._printed.get((key.table_id, key.row_id))
        if printed is None or row["status"] != Status.REVIEW or _is_no_value(row):
            return False
        return float(row["confidence"]) >= _SURE * float(printed["certainty"])

    # --- the items

    def _form_items(self, level: Level) -> Iterator[Item]:
        """Which form the report is on, where of one of its tables next to nothing was found."""
        worth = self._worth_of_form() if level is Level.ROWS else 0.0
        if worth == 0.0:
            return
        anchor = next((key for key, row in self._cells.items() if row["page"]), next(iter(self._cells)))
        forms = forms_to_choose(self._cells[anchor], (form.id for form in load_forms()))
        pages = (int(self._cells[anchor]["page"]),) if self._cells[anchor]["page"] else self._pages.all
        row = {**self._cells[anchor], "page": str(pages[0]) if pages else ""}
        item = self._item(
            row,
            anchor,
            item_id=form_id(row),
            by_name=True,
            kind=Kind.FORM,
            worth=worth,
            around=EVERYWHERE,
            printed_label="",
            reading="",
            alternatives=tuple(name for name in forms if name != self._form.id),
            reasons=(_WHICH_FORM if self._cells[anchor]["page"] else _NO_TABLE,),
            sums=(),
        )
        named = replace(item, value=self._form.id, unit="", row_label="", column_label="", table_label=self._form.title)
        yield replace(named, further=pages[1:])

    def _cell_item(self, key: CellKey) -> Item:
        row = self._cells[key]
        finding = row["status"] == Status.ACCEPTED
        pages, around = self._shown(key)
        printed = self._printed.get((key.table_id, key.row_id))
        read_as = _alternatives(row["reading"])
        item = self._item(
            {**row, "page": str(pages[0]) if pages else ""},
            key,
            item_id=cell_id(row, asked_by_name(row)),
            by_name=asked_by_name(row),
            kind=Kind.FINDING if finding else Kind.CELL,
            worth=self._worth(key),
            around=around,
            printed_label="" if printed is None else printed["label"],
            reading=row["raw_text"],
            alternatives=tuple(text for text in read_as if text != row["raw_text"]),
            reasons=tuple(self._reasons(key)),
            sums=tuple(dict.fromkeys(self._sums(key))),
        )
        return replace(item, further=pages[1:])

    def _shown(self, key: CellKey) -> tuple[tuple[int, ...], BoundingBox | None]:
        """The pages, and the part of them, on which a person finds a cell."""
        row = self._cells[key]
        if row["page"]:
            return (int(row["page"]),), self._pages.of_cell(key, self._printed.get((key.table_id, key.row_id)))
        whole = CellKey(key.table_id, "", "")  # where all of a table is one printed line
        beside = [key_of(each) for each in self._lines.get(whole, self._cells.values())]
        return self._pages.of_line([each for each in beside if whole in self._lines or _same_row(each, key)])

    def _row_item(self, row: Row, worth: float) -> Item:
        found = row["row_id"] != NOT_ON_THE_FORM
        return self._item(
            self._with_report(row),
            CellKey(row["table_id"], row["row_id"] if found else "", ""),
            item_id=row_id(row),
            by_name=False,
            kind=Kind.ROW,
            worth=worth,
            around=box_of(row),
            printed_label=row["label"],
            reading=row["label"],
            alternatives=tuple(row["candidates"].split()),
            reasons=(ROW_IN_DOUBT if found else _STRAY_ROW,),
            sums=(),
        )

    def _rows_item(self, rows: Sequence[Row], worth: float) -> Item:
        """One question about a table of which several rows may have been taken for others."""
        boxes = [box for row in rows if (box := box_of(row)) is not None]
        item = self._item(
            self._with_report(rows[0]) | dict.fromkeys(BOX, "") | {"confidence": min(row["certainty"] for row in rows)},
            CellKey(rows[0]["table_id"], "", ""),
            item_id=rows_id(rows[0]),
            by_name=True,
            kind=Kind.ROWS,
            worth=worth,
            around=self._pages.around(boxes),
            printed_label=BETWEEN.join(row["label"].replace(BETWEEN.strip(), " ") or UNREAD for row in rows),
            reading="",
            alternatives=(),
            reasons=(_ROWS,),
            sums=(),
        )
        return replace(item, value=" ".join(row["row_id"] for row in rows), rows=tuple(boxes))

    def _with_report(self, row: Row) -> dict[str, str]:
        """A row of ``rows.csv`` with what `_item` wants to know of its report."""
        any_cell = next(iter(self._cells.values()))
        of_report = {name: any_cell[name] for name in ("agency", "year")}
        return {**row, **of_report, "status": "", "confidence": row["certainty"]}

    def _figures_item(self, key: CellKey, doubtful: Sequence[CellKey]) -> Item:
        cells = self._lines[key]
        line = [key_of(row) for row in cells]
        pages, around = self._pages.of_line(line)
        printed = self._printed.get((key.table_id, key.row_id))
        names = [self._labels[each] for each in line]
        of_row = len({each.row_id for each in line}) == 1
        item = self._item(
            {
                **cells[0],
                **dict.fromkeys(BOX, ""),
                "page": str(pages[0]) if pages else "",
                "status": self._cells[doubtful[0]]["status"],
                "confidence": min(row["confidence"] for row in cells),
            },
            key,
            item_id=figures_id(cells[0], key),
            by_name=True,
            kind=Kind.FIGURES,
            worth=sum(map(self._worth, doubtful)),
            around=around,
            printed_label="" if printed is None or not of_row else printed["label"],
            reading="",
            alternatives=(),
            reasons=(*dict.fromkeys(reason for each in doubtful for reason in self._doubts(each)), _FIGURES),
            sums=tuple(dict.fromkeys(text for each in doubtful for text in self._sums(each))),
        )
        return replace(
            item,
            row_label=item.row_label if of_row else "",
            column_label=BETWEEN.join(column if of_row else " / ".join((row, column)) for row, column in names),
            value=held_figures(cells),
            line=tuple(line),
            further=pages[1:],
            unit=" ".join(dict.fromkeys(self._units[each] for each in line)),
        )

    def _item(
        self,
        row: Row,
        key: CellKey,
        *,
        item_id: str,
        by_name: bool,
        kind: Kind,
        worth: float,
        around: BoundingBox | None,
        printed_label: str,
        reading: str,
        alternatives: tuple[str, ...],
        reasons: tuple[str, ...],
        sums: tuple[str, ...],
    ) -> Item:
        value = self._values.get(key)
        row_label, column_label = self._labels.get(key) or (self._row_label(key), "")
        return Item(
            item_id=item_id,
            kind=kind,
            worth=worth,
            document_id=row["document_id"],
            source=row["source"],
            report=int(row["report"]),
            agency=row["agency"],
            year=row["year"],
            form_id=row["form_id"],
            key=key,
            table_label=self._titles[key.table_id],
            row_label=row_label,
            column_label=column_label,
            page=int(row["page"]) if row["page"] else None,
            box=box_of(row),
            around=around,
            by_name=by_name,
            printed_label=printed_label,
            value="" if value is None else written(value, reading),
            unit=self._units.get(key, ""),
            reading=reading,
            alternatives=alternatives,
            status=row["status"],
            confidence=row["confidence"],
            reasons=reasons,
            sums=sums,
        )

    def _row_label(self, key: CellKey) -> str:
        return next(
            (
                self._labels[each][0]
                for each in self._cells
                if (each.table_id, each.row_id) == (key.table_id, key.row_id)
            ),
            "",
        )

    def _reasons(self, key: CellKey) -> Iterator[str]:
        yield from self._doubts(key)
        row = self._cells[key]
        if row["status"] != Status.ACCEPTED and row["page"] and asked_by_name(row):
            yield _BY_NAME

    def _doubts(self, key: CellKey) -> Iterator[str]:
        row = self._cells[key]
        status = Status(row["status"])
        if status is Status.ACCEPTED:
            yield "the printed figures do not add up; is this cell printed as it was read?"
            return
        if status is Status.RECONCILED or not row["reasons"]:
            yield _IN_WORDS[status]
        if row["reasons"]:
            yield row["reasons"]

    def _sums(self, key: CellKey) -> Iterator[str]:
        """The relations of a cell that do not hold, written out."""
        for finding in self._failing[key]:
            yield f"{finding['text']}: {finding['expected']} ≠ {finding['printed']}"
        for rule in self._rules[key]:
            broken = KINDS[rule.kind](rule, self._values)
            if broken is not None:
                yield f"{broken.text}: {broken.expected} ≠ {broken.printed}"


def _is_no_value(row: Row) -> bool:
    """Whether what was read is neither a figure nor a mark, nor a word that forms use instead."""
    return row["note"] != "" and row["mark"] == Mark.TEXT


def _same_row(one: CellKey, other: CellKey) -> bool:
    return (one.table_id, one.row_id) == (other.table_id, other.row_id)


def _alternatives(reading: str) -> list[str]:
    """The texts of the column ``reading``, the most probable first."""
    _, _, rest = reading.partition(": ")
    texts = [each.rpartition(" ")[0] for each in rest.split(" | ")] if rest else []
    return ["" if text == "(blank)" else text for text in texts]
