"""From what the user names (files, folders, globs, zip archives, URLs) to the documents to read."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipeline.documents.kinds import empty_error, known_kind
from pipeline.errors import (
    DamagedDocumentError,
    DocumentError,
    EncryptedDocumentError,
    NoInputError,
    TooLargeError,
    UnsupportedDocumentError,
)
from pipeline.locations import absolute, find, is_url, opened

_SUFFIXES = frozenset(
    (".pdf", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".zip")
)
_HEAD = 65536
_MAX_BYTES = 512 * 1024 * 1024  # a file is held in memory as a whole
_PART = 1024 * 1024
_MAX_MEMBERS = 100_000
_BOMB_BYTES = 64 * 1024 * 1024
_BOMB_RATIO = 200  # no scan of that size shrinks so far; blank bilevel pages stay under _BOMB_BYTES

_SPLIT_ADVICE = "Split it into smaller files"
_ZIP_ADVICE = "Make the archive again, or unpack it and give the folder"


@dataclass(frozen=True, slots=True)
class InputFile:
    """One document to read, not yet opened.

    Attributes:
        source: path relative to the input root with "/" as separator, always printable.
        path: the file, or the archive it lies in, as the operating system names it; or its URL.
        member: position of the document in the archive's directory, None for a plain file.
        fault: why it cannot be read, where that is already known.
        version: of a URL, what changes when the file does; empty where that is not told.
    """

    source: str
    path: str
    member: int | None = None
    fault: DocumentError | None = None
    version: str = ""

    def load(self) -> bytes:
        """Read the whole document.

        Raises:
            DocumentError: it cannot be read, is empty or too large; subclasses name the cause.
        """
        if self.fault is not None:
            raise self.fault
        with self._open() as (file, most):
            data = file.read(most + 1)
        _check_length(len(data), most, self.member)
        return data

    def size(self) -> int:
        """Length in bytes as the file system tells it; 0 where only opening the document would tell."""
        if self.member is not None or self.fault is not None or is_url(self.path):
            return 0
        try:
            return os.stat(self.path).st_size
        except OSError:
            return 0

    def sha256(self) -> str:
        """SHA-256 of the content, 64 hex digits, without holding it in memory.

        Raises:
            DocumentError: as `load` does.
        """
        if self.fault is not None:
            raise self.fault
        digest = hashlib.sha256()
        length = 0
        with self._open() as (file, most):
            while length <= most and (part := file.read(_PART)):
                digest.update(part)
                length += len(part)
        _check_length(length, most, self.member)
        return digest.hexdigest()

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], int]]:
        """The content to be read, and how long it may be."""
        if self.member is None:
            try:
                if not is_url(self.path) and not stat.S_ISREG(
                    os.stat(self.path).st_mode
                ):  # opening a pipe would block for ever
                    raise UnsupportedDocumentError("not a regular file", "Give a file or a folder")
                with opened(self.path) as file:
                    yield file, _MAX_BYTES
            except OSError as error:
                raise _unreadable(error) from error
            return
        try:
            with opened(self.path) as holder, zipfile.ZipFile(holder) as archive:
                info = archive.infolist()[self.member]
                _refuse_hopeless(info)
                with archive.open(info) as file:
                    yield file, min(info.file_size, _MAX_BYTES)
        except _ZIP_ERRORS as error:
            raise _bad_zip(error) from error


def _check_length(length: int, most: int, member: int | None) -> None:
    if length > most and member is None:
        raise TooLargeError(f"the file is larger than {_MAX_BYTES >> 20} MiB", _SPLIT_ADVICE)
    if length > most:
        raise DamagedDocumentError("the archive member is longer than the archive says", _ZIP_ADVICE)
    if length == 0:
        raise empty_error()


_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    IndexError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    ValueError,
)


def find_inputs(inputs: Sequence[str | os.PathLike[str]], exclude: Sequence[Path] = ()) -> Iterator[InputFile]:
    """List the documents behind files, folders, globs, zip archives and URLs, in a stable order.

    Folders are searched without following links; hidden files, files that are plainly not
    documents and everything below ``exclude`` are left out. A file given by name is always listed.
    The same path reached twice is listed once; sources are unique.

    Raises:
        NoInputError: an input does not exist, or a glob matches nothing.
    """
    found = _unique_paths(_named(inputs, [os.path.abspath(os.fspath(path)) for path in exclude]))
    for source, each in _with_unique_sources(found):
        yield from _expand(source, each.path, each.version)


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    relative: str
    root: str
    version: str = ""


def _named(inputs: Sequence[str | os.PathLike[str]], excluded: Sequence[str]) -> Iterator[_Found]:
    for name in [os.fspath(each) for each in inputs]:
        if is_url(name):
            yield from _from_url(name)
            continue
        if os.path.lexists(name):
            yield from _from_path(name, os.path.basename(os.path.abspath(name)), excluded)
            continue
        matches = sorted(glob.glob(name, recursive=True)) if glob.has_magic(name) else []
        if not matches:
            raise NoInputError(f"{printable(name)} does not exist", "Check the path; quote globs as you mean them")
        root = _fixed_part(name)
        for match in matches:
            if not _is_excluded(match, excluded):
                yield from _from_path(match, os.path.relpath(match, root), excluded)


def _from_url(url: str) -> Iterator[_Found]:
    try:
        files = find(url)
    except OSError as error:
        raise NoInputError(
            f"{printable(url)} cannot be listed: {_reason(error)}",
            "Look at the name, and at the credentials in the environment",
        ) from error
    for each in files:
        alone = len(files) == 1 and each.url == url  # a file given by name
        hidden = any(part.startswith(".") for part in each.relative.split("/"))
        if alone or (not hidden and _may_be_document(each.url, each.relative)):
            yield _Found(each.url, each.relative, url.rstrip("/"), each.version)


def _from_path(name: str, relative: str, excluded: Sequence[str]) -> Iterator[_Found]:
    absolute = os.path.abspath(name)
    if not os.path.isdir(name):
        yield _Found(name, relative, os.path.dirname(absolute))
        return
    for folder, folders, files in os.walk(name):
        folders[:] = sorted(
            each
            for each in folders
            if not each.startswith(".") and not _is_excluded(os.path.join(folder, each), excluded)
        )
        for file in sorted(files):
            path = os.path.join(folder, file)
            if not file.startswith(".") and not _is_excluded(path, excluded) and _may_be_document(path, file):
                yield _Found(path, os.path.relpath(path, name), absolute)


def _fixed_part(pattern: str) -> str:
    """The folder a glob starts from: its parts before the first with a wildcard."""
    folder = os.path.dirname(pattern)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    return folder or os.curdir


def _is_excluded(path: str, excluded: Sequence[str]) -> bool:
    absolute = os.path.abspath(path)
    return any(absolute == each or absolute.startswith(os.path.join(each, "")) for each in excluded)


def _may_be_document(path: str, name: str) -> bool:
    """Whether a file met in a folder is one to try: by its suffix, else by its content."""
    try:
        if not is_url(path) and not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        if os.path.splitext(name)[1].lower() in _SUFFIXES:
            return True
        with opened(path) as file:
            return known_kind(file.read(_HEAD)) is not None
    except OSError:
        return True  # listed, so that the reason appears among the failures


def _unique_paths(found: Iterable[_Found]) -> list[_Found]:
    unique: dict[str, _Found] = {}
    for each in found:
        unique.setdefault(each.path if is_url(each.path) else os.path.realpath(each.path), each)
    return list(unique.values())


def _with_unique_sources(found: Sequence[_Found]) -> Iterator[tuple[str, _Found]]:
    def short(each: _Found) -> str:
        return printable(each.relative)

    def rooted(each: _Found) -> str:
        return printable(os.path.join(os.path.basename(each.root), each.relative))

    shorts, rooteds = Counter(map(short, found)), Counter(map(rooted, found))
    for each in found:
        if shorts[short(each)] == 1:
            yield short(each), each
        elif rooteds[rooted(each)] == 1:
            yield rooted(each), each
        else:
            yield printable(absolute(each.path)).lstrip("/"), each


def printable(name: str) -> str:
    """A file name as text that can be printed and stored: "/" as separator, odd bytes and controls escaped."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace").replace(os.sep, "/")
    return "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in _UNPRINTABLE else char
        for char in text
    )


_UNPRINTABLE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


# --------------------------------------------------------------------------- zip archives


def _expand(source: str, path: str, version: str) -> Iterator[InputFile]:
    """A plain file as itself, a zip archive as its members."""
    if not (path.lower().endswith(".zip") and (is_url(path) or os.path.isfile(path))):
        yield InputFile(source, path, version=version)
        return
    try:
        with opened(path) as holder, zipfile.ZipFile(holder) as archive:
            members = list(_members(archive))
    except _ZIP_ERRORS as error:
        yield InputFile(source, path, fault=_bad_zip(error))
        return
    if not members:
        fault = UnsupportedDocumentError("the archive holds no scans", "Archives inside archives are not opened")
        yield InputFile(source, path, fault=fault)
    names = Counter(name for _, name in members)
    for position, name in members:
        inner = name if names[name] == 1 else f"{name}#{position}"
        yield InputFile(f"{source}/{inner}", path, member=position, version=version)


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[int, str]]:
    infos = archive.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise ValueError(f"{len(infos)} members, more than {_MAX_MEMBERS}")
    order = sorted((_member_name(info), position) for position, info in enumerate(infos))
    for name, position in order:
        parts = name.split("/")
        if name.endswith("/") or any(part.startswith(".") or part == "__MACOSX" for part in parts):
            continue
        if os.path.splitext(name)[1].lower() in _SUFFIXES - {".zip"} or _member_is_document(archive, infos[position]):
            yield position, name


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name of a member; names without the UTF-8 flag are mostly GBK, read by zipfile as cp437."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "gbk"):
            try:
                name = raw.decode(encoding)
            except UnicodeDecodeError:
                continue
            break
    parts = name.replace("\\", "/").split("/")
    kept = [part for part in parts if part not in ("", "..", ".")]
    return printable("/".join(kept)) + ("/" if parts[-1] == "" else "")


def _member_is_document(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(info) as file:
            return known_kind(file.read(_HEAD)) is not None
    except _ZIP_ERRORS:
        return False


def _refuse_hopeless(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & 0x1:
        raise EncryptedDocumentError("the archive is locked with a password", "Unpack it and give the folder")
    expands = info.file_size > _BOMB_RATIO * max(info.compress_size, 1)
    if info.file_size > _MAX_BYTES or (info.file_size > _BOMB_BYTES and expands):
        raise TooLargeError(f"the archive member unpacks to {info.file_size >> 20} MiB", "Unpack it and look at it")


def _bad_zip(error: Exception) -> DocumentError:
    if isinstance(error, OSError) and error.errno is not None:
        return _unreadable(error)
    return DamagedDocumentError(f"the zip archive cannot be read: {_reason(error)}", _ZIP_ADVICE)


def _unreadable(error: OSError) -> DocumentError:
    return DocumentError(f"the file cannot be opened: {_reason(error)}", "Check that it exists and may be read")


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(text) if text else type(error).__name__
