"""What the review page is made of."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files

from hypothesis import given
from hypothesis import strategies as st

from pipeline import dataset
from pipeline.confidence import judging
from pipeline.domain import Status
from pipeline.review import Item, items_of, page
from pipeline.review.answers import may_fall, value_answer
from pipeline.review.choices import choices
from tests.reports import cell, extraction, form, report

WORDS = json.loads(files("pipeline.review.page").joinpath("words.json").read_text(encoding="utf-8"))
TEXT = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["</script>", "<!--<script>", "\u2028", "=1"]
)


def item(raw_text: str, alternatives: str, agency: str = "某局", row: int = 0) -> Item:
    key = form().keys()[row]
    doubtful = replace(
        cell(key, 3), raw_text=raw_text, reading=f"numerals: {alternatives}", status=Status.REVIEW, confidence=0.4
    )
    one = replace(report(changes={key: doubtful}), agency=agency)
    whole = extraction(one)
    (made,) = items_of([dataset.cell_row(whole, one, each) for each in one.cells], [], [], form())
    return made


def made(one: Item) -> str:
    return page([one], {}, {form().id: form()}, "review.csv").decode()


def test_what_can_be_chosen_is_what_was_read_and_the_marks() -> None:
    assert choices(item("3", "3 0.500 | 8 0.300 | - 0.100")) == ["3", "8", "dash", "blank", "slash"]
    assert choices(item("3", "3 0.500 | 1,234 0.300")) == ["3", "1234", "blank", "slash", "dash"]


@given(st.lists(TEXT, max_size=9))
def test_every_choice_is_an_answer_that_is_taken(texts: list[str]) -> None:
    asked = item(texts[0] if texts else "", " | ".join(f"{text} 0.1" for text in texts))
    found = choices(asked)
    assert len(found) == len(set(found)) <= 9
    assert [value_answer(each, asked.unit, may_fall(asked.column_label)) for each in found] == found


@given(TEXT, TEXT)
def test_no_text_leaves_the_data(raw_text: str, agency: str) -> None:
    text = made(item(raw_text, f"{raw_text} 0.5", agency))
    assert text.count("<script") == text.count("</script>") == 2
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert not re.search("[<>&\u2028\u2029]", data[1])
    (shown,) = json.loads(data[1])["items"]
    assert shown["reading"] == raw_text


def test_words_are_there_in_both_languages() -> None:
    english, chinese = WORDS["en"], WORDS["zh"]
    assert english.keys() <= chinese.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", chinese[key])), key
    html = files("pipeline.review.page").joinpath("page.html").read_text(encoding="utf-8")
    assert set(re.findall(r'data-word="([^"]+)"', html)) <= english.keys()


def test_every_reason_of_the_judgement_is_there_in_chinese() -> None:
    assert set(judging._REASONS) <= WORDS["zh"].keys()
