"""The command line of ``scripts/make_scans.py``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from pipeline.forms import load_forms
from scripts.scans.damage import KINDS
from scripts.scans.fonts import installed
from scripts.scans.reports import FORMATS, Options, make_document
from scripts.scans.writing import write, write_truth


def main(arguments: Sequence[str] | None = None) -> int:
    """Make scans as the command line says; returns the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    try:
        options = _options(given)
    except ValueError as error:
        parser.error(str(error))
    if given.faults:
        from scripts.scans.faults import write_faults

        write_faults(given.out, options, given.seed)
        return 0
    make = partial(_make, options, given.seed, given.out)
    numbers = range(given.first, given.first + given.reports)
    if given.jobs > 1:
        with ProcessPoolExecutor(given.jobs) as pool:
            parts = list(pool.map(make, numbers, chunksize=4))
    else:
        parts = [make(number) for number in numbers]
    rows = [row for part in parts for row in part]
    write_truth(given.out / "truth.csv", rows)
    print(f"{len(parts)} files and the truth of {len(rows)} cells in {given.out}", file=sys.stderr)
    return 0


def _make(options: Options, seed: int, folder: Path, number: int) -> list[dict[str, str]]:
    return write(make_document(options, seed, number), folder, f"r{number:05d}")


def _options(given: argparse.Namespace) -> Options:
    faces, missing = installed(given.fonts)
    for message in missing:
        print(f"make_scans: {message}", file=sys.stderr)
    known = load_forms()
    unknown = set(given.forms) - {form.id for form in known}
    if unknown:
        raise ValueError(f"unknown forms: {', '.join(sorted(unknown))}; known are {', '.join(f.id for f in known)}")
    formats = tuple(name for asked in given.formats for name in (("jpg", "png") if asked == "long" else (asked,)))
    for name, allowed in (("kinds", KINDS), ("formats", FORMATS)):
        wrong = set(formats if name == "formats" else given.kinds) - set(allowed)
        if wrong:
            raise ValueError(f"unknown {name}: {', '.join(sorted(wrong))}; known are {', '.join(allowed)}")
    levels = tuple(int(level) for level in given.levels)
    if not set(levels) <= {0, 1, 2, 3}:
        raise ValueError("levels are 0, 1, 2 and 3")
    return Options(
        tuple(form for form in known if not given.forms or form.id in given.forms),
        faces,
        levels,
        given.kinds,
        formats,
        given.inconsistent,
        given.volumes,
        given.plain,
    )


def _parser() -> argparse.ArgumentParser:
    def names(text: str) -> tuple[str, ...]:
        return tuple(name for name in text.split(",") if name)

    def share(text: str) -> float:
        value = float(text)
        if not 0 <= value <= 1:
            raise argparse.ArgumentTypeError("must be from 0 to 1")
        return value

    parser = argparse.ArgumentParser(
        prog="make_scans.py",
        description="Print annual reports, damage them as scanners do, and write the truth per cell.",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the files and truth.csv")
    parser.add_argument("--reports", type=int, default=20, metavar="N", help="files to make (20)")
    parser.add_argument("--first", type=int, default=0, metavar="I", help="number of the first file (0)")
    parser.add_argument("--seed", type=int, default=0, help="seed; the same seed gives the same bytes (0)")
    parser.add_argument("--forms", type=names, default=(), help="form ids, all when left out")
    parser.add_argument("--levels", type=names, default=("0", "1", "2", "3"), help="0 print, 1 good, 2 everyday, 3 bad")
    parser.add_argument("--kinds", type=names, default=(), help=f"damage on top of the level: {','.join(KINDS)}")
    parser.add_argument("--fonts", type=names, default=(), help="names of fonts, all that are installed when left out")
    parser.add_argument(
        "--formats", type=names, default=("pdf", "tiff", "jpg", "png"), help=f"{','.join(FORMATS)},long"
    )
    parser.add_argument(
        "--inconsistent", type=share, default=0.1, metavar="SHARE", help="reports with wrong sums (0.1)"
    )
    parser.add_argument(
        "--volumes", type=share, default=0.04, metavar="SHARE", help="files with several reports (0.04)"
    )
    parser.add_argument("--plain", action="store_true", help="no departures from the statutory wording and layout")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), metavar="J", help="processes")
    parser.add_argument("--faults", action="store_true", help="write hostile files and expected.csv instead")
    return parser
