"""The relations of the three forms, counted against the printed statute."""

from collections import Counter

import pytest

from pipeline.domain import CellKey
from pipeline.forms import form_by_id

# Line of rules: kind, cells on the left, cells on the right, how often it stands (once per column or row).
REQUESTS = {
    "requests.balance": ("carry_over", 2, 2, 7),
    "requests.applicants": ("sum", 1, 6, 23),
    "requests.outcomes": ("sum", 1, 19, 7),
    "reviews.results": ("sum", 1, 4, 3),
}
STATUTE = {
    "ogi-2014": {
        "statistics.normative_documents": ("subset", 1, 1, 1),
        "statistics.channels": ("subset", 1, 5, 1),
        "statistics.press_conferences": ("subset", 1, 1, 1),
        "statistics.online_interviews": ("subset", 1, 1, 1),
        "statistics.applications": ("sum", 1, 4, 1),
        "statistics.closed": ("sum", 1, 2, 1),
        "statistics.replies": ("sum", 1, 8, 1),
        "statistics.denials": ("sum", 1, 6, 1),
        "statistics.reconsiderations": ("sum", 1, 3, 1),
        "statistics.litigations": ("sum", 1, 3, 1),
        "statistics.staff": ("sum", 1, 2, 1),
    },
    "ogi-2019": REQUESTS,
    "ogi-2021": REQUESTS | {"requests.applicants": ("sum", 1, 6, 25), "requests.outcomes": ("sum", 1, 21, 7)},
}


@pytest.mark.parametrize(("form_id", "statute"), STATUTE.items())
def test_relations(form_id: str, statute: dict[str, tuple[str, int, int, int]]) -> None:
    found = Counter(
        (rule.id.rpartition(".")[0], rule.kind, len(rule.left), len(rule.right)) for rule in form_by_id(form_id).rules
    )
    assert found == Counter({(line, *shape): times for line, (*shape, times) in statute.items()})


def test_the_requests_of_a_column_balance_as_printed_at_its_head() -> None:
    form = form_by_id("ogi-2021")
    (rule,) = (rule for rule in form.rules if rule.id == "requests.balance.enterprise")
    assert [key.row_id for key in rule.left] == ["received", "carried_in"]
    assert [key.row_id for key in rule.right] == ["outcome_total", "carried_out"]
    assert {key.column_id for key in rule.left + rule.right} == {"enterprise"}
    assert rule.text == "商业企业：第一项加第二项之和，等于第三项加第四项之和"
    assert "〔2021〕30号" in rule.reference


def test_replies_skip_the_kinds_of_denial() -> None:
    (rule,) = (rule for rule in form_by_id("ogi-2014").rules if rule.id == "statistics.replies.value")
    assert CellKey("statistics", "replies_denied", "value") in rule.right
    assert CellKey("statistics", "denied_privacy", "value") not in rule.right
