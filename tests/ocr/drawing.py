"""Freshly drawn pictures of text for the tests of reading."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline.domain import Pixels

SERIF = (Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc"), 2)
SANS = (Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"), 2)
LATIN = (Path("/usr/share/fonts/truetype/liberation/LiberationSerif-Regular.ttf"), 0)


def cell(
    text: str,
    font: tuple[Path, int] = SERIF,
    size: int = 26,
    shape: tuple[int, int] = (48, 170),
    ink: int = 30,
    paper: int = 235,
    noise: float = 0.0,
    shade: float = 0.0,
    rules: bool = False,
    seed: int = 1,
) -> Pixels:
    """A cell picture with ``text`` in its middle; lines are parted by newlines."""
    face = ImageFont.truetype(str(font[0]), size * 2, index=font[1])
    height, width = shape
    canvas = Image.new("L", (width * 2, height * 2), 255)
    pen = ImageDraw.Draw(canvas)
    if text:
        pen.multiline_text((width, height), text, font=face, fill=0, anchor="mm", spacing=size * 0.6)
    coverage = 1.0 - np.asarray(canvas.resize((width, height), Image.Resampling.BOX), dtype=np.float64) / 255.0
    if rules:
        coverage[:2, :] = 1.0
        coverage[:, -2:] = 0.9
    coverage = cv2.GaussianBlur(coverage, (0, 0), 0.6)
    picture = paper - (paper - ink) * coverage + shade * np.linspace(-0.5, 0.5, width)[None, :]
    picture += np.random.default_rng(seed).normal(0.0, 1.0, picture.shape) * noise
    return np.clip(picture, 0, 255).astype(np.uint8)
