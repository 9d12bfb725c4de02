"""A run that is killed, interrupted or out of room loses nothing: going on gives what an undisturbed run gives."""

from __future__ import annotations

import functools
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.errors import ExitCode, OutputError
from pipeline.run import run
from pipeline.settings import Settings
from pipeline.spreadsheet import read
from pipeline.workers import Limits
from scripts.benchmarks.tables import without_times
from scripts.scans.faults import nested_forms, unpacking_bomb
from tests import readers
from tests.documents.builders import text_pdf

SCRIPT = """
import resource, sys
from pathlib import Path
from pipeline import commands
from pipeline.run import run
from pipeline.settings import Settings
from pipeline.workers import Limits
from tests import readers
SCANS, OUT, ROOM = (sys.argv + ["", "", "0"])[1:4]
@commands.app.command("go")
def go() -> None:
    run([SCANS], Path(OUT), Settings(), 2, Limits(1), None, readers.STAGES)
if __name__ == "__main__":
    if ROOM != "0":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(ROOM), int(ROOM)))
    sys.argv = ["nianbao", "go"]
    commands.main()
"""


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    kinds = ["fine", "doubtful 0.{n}", "torn-page", "damaged", "slow 0.{n}", "", "doubtful 0.5", "fine {n}"]
    for number in range(40):
        (folder / f"{number:02}.png").write_text(kinds[number % len(kinds)].format(n=number % 9))
    (folder / "crash.png").write_text("crash")
    (folder / "hang.png").write_text("hang")
    return folder


def start(scans: Path, out: Path, room: int = 0) -> subprocess.Popen[str]:
    script = scans.parent / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.Popen(
        [sys.executable, str(script), str(scans), str(out), str(room)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def finish(scans: Path, out: Path, room: int = 0) -> tuple[int, str]:
    running = start(scans, out, room)
    _, errors = running.communicate(timeout=100)
    return running.returncode, errors


def tables(out: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in out.glob("*.csv")}
    assert len(found) == 6
    return found


def check_whole(out: Path) -> None:
    with sqlite3.connect(out / ".nianbao" / "ledger.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert [path.name for path in out.rglob("*") if "part" in path.name] == []


def test_a_run_that_was_killed_again_and_again_ends_as_if_nothing_had_happened(scans: Path, tmp_path: Path) -> None:
    assert finish(scans, tmp_path / "undisturbed")[0] == ExitCode.OK
    out, chance = tmp_path / "out", random.Random(7)
    for _ in range(5):
        running = start(scans, out)
        time.sleep(chance.uniform(0.5, 4))
        running.kill()
        running.communicate(timeout=30)
    assert finish(scans, out)[0] == ExitCode.OK
    assert tables(out) == tables(tmp_path / "undisturbed")
    check_whole(out)
    reported = {row["source"] for row in read(out / "reports.csv", ["source"])}
    failed = {row["source"] for row in read(out / "failures.csv", ["source"])}
    assert reported | failed == {path.name for path in scans.iterdir()}


@pytest.mark.parametrize("room", [200, 3_000, 60_000])
def test_a_full_disk_stops_the_run_cleanly_and_room_lets_it_go_on(scans: Path, tmp_path: Path, room: int) -> None:
    out = tmp_path / "out"
    code, errors = finish(scans, out, room)
    assert code == ExitCode.OUTPUT, errors
    assert "cannot be written" in errors
    assert "Traceback" not in errors
    assert list(out.glob("*.csv")) == []
    assert finish(scans, out)[0] == ExitCode.OK
    assert finish(scans, tmp_path / "undisturbed")[0] == ExitCode.OK
    assert tables(out) == tables(tmp_path / "undisturbed")
    check_whole(out)


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
def test_ctrl_c_ends_within_seven_seconds_and_keeps_what_was_read(
    tmp_path: Path, how: signal.Signals, code: ExitCode
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    # The largest is read first.
    for name, content in {"a.png": "fine" + 40 * " ", "b.png": "slow 60", "c.png": "slow 61"}.items():
        (scans / name).write_text(content)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("Limits(1)", "Limits(90)"))
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    running = subprocess.Popen(
        [sys.executable, str(script), str(scans), str(out), "0"], stderr=subprocess.PIPE, text=True, env=environment
    )
    until = time.monotonic() + 60
    while not list((out / ".nianbao" / "rows").rglob("*.gz")) and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(0.5)
    began = time.monotonic()
    running.send_signal(how)
    _, errors = running.communicate(timeout=30)
    assert time.monotonic() - began < 7
    assert running.returncode == code
    assert "the same command reads what is left" in errors
    with sqlite3.connect(out / ".nianbao" / "ledger.sqlite") as database:
        assert database.execute("SELECT count(*) FROM outcomes").fetchone() == (1,)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts an empty disk with the options given, or changes those of the disk mounted last."""
    mounted: list[Path] = []

    def mount(options: str, empty: bool = True) -> Path:
        place = tmp_path / f"disk-{len(mounted)}" if empty else mounted[-1]
        place.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options if empty else f"remount,{options}", "tmpfs", place]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        if empty:
            mounted.append(place)
        return place / "out"

    yield mount
    for place in mounted:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="only root may mount a small disk")
@pytest.mark.parametrize(
    "limits",
    [
        [f"nr_inodes={number}" for number in range(2, 30, 2)],  # no room for the first file, the third, …
        [f"size={kilobytes}k" for kilobytes in (4, 8, 16, 32, 64, 80, 96, 112, 128, 160, 1024)],
    ],
    ids=["files", "bytes"],
)
def test_a_disk_that_is_full_at_any_write_loses_nothing(
    tmp_path: Path, disk: Callable[..., Path], limits: list[str]
) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    for name, content in {"a.png": "fine", "b.png": "doubtful 0.4", "c.png": "torn-page", "d.png": "damaged"}.items():
        (folder / name).write_text(content)
    go_on = functools.partial(run, [str(folder)], settings=Settings(), jobs=1, stages=readers.STAGES)
    go_on(out=tmp_path / "undisturbed")
    stopped = 0
    for limit in limits:
        out = disk(limit)
        try:
            go_on(out=out)
        except OutputError:
            stopped += 1
            assert list(out.glob("*.csv")) == []
        disk("size=10m,nr_inodes=1000", empty=False)
        go_on(out=out)
        assert tables(out) == tables(tmp_path / "undisturbed"), limit
        check_whole(out)
    assert 0 < stopped < len(limits)


def test_an_empty_environment_and_another_time_zone_change_nothing(tmp_path: Path) -> None:
    scans = tmp_path / "年报"
    scans.mkdir()
    (scans / "县.pdf").write_bytes(text_pdf())
    (scans / "cut.pdf").write_bytes(text_pdf()[:600])
    found = []
    for name, environment in (("none", {}), ("some", {**os.environ, "TZ": "Asia/Shanghai", "LANG": "C.UTF-8"})):
        command = [sys.executable, "-m", "pipeline", "extract", str(scans), "-o", str(tmp_path / name), "--jobs", "1"]
        done = subprocess.run(
            [*command, "--ocr", "null"], env=environment, cwd="/", capture_output=True, check=False, timeout=100
        )
        assert done.returncode == ExitCode.FAILURES, done.stderr
        found.append(without_times(tmp_path / name))
    assert found[0] == found[1]
    assert [row["source"] for row in found[0]["reports.csv"]] == ["县.pdf"]


@pytest.mark.parametrize("picture", [False, True], ids=["page", "picture"])
def test_a_page_that_unpacks_to_gigabytes_is_given_up(tmp_path: Path, picture: bool) -> None:
    (tmp_path / "bomb.pdf").write_bytes(unpacking_bomb(picture))
    assert (tmp_path / "bomb.pdf").stat().st_size < 10_000
    settings, limits = Settings(ocr="null"), Limits(60, megabytes=500)
    run([str(tmp_path / "bomb.pdf")], tmp_path / "out", settings, 1, limits)
    (row,) = read(tmp_path / "out" / "failures.csv", ["kind"])
    assert row["kind"] == "memory"


def test_a_page_on_which_the_renderer_hangs_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "laughs.pdf").write_bytes(nested_forms())
    log = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "extract", str(tmp_path / "laughs.pdf"), "-o", str(tmp_path / "out")]
        + ["--ocr", "null", "--jobs", "1", "--timeout", "2", "--log-json", str(log)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == ExitCode.FAILURES, done.stderr
    (row,) = read(tmp_path / "out" / "failures.csv", ["kind"])
    assert row["kind"] == "timeout"
    assert re.search(r'"status": "failed"', log.read_text())
