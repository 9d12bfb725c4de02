"""Pictures of measurements: axes, and the reliability diagram beside the risk-coverage curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import OutputError

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from pipeline.reliability import Reliability

SIDE, MARGIN, _TYPE = 480, 90, 20  # pixels
_INK, _GRID, _LINE = (34, 34, 34), (221, 221, 221), (0, 90, 160)
_EXPONENTS = (-5, 0)

Point = tuple[float, float]


def write_reliability(path: Path, reliability: Reliability) -> None:
    """Write both charts side by side as PNG.

    Left, the share that is wrong as stated (one less the mean confidence of a bin) and as found; both axes logarithmic,
    as all that matters lies close to a confidence of one. Right, the risk by coverage.

    Raises:
        OutputError: the file cannot be written.
    """
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (2 * (SIDE + 2 * MARGIN), SIDE + 2 * MARGIN), "white")
    draw = ImageDraw.Draw(image)
    low, high = _EXPONENTS
    powers = [(f"{10.0**n:g}", (n - low) / (high - low)) for n in range(low, high + 1)]
    left = Axes(draw, MARGIN, "1 - mean confidence", "share wrong", powers, powers)
    left.line([(0, 0), (1, 1)], _INK)
    for each in reliability.bins:
        if each.mean_confidence is not None and each.share_right is not None:
            left.dot((_log(1 - each.mean_confidence), _log(1 - each.share_right)))
    top = _ceiling(max(point.risk for point in reliability.curve))
    shares = [(f"{n / 5:g}", n / 5) for n in range(6)]
    risks = [(f"{top * n / 5:g}", n / 5) for n in range(6)]
    right = Axes(draw, SIDE + 3 * MARGIN, "coverage", "risk", shares, risks)
    right.line([(point.coverage, point.risk / top) for point in reliability.curve], _LINE)
    right.line([(reliability.coverage, 0), (reliability.coverage, 1)], _INK)
    try:
        image.save(path, "PNG")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}", "Name another file") from error


class Axes:
    """A square chart; points are shares of its sides, from the lower left corner."""

    def __init__(
        self,
        draw: ImageDraw,
        left: int,
        x_name: str,
        y_name: str,
        x_ticks: Sequence[tuple[str, float]],
        y_ticks: Sequence[tuple[str, float]],
    ) -> None:
        from PIL import ImageFont

        self._draw, self._left = draw, left
        self._font = font = ImageFont.load_default(_TYPE)
        for text, share in x_ticks:
            self.line([(share, 0), (share, 1)], _GRID, 1)
            x, y = self._at((share, 0))
            draw.text((x, y + 8), text, _INK, font, anchor="ma")
        for text, share in y_ticks:
            self.line([(0, share), (1, share)], _GRID, 1)
            x, y = self._at((0, share))
            draw.text((x - 8, y), text, _INK, font, anchor="rm")
        draw.text((left + SIDE / 2, MARGIN + SIDE + 50), x_name, _INK, font, anchor="mm")
        draw.text((left, MARGIN - 24), y_name, _INK, font, anchor="lm")

    def line(self, points: Sequence[Point], tint: tuple[int, int, int], width: int = 2) -> None:
        self._draw.line([self._at(point) for point in points], tint, width)

    def dot(self, point: Point) -> None:
        x, y = self._at(point)
        self._draw.ellipse((x - 6, y - 6, x + 6, y + 6), _LINE)

    def label(self, point: Point, text: str, tint: tuple[int, int, int]) -> None:
        """Write a text that ends at a point."""
        self._draw.text(self._at(point), text, tint, self._font, anchor="rm")

    def _at(self, point: Point) -> Point:
        return self._left + point[0] * SIDE, MARGIN + (1 - point[1]) * SIDE


def _log(share: float) -> float:
    """Where a share stands on a logarithmic axis; what is smaller than its lower end stands there."""
    low, high = _EXPONENTS
    return max(0.0, (math.log10(max(share, 10.0**low)) - low) / (high - low))


def _ceiling(risk: float) -> float:
    """The end of a linear axis: 1, 2 or 5 times a power of ten."""
    if risk <= 0:
        return 0.01
    power = 10.0 ** math.floor(math.log10(risk))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= risk)
