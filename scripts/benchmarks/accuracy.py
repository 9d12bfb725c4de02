"""Cell accuracy, silent errors, review load, false repairs and identities on a fixed suite, per kind of scan."""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.evaluation import Evaluation, Extracted, evaluate, read_extracted, read_truth
from pipeline.forms import load_forms
from pipeline.run import run as extract
from pipeline.settings import Settings
from scripts.benchmarks import peers, suite
from scripts.scans.fonts import ROOT as FONTS
from scripts.scans.fonts import installed

_ROOT = Path(__file__).resolve().parents[2]
_ALL = "all"
_HARD = "hard kinds"
_COLUMNS = (
    *("kind", "reports", "cells", "correct %", "silent errors", "silent %", "review %", "false repairs"),
    *("identities checked %", "hold %", "as printed %"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    names = [kind.name for kind in suite.KINDS]
    parser.add_argument("--reports", type=int, default=300, metavar="N", help="size of the suite (300)")
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=names, help=",".join(names))
    parser.add_argument("--peers", action="store_true", help="read the same pages with two public peers, 3 to 8 s each")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="processes (2)")
    parser.add_argument(
        "--scans", type=Path, metavar="DIR", help="keep scans and what is read here, and go on from what is there"
    )
    parser.add_argument("--out", type=Path, default=Path("build/accuracy"), metavar="DIR", help="for the results")


def run(given: argparse.Namespace) -> int:
    """Make the suite, read it, and write ``accuracy.md`` and ``accuracy.csv``; returns the exit status."""
    unknown = set(given.kinds) - {kind.name for kind in suite.KINDS}
    if unknown or given.reports < 1:
        print(f"bench: unknown kinds {unknown}" if unknown else "bench: no reports", file=sys.stderr)
        return 2
    work = Path(tempfile.mkdtemp(prefix="bench-")) if given.scans is None else given.scans
    try:
        kinds = [kind for kind in suite.KINDS if kind.name in given.kinds]
        return _measure(given, kinds, work)
    finally:
        if given.scans is None:
            shutil.rmtree(work)


def _measure(given: argparse.Namespace, kinds: Sequence[suite.Kind], work: Path) -> int:
    forms = load_forms()
    faces, missing = installed(())
    for message in missing:
        print(f"bench: {message}; the suite is another one without it", file=sys.stderr)
    scans = work / "scans"
    try:
        files = suite.make(scans, given.reports, kinds, forms, faces, given.jobs)
    except ValueError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(f"bench: {len(files)} reports in {scans}", file=sys.stderr)
    extract([str(scans)], work / "tables", Settings(), given.jobs)
    truth = [replace(cell, damage=files[cell.source].name) for cell in read_truth(scans / "truth.csv")]
    extracted: dict[str, Extracted] = {"nianbao": read_extracted(work / "tables" / "cells.csv")}
    if given.peers:
        (uv,) = sorted((_ROOT / ".tools").glob("uv-*/bin/uv"))[-1:]
        python = peers.install(_ROOT / "build" / "peers", uv)
        extracted |= peers.read(python, scans, files, work / "pages", forms)
    hard = [cell for cell in truth if files[cell.source].level >= 2]
    results = {
        name: {_ALL: evaluate(cells, truth, forms), **({_HARD: evaluate(cells, hard, forms)} if hard else {})}
        for name, cells in extracted.items()
    }
    counts = Counter(kind.name for kind in files.values())
    rows = [row for name, found in results.items() for row in _rows(name, found, counts, kinds)]
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.out / "accuracy.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("reader", *_COLUMNS), *rows])
    text = _markdown(rows, counts.total())
    (given.out / "accuracy.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _rows(
    reader: str, found: Mapping[str, Evaluation], counts: Mapping[str, int], kinds: Sequence[suite.Kind]
) -> list[tuple[str, ...]]:
    """Reader, then what ``_COLUMNS`` says, for each kind, for the hard ones and for all."""
    everything = found[_ALL]
    groups = [
        (kind.title, counts[kind.name], everything.by_damage[kind.name], everything.identities_by_damage[kind.name])
        for kind in kinds
        if counts.get(kind.name)
    ]
    hard = sum(counts.get(kind.name, 0) for kind in kinds if kind.level >= 2)
    if _HARD in found:
        groups.append((_HARD, hard, found[_HARD].total, found[_HARD].identities))
    groups.append((_ALL, sum(counts.values()), everything.total, everything.identities))
    return [
        (
            *(reader, title, str(reports), str(score.cells), f"{score.rate(score.correct):.2f}"),
            *(str(score.silent), f"{score.rate(score.silent):.3f}", f"{score.rate(score.review):.2f}"),
            *(str(score.false_repairs), f"{100 * identities.checked / max(1, identities.identities):.2f}"),
            f"{identities.rate:.2f}" if identities.checked else "",
            f"{identities.printed_rate:.2f}" if identities.printed_checked else "",
        )
        for title, reports, score, identities in groups
    ]


def _markdown(rows: Sequence[Sequence[str]], reports: int) -> str:
    """One table for each reader, the first one's accuracy beside those of the others in front."""
    readers = list(dict.fromkeys(row[0] for row in rows))
    correct = {(row[0], row[1]): row[4] for row in rows}
    titles = list(dict.fromkeys(row[1] for row in rows))
    parts = [f"{reports} reports, seed {suite.SEED}, fonts from {FONTS}.\n"]
    if len(readers) > 1:
        beside = [(title, *(correct[reader, title] for reader in readers)) for title in titles]
        parts.append(_table(("correct %", *readers), beside))
    for reader in readers:
        parts.append(f"### {reader}\n\n" + _table(_COLUMNS, [row[1:] for row in rows if row[0] == reader]))
    return "\n".join(parts)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---", *("---:" for _ in columns[1:])], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
