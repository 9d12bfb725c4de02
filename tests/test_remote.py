"""Files at URLs: a real server that speaks S3, one that speaks HTTP, and archives, give what a folder gives."""

from __future__ import annotations

import functools
import http.server
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import locations
from pipeline.documents import find_inputs
from pipeline.errors import DamagedDocumentError, MissingDependencyError, NoInputError, OutputError
from pipeline.ledger import look
from pipeline.run import RunSummary, rebuild, run
from pipeline.settings import Settings
from pipeline.workers import Limits
from tests import readers

pytestmark = pytest.mark.xdist_group("remote")  # one server for all tests of this file

CONTENTS = {"a.png": "fine", "县/b.png": "doubtful 0.4", "县/copy.png": "fine", "c d.png": "damaged", "e.png": ""}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("PYTHONPATH", os.getcwd())
        patch.setenv(readers.COUNTED, str(tmp_path_factory.mktemp("counted") / "counted"))
        yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, request: pytest.FixtureRequest) -> str:
    """URL of an empty bucket."""
    name = f"b-{abs(hash(request.node.name)):x}"
    s3().mkdir(name)
    return f"s3://{name}"


def s3() -> Any:
    import fsspec

    return fsspec.filesystem("s3", use_listings_cache=False)


def read_so_far() -> list[str]:
    path = Path(os.environ[readers.COUNTED])
    names = path.read_text().splitlines() if path.exists() else []
    path.write_text("")
    return sorted(names)


def folder(path: Path) -> Path:
    for name, content in CONTENTS.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)
    (path / ".hidden.png").write_text("fine")
    (path / "notes.txt").write_text("no scan")
    return path


def upload(source: Path, url: str) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            s3().pipe_file(f"{url}/{path.relative_to(source)}", path.read_bytes())


def go(inputs: str, out: Path, store: str | None = None, cluster: str | None = None) -> RunSummary:
    return run([inputs], out, Settings(), 1, Limits(60), None, readers.STAGES, cluster=cluster, store=store)


def tables(out: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in out.glob("*.csv")}
    assert len(found) == 6
    return found


def test_a_bucket_is_read_like_a_folder_and_only_what_changed_is_read_again(tmp_path: Path, bucket: str) -> None:
    upload(folder(tmp_path / "in"), f"{bucket}/scans")
    go(str(tmp_path / "in"), tmp_path / "local")
    read_so_far()
    out, store = tmp_path / "out", f"{bucket}/results/"
    go(f"{bucket}/scans", out, store)
    assert read_so_far() == ["a.png", "c d.png", "县/b.png"]
    assert tables(out) == tables(tmp_path / "local")
    for name, content in tables(out).items():
        assert s3().cat_file(f"{bucket}/results/{name}") == content
    assert not list((out / ".nianbao").rglob("*.gz"))
    assert len(s3().find(f"{bucket}/results/records")) == 2
    go(f"{bucket}/scans", out)
    assert read_so_far() == []
    s3().pipe_file(f"{bucket}/scans/a.png", b"fine, but another")
    go(f"{bucket}/scans", out)
    assert read_so_far() == ["a.png"]
    with look(out) as state:
        assert [each.reading().pages[0].number for each in state.documents()] == [1, 1, 1]
    assert rebuild(out, stages=readers.STAGES).documents == 5


def test_what_is_gone_from_the_store_is_told_and_read_again(tmp_path: Path, bucket: str) -> None:
    s3().pipe_file(f"{bucket}/a.png", b"fine")
    out = tmp_path / "out"
    go(f"{bucket}/a.png", out, f"{bucket}/results")
    before = tables(out)
    s3().rm(f"{bucket}/results/rows", recursive=True)
    (out / "cells.csv").unlink()
    with pytest.raises(OutputError, match=r"the rows of a\.png are damaged"):
        go(f"{bucket}/a.png", out)
    go(f"{bucket}/a.png", out)
    assert tables(out) == before


def test_a_store_that_cannot_be_written_ends_the_run_and_nothing_is_published(tmp_path: Path, bucket: str) -> None:
    (tmp_path / "a.png").write_text("fine")
    with pytest.raises(OutputError, match="s3://not-there/results cannot be written"):
        go(str(tmp_path / "a.png"), tmp_path / "out", "s3://not-there/results")
    assert list((tmp_path / "out").glob("*.csv")) == []
    with pytest.raises(OSError, match="gone"):
        locations.put_file(f"{bucket}/cells.csv", tmp_path / "gone")
    assert not s3().exists(f"{bucket}/cells.csv")


def test_results_stay_where_they_are(tmp_path: Path, bucket: str) -> None:
    (tmp_path / "a.png").write_text("fine")
    go(str(tmp_path / "a.png"), tmp_path / "out")
    with pytest.raises(OutputError, match="keeps what was read at its own folder"):
        go(str(tmp_path / "a.png"), tmp_path / "out", f"{bucket}/results")


def test_machines_of_a_cluster_read_and_write_by_url(tmp_path: Path, bucket: str) -> None:
    import dask
    from distributed import LocalCluster

    upload(folder(tmp_path / "in"), f"{bucket}/scans")
    go(str(tmp_path / "in"), tmp_path / "local")
    with (
        dask.config.set({"distributed.worker.daemon": False}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=60) as cluster,
    ):
        go(f"{bucket}/scans", tmp_path / "out", f"{bucket}/results", cluster.scheduler_address)
    assert tables(tmp_path / "out") == tables(tmp_path / "local")


def test_patterns_and_files_by_name(tmp_path: Path, bucket: str) -> None:
    upload(folder(tmp_path / "in"), f"{bucket}/scans")
    assert [each.source for each in find_inputs([f"{bucket}/scans/*.png"])] == ["a.png", "c d.png", "e.png"]
    assert [each.source for each in find_inputs([f"{bucket}/scans/notes.txt"])] == ["notes.txt"]
    both = find_inputs([f"{bucket}/scans/a.png", str(tmp_path / "in" / "a.png")])
    assert len({each.source for each in both}) == 2
    for nothing in (f"{bucket}/nothing", f"{bucket}/scans/*.pdf", "s3://not-there/"):
        with pytest.raises(NoInputError, match="cannot be listed"):
            list(find_inputs([nothing]))


def archive(kind: str, source: Path, path: Path) -> Path:
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            for each in sorted(source.rglob("*.*")):
                packed.write(each, each.relative_to(source))
    else:
        with tarfile.open(path, f"w:{kind.partition('.')[2]}") as packed:
            packed.add(source, ".")
    return path


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("remote", [False, True], ids=["local", "s3"])
def test_archives_are_read_where_they_lie(tmp_path: Path, bucket: str, kind: str, remote: bool) -> None:
    source = folder(tmp_path / "in")
    path = archive(kind, source, tmp_path / f"scans.{kind}")
    upload(tmp_path, bucket)
    place = f"{bucket}/{path.name}" if remote else f"file://{path}"
    url = place if kind == "zip" else f"tar://::{place}"
    prefix = f"{path.name}/" if kind == "zip" else ""
    found = {each.source.removeprefix(prefix): each for each in find_inputs([url])}
    assert set(found) == set(CONTENTS)
    assert found["县/b.png"].load() == b"doubtful 0.4"
    assert found["县/b.png"].version


def test_damaged_archives_are_named(bucket: str) -> None:
    s3().pipe_file(f"{bucket}/a.zip", b"PK\x03\x04 cut off")
    (found,) = find_inputs([f"{bucket}/a.zip"])
    with pytest.raises(DamagedDocumentError, match="zip archive cannot be read"):
        found.load()


def test_a_site_is_read(tmp_path: Path) -> None:
    source = folder(tmp_path / "in")
    handler = functools.partial(Quiet, directory=str(source))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{site.server_port}"
        (found,) = find_inputs([f"{url}/a.png"])
        assert (found.source, found.load()) == ("a.png", b"fine")
        assert {"a.png", "e.png"} <= {each.source for each in find_inputs([f"{url}/"])}
        site.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
    with pytest.raises(MissingDependencyError, match=r"nianbao\[remote\]"):
        list(find_inputs(["s3://bucket/"]))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("s3://b/k", True), ("https://x/a.pdf", True), ("tar://::s3://b/a.tar", True), ("file:///a", True)),
        *(("a.pdf", False), ("/s3://x", False), ("C:scan.png", False), ("年报://a", False), ("a b://c", False)),
    ],
)
def test_urls_are_told_from_paths(name: str, meant: bool) -> None:
    assert locations.is_url(name) is meant
