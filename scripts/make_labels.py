#!/usr/bin/env python3
"""Builds training_data/labels.csv: the forms, what offices make of them, and what engines read on poor scans.

The labels of every form are laid out as the form prints them, altered as real reports alter them, printed in several
fonts, damaged, and read back by the real engines. Corrections that are in the file already are kept.

    scripts/make_labels.py [--out training_data/labels.csv] [--keep-readings]

Reading takes some minutes; --keep-readings leaves out that part. The same fonts and engines give the same file.
"""

from __future__ import annotations

import argparse
import random
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.domain import FormSpec, LabelContext, Pixels
from pipeline.forms import load_forms
from pipeline.labels.classes import OTHER, PrintedCell, official_texts, printed_table
from pipeline.labels.contexts import grid_contexts
from pipeline.labels.dataset import Example, read_labels, write_labels
from pipeline.labels.normalise import TRADITIONAL, normalise, split_enumeration
from pipeline.ocr import availability, load_engine

ROOT = Path(__file__).resolve().parents[1]
SEED = 60
# Share of what is made that the model never sees; of print, the last font.
TEST_SHARE = 0.12


@dataclass(frozen=True)
class Font:
    """A font by its file; collections need the number of the face."""

    name: str
    path: str
    index: int = 0


FONTS = (
    Font("song", "/usr/share/fonts/truetype/arphic-gbsn00lp/gbsn00lp.ttf"),
    Font("kai", "/usr/share/fonts/truetype/arphic-gkai00mp/gkai00mp.ttf"),
    Font("hei", "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    Font("ming", "/usr/share/fonts/truetype/arphic/uming.ttc", 0),
    Font("serif", "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc", 2),
)
HELD_OUT_FONT = "serif"


@dataclass(frozen=True)
class Sheet:
    """A grid of printed cells with the text each holds now."""

    cells: tuple[PrintedCell, ...]
    texts: tuple[str, ...]
    section: str

    def contexts(self) -> dict[int, LabelContext]:
        worded = [cell.label_id is not None and bool(text) for cell, text in zip(self.cells, self.texts, strict=True)]
        return dict(grid_contexts(self.cells, self.texts, worded, self.section))


def main() -> None:
    """Build the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "training_data" / "labels.csv")
    parser.add_argument("--keep-readings", action="store_true", help="keep what engines read; all else is made anew")
    arguments = parser.parse_args()
    out: Path = arguments.out
    forms = load_forms()
    known = read_labels(out) if out.exists() else ()
    readings = [e for e in known if e.source.startswith("ocr:")] if arguments.keep_readings else scanned(forms)
    made = [*printed(forms), *(e for e in readings if recognisable(e)), *lines(forms), *strangers(forms)]
    kept = [e for e in known if e.source.startswith("correction:")]
    examples = without_repeats([*made, *kept])
    write_labels(out, examples)
    print(
        f"{out}: {len(examples)} labels of {len({e.label_id for e in examples})} classes, {len(kept)} corrections kept"
    )


def recognisable(example: Example) -> bool:
    """Whether enough of a label survived for it to be a label: the rest is for its neighbours to decide."""
    printed_text, read = normalise(example.base), normalise(example.context.text)
    return SequenceMatcher(None, printed_text, read, autojunk=False).ratio() >= 0.45


def without_repeats(examples: Iterable[Example]) -> list[Example]:
    """Each context once; what is to be learned may not turn up in the test."""
    seen: dict[tuple[str, LabelContext], Example] = {}
    ordered = sorted(examples, key=lambda e: e.split, reverse=True)
    for example in ordered:
        context = replace(example.context, position=round(example.context.position, 3))
        seen.setdefault((example.label_id, context), replace(example, context=context))
    return list(seen.values())


def part(*what: str) -> str:
    """Train or test, decided by the content alone."""
    return "test" if zlib.crc32("|".join(what).encode()) % 1000 < 1000 * TEST_SHARE else "train"


# --------------------------------------------------------------------------- as printed, and as offices alter it


def sheets(forms: Sequence[FormSpec]) -> Iterator[Sheet]:
    """Every table of every form as printed."""
    for form in forms:
        yield from sheets_of(form, forms)


def sheets_of(form: FormSpec, forms: Sequence[FormSpec]) -> Iterator[Sheet]:
    """Every table of one form as printed."""
    for table in form.tables:
        cells = printed_table(form, table, forms)
        yield Sheet(cells, tuple(cell.texts[0] for cell in cells), table.title)


def printed(forms: Sequence[FormSpec]) -> Iterator[Example]:
    """Labels as the forms print them, one after the other altered, and tables laid out otherwise."""
    rng = random.Random(SEED)
    allowed = {(text.label_id, text.text) for text in official_texts(forms)}
    for plain in sheets(forms):
        yield from examples_of(plain, "form")
        for cell_index, cell in enumerate(plain.cells):
            for variant in cell.texts[1:]:
                if (cell.label_id, variant) in allowed:
                    yield from one_changed(plain, cell_index, variant, "variant")
        for name, alter in DEVIATIONS.items():
            for cell_index, cell in enumerate(plain.cells):
                if cell.label_id not in (None, OTHER):
                    context = plain.contexts()[cell_index]
                    changed = alter(context, rng)
                    if changed is not None and normalise(changed) != normalise(context.text):
                        split = part(name, cell.label_id or "", changed)
                        yield from one_changed(plain, cell_index, changed, f"deviation:{name}", split)
        for name, rebuild in LAYOUTS.items():
            for _ in range(3):
                yield from examples_of(rebuild(plain, rng), f"deviation:{name}")
    for form in forms:
        yield from examples_of(stacked(list(sheets_of(form, forms))), "deviation:stacked")


def examples_of(this: Sheet, source: str) -> Iterator[Example]:
    """Every label of a sheet."""
    for index, context in this.contexts().items():
        cell = this.cells[index]
        if cell.label_id is not None:
            yield Example(cell.label_id, context, cell.texts[0], source)


def one_changed(this: Sheet, index: int, text: str, source: str, split: str = "train") -> Iterator[Example]:
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


DEVIATIONS: dict[str, Callable[[LabelContext, random.Random], str | None]] = {
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


LAYOUTS: dict[str, Callable[[Sheet, random.Random], Sheet]] = {
    "fragment": _fragment,
    "labels_lost": _labels_lost,
    "one_label_column": _one_label_column,
}


def stacked(parts: Sequence[Sheet]) -> Sheet:
    """Tables printed one below the other without a gap."""
    cells: list[PrintedCell] = []
    texts: list[str] = []
    top = 0
    for this in parts:
        cells += [replace(cell, row=cell.row + top) for cell in this.cells]
        texts += this.texts
        top = 1 + max(cell.row + cell.row_span - 1 for cell in cells)
    return Sheet(tuple(cells), tuple(texts), parts[0].section)


# --------------------------------------------------------------------------- as engines read it


DAMAGES = ("light", "noisy", "small", "fax", "blurred")


def scanned(forms: Sequence[FormSpec]) -> Iterator[Example]:
    """Labels printed, damaged and read back; only those that were misread."""
    rng = random.Random(SEED + 1)
    all_sheets = list(sheets(forms))
    for engine_name in ("rapidocr", "tesseract"):
        reason = availability(engine_name)
        if reason is not None:
            print(f"{engine_name} is left out: {reason}", file=sys.stderr)
            continue
        engine = load_engine(engine_name)
        for number, font in enumerate(FONTS):
            if not Path(font.path).exists():
                print(f"{font.name} is left out: {font.path} is not installed", file=sys.stderr)
                continue
            # Tesseract takes a quarter of a second a line: one damage for each font.
            damages = DAMAGES if engine_name == "rapidocr" else (DAMAGES[number % len(DAMAGES)],)
            for damage in damages:
                wanted = sorted(
                    {
                        t
                        for this in all_sheets
                        for t, c in zip(this.texts, this.cells, strict=True)
                        if c.label_id not in (None, OTHER)
                    }
                )
                pieces = [(text, line) for text in wanted for line in wrapped(text, rng)]
                pictures = [picture(line, font, damage, rng) for _, line in pieces]
                read: dict[str, str] = dict.fromkeys(wanted, "")
                for (text, _), reading in zip(pieces, engine.read_lines(pictures), strict=True):
                    read[text] += reading.text
                source = f"ocr:{engine_name}:{font.name}:{damage}"
                split = "test" if font.name == HELD_OUT_FONT else "train"
                for this in all_sheets:
                    as_read = replace(this, texts=tuple(read.get(text, text) for text in this.texts))
                    for example in examples_of(as_read, source):
                        if normalise(example.context.text) != normalise(example.base):
                            yield replace(example, split=split)


def wrapped(text: str, rng: random.Random) -> list[str]:
    """A label broken into lines as a narrow cell breaks it."""
    width = rng.choice([6, 9, 13, 18])
    return [text[i : i + width] for i in range(0, len(text), width)]


def picture(text: str, font: Font, damage: str, rng: random.Random) -> Pixels:
    """One printed line, scanned: grey, shape (h, w)."""
    size = {"small": 15, "blurred": 20}.get(damage, 24)
    face = ImageFont.truetype(font.path, size, index=font.index)
    left, top, right, bottom = face.getbbox(text)
    image = Image.new("L", (round(right - left) + 24, round(bottom - top) + 20), 246)
    ImageDraw.Draw(image).text((12 - left, 10 - top), text, font=face, fill=rng.choice([10, 40, 70]))
    image = image.rotate(rng.uniform(-0.7, 0.7), resample=Image.Resampling.BICUBIC, fillcolor=246)
    noise = np.random.default_rng(rng.randrange(2**32))
    if damage == "blurred":
        image = image.filter(ImageFilter.GaussianBlur(1.5))
    elif damage in ("light", "noisy", "fax"):
        image = image.filter(ImageFilter.GaussianBlur(0.8))
    grey = np.asarray(image, dtype=np.float64)
    grey = grey + noise.normal(0, {"light": 5, "noisy": 32, "small": 14, "fax": 38, "blurred": 14}[damage], grey.shape)
    if damage == "fax":
        grey = np.where(grey < 150, 0, 255)
    return np.clip(grey, 0, 255).astype(np.uint8)


# --------------------------------------------------------------------------- lines outside tables


PLACES = ("东河", "青山", "安宁", "石桥", "长乐", "新平", "云溪", "白沙", "永和", "龙泉")
LEVELS = ("市", "县", "区", "镇", "乡", "街道办事处")
BUREAUS = (
    "",
    "人民政府",
    "财政局",
    "教育局",
    "民政局",
    "卫生健康委员会",
    "农业农村局",
    "交通运输局",
    "司法局",
    "水务局",
    "档案局",
)


def agency(rng: random.Random) -> str:
    """A made-up office."""
    return rng.choice(PLACES) + rng.choice(LEVELS[:4]) + rng.choice(BUREAUS)


def lines(forms: Sequence[FormSpec]) -> Iterator[Example]:
    """Titles and section headings, which stand alone."""
    rng = random.Random(SEED + 2)
    for text in official_texts(forms):
        kind = text.label_id.split("/")[0]
        if kind not in ("title", "section"):
            continue
        source = "variant" if text.variant else "form"
        yield Example(text.label_id, LabelContext(text.text), text.text, source)
        for _ in range(6):
            if kind == "title":
                year = rng.choice([f"{rng.randint(2014, 2026)}年", f"{rng.randint(2014, 2026)}年度", ""])
                office = rng.choice([agency(rng), ""])
                changed = rng.choice([office + year, year + office, f"关于{office}{year}"]) + text.text.replace(
                    "年度年度", "年度"
                )
            else:
                rest = split_enumeration(text.text)[1]
                changed = (
                    rng.choice(["一、", "二、", "三、", "四、", "五、", "（二）", "", "2.", "l"])
                    + rng.choice(["", "本单位", "行政机关"])
                    + rest
                )
            yield Example(text.label_id, LabelContext(changed), text.text, "deviation:line", part("line", changed))


# --------------------------------------------------------------------------- what is not on a form


ROWS_OFF_FORM = (
    "其他主动公开文件",
    "其他主动公开文件（通知、公告、方案等）",
    "其他主动公開檔案",
    "行政检查",
    "行政确认",
    "行政征收",
    "行政裁决",
    "行政奖励",
    "行政给付",
    "行政征用",
    "行政检查事项",
    "行政确认事项",
    "公共服务事项",
    "其他权力事项",
    "其他行政权力",
    "行政备案",
    "行政调解",
    "重大行政决策",
    "政策文件",
    "其他文件",
    "公文类信息",
    "动态类信息",
    "财政预决算",
    "人大代表建议",
    "政协委员提案",
    "建议提案办理结果公开数",
    "政府工作报告",
    "重大建设项目",
    "公共企事业单位信息",
    "主动公开信息总数",
    "政务公开培训次数",
    "政务服务热线受理量",
    "网站访问量",
    "信息公开专栏数",
    "政务新媒体数量",
    "公众留言办理数",
    "征集意见次数",
    "解读材料数",
    "新闻发布次数",
    "公开目录条数",
    "本年行政区域政府信息公开发布总数量（非新闻类、消息类）",
    "合同数",
    "项目数",
    "投诉处理",
    "招标公告",
    "人事任免",
    "机构职能",
    "领导简介",
    "应急管理",
    "社会救助",
    "扶贫信息",
)
HEADERS_OFF_FORM = (
    "备注",
    "序号",
    "说明",
    "项目",
    "类别",
    "指标",
    "年度",
    "数据来源",
    "联系人",
    "填报单位（盖章）",
    "单位负责人",
    "审核人",
    "填报人",
    "联系电话",
    "填报日期",
    "填表说明",
    "数据1",
    "数据2",
    "增长率",
    "同比",
    "上年数",
    "本年数",
    "责任科室",
    "历年累计",
    "完成情况",
    "办理时限",
    "名称",
    "内容",
    "数值",
    "金额",
    "时间",
    "日期",
    "地区",
    "部门",
    "公开方式",
    "公开形式",
    "申请方式",
    "渠道",
    "处理结果",
    "办理情况",
    "主要内容",
    "本年收费",
    "去年同期",
    "累计数",
    "占比",
    "排名",
    "得分",
    "签发",
    "制表人",
    "盖章",
    "负责人签字",
    "电子邮箱",
    "地址",
    "邮编",
    "版本",
    "主题词",
)
UNITS = ("条", "件", "次", "篇", "个", "人", "人次", "万元", "元", "份", "项", "%")
HEADINGS_OFF_FORM = (
    "一、总体情况",
    "一、政府信息公开工作的总体情况",
    "一、概述",
    "一、工作基本情况",
    "一、总体公开情况",
    "总体情况",
    "五、存在的主要问题及改进情况",
    "五、存在问题及改进情况",
    "五、存在的主要问题及整改措施",
    "五、政府信息公开工作存在的主要问题及改进情况",
    "六、其他需要报告的事项",
    "六、其他事项",
    "六、存在的主要问题",
    "七、附件",
    "（一）主动公开",
    "（二）依申请公开",
    "（三）政府信息管理",
    "（四）平台建设",
    "（五）监督保障",
    "（一）组织领导情况",
    "（二）制度建设情况",
    "（三）政策解读情况",
    "1.主动公开工作",
    "目录",
    "附件",
    "附表",
    "编制说明",
)
SENTENCES = (
    "{agency}根据《中华人民共和国政府信息公开条例》和有关要求编制本报告。",
    "{year}年，我单位认真贯彻落实上级关于政务公开的各项部署，",
    "全年通过门户网站公开各类信息{number}条，比上年增加{small}条。",
    "本报告所列数据的统计期限自{year}年1月1日起至12月31日止。",
    "如对本报告有疑问，请与{agency}办公室联系（地址：人民路{small}号，电话：0571-{number}）。",
    "全年收到申请{small}件，均按期答复，没有因信息公开被提起复议或诉讼。",
    "一是公开内容不够全面，二是队伍建设有待加强。",
    "下一步将完善制度，加强业务培训，提高公开质量。",
    "没有收取政府信息公开申请处理费。",
    "注：行政复议、行政诉讼数量含上年度结转数量。",
    "编写说明：要注意数据之间的逻辑关系。",
    "该部分以表格形式报告。表格如下：",
    "（本报告由{agency}负责解释）",
    "{year}年度没有其他需要报告的事项。",
    "围绕重点领域，及时公开规划计划、财政资金、社会救助等信息。",
    "举办新闻发布活动{small}场，发布政策解读{small}篇。",
    "信息公开查阅场所全年接待群众{small}人次。",
)
FIGURES = (
    "{number}万元",
    "{small}件",
    "{small}（含自然失效{small}件）",
    "{small}（其中修订{small}件）",
    "—{small}—",
    "第{small}页",
    "第{small}页共{small}页",
    "{year}年1月{small}日",
    "{number}",
    "0571-{number}",
    "减{small}",
    "+{small}",
    "--{small}",
    "不适用",
    "无",
    "未增未减",
    "www.{number}.gov.cn",
)


def strangers(forms: Sequence[FormSpec]) -> Iterator[Example]:
    """What stands in and around the tables but is on no form."""
    rng = random.Random(SEED + 3)
    all_sheets = list(sheets(forms))
    for kind, texts in (("row", ROWS_OFF_FORM), ("header", HEADERS_OFF_FORM)):
        for text in texts:
            split = part(kind, text)
            yield stranger(LabelContext(text), text, kind, split)
            for _ in range(5):
                altered = (
                    text
                    if kind == "header" or rng.random() < 0.6
                    else rng.choice(["（一）", "3.", "其中：", "（三）", ""])
                    + text
                    + rng.choice(["", "数", "（件）", "数量"])
                )
                yield stranger(beside(altered, rng.choice(all_sheets), kind == "row", rng), text, kind, split)
    for unit in UNITS:
        yield stranger(LabelContext(unit), unit, "unit", "train")
    for heading in HEADINGS_OFF_FORM:
        split = part("heading", heading)
        yield stranger(LabelContext(heading), heading, "heading", split)
        yield stranger(LabelContext(split_enumeration(heading)[1]), heading, "heading", split)
    for pattern, count, kind in [*((s, 8, "sentence") for s in SENTENCES), *((f, 5, "figure") for f in FIGURES)]:
        for _ in range(count):
            text = pattern.format(
                agency=agency(rng),
                year=rng.randint(2014, 2026),
                number=rng.randint(100, 99999) / rng.choice([1, 100]),
                small=rng.randint(1, 60),
            )
            yield stranger(LabelContext(text), pattern, kind, part(kind, text))
            yield stranger(beside(text, rng.choice(all_sheets), False, rng), pattern, kind, part(kind, text))
    letters = sorted({c for text in official_texts(forms) for c in normalise(text.text)})
    for _ in range(250):
        text = "".join(
            rng.choice(letters) if rng.random() < 0.7 else chr(rng.randint(0x4E00, 0x9FA0))
            for _ in range(rng.randint(1, 14))
        )
        context = beside(text, rng.choice(all_sheets), False, rng) if rng.random() < 0.4 else LabelContext(text)
        yield stranger(context, "", "garbage", part("garbage", text))
    for _ in range(60):
        yield stranger(LabelContext(agency(rng)), "", "agency", "train")


def stranger(context: LabelContext, base: str, kind: str, split: str) -> Example:
    """A text that is on no form."""
    return Example(OTHER, context, base, f"other:{kind}", split)


def beside(text: str, this: Sheet, as_row: bool, rng: random.Random) -> LabelContext:
    """The surroundings of a text that stands after some row of a table."""
    contexts = [c for i, c in this.contexts().items() if not as_row or c.columns > 0] or list(this.contexts().values())
    above = rng.choice(contexts)
    section = above.section if rng.random() < 0.7 else ""
    return replace(above, text=text, previous=above.text, section=section, position=min(1.0, above.position + 0.03))


if __name__ == "__main__":
    main()
