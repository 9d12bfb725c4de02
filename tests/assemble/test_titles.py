"""Agency and year from what is printed above the tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.assemble import read_titles
from pipeline.assemble.titles import reporter_of, year_of
from tests.assemble.printed import line


@pytest.mark.parametrize(
    ("lines", "agency", "year"),
    [
        (["临河市水务局2019年政府信息公开工作年度报告"], "临河市水务局", 2019),
        (["临河市水务局", "2022年政府信息公开工作年度报告"], "临河市水务局", 2022),
        (["临河市水务局2021年政府信息公开工作年度", "报告"], "临河市水务局", 2021),
        (["二〇二〇年临河市水务局政府信息公开工作年度报告"], "临河市水务局", 2020),
        (["临河市水务局２０２３年度政府信息公开年度报告"], "临河市水务局", 2023),
        (["临河市水务局 2020 年政府信息公开工作年度报告"], "临河市水务局", 2020),
        (["临河市水务局关于2020年政府信息公开工作的年度报告"], "临河市水务局", 2020),
        (["政府信息公开情况统计表"], "", None),
    ],
)
def test_title(lines: list[str], agency: str, year: int | None) -> None:
    (title,) = read_titles([line(text, top=30.0 * i) for i, text in enumerate(lines)])
    assert (title.agency, title.year, title.first) == (agency, year, 0)


def test_narrative_is_no_title() -> None:
    text = "根据《中华人民共和国政府信息公开条例》，编制2020年政府信息公开工作年度报告。"
    assert read_titles([line(text)]) == ()


def test_titles_of_a_bound_volume() -> None:
    texts = ["甲县水务局2020年政府信息公开工作年度报告", "一、总体情况", "乙县水务局2020年政府信息公开工作年度报告"]
    titles = read_titles([line(text, top=40.0 * i) for i, text in enumerate(texts)])
    assert [title.agency for title in titles] == ["甲县水务局", "乙县水务局"]


@pytest.mark.parametrize(("text", "year"), [("（2016年度）", 2016), ("（ 2014 年度）", 2014), ("共收到2016件", None)])
def test_year_line(text: str, year: int | None) -> None:
    assert year_of(text) == year


def test_reporter_line() -> None:
    assert reporter_of("填报单位（盖章）：临河市水务局") == "临河市水务局"
    assert reporter_of("填报日期：2017年1月") == ""


def test_the_short_last_line_of_a_title_on_a_page_that_lies_askew() -> None:
    upper, lower = (
        line(text, top=top) for text, top in (("临河市水务局2021年政府信息公开工作年度报", 0.0), ("告", 50.0))
    )
    # The long line falls by three quarters of its height; its box is as high as the slope takes it.
    high = replace(upper.line, box=replace(upper.line.box, y1=upper.line.box.y0 + 1.8 * lower.line.box.height))
    (title,) = read_titles([replace(upper, line=high), lower])
    assert (title.agency, title.first, title.last) == ("临河市水务局", 0, 1)
