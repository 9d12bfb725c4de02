"""Agency and year as printed in titles and in the lines around them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.domain import LineReading

_DIGITS = str.maketrans("〇○零一二三四五六七八九Oo", "000123456789" + "00")
_YEAR = r"(?P<year>(?:19|20)[0-9]{2}|[二][〇○零Oo0一二三四五六七八九]{3})"
_REPORT_TITLE = re.compile(rf"^(?:关于)?(?P<agency>.*?){_YEAR}年?度?(?:的)?政府信息公开.{{0,4}}?年度?报告")
_AGENCY_LAST = re.compile(rf"{_YEAR}年?度?(?P<agency>.{{2,40}}?)政府信息公开.{{0,4}}?年度?报告")
_BARE_TITLE = re.compile(r"政府信息公开.{0,4}年度?报告")
_STATISTICS_TITLE = re.compile(r"政府信息公开.{0,4}情况.?统计表")
_YEAR_LINE = re.compile(rf"[(（]?\s*{_YEAR}\s*年度?\s*[)）]?")
_PERIOD = re.compile(rf"{_YEAR}年1月1日")
_REPORTER = re.compile(r"填报单位(?:[(（]盖章[)）])?[:：]?(?P<agency>.+)")
_NARRATIVE = re.compile(r"[,，。；;《》]")


@dataclass(frozen=True, slots=True)
class Title:
    """The title of a report: where it stands among the lines, whom it names and for which year.

    Attributes:
        first, last: indices of the lines it covers, both inclusive.
    """

    first: int
    last: int
    agency: str
    year: int | None


def read_titles(lines: Sequence[LineReading]) -> tuple[Title, ...]:
    """Find report titles among lines in reading order; a title may be broken over up to three lines."""
    texts = [_plain(line.reading.text) for line in lines]
    titles: list[Title] = []
    index = 0
    while index < len(texts):
        title = _title_at(lines, texts, index)
        if title is None:
            index += 1
        else:
            titles.append(title)
            index = title.last + 1
    return tuple(titles)


def year_of(text: str) -> int | None:
    """The year a line states, as 2019年度, （2019年度）, 二〇一九年 or the start of a reporting period."""
    plain = _plain(text)
    match = _PERIOD.search(plain) or _YEAR_LINE.fullmatch(plain) or re.search(rf"{_YEAR}年度", plain)
    return _year(match["year"]) if match else None


def reporter_of(text: str) -> str:
    """The agency of a line 填报单位（盖章）：…, empty for any other line."""
    match = _REPORTER.search(_plain(text))
    return match["agency"].strip(":： _") if match else ""


def _title_at(lines: Sequence[LineReading], texts: Sequence[str], start: int) -> Title | None:
    page = lines[start].line.page
    joined = ""
    for end in range(start, min(start + 3, len(texts))):
        if lines[end].line.page != page or _NARRATIVE.search(texts[end]):
            return None
        joined += texts[end]
        if _STATISTICS_TITLE.search(joined):
            found = re.match(rf"(?P<agency>.*?)[(（]?{_YEAR}年", joined)
            agency = found["agency"] if found else re.split(r"政府信息公开", joined)[0]
            return Title(start, end, agency, _year(found["year"]) if found else None)
        for pattern in (_REPORT_TITLE, _AGENCY_LAST):
            match = pattern.search(joined)
            if match and (match["agency"] or pattern is _REPORT_TITLE):
                return Title(start, end, match["agency"].strip("关于的"), _year(match["year"]))
        if _BARE_TITLE.search(joined):
            return Title(start, end, re.split(r"政府信息公开", joined)[0], None)
    return None


def _year(text: str) -> int:
    return int(text.translate(_DIGITS).replace("二", "2"))


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
