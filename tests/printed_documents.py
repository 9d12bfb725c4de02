"""Documents whose content says what is printed in them: read without looking, assembled as real ones are.

The content is JSON: ``form``; ``figures``, a mapping from ``table/row/column`` to what is printed there, ``0`` where
nothing is said; ``labels``, a mapping from row id to the label printed instead of the form's. A figure written as
``3?8`` is one that may be read as 3 or as 8.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PIL import Image

from pipeline.domain import (
    Alternative,
    ColumnSpec,
    DocumentReading,
    PageReading,
    Reading,
    RowSpec,
    TableReading,
    TableSpec,
    document_id,
)
from pipeline.forms import form_by_id
from pipeline.run import Stages, run
from pipeline.settings import Settings
from tests.assemble.printed import line, page, squares_of, table

FORM = "ogi-2019"
IMAGE_DESCRIPTION = 270


def content(figures: Mapping[str, str] | None = None, labels: Mapping[str, str] | None = None) -> bytes:
    return json.dumps({"figures": figures or {}, "labels": labels or {}}).encode()


def warm_up(settings: Settings) -> None:
    """Nothing is read."""


def read(data: bytes, source: str, settings: Settings) -> DocumentReading:
    printed = json.loads(_description(data))
    pages = [PageReading(1, (line("临河市水务局2020年政府信息公开工作年度报告"),))]
    for number, spec in enumerate(form_by_id(FORM).tables, start=2):
        heading = line(spec.title, page=number)
        pages.append(page(heading, _table(spec, printed["figures"], printed["labels"]), number=number))
    return DocumentReading(document_id(hashlib.sha256(data).hexdigest()), source, tuple(pages), (), 0.1)


def _table(spec: TableSpec, figures: Mapping[str, str], labels: Mapping[str, str]) -> TableReading:
    def figure(row: RowSpec, column: ColumnSpec) -> str:
        return figures.get(f"{spec.id}/{row.id}/{column.id}", "0")

    renamed = {row.label: labels[row.id] for block in spec.blocks for row in block.rows if row.id in labels}
    made = table([(r, c, rs, cs, renamed.get(text, text)) for r, c, rs, cs, text in squares_of(spec, figure)])
    return replace(made, readings=tuple(map(_doubtful, made.readings)))


def _doubtful(reading: Reading) -> Reading:
    texts = reading.text.split("?")
    if len(texts) == 1:
        return replace(reading, reader="numerals")
    alternatives = (Alternative(texts[0], 0.55), Alternative(texts[1], 0.4))
    # What one reader doubts a second one has looked at.
    parts = tuple(Reading(alternatives, reader) for reader in ("numerals", "rapidocr"))
    return Reading(alternatives, "numerals+rapidocr", parts)


STAGES = Stages(warm_up, read)


def scanned(data: bytes) -> bytes:
    """The same content as a scan: a TIFF of as many white pages as there are printed."""
    page = Image.new("L", (700, 700), 255)
    file = io.BytesIO()
    page.save(file, "TIFF", save_all=True, append_images=[page] * 3, tiffinfo={IMAGE_DESCRIPTION: data.decode()})
    return file.getvalue()


def _description(data: bytes) -> bytes:
    if data.startswith(b"{"):
        return data
    with Image.open(io.BytesIO(data), formats=("TIFF",)) as scan:
        return str(scan.tag_v2[IMAGE_DESCRIPTION]).encode()  # type: ignore[attr-defined]


def extracted(folder: Path, *contents: bytes, kind: str = "png") -> Path:
    """The output folder of a run over some documents; ``kind`` is the ending of their names."""
    scans = folder / "scans"
    scans.mkdir(exist_ok=True)
    for number, data in enumerate(contents, start=1):
        (scans / f"{number}.{kind}").write_bytes(data)
    run([str(scans)], folder / "out", Settings(), 1, stages=STAGES)
    return folder / "out"
