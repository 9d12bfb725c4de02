"""The command line: one thin module per command, and one place that turns errors into messages and exit codes.

Modules of this package import nothing heavy before their command runs, so that ``nianbao --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from pipeline import __version__
from pipeline.commands import console, doctor, evaluate, explain, extract, forms, models, retrain, review, status, train
from pipeline.errors import ExitCode, NianbaoError

app = typer.Typer(
    name="nianbao",
    help="From scanned Chinese statutory annual reports to a validated dataset.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("extract")(extract.extract)
app.command("status")(status.status)
app.command("train")(train.train)
app.command("retrain")(retrain.retrain)
app.command("evaluate")(evaluate.evaluate)
app.command("explain")(explain.explain)
app.add_typer(models.app, name="models")
app.add_typer(review.app, name="review")
app.add_typer(forms.app, name="forms")
app.command("doctor")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.write(f"nianbao {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    home: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with models/ of your own (or set NIANBAO_HOME)."),
    ] = None,
) -> None:
    if home is not None:  # in the environment, so that the processes that read documents know it too
        os.environ["NIANBAO_HOME"] = str(home.absolute())


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        app(prog_name="nianbao")
    except NianbaoError as error:
        console.complain(error.cause, error.advice)
        sys.exit(error.exit_code)
    except SystemExit as error:
        if error.code == ExitCode.INTERRUPTED:
            console.complain("interrupted", "Tables are unchanged; the same command reads what is left")
        raise
    except Exception:  # noqa: BLE001 - the outermost place: a fault of the program must not look like failed documents
        traceback.print_exc()
        sys.exit(ExitCode.OTHER)
