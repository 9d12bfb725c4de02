"""Pictures to pixels: PNG, JPEG, BMP and WebP, and what they share with TIFF frames."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from pipeline.documents.kinds import Kind
from pipeline.domain import PageImage, Pixels
from pipeline.errors import DamagedDocumentError, DocumentError, TooLargeError
from pipeline.settings import Settings

# What Pillow's decoders raise on damaged files; a bug of ours among them would still be reported with its text.
DECODER_ERRORS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
    RuntimeError,
    struct.error,
    zlib.error,
)

_FORMATS = {Kind.PNG: "PNG", Kind.JPEG: "JPEG", Kind.BMP: "BMP", Kind.WEBP: "WEBP", Kind.TIFF: "TIFF"}
_SHORT_SIDE_INCHES = (3.0, 17.0)  # from a small receipt to A2: outside it the stated resolution is a default
_GREY_TOLERANCE = 8
_PART = 64  # rows of a picture
_SQUARE_TOLERANCE = 0.02
_MAX_STRETCH = 4.0
_SIDE_LIMIT = 65_000

DAMAGED_ADVICE = "Scan or download it again"


def read_raster(data: bytes, kind: Kind, settings: Settings) -> PageImage:
    """Decode a single picture; of an animation the first frame.

    Raises:
        TooLargeError: more pixels than ``settings.max_megapixels``, told from the header.
        DamagedDocumentError: cut off or broken; a partial picture is never returned.
    """
    with decoding(page=None):
        image: Image.Image = Image.open(BytesIO(data), formats=(_FORMATS[kind],))
    refuse_large(*image.size, settings)
    with decoding(page=None):
        resolution = image.info.get("dpi")
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) if kind is not Kind.BMP else 1
        image.load()
        if turned not in (0, 1):
            image = ImageOps.exif_transpose(image)
        if not isinstance(turned, int) or turned < 5:
            turned = 1
        return make_page(1, to_pixels(image), _swap(resolution) if turned >= 5 else resolution, settings)


@contextmanager
def decoding(page: int | None) -> Iterator[None]:
    """Turn what decoders raise into document errors that name the page."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # limits are our own, and checked before decoding
            yield
    except DocumentError:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        raise TooLargeError("the picture is too large for the memory", "Reduce its resolution", page) from error
    except UnidentifiedImageError as error:
        raise DamagedDocumentError("the picture's header is broken", DAMAGED_ADVICE, page) from error
    except DECODER_ERRORS as error:
        reason = str(error) or type(error).__name__
        raise DamagedDocumentError(f"the picture cannot be decoded: {reason}", DAMAGED_ADVICE, page) from error


def refuse_large(width: int, height: int, settings: Settings, page: int | None = None) -> None:
    """Raise TooLargeError when a picture of this size is over the limit."""
    if width <= 0 or height <= 0:
        raise DamagedDocumentError("the picture has no pixels", DAMAGED_ADVICE, page)
    if width * height > settings.max_megapixels * 1e6 or max(width, height) > _SIDE_LIMIT:
        size = f"{width} × {height} pixels ({width * height / 1e6:.0f} megapixels)"
        advice = f"Reduce its resolution; the limit is {settings.max_megapixels:g} megapixels"
        raise TooLargeError(f"the picture has {size}", advice, page)


def make_page(number: int, pixels: Pixels, resolution: object, settings: Settings) -> PageImage:
    """A decoded picture as a page: square pixels, with its resolution where that is plausible."""
    x, y = _plausible(resolution)
    if x is None or y is None:
        return PageImage(number, pixels)
    stretched = _squared(pixels, x, y)
    refuse_large(stretched.shape[1], stretched.shape[0], settings, number)
    dpi = max(x, y)
    short = min(stretched.shape[:2]) / dpi
    low, high = _SHORT_SIDE_INCHES
    stretch = (stretched.shape[1] / pixels.shape[1], stretched.shape[0] / pixels.shape[0])
    return PageImage(number, stretched, dpi if low <= short <= high else None, stretch=stretch)


def to_pixels(image: Image.Image, inverted: bool = False) -> Pixels:
    """Any Pillow picture as uint8 grey (h, w) or RGB (h, w, 3); transparent parts show white paper.

    ``inverted`` says that high values of a 16-bit picture mean black.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey(np.asarray(image), inverted)
    if image.mode == "1":
        return np.asarray(image.convert("L"))
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, layered).convert("RGB")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return drop_colour(np.asarray(image))


def drop_colour(pixels: Pixels) -> Pixels:
    """A picture without colour as one channel, any other unchanged."""
    if pixels.ndim == 2:
        return pixels
    if _is_coloured(pixels[::16, ::16]):  # most coloured pictures show it in a sample
        return np.ascontiguousarray(pixels)
    # Parts that stay in the processor's cache take half of the time.
    for top in range(0, len(pixels), _PART):
        if _is_coloured(pixels[top : top + _PART]):
            return np.ascontiguousarray(pixels)
    return cv2.extractChannel(pixels, 1)  # type: ignore[return-value]


def _is_coloured(pixels: Pixels) -> bool:
    red, green, blue = cv2.split(np.ascontiguousarray(pixels))
    return max(int(cv2.absdiff(red, green).max()), int(cv2.absdiff(green, blue).max())) > _GREY_TOLERANCE


def _deep_grey(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], inverted: bool) -> Pixels:
    """16-bit, 32-bit or real grey to 8 bits, over the depth (8, 10, 12, 14, 16 … bits) that the values use."""
    grey = np.nan_to_num(values.astype(np.float32))
    low, high = float(grey.min()), float(grey.max())
    if values.dtype.kind == "f":
        floor, top = (0.0, 1.0) if low >= 0.0 and high <= 1.0 else (low, max(high, low + 1.0))
    else:
        floor = min(low, 0.0)
        top = next(2.0**bits - 1 for bits in (8, 10, 12, 14, 16, 20, 24, 32) if high < 2.0**bits or bits == 32)
    scaled = np.clip((grey - floor) * (255.0 / (top - floor)) + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(255 - scaled, dtype=np.uint8) if inverted else np.asarray(scaled)


def _plausible(resolution: object) -> tuple[float | None, float | None]:
    if not isinstance(resolution, tuple) or len(resolution) != 2:
        return None, None
    try:
        x, y = float(resolution[0]), float(resolution[1])
    except (TypeError, ValueError, ZeroDivisionError):
        return None, None
    inside = all(30.0 <= value <= 4800.0 for value in (x, y))
    return (x, y) if inside and max(x, y) <= _MAX_STRETCH * min(x, y) else (None, None)


def _squared(pixels: Pixels, x: float, y: float) -> Pixels:
    """Stretch the coarser axis so that pixels are square, as a fax of 204 × 98 dpi needs."""
    if abs(x - y) <= _SQUARE_TOLERANCE * max(x, y):
        return pixels
    height, width = pixels.shape[:2]
    size = (round(width * max(1.0, y / x)), round(height * max(1.0, x / y)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _swap(resolution: object) -> object:
    return resolution[::-1] if isinstance(resolution, tuple) else resolution
