"""Files that lie elsewhere, named by a URL, through fsspec.

``s3://bucket/key``, ``gcs://``, ``https://``, and what lies in archives, as ``tar://::s3://bucket/scans.tar``. Nothing
of fsspec is loaded before a URL is met.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pipeline.errors import MissingDependencyError, NianbaoError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_URL = re.compile(r"[a-z][a-z0-9+.\-]*(::|://)")
# What tells that a file is still the same, by the names that file systems have for it; a size alone does not.
_TELLING = (
    "ETag",
    "etag",
    "generation",
    "md5Hash",
    "CRC",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)

# What says of an archive that is read from a file that it is damaged.
_OF_ARCHIVES = (zipfile.BadZipFile, zlib.error, EOFError, IndexError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Listed:
    """A file at a URL.

    Attributes:
        url: of the file itself.
        relative: its path below what was listed.
        version: changes when the file does; empty where the place does not tell.
    """

    url: str
    relative: str
    version: str


def is_url(name: str) -> bool:
    """Whether a name is a URL, and not a path of this machine."""
    return _URL.match(name) is not None


def absolute(name: str) -> str:
    """A path that holds in every folder; a URL is one already."""
    return name if is_url(name) else os.path.abspath(name)


def find(url: str) -> list[Listed]:
    """The file at a URL, or all files below it, or all that its pattern (``*``, ``?``, ``[``) matches, sorted.

    Raises:
        OSError: there is nothing, or it cannot be listed.
        MissingDependencyError: what talks to such places is not installed.
    """
    with _as_os_error(url):
        system, root = _system_of(url)
        if not url.endswith("/") and system.isfile(root):
            return [_listed(url, system, root, root.rpartition("/")[0], system.info(root))]
        magic = re.search(r"[*?\[]", root)
        found = system.glob(root, detail=True) if magic else system.find(root, detail=True)
        if magic:
            root = root[: magic.start()].rpartition("/")[0]
        files = sorted((name, info) for name, info in found.items() if info["type"] == "file")
    if not files:
        raise FileNotFoundError(errno.ENOENT, "nothing is there")
    return [_listed(url, system, name, root, info) for name, info in files]


@contextlib.contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """A file by its path or URL, to be read from any place of it.

    Raises:
        OSError: it cannot be read.
        MissingDependencyError: what talks to such places is not installed.
    """
    if not is_url(name):
        with open(name, "rb") as file:
            yield file
        return
    with _as_os_error(name):
        system, path = _system_of(name)
        file = system.open(path, "rb")
    with file, _as_os_error(name, _OF_ARCHIVES):
        yield file


def read(url: str) -> bytes:
    """A whole file.

    Raises:
        OSError: it cannot be read.
    """
    with _as_os_error(url):
        system, path = _system_of(url)
        return bytes(system.cat_file(path))


def read_many(urls: list[str]) -> list[bytes | OSError]:
    """Whole files, at the same time where the place allows it; for each its content, or why it cannot be read."""
    if not urls:
        return []
    with _as_os_error(urls[0]):
        system, _ = _system_of(urls[0])
        paths = [_system_of(url)[1] for url in urls]
        found: dict[str, Any] = system.cat(paths, on_error="return")
    return [
        OSError(errno.EIO, str(found[path])) if isinstance(found[path], Exception) else bytes(found[path])
        for path in paths
    ]


def put(url: str, data: bytes) -> None:
    """Write a file in one go: what fails leaves nothing at the URL, or what was there.

    A file opened for writing there would be published even where the block that writes it ends with an error.

    Raises:
        OSError: it cannot be written.
    """
    with _as_os_error(url):
        system, path = _system_of(url)
        system.pipe_file(path, data)


def put_file(url: str, path: Path) -> None:
    """Copy a file of this machine to a URL, in one go.

    Raises:
        OSError: it cannot be written.
    """
    with _as_os_error(url):
        system, there = _system_of(url)
        system.put_file(str(path), there)


def remove(url: str) -> None:
    """Remove a file, if there is one.

    Raises:
        OSError: it cannot be removed.
    """
    with contextlib.suppress(FileNotFoundError), _as_os_error(url):
        system, path = _system_of(url)
        system.rm_file(path)


def _listed(url: str, system: AbstractFileSystem, name: str, root: str, info: dict[str, Any]) -> Listed:
    """A file found below ``root``, both as the file system names them."""
    _, chained, rest = url.partition("::")
    own = f"{url.partition('://')[0]}://{name}::{rest}" if chained else system.unstrip_protocol(name)
    told = [f"{key}={info[key]}" for key in _TELLING if info.get(key) is not None]
    below = name[len(root) :] if name.startswith(root) else name
    relative = "/".join(part for part in below.split("/") if part not in ("", ".", ".."))  # tar has ./a.png
    return Listed(str(own), relative, " ".join([str(info.get("size")), *told]) if told else "")


def _system_of(url: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a URL, and the path in it; an archive is indexed once."""
    first, chained, rest = url.partition("::")
    if chained:
        protocol, _, inner = first.partition("://")
        return _archive(f"{protocol}://::{rest}"), inner
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise _missing(error) from error
    system, path = url_to_fs(url)
    system.invalidate_cache()  # of listings: somebody may have put another file in place
    return system, path


@lru_cache(maxsize=4)
def _archive(url: str) -> AbstractFileSystem:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise _missing(error) from error
    system, _ = url_to_fs(url)
    return system


def _missing(error: ImportError) -> MissingDependencyError:
    return MissingDependencyError(
        f"files at a URL need a package that is not installed: {error}",
        "pip install 'nianbao[remote]' (and gcsfs for Google Cloud Storage)",
    )


@contextlib.contextmanager
def _as_os_error(url: str, left: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Every library behind fsspec has errors of its own; here they are all one.

    Args:
        left: other errors that stay what they are.
    """
    try:
        yield
    except ImportError as error:
        raise _missing(error) from error
    except (OSError, NianbaoError):
        raise
    except left:
        raise
    except Exception as error:
        raise OSError(errno.EIO, f"{type(error).__name__}: {error}", url) from error
