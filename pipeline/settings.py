"""What a user may set, in one frozen value that travels with the work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that change what comes out; together with code, forms and models they decide the result.

    Attributes:
        ocr: name of the text engine: rapidocr, tesseract, replay or null.
        render_dpi: resolution for PDF pages that are not a single embedded scan.
        max_megapixels: a larger page is rendered smaller where that is possible, else refused.
        max_pages: a file with more pages is refused.
        password: opens encrypted PDFs.
        risk: which share of the accepted cells may be wrong, 0 to 1; decides what is accepted, not what is read.
    """

    ocr: str = "rapidocr"
    render_dpi: int = 200
    max_megapixels: float = 120.0
    max_pages: int = 2000
    password: str | None = None
    risk: float = 1e-4
