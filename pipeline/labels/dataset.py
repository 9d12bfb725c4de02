"""The training data of the label classifier: ``labels.csv``, read strictly and only ever appended to."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain import LabelContext
from pipeline.errors import OutputError, UsageError
from pipeline.labels.normalise import normalise

COLUMNS = (
    "label_id",
    "text",
    "parent",
    "section",
    "previous",
    "following",
    "position",
    "columns",
    "base",
    "source",
    "split",
)
SPLITS = ("train", "test", "withdrawn")
CORRECTION = "correction:"
"""Begins the source of what a person answered."""

_LABEL_ID = re.compile(r"other|(row|column|caption|group|header|section|title)(/[^\s/]+)+")


@dataclass(frozen=True, slots=True)
class Example:
    """One label as printed or as read, and what it means.

    Attributes:
        label_id: canonical id, see ``pipeline.labels.classes``.
        context: the text with what surrounds it.
        base: the wording the text came from, empty when it came from a document.
        source: where it is from: ``form``, ``variant``, ``deviation:<kind>``, ``ocr:<engine>:<font>:<damage>``,
            ``other:<kind>`` or ``correction:<document>:<date>:<correction id>``.
        split: ``train``, ``test`` for what the model never sees, or ``withdrawn`` for an answer that was taken back.
    """

    label_id: str
    context: LabelContext
    base: str
    source: str
    split: str = "train"

    @property
    def corrected(self) -> bool:
        """Whether a person answered it."""
        return self.source.startswith(CORRECTION)


def read_labels(path: Path) -> tuple[Example, ...]:
    """Read ``labels.csv``.

    Raises:
        UsageError: the file is missing or breaks the contract of its columns; the message names every bad line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist", "Run scripts/make_labels.py to build it") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start})", "Save it as CSV UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(reader, [])
    if tuple(header) != COLUMNS:
        raise UsageError(f"{path}, line 1: the columns are {header}", f"They must be {list(COLUMNS)}")
    examples: list[Example] = []
    faults: list[str] = []
    try:
        for fields in reader:
            fault, example = _parse(fields)
            if example is None:
                faults.append(f"line {reader.line_num}: {fault}")
            else:
                examples.append(example)
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: {error}")
    if faults:
        shown = "; ".join(faults[:20])
        raise UsageError(f"{path} has {len(faults)} bad lines: {shown}", "See training_data/README.md for the columns")
    return tuple(examples)


def in_force(examples: Iterable[Example]) -> tuple[Example, ...]:
    """What is to be learned and measured: without answers taken back, and without those that a later one replaces.

    A correction replaces what was learned before of the very same label in the very same surroundings.
    """
    examples = tuple(examples)
    withdrawn = {(e.label_id, e.context, e.source) for e in examples if e.split == "withdrawn"}
    kept = []
    later: dict[tuple[str, ...], str] = {}
    for example in reversed(examples):
        if example.split == "withdrawn" or (example.label_id, example.context, example.source) in withdrawn:
            continue
        if example.split == "train":
            if later.get(printed := as_printed(example.context), example.label_id) != example.label_id:
                continue
            if example.corrected:
                later[printed] = example.label_id
        kept.append(example)
    return tuple(reversed(kept))


def as_printed(context: LabelContext) -> tuple[str, ...]:
    """A label with its surroundings, each in one spelling: what makes two labels the same."""
    return tuple(map(normalise, (context.text, context.parent, context.section, context.previous, context.following)))


def appended(path: Path, examples: Iterable[Example]) -> bytes:
    """The content of ``labels.csv`` with those examples at its end that it does not hold yet.

    Raises:
        UsageError: the file, or one of the examples, breaks the contract of the columns.
    """
    there = path.exists()
    seen = set(read_labels(path)) if there else set()
    fresh = []
    for example in examples:
        fault, parsed = _parse(_fields(example))
        if parsed is None:
            raise UsageError(f"The label {example.context.text!r} cannot be added: {fault}")
        if parsed not in seen:
            seen.add(parsed)
            fresh.append(parsed)
    before = path.read_bytes() if there else _lines([COLUMNS])
    return before + (b"" if before.endswith(b"\n") else b"\n") + _lines(map(_fields, fresh))


def write_labels(path: Path, examples: Sequence[Example]) -> None:
    """Write ``labels.csv`` anew, replacing it in one step."""
    replace_labels(path, _lines([COLUMNS, *map(_fields, examples)]))


def replace_labels(path: Path, content: bytes) -> None:
    """Replace ``labels.csv`` in one step, so that a reader sees the old content or the new one.

    Raises:
        OutputError: the folder cannot be written.
    """
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error.strerror}", "Nothing was changed") from error


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8")


def _fields(example: Example) -> list[str]:
    context = example.context
    return [
        example.label_id,
        context.text,
        context.parent,
        context.section,
        context.previous,
        context.following,
        f"{context.position:.3f}",
        str(context.columns),
        example.base,
        example.source,
        example.split,
    ]


def _parse(fields: Sequence[str]) -> tuple[str, Example | None]:
    if len(fields) != len(COLUMNS):
        return f"{len(fields)} fields instead of {len(COLUMNS)}", None
    label_id, text, parent, section, previous, following, position, columns, base, source, split = fields
    if _LABEL_ID.fullmatch(label_id) is None:
        return f"{label_id!r} is not a label id", None
    if not source.strip():
        return "the source is empty", None
    if split not in SPLITS:
        return f"the split is {split!r}, not one of {', '.join(SPLITS)}", None
    if re.fullmatch(r"[01]\.\d{3}", position) is None or float(position) > 1:
        return f"the position {position!r} is not a number from 0.000 to 1.000", None
    if re.fullmatch(r"\d{1,3}", columns) is None:
        return f"the number of columns {columns!r} is not a whole number", None
    context = LabelContext(text, parent, section, previous, following, float(position), int(columns))
    return "", Example(label_id, context, base, source, split)
