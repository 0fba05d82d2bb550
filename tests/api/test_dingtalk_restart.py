"""One answer per message, whatever happens to the process in between."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.channels.inbox import messages
from tests.api.dingtalk_rig import EN_QUESTION, ZH_ANSWER, ZH_QUESTION, Scripted, database, running, states
from tests.fake_dingtalk import FakeDingTalk

ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = database(tmp_path)
    yield engine
    engine.dispose()


def test_what_a_killed_process_had_accepted_is_answered_once_by_the_next(
    ding: FakeDingTalk, tmp_path: Path, engine: sa.Engine
) -> None:
    message = ding.single(ZH_QUESTION)
    command = [sys.executable, "-m", "tests.api.dingtalk_bot_process", str(tmp_path), ding.base]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"NO_PROXY": "127.0.0.1"})
    try:
        ding.wait(lambda: ding.connections == 1, seconds=60)
        frame = ding.push(message)
        ding.wait(lambda: ding.acknowledgement(frame))
    finally:
        process.kill()
        process.wait()
    assert states(engine) == {message["msgId"]: "accepted"}
    assert ding.sent == []

    async def scenario() -> None:
        async with running(ding, Scripted(), engine) as bot:
            await bot.resume()
            await ding.until(lambda: ding.sent)
            await ding.acknowledges(ding.push(message))
        async with running(ding, Scripted(), engine) as bot:
            await bot.resume()

    asyncio.run(scenario())
    assert len(ding.sent) == 1
    assert ZH_ANSWER in ding.shown(message)[0]
    assert states(engine) == {message["msgId"]: "done"}


def test_a_stopped_bot_leaves_its_work_to_the_next(ding: FakeDingTalk, engine: sa.Engine) -> None:
    message = ding.single(ZH_QUESTION)

    async def scenario() -> None:
        slow = Scripted()
        async with running(ding, slow, engine):
            slow.gate = asyncio.Event()
            await ding.acknowledges(ding.push(message))
            await slow.begun.wait()
        assert states(engine) == {message["msgId"]: "accepted"}
        assert slow.working == 0
        async with running(ding, Scripted(), engine, stream=False) as bot:
            await bot.resume()
            await ding.until(lambda: ding.sent)

    asyncio.run(scenario())
    assert len(ding.shown(message)) == 1


def test_a_bot_that_is_stopped_while_sending_sends_to_the_end(ding: FakeDingTalk, engine: sa.Engine) -> None:
    message = ding.single(ZH_QUESTION)
    arrived = threading.Event()

    def show_slowly() -> None:
        arrived.set()
        time.sleep(0.2)

    async def scenario() -> None:
        async with running(ding, Scripted(), engine, stream=False) as bot:
            ding.refusals.append(show_slowly)
            (await bot.accept(message))()
            await asyncio.to_thread(arrived.wait, 10)
            assert states(engine) == {message["msgId"]: "sending"}

    asyncio.run(scenario())
    assert states(engine) == {message["msgId"]: "done"}
    assert len(ding.shown(message)) == 1


def test_a_message_whose_session_has_expired_meanwhile_is_settled_in_silence(
    ding: FakeDingTalk, engine: sa.Engine
) -> None:
    message = ding.single(ZH_QUESTION, sessionWebhookExpiredTime=int(time.time() * 1000) + 200)
    assistant = Scripted()

    async def scenario() -> None:
        slow = Scripted()
        async with running(ding, slow, engine):
            slow.gate = asyncio.Event()
            await ding.acknowledges(ding.push(message))
        await asyncio.sleep(max(0, message["sessionWebhookExpiredTime"] / 1000 - time.time()) + 0.01)
        async with running(ding, assistant, engine, stream=False) as bot:
            await bot.resume()

    asyncio.run(scenario())
    assert states(engine) == {message["msgId"]: "failed dingtalk_session_expired"}
    assert ding.sent == []
    assert assistant.asked == []


def test_a_message_that_may_have_been_answered_is_not_answered_again(ding: FakeDingTalk, engine: sa.Engine) -> None:
    message = ding.single(ZH_QUESTION)

    async def scenario() -> None:
        slow = Scripted()
        async with running(ding, slow, engine):
            slow.gate = asyncio.Event()
            await ding.acknowledges(ding.push(message))
        with engine.begin() as connection:
            connection.execute(sa.update(messages).values(state="sending"))
        async with running(ding, Scripted(), engine, stream=False) as bot:
            await bot.resume()

    asyncio.run(scenario())
    assert states(engine) == {message["msgId"]: "failed interrupted_while_sending"}
    assert ding.sent == []


def test_two_replicas_that_both_work_on_a_message_are_heard_once(ding: FakeDingTalk, engine: sa.Engine) -> None:
    message = ding.single(EN_QUESTION)

    async def scenario() -> None:
        first, second = Scripted(), Scripted()
        async with running(ding, first, engine) as one, running(ding, second, engine, stream=False) as two:
            first.gate = second.gate = asyncio.Event()
            (await one.accept(message))()
            await two.resume()
            await second.begun.wait()
            first.gate.set()
            await ding.until(lambda: ding.sent)

    asyncio.run(scenario())
    assert len(ding.sent) == 1
    assert states(engine) == {message["msgId"]: "done"}


def test_a_message_that_an_older_version_had_accepted_is_answered_as_it_would_have_answered(
    ding: FakeDingTalk, engine: sa.Engine
) -> None:
    message = ding.single(ZH_QUESTION)
    stored = {
        "id": message["msgId"],
        "msgtype": "text",
        "conversation_id": message["conversationId"],
        "group": False,
        "question": ZH_QUESTION,
        "session_webhook": message["sessionWebhook"],
        "session_expires_ms": message["sessionWebhookExpiredTime"],
        "sender_id": message["senderId"],
        "sender_staff_id": "manager7",
        "insider": True,
    }
    row = {"channel": "dingtalk", "msg_id": message["msgId"], "state": "accepted", "message": stored, "detail": ""}
    with engine.begin() as connection:
        connection.execute(sa.insert(messages).values(**row, received_ms=1, updated_ms=1))
    assistant = Scripted()

    async def scenario() -> None:
        async with running(ding, assistant, engine, stream=False) as bot:
            await bot.resume()
            await ding.until(lambda: ding.sent)

    asyncio.run(scenario())
    assert ZH_ANSWER in ding.shown(message)[0]
    assert states(engine) == {message["msgId"]: "done"}
    assert [reader.principals for *_, reader in assistant.asked] == [{"everyone", "user:dingtalk:manager7"}]
