"""A run with poison among its files, killed again and again, ends as one that nobody disturbed."""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pikepdf

from pipeline import extract, records
from pipeline.domain import DocumentReading, document_id
from pipeline.forms import load_forms
from pipeline.ledger import look
from pipeline.run import Stages
from pipeline.run import run as read_all
from pipeline.settings import Settings
from pipeline.workers import Limits
from scripts.benchmarks.fuzz import seeds
from scripts.benchmarks.tables import without_times
from scripts.scans.faults import bomb, nested_forms
from scripts.scans.fonts import installed
from scripts.scans.reports import Options, make_document
from scripts.scans.writing import encode

_ROOT = Path(__file__).resolve().parents[2]
_READ_BEFORE = b"read before\n"
_POISON = 0.05
_COPIES = 0.02
_TIMEOUT = 3.0  # seconds for a document; those that hang take it twice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("--files", type=int, default=2000, metavar="N", help="files, 5 %% of them poison (2000)")
    parser.add_argument("--kills", type=int, default=10, metavar="N", help="how often the run is killed (10)")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="processes (2)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed kills at other moments (1)")


def run(given: argparse.Namespace) -> int:
    """Run undisturbed, then killed and resumed; returns 1 where that makes a difference."""
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        scans, calm, killed = (Path(folder) / name for name in ("scans", "calm", "killed"))
        _write_files(scans, given.files)
        began = time.monotonic()
        _start(scans, calm, given.jobs).wait()
        seconds = time.monotonic() - began
        parent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
        kills, orphans = 0, 0
        while kills < given.kills:
            process = _start(scans, killed, given.jobs)
            try:
                process.wait(chance.uniform(0.5, 1 + 2 * seconds / (given.kills + 1)))
                break  # it came to its end before it could be killed
            except subprocess.TimeoutExpired:
                kills += 1
                orphans += _kill(process)
        ended = _start(scans, killed, given.jobs).wait()
        faults = _faults(scans, calm, killed)
        if ended != 0:
            faults.append(f"the last run ended with {ended}")
        if orphans:
            faults.append(f"{orphans} processes outlived a run that was killed")
        with look(killed) as state:
            tally = state.tally(state.fact("reading"))
    print(f"{given.files} files, {given.jobs} processes: {seconds:.0f} s undisturbed; killed {kills} times\n")
    print(f"{tally.read} read, {tally.partial} in part, {tally.failed} failed, {tally.waiting} waiting; {tally.kinds}")
    print(f"most memory of a process {parent} MB")
    print("".join(f"WRONG: {fault}\n" for fault in faults) or "all tables are the same, every file is in one of them")
    return int(bool(faults))


def _faults(scans: Path, calm: Path, killed: Path) -> list[str]:
    """What is not as it should be, in words."""
    faults = []
    if (calm / "cells.csv").read_bytes() != (killed / "cells.csv").read_bytes():
        faults.append("cells.csv differs")
    one, other = without_times(calm), without_times(killed)
    faults += [f"{name} differs" for name in one if one[name] != other.get(name)]
    good, bad = ({row["source"] for row in other[name]} for name in ("reports.csv", "failures.csv"))
    names = {path.name for path in scans.iterdir()}
    if good & bad or good | bad != names:
        faults.append(f"{len(good & bad)} files are done and failed, {len(names - good - bad)} neither")
    if left := [path.name for path in killed.rglob("*.part")]:
        faults.append(f"left half-written: {left}")
    with sqlite3.connect(killed / ".nianbao" / "ledger.sqlite") as database:
        if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            faults.append("the ledger is damaged")
    return faults


def _start(scans: Path, out: Path, jobs: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "scripts.benchmarks.soak", str(scans), str(out), str(jobs)]
    return subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.DEVNULL)


def _kill(process: subprocess.Popen[bytes]) -> int:
    """Kill a run; how many of its processes are still there two seconds later."""
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    except OSError:
        children = []
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(2)
    return sum(_is_alive(pid) for pid in children)


def _is_alive(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state != "Z" and "scripts.benchmarks" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


# --------------------------------------------------------------------------- the files


def _write_files(folder: Path, number: int) -> None:
    """Reports that were read once and are only unpacked, and poison that is met as it would be in a real run."""
    folder.mkdir()
    read_before = _read_some()
    poison = 0
    for n in range(number):
        if int((n + 1) * _POISON) > int(n * _POISON):
            data, poison = _poisoned(poison), poison + 1
        else:
            unlike = n - 1 if int((n + 1) * _COPIES) > int(n * _COPIES) else n  # a copy of the file before
            data = read_before[unlike % len(read_before)] + unlike.to_bytes(8, "big")
        (folder / f"{n:06}.pdf").write_bytes(data)


def _read_some() -> list[bytes]:
    options = Options(load_forms(), installed(())[0], (0,), ("clean",), ("textpdf",), volumes=0.0)
    found = []
    for number in range(3):
        data, _ = encode(make_document(options, 1, number))
        found.append(_READ_BEFORE + records.encode(extract.read_document(data, "", Settings())))
    return found


def _poisoned(number: int) -> bytes:
    mark = b"%" + str(number).encode()
    match number % 6:
        case 0:
            return b""
        case 1:
            whole = seeds()["pdf-scan"]
            return whole[: len(whole) // 2 - number]
        case 2:
            return _locked() + mark
        case 3:
            return bomb(12_000 + 8 * number, 12_000)
        case 4:
            return b"crash" + mark
        case _:
            return nested_forms() + mark


def _locked() -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(seeds()["pdf-text"])) as pdf:
        pdf.save(buffer, encryption=pikepdf.Encryption(user="secret", owner="owner"))
    return buffer.getvalue()


# --------------------------------------------------------------------------- the run that is killed


def _read(data: bytes, source: str, settings: Settings) -> DocumentReading:
    if data.startswith(b"crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if not data.startswith(_READ_BEFORE):
        return extract.read_document(data, source, settings)
    document = records.decode(data[len(_READ_BEFORE) : -8])
    return replace(document, document_id=document_id(hashlib.sha256(data).hexdigest()), source=source)


STAGES = Stages(read=_read)


def main(scans: str, out: str, jobs: str) -> None:
    """Read the files as ``nianbao extract`` does."""
    # Under its name in the package: the processes of the run import what they are to do.
    from scripts.benchmarks.soak import STAGES as STAGES_BY_NAME

    read_all([scans], Path(out), Settings(ocr="null"), int(jobs), Limits(_TIMEOUT, 2000), None, STAGES_BY_NAME)


if __name__ == "__main__":
    main(*sys.argv[1:])
