"""One spelling for labels that print, scanner and reader spell in many ways."""

from __future__ import annotations

import re
import unicodedata

_PAIRS = (
    "佈布佔占併并來来係系個个們们備备傳传僅仅僱雇價价億亿優优儲储則则剛刚創创劃划動动務务勞劳勢势勳勋勵励"
    "匯汇區区協协參参吳吴員员問问嚴严國国圍围園园圓圆圖图執执報报場场塊块壇坛壓压夠够夾夹奪夺學学實实寧宁"
    "審审寫写將将專专尋寻導导屆届層层屬属島岛師师帶带幣币幹干幾几庫库廣广廳厅張张強强彈弹後后從从復复徵征"
    "態态憑凭應应懷怀戰战戶户拋抛採采擇择擔担據据擬拟擴扩攝摄敗败敘叙斷断於于時时晉晋暫暂書书會会東东極极"
    "樓楼標标樣样橋桥機机檔档檢检權权歡欢歲岁歷历歸归氣气決决沒没況况涼凉減减測测準准滅灭滙汇滿满漢汉潔洁"
    "濟济災灾為为無无熱热營营爭争爲为牆墙狀状狹狭猶犹獎奖獲获環环產产畢毕畫画異异療疗發发盡尽監监盤盘眞真"
    "眾众瞭了確确礙碍禍祸禮礼種种稱称積积穩稳穫获競竞筆笔節节範范築筑簡简簽签籌筹籤签糧粮糾纠紀纪約约紅红"
    "純纯紙纸級级細细紹绍終终組组結结絕绝絡络給给統统經经綜综維维網网緊紧緒绪線线編编縣县縮缩縱纵繫系續续"
    "罰罚羅罗義义習习聖圣聞闻聯联聲声職职聽听肅肃脫脱腦脑腳脚臨临舉举舊旧舖铺萬万蓋盖藝艺藥药蘇苏處处號号"
    "衆众術术衛卫衝冲裏里補补裝装裡里製制複复見见規规視视親亲覽览觀观觸触訂订計计訊讯託托記记訪访設设許许"
    "訴诉註注評评詞词詢询試试話话該该詳详誌志認认語语誠诚誤误說说調调談谈請请論论諮咨講讲謝谢證证識识譯译"
    "議议護护讀读變变讓让豎竖豐丰貝贝負负財财貢贡貨货販贩責责費费貼贴貿贸賄贿資资賠赔賣卖質质賬账購购賽赛"
    "贈赠贊赞趕赶跡迹踐践躍跃車车軌轨軍军軟软較较載载輔辅輕轻輸输轄辖轉转辦办辭辞農农這这連连週周進进遊游"
    "運运過过達达違违遞递遠远適适遷迁選选還还邊边郵邮鄉乡鄭郑鄰邻醜丑醫医釋释釐厘針针鉤钩銀银鋪铺鋼钢錄录"
    "錢钱錯错鎖锁鎮镇鐘钟鑒鉴長长門门閃闪閉闭開开間间閣阁閱阅陳陈陸陆陽阳隊队階阶際际隨随險险雖虽雙双雜杂"
    "離离難难雲云電电靈灵靜静韓韩響响頁页項项順顺須须預预領领頭头頻频題题額额願愿類类顧顾顯显風风飛飞飾饰"
    "養养館馆駁驳駐驻騰腾驗验體体鬆松魚鱼點点黨党齊齐齡龄龍龙"
)
# Pairs of a traditional character and its simplified form, for words of reports and forms.

TRADITIONAL = dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
"""Simplified form of traditional characters."""

_SPELLINGS = {
    **{ord(old): new for old, new in TRADITIONAL.items()},
    **dict.fromkeys(map(ord, "‐‑‒–—―−─━－﹣ー"), "-"),
    **dict.fromkeys(map(ord, "“”„‟″＂〝〞「」『』‘’‚‛′＇`´"), '"'),
    **dict.fromkeys(map(ord, "〔〔【［[{「〈《﹙"), "("),
    **dict.fromkeys(map(ord, "〕】］]}」〉》﹚"), ")"),
    ord("'"): '"',
    ord("•"): "·",
    ord("．"): ".",
    ord("｡"): "。",
    ord("､"): "、",
    ord("﹑"): "、",
}
_SPELLINGS_AFTER = {
    **_SPELLINGS,
    ord("，"): ",",
    ord("；"): ";",
    ord("："): ":",
}
_PINYIN = re.compile(r"\([a-zà-ɏ\u0300-\u036f]+\)")
_INVISIBLE = {"Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cn", "Cs"}

_NUMERAL = "一二三四五六七八九十"
_ENUMERATION = re.compile(
    rf"(?:[lI|]?[(（]?(?:第)?(?:[{_NUMERAL}]{{1,3}})[)）](?:[、.,:])?"  # (三)  （三）、
    rf"|[lI|]?[{_NUMERAL}]{{1,3}}[、.,:·]"  # 三、
    r"|\(\d{1,2}\)"  # (3)
    r"|\d{1,2}[、.,:·)](?!\d))"  # 3.  3、 but never the figure 3.5
)


def normalise(text: str) -> str:
    """One spelling of ``text``: NFKC, simplified characters, one kind of dash, quote and bracket, no spaces.

    Line breaks, zero-width characters and the pinyin that web mirrors insert (規(guī)章) disappear as well.
    """
    text = unicodedata.normalize("NFKC", text.translate(_SPELLINGS)).translate(_SPELLINGS_AFTER)
    text = "".join(c for c in text if unicodedata.category(c) not in _INVISIBLE).lower()
    # Once more: without the spaces between them, accents may join letters.
    return _PINYIN.sub("", unicodedata.normalize("NFKC", text))


def split_enumeration(text: str) -> tuple[str, str]:
    """Split the leading numerals off a normalised label: ``三、本年`` is (``三``, ``本年``).

    The numerals come back bare, since offices renumber and restyle them; without any the first part is empty.
    A label that is nothing but a numeral stays whole.
    """
    numerals = []
    rest = text
    while (match := _ENUMERATION.match(rest)) is not None and match.end() < len(rest):
        numerals.append(re.sub(rf"[^{_NUMERAL}\d]", "", match.group()))
        rest = rest[match.end() :]
    return " ".join(numerals), rest
