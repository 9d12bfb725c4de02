"""The typefaces that reports are printed with: Debian packages, looked up by a short name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

ROOT = Path("/usr/share/fonts")


@dataclass(frozen=True, slots=True)
class Face:
    """A typeface: file under ``/usr/share/fonts``, number inside a collection, Debian package that has it.

    ``latin`` faces print the digits of documents whose Chinese text is set in another face;
    ``outlines`` is false for PostScript outlines, which the PDF text layer writer cannot embed.
    """

    name: str
    file: str
    package: str
    index: int = 0
    bold: str = ""
    latin: bool = False
    outlines: bool = True

    @property
    def path(self) -> Path:
        return ROOT / self.file


FACES = (
    Face(
        "noto-serif",
        "opentype/noto/NotoSerifCJK-Regular.ttc",
        "fonts-noto-cjk",
        2,
        "opentype/noto/NotoSerifCJK-Bold.ttc",
        outlines=False,
    ),
    Face(
        "noto-sans",
        "opentype/noto/NotoSansCJK-Regular.ttc",
        "fonts-noto-cjk",
        2,
        "opentype/noto/NotoSansCJK-Bold.ttc",
        outlines=False,
    ),
    Face("uming", "truetype/arphic/uming.ttc", "fonts-arphic-uming"),
    Face("ukai", "truetype/arphic/ukai.ttc", "fonts-arphic-ukai"),
    Face("songti", "truetype/arphic-gbsn00lp/gbsn00lp.ttf", "fonts-arphic-gbsn00lp"),
    Face("kaiti", "truetype/arphic-gkai00mp/gkai00mp.ttf", "fonts-arphic-gkai00mp"),
    Face("zenhei", "truetype/wqy/wqy-zenhei.ttc", "fonts-wqy-zenhei"),
    Face("microhei", "truetype/wqy/wqy-microhei.ttc", "fonts-wqy-microhei"),
    Face(
        "wenkai",
        "truetype/lxgw-wenkai/LXGWWenKai-Regular.ttf",
        "fonts-lxgw-wenkai",
        bold="truetype/lxgw-wenkai/LXGWWenKai-Bold.ttf",
    ),
    Face(
        "times",
        "truetype/liberation/LiberationSerif-Regular.ttf",
        "fonts-liberation",
        bold="truetype/liberation/LiberationSerif-Bold.ttf",
        latin=True,
    ),
    Face(
        "arial",
        "truetype/liberation/LiberationSans-Regular.ttf",
        "fonts-liberation",
        bold="truetype/liberation/LiberationSans-Bold.ttf",
        latin=True,
    ),
    Face("narrow", "truetype/liberation/LiberationSansNarrow-Regular.ttf", "fonts-liberation", latin=True),
    Face("mono", "truetype/liberation/LiberationMono-Regular.ttf", "fonts-liberation", latin=True),
    Face("dejavu", "truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core", latin=True),
    Face("dejavu-serif", "truetype/dejavu/DejaVuSerif.ttf", "fonts-dejavu-core", latin=True),
)


@dataclass(frozen=True, slots=True)
class Lettering:
    """What a text is set in: Chinese from ``hanzi``, digits and Latin letters from ``latin`` (None: the same)."""

    hanzi: Face
    latin: Face | None = None

    @property
    def name(self) -> str:
        return self.hanzi.name if self.latin is None else f"{self.hanzi.name}+{self.latin.name}"


def installed(names: Iterable[str] = ()) -> tuple[tuple[Face, ...], tuple[str, ...]]:
    """The wanted faces that are on this machine (all when ``names`` is empty), and a message for each that is not.

    Raises:
        ValueError: a name is not in the list, or no face for Chinese is left.
    """
    wanted = tuple(names)
    known = {face.name: face for face in FACES}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"unknown fonts: {', '.join(unknown)}; known are {', '.join(known)}")
    chosen = [known[name] for name in wanted] if wanted else list(FACES)
    missing = tuple(
        f"font {face.name} is not installed and is left out; apt-get install {face.package}"
        for face in chosen
        if not face.path.exists()
    )
    present = tuple(face for face in chosen if face.path.exists())
    if all(face.latin for face in present):
        raise ValueError("; ".join(("no font for Chinese text is left", *missing)))
    return present, missing


@lru_cache(maxsize=256)
def load(face: Face, size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The face at a size in pixels; basic layout, because complex layout depends on what is installed."""
    path = ROOT / face.bold if bold and face.bold else face.path
    return ImageFont.truetype(path, size, index=face.index, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=65536)
def has_glyph(face: Face, character: str) -> bool:
    """Whether the face draws the character as something else than its sign for a missing one."""
    font = load(face, 24)
    drawn, missing = font.getmask(character), font.getmask("\U0010ffff")
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


@lru_cache(maxsize=65536)
def width(face: Face, size: int, bold: bool, text: str) -> float:
    """Advance width of a text in pixels."""
    return float(load(face, size, bold).getlength(text))
