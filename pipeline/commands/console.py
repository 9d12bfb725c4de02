"""What the commands print: data on standard output; progress, summaries and complaints on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence

import typer

from pipeline.errors import ExitCode


def write(text: str) -> None:
    """Write data to standard output; when nobody reads it any more, leave quietly.

    Raises:
        typer.Exit: standard output was closed.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        # What is left in the buffer must not be tried again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.CLOSED_PIPE) from error


def complain(cause: str, advice: str = "") -> None:
    """Say on standard error what is wrong and what to do."""
    text = f"nianbao: {cause}"
    print(f"{text}\n  {advice}" if advice else text, file=sys.stderr)


def note(text: str) -> None:
    """Say on standard error what was done."""
    print(text, file=sys.stderr)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], to_stdout: bool) -> None:
    """Print a table; all columns but the first are aligned to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False)
    for number, name in enumerate(columns):
        made.add_column(name, justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        made.add_row(*map(Text, row))
    screen = Console(stderr=not to_stdout, highlight=False)
    if not screen.is_terminal:
        screen.width = 160  # a file or a pipe has no edge to wrap at
    with screen.capture() as captured:
        screen.print(made)
    text = captured.get()
    if to_stdout:
        write(text)
    else:
        sys.stderr.write(text)


@contextlib.contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[int, int, int], None] | None]:
    """A bar with rate and remaining time where somebody looks: on a terminal and not when quiet.

    Yields:
        What is to be called with the documents done, all documents and the pages read; None where there is no bar.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("documents, {task.fields[pages]} pages, {task.fields[rate]:.2f} pages/s,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=None, pages=0, rate=0.0)

        def advance(done: int, total: int, pages: int) -> None:
            elapsed = progress.tasks[0].elapsed
            progress.update(task, completed=done, total=total, pages=pages, rate=pages / elapsed if elapsed else 0.0)

        yield advance
