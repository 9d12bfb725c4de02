"""Spoiled files through the document layer: no crash of the run, no hang over the limit, no growth of memory."""

from __future__ import annotations

import argparse
import io
import os
import random
import resource
import statistics
import sys
import tempfile
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pikepdf
from PIL import Image, ImageDraw
from reportlab.pdfgen.canvas import Canvas

from pipeline.documents import find_inputs, read_pages
from pipeline.domain import PageImage
from pipeline.errors import DocumentError
from pipeline.settings import Settings
from pipeline.workers import Limits, LostError, Pool

_PAGE = resource.getpagesize()
_TOKENS = (
    b"0",
    b"-1",
    b"4294967295",
    b"9999999999999",
    b"obj",
    b"endobj",
    b"stream",
    b"<<",
    b">>",
    b"[",
    b"/Kids",
    b"R",
)
_EXTREMES = (0x00, 0x01, 0x7F, 0x80, 0xFF)
_GROWTH = 100  # MB that a process may have more at its end than after its first files


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of a spoiled file, in a word, and the memory of its process afterwards, in MB."""

    outcome: str
    process: int
    megabytes: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("--minutes", type=float, default=30.0, metavar="M", help="how long (30)")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="processes (2)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed spoils in other ways (1)")
    parser.add_argument("--timeout", type=float, default=20.0, metavar="SECONDS", help="limit for one file (20)")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), metavar="DIR", help="for files with findings")


def run(given: argparse.Namespace) -> int:
    """Spoil and read files until the time is over; returns 1 where one was met with an error without a name."""
    until = time.monotonic() + 60 * given.minutes
    counts: Counter[str] = Counter()
    unnamed = 0
    memory: dict[int, list[int]] = defaultdict(list)
    longest, before = 0.0, time.monotonic()
    spoil = partial(_spoiled_files, given.seed, until)
    with Pool(given.jobs, seeds_ready, read_spoiled, Limits(given.timeout, 1500)) as pool:
        for answer in pool.run(spoil(), lambda: False):
            longest, before = max(longest, time.monotonic() - before), time.monotonic()
            if answer.result is not None:
                counts[answer.result.outcome] += 1
                memory[answer.result.process].append(answer.result.megabytes)
                continue
            kind = answer.error.kind if isinstance(answer.error, LostError) else type(answer.error).__name__
            counts[kind] += 1
            unnamed += not isinstance(answer.error, LostError)
            given.keep.mkdir(parents=True, exist_ok=True)
            name, _ = answer.task
            path = given.keep / f"{kind}-{'-'.join(map(str, answer.task))}.{name.partition('-')[0]}"
            path.write_bytes(spoiled(*answer.task))
            print(f"{path}: {answer.error}", file=sys.stderr)
    grown = [_growth(sizes) for sizes in memory.values() if len(sizes) >= 200]
    print(f"{sum(counts.values())} spoiled files in {given.minutes:g} minutes, seed {given.seed}\n")
    print("| outcome | files |\n|---|---:|")
    print("".join(f"| {name} | {number} |\n" for name, number in counts.most_common()))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"longest time without an answer {longest:.1f} s; memory of the parent at most {own} MB;")
    print(f"growth of {len(grown)} processes with 200 files or more: at most {max(grown, default=0):.0f} MB")
    return int(unnamed > 0 or max(grown, default=0) > _GROWTH)


def _growth(sizes: list[int]) -> float:
    """How much more memory a process had at its last files than at its first, with a few to warm up."""
    part = max(20, len(sizes) // 10)
    return statistics.median(sizes[-part:]) - statistics.median(sizes[part : 2 * part])


def _spoiled_files(seed: int, until: float) -> Iterator[tuple[str, int]]:
    """Which seed file is spoiled by which number, until the time is over."""
    names = sorted(seeds())
    number = seed << 32
    while time.monotonic() < until:
        yield names[number % len(names)], number
        number += 1


# --------------------------------------------------------------------------- in the processes


def seeds_ready() -> None:
    """Make the seed files."""
    seeds()


def read_spoiled(task: tuple[str, int]) -> _Result:
    """Read one spoiled file; what the document layer says of it, in a word."""
    name, _ = task
    data = spoiled(*task)
    try:
        outcome = _read_archive(data) if name.startswith("zip") else _read(data)
    except DocumentError as error:
        outcome = error.kind
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE >> 20
    return _Result(outcome, os.getpid(), resident)


def _read(data: bytes) -> str:
    pages = lost = 0
    for page in read_pages(data, Settings(max_megapixels=20)):
        pages += isinstance(page, PageImage)
        lost += isinstance(page, DocumentError)
    return "some pages lost" if lost and pages else "all pages lost" if lost else "read"


def _read_archive(data: bytes) -> str:
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        file.write(data)
        file.flush()
        return " and ".join(sorted({_read(found.load()) for found in find_inputs([file.name])}))


def spoiled(name: str, number: int) -> bytes:
    """A seed file after one to eight small accidents; the same arguments give the same bytes."""
    chance = random.Random(number)
    data = bytearray(seeds()[name])
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        chance.choice(_ACCIDENTS)(data, chance)
    return bytes(data)


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 4, 32))):
        if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _overwrite(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    length = chance.choice((1, 2, 4, 8))
    data[at : at + length] = bytes([chance.choice(_EXTREMES)]) * length


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data) + 1) :]


def _drop(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    del data[at : at + chance.choice((1, 16, 512))]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = data[at : at + chance.choice((4, 64, 1024))]


def _insert(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = chance.choice(_TOKENS) if chance.random() < 0.5 else chance.randbytes(chance.choice((1, 16, 256)))


def _number(data: bytearray, chance: random.Random) -> None:
    """Put another number in place of one that is printed, as PDF does; lengths, counts, references and sizes."""
    digits = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
    if digits:
        at = end = chance.choice(digits)
        while end < len(data) and 48 <= data[end] <= 57:
            end += 1
        data[at:end] = chance.choice(_TOKENS[:4])


def _splice(data: bytearray, chance: random.Random) -> None:
    other = seeds()[chance.choice(sorted(seeds()))]
    at, start = chance.randrange(len(data) + 1), chance.randrange(len(other))
    data[at:] = other[start:]


_ACCIDENTS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip, _flip, _overwrite, _overwrite, _number, _number),
    *(_cut, _drop, _repeat, _insert, _splice),
)


@cache
def seeds() -> dict[str, bytes]:
    """Small sound files of every kind and coding, by name; the suffix comes first."""
    grey = _drawing()
    bilevel, colour = grey.convert("1"), grey.convert("RGB")
    found = {
        "png-grey": _encoded(grey, "PNG"),
        "png-bilevel": _encoded(bilevel, "PNG"),
        "png-palette": _encoded(colour.convert("P"), "PNG"),
        "jpg-baseline": _encoded(colour, "JPEG"),
        "jpg-progressive": _encoded(grey, "JPEG", progressive=True),
        "jpg-cmyk": _encoded(colour.convert("CMYK"), "JPEG"),
        "bmp": _encoded(colour, "BMP"),
        "webp": _encoded(colour, "WEBP"),
        "webp-lossless": _encoded(colour, "WEBP", lossless=True),
    }
    for coding in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        found[f"tif-{coding or 'raw'}"] = _encoded(colour, "TIFF", compression=coding)
    found["tif-jpeg"] = _encoded(colour, "TIFF", compression="jpeg")
    found["tif-fax"] = _encoded(bilevel, "TIFF", compression="group4", save_all=True, append_images=[bilevel, bilevel])
    found["pdf-scan"] = _encoded(colour, "PDF", save_all=True, append_images=[grey])
    found["pdf-fax"] = _encoded(bilevel, "PDF")
    found["pdf-text"] = _text()
    with pikepdf.open(io.BytesIO(found["pdf-text"])) as pdf:
        found["pdf-packed"] = _saved(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        found["pdf-plain"] = _saved(pdf, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.all)
        locked = pikepdf.Encryption(user="", owner="owner")
        found["pdf-locked"] = _saved(pdf, encryption=locked, deterministic_id=False, static_id=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("png-grey", "tif-fax"):
            archive.writestr(zipfile.ZipInfo(f"{name}.{name[:3]}"), found[name])
    return found | {"zip": buffer.getvalue()}


def _drawing() -> Image.Image:
    image = Image.new("L", (200, 260), 245)
    draw = ImageDraw.Draw(image)
    for n in range(6):
        draw.line((20, 40 + 30 * n, 180, 40 + 30 * n), 20, 2)
        draw.text((30, 50 + 30 * n), f"{n * 137}", 0)
    return image


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _text() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, (200, 260), invariant=1)
    for page in range(2):
        for n in range(6):
            canvas.line(20, 40 + 30 * n, 180, 40 + 30 * n)
            canvas.drawString(30, 50 + 30 * n, f"{page} {n * 137}")
        canvas.drawInlineImage(_drawing().resize((50, 60)), 140, 200)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _saved(pdf: pikepdf.Pdf, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pdf.save(buffer, **{"deterministic_id": True, **options})
    return buffer.getvalue()
