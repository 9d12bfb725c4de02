"""What a cell says: from the text as read to a number, a mark, a unit and a note, and back.

Nothing that cannot be parsed ever becomes 0, and no digit is guessed: text that is not plainly a figure stays text.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from pipeline.domain import Mark, Value

# One character for one, so that positions in the folded text hold in the text as printed.
_DASHES = "-‐‑‒–—―−－─━"
_SLASHES = "/／∕⁄╱\\＼"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_FOLD = str.maketrans(
    {chr(0xFF01 + i): chr(0x21 + i) for i in range(94)}
    | dict.fromkeys(_DASHES, "-")
    | dict.fromkeys(_SLASHES, "/")
    | {"【": "[", "】": "]", "〔": "[", "〕": "]", "﹢": "+", "﹣": "-"}
)

_BLANK = Value(Mark.BLANK)
_WORDS = frozenset({"不适用", "不適用", "未增未减", "未增未減", "无", "無"})
_UNIT = "万元|萬元|亿元|億元|元|人次|人|件|条|條|次|篇|个|個|项|項|份|宗"

_UNIT_ALONE = re.compile(_UNIT)

# A count has no more digits than this; a longer string is several cells run together, or a telephone number.
_INTEGER_DIGITS = 15
_DECIMAL_DIGITS = 9

_NUMBER = re.compile(
    rf"""
    (?P<sign>[+]|--?|增加?|减少?|減少?)?\s*+
    (?P<integer>0|[1-9][0-9]{{0,2}}(?:,[0-9]{{3}})+|[1-9][0-9]*)
    (?:\.(?P<decimals>[0-9]{{1,{_DECIMAL_DIGITS}}}))?
    \s*+(?:(?P<unit>{_UNIT})|\(\s*+(?P<bracketed>{_UNIT})\s*+\))?
    \s*+(?P<note>(?:[(\[]|其中|含|包括|注:).*)?
    """,
    re.VERBOSE | re.DOTALL,
)
_WORDED = re.compile(r"[^\W\d_]")


@lru_cache(maxsize=1 << 14)
def parse_value(text: str) -> Value:
    """Parse the text of a cell as read.

    - ``1,234``, ``１２３４``, ``+3``, ``-5``, ``20.3``: a number. Separators must stand between groups of three.
    - ``6247.84万元``, ``3件``: the number and the unit as printed, nothing converted.
    - ``55（含自然失效 29 件）``: 55; the note is what follows the number, as printed.
    - ``--253``, ``减4``, ``增3``: -253, -4 and 3; since the number does not show how the change was written,
      the note keeps it. A doubled minus is the sign of a change written twice.
    - ``/`` and ``-`` in any of their forms: the marks slash and dash; only white space: blank.
    - ``不适用``, ``未增未减``, ``无``: text without a note.
    - Anything else is text, and the note holds it as read.
    """
    printed = "".join(char for char in text if char not in _INVISIBLE).strip()
    if not printed:
        return _BLANK
    folded = printed.translate(_FOLD)
    bare = re.sub(r"\s", "", folded)
    if set(bare) == {"/"}:
        return Value(Mark.SLASH)
    if set(bare) == {"-"}:
        return Value(Mark.DASH)
    if bare in _WORDS:
        return Value(Mark.TEXT)
    return _parse_number(printed, folded) or Value(Mark.TEXT, note=printed)


def is_unit(text: str) -> bool:
    """Whether a text is a unit alone, as forms with a column of units print it."""
    return _UNIT_ALONE.fullmatch(text.strip()) is not None


def format_number(number: Decimal) -> str:
    """Write a number plainly: no exponent, no separators, decimals as they were printed."""
    return f"{number:f}"


def _parse_number(printed: str, folded: str) -> Value | None:
    match = _NUMBER.fullmatch(folded)
    if match is None:
        return None
    integer = match["integer"].replace(",", "")
    note = match["note"] or ""
    if len(integer) > _INTEGER_DIGITS or (note and not _WORDED.search(note)):
        return None
    sign = match["sign"] or ""
    decimals = match["decimals"]
    number = Decimal(integer if decimals is None else f"{integer}.{decimals}")
    if sign.startswith(("-", "减", "減")) and number != 0:
        number = number.copy_negate()
    number_end = match.end("integer") if decimals is None else match.end("decimals")
    notes = [printed[:number_end]] if sign not in ("", "+", "-") else []
    if note:
        notes.append(printed[match.start("note") :])
    return Value(Mark.NUMBER, number, _printed_unit(printed, match), " ".join(" ".join(notes).split()))


def _printed_unit(printed: str, match: re.Match[str]) -> str:
    """The unit as printed, without the brackets it may stand in."""
    group = "unit" if match["unit"] else "bracketed"
    return printed[match.start(group) : match.end(group)] if match[group] else ""
