"""Finds the lines that stand below a table in its rows: who made it, how many rows it has, where it ends, notes.

In such a line, only the first cell is filled, or one that is merged over the whole table, or all cells are labels with
what they say. It stands after a blank row or says by its words that it is a note. Rows of sums stay rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ingest.parse.tables.labels import is_total
from ingest.parse.tables.markdown import Rows

_LABELLED = re.compile(r"[^:：\d]{1,15}[:：]\s?\S")
_NOTE = re.compile(
    r"[#※＊*★＃](?!\d)|[-=_—]{2,}|[（(【\[]?\s?(?:注[:：\d（(]|[备附]注|说明\s?(?:[:：]|$)|温馨提示|数据(?:来源|截[至止])"
    r"|(?:制[表单]|填[表报]|编制|审[核批]|复核)人?\s?[:： ]\s?\S"
    r"|(?:导出|打印|生成|下载|统计)(?:时间|日期|人|于)\s?[:： ]?\s?\S"
    r"|以[上下]|[本此]表|共\s?[\d,]{1,12}\s?[条笔项行个人次页家份]|第\s?\d{1,6}\s?页|(?:结束|完毕)\W*$"
    r"|powered by|(?:generated|exported|printed|created|prepared|downloaded) (?:by|on|at|from)|page \d"
    r"|source\s?[:：]|notes?\s?[:：\d]|\d{1,9} (?:rows?|records?|items?|entries)"
    r"|(?:total )?(?:rows?|records?)\s?[:：]?\s?\d|end of (?:report|file|list|data|table)|©|copyright)",
    re.I,
)
_ENDS_SENTENCE = ("。", "！", "；", ". ")
_LONG = 40
_LEAST_COLUMNS = 3


def lines_below(rows: Rows, numbers: Sequence[int]) -> int:
    """Returns how many of the last rows are lines below the table. `numbers` are those of the rows among all rows, so
    that a gap tells where a blank one was left out.
    """
    filled = Counter(width for row in rows if (width := sum(map(bool, row))) > 1)
    if not filled:
        return 0
    is_wide = max(filled) >= _LEAST_COLUMNS
    begin = len(rows)
    for place in range(len(rows) - 1, 1, -1):
        said = list(dict.fromkeys(filter(None, rows[place])))
        is_behind_gap = numbers[place] - numbers[place - 1] > 1
        if not _is_narrow(rows[place], said, is_wide):
            break
        if is_behind_gap or _is_note(said, is_wide):
            begin = place
    if begin == 2 and _are_labelled(rows[1]):
        return 0  # a form, whose rows are all alike
    return len(rows) - begin


def _is_narrow(row: Sequence[str], said: Sequence[str], is_wide: bool) -> bool:
    """Returns True for a row that no row of the table is like: one cell at its left end, or nothing but labels."""
    if len(said) > 1:
        return is_wide and _are_labelled(row)
    if is_total(said[0]) and not any(map(str.isdecimal, said[0])):
        return False
    return bool(row[0]) or _is_note(said, is_wide)


def _are_labelled(row: Sequence[str]) -> bool:
    """Returns True for labels that are followed by what they say, in their own cell or in the next one."""
    is_open = False
    found = 0
    for text in row:
        is_label = text.endswith((":", "：")) or _LABELLED.match(text) is not None
        if text and not (is_label or is_open):
            return False
        found += is_label
        is_open = text.endswith((":", "：")) or (is_open and not text)
    return found > 0


def _is_note(said: Sequence[str], is_wide: bool) -> bool:
    """Returns True if the words of a line say that it is below the table. Of two columns, a label and what it says may
    be a row of a form.
    """
    if len(said) > 1:
        return True
    text = said[0]
    if text.endswith((":", "：")):
        return False  # a label whose value is not filled in
    is_told = _NOTE.match(text) is not None or text.endswith(_ENDS_SENTENCE) or len(text) > _LONG
    return is_told or (is_wide and _LABELLED.match(text) is not None)
