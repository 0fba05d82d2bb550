"""Translates a question word by word with the dictionary, in the place of a chat model.

`WordByWord` answers the request of `assistant.second_search` as a model would that knows nothing but CC-CEDICT: each
word becomes its first gloss, or in the other direction a Chinese word that has it as a gloss. `Poor` takes the last
one, mixes words of another question in, and shuffles. `Stray` translates another question altogether. `Known` says what
somebody has written.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from functools import cache

from assistant.models import Described
from assistant.request import Message, Piece, Request
from assistant.terms import terms
from ingest.document import Language
from ingest.embedding.glosses import dictionary
from ingest.language import detect, fold

_PART = re.compile(r"[\u3400-\u9fff]+|[A-Za-z]+|\d[\w.,]*")
_ENDINGS = (("", ""), ("s", ""), ("es", ""), ("ies", "y"), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"))
_GLOSSES, _LONGEST = 3, 4


@cache
def _by_gloss() -> Mapping[str, Sequence[str]]:
    """Chinese words by their glosses: those whose first gloss it is come first, and of these the shorter ones."""
    found: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for word in filter(lambda each: len(each) <= _LONGEST, dictionary().entries[:-1]):
        for rank, gloss in enumerate(dictionary().glosses(word, _GLOSSES)):
            found[gloss.lower()].append((rank, len(word), word))
    return {gloss: [word for _, _, word in sorted(words)] for gloss, words in found.items()}


def _words(text: str) -> Iterator[str]:
    for part in _PART.findall(fold(text)):
        yield from dictionary().words(part) if part[0] >= "\u3400" else [part]


def _chinese(word: str) -> Sequence[str]:
    """Chinese words for an English one."""
    lower = word.lower()
    forms = [lower.removesuffix(end) + put for end, put in _ENDINGS if lower.endswith(end)]
    return next((words for form in forms if (words := _by_gloss().get(form))), [])


def _glosses(word: str) -> Sequence[str]:
    return dictionary().glosses(word) if word[0] >= "\u3400" else []


def translated(text: str, pick: int = 0) -> list[str]:
    """The words of a question in the other language. `pick` is which of several: 0 the first, -1 the last."""
    if is_chinese(text):
        return [found[pick] if (found := _glosses(word)) else word for word in _words(text) if _said(word)]
    content = [word for word in _words(text) if terms(word)]
    return [found[pick] if (found := _chinese(word)) else word for word in content]


def _said(word: str) -> bool:
    return word[0] < "\u3400" or bool(_glosses(word))


def reworded(text: str) -> str:
    """The question with words of the same gloss in the place of its own."""
    if is_chinese(text):
        return "".join(next(_alike(word), word) for word in _words(text))
    return " ".join(next(_alike(word), word) for word in _words(text))


def _alike(word: str) -> Iterator[str]:
    if word[0] >= "\u3400":
        for gloss in _glosses(word)[:2] if len(word) > 1 else ():
            yield from (each for each in _by_gloss().get(gloss.lower(), ()) if each != word and len(each) > 1)
    elif terms(word):
        for each in _chinese(word)[:1]:
            yield from (gloss for gloss in _glosses(each) if gloss.lower() != word.lower())


def is_chinese(text: str) -> bool:
    language: Language = detect(text)
    return language in ("zh", "mixed")


class WordByWord:
    """An `assistant.models.ChatModel`."""

    model = "dictionary"
    follows_instructions = True
    is_away = False

    def said(self, question: str) -> tuple[str, str]:
        """The question in the other language and in other words. An empty text is left out."""
        return _joined(question, translated(question)), reworded(question)

    async def described(self) -> Described:
        return Described()

    async def count_tokens(self, messages: Sequence[Message]) -> int | None:
        return None

    async def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        translation, rewording = self.said(request.question)
        labels = ("英文：", "换词：") if request.language == "zh" else ("Chinese: ", "Other words: ")
        yield Piece(f"{labels[0]}{translation}\n{labels[1]}{rewording}")

    async def aclose(self) -> None:
        """There is nothing to close."""


class Poor(WordByWord):
    """Every second word is of another question, and the others are taken in their last sense."""

    model = "poor"

    def __init__(self, questions: Sequence[str]) -> None:
        self._questions = questions

    def other(self, question: str) -> str:
        """Another question, of the same language, the same one each time."""
        alike = [each for each in self._questions if each != question and is_chinese(each) == is_chinese(question)]
        return random.Random(question).choice(alike)

    def said(self, question: str) -> tuple[str, str]:
        right, wrong = translated(question, -1), translated(self.other(question), -1)
        words = [wrong[at % len(wrong)] if at % 2 and wrong else word for at, word in enumerate(right)]
        random.Random(question).shuffle(words)
        return _joined(question, words), ""


class Stray(Poor):
    """Another question is translated and repeated."""

    model = "stray"

    def said(self, question: str) -> tuple[str, str]:
        other = self.other(question)
        return _joined(other, translated(other)), other


class Known(WordByWord):
    """Words that somebody has written for each question, as a good model would. Says nothing to other questions."""

    model = "good"

    def __init__(self, wordings: Mapping[str, tuple[str, str]]) -> None:
        self._wordings = wordings

    def said(self, question: str) -> tuple[str, str]:
        return self._wordings.get(question, ("", ""))


def _joined(question: str, words: Sequence[str]) -> str:
    return (" " if is_chinese(question) else "").join(words)
