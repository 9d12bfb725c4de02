"""Many documents: order, counts, review list, and that the number of processes changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import ledger
from pipeline.domain import Status
from pipeline.errors import MissingDependencyError, NoInputError, OutputError, UsageError
from pipeline.model_store import current
from pipeline.run import Event, RunSummary, Shard, plan, rebuild, run
from pipeline.settings import Settings
from pipeline.spreadsheet import read
from pipeline.workers import Limits
from tests import readers


def scans(folder: Path, **contents: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}.png").write_text(content)
    return folder


def go(inputs: Path, out: Path, jobs: int = 1, settings: Settings | None = None, retry: bool = False) -> RunSummary:
    return run([str(inputs)], out, settings or Settings(), jobs, Limits(60), None, readers.STAGES, retry)


def tables(out: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in out.glob("*.csv")}
    assert len(found) == 6
    return found


@pytest.fixture
def read_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The sources of the documents that were really read, since it was last asked."""
    path = tmp_path / "counted"
    path.touch()
    monkeypatch.setenv(readers.COUNTED, str(path))

    def take() -> list[str]:
        names = path.read_text().splitlines()
        path.write_text("")
        return sorted(names)

    return take


def column(out: Path, table: str, name: str) -> list[str]:
    return [row[name] for row in read(out / table, [name])]


def test_a_run_is_summed_up(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="fine", b="torn-page", c="doubtful 0.4", d="damaged")
    summary = go(inputs, tmp_path / "out")
    assert (summary.documents, summary.pages, summary.reports) == (4, 9, 3)
    assert (summary.read, summary.partial, summary.failed) == (4, 1, 1)
    assert (summary.findings, summary.failures, summary.review) == (1, 2, 2)
    assert summary.cells == {**dict.fromkeys(Status, 0), Status.ACCEPTED: 592, Status.REVIEW: 1, Status.MISSING: 1}
    assert summary.pages_per_second > 0
    assert column(tmp_path / "out", "reports.csv", "source") == ["a.png", "b.png", "c.png"]
    assert column(tmp_path / "out", "failures.csv", "cause") == ["the page is torn", "the file is cut off"]


def test_tables_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="slow 0.5", b="fine", c="doubtful 0.4", d="doubtful 0.2", e="damaged")
    go(inputs, tmp_path / "one", jobs=1)
    go(inputs, tmp_path / "three", jobs=3)
    assert tables(tmp_path / "one") == tables(tmp_path / "three")


def test_large_documents_are_read_first_and_stand_where_they_belong(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="fine", b="doubtful 0.4" + 9 * " ", c="fine" + 40 * " ", d="damaged  ")
    told: list[str] = []
    run([str(inputs)], tmp_path / "out", Settings(), 1, Limits(60), lambda e: told.append(e.source), readers.STAGES)
    assert told == ["c.png", "b.png", "d.png", "a.png"]
    assert column(tmp_path / "out", "reports.csv", "source") == ["a.png", "b.png", "c.png"]


def test_what_was_read_is_not_read_again_and_tables_that_are_right_stay(
    tmp_path: Path, read_so_far: Callable[[], list[str]]
) -> None:
    inputs, out = scans(tmp_path / "in", a="fine", b="damaged", c="torn-page"), tmp_path / "out"
    first = go(inputs, out)
    before, when = tables(out), (out / "cells.csv").stat().st_mtime_ns
    assert read_so_far() == ["a.png", "b.png", "c.png"]
    again = go(inputs, out)
    assert read_so_far() == []
    assert tables(out) == before
    assert (out / "cells.csv").stat().st_mtime_ns == when
    assert again.read == 0
    assert again.pages_per_second == 0.0
    assert replace(again, read=3, seconds=0, pages_per_second=0) == replace(first, seconds=0, pages_per_second=0)


def test_only_what_is_new_or_changed_is_read(tmp_path: Path, read_so_far: Callable[[], list[str]]) -> None:
    inputs, out = scans(tmp_path / "in", a="doubtful 0.1", b="doubtful 0.2", c="doubtful 0.3"), tmp_path / "out"
    go(inputs, out)
    read_so_far()
    scans(inputs, b="doubtful 0.9", d="doubtful 0.4")
    assert go(inputs, out).read == 2
    assert read_so_far() == ["b.png", "d.png"]
    go(inputs, tmp_path / "fresh", jobs=2)
    assert tables(out) == tables(tmp_path / "fresh")


def test_the_same_content_is_read_once_and_listed_under_every_name(
    tmp_path: Path, read_so_far: Callable[[], list[str]]
) -> None:
    inputs, out = scans(tmp_path / "in", a="torn-page", b="fine", c="torn-page", d="torn-page"), tmp_path / "out"
    summary = go(inputs, out, jobs=2)
    assert read_so_far() == ["a.png", "b.png"]
    assert (summary.documents, summary.read, summary.reports) == (4, 2, 4)
    assert column(out, "reports.csv", "source") == ["a.png", "b.png", "c.png", "d.png"]
    assert column(out, "failures.csv", "source") == ["a.png", "c.png", "d.png"]
    with ledger.look(out) as state:
        assert [[file.source for file in each.files] for each in state.documents()] == [
            ["a.png", "c.png", "d.png"],
            ["b.png"],
        ]


def test_what_failed_is_tried_again_on_request_only(tmp_path: Path, read_so_far: Callable[[], list[str]]) -> None:
    inputs, out = scans(tmp_path / "in", a="fine", b="damaged", c="torn-page"), tmp_path / "out"
    go(inputs, out)
    read_so_far()
    go(inputs, out, retry=True)
    assert read_so_far() == ["b.png", "c.png"]
    assert column(out, "failures.csv", "source") == ["b.png", "c.png"]


def test_a_password_given_later_opens_what_was_locked(tmp_path: Path, read_so_far: Callable[[], list[str]]) -> None:
    inputs, out = scans(tmp_path / "in", a="fine", b="locked open-sesame", c="damaged"), tmp_path / "out"
    go(inputs, out)
    assert column(out, "failures.csv", "kind") == ["encrypted", "damaged"]
    read_so_far()
    go(inputs, out, settings=Settings(password="open-sesame"))
    assert read_so_far() == ["b.png"]
    assert column(out, "reports.csv", "source") == ["a.png", "b.png"]
    assert all(b"open-sesame" not in path.read_bytes() for path in (out / ".nianbao").glob("*.sqlite*"))


def test_other_settings_read_anew_and_another_label_model_only_assembles(
    tmp_path: Path, read_so_far: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, out = scans(tmp_path / "in", a="fine", b="doubtful 0.5"), tmp_path / "out"
    go(inputs, out)
    kept = files_below(out)
    read_so_far()
    own = tmp_path / "home" / "models" / "label_classifier"
    shutil.copytree(current("label_classifier"), own / "2026-01-01-0123456789ab")
    (own / "CURRENT").write_text("2026-01-01-0123456789ab\n")
    monkeypatch.setenv("NIANBAO_HOME", str(tmp_path / "home"))
    assert go(inputs, out).read == 0
    assert read_so_far() == []
    now = files_below(out)
    assert {path for path in kept if "records" in path.parts} == {path for path in now if "records" in path.parts}
    assert not {path for path in kept & now if "rows" in path.parts}
    assert len(now) == len(kept)  # what was replaced is gone
    assert go(inputs, out, settings=Settings(render_dpi=300)).read == 2
    assert read_so_far() == ["a.png", "b.png"]
    assert len(files_below(out)) == len(kept)


def test_another_risk_reads_nothing_again_and_is_kept_when_tables_are_made_anew(
    tmp_path: Path, read_so_far: Callable[[], list[str]]
) -> None:
    inputs, out = scans(tmp_path / "in", a="fine"), tmp_path / "out"
    go(inputs, out)
    (before,) = (path for path in files_below(out) if "rows" in path.parts)
    read_so_far()
    assert go(inputs, out, settings=Settings(risk=1e-2)).read == 0
    (after,) = (path for path in files_below(out) if "rows" in path.parts)
    assert read_so_far() == []
    assert after != before
    rebuild(out, stages=readers.STAGES)
    assert {path for path in files_below(out) if "rows" in path.parts} == {after}


def test_tables_are_made_anew_from_what_is_stored_without_the_scans(
    tmp_path: Path, read_so_far: Callable[[], list[str]]
) -> None:
    inputs, out = scans(tmp_path / "in", a="fine", b="torn-page", c="damaged", d="doubtful 0.5"), tmp_path / "out"
    go(inputs, out)
    before = tables(out)
    read_so_far()
    shutil.rmtree(inputs)
    for path in (*out.glob("*.csv"), *(out / ".nianbao" / "rows").rglob("*.gz")):
        path.unlink()
    summary = rebuild(out, stages=readers.STAGES)
    assert read_so_far() == []
    assert tables(out) == before
    assert (summary.documents, summary.read, summary.failed) == (4, 0, 1)
    with ledger.look(out) as state:
        assert state.fact("roots") == [str(inputs)]
        first, *_ = state.documents()
        assert first.document_id == column(out, "reports.csv", "document_id")[0]
        assert first.files[0].path == str(inputs / "a.png")
        assert readers.assemble(first.reading()).document_id == first.document_id


def test_a_record_that_was_damaged_is_made_again(tmp_path: Path, read_so_far: Callable[[], list[str]]) -> None:
    inputs, out = scans(tmp_path / "in", a="fine", b="doubtful 0.5"), tmp_path / "out"
    go(inputs, out)
    before = tables(out)
    read_so_far()
    record, other = sorted((out / ".nianbao" / "records").rglob("*.gz"))
    record.write_bytes(record.read_bytes()[:-10])
    other.unlink()
    go(inputs, out)
    assert read_so_far() == ["a.png", "b.png"]
    assert tables(out) == before


def test_a_list_for_review_that_was_filled_in_is_never_overwritten(tmp_path: Path) -> None:
    inputs, out = scans(tmp_path / "in", a="doubtful 0.5"), tmp_path / "out"
    go(inputs, out)
    (out / "review.csv").write_text("an hour of work")
    go(inputs, out)
    assert (out / "review.csv").read_text() == "an hour of work"  # nothing has changed: it stays in place
    scans(inputs, b="doubtful 0.4")
    go(inputs, out)
    assert column(out, "review.csv", "source") == ["b.png", "a.png"]
    assert (out / "review.answered-1.csv").read_text() == "an hour of work"


def test_a_second_run_on_the_same_folder_is_told_who_holds_it(tmp_path: Path) -> None:
    inputs, out = scans(tmp_path / "in", a="fine"), tmp_path / "out"
    with ledger.hold(out):
        script = (
            "import sys, time\nfrom pathlib import Path\nfrom pipeline import ledger\n"
            "began = time.monotonic()\n"
            "try:\n    ledger.hold(Path(sys.argv[1])).__enter__()\n"
            "except Exception as error:\n    print(time.monotonic() - began, error)\n"
        )
        told = subprocess.run([sys.executable, "-c", script, str(out)], capture_output=True, text=True, check=True)
        seconds, _, message = told.stdout.partition(" ")
        assert float(seconds) < 1
        assert f"another run is writing to {out} (process {os.getpid()} on " in message
    assert go(inputs, out).read == 1


def files_below(out: Path) -> set[Path]:
    return set((out / ".nianbao").rglob("*.gz"))


def test_the_review_list_begins_with_the_worst(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="doubtful 0.9", b="doubtful 0.1")
    go(inputs, tmp_path / "out", jobs=2)
    worst_first = list(read(tmp_path / "out" / "review.csv", ["source"]))
    # The lost row of each report is one question, with the doubtful figure that stands in it.
    assert [(row["source"], row["kind"]) for row in worst_first] == [("b.png", "figures"), ("a.png", "figures")]
    assert [row["corrected_value"] for row in worst_first] == ["", ""]


def test_every_document_is_told_of_once_it_is_done_with(tmp_path: Path) -> None:
    told: list[Event] = []
    inputs, out = scans(tmp_path / "in", a="fine", b="damaged", c="torn-page", d="fine", e=""), tmp_path / "out"
    run([str(inputs)], out, Settings(), 1, None, told.append, readers.STAGES)
    assert [event.done for event in told] == [1, 2, 3, 4, 5]
    assert {event.source: event.status for event in told} == {
        "a.png": "read",
        "b.png": "failed",
        "c.png": "partial",
        "d.png": "known",
        "e.png": "failed",
    }
    assert (told[-1].total, told[-1].failed, told[-1].read) == (5, 3, 6)
    assert next(event for event in told if event.source == "b.png").failures[0].kind == "damaged"
    told.clear()
    run([str(inputs)], out, Settings(), 1, None, told.append, readers.STAGES)
    assert [event.status for event in told] == ["known", "known", "known", "known", "failed"]


def test_a_plan_says_what_would_be_done_and_why_and_changes_nothing(tmp_path: Path) -> None:
    def steps(settings: Settings | None = None, retry: bool = False) -> dict[str, tuple[str, str]]:
        found = plan([str(inputs)], out, settings or Settings(), retry)
        return {step.document.source: (step.action.value, step.reason) for step in found}

    inputs, out = scans(tmp_path / "in", a="fine", b="damaged", c="locked x"), tmp_path / "out"
    assert steps() == dict.fromkeys(("a.png", "b.png", "c.png"), ("read", "new"))
    assert not out.exists()
    go(inputs, out)
    scans(inputs, d="fine", e="new", f="")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert steps() == {
        "a.png": ("skip", "read before"),
        "b.png": ("skip", "failed before: the file is cut off"),
        "c.png": ("skip", "failed before: the document opens only with a password"),
        "d.png": ("skip", "same content as a.png"),
        "e.png": ("read", "new"),
        "f.png": ("fail", "the file is empty (0 bytes)"),
    }
    assert steps(retry=True)["b.png"] == ("read", "failed before: the file is cut off")
    assert steps(Settings(password="x"))["c.png"] == ("read", "was locked, and there is a password")
    assert steps(Settings(render_dpi=300))["a.png"][0] == "read"
    for rows in (out / ".nianbao" / "rows").rglob("*.gz"):
        rows.unlink()
    assert steps()["a.png"][0] == "assemble"
    new = {path.name for path in out.rglob("*")} - {path.name for path in before}
    assert new <= {"ledger.sqlite-wal", "ledger.sqlite-shm"}  # by which readers and a writer keep apart


def test_shares_together_hold_every_document_once_and_copies_are_of_one_share(
    tmp_path: Path, read_so_far: Callable[[], list[str]]
) -> None:
    inputs = scans(tmp_path / "in", copy="fine 3", bad="", **{f"d{n}": f"fine {n}" for n in range(12)})
    go(inputs, tmp_path / "whole")
    read_so_far()
    parts: list[list[str]] = []
    for number in (1, 2, 3):
        out = tmp_path / str(number)
        summary = run([str(inputs)], out, Settings(), 1, None, None, readers.STAGES, shard=Shard(number, 3))
        parts.append(column(out, "reports.csv", "source"))
        assert summary.documents == len(parts[-1]) + 1
        assert column(out, "failures.csv", "source") == ["bad.png"]  # it may be this machine that cannot open it
        assert len(read_so_far()) == summary.read
        run([str(inputs)], out, Settings(), 1, None, None, readers.STAGES, shard=Shard(number, 3))
        assert read_so_far() == []
    assert all(1 <= len(part) < 13 for part in parts)
    assert sorted(each for part in parts for each in part) == column(tmp_path / "whole", "reports.csv", "source")
    assert [("copy.png" in part) == ("d3.png" in part) for part in parts] == [True, True, True]
    lines = [(tmp_path / name / "cells.csv").read_text("utf-8").splitlines() for name in ("whole", "1", "2", "3")]
    assert sorted(lines[0][1:]) == sorted(line for part in lines[1:] for line in part[1:])


def test_a_plan_tells_what_is_left_to_other_shares(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", **{f"d{n}": f"fine {n}" for n in range(12)})
    steps = list(plan([str(inputs)], tmp_path / "out", Settings(), shard=Shard(1, 3)))
    assert {step.action.value for step in steps} == {"read", "leave"}
    assert len(steps) == 12


@pytest.mark.parametrize("text", ["", "0/3", "4/3", "1/0", "1", "-1/2", "1/2/3", "a/b"])
def test_what_names_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no share"):
        Shard.parse(text)


def test_the_output_folder_is_no_input_but_inputs_may_lie_in_it(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="fine")
    (inputs / "out").mkdir()
    (inputs / "out" / "picture.png").write_text("fine")
    assert go(inputs, inputs / "out").documents == 1
    assert go(inputs, tmp_path).documents == 2


def test_nothing_to_read_is_said_to_be_so_and_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="nothing to read"):
        go(scans(tmp_path / "in"), tmp_path / "out")
    with pytest.raises(NoInputError, match="does not exist"):
        go(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_concerns_every_document_ends_the_run(tmp_path: Path) -> None:
    inputs = scans(tmp_path / "in", a="fine", b="no-engine", c="slow 300")
    with pytest.raises(MissingDependencyError, match="apt-get install"):
        go(inputs, tmp_path / "out", jobs=2)
    assert not (tmp_path / "out" / "cells.csv").exists()


def test_an_output_folder_that_cannot_be_written_is_told_before_reading(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError):
        go(scans(tmp_path / "in", a="slow 300"), tmp_path / "out")


def test_processes_use_one_thread_each_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = scans(tmp_path / "in", a="environment")
    for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    go(inputs, tmp_path / "out")
    assert column(tmp_path / "out", "failures.csv", "cause") == ["1 1"]
    assert column(tmp_path / "out", "failures.csv", "advice") == [str(os.getpid())]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    go(inputs, tmp_path / "out", retry=True)
    assert column(tmp_path / "out", "failures.csv", "cause") == ["3 1"]
