"""Which embedded text is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.documents.soundness import sound_characters

GOOD = "本机关按照条例规定主动公开政府信息，全年共收到申请一百六十八件，均已按期答复。" * 3


@pytest.mark.parametrize("text", [GOOD, "0 12 345 " * 20, "規章本年制發件數單位萬元行政規範性文件" * 5])
def test_plain_text_is_sound(text: str) -> None:
    assert sound_characters(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "本机关",
        "a" * 500,
        GOOD + "\ufffd" * 10,
        GOOD + "\ue000" * 10,
        GOOD + "\x01" * 10,
        "".join(chr(0x4E00 + 37 * index % 20000) for index in range(200)),
    ],
)
def test_little_or_garbled_text_is_not(text: str) -> None:
    assert not sound_characters(text)


def test_glyphs_without_unicode_value_count() -> None:
    assert sound_characters(GOOD, unmapped=1)
    assert not sound_characters(GOOD, unmapped=20)


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert isinstance(sound_characters(text), bool)
