"""What a cluster costs beside the reading: start-up and milliseconds for each document, and for one that crashes."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from pipeline.run import Event
from pipeline.run import run as extract
from pipeline.settings import Settings
from pipeline.workers import Limits
from scripts.benchmarks.standin import STAGES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("--documents", type=int, default=1000, metavar="N", help="documents that cost nothing (1000)")
    parser.add_argument("--machines", type=int, default=4, metavar="N", help="processes of the local cluster (4)")


def run(given: argparse.Namespace) -> int:
    """Print a table; returns 1 where a document costs more than 20 milliseconds, or a crash more than itself."""
    import dask
    from distributed import LocalCluster

    os.environ["PYTHONPATH"] = os.getcwd()  # the processes of the cluster load the stages from here
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        scans = Path(work) / "scans"
        scans.mkdir()
        for number in range(given.documents):
            (scans / f"{number:06}.png").write_text("crash" if number == given.documents // 2 else f"fine {number}")
        one = _measure(scans, Path(work) / "one", given.machines, None)
        began = time.monotonic()
        with (
            dask.config.set({"distributed.worker.daemon": False}),
            LocalCluster(
                n_workers=given.machines, threads_per_worker=1, dashboard_address=":0", silence_logs=60
            ) as found,
        ):
            up = time.monotonic() - began
            many = _measure(scans, Path(work) / "many", given.machines, found.scheduler_address)
    print(f"{given.documents} documents, one of which crashes; {given.machines} processes each\n")
    print("| | s to the first answer | ms for each document | failed |\n|---|---:|---:|---:|")
    for name, (first, each, failed) in {"processes of this machine": one, "cluster": many}.items():
        print(f"| {name} | {first:.1f} | {each:.1f} | {failed} |")
    print(f"\nThe cluster itself was up after {up:.1f} s.")
    return int(many[1] > 20 or (one[2], many[2]) != (1, 1))


def _measure(scans: Path, out: Path, jobs: int, cluster: str | None) -> tuple[float, float, int]:
    """Seconds to the first answer, milliseconds between answers, and how many documents failed."""
    began = time.monotonic()
    answers: list[float] = []

    def tell(event: Event) -> None:
        if event.status == "read":
            answers.append(time.monotonic())

    summary = extract([str(scans)], out, Settings(), jobs, Limits(60), tell, STAGES, cluster=cluster)
    return answers[0] - began, 1000 * (answers[-1] - answers[0]) / (len(answers) - 1), summary.failed
