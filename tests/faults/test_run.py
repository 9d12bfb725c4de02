"""Documents that crash, hang or confuse the process that reads them cost themselves and nothing else."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline.run import run
from pipeline.settings import Settings
from pipeline.spreadsheet import read
from pipeline.workers import Limits
from tests import readers


def go(folder: Path, contents: dict[str, str], jobs: int = 2, limits: Limits | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(content)
    run([str(folder)], folder / "out", Settings(), jobs, limits or Limits(60), None, readers.STAGES)
    return folder / "out"


def failures(out: Path) -> dict[str, str]:
    return {row["source"]: row["cause"] for row in read(out / "failures.csv", ["source", "cause"])}


def sources(out: Path) -> list[str]:
    return [row["source"] for row in read(out / "reports.csv", ["source"])]


@pytest.mark.parametrize(("jobs", "content", "signal_name"), [(1, "crash", "SIGKILL"), (2, "abort", "SIGABRT")])
def test_a_crash_costs_one_document(tmp_path: Path, jobs: int, content: str, signal_name: str) -> None:
    out = go(tmp_path, {"a.png": "fine", "b.png": content, "c.png": "fine", "d.png": "fine"}, jobs)
    assert sources(out) == ["a.png", "c.png", "d.png"]
    assert failures(out) == {"b.png": f"the process that read it ended early ({signal_name})"}


def test_a_document_whose_process_was_lost_is_tried_once_more_alone(tmp_path: Path) -> None:
    contents = {"a.png": f"crash-once {tmp_path / 'mark'}", "b.png": "fine", "c.png": "crash"}
    out = go(tmp_path, contents)
    assert sources(out) == ["a.png", "b.png"]
    assert list(failures(out)) == ["c.png"]


def test_a_document_that_never_ends_is_given_up(tmp_path: Path) -> None:
    out = go(tmp_path, {"a.png": "hang", "b.png": "fine", "c.png": "fine"}, limits=Limits(1))
    assert sources(out) == ["b.png", "c.png"]
    assert failures(out) == {"a.png": "reading it took longer than 1 seconds"}


def test_a_document_that_takes_too_much_memory_is_given_up(tmp_path: Path) -> None:
    out = go(tmp_path, {"a.png": "swell 600", "b.png": "swell 10", "c.png": "fine"}, limits=Limits(60, megabytes=500))
    assert sources(out) == ["b.png", "c.png"]
    assert failures(out) == {"a.png": "reading it took more than 500 MB of memory"}


def test_every_kind_of_trouble_is_one_line_in_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    contents = {"bug.png": "bug", "cut.png": "damaged", "empty.png": "", "fine.png": "fine", "huge.png": "memory"}
    out = go(tmp_path, {**contents, "part.png": "incomplete"})
    causes = failures(out)
    assert causes.pop("part.png").startswith("report 1 of the document is inconsistent: ")
    assert causes.pop("empty.png")
    assert causes == {
        "bug.png": "an unexpected error: ZeroDivisionError: division by zero",
        "cut.png": "the file is cut off",
        "huge.png": "there is not enough memory for it",
    }
    assert sources(out) == ["fine.png", "part.png"]
    assert "bug.png" in caplog.text
    assert "readers.py" in caplog.text  # where it happened, in the process that read


def test_a_file_that_goes_away_before_it_is_read_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "b.png").symlink_to("nowhere.png")
    out = tmp_path / "out"
    (tmp_path / "a.png").write_text("fine")
    run([str(tmp_path / "a.png"), str(tmp_path / "b.png")], out, Settings(), 1, None, None, readers.STAGES)
    assert sources(out) == ["a.png"]
    assert list(failures(out)) == ["b.png"]


def test_names_as_long_as_the_system_takes_and_of_any_bytes_are_read_and_listed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    names = [b"\xb1\xa8.png", ("报" * 83).encode() + b"--.png", b"-o.png", b"line\nbreak .png"]
    assert max(map(len, names)) == 255
    for name in names:
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(b"fine " + name.hex().encode())
    out = go(folder, {})
    assert sorted(sources(out)) == sorted(["\\xb1\\xa8.png", f"{'报' * 83}--.png", "-o.png", "line\\nbreak .png"])
    assert failures(out) == {}


def test_chatter_of_libraries_is_kept_away_but_errors_come_through(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    go(tmp_path, {"a.png": "chatter"})
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == "nianbao: something is really wrong\n"


SCRIPT = """
import sys
from pathlib import Path
from pipeline.run import run
from pipeline.settings import Settings
from tests import readers
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    run([str(folder)], folder / "out", Settings(), 2, None, lambda *_: print("one done", flush=True), readers.STAGES)
"""


def test_a_document_that_hangs_is_ended_in_time(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    ended: dict[int, float] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            for line in mark.read_text().splitlines() if mark.exists() else []:
                pid = int(line.split()[0])
                if pid not in ended and not is_alive(pid):
                    ended[pid] = time.time()

    watcher = threading.Thread(target=watch)
    watcher.start()
    out = go(tmp_path / "in", {"a.png": f"hang {mark}", "b.png": "fine"}, limits=Limits(1))
    time.sleep(0.2)
    over.set()
    watcher.join()
    assert list(failures(out)) == ["a.png"]
    began = {int(pid): float(at) for pid, at in map(str.split, mark.read_text().splitlines())}
    assert len(began) == 2  # it is tried once more alone
    assert all(ended[pid] - at < 1 + 2 for pid, at in began.items())


def test_a_file_replaced_before_or_while_it_is_read_is_what_was_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    contents = {
        "a.png": f"replace {folder / 'b.png'} doubtful 0.4",  # the content of b is known already, but not read
        "b.png": "fine 1",
        "c.png": f"replace {folder / 'c.png'} damaged",
    }
    out = go(folder, contents, jobs=1)
    assert sources(out) == ["a.png", "b.png", "c.png"]
    named = {row["source"]: row["document_id"] for row in read(out / "reports.csv", ["source", "document_id"])}
    bytes_read = {**contents, "b.png": "doubtful 0.4"}
    assert named == {name: f"d-{hashlib.sha256(text.encode()).hexdigest()[:16]}" for name, text in bytes_read.items()}
    assert {row["source"] for row in read(out / "review.csv", ["source"])} == {"b.png"}
    run([str(folder)], out, Settings(), 1, None, None, readers.STAGES)
    assert failures(out) == {"c.png": "the file is cut off"}
    assert sources(out) == ["a.png", "b.png"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_a_run_that_is_ended(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    for name, content in {"a.png": "fine", "b.png": "hang", "c.png": "hang"}.items():
        (tmp_path / name).write_text(content)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd()])}
    running = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "one done\n"
    children = children_of(running.pid)
    assert children
    running.send_signal(how)
    running.wait(timeout=30)
    running.stdout.close()
    for _ in range(50):
        alive = [child for child in children if is_alive(child)]
        if not alive:
            break
        time.sleep(0.1)
    assert alive == []
    assert not (tmp_path / "out" / "cells.csv").exists()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Running, and not only waiting for its parent to take notice of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
