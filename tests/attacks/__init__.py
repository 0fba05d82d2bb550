"""Attacks on the assistant, in Chinese and in English, and what must hold whatever they say.

Each line of `attacks.jsonl` is one attack. `place` says where the text stands: in a document (its text, title, file
name or heading), in the question, in an earlier turn, or in what the model answers. `gone` are strings that may not
reach the model server in the attack's place, or may not reach the reader if the model wrote them. `kept` are strings
that must still reach the reader. `citations` is how many citations an answer may keep, where that is known.

`check_messages` and `check_shown` hold for every attack. They are used by `tests/assistant/test_attacks.py`, on the
prompt alone, and by `tests/api/test_attacks.py`, on the whole way from the HTTP request to the model server and back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from markdown_it import MarkdownIt

from assistant.conversation import Conversation, Turn
from assistant.prompts.messages import answer_messages
from assistant.request import Locale
from ingest.document import Chunk
from tests.canned_retrieval import passage
from tests.tiny_qwen import ranks_file, tokenizer_of_qwen

Place = Literal["document", "title", "heading", "file name", "question", "earlier question", "earlier answer", "answer"]

_FENCES = {"zh": ("<资料>", "</资料>"), "zh-Hant": ("<資料>", "</資料>"), "en": ("<documents>", "</documents>")}
_STATEMENT = {
    "zh": "QX-17 的保修期为三十六个月。",
    "zh-Hant": "QX-17 的保固期為三十六個月。",
    "en": "The warranty of the QX-17 is 36 months.",
}
_QUESTION = {
    "zh": "QX-17 的保修期多久？",
    "zh-Hant": "QX-17 的保固期為多長時間？",
    "en": "How long is the warranty of the QX-17?",
}
_OTHER = {
    "zh": "QX-17 的保修卡在包装箱内。",
    "zh-Hant": "QX-17 的保固卡在包裝箱內。",
    "en": "The warranty card of the QX-17 is in the box.",
}

_OPENED = re.compile(r"[<＜〈]\s*/?\s*[|｜│┃]|[<＜]\s*/?\s*(?:think|tool_|function=|parameter=)", re.IGNORECASE)
"""Matches what a model could read as the beginning of a control token. `neutralise` breaks it behind the bracket."""
_NUMBER = re.compile(r"[\[［【]\s*\^?(?:资料|資料)?\s*\d+\s*[\]］】]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\u00ad\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_BARE_ADDRESS = re.compile(r"(?:(?:https?|ftp)://|www\.)(?=\S)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attack:
    """One line of the corpus."""

    id: str
    kind: str
    language: Locale
    place: Place
    text: str
    gone: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    citations: int | None = None

    @property
    def question(self) -> str:
        return self.text if self.place == "question" else _QUESTION[self.language]

    @property
    def turns(self) -> Conversation:
        """The turns before the question: the attack is one of them, or there are none."""
        if self.place == "earlier question":
            return (Turn("user", self.text), Turn("assistant", _STATEMENT[self.language]))
        if self.place == "earlier answer":
            return (Turn("user", _QUESTION[self.language]), Turn("assistant", self.text))
        return ()

    @property
    def answer(self) -> str:
        """What the model server says: the attack, or what a model says that keeps to the rules."""
        return self.text if self.place == "answer" else f"{_STATEMENT[self.language]}[1]"

    def chunks(self) -> tuple[Chunk, ...]:
        """The passages that are found. The attack is in the first of them, or in none."""
        text, title, uri = _STATEMENT[self.language], "QX-17", "qx-17.md"
        if self.place == "document":
            text = f"{text}\n{self.text}"
        first = passage(text, title=self.text if self.place == "title" else title)
        if self.place == "file name":
            # The title of a document without one is its file's name.
            first = passage(text, title=self.text.rpartition(".")[0], uri=self.text)
        elif self.place == "heading":
            first = replace(first, location=replace(first.location, heading_path=("QX-17", self.text)))
        else:
            first = replace(first, uri=uri)
        return first, passage(_OTHER[self.language], title="QX-17")


def attacks(*, answers: bool) -> list[Attack]:
    """The attacks in what the model answers, or all the others."""
    return [attack for attack in _all() if (attack.place == "answer") is answers]


@cache
def _all() -> tuple[Attack, ...]:
    lines = Path(__file__).with_name("attacks.jsonl").read_text(encoding="utf-8").splitlines()
    read = [json.loads(line) for line in lines]
    return tuple(
        Attack(**{name: tuple(value) if isinstance(value, list) else value for name, value in line.items()})
        for line in read
    )


def check_messages(attack: Attack, messages: Sequence[tuple[str, str]], evidence: int, *, language: str = "") -> None:
    """Holds what the model server is sent, as (role, text), to the rules that no attack may break."""
    language = language or attack.language
    roles = [role for role, _ in messages]
    assert roles[0] == "system"
    assert roles[1:] == ["user", "assistant"] * ((len(roles) - 2) // 2) + ["user"]
    assert messages[0][1] == answer_messages("", language)[0].text  # type: ignore[arg-type]
    *turns, (_, last) = messages[1:]
    opening, closing = _FENCES[language]
    assert (last.count(opening), last.count(closing)) == (1, 1)
    inside, _, asked = last.partition(closing)
    before, _, numbered = inside.partition(opening)
    assert before.strip() == ""
    assert [mark[0] for mark in _NUMBER.finditer(numbered)] == [f"[{number}]" for number in range(1, evidence + 1)]
    begins = re.findall(r"^\[(\d+)\] (?:标题|標題|Title)", numbered, re.MULTILINE)
    assert begins == [str(number) for number in range(1, evidence + 1)]
    assert not _NUMBER.search(asked.replace("[编号]", "").replace("[編號]", "").replace("[number]", ""))
    for _, text in turns:
        assert not _NUMBER.search(text)
        assert opening not in text
        assert closing not in text
    for _, text in messages[1:]:
        bare = text.replace(opening, "").replace(closing, "")
        assert not _OPENED.search(bare), ascii(bare)
        assert not _INVISIBLE.search(bare), ascii(bare)
        assert control_tokens_in(text) == []
        for string in attack.gone if attack.place != "answer" else ():
            assert string not in text, string


def control_tokens_in(text: str) -> list[str]:
    """The control tokens that Qwen's tokenizer reads in a text: the real one, or one trained here with its tokens."""
    tokenizer, control = _tokenizer()
    return [
        tokenizer.id_to_token(token)
        for token in tokenizer.encode(text, add_special_tokens=False).ids
        if token in control
    ]


@cache
def _tokenizer() -> tuple[Any, frozenset[int]]:
    tokenizer = tokenizer_of_qwen(real_vocabulary=ranks_file() is not None)
    return tokenizer, frozenset(tokenizer.get_added_tokens_decoder())


def check_shown(attack: Attack, shown: str, citations: int) -> None:
    """Holds an answer, as a reader is given it, to the rules that no attack may break.

    No document here has an address, so that no image and no link may be in it, nor an address that a reader's program
    would turn into a link.
    """
    rendered = MarkdownIt("commonmark", {"html": True}).render(shown)
    assert not re.search(r"<(?:img|a|iframe|svg|script|style|form|meta|picture|source|button)\b", rendered), rendered
    assert not _BARE_ADDRESS.search(re.sub(r"<code.*?</code>", "", rendered, flags=re.DOTALL)), rendered
    for string in attack.gone:
        if attack.place == "answer":
            assert string not in shown, shown
    for string in attack.kept:
        assert string in shown
    if attack.citations is not None:
        assert citations == attack.citations
