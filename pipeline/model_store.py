"""Where models and training data lie, which model is in use, and what no model file may be.

nianbao comes with models. What is trained afterwards lies in a *home*: a folder with ``models/``. For each kind of
model the home's ``CURRENT`` counts, and without one the model that came along.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError, OutputError

HOME_VARIABLE = "NIANBAO_HOME"
ADVICE = "Run nianbao models list to see which there are, or nianbao train to make a new one"
_CURRENT = "CURRENT"
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{8,12}")
_MOST_BYTES = 64 * 1024 * 1024
_MOST_MEMBERS = 200
_PACKAGE = Path(__file__).resolve().parent
_Model = TypeVar("_Model")
_INSTALLED = (_PACKAGE / "_models").is_dir()


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model on disk.

    Attributes:
        kind: name of the folder it lies in, such as ``label_classifier``.
        folder: ``<date>-<hash>``.
        in_use: whether the next run loads it.
        shipped: whether it came with nianbao.
    """

    kind: str
    folder: Path
    in_use: bool
    shipped: bool


def home() -> Path:
    """The folder of models of this user or project.

    ``NIANBAO_HOME`` where it is set, else the checkout, else ``nianbao`` in the user's data folder (XDG Base Directory
    Specification 0.8).
    """
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).expanduser()
    if not _INSTALLED:
        return _PACKAGE.parent
    data = os.environ.get("XDG_DATA_HOME", "")
    return (Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share") / "nianbao"


def shipped_models() -> Path:
    """The folder of the models that come with nianbao: in a checkout ``models``."""
    return _PACKAGE / "_models" if _INSTALLED else _PACKAGE.parent / "models"


def shipped_training_data() -> Path:
    """The folder of the training data that comes with nianbao: in a checkout ``training_data``."""
    return _PACKAGE / "_training_data" if _INSTALLED else _PACKAGE.parent / "training_data"


def current(kind: str) -> Path:
    """The folder of the model in use.

    Raises:
        ModelError: there is none.
    """
    own = home() / "models" / kind
    return current_in(own if (own / _CURRENT).exists() else shipped_models() / kind)


def current_in(folder: Path) -> Path:
    """The model folder that ``folder``/CURRENT names.

    Raises:
        ModelError: there is none.
    """
    try:
        name = (folder / _CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"There is no {folder.name.replace('_', ' ')} in {folder}", ADVICE) from error
    if _NAME.fullmatch(name) is None:
        raise ModelError(f"{folder / _CURRENT} names no model: {name[:80]!r}", ADVICE)
    if not (folder / name).is_dir():
        raise ModelError(f"{folder / _CURRENT} names {name}, which is not there", ADVICE)
    return folder / name


def promote(folder: Path) -> None:
    """Let the CURRENT beside a model name it, at once or not at all.

    Raises:
        OutputError: the folder cannot be written.
    """
    path = folder.parent / _CURRENT
    partial = path.with_name(f"{_CURRENT}.{os.getpid()}.part")
    try:
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(folder.name + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error.strerror}", f"Set {HOME_VARIABLE} to a folder") from error


def models() -> tuple[StoredModel, ...]:
    """Every model there is, by kind and date."""
    places = [(shipped_models(), True), (home() / "models", False)]
    found: dict[tuple[str, str], StoredModel] = {}
    for root, shipped in places:
        for folder in sorted(root.glob("*/*")) if root.is_dir() else ():
            if folder.is_dir() and _NAME.fullmatch(folder.name) is not None:
                key = (folder.parent.name, folder.name)
                found.setdefault(key, StoredModel(key[0], folder, _in_use(folder), shipped))
    return tuple(found[key] for key in sorted(found))


def _in_use(folder: Path) -> bool:
    try:
        return current(folder.parent.name).resolve() == folder.resolve()
    except ModelError:
        return False


def find(name: str) -> StoredModel:
    """The one model whose name begins, or whose hash begins, with ``name``.

    Raises:
        ModelError: none or several are meant.
    """
    meant = [
        model
        for model in models()
        if name and (model.folder.name.startswith(name) or model.folder.name[len("2026-01-01-") :].startswith(name))
    ]
    if len(meant) != 1:
        names = ", ".join(f"{model.kind} {model.folder.name}" for model in meant)
        cause = f"{name!r} may be {names}" if meant else f"There is no model {name!r}"
        raise ModelError(cause, "nianbao models list shows all; a name may be shortened")
    return meant[0]


def use(model: StoredModel) -> None:
    """Make a model the one in use; going back to the shipped one follows whatever nianbao comes with.

    Raises:
        ModelError: it came along, but is not the one that nianbao comes with now.
        OutputError: the home cannot be written.
    """
    own = home() / "models" / model.kind
    shipped = shipped_models() / model.kind
    if own.resolve() != shipped.resolve() and model.folder.parent == shipped:
        if current_in(shipped) != model.folder:
            raise ModelError(f"{model.folder} is an earlier model of nianbao's own", f"Copy the folder to {own} first")
        try:
            (own / _CURRENT).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{own / _CURRENT} cannot be removed: {error.strerror}") from error
    else:
        promote(model.folder)


# --------------------------------------------------------------------------- files that may have been tampered with


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a model; numbers must be finite.

    Raises:
        ModelError: the file is missing, too large or no JSON object.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ModelError(f"{path} is too large for what it should be", ADVICE)
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_finite, parse_float=_finite)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", ADVICE) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged", ADVICE) from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is damaged", ADVICE)
    return content


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(f"{text} is no number")
    return float(text)


def read_verified(path: Path, sha256: object) -> bytes:
    """The content of a model file whose SHA-256 the manifest states.

    Raises:
        ModelError: it is missing, too large, or another file than the manifest describes.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ModelError(f"{path} is too large for what it should be", ADVICE)
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", ADVICE) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(f"{path} is not the file its manifest describes", ADVICE)
    return content


def write_numbers(folder: Path, content: Mapping[str, object]) -> None:
    """Write a model that is nothing but numbers with names into a folder: ``model.json`` and ``manifest.json``."""
    text = json.dumps(content, indent=1) + "\n"
    (folder / "model.json").write_text(text, encoding="utf-8")
    manifest = {"sha256": hashlib.sha256(text.encode()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def read_numbers(folder: Path, version: int, build: Callable[[dict[str, Any]], _Model]) -> _Model:
    """Make a model from what `write_numbers` wrote, its two files checked against each other.

    Args:
        version: the ``format`` that the numbers must have.
        build: the model of the numbers; what it raises where they are not as expected is the model's damage.

    Raises:
        ModelError: the model is missing, damaged or of another format.
    """
    path = folder / "model.json"
    read_verified(path, read_json(folder / "manifest.json").get("sha256"))
    content = read_json(path)
    if content.get("format") != version:
        raise ModelError(f"{path} is of another format than this version of nianbao reads", ADVICE)
    try:
        return build(content)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise ModelError(f"{path} is unreadable ({error})", ADVICE) from error


def _audit_archive(content: bytes, members: str, path: Path) -> None:
    """Refuse an archive by its directory, before anything is unpacked.

    Args:
        members: pattern of the names that may be in it.
        path: where the content is from, for the message.

    Raises:
        ModelError: it is no ZIP archive, would unpack to too much, or has a member of another name.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ModelError(f"{path} is no archive of a model", ADVICE) from error
    size = sum(member.file_size for member in inside)
    if len(inside) > _MOST_MEMBERS or size > _MOST_BYTES:
        raise ModelError(f"{path} unpacks to {len(inside)} files of {size} bytes: no model of nianbao", ADVICE)
    odd = [member.filename for member in inside if re.fullmatch(members, member.filename) is None]
    if odd:
        raise ModelError(f"{path} holds {odd[0]!r}, which no model of nianbao does", ADVICE)


def read_arrays(content: bytes, shapes: Mapping[str, tuple[int, ...]], path: Path) -> dict[str, NDArray[np.float32]]:
    """The arrays of an ``.npz``; headers are compared with ``shapes`` before memory is taken for what they promise.

    Raises:
        ModelError: it holds anything but finite numbers in arrays of these names and shapes.
    """
    _audit_archive(content, "|".join(re.escape(f"{name}.npy") for name in shapes), path)
    found = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name, shape in shapes.items():
                with archive.open(f"{name}.npy") as member:
                    if np.lib.format.read_magic(member) != (1, 0):
                        raise ValueError("another version of the format")
                    told, _, kind = np.lib.format.read_array_header_1_0(member)
                if told != shape or kind not in (np.dtype("<f2"), np.dtype("<f4")):
                    raise ValueError(f"{name} is {kind} {told}, not numbers {shape}")
                with archive.open(f"{name}.npy") as member:
                    found[name] = np.lib.format.read_array(member, allow_pickle=False).astype(np.float32)
    except (ValueError, KeyError, EOFError, OSError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise ModelError(f"{path} does not hold the weights of a model ({error})", ADVICE) from error
    if not all(np.isfinite(array).all() for array in found.values()):
        raise ModelError(f"{path} holds weights that are no numbers", ADVICE)
    return found
