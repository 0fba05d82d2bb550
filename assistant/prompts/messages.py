"""Makes the messages for the chat model from the templates: the `.txt` files in this folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template

from assistant.conversation import Conversation, Turn
from assistant.events import Evidence
from assistant.prompts.fences import neutralise
from assistant.prompts.refusals import REFUSALS
from assistant.request import AnswerLanguage, Locale, Message

_COMPANY: dict[Locale, str] = {"zh": "公司", "zh-Hant": "公司", "en": "the company"}
_QUESTION: dict[AnswerLanguage, str] = {"zh": "问题：", "en": "Question: "}
_TITLE: dict[Locale, str] = {"zh": "标题：", "zh-Hant": "標題：", "en": "Title: "}


def answer_messages(
    question: str,
    locale: Locale,
    evidence: Sequence[Evidence] = (),
    conversation: Conversation = (),
    company: str = "",
) -> tuple[Message, ...]:
    """Returns one system message with the rules, the earlier turns, and one user message with evidence and question.

    Without evidence and turns, it returns only the parts whose length is fixed.
    """
    rules = _template("system", locale).substitute(
        company=neutralise(company) or _COMPANY[locale], refusal=REFUSALS[locale]
    )
    numbered = "\n\n".join(_numbered(item, locale) for item in evidence)
    turns = _alternating((*conversation, Turn("user", question)))
    earlier = (Message(turn.role, neutralise(turn.text)) for turn in turns[:-1])
    asked = _template("user", locale).substitute(evidence=numbered, question=neutralise(turns[-1].text))
    return (Message("system", rules), *earlier, Message("user", asked))


def insisting(messages: tuple[Message, ...], locale: Locale) -> tuple[Message, ...]:
    """Returns the messages with a stronger order at their end to answer in this language. All before it stays."""
    *before, last = messages
    return (*before, Message(last.role, f"{last.text}\n{_template('again', locale).substitute()}"))


def condense_messages(question: str, language: AnswerLanguage, conversation: Conversation) -> tuple[Message, ...]:
    """Returns messages that ask for the question in a form that can be understood without the turns before it."""
    speakers = {"zh": {"user": "用户", "assistant": "助手"}, "en": {"user": "User", "assistant": "Assistant"}}
    turns = "\n".join(
        f"{speakers[language][turn.role]}: {neutralise(' '.join(turn.text.split())[:500])}" for turn in conversation
    )
    rules = _template("condense", language).substitute()
    asked = _template("follow_up", language).substitute(turns=turns, question=neutralise(question))
    return (Message("system", rules), Message("user", asked))


def second_search_messages(query: str, language: AnswerLanguage) -> tuple[Message, ...]:
    """Returns messages that ask for a query in the other language and in other words, each on a line with its label.

    `language` is that of the query.
    """
    rules = _template("second_search", language).substitute()
    # A question of several lines could pass for the lines that are asked for.
    return (Message("system", rules), Message("user", f"{_QUESTION[language]}{neutralise(' '.join(query.split()))}"))


def _alternating(turns: Conversation) -> Conversation:
    """Returns the turns with the asker's and the assistant's in alternation, the asker's first.

    Many chat templates refuse anything else. Turns of one side that follow each other become one, so a question that
    got no answer stays before the next one.
    """
    joined: list[Turn] = []
    for turn in turns:
        if joined and joined[-1].role == turn.role:
            joined[-1] = Turn(turn.role, f"{joined[-1].text}\n\n{turn.text}")
        elif joined or turn.role == "user":
            joined.append(turn)
    return tuple(joined)


def _numbered(item: Evidence, locale: Locale) -> str:
    chunk = item.hit.chunk
    # A heading of several lines could pass for the end of its evidence and the beginning of another.
    heading = neutralise(" ".join(chunk.heading.split()))
    return f"[{item.number}] {_TITLE[locale]}{heading}\n{neutralise(chunk.text)}"


@cache
def _template(name: str, locale: Locale) -> Template:
    return Template(files(__package__).joinpath(f"{name}.{locale}.txt").read_text(encoding="utf-8").strip())
