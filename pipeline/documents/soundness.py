"""Whether the text embedded in a PDF page says what the page shows."""

from __future__ import annotations

import unicodedata

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

_MIN_CHARACTERS = 50
_MAX_BAD_SHARE = 0.02
_MIN_COMMON_SHARE = 0.9
_MAX_CHARACTERS = 100_000
_BAD_CATEGORIES = frozenset(("Cc", "Cn", "Co", "Cs"))


def sound_text(page: pdfium.PdfPage) -> bool:
    """Whether a page's text can be read instead of its picture.

    It cannot when there is little of it, when glyphs have no or a meaningless Unicode value, or
    when its Chinese characters are not those in use: fonts embedded as subsets often carry a
    table of Unicode values that is missing, shifted or made up.
    """
    textpage = page.get_textpage()
    try:
        count = textpage.count_chars()
        if not _MIN_CHARACTERS <= count <= _MAX_CHARACTERS:
            return False
        text = "".join(chr(pdfium_c.FPDFText_GetUnicode(textpage, index) & 0x1FFFFF) for index in range(count))
        unmapped = sum(pdfium_c.FPDFText_HasUnicodeMapError(textpage, index) == 1 for index in range(count))
    finally:
        textpage.close()
    return sound_characters(text, unmapped)


def sound_characters(text: str, unmapped: int = 0) -> bool:
    """Judge extracted text; ``unmapped`` counts glyphs that have no Unicode value."""
    printed = [char for char in text if not char.isspace()]
    han = [char for char in printed if "\u3400" <= char <= "\u9fff" or char >= "\U00020000"]
    digits = sum(char.isdigit() for char in printed)
    if len(han) + digits < _MIN_CHARACTERS:
        return False
    bad = unmapped + sum(char == "\ufffd" or unicodedata.category(char) in _BAD_CATEGORIES for char in printed)
    if bad > _MAX_BAD_SHARE * len(printed):
        return False
    common = max(sum(_encodable(char, encoding) for char in han) for encoding in ("gb2312", "big5"))
    return common >= _MIN_COMMON_SHARE * len(han)


def _encodable(char: str, encoding: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
