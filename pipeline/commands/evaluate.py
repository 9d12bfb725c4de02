"""``nianbao evaluate``: a dataset against a truth table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import console
from pipeline.errors import ExitCode

if TYPE_CHECKING:
    from pipeline.evaluation import Evaluation, RowScore, Score


def _limit(text: str) -> float | None:
    limit: float | None = typer.Option(None, min=0, max=100, metavar="PERCENT", show_default=False, help=text)
    return limit


def evaluate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Output folder of an extraction, or its cells.csv.")],
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="Truth table as scripts/make_scans.py writes it.")],
    worst: Annotated[int, typer.Option(min=0, help="How many confusions and files to list.")] = 10,
    min_correct: float | None = _limit("Fail when fewer cells are correct."),
    max_silent: float | None = _limit("Fail when more cells are silent errors."),
    max_review: float | None = _limit("Fail when more cells are under review."),
    min_rows: float | None = _limit("Fail when fewer row labels are right."),
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Compare extracted cells with the truth: per level and damage, row labels, and what was taken for what.

    The limits are percentages of all cells (--min-rows: of all rows); the exit code is 1 when one is not kept.
    """
    from pipeline.evaluation import evaluate as compare
    from pipeline.evaluation import read_extracted, read_truth

    cells = out / "cells.csv" if out.is_dir() else out
    result = compare(read_extracted(cells), read_truth(truth))
    if as_json:
        console.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
    else:
        _print(result, worst)
    broken = _broken_limits(result, min_correct, max_silent, max_review, min_rows)
    for each in broken:
        console.complain(each)
    if broken:
        raise typer.Exit(ExitCode.FAILURES)


def _broken_limits(
    result: Evaluation,
    min_correct: float | None,
    max_silent: float | None,
    max_review: float | None,
    min_rows: float | None,
) -> list[str]:
    total = result.total
    correct, silent, review = (total.rate(count) for count in (total.correct, total.silent, total.review))
    rows = 0.0 if result.rows is None else result.rows.rate
    return [
        text
        for broken, text in (
            (min_correct is not None and correct < min_correct, f"correct {correct:.3f} % < {min_correct} %"),
            (max_silent is not None and silent > max_silent, f"silent errors {silent:.3f} % > {max_silent} %"),
            (max_review is not None and review > max_review, f"under review {review:.3f} % > {max_review} %"),
            (min_rows is not None and rows < min_rows, f"row labels right {rows:.3f} % < {min_rows} %"),
        )
        if broken
    ]


def _print(result: Evaluation, worst: int) -> None:
    columns = ("", "cells", "correct %", "wrong %", "missing %", "silent %", "review %", "rows", "rows right %")
    rows = [
        *_score_rows("level", result.by_level, result.rows_by_level),
        *_score_rows("damage", result.by_damage, {}),
        *_score_rows("", {"all": result.total}, {} if result.rows is None else {"all": result.rows}),
    ]
    console.table(columns, rows, to_stdout=True)
    if not worst:
        return
    confusions = (
        ("row printed", "taken for", result.row_confusions),
        ("value printed", "value read", result.value_confusions),
    )
    for printed, taken, pairs in confusions:
        if pairs:
            console.write("\n")
            console.table((printed, taken, "times"), [(a, b, str(n)) for a, b, n in pairs[:worst]], to_stdout=True)
    imperfect = [(source, f"{rate:.2f}") for source, rate in result.worst_sources if rate < 100]
    if imperfect:
        console.write("\n")
        console.table(("file", "correct %"), imperfect[:worst], to_stdout=True)


def _score_rows(kind: str, scores: Mapping[str, Score], rows: Mapping[str, RowScore]) -> list[tuple[str, ...]]:
    return [
        (
            f"{kind} {name}".strip(),
            str(score.cells),
            *(f"{score.rate(n):.3f}" for n in (score.correct, score.wrong, score.missing, score.silent, score.review)),
            *((str(rows[name].rows), f"{rows[name].rate:.3f}") if name in rows else ("", "")),
        )
        for name, score in scores.items()
    ]
