"""Wrong answers among right ones are named, right ones are left alone, and a report never speaks for itself."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.labels.dataset import Example, read_labels, write_labels
from pipeline.retrain import audit
from pipeline.retrain.audit import Suspicion, suspicious

LABELS = Path(__file__).resolve().parents[2] / "training_data" / "labels.csv"
TABLE = "row/statistics"


@pytest.fixture(scope="module")
def labels() -> list[Example]:
    """The row labels of one table as printed and altered, with what is on no form."""
    known = read_labels(LABELS)
    return [e for e in known if e.split == "train" and e.label_id.startswith((TABLE, "other"))]


@pytest.fixture(scope="module")
def read(labels: list[Example]) -> list[Example]:
    """Row labels as an engine read them in a font that no other label is in: what corrections are about."""
    known = read_labels(LABELS)
    held_out = [e for e in known if e.split == "test" and e.label_id.startswith(TABLE)]
    return [
        replace(e, source=f"correction:d-{number % 8:016x}:2026-11-25:c-{number}", split="train", base="")
        for number, e in enumerate(held_out)
    ]


def poisoned(examples: Sequence[Example], every: int) -> tuple[list[Example], set[int]]:
    rng = random.Random(7)
    rows = sorted({e.label_id for e in examples})
    wrong = set(range(0, len(examples), every))
    return [
        replace(e, label_id=rng.choice([r for r in rows if r != e.label_id])) if i in wrong else e
        for i, e in enumerate(examples)
    ], wrong


def test_wrong_answers_among_corrections_are_named_and_right_ones_are_not(
    labels: list[Example], read: list[Example]
) -> None:
    answers, wrong = poisoned(read, every=5)
    named = suspicious(answers, labels, folds=2)
    assert len(wrong) >= 10
    assert len(wrong & {each.index for each in named}) >= 0.8 * len(wrong)
    assert len({each.index for each in named} - wrong) <= 0.05 * len(read)
    suggested = [each.suggested == read[each.index].label_id for each in named if each.index in wrong]
    assert sum(suggested) >= 0.8 * len(suggested)


def test_wrong_labels_in_the_training_data_come_first(labels: list[Example]) -> None:
    of_table = [i for i, e in enumerate(labels) if e.source == "form"]
    changed = list(labels)
    other = {labels[of_table[k]].label_id: labels[of_table[k - 9]].label_id for k in range(len(of_table))}
    wrong = set(of_table[:4])
    for i in wrong:
        changed[i] = replace(changed[i], label_id=other[changed[i].label_id])
    named = suspicious(changed, folds=2)
    assert wrong <= {each.index for each in named[:12]}
    assert [each.given / each.likely for each in named] == sorted(each.given / each.likely for each in named)


def test_a_report_that_repeats_an_answer_does_not_confirm_it(labels: list[Example]) -> None:
    plain, other = [e for e in labels if e.source == "form"][:2]
    assert plain.label_id != other.label_id
    answers = [
        replace(plain, label_id=other.label_id, source=f"correction:d-1:2026-11-25:c-{n}", base="") for n in range(3)
    ]
    assert len(suspicious(answers, labels)) == 3


def test_the_command_lists_rows_as_a_spreadsheet_counts_them(
    labels: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline import commands

    def found(asked: Sequence[Example]) -> list[Suspicion]:
        return [Suspicion(len(asked) - 1, 0.001, "other", 0.99)]

    write_labels(tmp_path / "labels.csv", [replace(labels[0], split="test"), *labels[:3]])
    monkeypatch.setattr(audit, "suspicious", found)
    monkeypatch.setattr("sys.argv", ["nianbao", "train", "--audit", "--training-data", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        commands.main()
    assert not left.value.code
    printed = capsys.readouterr()
    row, given, chance, suggested, likely, text, source = printed.out.rstrip("\n").split("\t")
    assert (row, given, chance, suggested, likely) == (
        f"{tmp_path / 'labels.csv'}:5",
        labels[2].label_id,
        "0.0010",
        "other",
        "0.9900",
    )
    assert (text, source) == (labels[2].context.text, labels[2].source)
    assert "1 of 3 labels" in printed.err
    assert [p.name for p in tmp_path.iterdir()] == ["labels.csv"]
