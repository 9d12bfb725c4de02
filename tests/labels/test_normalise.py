import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.labels.normalise import TRADITIONAL, normalise, split_enumeration


@pytest.mark.parametrize(
    ("printed", "one_spelling"),
    [
        ("规 章", "规章"),
        ("規章", "规章"),
        ("規(guī)章", "规章"),
        ("行政強(qiáng)制", "行政强制"),
        ("本年新\n制作数量", "本年新制作数量"),
        ("社会 公益 组织", "社会公益组织"),
        ("3.危及“三安全一稳定”", '3.危及"三安全一稳定"'),
        ("３．危及'三安全一稳定'", '3.危及"三安全一稳定"'),
        ("第二十条  第（一）项", "第二十条第(一)项"),
        ("单位〔盖章〕", "单位(盖章)"),
        ("——", "--"),
        ("\u200b总\ufeff计\u3000", "总计"),
    ],
)
def test_spellings_of_one_label_become_one(printed: str, one_spelling: str) -> None:
    assert normalise(printed) == one_spelling


@pytest.mark.parametrize(
    ("label", "numerals", "rest"),
    [
        ("三、本年度办理结果", "三", "本年度办理结果"),
        ("(三)不予公开", "三", "不予公开"),
        ("1.属于国家秘密", "1", "属于国家秘密"),
        ("1、属于国家秘密", "1", "属于国家秘密"),
        ("l六、存在的主要问题", "六", "存在的主要问题"),
        ("第二十条第(一)项", "", "第二十条第(一)项"),
        ("3.5", "", "3.5"),
        ("一、", "", "一、"),
        ("总计", "", "总计"),
    ],
)
def test_numerals_are_split_off(label: str, numerals: str, rest: str) -> None:
    assert split_enumeration(label) == (numerals, rest)


def test_no_character_is_simplified_twice() -> None:
    assert not set(TRADITIONAL) & set(TRADITIONAL.values())


@given(st.text(max_size=40))
def test_normalising_is_final(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once or "(" in once
    assert not any(character.isspace() for character in once)


@given(st.text(alphabet="一二三四五、.()（）12lI第项总计", max_size=12))
def test_nothing_but_numerals_is_lost(text: str) -> None:
    label = normalise(text)
    _, rest = split_enumeration(label)
    assert label.endswith(rest)
    assert rest or not label
