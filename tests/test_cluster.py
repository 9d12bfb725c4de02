"""Many machines: what a cluster reads is what one machine reads, also when machines are lost meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ClusterError, OutputError
from pipeline.run import Event, RunSummary, run
from pipeline.settings import Settings
from pipeline.spreadsheet import read
from pipeline.workers import Limits
from tests import readers

pytestmark = pytest.mark.xdist_group("cluster")  # one cluster for all tests of this file


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster") / "counted"


@pytest.fixture(scope="module")
def cluster(counted: Path) -> Iterator[Any]:
    """Four processes of dask.distributed, each with a nanny that starts another when it is lost."""
    import dask
    from distributed import LocalCluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(readers.COUNTED, str(counted))
        patch.setenv("PYTHONPATH", os.getcwd())
        with (
            dask.config.set({"distributed.worker.daemon": False}),
            LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=":0", silence_logs=60) as found,
        ):
            yield found


def go(inputs: Path, out: Path, cluster: Any = None, tell: Any = None) -> RunSummary:
    address = None if cluster is None else cluster.scheduler_address
    return run([str(inputs)], out, Settings(), 2, Limits(2), tell, readers.STAGES, cluster=address)


def tables(out: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in out.glob("*.csv")}
    assert len(found) == 6
    return found


def scans(folder: Path, *contents: str) -> Path:
    folder.mkdir()
    for number, content in enumerate(contents):
        (folder / f"{number:02}.png").write_text(content)
    return folder


def test_machines_that_are_killed_lose_nothing_and_read_nothing_twice_but_what_they_had_in_hand(
    tmp_path: Path, cluster: Any, counted: Path
) -> None:
    from distributed import Client

    kinds = ["slow 0.1{n}", "fine {n}", "torn-page", "doubtful 0.{n}", "damaged", "", "slow 0.2{n}"]
    contents = [kinds[n % len(kinds)].format(n=n) for n in range(70)]
    hopeless = ["crash", "hang", "bug", f"crash-once {tmp_path / 'mark'}"]  # tried twice, if they end the process
    inputs = scans(tmp_path / "in", *contents, *hopeless)
    counted.write_text("")
    victims: list[int] = []

    def kill_two(event: Event) -> None:
        if event.done >= 20 and not victims:
            with Client(cluster.scheduler_address, set_as_default=False) as client:
                victims.extend(list(client.run(os.getpid).values())[:2])
            for pid in victims:
                os.kill(pid, signal.SIGKILL)

    summary = go(inputs, tmp_path / "out", cluster, kill_two)
    assert len(victims) == 2
    assert (summary.documents, summary.read) == (74, len({each for each in contents if each}) + 4)
    times = Counter(counted.read_text().splitlines())
    assert len(times) == summary.read
    again = sum(number - 1 for source, number in times.items() if source < "70.png")
    assert again <= 4  # what two machines had in hand, or answers that were on their way
    go(inputs, tmp_path / "out", cluster)
    assert Counter(counted.read_text().splitlines()) == times
    (tmp_path / "mark").unlink()
    go(inputs, tmp_path / "local")
    assert tables(tmp_path / "out") == tables(tmp_path / "local")
    causes = {row["source"]: row["cause"] for row in read(tmp_path / "out" / "failures.csv", ["source", "cause"])}
    assert causes["70.png"] == "the process that read it ended early (SIGKILL)"
    assert causes["71.png"] == "reading it took longer than 2 seconds"
    assert "73.png" not in causes


def test_what_concerns_every_document_ends_the_run(
    tmp_path: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = scans(tmp_path / "in", "fine")
    monkeypatch.setattr("pipeline.fingerprint.of_assembly", lambda _: "another")
    with pytest.raises(ClusterError, match="has another version of nianbao"):
        go(inputs, tmp_path / "out", cluster)


def test_ctrl_c_keeps_what_was_read(tmp_path: Path, cluster: Any) -> None:
    inputs = scans(tmp_path / "in", "fine", "slow 30", "slow 31", "slow 32")
    assert threading.current_thread() is threading.main_thread()
    with pytest.raises(KeyboardInterrupt):
        run(
            *([str(inputs)], tmp_path / "out", Settings(), 1, Limits(60, grace=0.5)),
            *(lambda _: os.kill(os.getpid(), signal.SIGINT), readers.STAGES),
            cluster=cluster.scheduler_address,
        )
    (tmp_path / "in" / "01.png").write_text("fine 1")
    for name in ("02.png", "03.png"):
        (tmp_path / "in" / name).unlink()
    assert go(inputs, tmp_path / "out", cluster).read == 1


def test_results_that_do_not_arrive_are_missed(tmp_path: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.ledger.Ledger.is_whole", lambda *_: False)  # as where the folder is not shared
    with pytest.raises(OutputError, match="is not in"):
        go(scans(tmp_path / "in", "fine"), tmp_path / "out", cluster)


def test_no_scheduler_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.cluster._CONNECT_TIME", 1)
    inputs = scans(tmp_path / "in", "fine")
    with pytest.raises(ClusterError, match="no scheduler answers"):
        run([str(inputs)], tmp_path / "out", Settings(), 1, None, None, readers.STAGES, cluster="tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("machines", "message"), [(0, "has no machine"), (1, "may not start processes")], ids=["none", "daemons"]
)
def test_a_cluster_that_cannot_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machines: int, message: str
) -> None:
    import dask
    from distributed import LocalCluster

    monkeypatch.setattr("pipeline.cluster._PATIENCE", 0.5)
    inputs = scans(tmp_path / "in", "fine")
    with (
        dask.config.set({"distributed.worker.daemon": True}),  # as it is unless set otherwise
        LocalCluster(n_workers=machines, threads_per_worker=1, dashboard_address=":0", silence_logs=60) as bare,
        pytest.raises(ClusterError, match=message),
    ):
        go(inputs, tmp_path / "out", bare)


def test_a_scheduler_that_is_lost_ends_the_run_and_what_was_read_is_kept(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-c", SCHEDULER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert started.stdout is not None
    address = started.stdout.readline().strip()
    inputs = scans(tmp_path / "in", "fine" + 20 * " ", "slow 20", "slow 21")  # the largest is read first
    try:
        with pytest.raises(ClusterError, match=r"was lost\. What was read is kept"):
            run(
                *([str(inputs)], tmp_path / "out", Settings(), 1, Limits(60), lambda _: started.kill(), readers.STAGES),
                cluster=address,
            )
    finally:
        started.kill()
        started.wait()
        started.stdout.close()
    for name in ("01.png", "02.png"):
        (inputs / name).write_text(f"fine {name}")
    assert go(inputs, tmp_path / "out").read == 2


SCHEDULER = """
import time, dask
from distributed import LocalCluster
if __name__ == "__main__":
    dask.config.set({"distributed.worker.daemon": False})
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=60) as cluster:
        print(cluster.scheduler_address, flush=True)
        time.sleep(600)
"""
