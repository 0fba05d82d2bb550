"""Every message is settled, whatever goes wrong between the chat and the answer in it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.channels.inbox import messages
from assistant.conversation import Conversation
from ingest.errors import UnavailableError
from tests.api.dingtalk_rig import (
    ZH_ANSWER,
    ZH_QUESTION,
    Scripted,
    database,
    evidence,
    grounded,
    happens,
    running,
    settled,
    states,
)
from tests.fake_dingtalk import FakeDingTalk

HALF = "\ud83d"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = database(tmp_path)
    yield engine
    engine.dispose()


def deliver(ding: FakeDingTalk, engine: sa.Engine, assistant: Scripted, message: dict[str, Any]) -> None:
    """Send the message down the stream, and return when it is settled."""

    async def scenario() -> None:
        async with running(ding, assistant, engine):
            assert (await ding.acknowledges(ding.push(message)))["code"] == 200
            await settled(engine, message)

    asyncio.run(scenario())


def test_an_answer_with_half_a_character_arrives(ding: FakeDingTalk, engine: sa.Engine) -> None:
    answer = f"员工每年有 10 天{HALF}年假。[1]"
    message = ding.single(ZH_QUESTION)
    script: dict[str, Any] = {ZH_QUESTION: grounded(answer, evidence(1, f"员工{HALF}手册", page=3))}
    deliver(ding, engine, Scripted(script), message)
    assert states(engine) == {message["msgId"]: "done"}
    (shown,) = ding.shown(message)
    assert "10 天\ufffd年假" in shown
    assert "员工\ufffd手册" in shown


def test_a_question_with_half_a_character_is_answered(ding: FakeDingTalk, engine: sa.Engine) -> None:
    message = ding.message(ZH_QUESTION)
    raw = json.dumps(message | {"text": {"content": f"{HALF}{ZH_QUESTION}"}, "senderStaffId": f"m{HALF}"})
    assistant = Scripted({f"\ufffd{ZH_QUESTION}": grounded(ZH_ANSWER, evidence(1, "员工手册"))})

    async def scenario() -> None:
        async with running(ding, assistant, engine):
            assert (await ding.acknowledges(ding.push(raw)))["code"] == 200
            await settled(engine, message)

    asyncio.run(scenario())
    assert states(engine) == {message["msgId"]: "done"}
    assert ZH_ANSWER in ding.shown(message)[0]


@pytest.mark.parametrize("error", [RuntimeError, UnicodeError, httpx.InvalidURL, MemoryError])
def test_whatever_sending_raises_settles_the_message_and_tells_no_secret(
    ding: FakeDingTalk,
    engine: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: type[Exception],
) -> None:
    def post(*_: object, **__: object) -> httpx.Response:
        raise error("https://oapi.dingtalk.com/robot/sendBySession?session=secret-session-1")

    caplog.set_level(logging.DEBUG)
    message = ding.single(ZH_QUESTION)

    async def scenario() -> None:
        async with running(ding, Scripted(), engine) as bot:
            monkeypatch.setattr(bot._replier._client, "stream", post)
            ding.push(message)
            await settled(engine, message)

    asyncio.run(scenario())
    assert states(engine) == {message["msgId"]: "failed internal_error"}
    assert error.__name__ in caplog.text
    assert "secret-session" not in caplog.text


def test_an_error_before_the_assistant_is_asked_is_said_too(
    ding: FakeDingTalk, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recall(_: str) -> Conversation:
        raise RuntimeError("broken")

    message = ding.single(ZH_QUESTION)

    async def scenario() -> None:
        async with running(ding, Scripted(), engine) as bot:
            monkeypatch.setattr(bot._memory, "recall", recall)
            ding.push(message)
            await settled(engine, message)

    asyncio.run(scenario())
    assert states(engine) == {message["msgId"]: "done"}
    (shown,) = ding.shown(message)
    assert "出错了" in shown
    assert "went wrong" in shown
    assert "internal_error" in shown


@pytest.mark.parametrize(("method", "state", "sent"), [("finish", "sending", 1), ("begin_sending", "accepted", 0)])
def test_what_the_database_did_not_take_is_settled_when_it_is_back(
    ding: FakeDingTalk, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, method: str, state: str, sent: int
) -> None:
    refused: list[bool] = []

    def away(*_: object, **__: object) -> None:
        refused.append(True)
        raise UnavailableError("database_unavailable", "The database is away.")

    message = ding.single(ZH_QUESTION)

    async def scenario() -> None:
        async with running(ding, Scripted(), engine, sweep_seconds=0.02, stale_seconds=0.2) as bot:
            with monkeypatch.context() as patch:
                patch.setattr(bot._inbox, method, away)
                ding.push(message)
                await happens(lambda: refused and not bot._answering)
            assert states(engine) == {message["msgId"]: state}
            assert len(ding.sent) == sent
            tending = asyncio.create_task(bot.tend())
            await settled(engine, message)
            tending.cancel()
            with suppress(asyncio.CancelledError):
                await tending

    asyncio.run(scenario())
    # What may have been heard is not said twice; what was not said is.
    expected = {"sending": "failed interrupted_while_sending", "accepted": "done"}[state]
    assert states(engine) == {message["msgId"]: expected}
    assert len(ding.shown(message)) == 1


def test_a_database_that_is_away_does_not_end_the_sweeping(
    ding: FakeDingTalk, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    message = ding.single(ZH_QUESTION)

    def away(*_: object, **__: object) -> None:
        raise UnavailableError("database_unavailable", "The database is away.")

    async def scenario() -> None:
        slow = Scripted()
        async with running(ding, slow, engine):
            slow.gate = asyncio.Event()
            await ding.acknowledges(ding.push(message))
        with engine.begin() as connection:
            connection.execute(sa.update(messages).values(updated_ms=messages.c.updated_ms - 3_600_000))
        async with running(ding, Scripted(), engine, stream=False, sweep_seconds=0.02) as bot:
            tending = asyncio.create_task(bot.tend())
            with monkeypatch.context() as patch:
                patch.setattr(bot._inbox, "left_over", away)
                await happens(lambda: "cannot be settled now" in caplog.text)
            await settled(engine, message)
            tending.cancel()
            with suppress(asyncio.CancelledError):
                await tending

    asyncio.run(scenario())
    assert states(engine) == {message["msgId"]: "done"}
    assert len(ding.shown(message)) == 1
