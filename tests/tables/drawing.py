"""Tables drawn for the tests, with the boxes of their cells."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from pipeline.domain import CleanPage, Pixels
from pipeline.geometry import Identity

Box = tuple[int, int, int, int]


@dataclass
class Drawn:
    """A page of 200 dpi with tables; ``cells`` are (row, column, row span, column span) of the last table."""

    pixels: Pixels = field(default_factory=lambda: np.full((1100, 1500), 250, np.uint8))
    cells: list[Box] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def table(
        self,
        xs: list[int],
        ys: list[int],
        spans: tuple[Box, ...] = (),
        ink: int = 20,
        width: int = 2,
        outer: tuple[bool, bool] = (True, True),
        dots: tuple[int, int] | None = None,
        text: str = "",
    ) -> Drawn:
        """Draw a table; ``outer`` tells whether its upper and lower, and its left and right sides are ruled."""
        taken = {(r, c) for row, column, h, w in spans for r in range(row, row + h) for c in range(column, column + w)}
        single = [(r, c, 1, 1) for r in range(len(ys) - 1) for c in range(len(xs) - 1) if (r, c) not in taken]
        self.cells = sorted([*spans, *single])
        self.boxes = []
        for row, column, h, w in self.cells:
            x0, x1, y0, y1 = xs[column], xs[column + w], ys[row], ys[row + h]
            self.boxes.append((x0, y0, x1, y1))
            for a, b, edge, last in ((x0, x1, y0, y0 == ys[0]), (x0, x1, y1, y1 == ys[-1])):
                if outer[0] or not last:
                    self._rule((a, edge), (b, edge), ink, width, dots)
            for a, b, edge, last in ((y0, y1, x0, x0 == xs[0]), (y0, y1, x1, x1 == xs[-1])):
                if outer[1] or not last:
                    self._rule((edge, a), (edge, b), ink, width, dots)
            if text:
                cv2.putText(self.pixels, text, (x0 + 12, (y0 + y1) // 2 + 8), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (20,), 2)
        return self

    def page(self) -> CleanPage:
        """The drawing as a clean page."""
        return CleanPage(1, self.pixels, Identity(), 200.0, 25.0)

    def _rule(
        self, start: tuple[int, int], end: tuple[int, int], ink: int, width: int, dots: tuple[int, int] | None
    ) -> None:
        if dots is None:
            cv2.line(self.pixels, start, end, (ink,), width)
            return
        on, off = dots
        along = 0 if start[1] == end[1] else 1
        for at in range(start[along], end[along], on + off):
            first, last = list(start), list(start)
            first[along], last[along] = at, min(at + on - 1, end[along])
            cv2.line(self.pixels, (first[0], first[1]), (last[0], last[1]), (ink,), width)


XS, YS = [200, 420, 560, 700, 840, 1200], [200, 250, 300, 350, 400, 450, 500]
SPANS = ((0, 1, 1, 4), (1, 0, 4, 1), (5, 2, 1, 2))
