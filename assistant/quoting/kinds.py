"""The kinds of answer that a question asks for, and which texts give one: a person, a place, a time, a price.

It reads the surface of a text and understands nothing. A text of the kind only gets a little more weight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.language import fold

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_MONTH = "jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec"


@dataclass(frozen=True, slots=True)
class _Kind:
    """`asks` matches a folded question of this kind, in lower case, and `gives` an answer. With `new_number`, the
    answer also has a number that the question does not state.
    """

    asks: re.Pattern[str]
    gives: re.Pattern[str]
    new_number: bool = False


def _kind(asks: str, gives: str, *, new_number: bool = False) -> _Kind:
    return _Kind(re.compile(asks), re.compile(gives), new_number)


KINDS = {
    "price": _kind(
        r"多少钱|价格|价钱|售价|费用|怎么收费|贵不贵|\bcosts?\b|\bprices?\b|\bfees?\b"
        r"|how much (?:money|is|are|do i pay|can i spend)",
        r"元|块|价|费|金|免费|[$€£¥%]|\b(?:cny|rmb|usd|eur|yuan|euros?|dollars?|pounds?|cents?|prices?|fees?|costs?|free)\b",
        new_number=True,
    ),
    "duration": _kind(
        r"多久|多长时间|几[天年周]|几个[月小星]|多少[天年]|期限|保质期|\bhow long\b"
        r"|how many (?:days|weeks|months|years|hours|minutes)",
        r"天|日|年|月|周|小时|分钟|星期|\b(?:days?|weeks?|months?|years?|hours?|minutes?|nights?)\b",
        new_number=True,
    ),
    "time": _kind(
        r"什么时候|何时|几[号月]|哪几?个?[天年月]|\bwhen\b|what (?:date|year|day)",
        rf"\d:\d\d|[点月日号年周]|星期|[每当次同隔]天|每|之?[前后]|\d{{4}}|\b(?:{_MONTH})|day\b|\d ?[ap]\.?m\b"
        r"|\b(?:every|daily|noon|midnight)\b",
    ),
    "clock": _kind(
        r"几[点时]|什么时间|what time",
        r"\d:\d\d|[\d一二三四五六七八九十]点|\d ?[ap]\.?m\b|o'clock|\bnoon\b|\bmidnight\b",
    ),
    "weight": _kind(
        r"多重|重量|最重|\bhow heavy\b|\bweighs?\b|\bweight\b",
        r"公斤|千克|\d ?克|吨|\d ?k?g\b|kilograms?|\b(?:tons?|tonnes?|pounds)\b",
        new_number=True,
    ),
    "phone": _kind(
        r"电话号码|电话|号码|分机|热线|打给|\b(?:tele)?phone(?: number)?\b|\bcall\b|\bextension\b|\bhotline\b",
        r"\d[\d -]{4}\d"
        r"|\A(?=[\s\S]*(?:电话|分机|热线|手机|拨|打|phone|extension|call|hotline|dial|\btel\b))[\s\S]*\d{3}",
        new_number=True,
    ),
    "person": _kind(
        r"谁|哪位|负责人|头儿|领导|\bwho\b|\bwhom\b|\bwhose\b",
        rf"(?:\A|[|：:由是为、，\s(])[{SURNAMES}][\u4e00-\u9fff]{{1,2}}(?:\Z|[|，。、；\s(（]|负责|担任|先生|女士|老师|经理)"
        r"|由|经理|总监|主管|主任|副总|[部处科]门?\b|财务|\b(?:dr|mr|ms|mrs|prof)\b|\bby\b|manager|director|head|officer"
        r"|team|department|company|responsible",
    ),
    "place": _kind(
        r"哪里|哪儿|在哪|何处|什么地方|地址|怎么去|\bwhere\b|\baddress\b",
        r"[楼层室路区座厅馆岗栋市]|位于|地址|\d号|\b(?:floor|building|room|street|road|basement|lobby|located|behind|beside"
        r"|next to|office|city|at the|in)\b",
    ),
    "number": _kind(
        r"多少|几|多[高大重远快宽深]|\bhow (?:much|many|heavy|big|far|old|often|fast|tall|high|wide|hot)\b",
        r"",
        new_number=True,
    ),
    "way": _kind(
        r"怎么(?!样|回事|收|算)|如何|怎样|步骤|流程|\bhow (?:do|to|can|should|does)\b|\bsteps?\b"
        r"|what (?:do|should) i do",
        r"请|须|应|先|点击|按|提交|申请|联系|拨打|到"
        r"|\b(?:must|please|press|hold|click|select|call|ask|open|send|use|submit|contact)\b",
    ),
    "reason": _kind(
        r"(?:是?因?为|是?由于)?什么(?:原因)?(?:造成|导致|引起)的?|为什么|为何|原因|怎么回事|\bwhy\b|\breason\b|\bcauses?d?\b",
        r"因|由于|导致|造成|\b(?:because|due to|since|as a result|caused)\b",
    ),
}
_MEASURED = {"price", "duration", "time", "clock", "weight", "phone"}
"""Kinds that say more than that a number is asked for."""
_SPOKEN = {
    "啥": "什么",
    "咋": "怎么",
    "多咱": "什么时候",
    "几耐": "多久",
    "几时": "什么时候",
    "几多": "多少",
    "边个": "谁",
    "边位": "哪位",
    "边度": "哪里",
    "边间": "哪间",
    "点样": "怎样",
    "点解": "为什么",
    "乜嘢": "什么",
    "乜野": "什么",
}
"""Words that ask in northern speech and in Cantonese, folded, and those of written Chinese."""
_IS_SPOKEN = re.compile("|".join(sorted(_SPOKEN, key=len, reverse=True)))
_PROPER_NAME = re.compile(r"\b[A-Z][a-z]+ (?:[A-Z]\. )?[A-Z][a-z]+")


def as_asked(question: str) -> str:
    """Returns a folded question with the words that ask as they are written."""
    return _IS_SPOKEN.sub(lambda found: _SPOKEN[found[0]], fold(question))


def kinds_asked(question: str) -> frozenset[str]:
    """Returns the kinds of answer that a question asks for. There may be none, or several: where and when."""
    plain = as_asked(question).lower()
    found = {name for name, kind in KINDS.items() if kind.asks.search(plain)}
    return frozenset(found - {"number"} if found & _MEASURED else found)


def without_kinds(question: str) -> tuple[str, str]:
    """Returns a folded question without the words that only ask for a kind of answer (phone number, 多少钱), and these
    words. What answers gives the kind and rarely repeats them.
    """
    plain = as_asked(question)
    spans = sorted(match.span() for kind in KINDS.values() for match in kind.asks.finditer(plain.lower()))
    kept, asking, end = [], [], 0
    for start, stop in spans:
        kept.append(plain[end : max(start, end)])
        asking.append(plain[max(start, end) : stop])
        end = max(end, stop)
    return " ".join([*kept, plain[end:]]), " ".join(asking)


def gives(kind: str, text: str, folded: str, *, new_number: bool) -> bool:
    """Returns True if a text has what a question of this kind asks for. `folded` is the text folded, in lower case.
    `new_number` says if it has a number that the question does not state.
    """
    asked = KINDS[kind]
    if asked.new_number and not new_number:
        return False
    return asked.gives.search(folded) is not None or (kind == "person" and _PROPER_NAME.search(text) is not None)
