"""The notices that every face shows, in the language of the question: that an answer or a source could not be checked,
or that the answer is in another language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from api.answers.nearest import QUOTED_HEADING
from assistant.events import Change
from ingest.document import Language

_UNGROUNDED = (
    "这个回答没有能核实的出处，请谨慎使用。",
    "No source of this answer could be verified. Use it with care.",
)
_STRAYED = (
    "模型没有用提问的语言回答。",
    "The model did not answer in the language of the question.",
)
_NOT_CHECKABLE = (
    "{numbers} 未能与原文核对，请打开原文确认。",
    "{numbers} could not be checked against the source. Read it there before you rely on it.",
)
_UNSUPPORTED = (
    "有 {count} 处陈述在所引原文中找不到依据，未加编号。",
    "{count} statements have no support in the passages that were cited for them, and carry no mark.",
)
_ONE_UNSUPPORTED = (_UNSUPPORTED[0], "One statement has no support in the passage that was cited for it, and no mark.")
_LABEL = ("未核对", "not checked")
_SEARCHED = ("已按{words}搜索。", "Searched for {words}.")
_QUOTED = re.compile(rf"(?:\n\n> (?:[⚠ℹ] [^\n]*+|(?:{QUOTED_HEADING})(?:\n>[^\n]*+)*+))++\Z")


def notice(
    language: Language,
    *,
    grounded: bool,
    refused: bool,
    small_talk: bool,
    not_checkable: Collection[int],
    unsupported: int = 0,
    strayed: bool = False,
) -> str:
    """Returns a few sentences about an answer. It is empty if nothing is wrong, or if the answer needs no source.

    `not_checkable` are the numbers of the marks that could not be checked, and `unsupported` counts the statements
    whose marks were dropped. If no mark was checked, it says only that of them. `strayed` is True if the answer is in
    another language than `language`.
    """
    if refused or small_talk:
        return ""
    said = [_in(language, _STRAYED)] if strayed else []
    if not grounded:
        said.append(_in(language, _UNGROUNDED))
    elif not_checkable:
        numbers = " ".join(f"[{number}]" for number in sorted(set(not_checkable)))
        said.append(_in(language, _NOT_CHECKABLE).format(numbers=numbers))
    if grounded and unsupported:
        said.append(_in(language, _ONE_UNSUPPORTED if unsupported == 1 else _UNSUPPORTED).format(count=unsupported))
    return ("" if language in ("zh", "mixed") else " ").join(said)


def not_checked(language: Language) -> str:
    """Returns the label of a source that could not be checked."""
    return _in(language, _LABEL)


def searched_for(language: Language, changed: Sequence[Change], shown: Callable[[str], str] = lambda text: text) -> str:
    """Returns one sentence about what was searched for in the place of what was typed. It is empty if nothing was
    changed. `shown` makes words harmless where the sentence goes.
    """
    if not changed:
        return ""
    words = [shown(change.searched) for change in changed]
    if language in ("zh", "mixed"):
        return _SEARCHED[0].format(words="".join(f"「{word}」" for word in words))
    return _SEARCHED[1].format(words=", ".join(f"“{word}”" for word in words))


def quoted(text: str, mark: str = "⚠") -> str:
    """Returns a notice as the last paragraph of an answer in Markdown. Returns an empty text for an empty notice."""
    return f"\n\n> {mark} {text}" if text else ""


def without_notice(answer: str) -> str:
    """Returns the answer without notices and nearest passages, for the following turns of the conversation."""
    return _QUOTED.sub("", answer)


def _in(language: Language, texts: tuple[str, str]) -> str:
    return texts[0 if language in ("zh", "mixed") else 1]
