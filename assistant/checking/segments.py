"""Cuts a passage or a statement into segments: the clauses of its sentences, and the cells of its tables.

A figure belongs to the words of its segment. The words of the other clauses of its sentence count less, because a
clause often leaves out what was named before. A cell has the words of its row and of its column's header.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.checking.bridge import english_terms
from assistant.checking.quantities import quantities, read_text
from assistant.checking.quantity import Quantity
from assistant.checking.units import unit_of
from assistant.terms import terms
from ingest.language import sentences

_BEFORE, _STATED_BEFORE, _ELLIPTIC, _AFTER, _LEAST = 0.5, 0.7, 0.9, 0.2, 0.02
"""The weights of the words of the clauses before and of the one after. A clause that has no words of its own, but for
those that its whole sentence repeats (`享有10天`), goes on with what was named before."""
_LED = 1.0
_KEY, _HEADER, _BESIDE = 1.0, 1.0, 0.3
_CUT = re.compile(
    r"[；;：:。！？!?（）()]|(?<!\d)[,，]|[,，](?!\d{3})|[—–](?!\d)"
    r"|\band\b(?! (?:day|night|week|month|quarter|year)\b)|\b(?:but|while|whereas)\b|而(?=[^且])|或者"
)
_LIST_NUMBER = re.compile(r"\A\s*\(?\d{1,2}[.、)）](?!\d)\s*")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_NEAR = 1.0
_PART = re.compile(r"[；;]")
_JOINED = re.compile(r"、|和|与|及|或|\bor\b(?! (?:more|less|over|fewer)\b)|/(?![a-z])")
_RULE = re.compile(r"[\s:|-]*+")
_CELL_UNIT = re.compile(r"[(（]\s*([^\d()（）]{1,12})\s*[)）]")
_ASIDE = re.compile(r"[(（][^()（）]*[)）]")
FIGURE = "#"
_LIMITS = frozenset(
    [
        "least",
        "maximum",
        "minimum",
        "within",
        "至少",
        "最多",
        "最高",
        "最低",
        "最长",
        "最少",
        "少于",
        "超过",
        "不超",
        "不得",
        "不少",
        "以上",
        "以下",
        "以内",
        "之内",
    ]
)
"""Terms that say that a figure is a limit, and not what it is of."""
_EARLIER = 400
"""So many characters before a clause are kept with it."""
_SENTENCES = 400
"""At most so many sentences and rows of a passage are compared with statements."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A clause or a cell: its terms with their weights, its quantities, and the number of its sentence or row.

    `row` is True for the cells of a table, and `keys` are the terms that
    name its row, whose first cell is `name`, and `head` is the header of its column. `before` is the text of the
    clauses before.
    """

    text: str
    words: Mapping[str, float]
    quantities: tuple[Quantity, ...]
    unit: int
    row: bool = False
    keys: frozenset[str] = frozenset()
    name: str = ""
    head: str = ""
    before: str = ""


@lru_cache(maxsize=64)
def segments_of(heading: str, text: str, glossed: bool = False) -> tuple[Segment, ...]:
    """Returns the segments of a passage. If it is `glossed`, its Chinese words have their English ones beside them.

    They are cached, because the same few passages are cited in many answers.
    """
    found: list[Segment] = []
    block: list[str] = []
    prose: list[str] = [heading, ""] if heading else []
    for line in [*text.split("\n"), ""]:
        if line.lstrip().startswith("|"):
            if prose:
                found += _prose("\n".join(prose), len(found), glossed)
                prose = []
            block.append(line)
            continue
        if block:
            found += _table(block, len(found), glossed)
            block = []
        prose.append(line)
    found += _prose("\n".join(prose), len(found), glossed)
    return tuple(found)


@lru_cache(maxsize=64)
def statement_segments(text: str, glossed: bool = False) -> tuple[Segment, ...]:
    """Returns the clauses of a statement. What it is about is named at its beginning and counts longer.

    They are cached, because a statement is judged more than once while the text after it arrives.
    """
    return tuple(_sentence(text, 0, _STATED_BEFORE, glossed))


def without_asides(name: str) -> str:
    """Returns the name of a row or a column without what stands in brackets: its unit, its size."""
    return _ASIDE.sub("", name).strip()


def _prose(text: str, unit: int, glossed: bool) -> Iterator[Segment]:
    spans: list[tuple[int, int]] = []
    for start, end in sentences(text)[:_SENTENCES]:
        if spans and text[spans[-1][1] - 1] in "；;":  # what it goes on with was named before
            start = spans.pop()[0]
        spans.append((start, end))
    for start, end in spans:
        found = list(_sentence(text[start:end], unit, _BEFORE, glossed))
        unit = max((segment.unit for segment in found), default=unit) + 1
        yield from found


def _sentence(text: str, unit: int, kept: float, glossed: bool) -> Iterator[Segment]:
    read = _LIST_NUMBER.sub("", read_text(text))
    parts = [(number, clause) for number, part in enumerate(_PART.split(read)) for clause in _clauses(part)]
    clauses = [(number, clause) for number, clause in parts if clause.strip()]
    own = [_content(clause, glossed) for _, clause in clauses]
    shared = Counter(term for words in own for term in set(words))
    before: dict[str, float] = {}
    start, led = 0, False
    for place, (part, clause) in enumerate(clauses):
        elliptic = all(shared[term] > 1 or term.startswith(FIGURE) for term in own[place])
        share = _LED if led and kept == _STATED_BEFORE else _ELLIPTIC if elliptic else kept
        led = not quantities(clause)
        words = {term: share * weight for term, weight in before.items() if share * weight > _LEAST}
        before = words | dict.fromkeys(_near(clause), _NEAR) | dict.fromkeys(own[place], 1.0)
        following = dict.fromkeys(own[place + 1], _AFTER) if place + 1 < len(own) else {}
        start = max(start, read.find(clause, start))
        earlier = read[max(0, start - _EARLIER) : start]
        start += len(clause)
        yield Segment(clause, following | before, quantities(clause), unit + part, before=earlier)


def _near(text: str) -> Iterator[str]:
    """Yields the pairs of Chinese characters that stand apart by one, so that 年假 is found in 年休假."""
    for run in _HAN.findall(text):
        for first, last in zip(run, run[2:], strict=False):
            yield first + last


def _clauses(text: str) -> Iterator[str]:
    start = 0
    found = quantities(text)
    starts = [quantity.start for quantity in found]
    for cut in _CUT.finditer(text):
        after = bisect_left(starts, cut.end())
        if after and found[after - 1].end > cut.start():  # inside of a figure
            continue
        if cut[0].isalpha() and _joins(text, found, after, cut):
            continue
        yield from _joined(text[start : cut.start()])
        start = cut.end()
    yield from _joined(text[start:])


def _joins(text: str, found: Sequence[Quantity], after: int, cut: re.Match[str]) -> bool:
    """Returns True if a word joins two numbers and nothing else: between 2 and 5."""
    if not 0 < after < len(found):
        return False
    between = (text[found[after - 1].end : cut.start()], text[cut.end() : found[after].start])
    return not any(map(str.strip, between))


def _joined(clause: str) -> Iterator[str]:
    """Yields the parts of a clause that `and` joins, if each has a figure of its own: 上海550元和北京500元."""
    found = quantities(clause)
    starts = [quantity.start for quantity in found]
    start = first = 0
    for join in _JOINED.finditer(clause):
        after = bisect_left(starts, join.end())
        if first < after < len(found) and not _joins(clause, found, after, join):
            yield clause[start : join.start()]
            start, first = join.end(), after
    yield clause[start:]


def _content(text: str, glossed: bool) -> list[str]:
    """Returns the terms of a read text, and its figures as terms that begin with `FIGURE`, without words of limits."""
    left, figures, start = [], [], 0
    for quantity in quantities(text):
        figures += figure_terms(quantity)
        left.append(text[start : quantity.start])
        start = quantity.end
    left.append(text[start:])
    rest = " ".join(left)
    found = [*terms(rest), *(english_terms(rest) if glossed else ())]
    return figures + [term for term in found if not term.isdecimal() and term not in _LIMITS]


def figure_terms(quantity: Quantity) -> list[str]:
    """Returns what stands for a figure among the terms of a segment."""
    return [f"{FIGURE}{kind}:{value}" for kind, value in quantity.readings] or [f"{FIGURE}{quantity.written}"]


def _table(lines: Sequence[str], unit: int, glossed: bool) -> Iterator[Segment]:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines[:_SENTENCES]]
    ruled = len(lines) > 1 and _RULE.fullmatch(lines[1].strip()) is not None and "-" in lines[1]
    header = rows[0] if ruled else []
    body = [row for row, line in zip(rows, lines, strict=False) if not _RULE.fullmatch(line.strip())][
        1 if ruled else 0 :
    ]
    for head in header:
        yield Segment(
            read_text(head),
            dict.fromkeys(_content(read_text(head), glossed), 1.0),
            quantities(read_text(head)),
            unit,
        )
    for number, row in enumerate(body, start=unit + 1):
        words = [_content(read_text(cell), glossed) for cell in row]
        for place, cell in enumerate(row):
            head = header[place] if place < len(header) else ""
            weights: dict[str, float] = dict.fromkeys((term for beside in words for term in beside), _BESIDE)
            weights |= dict.fromkeys(words[0], _KEY)
            named = _content(read_text(head), glossed)
            names = frozenset([*words[0], *(term for term in named if term.startswith(f"{FIGURE}code"))])
            weights |= dict.fromkeys(named, _HEADER)
            weights |= dict.fromkeys(words[place], 1.0)
            found, name, title = (
                _cell_quantities(cell, head),
                read_text(row[0]),
                without_asides(read_text(head)),
            )
            yield Segment(read_text(cell), weights, found, number, row=True, keys=names, name=name, head=title)


def _cell_quantities(cell: str, head: str) -> tuple[Quantity, ...]:
    """Returns the quantities of a cell. A bare number has the unit in brackets in the header of its column, or the
    unit that is the header: days.
    """
    found = quantities(read_text(cell))
    if len(found) == 1 and found[0].bare and found[0].written and unit_of(read_text(head).strip()):
        with_unit = quantities(read_text(f"{found[0].written} {head}"))
        if len(with_unit) == 1 and with_unit[0].written:
            return with_unit
    named = _CELL_UNIT.search(head)
    if named and len(found) == 1 and found[0].bare:
        with_unit = quantities(read_text(f"{found[0].written}{named[1].partition('/')[0]}"))
        if len(with_unit) == 1 and with_unit[0].written:
            return with_unit
    return found
