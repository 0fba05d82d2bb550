"""Decides which language a question is answered in."""

from __future__ import annotations

import re

from assistant.conversation import Conversation
from assistant.request import AnswerLanguage
from ingest.language import detect

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
