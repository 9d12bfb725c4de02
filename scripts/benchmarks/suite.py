"""The fixed suite of scans: every report is of one kind, kinds and forms take turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.domain import FormSpec
from pipeline.evaluation import read_truth
from scripts.scans.fonts import Face
from scripts.scans.reports import Options, make_document
from scripts.scans.writing import write, write_truth

SEED = 2026
_CONTAINERS = ("pdf", "tiff", "jpg")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of scan: damage level, what is done on top of it, and whether a fax's dots or a page's turn need pages.

    Kinds of level 2 and above are the hard ones.
    """

    name: str
    title: str
    level: int
    damage: str
    paged: bool = False


KINDS = (
    Kind("print", "clean print", 0, "clean"),
    Kind("good", "good scan", 1, "scan"),
    Kind("everyday", "everyday scan", 2, "scan"),
    Kind("bad", "bad scan", 3, "scan"),
    Kind("photo", "phone photograph on a desk", 2, "photo"),
    Kind("turns", "quarter turns, another on each page", 2, "turns", paged=True),
    Kind("fax", "fax, 1 bit, 204 × 98 dpi", 2, "coarsefax", paged=True),
    Kind("lowres", "picture of 100 dpi", 2, "lowres"),
    Kind("broken", "broken rules", 2, "broken"),
    Kind("dotted", "dotted or dashed rules", 2, "dotted"),
    Kind("hairline", "hairline rules", 2, "hairline"),
    Kind("noborder", "no outer border", 2, "noborder"),
    Kind("shaded", "shaded header cells", 2, "shaded"),
    Kind("watermark", "watermark behind the figures", 2, "watermark"),
    Kind("redseal", "red seal on every page", 2, "redseal"),
    Kind("greyseal", "grey seal on every page", 2, "greyseal"),
    Kind("showthrough", "show-through", 2, "showthrough"),
    Kind("jpeg30", "JPEG quality 30", 2, "jpeg30"),
    Kind("traditional", "traditional characters", 2, "traditional"),
    Kind("narrow", "figures that touch the rules", 2, "narrow"),
    Kind("spread", "two-page spreads", 2, "spread"),
    Kind("cutrows", "rows cut by the end of a page", 2, "cutrows"),
    Kind("norules", "no rules at all", 2, "norules"),
)


def make(
    folder: Path, reports: int, kinds: Sequence[Kind], forms: Sequence[FormSpec], faces: tuple[Face, ...], jobs: int
) -> dict[str, Kind]:
    """Write the scans and ``truth.csv`` into a folder, unless they are there.

    Returns:
        The kind of each file, in the order they were made. The same arguments give the same bytes.

    Raises:
        ValueError: another suite is there.
    """
    plan = list(_plan(reports, kinds, forms, faces))
    if (folder / "truth.csv").exists():
        sources = list(dict.fromkeys(cell.source for cell in read_truth(folder / "truth.csv")))
        if [Path(source).stem for source in sources] != [_stem(kind, number) for number, kind, _ in plan]:
            raise ValueError(f"another suite is in {folder}")
        return {source: kind for source, (_, kind, _) in zip(sources, plan, strict=True)}
    folder.mkdir(parents=True, exist_ok=True)
    one = partial(_make, folder)
    with ProcessPoolExecutor(jobs) as pool:
        parts = list(pool.map(one, *zip(*plan, strict=True)))
    write_truth(folder / "truth.csv", (row for part in parts for row in part))
    return {part[0]["source"]: kind for part, (_, kind, _) in zip(parts, plan, strict=True)}


def _plan(
    reports: int, kinds: Sequence[Kind], forms: Sequence[FormSpec], faces: tuple[Face, ...]
) -> Iterator[tuple[int, Kind, Options]]:
    """Number, kind and options of each report: over the kinds first, then over forms and containers."""
    for number in range(reports):
        turn, at = divmod(number, len(kinds))
        kind = kinds[at]
        containers = _CONTAINERS[:2] if kind.paged else _CONTAINERS
        form = forms[(turn + at) % len(forms)]
        container = containers[(turn // len(forms) + at) % len(containers)]
        yield number, kind, Options((form,), faces, (kind.level,), (kind.damage,), (container,), volumes=0.0)


def _make(folder: Path, number: int, kind: Kind, options: Options) -> list[dict[str, str]]:
    return write(make_document(options, SEED, number), folder, _stem(kind, number))


def _stem(kind: Kind, number: int) -> str:
    return f"{kind.name}-{number:04d}"
