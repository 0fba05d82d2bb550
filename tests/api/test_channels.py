"""The smallest channel there can be, on nothing but what `api/channels` has: what it gets for nothing holds in every
channel."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.channels.access import reader_of
from api.channels.bot import Bot
from api.channels.channel import Begin, Channel, DeliveryError
from api.channels.inbox import Inbox, messages
from api.channels.message import Message, restored
from api.channels.settings import BotSettings
from assistant.conversation import Conversation, Turn
from assistant.events import Event, Finished
from assistant.request import Locale
from ingest.access import Reader
from ingest.home.database import open_database
from ingest.settings import IngestSettings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Message):
    """A message of the post office. A reply goes to the box that the sender named."""

    channel: str = "post"
    box: str = field(default="", repr=False)


def parse_letter(data: str) -> Letter:
    """Read `{"from": …, "to": …, "number": …, "text": …, "box": …}`. A letter `to` a club is read by all of it."""
    said = json.loads(data)
    return Letter(
        id=said["number"],
        msgtype="text" if "text" in said else "parcel",
        conversation_id=said["to"],
        group=said["to"].startswith("club"),
        question=said.get("text", "").strip(),
        sender_id=said["from"],
        user_id=said["from"],
        insider=True,
        box=said["box"],
    )


POST: Channel[Letter] = Channel(
    "post", "Post", lambda stored: restored(Letter, stored, channel="post"), lambda text: f"Dear,\n{text}"
)


class PostOffice:
    """Keeps what was put into each box. A box in `walled_up` takes nothing; one in `broken` fails."""

    def __init__(self) -> None:
        self.put: list[tuple[str, str]] = []
        self.walled_up: set[str] = set()
        self.broken: set[str] = set()

    def closed(self, message: Letter) -> str | None:
        return "post_box_walled_up" if message.box in self.walled_up else None

    async def send(self, message: Letter, title: str, markdown: str) -> None:
        if message.box in self.broken:
            raise DeliveryError("post_box_broken", "The letter fell out of the box.")
        self.put.append((message.box, markdown))

    async def aclose(self) -> None:
        pass

    def in_box(self, box: str) -> list[str]:
        return [markdown for address, markdown in self.put if address == box]


class Postman(Bot[Letter]):
    """Receives letters as text."""

    def __init__(self, assistant: Echo, engine: sa.Engine, office: PostOffice, **limits: Any) -> None:
        super().__init__(POST, assistant, engine, office, BotSettings(**limits))

    async def accept(self, data: str) -> Begin:
        return await self.receive(parse_letter(data))


class Echo:
    """Answers a question by saying it, and says what was said before. `gate`, where set, holds every answer back."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Conversation, Reader]] = []
        self.gate: asyncio.Event | None = None
        self.seconds: Mapping[str, float] = {}

    async def answer(
        self, question: str, conversation: Conversation, reader: Reader, page: Locale | None = None
    ) -> AsyncGenerator[Event, None]:
        self.asked.append((question, conversation, reader))
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(self.seconds.get(question, 0.0))
        yield Finished("a1", f"Said: {question}", (), "en", grounded=True, refused=False, model="echo")


def letter(number: str, text: str | None, sender: str = "ann", to: str = "", box: str = "") -> str:
    said = {"from": sender, "to": to or f"desk of {sender}", "number": number, "box": box or f"box of {sender}"}
    return json.dumps(said if text is None else said | {"text": text})


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(IngestSettings(home=tmp_path))
    yield engine
    engine.dispose()


@asynccontextmanager
async def working(assistant: Echo, engine: sa.Engine, office: PostOffice, **limits: Any) -> AsyncIterator[Postman]:
    """A bot that is stopped in the end, and goes on with what an earlier one has left."""
    bot = Postman(assistant, engine, office, **limits)
    await bot.resume()
    try:
        yield bot
    finally:
        await bot.aclose()


def states(engine: sa.Engine) -> dict[str, str]:
    """The state of each letter in the inbox, with its code where it failed."""
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


async def all_settled(engine: sa.Engine, *numbers: str) -> None:
    await happens(lambda: all(states(engine).get(number, "").startswith(("done", "failed")) for number in numbers))


async def deliver(bot: Postman, *letters: str, times: int = 1) -> None:
    """Hand letters over one after the other, without waiting for an answer."""
    for each in letters:
        for _ in range(times):
            (await bot.accept(each))()


def test_a_follow_up_is_answered_once_after_the_first_and_knows_it(engine: sa.Engine) -> None:
    assistant, office = Echo(), PostOffice()
    assistant.seconds = {"How many days of leave?": 0.4}

    async def scenario() -> None:
        async with working(assistant, engine, office) as bot:
            await deliver(bot, letter("1", "How many days of leave?"), letter("2", "And in May?"), times=3)
            await all_settled(engine, "1", "2")

    asyncio.run(scenario())
    assert office.in_box("box of ann") == [
        "> How many days of leave?\n\nDear,\nSaid: How many days of leave?",
        "> And in May?\n\nDear,\nSaid: And in May?",
    ]
    assert [(question, turns) for question, turns, _ in assistant.asked] == [
        ("How many days of leave?", ()),
        ("And in May?", (Turn("user", "How many days of leave?"), Turn("assistant", "Said: How many days of leave?"))),
    ]


def test_what_a_stopped_bot_has_left_is_answered_once_and_in_order_by_the_next(engine: sa.Engine) -> None:
    assistant, office = Echo(), PostOffice()
    letters = [letter("1", "One?"), letter("2", "Two?"), letter("3", "Three?")]

    async def scenario() -> None:
        stuck = Echo()
        stuck.gate = asyncio.Event()
        async with working(stuck, engine, office, answer_seconds=5.0) as bot:
            await deliver(bot, *letters)
            await happens(lambda: stuck.asked)
        assert states(engine) == dict.fromkeys("123", "accepted")
        assert office.put == []
        async with working(assistant, engine, office) as bot:
            await deliver(bot, *letters)
            await all_settled(engine, *"123")
        async with working(assistant, engine, office) as bot:
            await deliver(bot, *letters)

    asyncio.run(scenario())
    assert [text.rpartition("Said: ")[2] for text in office.in_box("box of ann")] == ["One?", "Two?", "Three?"]
    assert [question for question, *_ in assistant.asked] == ["One?", "Two?", "Three?"]
    assert [len(turns) for _, turns, _ in assistant.asked] == [0, 2, 4]
    assert states(engine) == dict.fromkeys("123", "done")


def test_a_bot_with_sources_of_its_own_answers_from_these_alone(engine: sa.Engine) -> None:
    assistant, office = Echo(), PostOffice()

    async def scenario() -> None:
        for number, sources in enumerate((("hr", "it"), ())):
            async with working(assistant, engine, office, sources=sources) as bot:
                await deliver(bot, letter(str(number), "leave?"))
                await all_settled(engine, str(number))

    asyncio.run(scenario())
    assert [reader.sources for _, _, reader in assistant.asked] == [frozenset({"hr", "it"}), None]


def test_another_conversation_does_not_wait(engine: sa.Engine) -> None:
    assistant, office = Echo(), PostOffice()
    assistant.seconds = {"Slow?": 0.4}

    async def scenario() -> None:
        async with working(assistant, engine, office) as bot:
            await deliver(bot, letter("1", "Slow?"), letter("2", "Quick?", sender="ben"))
            await all_settled(engine, "1", "2")

    asyncio.run(scenario())
    assert [box for box, _ in office.put] == ["box of ben", "box of ann"]


def test_who_may_read_is_said_in_the_channels_own_name(engine: sa.Engine) -> None:
    single = parse_letter(letter("1", "?"))
    assert reader_of(single).principals == {"everyone", "user:post:ann"}
    assert reader_of(replace(single, insider=False)).principals == frozenset()
    assert reader_of(parse_letter(letter("1", "?", to="club"))).principals == {"everyone", "group:post:club"}


@pytest.mark.parametrize(
    ("text", "limits", "said"),
    [
        ("Slow?", {"answer_seconds": 0.05}, "The answer took too long"),
        ("Slow?", {"parallel_answers": 0, "waiting_answers": 0}, "Too many questions are waiting"),
        (None, {}, "This kind of message is not supported yet"),
        (" ", {}, "Please type a question"),
    ],
)
def test_the_bot_says_why_there_is_no_answer(
    engine: sa.Engine, text: str | None, limits: dict[str, Any], said: str
) -> None:
    assistant, office = Echo(), PostOffice()
    assistant.seconds = {"Slow?": 5.0}

    async def scenario() -> None:
        async with working(assistant, engine, office, **limits) as bot:
            await deliver(bot, letter("1", text))
            await all_settled(engine, "1")

    asyncio.run(scenario())
    (shown,) = office.in_box("box of ann")
    assert said in shown
    assert states(engine) == {"1": "done"}


def test_what_cannot_be_sent_is_settled_with_the_channels_code(engine: sa.Engine) -> None:
    assistant, office = Echo(), PostOffice()
    office.broken = {"box of ann"}

    async def scenario() -> None:
        stuck = Echo()
        stuck.gate = asyncio.Event()
        async with working(stuck, engine, office, answer_seconds=5.0) as bot:
            await deliver(bot, letter("1", "One?"), letter("2", "Two?", sender="ben"))
        office.walled_up = {"box of ben"}
        async with working(assistant, engine, office):
            await all_settled(engine, "1", "2")

    asyncio.run(scenario())
    assert states(engine) == {"1": "failed post_box_broken", "2": "failed post_box_walled_up"}
    assert office.put == []
    assert [question for question, *_ in assistant.asked] == ["One?"]


def test_a_layout_gets_what_is_harmless_already(engine: sa.Engine) -> None:
    office = PostOffice()

    async def scenario() -> None:
        async with working(Echo(), engine, office) as bot:
            await deliver(bot, letter("1", "![x](https://evil.example/?secret)"))
            await all_settled(engine, "1")

    asyncio.run(scenario())
    (shown,) = office.in_box("box of ann")
    assert shown.startswith("Dear,\nSaid: ! [x] (`https://evil.example/?secret`)")


def test_two_channels_share_a_table_and_not_their_messages(engine: sa.Engine) -> None:
    radio: Channel[Message] = Channel("radio", "Radio", lambda stored: restored(Message, stored, channel="radio"), str)
    post, call = Inbox(engine, POST), Inbox(engine, radio)
    sent = parse_letter(letter("1", "?"))
    heard = Message(channel="radio", id="1", msgtype="text", conversation_id="c", group=True, question="Over?")
    assert [post.accept(sent), call.accept(heard), post.accept(sent), call.accept(heard)] == [True, True, False, False]
    assert post.begin_sending("1")
    assert call.left_over(except_for=[]) == [heard]
    assert not post.tell_to_wait("1")
    assert call.tell_to_wait("1")
    post.finish("1", "done")
    assert post.left_over(except_for=[]) == []
    assert call.left_over(except_for=[]) == [heard]


def test_a_channel_needs_nothing_of_dingtalk() -> None:
    """In a process that has seen nothing but this file."""
    look = f"import sys, {__name__}; print([name for name in sys.modules if 'dingtalk' in name])"
    seen = subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=True, capture_output=True, text=True)
    assert seen.stdout.strip() == "[]"
