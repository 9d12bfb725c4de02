"""PDF pages: scans at their own resolution, other pages rendered, sound text layers kept beside the picture.

pikepdf (qpdf) opens, decrypts and repairs; pdfium decodes and renders. No other program is started.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pikepdf
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from pipeline.documents.rasters import DAMAGED_ADVICE, decoding, drop_colour, make_page, to_pixels
from pipeline.documents.soundness import sound_text
from pipeline.domain import PageImage, Pixels, TextLayer
from pipeline.errors import DamagedDocumentError, DocumentError, EncryptedDocumentError, TooLargeError
from pipeline.settings import Settings

logger = logging.getLogger(__name__)
logging.getLogger("pikepdf").setLevel(logging.CRITICAL)  # what qpdf says of damaged files is told by failures

_POINTS_PER_INCH = 72.0
_MIN_DPI = 72.0
_MAX_SCAN_DPI = 600.0
# Ratio of the two resolutions of a scan from which its dots are not square, and up to which they can be made so.
_OBLONG, _MOST_OBLONG = 1.02, 4.0
_COVERS_PAGE = 0.9
_COVERS_MUCH = 0.5
_OVERHANG = 0.02
_MAX_OBJECTS = 20_000
_MAX_NESTING = 4
_MAX_IMAGE_BYTES = 512 * 1024 * 1024
_SIDE_LIMIT = 65_000
_INVISIBLE = 3  # text rendering mode of OCR layers, ISO 32000-1 table 106

# What pikepdf raises where objects are not of the type that they should be, and what both libraries raise at faults.
_PDF_ERRORS = (
    pikepdf.PdfError,
    pdfium.PdfiumError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
    OSError,
)


def read_pdf(data: bytes, settings: Settings) -> Iterator[PageImage | DocumentError]:
    """Decode the pages of a PDF one by one.

    A page that cannot be read is yielded as an error with its number; when a repaired file lost
    pages, that is yielded as an error as well.

    Raises:
        EncryptedDocumentError: it opens only with a password, or with another than the one given.
        DamagedDocumentError: its structure cannot be repaired.
        TooLargeError: more pages than ``settings.max_pages``.
    """
    with _open(data, settings) as structure:
        stated = _stated_pages(structure)
        count = _found_pages(structure)
        repairs = structure.get_warnings()
        if count > settings.max_pages:
            cause = f"the file has {count} pages, more than {settings.max_pages}"
            raise TooLargeError(cause, "Split it into smaller files")
        for repair in repairs:
            logger.warning("repaired PDF: %s", _reason(repair))
        document = _open_pixels(data, structure, count, bool(repairs), settings)
        try:
            for index in range(count):
                yield _read_page(structure, document, index, bool(repairs), settings)
        finally:
            document.close()
        if count == 0 or (stated is not None and stated > count):
            cause = f"the file says that it has {stated} pages, but only {count} can be found" if stated else "no pages"
            yield DamagedDocumentError(cause, DAMAGED_ADVICE, count + 1 if count else None)
        elif stated is None and repairs:
            cause = "the file is cut off; pages may be missing"
            yield DamagedDocumentError(cause, DAMAGED_ADVICE, count + 1)


def _open(data: bytes, settings: Settings) -> pikepdf.Pdf:
    try:
        return pikepdf.open(BytesIO(data), password=settings.password or "", suppress_warnings=True)
    except pikepdf.PasswordError as error:
        cause = "the PDF opens only with a password" + (", and not with the one given" if settings.password else "")
        raise EncryptedDocumentError(cause, "Give the password that opens it, or a copy without one") from error
    except _PDF_ERRORS as error:
        cause = f"the PDF's structure is broken beyond repair: {_reason(error)}"
        raise DamagedDocumentError(cause, DAMAGED_ADVICE) from error


def _stated_pages(structure: pikepdf.Pdf) -> int | None:
    """What /Count of the root of the page tree says, before anything is repaired."""
    try:
        count = structure.Root.Pages.get("/Count")
        return None if count is None else int(count)
    except _PDF_ERRORS:
        return None


def _found_pages(structure: pikepdf.Pdf) -> int:
    try:
        return len(structure.pages)
    except _PDF_ERRORS as error:
        cause = f"the list of pages is broken: {_reason(error)}"
        raise DamagedDocumentError(cause, DAMAGED_ADVICE) from error


def _open_pixels(
    data: bytes, structure: pikepdf.Pdf, count: int, repaired: bool, settings: Settings
) -> pdfium.PdfDocument:
    """The same document for pdfium, which repairs little itself: from the repaired file where there was need."""
    try:
        if not repaired:
            document = _pdfium(data, settings.password)
            if document is not None and len(document) == count:
                return document
        plain = BytesIO()
        structure.save(plain, encryption=False)
        document = _pdfium(plain.getvalue(), None)
    except _PDF_ERRORS as error:
        raise DamagedDocumentError(f"the PDF cannot be repaired: {_reason(error)}", DAMAGED_ADVICE) from error
    if document is None or len(document) < count:
        raise DamagedDocumentError("the PDF cannot be opened although its structure could be read", DAMAGED_ADVICE)
    return document


def _pdfium(data: bytes, password: str | None) -> pdfium.PdfDocument | None:
    try:
        document = pdfium.PdfDocument(data, password=password)
        document.init_forms()
    except pdfium.PdfiumError:
        return None
    return document


def _reason(fault: BaseException | str) -> str:
    """A library's message on one line, without the name that it gives to a file in memory."""
    text = " ".join(re.sub(r"stream <[^>]*>\W*", "", str(fault)).split())
    return text[:200] or type(fault).__name__


# --------------------------------------------------------------------------- one page


@dataclass(frozen=True, slots=True)
class _Picture:
    """An image as placed on a page: its handle, size in pixels, matrix, and the share of the page it covers."""

    handle: Any
    width: int
    height: int
    matrix: tuple[float, float, float, float, float, float]
    share: float
    overhangs: bool
    nested: bool

    @property
    def resolution(self) -> tuple[float, float]:
        """Dots per inch along its rows and down its columns, 0 where it has no extent."""
        a, b, c, d, *_ = self.matrix
        along, down = math.hypot(a, b), math.hypot(c, d)
        if along <= 0 or down <= 0:
            return 0.0, 0.0
        return _POINTS_PER_INCH * self.width / along, _POINTS_PER_INCH * self.height / down

    @property
    def dpi(self) -> float:
        return max(self.resolution)


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a page is made of: images, number of visible and of invisible text objects, of drawn paths and the like."""

    pictures: tuple[_Picture, ...]
    visible_text: int
    hidden_text: int
    drawings: int


def _read_page(
    structure: pikepdf.Pdf, document: pdfium.PdfDocument, index: int, repaired: bool, settings: Settings
) -> PageImage | DocumentError:
    number = index + 1
    try:
        leaf = _leaf(structure, index, repaired)
        page = document[index]
        try:
            return _decode(leaf, page, number, settings)
        finally:
            page.close()
    except DocumentError as error:
        return error
    except pdfium.PdfiumError as error:
        return DamagedDocumentError(f"the page cannot be read: {_reason(error)}", DAMAGED_ADVICE, number)
    except MemoryError:
        return TooLargeError("the page is too large for the memory", "Reduce its resolution", number)


@dataclass(frozen=True, slots=True, eq=False)
class _Leaf:
    """What the page tree says about a page: size of its unit, whether something is laid over it."""

    page: pikepdf.Page
    unit: float
    annotated: bool


def _leaf(structure: pikepdf.Pdf, index: int, repaired: bool) -> _Leaf:
    try:
        page = structure.pages[index]
        if repaired:
            _refuse_lost_parts(page, index + 1)
        unit = float(page.obj.get("/UserUnit", 1.0))
        return _Leaf(page, unit if unit > 0 else 1.0, _has_annotations(page))
    except _PDF_ERRORS as error:
        raise DamagedDocumentError(f"the page is broken: {_reason(error)}", DAMAGED_ADVICE, index + 1) from error


def _refuse_lost_parts(page: pikepdf.Page, number: int) -> None:
    """Raise when a page of a repaired file lacks its content or something that its content draws.

    qpdf leaves references to lost objects out and takes streams without an end for empty; what
    is left of such a page must not pass for all of it.
    """
    contents = page.obj.get("/Contents")
    parts = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    if not parts or any(_is_lost(part) for part in parts) or _lacks_resources(page, page.resources, 0):
        raise DamagedDocumentError("a part of the page is lost", DAMAGED_ADVICE, number)


def _lacks_resources(content: pikepdf.Page | pikepdf.Object, resources: pikepdf.Object, depth: int) -> bool:
    """Whether content draws a picture, a form or text with a font that its resources do not hold."""
    for instruction in pikepdf.parse_content_stream(content, "Do Tf"):
        if not instruction.operands:
            continue  # names nothing, and draws nothing
        category = "/XObject" if str(instruction.operator) == "Do" else "/Font"
        named = resources.get(category)
        item = None if named is None else named.get(str(instruction.operands[0]))
        if item is None or (category == "/XObject" and _is_lost(item)):
            return True
        nested = category == "/XObject" and item.get("/Subtype") == pikepdf.Name.Form and depth < _MAX_NESTING
        if nested and _lacks_resources(item, item.get("/Resources", resources), depth + 1):
            return True
    return False


def _is_lost(stream: object) -> bool:
    return not isinstance(stream, pikepdf.Stream) or len(stream.read_raw_bytes()) == 0


def _decode(leaf: _Leaf, page: pdfium.PdfPage, number: int, settings: Settings) -> PageImage:
    unit, marked = leaf.unit, leaf.annotated
    contents = _contents(page)
    whole = [picture for picture in contents.pictures if picture.share >= _COVERS_PAGE]
    only = len(contents.pictures) == 1 and not contents.visible_text and not contents.drawings and not marked
    if only and whole:
        scan = _scan(page, whole[0], settings, number)
        if scan is not None:
            across, down = (dpi / unit for dpi in whole[0].resolution)
            if _lies_on_its_side(whole[0].matrix, page.get_rotation()):
                across, down = down, across
            return make_page(number, scan, (across, down), settings)
    covered = sum(picture.share for picture in contents.pictures)
    scanned = covered >= _COVERS_MUCH and (not contents.visible_text or covered >= _COVERS_PAGE)
    goal = float(settings.render_dpi)
    if scanned and contents.pictures:
        largest = max(contents.pictures, key=lambda picture: picture.share)
        goal = min(max(largest.dpi / unit, _MIN_DPI), _MAX_SCAN_DPI)
    dpi = _affordable_dpi(page, goal, unit, settings, number)
    pixels = _render(page, dpi * unit / _POINTS_PER_INCH)
    layer = None
    if not scanned and not marked and contents.visible_text > contents.hidden_text and sound_text(page):
        layer = _text_layer(leaf.page, page)
    return PageImage(number, pixels, dpi, layer)


def _has_annotations(page: pikepdf.Page) -> bool:
    """Whether something is laid over the page: stamps, form fields, comments; links are not."""
    annotations = page.obj.get("/Annots")
    if not isinstance(annotations, pikepdf.Array):
        return False
    return any(
        isinstance(each, pikepdf.Dictionary) and each.get("/Subtype") not in (pikepdf.Name.Link, pikepdf.Name.Popup)
        for each in annotations
    )


def _contents(page: pdfium.PdfPage) -> _Contents:
    """Walk the page's objects; one that has very many, or nests them deep, counts as drawn."""
    left, bottom, right, top = page.get_bbox()
    area = max((right - left) * (top - bottom), 1e-6)
    pictures: list[_Picture] = []
    visible = hidden = drawings = 0
    for seen, (depth, outer, item) in enumerate(_objects(page)):
        if seen > _MAX_OBJECTS:
            drawings += 1
            break
        if item.type == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            matrix = item.get_matrix().multiply(outer).get()
            width, height = item.get_px_size()
            x0, y0, x1, y1 = _extent(matrix)
            inner = max(min(x1, right) - max(x0, left), 0.0) * max(min(y1, top) - max(y0, bottom), 0.0)
            slack_x, slack_y = _OVERHANG * (right - left), _OVERHANG * (top - bottom)
            overhangs = x0 < left - slack_x or x1 > right + slack_x or y0 < bottom - slack_y or y1 > top + slack_y
            if inner > 0:
                pictures.append(_Picture(item, width, height, matrix, inner / area, overhangs, depth > 0))
        elif item.type == pdfium_c.FPDF_PAGEOBJ_TEXT:
            unseen = pdfium_c.FPDFTextObj_GetTextRenderMode(item) == _INVISIBLE
            visible, hidden = visible + (not unseen), hidden + unseen
        elif item.type != pdfium_c.FPDF_PAGEOBJ_FORM or depth + 1 >= _MAX_NESTING:
            drawings += 1
    return _Contents(tuple(pictures), visible, hidden, drawings)


def _objects(
    page: pdfium.PdfPage, form: Any = None, depth: int = 0, outer: Any = None
) -> Iterator[tuple[int, Any, Any]]:
    """The page's objects with their nesting and the matrix of the form they stand in."""
    outer = pdfium.PdfMatrix() if outer is None else outer
    for item in page.get_objects(max_depth=1, form=form):
        yield depth, outer, item
        if item.type == pdfium_c.FPDF_PAGEOBJ_FORM and depth + 1 < _MAX_NESTING:
            yield from _objects(page, item, depth + 1, item.get_matrix().multiply(outer))


def _extent(matrix: tuple[float, ...]) -> tuple[float, float, float, float]:
    """Bounds of the unit square under a PDF matrix."""
    a, b, c, d, e, f = matrix
    xs, ys = (e, e + a, e + c, e + a + c), (f, f + b, f + d, f + b + d)
    return min(xs), min(ys), max(xs), max(ys)


# --------------------------------------------------------------------------- scans


def _scan(page: pdfium.PdfPage, picture: _Picture, settings: Settings, number: int) -> Pixels | None:
    """The embedded picture itself, upright as the page shows it; None when it must be rendered instead."""
    a, b, c, d, *_ = picture.matrix
    straight = abs(b) + abs(c) <= 1e-3 * (abs(a) + abs(d))
    turned = abs(a) + abs(d) <= 1e-3 * (abs(b) + abs(c))
    if picture.nested or picture.overhangs or not (straight or turned):
        return None
    if picture.width < 1 or picture.height < 1:
        raise DamagedDocumentError("the page's picture has no size", DAMAGED_ADVICE, number)
    fine, coarse = max(picture.resolution), min(picture.resolution)
    if fine > _OBLONG * coarse:
        # A fax has more dots along a line than down the page; they are made square where that can be done.
        squared = picture.width * picture.height * fine / coarse if coarse >= _MIN_DPI else math.inf
        if fine > _MOST_OBLONG * coarse or squared > settings.max_megapixels * 1e6:
            return None
    if picture.width * picture.height > settings.max_megapixels * 1e6:
        _refuse_heavy(picture, number)
        return None
    if _has_mask(picture.handle):
        return None
    pixels = _image_pixels(picture, number)
    return None if pixels is None else _upright(pixels, picture.matrix, page.get_rotation())


def _refuse_heavy(picture: _Picture, number: int) -> None:
    """Raise when not even a smaller rendering of the picture is affordable, for it is decoded as a whole."""
    depth = max(int(picture.handle.get_metadata().bits_per_pixel), 1)
    if picture.width * picture.height * depth / 8 > _MAX_IMAGE_BYTES:
        size = f"{picture.width} × {picture.height} pixels"
        raise TooLargeError(f"the page holds a picture of {size}", "Reduce its resolution", number)


def _has_mask(handle: Any) -> bool:
    """Whether the picture has transparency, or is a stencil whose colour comes from the page."""
    return bool(pdfium_c.FPDFPageObj_HasTransparency(handle)) or int(handle.get_metadata().bits_per_pixel) == 0


def _image_pixels(picture: _Picture, number: int) -> Pixels | None:
    filters = list(picture.handle.get_filters())
    if filters and filters[-1] == "DCTDecode" and all(each in picture.handle.SIMPLE_FILTERS for each in filters[:-1]):
        encoded = bytes(picture.handle.get_data(decode_simple=True))
        with decoding(number):
            image = Image.open(BytesIO(encoded), formats=("JPEG",))
            if image.size == (picture.width, picture.height) and image.mode in ("L", "RGB") and _plain(picture.handle):
                return to_pixels(image)
            image.load()  # raises when it is cut off, which pdfium would pass over
    elif filters and all(each in picture.handle.SIMPLE_FILTERS for each in filters):
        _refuse_short(picture, number)
    bitmap = picture.handle.get_bitmap(render=False)
    bitmap.warn_on_close = False  # its pixels are copied
    try:
        pixels = _bitmap_pixels(bitmap)
    finally:
        bitmap.close()
    return pixels if pixels is not None and pixels.shape[:2] == (picture.height, picture.width) else None


def _plain(handle: Any) -> bool:
    """Whether the picture's samples are shown as they are: device or ICC grey or RGB."""
    spaces = (
        pdfium_c.FPDF_COLORSPACE_DEVICEGRAY,
        pdfium_c.FPDF_COLORSPACE_DEVICERGB,
        pdfium_c.FPDF_COLORSPACE_CALGRAY,
        pdfium_c.FPDF_COLORSPACE_CALRGB,
        pdfium_c.FPDF_COLORSPACE_ICCBASED,
    )
    return handle.get_metadata().colorspace in spaces


def _refuse_short(picture: _Picture, number: int) -> None:
    """Raise when the decoded samples are fewer than the picture needs."""
    depth = int(picture.handle.get_metadata().bits_per_pixel)
    needed = (picture.width * depth + 7) // 8 * picture.height
    got = pdfium_c.FPDFImageObj_GetImageDataDecoded(picture.handle, None, 0)
    if got < needed:
        raise DamagedDocumentError("the page's picture is cut off", DAMAGED_ADVICE, number)


def _bitmap_pixels(bitmap: pdfium.PdfBitmap) -> Pixels | None:
    array = bitmap.to_numpy()
    if bitmap.format == pdfium_c.FPDFBitmap_Gray:
        return np.array(array.reshape(array.shape[:2]), dtype=np.uint8)
    if bitmap.format not in (pdfium_c.FPDFBitmap_BGR, pdfium_c.FPDFBitmap_BGRx):
        return None
    channels = (0, 1, 2) if bitmap.rev_byteorder else (2, 1, 0)
    return drop_colour(np.ascontiguousarray(array[..., channels], dtype=np.uint8))


def _lies_on_its_side(matrix: tuple[float, ...], rotation: int) -> bool:
    """Whether the rows of an image run down the page as it is shown."""
    a, b, *_ = matrix
    return (abs(b) > abs(a)) != (rotation // 90 % 2 == 1)


def _upright(pixels: Pixels, matrix: tuple[float, ...], rotation: int) -> Pixels:
    """Turn and mirror samples the way the page shows them.

    Args:
        pixels: rows of the image, its first row at the top of the unit square.
        matrix: takes the unit square (y up) to the page.
        rotation: /Rotate of the page in degrees, clockwise.
    """
    a, b, c, d, *_ = matrix
    right, down = (a, -b), (-c, d)  # where the image's own axes point, y down
    for _ in range(rotation // 90 % 4):
        right, down = (-right[1], right[0]), (-down[1], down[0])
    if abs(right[1]) > abs(right[0]):
        pixels = np.swapaxes(pixels, 0, 1)
        right, down = down, right
    if right[0] < 0:
        pixels = pixels[:, ::-1]
    if down[1] < 0:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


# --------------------------------------------------------------------------- rendering and text


def _affordable_dpi(page: pdfium.PdfPage, goal: float, unit: float, settings: Settings, number: int) -> float:
    """The resolution at which the page stays within the limit on pixels, at most ``goal``."""
    width, height = (float(side) * unit / _POINTS_PER_INCH for side in page.get_size())  # inches
    if width <= 0 or height <= 0:
        raise DamagedDocumentError("the page has no size", DAMAGED_ADVICE, number)
    dpi: float = min(
        goal, math.sqrt(settings.max_megapixels * 1e6 / (width * height)), _SIDE_LIMIT / max(width, height)
    )
    if dpi < _MIN_DPI:
        cause = f"the page measures {width:.0f} × {height:.0f} inches"
        raise TooLargeError(cause, "Print it to an ordinary paper size", number)
    return dpi


def _render(page: pdfium.PdfPage, scale: float) -> Pixels:
    bitmap = page.render(scale=scale, rev_byteorder=True)
    try:
        array = bitmap.to_numpy()
        return drop_colour(np.array(array[..., :3], dtype=np.uint8))
    finally:
        bitmap.close()


def _text_layer(leaf: pikepdf.Page, page: pdfium.PdfPage) -> TextLayer | None:
    """The page alone in a PDF without encryption, upright, its lower left corner at the origin; None if that fails."""
    width, height = page.get_size()
    left, bottom, right, top = page.get_bbox()
    upright = {
        0: (1, 0, 0, 1, -left, -bottom),
        90: (0, -1, 1, 0, -bottom, right),
        180: (-1, 0, 0, -1, right, top),
        270: (0, 1, -1, 0, top, -left),
    }[page.get_rotation()]
    packed = BytesIO()
    try:
        alone = pikepdf.new()
        alone.pages.append(leaf)
        copy = alone.pages[0]
        copy.contents_add(b"q " + b" ".join(b"%.6f" % value for value in upright) + b" cm", prepend=True)
        copy.contents_add(b"Q", prepend=False)
        box = pikepdf.Array([0, 0, round(width, 4), round(height, 4)])
        for name in ("/MediaBox", "/CropBox"):
            copy.obj[name] = box
        for name in ("/Rotate", "/UserUnit", "/Annots", "/TrimBox", "/BleedBox", "/ArtBox"):
            if name in copy.obj:
                del copy.obj[name]
        alone.save(packed)
    except _PDF_ERRORS as error:
        logger.warning("text layer left aside: %s", _reason(error))
        return None
    return TextLayer(packed.getvalue(), width, height)
