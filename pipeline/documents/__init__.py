"""Documents: bytes to pages, within limits, every fault named."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.documents.inputs import InputFile, find_inputs
from pipeline.documents.kinds import Kind, empty_error, sniff
from pipeline.documents.long_pages import cut_long_page
from pipeline.domain import PageImage
from pipeline.errors import DocumentError
from pipeline.settings import Settings

__all__ = ["InputFile", "Kind", "cut_long_page", "find_inputs", "read_pages", "sniff"]


def read_pages(data: bytes, settings: Settings) -> Iterator[PageImage | DocumentError]:
    """Decode a document page by page; only the page at hand is held.

    A page that cannot be read is yielded as the error that says why, with its number, and the
    others go on. Pages known to be lost are yielded as errors too: a document is never silently
    shorter than it says.

    Raises:
        DocumentError: the document as a whole cannot be read; subclasses name the cause.
    """
    if not data:
        raise empty_error()
    kind = sniff(data)
    if kind is Kind.PDF:
        from pipeline.documents.pdf import read_pdf

        yield from read_pdf(data, settings)
    elif kind is Kind.TIFF:
        from pipeline.documents.tiff import read_tiff

        yield from read_tiff(data, settings)
    else:
        from pipeline.documents.rasters import read_raster

        yield read_raster(data, kind, settings)
