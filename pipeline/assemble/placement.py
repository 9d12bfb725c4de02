"""Which printed cell is which statutory cell: the form of each report, its rows and their cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.assemble.answers import FormAnswer, RowAnswer, answered_rows, hold_to_answers, weigh_answers
from pipeline.assemble.columns import cells_by_count, column_centres, header_centres, place_columns, place_strip_columns
from pipeline.assemble.drafts import Draft, collect_drafts, recognised_rows
from pipeline.assemble.rows import (
    ADDED_WITHOUT_LABEL,
    FLOOR,
    NAMED,
    SHARED,
    Classifier,
    PrintedRow,
    Segment,
    form_rows,
    is_value,
    label_kinds,
    row_box,
    tables_of,
)
from pipeline.assemble.stacked import in_order_of_file
from pipeline.assemble.titles import read_titles
from pipeline.domain import (
    CellKey,
    FormSpec,
    LineReading,
    Mark,
    PageReading,
    PlacedRow,
    Reading,
    TableLayout,
    TableReading,
    TableSpec,
)
from pipeline.labels.alignment import Alignment, align, score_of_part
from pipeline.values import is_unit, parse_value

# Fewer recognised labels than this are an unrelated table, not a report.
_FEWEST_LABELS = 3
# What speaks for the form of a report's year, in nats: one report in twenty is taken to be on the form of before.
_IN_FORCE = 3.0
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


def map_reports(
    pages: Sequence[PageReading],
    forms: Sequence[FormSpec],
    classifier: Classifier,
    answers: Sequence[RowAnswer] = (),
    form_answers: Sequence[FormAnswer] = (),
) -> tuple[MappedReport, ...]:
    """Find the reports of a document and place their cells.

    The form of a report is decided from what is printed: the one whose rows and headers explain it best; the year says
    less, because some agencies go on using the form of before. Where a title was read, and of what is ruled on the
    pages nothing was recognised, that is a report of which no cell was found, on the form of its year, until a person
    says which.

    Args:
        answers: what a person said of rows; those of other forms and tables have no say.
        form_answers: what a person said of the forms of reports.
    """
    kinds = label_kinds(classifier.classes, forms)

    def mapped(ordered: Sequence[PageReading]) -> tuple[MappedReport, ...]:
        drafts = collect_drafts(ordered, forms, classifier, kinds)
        found = (_map(draft, forms, classifier.classes, answers, form_answers) for draft in drafts)
        return tuple(report for report in found if report is not None) or _without_tables(ordered, forms, form_answers)

    reports = mapped(pages)
    stacked = in_order_of_file(pages)
    if stacked is not None:
        others = mapped(stacked)
        # Sheets in the wrong order break a report in two, or leave rows without a place.
        gained = _count_placed(others) - _count_placed(reports)
        if (len(others) < len(reports) and gained >= 0) or (len(others) == len(reports) and gained > 0):
            return _renumbered(others, tables_of(stacked), tables_of(pages))
    return reports


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


def _without_tables(
    pages: Sequence[PageReading], forms: Sequence[FormSpec], form_answers: Sequence[FormAnswer]
) -> tuple[MappedReport, ...]:
    """The report that has a title and ruled pages, of which none is a table of a form; none without both."""
    lines = [item for page in pages for item in page.items if isinstance(item, LineReading)]
    titles = read_titles(lines)
    if not titles or not tables_of(pages):
        return ()
    draft = Draft()
    for title in titles:
        draft.entitle(title)
    for line in lines:
        draft.note(line.reading.text)
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
    draft: Draft,
    forms: Sequence[FormSpec],
    classes: Sequence[str],
    answers: Sequence[RowAnswer],
    form_answers: Sequence[FormAnswer],
) -> MappedReport | None:
    tables = [segment.table.reading for segment in draft.segments]
    said = [each.form_id for each in form_answers if each.is_about(tables)]
    if said:
        forms = [form for form in forms if form.id == said[-1]]
    recognised = sum(len(recognised_rows(segment, classes)) for segment in draft.segments)
    # What a person says of rows is said of the form that was found without it, and must not lead to another one.
    candidates = [(_explain(draft, form, classes, ()), form) for form in forms]
    candidates = [(found, form) for found, form in candidates if found.segments]
    if not candidates:
        return None
    headers = _header_votes(draft, forms, classes)
    scores = np.array(
        [each.score + headers[form.id] + _IN_FORCE * _in_force(form, draft.year) for each, form in candidates]
    )
    best, form = candidates[int(scores.argmax())]
    certainty = 1.0 / float(np.exp(scores - scores.max()).sum())
    if not said and recognised + sum(vote > 1.0 for vote in headers.values()) < _FEWEST_LABELS:
        return None
    if answers:
        best = _explain(draft, form, classes, answers)
    placements, rows = _places(best, classes, certainty)
    return MappedReport(form, tuple(draft.pages), draft.agency, draft.year, placements, rows, bool(said))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The printed rows that belong to one table of a form: of a list each with its place, of a strip in segments."""

    table: TableSpec
    segments: Sequence[Segment]
    rows: Sequence[PrintedRow]
    alignment: Alignment | None


@dataclass(frozen=True, slots=True, eq=False)
class _Explanation:
    """How well a form explains a report, and what it takes the printed rows for."""

    score: float
    segments: int
    parts: Sequence[_Part]


def _explain(draft: Draft, form: FormSpec, classes: Sequence[str], answers: Sequence[RowAnswer]) -> _Explanation:
    score = 0.0
    used = 0
    parts: list[_Part] = []
    for table in form.tables:
        own = [segment for segment in draft.segments if segment.table_id == table.id]
        rows = [row for segment in own for row in segment.rows]
        used += len(own)
        if not rows:
            continue
        alignment = None
        if table.layout is not TableLayout.STRIP:
            rows = _join_cut_rows(rows, table, classes)
            answered = answered_rows(rows, table, form, answers)
            weighed = weigh_answers(*_row_scores(rows, table, classes), answered)
            alignment = hold_to_answers(_with_cut_rows(rows, align(*weighed), _row_columns(table, classes)), answered)
            # Rows without a label fit best where the form has most rows, so they have no say in which form it is.
            named = np.array([row.likely is not None for row in rows])
            told = alignment if named.all() else align(weighed[0][named], weighed[1][named])
            score += score_of_part(told, len(form_rows(table)))
        parts.append(_Part(table, own, rows, alignment))
    table_ids = {table.id for table in form.tables}
    strangers = (row for segment in draft.segments if segment.table_id not in table_ids for row in segment.rows)
    foreign = sum(row.likely is not None for row in strangers)
    return _Explanation(score + foreign * float(np.log(FLOOR)), used, parts)


def _places(
    found: _Explanation, classes: Sequence[str], certainty: float
) -> tuple[dict[CellKey, Placement], tuple[PlacedRow, ...]]:
    """Where a form puts the printed cells and rows; no row is surer than that it is this form."""
    placements: dict[CellKey, Placement] = {}
    placed: list[PlacedRow] = []
    for part in found.parts:
        if part.alignment is None:
            placements.update(_place_strip(part.table, part.segments, classes))
        else:
            placements.update(_place_list(part.table, part.rows, part.alignment, classes))
            placed.extend(_placed_rows(part.table, part.rows, part.alignment, classes))
    placements = {k: replace(p, row_probability=certainty * p.row_probability) for k, p in placements.items()}
    return placements, tuple(replace(row, certainty=certainty * row.certainty) for row in placed)


def _header_votes(draft: Draft, forms: Sequence[FormSpec], classes: Sequence[str]) -> dict[str, float]:
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
    expected = np.array([len(block.columns) for block, _ in form_rows(table)])
    printed = np.array([len(row.values) for row in rows])
    fitting = np.where(printed[:, None] == expected, 1.0, _MISFITTING)
    scores += lost[:, None] * fitting / fitting.max(axis=1, keepdims=True, initial=_MISFITTING) / len(columns)
    # Of two rows without a label for one place the one with more blank squares is added, as by a page break.
    blank = np.array([np.mean([not text.strip() for text in _texts(row)]) for row in rows])
    reject += lost * ADDED_WITHOUT_LABEL * (1.0 + blank) / len(columns)
    return np.log(np.maximum(scores, FLOOR)), np.log(np.maximum(reject, FLOOR))


def _legibility(row: PrintedRow) -> float:
    """How far the label of a row can be read: 1 where it is legible, 0 where it says nothing."""
    readings = [row.table.reading.readings[c] for c in row.labels]
    read = min((r.probability for r in readings if row.label and r.text == row.label.text), default=1.0)
    return float(np.clip((read - _GARBLED) / (_LEGIBLE - _GARBLED), 0.0, 1.0))


def _row_columns(table: TableSpec, classes: Sequence[str]) -> list[int]:
    position = {name: i for i, name in enumerate(classes)}
    return [position[f"row/{table.id}/{row.id}"] for _, row in form_rows(table)]


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
    return bool(row.likely[heading].sum() > NAMED) or (dashes and bool(row.likely[columns].sum() <= NAMED))


def _whole(upper: PrintedRow, lower: PrintedRow, columns: list[int]) -> PrintedRow | None:
    blank_above, blank_below = _all_blank(upper), _all_blank(lower)
    if blank_above and blank_below:
        # Where all of a page is hard to read its figures are too, but there are more of them than of specks.
        blank_above, blank_below = (_amount(half) < _FIGURES for half in (upper, lower))
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


def _with_cut_rows(rows: Sequence[PrintedRow], alignment: Alignment, columns: list[int]) -> Alignment:
    """Both halves of a row that was cut by a page break and not joined on the row that both name; neither is certain.

    Strokes in the half without figures keep it from being joined, and of two halves with a label one is left over. The
    alignment knows of no page breaks: there halves are likely where both have a label, and not where one lost it.
    Nor is a row certain beside which over the page break stand figures that have no label and no row: digits set below
    each other may be cut in two. Nor a blank one beside figures there whose label names another row or none.
    """
    assigned, sure = list(alignment.assignment), list(alignment.probabilities)
    for here, target in enumerate(alignment.assignment):
        if target is not None:
            continue
        likely = rows[here].likely
        named = None if likely is None else int(np.argmax(likely[columns]))
        for beside in (here - 1, here + 1):
            if not 0 <= beside < len(rows) or rows[beside].table.index == rows[here].table.index:
                continue
            if likely is not None and alignment.assignment[beside] == named and likely[columns].max() > NAMED:
                assigned[here] = named
                sure[here] = sure[beside] = min(sure[here], sure[beside], SHARED)
            elif _may_be_figures_of(rows[here], rows[beside]) or (likely is None and not _all_blank(rows[here])):
                sure[beside] = min(sure[beside], SHARED)
    return replace(alignment, assignment=tuple(assigned), probabilities=tuple(sure))


def _may_be_figures_of(row: PrintedRow, other: PrintedRow) -> bool:
    """Whether a row holds figures and another one nothing, or next to nothing."""
    amount = _amount(row)
    filled = not _all_blank(row) or amount >= _FIGURES
    return filled and _all_blank(other) and _amount(other) < _FAR_LESS * amount


def _has_unit(row: PrintedRow) -> bool:
    return any(is_unit(row.table.reading.readings[c].text) for c in row.labels)


def _all_blank(row: PrintedRow) -> bool:
    """Whether no value cell of the row holds anything beyond doubt; a speck is not a figure."""
    readings = [row.table.reading.readings[c] for c in row.values]
    return all(not r.text.strip() or r.probability < _LEGIBLE for r in readings)


def _place_list(
    table: TableSpec, rows: Sequence[PrintedRow], alignment: Alignment, classes: Sequence[str]
) -> Iterator[tuple[CellKey, Placement]]:
    specs = form_rows(table)
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
    complete: dict[tuple[int, int], list[Sequence[int]]] = {}
    grids = {printed.table.index: printed.table.reading.grid for printed, _ in chosen.values()}
    for target, (printed, _) in chosen.items():
        block = specs[target][0]
        counted = cells_by_count(printed, len(block.columns))
        if counted:
            complete.setdefault((id(block), printed.table.index), []).append(counted)
    columns = {(block, table): column_centres(grids[table], rows) for (block, table), rows in complete.items()}
    for target, (printed, certainty) in chosen.items():
        block, spec = specs[target]
        count = len(block.columns)
        centres = columns.get((id(block), printed.table.index))
        first, last = edges[target]
        label = 0.0 if printed.likely is None else float(printed.likely[own_class[target]])
        for column, (cell, sure) in zip(
            block.columns, place_columns(printed, count, centres, bool(block.unit_header)), strict=True
        ):
            if cell is not None:
                own = min(certainty, SHARED) if cell in printed.shared else certainty
                yield (
                    CellKey(table.id, spec.id, column.id),
                    Placement(
                        *(printed.table.index, cell, own, sure, label),
                        stray_above=any(strays[max(0, first - 1) : first]),
                        stray_below=any(strays[last + 1 : last + 2]),
                        surplus=len(rows) - len(specs),
                    ),
                )


def _placed_rows(
    table: TableSpec, rows: Sequence[PrintedRow], alignment: Alignment, classes: Sequence[str]
) -> Iterator[PlacedRow]:
    ids = [row.id for _, row in form_rows(table)]
    columns = _row_columns(table, classes)
    for printed, target, certainty in zip(rows, alignment.assignment, alignment.probabilities, strict=True):
        likely = np.zeros(len(ids)) if printed.likely is None else printed.likely[columns]
        ranked = [int(j) for j in np.argsort(-likely, kind="stable")[:_CANDIDATES] if likely[j] >= FLOOR]
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
    return row, certainty if alone else min(certainty, SHARED)


def _amount(row: PrintedRow) -> float:
    """How much stands in the value cells of a row: the sum of how surely each that is not blank was read."""
    readings = [row.table.reading.readings[c] for c in row.values]
    return sum(r.probability for r in readings if r.text.strip())


def _place_strip(
    table: TableSpec, parts: Sequence[Segment], classes: Sequence[str]
) -> Iterator[tuple[CellKey, Placement]]:
    keys = [CellKey(table.id, row.id, column.id) for block, row in form_rows(table) for column in block.columns]
    part, printed = max(
        ((part, row) for part in parts for row in part.rows), key=lambda pair: (_filled(pair[1]), _figures(pair[1]))
    )
    if 2 * _figures(printed) < len(keys):
        return
    centres = header_centres(printed, part.headers, len(keys))
    if len(printed.values) > len(keys) and not is_value(printed.table.reading.readings[printed.values[0]].text):
        printed = replace(printed, values=printed.values[1:])
    found = place_columns(printed, len(keys), centres)
    if centres is None and len(printed.values) != len(keys):
        found = place_strip_columns(table, printed, part.headers, classes) or found
    for key, (cell, sure) in zip(keys, found, strict=True):
        if cell is not None:
            yield key, Placement(printed.table.index, cell, 1.0, sure)


def _filled(row: PrintedRow) -> int:
    """Cells that hold a figure or a mark: below a table with open sides a blank row may seem to follow."""
    return sum(bool(text.strip()) and is_value(text) for text in _texts(row))


def _texts(row: PrintedRow) -> list[str]:
    return [row.table.reading.readings[c].text for c in row.values]


def _figures(row: PrintedRow) -> int:
    return sum(is_value(text) for text in _texts(row))
