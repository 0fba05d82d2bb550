"""Single chats with the bot are conversations that the server keeps, for the person in the chat."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from assistant.conversation import Turn
from assistant.history.records import Exchange
from assistant.history.register import Register
from assistant.settings import AssistantSettings
from tests.api.dingtalk_rig import EN_ANSWER, EN_QUESTION, ZH_ANSWER, ZH_QUESTION, Scripted, database, running, settled
from tests.fake_dingtalk import FakeDingTalk

ANNA = "user:dingtalk:manager7"
BEFORE = (Turn("user", ZH_QUESTION), Turn("assistant", ZH_ANSWER))
HALF_AN_HOUR_MS = 1800_000


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = database(tmp_path)
    yield engine
    engine.dispose()


def talk(ding: FakeDingTalk, engine: sa.Engine, register: Register, *messages: dict[str, Any]) -> list[Any]:
    """Send the messages one after the other to a bot that was just started. Returns the turns that each was given."""
    assistant = Scripted()

    async def scenario() -> None:
        async with running(ding, assistant, engine, register=register):
            for message in messages:
                ding.push(message)
                await settled(engine, message)

    asyncio.run(scenario())
    return [turns for _, turns, _ in assistant.asked]


def exchanges(register: Register, owner: str = ANNA) -> list[list[Exchange]]:
    """The exchanges of each conversation of this owner, the oldest conversation first."""
    return [register.read(owner, kept.id)[1] for kept in reversed(register.listed(owner))]


def test_a_chat_goes_on_after_a_restart_and_is_kept_for_the_person_in_it(ding: FakeDingTalk, engine: sa.Engine) -> None:
    register = Register(engine, AssistantSettings())
    assert talk(ding, engine, register, ding.single(ZH_QUESTION)) == [()]
    assert talk(ding, engine, register, ding.single(EN_QUESTION)) == [BEFORE]
    (kept,) = exchanges(register)
    assert [(each.question, each.ending.answer, each.ending.state) for each in kept] == [
        (ZH_QUESTION, ZH_ANSWER, "complete"),
        (EN_QUESTION, EN_ANSWER, "complete"),
    ]
    assert kept[0].ending.citations[0]["title"] == "员工手册"
    assert register.listed("operator") == []


def test_nothing_is_kept_of_a_group(ding: FakeDingTalk, engine: sa.Engine) -> None:
    register = Register(engine, AssistantSettings())
    assert talk(ding, engine, register, ding.message(ZH_QUESTION), ding.message(EN_QUESTION)) == [(), ()]
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM conversations")).scalar_one() == 0


def test_another_chat_and_half_an_hour_of_silence_begin_another_conversation(
    ding: FakeDingTalk, engine: sa.Engine
) -> None:
    now_ms = [1_700_000_000_000]
    register = Register(engine, AssistantSettings(), lambda: now_ms[0])
    other = ding.single(EN_QUESTION, conversationId="cidOTHER==")
    assert talk(ding, engine, register, ding.single(ZH_QUESTION), other) == [(), ()]
    now_ms[0] += HALF_AN_HOUR_MS - 1
    assert talk(ding, engine, register, ding.single(EN_QUESTION)) == [BEFORE]
    now_ms[0] += HALF_AN_HOUR_MS
    assert talk(ding, engine, register, ding.single(EN_QUESTION)) == [()]
    assert sorted(len(each) for each in exchanges(register)) == [1, 1, 2]


def test_a_conversation_that_is_full_is_followed_by_another(ding: FakeDingTalk, engine: sa.Engine) -> None:
    register = Register(engine, AssistantSettings(conversation_exchanges=1))
    assert talk(ding, engine, register, ding.single(ZH_QUESTION), ding.single(EN_QUESTION)) == [(), ()]
    assert [len(each) for each in exchanges(register)] == [1, 1]


@pytest.mark.parametrize("settings", [{"conversation_days": 0}, {"conversations_per_owner": 1}])
def test_what_cannot_be_kept_is_answered_and_remembered_by_the_running_server(
    ding: FakeDingTalk, engine: sa.Engine, settings: dict[str, int]
) -> None:
    register = Register(engine, AssistantSettings(**settings))
    if settings.get("conversations_per_owner"):
        register.create(ANNA)
    assert talk(ding, engine, register, ding.single(ZH_QUESTION), ding.single(EN_QUESTION)) == [(), BEFORE]
    assert talk(ding, engine, register, ding.single(EN_QUESTION)) == [()]
    assert exchanges(register) in ([], [[]])


def test_a_bot_that_stops_in_an_answer_says_so_in_its_record_and_answers_later(
    ding: FakeDingTalk, engine: sa.Engine
) -> None:
    register = Register(engine, AssistantSettings())
    message = ding.single(ZH_QUESTION)

    async def scenario() -> None:
        assistant = Scripted()
        assistant.gate = asyncio.Event()
        async with running(ding, assistant, engine, register=register):
            ding.push(message)
            await assistant.begun.wait()
        async with running(ding, Scripted(), engine, register=register) as bot:
            await bot.resume()
            await settled(engine, message)

    asyncio.run(scenario())
    (kept,) = exchanges(register)
    assert [(each.ending.state, each.ending.error) for each in kept] == [
        ("failed", "server_stopping"),
        ("complete", ""),
    ]
    assert len(ding.shown(message)) == 1


def test_somebody_the_service_does_not_name_has_a_chat_that_nobody_can_list(
    ding: FakeDingTalk, engine: sa.Engine
) -> None:
    register = Register(engine, AssistantSettings())
    stranger = {"senderStaffId": None, "senderCorpId": "dingELSE"}
    first, second = ding.single(ZH_QUESTION, **stranger), ding.single(EN_QUESTION, **stranger)
    assert talk(ding, engine, register, first, second) == [(), BEFORE]
    with engine.connect() as connection:
        (owner,) = connection.execute(sa.text("SELECT owner FROM conversations")).scalars()
    assert owner.startswith("chat:")
