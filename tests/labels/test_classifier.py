import random
import time

import numpy as np
import pytest

from pipeline.domain import LabelContext
from pipeline.forms import load_forms
from pipeline.labels.classes import OTHER, official_texts, printed_table
from pipeline.labels.classifier import LabelClassifier
from pipeline.labels.contexts import grid_contexts

FORMS = load_forms()
# Wordings that mean several things; only what surrounds them tells which.
MEAN_SEVERAL_THINGS = ("总计", "合计", "小计", "总计（7）", "其他处理", "其他", "被依法纠错数", "其他情形数")


@pytest.fixture(scope="module")
def classifier() -> LabelClassifier:
    return LabelClassifier.load()


def labels_of_forms(change: random.Random | None = None, alone: bool = False) -> list[tuple[str, LabelContext]]:
    """Every label of every table with its surroundings; all misread where a source of chance is given."""
    found = []
    for form in FORMS:
        for table in form.tables:
            cells = printed_table(form, table, FORMS)
            is_label = [cell.label_id not in (None, OTHER) for cell in cells]
            texts = [
                misread(cell.texts[0], change) if change is not None and label else cell.texts[0]
                for cell, label in zip(cells, is_label, strict=True)
            ]
            worded = [cell.label_id is not None for cell in cells]
            for index, context in grid_contexts(cells, texts, worded, "" if alone else table.title):
                if is_label[index]:
                    found.append((str(cells[index].label_id), LabelContext(context.text) if alone else context))
    return found


def misread(text: str, rng: random.Random) -> str:
    """One or two characters in every eight misread, dropped or added."""
    characters = list(text)
    if len(characters) < 3:
        return text
    for _ in range(max(1, round(len(text) / 8 * rng.uniform(1, 2)))):
        at = rng.randrange(len(characters))
        kind = rng.random()
        if kind < 0.35 and len(characters) > 2:
            del characters[at]
        elif kind < 0.85:
            characters[at] = chr(rng.randint(0x4E00, 0x9FA0))
        else:
            characters.insert(at, chr(rng.randint(0x4E00, 0x9FA0)))
    return "".join(characters)


def understood(classifier: LabelClassifier, labels: list[tuple[str, LabelContext]]) -> list[bool]:
    predictions = classifier.predict([context for _, context in labels])
    return [p.label_id == label_id for (label_id, _), p in zip(labels, predictions, strict=True)]


def test_every_official_label_is_understood_where_it_stands(classifier: LabelClassifier) -> None:
    labels = labels_of_forms()
    wrong = [label for label, right in zip(labels, understood(classifier, labels), strict=True) if not right]
    assert wrong == []


def test_every_label_and_variant_that_means_one_thing_is_understood_alone(classifier: LabelClassifier) -> None:
    labels = [
        (t.label_id, LabelContext(t.text))
        for t in official_texts(FORMS)
        if t.label_id != OTHER and not any(t.text.endswith(word) for word in MEAN_SEVERAL_THINGS)
    ]
    wrong = [c.text for (_, c), right in zip(labels, understood(classifier, labels), strict=True) if not right]
    assert len(wrong) <= 0.02 * len(labels), wrong


def test_misread_labels_are_understood_where_they_stand(classifier: LabelClassifier) -> None:
    labels = [label for seed in (11, 12, 13) for label in labels_of_forms(random.Random(seed))]
    right = understood(classifier, labels)
    # A caption may lose the one character that tells it from the others; a row hardly can.
    assert np.mean(right) >= 0.985
    assert (
        np.mean([hit for (label_id, _), hit in zip(labels, right, strict=True) if label_id.startswith("row/")]) >= 0.99
    )


def test_misread_row_labels_never_become_another_row_with_certainty(classifier: LabelClassifier) -> None:
    labels = [label for label in labels_of_forms(random.Random(13)) if label[0].startswith("row/")]
    for (label_id, context), prediction in zip(labels, classifier.predict([c for _, c in labels]), strict=True):
        if prediction.label_id != label_id:
            assert prediction.probability < 0.97, (label_id, context.text, prediction)


@pytest.mark.parametrize(
    "text",
    [
        "其他主动公开文件",
        "其他主动公开文件（通知、公告、通报等）",
        "行政检查",
        "行政确认",
        "12345热线办理量",
        "新媒体发布信息数",
        "2020年，本机关认真落实条例要求，及时公开各类信息。",
        "联系电话：010-88886666",
        "— 5 —",
        "件",
    ],
)
def test_what_is_not_on_a_form_is_rejected(classifier: LabelClassifier, text: str) -> None:
    assert classifier.predict([LabelContext(text)])[0].label_id is None


def test_added_rows_are_rejected_inside_a_table(classifier: LabelClassifier) -> None:
    for text in ("其他主动公开文件（通知、公告等）", "行政检查", "行政确认"):
        context = LabelContext(
            text,
            parent="第二十条第（五）项",
            section="二、主动公开政府信息情况",
            previous="行政许可",
            following="第二十条第（六）项",
            position=0.5,
            columns=3,
        )
        assert classifier.predict([context])[0].label_id is None


@pytest.mark.parametrize(
    ("text", "label_id"),
    [
        ("本年新制作数量", "column/ogi-2019/proactive_disclosure/issued"),
        ("本年制发件数", "column/ogi-2021/proactive_disclosure/issued"),
        ("二、结转下一年度继续办理", "row/requests/carried_out"),
        ("規章", "row/proactive_disclosure/regulations"),
        ("青山县水务局2023年政府信息公开工作年度报告", "title/report"),
        ("五、收到和处理政府信息公开申请情况", "section/requests"),
        ("（四）无法提供1.本机关不掌握相关政府信息", "row/requests/unavailable_not_held"),
        ("5.要求行政机关确认或重新出具", "row/requests/not_processed_confirmation"),
    ],
)
def test_deviations_are_understood(classifier: LabelClassifier, text: str, label_id: str) -> None:
    assert classifier.predict([LabelContext(text)])[0].label_id == label_id


def test_a_label_without_text_means_nothing(classifier: LabelClassifier) -> None:
    assert classifier.predict([LabelContext(" \n", previous="行政处罚", columns=1)])[0].label_id is None


def test_probabilities_sum_to_one(classifier: LabelClassifier) -> None:
    likely = classifier.probabilities([LabelContext("总计"), LabelContext(""), LabelContext("𠮷" * 500)])
    assert likely.shape == (3, len(classifier.classes))
    np.testing.assert_allclose(likely.sum(axis=1), 1, atol=1e-5)
    assert classifier.probabilities([]).shape == (0, len(classifier.classes))
    assert classifier.predict([]) == []


def test_a_label_means_the_same_whatever_was_asked_before_and_beside_it(classifier: LabelClassifier) -> None:
    contexts = [context for _, context in labels_of_forms()][:40]
    asked_before = LabelClassifier(classifier.model)
    asked_before.probabilities(contexts[::3])
    together = asked_before.probabilities([*contexts, *contexts[:5]])
    alone = np.concatenate([LabelClassifier(classifier.model).probabilities([context]) for context in contexts])
    np.testing.assert_array_equal(together, np.concatenate([alone, alone[:5]]))


def test_every_row_of_every_form_has_a_class(classifier: LabelClassifier) -> None:
    rows = {f"row/{k.table_id}/{k.row_id}" for form in FORMS for k in form.keys() if k.table_id != "reviews"}  # noqa: SIM118
    assert rows <= set(classifier.classes)


def test_a_table_is_understood_quickly(classifier: LabelClassifier) -> None:
    contexts = [context for _, context in labels_of_forms()][:60]
    times = []
    for _ in range(5):
        fresh = LabelClassifier(classifier.model)
        start = time.perf_counter()
        fresh.probabilities(contexts)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.1
