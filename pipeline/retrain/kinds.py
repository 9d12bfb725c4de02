"""The kinds of models nianbao knows, and how each is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline import model_store
from pipeline.confidence import model as confidence
from pipeline.errors import ModelError
from pipeline.labels import artefact
from pipeline.ocr import calibration, numerals, recogniser

KINDS: dict[str, Callable[[Path], object]] = {
    artefact.MODEL: artefact.load_model,
    numerals.MODEL: numerals.NumeralReader.load_from,
    calibration.MODEL: calibration.load_from,
    confidence.MODEL: confidence.load_from,
    recogniser.MODEL: recogniser.load_quick,
}
"""Each kind by the name of its folder, with what loads a model of it."""


def verify(folder: Path) -> None:
    """Load a model as a run would, so that what cannot be used is found before it is in use.

    Args:
        folder: of the model; the folder it lies in names its kind.

    Raises:
        ModelError: it is damaged, was tampered with, or is of no kind that nianbao knows.
    """
    load = KINDS.get(folder.parent.name)
    if load is None:
        raise ModelError(f"{folder.parent.name} is no kind of model: {', '.join(KINDS)}", model_store.ADVICE)
    load(folder)
