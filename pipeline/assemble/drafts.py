"""Where the reports of a document begin, and what belongs to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.assemble.rows import (
    Classifier,
    LabelKinds,
    Segment,
    form_rows,
    label_tables,
    segments,
    tables_of,
)
from pipeline.assemble.titles import Title, read_titles, reporter_of, year_of
from pipeline.domain import FormSpec, LabelContext, LineReading, PageReading, TableLayout, TableReading

# A label counts as recognised from here on; only recognised ones decide where a report begins.
_RECOGNISED = 0.8


@dataclass(slots=True)
class Draft:
    """A report while its parts are collected."""

    pages: list[int] = field(default_factory=list)
    agency: str = ""
    year: int | None = None
    segments: list[Segment] = field(default_factory=list)

    def entitle(self, title: Title) -> None:
        """Take what a title says of agency and year, unless that is known."""
        self.agency = self.agency or title.agency
        self.year = self.year if self.year is not None else title.year

    def note(self, text: str) -> None:
        """Take what a line above the first table says of agency and year, unless that is known."""
        if self.segments:
            return
        self.agency = self.agency or reporter_of(text)
        self.year = self.year if self.year is not None else year_of(text)


def collect_drafts(
    pages: Sequence[PageReading], forms: Sequence[FormSpec], classifier: Classifier, kinds: LabelKinds
) -> list[Draft]:
    """The reports of a document with their printed rows, in the order of the pages; what has none is no report."""
    items = [(page.number, item) for page in pages for item in page.items]
    tables = tables_of(pages)
    lines = [item for _, item in items if isinstance(item, LineReading)]
    labelled = iter(label_tables(tables, _sections(items), classifier))
    titles = {title.first: title for title in read_titles(lines)}
    strips = frozenset(t.id for form in forms for t in form.tables if t.layout is TableLayout.STRIP)
    order = _printed_order(forms)
    headed = _headed(lines, classifier, kinds)

    drafts = [Draft()]
    before: str | None = None
    line_number = 0
    for page, item in items:
        if isinstance(item, LineReading):
            if line_number in titles:
                title = titles[line_number]
                if drafts[-1].segments:
                    drafts.append(Draft())
                    before = None
                drafts[-1].entitle(title)
            drafts[-1].note(item.reading.text)
            before = headed.get(line_number, before)
            line_number += 1
        else:
            for segment in segments(next(labelled), kinds, strips, before):
                if _starts_over(drafts[-1].segments, segment, classifier.classes, order, strips, forms):
                    drafts.append(Draft())
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


def _printed_order(forms: Sequence[FormSpec]) -> dict[str, tuple[int, dict[str, int]]]:
    """Per table id: its rank on the form and the rank of each of its rows."""
    order: dict[str, tuple[int, dict[str, int]]] = {}
    for form in forms:
        for rank, table in enumerate(form.tables):
            ranks = order.setdefault(table.id, (rank, {}))[1]
            for position, (_, row) in enumerate(form_rows(table)):
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
    here = recognised_rows(segment, classes)
    held = {s.table_id for s in earlier if len(recognised_rows(s, classes)) >= 2} | {segment.table_id}
    if len(here) >= 2 and not any(held <= {table.id for table in form.tables} for form in forms):
        return True
    if len(here) >= 2 and any(order[s.table_id][0] > order[segment.table_id][0] and len(s.rows) > 0 for s in earlier):
        return True
    seen = {row for s in same for row in recognised_rows(s, classes)}
    repeated = sum(row in seen for row in here)
    return repeated >= 2 and 2 * repeated > len(here)


def recognised_rows(segment: Segment, classes: Sequence[str]) -> list[str]:
    """Row ids of the labels in a segment that are recognised beyond doubt."""
    found = []
    for row in segment.rows:
        if row.likely is not None:
            best = int(np.argmax(row.likely))
            if row.likely[best] >= _RECOGNISED and classes[best].startswith(f"row/{segment.table_id}/"):
                found.append(classes[best].rsplit("/", 1)[1])
    return found
