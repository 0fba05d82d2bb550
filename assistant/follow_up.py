"""Follow-up: a question that leaves something out is completed from the turns before it, without a model.

    asked before                 asked now            searched
    满三年的员工年假有几天？     满五年呢？           满五年的员工年假有几天？     a part takes the place of its like
    hotel limit in Shanghai?     and in Berlin?       hotel limit in Berlin?
    离心机的保修期多长？         那转子呢？           离心机的保修期多长 转子      a part is added
    LX-24 是什么？               它的价格是多少？     LX-24 它的价格是多少？       the thing is added

A question that names its own thing is searched as it is, so that a new topic does not drag the old one along.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.conversation import Conversation
from assistant.follow_up_words import Word, is_acknowledgement, measures_of, plain, words_of
from assistant.pronouns import refers_back
from assistant.terms import is_han, terms

_TURNS = 8
_LONGEST_CHARS = 160
"""A longer question says enough by itself."""
_TOPIC_CHARS = 300
_ANSWER_CHARS = 400
_PART_WORDS = 4
"""With more words that name things, a part is a question of its own."""
_BARE_WORDS = 3
_ADDED_NAMES = 3

_Kind = Literal["part", "bare", "aspect", "pronoun"]
"""What a question leaves out. A part (那转子呢) leaves out what is asked, and so does a bare name, if it is no new
topic. An aspect (多少钱) leaves out of what, and a pronoun stands for it.
"""

_OPENING = re.compile(
    r"(?:那么|那|如果是?|要是|假如|换成|还有|以及|另外|我是说|我说的是|我指的是|[,，\s]"
    r"|(?:and|or|but|so|then|also|ok|okay|what about|how about|what if|i mean|i meant|same for)\b)*+"
)
_PREPOSITION = re.compile(r"(?:in|for|at|on|with|without|after|before|during|under|over|within|from|until|as)\b")
_OF_PREPOSITION = re.compile(rf"(?:{_PREPOSITION.pattern})\s++(?:(?:the|an?)\s++)?+")
_END_MARKS = " \t\r\n?？!！。."
_ASKS_ITSELF = re.compile(
    r"什么|怎么|怎样|如何|哪|多少|多[久长大高远]|几|为何|是否|谁|吗|啥|咋|能不能|可不可以|有没有|是不是|要不要|会不会"
    r"|\b(?:what|how|who|whom|whose|where|when|why|which|is|are|was|were|do|does|did|can|could|will|would|should|must"
    r"|has|have|had)\b"
)
_AGENTS = re.compile(r"[a-z]{2,30}(?:ers|ors|ees|ists|ants|ents)|interns|staff")
_TO_THE_ASSISTANT = re.compile(r"[你您]|\byour?\b")
_NAME_IN_ANSWER = re.compile(
    r"(?<=[\w,;：:（(、，] )[A-Z][\w'-]*+(?: [A-Z][\w'-]*+)*+|\b[A-Z]{1,6}-?\d[\w-]*+|《[^《》\n]{1,40}》"
)
_OF_PERSON = frozenset(("he", "him", "his", "she", "her", "hers", "他", "她"))
_CLAUSE_END = re.compile(r"[，,。.;；!！?？]")
_MARK = re.compile(r"\[\d{1,3}\]")


@dataclass(frozen=True, slots=True)
class _Topic:
    """What was asked last, in full. `base` is the same without the part that the last question added to it."""

    text: str = ""
    base: str = ""


def is_elliptical(question: str, conversation: Conversation) -> bool:
    """Returns True if the question leaves out what the turns before it have named."""
    topic, answer = _said(conversation)
    return _completed(question, topic, answer).text != question


def completed(question: str, conversation: Conversation) -> str:
    """Returns the query to search for: `question` itself, or the question with what it leaves out.

    That is taken from the question before it, which is completed in the same way if it leaves something out too. If
    that question has no name, a pronoun takes the names of the answer to it.
    """
    topic, answer = _said(conversation)
    return _completed(question, topic, answer).text


def _said(conversation: Conversation) -> tuple[_Topic, str]:
    """Returns the last question in full and the answer to it. Both are empty if nothing was asked."""
    topic, answer = _Topic(), ""
    for turn in conversation[-_TURNS:]:
        if turn.role == "assistant":
            answer = turn.text
        elif not is_acknowledgement(turn.text[:_TOPIC_CHARS]):
            topic, answer = _completed(turn.text[:_TOPIC_CHARS].strip(), topic, answer), ""
    return topic, answer


def _completed(question: str, topic: _Topic, answer: str) -> _Topic:
    alone = _Topic(question, question)
    kind = _kind(question) if topic.text else None
    if kind is None:
        return alone
    if kind in ("part", "bare"):
        part = _part(question)
        exchanged = _exchanged(part, topic.text)
        if exchanged is not None:
            return _Topic(exchanged, exchanged)
        if kind == "bare":
            return alone
        base = topic.base.rstrip(_END_MARKS)
        return _Topic(f"{base} {part}", base)
    added = _left_out(question, topic.text, answer, by_pronoun=kind == "pronoun")
    whole = f"{added} {question}" if added else question
    return _Topic(whole, whole)


def _kind(question: str) -> _Kind | None:
    """Returns what the question leaves out, or None if it stands alone."""
    if len(question) > _LONGEST_CHARS or is_acknowledgement(question):
        return None
    flat, words = plain(question), words_of(question)
    things = [word for word in words if word.role == "thing"]
    opening = _OPENING.match(flat)
    opened = opening.end() if opening else 0
    if not _ASKS_ITSELF.search(flat, opened) and (things or measures_of(question)) and len(things) <= _PART_WORDS:
        ends_as_part = flat.rstrip(_END_MARKS).endswith("呢")
        if flat[:opened].strip() or ends_as_part or not things or _PREPOSITION.match(flat):
            return "part"
        if len(words) <= _BARE_WORDS and all(word.is_name or word.is_code for word in words):
            return "bare"
    if refers_back(words, flat):
        return "pronoun"
    if things or not words:
        return None
    is_about_us = _TO_THE_ASSISTANT.search(flat) and all(word.role == "asks" for word in words)
    return None if is_about_us else "aspect"


def _part(question: str) -> str:
    """Returns a part without the words that only tie it to the question before."""
    opening = _OPENING.match(plain(question))
    part = question[opening.end() if opening else 0 :].rstrip(_END_MARKS)
    return part.removesuffix("呢").removesuffix("的话").removesuffix("的").strip()


def _left_out(question: str, topic: str, answer: str, *, by_pronoun: bool) -> str:
    """Returns the things that the topic names and the question does not.

    If the question names no aspect either (why?), the aspects of the topic are added too. A measure of the topic is
    left out if the question has one of its unit.
    """
    asked = words_of(question)
    present = {word.plain for word in asked}
    units = {measure.unit for measure in measures_of(question)}
    replaced = [measure for measure in measures_of(topic) if measure.unit in units]
    roles = {"thing", "measure"} if any(word.role == "aspect" for word in asked) else {"thing", "measure", "aspect"}
    kept = [
        word
        for word in words_of(topic)
        if word.role in roles
        and word.plain not in present
        and not any(measure.start <= word.start < measure.end for measure in replaced)
    ]
    added = _joined(kept)
    if by_pronoun and not any(word.is_name or word.is_code for word in kept):
        names = _names_in(answer, of_person=any(word.plain in _OF_PERSON for word in asked))
        added = " ".join([added, *[name for name in names if name not in topic][:_ADDED_NAMES]]).strip()
    return added


def _names_in(answer: str, *, of_person: bool) -> list[str]:
    """Returns the names that an answer begins with. A Chinese person's name is not told from other words, so these are
    the things that the first clause of the answer names.
    """
    said = _MARK.sub("", answer[:_ANSWER_CHARS])
    names = _NAME_IN_ANSWER.findall(said)
    if of_person and not names:
        lines = (line.strip(" -*•") for line in said.split("\n"))
        first = next((line for line in lines if line and not line.endswith((":", "："))), "")
        names = [_joined([word for word in words_of(_CLAUSE_END.split(first)[0]) if word.role == "thing"])]
    return list(dict.fromkeys(names))


def _joined(words: Sequence[Word]) -> str:
    """Returns words as one text. Chinese words that were neighbours stay together."""
    text, end = "", 0
    for word in words:
        text += word.text if not text or word.start == end else f" {word.text}"
        end = word.end
    return text


def _exchanged(part: str, topic: str) -> str | None:
    """Returns the topic with the part in the place of its like, or None if that is not plain.

    A figure is like a figure of the same unit, a code like a code, and a name like a name, if there is only one.
    Otherwise the last word decides: 病假 takes the place of 年假, and sick leave that of annual leave.
    """
    span = _place_of_measure(part, topic)
    words = [word for word in words_of(part) if word.role == "thing"]
    if span is None and words and not measures_of(part):
        theirs = words_of(topic)
        span = _place_of_name(words, theirs) or _place_of_head(words, theirs)
    if span is None:
        return None
    preposition = _OF_PREPOSITION.match(plain(part))
    bare = part[preposition.end() :] if preposition else part
    return f"{topic[: span[0]]}{bare}{topic[span[1] :]}"


def _place_of_measure(part: str, topic: str) -> tuple[int, int] | None:
    mine = measures_of(part)
    if len(mine) != 1 or any(word.role == "thing" for word in words_of(part)):
        return None
    alike = [measure for measure in measures_of(topic) if measure.unit == mine[0].unit]
    if len(alike) != 1:
        return None
    kept = len(alike[0].prefix) if not mine[0].prefix else 0
    return alike[0].start + kept, alike[0].end


def _place_of_name(words: Sequence[Word], topic: Sequence[Word]) -> tuple[int, int] | None:
    """Returns the place of the only code of the topic for a code, and that of its only name for a name."""
    if all(word.is_code for word in words):
        codes = [word for word in topic if word.is_code]
        return (codes[0].start, codes[0].end) if len(codes) == len(words) == 1 else None
    if not all(word.is_name for word in words):
        return None
    runs: list[tuple[int, int]] = []
    for word in topic:
        # The first word of an English question is capitalised, whatever it is.
        if not word.is_name or (word.start == 0 and not is_han(word.plain)):
            continue
        joins = runs and runs[-1][1] + 1 == word.start and not is_han(word.plain)
        runs[-1:] = [(runs[-1][0], word.end)] if joins else [*runs[-1:], (word.start, word.end)]
    return runs[0] if len(runs) == 1 else None


def _place_of_head(words: Sequence[Word], topic: Sequence[Word]) -> tuple[int, int] | None:
    """Returns the place of the topic's phrase that ends with the same word. A single word takes the place of the
    only one that is like it.
    """
    alike = [
        at
        for at, word in enumerate(topic)
        if word.role == "thing" and (_is_like(word, words[0]) if len(words) == 1 else _same(word, words[-1]))
    ]
    if len(alike) != 1:
        return None
    first = last = alike[0]
    while last - first + 1 < len(words) and first and topic[first - 1].role == "thing":
        first -= 1
    return topic[first].start, topic[last].end


def _is_like(word: Word, other: Word) -> bool:
    """Returns True for 年假 and 病假, 产假 and 陪产假, and for people or machines of two kinds: employees, interns."""
    ours, theirs = word.plain, other.plain
    if ours == theirs:
        return False
    if not is_han(ours) or not is_han(theirs):
        return _AGENTS.fullmatch(ours) is not None and _AGENTS.fullmatch(theirs) is not None
    if len(ours) < 2:
        return False
    return theirs.endswith(ours) or ours.endswith(theirs) or (len(ours) == len(theirs) and ours[-1] == theirs[-1])


def _same(word: Word, other: Word) -> bool:
    return word.plain == other.plain or (not is_han(word.plain) and terms(word.plain) == terms(other.plain))
