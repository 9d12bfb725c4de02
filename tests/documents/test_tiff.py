"""TIFF: all compressions and pixel formats, every page accounted for."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from pipeline.documents import read_pages
from pipeline.domain import PageImage
from pipeline.errors import DamagedDocumentError, DocumentError, TooLargeError
from pipeline.settings import Settings
from tests.documents.builders import difference, encode, picture, tiff

SCAN = picture()
GREY = np.asarray(SCAN)


def _pages(data: bytes, settings: Settings | None = None) -> list[PageImage | DocumentError]:
    return list(read_pages(data, settings or Settings()))


def _page(data: bytes) -> PageImage:
    (page,) = _pages(data)
    assert isinstance(page, PageImage), page
    return page


def _field(data: bytes, tag: int, values: tuple[int, ...]) -> bytes:
    """The first directory of a little-endian TIFF with a SHORT field overwritten in place."""
    (offset,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, offset)
    changed = bytearray(data)
    for entry in range(offset + 2, offset + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, entry)[0] == tag:
            struct.pack_into(f"<HI{len(values)}H", changed, entry + 2, 3, len(values), *values)
            return bytes(changed)
    raise AssertionError(tag)


def _directories(data: bytes) -> list[int]:
    """Where the link to each following directory stands, starting with that in the header."""
    links, offset = [4], struct.unpack_from("<I", data, 4)[0]
    while offset:
        (count,) = struct.unpack_from("<H", data, offset)
        links.append(offset + 2 + 12 * count)
        (offset,) = struct.unpack_from("<I", data, links[-1])
    return links


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_lossless_compressions(compression: str | None) -> None:
    page = _page(tiff([SCAN], compression=compression, dpi=(150, 150)))
    assert np.array_equal(page.pixels, GREY)
    assert page.dpi == 150


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_fax_compressions(compression: str) -> None:
    page = _page(tiff([SCAN.convert("1", dither=Image.Dither.NONE)], compression=compression))
    assert np.array_equal(page.pixels, np.where(GREY > 127, 255, 0))


def test_jpeg_in_tiff_keeps_colour() -> None:
    red = Image.merge("RGB", (SCAN, Image.new("L", SCAN.size, 60), Image.new("L", SCAN.size, 60)))
    assert difference(_page(tiff([red], compression="jpeg", quality=90)).pixels, np.asarray(red)) < 4


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_pixel_format_gives_dark_ink_on_light_ground(mode: str) -> None:
    if mode in ("I;16", "I"):
        image = Image.fromarray(GREY.astype(np.uint16 if mode == "I;16" else np.int32) * 257)
    elif mode == "F":
        image = Image.fromarray(GREY.astype(np.float32) / 255)
    else:
        source = SCAN.convert("RGB") if mode in ("CMYK", "YCbCr") else SCAN
        image = source.convert(mode, dither=Image.Dither.NONE)
    pixels = _page(tiff([image])).pixels
    assert pixels.dtype == np.uint8
    grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2).astype(np.uint8)
    assert difference(grey, GREY) < (25 if mode == "1" else 3)


def test_transparent_parts_show_paper() -> None:
    image = Image.new("RGBA", (300, 400), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (100, 100, 150, 150))
    pixels = _page(tiff([image])).pixels
    assert pixels[0, 0] == 255
    assert pixels[120, 120] == 0


@pytest.mark.parametrize("mode", ["1", "L", "I;16"])
def test_inverted_photometric_interpretation(mode: str) -> None:
    image = Image.fromarray(GREY.astype(np.uint16) * 257) if mode == "I;16" else SCAN.convert(mode)
    data = tiff([image])
    upright, inverted = _page(data).pixels, _page(_field(data, 262, (0,))).pixels
    assert np.array_equal(inverted, 255 - upright)


def test_orientation_is_applied() -> None:
    data = encode(SCAN.transpose(Image.Transpose.ROTATE_90), "TIFF", tiffinfo={274: 6}, dpi=(150, 150))
    page = _page(data)
    assert np.array_equal(page.pixels, GREY)


def test_a_fax_page_is_stretched_to_square_pixels() -> None:
    page = _page(tiff([SCAN.resize((1728, 1100))], dpi=(204, 98)))
    height, width = page.pixels.shape
    assert width == 1728
    assert height == pytest.approx(1100 * 204 / 98, abs=1)
    assert page.dpi == 204
    assert page.stretch == pytest.approx((1.0, 204 / 98), abs=0.01)


def test_pages_in_order_and_thumbnails_left_out() -> None:
    pages = _pages(tiff([SCAN, SCAN.rotate(180), SCAN]))
    assert [page.number for page in pages if isinstance(page, PageImage)] == [1, 2, 3]
    small = SCAN.resize((62, 88))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    ((page,)) = _pages(tiff([SCAN, small]))
    assert isinstance(page, PageImage)
    assert page.pixels.shape == GREY.shape


def test_damage_in_one_page_spares_the_others() -> None:
    data = bytearray(tiff([SCAN, SCAN, SCAN], compression="tiff_adobe_deflate"))
    links = _directories(bytes(data))
    offsets = [struct.unpack_from("<I", data, link)[0] for link in links[:-1]]
    (count,) = struct.unpack_from("<H", data, offsets[1])
    for entry in range(offsets[1] + 2, offsets[1] + 2 + 12 * count, 12):
        tag, _kind, length, value = struct.unpack_from("<HHII", data, entry)
        if tag == 273:
            start = value if length == 1 else struct.unpack_from("<I", data, value)[0]
            data[start : start + 200] = b"\xff" * 200
    first, second, third = _pages(bytes(data))
    assert isinstance(first, PageImage)
    assert isinstance(second, DamagedDocumentError)
    assert second.page == 2
    assert isinstance(third, PageImage)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_cut_tiff_never_passes_for_a_whole_one(compression: str | None, share: float) -> None:
    data = tiff([picture(310, 438, seed=seed) for seed in range(4)], compression=compression)
    whole = [page.pixels for page in _pages(data) if isinstance(page, PageImage)]
    try:
        pages = _pages(data[: int(len(data) * share)])
    except DamagedDocumentError:
        return
    assert any(isinstance(page, DamagedDocumentError) for page in pages)
    for page in pages:
        if isinstance(page, PageImage):
            assert np.array_equal(page.pixels, whole[page.number - 1])


def test_a_lost_last_page_is_reported() -> None:
    data = tiff([SCAN, SCAN, SCAN])
    last = struct.unpack_from("<I", data, _directories(data)[2])[0]
    *good, error = _pages(data[:last])
    assert len(good) == 2
    assert isinstance(error, DamagedDocumentError)
    assert error.page == 3


def test_a_chain_that_bites_its_tail_ends() -> None:
    data = bytearray(tiff([SCAN, SCAN]))
    links = _directories(bytes(data))
    struct.pack_into("<I", data, links[-1], struct.unpack_from("<I", data, 4)[0])
    first, second, error = _pages(bytes(data))
    assert isinstance(first, PageImage)
    assert isinstance(second, PageImage)
    assert isinstance(error, DamagedDocumentError)
    assert "back into itself" in error.cause


def test_limits() -> None:
    with pytest.raises(TooLargeError, match="more than 2 pages"):
        _pages(tiff([SCAN] * 3), Settings(max_pages=2))
    (error,) = _pages(tiff([SCAN]), Settings(max_megapixels=0.1))
    assert isinstance(error, TooLargeError)


@pytest.mark.parametrize("offset", [2**62, 2**63, 2**64 - 1])
def test_64_bit_offsets_that_lead_nowhere_are_reported(offset: int) -> None:
    with pytest.raises(DamagedDocumentError, match="the file is cut off"):
        _pages(b"II+\x00\x08\x00\x00\x00" + struct.pack("<Q", offset) + bytes(100))
