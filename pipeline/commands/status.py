"""``nianbao status``: how far a run is, during it and afterwards."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands import console

_LAST = 200  # documents from which the pace is taken


def status(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder that `nianbao extract` was given with -o.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell how many documents are read, failed and waiting, how fast it goes and how long the rest takes."""
    found = _status(out)
    if as_json:
        console.write(json.dumps(found, ensure_ascii=False) + "\n")
        return
    rows = [
        (name.removeprefix("seconds_").replace("_", " "), _in_words(name, value))
        for name, value in found.items()
        if name != "failures"
    ]
    rows.extend((f"failures: {kind}", f"{number:,}") for kind, number in found["failures"].items())
    console.table(("", str(out)), rows, to_stdout=True)


def _status(out: Path) -> dict[str, Any]:
    from pipeline import ledger

    with ledger.look(out) as state:
        tally = state.tally(state.fact("reading") or "")
        began, ended = state.fact("began"), state.fact("ended")
        pace = state.pace(began or 0.0, _LAST)
    holder = ledger.holder(out)
    running = holder is not None and ended is None
    left = None
    if running and pace is not None and pace[2] > 0:
        left = tally.waiting * pace[2] / pace[0]
    return {
        "state": "running" if running else "finished" if ended is not None else "stopped",
        "holder": holder,
        "documents": tally.documents,
        "wholly_read": tally.read,
        "partly_read": tally.partial,
        "not_read": tally.failed,
        "waiting": tally.waiting,
        "pages": tally.pages,
        "pages_per_second": round(pace[1] / pace[2], 3) if pace is not None and pace[2] > 0 else None,
        "seconds_since_start": round((ended or time.time()) - began, 1) if began else None,
        "seconds_left": None if left is None else round(left, 1),
        "failures": tally.kinds,
    }


def _in_words(name: str, value: object) -> str:
    if value is None:
        return "-"
    if name.startswith("seconds") and isinstance(value, float):
        return console.duration(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
