#!/usr/bin/env python3
"""Make the glyph collection that the numeral reader is trained on: ``training_data/numerals.npz``.

Value cells are drawn with the fonts of this machine, damaged as printing and scanning damage them, cut into
glyphs by the reader's own eyes, and labelled by what was drawn. To these come cells of whole reports, as
``scripts/make_scans.py`` prints and damages them, found and cut out by the pipeline itself. Needs the fonts that
``scripts/setup`` installs; the collection is kept with the code, so that training needs none.
"""

from __future__ import annotations

import argparse
import io
import sys
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline import imaging, tables
from pipeline.domain import BoundingBox, Grid, PageImage, Pixels
from pipeline.forms import load_forms
from pipeline.geometry import corners
from pipeline.ocr.crops import lay_out
from pipeline.ocr.glyphs import find_glyphs
from pipeline.ocr.numerals import CLASSES, NumeralReader, features, glance
from pipeline.ocr.numerals_training import fit
from pipeline.reading import crop
from scripts.scans.fonts import FACES, ROOT, installed
from scripts.scans.reports import Document, Options, make_document
from scripts.scans.setting import CellRecord

DATE = "2026-11-23"
SEED = 11
PAGES_SEED = 101  # below 1000; what is measured has seeds above
MOST_OF_A_KIND = 24  # glyphs of one class from one report: they look alike
SCALE = 3  # text is drawn this much larger, then brought down as a scanner does

OPEN, TRUE = Path("/usr/share/fonts/opentype"), Path("/usr/share/fonts/truetype")
# (file, face, held out): families that are held out measure how the reader does on type it has never seen.
FONTS: tuple[tuple[Path, int, bool], ...] = (
    (OPEN / "noto/NotoSerifCJK-Regular.ttc", 2, False),
    (OPEN / "noto/NotoSerifCJK-Bold.ttc", 2, False),
    (OPEN / "noto/NotoSansCJK-Regular.ttc", 2, False),
    (OPEN / "noto/NotoSansCJK-Bold.ttc", 2, False),
    (TRUE / "arphic/uming.ttc", 0, False),
    (TRUE / "arphic/ukai.ttc", 0, False),
    (TRUE / "arphic-gbsn00lp/gbsn00lp.ttf", 0, False),
    (TRUE / "wqy/wqy-zenhei.ttc", 0, False),
    (TRUE / "liberation/LiberationSerif-Regular.ttf", 0, False),
    (TRUE / "liberation/LiberationSerif-Bold.ttf", 0, False),
    (TRUE / "liberation/LiberationSerif-Italic.ttf", 0, False),
    (TRUE / "liberation/LiberationSans-Regular.ttf", 0, False),
    (TRUE / "liberation/LiberationSans-Bold.ttf", 0, False),
    (TRUE / "liberation/LiberationMono-Regular.ttf", 0, False),
    (TRUE / "dejavu/DejaVuSans.ttf", 0, False),
    (TRUE / "dejavu/DejaVuSansCondensed.ttf", 0, False),
    (TRUE / "dejavu/DejaVuSerifCondensed.ttf", 0, False),
    (TRUE / "lxgw-wenkai/LXGWWenKai-Regular.ttf", 0, True),
    (TRUE / "arphic-gkai00mp/gkai00mp.ttf", 0, True),
    (TRUE / "wqy/wqy-microhei.ttc", 0, True),
    (TRUE / "liberation/LiberationSansNarrow-Regular.ttf", 0, True),
    (TRUE / "dejavu/DejaVuSerif.ttf", 0, True),
)
DAMAGES = ("clean", "scan", "fax", "photo", "seal")
_TEXTS = (
    "不适用",
    "无",
    "件",
    "万元",
    "未增未减",
    "其他",
    "信息公开",
    "总计",
    "自然人",
    "处罚",
    "合计",
    "元",
    "次",
    "条",
    "篇",
    "详见附件",
    "商业企业",
    "科研机构",
    "社会公益组织",
    "法律服务机构",
    "本年度办理结果",
    "予以公开",
    "部分公开",
    "审批",
    "ABC",
    "No",
    "kg",
    "&",
    "#",
    "※",
    "√",
    "×",
    "。",
    "：",
    "；",
    "、",
    "【】",
    "“”",
    "…",
    "↑",
    "？",
    "★",
    "R",
)


@dataclass(frozen=True, slots=True)
class DrawnCell:
    """A drawn value cell: picture, printed text, font file, kind of damage, height of a digit, box of the text."""

    picture: Pixels
    text: str
    font: str
    damage: str
    height: float
    box: tuple[float, float, float, float]


def numeral(rng: np.random.Generator) -> str:
    """What a value cell holds, with rare characters more often than in reality."""
    kind = rng.random()
    if kind < 0.30:
        return str(rng.integers(0, 10))
    if kind < 0.52:
        return "".join(str(d) for d in rng.integers(0, 10, rng.integers(2, 7)))
    if kind < 0.62:
        return f"{rng.integers(0, 10000)}.{rng.integers(0, 100):02d}"
    if kind < 0.70:
        return f"{rng.integers(1, 10 ** int(rng.integers(4, 8))):,}"
    if kind < 0.77:
        return str(rng.choice(["+", "+", "+", "-", "--", "—"])) + str(rng.integers(0, 1000))
    if kind < 0.80:
        return f"({rng.integers(0, 100)})"
    return str(rng.choice(["/", "/", "-", "-", "—", "——"]))


def draw_cell(
    rng: np.random.Generator, text: str, font: tuple[Path, int], damage: str, digit: float | None = None
) -> DrawnCell:
    """Draw one cell. ``digit`` is the height of a digit in pixels of the result (9 to 30 when None)."""
    digit = float(np.exp(rng.uniform(np.log(9.0), np.log(30.0)))) if digit is None else digit
    face = ImageFont.truetype(str(font[0]), max(8, round(digit / 0.72 * SCALE)), index=font[1])
    left, _, right, _ = face.getbbox(text) if text else (0.0, 0.0, digit * SCALE, digit * SCALE)
    width = int(right - left + digit * SCALE * rng.uniform(1.6, 5.0))
    height = int(digit * SCALE * rng.uniform(1.9, 3.4))
    ink, paper = rng.uniform(0, 90), rng.uniform(200, 255)
    if damage == "photo":
        ink, paper = rng.uniform(40, 120), rng.uniform(150, 235)
    canvas = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(canvas)
    free = max(width - (right - left) - 2 * digit, 2)
    x = {0: free / 2, 1: digit * 0.4, 2: free - digit * 0.4}[int(rng.choice([0, 0, 0, 1, 2]))] + digit
    line = face.getbbox("0")
    y = (height - (line[3] - line[1])) / 2 - line[1] + rng.uniform(-0.2, 0.2) * digit * SCALE
    if text:
        pen.text((x - left, y), text, font=face, fill=0)
    coverage = 1.0 - np.asarray(canvas, dtype=np.float32) / 255.0
    coverage = _press(rng, coverage)
    rules = _rules(rng, coverage.shape) if rng.random() < 0.25 else np.zeros_like(coverage)
    coverage, rules = _turn(rng, (coverage, rules), 2.0 if damage != "clean" else 0.3)
    rows, columns = np.flatnonzero(coverage.max(axis=1) > 0.5), np.flatnonzero(coverage.max(axis=0) > 0.5)
    box = (0.0, 0.0, 0.0, 0.0)
    if rows.size:
        box = (columns[0] / SCALE, rows[0] / SCALE, (columns[-1] + 1) / SCALE, (rows[-1] + 1) / SCALE)
    coverage = np.maximum(coverage, rules)
    softness = {"clean": 0.45, "scan": 0.7, "fax": 0.8, "photo": 1.1, "seal": 0.7}[damage] * rng.uniform(0.7, 1.5)
    coverage = cv2.GaussianBlur(coverage, (0, 0), softness * SCALE * max(0.35, min(digit / 20.0, 1.0)))
    small = cv2.resize(coverage, (max(width // SCALE, 8), max(height // SCALE, 8)), interpolation=cv2.INTER_AREA)
    picture = paper - (paper - ink) * np.clip(small, 0.0, 1.0)
    if damage == "seal":
        picture = np.minimum(picture, _seal(rng, small.shape, paper))
    picture = _damage(rng, picture, damage, ink, paper)
    return DrawnCell(np.clip(picture, 0, 255).astype(np.uint8), text, font[0].name, damage, digit, box)


def _press(rng: np.random.Generator, coverage: np.ndarray) -> np.ndarray:
    """Ink spreads, or is too thin."""
    kind = rng.random()
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    if kind < 0.25:
        return cv2.dilate(coverage, kernel)
    return cv2.erode(coverage, kernel) if kind < 0.35 else coverage


def _rules(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Rests of the cell's rules along one or two borders."""
    rest = np.zeros(shape, dtype=np.float32)
    for _ in range(int(rng.integers(1, 3))):
        thick = int(rng.integers(1, 3 * SCALE))
        side = int(rng.integers(0, 4))
        start, stop = sorted(rng.uniform(0, 1, 2)) if rng.random() < 0.4 else (0.0, 1.0)
        across = slice(int(start * shape[1]), int(stop * shape[1]))
        down = slice(int(start * shape[0]), int(stop * shape[0]))
        place = [
            (slice(0, thick), across),
            (slice(shape[0] - thick, None), across),
            (down, slice(0, thick)),
            (down, slice(shape[1] - thick, None)),
        ][side]
        rest[place] = rng.uniform(0.3, 1.0)
    return rest


def _turn(rng: np.random.Generator, layers: tuple[np.ndarray, ...], most: float) -> list[np.ndarray]:
    """Turn, shift and deform layers alike."""
    height, width = layers[0].shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-most, most)), 1.0)
    matrix = matrix + np.column_stack([np.zeros((2, 2)), rng.uniform(-SCALE, SCALE, 2)])
    # Type of other families: narrower or wider, and slanted.
    stretch = float(rng.uniform(0.72, 1.12)) if rng.random() < 0.6 else 1.0
    slant = float(rng.uniform(-0.05, 0.2)) if rng.random() < 0.25 else 0.0
    family = np.array([[stretch, -slant, (1.0 - stretch) * width / 2 + slant * height / 2], [0, 1, 0], [0, 0, 1]])
    matrix = matrix @ family
    return [
        cv2.warpAffine(layer, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for layer in layers
    ]


def _seal(rng: np.random.Generator, shape: tuple[int, ...], paper: float) -> np.ndarray:
    """Lightened strokes of a seal: arcs and bars in grey."""
    layer = np.full(shape, 255, dtype=np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        grey = float(rng.uniform(0.65, 0.96) * paper)
        thick = int(rng.integers(1, 5))
        if rng.random() < 0.5:
            centre = (int(rng.uniform(-1, 2) * shape[1]), int(rng.uniform(-2, 3) * shape[0]))
            cv2.circle(layer, centre, int(rng.uniform(0.5, 3) * shape[0]), grey, thick, cv2.LINE_AA)
        else:
            ends = [(int(rng.uniform(0, shape[1])), int(rng.uniform(0, shape[0]))) for _ in range(2)]
            cv2.line(layer, ends[0], ends[1], grey, thick, cv2.LINE_AA)
    return cv2.GaussianBlur(layer, (0, 0), 0.8).astype(np.float32)


def _damage(rng: np.random.Generator, picture: np.ndarray, damage: str, ink: float, paper: float) -> np.ndarray:
    width = picture.shape[1]
    noise = {"clean": 1.0, "scan": 7.0, "fax": 8.0, "photo": 6.0, "seal": 6.0}[damage] * rng.uniform(0.2, 1.8)
    grain = rng.normal(0.0, 1.0, picture.shape).astype(np.float32)
    if rng.random() < 0.5:
        grain = cv2.GaussianBlur(grain, (0, 0), 0.6) * 1.7
    shade = rng.uniform(-1, 1) * {"clean": 0, "scan": 8, "fax": 6, "photo": 25, "seal": 8}[damage]
    picture = picture + noise * grain + shade * np.linspace(-1, 1, width)[None, :]
    if damage == "fax":
        level = ink + (paper - ink) * float(rng.uniform(0.45, 0.75))
        picture = np.where(picture < level, rng.uniform(0, 40), 255.0)
        specks = rng.random(picture.shape) < rng.uniform(0, 0.004)
        picture = np.where(specks, 255.0 - picture, picture)
        if rng.random() < 0.5:
            picture = cv2.GaussianBlur(picture, (0, 0), 0.6)
    if damage in ("scan", "photo", "seal") and rng.random() < 0.6:
        buffer = io.BytesIO()
        image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
        image.save(buffer, "JPEG", quality=int(rng.integers(35, 92)))
        picture = np.asarray(Image.open(buffer, formats=("JPEG",)), dtype=np.float32)
    return picture


def collect(rng: np.random.Generator, fonts: list[tuple[Path, int]], count: int) -> tuple[np.ndarray, ...]:
    """Draw ``count`` cells and keep the glyphs whose label is beyond doubt: (pictures, shapes, classes)."""
    cells = []
    for _ in range(count):
        font = fonts[int(rng.integers(0, len(fonts)))]
        damage = str(rng.choice(DAMAGES, p=[0.15, 0.35, 0.15, 0.15, 0.20]))
        kind = rng.random()
        text = "" if kind < 0.06 else str(rng.choice(_TEXTS)) if kind < 0.22 else numeral(rng)
        if 0.16 < kind < 0.22:
            text = text[:2] + str(rng.integers(0, 100)) if rng.random() < 0.5 else str(rng.integers(0, 100)) + text[:2]
        cells.append(draw_cell(rng, text, font, damage))
    crops = [cell.picture for cell in cells]
    sheet = lay_out(crops)
    glyphs = find_glyphs(sheet, crops)
    first = np.searchsorted(glyphs.crop, np.arange(len(cells) + 1))
    labels = np.full(len(glyphs.crop), -1)
    for index, cell in enumerate(cells):
        rows = slice(int(first[index]), int(first[index + 1]))
        found = glyphs.boxes[rows] - [sheet.x[index], sheet.y[index], sheet.x[index], sheet.y[index]]
        labels[rows] = _labels(cell, found)
    known = labels >= 0
    return glyphs.pictures[known], glyphs.shapes[known], labels[known]


def _labels(cell: DrawnCell, boxes: np.ndarray) -> list[int]:
    """Class of each glyph found (boxes in pixels of the cell), −1 where it cannot be told."""
    reject, found, text = len(CLASSES) - 1, len(boxes), cell.text
    if found == 0:
        return []
    if text == "" or not any(character in CLASSES for character in text):
        return [reject] * found
    # What was found must be what was drawn: not joined to a seal or a rule, nothing lost.
    extent = np.array([*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)])
    slack = 2.0 + 0.06 * cell.height
    if not all(character in CLASSES for character in text) or np.abs(extent - cell.box).max() > slack:
        return [-1] * found
    if text == "——" and found <= 2:
        return [CLASSES.index("—")] * found
    return [CLASSES.index(character) for character in text] if found == len(text) else [-1] * found


def collect_from_reports(
    rng: np.random.Generator, reports: Iterable[tuple[list[tuple[Pixels, str]], bool]]
) -> Iterator[tuple[np.ndarray, ...]]:
    """Glyphs of the printed cells of each report: (pictures, shapes, classes, held out).

    Args:
        rng: chooses among glyphs of one class.
        reports: for each the pictures of its cells with what is printed there, and whether its type is held out.
    """
    for cells, held_out in reports:
        printed = [(part, text) for picture, text in cells if text and (part := glance(picture)) is not None]
        if not printed:
            continue
        crops = [part for part, _ in printed]
        glyphs = find_glyphs(lay_out(crops), crops)
        first = np.searchsorted(glyphs.crop, np.arange(len(crops) + 1))
        labels = np.full(len(glyphs.crop), -1)
        for index, (_, text) in enumerate(printed):
            labels[first[index] : first[index + 1]] = _aligned(text, int(first[index + 1] - first[index]))
        order = rng.permutation(len(labels))
        kept = np.sort(
            np.concatenate([order[labels[order] == label][:MOST_OF_A_KIND] for label in range(len(CLASSES))])
        )
        yield glyphs.pictures[kept], glyphs.shapes[kept], labels[kept], np.full(len(kept), held_out)


def agreed(part: tuple[np.ndarray, ...], judge: NumeralReader) -> tuple[np.ndarray, ...]:
    """Without digits that a reader of drawn glyphs takes for others: there, one found too many made up for one lost.

    One such label among many glyphs that look alike would make the reader doubt all of them. Marks stay.
    """
    pictures, shapes, labels, held_out = part
    probabilities = judge.classify(pictures, shapes)
    best = probabilities.argmax(axis=1)
    wrong = (labels < 10) & (best < CLASSES.index("reject")) & (best != labels) & (probabilities.max(axis=1) > 0.8)
    return pictures[~wrong], shapes[~wrong], labels[~wrong], held_out[~wrong]


def _aligned(text: str, found: int) -> list[int]:
    """Class of each of the glyphs ``found`` in a cell with a printed text, −1 where it cannot be told."""
    text = unicodedata.normalize("NFKC", text)
    if not any(character in CLASSES for character in text):
        return [CLASSES.index("reject")] * found
    if text == "——" and found <= 2:
        return [CLASSES.index("—")] * found
    if found != len(text) or not all(character in CLASSES for character in text):
        return [-1] * found
    return [CLASSES.index(character) for character in text]


def reports(seed: int, count: int) -> Iterator[tuple[list[tuple[Pixels, str]], bool]]:
    """Generated reports as the pipeline sees them: cells, what is printed there, and whether the type is held out."""
    held = {path for path, _, held_out in FONTS if held_out}
    held_names = {face.name for face in FACES if ROOT / face.file in held}
    options = Options(tuple(load_forms()), installed()[0])
    for number in range(count):
        document = make_document(options, seed, number)
        # A page that lies on its side is turned by what its labels read, which is not for here.
        if "quarter" not in document.kinds:
            yield _printed_cells(document), not held_names.isdisjoint(document.font.split("+"))


def _printed_cells(document: Document) -> list[tuple[Pixels, str]]:
    found = []
    for number, picture in enumerate(document.pictures, 1):
        pixels = picture.pixels
        if picture.quality is not None:
            target = io.BytesIO()
            Image.fromarray(pixels).save(target, "JPEG", quality=picture.quality)
            pixels = np.asarray(Image.open(target, formats=("JPEG",)))
        dpi = picture.dpi[0] if abs(picture.dpi[0] - picture.dpi[1]) < 1 else None
        grids = tables.find_grids(imaging.clean(PageImage(number, pixels, dpi)))
        records = [(record, box) for page, record, box in document.cells() if page == number]
        found += [pair for grid in grids for pair in _matched(grid, records)]
    return found


def _matched(grid: Grid, records: list[tuple[CellRecord, BoundingBox]]) -> Iterator[tuple[Pixels, str]]:
    """Cells of a grid that lie where a printed cell does and are about as large."""
    for record, box in records:
        placed = grid.to_page.from_parent(corners(box))
        (x, y), (width, height) = placed.mean(axis=0), np.ptp(placed, axis=0)
        for cell in grid.cells:
            if not (cell.box.x0 <= x < cell.box.x1 and cell.box.y0 <= y < cell.box.y1):
                continue
            if 0.7 < cell.box.width / max(width, 1.0) < 1.3 and 0.65 < cell.box.height / max(height, 1.0) < 1.4:
                yield np.ascontiguousarray(crop(grid, cell)), record.printed


def main() -> None:
    """Write the collection."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=18000, help="cells to draw (default 18000)")
    parser.add_argument("--reports", type=int, default=100, help="reports to print (default 100)")
    parser.add_argument("-o", "--out", type=Path, default=Path("training_data/numerals.npz"))
    arguments = parser.parse_args()
    missing = [str(path) for path, _, _ in FONTS if not path.exists()]
    if missing:
        parser.error("fonts are missing: " + ", ".join(missing))
    rng = np.random.default_rng(SEED)
    parts: list[tuple[np.ndarray, ...]] = []
    for held_out, count in ((False, arguments.cells), (True, arguments.cells // 4)):
        fonts = [(path, face) for path, face, held in FONTS if held == held_out]
        for start in range(0, count, 500):
            images, shapes, classes = collect(rng, fonts, min(500, count - start))
            parts.append((images, shapes, classes, np.full(len(classes), held_out)))
    drawn, drawn_shapes, drawn_classes, _ = (np.concatenate(column) for column in zip(*parts, strict=True))
    judge = NumeralReader(tuple(fit(features(drawn, drawn_shapes), drawn_classes)), 1.0, "drawn")
    parts += [agreed(part, judge) for part in collect_from_reports(rng, reports(PAGES_SEED, arguments.reports))]
    images, shapes, classes, held = (np.concatenate(column) for column in zip(*parts, strict=True))
    levels = images >> 4
    arrays: dict[str, np.ndarray] = {
        "images": (levels[:, 0::2] << 4 | levels[:, 1::2]).astype(np.uint8),
        "shapes": shapes.astype(np.float16),
        "classes": classes.astype(np.uint8),
        "held_out": held,
        "date": np.array(DATE),
    }
    with zipfile.ZipFile(arguments.out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, arrays[name], allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), member.getvalue())
    counts = np.bincount(classes, minlength=len(CLASSES))
    print(
        f"{len(classes)} glyphs, {arguments.out.stat().st_size / 1e6:.1f} MB: "
        + " ".join(f"{name}:{number}" for name, number in zip(CLASSES, counts, strict=True))
    )


if __name__ == "__main__":
    main()
