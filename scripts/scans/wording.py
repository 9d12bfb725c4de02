"""Agencies that do not exist, and the prose around the tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_PLACES = (
    "云岭", "青岚", "石桥", "白鹭", "梧川", "临溪", "松江口", "望湖", "金沙坪", "柳河", "双塔", "紫云", "丹枫",
    "澄江湾", "龙泉驿口", "清水洼", "安澜", "宁河口", "长乐坝", "新丰", "北固", "东屏", "南浦", "西岭", "凤栖",
    "鹿鸣", "枣林", "盐亭湾", "碧溪", "大河沿",
)  # fmt: skip
_LEVELS = ("市", "县", "区", "自治县")
_OFFICES = (
    "人民政府办公室", "教育局", "民政局", "财政局", "自然资源局", "生态环境局", "住房和城乡建设局",
    "交通运输局", "水务局", "农业农村局", "卫生健康局", "审计局", "市场监督管理局", "应急管理局", "统计局",
    "医疗保障局", "司法局", "文化和旅游局", "行政审批服务局", "林业和草原局",
)  # fmt: skip
_LOCAL = ("镇人民政府", "乡人民政府", "街道办事处", "民族乡人民政府")

_OVERVIEW = (
    "{agency}认真落实政府信息公开各项要求，把公开贯穿决策、执行、管理、服务和结果全过程，全年公开渠道运行平稳。",
    "（一）主动公开。围绕群众关心的事项更新信息{a}条，其中政策文件{b}件，图解材料{c}篇，均在形成之日起20个工作日内发布。",
    "（二）依申请公开。进一步规范登记、审核、办理、答复、归档各环节，全年收到申请{c}件，均在法定期限内答复，没有因答复不当引起的争议。",
    "（三）政府信息管理。修订信息发布审核办法，实行先审后发，对已经失效的{c}件文件作出标注并及时清理。",
    "（四）平台建设。网站全年访问{a}次，政务新媒体发布{b}条，栏目按季度检查，发现问题当日整改。",
    "（五）监督保障。明确一名负责同志分管，配备工作人员{d}名，组织培训{d}次，{e}人次参加，年度考核结果为合格。",
    "本年度召开专题会议{d}次，研究重点领域公开事项清单，把责任落实到科室和个人。",
    "在便民服务方面，设置查阅点{d}处，接待来访{e}人次，发放办事指南{b}份，受到群众好评。",
)
_PROBLEMS = (
    "一年来，工作取得了一些进展，但也有不足：一是公开内容的深度不够，二是解读形式较为单一，三是个别栏目更新不够及时。",
    "下一步将从以下几个方面改进：完善制度，细化流程；加强培训，提高工作人员业务能力；增强主动公开的意识，扩大公众参与。",
    "存在的问题主要是工作力量不足、人员变动频繁。今后将保持队伍稳定，并请上级主管部门加强指导。",
    "针对上一年指出的问题，已经逐项整改，建立台账，完成{d}项，其余{d}项正在推进。",
)
_OTHER = (
    "本年度没有收取信息处理费。",
    "没有其他需要报告的事项。",
    "本机关无其他需要报告的事项。",
    "按照规定的收费标准，本年度发出收费通知{d}件，总金额0元。",
)
_INTRO = (
    "根据《中华人民共和国政府信息公开条例》规定，编制{year}年度报告。数据统计期限为{year}年1月1日至12月31日。如有疑问，请与{agency}联系"
    "（电话：0{tel}-{num}，邮编：{zip}）。",
    "现将{agency}{year}年政府信息公开工作情况报告如下，欢迎社会各界监督。",
    "本报告由{agency}按照国务院办公厅印发的格式编写，由总体情况、主动公开、依申请公开、复议诉讼、问题与改进、其他事项六部分组成。",
)
_WATERMARKS = ("内部资料", "政务公开", "仅供查阅", "样本", "归档专用")


def agency(rng: np.random.Generator) -> str:
    """A made-up public body."""
    place = _pick(_PLACES, rng)
    if rng.random() < 0.4:
        return place + _pick(_LOCAL, rng)
    level = _pick(_LEVELS, rng)
    return place + level + (_pick(_OFFICES, rng) if rng.random() < 0.75 else "人民政府")


def watermark(rng: np.random.Generator) -> str:
    """Words of a watermark."""
    return _pick(_WATERMARKS, rng)


def intro(body: str, year: int, rng: np.random.Generator) -> str:
    """The paragraph under the title."""
    return _fill(_pick(_INTRO, rng), body, year, rng)


def overview(body: str, year: int, count: int, rng: np.random.Generator) -> list[str]:
    """Paragraphs of the first part."""
    return _several(_OVERVIEW, body, year, count, rng)


def problems(body: str, year: int, count: int, rng: np.random.Generator) -> list[str]:
    """Paragraphs of the fifth part."""
    return _several(_PROBLEMS, body, year, count, rng)


def other(body: str, year: int, rng: np.random.Generator) -> str:
    """The last part."""
    return _fill(_pick(_OTHER, rng), body, year, rng)


def date(year: int, rng: np.random.Generator) -> str:
    """The date of a report on a year."""
    return f"{year + 1}年{int(rng.integers(1, 4))}月{int(rng.integers(1, 29))}日"


def _several(texts: Sequence[str], body: str, year: int, count: int, rng: np.random.Generator) -> list[str]:
    order = sorted(int(i) for i in rng.permutation(len(texts))[:count])
    return [_fill(texts[i], body, year, rng) for i in order]


def _fill(text: str, body: str, year: int, rng: np.random.Generator) -> str:
    a, b, c, d, e = (int(rng.integers(1, top)) for top in (5000, 400, 60, 9, 300))
    return text.format(
        agency=body,
        year=year,
        a=a,
        b=b,
        c=c,
        d=d,
        e=e,
        tel=int(rng.integers(310, 999)),
        num=int(rng.integers(2000000, 8999999)),
        zip=int(rng.integers(100000, 859999)),
    )


def _pick(texts: Sequence[str], rng: np.random.Generator) -> str:
    return texts[int(rng.integers(len(texts)))]
