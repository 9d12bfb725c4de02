"""The record of one document: everything that was read in it, as bytes.

A record is a `DocumentReading` as JSON in gzip. It holds no pixels, and nothing of it is lost: decoding gives what was
encoded, and the same reading always gives the same bytes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.domain import (
    Alternative,
    BoundingBox,
    DocumentReading,
    Failure,
    Grid,
    GridCell,
    LineReading,
    PageReading,
    Reading,
    TableReading,
    TextLine,
)
from pipeline.geometry import Forgotten

VERSION = 3
_NO_PICTURE = np.zeros((0, 0), np.uint8)
_NO_PICTURE.flags.writeable = False

# Decoded JSON; `decode` turns whatever does not fit into a ValueError.
Json = Any


def encode(document: DocumentReading) -> bytes:
    """The record of a document whose pictures were left out, as `pipeline.keeping.without_pictures` does."""
    content = {
        "version": VERSION,
        "document_id": document.document_id,
        "source": document.source,
        "seconds": document.seconds,
        "failures": [[each.page, each.cause, each.advice, each.kind] for each in document.failures],
        "pages": [
            {"number": page.number, "sheets": page.sheets, "items": [_item(item) for item in page.items]}
            for page in document.pages
        ],
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode("utf-8", "surrogatepass"), compresslevel=6, mtime=0)


def decode(data: bytes) -> DocumentReading:
    """What `encode` was given.

    Raises:
        ValueError: the bytes are no record, are cut off, or were written by another version.
    """
    try:
        content = json.loads(gzip.decompress(data).decode("utf-8", "surrogatepass"))
        if content["version"] != VERSION:
            raise ValueError(f"version {content['version']}, not {VERSION}")
        return DocumentReading(
            document_id=content["document_id"],
            source=content["source"],
            pages=tuple(
                PageReading(
                    page["number"], tuple(_as_item(page["number"], item) for item in page["items"]), page["sheets"]
                )
                for page in content["pages"]
            ),
            failures=tuple(Failure(*each) for each in content["failures"]),
            seconds=content["seconds"],
        )
    except (OSError, EOFError, zlib.error, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"not a record of a document: {error}") from error


def _item(item: TableReading | LineReading) -> Json:
    if isinstance(item, LineReading):
        line = item.line
        return {
            "line": [_box(line.box), line.prominence, line.centred, line.text],
            "reading": _reading(item.reading),
        }
    grid = item.grid
    return {
        "grid": [grid.rows, grid.columns, _box(grid.box)],
        "cells": [
            [
                each.row,
                each.column,
                each.row_span,
                each.column_span,
                each.quality,
                each.darkness,
                each.text,
                _box(each.box),
            ]
            for each in grid.cells
        ],
        "places": [_box(place) for place in item.places],
        "readings": [_reading(each) for each in item.readings],
    }


def _as_item(page: int, item: Json) -> TableReading | LineReading:
    if "line" in item:
        box, prominence, centred, text = item["line"]
        line = TextLine(page, _as_box(box), _NO_PICTURE, prominence, centred, text)
        return LineReading(line, _as_reading(item["reading"]))
    rows, columns, box = item["grid"]
    cells = tuple(
        GridCell(
            row, column, row_span, column_span, _as_box(inner), text, quality, darkness and (darkness[0], darkness[1])
        )
        for row, column, row_span, column_span, quality, darkness, text, inner in item["cells"]
    )
    grid = Grid(page, rows, columns, cells, _NO_PICTURE, Forgotten(), _as_box(box))
    readings = tuple(map(_as_reading, item["readings"]))
    places = tuple(map(_as_box, item["places"]))
    if not len(cells) == len(readings) == len(places):
        raise ValueError(f"{len(cells)} cells with {len(readings)} readings in {len(places)} places")
    return TableReading(grid, readings, places)


def _reading(reading: Reading) -> Json:
    alternatives = [part for each in reading.alternatives for part in (each.text, each.probability)]
    parts = [_reading(part) for part in reading.parts]
    return [reading.reader, alternatives, parts] if parts else [reading.reader, alternatives]


def _as_reading(content: Json) -> Reading:
    reader, alternatives, *parts = content
    pairs = zip(alternatives[::2], alternatives[1::2], strict=True)
    return Reading(
        tuple(Alternative(text, probability) for text, probability in pairs),
        reader,
        tuple(_as_reading(part) for part in parts[0]) if parts else (),
    )


def _box(box: BoundingBox) -> list[float]:
    return [box.x0, box.y0, box.x1, box.y1]


def _as_box(content: Sequence[float]) -> BoundingBox:
    x0, y0, x1, y1 = content
    return BoundingBox(x0, y0, x1, y1)
