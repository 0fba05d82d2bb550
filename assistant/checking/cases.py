"""Cases that a statement puts: a 120 kg shipment, an order of 600,000, somebody with three years of service.

The figure of a case stands nowhere in the passage. It lies in a range of the sentence, the row or the column from which
the statement's other figures come.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.checking.passage import Passage
from assistant.checking.placing import Stated
from assistant.checking.quantity import Quantity
from assistant.checking.ranges import Range, is_limit
from assistant.checking.segments import Segment

_BEFORE = re.compile(
    r"(?:如果|若|假如|比如|例如|譬如|要是|[掉降]到|一[批笔单个台件名位次张份])[^\d]{0,8}\Z|\A\s*[寄买订租借住请花存]?\Z"
    r"|\b(?:if|when|some(?:one|body|thing)|any(?:one|body|thing)|who|suppose|example)\b[^\d]{0,40}\Z"
    r"|\Afor[ ]\Z"
    r"|\ban?[ ](?:(?!is|has|costs?|takes?|lasts?)[a-z-]+[ ]){0,2}?(?:(?:for|of|over|worth|at|weighing)[ ])?\Z"
)
_AFTER = re.compile(r"[^\d，,]{0,4}(?:的(?![是话])|时)|[^\d，,]{0,8}的话")
_LIMITED = re.compile(
    r"最[多大高长少低远小]|至[多少]|不[得能可应]?[超多高大少低]|以[内上下]|只"
    r"|\b(?:most|least|maximum|minimum|only|just|within|up to|as \w+ as|\w+er than)\b"
)
_AROUND = 24
_ENDS = ("", "，", ",", "。", ";", "；", ":", "：")
_SEARCHED = 80


def is_case(
    figure: Quantity, clause: Segment, own: Sequence[Stated], used: Sequence[Stated], passages: Sequence[Passage]
) -> bool:
    """Returns True if the figure is a case that lies in a range of the passages, which have the figures of `own`.

    Others were worked out from the figures that are `used`.
    """
    beside = _beside(clause, [pair for pair in own if pair not in used])
    measured = [other for other in beside or [pair[0] for pair in used if pair not in own] if "code" not in other.kinds]
    if not _is_put(figure, clause, beside=bool(measured)):
        return False
    return any(
        each.holds(figure) and _belongs(each, segment, measured, passage)
        for passage in passages
        for each, segment in passage.ranges
    )


def _beside(clause: Segment, own: Sequence[Stated]) -> list[Quantity]:
    """Returns the figures that are said of a case: those of its clause, or of the next one that has any."""
    after = [pair for pair in own if len(pair[1].before) >= len(clause.before)]
    nearest = min((len(each.before) for _, each in after), default=0)
    return [other for other, each in after if len(each.before) == nearest]


def _is_put(figure: Quantity, clause: Segment, *, beside: bool) -> bool:
    """Returns True if the words put a case. With no other figure beside it, the statement must begin with it."""
    before, after = clause.text[: figure.start][-_SEARCHED:], clause.text[figure.end :][:_SEARCHED]
    if figure.bare or is_limit(clause.text, figure) or _LIMITED.search(f"{before[-_AROUND:]} {after[:_AROUND]}"):
        return False
    if not (_BEFORE.search(before) or _AFTER.match(after)):
        return False
    if not before.strip() and clause.before.strip()[-1:] not in _ENDS:
        return False  # in brackets, or joined to another figure
    return beside or (bool(before.strip()) and _BEFORE.match(before.lstrip()) is not None)


def _belongs(each: Range, segment: Segment, measured: Sequence[Quantity], passage: Passage) -> bool:
    """Returns True if the figures stand beside the range, or in the column that it heads, and none of its own rivals
    them.
    """
    beside = [other for other in segment.quantities if not each.ends_with(other)]
    for figure in measured:
        if any(other.rivals(figure) for other in beside) and not any(other.agrees(figure) for other in beside):
            return False
        if not any(
            holder.unit == segment.unit or _is_under(segment, holder, measured, passage)
            for holder in passage.agreeing(figure)
        ):
            return False
    return True


def _is_under(segment: Segment, holder: Segment, measured: Sequence[Quantity], passage: Passage) -> bool:
    """Returns True if a figure stands in a row of the column that the segment heads, with one of the column's."""
    if not holder.row:
        return False
    return any(
        other.head == segment.text and other.unit == holder.unit
        for each in measured
        for other in passage.agreeing(each)
    )
