"""Rows that only say in which units the columns below them are: 吨, 元/吨, (mm). They belong to the header."""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNIT = (
    r"[kKMGTmcdμµun]?(?:m|g|L|l|A|V|W|J|N|Pa|Hz|Ω|s|B|b|t|h)(?:²|³|2|3)?|mm|min|ml|mL|kWh|kg|MPa|rpm|r/min|dB|ppm|pcs|[°℃℉%‰㎡㎥]"
    r"|(?:[十百千万亿]{0,2}(?:元|美元|吨|人|件|次|股|度|小时|平方米|立方米))|[公千毫厘分微]?(?:米|克|升|秒|斤|里)|天|日|月|年|周|小时|分钟|秒"
    r"|[个台套只支根条张份箱包袋桶瓶卷块片副批辆间户组项岁级分名位层栋页字][次天日月]?|亩|公顷|人次|人天|工时|工日|人民币|percent|units?|days?"
    r"|hours?|years?|months?|USD|CNY|RMB|EUR|pieces?"
)
_UNITS = re.compile(rf"[(（\[]?(?:单位[:：]?)?(?:{_UNIT})(?:[/·*](?:{_UNIT}))*+[)）\]]?")
_NO_UNIT = frozenset({"", "-", "—", "–", "/", "\\", "单位", "Unit", "unit", "(单位)", "（单位）"})
_FEWEST = 2


def are_units(row: Sequence[str], upper: Sequence[str]) -> bool:
    """Returns True if the cells of a row say units, or nothing, or what the header above says in a merged cell. The
    first one, which names a row, says no unit.
    """
    if row[0] not in _NO_UNIT and row[0] != upper[0]:
        return False
    said = [text for text, above in zip(row, upper, strict=True) if text not in _NO_UNIT and text != above]
    return len(said) >= _FEWEST and all(map(_UNITS.fullmatch, said))
