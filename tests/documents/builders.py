"""Documents made on the fly for the tests."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pikepdf
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Table

FONT = "STSong-Light"
pdfmetrics.registerFont(UnicodeCIDFont(FONT))

ROWS = [
    ["项目", "", "自然人", "法人", "总计"],
    ["一、本年新收申请数量", "", "123", "45", "168"],
    ["三、办理结果", "（一）予以公开", "0", "/", "1,234"],
    ["", "（二）部分公开", "7", "", "-8"],
]
SPANS = [("SPAN", (0, 0), (1, 0)), ("SPAN", (0, 1), (1, 1)), ("SPAN", (0, 2), (0, 3))]
NARRATIVE = "本机关按照条例规定主动公开政府信息，全年共收到申请一百六十八件，均已按期答复。"


def picture(width: int = 620, height: int = 877, shade: int = 245, seed: int = 0) -> Image.Image:
    """A grey page: margins, lines of dark strokes and a ruled table, none of it symmetric."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (width, height), shade)
    draw = ImageDraw.Draw(image)
    for y in range(height // 10, height // 2, height // 30):
        for x in range(width // 8, width - width // 8, 14):
            if rng.random() < 0.8:
                draw.rectangle((x, y, x + 8, y + 10), fill=int(rng.integers(10, 60)))
    for row in range(6):
        y = height // 2 + 30 + row * height // 16
        draw.line((width // 8, y, width - width // 6, y), fill=0, width=2)
    for column in range(5):
        x = width // 8 + column * (width - width // 6 - width // 8) // 4
        draw.line((x, height // 2 + 30, x, height // 2 + 30 + 5 * (height // 16)), fill=0, width=2)
    draw.rectangle((10, 12, 60, 30), fill=0)  # tells the orientation
    return image


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(images: Sequence[Image.Image], **options: object) -> bytes:
    return encode(images[0], "TIFF", save_all=True, append_images=list(images[1:]), **options)


def bomb_png(width: int, height: int) -> bytes:
    """A tiny PNG of very many white pixels, bilevel."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = zlib.compress((b"\x00" + b"\xff" * ((width + 7) // 8)) * height, 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def text_pdf(
    pages: int = 1, rows: Sequence[Sequence[str]] = ROWS, invisible: bool = False, grey: float = 0.0, inset: float = 70
) -> bytes:
    """A PDF with a heading, a narrative and a ruled table as text, as office programs print it."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=True)
    for _ in range(pages):
        text_page(canvas, rows, invisible, grey, inset)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def text_page(
    canvas: Canvas, rows: Sequence[Sequence[str]] = ROWS, invisible: bool = False, grey: float = 0.0, inset: float = 70
) -> None:
    width, height = A4
    for size, y, line in ((22, height - 80, "政府信息公开工作年度报告"), (12, height - 130, "二、收到和处理申请情况")):
        text = canvas.beginText(width / 2 - len(line) * size / 2, y)
        text.setFont(FONT, size)
        text.setTextRenderMode(3 if invisible else 0)
        text.textOut(line)
        canvas.drawText(text)
    text = canvas.beginText(inset, height - 160)
    text.setFont(FONT, 12)
    text.setTextRenderMode(3 if invisible else 0)
    for line in (NARRATIVE, NARRATIVE):
        text.textLine(line)
    canvas.drawText(text)
    if not invisible:
        table = Table([list(row) for row in rows], colWidths=[90, 120, 70, 70, 70], rowHeights=28)
        table.setStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.7, Color(grey, grey, grey)),
                ("FONT", (0, 0), (-1, -1), FONT, 10),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                *SPANS,
            ]
        )
        table.wrapOn(canvas, width, height)
        table.drawOn(canvas, inset, height - 400)


def scan_pdf(
    images: Sequence[Image.Image],
    matrix: tuple[float, ...] = (595, 0, 0, 842, 0, 0),
    rotate: int = 0,
    filters: str = "DCT",
    extra: bytes = b"",
) -> bytes:
    """A PDF whose pages are one picture each, placed by ``matrix``; ``extra`` is content drawn after it."""
    pdf = pikepdf.new()
    for image in images:
        stream = pikepdf.Stream(pdf, encode(image, "JPEG", quality=90) if filters == "DCT" else image.tobytes())
        stream.stream_dict = pikepdf.Dictionary(
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=image.width,
            Height=image.height,
            ColorSpace=pikepdf.Name.DeviceGray if image.mode == "L" else pikepdf.Name.DeviceRGB,
            BitsPerComponent=8,
        )
        if filters == "DCT":
            stream.stream_dict["/Filter"] = pikepdf.Name.DCTDecode
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page = pikepdf.Dictionary(
            Type=pikepdf.Name.Page,
            MediaBox=[0, 0, 595, 842],
            Rotate=rotate,
            Resources=pikepdf.Dictionary(
                XObject=pikepdf.Dictionary(Im0=pdf.make_indirect(stream)), Font=pikepdf.Dictionary(F1=font)
            ),
            Contents=pikepdf.Stream(pdf, b"q %g %g %g %g %g %g cm /Im0 Do Q " % matrix + extra),
        )
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
    buffer = BytesIO()
    pdf.save(buffer, static_id=True, compress_streams=filters == "DCT")
    return buffer.getvalue()


def encrypted(data: bytes, user: str, owner: str = "owner") -> bytes:
    buffer = BytesIO()
    with pikepdf.open(BytesIO(data)) as pdf:
        pdf.save(
            buffer, encryption=pikepdf.Encryption(user=user, owner=owner, allow=pikepdf.Permissions(extract=False))
        )
    return buffer.getvalue()


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean absolute difference in grey levels of two pictures of the same shape."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())
