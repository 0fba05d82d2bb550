"""The form that an answer must have where a question leaves no doubt: a sum of money, a duration, a phone number.

A model that reads knows what a passage is about, and takes a sentence about the right thing for an answer: *colour
printing is charged to your department* to *how much is a colour page*. Whether there is a sum in it can be seen.
`kinds` lists what is likely and gives a little weight. Here is only what is certain, so a text is of a form
rather too often than too seldom.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from assistant.quoting.kinds import as_asked

_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|first|second|third|fourth"
    "|fifth|sixth|seventh|eighth|ninth|tenth|once|twice|half|quarter"
)
_HAN = "零〇一二两三四五六七八九十百千万亿半"
_NUMBER = rf"(?:\d|[{_HAN}]|\b(?:{_WORDS}|an?)\b)"
_NONE = r"免费|免收|不收|不扣|不限|没有|无需|全部|所有|\b(?:free|nothing|none|no|all|any|every|unlimited|zero)\b"
_SPAN = (
    rf"(?:[\d{_HAN}几数] ?个?(?:多|来|整|自然|工作|交易)?(?:天|日|年|月|周|星期|礼拜|小时|钟头|分|秒|刻|晚|夜|季)"
    rf"|(?:\d|\b(?:{_WORDS}|an?|several|few))[ -]?(?:(?:working|business|calendar|full|consecutive) )?"
    r"(?:seconds?|minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|fortnight|months?|quarters?|years?)\b"
    r"|(?:天|日|年|月|周|小时|分钟|\b(?:days?|weeks?|months?|years?|hours?|minutes?))[^\n|]{0,9}\|)"
)
_WHEN = (
    r"\d ?[年月日号点:]|\d{4}|[一二三四五六七八九十] ?[月日号点]"
    r"|星期|礼拜|周[一二三四五六日末]|[每当次同隔][天日周月年季]"
    r"|[年月季周][初中底末]|节|季度|[之以]?[前后]|期间|随时|立即|永久|长期|终身"
    r"|\d ?[ap]\.?m\b|\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)"
    r"|day\b|\b(?:every|daily|weekly|monthly|yearly|annual|annually|noon|midnight|today|tomorrow|tonight|week|month"
    r"|year|quarter|spring|summer|autumn|winter|christmas|easter|before|after|until|till|within|once|when|immediately"
    r"|at once|permanent|permanently|always|never|overnight|indefinitely)\b"
)
_MONEY_UNIT = (
    r"元|块|[$€£¥]|\b(?:cny|rmb|usd|eur|gbp|hkd|jpy|yuan|euros?|dollars?|pounds?|cents?|pence|francs?|yen)\b"
    r"|[价费款薪酬金额税奖]|工资|预算|补贴|收入|成本|%|折"
    r"|\b(?:price|fee|cost|rate|budget|allowance|salary|wage|pay|paid|charge|fine|deposit|bonus|revenue|limit)"
)

_LONGEST = 500
"""At most so many characters of a question are looked at."""
_LACKING = -3.0
"""In log odds. Of 4,255 questions about office documents (`benchmarks/reading`) that ask for a form, 2 % have an answer
without it."""


@dataclass(frozen=True, slots=True)
class _Form:
    """`asks` matches a folded question that wants it, in lower case. Each of `has` is in every text of the form."""

    asks: re.Pattern[str]
    has: tuple[re.Pattern[str], ...]


def _form(asks: str, *has: str) -> _Form:
    return _Form(re.compile(asks), tuple(map(re.compile, has)))


_ARE = r"(?:'s| is| are| was| were| do| does| did| will| would| can| may| must| should| has| have| had)"

_FORMS = (
    _form(
        r"多少钱|几块钱?|几元|几毛|(?:价格|价钱|售价|报价|单价|费用|收费)是?(?:多少|几)|什么价|怎么(?:收费|卖)|贵不贵"
        r"|\bhow much (?:money|cash)\b"
        r"|\bhow (?:much|expensive)\b[^.?!]{0,80}\b(?:costs?|price|pay|charged?|spend|fee)\b"
        rf"|\bwhat{_ARE}\b[^.?!]{{0,80}}\bcosts?\b|\bprices? (?:of|for)\b"
        rf"|\bwhat{_ARE} the (?:price|fee|cost|charge)s?\b",
        rf"{_NUMBER}|{_NONE}",
        rf"{_MONEY_UNIT}|{_NONE}",
    ),
    _form(
        r"多久|多长时间|(?<![那这前后好十])几个?(?:天|年|月|周|星期|礼拜|小时|钟头|分钟|工作日)"
        r"|多少个?(?:天|年|月|周|星期|礼拜|小时|钟头|分钟|工作日)"
        r"|\bhow (?:soon|quickly)\b"
        r"|\bhow long (?!(?:is|are) (?:the|an?|this|that) (?:cable|cord|rope|room|table|pipe|wire)\b)"
        r"|\bhow many (?:\w+ )?(?:seconds|minutes|hours|days|nights|weeks|months|years)\b",
        rf"{_SPAN}|{_WHEN}|{_NONE}",
    ),
    _form(
        r"几点|几时|什么时间|\b(?:what|which) time\b",
        rf"\d:\d\d|[\d{_HAN}] ?[点时]|\d ?[ap]\.?m\b|[上下]班|全天|随时|中午|午夜|24 ?小时"
        r"|o'clock|\b(?:noon|midnight|24 ?hours|any ?time)\b",
    ),
    _form(
        r"什么时候|何时|哪一?[天日年]|哪个月|几[号月]|\bwhen (?:is|are|was|were|does|did|will)\b"
        r"|\b(?:what|which) (?:date|day|month|year)s?\b",
        rf"{_SPAN}|{_WHEN}",
    ),
    _form(
        r"多重|多沉|重量(?:是|有)?(?:多少|几)|几斤|几公斤"
        r"|\bhow heavy\b|\bhow much\b[^.?!]{0,60}\bweighs?\b|\bweight of\b",
        r"重|斤|千?克|吨|\d ?k?g\b|\d ?lbs?\b|\b(?:weigh|weight|kilo|gram|tons?\b|tonnes?\b|pounds?\b|heavy)",
    ),
    _form(
        r"多宽|有多高|多厚|多深|尺寸|\bhow (?:wide|tall|thick|deep)\b|\bdimensions of\b",
        r"\d ?(?:[mck]?m|in|ft)\b|米|寸|[×x] ?\d|[宽高厚深]度?"
        r"|\b(?:wide|width|tall|height|high|thick|deep|depth|inch|feet)",
    ),
    _form(
        r"多吵|多响|(?:噪音|噪声|声音)有?(?:多|几)|几分贝|\bhow (?:loud|noisy|quiet)\b",
        r"分贝|db|噪|静音|\b(?:noise|decibel|quiet|silent|loud)",
    ),
    _form(
        r"几度|多少度|多[热冷烫]|温度是?(?:多少|几)|\bhow (?:hot|cold|warm|cool)\b|\b(?:what|which) temperature\b",
        r"[℃°度]|温|\d ?[cfk]\b|\b(?:degrees?|celsius|fahrenheit|kelvin|temperature)\b",
    ),
    _form(
        r"最快[^，。？?]{0,8}转|多少转|转速"
        r"|\bhow fast\b[^.?!]{0,60}\b(?:spin|run|turn|rotate|go|drive|move)\b|\b(?:top|maximum) speed\b",
        r"rpm|转速|\d ?转(?!子)|r/min|km/?h|公里|m/s|mph|\bspeed",
    ),
    _form(
        r"电话(?:号码?)?是?(?:多少|几号|几)|哪个(?:电话|号码|分机)|打几号|什么(?:电话|号码)"
        r"|(?:手机|分机|热线)号?码?是?(?:多少|几)|\b(?:tele)?phone number\b"
        r"|\b(?:what|which) (?:number|extension)\b[^.?!]{0,30}\b(?:call|dial|ring|phone)",
        r"\d{3}",
        r"电话|分机|热线|手机|拨|打|联系|\d{7}|\d{4} \d{3}"
        r"|\b(?:phone|extension|call|hotline|dial|ring|tel|ext|contact)",
    ),
    _form(
        r"(?:邮箱|邮件地址|电邮)(?:地址)?是?(?:多少|什么|啥|哪个)|\be-?mail address\b",
        r"\S@\S",
    ),
    _form(
        r"几成|几折|百分之几|多(?:少|大)的?比例|比例是?(?:多少|几)"
        r"|\b(?:what|which|how many) (?:percent|percentage|share|proportion|discount)\b",
        rf"%|百分|折|[{_HAN}\d] ?成|分之|倍|半|全额|[减免]"
        r"|\b(?:percent|per cent|half|third|quarter|in full|times|free)\b",
    ),
)
_NUMBERED = _form(
    r"多少|(?<![那这前后好十上下头过周])几(?![乎率何])|\bhow (?:much|many|often|far|big|large|old)\b",
    rf"{_NUMBER}|{_NONE}|[每各]|\b(?:each|per|daily|weekly|monthly|yearly|annually|never|always)\b",
)
"""Where no other form is asked for."""


@lru_cache(maxsize=64)
def _asked(question: str) -> tuple[_Form, ...]:
    plain = as_asked(question[:_LONGEST]).lower()
    found = tuple(form for form in _FORMS if form.asks.search(plain))
    return found or ((_NUMBERED,) if _NUMBERED.asks.search(plain) else ())


def form_shift(question: str, text: str) -> float:
    """Returns what the form of a text adds to the log odds that it answers a question: less than nothing if it has
    nothing of the form that is asked for.

    `text` is folded, in lower case. The header of a table belongs to the text of a row.
    """
    has_it = all(pattern.search(text) for form in _asked(question) for pattern in form.has)
    return 0.0 if has_it else _LACKING
