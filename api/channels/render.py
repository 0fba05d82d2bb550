"""Turns the events of an answer into one Markdown message: the text, and the numbered sources that it cites."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from api.answers.nearest import heading, snippet
from api.answers.notices import not_checked, notice, searched_for
from api.answers.places import passage_url, place
from api.channels.markdown import code_span, harmless, literal
from api.channels.texts import say
from assistant.events import Change, Event, Evidence, EvidenceFound, Failed, Finished, Nearest, Searched, TextDelta
from assistant.request import AnswerLanguage
from ingest.document import Chunk, Location


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message to send. `answer` is the assistant's own text. It is empty unless the answer is based on evidence."""

    markdown: str
    answer: str = ""


async def render(
    events: AsyncGenerator[Event, None],
    language: AnswerLanguage,
    layout: Callable[[str], str],
    public_url: str | None = None,
) -> Rendered:
    """Wait for the end of the answer and return the message. With `public_url`, sources link to the page there.

    `layout` lays the assistant's text out as the channel shows it, after it was made harmless.
    If the model failed, the text and the evidence so far are kept, and the message says that it failed.
    """
    changed: Sequence[Change] = ()
    evidence: Sequence[Evidence] = ()
    deltas: list[str] = []
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Searched):
                changed = event.changed
            elif isinstance(event, EvidenceFound):
                evidence = event.evidence
            elif isinstance(event, TextDelta):
                deltas.append(event.text)
            elif isinstance(event, Finished):
                return _finished(event, changed, language, layout, public_url)
            elif isinstance(event, Failed):
                return _failed(event.code, layout(harmless("".join(deltas))), evidence, language, public_url)
    return _failed("answer_cut", layout(harmless("".join(deltas))), evidence, language, public_url)


def _finished(
    event: Finished,
    changed: Sequence[Change],
    language: AnswerLanguage,
    layout: Callable[[str], str],
    public_url: str | None,
) -> Rendered:
    if any(change.kind == "pinyin" for change in changed):
        language = "zh"  # before it is read, pinyin looks English
    cited = {citation.number: citation.evidence for citation in event.citations}
    cut = [say("cut", language)] if event.cut else []
    unchecked = {citation.number for citation in event.citations if citation.support == "not_checkable"}
    warning = notice(
        language,
        grounded=event.grounded,
        refused=event.refused,
        small_talk=event.small_talk,
        not_checkable=unchecked,
        unsupported=len(event.unsupported),
        strayed=event.strayed,
    )
    searched = searched_for(language, changed, literal)
    blocks = [
        *([searched] if searched else []),
        layout(harmless(event.answer)),
        *cut,
        *([f"⚠ {warning}"] if warning else []),
        *_sources("sources", list(cited.values()), language, public_url, unchecked),
        *_nearest(event.nearest, language, public_url),
    ]
    return Rendered("\n\n".join(blocks), "" if event.refused or event.small_talk else event.answer)


def _failed(
    code: str, said: str, evidence: Sequence[Evidence], language: AnswerLanguage, public_url: str | None
) -> Rendered:
    text = say("model_failed", language, code=code_span(code))
    beginning = [said] if said.strip() else []
    return Rendered("\n\n".join([*beginning, text, *_sources("found", evidence, language, public_url)]))


def _sources(
    heading: str,
    evidence: Sequence[Evidence],
    language: AnswerLanguage,
    public_url: str | None,
    unchecked: Collection[int] = (),
) -> list[str]:
    if not evidence:
        return []
    lines = [
        f"- [{item.number}] {_source(item.hit.chunk, item.hit.chunk.location, language, public_url)}"
        + (f" · {not_checked(language)}" if item.number in unchecked else "")
        for item in sorted(evidence, key=lambda e: e.number)
    ]
    return [f"**{say(heading, language)}**", "\n".join(lines)]


def _nearest(nearest: Sequence[Nearest], language: AnswerLanguage, public_url: str | None) -> list[str]:
    """Returns the passages nearest to a refused question. They have no numbers, because nothing cites them."""
    if not nearest:
        return []
    lines = []
    for near in nearest:
        chunk = near.evidence.hit.chunk
        source = _source(chunk, near.location, language, public_url)
        lines.append(f"- {source} — {literal(snippet(near.quote or chunk.text))}")
    return [f"**{heading(language)}**", "\n".join(lines)]


def _source(chunk: Chunk, location: Location, language: AnswerLanguage, public_url: str | None) -> str:
    """Returns title, section and place, such as `员工手册 · 年假 › 天数 · 第 3 页`.

    With a page there is a link to the passage.
    """
    title = chunk.title or chunk.uri.rsplit("/", 1)[-1]
    section = " › ".join(part for part in location.heading_path if part != title)
    words = " · ".join(literal(part) for part in (title, section, place(location, language)) if part)
    return f"[{words}]({passage_url(public_url, chunk)})" if public_url else words
