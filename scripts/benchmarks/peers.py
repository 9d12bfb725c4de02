"""Two public ways to read tables, for comparison: their rows of text to cells of a form, by fuzzy labels.

The rows come from `scripts.benchmarks.peer_rows`. What a row means is decided here, alike for both: the form and its
rows are aligned to the document by dynamic programming over the likeness of labels (every wording that the form files
list counts), figures go to columns by their place. It is what somebody would write who takes the libraries as they are.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from pipeline.documents import read_pages
from pipeline.domain import CellKey, FormSpec, PageImage, Status, TableLayout
from pipeline.evaluation import Address, ExtractedCell
from pipeline.settings import Settings

NAMES = {"img2table": "img2table + RapidOCR", "rapidocr": "RapidOCR + row clustering"}
_FOLDER = Path(__file__).resolve().parent
_ALIKE = 0.6
_FIGURE = re.compile(r"[+\-]?\d[\d,]*(\.\d+)?")
_EMPTY = frozenset({"", "/", "\\", "-", "--", "—", "——", "无"})

Row = Sequence[tuple[float, str]]
Cells = dict[Address, ExtractedCell]


@dataclass(frozen=True, slots=True)
class _Target:
    """A printed line of a form: the wordings of its label (none: figures alone), and its cells from the left."""

    labels: tuple[str, ...]
    keys: tuple[CellKey, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a page: its possible labels, and its figures with their places."""

    labels: tuple[str, ...]
    figures: tuple[tuple[float, str], ...]


def install(environment: Path, uv: Path) -> Path:
    """Make the environment of the peers where it is not there yet, and return its Python.

    Raises:
        CalledProcessError: it cannot be made.
    """
    requirements = _FOLDER / "peers-requirements.txt"
    python, done = environment / "bin" / "python", environment / "installed.txt"
    if not done.exists() or done.read_bytes() != requirements.read_bytes():
        subprocess.run([uv, "venv", "--clear", "--python", "3.11", environment], check=True)
        # The project's settings exclude the distribution of OpenCV that img2table needs.
        options = ("--no-config", "--no-deps", "--python", python, "-r", requirements)
        subprocess.run([uv, "pip", "install", *options], check=True)
        done.write_bytes(requirements.read_bytes())
    return python


def read(
    python: Path, scans: Path, sources: Iterable[str], work: Path, forms: Sequence[FormSpec]
) -> Mapping[str, Cells]:
    """Let both peers read every page of the scans; they get the pages as this project decodes them.

    Args:
        python: of the peers' environment.
        work: for the pages as PNG, and ``rows.jsonl``, what the peers made of each; pages that have a line there are
            not read again.

    Returns:
        The cells by the peer's name.

    Raises:
        CalledProcessError: the peers failed.
    """
    work.mkdir(parents=True, exist_ok=True)
    found = work / "rows.jsonl"
    known = {line["page"] for line in _lines(found)}
    folders = {}
    for number, source in enumerate(sources):
        folder = work / f"{number:05d}"
        folder.mkdir(exist_ok=True)
        folders[folder.name] = source
        for page in read_pages((scans / source).read_bytes(), Settings()):
            if not isinstance(page, PageImage):
                continue
            path = folder / f"{page.number:03d}.png"
            if str(path.relative_to(work)) in known:
                path.unlink(missing_ok=True)
            else:
                Image.fromarray(page.pixels).save(path, compress_level=1)
    command = [python, _FOLDER / "peer_rows.py", work]
    with (
        found.open("a", encoding="utf-8") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process,
    ):
        for text in process.stdout or ():
            file.write(text)
            file.flush()
            (work / json.loads(text)["page"]).unlink()
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    rows: dict[str, dict[str, list[Row]]] = {name: defaultdict(list) for name in NAMES}
    for line in sorted(_lines(found), key=lambda line: line["page"]):
        for name in NAMES:
            rows[name][folders[line["page"].split("/")[0]]] += line[name]
    return {title: _extracted(rows[name], folders.values(), forms) for name, title in NAMES.items()}


def _lines(path: Path) -> list[dict[str, Any]]:
    """What the peers made of each page so far; a last line that was cut off by the end of a run is removed."""
    if not path.exists():
        return []
    whole, end, _ = path.read_bytes().rpartition(b"\n")
    os.truncate(path, len(whole + end))
    return [json.loads(line) for line in whole.splitlines()]


def _extracted(rows: Mapping[str, Sequence[Row]], sources: Iterable[str], forms: Sequence[FormSpec]) -> Cells:
    """Every cell of the form that each document is taken for; what was not found is empty and accepted as such."""
    cells: Cells = {}
    for source in sources:
        form_id, values = read_document(rows.get(source, ()), forms)
        for key, value in values.items():
            row = (form_id, key.table_id, key.row_id)
            cells[source, 1, row, key.column_id] = ExtractedCell(
                row, key.column_id, value, Status.ACCEPTED, None, None, None
            )
    return cells


def read_document(rows: Sequence[Row], forms: Sequence[FormSpec]) -> tuple[str, dict[CellKey, Decimal | None]]:
    """The form that a document's rows are most like, and a value (or None) for each of its cells."""
    lines = [_line(row) for row in rows]
    best: tuple[float, str, dict[CellKey, Decimal | None]] = (-1.0, "", {})
    for form in forms:
        targets = _targets(form)
        score, pairs = _align(lines, targets)
        if score / len(targets) > best[0]:
            values = {key: None for target in targets for key in target.keys} | _values(lines, targets, pairs)
            best = (score / len(targets), form.id, values)
    return best[1], best[2]


def _line(row: Row) -> _Line:
    """Figures are what stands at the end of a row and could be one; the label is what stands before."""
    words = [(x, unicodedata.normalize("NFKC", text).strip()) for x, text in row]
    first = len(words)
    while first and (words[first - 1][1] in _EMPTY or _FIGURE.match(words[first - 1][1])):
        first -= 1
    before = [_plain(text) for _, text in words[:first] if text]
    joined = "".join(before)
    return _Line(tuple(dict.fromkeys((joined, *before))) if before else (), tuple(words[first:]))


def _targets(form: FormSpec) -> list[_Target]:
    targets = []
    for table in form.tables:
        for block in table.blocks:
            columns = [column.id for column in block.columns]
            if table.layout is TableLayout.STRIP:
                keys = tuple(CellKey(table.id, row.id, column) for row in block.rows for column in columns)
                targets.append(_Target((), keys))
                continue
            for row in block.rows:
                own = [_plain(label) for label in (row.label, *row.aliases)]
                under = [_plain("".join(row.parents[n:])) + own[0] for n in range(len(row.parents))]
                keys = tuple(CellKey(table.id, row.id, column) for column in columns)
                targets.append(_Target(tuple(dict.fromkeys((*own, *under))), keys))
    return targets


def _plain(text: str) -> str:
    """A label without blanks and punctuation."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())


def _align(lines: Sequence[_Line], targets: Sequence[_Target]) -> tuple[float, list[tuple[int, int]]]:
    """The best pairs of lines and targets in order (Needleman & Wunsch 1970, gaps are free), and their score."""
    score = [[0.0] * (len(targets) + 1) for _ in range(len(lines) + 1)]
    alike = [[_likeness(line, target) for target in targets] for line in lines]
    for i in range(1, len(lines) + 1):
        for j in range(1, len(targets) + 1):
            score[i][j] = max(score[i - 1][j], score[i][j - 1], score[i - 1][j - 1] + alike[i - 1][j - 1])
    pairs = []
    i, j = len(lines), len(targets)
    while i and j:
        if score[i][j] == score[i - 1][j]:
            i -= 1
        elif score[i][j] == score[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return score[-1][-1], pairs[::-1]


def _likeness(line: _Line, target: _Target) -> float:
    """0 to 1; 0 where it is too little to tell, less where there are not as many figures as columns."""
    if not target.labels:
        return float(not line.labels and len(line.figures) == len(target.keys))
    if not line.figures:
        return 0.0
    best = max((_ratio(label, wording) for label in line.labels for wording in target.labels), default=0.0)
    if best < _ALIKE:
        return 0.0
    return best if len(line.figures) == len(target.keys) else 0.9 * best


@lru_cache(maxsize=1 << 18)
def _ratio(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE:
        return 0.0
    return matcher.ratio()


def _values(
    lines: Sequence[_Line], targets: Sequence[_Target], pairs: Sequence[tuple[int, int]]
) -> dict[CellKey, Decimal | None]:
    """Figures to columns: in order where there is one for each, else to the nearest column of the same table."""
    places: dict[tuple[str, int], list[tuple[float, ...]]] = defaultdict(list)
    for i, j in pairs:
        figures, keys = lines[i].figures, targets[j].keys
        if len(figures) >= len(keys):
            places[keys[0].table_id, len(keys)].append(tuple(x for x, _ in figures[-len(keys) :]))
    values: dict[CellKey, Decimal | None] = {}
    for i, j in pairs:
        figures, keys = lines[i].figures, targets[j].keys
        known = places.get((keys[0].table_id, len(keys)))
        if len(figures) >= len(keys):
            values |= {key: _number(text) for key, (_, text) in zip(keys, figures[-len(keys) :], strict=True)}
        elif known:
            middles = [statistics.median(place) for place in zip(*known, strict=True)]
            for x, text in figures:
                nearest = min(range(len(keys)), key=lambda n: abs(middles[n] - x))
                values[keys[nearest]] = _number(text)
    return values


def _number(text: str) -> Decimal | None:
    found = _FIGURE.match(text)
    return Decimal(found[0].replace(",", "")) if found else None
