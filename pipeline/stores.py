"""Where records and rows lie: a folder of this machine, or a place named by a URL that all machines reach."""

from __future__ import annotations

import contextlib
import glob
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline import locations
from pipeline.errors import CHOOSE_A_FOLDER, OutputError, as_output_error

_PART = ".part"


class Store(Protocol):
    """Small files by name; one that is there is there as a whole, whatever happens while it is written."""

    def read_many(self, names: Sequence[str]) -> list[bytes | OSError]:
        """For each name the content, or why it cannot be read."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Put a file in place.

        Raises:
            OutputError: the disk is full, or the place cannot be written.
        """
        ...

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        ...

    def holds(self, name: str, size: int | None = None) -> bool:
        """Whether a file is there (and of that size), as far as a look costs nothing."""
        ...

    def sweep(self) -> None:
        """Remove what was left half-written."""
        ...

    def publish(self, path: Path) -> None:
        """Put a table that was finished beside the other files, where it does not lie there already.

        Raises:
            OutputError: it cannot be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A folder of this machine, or one that several share."""

    folder: Path

    def read_many(self, names: Sequence[str]) -> list[bytes | OSError]:
        found: list[bytes | OSError] = []
        for name in names:
            try:
                found.append((self.folder / name).read_bytes())
            except OSError as error:
                found.append(error)
        return found

    def write(self, name: str, data: bytes) -> None:
        write_whole(self.folder / name, data)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def holds(self, name: str, size: int | None = None) -> bool:
        try:
            found = (self.folder / name).stat().st_size
        except OSError:
            return False
        return size is None or size == found

    def sweep(self) -> None:
        for path in self.folder.glob(f"*/*/.*{_PART}"):
            path.unlink(missing_ok=True)

    def publish(self, path: Path) -> None:
        """The tables lie in the folder around this one."""


@dataclass(frozen=True, slots=True)
class UrlStore:
    """A place named by a URL without a slash at its end. A look would cost a request: what was written is believed."""

    url: str

    def read_many(self, names: Sequence[str]) -> list[bytes | OSError]:
        return locations.read_many([f"{self.url}/{name}" for name in names])

    def write(self, name: str, data: bytes) -> None:
        with self._as_output_error():
            locations.put(f"{self.url}/{name}", data)

    def remove(self, name: str) -> None:
        with self._as_output_error():
            locations.remove(f"{self.url}/{name}")

    def holds(self, name: str, size: int | None = None) -> bool:
        return True

    def sweep(self) -> None:
        """Nothing is ever half-written."""

    def publish(self, path: Path) -> None:
        with self._as_output_error():
            locations.put_file(f"{self.url}/{path.name}", path)

    @contextlib.contextmanager
    def _as_output_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"{self.url} cannot be written: {error.strerror or error}",
                "Look at the name and at the credentials in the environment; the same command goes on",
            ) from error


def read(store: Store, name: str) -> bytes:
    """The content of one file.

    Raises:
        OSError: it cannot be read.
    """
    (found,) = store.read_many([name])
    if isinstance(found, OSError):
        raise found
    return found


def sweep_partial(path: Path) -> None:
    """Remove what processes left that were killed while they wrote a file; nobody may be writing it now.

    Raises:
        OutputError: the folder cannot be changed.
    """
    with as_output_error(path):
        for partial in path.parent.glob(f".{glob.escape(path.name)}.*{_PART}"):
            partial.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, advice: str = CHOOSE_A_FOLDER) -> None:
    """Write a file so that it is there as a whole or not at all, whatever happens meanwhile.

    Raises:
        OutputError: the disk is full or fails; with the advice given.
    """
    with as_output_error(path, advice):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}{_PART}")  # several machines may write to one folder
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
