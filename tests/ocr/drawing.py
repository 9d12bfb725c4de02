"""Freshly drawn pictures of text for the tests of reading."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline.domain import BoundingBox, Pixels

SERIF = (Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc"), 2)
SANS = (Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"), 2)
LATIN = (Path("/usr/share/fonts/truetype/liberation/LiberationSerif-Regular.ttf"), 0)
NARROW = (Path("/usr/share/fonts/truetype/liberation/LiberationSansNarrow-Regular.ttf"), 0)
_RULE = 30  # where the left rule of a cell begins, and its right one ends as far from the right


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


def on_rule(text: str, darkness: int, into: int, right: bool = False, noise: float = 3.0) -> tuple[Pixels, BoundingBox]:
    """A table picture with a cell whose figure stands so many pixels inside its left or right rule, and the cell."""
    figure = cell(text, font=SANS, size=25, shape=(50, 120), ink=20, paper=245)
    inked = np.flatnonzero((figure < 200).any(axis=0)) if text else np.array([60, 60])
    from_left = _RULE + 4 - into - int(inked[0])
    from_right = 120 - _RULE - 4 + into - int(inked[-1]) - 1
    moved = np.roll(figure, from_right if right else from_left, axis=1).astype(np.float32)
    for x in (_RULE, 120 - _RULE - 4):
        moved[:, x : x + 4] = np.minimum(moved[:, x : x + 4], 245 - darkness)
    picture = cv2.GaussianBlur(moved, (0, 0), 0.7)
    picture += np.random.default_rng(1).normal(0.0, noise, picture.shape)
    box = BoundingBox(_RULE + 5.0, 0.0, 120.0 - _RULE - 5.0, 50.0)
    return np.clip(picture, 0, 255).astype(np.uint8), box
