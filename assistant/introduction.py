"""The reply to small talk: what the assistant is, and what the asker may search. No model writes it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Protocol

from assistant.request import AnswerLanguage
from assistant.small_talk import Kind
from ingest.access import Reader
from ingest.catalog.holdings import Holdings
from ingest.language import fold

_TITLES = 5
_TITLE_CHARS = 60
_SOURCES = 8


class HasHoldings(Protocol):
    """Says what a reader may search. It blocks for milliseconds, so it is called from threads."""

    def of(self, reader: Reader) -> Holdings:
        """Returns the sources and the number of the documents that this reader may read, and a few of their titles."""
        ...


_OPENINGS: dict[Kind, tuple[str, str, str]] = {
    "greeting": ("您好！", "您好！", "Hello! "),
    "thanks": ("不客气！", "不客氣！", "You are welcome. "),
    "goodbye": ("再见！", "再見！", "Goodbye! "),
    "noted": ("好的。", "好的。", "All right. "),
    "identity": ("", "", ""),
    "ability": ("", "", ""),
    "documents": ("", "", ""),
}
_SHORT: frozenset[Kind] = frozenset(("thanks", "goodbye", "noted"))
"""Whoever says this knows the assistant already, so no titles are listed and no advice is given."""
_WHO = (
    "我是有据，根据{company}的文档回答问题，并注明出处；文档里没有的，我会如实说没有。",
    "我是有據，根據{company}的文件回答問題，並註明出處；文件裡沒有的，我會如實說沒有。",
    "I am Youju. I answer questions from {company}’s documents and name the sources. "
    "If the documents do not say, I tell you so. ",
)
_COMPANY = ("公司", "公司", "the company")
_COUNTED = (
    "现在您可以查 {sources} 个来源（{names}）里的 {documents} 份文档",
    "現在您可以查 {sources} 個來源（{names}）裡的 {documents} 份文件",
    "You can ask about {documents} in {sources} ({names})",
)
_NOTHING = (
    "现在还没有您可以查阅的文档。",
    "現在還沒有您可以查閱的文件。",
    "There are no documents that you may read yet.",
)
_SUCH_AS = ("，例如：", "，例如：", ", for example:")
_FULL_STOP = ("。", "。", ".")
_ADVICE = (
    "请直接提问，最好用一句完整的话，写明要查的事、制度或产品型号，例如“年假有几天？”。中文、英文都可以。",
    "請直接提問，最好用一句完整的話，寫明要查的事、制度或產品型號，例如「年假有幾天？」。中文、英文都可以。",
    "Ask in a whole sentence, and name the matter, the rule or the product that you mean, for example: "
    "“How many days of annual leave do I get?” English and Chinese both work.",
)
_AGAIN = ("还有问题，请随时提问。", "還有問題，請隨時提問。", " Ask again whenever you have a question.")
_MARKS = re.compile(r"[\[\]<>`*|\\#\s]+")
_ADDRESS = re.compile(r"://|www\.", re.IGNORECASE)


def introduction(kind: Kind, question: str, language: AnswerLanguage, holdings: Holdings | None, company: str) -> str:
    """Returns the reply to small talk in Markdown: what the assistant is, and what the asker may search.

    Without `holdings` it does not say what there is. `question` decides whether Chinese is written in traditional
    characters.
    """
    form = 2 if language == "en" else 1 if _is_traditional(question) else 0
    paragraphs = [_OPENINGS[kind][form] + _WHO[form].format(company=company or _COMPANY[form])]
    if holdings is not None:
        paragraphs[0] += _counted(holdings, form)
    if kind in _SHORT:
        return paragraphs[0] + _FULL_STOP[form] + _AGAIN[form]
    titles = _shown(holdings.titles) if holdings is not None else []
    if titles:
        paragraphs[0] += _SUCH_AS[form]
        paragraphs.append("\n".join(f"- {title}" for title in titles))
    paragraphs.append(_ADVICE[form])
    return "\n\n".join(paragraphs)


def _counted(holdings: Holdings, form: int) -> str:
    if not holdings.documents:
        return _NOTHING[form]
    sources, documents = str(len(holdings.sources)), str(holdings.documents)
    if form == 2:
        sources += " source" if sources == "1" else " sources"
        documents += " document" if documents == "1" else " documents"
    names = [_MARKS.sub(" ", name) for name in holdings.sources[:_SOURCES]]
    more = ["…"] if len(holdings.sources) > _SOURCES else []
    joined = (", " if form == 2 else "、").join([*names, *more])
    return _COUNTED[form].format(sources=sources, names=joined, documents=documents)


def _shown(titles: Sequence[str]) -> list[str]:
    """Returns the titles in one line each, without marks of Markdown. A title with an address is left out, because some
    programs make a link of it.
    """
    plain = (" ".join(_MARKS.sub(" ", title).split()) for title in titles if not _ADDRESS.search(title))
    short = (title if len(title) <= _TITLE_CHARS else f"{title[:_TITLE_CHARS]}…" for title in plain if title)
    return list(dict.fromkeys(short))[:_TITLES]


def _is_traditional(text: str) -> bool:
    return fold(text) != unicodedata.normalize("NFKC", text)
