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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.domain import FormSpec, Pixels
from pipeline.forms import load_forms
from pipeline.labels.classes import OTHER
from pipeline.labels.dataset import Example, read_labels, write_labels
from pipeline.labels.generation import without_repeats
from pipeline.labels.generation.printed import examples_of, printed, sheets
from pipeline.labels.generation.strangers import lines, strangers
from pipeline.labels.normalise import normalise
from pipeline.ocr import availability, load_engine

ROOT = Path(__file__).resolve().parents[1]
SEED = 60


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
    legible = [e for e in readings if recognisable(e)]
    made = [*printed(forms, SEED), *legible, *lines(forms, SEED + 2), *strangers(forms, SEED + 3)]
    kept = [e for e in known if e.corrected]
    examples = [*without_repeats(made), *kept]
    write_labels(out, examples)
    print(
        f"{out}: {len(examples)} labels of {len({e.label_id for e in examples})} classes, {len(kept)} corrections kept"
    )


def recognisable(example: Example) -> bool:
    """Whether enough of a label survived for it to be a label: the rest is for its neighbours to decide."""
    printed_text, read = normalise(example.base), normalise(example.context.text)
    return SequenceMatcher(None, printed_text, read, autojunk=False).ratio() >= 0.45


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


if __name__ == "__main__":
    main()
