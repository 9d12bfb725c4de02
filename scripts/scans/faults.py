"""Files that a folder of scans should survive: damaged, locked, disguised, oversized, and one good report."""

from __future__ import annotations

import csv
import io
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pikepdf
from PIL import Image

from scripts.scans.damage import Damage, Picture, apply
from scripts.scans.fonts import Lettering
from scripts.scans.printing import Press, Style
from scripts.scans.reports import Document, Options, make_document
from scripts.scans.setting import draw
from scripts.scans.writing import encode, image_pdf, rows_of, write_truth


@dataclass(frozen=True, slots=True)
class Fault:
    """One file: its name as bytes, what is in it, and what a reader should make of it."""

    name: bytes
    data: bytes
    outcome: str
    cause: str
    rows: tuple[dict[str, str], ...] = ()


def write_faults(folder: Path, options: Options, seed: int) -> None:
    r"""Write every hostile file, ``expected.csv`` (file, outcome, cause) and the truth of those that are readable.

    ``file`` is the name with undecodable bytes written as ``\\xNN``. ``outcome`` is readable, failure (of the file
    as a whole), partial (some pages are lost) or empty (a sound file without a report).
    """
    faults = make_faults(folder, options, seed)
    for fault in faults:
        with open(os.path.join(os.fsencode(folder), fault.name), "wb") as file:
            file.write(fault.data)
    with (folder / "expected.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "outcome", "cause"))
        writer.writerows((_shown(f.name), f.outcome, f.cause) for f in faults)
    write_truth(folder / "truth.csv", [row for fault in faults for row in fault.rows])


def make_faults(folder: Path, options: Options, seed: int) -> list[Fault]:
    """The files; ``folder`` is where they will stand, as one of them names another by its path."""
    report = _document(options, seed, 0, "pdf")
    plain = encode(report)[0]
    second = _document(options, seed, 1, "tiff").pictures
    paged = _document(options, seed, 2, "pdf")
    whole = encode(paged)[0]

    def good(name: str, document: Document, data: bytes) -> Fault:
        return Fault(os.fsencode(name), data, "readable", "", tuple(rows_of(document, name, None)))

    gbk = "年度报告".encode("gbk") + b".pdf"
    return [
        good("good.pdf", report, plain),
        good("owner_restricted.pdf", report, _locked(plain, user="", owner="owner")),
        Fault(gbk, plain, "readable", "name", tuple(rows_of(report, _shown(gbk), None))),
        Fault(b"empty.pdf", b"", "failure", "empty"),
        Fault(b"half.pdf", whole[: len(whole) // 2], "failure", "damaged"),
        Fault(b"password.pdf", _locked(plain, user="user", owner="owner"), "failure", "encrypted"),
        Fault(b"text.pdf", "这不是一份PDF文件。\n".encode(), "failure", "unsupported"),
        Fault(b"list.png", f"{folder.resolve() / 'secret.png'}\n".encode(), "failure", "unsupported"),
        Fault(b"secret.png", _words("机密档案 271828182845", options), "empty", ""),
        Fault(b"postscript.png", _eps(), "failure", "unsupported"),
        Fault(b"last_page_missing.tiff", _short(second, directory=False), "partial", "damaged"),
        Fault(b"last_page_cut.tiff", _short(second, directory=True), "partial", "damaged"),
        Fault(b"bomb.png", bomb(12000, 12000), "failure", "too large"),
        Fault(b"wide.pdf", _wide(), "failure", "too large"),
        Fault(b"photographs.pdf", _photographs(options, seed), "empty", ""),
    ]


def _document(options: Options, seed: int, number: int, container: str) -> Document:
    """A report of several pages at level 1 without anything special on top."""
    chosen = replace(options, levels=(1,), kinds=("scan",), formats=(container,), volumes=0.0, inconsistent=0.0)
    for attempt in range(number * 100, number * 100 + 100):
        document = make_document(chosen, seed, attempt)
        small = container != "pdf" or document.pictures[0].quality is not None
        if len(document.pages) > 1 and small:
            return document
    raise AssertionError("no report of several pages in a hundred")


def _locked(data: bytes, user: str, owner: str) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        allow = pikepdf.Permissions(extract=False, modify_other=False, print_highres=False)
        pdf.save(buffer, encryption=pikepdf.Encryption(user=user, owner=owner, R=6, allow=allow))
    return buffer.getvalue()


def _short(pictures: Sequence[Picture], directory: bool) -> bytes:
    """A TIFF cut off in its last page's data.

    With ``directory`` the page's directory stands before the data (as Pillow writes raw pages) and still promises
    them; without it the directory stood behind the data (as libtiff writes) and is lost as well.
    """
    frames = [_bilevel(picture) for picture in pictures]
    buffer = io.BytesIO()
    compression = "raw" if directory else "group4"
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:], compression=compression)
    with Image.open(buffer, formats=("TIFF",)) as image:
        image.seek(len(frames) - 1)
        start = image.tag_v2[273][0]  # type: ignore[attr-defined]
        count = sum(image.tag_v2[279])  # type: ignore[attr-defined]
    return buffer.getvalue()[: start + count // 10]


def _bilevel(picture: Picture) -> Image.Image:
    """Black and white, with a threshold near the paper: rules may be printed in pale grey."""
    pale = np.array(Image.fromarray(picture.pixels).convert("L")) > 190
    return Image.fromarray(pale)


def bomb(width: int, height: int) -> bytes:
    """A PNG of many pixels in few bytes: one bit a pixel, all white."""
    packer = zlib.compressobj(9)
    line = b"\x00" + b"\xff" * (width // 8)
    body = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def nested_forms(depth: int = 13) -> bytes:
    """A page that draws a form ten times, which draws another ten times, and so on: no renderer comes to its end."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(600, 800))
    box = pikepdf.Array([0, 0, 600, 800])
    inner = pdf.make_stream(b"0 0 1 1 re f", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=box)
    for _ in range(depth):
        resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=inner))
        inner = pdf.make_stream(
            b"/F Do " * 10, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=box, Resources=resources
        )
    pdf.pages[0].obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=inner))
    pdf.pages[0].obj.Contents = pdf.make_stream(b"/F Do")
    buffer = io.BytesIO()
    pdf.save(buffer, deterministic_id=True)
    return buffer.getvalue()


def unpacking_bomb(picture: bool, gigabytes: int = 3) -> bytes:
    """A PDF of a few kilobytes whose page, or the picture on it, unpacks to gigabytes of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(
        zlib.Z_FULL_FLUSH
    )  # stands for itself, so it can be repeated
    check = struct.pack(">HH", (gigabytes << 30) % 65521, 1)  # Adler-32 of zeros, RFC 1950
    packed = zlib.compress(b"\x78\xda" + block * (gigabytes << 10) + b"\x03\x00" + check, 9)
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(600, 800))
    page = pdf.pages[0].obj
    stream = pikepdf.Stream(pdf, b"")
    stream.write(packed, filter=pikepdf.Array([pikepdf.Name.FlateDecode] * 2))
    if picture:
        image = pikepdf.Dictionary(
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=600,
            Height=800,
            ColorSpace=pikepdf.Name.DeviceGray,
            BitsPerComponent=8,
        )
        for key, value in image.items():
            stream.stream_dict[key] = value
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=stream))
        page.Contents = pdf.make_stream(b"q 600 0 0 800 0 0 cm /Im0 Do Q")
    else:
        page.Contents = stream
    buffer = io.BytesIO()
    pdf.save(buffer, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none, deterministic_id=True)
    return buffer.getvalue()


def _wide() -> bytes:
    """A page 14,400 inches wide and high."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(14400, 14400))
    pdf.pages[0].obj["/MediaBox"] = [0, 0, 14400 * 72, 14400 * 72]
    buffer = io.BytesIO()
    pdf.save(buffer, deterministic_id=True)
    return buffer.getvalue()


def _eps() -> bytes:
    return (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 200 200\n"
        b"newpath 20 20 moveto 180 180 lineto 4 setlinewidth stroke showpage\n%%EOF\n"
    )


def _photographs(options: Options, seed: int) -> bytes:
    def fill(press: Press) -> None:
        press.photograph(280)
        press.photograph(260)

    pictures = _pictures(options, fill, seed)
    return image_pdf([replace(picture, quality=75) for picture in pictures])


def _words(text: str, options: Options) -> bytes:
    pictures = _pictures(options, lambda press: press.paragraph(text), 0)
    buffer = io.BytesIO()
    Image.fromarray(pictures[0].pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _pictures(options: Options, fill: Callable[[Press], None], seed: int) -> list[Picture]:
    rng = np.random.default_rng([seed, 7])
    lettering = Lettering(next(face for face in options.faces if not face.latin))
    press = Press(Style(150, lettering, lettering, footer=""), rng)
    press.start_page()
    fill(press)
    return [apply(draw(page), Damage(), rng, 150, lettering, "") for page in press.pages]


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
