"""Records: nothing that was read is lost, the same reading gives the same bytes, and damage is noticed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import records
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
from pipeline.keeping import NO_PICTURE

texts = st.text(max_size=8)
probabilities = st.floats(0, 1)
boxes = st.builds(BoundingBox, *[st.floats(-1e5, 1e5, allow_nan=False)] * 4)
alternatives = st.lists(st.builds(Alternative, texts, probabilities), min_size=1, max_size=4).map(tuple)
plain_readings = st.builds(Reading, alternatives, texts)
readings = st.builds(Reading, alternatives, texts, st.lists(plain_readings, max_size=2).map(tuple))
cells = st.builds(
    GridCell,
    *[st.integers(0, 300), st.integers(0, 40), st.integers(1, 9), st.integers(1, 9)],
    *[boxes, st.none() | texts, probabilities],
)


@st.composite
def tables(draw: st.DrawFn, page: int) -> TableReading:
    own = tuple(draw(st.lists(cells, max_size=3)))
    grid = Grid(page, draw(st.integers(1, 300)), draw(st.integers(1, 40)), own, NO_PICTURE, Forgotten(), draw(boxes))
    return TableReading(grid, tuple(draw(readings) for _ in own), tuple(draw(boxes) for _ in own))


@st.composite
def lines(draw: st.DrawFn, page: int) -> LineReading:
    size = draw(st.floats(0.1, 9))
    line = TextLine(page, draw(boxes), NO_PICTURE, size, draw(st.booleans()), draw(st.none() | texts))
    return LineReading(line, draw(readings))


@st.composite
def pages(draw: st.DrawFn) -> PageReading:
    number = draw(st.integers(1, 2000))
    items = draw(st.lists(tables(number) | lines(number), max_size=3))
    return PageReading(number, tuple(items), draw(st.integers(1, 9)))


documents = st.builds(
    DocumentReading,
    texts,
    texts,
    st.lists(pages(), max_size=2).map(tuple),
    st.lists(st.builds(Failure, st.none() | st.integers(1, 2000), texts, texts, texts), max_size=2).map(tuple),
    st.floats(0, 1e5),
)


def content(document: DocumentReading) -> dict[str, Any]:
    """Everything of a document in values that can be compared; its pictures are all of the same shape."""
    found = asdict(document)
    for page in found["pages"]:
        for item in page["items"]:
            part = item.get("grid") or item["line"]
            assert part.pop("pixels").shape == (0, 0)
            part.pop("to_page", None)
    return found


@settings(max_examples=60, deadline=None)
@given(documents)
def test_what_was_read_comes_back_whole(document: DocumentReading) -> None:
    data = records.encode(document)
    again = records.decode(data)
    assert content(again) == content(document)
    assert records.encode(again) == data


READ = DocumentReading("d-0", "a.pdf", (), (Failure(None, "empty", ""),), 0.5)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not gzip",
        records.encode(READ)[:-9],
        records.encode(READ)[:20] + b"\xff" + records.encode(READ)[21:],
        records.gzip.compress(b"{}", mtime=0),
        records.gzip.compress(b"[1, 2", mtime=0),
        records.gzip.compress(b'{"version": 0}', mtime=0),
    ],
)
def test_damage_is_noticed(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a record"):
        records.decode(data)


def test_what_has_a_map_or_a_picture_no_more_says_so_when_asked() -> None:
    from pipeline.reading import crop

    cell = GridCell(0, 0, 1, 1, BoundingBox(0, 0, 5, 5))
    grid = Grid(1, 1, 1, (cell,), NO_PICTURE, Forgotten(), cell.box)
    with pytest.raises(LookupError):
        crop(grid, cell)
    with pytest.raises(LookupError):
        grid.to_page.to_parent(NO_PICTURE)  # type: ignore[arg-type]
