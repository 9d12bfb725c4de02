"""``nianbao doctor``: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

import typer

from pipeline import __version__
from pipeline.commands import console
from pipeline.errors import ExitCode, NianbaoError
from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what it is.
        state: what was found, in words.
        cure: what to do about it, empty where all is well.
        needed: whether nothing can be read without it.
    """

    name: str
    state: str
    cure: str = ""
    needed: bool = True


def doctor() -> None:
    """Tell what is installed, what is missing and how to get it.

    The exit code is 3 when something is missing without which nothing can be read.
    """
    broken = False
    for check in checks():
        mark = "ok" if not check.cure else "MISSING" if check.needed else "missing"
        console.write(f"{mark:8}{check.name}: {check.state}\n")
        if check.cure:
            console.write(f"{'':8}-> {check.cure}\n")
        broken = broken or bool(check.cure and check.needed)
    if broken:
        raise typer.Exit(ExitCode.MISSING_DEPENDENCY)


def checks() -> Iterator[Check]:
    """Look at everything in turn."""
    yield Check("nianbao", f"{__version__} on Python {platform.python_version()}, {platform.platform()}")
    yield from _packages()
    yield from opencv()
    yield from _engines()
    yield from _models()


def _packages() -> Iterator[Check]:
    try:
        requirements = metadata.requires("nianbao") or []
    except metadata.PackageNotFoundError:
        yield Check("packages", "nianbao itself is not installed, only lying here", "Run scripts/setup", needed=False)
        return
    for requirement in sorted(requirements, key=str.lower):
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            yield Check(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check(name, "not installed", f"pip install '{requirement}'")


def opencv() -> Iterator[Check]:
    """All variants of OpenCV write the same folder: with two of them, or after one was removed, it is half another."""
    found = sorted({str(each.name) for each in metadata.distributions() if _is_opencv(each)})
    cure = "pip uninstall -y {} && pip install --force-reinstall opencv-python-headless".format(" ".join(found))
    if len(found) != 1:
        state = f"{len(found)} distributions ({', '.join(found) or 'none'}), there must be one"
        yield Check("OpenCV", state, cure if found else "pip install opencv-python-headless")
        return
    import cv2

    version = getattr(cv2, "__version__", None)
    if version is None:
        yield Check("OpenCV", f"{found[0]} is damaged", cure)
        return
    yield Check("OpenCV", f"{found[0]} gives {version}, and is the only one")


def _is_opencv(distribution: metadata.Distribution) -> bool:
    return (distribution.name or "").lower().replace("_", "-").startswith("opencv-")


def _engines() -> Iterator[Check]:
    from pipeline.ocr import availability, engine_names, load_engine

    chosen = Settings().ocr
    for name in engine_names():
        reason = availability(name)
        if reason is None:
            state = load_engine(name).version()
        yield Check(
            f"text engine {name}{' (the default)' if name == chosen else ''}",
            state if reason is None else "cannot be used",
            reason or "",
            needed=name == chosen,
        )


def _models() -> Iterator[Check]:
    """Load each model, which verifies it against its manifest."""
    from pipeline import model_store
    from pipeline.retrain.kinds import KINDS, verify

    for kind in KINDS:
        name = f"model {kind.replace('_', ' ')}"
        try:
            folder = model_store.current(kind)
            verify(folder)
        except NianbaoError as error:
            yield Check(name, error.cause, error.advice or "Run `nianbao train` or install nianbao again")
        else:
            yield Check(name, f"found and verified: {folder}")
