"""Decides which language a question is answered in, and in which script Chinese is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.conversation import Conversation
from assistant.request import AnswerLanguage, Locale, language_of
from ingest.language import detect, script

_CHINESE_SENTENCE = re.compile(
    r"[的了吗嗎呢是在有把被和给給]|什么|什麼|怎么|怎麼|如何|哪|多[少久长長大]|几|幾|请|請|需要|可以|能否|是否|为何|為何|谁|誰|"
    r"不|用|要|会|會|这|這|那"
)
_CHINESE_QUESTION = re.compile(
    r"什么|什麼|怎么|怎麼|如何|哪|多[少久长長大]|[几幾][个個天次年月点點]|[吗嗎呢]|能否|是否|为何|為何|谁|誰|请|請"
)
_ENGLISH_SENTENCE = re.compile(
    r"\b(?:a|an|the|is|are|was|were|do|does|did|can|could|may|must|should|will|would|how|what|which|who|whom|whose|"
    r"when|where|why|i|we|you|they|he|she|it|my|our|your|their|me|us|to|of|for|from|with|without|by|if|there|please)\b",
    re.IGNORECASE,
)
_FEW_WORDS = 2
"""An English sentence has at least so many of the words above."""
_ANSWER, _REPLY = "(?:来|來)?(?:回答|回复|回覆|作答|答)", r"\b(?:answer|reply|respond)\s+in\s+"
_ORDERS: tuple[tuple[re.Pattern[str], Locale], ...] = (
    (re.compile(rf"用英[文语語]{_ANSWER}|{_REPLY}English\b", re.IGNORECASE), "en"),
    (
        re.compile(rf"用(?:繁体|繁體)(?:中文|字)?{_ANSWER}|{_REPLY}Traditional\s+Chinese\b", re.IGNORECASE),
        "zh-Hant",
    ),
    (
        re.compile(
            rf"用(?:(?:简体|簡體)(?:中文|字)?|中文|汉语|漢語){_ANSWER}|{_REPLY}(?:Simplified\s+)?Chinese\b",
            re.IGNORECASE,
        ),
        "zh",
    ),
)
"""Orders in a question to answer in a language. No other text can give such an order."""
_QUOTED = re.compile(
    r"“[^”\n]{0,400}”|「[^」\n]{0,400}」|『[^』\n]{0,400}』|《[^》\n]{0,400}》|\"[^\"\n]{0,400}\"|`[^`\n]{0,400}`"
)
_CODE = re.compile(
    r"```.{0,4000}?(?:```|\Z)|<[^<>\n]{1,200}>|https?://[^\s，。；！？、（）]{1,500}|"
    r"[A-Za-z0-9_]{0,60}(?:[/\\._:=(){}\[\]$#@-][A-Za-z0-9_]{1,60}){1,40}\(?\)?",
    re.DOTALL,
)
"""Matches what is written alike in every language: blocks of code, tags, addresses, file names, calls, codes."""
_NUMBERED = re.compile(r"[A-Za-z]{0,20}\d[A-Za-z0-9]{0,40}")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:['’][A-Za-z]+)?")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_HAN_PER_WORD = 1.5
_NAMES = 3
"""More words in capitals than this are a sentence."""


def answer_language(question: str, conversation: Conversation = (), page: Locale | None = None) -> AnswerLanguage:
    """Returns the language to answer in. See `answer_locale`."""
    return language_of(answer_locale(question, conversation, page))


def answer_locale(question: str, conversation: Conversation = (), page: Locale | None = None) -> Locale:
    """Returns the language to answer in, and for Chinese the script.

    It is the one that the question asks for, otherwise the question's own, otherwise that of the user's last turn that
    has one. A bare code has none: it follows the conversation, and then the page that it was typed on (`page`). The
    script is decided in the same order, because many questions use only characters that both scripts have.

    A mixed question is Chinese if any part of it forms a Chinese sentence. Its English words are then names. What is
    quoted, and code, do not count while there are other words.
    """
    asked = [question, *(turn.text for turn in reversed(conversation) if turn.role == "user")]
    for pattern, locale in _ORDERS:
        if pattern.search(question):
            return locale
    language = next(filter(None, map(_language, asked)), None) or (language_of(page) if page else None)
    if language is None:
        # A code alone. It was typed in Latin letters, so English is understood.
        language = "en"
    if language == "en":
        return "en"
    for text in asked:
        written = script(text) if _language(text) == "zh" else None
        if written is not None:
            return written
    return page if page in ("zh", "zh-Hant") else "zh"


def _language(text: str) -> AnswerLanguage | None:
    """Returns the language that a text is in, or None if it has no words of a language that is answered in."""
    for rest in _without_codes(text):
        language = detect(rest)
        if language == "zh":
            return "zh"
        if language == "mixed":
            return "zh" if _is_chinese(rest) else "en"
        if language == "en" and not _is_names(rest):
            return "en"
    return None


def _without_codes(text: str) -> Iterator[str]:
    """Yields the text without what is written alike in every language: first without quotations, too."""
    plain = _NUMBERED.sub(" ", _CODE.sub(" ", text))
    yield _NUMBERED.sub(" ", _CODE.sub(" ", _QUOTED.sub(" ", text)))
    yield plain


def _is_names(text: str) -> bool:
    """Returns True if there are only a few words, and capitals in all of them: abbreviations and names of products."""
    words = _LATIN.findall(text)
    return len(words) <= _NAMES and all(word[1:] != word[1:].lower() or len(word) == 1 for word in words)


def _is_chinese(text: str) -> bool:
    """Returns True if a mixed text is a Chinese question with English names, and not the other way round."""
    if _CHINESE_QUESTION.search(text):
        return True
    if len(_ENGLISH_SENTENCE.findall(text)) >= _FEW_WORDS:
        return False
    if _CHINESE_SENTENCE.search(text):
        return True
    common = [word for word in _LATIN.findall(text) if word.islower()]
    return len(common) < len(_HAN.findall(text)) / _HAN_PER_WORD
