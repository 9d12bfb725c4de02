"""What scanners, faxes and cameras do to a printed page, with an exact map from the print to the picture.

A recipe is a list of named kinds. The geometric part of every kind is one map, so that a page is resampled once
and the boxes of the truth go along the same map.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.domain import BoundingBox, Pixels, Points
from pipeline.geometry import bounding, corners
from scripts.scans.fonts import Lettering, load
from scripts.scans.setting import runs

# OpenCV's own type hints know no byte arrays
Raster = NDArray[Any]

PRINT_KINDS = (
    *("broken", "dotted", "noborder", "shaded", "watermark", "norules"),
    *("hairline", "narrow", "cutrows", "spread", "traditional"),
)
SCAN_KINDS = (
    "clean",
    "scan",
    "fax",
    "photo",
    "lowres",
    "quarter",
    "tagged",
    "redseal",
    "greyseal",
    "blueseal",
    "showthrough",
    "jpeg30",
    "skew15",
    "curl",
    "threshold",
    "faded",
    "blur",
    "turns",
    "coarsefax",
)
KINDS = (*SCAN_KINDS, *PRINT_KINDS)


@dataclass(frozen=True, slots=True)
class Seal:
    """A round seal: colour, centre and radius as shares of the page's width and height, how dense the ink is."""

    tint: tuple[int, int, int]
    x: float
    y: float
    radius: float
    density: float
    text: str
    turn: float


@dataclass(frozen=True, slots=True)
class Damage:
    """Everything done to one page; the defaults do nothing.

    Attributes:
        names: kinds that went into it.
        angle: skew in degrees, counter-clockwise positive.
        keystone: how far each corner is pulled, as shares of the page, shape (4, 2).
        bend_x, bend_y: (amplitude as share of the page, cycles, phase) of the curl across and along the page.
        zoom: scale of the picture; zoom_y: additional scale of its height.
        shift: movement as share of the page.
        desk: grey tint of what lies around the page, None when the picture ends with the page.
        shade: (strength, seed) of uneven light; shadow: strength of a hand's or book's shadow.
        ink, paper: grey levels that black and white become.
        blur: sigma in pixels; noise: standard deviation in grey levels.
        swell: pixels that ink grows (positive) or thins (negative).
        levels: 2 for a picture in pure black and white with ``threshold``.
        quality: JPEG quality, None for lossless.
        quarters: quarter turns counter-clockwise.
        tag: quarter turns counter-clockwise of the stored pixels that the file's metadata take back.
        lid: grey of what the scanner saw beside the sheet (255: its white lid).
        holes: punch holes in the left margin; streaks: dirt on the glass, drawn out to lines along the feed.
        dpi: horizontal and vertical resolution of a fax raster, None where there is none.
    """

    names: tuple[str, ...] = ()
    angle: float = 0.0
    keystone: tuple[tuple[float, float], ...] = ((0.0, 0.0),) * 4
    bend_x: tuple[float, float, float] = (0.0, 1.0, 0.0)
    bend_y: tuple[float, float, float] = (0.0, 1.0, 0.0)
    zoom: float = 1.0
    zoom_y: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    desk: tuple[int, int, int] | None = None
    shade: float = 0.0
    shadow: float = 0.0
    ink: float = 0.0
    paper: tuple[float, float, float] = (255.0, 255.0, 255.0)
    blur: float = 0.0
    noise: float = 0.0
    swell: int = 0
    bilevel: bool = False
    threshold: float = 128.0
    quality: int | None = None
    quarters: int = 0
    tag: int = 0
    seals: tuple[Seal, ...] = ()
    behind: float = 0.0
    specks: int = 0
    lid: int = 255
    holes: int = 0
    streaks: int = 0
    colour: bool = False
    dpi: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """From the print to the picture: a bend of the paper, then a homography ``matrix`` (3, 3).

    ``bend_x`` moves points up and down depending on x, ``bend_y`` sideways depending on y; both as
    (amplitude in pixels, cycles per pixel, phase), applied one after the other, so each is exactly invertible.
    """

    matrix: NDArray[np.float64]
    bend_x: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bend_y: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def bent(self) -> bool:
        return self.bend_x[0] != 0 or self.bend_y[0] != 0

    def forward(self, points: Points) -> Points:
        """Map points of the print, shape (n, 2), to the picture."""
        x, y = points[:, 0], points[:, 1]
        y = y + _wave(self.bend_x, x)
        x = x + _wave(self.bend_y, y)
        return _project(self.matrix, np.stack([x, y], axis=1))

    def backward(self, points: Points) -> Points:
        """Map points of the picture, shape (n, 2), to the print."""
        flat = _project(np.asarray(np.linalg.inv(self.matrix), dtype=np.float64), points)
        x, y = flat[:, 0], flat[:, 1]
        x = x - _wave(self.bend_y, y)
        y = y - _wave(self.bend_x, x)
        return np.stack([x, y], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A damaged page: pixels, and the map that takes boxes of the print to boxes of the picture.

    Attributes:
        pixels: grey (h, w) or RGB (h, w, 3).
        dpi: horizontal and vertical resolution.
        bilevel: the picture is pure black and white.
        quality: JPEG quality it is to be stored with, None for lossless.
        tag: quarter turns counter-clockwise to be stored turned by, with metadata that turn the picture back.
    """

    pixels: Pixels
    dpi: tuple[float, float]
    bilevel: bool
    quality: int | None
    tag: int = 0
    maps: tuple[Callable[[Points], Points], ...] = field(default=())

    def box(self, box: BoundingBox) -> BoundingBox:
        """The smallest box of the picture around the image of a box of the print (edges followed in four steps)."""
        square = corners(box)
        edges = [square + (np.roll(square, -1, axis=0) - square) * share for share in (0.0, 0.25, 0.5, 0.75)]
        points = np.concatenate(edges)
        for step in self.maps:
            points = step(points)
        found = bounding(points)
        height, width = self.pixels.shape[:2]
        return BoundingBox(
            min(max(found.x0, 0.0), width),
            min(max(found.y0, 0.0), height),
            min(max(found.x1, 0.0), width),
            min(max(found.y1, 0.0), height),
        )


# ----------------------------------------------------------------------------------------- recipes


def recipe(level: int, kinds: Iterable[str], rng: np.random.Generator, dpi: int) -> Damage:
    """The damage of a level with the named kinds on top; drawn once per report, varied page by page with ``vary``."""
    names = tuple(kinds)
    damage = _LEVELS[0 if "clean" in names else level](rng)
    for name in names:
        if name in _KINDS:
            damage = _KINDS[name](damage, rng, dpi)
    # strokes of a thin face are one pixel wide below 200 dpi: thinning would leave nothing to read
    swell = damage.swell if dpi >= 200 else max(0, damage.swell)
    return replace(damage, names=names, blur=damage.blur * dpi / 200, swell=swell)


def vary(damage: Damage, rng: np.random.Generator) -> Damage:
    """The same scanner's next page: a little other skew, light, and seals in places of their own."""
    seals = tuple(
        replace(s, x=float(rng.uniform(0.25, 0.8)), y=float(rng.uniform(0.2, 0.85)), turn=float(rng.uniform(-30, 30)))
        for s in damage.seals
        if rng.random() < 0.75
    )
    return replace(
        damage,
        angle=damage.angle * float(rng.uniform(0.5, 1.0)) * (1 if rng.random() < 0.8 else -1),
        bend_x=(damage.bend_x[0] * float(rng.uniform(0.5, 1)), damage.bend_x[1], float(rng.uniform(0, 2 * np.pi))),
        bend_y=(damage.bend_y[0] * float(rng.uniform(0.5, 1)), damage.bend_y[1], float(rng.uniform(0, 2 * np.pi))),
        seals=seals,
        noise=damage.noise * float(rng.uniform(0.8, 1.2)),
        quarters=int(rng.integers(4)) if "turns" in damage.names else damage.quarters,
    )


def _clean(_: np.random.Generator) -> Damage:
    return Damage()


def _good(rng: np.random.Generator) -> Damage:
    return Damage(
        angle=float(rng.normal(0, 0.35)),
        shift=(float(rng.normal(0, 0.004)), float(rng.normal(0, 0.004))),
        shade=float(rng.uniform(0, 0.04)),
        ink=float(rng.uniform(5, 45)),
        paper=_paper(rng, 238, 254),
        blur=float(rng.uniform(0.25, 0.6)),
        noise=float(rng.uniform(0.8, 3.0)),
        quality=int(rng.integers(82, 95)) if rng.random() < 0.7 else None,
        colour=bool(rng.random() < 0.4),
    )


def _everyday(rng: np.random.Generator) -> Damage:
    damage = Damage(
        angle=float(rng.uniform(-3, 3)),
        keystone=_keystone(rng, 0.008),
        shift=(float(rng.normal(0, 0.008)), float(rng.normal(0, 0.008))),
        shade=float(rng.uniform(0.03, 0.16)),
        ink=float(rng.uniform(20, 80)),
        paper=_paper(rng, 205, 248),
        blur=float(rng.uniform(0.4, 0.95)),
        noise=float(rng.uniform(2, 7)),
        swell=int(rng.choice([0, 0, 0, 0, 1, -1])),
        quality=int(rng.integers(50, 81)),
        specks=int(rng.integers(0, 60)),
        colour=bool(rng.random() < 0.5),
        behind=float(rng.uniform(0.03, 0.08)) if rng.random() < 0.15 else 0.0,
    )
    damage = replace(
        damage,
        lid=int(rng.integers(15, 90)) if rng.random() < 0.15 else 255,
        holes=int(rng.choice([2, 4])) if rng.random() < 0.08 else 0,
        streaks=int(rng.integers(1, 3)) if rng.random() < 0.1 else 0,
    )
    if rng.random() < 0.45:  # office scanners stretch the paper to white
        damage = replace(damage, paper=_paper(rng, 243, 254), shade=damage.shade * 0.3)
    if rng.random() < 0.45:
        damage = replace(damage, seals=(_seal(rng, (200, 30, 35) if damage.colour else (110, 110, 110)),))
    return damage


def _bad(rng: np.random.Generator) -> Damage:
    damage = replace(
        _everyday(rng),
        angle=float(rng.uniform(-8, 8)) * float(rng.uniform(0.3, 1)),
        keystone=_keystone(rng, 0.02),
        ink=float(rng.uniform(40, 110)),
        paper=_paper(rng, 175, 240),
        noise=float(rng.uniform(5, 12)),
        quality=int(rng.integers(35, 70)),
        specks=int(rng.integers(20, 300)),
    )
    faults = rng.permutation(["curl", "threshold", "blur", "faded"])[: int(rng.integers(1, 3))]
    for fault in faults:
        damage = _KINDS[str(fault)](damage, rng, 200)
    return damage


_LEVELS: dict[int, Callable[[np.random.Generator], Damage]] = {0: _clean, 1: _good, 2: _everyday, 3: _bad}


def _kind_scan(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return damage if damage != Damage() else _good(rng)


def _kind_fax(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    fine = rng.random() < 0.85
    return replace(
        damage,
        dpi=(204, 196 if fine else 98),
        angle=float(np.clip(damage.angle, -2.5, 2.5)),
        keystone=((0.0, 0.0),) * 4,
        bend_x=(0.0, 1.0, 0.0),
        bend_y=(0.0, 1.0, 0.0),
        blur=min(damage.blur, 0.5),
        noise=min(damage.noise, 6.0),
        shade=min(damage.shade, 0.05),
        ink=min(damage.ink, 60.0),
        bilevel=True,
        threshold=float(rng.uniform(0.45, 0.68)),
        quality=None,
        colour=False,
        seals=tuple(replace(s, density=s.density * 0.45) for s in damage.seals),
        specks=damage.specks + int(rng.integers(0, 120)),
    )


def _kind_coarsefax(damage: Damage, rng: np.random.Generator, dpi: int) -> Damage:
    return replace(_kind_fax(damage, rng, dpi), dpi=(204, 98))


def _kind_photo(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    desk = (int(rng.integers(40, 200)), int(rng.integers(40, 180)), int(rng.integers(30, 160)))
    return replace(
        damage,
        angle=damage.angle + float(rng.uniform(-4, 4)),
        keystone=_keystone(rng, 0.045),
        zoom=float(rng.uniform(0.92, 1.05)),
        desk=desk,
        shade=float(rng.uniform(0.12, 0.32)),
        shadow=float(rng.uniform(0.0, 0.4)),
        blur=max(damage.blur, float(rng.uniform(0.5, 0.9))),
        noise=max(damage.noise, float(rng.uniform(2, 6))),
        paper=_paper(rng, 190, 235),
        ink=max(damage.ink, float(rng.uniform(20, 60))),
        bend_x=(float(rng.uniform(0, 0.006)), float(rng.uniform(0.4, 0.9)), 0.0),
        quality=int(rng.integers(60, 92)),
        bilevel=False,
        colour=True,
    )


def _kind_lowres(damage: Damage, rng: np.random.Generator, dpi: int) -> Damage:
    return replace(damage, zoom=damage.zoom * float(rng.uniform(96, 112)) / dpi, noise=min(damage.noise, 5.0), blur=0.3)


def _kind_quarter(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(damage, quarters=int(rng.integers(1, 4)))


def _kind_tagged(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(damage, tag=int(rng.integers(1, 4)))


def _kind_redseal(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(damage, colour=True, seals=(_seal(rng, (205, 25, 30)),))


def _kind_greyseal(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    grey = int(rng.integers(85, 140))
    return replace(damage, seals=(_seal(rng, (grey, grey, grey)),))


def _kind_blueseal(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(damage, colour=True, seals=(_seal(rng, (35, 50, 190)),))


def _kind_showthrough(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(damage, behind=float(rng.uniform(0.08, 0.2)))


def _kind_jpeg30(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(damage, quality=int(rng.integers(26, 35)))


def _kind_skew15(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(damage, angle=float(rng.choice([-1, 1])) * float(rng.uniform(9, 15)))


def _kind_curl(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(
        damage,
        bend_x=(float(rng.uniform(0.004, 0.014)), float(rng.uniform(0.4, 1.1)), 0.0),
        bend_y=(float(rng.uniform(0.0, 0.004)), float(rng.uniform(0.4, 1.0)), 0.0),
    )


def _kind_threshold(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(
        damage,
        bilevel=True,
        threshold=float(rng.uniform(0.42, 0.66)),
        quality=None,
        colour=False,
        shade=min(damage.shade, 0.06),
        noise=min(damage.noise, 8.0),
        ink=min(damage.ink, 70.0),
        seals=tuple(replace(s, density=s.density * 0.45) for s in damage.seals),
    )


def _kind_faded(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(damage, ink=float(rng.uniform(105, 150)), paper=_paper(rng, 205, 240), noise=min(damage.noise, 5.0))


def _kind_blur(damage: Damage, rng: np.random.Generator, _: int) -> Damage:
    return replace(damage, blur=float(rng.uniform(1.2, 1.9)), noise=min(damage.noise, 6.0))


_KINDS: dict[str, Callable[[Damage, np.random.Generator, int], Damage]] = {
    "scan": _kind_scan,
    "fax": _kind_fax,
    "coarsefax": _kind_coarsefax,
    "photo": _kind_photo,
    "lowres": _kind_lowres,
    "quarter": _kind_quarter,
    "tagged": _kind_tagged,
    "redseal": _kind_redseal,
    "greyseal": _kind_greyseal,
    "blueseal": _kind_blueseal,
    "showthrough": _kind_showthrough,
    "jpeg30": _kind_jpeg30,
    "skew15": _kind_skew15,
    "curl": _kind_curl,
    "threshold": _kind_threshold,
    "faded": _kind_faded,
    "blur": _kind_blur,
}


def _paper(rng: np.random.Generator, low: float, high: float) -> tuple[float, float, float]:
    base = float(rng.uniform(low, high))
    return (base, base - float(rng.uniform(0, 5)), base - float(rng.uniform(0, 16)))


def _keystone(rng: np.random.Generator, most: float) -> tuple[tuple[float, float], ...]:
    return tuple((float(a), float(b)) for a, b in rng.uniform(-most, most, (4, 2)))


def _seal(rng: np.random.Generator, tint: tuple[int, int, int]) -> Seal:
    return Seal(
        tint,
        float(rng.uniform(0.25, 0.8)),
        float(rng.uniform(0.2, 0.85)),
        float(rng.uniform(0.085, 0.125)),
        float(rng.uniform(0.45, 0.9)),
        "",
        float(rng.uniform(-30, 30)),
    )


# ----------------------------------------------------------------------------------------- application


def apply(
    pixels: Raster,
    damage: Damage,
    rng: np.random.Generator,
    dpi: int,
    lettering: Lettering,
    seal_text: str,
    behind: Raster | None = None,
) -> Picture:
    """Damage one printed page.

    Args:
        pixels: the page as printed, grey or RGB.
        damage: what to do.
        rng: where chance comes from.
        dpi: resolution of ``pixels``.
        lettering: face of the text around the seals.
        seal_text: what stands around the seals.
        behind: the printed back of the sheet, for show-through.
    """
    colour = damage.colour or pixels.ndim == 3
    work = _inked(pixels, damage, behind)
    if colour and work.ndim == 2:
        work = cv2.cvtColor(work, cv2.COLOR_GRAY2RGB)
    for seal in damage.seals:
        work = _stamp(work, replace(seal, text=seal_text), lettering, rng)
    warp, size = _warp(work.shape[1], work.shape[0], damage, dpi)
    work = _resample(work, warp, size, damage)
    if damage.desk is not None:
        work = _lay_on_desk(work, pixels.shape, warp, damage, rng)
    work = _expose(work, damage, rng)
    if damage.bilevel:
        work = _binarise(work, damage.threshold, rng, damage.specks)
    maps: list[Callable[[Points], Points]] = [warp.forward]
    if damage.quarters:
        height, width = work.shape[:2]
        work = np.ascontiguousarray(np.rot90(work, damage.quarters))
        maps.append(_turned(damage.quarters, width, height))
    raster = damage.dpi if damage.dpi is not None else (dpi * damage.zoom, dpi * damage.zoom)
    return Picture(work, raster, damage.bilevel, damage.quality, damage.tag, tuple(maps))


def recompress(picture: Picture) -> Pixels:
    """The pixels after a trip through JPEG at the picture's quality; unchanged when it is lossless."""
    if picture.quality is None:
        return picture.pixels
    buffer = io.BytesIO()
    Image.fromarray(picture.pixels).save(buffer, "JPEG", quality=picture.quality)
    buffer.seek(0)
    return np.asarray(Image.open(buffer, formats=("JPEG",))).copy()


def _inked(pixels: Raster, damage: Damage, behind: Raster | None) -> Raster:
    work = pixels
    if damage.swell:
        kernel = np.ones((2, 2), np.uint8)
        # thin strokes would vanish altogether if a whole pixel were taken off them: they only pale
        work = (
            cv2.erode(work, kernel)
            if damage.swell > 0
            else cv2.addWeighted(work, 0.5, cv2.dilate(work, kernel), 0.5, 0)
        )
    if damage.holes:
        work = _punched(work, damage.holes)
    if damage.behind and behind is not None and behind.shape == work.shape:
        back = cv2.GaussianBlur(np.ascontiguousarray(np.fliplr(behind)), (0, 0), 2.0)
        ghost = 255 - (255 - back.astype(np.float32)) * damage.behind
        work = np.minimum(work, ghost.astype(np.uint8))
    return work


def _punched(work: Raster, count: int) -> Raster:
    """Holes 80 mm apart along the left edge of an A4 page, dark as the scanner's inside."""
    work = work.copy()
    height, width = work.shape[:2]
    for number in range(count):
        y = height / 2 + (number - (count - 1) / 2) * height * 80 / 297
        cv2.circle(work, (round(width * 0.045), round(y)), round(width * 0.013), (70,) * 3, -1, cv2.LINE_AA)
    return work


def _warp(width: int, height: int, damage: Damage, dpi: int) -> tuple[Warp, tuple[int, int]]:
    """The map from the print to the picture, and the picture's (width, height)."""
    zoom_x, zoom_y = damage.zoom, damage.zoom
    if damage.dpi is not None:
        zoom_x, zoom_y = damage.dpi[0] / dpi, damage.dpi[1] / dpi
    room = (1.08, 1.06) if damage.desk is not None else (1.0, 1.0)
    centre = np.array([width / 2, height / 2])
    turn = np.deg2rad(-damage.angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    square = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    moved = (square + np.array(damage.keystone) * [width, height] - centre) @ rotation.T
    # nothing printed may leave the picture: a camera steps back, a scanner's bed is larger than the sheet
    reach = float(np.max(np.abs(moved * 0.93) / (centre * room)))
    if reach > 1 and damage.desk is not None:
        moved = moved / reach
    elif reach > 1:
        room = (reach, reach)
    out = (round(width * zoom_x * room[0]), round(height * zoom_y * room[1]))
    moved = (moved + np.array(damage.shift) * [width, height]) * [zoom_x, zoom_y] + np.array(out) / 2
    matrix = cv2.getPerspectiveTransform(square.astype(np.float32), moved.astype(np.float32)).astype(np.float64)
    bend_x = (damage.bend_x[0] * width, damage.bend_x[1] / width, damage.bend_x[2])
    bend_y = (damage.bend_y[0] * width, damage.bend_y[1] / height, damage.bend_y[2])
    return Warp(matrix, bend_x, bend_y), out


def _resample(work: Raster, warp: Warp, size: tuple[int, int], damage: Damage) -> Raster:
    """One interpolation for everything; enlarging blurs little, shrinking averages first."""
    if not warp.bent and np.allclose(warp.matrix, np.eye(3), atol=1e-9) and size == (work.shape[1], work.shape[0]):
        return work
    channels = 1 if work.ndim == 2 else 3
    border = (float(damage.lid),) * channels
    scale = float(np.sqrt(abs(np.linalg.det(warp.matrix[:2, :2]))))
    if scale < 0.8:
        work = cv2.GaussianBlur(work, (0, 0), 0.42 / scale)
    # points lie on pixel corners (0 is the left edge of the first pixel), OpenCV's on pixel centres
    half = np.array([[1.0, 0, 0.5], [0, 1.0, 0.5], [0, 0, 1.0]])
    if not warp.bent:
        matrix = np.linalg.inv(half) @ warp.matrix @ half
        return cv2.warpPerspective(
            work, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=border
        )
    step = 16
    # knots in the middle of squares of 16 pixels, one square more on each side, so that cv2.resize meets them exactly
    xs = (np.arange(-1, -(-size[0] // step) + 1) + 0.5) * step
    ys = (np.arange(-1, -(-size[1] // step) + 1) + 0.5) * step
    gx, gy = np.meshgrid(xs, ys)
    source = warp.backward(np.stack([gx.ravel(), gy.ravel()], axis=1)) - 0.5
    knots = source.reshape(len(ys), len(xs), 2).astype(np.float32)
    wide = cv2.resize(knots, (len(xs) * step, len(ys) * step), interpolation=cv2.INTER_LINEAR)
    full = wide[step : step + size[1], step : step + size[0]]
    across, down = cv2.split(full)
    bent: Raster = cv2.remap(work, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=border)
    return bent


def _lay_on_desk(
    work: Raster, printed: tuple[int, ...], warp: Warp, damage: Damage, rng: np.random.Generator
) -> Raster:
    """Put a table top with a faint grain around the sheet, and the sheet's own shadow on it."""
    height, width = work.shape[:2]
    rim = np.linspace(0, 1, 40)
    h, w = printed[:2]
    edge = np.concatenate(
        [
            np.stack([rim * w, rim * 0], 1),
            np.stack([rim * 0 + w, rim * h], 1),
            np.stack([w - rim * w, rim * 0 + h], 1),
            np.stack([rim * 0, h - rim * h], 1),
        ]
    )
    sheet = np.zeros((height, width), np.uint8)
    cv2.fillPoly(sheet, [np.round(warp.forward(edge)).astype(np.int32)], 255)
    grain = cv2.resize(rng.normal(0, 12, (height // 3, 40)).astype(np.float32), (width, height))
    desk = np.asarray(damage.desk, dtype=np.float32)[None, None, :] + grain[..., None]
    dark = cv2.GaussianBlur(np.roll(sheet, (12, 10), (0, 1))[::8, ::8], (0, 0), 2.5)
    desk *= 1 - 0.45 * cv2.resize(dark, (width, height))[..., None].astype(np.float32) / 255
    return np.where(sheet[..., None] > 0, work, np.clip(desk, 0, 255).astype(np.uint8))


def _expose(work: Raster, damage: Damage, rng: np.random.Generator) -> Raster:
    """Lens, light, ink and paper, sensor noise; one pass over the page in half precision of a byte."""
    if damage.blur > 0.2:
        work = cv2.GaussianBlur(work, (0, 0), damage.blur)
    height, width = work.shape[:2]
    if damage.streaks:
        work = work.copy()
    plain = damage.ink == 0 and min(damage.paper) == 255 and damage.shade == 0 and damage.shadow == 0
    if not plain:
        paper = np.array(damage.paper if work.ndim == 3 else (damage.paper[0],))
        ramp = np.arange(256)[:, None] / 255.0
        table = damage.ink * 0.9 + ramp * (paper[None, :] - damage.ink * 0.9)
        lut = np.clip(np.round(table), 0, 255).astype(np.uint8)
        work = cv2.LUT(work, lut.reshape(1, 256, 3) if work.ndim == 3 else lut.reshape(1, 256))
        light = _light(height, width, damage, rng)
        if light is not None:
            work = cv2.multiply(work, light if work.ndim == 2 else cv2.merge([light] * 3), scale=1 / 255)
    for x in rng.integers(0, width, damage.streaks):
        line = work[:, x : x + max(1, width // 1600)]
        line[:] = (line * float(rng.uniform(0.45, 0.85))).astype(np.uint8)
    if damage.noise > 0:
        work = _noisy(work, damage.noise, rng)
    if damage.specks and not damage.bilevel:
        work = _speckled(work, damage.specks, rng)
    return work


def _light(height: int, width: int, damage: Damage, rng: np.random.Generator) -> Raster | None:
    if damage.shade == 0 and damage.shadow == 0:
        return None
    field_ = rng.uniform(0, 1, (3, 3)).astype(np.float32)
    field_ = (field_ - field_.min()) / max(1e-6, float(np.ptp(field_)))
    light = 1 - damage.shade * cv2.resize(field_, (64, 64), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    if damage.shadow:
        gy, gx = np.mgrid[0:64, 0:64] / 64.0
        direction = rng.uniform(0, 2 * np.pi)
        edge = (gx - 0.5) * np.cos(direction) + (gy - 0.5) * np.sin(direction) + rng.uniform(-0.25, 0.25)
        light = light * (1 - damage.shadow / (1 + np.exp(-edge * float(rng.uniform(12, 40)))))
    full: Raster = cv2.resize(np.clip(light * 255, 0, 255).astype(np.uint8), (width, height))
    return full


def _noisy(work: Raster, sigma: float, rng: np.random.Generator) -> Raster:
    """Sensor noise from a tile laid out over the page: as good to look at as fresh noise, and eight times as fast."""
    tile = np.clip(rng.normal(0, sigma, (509, 521)), -100, 100).astype(np.int16)
    height, width = work.shape[:2]
    noise: Raster = np.tile(tile, (-(-height // 509), -(-width // 521)))[:height, :width]
    noise = np.roll(noise, int(rng.integers(509)), axis=0)
    if work.ndim == 3:
        noise = cv2.merge([noise, np.roll(noise, 7, axis=1), np.roll(noise, 13, axis=0)])
    return cv2.add(work, noise, dtype=cv2.CV_8U)


def _speckled(work: Raster, count: int, rng: np.random.Generator) -> Raster:
    height, width = work.shape[:2]
    for x, y, r, v in zip(
        rng.integers(0, width, count),
        rng.integers(0, height, count),
        rng.integers(0, 2, count),
        rng.integers(20, 170, count),
        strict=True,
    ):
        work[y : y + r + 1, x : x + r + 1] = v
    return work


def _binarise(work: Raster, share: float, rng: np.random.Generator, specks: int) -> Raster:
    """Pure black and white at a share of the way from ink to paper, with salt and pepper."""
    grey = cv2.cvtColor(work, cv2.COLOR_RGB2GRAY) if work.ndim == 3 else work
    inside = grey[grey.shape[0] // 8 : -grey.shape[0] // 8 : 5, grey.shape[1] // 8 : -grey.shape[1] // 8 : 5]
    low, high = (float(level) for level in np.percentile(inside, (0.5, 60)))
    hard = np.where(grey > low + share * (high - low), 255, 0).astype(np.uint8)
    height, width = hard.shape
    for value in (0, 255):
        hard[rng.integers(0, height, specks), rng.integers(0, width, specks)] = value
    return hard


def _turned(quarters: int, width: int, height: int) -> Callable[[Points], Points]:
    def turn(points: Points) -> Points:
        x, y = points[:, 0], points[:, 1]
        match quarters % 4:
            case 1:
                return np.stack([y, width - x], axis=1)
            case 2:
                return np.stack([width - x, height - y], axis=1)
            case _:
                return np.stack([height - y, x], axis=1)

    return turn


def _stamp(work: Raster, seal: Seal, lettering: Lettering, rng: np.random.Generator) -> Raster:
    """Press a round seal on the page: ring, star, text along the ring; ink lies over the print and lets it through."""
    height, width = work.shape[:2]
    radius = round(seal.radius * width)
    mask = _seal_mask(radius, seal.text, lettering, seal.turn)
    patchy = cv2.resize(rng.uniform(0.55, 1.0, (24, 24)).astype(np.float32), (mask.shape[1], mask.shape[0]))
    alpha = mask.astype(np.float32) / 255 * patchy * seal.density
    x0, y0 = round(seal.x * width) - mask.shape[1] // 2, round(seal.y * height) - mask.shape[0] // 2
    left, top = max(0, x0), max(0, y0)
    right, bottom = min(width, x0 + mask.shape[1]), min(height, y0 + mask.shape[0])
    if right <= left or bottom <= top:
        return work
    alpha = alpha[top - y0 : bottom - y0, left - x0 : right - x0]
    patch = work[top:bottom, left:right].astype(np.float32)
    if work.ndim == 3:
        tint: Raster = np.asarray(seal.tint, dtype=np.float32)[None, None, :]
        alpha = alpha[..., None]
    else:
        tint = np.full((1, 1), sum(seal.tint) / 3, dtype=np.float32)
    inked = patch * (1 - alpha + alpha * tint / 255)
    work = work.copy()
    work[top:bottom, left:right] = np.clip(inked, 0, 255).astype(np.uint8)
    return work


def _seal_mask(radius: int, text: str, lettering: Lettering, turn: float) -> Raster:
    side = 2 * radius + 8
    mask = np.zeros((side, side), np.uint8)
    centre = (side // 2, side // 2)
    cv2.circle(mask, centre, radius, 255, max(2, radius // 16), cv2.LINE_AA)
    spikes = [
        (
            centre[0] + radius * (0.3 if k % 2 == 0 else 0.115) * np.sin(k * np.pi / 5),
            centre[1] - radius * (0.3 if k % 2 == 0 else 0.115) * np.cos(k * np.pi / 5),
        )
        for k in range(10)
    ]
    cv2.fillPoly(mask, [np.round(spikes).astype(np.int32)], 255, cv2.LINE_AA)
    size = max(10, round(radius * min(0.34, 4.2 / max(8, len(text)))))
    sweep = min(250.0, 24.0 * len(text))
    for k, character in enumerate(text):
        at = -sweep / 2 + (sweep / (len(text) - 1) * k if len(text) > 1 else sweep / 2)
        face = next(iter(runs(character, lettering)))[0]
        glyph = Image.new("L", (size * 2, size * 2))
        glyph_mask = load(face, size).getmask(character)
        stencil = np.array(glyph_mask, dtype=np.uint8).reshape(glyph_mask.size[1], glyph_mask.size[0])
        glyph.paste(Image.fromarray(stencil), (size - stencil.shape[1] // 2, size - stencil.shape[0] // 2))
        turned = np.asarray(glyph.rotate(-at, Image.Resampling.BILINEAR))
        x = round(centre[0] + radius * 0.76 * np.sin(np.deg2rad(at))) - size
        y = round(centre[1] - radius * 0.76 * np.cos(np.deg2rad(at))) - size
        x, y = max(0, min(side - 2 * size, x)), max(0, min(side - 2 * size, y))
        spot = mask[y : y + 2 * size, x : x + 2 * size]
        np.maximum(spot, turned, out=spot)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), turn, 1.0)
    return cv2.warpAffine(mask, matrix, (side, side))


def _wave(bend: tuple[float, float, float], at: NDArray[np.float64]) -> NDArray[np.float64]:
    amplitude, cycles, phase = bend
    return amplitude * np.sin(2 * np.pi * cycles * at + phase)


def _project(matrix: NDArray[np.float64], points: Points) -> Points:
    mapped = np.hstack([points, np.ones((len(points), 1))]) @ matrix.T
    result: Points = mapped[:, :2] / mapped[:, 2:]
    return result
