"""Cell picture to n-best readings: text engines behind one protocol, and the fast numeral reader.

An engine is one module of this package that defines ``availability() -> str | None`` and
``load() -> TextEngine``; the file is its own registration and its name is the engine's name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType
from typing import Protocol

from pipeline.domain import Pixels, Reading
from pipeline.errors import MissingDependencyError, UsageError

# Modules of this package that serve the engines and are none themselves.
_SERVANTS = frozenset(
    {
        "calibration",
        "calibration_training",
        "crops",
        "ctc",
        "glyphs",
        "hidden",
        "lines",
        "numerals",
        "numerals_training",
        "overlaps",
        "pictures",
        "pooling",
        "recogniser",
        "seals",
        "specks",
        "traces",
    }
)


class TextEngine(Protocol):
    """Reads pictures of text; one picture in, one reading out, in the same order."""

    @property
    def name(self) -> str:
        """Name of the engine, as in the settings."""
        ...

    def version(self) -> str:
        """Version of program and model, so that a reading can be traced to what read it."""
        ...

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Read pictures that hold one line of text each, grey (h, w), dark on light."""
        ...

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Read pictures that hold one line of text each, of which the meaning counts and not every character.

        An engine may look less closely than `read_lines` does where that is plain; figures it reads as closely.
        """
        ...

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        """Read value cells, grey (h, w), dark on light, as numerals.

        The alternatives are written with the numeral alphabet (digits, separators, signs, slash,
        dashes, brackets and units); a cell without ink is the empty text. Their probabilities sum to at
        most 1; the remainder is the probability that the cell holds something else.
        """
        ...


def engine_names() -> tuple[str, ...]:
    """Names of all engines, available or not, sorted."""
    found = (info.name for info in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if name not in _SERVANTS and not name.startswith("_")))


def availability(name: str) -> str | None:
    """None when the engine can be used, else the reason in words with the command that cures it.

    Raises:
        UsageError: there is no engine of that name.
    """
    reason: str | None = _module(name).availability()
    return reason


def load_engine(name: str) -> TextEngine:
    """Make an engine ready to read.

    Raises:
        UsageError: there is no engine of that name.
        MissingDependencyError: what it needs is not installed.
    """
    reason = availability(name)
    if reason is not None:
        others = ", ".join(other for other in engine_names() if other != name)
        raise MissingDependencyError(reason, f"Or choose another engine: {others}")
    engine: TextEngine = _module(name).load()
    return engine


def _module(name: str) -> ModuleType:
    if name not in engine_names():
        raise UsageError(f"There is no text engine named {name!r}", f"Choose one of {', '.join(engine_names())}")
    return importlib.import_module(f"{__name__}.{name}")
