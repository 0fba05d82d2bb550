"""A running bot with an assistant that answers from a script, for the tests of the DingTalk bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.channels.inbox import messages
from api.channels.memory import KeptChats
from api.dingtalk.bot import DingTalkBot
from assistant.conversation import Conversation
from assistant.events import Citation, Event, Evidence, EvidenceFound, Failed, Finished, Searched, TextDelta
from assistant.history.recording import Recorder
from assistant.history.register import Register
from assistant.request import Locale
from assistant.settings import AssistantSettings
from ingest.access import Reader
from ingest.document import Chunk, Hit, Language, Location
from ingest.home.database import open_database
from ingest.settings import IngestSettings
from tests.fake_dingtalk import FakeDingTalk

ZH_QUESTION, ZH_ANSWER = "员工年假有几天？", "员工每年有 10 天年假。[1]"
EN_QUESTION, EN_ANSWER = "How many days of annual leave are there?", "There are 10 days of annual leave.[1]"


def evidence(number: int, title: str, *, language: Language = "zh", **location: Any) -> Evidence:
    """A numbered passage of a document called `title`."""
    chunk = Chunk(
        id=f"chunk-{number}",
        document_id=f"document-{number}",
        revision=1,
        position=0,
        source="local",
        uri=f"docs/{title}.pdf",
        title=title,
        language=language,
        text="…",
        location=Location(**location),
        access=("everyone",),
    )
    return Evidence(number, Hit(chunk, 1.0))


def grounded(answer: str, *sources: Evidence, language: Language = "zh") -> list[Event]:
    """The events of an answer that cites all its sources."""
    citations = tuple(Citation(source.number, source, "…", 0, 1) for source in sources)
    finished = Finished("a1", answer, citations, language, grounded=True, refused=False, model="scripted")
    return [Searched("a1", "q", language, len(sources)), EvidenceFound(sources), TextDelta(answer), finished]


def refused(answer: str, language: Language) -> list[Event]:
    """The events of a refusal."""
    finished = Finished("a1", answer, (), language, grounded=False, refused=True, model="scripted")
    return [Searched("a1", "q", language, 0), EvidenceFound(()), TextDelta(answer), finished]


def broken(code: str, *sources: Evidence) -> list[Event]:
    """The events of an answer whose model failed."""
    return [EvidenceFound(sources), Failed(code, "The model server is away.", "Start it.")]


class Scripted:
    """Answers by script: a question has its events, or an exception. `gate`, where set, holds every answer back."""

    def __init__(self, script: dict[str, list[Event] | Exception] | None = None) -> None:
        self.script: dict[str, list[Event] | Exception] = {
            ZH_QUESTION: grounded(ZH_ANSWER, evidence(1, "员工手册", page=3)),
            EN_QUESTION: grounded(EN_ANSWER, evidence(1, "Handbook", language="en", page=3), language="en"),
            **(script or {}),
        }
        self.asked: list[tuple[str, Conversation, Reader]] = []
        self.gate: asyncio.Event | None = None
        self.working = 0
        self.most_working = 0
        self.begun = asyncio.Event()

    async def answer(
        self, question: str, conversation: Conversation, reader: Reader, page: Locale | None = None
    ) -> AsyncGenerator[Event, None]:
        self.asked.append((question, conversation, reader))
        self.begun.set()
        self.working += 1
        self.most_working = max(self.most_working, self.working)
        try:
            if self.gate is not None:
                await self.gate.wait()
            events = self.script[question]
            if isinstance(events, Exception):
                raise events
            for event in events:
                yield event
        finally:
            self.working -= 1


@asynccontextmanager
async def running(
    ding: FakeDingTalk,
    assistant: Scripted,
    engine: sa.Engine,
    *,
    stream: bool = True,
    register: Register | None = None,
    **settings: Any,
) -> AsyncIterator[DingTalkBot]:
    """A bot, connected where `stream`, that is stopped in the end."""
    recorder = Recorder(register or Register(engine, AssistantSettings()), assistant, finish_when_left=False)
    kept = KeptChats(register, recorder) if register is not None else None
    bot = DingTalkBot(assistant, engine, ding.settings(**settings), kept)
    before = ding.connections
    connection = asyncio.create_task(bot.run_stream()) if stream else None
    try:
        if connection is not None:
            await ding.until(lambda: ding.connections > before)
        yield bot
    finally:
        if connection is not None:
            connection.cancel()
            with suppress(asyncio.CancelledError):
                await connection
        await bot.aclose()
        await recorder.aclose()


def database(home: Path) -> sa.Engine:
    """The migrated database of this home."""
    return open_database(IngestSettings(home=home))


def states(engine: sa.Engine) -> dict[str, str]:
    """The state of each message in the inbox, with its code where it failed."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(messages.c.msg_id, messages.c.state, messages.c.detail)).all()
    return {row.msg_id: f"{row.state} {row.detail}".strip() for row in rows}


async def happens(claim: Callable[[], object]) -> None:
    """Return when the claim holds; it is looked at fifty times a second, for ten seconds."""
    for _ in range(500):
        if claim():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def settled(engine: sa.Engine, message: dict[str, Any]) -> None:
    """Return when the message is done or failed."""
    await happens(lambda: states(engine).get(message["msgId"], "").startswith(("done", "failed")))
