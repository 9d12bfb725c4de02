"""Cells as agencies print them, and as readers hand them over."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.domain import Mark, Value
from pipeline.values import format_number, parse_value


def number(text: str, unit: str = "", note: str = "") -> Value:
    return Value(Mark.NUMBER, Decimal(text), unit, note)


def unread(text: str) -> Value:
    return Value(Mark.TEXT, note=text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", number("0")),
        ("１２３", number("123")),
        (" 112", number("112")),
        ("\u3000\u200b7\n", number("7")),
        ("1,234", number("1234")),
        ("1，234", number("1234")),
        ("１，２３４，５６７．８", number("1234567.8")),
        ("14722.49", number("14722.49")),
        ("0.50", number("0.50")),
        ("20．3", number("20.3")),
        ("+3", number("3")),
        ("＋１０３６", number("1036")),
        ("-5", number("-5")),
        ("－8", number("-8")),
        ("−8", number("-8")),
        ("— 5", number("-5")),
        ("-0", number("0")),
    ],
)
def test_figures(text: str, value: Value) -> None:
    assert parse_value(text) == value
    parsed = parse_value(text).number
    assert parsed is not None
    assert parsed.as_tuple() == value.number.as_tuple()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6247.84万元", number("6247.84", "万元")),
        ("6247.84 萬元", number("6247.84", "萬元")),
        ("6247.84（万元）", number("6247.84", "万元")),
        ("251000元", number("251000", "元")),
        ("3件", number("3", "件")),
        ("12人次", number("12", "人次")),
    ],
)
def test_units_stay_as_printed_and_nothing_is_converted(text: str, value: Value) -> None:
    assert parse_value(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("55（含自然失效 29 件）", number("55", note="（含自然失效 29 件）")),
        ("22\n（其中修订 16 件）", number("22", note="（其中修订 16 件）")),
        ("22 其中修订16件", number("22", note="其中修订16件")),
        ("22件（其中修订\n16件）", number("22", "件", "（其中修订 16件）")),
        ("--253", number("-253", note="--253")),
        ("－－253", number("-253", note="－－253")),
        ("减4", number("-4", note="减4")),
        ("减少4项", number("-4", "项", "减少4")),
        ("增3", number("3", note="增3")),
    ],
)
def test_notes_keep_what_the_number_does_not_say(text: str, value: Value) -> None:
    assert parse_value(text) == value


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("", Mark.BLANK),
        (" \u3000\n\ufeff", Mark.BLANK),
        ("/", Mark.SLASH),
        ("／", Mark.SLASH),
        ("\\", Mark.SLASH),
        ("＼", Mark.SLASH),
        ("-", Mark.DASH),
        ("—", Mark.DASH),
        ("－", Mark.DASH),
        ("——", Mark.DASH),
        ("－ －", Mark.DASH),
        ("----", Mark.DASH),
        ("不适用", Mark.TEXT),
        ("不 适 用", Mark.TEXT),
        ("未增未减", Mark.TEXT),
        ("无", Mark.TEXT),
    ],
)
def test_marks_are_kept_apart(text: str, mark: Mark) -> None:
    assert parse_value(text) == Value(mark)


@pytest.mark.parametrize(
    "text",
    [
        "? 0",
        "。",
        "O",
        "〇",
        "一",
        "12,34",
        "1,2345",
        "1 2",
        "1\n2",
        "000",
        "012",
        "5.",
        ".5",
        "1.2.3",
        "1e5",
        "٣",
        "²",
        "5-",
        "---5",
        "+-5",
        "减-8",
        "5(3)",
        "3万",
        "约55",
        "13800000000000000",
        "0.0000000001",
    ],
)
def test_what_is_not_plainly_a_figure_stays_text_and_never_becomes_zero(text: str) -> None:
    assert parse_value(text) == unread(text)


numbers = st.decimals(min_value=-(10**15) + 1, max_value=10**15 - 1, places=0) | st.decimals(
    min_value=-(10**9), max_value=10**9, allow_nan=False, places=4
)


@given(numbers)
def test_a_number_written_and_read_again_is_the_same(value: Decimal) -> None:
    assert parse_value(format_number(value)) == Value(Mark.NUMBER, value)


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1))
def test_separators_change_nothing(value: int) -> None:
    assert parse_value(f"{value:,}").number == value
    assert parse_value(f"{value:,}".replace(",", "，")).number == value


def test_numbers_are_written_plainly() -> None:
    assert format_number(Decimal("1E+3")) == "1000"
    assert format_number(Decimal("20.30")) == "20.30"
    assert format_number(Decimal("0.000001")) == "0.000001"


@given(st.text() | st.text(alphabet="0123456789０５+-－—/,，.．（）()件万元减增含 \n"))
@example("1" + " " * 50_000 + "x")
def test_any_text_is_parsed_and_a_number_needs_its_digits(text: str) -> None:
    value = parse_value(text)
    assert (value.number is not None) == (value.mark is Mark.NUMBER)
    if value.number is not None:
        printed = text.translate({0xFF10 + digit: 0x30 + digit for digit in range(10)})
        assert "".join(str(digit) for digit in value.number.as_tuple().digits).strip("0") in "".join(
            char for char in printed if char in "0123456789"
        )
    elif value.mark is not Mark.TEXT:
        assert not any(char.isalnum() for char in text)
