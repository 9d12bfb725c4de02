"""``nianbao evaluate``: a dataset against a truth table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import console
from pipeline.errors import ExitCode, OutputError, UsageError

if TYPE_CHECKING:
    from pipeline.evaluation import Evaluation, IdentityScore, RowScore, Score, SilentError
    from pipeline.reliability import Reliability

_WRONG_COLUMNS = (
    *("source", "form_id", "table_id", "row_id", "column_id", "printed", "read", "status", "confidence"),
    *("page", "x0", "y0", "x1", "y1", "level", "damage"),
)
_COVERAGES = (0.5, 0.8, 0.9, 0.95, 0.99, 1.0)


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
    wrong: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every silent error into this CSV file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw reliability and risk by coverage into this PNG file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Compare extracted cells with the truth: per level and damage, row labels, and what was taken for what.

    Then how far the confidences can be trusted: reliability table, expected calibration error, risk by coverage.

    The limits are percentages of all cells (--min-rows: of all rows); the exit code is 1 when one is not kept.
    """
    from pipeline.evaluation import evaluate as compare
    from pipeline.evaluation import read_extracted, read_truth
    from pipeline.forms import load_forms

    cells = out / "cells.csv" if out.is_dir() else out
    result = compare(read_extracted(cells), read_truth(truth), load_forms())
    if wrong is not None:
        _write_wrong(wrong, result.silent_errors)
    if plot is not None:
        _draw(plot, result.reliability)
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


def _write_wrong(path: Path, errors: Sequence[SilentError]) -> None:
    from pipeline.spreadsheet import Writer

    try:
        path.unlink(missing_ok=True)
        with Writer(path, _WRONG_COLUMNS, ("printed", "read", "confidence", "page", "x0", "y0", "x1", "y1")) as table:
            for error in errors:
                table.write(_wrong_row(error))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}", "Name another file") from error


def _wrong_row(error: SilentError) -> dict[str, str]:
    page, box = ("", None) if error.place is None else (str(error.place.page), error.place.box)
    return {
        **{name: str(getattr(error, name)) for name in _WRONG_COLUMNS[:8]},
        "confidence": "" if error.confidence is None else f"{error.confidence:.4f}",
        "page": page,
        **{name: "" if box is None else f"{getattr(box, name):.1f}" for name in ("x0", "y0", "x1", "y1")},
        "level": error.level,
        "damage": error.damage,
    }


def _draw(path: Path, reliability: Reliability | None) -> None:
    from pipeline.commands.charts import write_reliability

    if reliability is None:
        raise UsageError("there are no confidences to draw", "Give a cells.csv with the column confidence")
    write_reliability(path, reliability)


def _print(result: Evaluation, worst: int) -> None:
    columns = (
        *("", "cells", "correct %", "wrong %", "missing %", "silent %", "review %", "false repairs"),
        *("rows", "rows right %", "identities hold %"),
    )
    all_rows = {} if result.rows is None else {"all": result.rows}
    rows = [
        *_score_rows("level", result.by_level, result.rows_by_level, {}),
        *_score_rows("damage", result.by_damage, {}, result.identities_by_damage),
        *_score_rows("", {"all": result.total}, all_rows, {"all": result.identities}),
    ]
    console.table(columns, rows, to_stdout=True)
    _print_counts(result)
    if result.reliability is not None:
        _print_reliability(result.reliability)
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


def _print_counts(result: Evaluation) -> None:
    total, identities = result.total, result.identities
    console.write(
        f"\nsilent errors: {total.silent}; repaired: {total.reconciled}, of which wrong: {total.false_repairs}\n"
    )
    if identities.identities:
        console.write(
            f"identities: {identities.identities}; of {identities.checked} that can be checked {identities.rate:.3f} % "
            f"hold; as printed, {identities.printed_rate:.3f} % of {identities.printed_checked}\n"
        )


def _print_reliability(reliability: Reliability) -> None:
    bins = [
        (
            f"{each.low:g} to {each.high:g}",
            str(each.cells),
            "" if each.mean_confidence is None else f"{each.mean_confidence:.5f}",
            "" if each.share_right is None else f"{each.share_right:.5f}",
        )
        for each in reliability.bins
    ]
    console.write("\n")
    console.table(("confidence", "cells", "mean", "share right"), bins, to_stdout=True)
    console.write(
        f"expected calibration error: {reliability.calibration_error:.5f} "
        f"({reliability.calibration_bins} bins of equal mass)\n\n"
    )
    # Where many cells have one confidence, several coverages lead to one point.
    points = dict.fromkeys(reliability.risk_at(coverage) for coverage in _COVERAGES)
    console.table(
        ("coverage", "confidence at least", "risk"),
        [(f"{point.coverage:.3f}", f"{point.confidence:.4f}", f"{point.risk:.6f}") for point in points],
        to_stdout=True,
    )
    console.write(f"area under the risk-coverage curve: {reliability.area:.6f}\n")
    if reliability.risk is not None:
        console.write(
            f"accepted: coverage {reliability.coverage:.4f}, {reliability.wrong} of {reliability.accepted} wrong, "
            f"risk {reliability.risk:.6f}, at most {reliability.risk_bound:.6f} (95 %, one-sided, Clopper-Pearson)\n"
        )


def _score_rows(
    kind: str,
    scores: Mapping[str, Score],
    rows: Mapping[str, RowScore],
    identities: Mapping[str, IdentityScore],
) -> list[tuple[str, ...]]:
    return [
        (
            f"{kind} {name}".strip(),
            str(score.cells),
            *(f"{score.rate(n):.3f}" for n in (score.correct, score.wrong, score.missing, score.silent, score.review)),
            str(score.false_repairs),
            *((str(rows[name].rows), f"{rows[name].rate:.3f}") if name in rows else ("", "")),
            f"{identities[name].rate:.3f}" if name in identities and identities[name].checked else "",
        )
        for name, score in scores.items()
    ]
