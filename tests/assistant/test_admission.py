"""Many ask at once: the model is asked by so many at a time, the next wait, and who finds no place is told so."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from assistant.answer import Assistant
from assistant.conversation import Conversation, Turn
from assistant.events import Event, EvidenceFound, Finished
from assistant.gate.fitted import FittedGate
from assistant.models.from_settings import open_model
from assistant.settings import AssistantSettings
from ingest.access import OPERATOR
from ingest.errors import UnavailableError
from tests.canned_retrieval import CannedRetriever, passage
from tests.fake_openai_server import FakeOpenAIServer, Reply

LEAVE = passage("A year of work brings ten days of paid leave.", title="Handbook")
QUESTION = "How many days of leave does a year of work bring?"


class Busy:
    """A script for a model server, which counts how many requests it has at a time."""

    def __init__(self) -> None:
        self.at_once = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any]) -> Reply:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        threading.Timer(0.15, self._leave).start()
        return Reply("Ten days of leave [1].", delay_seconds=0.2)

    def _leave(self) -> None:
        with self._lock:
            self.at_once -= 1


def assistant(url: str, **settings: Any) -> Assistant:
    chosen = AssistantSettings(model="qwen", model_url=url, **settings)
    return Assistant(CannedRetriever([LEAVE]), FittedGate(0.5), open_model(chosen, hub=False), chosen)


async def answered(house: Assistant, conversation: Conversation = ()) -> list[Event]:
    return [event async for event in house.answer(QUESTION, conversation, OPERATOR)]


def test_the_model_is_asked_by_so_many_at_a_time_and_the_others_get_their_turn() -> None:
    async def ask() -> list[list[Event]]:
        house = assistant(server.url, answers_at_once=2)
        try:
            return await asyncio.gather(*(answered(house) for _ in range(6)))
        finally:
            await house.aclose()

    busy = Busy()
    with FakeOpenAIServer(busy) as server:
        answers = asyncio.run(ask())
    assert [type(events[-1]) for events in answers] == [Finished] * 6
    assert busy.most == 2


def test_a_rewritten_follow_up_takes_its_turn_as_well() -> None:
    earlier = (Turn("user", "Hello"), Turn("assistant", "Hello."))

    async def ask() -> list[list[Event]]:
        house = assistant(server.url, answers_at_once=1)
        try:
            return await asyncio.gather(*(answered(house, earlier) for _ in range(2)))
        finally:
            await house.aclose()

    busy = Busy()
    with FakeOpenAIServer(busy) as server:
        answers = asyncio.run(ask())
    assert [type(events[-1]) for events in answers] == [Finished] * 2
    assert (busy.most, len(server.requests)) == (1, 4)


def test_the_question_for_which_there_is_no_place_is_refused_at_once_and_the_others_are_answered() -> None:
    async def ask() -> list[list[Event] | BaseException]:
        house = assistant(server.url, answers_at_once=1, answers_waiting=1)
        try:
            return await asyncio.gather(*(answered(house) for _ in range(3)), return_exceptions=True)
        finally:
            await house.aclose()

    with FakeOpenAIServer(Busy()) as server:
        first, second, third = asyncio.run(ask())
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert (type(first[-1]), type(second[-1])) == (Finished, Finished)
    assert isinstance(third, UnavailableError)
    assert (third.code, len(server.requests)) == ("too_many_questions", 2)


@pytest.mark.parametrize("waits", [False, True], ids=["the one that is answered", "the one that waits"])
def test_whoever_goes_away_leaves_a_place(waits: bool) -> None:
    async def ask() -> list[Event]:
        house = assistant(server.url, answers_at_once=1, answers_waiting=1)
        try:
            held = house.answer(QUESTION, (), OPERATOR)
            await until_evidence(held)
            words = asyncio.create_task(anext(held))
            waiting = asyncio.create_task(answered(house))
            await asyncio.sleep(0.05)
            if waits:
                waiting.cancel()
                await asyncio.wait({waiting})
                await words
            else:
                words.cancel()
                await asyncio.wait({words})
                await waiting
            await held.aclose()
            return await answered(house)
        finally:
            await house.aclose()

    with FakeOpenAIServer([Reply("Ten days of leave [1].", delay_seconds=0.3)]) as server:
        assert isinstance(asyncio.run(ask())[-1], Finished)


async def until_evidence(events: Any) -> None:
    async for event in events:
        if isinstance(event, EvidenceFound):
            return
