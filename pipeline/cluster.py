"""Tasks on many machines, by dask.distributed (docs/decisions/0010-cluster.md says why that one).

The scheduler decides who gets which task, counts how many a machine may have at once (its threads), and gives the tasks
of a machine that was lost to others. A task that hangs in native code cannot be ended by any scheduler, only its
process can: so each thread of a machine hands its tasks to a process of its own, by the same `pipeline.workers.Pool`
that a run without a cluster uses, with the same limits and the same words for what went wrong.
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import pickle
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pipeline.errors import ClusterError, MissingDependencyError
from pipeline.workers import Answer, Limits, LostError, Pool

if TYPE_CHECKING:
    from distributed import Client, Future

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

_CONNECT_TIME = 20  # seconds
_PATIENCE = 60.0  # seconds without any machine before the run ends
_LOOK_EVERY = 1.0  # seconds between looks at how many machines there are
_PAUSE = 0.01  # seconds
_GO_ON = "What was read is kept: the same command goes on with the rest"


class Cluster(Generic[_Task, _Result]):
    """Runs tasks as `pipeline.workers.Pool` does, on the machines of a cluster; a context manager.

    Args:
        address: of the scheduler, as ``tcp://host:8786``.
        prepare, work, limits: as for the pool.

    Raises:
        MissingDependencyError: dask.distributed is not installed.
        ClusterError: there is no scheduler at the address.
    """

    def __init__(
        self, address: str, prepare: Callable[[], None], work: Callable[[_Task], _Result], limits: Limits
    ) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise MissingDependencyError(
                f"--cluster needs dask.distributed: {error}", "pip install 'nianbao[cluster]', also on its machines"
            ) from error
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it says of lost machines is told by ours
        self._address = address
        self._limits = limits
        self._job = pickle.dumps((prepare, work, limits))
        try:
            self._client: Client = Client(address, timeout=_CONNECT_TIME, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"no scheduler answers at {address}: {error}",
                "Start one with: dask scheduler; then dask worker ADDRESS",
            ) from error
        self._threads, self._looked, self._seen = 0, 0.0, time.monotonic()

    def __enter__(self) -> Cluster[_Task, _Result]:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def run(self, tasks: Iterator[_Task], stopping: Callable[[], bool]) -> Iterator[Answer[_Task, _Result]]:
        """As `pipeline.workers.Pool.run`.

        Raises:
            ClusterError: the scheduler was lost, or there was no machine for a minute.
            Exception: what ``prepare`` raised.
        """
        from distributed import as_completed

        waiting: dict[Future[Any], _Task] = {}
        ended = as_completed(loop=self._client.loop, with_results=True, raise_errors=False)
        more = True
        until = math.inf
        while (more or waiting) and time.monotonic() < until:
            if until == math.inf and stopping():
                until, more = time.monotonic() + self._limits.grace, False
            while more and len(waiting) < self._most():
                task = next(tasks, None)
                if task is None:
                    more = False
                    break
                future = self._client.submit(
                    _carry_out, self._job, pickle.dumps(task), key=f"nianbao-{uuid.uuid4().hex}", pure=False
                )
                waiting[future] = task
                ended.add(future)
            batch = ended.next_batch(block=False)
            for future, result in batch:
                yield self._answer(waiting.pop(future), future, result)
            if not batch:
                time.sleep(_PAUSE)
        if waiting:
            self._client.cancel(list(waiting), force=True)

    def _most(self) -> int:
        """How many tasks the scheduler may have at once: more would wait behind others that may take an hour."""
        now = time.monotonic()
        if now - self._looked > _LOOK_EVERY:
            self._looked = now
            try:
                self._threads = sum(self._client.nthreads().values())
            except OSError as error:
                raise self._lost() from error
            if self._threads:
                self._seen = now
            elif now - self._seen > _PATIENCE:
                raise ClusterError(f"the cluster at {self._address} has no machine", f"Start dask worker. {_GO_ON}")
        return self._threads

    def _answer(self, task: _Task, future: Future[Any], result: Any) -> Answer[_Task, _Result]:
        from distributed import KilledWorker

        if future.status == "finished":
            found, error = result
            return Answer(task, time.time(), found, error)
        if future.status != "error":
            raise self._lost()
        error = result[1]
        if isinstance(error, KilledWorker):
            error = LostError("crashed", "every machine that was to read it was lost")
        return Answer(task, time.time(), error=error)

    def _lost(self) -> ClusterError:
        return ClusterError(f"the scheduler at {self._address} was lost", _GO_ON)


# --------------------------------------------------------------------------- on the machines

_own = threading.local()


def _carry_out(job: bytes, task: bytes) -> tuple[Any, BaseException | None]:
    """The result of a task, or the error it ended with; its process stays for the next task of the same run."""
    from distributed import get_worker

    if multiprocessing.current_process().daemon:
        raise ClusterError(
            "the machines of the cluster may not start processes",
            "Start them with the setting DASK_DISTRIBUTED__WORKER__DAEMON=False in the environment",
        )
    if getattr(_own, "job", None) != job:
        _leave_job()
        prepare, work, limits = pickle.loads(job)
        _own.pool, _own.job = Pool(1, prepare, work, limits), job
    worker = get_worker()
    key = worker.get_current_task()

    def unwanted() -> bool:
        """Whether the run has ended, in whatever way."""
        known = worker.state.tasks.get(key)
        return known is None or known.state == "cancelled"

    for answer in _own.pool.run(iter([pickle.loads(task)]), unwanted):
        return answer.result, answer.error
    _leave_job()
    return None, None


def _leave_job() -> None:
    if getattr(_own, "pool", None) is not None:
        _own.pool.__exit__()
    _own.pool = _own.job = None
