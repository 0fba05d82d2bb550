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

_SIMPLIFIED, _TRADITIONAL, _ENGLISH = range(3)
"""The forms of each text below, in their order."""
_TITLES, _ALL_TITLES = 5, 20
"""So many titles are named; who asks which documents there are gets more."""
_TITLE_CHARS = 60
_SOURCES = 8


class HasHoldings(Protocol):
    """Says what a reader may search. It blocks for milliseconds, so it is called from threads."""

    def of(self, reader: Reader) -> Holdings:
        """Returns the sources and the number of the documents that this reader may read, and a few of their titles."""
        ...


_OPENINGS: dict[Kind, tuple[str, str, str]] = {
    "greeting": ("您好！", "您好！", "Hello!"),
    "thanks": ("不客气！", "不客氣！", "You are welcome."),
    "goodbye": ("再见！", "再見！", "Goodbye!"),
    "noted": ("好的。", "好的。", "All right."),
}
_SHORT: frozenset[Kind] = frozenset(("thanks", "goodbye", "noted"))
"""Whoever says this knows the assistant already, so no titles are listed and no advice is given."""
_WHO = (
    "我是有据，根据{company}的文档回答问题，并注明出处；文档里没有的，我会如实说没有。",
    "我是有據，根據{company}的文件回答問題，並註明出處；文件裡沒有的，我會如實說沒有。",
    "I am Youju. I answer questions from {company}’s documents and name the sources. "
    "If the documents do not say, I tell you so.",
)
_COMPANY = ("公司", "公司", "the company")
_COUNTED = (
    "现在您可以查 {sources} 个来源（{names}）里的 {documents} 份文档",
    "現在您可以查 {sources} 個來源（{names}）裡的 {documents} 份文件",
    "You can ask about {documents} in {sources} ({names})",
)
_NOTHING = (
    "现在还没有您可以查阅的文档",
    "現在還沒有您可以查閱的文件",
    "There are no documents that you may read yet",
)
_THESE = ("：", "：", ":")
_SUCH_AS = ("，例如：", "，例如：", ", for example:")
_FULL_STOP = ("。", "。", ".")
_ADVICE = (
    "请直接提问，最好用一句完整的话，写明要查的事、制度或产品型号，例如“年假有几天？”。中文、英文都可以。",
    "請直接提問，最好用一句完整的話，寫明要查的事、制度或產品型號，例如「年假有幾天？」。中文、英文都可以。",
    "Ask in a whole sentence, and name the matter, the rule or the product that you mean, for example: "
    "“How many days of annual leave do I get?” English and Chinese both work.",
)
_AGAIN = ("还有问题，请随时提问。", "還有問題，請隨時提問。", "Ask again whenever you have a question.")
_MARKS = re.compile(r"[\[\]<>`*|\\#\s]+")
_ADDRESS = re.compile(r"://|www\.", re.IGNORECASE)


def introduction(kind: Kind, question: str, language: AnswerLanguage, holdings: Holdings | None, company: str) -> str:
    """Returns the reply to small talk in Markdown: what the assistant is, and what the asker may search.

    Without `holdings` it does not say what there is. `question` decides whether Chinese is written in traditional
    characters.
    """
    form = _ENGLISH if language == "en" else _TRADITIONAL if _is_traditional(question) else _SIMPLIFIED
    between = " " if form == _ENGLISH else ""
    said = [_OPENINGS[kind][form]] if kind in _OPENINGS else []
    said.append(_WHO[form].format(company=company or _COMPANY[form]))
    if holdings is None or kind in _SHORT:
        said += [_counted(holdings, form) + _FULL_STOP[form]] if holdings is not None else []
        said.append(_AGAIN[form] if kind in _SHORT else _ADVICE[form])
        return between.join(said)
    titles = _shown(holdings.titles, _ALL_TITLES if kind == "documents" else _TITLES)
    end = _FULL_STOP if not titles else _THESE if len(titles) == holdings.documents else _SUCH_AS
    said.append(_counted(holdings, form) + end[form])
    listed = ["\n".join(f"- {title}" for title in titles)] if titles else []
    return "\n\n".join([between.join(said), *listed, _ADVICE[form]])


def _counted(holdings: Holdings, form: int) -> str:
    if not holdings.documents:
        return _NOTHING[form]
    sources, documents = str(len(holdings.sources)), str(holdings.documents)
    if form == _ENGLISH:
        sources += " source" if sources == "1" else " sources"
        documents += " document" if documents == "1" else " documents"
    names = [_MARKS.sub(" ", name) for name in holdings.sources[:_SOURCES]]
    more = ["…"] if len(holdings.sources) > _SOURCES else []
    joined = (", " if form == _ENGLISH else "、").join([*names, *more])
    return _COUNTED[form].format(sources=sources, names=joined, documents=documents)


def _shown(titles: Sequence[str], most: int) -> list[str]:
    """Returns at most so many titles in one line each, without marks of Markdown.

    A title with an address is left out, because some programs make a link of it.
    """
    plain = (" ".join(_MARKS.sub(" ", title).split()) for title in titles if not _ADDRESS.search(title))
    short = (title if len(title) <= _TITLE_CHARS else f"{title[:_TITLE_CHARS]}…" for title in plain if title)
    return list(dict.fromkeys(short))[:most]


def _is_traditional(text: str) -> bool:
    return fold(text) != unicodedata.normalize("NFKC", text)
