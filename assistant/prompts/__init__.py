"""What the chat model is told, in Chinese and in English; the texts themselves are the `.txt` files beside this."""

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
"""What is said, word for word, when the evidence is missing: by us, and by the model if it keeps to its rules."""

_COMPANY: dict[AnswerLanguage, str] = {"zh": "公司", "en": "the company"}
_TITLE: dict[AnswerLanguage, str] = {"zh": "标题：", "en": "Title: "}

_CHINESE_SENTENCE = re.compile(
    r"[的了吗呢是在有把被和给]|什么|怎么|如何|哪|多[少久长大]|几|请|需要|可以|能否|是否|为何|谁|不|用|要|会|这|那"
)


def answer_language(question: str, conversation: Conversation = ()) -> AnswerLanguage:
    """The language to answer in: that of the question, or of the last turn of the user's that has one.

    A mixed question is Chinese if anything in it builds a Chinese sentence: its English words are names.
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
    """One system message with the rules, the earlier turns, and one user message with evidence and question.

    Without evidence and turns, the parts whose length is fixed.
    """
    rules = _template("system", language).substitute(
        company=neutralise(company) or _COMPANY[language], refusal=REFUSALS[language]
    )
    numbered = "\n\n".join(_numbered(item, language) for item in evidence)
    asked = _template("user", language).substitute(evidence=numbered, question=neutralise(question))
    turns = (Message(turn.role, neutralise(turn.text)) for turn in conversation)
    return (Message("system", rules), *turns, Message("user", asked))


def condense_messages(question: str, language: AnswerLanguage, conversation: Conversation) -> tuple[Message, ...]:
    """Asks for the question in a form that can be understood without the turns before it."""
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
