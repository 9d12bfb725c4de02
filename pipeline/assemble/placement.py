"""Which printed cell is which statutory cell: reports, forms, rows and columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.assemble.answers import FormAnswer, RowAnswer, answered_rows, hold_to_answers, weigh_answers
from pipeline.assemble.rows import (
    Classifier,
    LabelKinds,
    PrintedRow,
    Segment,
    is_value,
    label_tables,
    row_box,
    segments,
)
from pipeline.assemble.stacked import in_order_of_file
from pipeline.assemble.titles import Title, read_titles, reporter_of, year_of
from pipeline.domain import (
    BlockSpec,
    CellKey,
    FormSpec,
    LabelContext,
    LineReading,
    Mark,
    PageReading,
    PlacedRow,
    Reading,
    RowSpec,
    TableLayout,
    TableReading,
    TableSpec,
)
from pipeline.labels.alignment import Alignment, align
from pipeline.values import is_unit, parse_value

# A row label counts as recognised from here on; only recognised ones decide where a report begins.
_RECOGNISED = 0.8
# How sure a column is that had to be found by its place because the row's cells do not match the header's.
_BY_PLACE = 0.9
_SHARED = 0.3
# A label says which column or group it is from here on; that a label stands outside its group is as unlikely as this.
_NAMED = 0.5
_OTHER_GROUP = 0.05
# Fewer recognised labels than this are an unrelated table, not a report.
_FEWEST_LABELS = 3
_FLOOR = 1e-4
# What is read with less may be a speck or the stroke of a seal.
_LEGIBLE = 0.9
# A label read with no more is no words.
_GARBLED = 0.7
# So much of what is hard to read is no speck any more, as the sum of its probabilities.
_FIGURES = 1.5
# A piece of a row that holds less than this share of what another piece holds is none of its figures.
_FAR_LESS = 0.5
# So many rows of the form are named that a label may mean.
_CANDIDATES = 3
# Who adds a row to the form gives it a label: of rows without one, few are added.
_ADDED_WITHOUT_LABEL = 0.05
# How seldom a row has another number of cells than its block, relative to the usual number.
_MISFITTING = 0.1


@dataclass(frozen=True, slots=True)
class Placement:
    """The printed cell that is a statutory cell, and how sure its row and column are.

    Attributes:
        table: position of the table among the tables of the document.
        cell: index into the cells of its grid.
        row_probability, column_probability: 0 to 1.
        label: what the classifier gives the label alone for this row, 0 to 1; 1 in tables that have none.
        stray_above, stray_below: whether the printed row next to its own shows figures under a label that is not on the
            form.
        surplus: printed rows of the table less rows of the form.
    """

    table: int
    cell: int
    row_probability: float
    column_probability: float
    label: float = 1.0
    stray_above: bool = False
    stray_below: bool = False
    surplus: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class MappedReport:
    """A report with the printed cell of every statutory cell that was found, and its printed rows.

    ``form_said`` is set where a person told the form.
    """

    form: FormSpec
    pages: tuple[int, ...]
    agency: str
    year: int | None
    placements: Mapping[CellKey, Placement]
    rows: tuple[PlacedRow, ...]
    form_said: bool = False

    def readings(self, tables: Sequence[TableReading]) -> dict[CellKey, Reading]:
        """The reading of each cell that was found; ``tables`` are those of the document."""
        return {key: tables[place.table].readings[place.cell] for key, place in self.placements.items()}

    def placed(self) -> dict[CellKey, float]:
        """How sure the place of each cell that was found is, 0 to 1."""
        return {key: place.row_probability * place.column_probability for key, place in self.placements.items()}


@dataclass(slots=True)
class _Draft:
    """A report while its parts are collected."""

    pages: list[int] = field(default_factory=list)
    agency: str = ""
    year: int | None = None
    segments: list[Segment] = field(default_factory=list)


def map_reports(
    pages: Sequence[PageReading],
    forms: Sequence[FormSpec],
    classifier: Classifier,
    answers: Sequence[RowAnswer] = (),
    form_answers: Sequence[FormAnswer] = (),
) -> tuple[MappedReport, ...]:
    """Find the reports of a document and place their cells.

    The form of a report is decided from what is printed: the one whose rows and headers explain it best. Where a title
    was read, and of what is ruled on the pages nothing was recognised, that is a report of which no cell was found, on
    the form of its year, until a person says which.

    Args:
        answers: what a person said of rows; those of other forms and tables have no say.
        form_answers: what a person said of the forms of reports.
    """
    kinds = label_kinds(classifier.classes, forms)

    def mapped(ordered: Sequence[PageReading]) -> tuple[MappedReport, ...]:
        drafts = _collect(ordered, forms, classifier, kinds)
        found = (_map(draft, forms, classifier.classes, answers, form_answers) for draft in drafts)
        return tuple(report for report in found if report is not None) or _without_tables(ordered, forms, form_answers)

    reports = mapped(pages)
    stacked = in_order_of_file(pages)
    if stacked is not None:
        others = mapped(stacked)
        # Sheets in the wrong order break a report in two, or leave rows without a place.
        gained = _count_placed(others) - _count_placed(reports)
        if (len(others) < len(reports) and gained >= 0) or (len(others) == len(reports) and gained > 0):
            return _renumbered(others, _tables(stacked), _tables(pages))
    return reports


def _tables(pages: Sequence[PageReading]) -> list[TableReading]:
    return [item for page in pages for item in page.items if isinstance(item, TableReading)]


def _count_placed(reports: Sequence[MappedReport]) -> int:
    return sum(len(report.placements) for report in reports)


def _renumbered(
    reports: Sequence[MappedReport], tables: Sequence[TableReading], wanted: Sequence[TableReading]
) -> tuple[MappedReport, ...]:
    """The reports with their tables counted as in ``wanted``, the same tables in another order."""
    position = {id(table): index for index, table in enumerate(wanted)}
    number = [position[id(table)] for table in tables]
    return tuple(
        replace(report, placements={k: replace(p, table=number[p.table]) for k, p in report.placements.items()})
        for report in reports
    )


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


# --------------------------------------------------------------------------- where reports begin


def _collect(
    pages: Sequence[PageReading], forms: Sequence[FormSpec], classifier: Classifier, kinds: LabelKinds
) -> list[_Draft]:
    items = [(page.number, item) for page in pages for item in page.items]
    tables = _tables(pages)
    lines = [item for _, item in items if isinstance(item, LineReading)]
    labelled = iter(label_tables(tables, _sections(items), classifier))
    titles = {title.first: title for title in read_titles(lines)}
    strips = frozenset(t.id for form in forms for t in form.tables if t.layout is TableLayout.STRIP)
    order = _printed_order(forms)
    headed = _headed(lines, classifier, kinds)

    drafts = [_Draft()]
    before: str | None = None
    line_number = 0
    for page, item in items:
        if isinstance(item, LineReading):
            if line_number in titles:
                title = titles[line_number]
                if drafts[-1].segments:
                    drafts.append(_Draft())
                    before = None
                _entitle(drafts[-1], title)
            _note_line(drafts[-1], item.reading.text)
            before = headed.get(line_number, before)
            line_number += 1
        else:
            for segment in segments(next(labelled), kinds, strips, before):
                if _starts_over(drafts[-1].segments, segment, classifier.classes, order, strips, forms):
                    drafts.append(_Draft())
                drafts[-1].segments.append(segment)
                before = segment.table_id
        if not drafts[-1].pages or drafts[-1].pages[-1] != page:
            drafts[-1].pages.append(page)
    return [draft for draft in drafts if draft.segments]


def _sections(items: Sequence[tuple[int, TableReading | LineReading]]) -> list[str]:
    sections: list[str] = []
    last = ""
    for _, item in items:
        if isinstance(item, LineReading):
            last = item.reading.text
        else:
            sections.append(last)
    return sections


def _headed(lines: Sequence[LineReading], classifier: Classifier, kinds: LabelKinds) -> dict[int, str]:
    """By the number of its line the table of each heading of a section: nothing else tells where labels were lost."""
    own = {k: kinds.table[k] for k, name in enumerate(classifier.classes) if name.startswith("section/")}
    if not lines:
        return {}
    likely = classifier.probabilities([LabelContext(line.reading.text) for line in lines])
    return {n: table for n, row in enumerate(likely) for k, table in own.items() if row[k] >= _RECOGNISED}


def _entitle(draft: _Draft, title: Title) -> None:
    draft.agency = draft.agency or title.agency
    draft.year = draft.year if draft.year is not None else title.year


def _note_line(draft: _Draft, text: str) -> None:
    if draft.segments:
        return
    draft.agency = draft.agency or reporter_of(text)
    draft.year = draft.year if draft.year is not None else year_of(text)


def _printed_order(forms: Sequence[FormSpec]) -> dict[str, tuple[int, dict[str, int]]]:
    """Per table id: its rank on the form and the rank of each of its rows."""
    order: dict[str, tuple[int, dict[str, int]]] = {}
    for form in forms:
        for rank, table in enumerate(form.tables):
            ranks = order.setdefault(table.id, (rank, {}))[1]
            for position, (_, row) in enumerate(_rows(table)):
                ranks.setdefault(row.id, position)
    return order


def _starts_over(
    earlier: Sequence[Segment],
    segment: Segment,
    classes: Sequence[str],
    order: Mapping[str, tuple[int, Mapping[str, int]]],
    strips: frozenset[str],
    forms: Sequence[FormSpec],
) -> bool:
    """Whether a segment cannot belong to the report before it: it was printed there already, or no form holds both."""
    if not segment.rows:
        return False
    same = [s for s in earlier if s.table_id == segment.table_id and s.rows]
    if segment.table_id in strips:
        return bool(same)
    here = _recognised(segment, classes)
    held = {s.table_id for s in earlier if len(_recognised(s, classes)) >= 2} | {segment.table_id}
    if len(here) >= 2 and not any(held <= {table.id for table in form.tables} for form in forms):
        return True
    if len(here) >= 2 and any(order[s.table_id][0] > order[segment.table_id][0] and len(s.rows) > 0 for s in earlier):
        return True
    seen = {row for s in same for row in _recognised(s, classes)}
    repeated = sum(row in seen for row in here)
    return repeated >= 2 and 2 * repeated > len(here)


def _recognised(segment: Segment, classes: Sequence[str]) -> list[str]:
    """Row ids of the labels in a segment that are recognised beyond doubt."""
    found = []
    for row in segment.rows:
        if row.likely is not None:
            best = int(np.argmax(row.likely))
            if row.likely[best] >= _RECOGNISED and classes[best].startswith(f"row/{segment.table_id}/"):
                found.append(classes[best].rsplit("/", 1)[1])
    return found


def _without_tables(
    pages: Sequence[PageReading], forms: Sequence[FormSpec], form_answers: Sequence[FormAnswer]
) -> tuple[MappedReport, ...]:
    """The report that has a title and ruled pages, of which none is a table of a form; none without both."""
    lines = [item for page in pages for item in page.items if isinstance(item, LineReading)]
    titles = read_titles(lines)
    if not titles or not _tables(pages):
        return ()
    draft = _Draft()
    for title in titles:
        _entitle(draft, title)
    for line in lines:
        _note_line(draft, line.reading.text)
    said = [each.form_id for each in form_answers if each.box is None]
    if said and said[-1] is None:
        return ()
    newest = max(form.valid_from for form in forms)
    form = next(
        (form for form in forms if (form.id == said[-1] if said else _in_force(form, draft.year))),
        next(form for form in forms if form.valid_from == newest),
    )
    numbers = tuple(page.number for page in pages)
    return (MappedReport(form, numbers, draft.agency, draft.year, {}, (), form.id in said),)


def _in_force(form: FormSpec, year: int | None) -> bool:
    return year is not None and form.valid_from <= year and (form.valid_to is None or year <= form.valid_to)


# --------------------------------------------------------------------------- which form


def _map(
    draft: _Draft,
    forms: Sequence[FormSpec],
    classes: Sequence[str],
    answers: Sequence[RowAnswer],
    form_answers: Sequence[FormAnswer],
) -> MappedReport | None:
    tables = [segment.table.reading for segment in draft.segments]
    said = [each.form_id for each in form_answers if each.is_about(tables)]
    if said:
        forms = [form for form in forms if form.id == said[-1]]
    recognised = sum(len(_recognised(segment, classes)) for segment in draft.segments)
    # What a person says of rows is said of the form that was found without it, and must not lead to another one.
    candidates = [(_explain(draft, form, classes, ()), form) for form in forms]
    candidates = [(found, form) for found, form in candidates if found.segments]
    if not candidates:
        return None
    headers = _header_votes(draft, forms, classes)
    best, form = max(candidates, key=lambda pair: pair[0].score + headers[pair[1].id])
    if not said and recognised + sum(vote > 1.0 for vote in headers.values()) < _FEWEST_LABELS:
        return None
    if answers:
        best = _explain(draft, form, classes, answers)
    return MappedReport(form, tuple(draft.pages), draft.agency, draft.year, best.placements, best.rows, bool(said))


@dataclass(frozen=True, slots=True, eq=False)
class _Explanation:
    """How well a form explains a report, and where it puts the cells."""

    score: float
    segments: int
    placements: Mapping[CellKey, Placement]
    rows: tuple[PlacedRow, ...]


def _explain(draft: _Draft, form: FormSpec, classes: Sequence[str], answers: Sequence[RowAnswer]) -> _Explanation:
    score = 0.0
    used = 0
    placements: dict[CellKey, Placement] = {}
    placed: list[PlacedRow] = []
    for table in form.tables:
        own = [segment for segment in draft.segments if segment.table_id == table.id]
        rows = [row for segment in own for row in segment.rows]
        used += len(own)
        if not rows:
            continue
        if table.layout is TableLayout.STRIP:
            placements.update(_place_strip(table, own, classes))
        else:
            rows = _join_cut_rows(rows, table, classes)
            answered = answered_rows(rows, table, form, answers)
            weighed = weigh_answers(*_row_scores(rows, table, classes), answered)
            alignment = hold_to_answers(align(*weighed), answered)
            # Rows without a label fit best where the form has most rows, so they have no say in which form it is.
            named = np.array([row.likely is not None for row in rows])
            score += alignment.score if named.all() else align(weighed[0][named], weighed[1][named]).score
            placements.update(_place_list(table, rows, alignment, classes))
            placed.extend(_placed_rows(table, rows, alignment, classes))
    table_ids = {table.id for table in form.tables}
    strangers = (row for segment in draft.segments if segment.table_id not in table_ids for row in segment.rows)
    foreign = sum(row.likely is not None for row in strangers)
    return _Explanation(score + foreign * float(np.log(_FLOOR)), used, placements, tuple(placed))


def _header_votes(draft: _Draft, forms: Sequence[FormSpec], classes: Sequence[str]) -> dict[str, float]:
    """Evidence for each form from header cells whose wording only that form has, in nats."""
    members = {form.id: np.array([form.id in name.split("/") for name in classes]) for form in forms}
    votes = dict.fromkeys(members, 0.0)
    for segment in draft.segments:
        for cell in segment.headers:
            likely = segment.table.probabilities.get(cell)
            if likely is not None:
                for form_id, member in members.items():
                    votes[form_id] += float(likely[member].sum()) * -float(np.log(0.05))
    return votes


# --------------------------------------------------------------------------- rows and columns


def _rows(table: TableSpec) -> list[tuple[BlockSpec, RowSpec]]:
    return [(block, row) for block in table.blocks for row in block.rows]


def _row_scores(
    rows: Sequence[PrintedRow], table: TableSpec, classes: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-probabilities of the form's rows, shape (printed, statutory), and of not being on the form, (printed,).

    A row with figures is no header and belongs to this table, so what its label has of headers (其他, 总计) or of
    other tables says no more than a lost label; nor does it say that the row is not on the form where it can hardly be
    read. Without a label the number of its cells tells of which block it may be.
    """
    columns = _row_columns(table, classes)
    absent = np.array([name.startswith(("other", "group/")) for name in classes])
    scores = np.zeros((len(rows), len(columns)))
    reject = np.zeros(len(rows))
    lost = np.ones(len(rows))
    for i, row in enumerate(rows):
        if row.likely is not None:
            scores[i] = row.likely[columns]
            reject[i] = row.likely[absent].sum() * _legibility(row)
            lost[i] = max(0.0, 1.0 - scores[i].sum() - reject[i])
    expected = np.array([len(block.columns) for block, _ in _rows(table)])
    printed = np.array([len(row.values) for row in rows])
    fitting = np.where(printed[:, None] == expected, 1.0, _MISFITTING)
    scores += lost[:, None] * fitting / fitting.max(axis=1, keepdims=True, initial=_MISFITTING) / len(columns)
    # Of two rows without a label for one place the one with more blank squares is added, as by a page break.
    blank = np.array([np.mean([not text.strip() for text in _texts(row)]) for row in rows])
    reject += lost * _ADDED_WITHOUT_LABEL * (1.0 + blank) / len(columns)
    return np.log(np.maximum(scores, _FLOOR)), np.log(np.maximum(reject, _FLOOR))


def _legibility(row: PrintedRow) -> float:
    """How far the label of a row can be read: 1 where it is legible, 0 where it says nothing."""
    readings = [row.table.reading.readings[c] for c in row.labels]
    read = min((r.probability for r in readings if row.label and r.text == row.label.text), default=1.0)
    return float(np.clip((read - _GARBLED) / (_LEGIBLE - _GARBLED), 0.0, 1.0))


def _row_columns(table: TableSpec, classes: Sequence[str]) -> list[int]:
    position = {name: i for i, name in enumerate(classes)}
    return [position[f"row/{table.id}/{row.id}"] for _, row in _rows(table)]


def _join_cut_rows(rows: Sequence[PrintedRow], table: TableSpec, classes: Sequence[str]) -> list[PrintedRow]:
    """Join a row that a page break cut in two: one half holds the figures, the other only words.

    Both halves must name the same row, or one of them no row at all, and only where more rows are printed than the
    form has: a row that the agency left blank is not the half of another.
    """
    columns = _row_columns(table, classes)
    heading = np.array([name.startswith("group/") for name in classes])
    headings = sum(_is_heading(row, heading, columns) for row in rows)
    surplus = len(rows) - headings - len(columns)
    joined: list[PrintedRow] = []
    for row in rows:
        upper = joined[-1] if joined else None
        if surplus > 0 and upper is not None and upper.table.index != row.table.index:
            whole = _whole(upper, row, columns)
            if whole is not None:
                joined[-1] = whole
                surplus -= 1
                continue
        joined.append(row)
    return joined


def _is_heading(row: PrintedRow, heading: NDArray[np.bool_], columns: list[int]) -> bool:
    """Whether a row names a group: its label says so, or it names no row and has dashes for figures."""
    if row.likely is None:
        return False
    dashes = all(parse_value(text).mark is Mark.DASH for text in _texts(row))
    return bool(row.likely[heading].sum() > _NAMED) or (dashes and bool(row.likely[columns].sum() <= _NAMED))


def _whole(upper: PrintedRow, lower: PrintedRow, columns: list[int]) -> PrintedRow | None:
    blank_above, blank_below = _all_blank(upper), _all_blank(lower)
    if blank_above == blank_below or (_has_unit(upper) and _has_unit(lower)):
        return None
    figures, words = (lower, upper) if blank_above else (upper, lower)
    if figures.likely is None or words.likely is None:
        named = words if figures.likely is None else figures
        return replace(figures, label=named.label, likely=named.likely)
    here, there = figures.likely[columns], words.likely[columns]
    unnamed = min(here.max(), there.max()) < 0.5
    if not unnamed and int(np.argmax(here)) != int(np.argmax(there)):
        return None
    named = figures if here.max() >= there.max() else words
    label = named.label
    if label is not None and upper.label is not None and lower.label is not None:
        label = replace(label, text=upper.label.text + lower.label.text)
    return replace(figures, label=label, likely=named.likely)


def _has_unit(row: PrintedRow) -> bool:
    return any(is_unit(row.table.reading.readings[c].text) for c in row.labels)


def _all_blank(row: PrintedRow) -> bool:
    """Whether no value cell of the row holds anything beyond doubt; a speck is not a figure."""
    readings = [row.table.reading.readings[c] for c in row.values]
    return all(not r.text.strip() or r.probability < _LEGIBLE for r in readings)


def _place_list(
    table: TableSpec, rows: Sequence[PrintedRow], alignment: Alignment, classes: Sequence[str]
) -> Iterator[tuple[CellKey, Placement]]:
    specs = _rows(table)
    own_class = _row_columns(table, classes)
    pieces: dict[int, list[tuple[PrintedRow, float]]] = {}
    other = np.array([name.startswith("other") for name in classes])
    strays = [
        target is None and not _all_blank(row) and row.likely is not None and bool(row.likely[other].sum() > 0.5)
        for row, target in zip(rows, alignment.assignment, strict=True)
    ]
    edges: dict[int, tuple[int, int]] = {}
    for number, (printed, target, certainty) in enumerate(
        zip(rows, alignment.assignment, alignment.probabilities, strict=True)
    ):
        if target is not None:
            pieces.setdefault(target, []).append((printed, certainty))
            edges[target] = (edges.get(target, (number, 0))[0], number)
    chosen = {target: _fullest(found) for target, found in pieces.items()}
    for target, (printed, certainty) in chosen.items():
        block, spec = specs[target]
        count = len(block.columns)
        beside = [
            row
            for other, (row, _) in chosen.items()
            if specs[other][0] is block and row.table is printed.table and len(row.values) == count
        ]
        first, last = edges[target]
        label = 0.0 if printed.likely is None else float(printed.likely[own_class[target]])
        for column, (cell, sure) in zip(
            block.columns, _columns(printed, count, _centres(beside), bool(block.unit_header)), strict=True
        ):
            if cell is not None:
                yield (
                    CellKey(table.id, spec.id, column.id),
                    Placement(
                        *(printed.table.index, cell, certainty, sure, label),
                        stray_above=any(strays[max(0, first - 1) : first]),
                        stray_below=any(strays[last + 1 : last + 2]),
                        surplus=len(rows) - len(specs),
                    ),
                )


def _placed_rows(
    table: TableSpec, rows: Sequence[PrintedRow], alignment: Alignment, classes: Sequence[str]
) -> Iterator[PlacedRow]:
    ids = [row.id for _, row in _rows(table)]
    columns = _row_columns(table, classes)
    for printed, target, certainty in zip(rows, alignment.assignment, alignment.probabilities, strict=True):
        likely = np.zeros(len(ids)) if printed.likely is None else printed.likely[columns]
        ranked = [int(j) for j in np.argsort(-likely, kind="stable")[:_CANDIDATES] if likely[j] >= _FLOOR]
        yield PlacedRow(
            table_id=table.id,
            row_id=None if target is None else ids[target],
            certainty=certainty,
            candidates=tuple(ids[j] for j in ranked if j != target),
            page=printed.table.reading.grid.page,
            box=row_box(printed),
            label=printed.label,
        )


def _fullest(pieces: Sequence[tuple[PrintedRow, float]]) -> tuple[PrintedRow, float]:
    """The piece of a row that holds its figures; of several, the one with a label; of several, none is certain.

    A piece that holds far less than another is blank but for the strokes of a seal, however surely it is placed.
    """
    filled = [piece for piece in pieces if not _all_blank(piece[0])] or list(pieces)
    named = [piece for piece in filled if piece[0].likely is not None]
    # Beside a label figures that are hard to read are more than specks, but what is legible elsewhere leaves a doubt.
    doubtful = [piece for piece in pieces if piece[0].likely is not None and _amount(piece[0]) >= _FIGURES]
    rivals = named or doubtful or filled
    most = max(_amount(row) for row, _ in rivals)
    row, certainty = max((one for one in rivals if _amount(one[0]) >= _FAR_LESS * most), key=lambda piece: piece[1])
    alone = len(named or filled) == 1 and (named or not doubtful)
    return row, certainty if alone else min(certainty, _SHARED)


def _amount(row: PrintedRow) -> float:
    """How much stands in the value cells of a row: the sum of how surely each that is not blank was read."""
    readings = [row.table.reading.readings[c] for c in row.values]
    return sum(r.probability for r in readings if r.text.strip())


def _place_strip(
    table: TableSpec, parts: Sequence[Segment], classes: Sequence[str]
) -> Iterator[tuple[CellKey, Placement]]:
    keys = [CellKey(table.id, row.id, column.id) for block, row in _rows(table) for column in block.columns]
    part, printed = max(
        ((part, row) for part in parts for row in part.rows), key=lambda pair: (_filled(pair[1]), _figures(pair[1]))
    )
    if 2 * _figures(printed) < len(keys):
        return
    centres = _header_centres(printed, part.headers, len(keys))
    if len(printed.values) > len(keys) and not is_value(printed.table.reading.readings[printed.values[0]].text):
        printed = replace(printed, values=printed.values[1:])
    found = _columns(printed, len(keys), centres)
    if centres is None and len(printed.values) != len(keys):
        found = _strip_columns(table, printed, part.headers, classes) or found
    for key, (cell, sure) in zip(keys, found, strict=True):
        if cell is not None:
            yield key, Placement(printed.table.index, cell, 1.0, sure)


def _strip_columns(
    table: TableSpec, printed: PrintedRow, headers: Sequence[int], classes: Sequence[str]
) -> list[tuple[int | None, float]] | None:
    """For each cell of a strip in which rules were lost the value cell below its label, and how sure that is.

    The labels come in the order of the form, so they are aligned like rows; None where most of them cannot be read.
    """
    position = {name: index for index, name in enumerate(classes)}
    cells, likely = printed.table.reading.grid.cells, printed.table.probabilities
    above = [c for c in headers if cells[c].row + cells[c].row_span == printed.number]
    own = [(row, position[f"column/{table.id}/{column.id}"]) for b, row in _rows(table) for column in b.columns]
    scores = np.array([[likely[c][k] if c in likely else 0.0 for _, k in own] for c in above]).reshape(-1, len(own))
    meant = scores.max(axis=1, initial=0.0)
    if 2 * int((meant > _NAMED).sum()) < len(own):
        return None
    # Each column occurs once in every group: what is not said of one of them says nothing.
    distinct = len({k for _, k in own})
    scores += (1.0 - np.minimum(1.0, meant))[:, None] / distinct
    for heading in headers:
        for row in {row.id: row for row, _ in own}.values():
            group = position[f"header/{table.id}/{row.label}"]
            if heading not in likely or likely[heading][group] <= _NAMED:
                continue
            box = cells[heading].box
            below = [box.x0 <= (cells[c].box.x0 + cells[c].box.x1) / 2 < box.x1 for c in above]
            inside = np.array(below)[:, None] == np.array([member is row for member, _ in own])
            scores *= np.where(inside, 1.0, _OTHER_GROUP)
    reject = np.full(len(above), np.log(_ADDED_WITHOUT_LABEL / distinct))
    alignment = align(np.log(np.maximum(scores, _FLOOR)), reject)
    found: list[tuple[int | None, float]] = [(None, 0.0)] * len(own)
    for c, place, sure in zip(above, alignment.assignment, alignment.probabilities, strict=True):
        centre = (cells[c].box.x0 + cells[c].box.x1) / 2
        hit = [value for value in printed.values if cells[value].box.x0 <= centre < cells[value].box.x1]
        if place is not None and hit:
            found[place] = (hit[0], _BY_PLACE * sure)
    owners = Counter(cell for cell, _ in found if cell is not None)
    return [(cell, min(sure, _SHARED) if cell is not None and owners[cell] > 1 else sure) for cell, sure in found]


def _filled(row: PrintedRow) -> int:
    """Cells that hold a figure or a mark: below a table with open sides a blank row may seem to follow."""
    return sum(bool(text.strip()) and is_value(text) for text in _texts(row))


def _texts(row: PrintedRow) -> list[str]:
    return [row.table.reading.readings[c].text for c in row.values]


def _figures(row: PrintedRow) -> int:
    return sum(is_value(text) for text in _texts(row))


def _columns(
    row: PrintedRow, count: int, centres: NDArray[np.float64] | None, units: bool = False
) -> list[tuple[int | None, float]]:
    """For each of ``count`` columns the value cell of the row and how sure that is.

    Columns go by ordinal: grid lines of a data row need not agree with those of its header (two-wide cells of the
    2019 form). Only a row with another number of cells is placed by where its cells lie.

    Args:
        units: whether units stand between the labels and the values; they may have been read as figures.
    """
    values = list(row.values)
    texts = row.table.reading.readings
    if len(values) == count:
        return [(cell, 1.0) for cell in values]
    filled = [cell for cell in values if texts[cell].text.strip()]
    if len(values) > count and len(filled) == count == 1:
        # A header cell that was never merged leaves blank squares beside the only figure of the row.
        return [(filled[0], 1.0)]
    if centres is None:
        # Strokes that were taken for rules leave blank squares between the figures.
        first = values[1:] if units and len(values) == count + 1 else values[:count]
        likely = filled if len(values) > len(filled) == count else first
        return [(cell, _SHARED) for cell in likely] + [(None, 0.0)] * max(0, count - len(likely))
    cells = row.table.reading.grid.cells
    found: list[tuple[int | None, float]] = []
    for centre in centres:
        hit = [c for c in values if cells[c].box.x0 <= centre < cells[c].box.x1]
        found.append((hit[0], _BY_PLACE) if hit else (None, 0.0))
    owners = [cell for cell, _ in found if cell is not None]
    if len(set(owners)) == count and values[-count:] == owners:
        # What stands before the columns is a piece of the label.
        return [(cell, 1.0) for cell in owners]
    unplaced = [cell for cell in filled if cell not in owners]
    return [
        (cell, _SHARED if unplaced or owners.count(cell) > 1 else sure) if cell is not None else (None, 0.0)
        for cell, sure in found
    ]


def _centres(rows: Sequence[PrintedRow]) -> NDArray[np.float64] | None:
    """Median centre of each column over rows of one grid that print all of them, shape (columns,)."""
    if not rows:
        return None
    cells = rows[0].table.reading.grid.cells
    centres = [[(cells[c].box.x0 + cells[c].box.x1) / 2 for c in row.values] for row in rows]
    return np.asarray(np.median(np.array(centres), axis=0))


def _header_centres(row: PrintedRow, headers: Sequence[int], count: int) -> NDArray[np.float64] | None:
    """Centres of the header cells that stand right above the row, shape (count,); None when their number differs."""
    cells = row.table.reading.grid.cells
    above = [cells[c] for c in headers if cells[c].row + cells[c].row_span == row.number]
    if len(above) != count:
        return None
    return np.array([(cell.box.x0 + cell.box.x1) / 2 for cell in above])
