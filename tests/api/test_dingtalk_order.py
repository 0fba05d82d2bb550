"""What one person asks in a conversation is answered in order, and an answer says which question it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from assistant.conversation import Turn
from ingest.errors import UnavailableError
from tests.api.dingtalk_rig import (
    EN_ANSWER,
    EN_QUESTION,
    ZH_ANSWER,
    ZH_QUESTION,
    Scripted,
    database,
    evidence,
    grounded,
    running,
    settled,
    states,
)
from tests.fake_dingtalk import FakeDingTalk

FOLLOW_UP, FOLLOW_UP_ANSWER = "那病假呢？", "病假每年 5 天。[1]"
OTHER_CHAT = {"conversationId": "cidOTHER=="}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = database(tmp_path)
    yield engine
    engine.dispose()


class Slow(Scripted):
    """Needs longer for `slow` than for all other questions."""

    slow = ZH_QUESTION

    async def answer(self, question: str, *rest: Any) -> Any:
        if question == self.slow:
            await asyncio.sleep(0.5)
        async for event in super().answer(question, *rest):
            yield event


def a_slow_assistant() -> Slow:
    return Slow({FOLLOW_UP: grounded(FOLLOW_UP_ANSWER, evidence(1, "员工手册"))})


async def all_settled(engine: sa.Engine, *messages: dict[str, Any]) -> None:
    for message in messages:
        await settled(engine, message)


def ask_at_once(
    ding: FakeDingTalk, engine: sa.Engine, assistant: Scripted, *messages: dict[str, Any], **settings: Any
) -> list[str]:
    """What is shown when nobody waits for an answer before they ask again."""

    async def scenario() -> None:
        async with running(ding, assistant, engine, **settings):
            for message in messages:
                ding.push(message)
            await all_settled(engine, *messages)

    asyncio.run(scenario())
    return ding.shown()


def test_two_quick_messages_are_answered_in_order_and_the_second_knows_the_first(
    ding: FakeDingTalk, engine: sa.Engine
) -> None:
    assistant = a_slow_assistant()
    shown = ask_at_once(ding, engine, assistant, ding.single(ZH_QUESTION), ding.single(FOLLOW_UP))
    assert [ZH_ANSWER in shown[0], FOLLOW_UP_ANSWER in shown[1]] == [True, True]
    known = {question: conversation for question, conversation, _ in assistant.asked}
    assert known[FOLLOW_UP] == (Turn("user", ZH_QUESTION), Turn("assistant", ZH_ANSWER))
    assert [text.partition("\n\n")[0] for text in shown] == [f"> {ZH_QUESTION}", f"> {FOLLOW_UP}"]


def test_other_conversations_do_not_wait(ding: FakeDingTalk, engine: sa.Engine) -> None:
    shown = ask_at_once(
        ding,
        engine,
        a_slow_assistant(),
        ding.single(ZH_QUESTION),
        ding.single(EN_QUESTION, **OTHER_CHAT),
        ding.message(ZH_QUESTION),
        ding.message(EN_QUESTION, senderStaffId="manager8", senderId="other"),
    )
    assert all(EN_ANSWER in text for text in shown[:2])
    assert shown[0].startswith(EN_ANSWER) or shown[1].startswith(EN_ANSWER)  # alone in its chat: nothing is quoted
    assert all(ZH_ANSWER in text for text in shown[2:])


def test_one_persons_questions_in_a_group_are_answered_in_order_and_quoted(
    ding: FakeDingTalk, engine: sa.Engine
) -> None:
    shown = ask_at_once(ding, engine, a_slow_assistant(), ding.message(ZH_QUESTION), ding.message(EN_QUESTION))
    assert [text.split("\n\n")[:2] for text in shown] == [
        ["@manager7", f"> {ZH_QUESTION}"],
        ["@manager7", f"> {EN_QUESTION}"],
    ]


def test_what_is_left_over_is_answered_oldest_first_after_a_restart(ding: FakeDingTalk, engine: sa.Engine) -> None:
    messages = [ding.single(ZH_QUESTION), ding.single(FOLLOW_UP), ding.single(EN_QUESTION)]
    assistant = a_slow_assistant()

    async def scenario() -> None:
        stuck = Scripted()
        async with running(ding, stuck, engine):
            stuck.gate = asyncio.Event()
            for message in messages:
                await ding.acknowledges(ding.push(message))
        assert set(states(engine).values()) == {"accepted"}
        assert [question for question, *_ in stuck.asked] == [ZH_QUESTION]
        async with running(ding, assistant, engine, stream=False) as bot:
            await bot.resume()
            await all_settled(engine, *messages)

    asyncio.run(scenario())
    expected = zip((ZH_ANSWER, FOLLOW_UP_ANSWER, EN_ANSWER), ding.shown(), strict=True)
    assert all(answer in text for answer, text in expected)
    assert [question for question, *_ in assistant.asked] == [ZH_QUESTION, FOLLOW_UP, EN_QUESTION]


def test_who_waits_is_told_once_in_their_language_even_over_a_restart(ding: FakeDingTalk, engine: sa.Engine) -> None:
    first, second = ding.single(ZH_QUESTION), ding.single(EN_QUESTION)

    async def scenario() -> None:
        for _ in range(2):
            stuck = Scripted()
            stuck.gate = asyncio.Event()
            async with running(ding, stuck, engine, queue_notice_seconds=0.05) as bot:
                await bot.resume()
                for message in (first, second):
                    await ding.acknowledges(ding.push(message))
                await ding.until(lambda: ding.sent)
                await asyncio.sleep(0.3)
        assert len(ding.sent) == 1
        async with running(ding, Scripted(), engine, stream=False, queue_notice_seconds=0.05) as bot:
            await bot.resume()
            await all_settled(engine, first, second)

    asyncio.run(scenario())
    notice, *answers = ding.shown(second)
    assert notice.startswith(f"> {EN_QUESTION}\n\nYou are in the queue")
    assert len(answers) == len(ding.shown(first)) == 1
    assert set(states(engine).values()) == {"done"}


def test_a_short_wait_is_not_announced(ding: FakeDingTalk, engine: sa.Engine) -> None:
    ask_at_once(ding, engine, a_slow_assistant(), ding.single(ZH_QUESTION), ding.single(EN_QUESTION))
    assert len(ding.sent) == 2


def test_a_notice_that_cannot_be_sent_leaves_the_answer_alone(
    ding: FakeDingTalk, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    ding.refusals.append({"errcode": 300001, "errmsg": "token is not exist"})
    first, second = ding.single(ZH_QUESTION), ding.single(EN_QUESTION)
    ask_at_once(ding, engine, a_slow_assistant(), first, second, queue_notice_seconds=0.05)
    assert "was not told to wait" in caplog.text
    assert "secret-session" not in caplog.text
    assert [len(ding.shown(first)), len(ding.shown(second))] == [1, 1]
    assert set(states(engine).values()) == {"done"}


def test_a_message_that_cannot_be_kept_holds_nobody_up(
    ding: FakeDingTalk, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = ding.single(ZH_QUESTION)

    def away(*_: object) -> bool:
        raise UnavailableError("database_unavailable", "The database is away.")

    async def scenario() -> None:
        async with running(ding, Scripted(), engine) as bot:
            with monkeypatch.context() as patch:
                patch.setattr(bot._inbox, "accept", away)
                assert (await ding.acknowledges(ding.push(ding.single(EN_QUESTION))))["code"] == 500
            ding.push(message)
            await settled(engine, message)

    asyncio.run(scenario())
    (shown,) = ding.shown()
    assert shown.startswith(ZH_ANSWER)  # nothing came in between, so nothing is quoted


def test_a_quoted_question_is_short_and_harmless(ding: FakeDingTalk, engine: sa.Engine) -> None:
    question = "# 见 [这里](https://evil.example)\n\n![x](https://evil.example/i)\u202e <b>" + "长" * 200
    assistant = Scripted({question: grounded(ZH_ANSWER, evidence(1, "员工手册"))})
    (shown,) = ask_at_once(ding, engine, assistant, ding.message(question))
    _, quote, *_ = shown.split("\n\n")
    assert quote.startswith("> ＃ 见 ［这里］(`https://evil.example`)")
    assert quote.endswith("…")
    assert len(quote) < 80
    for part in ("\n", "](", "![", "<b>", "\u202e"):
        assert part not in quote
