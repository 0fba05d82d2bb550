"""Decides which rows of a table are its header, for every format.

A table is given as its texts. What a merged cell says stands in every place that it covers. A table of words over rows
of data has one header row, and so has a table of which nothing else is certain.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.parse.tables.units import are_units

Grid = Sequence[Sequence[str]]

MAX_HEADERS = 3
_LOOKED_AT = 60
"""So many rows are looked at. A statement of an account has up to 30 lines above its header."""
_MAX_VALUE, _MAX_LABEL = 40, 24
_MANY_ENDINGS = 6
_MAX_FORM = 8
"""The most columns of a form. Each label stands before its value, so a form has an even number of columns."""

_NUMBER = re.compile(r"\d[\d,.]*+")
_STARTS_WITH_NUMBER = re.compile(r"[约≥≤<>＜＞±+−(（-]{0,2}+[￥¥$€£]?+\s?+\d")
_PERIOD = re.compile(
    r"(?:19|20)\d\d(?:\s?年(?!\d{1,2}月\d).*|\s?[QH]\d.*|[-–~至](?:19|20)\d\d.*)?|\d{1,2}\s?月份?|[QH][1-4]\b.*|"
    r"第?\s?\d{1,2}\s?(?:季度|周|期|阶段|档)"
)
"""Years, quarters and months head columns as often as they are values."""
_GENERIC = re.compile(
    r"(?:主要|检查|考核|评分|费用|技术|性能)?(?:项目|参数|指标|字段|字段名|序号|类别|分类|内容|事项|科目|要素|维度|对比项|级别|等级|档次)"
    r"|items?|parameters?|metrics?|fields?|categor(?:y|ies)|features?|properties|property|key|no\.?|#",
    re.I,
)
"""What heads the first column of a table with a header, and is no label of a value."""
_LABEL = re.compile(
    r".*(?:编号|号码|代码|名称|姓名|部门|科室|岗位|职务|职位|职级|日期|时间|期限|年限|工期|地点|地址|电话|手机|邮箱|邮编|传真"
    r"|网址|网站|微信|分机|负责人|责任人|联系人|经办人|申请人|审批人|审核人|制单人|填表人|代表人|金额|总额|总价|预算|费用|单价|价格"
    r"|数量|人数|规格|型号|来源|单位|性别|年龄|民族|学历|专业|籍贯|备注|说明|描述|目的|用途|事由|原因|版本|密级"
    r"|状态|类型|方式|账号|账户|户名|开户行|税号|资本|面积|币种|工号|简介|概述|范围|周期|比例|标准|要求|含义|取值|结果|意见"
    r"|职责|任务|城市|省份|地区|区域|条件|材料|流程|步骤|方法|措施|频次|频率|人员)"
    r"|(?:[\w.]++ ){0,2}(?:name|date|no\.?|number|id|phone|tel|telephone|mobile|fax|e-?mail|address|department|owner"
    r"|manager|contact|status|version|title|amount|budget|type|project|company|customer|supplier|location|position|remarks?|notes?"
    r"|description|price|quantity|unit|code|value|time|currency|rate|cost)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Structure:
    """How a table is built: `above` lines that are no part of it, then `headers` header rows, then its rows.

    In a form, each value stands to the right of its own label.
    """

    above: int = 0
    headers: int = 1
    is_form: bool = False


def structure(rows: Grid, stated: int | None = None) -> Structure:
    """Returns how a table is built. Its rows are not empty, and white space in its cells is single spaces.

    `stated` is how many first rows the format marks as header. It is None if the format marks none, although there may
    be a header.
    """
    seen = rows[:_LOOKED_AT]
    above = _single_values(seen)
    if stated == 0:
        return Structure(above, 0, _is_form(seen[above:]))
    if stated is not None and above < stated < max(len(rows), 2):
        marked = stated - above if stated - above <= MAX_HEADERS else 1
        return Structure(above, max(marked, _levels(seen[above:])))
    above = _lines_above(seen, above)
    table = seen[above:]
    headers, is_form = _inferred(table)
    if above and headers and len(table[0]) == 2 and any(map(_is_number, table[0])):
        return Structure()  # what stands above is the header, and one column has no name
    return Structure(above, headers, is_form)


def _inferred(table: Grid) -> tuple[int, bool]:
    """Returns the number of header rows of a table that marks none, and if it is a form."""
    if len(table) > 1 and (not table[0][0] or _GENERIC.fullmatch(table[0][0])):
        return _levels(table), False
    if _is_form(table):
        return 0, True
    return 0 if len(table) == 1 or _is_list(table) else _levels(table), False


def values_of(row: Sequence[str]) -> list[str]:
    """Returns the different values of a row, in order."""
    return list(dict.fromkeys(value for value in row if value))


def is_value(text: str) -> bool:
    """Returns True for a number, an amount, a date, a code: it has digits, and few letters."""
    if len(text) > _MAX_VALUE or _PERIOD.fullmatch(text):
        return False
    digits = sum(character.isdecimal() for character in text)
    return digits > 0 and sum(character.isalpha() for character in text) <= max(4, digits)


def pairs_of(row: Sequence[str]) -> list[tuple[str, str]]:
    """Returns the labels of a row of a form, each with its value. A merged cell counts once."""
    cells = _unrepeated(row)
    padded = [*cells, ""] if len(cells) % 2 else cells
    return [pair for pair in zip(padded[::2], padded[1::2], strict=True) if any(pair)]


def _unrepeated(row: Sequence[str]) -> list[str]:
    """Returns the cells of a row, and what a merged cell repeats only once."""
    return [cell for number, cell in enumerate(row) if not (number and cell and cell == row[number - 1])]


def _single_values(rows: Grid) -> int:
    """Returns how many rows with one value each stand above the first row with several. What stands over nothing but
    values is their header, and so is the second of two cells.
    """
    above = next((number for number, row in enumerate(rows) if len(values_of(row)) > 1), 0)
    if any(len(row) == 2 and not row[0] for row in rows[:above]):
        return 0
    return above if any(not is_value(cell) for row in rows[above:] for cell in row if cell) else 0


def _lines_above(rows: Grid, above: int) -> int:
    """Returns how many lines stand above the header. It is the first row of words that is as wide as the rows below it,
    with values under the words. If there is none, only the rows with a single value count.
    """
    filled = [sum(map(bool, _unrepeated(row))) for row in rows]
    usual = max((width for width, count in Counter(filled[above:]).items() if count > 1), default=0)
    if usual < 3:
        return above
    for number in range(above, len(rows) - 1):
        narrow = filled[number] * 4 < usual * 3 or (filled[number] < usual and any(map(_tells, rows[number])))
        narrow = narrow or _are_pairs(rows[number])
        if not narrow or _levels(rows[number:]) > 1:
            words = not any(map(_is_number, rows[number]))
            return number if number > above and words and _heads_values(rows[number:]) else above
    return above


def _tells(cell: str) -> bool:
    """Returns True for a cell that no header has: a value, or a label with a colon."""
    return _is_number(cell) or "：" in cell or ":" in cell


def _are_pairs(row: Sequence[str]) -> bool:
    """Returns True for labels with colons that have their values beside them, as forms have them above their table."""
    said = values_of(row)
    return len(said) > 2 and len(said) % 2 == 0 and all(label.endswith((":", "：")) for label in said[::2])


def _is_number(text: str) -> bool:
    return is_value(text) and _STARTS_WITH_NUMBER.match(text) is not None


def _heads_values(rows: Grid) -> bool:
    """Returns True if most cells of some column below the first row are values."""
    return any(_are_values(list(_below(rows, column))) for column in range(len(rows[0])))


def _below(rows: Grid, column: int) -> Iterator[str]:
    return (row[column] for row in rows[1:] if column < len(row) and row[column])


def _are_values(cells: Sequence[str]) -> bool:
    return bool(cells) and sum(map(is_value, cells)) * 5 >= len(cells) * 3


def _levels(rows: Grid) -> int:
    """Returns the number of header rows. A cell that is merged over several columns heads the cells below it."""
    levels = 1
    while levels < min(MAX_HEADERS, len(rows) - 1) and _goes_on(rows[levels - 1 :]):
        levels += 1
    return levels


def _goes_on(rows: Grid) -> bool:
    """Returns True if the second row is a header too: it names the columns that a cell of the first row covers."""
    width = max(len(rows[0]), len(rows[1]))
    upper, lower = ([*row, *[""] * (width - len(row))] for row in rows[:2])
    if are_units(lower, upper) and not any(map(_tells, upper)):
        return True
    covered = _covered(upper, lower)
    named = {lower[column] for column in covered}
    if min(len(values_of(upper)), len(named - {""})) < 2 or any(map(_tells, upper)):
        return False
    others = [column for column in range(width) if column not in covered]
    if any(upper[column] and upper[column] == lower[column] for column in others):
        return all(lower[column] in ("", upper[column]) for column in others)  # cells that are merged over both rows
    if any(map(is_value, lower)):
        return False
    if others and not any(lower[column] for column in others):
        return True
    return all(upper) and all(lower) and any(_are_values(list(_below(rows[1:], column))) for column in covered)


def _covered(upper: Sequence[str], lower: Sequence[str]) -> set[int]:
    """Returns the columns under a cell that covers several. Where merged cells are lost, as in CSV, it is followed by
    empty cells.
    """
    covered: set[int] = set()
    for column in range(1, len(upper)):
        repeated = upper[column] and upper[column] == upper[column - 1]
        if repeated or (not upper[column] and lower[column] and (upper[column - 1] or column - 1 in covered)):
            covered.update((column - 1, column))
    return covered


def _is_form(rows: Grid) -> bool:
    """Returns True if every second column has labels, and the others the values of these labels."""
    width = max(map(len, rows), default=0)
    if not rows or width % 2 or not 2 <= width <= _MAX_FORM:
        return False
    pairs = [pair for row in rows if len(values_of(row)) > 1 for pair in pairs_of(row)]
    first = pairs_of(rows[0])
    labels = [label for label, _ in pairs if label]
    if not first or any(not label or _is_label(value) for label, value in first):
        return False
    if any(len(label) > _MAX_LABEL or is_value(label) for label in labels):
        return False
    named = [label.rstrip("：: ")[-2:] for label in labels if _is_label(label)]
    if all(_is_label(label) for label, _ in first) and len(named) * 5 >= len(labels) * 3:
        # 采购人员 and 仓库人员 are not labels of one form: they end alike.
        return len(set(named)) * 3 > len(named) * 2 or len(set(named)) >= _MANY_ENDINGS
    if width == 2:
        return len(rows) > 1 and _is_number(first[0][1])
    return any(_is_number(value) for _, value in first) and len(set(labels)) == len(labels) == len(rows) * width // 2


def _is_label(text: str) -> bool:
    """Returns True for the name of a field, such as 项目编号."""
    named = text.rstrip("：: ")
    if not 0 < len(named) <= _MAX_LABEL:
        return False
    return named != text or bool(_LABEL.fullmatch(named) or _GENERIC.fullmatch(named))


def _is_list(rows: Grid) -> bool:
    """Returns True if the first row is data like the others: in every column of values, it has such a value too."""
    first = rows[0]
    if not all(first) or any(map(_is_label, first)):
        return False
    columns: list[int] = []
    for column, cell in enumerate(first):
        below = list(_below(rows, column))
        if _are_values(below):
            like = sum(_shape(other) == _shape(cell) for other in below)
            if not is_value(cell) or like * 2 < len(below):
                return False
            columns.append(column)
    return bool(columns) and not _is_scale(first, columns)


def _shape(text: str) -> str:
    return _NUMBER.sub("9", text)


def _is_scale(row: Sequence[str], columns: Sequence[int]) -> bool:
    """Returns True if all but the first cell are values that only rise or only fall: 10mm, 20mm, 50mm head columns."""
    if len(columns) < 2 or columns != [*range(len(row) - len(columns), len(row))] or columns[0] > 1:
        return False
    found = [_NUMBER.search(row[column]) for column in columns]
    numbers = [float(match[0].replace(",", "").split(".")[0] or 0) for match in found if match]
    steps = [right - left for left, right in pairwise(numbers)]
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)
