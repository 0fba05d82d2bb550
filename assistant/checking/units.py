"""The units of figures: which words name them, and how much of its kind's smallest unit each is.

Figures of one kind can be compared: 48 hours are 2 days, and 500 mm are no 500 m. A unit with several kinds may mean
either: 12 日 is a length of time, or a day of a month.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

Unit = tuple[tuple[str, Fraction], ...]
"""The kinds that a unit may be of, each with its factor."""


def _unit(*kinds: str) -> Unit:
    found = []
    for kind in kinds:
        name, _, factor = kind.partition("*")
        found.append((name, Fraction(factor or 1)))
    return tuple(found)


_WORDS: Mapping[str, Unit] = {
    "秒钟? seconds? secs?": _unit("minutes*1/60"),
    "分钟 minutes? mins?": _unit("minutes"),
    "小时 钟头 hours? hrs?": _unit("minutes*60"),
    "天 工作日 自然日 days? nights? 晚": _unit("minutes*1440"),
    "日": _unit("minutes*1440", "monthday"),
    "号": _unit("monthday", "count"),
    "周(?![一二三四五六日天岁年]) 星期(?![一二三四五六日天]) 礼拜(?![一二三四五六日天]) weeks?": _unit("minutes*10080"),
    "个月 months?": _unit("months"),
    "月": _unit("months", "month"),
    "学期 semesters?": _unit("semesters"),
    "季度 quarters?(?!_of)": _unit("months*3"),
    "周年 周岁 年 岁 years? yrs?": _unit("months*12"),
    "% percent per_cent 百分点 percentage_points?": _unit("percent"),
    "‰ per_mille": _unit("percent*1/10"),
    "个?基点 basis_points? bps?": _unit("percent*1/100"),
    "次 回": _unit("times"),
    "倍": _unit("multiple", "percent*100"),
    "times": _unit("times", "count", "multiple"),
    "元 块 人民币 rmb cny yuan": _unit("yuan"),
    "taiwan_dollars? 台币 台币元": _unit("twd", "yuan"),
    "hk_dollars? 港元 港币": _unit("hkd"),
    "美元 美金 usd dollars? us_dollars?": _unit("dollar"),
    "欧元 eur euros?": _unit("euro"),
    "英镑 gbp": _unit("pound"),
    "pounds?": _unit("pound", "grams*454"),
    "日元 jpy yen": _unit("yen"),
    "瑞士法郎 chf swiss_francs? francs?": _unit("franc"),
    "新加坡元 新元 新币 sgd singapore_dollars?": _unit("sgd"),
    "澳元 澳币 aud australian_dollars?": _unit("aud"),
    "加元 加币 cad canadian_dollars?": _unit("cad"),
    "韩元 krw (?:korean_)?won": _unit("won"),
    "卢比 inr rupees?": _unit("rupee"),
    "pence penn(?:y|ies)": _unit("pound*1/100", "cent"),
    "cents? ct": _unit("cent", "dollar*1/100", "euro*1/100"),
    "分": _unit("count", "cent"),
    "毫米 mm 公厘": _unit("metres*1/1000"),
    "厘米 公分 cm": _unit("metres*1/100"),
    "公里 km kilomet(?:er|re)s?": _unit("metres*1000", "km/h"),
    "米 m met(?:er|re)s?": _unit("metres", "bytes*1000000"),
    "英里 miles?": _unit("metres*1609"),
    "英尺 feet foot ft": _unit("metres*381/1250"),
    "英寸 寸 吋 inch(?:es)?": _unit("inches"),
    "km/h": _unit("km/h"),
    "平方米 平米 平(?![台均时衡行]) m2 sqm square_met(?:er|re)s?": _unit("square metres"),
    "公顷 ha hectares?": _unit("square metres*10000"),
    "亩": _unit("square metres*2000/3"),
    "坪": _unit("ping"),
    "m3/h 立方米/小时 立方米每小时": _unit("m3/h"),
    "毫升 ml": _unit("litres*1/1000"),
    "公升 升 lit(?:er|re)s? l": _unit("litres"),
    "毫克 mg": _unit("grams*1/1000"),
    "斤": _unit("grams*500"),
    "公斤 千克 kg kilos? kilograms?": _unit("grams*1000"),
    "克 g grams?": _unit("grams"),
    "吨 tonn?es? tons?": _unit("grams*1000000"),
    "g/m2": _unit("g/m2"),
    "mg/l": _unit("mg/l"),
    "ntu": _unit("ntu"),
    "cfu/ml": _unit("cfu/ml"),
    "kb": _unit("bytes*1000"),
    "mb": _unit("bytes*1000000"),
    "兆": _unit("bytes*1000000", "mbps"),
    "mbps": _unit("mbps"),
    "gbps": _unit("mbps*1000"),
    "gb": _unit("bytes*1000000000"),
    "tb": _unit("bytes*1000000000000"),
    "千瓦时 kwh": _unit("kwh"),
    "兆瓦时 mwh": _unit("kwh*1000"),
    "吉瓦时 gwh": _unit("kwh*1000000"),
    "千瓦 kw": _unit("watts*1000"),
    "兆瓦 mw": _unit("watts*1000000"),
    "吉瓦 gw": _unit("watts*1000000000"),
    "kva 千伏安": _unit("kva"),
    "立方米 m3 cubic_met(?:er|re)s?": _unit("cubic metres"),
    "mm2 平方毫米": _unit("square metres*1/1000000"),
    "nm 牛米": _unit("newton metres"),
    "mhz 兆赫": _unit("hertz*1000000"),
    "ghz 吉赫": _unit("hertz*1000000000"),
    "khz 千赫": _unit("hertz*1000"),
    "°f degrees?_fahrenheit 华氏度": _unit("fahrenheit"),
    "瓦 w watts?": _unit("watts"),
    "毫安时 mah": _unit("mah"),
    "千伏 kv": _unit("volts*1000"),
    "伏特? v volts?": _unit("volts"),
    "安培?(?![全置排检装静]) amps? amperes?": _unit("amperes"),
    "赫兹 hz hertz": _unit("hertz"),
    "分贝 db decibels?": _unit("decibels"),
    "勒克斯 lux lx": _unit("lux"),
    "rpm r/min 转/分 转每分钟?": _unit("rpm"),
    "ppm": _unit("ppm"),
    "度": _unit("degrees", "kwh"),
    "°c degrees?(?:_celsius)?": _unit("degrees"),
    "学时 课时 lessons?": _unit("lessons", "minutes*60"),
    "bar": _unit("bar"),
    "帕 pa": _unit("bar*1/100000"),
    "千帕 kpa": _unit("bar*1/100"),
    "兆帕 mpa": _unit("bar*10"),
}
"""Each unit by the words for it, in folded and lower-case text, in which ℃ is °c and m² is m2. `_` is a blank."""

PREFIXES: Mapping[str, Unit] = {
    "新台币": _unit("twd", "yuan"), "nt$": _unit("twd", "yuan"), "hk$": _unit("hkd"), "us$": _unit("dollar"),
    "usd": _unit("dollar"), "$": _unit("dollar"), "eur": _unit("euro"), "€": _unit("euro"), "gbp": _unit("pound"),
    "£": _unit("pound"), "cny": _unit("yuan"), "rmb": _unit("yuan"), "人民币": _unit("yuan"), "¥": _unit("yuan", "yen"),
    "百分之": _unit("percent"), "千分之": _unit("percent*1/10"), "万分之": _unit("percent*1/100"),
    "chf": _unit("franc"), "sgd": _unit("sgd"), "s$": _unit("sgd"), "aud": _unit("aud"), "a$": _unit("aud"),
    "美元": _unit("dollar"), "美金": _unit("dollar"), "港元": _unit("hkd"), "港币": _unit("hkd"),
    "台币": _unit("twd", "yuan"), "欧元": _unit("euro"), "英镑": _unit("pound"), "日元": _unit("yen"),
    "cad": _unit("cad"), "c$": _unit("cad"), "krw": _unit("won"), "inr": _unit("rupee"), "jpy": _unit("yen"),
}  # fmt: skip
"""The units that stand before a number."""

COUNTED = (
    "个位名台辆部家件张条本份套枚只项票笔门支组款种袋瓶箱盒页路级类层楼期道颗双班堂字点间座架篇"
    "段版届人轮节步批排行列遍顿杯碗盘根粒片匹桶罐卷处口扇幢栋"
)
"""Characters for what is counted. A figure with one of them is a count, and no length, price or time."""

_LOOKAHEAD = re.compile(r"\(\?!.*?\)")
_BY_LENGTH = sorted(
    ((word.replace("_", "[ ]"), unit) for words, unit in _WORDS.items() for word in words.split(" ")),
    key=lambda pair: -len(_LOOKAHEAD.sub("", pair[0])),
)
_PATTERNS = [(re.compile(word), unit) for word, unit in _BY_LENGTH]


def _bounded(word: str) -> str:
    return rf"{word}(?![a-z0-9])" if word.isascii() and word != "%" else word


PATTERN = "|".join(_bounded(word) for word, _ in _BY_LENGTH)
"""Matches a unit, the longest first."""


@lru_cache(maxsize=1024)
def unit_of(word: str) -> Unit:
    """Returns the kinds of a unit's word. It is empty if the word is no unit."""
    return next((unit for pattern, unit in _PATTERNS if pattern.fullmatch(word)), ())
