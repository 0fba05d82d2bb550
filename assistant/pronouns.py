"""Pronouns: whether a question speaks of something that it does not name itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.follow_up_words import Word
from assistant.terms import is_han

_HAN_WORDS = """
它 它们 他 他们 她 她们 其 此 这 这个 这些 这种 这款 这项 这件 这台 那个 那些 那种 那款 那项 那件 那台 上述 前者
后者 那里 那儿
"""
_HAN = frozenset(_HAN_WORDS.split())
_HAN_OURS = frozenset(
    ("月", "周", "年", "次", "季度", "季", "星期", "礼拜", "公司", "时候", "时", "里", "边", "家", "学期")
)
"""After one of these, 这个 names the time or the place of the asker: 这个月, 这家公司."""
_HAN_OFFICIAL = frozenset(
    (
        "产品",
        "设备",
        "型号",
        "政策",
        "制度",
        "规定",
        "员工",
        "项目",
        "系统",
        "流程",
        "标准",
        "文件",
        "合同",
        "条款",
        "功能",
        "部门",
        "机器",
        "费用",
    )
)
"""Before one of these, 该 means this. Elsewhere it means should."""

_PERSONAL = frozenset(("it", "they", "them", "he", "him", "she", "hers", "theirs", "those", "these"))
_POSSESSIVE = frozenset(("its", "their", "his", "her"))
_PLURAL = frozenset(("they", "them", "their"))
_POINTING = frozenset(("this", "that", "these", "those"))
_OURS = frozenset(
    (
        "year",
        "month",
        "week",
        "quarter",
        "morning",
        "afternoon",
        "evening",
        "time",
        "company",
        "office",
        "weekend",
        "season",
    )
)
_BEFORE_THAT_WORDS = """
is was does did do of for about with by to from in on after before and but so all than mean why how will would
can
"""
_BEFORE_THAT = frozenset(_BEFORE_THAT_WORDS.split())
_AFTER_EMPTY_IT = frozenset(
    (
        "possible",
        "necessary",
        "allowed",
        "okay",
        "ok",
        "required",
        "safe",
        "legal",
        "normal",
        "better",
        "important",
        "useful",
        "worth",
        "take",
        "takes",
        "cost",
        "costs",
        "make",
        "matter",
    )
)
_BE = frozenset(("is", "was", "be", "it's"))
_TELLS_IT = re.compile(r"\b(?:to|that|if)\s+\w")
_CLAUSE = re.compile(r"[,，;；。:：!?？！]|\.\s|\s--?\s")
_NEW_CLAUSE = frozenset(
    ("if", "when", "after", "before", "once", "while", "because", "and", "or", "but", "which", "who", "whose", "where")
)
_OWN_CHARS = 2
"""So many Chinese characters before a pronoun name a thing that it may stand for."""
_ENOUGH_THINGS = 7
"""A question that names so many things is found by them, whatever its pronouns mean."""


def refers_back(words: Sequence[Word], flat: str) -> bool:
    """Returns True if one of the words is a pronoun for something outside of the question.

    `flat` is the question in the form of `follow_up_words.plain`.
    """
    if sum(word.role == "thing" for word in words) >= _ENOUGH_THINGS:
        return False
    return any(_is_pronoun(words, at, flat) and not _is_named_before(words, at, flat) for at in range(len(words)))


def _is_pronoun(words: Sequence[Word], at: int, flat: str) -> bool:
    word = words[at].plain
    following = words[at + 1].plain if at + 1 < len(words) else ""
    before = words[at - 1].plain if at else ""
    if is_han(word):
        official = word == "该" and following in _HAN_OFFICIAL
        return official or (word in _HAN and following not in _HAN_OURS and not _is_inside_name(words, at))
    if (words[at].text.isupper() and len(word) > 1) or before == "got":  # the department IT, and a mere "got it"
        return False
    if word == "it" and _is_empty(words, at, flat):
        return False
    if word in _POINTING and following in _OURS:
        return False
    if word == "that":
        return not at or not following or before in _BEFORE_THAT
    if word in ("one", "ones", "there"):
        return not following and before not in ("no", "any", "out")
    return word in _PERSONAL or word in _POSSESSIVE or word == "this"


def _is_named_before(words: Sequence[Word], at: int, flat: str) -> bool:
    """Returns True if the question itself names, before the pronoun, what the pronoun may stand for."""
    pronoun = words[at]
    things = [word for word in words[:at] if word.role == "thing"]
    if not things:
        return False
    if _CLAUSE.search(flat, things[0].end, pronoun.start):
        return True
    if is_han(pronoun.plain) and pronoun.plain[0] in "这那此该":
        return words[at - 1].role == "thing"
    if is_han(pronoun.plain):
        return sum(len(thing.plain) for thing in things) >= _OWN_CHARS
    if any(word.plain in _NEW_CLAUSE for word in words[1:at]) or words[0].plain in ("if", "when", "after", "before"):
        return True
    is_plural = pronoun.plain in _PLURAL and any(thing.plain.endswith("s") for thing in things)
    return is_plural or pronoun.plain in _POSSESSIVE


def _is_empty(words: Sequence[Word], at: int, flat: str) -> bool:
    """Returns True if the word `it` at this place stands for nothing: how long does it take to get a laptop."""
    following = [word.plain for word in words[at + 1 : at + 4]]
    is_empty = following[:1] and following[0] in _AFTER_EMPTY_IT
    if not is_empty and not (following[:1] and following[0] in _BE and _AFTER_EMPTY_IT.intersection(following)):
        return False
    told = any(word.role == "thing" for word in words[at + 2 :])
    return told and _TELLS_IT.search(flat, words[at].end) is not None


def _is_inside_name(words: Sequence[Word], at: int) -> bool:
    """Returns True between single characters that mean nothing together: 他 in the name 巴吞他尼."""
    around = [words[near] for near in (at - 1, at + 1) if 0 <= near < len(words)]
    return len(around) == 2 and all(word.role == "thing" and len(word.plain) == 1 for word in around)
