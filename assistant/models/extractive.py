"""The default if no model is configured. The answer then quotes the sentences that answer the question best."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from assistant.events import Evidence
from assistant.request import Piece, Request
from assistant.terms import Wanted, numbers, terms, vocabulary
from ingest.language import sentences

_QUOTES = 3
_QUOTE_CHARS = 400
_WORTH_QUOTING = 0.6
"""Every further quote must have at least this share of the best quote's score."""
_ASKS_NUMBER = re.compile(
    r"多少|几|多[久长大高远]|什么时候|何时|哪[天年月]|\bhow (?:many|much|long|often|old|far)\b|\bwhen\b|\bwhat time\b",
    re.IGNORECASE,
)
_WITH_NUMBER = 1.2
_SAME_NUMBERS = 0.3
"""The gain of a unit that has all the numbers of the question: 十年 asks for the row that says 10."""
_BRACKETED = re.compile(r"[\[［【](\d{1,3})[\]］】]")
_RULE = re.compile(r"\s*+(?:\|\s*+)?:?-{3}.*")

_FRAMES = {
    "zh": ("文档中与问题最相关的原文：", "（尚未配置对话模型，以上是文档原文的摘录。）"),
    "en": ("The passages that answer best, quoted:", "(No chat model is configured; these are quotations.)"),
}


@dataclass(frozen=True, slots=True)
class _Part:
    """A sentence, or a table's header with one of its rows: its terms, these with those of the heading, its numbers."""

    text: str
    terms: frozenset[str]
    around: frozenset[str]
    numbers: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A part that can be quoted, with the number of its evidence, and its place among the parts of all evidence."""

    number: int
    order: int
    part: _Part

    @property
    def text(self) -> str:
        return self.part.text


class ExtractiveChatModel:
    """Quotes the evidence of a request. It reads the question and no messages."""

    model = "extractive"
    follows_instructions = False

    def __init__(self) -> None:
        # One thread: more would quote no faster, and make searches wait.
        self._quoting = ThreadPoolExecutor(1, thread_name_prefix="quoting")

    async def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Yields the best quotations, each with its number, between two lines that say what they are."""
        # To compare all sentences with the question may take a tenth of a second, so it runs in a thread.
        quoted = asyncio.get_running_loop().run_in_executor(self._quoting, lambda: list(quotations(request)))
        for text in await quoted:
            yield Piece(text)

    async def aclose(self) -> None:
        """Start no more work."""
        self._quoting.shutdown(wait=False, cancel_futures=True)


def quotations(request: Request) -> Iterator[str]:
    """Yields the lines of the answer: a few sentences or table rows, between two lines that say what they are."""
    opening, closing = _FRAMES[request.language]
    yield opening + "\n\n"
    for unit in _best(request.question, request.evidence):
        yield f"- {_quotation(unit.text)} [{unit.number}]\n"
    yield f"\n{closing}"


def _best(question: str, evidence: Sequence[Evidence]) -> list[_Unit]:
    """Returns the units that share most with the question, in the order of the evidence and of its text."""
    units = [unit for place, item in enumerate(evidence) for unit in _units(item, place * 10_000)]
    if not units:
        return []
    wanted = Wanted(
        {
            term: math.log(1 + len(units) / (1 + sum(term in unit.part.terms for unit in units)))
            for term in dict.fromkeys(terms(question))
        }
    )
    ranks = {item.number: place for place, item in enumerate(evidence)}
    asks_number = _ASKS_NUMBER.search(question) is not None
    stated = numbers(question)
    scores = {unit.order: _score(unit, wanted, ranks[unit.number], stated, asks_number=asks_number) for unit in units}
    ranked = sorted(units, key=lambda unit: (-scores[unit.order], unit.order))
    floor = _WORTH_QUOTING * scores[ranked[0].order]
    chosen: list[_Unit] = []
    for unit in ranked:
        if len(chosen) == _QUOTES or scores[unit.order] < floor or (chosen and not floor):
            break
        if all(unit.text != other.text for other in chosen):
            chosen.append(unit)
    return sorted(chosen, key=lambda unit: unit.order)


def _score(unit: _Unit, wanted: Wanted, rank: int, stated: set[str], *, asks_number: bool) -> float:
    """Returns how much the unit shares with the question, by its own words and together with the heading above it.

    A unit that cannot be an answer gets half the score. A heading alone only repeats the words of the question, and
    a text that ends with a colon only announces the answer.
    """
    own = wanted.coverage(unit.part.terms)
    around = wanted.coverage(unit.part.around)
    score = (0.6 * own + 0.4 * around) * (1 - 0.03 * rank)
    if len(unit.part.terms) < 3 or unit.text.endswith(("：", ":")):
        score *= 0.5
    present = unit.part.numbers
    if stated:
        score *= 1 + _SAME_NUMBERS * len(stated & present) / len(stated)
    return score * _WITH_NUMBER if asks_number and present else score


def _units(item: Evidence, order: int) -> Iterator[_Unit]:
    for place, part in enumerate(_parts(item.hit.chunk.heading, item.hit.chunk.text)):
        yield _Unit(item.number, order + place, part)


@lru_cache(maxsize=64)
def _parts(heading: str, text: str) -> tuple[_Part, ...]:
    """Returns the parts of a chunk, in order. They are cached, because many questions find the same chunks."""
    above = vocabulary(heading)
    found = ((part, vocabulary(part)) for part in _texts(text))
    return tuple(_Part(part, words, words | above, frozenset(numbers(part))) for part, words in found)


def _texts(text: str) -> list[str]:
    header: str | None = None
    prose: list[str] = []
    texts: list[str] = []
    for line in [*text.split("\n"), ""]:
        if line.lstrip().startswith("|"):
            texts.extend(_split(prose))
            prose = []
            if header is None:
                header = line.strip()
            elif not _RULE.fullmatch(line):
                texts.append(f"{header}\n{line.strip()}")
        else:
            header = None
            prose.append(line)
    texts.extend(_split(prose))
    return texts


def _split(lines: Sequence[str]) -> list[str]:
    text = "\n".join(lines)
    return [text[start:end] for start, end in sentences(text)]


def _quotation(text: str) -> str:
    """Returns a unit on one line, without marks that would be read as our citations."""
    if text.startswith("|"):
        header, _, row = text.partition("\n")
        names, values = _cells(header), _cells(row)
        pairs = [f"{name}: {value}" if name else value for name, value in zip(names, values, strict=False) if value]
        text = "; ".join(pairs) or row
    text = _BRACKETED.sub(r"(\1)", " ".join(text.split())).lstrip("-*•# ")
    return text if len(text) <= _QUOTE_CHARS else text[:_QUOTE_CHARS].rstrip() + " …"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
