"""One scanned document: what is drawn at random, how it is set, and how it is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pipeline.domain import BoundingBox, FormSpec, TableSpec
from scripts.scans import damage as damages
from scripts.scans import reprints, wording
from scripts.scans.damage import PRINT_KINDS, Damage, Picture
from scripts.scans.deviations import Composer, Manner, draw_manner
from scripts.scans.figures import draw_figures
from scripts.scans.fonts import Face, Lettering
from scripts.scans.printing import Outer, Pattern, Press, Style, Table
from scripts.scans.setting import CellRecord, Page, Tint, draw

FORMATS = ("pdf", "tiff", "jpg", "png", "webp", "bmp", "textpdf", "ocrpdf")
TEXT_DPI = 200


@dataclass(frozen=True, slots=True)
class Options:
    """What may be drawn.

    Attributes:
        forms: forms to choose from.
        faces: typefaces to choose from.
        levels: damage levels, taken in turn.
        kinds: named kinds, taken in turn; empty draws a natural mixture.
        formats: containers, taken in turn.
        inconsistent: share of reports with falsified figures.
        volumes: share of files that hold two or three reports.
        plain: no departures from the statute.
    """

    forms: tuple[FormSpec, ...]
    faces: tuple[Face, ...]
    levels: tuple[int, ...] = (0, 1, 2, 3)
    kinds: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("pdf", "tiff", "jpg", "png")
    inconsistent: float = 0.1
    volumes: float = 0.04
    plain: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A document before it is written to a file.

    Attributes:
        form_ids: form of each report in it, first report first.
        level: damage level; kinds: the named kinds on top.
        container: one of FORMATS.
        pages: laid-out pages; pictures: the same pages damaged (empty for a text PDF).
        dpi: resolution the pages are laid out in.
        seed: seed for what the writer still has to choose.
    """

    form_ids: tuple[str, ...]
    level: int
    kinds: tuple[str, ...]
    container: str
    font: str
    pages: tuple[Page, ...]
    pictures: tuple[Picture, ...]
    dpi: int
    seed: int

    @property
    def damage(self) -> str:
        """Name of the damage for the truth table."""
        if self.container == "textpdf":
            return "text"
        base = ("clean", "good", "everyday", "bad")[self.level]
        silent = ("clean", "scan") if self.container in ("pdf", "jpg") else ("clean", "scan", "tagged")
        return "+".join((base, *(kind for kind in self.kinds if kind not in silent)))

    def cells(self) -> Iterator[tuple[int, CellRecord, BoundingBox]]:
        """Every printed cell with its 1-based page and its box in pixels of the damaged page."""
        for number, page in enumerate(self.pages, 1):
            for cell in page.cells:
                box = self.pictures[number - 1].box(cell.box) if self.pictures else cell.box
                yield number, cell, box


def make_document(options: Options, seed: int, index: int) -> Document:
    """The document of a number: a function of the options, the seed and the number alone."""
    rng = np.random.default_rng([seed, index])
    level = options.levels[index % len(options.levels)]
    turn = index // len(options.levels)
    container = options.formats[(turn + index) % len(options.formats)]
    kinds: tuple[str, ...] = ()
    if container == "textpdf":
        level = 0
    elif options.kinds:
        kinds = (options.kinds[turn % len(options.kinds)],)
    else:
        kinds = _draw_kinds(level, rng)
    if "clean" in kinds:
        level = 0
    style = draw_style(options.faces, kinds, container == "textpdf", rng)
    recipe = _recipe(level, kinds, container, style.dpi, rng)
    if recipe.bilevel:  # pale hairlines would be gone altogether
        tone = min(60, style.rule_tint[0])
        style = replace(style, rule_tint=(tone, tone, tone), rule=max(style.rule, round(style.dpi / 120)))
    press = Press(style, rng)
    count = int(rng.integers(2, 4)) if rng.random() < options.volumes else 1
    forms = [options.forms[int(rng.integers(len(options.forms)))] for _ in range(count)]
    body = wording.agency(rng)
    for number, form in enumerate(forms, 1):
        press.report = number
        if number > 1:
            if rng.random() < 0.5 and press.y < press.bottom * 0.7:
                press.skip(30)
            else:
                press.start_page()
        errors = int(rng.integers(1, 4)) if rng.random() < options.inconsistent else 0
        manner = draw_manner(rng, options.plain)
        drawn = draw_figures(form, rng, errors)
        composer = Composer(form, drawn, manner, rng)
        _set_report(press, composer, body, _year(form, rng), rng)
    press.finish(1 if rng.random() < 0.8 else int(rng.integers(2, 40)))
    if "traditional" in kinds:
        press.pages = [reprints.traditional(page) for page in press.pages]
    if "spread" in kinds:
        press.pages = reprints.spreads(press.pages)
    sealed = any(kind.endswith("seal") for kind in kinds)
    pictures = () if container == "textpdf" else tuple(_photographed(press, recipe, sealed, body, rng))
    return Document(
        tuple(form.id for form in forms),
        level,
        kinds,
        container,
        style.lettering.name,
        tuple(press.pages),
        pictures,
        style.dpi,
        int(rng.integers(1 << 31)),
    )


# ----------------------------------------------------------------------------------------- drawing lots


def _draw_kinds(level: int, rng: np.random.Generator) -> tuple[str, ...]:
    """A natural mixture: print peculiarities at every level, special damage on one scan in four."""
    kinds = [
        kind for kind, share in zip(PRINT_KINDS, (0.03, 0.05, 0.04, 0.12, 0.03), strict=False) if rng.random() < share
    ]
    special = {
        1: ["lowres", "quarter", "tagged", "blueseal", "redseal", "watermark"],
        2: ["photo", "fax", "lowres", "quarter", "tagged", "blueseal", "showthrough", "jpeg30", "broken"],
        3: ["photo", "fax", "skew15", "quarter", "jpeg30", "showthrough", "broken"],
    }.get(level, [])
    if special and rng.random() < 0.3:
        kinds.append(str(rng.choice(special)))
    return tuple(dict.fromkeys(kinds))


def draw_style(faces: tuple[Face, ...], kinds: tuple[str, ...], text: bool, rng: np.random.Generator) -> Style:
    """The look of a document."""
    hanzi = [face for face in faces if not face.latin and (face.outlines or not text)]
    latin: list[Face | None] = [face for face in faces if face.latin]
    if not hanzi:
        raise ValueError("none of the fonts can be embedded in a text PDF")
    main = hanzi[int(rng.integers(len(hanzi)))]
    digits: Face | None = None
    if latin and rng.random() < 0.6:
        times = [face for face in latin if face is not None and face.name == "times"]
        digits = times[0] if times and rng.random() < 0.5 else latin[int(rng.integers(len(latin)))]
    landscape = rng.random() < 0.07
    width, height = (841.9, 595.3) if landscape else (595.3, 841.9)
    if rng.random() < 0.08:
        width, height = width * 612 / 595.3, height * 0.97
    cell = float(
        rng.choice([9.0, 10.0, 10.5, 10.5, 10.5, 11.0, 12.0, 14.0], p=[0.1, 0.15, 0.2, 0.15, 0.15, 0.1, 0.1, 0.05])
    )
    dotted = "dotted" in kinds
    noborder = "noborder" in kinds
    shade: Tint | None = None
    if "shaded" in kinds:
        grey = int(rng.integers(190, 238))
        blue = rng.random() < 0.3
        shade = (grey - 18, grey, min(255, grey + 14)) if blue else (grey, grey, grey)
    tone = int(rng.choice([0, 0, 0, 60, 110, 150]))
    dpi = TEXT_DPI if text else int(rng.choice([150, 200, 300], p=[0.2, 0.6, 0.2]))
    rule = max(1, round(dpi / 200 * float(rng.choice([1, 1.4, 2, 3], p=[0.25, 0.3, 0.35, 0.1]))))
    margin = float(rng.uniform(46, 88))
    style = Style(
        dpi=dpi,
        lettering=Lettering(main, digits),
        heading_lettering=Lettering(hanzi[int(rng.integers(len(hanzi)))]),
        page_width=width,
        page_height=height,
        margin_left=margin,
        margin_right=margin * float(rng.uniform(0.9, 1.05)),
        margin_top=float(rng.uniform(56, 108)),
        margin_bottom=float(rng.uniform(58, 100)),
        body=float(rng.choice([12.0, 14.0, 16.0, 16.0])),
        heading=float(rng.choice([14.0, 15.0, 16.0])),
        title=float(rng.choice([18.0, 22.0, 22.0, 26.0])),
        cell=cell,
        leading=float(rng.uniform(1.45, 1.95)),
        rule=rule,
        rule_tint=(tone, tone, tone),
        pattern=Pattern(rng.choice(["dotted", "dashed"]))
        if dotted
        else Pattern.ABSENT
        if "norules" in kinds
        else Pattern.SOLID,
        outer=Outer.NONE
        if noborder and rng.random() < 0.4
        else Outer.NO_SIDES
        if noborder
        else Outer(rng.choice(["plain", "thick", "double"], p=[0.72, 0.18, 0.1])),
        gaps=float(rng.uniform(0.06, 0.2)) if "broken" in kinds else 0.0,
        pad_x=float(rng.uniform(1.5, 5.5)),
        pad_y=float(rng.uniform(0.6, 5.0)),
        row_height=cell * float(rng.uniform(1.25, 2.3)),
        shade=shade,
        bold_header=bool(rng.random() < 0.2),
        bold_values=bool(rng.random() < 0.06),
        values=str(rng.choice(["centre", "left", "right"], p=[0.84, 0.08, 0.08])),
        repeat_header=bool(rng.random() < 0.35),
        repeat_groups=bool(rng.random() < 0.15),
        repeat_title=bool(rng.random() < 0.06),
        cut_rows=bool(rng.random() < 0.3),
        footer=str(rng.choice(["— {} —", "- {} -", "{}", "第{}页", ""], p=[0.4, 0.15, 0.2, 0.05, 0.2])),
        watermark=wording.watermark(rng) if "watermark" in kinds else "",
        table_width=float(rng.uniform(0.86, 1.0)) if rng.random() < 0.3 else 1.0,
    )
    return _peculiar(style, kinds, rng)


def _peculiar(style: Style, kinds: tuple[str, ...], rng: np.random.Generator) -> Style:
    """The style with what some kinds of print ask for beside it."""
    if "hairline" in kinds:
        style = replace(style, rule=1, outer=Outer.PLAIN)
    if "narrow" in kinds:  # figures stand against their rules
        style = replace(style, table_width=0.7, pad_x=0.0, pad_y=0.0, values=str(rng.choice(["left", "right"])))
    if "cutrows" in kinds:  # short pages, many lines in a row: most tables are cut in a row
        style = replace(style, cut_rows=True, page_height=max(460.0, 0.55 * style.page_height), table_width=0.75)
    return style


def _year(form: FormSpec, rng: np.random.Generator) -> int:
    """Mostly a year in which the form was in force; now and then an agency uses the old form a year too long."""
    last = form.valid_to if form.valid_to is not None else form.valid_from + 4
    late = form.valid_to is not None and rng.random() < 0.06
    return int(rng.integers(form.valid_from, last + 1)) + int(late)


# ----------------------------------------------------------------------------------------- setting


def _set_report(press: Press, composer: Composer, body: str, year: int, rng: np.random.Generator) -> None:
    style = press.style
    if composer.form.tables[0].blocks[0].headings:
        _set_annex(press, composer, body, year, rng)
        return
    bare = rng.random() < 0.18
    headings = rng.random() < 0.95
    stacked = rng.random() < 0.06
    title = composer.form.title if rng.random() < 0.7 else composer.form.title_aliases[0]
    two_lines = rng.random() < 0.5
    for line in (body, f"{year}年{title}") if two_lines else (f"{body}{year}年{title}",):
        press.paragraph(line, points=style.title, align="centre", bold=True, heading=True)
    press.skip(10)
    if not bare:
        press.paragraph(wording.intro(body, year, rng))
    shift = int(rng.choice([0, -1, 1], p=[0.9, 0.06, 0.04]))
    if not bare:
        _heading(press, 1 + shift, "总体情况", rng)
        for text in wording.overview(body, year, int(rng.choice([0, 1, 2, 4, 7], p=[0.2, 0.25, 0.25, 0.2, 0.1])), rng):
            press.paragraph(text)
        if rng.random() < 0.05:
            press.photograph(float(rng.uniform(150, 300)))
    ordinals = rng.random() < 0.94
    for number, spec in enumerate(composer.form.tables, 2):
        heading = ""
        if headings and not (stacked and number > 2):
            heading = _table_heading(press, spec, number + shift, shift != 0, ordinals, composer.manner, rng)
        press.table(_aligned(composer.table(spec), style.values), heading)
        if not stacked:
            press.skip(float(rng.uniform(4, 18)))
        if rng.random() < 0.05:
            press.paragraph("注：以上数据含上年度结转数量。", points=style.cell, indent=0)
    if bare:
        return
    press.skip(8)
    _heading(
        press,
        5 + shift,
        str(rng.choice(["存在的主要问题及改进情况", "存在问题及改进情况", "存在的主要问题和改进情况"])),
        rng,
    )
    for text in wording.problems(body, year, int(rng.integers(0, 4)), rng):
        press.paragraph(text)
    _heading(press, 6 + shift, "其他需要报告的事项", rng)
    press.paragraph(wording.other(body, year, rng))
    if rng.random() < 0.5:
        press.skip(14)
        press.paragraph(body, align="right")
        press.paragraph(wording.date(year, rng), align="right")
    if rng.random() < 0.04:
        press.start_page()
        press.photograph(260)
        press.photograph(220)


def _set_annex(press: Press, composer: Composer, body: str, year: int, rng: np.random.Generator) -> None:
    """The form of 2014: a report in prose with a table as its annex, or the annex alone."""
    style = press.style
    if rng.random() < 0.45:
        press.paragraph(
            f"{body}{year}年{composer.form.title}", points=style.title, align="centre", bold=True, heading=True
        )
        press.paragraph(wording.intro(body, year, rng))
        _heading(press, 1, "基本情况", rng)
        for text in wording.overview(body, year, int(rng.integers(1, 6)), rng):
            press.paragraph(text)
        if rng.random() < 0.7:
            press.start_page()
        press.paragraph("附件" if rng.random() < 0.5 else "附表", indent=0, heading=True)
    spec = composer.form.tables[0]
    title = spec.title if rng.random() < 0.85 else spec.title_aliases[0]
    press.paragraph(title, points=style.title, align="centre", bold=True, heading=True)
    press.paragraph(f"（{year}年度）" if rng.random() < 0.8 else f"（  {year} 年度）", points=14, align="centre")
    press.paragraph(f"填报单位（盖章）：{body}", points=12, indent=0)
    press.table(_aligned(composer.table(spec), style.values))
    press.skip(4)
    if rng.random() < 0.8:
        names = ["王志远", "李秋萍", "陈国梁", "赵 敏", "周立新", "孙海燕"]
        one, two, three = (names[int(i)] for i in rng.permutation(len(names))[:3])
        phone = int(rng.integers(2000000, 8999999))
        press.paragraph(f"单位负责人：{one}    审核人：{two}    填报人：{three}", points=10.5, indent=0)
        press.paragraph(f"联系电话：{phone}    填报日期：{wording.date(year, rng)}", points=10.5, indent=0)


def _heading(press: Press, number: int, text: str, rng: np.random.Generator) -> None:
    ordinal = "〇一二三四五六七八"[number]
    mark = f"{ordinal}、" if number > 0 else ""
    press.paragraph(mark + text, points=press.style.heading, heading=True, indent=2 if rng.random() < 0.8 else 0)


def _table_heading(
    press: Press,
    spec: TableSpec,
    number: int,
    renumbered: bool,
    ordinals: bool,
    manner: Manner,
    rng: np.random.Generator,
) -> str:
    text = spec.title.split("、", 1)[1]
    if manner.aliases and rng.random() < 0.5:
        text = spec.title_aliases[int(rng.integers(len(spec.title_aliases)))]
        head, _, tail = text.partition("、")
        text = tail if len(head) == 1 else text
    mark = f"{'〇一二三四五六七八'[number]}、" if ordinals or renumbered else ""
    align = "centre" if rng.random() < 0.12 else "left"
    indent = 2 if rng.random() < 0.6 else 0
    press.paragraph(mark + text, points=press.style.heading, heading=True, align=align, indent=indent)
    return mark + text


def _aligned(table: Table, where: str) -> Table:
    """The table with its figures standing left, right or in the middle of their cells."""
    if where == "centre":
        return table
    return replace(table, cells=tuple(replace(c, align=where) if c.truth is not None else c for c in table.cells))


# ----------------------------------------------------------------------------------------- scanning


def _recipe(level: int, kinds: tuple[str, ...], container: str, dpi: int, rng: np.random.Generator) -> Damage:
    """The damage of a document, as far as its container can hold it."""
    recipe = damages.recipe(level, kinds, rng, dpi)
    if recipe.dpi is not None and container not in ("pdf", "ocrpdf", "tiff"):
        recipe = replace(recipe, dpi=(204, 196))  # who posts a fax as a picture has made its dots square
    return recipe if container in ("pdf", "jpg") else replace(recipe, tag=0)


def _photographed(press: Press, recipe: Damage, seals: bool, body: str, rng: np.random.Generator) -> Iterator[Picture]:
    """Every page scanned; ``seals`` puts the recipe's seals on each of them."""
    dpi = press.style.dpi
    printed = [draw(page) for page in press.pages]
    for number, pixels in enumerate(printed):
        back = printed[(number + 1) % len(printed)]
        page = damages.vary(recipe, rng)
        if seals and not page.seals:
            page = replace(page, seals=recipe.seals)
        yield damages.apply(pixels, page, rng, dpi, press.style.heading_lettering, body, back)
