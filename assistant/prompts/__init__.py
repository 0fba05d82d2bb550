"""The prompts for the chat model, in Chinese and in English. Their texts are the `.txt` files in this folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template

from assistant.conversation import Conversation
from assistant.events import Evidence
from assistant.prompts.fences import neutralise
from assistant.request import AnswerLanguage, Message
from ingest.language import detect

REFUSALS: dict[AnswerLanguage, str] = {
    "zh": "在您可以查看的文档中，没有找到能够回答这个问题的内容。",
    "en": "The documents you may read do not contain an answer to this question.",
}
"""The exact words of the answer if the evidence is missing. We use them, and the model does if it follows its rules."""

_COMPANY: dict[AnswerLanguage, str] = {"zh": "公司", "en": "the company"}
_TITLE: dict[AnswerLanguage, str] = {"zh": "标题：", "en": "Title: "}

_CHINESE_SENTENCE = re.compile(
    r"[的了吗呢是在有把被和给]|什么|怎么|如何|哪|多[少久长大]|几|请|需要|可以|能否|是否|为何|谁|不|用|要|会|这|那"
)


def answer_language(question: str, conversation: Conversation = ()) -> AnswerLanguage:
    """Returns the language to answer in. It is the language of the question, or of the user's last turn that has one.

    A mixed question is Chinese if any part of it forms a Chinese sentence. Its English words are then names.
    """
    asked = [question, *(turn.text for turn in reversed(conversation) if turn.role == "user")]
    for text in asked:
        language = detect(text)
        if language == "mixed":
            return "zh" if _CHINESE_SENTENCE.search(text) else "en"
        if language in ("zh", "en"):
            return language
    return "en"


def answer_messages(
    question: str,
    language: AnswerLanguage,
    evidence: Sequence[Evidence] = (),
    conversation: Conversation = (),
    company: str = "",
) -> tuple[Message, ...]:
    """Returns one system message with the rules, the earlier turns, and one user message with evidence and question.

    Without evidence and turns, it returns only the parts whose length is fixed.
    """
    rules = _template("system", language).substitute(
        company=neutralise(company) or _COMPANY[language], refusal=REFUSALS[language]
    )
    numbered = "\n\n".join(_numbered(item, language) for item in evidence)
    asked = _template("user", language).substitute(evidence=numbered, question=neutralise(question))
    turns = (Message(turn.role, neutralise(turn.text)) for turn in conversation)
    return (Message("system", rules), *turns, Message("user", asked))


def condense_messages(question: str, language: AnswerLanguage, conversation: Conversation) -> tuple[Message, ...]:
    """Returns messages that ask for the question in a form that can be understood without the turns before it."""
    speakers = {"zh": {"user": "用户", "assistant": "助手"}, "en": {"user": "User", "assistant": "Assistant"}}
    turns = "\n".join(
        f"{speakers[language][turn.role]}: {neutralise(' '.join(turn.text.split())[:500])}" for turn in conversation
    )
    rules = _template("condense", language).substitute()
    asked = _template("follow_up", language).substitute(turns=turns, question=neutralise(question))
    return (Message("system", rules), Message("user", asked))


def _numbered(item: Evidence, language: AnswerLanguage) -> str:
    chunk = item.hit.chunk
    return f"[{item.number}] {_TITLE[language]}{neutralise(chunk.heading)}\n{neutralise(chunk.text)}"


@cache
def _template(name: str, language: AnswerLanguage) -> Template:
    return Template(files(__name__).joinpath(f"{name}.{language}.txt").read_text(encoding="utf-8").strip())
