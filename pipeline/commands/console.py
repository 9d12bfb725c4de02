"""What the commands print: data on standard output; progress, summaries and complaints on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from pipeline.errors import ExitCode

if TYPE_CHECKING:
    from pipeline.run import Event

_EVERY = 30.0  # seconds between two lines about progress where there is no terminal


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


class Meter:
    """How fast documents are done with, from those of the last two minutes, and how long the rest takes at that."""

    _LAST = 120.0

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int, int]] = deque()

    def add(self, when: float, done: int, pages: int) -> None:
        """Take note of the documents done with and the pages read so far, at a time in seconds."""
        self._marks.append((when, done, pages))
        while when - self._marks[0][0] > self._LAST and len(self._marks) > 2:
            self._marks.popleft()

    def pages_per_second(self) -> float:
        """Pages read a second; 0 while nothing is known."""
        (first, _, before), (last, _, after) = self._marks[0], self._marks[-1]
        return (after - before) / (last - first) if last > first else 0.0

    def left(self, total: int) -> float | None:
        """Seconds until ``total`` documents are done with, None while nothing is known."""
        (first, before, _), (last, after, _) = self._marks[0], self._marks[-1]
        return (total - after) * (last - first) / (after - before) if last > first and after > before else None


def duration(seconds: float | None) -> str:
    """A time in words: "45 s", "12 min", "3 h 20 min"; "unknown" for None."""
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@contextlib.contextmanager
def progress(quiet: bool) -> Iterator[Callable[[Event], None] | None]:
    """Tell how far a run is: with a bar on a terminal, else with a line now and then; not at all when quiet.

    Yields:
        What is to be called after each document.
    """
    if quiet:
        yield None
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bar() as advance:
            yield advance
    else:
        yield _lines()


def _told(event: Event, meter: Meter) -> str:
    meter.add(time.monotonic(), event.done, event.read)
    return (
        f"{event.done:,} of {event.total:,} documents, {event.failed:,} with failures, {event.read:,} pages read, "
        f"{meter.pages_per_second():.2f} pages/s, {duration(meter.left(event.total))} left"
    )


def _lines() -> Callable[[Event], None]:
    meter = Meter()
    next_line = time.monotonic() + _EVERY

    def advance(event: Event) -> None:
        nonlocal next_line
        text = _told(event, meter)
        if time.monotonic() >= next_line:
            next_line = time.monotonic() + _EVERY
            note(f"nianbao: {text}")

    return advance


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[Event], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    meter = Meter()
    columns = (BarColumn(bar_width=20), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def advance(event: Event) -> None:
            bar.update(task, completed=event.done, total=event.total, description=_told(event, meter))

        yield advance
