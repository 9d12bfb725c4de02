"""Single pictures: PNG, JPEG, BMP and WebP."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipeline.documents import Kind, read_pages, sniff
from pipeline.domain import PageImage
from pipeline.errors import DamagedDocumentError, TooLargeError, UnsupportedDocumentError
from pipeline.settings import Settings
from tests.documents.builders import difference, encode, picture

SCAN = picture()
GREY = np.asarray(SCAN)
LOSSLESS = {"PNG": {}, "BMP": {}, "WEBP": {"lossless": True}}


def _page(data: bytes, settings: Settings | None = None) -> PageImage:
    (page,) = read_pages(data, settings or Settings())
    assert isinstance(page, PageImage)
    return page


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_pictures_are_exact_and_grey(kind: str) -> None:
    data = encode(SCAN.convert("RGB"), kind, **LOSSLESS[kind])
    assert sniff(data) is Kind[kind]
    assert np.array_equal(_page(data).pixels, GREY)


def test_colour_is_kept() -> None:
    image = SCAN.convert("RGB")
    image.paste((200, 30, 30), (301, 401, 309, 409))
    assert _page(encode(image, "PNG")).pixels.shape == (877, 620, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int) -> None:
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    image = SCAN if stored is None else SCAN.transpose(stored)
    assert difference(_page(encode(image, "JPEG", exif=exif, quality=95)).pixels, GREY) < 2


@pytest.mark.parametrize(("stated", "dpi"), [(75, 75.0), (72, 72.0), (20, None), (1200, None)])
def test_a_resolution_counts_when_it_makes_a_sheet_of_paper(stated: int, dpi: float | None) -> None:
    assert _page(encode(SCAN, "JPEG", dpi=(stated, stated))).dpi == dpi


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_cut_picture_is_never_taken(kind: str, share: float) -> None:
    data = encode(SCAN, kind)
    with pytest.raises((DamagedDocumentError, UnsupportedDocumentError)):
        _page(data[: int(len(data) * share)])


def test_limit_on_pixels() -> None:
    with pytest.raises(TooLargeError, match="620 × 877"):
        _page(encode(SCAN, "PNG"), Settings(max_megapixels=0.5))


def test_of_an_animation_the_first_frame() -> None:
    data = encode(SCAN, "WEBP", save_all=True, append_images=[SCAN.rotate(180)], lossless=True)
    assert np.array_equal(_page(data).pixels, GREY)
