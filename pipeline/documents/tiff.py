"""Multi-page TIFF: every page is accounted for, decoded or reported."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from pipeline.documents.rasters import DAMAGED_ADVICE, decoding, make_page, refuse_large, to_pixels
from pipeline.domain import PageImage
from pipeline.errors import DamagedDocumentError, DocumentError, TooLargeError
from pipeline.settings import Settings

# Tags and field types of TIFF 6.0 (Adobe, 1992), and of BigTIFF.
_SUBFILE_TYPE, _PHOTOMETRIC, _STRIP_OFFSETS, _ORIENTATION, _STRIP_BYTES = 254, 262, 273, 274, 279
_PAGE_NUMBER, _TILE_OFFSETS, _TILE_BYTES = 297, 324, 325
_WANTED = frozenset((_SUBFILE_TYPE, _STRIP_OFFSETS, _STRIP_BYTES, _PAGE_NUMBER, _TILE_OFFSETS, _TILE_BYTES))
_FIELD_TYPES = {3: "H", 4: "I", 16: "Q"}
_REDUCED = 1
_WHITE_IS_ZERO = 0
_MAX_VALUES = 1_000_000


@dataclass(frozen=True, slots=True)
class _Directory:
    """One image file directory: whether it is a page, whether its data lie in the file, its stated place (n, of m)."""

    thumbnail: bool
    complete: bool
    place: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Chain:
    """The directories in order, and what is wrong with the chain, empty when it ends properly."""

    directories: tuple[_Directory, ...]
    fault: str


def read_tiff(data: bytes, settings: Settings) -> Iterator[PageImage | DocumentError]:
    """Decode the pages of a TIFF one by one; thumbnails are left out.

    A page that cannot be decoded, and the pages that are lost behind a broken chain, are yielded
    as errors. Pixels are square: a page whose axes differ in resolution is stretched.

    Raises:
        DocumentError: the file as a whole cannot be read.
    """
    chain = _read_chain(data, settings.max_pages)
    if not chain.directories:
        raise DamagedDocumentError(f"the TIFF has no page that can be found: {chain.fault}", DAMAGED_ADVICE)
    with decoding(page=None):
        image = Image.open(BytesIO(data), formats=("TIFF",))
    number = 0
    places: list[tuple[int, int]] = []
    only_thumbnails = all(directory.thumbnail for directory in chain.directories)
    for index, directory in enumerate(chain.directories):
        if directory.thumbnail and not only_thumbnails:
            continue
        number += 1
        places.append(directory.place)
        try:
            yield _read_frame(image, index, number, directory, settings)
        except DocumentError as error:
            yield error
    stated = _stated_pages(places)
    if chain.fault:
        yield DamagedDocumentError(f"pages from here on are lost: {chain.fault}", DAMAGED_ADVICE, number + 1)
    elif stated > number:
        cause = f"the file says that it has {stated} pages, but holds {number}"
        yield DamagedDocumentError(cause, DAMAGED_ADVICE, number + 1)


def _stated_pages(places: list[tuple[int, int]]) -> int:
    """How many pages the file says it has; 0 when it does not say, or its pages are taken from elsewhere."""
    in_order = all(place[0] == index for index, place in enumerate(places))
    return max((place[1] for place in places), default=0) if in_order else 0


def _read_frame(image: Image.Image, index: int, number: int, directory: _Directory, settings: Settings) -> PageImage:
    if not directory.complete:
        raise DamagedDocumentError("the page's data are cut off", DAMAGED_ADVICE, number)
    with decoding(number):
        image.seek(index)
        refuse_large(*image.size, settings, number)
        tags = getattr(image, "tag_v2", {})
        resolution = image.info.get("dpi") or image.info.get("resolution")
        turned = tags.get(_ORIENTATION, 1)
        inverted = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO and image.mode.startswith("I")
        image.load()  # Pillow applies the orientation here
        if isinstance(turned, int) and turned >= 5 and isinstance(resolution, tuple):
            resolution = resolution[::-1]
        return make_page(number, to_pixels(image, inverted), resolution, settings)


# --------------------------------------------------------------------------- the chain of directories


def _read_chain(data: bytes, max_pages: int) -> _Chain:
    """Walk the directories without decoding anything, stopping at loops and at the end of the file."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    directories: list[_Directory] = []
    seen: set[int] = set()
    try:
        (offset,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, 8 if big else 4)
        while offset:
            if offset in seen:
                return _Chain(tuple(directories), "the list of pages leads back into itself")
            if len(directories) >= max_pages:
                raise TooLargeError(f"the file has more than {max_pages} pages", "Split it into smaller files")
            seen.add(offset)
            directory, offset = _read_directory(data, offset, order, big)
            directories.append(directory)
    except (struct.error, OverflowError):  # the latter at 64-bit offsets that no address can hold
        return _Chain(tuple(directories), "the file is cut off")
    return _Chain(tuple(directories), "")


def _read_directory(data: bytes, offset: int, order: str, big: bool) -> tuple[_Directory, int]:
    """One directory and the offset of the next, 0 after the last.

    Raises:
        struct.error: the directory lies outside of the file.
    """
    count_format, entry_format, link_format = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    (count,) = struct.unpack_from(order + count_format, data, offset)
    head, size, room = struct.calcsize(order + count_format), 20 if big else 12, 8 if big else 4
    if count == 0:
        raise struct.error("a directory without entries")
    (following,) = struct.unpack_from(order + link_format, data, offset + head + count * size)
    fields: dict[int, tuple[int, ...]] = {}
    for entry in range(count):
        position = offset + head + entry * size
        tag, kind, length = struct.unpack_from(order + entry_format, data, position)
        if tag in _WANTED and kind in _FIELD_TYPES and length <= _MAX_VALUES:
            code = f"{order}{length}{_FIELD_TYPES[kind]}"
            value = position + size - room
            if struct.calcsize(code) > room:
                (value,) = struct.unpack_from(order + link_format, data, value)
            fields[tag] = _values(code, data, value)
    return _directory(fields, len(data)), following


def _values(code: str, data: bytes, offset: int) -> tuple[int, ...]:
    """The values of a field; a list that lies outside of the file reads as one that no file can hold."""
    try:
        return struct.unpack_from(code, data, offset)
    except (struct.error, OverflowError):
        return (len(data) + 1,)


def _directory(fields: dict[int, tuple[int, ...]], length: int) -> _Directory:
    offsets = fields.get(_STRIP_OFFSETS, ()) + fields.get(_TILE_OFFSETS, ())
    sizes = fields.get(_STRIP_BYTES, ()) + fields.get(_TILE_BYTES, ())
    ends = (offset + size for offset, size in zip(offsets, sizes, strict=False))
    place = fields.get(_PAGE_NUMBER, ())
    return _Directory(
        thumbnail=bool(fields.get(_SUBFILE_TYPE, (0,))[0] & _REDUCED),
        complete=all(end <= length for end in ends) and all(offset <= length for offset in offsets),
        place=(place[0], place[1]) if len(place) == 2 else (-1, 0),
    )
