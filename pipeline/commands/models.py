"""``nianbao models``: which models there are, which is in use, and how two of them compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import typer

from pipeline.commands import console
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.model_store import StoredModel
    from pipeline.retrain.comparison import Comparison

app = typer.Typer(help="List the models, choose one, or compare two.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_models() -> None:
    """List the models: kind, name, `in use` or `-`, `shipped` or `own`, and folder, separated by tabs."""
    from pipeline import model_store

    for model in model_store.models():
        state = "in use" if model.in_use else "-"
        origin = "shipped" if model.shipped else "own"
        console.write(f"{model.kind}\t{model.folder.name}\t{state}\t{origin}\t{model.folder}\n")


@app.command("use")
def use(name: str = typer.Argument(metavar="NAME", help="As `nianbao models list` has it; may be shortened.")) -> None:
    """Use a model from now on; one that is damaged or was tampered with is refused and nothing changes."""
    from pipeline import model_store
    from pipeline.retrain.kinds import verify

    model = model_store.find(name)
    verify(model.folder)
    model_store.use(model)
    console.write(f"{model.kind}: {model_store.current(model.kind)} is in use\n")


@app.command("compare")
def compare(
    before: str = typer.Argument(metavar="OLD", help="Name of a model; may be shortened."),
    after: str = typer.Argument(metavar="NEW", help="Name of another model of its kind."),
) -> None:
    """Compare two models of a kind.

    Label classifiers are measured on the held-out labels, by category; of other kinds the figures that were measured
    when they were made are put side by side.
    """
    from pipeline import model_store
    from pipeline.labels import artefact
    from pipeline.retrain.kinds import verify

    old, new = model_store.find(before), model_store.find(after)
    if old.kind != new.kind:
        raise UsageError(f"{before} is a {_words(old)}, {after} a {_words(new)}", "Compare two models of a kind")
    if old.kind != artefact.MODEL:
        verify(old.folder)
        verify(new.folder)
        figures = [dict(_figures(model_store.read_json(m.folder / "metrics.json"))) for m in (old, new)]
        names = [name for name in figures[0] if name in figures[1]]
        rows = [(name, figures[0][name], figures[1][name]) for name in names]
        console.table(("", old.folder.name, new.folder.name), rows, to_stdout=True)
        return
    from pipeline.labels.classifier import LabelClassifier
    from pipeline.labels.dataset import read_labels
    from pipeline.retrain import comparison

    held_out = [e for e in read_labels(model_store.shipped_training_data() / "labels.csv") if e.split == "test"]
    loaded = [LabelClassifier.load(model.folder) for model in (old, new)]
    show_comparison(comparison.compare(loaded[0], loaded[1], {"held out": held_out}))


def show_comparison(made: Comparison) -> None:
    """Print a comparison as a table on standard output."""
    rows = [
        (c.name, str(c.labels), str(c.before), str(c.after), str(c.lost), str(c.gained), _verdict(c.worse, c.chance))
        for c in made.categories
    ]
    console.table(("labels", "number", "right before", "right after", "lost", "gained", ""), rows, to_stdout=True)
    state = " WORSE beyond noise" if made.miscalibrated else ""
    console.write(f"calibration error {made.error_before:.4f} before, {made.error_after:.4f} after{state}\n")


def _verdict(worse: bool, chance: float) -> str:
    return f"WORSE beyond noise (p = {chance:.2g})" if worse else ""


def _words(model: StoredModel) -> str:
    return model.kind.replace("_", " ")


def _figures(metrics: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in metrics.items():
        if isinstance(value, int | float):
            yield name, f"{value:g}"
