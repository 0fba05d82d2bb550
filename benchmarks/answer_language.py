"""In which language answers are shown, over models that obey, ignore what they are told, or ramble first.

The questions are of all kinds: in one language, mixed, with quotations, short, bare codes, code. The models are
scripted, so what they say is known; the rest is real: the decision about the language, the prompt, and the judgement.
Prints one JSON object: for each model, of how many answers the language was right as the model first said it, and as it
was shown; how many of the wrong ones were marked; requests for each answer; and how many characters were held back.

    python -m benchmarks.answer_language
"""

from __future__ import annotations

import asyncio
import json
import statistics
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

from assistant.adherence import Adherence
from assistant.conversation import Conversation, Turn
from assistant.prompts.answer_language import answer_locale
from assistant.prompts.messages import answer_messages
from assistant.request import Locale, Piece, Request

_EARLIER: dict[Locale, Conversation] = {
    "zh": (Turn("user", "年假有几天？"), Turn("assistant", "十天。")),
    "zh-Hant": (Turn("user", "年假有幾天？"), Turn("assistant", "十天。")),
    "en": (Turn("user", "How long is annual leave?"), Turn("assistant", "Ten days.")),
}
_OWN: dict[Locale, tuple[str, ...]] = {
    "zh": (
        "年假有几天？",
        "报销",
        "Wi-Fi 密码",
        "VPN token 丢了怎么办",
        "python 环境",
        "“Ten days of annual leave” 是什么意思？",
        "《Employee Handbook》第三章",
        "SSO 和 MFA 的区别",
        "https://intra.example/how/to/apply 打不开",
        "```\nprint('how are you')\n``` 报什么错？",
        "Answer in Chinese: how many days of leave?",
    ),
    "zh-Hant": ("年假有幾天？", "報銷", "VPN 連不上怎麼辦", "「sick leave」是什麼意思？"),
    "en": (
        "How many days of leave?",
        "leave?",
        "What does 年假 mean?",
        "annual leave 年假",
        "What does “请病假要提前几天” say?",
        "How do I book a 企业微信会议?",
        "年假有几天？用英文回答",
        "print(x) in report.py fails, why?",
        "HOW MANY DAYS OF LEAVE",
    ),
}
_CODES = ("QX-17", "E0042?", "VPN", "report_2025.xlsx")
_SAID: dict[Locale, str] = {
    "zh": "每位员工每年享有十天带薪年休假，须提前三个工作日申请，由主管在系统里批准后生效，不能折算成工资。[1]",
    "zh-Hant": "每位員工每年享有十天帶薪年休假，須提前三個工作日申請，由主管在系統裡批准後生效，不能折算成工資。[1]",
    "en": "Every employee has ten days of annual leave in a year, to be requested three working days ahead.[1]",
}
_TOLD: dict[str, Locale] = {
    "用简体中文回答": "zh",
    "用繁體中文回答": "zh-Hant",
    "Answer in English": "en",
    "answer in English": "en",
}
_PREAMBLE = "Sure! Let me look at the documents that you have given me and find out what they say about that. "
_PIECE_CHARS = 3


def _told(request: Request) -> Locale:
    """The language that the last lines of the prompt ask for."""
    return next(locale for order, locale in _TOLD.items() if order in request.messages[-1].text[-160:])


def _is_second(request: Request) -> bool:
    return any(word in request.messages[-1].text[-160:] for word in ("上一次", "Your last answer"))


Says = Callable[[Request], str]
MODELS: dict[str, Says] = {
    "obeys": lambda request: _SAID[_told(request)],
    "answers in Chinese until it is told again": lambda request: _SAID[_told(request) if _is_second(request) else "zh"],
    "answers in English until it is told again": lambda request: _SAID[_told(request) if _is_second(request) else "en"],
    "always answers in simplified Chinese": lambda request: _SAID["zh"],
    "always answers in English": lambda request: _SAID["en"],
    "says “Sure!” and obeys": lambda request: f"Sure! {_SAID[_told(request)]}",
    "rambles in English first until it is told again": lambda request: (
        ("" if _is_second(request) else _PREAMBLE) + _SAID[_told(request)]
    ),
}


@dataclass
class Scripted:
    """A chat model that says what its script says, and counts."""

    says: Says
    model: str = "scripted"
    follows_instructions: bool = True
    said: list[str] = field(default_factory=list)
    chars: int = 0

    async def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        self.said.append(text := self.says(request))
        self.chars = 0
        for start in range(0, len(text), _PIECE_CHARS):
            self.chars += _PIECE_CHARS
            yield Piece(text[start : start + _PIECE_CHARS])


def _cases() -> list[tuple[str, Conversation, Locale | None, Locale]]:
    """Question, earlier turns, the page's language, and the language that is right."""
    cases: list[tuple[str, Conversation, Locale | None, Locale]] = [
        (text, (), None, right) for right, texts in _OWN.items() for text in texts
    ]
    for code in _CODES:
        for right, turns in _EARLIER.items():
            cases += [(code, turns, None, right), (code, (), right, right)]
    return cases


def _is_right(text: str, right: Locale) -> bool:
    """Whether a scripted answer begins in the right language, a word of politeness apart."""
    text = text.removeprefix(_PREAMBLE) if right == "en" else text
    return text.removeprefix("Sure! ").startswith(_SAID[right])


async def _measured(says: Says) -> dict[str, Any]:
    first = shown = wrong = marked = requests = 0
    held: list[int] = []
    cases = _cases()
    for question, turns, page, right in cases:
        locale = answer_locale(question, turns, page)
        model: Any = Scripted(says)
        adherence = Adherence(model, locale)
        text, waited = "", 0
        async for piece in adherence.stream(Request(answer_messages(question, locale, (), turns))):
            waited = waited or model.chars
            text += piece.text
        held.append(waited)
        requests += len(model.said)
        first += _is_right(model.said[0], right)
        shown += _is_right(text, right)
        wrong += not _is_right(text, right)
        marked += adherence.strayed
    return {
        "answers": len(cases),
        "right_at_first": first,
        "right_when_shown": shown,
        "wrong_when_shown": wrong,
        "marked_as_wrong": marked,
        "requests_an_answer": round(requests / len(cases), 2),
        "held_chars_median": statistics.median(held),
        "held_chars_most": max(held),
    }


async def _all() -> dict[str, Any]:
    return {name: await _measured(says) for name, says in MODELS.items()}


def main() -> None:
    print(json.dumps(asyncio.run(_all()), ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
