"""Retraining: a wording nobody knew costs one correction, and wrong answers are named and refused."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline import corrections, model_store
from pipeline.corrections import Correction, Kind
from pipeline.domain import BoundingBox, CellKey, LabelContext
from pipeline.errors import UsageError
from pipeline.labels.artefact import MODEL
from pipeline.labels.classifier import LabelClassifier
from pipeline.labels.dataset import read_labels
from pipeline.retrain.retraining import retrain

NOW = dt.datetime(2026, 11, 25, 12, 0, tzinfo=dt.UTC)
LABELS = Path(__file__).resolve().parents[2] / "training_data" / "labels.csv"
# Wordings that are in no training data, each once as corrected and once as a later report prints it.
ACTS, NEXT = "第二十条第（一）项", "第二十条第（六）项"
NEW_WORDS = {
    "a renamed row": (
        "proactive_disclosure",
        "regulations",
        LabelContext("政府令", ACTS, "", "信息内容", "行政规范性文件", 0.1, 3),
        LabelContext("政府令", ACTS, "二、主动公开政府信息情况", "信息内容", "规范性文件", 0.12, 3),
    ),
    "a row renumbered and reworded": (
        "requests",
        "carried_out",
        LabelContext("四、留待次年处理之件", "", "", "（七）总计", "", 1.0, 7),
        LabelContext("五、留待次年处理之件", "", "三、收到和处理政府信息公开申请情况", "（七）总计", "", 1.0, 7),
    ),
    "a traditional reprint of it": (
        "requests",
        "carried_out",
        None,
        LabelContext("四、留待次年處理之件", "", "", "（七）總計", "", 1.0, 7),
    ),
    "an extra row of a province": (
        "proactive_disclosure",
        corrections.NOT_ON_THE_FORM,
        LabelContext("行政处罚信用修复", NEXT, "", "行政处罚", "行政强制", 0.5, 3),
        LabelContext("行政处罚信用修复（件）", NEXT, "二、主动公开政府信息情况", "行政处罚", "行政强制", 0.55, 3),
    ),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(model_store.HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


def answer(number: int, table: str, new: str, context: LabelContext, report: int = 0) -> Correction:
    return Correction(
        correction_id="",
        at="",
        reviewer="王芳",
        comment="",
        kind=Kind.ROW,
        document_id=f"d-{report:016x}",
        source=f"某县/{report}.pdf",
        report=1,
        form_id="ogi-2021",
        key=CellKey(table, "", ""),
        old="",
        new=new,
        page=1,
        box=BoundingBox(10.0, 20.0 * number, 90.0, 20.0 * number + 18),
        context=context,
    )


def meaning(table: str, row: str) -> str | None:
    return None if row == corrections.NOT_ON_THE_FORM else f"row/{table}/{row}"


def test_one_correction_teaches_a_wording_and_costs_nothing_else(home: Path, tmp_path: Path) -> None:
    wanted = [meaning(table, row) for table, row, _, _ in NEW_WORDS.values()]
    later = [context for *_, context in NEW_WORDS.values()]
    known = [p.label_id for p in LabelClassifier.load().predict(later)]
    assert all(before != right for before, right in zip(known, wanted, strict=True))

    file = tmp_path / corrections.FILE
    told = [(table, row, first) for table, row, first, _ in NEW_WORDS.values() if first is not None]
    corrections.append(file, [answer(i, *each) for i, each in enumerate(told)], NOW)
    tried = retrain([tmp_path], dry_run=True)
    assert tried.model is None
    assert not home.exists()

    made = retrain([file])
    assert made.objections == ()
    assert made.understood == (0, len(told))
    assert made.comparison is not None
    assert made.comparison.worse == ()
    assert made.model == model_store.current(MODEL)
    assert made.model.parent.parent.parent == home
    assert [p.label_id for p in LabelClassifier.load().predict(later)] == wanted
    lines = read_labels(home / "training_data" / "labels.csv")
    assert {e.source.split(":")[2] for e in lines} == {"2026-11-25"}
    assert len(lines) == len(told)
    metrics = json.loads((made.model / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["retraining"]["new_answers"] == len(told)
    assert "## Retraining" in (made.model / "CARD.md").read_text(encoding="utf-8")

    again = retrain([file])
    assert (again.comparison, again.model) == (None, None)


def poisoned(wrong_share: float) -> tuple[list[Correction], set[str]]:
    """Answers about labels as an engine read them, in reports of eight; and the labels of the wrong ones."""
    chance = random.Random(3)
    pool = [e for e in read_labels(LABELS) if e.split == "test" and e.label_id.startswith("row/requests/")]
    rows = sorted({e.label_id.split("/")[2] for e in pool})
    told, wrong = [], set()
    for number, example in enumerate(pool):
        right = example.label_id.split("/")[2]
        new = right
        if chance.random() < wrong_share:
            new = chance.choice([row for row in rows if row != right])
            wrong.add(f"{number}")
        told.append(answer(number, "requests", new, example.context, number // 8))
    return told, wrong


def test_a_fifth_of_wrong_answers_is_refused_and_named(home: Path, tmp_path: Path) -> None:
    told, wrong = poisoned(0.2)
    assert len(wrong) >= 10
    file = tmp_path / corrections.FILE
    written = corrections.append(file, told, NOW)
    ids = {each.correction_id for number, each in enumerate(written) if f"{number}" in wrong}
    made = retrain([file])
    assert made.model is None
    assert any("contradict everything else" in objection for objection in made.objections)
    named = {doubt.answer.correction.correction_id for doubt in made.doubts}
    assert len(named & ids) >= 0.8 * len(ids)
    assert len(named - ids) <= 0.05 * len(written)
    assert not (home / "models").exists()
    assert not (home / "training_data" / "labels.csv").exists()


@pytest.mark.parametrize("inputs", [[Path("nowhere.csv")], [Path(".")]])
def test_without_corrections_it_says_where_they_come_from(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: Sequence[Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="nianbao review apply"):
        retrain(inputs)
