"""Processes that do one task at a time and may be lost: what kills one costs the task it had in hand, and no other.

The parent hands out the next task when a process has answered, so it always knows who has what. A process that dies,
takes too long or too much memory is replaced. Why not a pool of the standard library: one killed process loses
everything that waits there. Linux tells how much memory a process has; elsewhere memory is not watched.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import logging
import math
import multiprocessing
import os
import pickle
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pipeline.errors import NianbaoError

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

_PR_SET_PDEATHSIG = 1
_LOOK_EVERY = 0.1  # seconds between looks at time and memory
_MOST_FALSE_STARTS = 3
_LEAVE_TIME = 1.0  # seconds for idle processes to end by themselves
_GROWN = 640  # MB of resident memory above which a process is replaced after its task; fresh ones have about 300
_PAGE = resource.getpagesize()
_THREAD_LIMITS = (
    *("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    "OPENCV_FOR_THREADS_NUM",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one task may cost.

    Attributes:
        seconds: wall time for a task; None for no limit.
        megabytes: resident memory of a process at a task; None for no limit.
        grace: seconds for tasks in hand once the user interrupts.
    """

    seconds: float | None = None
    megabytes: int | None = None
    grace: float = 5.0


class LostError(Exception):
    """The process ended, or was ended, before it had an answer.

    Attributes:
        kind: crashed, timeout or memory.
    """

    def __init__(self, kind: str, cause: str) -> None:
        super().__init__(cause)
        self.kind = kind

    def __reduce__(self) -> tuple[type[LostError], tuple[str, str]]:
        return (type(self), (self.kind, str(self)))


@dataclass(frozen=True, slots=True)
class Answer(Generic[_Task, _Result]):
    """What became of a task: a result, or the error that it ended with, and when, in seconds of the wall clock."""

    task: _Task
    ended: float
    result: _Result | None = None
    error: BaseException | None = None


class Runner(Protocol[_Task, _Result]):
    """What runs tasks somewhere; a context manager, of which nothing that costs other runs outlives the block."""

    def __enter__(self) -> Runner[_Task, _Result]: ...

    def __exit__(self, *error: object) -> None: ...

    def run(self, tasks: Iterator[_Task], stopping: Callable[[], bool]) -> Iterator[Answer[_Task, _Result]]:
        """Answers in the order in which tasks end, one for each task that was begun.

        A task whose process was lost is tried once more before its answer is a `LostError`.

        Args:
            tasks: taken from the iterator when there is room for one.
            stopping: asked again and again; once it says so no further task is begun, and those in hand have
                `Limits.grace` seconds to end.
        """
        ...


class _Worker:
    """One process and the task it has in hand."""

    def __init__(self, context: SpawnContext, prepare: Callable[[], None], work: Callable[[Any], Any]) -> None:
        self.pipe, other = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=_serve, args=(other, os.getpid(), prepare, work), name="nianbao-reader", daemon=True
        )
        self.process.start()
        other.close()
        self.ready = False
        self.task: Any = None
        self.began = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid or 0

    def megabytes(self) -> int:
        """Resident memory; 0 where the system does not tell."""
        try:
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE >> 20
        except (OSError, IndexError, ValueError):
            return 0

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        self.process.join()
        self.pipe.close()

    def dismiss(self) -> None:
        """Let an idle process end by itself, so that it can put its things in order."""
        with contextlib.suppress(OSError):
            self.pipe.send(None)


class Pool(Generic[_Task, _Result]):
    """Runs tasks in processes of their own; a context manager. Nothing of it outlives the block, or the parent.

    Args:
        processes: how many, at least 1.
        prepare: run once in every process before it gets tasks; importable by name. What it raises ends everything.
        work: does one task; importable by name. What it raises is the task's answer.
        limits: what one task may cost.
    """

    def __init__(
        self, processes: int, prepare: Callable[[], None], work: Callable[[_Task], _Result], limits: Limits
    ) -> None:
        for name in _THREAD_LIMITS:  # inherited by the processes; more threads only get in each other's way
            os.environ.setdefault(name, "1")
        self._processes = processes
        self._prepare = prepare
        self._work = work
        self._limits = limits
        self._context = multiprocessing.get_context("spawn")  # a fork would inherit locks held by other threads
        self._workers: list[_Worker] = []
        self._false_starts = 0

    def __enter__(self) -> Pool[_Task, _Result]:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def _end(self) -> None:
        idle = [worker for worker in self._workers if worker.ready and worker.task is None]
        for worker in idle:
            worker.dismiss()
        until = time.monotonic() + _LEAVE_TIME
        for worker in idle:
            worker.process.join(max(0.0, until - time.monotonic()))
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    def run(self, tasks: Iterator[_Task], stopping: Callable[[], bool]) -> Iterator[Answer[_Task, _Result]]:
        """As `Runner.run` says; a task whose process was lost is tried once more alone, after all others.

        Raises:
            Exception: what `prepare` raised.
        """
        lost: list[_Task] = []
        for answer in self._run(tasks, stopping, self._processes):
            if isinstance(answer.error, LostError):
                lost.append(answer.task)
            else:
                yield answer
        for task in lost:  # alone: it may have been the fault of what ran beside it
            self._end()
            yield from self._run(iter([task]), stopping, 1)

    def _run(
        self, tasks: Iterator[_Task], stopping: Callable[[], bool], processes: int
    ) -> Iterator[Answer[_Task, _Result]]:
        upcoming: _Task | None = next(tasks, None)
        until = math.inf
        while (upcoming is not None or any(worker.task is not None for worker in self._workers)) and (
            time.monotonic() < until
        ):
            if until == math.inf and stopping():
                until, upcoming = time.monotonic() + self._limits.grace, None
            if upcoming is not None:
                upcoming = self._hand_out(upcoming, tasks, processes)
            yield from self._collect()

    def _hand_out(self, upcoming: _Task, tasks: Iterator[_Task], processes: int) -> _Task | None:
        waiting: _Task | None = upcoming
        while len(self._workers) < processes:
            self._workers.append(_Worker(self._context, self._prepare, self._work))
        for worker in self._workers:
            if worker.ready and worker.task is None and waiting is not None:
                worker.task, worker.began = waiting, time.monotonic()
                with contextlib.suppress(OSError):  # it has died meanwhile, which is noticed when its answer is awaited
                    worker.pipe.send(waiting)
                waiting = next(tasks, None)
        return waiting

    def _collect(self) -> Iterator[Answer[_Task, _Result]]:
        """Wait a moment, and give what was answered and what was lost meanwhile."""
        if all(worker.ready and worker.task is None for worker in self._workers):
            return
        told = wait([worker.pipe for worker in self._workers], _LOOK_EVERY)
        for worker in list(self._workers):
            if worker.pipe in told:
                yield from self._listen(worker)
            elif worker.task is not None and (lost := self._beyond_limits(worker)) is not None:
                yield self._lose(worker, lost)

    def _listen(self, worker: _Worker) -> Iterator[Answer[_Task, _Result]]:
        try:
            result, error = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._died(worker)
            return
        if not worker.ready:
            if error is not None:
                raise error
            worker.ready, self._false_starts = True, 0
            return
        answer = Answer(worker.task, time.time(), result, error)
        worker.task = None
        if worker.megabytes() > _GROWN:
            self._workers.remove(worker)
            worker.kill()
        yield answer

    def _died(self, worker: _Worker) -> Iterator[Answer[_Task, _Result]]:
        if worker.task is not None:
            worker.process.join()
            how = _how_it_ended(worker.process.exitcode or 0)
            yield self._lose(worker, LostError("crashed", f"the process that read it ended early ({how})"))
            return
        self._workers.remove(worker)
        worker.kill()
        self._false_starts += 1
        if self._false_starts >= _MOST_FALSE_STARTS:
            how = _how_it_ended(worker.process.exitcode or 0)
            raise RuntimeError(f"processes for reading end before they are ready ({how})")

    def _beyond_limits(self, worker: _Worker) -> LostError | None:
        seconds, megabytes = self._limits.seconds, self._limits.megabytes
        if seconds is not None and time.monotonic() - worker.began > seconds:
            return LostError("timeout", f"reading it took longer than {seconds:g} seconds")
        if megabytes is not None and worker.megabytes() > megabytes:
            return LostError("memory", f"reading it took more than {megabytes} MB of memory")
        return None

    def _lose(self, worker: _Worker, error: LostError) -> Answer[_Task, _Result]:
        self._workers.remove(worker)
        worker.kill()
        return Answer(worker.task, time.time(), error=error)


def _how_it_ended(exitcode: int) -> str:
    if exitcode >= 0:
        return f"exit code {exitcode}"
    try:
        return signal.Signals(-exitcode).name
    except ValueError:
        return f"signal {-exitcode}"


# --------------------------------------------------------------------------- in the process


def _serve(pipe: Connection, parent: int, prepare: Callable[[], None], work: Callable[[Any], Any]) -> None:
    _settle_in(parent)
    error = _failure_of(prepare)
    pipe.send((None, error))
    if error is not None:
        return
    while (task := pipe.recv()) is not None:
        try:
            answer: tuple[Any, BaseException | None] = (work(task), None)
        except Exception as raised:  # noqa: BLE001 - the outermost place of a task: whatever it is, it is the answer
            answer = (None, _sendable(raised))
        pipe.send(answer)


def _failure_of(prepare: Callable[[], None]) -> BaseException | None:
    try:
        prepare()
    except Exception as raised:  # noqa: BLE001 - told to the parent, which ends everything with it
        return _sendable(raised)
    return None


def _sendable(error: Exception) -> Exception:
    """The error as it can go to another process: with its traceback as text."""
    told = "".join(traceback.format_exception(error))
    try:
        again = pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever an error of a library cannot bear, its text can be told
        return RuntimeError(told)
    if isinstance(again, Exception) and not isinstance(again, NianbaoError):
        error.add_note(told)
    return error


def _settle_in(parent: int) -> None:
    """End with the parent, however it ends; leave standard output to it, and standard error to what matters.

    Ctrl-C reaches all processes of a terminal; the parent decides what becomes of tasks in hand. Libraries in C write
    warnings about damaged files to both streams; what is wrong is told by the failures. Errors that are logged, and the
    place of a crash, still come through.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    faulthandler.enable(sys.stderr)
    logging.basicConfig(level=logging.ERROR, format="nianbao: %(message)s")
