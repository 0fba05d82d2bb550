"""Checks if passages confirm the figures of a statement, each for what the statement says that it is of.

A figure that the passages lack is not confirmed, even if the asker named it first. It is excused if the statement
denies it beside the passage's own figure ("not 30 days but 15"), and if the passage has a range that contains it
(`满五年不满十年` for somebody's 8 years). A figure that the passages have is misplaced if another figure of its kind
stands where the words of the statement are: the price of the other row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.checking import placing
from assistant.checking.cases import is_case
from assistant.checking.derived import derived
from assistant.checking.passage import Passage
from assistant.checking.placing import Nearer, Stated, displacement
from assistant.checking.polarity import denial
from assistant.checking.quantities import quantities, read_text
from assistant.checking.quantity import Quantity
from assistant.checking.ranges import is_limit, values
from assistant.checking.segments import Segment, statement_segments
from assistant.checking.steps import precision
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
_ROUNDS_BEFORE = re.compile(
    r"(?:(?:约|大概|大约)[^\d]{0,8}|近|将近|接近|不到|差不多|\babout|\baround|\broughly|\bnearly|\balmost"
    r"|\bapproximately|\bsome|\bjust (?:under|over))[ ]?\Z"
)
_ROUNDS_AFTER = re.compile(r"[ ]?(?:左右|上下|or so)")
_ALL_BEFORE = re.compile(r"\b(?:the|all)[ ]\Z|[这全]部?\Z")
_COUNTS = {"count", "times"}
_HAN_END = re.compile(r"[^\d\W零一二两三四五六七八九十百千万个a-z]\Z")
_FOLLOWING = 24
_EXCUSED = 20
"""At most so many figures of the asker are excused in one statement. With more, the statement is not confirmed."""
_COMPARED = 40
"""At most so many figures of a statement are compared with the passages."""


def stated(statement: Sequence[Segment]) -> Iterator[Stated]:
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
    accounted = _accounted(missing, own, asked, passages)
    if accounted is None:
        return None
    supports, used = accounted
    supports.add("checked" if denied == "none" else "not_checkable")
    placed = [pair for pair in own if pair not in used and not _counts_rows(*pair, passages)]
    if nearer and any(placing.is_certain(displacement(*pair, own, passages)) for pair in placed):
        return None  # before an embedder is asked
    for figure, clause in placed:
        found = displacement(figure, clause, own, passages, nearer)
        if found >= placing.MISPLACED:
            return None
        if found >= placing.DOUBTED:
            supports.add("not_checkable")
    return "not_checkable" if "not_checkable" in supports else "checked"


def _accounted(
    missing: Sequence[Stated], own: Sequence[Stated], asked: Sequence[Quantity], passages: Sequence[Passage]
) -> tuple[set[Support], list[Stated]] | None:
    """Returns how far the figures hold that the passages lack, and those from which they were worked out. Returns None
    if one of them does not.
    """
    excused = [(pair, _excused(*pair, own, asked, passages)) for pair in missing]
    supports: set[Support] = {support for _, support in excused if support is not None}
    unclear = [pair for pair, support in excused if support is None]
    if not unclear:
        return supports, []
    worked, used = derived(unclear, own, asked, passages, _says_that_it_rounds)
    if not all(pair in worked or is_case(*pair, own, used, passages) for pair in unclear):
        return None
    return supports | {"not_checkable"}, used


def confirms(statement: str, passage: Passage) -> bool:
    """Returns True if the passage has a figure of the statement."""
    return any(passage.agreeing(figure) for figure, _ in stated(statement_segments(statement)))


def _excused(
    figure: Quantity,
    clause: Segment,
    own: Sequence[Stated],
    asked: Sequence[Quantity],
    passages: Sequence[Passage],
) -> Support | None:
    if figure.worded and figure.kinds <= _COUNTS:
        return _counted(figure, clause, passages)
    if _is_rounded(figure, clause, passages):
        return "not_checkable"
    if figure.kinds <= {"count"} and _counts_lines(figure, clause, passages):
        return "checked"
    if not any(figure.agrees(other) for other in asked):
        return None
    before, after = clause.text[: figure.start], clause.text[figure.end :]
    same = [other for other, _ in own if other.rivals(figure)]
    if same and (_DENIED_BEFORE.search(before) or _DENIED_AFTER.match(after)):
        return "checked"
    if same and _MENTIONED.search(before):
        return "not_checkable"
    return _within_range(figure, clause, own, passages)


def _says_that_it_rounds(figure: Quantity, clause: Segment) -> bool:
    before, after = clause.text[: figure.start], clause.text[figure.end :]
    return bool(_ROUNDS_BEFORE.search(before) or _ROUNDS_AFTER.match(after))


def _is_rounded(figure: Quantity, clause: Segment, passages: Sequence[Passage]) -> bool:
    """Returns True if the statement says that it rounds, and the passage has a figure near to this one."""
    if not _says_that_it_rounds(figure, clause):
        return False
    return any(
        abs(value - wanted) <= precision(figure, wanted)
        for kind in figure.kinds
        for wanted in values(figure, kind)
        for passage in passages
        for other, _ in passage.found
        for value in values(other, kind)
    )


def _within_range(
    figure: Quantity, clause: Segment, own: Sequence[Stated], passages: Sequence[Passage]
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
    if _counts_lines(figure, clause, passages):
        thing = _thing(figure, clause)
        return None if thing and any(_thing(other, segment) == thing for other, segment in found) else "checked"
    return None if found else "checked"


def _counts_lines(figure: Quantity, clause: Segment, passages: Sequence[Passage]) -> bool:
    """Returns True if the passages have a table with so many rows, or, where all of them are meant, columns."""
    if any(figure.written == str(passage.rows) for passage in passages):
        return True
    of_all = _ALL_BEFORE.search(clause.text[: figure.start])
    return bool(of_all) and any(figure.written == str(passage.columns) for passage in passages)


def _counts_rows(figure: Quantity, clause: Segment, passages: Sequence[Passage]) -> bool:
    if not (figure.worded and figure.kinds <= _COUNTS and _counts_lines(figure, clause, passages)):
        return False
    return _counted(figure, clause, passages) == "checked"


def _thing(figure: Quantity, clause: Segment) -> str:
    """Returns what a figure counts: the character or the word after its number. It may be empty."""
    if _HAN_END.search(clause.text[figure.start : figure.end]):
        return clause.text[figure.end - 1]
    following = terms(clause.text[figure.end :][:_FOLLOWING])
    return following[0] if following else ""
