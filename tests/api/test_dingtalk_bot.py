"""From a message in a chat to the answer in it, against DingTalk's gateway, stream and webhooks on loopback."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import SecretStr

from api.dingtalk.bot import DingTalkBot
from assistant.conversation import Turn
from assistant.events import Finished
from ingest.errors import RequestError, UnavailableError
from tests.api.dingtalk_rig import (
    EN_ANSWER,
    EN_QUESTION,
    ZH_ANSWER,
    ZH_QUESTION,
    Scripted,
    broken,
    database,
    evidence,
    grounded,
    refused,
    running,
    settled,
    states,
)
from tests.fake_dingtalk import FakeDingTalk

ZH_SHOWN = f"{ZH_ANSWER}\n\n**来源**\n\n- [1] 员工手册 · 第 3 页"
EN_SHOWN = f"{EN_ANSWER}\n\n**Sources**\n\n- [1] Handbook · p. 3"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = database(tmp_path)
    yield engine
    engine.dispose()


async def callback(ding: FakeDingTalk, bot: DingTalkBot, message: dict[str, Any]) -> int:
    """Deliver the message by HTTP instead."""
    app = FastAPI()
    app.include_router(bot.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot") as client:
        response = await client.post("/dingtalk/callback", json=message, headers=ding.signed())
    return response.status_code


def answers(ding: FakeDingTalk, engine: sa.Engine, assistant: Scripted, *messages: dict[str, Any]) -> list[str]:
    """What is shown for each of the messages, sent one after the other."""

    async def scenario() -> None:
        async with running(ding, assistant, engine):
            for message in messages:
                ding.push(message)
                await settled(engine, message)

    asyncio.run(scenario())
    return ding.shown()


def test_a_chinese_and_an_english_question_are_answered_with_their_sources(
    ding: FakeDingTalk, engine: sa.Engine
) -> None:
    shown = answers(ding, engine, Scripted(), ding.single(ZH_QUESTION), ding.message(EN_QUESTION))
    assert shown == [ZH_SHOWN, f"@manager7\n\n> {EN_QUESTION}\n\n{EN_SHOWN}"]
    assert set(states(engine).values()) == {"done"}


def test_a_message_delivered_again_in_any_way_is_answered_once(ding: FakeDingTalk, engine: sa.Engine) -> None:
    chinese, english = ding.single(ZH_QUESTION), ding.single(EN_QUESTION, conversationId="cidOTHER==")
    assistant = Scripted()

    async def scenario() -> None:
        async with running(ding, assistant, engine) as bot:
            assistant.gate = asyncio.Event()
            for message in (chinese, english):
                await ding.acknowledges(ding.push(message))
                await ding.acknowledges(ding.push(message))
                assert await callback(ding, bot, message) == 200
            ding.drop()
            await ding.until(lambda: ding.connections == 2)
            frames = [ding.push(message) for message in (chinese, english)]
            assert [(await ding.acknowledges(frame))["code"] for frame in frames] == [200, 200]
            assistant.gate.set()
            await ding.until(lambda: len(ding.sent) == 2)
            assert [await callback(ding, bot, message) for message in (chinese, english)] == [200, 200]
            await ding.acknowledges(ding.push(chinese))

    asyncio.run(scenario())
    assert ding.shown(chinese) == [ZH_SHOWN]
    assert ding.shown(english) == [EN_SHOWN]
    assert len(assistant.asked) == 2


def test_a_message_is_acknowledged_long_before_a_slow_model_has_answered(ding: FakeDingTalk, engine: sa.Engine) -> None:
    by_stream, by_http = ding.single(ZH_QUESTION), ding.single(EN_QUESTION, conversationId="cidOTHER==")
    assistant = Scripted()

    async def scenario() -> None:
        async with running(ding, assistant, engine) as bot:
            assistant.gate = asyncio.Event()
            assert (await ding.acknowledges(ding.push(by_stream)))["code"] == 200
            assert await callback(ding, bot, by_http) == 200
            assert ding.sent == []  # the model answers no sooner than this
            assistant.gate.set()
            await ding.until(lambda: len(ding.sent) == 2)

    asyncio.run(scenario())
    assert sorted(ding.shown()) == sorted([ZH_SHOWN, EN_SHOWN])


def test_the_work_begins_when_the_message_has_been_acknowledged(ding: FakeDingTalk, engine: sa.Engine) -> None:
    assistant = Scripted()

    async def scenario() -> None:
        async with running(ding, assistant, engine, stream=False) as bot:
            begin = await bot.accept(ding.single(ZH_QUESTION))
            await asyncio.sleep(0.05)
            assert assistant.asked == []
            begin()
            await ding.until(lambda: ding.sent)

    asyncio.run(scenario())
    assert ding.shown() == [ZH_SHOWN]


def test_a_message_is_acknowledged_in_time_while_another_writer_holds_the_database(
    ding: FakeDingTalk, engine: sa.Engine
) -> None:
    async def scenario() -> float:
        async with running(ding, Scripted(), engine) as bot:
            with engine.begin():
                began = time.monotonic()
                assert await callback(ding, bot, ding.single(ZH_QUESTION)) == 200
                acknowledged = time.monotonic() - began
            await ding.until(lambda: ding.sent)
            return acknowledged

    # It would have waited for the writer, who waits for it, until the database gives up after half a minute.
    assert asyncio.run(scenario()) < 15
    assert ding.shown() == [ZH_SHOWN]


def test_an_answer_that_was_cut_says_so(ding: FakeDingTalk, engine: sa.Engine) -> None:
    *before, end = grounded(ZH_ANSWER, evidence(1, "员工手册"))
    assert isinstance(end, Finished)
    script = {ZH_QUESTION: [*before, replace(end, cut=True)]}
    (shown,) = answers(ding, engine, Scripted(script), ding.single(ZH_QUESTION))
    assert "截断" in shown


def test_a_refusal_is_said_as_the_assistant_says_it(ding: FakeDingTalk, engine: sa.Engine) -> None:
    script = {"食堂几点开门？": refused("文档里没有这个问题的依据。", "zh")}
    assert answers(ding, engine, Scripted(script), ding.single("食堂几点开门？")) == ["文档里没有这个问题的依据。"]


@pytest.mark.parametrize(("question", "said"), [(ZH_QUESTION, "大模型现在无法回答"), (EN_QUESTION, "cannot answer")])
def test_a_model_that_fails_is_said_in_the_users_language_with_what_was_found(
    ding: FakeDingTalk, engine: sa.Engine, question: str, said: str
) -> None:
    found = evidence(1, "Handbook", slide=4)
    script = {question: broken("model_unavailable", found)}
    (shown,) = answers(ding, engine, Scripted(script), ding.single(question))
    assert said in shown
    assert "model" in shown
    assert "[1] Handbook · " in shown
    assert set(states(engine).values()) == {"done"}


@pytest.mark.parametrize(
    ("error", "zh", "en"),
    [
        (RequestError("question_too_long", "x"), "请缩短", "shorten"),
        (UnavailableError("index_unavailable", "x"), "index", "index"),
        (RuntimeError("secret inside"), "出错了", "went wrong"),
    ],
)
def test_an_error_is_said_in_the_users_language(
    ding: FakeDingTalk, engine: sa.Engine, error: Exception, zh: str, en: str
) -> None:
    script: dict[str, Any] = {ZH_QUESTION: error, EN_QUESTION: error}
    shown = answers(ding, engine, Scripted(script), ding.single(ZH_QUESTION), ding.single(EN_QUESTION))
    assert zh in shown[0]
    assert en in shown[1]
    assert "secret inside" not in "".join(shown)


def test_an_answer_that_takes_too_long_is_stopped_and_said(ding: FakeDingTalk, engine: sa.Engine) -> None:
    assistant = Scripted()

    async def scenario() -> None:
        async with running(ding, assistant, engine, answer_seconds=0.1):
            assistant.gate = asyncio.Event()
            ding.push(ding.single(EN_QUESTION))
            await ding.until(lambda: ding.sent)

    asyncio.run(scenario())
    assert "took too long" in ding.shown()[0]
    assert assistant.working == 0


def test_other_kinds_of_message_are_declined_in_both_languages(ding: FakeDingTalk, engine: sa.Engine) -> None:
    assistant = Scripted()
    picture = ding.single("", msgtype="picture", content={"downloadCode": "d"})
    shown = answers(ding, engine, assistant, picture, ding.single(" "))
    assert "暂不支持" in shown[0]
    assert "not supported yet" in shown[0]
    assert "请直接输入问题" in shown[1]
    assert assistant.asked == []


def test_a_voice_message_is_answered_by_what_was_heard(ding: FakeDingTalk, engine: sa.Engine) -> None:
    voice = ding.single("", msgtype="audio", content={"downloadCode": "d", "recognition": ZH_QUESTION})
    assert answers(ding, engine, Scripted(), voice) == [ZH_SHOWN]


def test_what_a_document_says_cannot_link_or_show_images_in_the_chat(ding: FakeDingTalk, engine: sa.Engine) -> None:
    answer = "见 ![x](https://evil.example/?q=1) 和 [这里](https://evil.example)[1]"
    script = {"问题？": grounded(answer, evidence(1, "![t](https://evil.example/t)", sheet="报价|x", cells="B2"))}
    (shown,) = answers(ding, engine, Scripted(script), ding.single("问题？"))
    assert "](" not in shown
    assert "![" not in shown
    assert "工作表 报价｜x B2" in shown


def test_a_single_chat_remembers_its_last_turns_and_a_group_does_not(ding: FakeDingTalk, engine: sa.Engine) -> None:
    assistant = Scripted()
    single, group = ding.single(ZH_QUESTION), ding.message(ZH_QUESTION)
    answers(ding, engine, assistant, single, ding.single(EN_QUESTION), group, ding.message(EN_QUESTION))
    assert [conversation for _, conversation, _ in assistant.asked] == [
        (),
        (Turn("user", ZH_QUESTION), Turn("assistant", ZH_ANSWER)),
        (),
        (),
    ]
    readers = [reader.principals for _, _, reader in assistant.asked]
    assert readers[0] == {"everyone", "user:dingtalk:manager7"}
    assert readers[2] == {"everyone", "group:dingtalk:cidFAKE=="}


def test_no_more_answers_are_worked_on_than_allowed_and_the_rest_is_told(ding: FakeDingTalk, engine: sa.Engine) -> None:
    assistant = Scripted()

    async def scenario() -> None:
        async with running(ding, assistant, engine, parallel_answers=2, waiting_answers=3):
            assistant.gate = asyncio.Event()
            frames = [ding.push(ding.single(ZH_QUESTION, conversationId=f"cid{number}==")) for number in range(7)]
            for frame in frames:
                await ding.acknowledges(frame)
            await ding.until(lambda: len(ding.sent) == 2)
            assistant.gate.set()
            await ding.until(lambda: len(ding.sent) == 7)

    asyncio.run(scenario())
    assert all("提问的人太多" in text for text in ding.shown()[:2])
    assert ding.shown()[2:] == [ZH_SHOWN] * 5
    assert assistant.most_working == 2


def test_an_answer_that_cannot_be_delivered_is_given_up_once_and_logged(
    ding: FakeDingTalk, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ding.refusals.append({"errcode": 300001, "errmsg": "token is not exist"})
    message = ding.single(ZH_QUESTION)

    async def scenario() -> None:
        async with running(ding, Scripted(), engine) as bot:
            ding.push(message)
            await ding.until(lambda: ding.sent)
            await ding.acknowledges(ding.push(message))
            await bot.resume()

    asyncio.run(scenario())
    assert states(engine) == {message["msgId"]: "failed dingtalk_session_expired"}
    assert len(ding.sent) == 1
    assert "dingtalk_session_expired" in caplog.text
    for secret in (*ding.tickets, ding.client_secret, "secret-session", ZH_QUESTION):
        assert secret not in caplog.text


def test_a_webhook_elsewhere_is_not_called_whatever_the_message_says(ding: FakeDingTalk, engine: sa.Engine) -> None:
    message = ding.single(ZH_QUESTION)

    async def scenario() -> None:
        async with running(ding, Scripted(), engine, oapi_base="https://oapi.dingtalk.com"):
            await ding.acknowledges(ding.push(message))
            await settled(engine, message)

    asyncio.run(scenario())
    assert states(engine) == {message["msgId"]: "failed dingtalk_webhook_host"}
    assert ding.sent == []


def test_refused_credentials_are_said_in_the_log_and_end_the_stream(
    ding: FakeDingTalk, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        bot = DingTalkBot(Scripted(), engine, ding.settings(client_secret=SecretStr("wrong-secret-99")))
        await bot.run_stream()
        await bot.aclose()

    asyncio.run(scenario())
    assert "YOUJU_DINGTALK_CLIENT_SECRET" in caplog.text
    assert "wrong-secret-99" not in caplog.text
    assert len(ding.opened) == 1
