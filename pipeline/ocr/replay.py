"""Readings recorded from another engine, found again by the pixels of the picture.

Lets tests and demonstrations run the whole pipeline without a network, and shows exactly what changed when a
picture is cut differently: a picture that was not recorded is unread, with probability 0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.domain import Alternative, Pixels, Reading
from pipeline.errors import MissingDependencyError
from pipeline.ocr import TextEngine
from pipeline.ocr.pictures import picture_hash

NAME = "replay"
VARIABLE = "NIANBAO_REPLAY"

Recorded = dict[str, dict[str, list[list[object]]]]


class ReplayEngine:
    """Gives back what was recorded."""

    name = NAME

    def __init__(self, recorded: Recorded, source: str) -> None:
        self._recorded = recorded
        self._source = source

    def version(self) -> str:
        """Version of the engine that was recorded."""
        return f"replay of {self._source}"

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """The recorded readings of lines."""
        return [self._find("lines", line) for line in lines]

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        """The recorded readings of labels."""
        return [self._find("labels", line) for line in lines]

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        """The recorded readings of value cells."""
        return [self._find("numerals", crop) for crop in crops]

    def _find(self, kind: str, picture: Pixels) -> Reading:
        found = self._recorded.get(kind, {}).get(picture_hash(picture))
        if found is None:
            return Reading((Alternative("", 0.0),), NAME)
        return Reading(tuple(Alternative(str(text), float(str(sure))) for text, sure in found), NAME)


class RecordingEngine:
    """Passes pictures on to another engine and keeps what it answered."""

    def __init__(self, engine: TextEngine) -> None:
        self._engine = engine
        self.name = engine.name
        self.recorded: Recorded = {"lines": {}, "labels": {}, "numerals": {}}

    def version(self) -> str:
        """Version of the engine being recorded."""
        return self._engine.version()

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Read and record lines."""
        return self._keep("lines", lines, self._engine.read_lines(lines))

    def read_labels(self, lines: Sequence[Pixels]) -> list[Reading]:
        """Read and record labels."""
        return self._keep("labels", lines, self._engine.read_labels(lines))

    def read_numerals(self, crops: Sequence[Pixels]) -> list[Reading]:
        """Read and record value cells."""
        return self._keep("numerals", crops, self._engine.read_numerals(crops))

    def save(self, path: Path) -> None:
        """Write the recording as JSON, the same bytes for the same readings."""
        content = {"source": self.version(), "readings": self.recorded}
        path.write_text(json.dumps(content, ensure_ascii=False, sort_keys=True, indent=0) + "\n", encoding="utf-8")

    def _keep(self, kind: str, pictures: Sequence[Pixels], readings: list[Reading]) -> list[Reading]:
        for picture, found in zip(pictures, readings, strict=True):
            self.recorded[kind][picture_hash(picture)] = [
                [alternative.text, round(alternative.probability, 6)] for alternative in found.alternatives
            ]
        return readings


def availability() -> str | None:
    """None when the environment names a recording, else how to make one."""
    path = os.environ.get(VARIABLE, "")
    if path == "":
        return f"No recording is named: set {VARIABLE} to a file written by scripts/record_ocr.py"
    if not Path(path).is_file():
        return f"The recording {path} named by {VARIABLE} does not exist: write it with scripts/record_ocr.py"
    return None


def load() -> TextEngine:
    """Read the recording.

    Raises:
        MissingDependencyError: the file is no recording.
    """
    path = Path(os.environ[VARIABLE])
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return ReplayEngine(content["readings"], str(content["source"]))
    except (ValueError, KeyError, TypeError) as error:
        raise MissingDependencyError(
            f"The recording {path} cannot be read ({error})", "Write it again with scripts/record_ocr.py"
        ) from error
