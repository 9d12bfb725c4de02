"""Pictures of what is asked, cut from the scans again: the datasets themselves hold none."""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from pipeline.documents import InputFile, find_inputs, read_pages
from pipeline.domain import BoundingBox, PageImage
from pipeline.domain import document_id as name_of
from pipeline.errors import DocumentError
from pipeline.review.items import Item
from pipeline.review.surroundings import EVERYWHERE
from pipeline.settings import Settings

# A row is shown at most this wide, in pixels; a scan of 300 dots per inch has about 2,500.
_WIDEST = 1400
_OUTLINE = (200, 0, 0)


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG of a part of a page, with its size in pixels."""

    png: bytes
    width: int
    height: int


def cut_pictures(items: Sequence[Item], scans: Sequence[str]) -> Iterator[tuple[Item, Picture | str]]:
    """The picture of each item, or why there is none, document by document.

    Args:
        scans: the folders, archives or files that were read.

    Raises:
        NoInputError: one of ``scans`` does not exist.
    """
    files = {each.source: each for each in find_inputs(scans)}
    of_document: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        of_document[item.document_id, item.source].append(item)
    for (document_id, source), asked in of_document.items():
        yield from _of_document(asked, document_id, files.get(source), f"the file is not in {', '.join(scans)}")


def load_same(file: InputFile, document_id: str) -> bytes | None:
    """The content of a file; None where it is another than the one that was read.

    Raises:
        DocumentError: it cannot be read.
    """
    data = file.load()
    return data if name_of(hashlib.sha256(data).hexdigest()) == document_id else None


def cut(page: PageImage, box: BoundingBox | None, around: BoundingBox, rows: Sequence[BoundingBox] = ()) -> Image.Image:
    """A part of a page with a margin, and a box in it outlined.

    Args:
        box: what is outlined, on the page as decoded; None for nothing.
        around: what is shown.
        rows: what is outlined and numbered from 1.
    """
    across, down = page.stretch
    image = Image.fromarray(page.pixels)
    shown = _stretched(around, across, down)
    least = min(shown.height, _stretched(box, across, down).height) if box is not None else shown.height
    margin = min(0.8 * least + 12, 80)
    left, top = round(max(0, shown.x0 - margin)), round(max(0, shown.y0 - margin))
    right, bottom = round(min(image.width, shown.x1 + margin)), round(min(image.height, shown.y1 + margin))
    part = image.crop((left, top, max(left + 1, right), max(top + 1, bottom))).convert("RGB")
    pen = ImageDraw.Draw(part)
    for number, each in enumerate(rows or ([] if box is None else [box]), start=1):
        inner = _stretched(each, across, down)
        corners = (inner.x0 - left - 2, inner.y0 - top - 2, inner.x1 - left + 1, inner.y1 - top + 1)
        pen.rectangle(corners, outline=_OUTLINE, width=2)
        if rows:
            size = max(12.0, min(0.6 * inner.height, 40.0))
            pen.text((max(0.0, corners[0] - 1.5 * size), corners[1]), str(number), fill=_OUTLINE, font_size=size)
    return part


def _picture(part: Image.Image) -> Picture:
    if part.width > _WIDEST:
        part = part.resize((_WIDEST, max(1, round(part.height * _WIDEST / part.width))), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    # So many colours keep ink, seals and the outline apart at a fraction of the bytes.
    part.quantize(32).save(buffer, "PNG", optimize=True)
    return Picture(buffer.getvalue(), part.width, part.height)


def _of_document(
    items: Iterable[Item], document_id: str, file: InputFile | None, absent: str
) -> Iterator[tuple[Item, Picture | str]]:
    waiting: list[Item] = []
    for item in items:
        if item.page is None or item.around is None:
            yield item, "nothing of its table was found on any page"
        elif file is None:
            yield item, absent
        else:
            waiting.append(item)
    if file is None or not waiting:
        return
    fault = "the page cannot be read"
    parts: dict[str, dict[int, Image.Image]] = {item.item_id: {} for item in waiting}
    try:
        data = load_same(file, document_id)
        if data is None:
            fault = "the file is another than the one that was read"
        else:
            for page in read_pages(data, Settings()):
                if isinstance(page, DocumentError):
                    continue
                for item in [each for each in waiting if page.number in each.pages]:
                    done, around = parts[item.item_id], item.around or EVERYWHERE
                    done[page.number] = cut(page, None if item.by_name else item.box, around, item.rows)
                    if len(done) == len(item.pages):
                        waiting.remove(item)
                        yield item, _picture(_below(*(done[number] for number in sorted(item.pages))))
                        done.clear()
    except DocumentError as error:
        fault = error.cause
    yield from ((item, fault) for item in waiting)


def _below(*parts: Image.Image) -> Image.Image:
    """Parts of pages as one picture, each below the one before it, a line between them."""
    if len(parts) == 1:
        return parts[0]
    whole = Image.new("RGB", (max(part.width for part in parts), sum(part.height for part in parts)), "white")
    pen, top = ImageDraw.Draw(whole), 0
    for part in parts:
        whole.paste(part, (0, top))
        pen.line((0, top, whole.width, top), fill=_OUTLINE, width=2)
        top += part.height
    return whole


def _stretched(box: BoundingBox, across: float, down: float) -> BoundingBox:
    return BoundingBox(box.x0 * across, box.y0 * down, box.x1 * across, box.y1 * down)
