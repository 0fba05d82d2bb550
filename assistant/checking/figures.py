"""Checks if passages confirm the figures of a statement, each for what the statement says that it is of.

A figure that the passages lack is not confirmed, even if the asker named it first. It is excused if the statement
denies it beside the passage's own figure ("not 30 days but 15"), and if the passage has a range that contains it
(`满五年不满十年` for somebody's 8 years). A figure that the passages have is misplaced if another figure of its kind
stands where the words of the statement are: the price of the other row.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations

from assistant.checking import placing
from assistant.checking.passage import Passage
from assistant.checking.placing import Nearer, displacement
from assistant.checking.polarity import denial
from assistant.checking.quantities import quantities, read_text
from assistant.checking.quantity import Date, Quantity
from assistant.checking.ranges import is_limit, values
from assistant.checking.segments import Segment, statement_segments
from assistant.checking.worded import contradicted, is_loose
from assistant.events import Support
from assistant.terms import terms

_DENIED_BEFORE = re.compile(
    r"(?:不是|并非|而非|并不|没有|不会|而不|\bnot\b|n't\b|\bno\b|\binstead of\b|\brather than\b|\bnever\b)[^\d]{0,16}\Z"
)
_DENIED_AFTER = re.compile(
    r"[^\d]{0,10}?(?:不对|有误|错|不行|不能|不可|不符|不够|超|高于|低于|少于|多于|大于|小于|不足|不到|太"
    r"|\bis(?: not|n't)\b|\bexceed|\babove\b|\bbelow\b|\bover\b|\bunder\b|\bwrong\b|\bincorrect\b|\btoo\b|\bmore than\b"
    r"|\bless than\b|\bcannot\b|\bcan't\b|\bwithin\b|符合|够)"
)
_MENTIONED = re.compile(
    r"(?:您?问|您?说|提到|所说|提及|\basked?(?: about| for)?\b|\bmention(?:ed)?\b|\basking\b)[^\d]{0,12}\Z"
)
_DERIVED_BEFORE = re.compile(
    r"(?:共|合计|总计|总额|加起来|相差|差额|多出|(?<![最至不])[多少]了?|(?:增加|减少|提高|降低|推迟|提前|延长)了?|之间"
    r"|\btotals?\b|\baltogether\b|\bdifference\b|\bby\b|\bsum\b)(?!\w*[到至为])[^\d到至为]{0,6}\Z"
)
_DERIVED_AFTER = re.compile(r"[^\d]{0,12}?(?:in total|altogether|together|in all|more|less|later|earlier|的差)")
_ROUNDS_BEFORE = re.compile(
    r"(?:约|大概|大约|近|将近|接近|不到|差不多|\babout|\baround|\broughly|\bnearly|\balmost|\bapproximately"
    r"|\bjust (?:under|over))[ ]?\Z"
)
_ROUNDS_AFTER = re.compile(r"[ ]?(?:左右|上下|or so)")
_ROUNDED = Fraction(1, 20)
_SUMMED = 30
_COUNTS = {"count", "times"}
_HAN_END = re.compile(r"[^\d\W零一二两三四五六七八九十百千万个a-z]\Z")
_FOLLOWING = 24
_EXCUSED = 20
"""At most so many figures of the asker are excused in one statement. With more, the statement is not confirmed."""
_COMPARED = 40
"""At most so many figures of a statement are compared with the passages."""


def stated(statement: Sequence[Segment]) -> Iterator[tuple[Quantity, Segment]]:
    """Yields the figures of a statement that passages must confirm: all in digits, and those in words with a unit.

    One in words is left out, because it is often no figure: 一年一次, one day. So is half.
    """
    for segment in statement:
        for figure in segment.quantities:
            if not is_loose(figure):
                yield figure, segment


def borne_out(
    statement: str, question: str, passages: Sequence[Passage], nearer: Nearer | None = None
) -> Support | None:
    """Returns how far the passages together confirm the figures of a statement, or None if they do not, or if the
    statement denies what they say.

    `nearer` compares the meaning of clauses where their words leave a doubt.
    """
    crossed = any(passage.crossed for passage in passages)
    clauses = statement_segments(statement, crossed)
    figures = list(stated(clauses))[:_COMPARED]
    asked = quantities(read_text(question)) if figures else []
    own = [pair for pair in figures if any(passage.agreeing(pair[0]) for passage in passages)]
    missing = [pair for pair in figures if pair not in own]
    if len(missing) > _EXCUSED or contradicted(clauses, passages):
        return None
    denied = denial(clauses, passages)
    if denied == "certain":
        return None
    supports: set[Support] = {"checked" if denied == "none" else "not_checkable"}
    for figure, clause in missing:
        support = _excused(figure, clause, own, asked, passages)
        if support is None:
            return None
        supports.add(support)
    for figure, clause in own:
        found = displacement(figure, clause, own, passages, nearer)
        if found >= placing.MISPLACED:
            return None
        if found >= placing.DOUBTED:
            supports.add("not_checkable")
    return "not_checkable" if "not_checkable" in supports else "checked"


def confirms(statement: str, passage: Passage) -> bool:
    """Returns True if the passage has a figure of the statement."""
    return any(passage.agreeing(figure) for figure, _ in stated(statement_segments(statement)))


def _excused(
    figure: Quantity,
    clause: Segment,
    own: Sequence[tuple[Quantity, Segment]],
    asked: Sequence[Quantity],
    passages: Sequence[Passage],
) -> Support | None:
    if figure.worded and figure.kinds <= _COUNTS:
        return _counted(figure, clause, passages)
    if _is_rounded(figure, clause, passages):
        return "not_checkable"
    if not any(figure.agrees(other) for other in asked):
        return _derived(figure, clause, passages)
    before, after = clause.text[: figure.start], clause.text[figure.end :]
    same = [other for other, _ in own if other.rivals(figure)]
    if same and (_DENIED_BEFORE.search(before) or _DENIED_AFTER.match(after)):
        return "checked"
    if same and _MENTIONED.search(before):
        return "not_checkable"
    return _within_range(figure, clause, own, passages)


def _is_rounded(figure: Quantity, clause: Segment, passages: Sequence[Passage]) -> bool:
    """Returns True if the statement says that it rounds, and the passage has a figure near to this one."""
    before, after = clause.text[: figure.start], clause.text[figure.end :]
    if not (_ROUNDS_BEFORE.search(before) or _ROUNDS_AFTER.match(after)):
        return False
    return any(
        abs(value - wanted) <= wanted * _ROUNDED
        for kind in figure.kinds
        for wanted in values(figure, kind)
        for passage in passages
        for other, _ in passage.found
        for value in values(other, kind)
    )


def _within_range(
    figure: Quantity, clause: Segment, own: Sequence[tuple[Quantity, Segment]], passages: Sequence[Passage]
) -> Support | None:
    """Returns how far a range of a passage excuses a figure. The statement's own figures must stand beside it."""
    if is_limit(clause.text, figure):
        return None
    covering = [pair for passage in passages for pair in passage.ranges if pair[0].holds(figure)]
    supports = [
        "checked" if each.closed else "not_checkable"
        for each, segment in covering
        if own
        and not any(each.ends_with(other) for other, _ in own)
        and all(_stands_in(other, segment.unit, passages) for other, _ in own)
    ]
    if "checked" in supports:
        return "checked"
    return "not_checkable" if supports else None


def _stands_in(figure: Quantity, unit: int, passages: Sequence[Passage]) -> bool:
    return any(segment.unit == unit for passage in passages for segment in passage.agreeing(figure))


def _counted(figure: Quantity, clause: Segment, passages: Sequence[Passage]) -> Support | None:
    """Returns how far a count in words holds that no passage has. Who sums up counts what stands there (三种情况), so
    it is wrong only beside another count of the passage: of anything, or where a table has so many rows, of the same.
    """
    found = [pair for passage in passages for pair in passage.found if pair[0].bare or pair[0].kinds & _COUNTS]
    if any(figure.written == str(passage.rows) for passage in passages):
        thing = _thing(figure, clause)
        return None if thing and any(_thing(other, segment) == thing for other, segment in found) else "checked"
    return None if found else "checked"


def _thing(figure: Quantity, clause: Segment) -> str:
    """Returns what a figure counts: the character or the word after its number. It may be empty."""
    if _HAN_END.search(clause.text[figure.start : figure.end]):
        return clause.text[figure.end - 1]
    following = terms(clause.text[figure.end :][:_FOLLOWING])
    return following[0] if following else ""


def _derived(figure: Quantity, clause: Segment, passages: Sequence[Passage]) -> Support | None:
    """Returns `not_checkable` if the figure is the sum or the difference of two of one sentence or row, and the
    statement says so.
    """
    if any(figure.written == str(passage.rows) and figure.kinds <= {"count"} for passage in passages):
        return "checked"
    before, after = clause.text[: figure.start], clause.text[figure.end :]
    if not (_DERIVED_BEFORE.search(before) or _DERIVED_AFTER.match(after)):
        return None
    for kind in figure.kinds:
        wanted = values(figure, kind)
        for passage in passages:
            for one, other in combinations(passage.found[:_SUMMED], 2):
                if one[1].unit != other[1].unit:
                    continue
                if kind == "minutes" and one[0].date and other[0].date:
                    days = _days_between(one[0].date, other[0].date)
                    if days is not None and Fraction(days * 1440) in wanted:
                        return "not_checkable"
                for first in values(one[0], kind):
                    for second in values(other[0], kind):
                        if first + second in wanted or abs(first - second) in wanted:
                            return "not_checkable"
    return None


def _days_between(one: Date, other: Date) -> int | None:
    year = one[0] or other[0] or 2001
    try:
        first, second = (datetime.date(date[0] or year, date[1] or 0, date[2] or 0) for date in (one, other))
    except ValueError:
        return None
    return abs((first - second).days)
