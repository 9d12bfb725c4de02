"""Pages a second and memory: by stage, by number of processes, against the number of pages, and beside three peers."""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.documents import find_inputs, read_pages
from pipeline.domain import PageImage, Pixels
from pipeline.forms import load_forms
from pipeline.settings import Settings
from scripts.benchmarks import peers, speed_report, suite
from scripts.benchmarks.tables import without_times
from scripts.scans.fonts import installed

_ROOT = Path(__file__).resolve().parents[2]
_FOLDER = Path(__file__).resolve().parent
_ROUNDS = 3  # a machine that others use too changes its pace from minute to minute
_TESSERACT = "Tesseract chi_sim, full page"
_PEERS = {"rapidocr": "RapidOCR, full page", "img2table": "img2table + RapidOCR"}
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("--reports", type=int, default=24, metavar="N", help="reports of the suite to read (24)")
    parser.add_argument("--scans", type=Path, metavar="DIR", help="read these scans instead")
    parser.add_argument(
        "--pages",
        type=_numbers,
        default=(1, 10, 100, 300),
        metavar="N,N",
        help="lengths of long documents (1,10,100,300); 0 for none",
    )
    parser.add_argument("--peers", type=int, default=16, metavar="N", help="pages for the peers, 5 to 20 s each (16)")
    parser.add_argument("--out", type=Path, default=Path("build/speed"), metavar="DIR", help="for the results")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(",") if int(each) > 0)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one call of the command took.

    Attributes:
        start: seconds before the first process was ready.
        megabytes: most resident memory of a process that reads, and of the one that was started.
    """

    documents: int
    pages: int
    seconds: float
    start: float
    megabytes: int
    parent: int

    @property
    def pace(self) -> float:
        return self.pages / self.seconds


def run(given: argparse.Namespace) -> int:
    """Measure, print, write ``speed.md``, ``speed.csv`` and ``speed.svg``; 1 where tables depend on the processes."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        work = Path(folder)
        scans = given.scans or _suite(work / "scans", given.reports)
        runs = _by_turns(scans, work)
        same = without_times(work / "tables-1") == without_times(work / "tables-2")
        stages = json.loads(_output([sys.executable, "-m", "scripts.benchmarks.stages", str(scans)]))
        lengths = _lengths(scans, work, given.pages)
        beside = _beside(scans, work, given.peers) if given.peers else {}
        stored = sum(path.stat().st_size for path in (work / "tables-1" / ".nianbao").rglob("*.gz"))
        scanned = sum(path.stat().st_size for path in scans.rglob("*") if path.suffix != ".csv" and path.is_file())
        tables = sum(path.stat().st_size for path in (work / "tables-1").glob("*.csv"))
    results = speed_report.Results(
        jobs={jobs: (one.pages, one.seconds, one.start, one.megabytes, one.parent) for jobs, one in runs.items()},
        stages=[
            (name, share, 1000 * share * stages["seconds"] / stages["pages"], stages["megabytes"][name])
            for name, share in stages["shares"].items()
        ],
        lengths=[(count, one.seconds, one.megabytes) for count, one in lengths.items()],
        beside=beside,
        documents=runs[1].documents,
        stored=stored,
        scanned=scanned,
        tables=tables,
    )
    given.out.mkdir(parents=True, exist_ok=True)
    text = speed_report.markdown(results)
    (given.out / "speed.md").write_text(text, encoding="utf-8")
    (given.out / "speed.svg").write_text(speed_report.svg(results), encoding="utf-8")
    with (given.out / "speed.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(speed_report.rows(results))
    print(text)
    if not same:
        print("bench: the tables of 1 and 2 processes differ", file=sys.stderr)
    return int(not same)


def _suite(folder: Path, reports: int) -> Path:
    faces, missing = installed(())
    for message in missing:
        print(f"bench: {message}; the suite is another one without it", file=sys.stderr)
    suite.make(folder, reports, suite.KINDS, load_forms(), faces, 2)
    return folder


def _output(command: Sequence[str], where: Callable[[], None] | None = None) -> str:
    environment = {**os.environ, **_ONE_THREAD}
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=_ROOT, preexec_fn=where
    )
    return done.stdout


def _on_one_core() -> None:
    """Libraries that count cores find one, and start as many threads."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _by_turns(scans: Path, work: Path) -> dict[int, _Run]:
    """The fastest of several runs with one process and with two; their tables stay in ``tables-1`` and ``tables-2``."""
    fastest: dict[int, _Run] = {}
    for _ in range(_ROUNDS):
        for jobs in (1, 2):
            out = work / f"tables-{jobs}"
            shutil.rmtree(out, ignore_errors=True)
            found = _extract(scans, out, jobs)
            if jobs not in fastest or found.seconds < fastest[jobs].seconds:
                fastest[jobs] = found
    return fastest


def _extract(scans: Path, out: Path, jobs: int, where: Callable[[], None] | None = None) -> _Run:
    """Run the command as people do, and watch the memory of its processes."""
    command = [sys.executable, "-m", "pipeline", "extract", str(scans), "-o", str(out), "--jobs", str(jobs)]
    began = time.perf_counter()
    environment = {**os.environ, **_ONE_THREAD}
    with subprocess.Popen(
        [*command, "--json", "--quiet"], stdout=subprocess.PIPE, env=environment, cwd=_ROOT, preexec_fn=where
    ) as process:
        peaks: dict[int, int] = {}
        watcher = threading.Thread(target=_watch, args=(process, peaks))
        watcher.start()
        printed = process.stdout.read() if process.stdout else b""
    seconds = time.perf_counter() - began
    watcher.join()
    summary = json.loads(printed)
    parent = peaks.pop(process.pid, 0)
    start = seconds - summary["pages"] / summary["pages_per_second"] if summary["pages_per_second"] else 0.0
    return _Run(summary["documents"], summary["pages"], seconds, start, max(peaks.values(), default=0), parent)


def _watch(process: subprocess.Popen[bytes], peaks: dict[int, int]) -> None:
    """Note the most resident memory of a process and of those it started, in MB, until it ends."""
    while process.poll() is None:
        for pid in [process.pid, *_children(process.pid)]:
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                peaks[pid] = max(peaks.get(pid, 0), int(status.split("VmHWM:")[1].split()[0]) >> 10)
            except (OSError, IndexError):
                continue
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _some_pages(scans: Path, most: int) -> list[Pixels]:
    """Pages as this project decodes them, taken from all over the scans."""
    found = list(find_inputs([str(scans)]))
    pages: list[Pixels] = []
    for each in found[:: max(1, len(found) // most)]:
        pages += [page.pixels for page in read_pages(each.load(), Settings()) if isinstance(page, PageImage)][:2]
        if len(pages) >= most:
            break
    return pages[:most]


def _lengths(scans: Path, work: Path, counts: Sequence[int]) -> dict[int, _Run]:
    """A document of each length: the pages of the scans in turn, each moved a little, so that none is known."""
    pages = _some_pages(scans, 10) if counts else []
    found = {}
    for count in counts:
        folder = work / f"long-{count}"
        folder.mkdir()
        chance = np.random.default_rng(count)
        images = (
            Image.fromarray(np.roll(page, (int(chance.integers(1, 12)), number % 7), (0, 1)))
            for number, page in enumerate(islice(cycle(pages), count))
        )
        next(images).save(
            folder / "long.tif", save_all=True, append_images=images, compression="tiff_lzw", dpi=(200, 200)
        )
        found[count] = _extract(folder, work / f"long-tables-{count}", 1)
        shutil.rmtree(folder)
    return found


def _beside(scans: Path, work: Path, most: int) -> dict[str, tuple[int, float, int]]:
    """Pages, seconds and memory of this project and of each peer, one after the other, on the same pages and core."""
    pages = work / "pages"
    for number, pixels in enumerate(_some_pages(scans, most)):
        (pages / f"{number:05}").mkdir(parents=True)
        Image.fromarray(pixels).save(pages / f"{number:05}" / "001.png", compress_level=1, dpi=(200, 200))
    own = _extract(pages, work / "tables-pages", 1, _on_one_core)
    files = sorted(pages.glob("*/*.png"))
    # A long picture is several pages to this project: what is compared is pictures.
    found = {"nianbao": (len(files), own.seconds - own.start, own.megabytes)}
    (uv,) = sorted((_ROOT / ".tools").glob("uv-*/bin/uv"))[-1:]
    python = peers.install(_ROOT / "build" / "peers", uv)
    lines = [
        json.loads(line)
        for line in _output([str(python), str(_FOLDER / "peer_rows.py"), str(pages), "1"], _on_one_core).splitlines()
    ]
    for name, title in _PEERS.items():
        found[title] = (len(lines), sum(line["alone"][name] for line in lines), lines[-1]["megabytes"])
    began = time.perf_counter()
    for path in files:
        _output(["tesseract", str(path), "-", "-l", "chi_sim"], _on_one_core)
    found[_TESSERACT] = (len(files), time.perf_counter() - began, 0)
    return found
