"""What a file is, told from its first bytes; its name is never trusted."""

from __future__ import annotations

from enum import StrEnum

from pipeline.errors import DocumentError, UnsupportedDocumentError

_PDF_MARK = b"%PDF-"
_PDF_HEADER_WINDOW = 1024  # readers accept the header anywhere in the first 1024 bytes (ISO 32000-1, annex H)
_PDF_JUNK_WINDOW = 65536  # files that servers or mailers put a longer prefix before

_ADVICE = "Give the scan itself: PDF, TIFF, PNG, JPEG, BMP or WebP"


class Kind(StrEnum):
    """The kinds of file that are read."""

    PDF = "pdf"
    PNG = "png"
    JPEG = "jpeg"
    TIFF = "tiff"
    BMP = "bmp"
    WEBP = "webp"


_SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
    (b"II+\x00", Kind.TIFF),
    (b"MM\x00+", Kind.TIFF),
)

_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"{\\rtf", "an RTF document"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"GIF8", "a GIF picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"AT&TFORM", "a DjVu document"),
)


def sniff(data: bytes) -> Kind:
    """Tell the kind of a file from its content (the first 64 KiB are enough).

    Raises:
        UnsupportedDocumentError: it is something else; the message says what it looks like.
    """
    kind = known_kind(data)
    if kind is None:
        raise UnsupportedDocumentError(f"the content is {_description(data)}, not a scan", _ADVICE)
    return kind


def known_kind(data: bytes) -> Kind | None:
    """The kind of a file from its content, None when it is not one that is read."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Kind.WEBP
    if data[:2] == b"BM" and data[6:10] == b"\x00\x00\x00\x00":
        return Kind.BMP
    if _PDF_MARK in data[:_PDF_HEADER_WINDOW]:
        return Kind.PDF
    if _stranger(data) is None and _PDF_MARK in data[:_PDF_JUNK_WINDOW]:
        return Kind.PDF
    return None


def empty_error() -> DocumentError:
    """The error for a file without a single byte."""
    return UnsupportedDocumentError("the file is empty (0 bytes)", "Copy or download it again")


def _stranger(data: bytes) -> str | None:
    for signature, name in _STRANGERS:
        if data.startswith(signature):
            return name
    if data[4:8] == b"ftyp":
        return "a HEIC or AVIF picture or a film"
    return None


def _description(data: bytes) -> str:
    stranger = _stranger(data)
    if stranger is not None:
        return stranger
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in head:
        return "an HTML page"
    if head.startswith((b"<?xml", b"<svg")):
        return "an XML file"
    return "text" if _is_text(data[:4096]) else "of an unknown kind"


def _is_text(head: bytes) -> bool:
    if any(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head):
        return head.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-8", "gb18030"):
        try:
            head[: len(head) - 4 if len(head) == 4096 else None].decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False
