"""Everything that is to be done before the tables can be written, done by processes that may be lost."""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pipeline import locations
from pipeline.documents import InputFile
from pipeline.domain import Failure
from pipeline.errors import NianbaoError, OutputError, TerminatedError
from pipeline.ledger import Outcome
from pipeline.run.plan import Action, Plan, Step
from pipeline.run.tasks import ADVICE, Done, Stages, Task, carry_out, prepare, prepare_there
from pipeline.workers import Answer, Limits, LostError, Pool, Runner

_log = logging.getLogger(__name__)
_MOST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Event:
    """One document is done with.

    Attributes:
        status: read, partial (some pages failed), failed, or known (from before, or from a file of the same content).
        sha256: of its content; None where it could not be opened.
        pages: number of its pages that were read.
        seconds: that reading it took.
        done: documents done with so far, this one included.
        failed: those of them that have failures.
        read: pages read so far in this run.
    """

    source: str
    status: str
    sha256: str | None
    pages: int
    seconds: float
    failures: tuple[Failure, ...]
    done: int
    total: int
    failed: int
    read: int


class Work:
    """What is to be done by a plan, and what came of it so far.

    Args:
        tell: called after each document.
        cluster: address of the cluster that reads; without one, processes of this machine do.
    """

    def __init__(
        self, plan: Plan, stages: Stages, tell: Callable[[Event], None] | None = None, cluster: str | None = None
    ) -> None:
        self._plan = plan
        self._state = plan.state
        self._stages = stages
        self._tell = tell
        self._cluster = cluster
        self._done: set[int] = set()
        self._total = self._failed = 0
        self.read = self.pages = self.left = 0
        self.first_ready = math.inf

    def read_all(self, found: Sequence[InputFile], jobs: int, limits: Limits) -> None:
        """Read what has to be read, and assemble what has to be assembled.

        Raises:
            KeyboardInterrupt, NianbaoError: as `pipeline.run.run` says.
        """
        every = zip(found, self._state.known_contents(found), strict=True)
        own = [(each, sha256) for each, sha256 in every if sha256 is None or self._plan.shard.holds(sha256)]
        self.left = len(found) - len(own)
        found, contents = [each for each, _ in own], [sha256 for _, sha256 in own]
        self._state.take_inputs(found, contents)
        self._total = len(found)
        # The largest first: else one process may be left with a long document when all others have ended.
        sizes = [each.size() if sha256 is None else 0 for each, sha256 in own]
        waiting: Sequence[int] = sorted(range(len(found)), key=sizes.__getitem__, reverse=True)
        for _ in range(_MOST_ROUNDS):
            self._carry_out(partial(self._to_do, waiting, found, contents), min(jobs, len(waiting)), limits, True)
            # A file that changed between two looks leaves those behind that had the content it had at first.
            waiting = self._state.unsettled()
            if not waiting:
                return
        raise RuntimeError(f"{len(waiting)} of {len(found)} documents have no outcome")

    def assemble_all(self, jobs: int) -> None:
        """Assemble what was read, where its rows are of another state than the present one."""
        tasks = [
            self._task(Step(position, entry.document, Action.ASSEMBLE, "", entry.sha256, known=entry.outcome))
            for position, entry in enumerate(self._state.entries(once=True))
            if entry.outcome is not None and not self._plan.is_assembled(entry.outcome)
        ]
        if tasks:
            self._carry_out(lambda _: iter(tasks), min(jobs, len(tasks)), Limits(), False)

    def _carry_out(
        self, tasks: Callable[[Callable[[], bool]], Iterator[Task]], processes: int, limits: Limits, reads: bool
    ) -> None:
        with _stoppable() as stopping:
            with self._runner(processes, limits, reads) as runner:
                for answer in runner.run(tasks(stopping), stopping):
                    self._settle(answer)
            stopping.heed()

    def _runner(self, processes: int, limits: Limits, reads: bool) -> Runner[Task, Done]:
        plan = self._plan
        if self._cluster is None:
            return Pool(processes, partial(prepare, self._stages, plan.settings, reads), carry_out, limits)
        from pipeline.cluster import Cluster

        there = partial(prepare_there, self._stages, plan.settings, plan.reading, plan.assembly)
        return Cluster(self._cluster, there, carry_out, limits)

    def _to_do(
        self,
        chosen: Sequence[int],
        found: Sequence[InputFile],
        contents: Sequence[str | None],
        stopping: Callable[[], bool],
    ) -> Iterator[Task]:
        """The tasks; what is known or cannot be opened is settled on the way."""
        for step in self._plan.steps(chosen, found, contents, stopping):
            if step.looked and step.sha256 is not None:
                self._state.identify(step.position, step.document, step.sha256, step.before)
            if step.action in (Action.READ, Action.ASSEMBLE):
                yield self._task(step)
                continue
            if step.action is Action.LEAVE:
                self._state.leave(step.position)
                self.left += 1
                self._total -= 1
                continue
            if step.failure is not None:
                self._state.fail_input(step.position, step.failure)
            failures = (
                (step.failure,) if step.failure is not None else () if step.known is None else step.known.failures
            )
            status = "known" if step.failure is None else "failed"
            pages = 0 if step.known is None else step.known.pages
            self._advance(step.position, step.document, status, step.sha256, pages, 0.0, failures)

    def _task(self, step: Step) -> Task:
        known = step.known if step.action is Action.ASSEMBLE else None
        plan = self._plan
        document = replace(step.document, path=locations.absolute(step.document.path))  # others work in other folders
        return Task(
            *(step.position, document, step.sha256 or "", known, self._state.store, plan.settings),
            *(plan.reading, plan.assembly, self._stages, plan.said_of(step.sha256 or "")),
        )

    def _settle(self, answer: Answer[Task, Done]) -> None:
        """Note what came of a task; whatever became of its process is an outcome of that document.

        Raises:
            NianbaoError: something is wrong that concerns every document.
        """
        task, outcome = answer.task, answer.result
        if isinstance(answer.error, NianbaoError):
            raise answer.error
        if outcome is None:
            failure = _failure(task, answer.error)
            outcome = Outcome(task.sha256, self._plan.reading, 0, 0.0, answer.ended, (failure,), 0)
        if isinstance(outcome, Failure):
            self._state.fail_input(task.position, outcome)
            self._advance(task.position, task.document, "failed", None, 0, 0.0, (outcome,))
            return
        if outcome.sha256 != task.sha256:
            self._state.identify(task.position, task.document, outcome.sha256, None)
        if not self._state.is_whole(outcome):
            raise OutputError(
                f"what was read in {task.document.source} is not in {self._state.out}",
                "The machines of a cluster and this one need a folder that they share, or a place for all with --store",
            )
        self._state.settle(outcome)
        if task.known is None:
            self.read += 1
            self.pages += outcome.pages
            self.first_ready = min(self.first_ready, answer.ended - outcome.seconds)
        status = "read" if not outcome.failures else "partial" if outcome.size else "failed"
        self._advance(
            task.position, task.document, status, outcome.sha256, outcome.pages, outcome.seconds, outcome.failures
        )

    def _advance(
        self,
        position: int,
        document: InputFile,
        status: str,
        sha256: str | None,
        pages: int,
        seconds: float,
        failures: tuple[Failure, ...],
    ) -> None:
        if position not in self._done:
            self._done.add(position)
            self._failed += bool(failures)
        if self._tell is not None:
            self._tell(
                Event(
                    *(document.source, status, sha256, pages, seconds, failures),
                    *(len(self._done), self._total, self._failed, self.pages),
                )
            )


def _failure(task: Task, error: BaseException | None) -> Failure:
    if isinstance(error, LostError):
        return Failure(None, str(error), ADVICE[error.kind], error.kind)
    _log.error("%s: unexpected error", task.document.source, exc_info=error)
    cause = f"an unexpected error: {type(error).__name__}: {error}"
    return Failure(
        None, cause, "This is a fault of nianbao; please report it with the message on standard error", "fault"
    )


class _Stop:
    """Whether somebody wants the run to end, and how."""

    def __init__(self) -> None:
        self._signal = 0

    def __call__(self) -> bool:
        return self._signal != 0

    def ask(self, number: int, frame: object) -> None:
        """What a signal does: the first one only asks, the second one interrupts at once."""
        if self._signal:
            raise KeyboardInterrupt
        self._signal = number

    def heed(self) -> None:
        """End as was asked, if it was.

        Raises:
            KeyboardInterrupt: by Ctrl-C.
            TerminatedError: by SIGTERM.
        """
        if self._signal == signal.SIGTERM:
            raise TerminatedError("ended by SIGTERM", "Tables are unchanged; the same command reads what is left")
        if self._signal:
            raise KeyboardInterrupt


@contextlib.contextmanager
def _stoppable() -> Iterator[_Stop]:
    """Within the block the first Ctrl-C or SIGTERM only asks to stop."""
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():  # only there signals arrive
        yield stop
        return
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
