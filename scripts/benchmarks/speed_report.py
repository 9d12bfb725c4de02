"""The results of ``scripts/bench speed`` as a table, a plot and the arithmetic for a million reports."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_MILLION = 1_000_000
_HOURS = 24
# List prices in US dollars, us-east-1. Those of storage and requests are S3 Standard's as public guides gave them in
# November 2026; that of the machine, on demand, is from memory: look it up before relying on it.
_MACHINE, _CORES, _PER_HOUR = "c7a.xlarge", 4, 0.2053
_PER_GB_MONTH, _PER_1000_PUTS, _PER_1000_GETS = 0.023, 0.005, 0.0004


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured.

    Attributes:
        jobs: by number of processes: pages, seconds from start to end, seconds before the first process was ready, most
            memory of a process that reads and of the parent, in MB.
        stages: name, share of the time, milliseconds a page, most memory in MB.
        lengths: pages of one document, seconds, most memory in MB.
        beside: by reader: pages, seconds of reading, most memory in MB (0: not known).
        documents: how many were read.
        stored, scanned, tables: bytes of records and rows, of the scans, and of the tables.
    """

    jobs: Mapping[int, tuple[int, float, float, int, int]]
    stages: Sequence[tuple[str, float, float, int]]
    lengths: Sequence[tuple[int, float, int]]
    beside: Mapping[str, tuple[int, float, int]]
    documents: int
    stored: int
    scanned: int
    tables: int


def rows(results: Results) -> Iterator[tuple[object, ...]]:
    """Everything as lines of one table."""
    yield ("what", "of", "pages", "seconds", "megabytes")
    for jobs, (pages, seconds, _, megabytes, _) in results.jobs.items():
        yield ("processes", jobs, pages, f"{seconds:.2f}", megabytes)
    for name, _, milliseconds, megabytes in results.stages:
        yield ("stage", name, 1, f"{milliseconds / 1000:.4f}", megabytes)
    for pages, seconds, megabytes in results.lengths:
        yield ("one document", "", pages, f"{seconds:.2f}", megabytes)
    for name, (pages, seconds, megabytes) in results.beside.items():
        yield ("reader", name, pages, f"{seconds:.2f}", megabytes)


def markdown(results: Results) -> str:
    """The results as tables, and the plan."""
    parts = [_jobs(results), _stages(results)]
    if results.lengths:
        parts.append(_lengths(results))
    if results.beside:
        parts.append(_beside(results))
    return "\n".join([*parts, plan(results)])


def _table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    ruled = ["---", *("---:" for _ in columns[1:])]
    return "".join(f"| {' | '.join(line)} |\n" for line in (columns, ruled, *lines))


def _jobs(results: Results) -> str:
    columns = ("processes", "pages", "seconds", "pages/s", "s to the first page", "MB a process", "MB of the parent")
    lines = [
        (*(str(jobs), str(pages), f"{seconds:.1f}", f"{pages / seconds:.2f}"), f"{start:.1f}", str(most), str(parent))
        for jobs, (pages, seconds, start, most, parent) in results.jobs.items()
    ]
    paces = [pages / seconds for pages, seconds, *_ in results.jobs.values()]
    return _table(columns, lines) + f"\nTwo processes are {paces[-1] / paces[0]:.2f} times as fast as one.\n"


def _stages(results: Results) -> str:
    lines = [
        (name, f"{100 * share:.1f} %", f"{milliseconds:.0f}", str(megabytes))
        for name, share, milliseconds, megabytes in results.stages
    ]
    total = sum(milliseconds for _, _, milliseconds, _ in results.stages)
    lines.append(("all", "100 %", f"{total:.0f}", str(max(megabytes for *_, megabytes in results.stages))))
    return _table(("stage", "share", "ms a page", "MB at most"), lines)


def _lengths(results: Results) -> str:
    lines = [
        (str(pages), f"{seconds:.1f}", f"{seconds / pages:.2f}", str(megabytes))
        for pages, seconds, megabytes in results.lengths
    ]
    return _table(("pages of one document", "seconds, start included", "s a page", "MB at most"), lines)


def _beside(results: Results) -> str:
    own = results.beside["nianbao"]
    lines = [
        (
            *(name, str(pages), f"{pages / seconds:.3f}", f"{(own[0] / own[1]) / (pages / seconds):.1f}"),
            str(megabytes) if megabytes else "",
        )
        for name, (pages, seconds, megabytes) in results.beside.items()
    ]
    columns = ("reader, one thread", "pages", "pages/s", "nianbao is faster, times", "MB at most")
    return _table(columns, lines)


def plan(results: Results) -> str:
    """The arithmetic for a million reports, from what was measured."""
    jobs = max(results.jobs)
    pages, seconds, _, megabytes, _ = results.jobs[jobs]
    each = pages / results.documents
    pace = pages / seconds / jobs
    hours = _MILLION * each / pace / 3600
    machines = math.ceil(hours / _CORES / _HOURS)
    took = hours / (_CORES * machines)
    scanned, stored, tables = (
        _MILLION * size / results.documents / 1e9 for size in (results.scanned, results.stored, results.tables)
    )
    requests = _MILLION * (2 * _PER_1000_GETS + 2 * _PER_1000_PUTS + _PER_1000_GETS) / 1000
    rent, storage = machines * took * _PER_HOUR, (stored + tables) * _PER_GB_MONTH
    lines = [
        ("pages", f"1,000,000 reports × {each:.2f} pages", f"{_MILLION * each:,.0f}"),
        ("core hours", f"pages ÷ {pace:.2f} pages a second and process ÷ 3600", f"{hours:,.0f}"),
        (f"machines for one day ({_MACHINE}, {_CORES} cores)", f"core hours ÷ {_CORES} ÷ {_HOURS}", f"{machines}"),
        ("hours", f"core hours ÷ ({_CORES} × machines)", f"{took:.1f}"),
        (
            "memory of a machine",
            f"{_CORES} × {megabytes} MB, a scheduler's worker beside them",
            f"{_CORES * megabytes / 1000 + 0.3:.1f} GB",
        ),
        (
            "scans to be read",
            f"{results.scanned / results.documents / 1e3:,.0f} kB a report, twice over the network",
            f"{scanned:,.0f} GB",
        ),
        ("records and rows", f"{results.stored / results.documents / 1e3:,.1f} kB a report", f"{stored:,.0f} GB"),
        ("tables", f"{results.tables / results.documents / 1e3:,.1f} kB a report", f"{tables:,.0f} GB"),
        ("rent", f"machines × hours × ${_PER_HOUR}", f"${rent:,.0f}"),
        ("requests", "3 reads and 2 writes a report", f"${requests:,.0f}"),
        ("storage", f"(records + tables) × ${_PER_GB_MONTH} a GB and month", f"${storage:,.2f} a month"),
    ]
    return _table(("a million reports", "how", "is"), lines)


# --------------------------------------------------------------------------- the plot

_WIDE, _BAR, _LEFT = 640, 26, 220


def svg(results: Results) -> str:
    """Pages a second as bars; below, seconds and memory of one document by its pages, both axes logarithmic."""
    paces = {f"nianbao, {jobs} process{'es' if jobs > 1 else ''}": p / s for jobs, (p, s, *_) in results.jobs.items()}
    paces |= {f"{name}, same pages": p / s for name, (p, s, _) in results.beside.items()}
    parts = [_text(10, 22, "pages a second", 15)]
    most = max(paces.values())
    for number, (name, pace) in enumerate(paces.items()):
        y = 36 + number * (_BAR + 6)
        length = (_WIDE - _LEFT - 70) * pace / most
        colour = "#005aa0" if name.startswith("nianbao") else "#999999"
        parts.append(_text(_LEFT - 8, y + 18, name, 13, "end"))
        parts.append(f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{colour}"/>')
        parts.append(_text(_LEFT + length + 6, y + 18, f"{pace:.2f}", 13))
    height = 36 + len(paces) * (_BAR + 6) + 20
    if len(results.lengths) > 1:
        parts += _curve([(n, s) for n, s, _ in results.lengths], 10, height, "seconds by pages of one document")
        parts += _curve([(n, m) for n, _, m in results.lengths], _WIDE // 2 + 10, height, "MB by pages of one document")
        height += 270
    style = 'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"'
    return f'<svg {style} viewBox="0 0 {_WIDE} {height}">\n' + "\n".join(parts) + "\n</svg>\n"


def _curve(points: Sequence[tuple[float, float]], left: int, top: int, title: str) -> Iterator[str]:
    """A line through points, from powers of ten to powers of ten."""
    side = 200
    spans = [
        (
            math.floor(math.log10(min(values))),
            max(math.ceil(math.log10(max(values))), math.floor(math.log10(min(values))) + 1),
        )
        for values in zip(*points, strict=True)
    ]

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x, y = ((math.log10(value) - low) / (high - low) for value, (low, high) in zip(point, spans, strict=True))
        return left + 40 + side * x, top + 30 + side * (1 - y)

    yield _text(left + 40, top + 16, title, 13)
    yield f'<rect x="{left + 40}" y="{top + 30}" width="{side}" height="{side}" fill="none" stroke="#999999"/>'
    (left_power, right_power), (low, high) = spans
    for power in range(left_power, right_power + 1):
        x, _ = at((10.0**power, 10.0**low))
        yield _text(x, top + 46 + side, f"{10**power:,}", 11, "middle")
    for power in range(low, high + 1):
        _, y = at((10.0**left_power, 10.0**power))
        yield _text(left + 36, y + 4, f"{10.0**power:g}", 11, "end")
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(at, points))
    yield f'<polyline points="{line}" fill="none" stroke="#005aa0" stroke-width="2"/>'
    for x, y in map(at, points):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#005aa0"/>'


def _text(x: float, y: float, text: str, size: int, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{escape(text)}</text>'
