"""Lines outside tables, which stand alone, and what stands in and around the tables but is on no form."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.domain import FormSpec, LabelContext
from pipeline.labels.classes import OTHER, official_texts
from pipeline.labels.dataset import Example
from pipeline.labels.generation.printed import Sheet, part, sheets
from pipeline.labels.normalise import normalise, split_enumeration

_PLACES = ("东河", "青山", "安宁", "石桥", "长乐", "新平", "云溪", "白沙", "永和", "龙泉")
_LEVELS = ("市", "县", "区", "镇", "乡", "街道办事处")
_BUREAUS = (
    "",
    "人民政府",
    "财政局",
    "教育局",
    "民政局",
    "卫生健康委员会",
    "农业农村局",
    "交通运输局",
    "司法局",
    "水务局",
    "档案局",
)


def _agency(rng: random.Random) -> str:
    """A made-up office."""
    return rng.choice(_PLACES) + rng.choice(_LEVELS[:4]) + rng.choice(_BUREAUS)


def lines(forms: Sequence[FormSpec], seed: int) -> Iterator[Example]:
    """Titles and section headings, which stand alone."""
    rng = random.Random(seed)
    for text in official_texts(forms):
        kind = text.label_id.split("/")[0]
        if kind not in ("title", "section"):
            continue
        source = "variant" if text.variant else "form"
        yield Example(text.label_id, LabelContext(text.text), text.text, source)
        for _ in range(6):
            if kind == "title":
                year = rng.choice([f"{rng.randint(2014, 2026)}年", f"{rng.randint(2014, 2026)}年度", ""])
                office = rng.choice([_agency(rng), ""])
                changed = rng.choice([office + year, year + office, f"关于{office}{year}"]) + text.text.replace(
                    "年度年度", "年度"
                )
            else:
                rest = split_enumeration(text.text)[1]
                changed = (
                    rng.choice(["一、", "二、", "三、", "四、", "五、", "（二）", "", "2.", "l"])
                    + rng.choice(["", "本单位", "行政机关"])
                    + rest
                )
            yield Example(text.label_id, LabelContext(changed), text.text, "deviation:line", part("line", changed))


_ROWS_OFF_FORM = (
    "其他主动公开文件",
    "其他主动公开文件（通知、公告、方案等）",
    "其他主动公開檔案",
    "行政检查",
    "行政确认",
    "行政征收",
    "行政裁决",
    "行政奖励",
    "行政给付",
    "行政征用",
    "行政检查事项",
    "行政确认事项",
    "公共服务事项",
    "其他权力事项",
    "其他行政权力",
    "行政备案",
    "行政调解",
    "重大行政决策",
    "政策文件",
    "其他文件",
    "公文类信息",
    "动态类信息",
    "财政预决算",
    "人大代表建议",
    "政协委员提案",
    "建议提案办理结果公开数",
    "政府工作报告",
    "重大建设项目",
    "公共企事业单位信息",
    "主动公开信息总数",
    "政务公开培训次数",
    "政务服务热线受理量",
    "网站访问量",
    "信息公开专栏数",
    "政务新媒体数量",
    "公众留言办理数",
    "征集意见次数",
    "解读材料数",
    "新闻发布次数",
    "公开目录条数",
    "本年行政区域政府信息公开发布总数量（非新闻类、消息类）",
    "合同数",
    "项目数",
    "投诉处理",
    "招标公告",
    "人事任免",
    "机构职能",
    "领导简介",
    "应急管理",
    "社会救助",
    "扶贫信息",
)
_HEADERS_OFF_FORM = (
    "备注",
    "序号",
    "说明",
    "项目",
    "类别",
    "指标",
    "年度",
    "数据来源",
    "联系人",
    "填报单位（盖章）",
    "单位负责人",
    "审核人",
    "填报人",
    "联系电话",
    "填报日期",
    "填表说明",
    "数据1",
    "数据2",
    "增长率",
    "同比",
    "上年数",
    "本年数",
    "责任科室",
    "历年累计",
    "完成情况",
    "办理时限",
    "名称",
    "内容",
    "数值",
    "金额",
    "时间",
    "日期",
    "地区",
    "部门",
    "公开方式",
    "公开形式",
    "申请方式",
    "渠道",
    "处理结果",
    "办理情况",
    "主要内容",
    "本年收费",
    "去年同期",
    "累计数",
    "占比",
    "排名",
    "得分",
    "签发",
    "制表人",
    "盖章",
    "负责人签字",
    "电子邮箱",
    "地址",
    "邮编",
    "版本",
    "主题词",
)
_UNITS = ("条", "件", "次", "篇", "个", "人", "人次", "万元", "元", "份", "项", "%")
_HEADINGS_OFF_FORM = (
    "一、总体情况",
    "一、政府信息公开工作的总体情况",
    "一、概述",
    "一、工作基本情况",
    "一、总体公开情况",
    "总体情况",
    "五、存在的主要问题及改进情况",
    "五、存在问题及改进情况",
    "五、存在的主要问题及整改措施",
    "五、政府信息公开工作存在的主要问题及改进情况",
    "六、其他需要报告的事项",
    "六、其他事项",
    "六、存在的主要问题",
    "七、附件",
    "（一）主动公开",
    "（二）依申请公开",
    "（三）政府信息管理",
    "（四）平台建设",
    "（五）监督保障",
    "（一）组织领导情况",
    "（二）制度建设情况",
    "（三）政策解读情况",
    "1.主动公开工作",
    "目录",
    "附件",
    "附表",
    "编制说明",
)
_SENTENCES = (
    "{agency}根据《中华人民共和国政府信息公开条例》和有关要求编制本报告。",
    "{year}年，我单位认真贯彻落实上级关于政务公开的各项部署，",
    "全年通过门户网站公开各类信息{number}条，比上年增加{small}条。",
    "本报告所列数据的统计期限自{year}年1月1日起至12月31日止。",
    "如对本报告有疑问，请与{agency}办公室联系（地址：人民路{small}号，电话：0571-{number}）。",
    "全年收到申请{small}件，均按期答复，没有因信息公开被提起复议或诉讼。",
    "一是公开内容不够全面，二是队伍建设有待加强。",
    "下一步将完善制度，加强业务培训，提高公开质量。",
    "没有收取政府信息公开申请处理费。",
    "注：行政复议、行政诉讼数量含上年度结转数量。",
    "编写说明：要注意数据之间的逻辑关系。",
    "该部分以表格形式报告。表格如下：",
    "（本报告由{agency}负责解释）",
    "{year}年度没有其他需要报告的事项。",
    "围绕重点领域，及时公开规划计划、财政资金、社会救助等信息。",
    "举办新闻发布活动{small}场，发布政策解读{small}篇。",
    "信息公开查阅场所全年接待群众{small}人次。",
)
_FIGURES = (
    "{number}万元",
    "{small}件",
    "{small}（含自然失效{small}件）",
    "{small}（其中修订{small}件）",
    "—{small}—",
    "第{small}页",
    "第{small}页共{small}页",
    "{year}年1月{small}日",
    "{number}",
    "0571-{number}",
    "减{small}",
    "+{small}",
    "--{small}",
    "不适用",
    "无",
    "未增未减",
    "www.{number}.gov.cn",
)


def strangers(forms: Sequence[FormSpec], seed: int) -> Iterator[Example]:
    """What stands in and around the tables but is on no form."""
    rng = random.Random(seed)
    all_sheets = list(sheets(forms))
    for kind, texts in (("row", _ROWS_OFF_FORM), ("header", _HEADERS_OFF_FORM)):
        for text in texts:
            split = part(kind, text)
            yield _stranger(LabelContext(text), text, kind, split)
            for _ in range(5):
                altered = (
                    text
                    if kind == "header" or rng.random() < 0.6
                    else rng.choice(["（一）", "3.", "其中：", "（三）", ""])
                    + text
                    + rng.choice(["", "数", "（件）", "数量"])
                )
                yield _stranger(_beside(altered, rng.choice(all_sheets), kind == "row", rng), text, kind, split)
    for unit in _UNITS:
        yield _stranger(LabelContext(unit), unit, "unit", "train")
    for heading in _HEADINGS_OFF_FORM:
        split = part("heading", heading)
        yield _stranger(LabelContext(heading), heading, "heading", split)
        yield _stranger(LabelContext(split_enumeration(heading)[1]), heading, "heading", split)
    for pattern, count, kind in [*((s, 8, "sentence") for s in _SENTENCES), *((f, 5, "figure") for f in _FIGURES)]:
        for _ in range(count):
            text = pattern.format(
                agency=_agency(rng),
                year=rng.randint(2014, 2026),
                number=rng.randint(100, 99999) / rng.choice([1, 100]),
                small=rng.randint(1, 60),
            )
            yield _stranger(LabelContext(text), pattern, kind, part(kind, text))
            yield _stranger(_beside(text, rng.choice(all_sheets), False, rng), pattern, kind, part(kind, text))
    letters = sorted({c for text in official_texts(forms) for c in normalise(text.text)})
    for _ in range(250):
        text = "".join(
            rng.choice(letters) if rng.random() < 0.7 else chr(rng.randint(0x4E00, 0x9FA0))
            for _ in range(rng.randint(1, 14))
        )
        context = _beside(text, rng.choice(all_sheets), False, rng) if rng.random() < 0.4 else LabelContext(text)
        yield _stranger(context, "", "garbage", part("garbage", text))
    for _ in range(60):
        yield _stranger(LabelContext(_agency(rng)), "", "agency", "train")


def _stranger(context: LabelContext, base: str, kind: str, split: str) -> Example:
    """A text that is on no form."""
    return Example(OTHER, context, base, f"other:{kind}", split)


def _beside(text: str, this: Sheet, as_row: bool, rng: random.Random) -> LabelContext:
    """The surroundings of a text that stands after some row of a table."""
    contexts = [c for i, c in this.contexts().items() if not as_row or c.columns > 0] or list(this.contexts().values())
    above = rng.choice(contexts)
    section = above.section if rng.random() < 0.7 else ""
    return replace(above, text=text, previous=above.text, section=section, position=min(1.0, above.position + 0.03))
