"""Pages made from pages that are already laid out: set in traditional characters, or two side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.domain import BoundingBox
from pipeline.labels.normalise import TRADITIONAL
from scripts.scans.fonts import Lettering
from scripts.scans.setting import Bar, CellRecord, Page, Photograph, TextItem, place

_KEPT = frozenset("制表里面后准干台系并采范复获汇松术征志只")
# Written as they are in some words and otherwise in others: left alone rather than often wrong.
_FURTHER = (
    "數数總总訓训訟讼納纳繳缴輿舆討讨貫贯趙赵輯辑鳴鸣鷺鹭灣湾瀾澜窪洼鹽盐繞绕織织繼继壩坝嵐岚嶺岭徑径棗枣楓枫欄栏棲栖"
    "樹树孫孙對对關关單单華华團团與与業业兩两樂乐興兴鳳凤劉刘廢废現现構构"
)
_PAIRS = (*TRADITIONAL.items(), *zip(_FURTHER[::2], _FURTHER[1::2], strict=True))
_OLD = {ord(new): old for old, new in reversed(_PAIRS) if new not in _KEPT}


def traditional(page: Page) -> Page:
    """The page with traditional characters in the place of simplified ones; nothing moves."""
    items: list[TextItem | Bar | Photograph] = []
    for item in page.items:
        if isinstance(item, TextItem):
            text, lettering = item.text.translate(_OLD), Lettering(item.face)
            items += place(text, item.x, item.baseline, lettering, item.size, item.bold, item.tint)
        else:
            items.append(item)
    cells = [
        replace(cell, printed=cell.printed.translate(_OLD), label=cell.label.translate(_OLD)) for cell in page.cells
    ]
    return replace(page, items=items, cells=cells)


def spreads(pages: Sequence[Page]) -> list[Page]:
    """Pairs of pages side by side, as an open book is scanned; an odd last page has an empty one beside it."""
    return [_spread(pages[n : n + 2]) for n in range(0, len(pages), 2)]


def _spread(pages: Sequence[Page]) -> Page:
    made = Page(2 * pages[0].width, pages[0].height)
    for number, page in enumerate(pages):
        aside = number * pages[0].width
        made.items += [_moved(item, aside) for item in page.items]
        made.cells += [_moved_cell(cell, aside) for cell in page.cells]
    return made


def _moved(item: TextItem | Bar | Photograph, aside: int) -> TextItem | Bar | Photograph:
    if isinstance(item, TextItem):
        return replace(item, x=item.x + aside)
    return replace(item, x0=item.x0 + aside, x1=item.x1 + aside)


def _moved_cell(cell: CellRecord, aside: int) -> CellRecord:
    box = cell.box
    return replace(cell, box=BoundingBox(box.x0 + aside, box.y0, box.x1 + aside, box.y1))
