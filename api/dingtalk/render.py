"""The events of an answer as one Markdown message: the text, and the numbered sources it cites."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from api.dingtalk.markdown import harmless, literal, spaced
from api.dingtalk.texts import say
from api.notices import not_checked, notice
from api.places import place
from assistant.events import Event, Evidence, EvidenceFound, Failed, Finished, TextDelta
from assistant.prompts import AnswerLanguage


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message to send. `answer` is the assistant's own text, empty unless it answered from evidence."""

    markdown: str
    answer: str = ""


async def render(events: AsyncGenerator[Event, None], language: AnswerLanguage) -> Rendered:
    """Wait for the answer to end and write it down.

    Where the model failed, what it said and what was found before is kept, and the failure is said.
    """
    evidence: Sequence[Evidence] = ()
    deltas: list[str] = []
    async with aclosing(events):
        async for event in events:
            if isinstance(event, EvidenceFound):
                evidence = event.evidence
            elif isinstance(event, TextDelta):
                deltas.append(event.text)
            elif isinstance(event, Finished):
                return _finished(event, language)
            elif isinstance(event, Failed):
                return _failed(event.code, "".join(deltas), evidence, language)
    return _failed("answer_cut", "".join(deltas), evidence, language)


def _finished(event: Finished, language: AnswerLanguage) -> Rendered:
    cited = {citation.number: citation.evidence for citation in event.citations}
    cut = [say("cut", language)] if event.cut else []
    unchecked = {citation.number for citation in event.citations if citation.support == "not_checkable"}
    warning = notice(language, grounded=event.grounded, refused=event.refused, not_checkable=unchecked)
    blocks = [
        spaced(harmless(event.answer)),
        *cut,
        *([f"⚠ {warning}"] if warning else []),
        *_sources("sources", list(cited.values()), language, unchecked),
    ]
    return Rendered("\n\n".join(blocks), "" if event.refused else event.answer)


def _failed(code: str, said: str, evidence: Sequence[Evidence], language: AnswerLanguage) -> Rendered:
    text = say("model_failed", language, code=literal(code))
    beginning = [spaced(harmless(said))] if said.strip() else []
    return Rendered("\n\n".join([*beginning, text, *_sources("found", evidence, language)]))


def _sources(
    heading: str, evidence: Sequence[Evidence], language: AnswerLanguage, unchecked: Collection[int] = ()
) -> list[str]:
    if not evidence:
        return []
    lines = [
        f"- [{item.number}] {_source(item, language)}"
        + (f" · {not_checked(language)}" if item.number in unchecked else "")
        for item in sorted(evidence, key=lambda e: e.number)
    ]
    return [f"**{say(heading, language)}**", "\n".join(lines)]


def _source(evidence: Evidence, language: AnswerLanguage) -> str:
    """Title and place, as `员工手册 · 第 3 页`."""
    chunk = evidence.hit.chunk
    title = chunk.title or chunk.uri.rsplit("/", 1)[-1]
    return " · ".join(literal(part) for part in (title, place(chunk.location, language)) if part)
