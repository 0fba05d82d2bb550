"""Writes a conversation as Markdown, for people to keep: questions, answers, and the sources under each answer."""

from __future__ import annotations

from collections.abc import Iterator

from api.answers.notices import notice
from api.channels.markdown import harmless, literal
from api.http.conversation_bodies import ExchangeBody, KeptCitationBody, WholeConversationBody
from ingest.language import detect

_ENDINGS = {
    "answering": "⚠ 回答还在写。The answer was still being written.",
    "cut": "⚠ 回答达到长度上限，结尾被截断。The answer reached its limit, so its end is missing.",
    "stopped": "⚠ 回答被停止，没有写完。The answer was stopped before its end.",
    "left": "⚠ 提问者中途离开，回答没有写完。Its reader left before the end, and it was stopped.",
    "failed": "⚠ 回答没有完成。The answer failed",
}


_WITH_NOTICE = ("complete", "cut")
"""The states of an answer of which it is known whether its sources hold."""


def transcript(whole: WholeConversationBody) -> str:
    """Returns the conversation as Markdown. It fetches and links nothing: documents may have shaped its text."""
    blocks = [f"# {literal(whole.title) or whole.conversation_id}"]
    for exchange in whole.exchanges:
        blocks += _exchange(exchange)
    return "\n\n".join(blocks) + "\n"


def _exchange(exchange: ExchangeBody) -> Iterator[str]:
    yield f"## {exchange.number}. {exchange.asked_at}"
    yield "\n".join(f"> {literal(line)}" for line in exchange.question.splitlines())
    if exchange.answer:
        yield harmless(exchange.answer)
    if ending := _ENDINGS.get(exchange.state):
        yield f"> {ending}" + (f" (`{exchange.error}`)." if exchange.state == "failed" else "")
    if exchange.state in _WITH_NOTICE and (warning := _warning(exchange)):
        yield f"> ⚠ {warning}"
    if sources := _sources(exchange.citations):
        yield sources


def _warning(exchange: ExchangeBody) -> str:
    return notice(
        exchange.language or detect(exchange.question),
        grounded=exchange.grounded,
        refused=exchange.refused,
        small_talk=exchange.small_talk,
        not_checkable={each.number for each in exchange.citations if each.support == "not_checkable"},
        unsupported=len(exchange.unsupported),
        strayed=exchange.strayed,
    )


def _sources(citations: list[KeptCitationBody]) -> str:
    """Returns a line for each number with its document and place, and under it the quotes, each once."""
    lines: dict[str, None] = {}
    for citation in sorted(citations, key=lambda each: each.number):
        place = f", p. {citation.page}" if citation.page is not None else ""
        lines[f"- [{citation.number}] {literal(citation.title)}{place} ({literal(citation.uri)})"] = None
        if citation.quote:
            lines[f"    - [{citation.number}] “{literal(citation.quote)}”"] = None
    return "\n".join(lines)
