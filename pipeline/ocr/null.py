"""The engine that reads nothing: every picture is unread, with probability 0.

It shows what the pipeline does without any reading, and takes no time.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.domain import Alternative, Pixels, Reading
from pipeline.ocr import TextEngine

NAME = "null"


class NullEngine:
    """Reads nothing."""

    name = NAME

    def version(self) -> str:
        """The constant version of an engine that does nothing."""
        return "null 1"

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Empty readings of probability 0."""
        return [Reading((Alternative("", 0.0),), NAME) for _ in lines]

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Empty readings of probability 0."""
        return self.read_lines(lines)

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        """Empty readings of probability 0."""
        return self.read_lines(crops)


def availability() -> str | None:
    """Always usable."""
    return None


def load() -> TextEngine:
    """The engine."""
    return NullEngine()
