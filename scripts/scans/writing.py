"""Containers: image-only PDF, PDF with a text layer, multi-page TIFF, long pictures; and the table of truth."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pikepdf
from PIL import Image

from pipeline.domain import BoundingBox, Pixels
from scripts.scans.damage import Picture, recompress
from scripts.scans.fonts import ROOT
from scripts.scans.reports import Document
from scripts.scans.setting import Bar, Page, Photograph, TextItem, draw

COLUMNS = (
    "source", "form_id", "table_id", "row_id", "column_id", "value", "blank", "level", "page", "x0", "y0", "x1", "y1",
    "printed", "damage", "font", "consistent", "report", "label",
)  # fmt: skip
Layer = list[tuple[BoundingBox, str]]
_MISTAKEN = {"0": "O", "1": "l", "2": "Z", "3": "8", "5": "S", "6": "8", "7": "1", "8": "3", "9": "g", "/": "1"}
# EXIF orientation that undoes quarter turns counter-clockwise
_EXIF = {1: 6, 2: 3, 3: 8}
_SUFFIX = {"textpdf": "pdf", "ocrpdf": "pdf", "tiff": "tiff"}


def write(document: Document, folder: Path, stem: str) -> list[dict[str, str]]:
    """Write a document into a folder and return its rows of truth."""
    name = f"{stem}.{_SUFFIX.get(document.container, document.container)}"
    data, offsets = encode(document)
    (folder / name).write_bytes(data)
    return list(rows_of(document, name, offsets))


def encode(document: Document) -> tuple[bytes, list[int] | None]:
    """The bytes of the file, and for a long picture the line at which each page starts (None: a page per sheet)."""
    rng = np.random.default_rng(document.seed)
    match document.container:
        case "textpdf":
            return text_pdf(document.pages, document.dpi), None
        case "pdf":
            return image_pdf(document.pictures), None
        case "ocrpdf":
            layers = [_recognised(*sheet, rng) for sheet in zip(document.pages, document.pictures, strict=True)]
            return image_pdf(document.pictures, layers), None
        case "tiff":
            return _tiff(document.pictures, rng), None
        case _:
            return _long(document.pictures, document.container)


def write_truth(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write the table of truth (UTF-8 without BOM, one line a cell)."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def image_pdf(pictures: Sequence[Picture], layers: Sequence[Layer] = ()) -> bytes:
    """A PDF whose pages are one embedded scan each: CCITT G4, JPEG or deflate, as the scanner made them.

    ``layers`` holds for every page the invisible text that recognition left on it; none when empty.
    """
    pdf = pikepdf.new()
    font = pdf.make_indirect(_unembedded_font(pdf)) if layers else None
    for number, picture in enumerate(pictures):
        upright = picture
        picture = replace(upright, pixels=np.ascontiguousarray(np.rot90(upright.pixels, upright.tag)))
        height, width = picture.pixels.shape[:2]
        across, along = picture.dpi if picture.tag % 2 == 0 else picture.dpi[::-1]
        stream, filter_, extra = _embedded(picture)
        entries: dict[str, object] = {
            "/Type": pikepdf.Name.XObject,
            "/Subtype": pikepdf.Name.Image,
            "/Width": width,
            "/Height": height,
            "/ColorSpace": pikepdf.Name.DeviceRGB if picture.pixels.ndim == 3 else pikepdf.Name.DeviceGray,
            "/BitsPerComponent": 1 if picture.bilevel else 8,
            "/Filter": filter_,
            **extra,
        }
        image = pikepdf.Stream(pdf, stream, pikepdf.Dictionary(entries))
        box = [0, 0, round(width / across * 72, 2), round(height / along * 72, 2)]
        drawing = f"q {box[2]} 0 0 {box[3]} 0 0 cm /Im0 Do Q"
        resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=pdf.make_indirect(image)))
        if font is not None:
            resources["/Font"] = pikepdf.Dictionary(F0=font)
            drawing += "".join(_invisible(word, picture, box[3]) for word in layers[number])
        content = pikepdf.Stream(pdf, drawing.encode())
        page = pikepdf.Dictionary(
            Type=pikepdf.Name.Page,
            MediaBox=box,
            Resources=resources,
            Contents=pdf.make_indirect(content),
        )
        if picture.tag:
            page["/Rotate"] = 90 * picture.tag
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
    buffer = io.BytesIO()
    pdf.save(buffer, deterministic_id=True)
    return buffer.getvalue()


def text_pdf(pages: Sequence[Page], dpi: int) -> bytes:
    """A born-digital PDF: real text in embedded fonts, rules as filled rectangles."""
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    scale = 72 / dpi
    canvas = Canvas(buffer, invariant=1)
    for page in pages:
        canvas.setPageSize((page.width * scale, page.height * scale))
        for item in page.items:
            match item:
                case Bar():
                    canvas.setFillColorRGB(*(value / 255 for value in item.tint))
                    low = (page.height - item.y1) * scale
                    canvas.rect(item.x0 * scale, low, (item.x1 - item.x0) * scale, (item.y1 - item.y0) * scale, 0, 1)
                case TextItem():
                    canvas.setFillColorRGB(*(value / 255 for value in item.tint))
                    canvas.setFont(_embedded_font(item), item.size * scale)
                    canvas.drawString(item.x * scale, (page.height - item.baseline) * scale, item.text)
                case Photograph():
                    _place_photograph(canvas, item, page, scale)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def as_image(picture: Picture, pixels: Pixels | None = None) -> Image.Image:
    """The picture as a Pillow image, in one bit where it is pure black and white."""
    image = Image.fromarray(picture.pixels if pixels is None else pixels)
    return image.convert("1", dither=Image.Dither.NONE) if picture.bilevel else image


def _embedded(picture: Picture) -> tuple[bytes, pikepdf.Object, dict[str, object]]:
    height, width = picture.pixels.shape[:2]
    buffer = io.BytesIO()
    if picture.bilevel:
        as_image(picture).save(buffer, "TIFF", compression="group4", strip_size=1 << 30)
        buffer.seek(0)
        tiff = Image.open(buffer, formats=("TIFF",))
        offset, count = tiff.tag_v2[273][0], tiff.tag_v2[279][0]  # type: ignore[attr-defined]
        white_is_zero = tiff.tag_v2[262] == 0  # type: ignore[attr-defined]
        parameters = pikepdf.Dictionary(K=-1, Columns=width, Rows=height, BlackIs1=not white_is_zero)
        return buffer.getvalue()[offset : offset + count], pikepdf.Name.CCITTFaxDecode, {"/DecodeParms": parameters}
    if picture.quality is not None:
        Image.fromarray(picture.pixels).save(buffer, "JPEG", quality=picture.quality)
        return buffer.getvalue(), pikepdf.Name.DCTDecode, {}
    return zlib.compress(picture.pixels.tobytes(), 6), pikepdf.Name.FlateDecode, {}


def _recognised(page: Page, picture: Picture, rng: np.random.Generator) -> Layer:
    """What a poor recogniser makes of a page: every run of text, one character in twelve mistaken."""
    words = []
    for item in page.items:
        if not isinstance(item, TextItem):
            continue
        high = item.baseline - item.size * 0.8
        box = picture.box(BoundingBox(item.x, high, item.x + len(item.text) * item.size, item.baseline))
        text = "".join(
            _MISTAKEN.get(c, "口") if rng.random() < 1 / 12 else c
            for c in item.text
            if not c.isspace() and ord(c) < 65536
        )
        words.append((box, text))
    return words


def _invisible(word: tuple[BoundingBox, str], picture: Picture, height: float) -> str:
    """Operators that show a word without ink where it stands in the picture."""
    box, text = word
    x, y = box.x0 * 72 / picture.dpi[0], height - box.y1 * 72 / picture.dpi[1]
    size = max(1.0, box.height * 72 / picture.dpi[1])
    return f" BT 3 Tr /F0 {size:.2f} Tf {x:.2f} {y:.2f} Td <{text.encode('utf-16-be').hex()}> Tj ET"


def _unembedded_font(pdf: pikepdf.Pdf) -> pikepdf.Dictionary:
    """A Chinese font by name only, as recognition programs leave it."""
    info = pikepdf.Dictionary(Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("GB1"), Supplement=2)
    descriptor = pikepdf.Dictionary(
        Type=pikepdf.Name.FontDescriptor,
        FontName=pikepdf.Name("/STSong-Light"),
        Flags=6,
        FontBBox=[-25, -254, 1000, 880],
        ItalicAngle=0,
        Ascent=880,
        Descent=-120,
        CapHeight=880,
        StemV=93,
    )
    descendant = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.CIDFontType0,
        BaseFont=pikepdf.Name("/STSong-Light"),
        CIDSystemInfo=info,
        FontDescriptor=pdf.make_indirect(descriptor),
    )
    return pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.Type0,
        BaseFont=pikepdf.Name("/STSong-Light-UniGB-UCS2-H"),
        Encoding=pikepdf.Name("/UniGB-UCS2-H"),
        DescendantFonts=[pdf.make_indirect(descendant)],
    )


def _tiff(pictures: Sequence[Picture], rng: np.random.Generator) -> bytes:
    frames = [as_image(p, recompress(p)) for p in pictures]
    options = ["group4", "group4", "group3", "packbits", "tiff_lzw"]
    if not all(p.bilevel for p in pictures):
        options = ["tiff_lzw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"]
    compression = str(options[int(rng.integers(len(options)))])
    buffer = io.BytesIO()
    for frame, picture in zip(frames, pictures, strict=True):
        frame.info["dpi"] = picture.dpi
    extra = {"quality": 85} if compression == "jpeg" else {}
    frames[0].save(
        buffer, "TIFF", save_all=True, append_images=frames[1:], compression=compression, dpi=pictures[0].dpi, **extra
    )
    return buffer.getvalue()


def _long(pictures: Sequence[Picture], container: str) -> tuple[bytes, list[int]]:
    """All pages of a document under each other, as websites post them; pages narrower than the widest stand left."""
    colour = any(p.pixels.ndim == 3 for p in pictures)
    heights = [p.pixels.shape[0] for p in pictures]
    offsets = [int(n) for n in np.cumsum([0, *heights[:-1]])]
    image = Image.new("RGB" if colour else "L", (max(p.pixels.shape[1] for p in pictures), sum(heights)), "white")
    lossless = container in ("png", "bmp")
    for picture, top in zip(pictures, offsets, strict=True):
        image.paste(Image.fromarray(recompress(picture) if lossless else picture.pixels), (0, top))
    quality = min((p.quality for p in pictures if p.quality is not None), default=92)
    buffer = io.BytesIO()
    dpi = (pictures[0].dpi[0], pictures[0].dpi[1])
    match container:
        case "png":
            if all(p.bilevel for p in pictures):
                image = image.convert("1", dither=Image.Dither.NONE)
            image.save(buffer, "PNG", dpi=dpi, compress_level=3)
        case "bmp":
            image.save(buffer, "BMP", dpi=dpi)
        case "webp" if image.height <= 16383:
            image.save(buffer, "WEBP", quality=quality, method=2)
        case _:
            tag = pictures[0].tag
            exif = Image.Exif()
            if tag:
                image = image.rotate(90 * tag, expand=True)
                exif[0x0112] = _EXIF[tag]
            image.save(buffer, "JPEG", quality=quality, dpi=(round(dpi[0]), round(dpi[1])), exif=exif)
    return buffer.getvalue(), offsets


def _embedded_font(item: TextItem) -> str:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    bold = item.bold and bool(item.face.bold)
    name = item.face.name + ("-bold" if bold else "")
    if name not in pdfmetrics.getRegisteredFontNames():
        path = ROOT / item.face.bold if bold else item.face.path
        pdfmetrics.registerFont(TTFont(name, str(path), subfontIndex=item.face.index))
    return name


def _place_photograph(canvas: object, item: Photograph, page: Page, scale: float) -> None:
    from reportlab.lib.utils import ImageReader

    alone = Page(
        item.x1 - item.x0, item.y1 - item.y0, [Photograph(0, 0, item.x1 - item.x0, item.y1 - item.y0, item.seed)]
    )
    buffer = io.BytesIO()
    Image.fromarray(draw(alone)).save(buffer, "JPEG", quality=80)
    buffer.seek(0)
    canvas.drawImage(  # type: ignore[attr-defined]
        ImageReader(buffer), item.x0 * scale, (page.height - item.y1) * scale, alone.width * scale, alone.height * scale
    )


def rows_of(document: Document, name: str, offsets: list[int] | None) -> Iterator[dict[str, str]]:
    """Rows of truth of a document in a file of a name; ``offsets`` as given by ``encode``."""
    for number, cell, box in document.cells():
        top = 0 if offsets is None else offsets[number - 1]
        corners = (box.x0, box.y0 + top, box.x1, box.y1 + top)
        values = (
            name, document.form_ids[cell.report - 1], cell.key.table_id, cell.key.row_id, cell.key.column_id,
            cell.value, str(int(cell.blank)), str(document.level), str(number if offsets is None else 1),
            *(f"{value:.1f}" for value in corners), cell.printed, document.damage, document.font,
            str(int(cell.consistent)), str(cell.report), cell.label,
        )  # fmt: skip
        yield dict(zip(COLUMNS, values, strict=True))
