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
from pipeline.errors import UsageError

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
SPLITS = ("train", "test")
_LABEL_ID = re.compile(r"other|(row|column|caption|group|header|section|title)(/[^\s/]+)+")


@dataclass(frozen=True, slots=True)
class Example:
    """One label as printed or as read, and what it means.

    Attributes:
        label_id: canonical id, see ``pipeline.labels.classes``.
        context: the text with what surrounds it.
        base: the wording the text came from, empty when it came from a document.
        source: where it is from: ``form``, ``variant``, ``deviation:<kind>``, ``ocr:<engine>:<font>:<damage>``,
            ``other:<kind>`` or ``correction:<document>``.
        split: ``train``, or ``test`` for what the model never sees.
    """

    label_id: str
    context: LabelContext
    base: str
    source: str
    split: str = "train"


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


def append_labels(path: Path, examples: Iterable[Example]) -> int:
    """Append those examples that the file does not hold yet; returns how many were new.

    The file is replaced in one step, so that a reader sees the old content or the new one.
    """
    known = list(read_labels(path)) if path.exists() else []
    seen = set(known)
    fresh = []
    for example in examples:
        fault, parsed = _parse(_fields(example))
        if parsed is None:
            raise UsageError(f"The label {example.context.text!r} cannot be added: {fault}")
        if parsed not in seen:
            seen.add(parsed)
            fresh.append(parsed)
    if fresh or not path.exists():
        write_labels(path, [*known, *fresh])
    return len(fresh)


def write_labels(path: Path, examples: Sequence[Example]) -> None:
    """Write ``labels.csv`` anew, replacing it in one step."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_fields(example) for example in examples)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(out.getvalue().encode("utf-8"))
    os.replace(partial, path)


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
