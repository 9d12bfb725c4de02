"""Labels as the forms print them, one after the other altered as offices alter them, and tables laid out otherwise."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.domain import FormSpec, LabelContext
from pipeline.labels.classes import OTHER, PrintedCell, official_texts, printed_table
from pipeline.labels.contexts import grid_contexts
from pipeline.labels.dataset import Example
from pipeline.labels.normalise import TRADITIONAL, normalise, split_enumeration

_TEST_SHARE = 0.12


@dataclass(frozen=True)
class Sheet:
    """A grid of printed cells with the text each holds now."""

    cells: tuple[PrintedCell, ...]
    texts: tuple[str, ...]
    section: str

    def contexts(self) -> dict[int, LabelContext]:
        worded = [cell.label_id is not None and bool(text) for cell, text in zip(self.cells, self.texts, strict=True)]
        return dict(grid_contexts(self.cells, self.texts, worded, self.section))


def part(*what: str) -> str:
    """Train or test, decided by the content alone."""
    return "test" if zlib.crc32("|".join(what).encode()) % 1000 < 1000 * _TEST_SHARE else "train"


def sheets(forms: Sequence[FormSpec]) -> Iterator[Sheet]:
    """Every table of every form as printed."""
    for form in forms:
        yield from _sheets_of(form, forms)


def _sheets_of(form: FormSpec, forms: Sequence[FormSpec]) -> Iterator[Sheet]:
    """Every table of one form as printed."""
    for table in form.tables:
        cells = printed_table(form, table, forms)
        yield Sheet(cells, tuple(cell.texts[0] for cell in cells), table.title)


def printed(forms: Sequence[FormSpec], seed: int) -> Iterator[Example]:
    """Labels as the forms print them, one after the other altered, and tables laid out otherwise."""
    rng = random.Random(seed)
    allowed = {(text.label_id, text.text) for text in official_texts(forms)}
    for plain in sheets(forms):
        yield from examples_of(plain, "form")
        for cell_index, cell in enumerate(plain.cells):
            for variant in cell.texts[1:]:
                if (cell.label_id, variant) in allowed:
                    yield from _one_changed(plain, cell_index, variant, "variant")
        for name, alter in _DEVIATIONS.items():
            for cell_index, cell in enumerate(plain.cells):
                if cell.label_id not in (None, OTHER):
                    context = plain.contexts()[cell_index]
                    changed = alter(context, rng)
                    if changed is not None and normalise(changed) != normalise(context.text):
                        split = part(name, cell.label_id or "", changed)
                        yield from _one_changed(plain, cell_index, changed, f"deviation:{name}", split)
        for name, rebuild in _LAYOUTS.items():
            for _ in range(3):
                yield from examples_of(rebuild(plain, rng), f"deviation:{name}")
    for form in forms:
        yield from examples_of(_stacked(list(_sheets_of(form, forms))), "deviation:stacked")


def examples_of(this: Sheet, source: str) -> Iterator[Example]:
    """Every label of a sheet."""
    for index, context in this.contexts().items():
        cell = this.cells[index]
        if cell.label_id is not None:
            yield Example(cell.label_id, context, cell.texts[0], source)


def _one_changed(this: Sheet, index: int, text: str, source: str, split: str = "train") -> Iterator[Example]:
    """One label of a sheet with another text."""
    cell = this.cells[index]
    if cell.label_id is not None and normalise(text):
        texts = tuple(text if i == index else old for i, old in enumerate(this.texts))
        context = replace(this, texts=texts).contexts()[index]
        yield Example(cell.label_id, context, cell.texts[0], source, split)


def _renumbered(context: LabelContext, rng: random.Random) -> str | None:
    numerals, rest = split_enumeration(normalise(context.text))
    number = rng.randint(1, 9)
    chinese = "一二三四五六七八九"[number - 1]
    if not numerals:
        return None
    return rng.choice(
        [
            rest,
            f"{chinese}、{rest}",
            f"（{chinese}）{rest}",
            f"{number}.{rest}",
            f"({number}){rest}",
            f"{number}、{rest}",
        ]
    )


def _gloss(context: LabelContext, rng: random.Random) -> str | None:
    glosses = (
        "（件）",
        "（单位：件）",
        "（个）",
        "（指本年度办理数量）",
        "（指上级部门统计口径，没有的填0）",
        "（含所属单位）",
        "（截至12月31日）",
        "（不含重复件，由各科室提供数据）",
        "（注：按法律法规规定填写）",
    )
    return context.text + rng.choice(glosses)


def _cut_off(context: LabelContext, rng: random.Random) -> str | None:
    text = context.text
    return (
        text[: -rng.randint(1, max(1, len(text) * 2 // 5))] if len(split_enumeration(normalise(text))[1]) > 4 else None
    )


def _first_lost(context: LabelContext, rng: random.Random) -> str | None:
    text = split_enumeration(normalise(context.text))[1]
    return text[rng.randint(1, max(1, len(text) * 2 // 5)) :] if len(text) > 4 else None


def _glued_to_parent(context: LabelContext, rng: random.Random) -> str | None:
    if not context.parent or context.columns == 0 or "第二十" in context.parent:
        return None
    rest = split_enumeration(normalise(context.text))[1]
    return context.parent + rng.choice([context.text, rest])


def _glued_to_following(context: LabelContext, rng: random.Random) -> str | None:
    return (
        context.text + context.following[: rng.randint(1, 3)] if context.following and len(context.text) > 4 else None
    )


def _traditional(context: LabelContext, rng: random.Random) -> str | None:
    back = {simple: old for old, simple in TRADITIONAL.items()}
    return "".join(back.get(c, c) for c in context.text)


def _stray(context: LabelContext, rng: random.Random) -> str | None:
    text = context.text
    at = rng.choice([0, len(text)])
    return text[:at] + rng.choice("|l丨.·-_~'`*口一丶") * rng.randint(1, 2) + text[at:]


def _punctuation_lost(context: LabelContext, rng: random.Random) -> str | None:
    return "".join(c for c in context.text if c.isalnum())


def _out_of_order(context: LabelContext, rng: random.Random) -> str | None:
    if context.columns > 0 or len(context.text) < 5:
        return None
    cut = rng.randint(2, len(context.text) - 2)
    return context.text[cut:] + context.text[:cut]


_DEVIATIONS: dict[str, Callable[[LabelContext, random.Random], str | None]] = {
    "renumbered": _renumbered,
    "gloss": _gloss,
    "cut_off": _cut_off,
    "first_lost": _first_lost,
    "glued_to_parent": _glued_to_parent,
    "glued_to_following": _glued_to_following,
    "traditional": _traditional,
    "stray": _stray,
    "punctuation_lost": _punctuation_lost,
    "out_of_order": _out_of_order,
}


def _fragment(this: Sheet, rng: random.Random) -> Sheet:
    """What a page break leaves: some rows from the middle on, without the heading."""
    rows = 1 + max(cell.row for cell in this.cells)
    first = rng.randint(0, rows // 2)
    last = rng.randint(first + min(4, rows - first), rows)
    kept = [i for i, cell in enumerate(this.cells) if cell.row < last and cell.row + cell.row_span > first]
    cells = []
    for i in kept:
        cell = this.cells[i]
        top, bottom = max(cell.row, first), min(cell.row + cell.row_span, last)
        cells.append(replace(cell, row=top - first, row_span=bottom - top))
    return Sheet(tuple(cells), tuple(this.texts[i] for i in kept), "" if first else this.section)


def _labels_lost(this: Sheet, rng: random.Random) -> Sheet:
    """Some labels were not read at all, so their neighbours have other neighbours."""
    texts = tuple(
        t if cell.label_id is None or rng.random() < 0.75 else ""
        for cell, t in zip(this.cells, this.texts, strict=True)
    )
    return replace(this, texts=texts, section=rng.choice(["", this.section, "该部分以表格形式报告。表格如下："]))


def _one_label_column(this: Sheet, rng: random.Random) -> Sheet:
    """Group labels and row labels in one column, as after careless conversion."""
    depth = min((cell.column for cell in this.cells if cell.label_id is None), default=0)
    cells = tuple(
        replace(cell, column=0, row_span=1) if cell.label_id is not None and cell.column < depth else cell
        for cell in this.cells
    )
    return replace(this, cells=cells, section=rng.choice(["", this.section]))


_LAYOUTS: dict[str, Callable[[Sheet, random.Random], Sheet]] = {
    "fragment": _fragment,
    "labels_lost": _labels_lost,
    "one_label_column": _one_label_column,
}


def _stacked(parts: Sequence[Sheet]) -> Sheet:
    """Tables printed one below the other without a gap."""
    cells: list[PrintedCell] = []
    texts: list[str] = []
    top = 0
    for this in parts:
        cells += [replace(cell, row=cell.row + top) for cell in this.cells]
        texts += this.texts
        top = 1 + max(cell.row + cell.row_span - 1 for cell in cells)
    return Sheet(tuple(cells), tuple(texts), parts[0].section)
