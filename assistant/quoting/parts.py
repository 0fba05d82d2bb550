"""What of a passage can be quoted: a sentence, a table row, a list with the line above it, the answer of a question.

A heading, the header of a table, a line of a table of contents and a question are never quoted. What they say counts
with the parts that they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from assistant.quoting.intervals import Interval, intervals
from assistant.terms import is_chinese, numbers, terms, vocabulary
from ingest.embedding.glosses import dictionary
from ingest.language import fold, sentences

_RULE = re.compile(r"\s*+(?:\|\s*+)?:?-{3}.*")
_CELL_END = re.compile(r"(?<!\\)\|")
_CHAPTER = re.compile(
    r"#{1,6}\s|第\s?[一二三四五六七八九十百\d]{1,4}\s?[章节编篇]|(?:chapter|part|section|appendix)\s[\divxa-z]{1,4}\b",
    re.I,
)
_CONTENTS = re.compile(r"\.{4}|…{2}|·{4}|(?:\. ){4}|_{4}")
_ASKED = re.compile(r"(?:问题?|提问|q|question)\s?\d{0,3}\s?[:：.．、]", re.IGNORECASE)
_ANSWERED = re.compile(r"(?:答案?|回答|a|answer)\s?\d{0,3}\s?[:：.．、]\s*+", re.IGNORECASE)
_ITEM = re.compile(
    r"[-*•·+]\s|[(（]?(?:\d{1,2}|[一二三四五六七八九十]{1,3})[)）.、]|[①-⑳]|第[一二三四五六七八九十]步|step\s\d",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"它|其(?!他|它|余|中)|该|此(?!外)|这(?!里)|上述|前款|it\b|its\b|this\b|that\b|these\b|those\b|they\b|their\b|such\b|she\b|he\b"
    r"|her\b|his\b",
    re.IGNORECASE,
)
_LIST_ITEMS, _LIST_CHARS = 12, 900
_ANSWER_CHARS = 240
_HEADING_CHARS = 40
_CAPITALS = re.compile(r"(?<![A-Za-z])[A-Z]{2,5}(?![A-Za-z])")
_FEW_TERMS = 3
_GLOSSES = 3
_REMEMBERED_WORDS, _REMEMBERED_PARTS = 4096, 512
"""Some 3 and 8 MB."""

Kind = Literal["sentence", "row", "list"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a passage that can be quoted.

    `header` is the header of its table, or the question that it answers. `terms` are its terms with those of `header`.
    `around` has also those of the heading, of the line that announces it, and of `before`. That is the sentence that
    its first pronoun points to. `block` is the number of its table, or of the prose between two tables.
    """

    text: str
    kind: Kind
    terms: frozenset[str]
    around: frozenset[str]
    numbers: frozenset[str]
    block: int
    above: str
    header: str = ""
    before: str = ""
    folded: str = ""
    """The header and the text as they are matched, in lower case."""
    is_bare: bool = False
    """True for a line that may be a heading, or that only announces what follows."""

    @property
    def is_chinese(self) -> bool:
        return is_chinese(self.terms)

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """Returns the ranges that it states. Those of a row are read cell by cell."""
        return _ranges(self.header if self.kind == "row" else None, self.text)

    @property
    def glosses(self) -> frozenset[str]:
        """Returns the English terms of its Chinese words, and of those above it."""
        return _all_glosses(f"{self.above}\n{self.header}\n{self.text}")


@dataclass(slots=True)
class _Sentence:
    text: str
    paragraph: int


@lru_cache(maxsize=64)
def parts_of(title: str, path: tuple[str, ...], text: str) -> tuple[Part, ...]:
    """Returns the parts of a passage, in order. They are cached, because many questions find the same passages."""
    above = " ".join((title, *path))
    headings = frozenset(_plain(heading) for heading in (title, *path) if heading)
    return tuple(_parts(text, headings, above))


@lru_cache(maxsize=_REMEMBERED_WORDS)
def glosses_of(word: str) -> tuple[frozenset[str], ...]:
    """Returns the terms of the first English glosses of a folded Chinese word. A gloss without terms is left out."""
    found = (frozenset(terms(gloss)) for gloss in dictionary().glosses(word)[:_GLOSSES])
    return tuple(gloss for gloss in found if gloss)


def words_of(text: str) -> frozenset[str]:
    """Returns the terms of a text, and its words in capitals that would be stop words in small letters: IT, US, WHO."""
    return frozenset(terms(text)) | {word for word in _CAPITALS.findall(text) if not terms(word)}


def whole(title: str, text: str) -> Part:
    """Returns a passage of nothing but headings as one part."""
    return _part(text, title, 0)


def cells_of(row: str) -> list[str]:
    """Returns the cells of a row of a Markdown table."""
    return [cell.strip() for cell in _CELL_END.split(row.strip().removeprefix("|").removesuffix("|"))]


def _parts(text: str, headings: frozenset[str], above: str) -> Iterator[Part]:
    lines = [*text.split("\n"), ""]
    prose: list[str] = []
    table: list[str] = []
    count, announced = 0, ""
    for line in lines:
        if line.lstrip().startswith("|"):
            if prose:
                told = list(_told("\n".join(prose), headings))
                yield from _prose(told, above, count)
                announced = told[-1].text if told and _announces(told[-1].text) else ""
                prose, count = [], count + 1000
            table.append(line.strip())
            continue
        if table:
            yield from _rows(table, f"{above} {announced}", count)
            table, count = [], count + 1
        prose.append(line)
    yield from _prose(list(_told("\n".join(prose), headings)), above, count)


def _rows(lines: Sequence[str], above: str, block: int) -> Iterator[Part]:
    """Yields the rows of a table. A header is no row, unless there is nothing below it. An empty header is none."""
    rows = [line for line in lines[1:] if not _RULE.fullmatch(line) and any(cells_of(line))]
    header = lines[0] if rows and any(cells_of(lines[0])) else ""
    for line in rows or lines[:1]:
        if any(cells_of(line)):
            yield _row(header, line, above, block)


def _row(header: str, line: str, above: str, block: int) -> Part:
    own = words_of(f"{header}\n{line}")
    folded = fold(f"{header}\n{line}").lower()
    around = own | vocabulary(above)
    return Part(line, "row", own, around, frozenset(numbers(line)), block, above, header, folded=folded)


def _told(text: str, headings: frozenset[str]) -> Iterator[_Sentence]:
    """Yields the sentences of a text with the number of their paragraph, without headings and tables of contents."""
    paragraph = end = 0
    for start, stop in sentences(text):
        paragraph += "\n" in text[end:start]
        sentence, end = text[start:stop], stop
        is_heading = _plain(sentence) in headings or (len(sentence) <= _HEADING_CHARS and _CHAPTER.match(sentence))
        if not is_heading and not _CONTENTS.search(sentence):
            yield _Sentence(sentence, paragraph)


def _prose(told: Sequence[_Sentence], above: str, block: int) -> Iterator[Part]:
    """Yields the sentences of prose, the answers of its questions, and its lists."""
    yield from _lists(told, above, block)
    asked, before = "", ""
    asking = last = -1  # the paragraphs of the last question and of the last sentence
    answer: list[str] = []
    for sentence in [*told, _Sentence("?", -1)]:
        is_question = _is_question(sentence.text)
        if asked and (is_question or (answer and sentence.paragraph != asking)):
            yield from _answers(answer, asked, above, block)
            asked, answer, before = "", [], ""
        if is_question:
            asked, asking = sentence.text, sentence.paragraph
        elif asked:
            answer.append(sentence.text)
            asking = sentence.paragraph
        else:
            points = before if sentence.paragraph == last and _POINTS_BACK.match(sentence.text) else ""
            yield _part(sentence.text, above, block, before=points)
            before, last = sentence.text, sentence.paragraph


def _answers(answer: Sequence[str], asked: str, above: str, block: int) -> Iterator[Part]:
    """Yields the answer of a question, whole if it is short. The words of the question count as its own."""
    texts = [_ANSWERED.sub("", text, count=1) if _ANSWERED.match(text) else text for text in answer]
    if sum(map(len, texts)) <= _ANSWER_CHARS:
        texts = [" ".join(texts) if " ".join(texts).isascii() else "".join(texts)] if texts else []
    for text in texts:
        yield _part(text, above, block, header=asked, is_bare=False)


def _lists(told: Sequence[_Sentence], above: str, block: int) -> Iterator[Part]:
    """Yields the lists: the line that announces one, and the paragraphs after it.

    Parsed documents do not always keep the marks of their items. So the list ends with the passage, with the next line
    that announces something, and where items with marks are followed by a paragraph without.
    """
    place = 0
    while place < len(told):
        opening = told[place]
        marked = _ITEM.match(opening.text) is not None
        if not marked and not _announces(opening.text):
            place += 1
            continue
        first = place if marked else place + 1
        last = _end_of_list(told, first)
        if last - first > 1:
            lines = [] if marked else [opening.text]
            lines += [each.text if _ITEM.match(each.text) else f"- {each.text}" for each in told[first:last]]
            yield _part("\n".join(lines), above, block, kind="list", is_bare=False)
        place = max(last, place + 1)


def _end_of_list(told: Sequence[_Sentence], first: int) -> int:
    """Returns the place after the last item. Sentences of one paragraph are one item, and stay together."""
    last, length = first, 0
    marked = first < len(told) and _ITEM.match(told[first].text) is not None
    paragraphs: set[int] = set()
    while last < len(told):
        each = told[last]
        new = each.paragraph not in paragraphs
        paragraphs.add(each.paragraph)
        length += len(each.text)
        ends = _announces(each.text) or _is_question(each.text) or (new and marked != bool(_ITEM.match(each.text)))
        if ends or len(paragraphs) > _LIST_ITEMS or length > _LIST_CHARS:
            break
        last += 1
    return last


def _part(
    text: str,
    above: str,
    block: int,
    *,
    kind: Kind = "sentence",
    header: str = "",
    before: str = "",
    is_bare: bool | None = None,
) -> Part:
    own = words_of(f"{header}\n{text}")
    around = own | vocabulary(f"{above}\n{before}")
    bare = (_announces(text) or len(own) < _FEW_TERMS) if is_bare is None else is_bare
    return Part(
        text,
        kind,
        own,
        around,
        frozenset(numbers(text)),
        block,
        above,
        header,
        before,
        fold(f"{header}\n{text}").lower(),
        bare,
    )


@lru_cache(maxsize=_REMEMBERED_PARTS)
def _ranges(header: str | None, text: str) -> tuple[Interval, ...]:
    """Returns the ranges of a sentence, or of a row under a header. They are read only for a question with a number."""
    if header is None:
        return intervals(text)
    names, cells = cells_of(header), cells_of(text)
    names += [""] * (len(cells) - len(names))
    return tuple(found for name, cell in zip(names, cells, strict=False) for found in intervals(cell, name))


@lru_cache(maxsize=_REMEMBERED_PARTS)
def _all_glosses(text: str) -> frozenset[str]:
    return frozenset(term for word in dictionary().words(fold(text)) for gloss in glosses_of(word) for term in gloss)


def _is_question(text: str) -> bool:
    return text.rstrip("”\"'』」)）").endswith(("？", "?")) or _ASKED.match(text) is not None


def _announces(text: str) -> bool:
    return text.endswith(("：", ":"))


def _plain(text: str) -> str:
    return " ".join(fold(text).lower().strip("#*_ \t\n：:").split())
