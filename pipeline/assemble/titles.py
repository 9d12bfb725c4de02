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
_STATISTICS_YEAR = re.compile(rf"^(?P<agency>.*?)[(（]?{_YEAR}年度?[)）]?政府信息公开.{{0,4}}情况.?统计表")
_YEAR_LINE = re.compile(rf"[(（]?\s*{_YEAR}\s*年度?\s*[)）]?")
_PERIOD = re.compile(rf"{_YEAR}年1月1日")
_REPORTER = re.compile(r"填报单位(?:[(（]盖章[)）])?[:：]?(?P<agency>.+)")
_HEADING = re.compile(r"^[一二三四五六七八九十]+、|^[(（][一二三四五六七八九十]+[)）]")
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
    for last in range(len(lines)):
        title = _title_ending(lines, texts, last)
        if title is not None and (not titles or title.first > titles[-1].last):
            titles.append(title)
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


def _title_ending(lines: Sequence[LineReading], texts: Sequence[str], last: int) -> Title | None:
    """The title whose last line is ``last``: of the fewest lines that name an agency, else of the last line alone."""
    bare: Title | None = None
    joined = ""
    for first in range(last, max(-1, last - 3), -1):
        if _NARRATIVE.search(texts[first]) or (first < last and not _adjoin(lines[first], lines[first + 1])):
            break
        joined = texts[first] + joined
        found = _parse(joined)
        if found is not None:
            agency, year = found
            if agency:
                return Title(first, last, agency, year)
            bare = bare or Title(first, last, "", year)
    return bare


def _parse(text: str) -> tuple[str, int | None] | None:
    """Agency and year of a title, None for any other text."""
    for pattern in (_REPORT_TITLE, _AGENCY_LAST, _STATISTICS_YEAR):
        match = pattern.search(text)
        if match:
            return match["agency"].strip("关于的"), _year(match["year"])
    if _BARE_TITLE.search(text) or _STATISTICS_TITLE.search(text):
        return text.split("政府信息公开")[0], None
    return None


def _adjoin(upper: LineReading, lower: LineReading) -> bool:
    """Whether two lines may be parts of one title: same page, next to each other, alike in height."""
    one, other = upper.line.box, lower.line.box
    # On a page that was turned, lines lie beside each other and their height is the box's width. Where a page lies
    # askew the box of a long line is much higher than its characters.
    heights = [min(box.width, box.height) for box in (one, other)]
    sizes = [line.line.prominence for line in (upper, lower)]
    gap = max(other.y0 - one.y1, one.y0 - other.y1, other.x0 - one.x1, one.x0 - other.x1)
    return (
        upper.line.page == lower.line.page
        and gap < 2.0 * max(heights)
        and max(sizes) < 1.5 * min(sizes)
        and not _HEADING.match(_plain(upper.reading.text))
    )


def _year(text: str) -> int:
    return int(text.translate(_DIGITS).replace("二", "2"))


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
