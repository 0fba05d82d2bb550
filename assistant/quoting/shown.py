"""What is chosen, as Markdown with its citations, and our own words around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.quoting.choose import Quoted
from assistant.quoting.parts import cells_of
from assistant.request import AnswerLanguage
from assistant.terms import vocabulary
from ingest.language import is_traditional

_QUOTE_CHARS = 400
_ROW_CHARS = 500
_BRACKETED = re.compile(r"[\[［【](\d{1,3})[\]］】]")

_OPENINGS = {
    "zh": "文档中与问题最相关的原文：",
    "hant": "文件中與問題最相關的原文：",
    "en": "The passage that answers best, quoted:",
}
_OPENINGS_OF_TWO = {
    "zh": "不能确定是哪一处，以下两处原文可能回答了问题：",
    "hant": "不能確定是哪一處，以下兩處原文可能回答了問題：",
    "en": "Not certain which; either of these two passages may answer, quoted:",
}


def opening(question: str, language: AnswerLanguage, quoted: Sequence[Quoted]) -> str:
    """Returns our own words before the quotations, in the language of the question, traditional if it is. They say so
    if it is not certain which of two answers.
    """
    openings = _OPENINGS_OF_TWO if any(each.instead for each in quoted) else _OPENINGS
    return openings["hant" if language == "zh" and is_traditional(question) else language]


def shown(question: str, quoted: Sequence[Quoted]) -> Iterator[str]:
    """Yields each quotation as a block of Markdown with its number."""
    for each in quoted:
        part = each.part
        if part.kind == "row":
            yield _table(each, question)
        elif part.kind == "list":
            yield f"{_marked_plain(part.text)} [{each.number}]"
        else:
            text = f"{part.before} {part.text}" if part.before else part.text
            yield f"- {_sentence(text)} [{each.number}]"


def _sentence(text: str) -> str:
    """Returns a sentence on one line, without marks that would be read as our citations."""
    text = _marked_plain(" ".join(text.split())).lstrip("-*•# ")
    return text if len(text) <= _QUOTE_CHARS else text[:_QUOTE_CHARS].rstrip() + " …"


def _table(quoted: Quoted, question: str) -> str:
    """Returns the header and the row as a table, without empty columns. Of a wide table, the columns that the question
    names come first.
    """
    parts = (quoted.part, *quoted.more)
    rows = [cells_of(part.text) for part in parts]
    width = max(map(len, rows))
    grid = [[*cells, *[""] * (width - len(cells))][:width] for cells in (cells_of(quoted.part.header), *rows)]
    columns = [column for column in zip(*grid, strict=True) if any(column[1:])]
    wanted = vocabulary(question)
    by_need = sorted(range(len(columns)), key=lambda at: (at > 0, -len(wanted & vocabulary("\n".join(columns[at])))))
    kept: list[int] = []
    length = 0
    for at in by_need:
        length += len(columns[at][0]) + max(map(len, columns[at][1:]))
        if kept and length > _ROW_CHARS:
            break
        kept.append(at)
    chosen = [[_marked_plain(text[:_QUOTE_CHARS]) for text in columns[at]] for at in sorted(kept)]
    head, *body = ["| " + " | ".join(cells) + " |" for cells in zip(*chosen, strict=True)]
    lines = [head, f"|{' --- |' * len(chosen)}", *body]
    return "\n".join(lines).removesuffix(" |") + f" [{quoted.number}] |"


def _marked_plain(text: str) -> str:
    return _BRACKETED.sub(r"(\1)", text)
