"""``nianbao explain``: the history of one cell."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import console
from pipeline.errors import OutputError

if TYPE_CHECKING:
    from pipeline.explain import History, Identity

_PICTURE_COLUMNS, _PICTURE_LINES = 76, 24
_HALVES = (" ", "▀", "▄", "█")


def explain(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Output folder of an extraction.")],
    document: Annotated[
        str, typer.Argument(metavar="DOCUMENT", help="Document id, source or file name; its beginning is enough.")
    ],
    row: Annotated[str, typer.Argument(metavar="ROW", help="Row id, or TABLE.ROW.")],
    column: Annotated[str, typer.Argument(metavar="COLUMN", help="Column id.")],
    report: Annotated[int | None, typer.Option(min=1, help="Which report of a document with several.")] = None,
    scans: Annotated[
        Path | None, typer.Option(metavar="INPUT", help="Folder, archive or file that was read, for the picture.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as a page of HTML as well.")] = None,
) -> None:
    """Show a cell's history: picture, readings with probabilities, identities, and what became of it."""
    from pipeline.explain import explain as collect

    history = collect(out, document, row, column, report, scans)
    if html is not None:
        _write_page(html, history)
    console.write("".join(f"{_printable(line)}\n" for line in _lines(history)))


def _write_page(path: Path, history: History) -> None:
    from pipeline.commands.explain_page import page

    try:
        path.write_text(page(history), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}", "Name another file") from error


def _printable(line: str) -> str:
    """The line without what a terminal would take for an order; file names and readings come from strangers."""
    return "".join(c if c.isprintable() else "\ufffd" for c in line)


def _lines(history: History) -> Iterator[str]:
    row = history.row
    yield f"{row['source']} ({row['document_id']}), report {row['report']}: {row['agency']} {row['year']}".rstrip()
    yield f"{row['form_id']} {row['table_id']}.{row['row_id']}.{row['column_id']}"
    yield f"{history.row_label} × {history.column_label}"
    yield ""
    if history.picture is None:
        yield f"no picture: {history.no_picture}"
    else:
        yield from _blocks(history.picture)
    yield ""
    yield from history.steps
    yield ""
    yield f"readings by {history.reader or 'nothing'}"
    yield from (f"  {probability}  {text}" for text, probability in history.alternatives)
    for identity in history.identities:
        yield ""
        yield from _identity_lines(identity)


def _identity_lines(identity: Identity) -> Iterator[str]:
    more = f": expected {identity.expected}, printed {identity.printed}" if identity.outcome == "broken" else ""
    yield f"{identity.rule_id} {identity.outcome}{more}"
    yield f"  {identity.text} ({identity.reference})"
    for side, terms in (("left ", identity.left), ("right", identity.right)):
        yield from (f"  {side} {term.value or '(none)':>8}  {term.status:<10}  {term.label}" for term in terms)


def _blocks(picture: bytes) -> Iterator[str]:
    """The picture in half blocks, ink as blocks; two lines of pixels to a line of text."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(picture), formats=("PNG",)) as image:
        grey = image.convert("L")
    scale = min(_PICTURE_COLUMNS / grey.width, 2 * _PICTURE_LINES / grey.height)
    size = (max(1, round(grey.width * scale)), 2 * max(1, round(grey.height * scale / 2)))
    pixels = np.asarray(grey.resize(size, Image.Resampling.BOX))
    ink = pixels < (int(pixels.min()) + int(pixels.max())) / 2
    for upper, lower in zip(ink[::2], ink[1::2], strict=True):
        yield "".join(_HALVES[int(a) + 2 * int(b)] for a, b in zip(upper, lower, strict=True)).rstrip()
