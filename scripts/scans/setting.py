"""Typesetting: mixed runs of Chinese and Latin, line breaking, and the drawing of a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pipeline.domain import BoundingBox, CellKey, Pixels
from scripts.scans.fonts import FACES, Face, Lettering, has_glyph, load, width

Tint = tuple[int, int, int]
BLACK: Tint = (0, 0, 0)

_NO_START = frozenset("，。、；：！？）》”’〉】,.;:!?)")
_NO_END = frozenset("（《“‘〈【(")


@dataclass(frozen=True, slots=True)
class TextItem:
    """A run of one face on a baseline, in pixels."""

    x: float
    baseline: float
    text: str
    face: Face
    size: int
    bold: bool = False
    tint: Tint = BLACK


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled rectangle, pixels inclusive of the first and exclusive of the last: rules, shading, bars of a chart."""

    x0: int
    y0: int
    x1: int
    y1: int
    tint: Tint = BLACK


@dataclass(frozen=True, slots=True)
class Photograph:
    """A made-up photograph, drawn from its own seed."""

    x0: int
    y0: int
    x1: int
    y1: int
    seed: int


@dataclass(frozen=True, slots=True)
class CellRecord:
    """Truth of one printed cell: inner area inside its rules, in pixels of the page."""

    report: int
    key: CellKey
    printed: str
    value: str
    blank: bool
    consistent: bool
    label: str
    box: BoundingBox


@dataclass(slots=True)
class Page:
    """A page as laid out; drawn by ``draw`` or written as text by the PDF text writer."""

    width: int
    height: int
    items: list[TextItem | Bar | Photograph] = field(default_factory=list)
    cells: list[CellRecord] = field(default_factory=list)


def runs(text: str, lettering: Lettering) -> Iterator[tuple[Face, str]]:
    """Cut a text into runs of one face; a character the face lacks comes from the first face that has it."""
    for face, characters in groupby(text, key=lambda c: _face_of(c, lettering)):
        yield face, "".join(characters)


def text_width(text: str, lettering: Lettering, size: int, bold: bool = False) -> float:
    """Width of a line in pixels."""
    return sum(width(face, size, bold, run) for face, run in runs(text, lettering))


def wrap(text: str, limit: float, lettering: Lettering, size: int, bold: bool = False) -> list[str]:
    """Break a text into lines not wider than ``limit``; numbers stay whole where they fit."""
    return [line for part in text.split("\n") for line in _wrap_one(part, limit, lettering, size, bold)]


def place(
    text: str, x: float, baseline: float, lettering: Lettering, size: int, bold: bool = False, tint: Tint = BLACK
) -> list[TextItem]:
    """Items for one line that starts at x."""
    items = []
    for face, run in runs(text, lettering):
        items.append(TextItem(x, baseline, run, face, size, bold, tint))
        x += width(face, size, bold, run)
    return items


def draw(page: Page) -> Pixels:
    """Draw a page: shape (height, width), or (height, width, 3) when anything on it has a colour."""
    colour = any(isinstance(i, Photograph) or len(set(i.tint)) > 1 for i in page.items)
    image = Image.new("RGB" if colour else "L", (page.width, page.height), "white")
    pen = ImageDraw.Draw(image)
    for item in page.items:
        match item:
            case Bar():
                fill = item.tint if colour else item.tint[0]
                pen.rectangle((item.x0, item.y0, item.x1 - 1, item.y1 - 1), fill=fill)
            case TextItem():
                _draw_text(pen, item, item.tint if colour else item.tint[0])
            case Photograph():
                image.paste(Image.fromarray(_photograph(item)), (item.x0, item.y0))
    return np.asarray(image).copy()


def _draw_text(pen: ImageDraw.ImageDraw, item: TextItem, fill: Tint | int) -> None:
    font = load(item.face, item.size, item.bold)
    position = (round(item.x), round(item.baseline))
    pen.text(position, item.text, fill=fill, font=font, anchor="ls")
    if item.bold and not item.face.bold:
        pen.text((position[0] + max(1, item.size // 28), position[1]), item.text, fill=fill, font=font, anchor="ls")


def _photograph(item: Photograph) -> Pixels:
    """A meeting room, more or less: light falling off, muted blobs and edges, grain; no line of it is a rule."""
    rng = np.random.default_rng(item.seed)
    height, width_ = item.y1 - item.y0, item.x1 - item.x0
    tone = rng.uniform(60, 200, (6, 8, 1)) + rng.normal(0, 14, (6, 8, 3))
    small = np.clip(tone, 0, 255).astype(np.uint8)
    coarse = Image.fromarray(small).resize((width_, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(coarse)
    for _ in range(int(rng.integers(10, 30))):
        x, y = int(rng.integers(0, width_)), int(rng.integers(height // 4, height))
        w, h = int(rng.integers(width_ // 24, width_ // 6)), int(rng.integers(height // 12, height // 3))
        base = float(rng.uniform(25, 225))
        red, green, blue = (int(np.clip(base + shift, 0, 255)) for shift in rng.normal(0, 22, 3))
        if rng.random() < 0.4:
            pen.rectangle((x, y, x + w, y + h), fill=(red, green, blue))
        else:
            pen.ellipse((x, y, x + w, y + h), fill=(red, green, blue))
    coarse = coarse.filter(ImageFilter.GaussianBlur(width_ / 300))
    grain = rng.normal(0, 9, (height, width_, 1))
    return np.clip(np.asarray(coarse, dtype=np.float32) + grain, 0, 255).astype(np.uint8)


def _face_of(character: str, lettering: Lettering) -> Face:
    latin = lettering.latin
    if latin is not None and (character.isascii() and character != " "):
        return latin
    if character.isspace() or has_glyph(lettering.hanzi, character):
        return lettering.hanzi
    others = (f for f in FACES if not f.latin and f.path.exists() and f.outlines >= lettering.hanzi.outlines)
    return next((f for f in others if has_glyph(f, character)), lettering.hanzi)


def _wrap_one(text: str, limit: float, lettering: Lettering, size: int, bold: bool) -> list[str]:
    lines: list[str] = []
    line, used = "", 0.0
    for token in _tokens(text):
        advance = text_width(token, lettering, size, bold)
        if used + advance <= limit or not line:
            if advance > limit and len(token) > 1:
                for character in token:
                    step = text_width(character, lettering, size, bold)
                    if line and used + step > limit:
                        lines.append(line)
                        line, used = "", 0.0
                    line, used = line + character, used + step
                continue
            line, used = line + token, used + advance
        elif token in _NO_START and used + advance <= limit + size * 0.6:
            line, used = line + token, used + advance
        else:
            carried = ""
            while len(line) > 1 and line[-1] in _NO_END:
                carried, line = line[-1] + carried, line[:-1]
            lines.append(line)
            line = carried + token
            used = text_width(line, lettering, size, bold)
    return [*lines, line]


def _tokens(text: str) -> Iterator[str]:
    for number, characters in groupby(text, key=lambda c: c.isascii() and (c.isalnum() or c in ".,%+-")):
        if number:
            yield "".join(characters)
        else:
            yield from characters
