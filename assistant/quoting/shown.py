"""What is chosen, as Markdown with its citations, and our own words around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.quoting.choose import Quoted
from assistant.quoting.parts import Part, cells_of
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


def opening(question: str, language: AnswerLanguage) -> str:
    """Returns our own words before the quotations, in the language of the question, traditional if it is."""
    return _OPENINGS["hant" if language == "zh" and is_traditional(question) else language]


def shown(question: str, quoted: Sequence[Quoted]) -> Iterator[str]:
    """Yields each quotation as a block of Markdown with its number."""
    for each in quoted:
        part = each.part
        if part.kind == "row":
            yield _table(part, each.number, question)
        elif part.kind == "list":
            yield f"{_marked_plain(part.text)} [{each.number}]"
        else:
            text = f"{part.before} {part.text}" if part.before else part.text
            yield f"- {_sentence(text)} [{each.number}]"


def _sentence(text: str) -> str:
    """Returns a sentence on one line, without marks that would be read as our citations."""
    text = _marked_plain(" ".join(text.split())).lstrip("-*•# ")
    return text if len(text) <= _QUOTE_CHARS else text[:_QUOTE_CHARS].rstrip() + " …"


def _table(part: Part, number: int, question: str) -> str:
    """Returns the header and the row as a table, without empty columns. Of a wide table, the columns that the question
    names come first.
    """
    names, values = cells_of(part.header) if part.header else [], cells_of(part.text)
    names += [""] * (len(values) - len(names))
    columns = [(name, value) for name, value in zip(names, values, strict=False) if value]
    wanted = vocabulary(question)
    by_need = sorted(range(len(columns)), key=lambda at: (at > 0, -len(wanted & vocabulary("\n".join(columns[at])))))
    kept, length = [], 0
    for at in by_need:
        length += len(columns[at][0]) + len(columns[at][1])
        if kept and length > _ROW_CHARS:
            break
        kept.append(at)
    chosen = [columns[at] for at in sorted(kept)]
    texts = [[_marked_plain(text[:_QUOTE_CHARS]) for text in column] for column in zip(*chosen, strict=True)]
    head, row = ("| " + " | ".join(cells) + " |" for cells in texts)
    return f"{head}\n|{' --- |' * len(chosen)}\n{row.removesuffix(' |')} [{number}] |"


def _marked_plain(text: str) -> str:
    return _BRACKETED.sub(r"(\1)", text)
