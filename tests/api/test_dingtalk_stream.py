"""The stream client against a gateway that behaves, and against one that does not."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from pydantic import SecretStr

from api.channels.channel import Begin
from api.dingtalk.stream import BOT_TOPIC, StreamClient
from ingest.errors import ConfigurationError, RequestError, UnavailableError
from tests.fake_dingtalk import FakeDingTalk


class Received:
    """Writes down what arrives, or fails to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.bodies: list[Any] = []
        self.begun: list[float] = []
        self.error = error

    async def accept(self, body: object) -> Begin:
        if self.error is not None:
            raise self.error
        self.bodies.append(body)
        return lambda: self.begun.append(time.monotonic())


@asynccontextmanager
async def connected(ding: FakeDingTalk, received: Received, **settings: Any) -> AsyncIterator[asyncio.Task[None]]:
    before = ding.connections
    task = asyncio.create_task(StreamClient(ding.settings(**settings), received.accept).run())
    try:
        await ding.until(lambda: ding.connections > before)
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_the_gateway_is_asked_for_bot_messages(ding: FakeDingTalk) -> None:
    async def scenario() -> None:
        async with connected(ding, Received()):
            pass

    asyncio.run(scenario())
    assert ding.opened[0]["clientId"] == ding.client_id
    assert ding.opened[0]["subscriptions"] == [{"type": "CALLBACK", "topic": BOT_TOPIC}]


def test_a_ping_is_echoed(ding: FakeDingTalk) -> None:
    async def scenario() -> dict[str, Any]:
        async with connected(ding, Received()):
            return await ding.acknowledges(ding.push({"opaque": "x1"}, kind="SYSTEM", topic="ping"))

    ack = asyncio.run(scenario())
    assert (ack["code"], json.loads(ack["data"])) == (200, {"opaque": "x1"})


def test_a_message_is_handed_over_and_acknowledged(ding: FakeDingTalk) -> None:
    received = Received()
    message = ding.message("年假有几天？")

    async def scenario() -> dict[str, Any]:
        async with connected(ding, received):
            return await ding.acknowledges(ding.push(message))

    ack = asyncio.run(scenario())
    assert (ack["code"], json.loads(ack["data"])) == (200, {"response": None})
    assert received.bodies == [message]
    assert len(received.begun) == 1


def test_an_unknown_topic_and_an_event_are_acknowledged_with_404(ding: FakeDingTalk) -> None:
    received = Received()

    async def scenario() -> list[int]:
        async with connected(ding, received):
            frames = [ding.push({}, topic="/v1.0/unknown"), ding.push({}, kind="EVENT", topic="*")]
            return [(await ding.acknowledges(frame))["code"] for frame in frames]

    assert asyncio.run(scenario()) == [404, 404]
    assert received.bodies == []


@pytest.mark.parametrize("garbage", ["not json", "[]", '"text"', "{}", '{"headers": 1}', "[" * 20_000])
def test_a_frame_that_is_not_readable_is_skipped(ding: FakeDingTalk, garbage: str) -> None:
    async def scenario() -> int:
        async with connected(ding, Received()):
            ding.push_raw(garbage)
            await ding.acknowledges(ding.push({"opaque": "y"}, kind="SYSTEM", topic="ping"))
            return ding.connections

    assert asyncio.run(scenario()) == 1


@pytest.mark.parametrize(
    ("data", "error", "code"),
    [
        ("{not json", None, 400),
        ({"msgtype": "text"}, RequestError("dingtalk_message_invalid", "no"), 400),
        ({}, UnavailableError("database_unavailable", "no"), 500),
    ],
)
def test_a_message_that_cannot_be_kept_is_acknowledged_with_an_error(
    ding: FakeDingTalk, data: Any, error: Exception | None, code: int
) -> None:
    async def scenario() -> tuple[int, int]:
        async with connected(ding, Received(error)):
            ack = await ding.acknowledges(ding.push(data))
            await ding.acknowledges(ding.push({}, kind="SYSTEM", topic="ping"))
            return ack["code"], ding.connections

    assert asyncio.run(scenario()) == (code, 1)


def test_it_connects_again_when_asked_to_and_when_the_connection_breaks(ding: FakeDingTalk) -> None:
    received = Received()

    async def scenario() -> None:
        async with connected(ding, received):
            ding.push({"reason": "connection is expired"}, kind="SYSTEM", topic="disconnect")
            await ding.until(lambda: ding.connections == 2)
            ding.drop(1011)
            await ding.until(lambda: ding.connections == 3)
            ding.drop(1000)
            await ding.until(lambda: ding.connections == 4)
            await ding.acknowledges(ding.push(ding.message("还在吗？")))

    asyncio.run(scenario())
    assert len(received.bodies) == 1
    assert len(set(ding.tickets)) == 4


def test_a_connection_that_says_nothing_is_given_up(ding: FakeDingTalk) -> None:
    async def scenario() -> None:
        async with connected(ding, Received(), idle_seconds=0.1):
            await ding.until(lambda: ding.connections >= 3)

    asyncio.run(scenario())
    assert ding.connections >= 3


def test_pauses_grow_while_the_gateway_sends_it_away(ding: FakeDingTalk) -> None:
    async def scenario() -> float:
        async with connected(ding, Received(), reconnect_seconds=(0.05, 0.2)):
            began = time.monotonic()
            for count in (2, 3, 4, 5):
                ding.push({"reason": "x"}, kind="SYSTEM", topic="disconnect")
                await ding.until(lambda count=count: ding.connections == count)  # type: ignore[misc]
            return time.monotonic() - began

    # After the first, which is immediate: at least half of 0.1, 0.2 and 0.2 seconds.
    assert asyncio.run(scenario()) >= 0.25


def test_credentials_that_are_refused_stop_the_client_at_once(ding: FakeDingTalk) -> None:
    client = StreamClient(ding.settings(client_secret=SecretStr("wrong-secret-99")), Received().accept)
    with pytest.raises(ConfigurationError) as error:
        asyncio.run(client.run())
    assert error.value.code == "dingtalk_refused"
    assert "YOUJU_DINGTALK_CLIENT_SECRET" in error.value.hint
    assert "wrong-secret-99" not in str(error.value)
    assert len(ding.opened) == 1


def test_a_gateway_that_is_away_is_tried_again(ding: FakeDingTalk) -> None:
    async def scenario() -> int:
        gone = ding.settings(api_base="http://127.0.0.1:9")
        task = asyncio.create_task(StreamClient(gone, Received().accept).run())
        await asyncio.sleep(0.2)
        assert not task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return ding.connections

    assert asyncio.run(scenario()) == 0


def test_cancelling_closes_the_connection(ding: FakeDingTalk) -> None:
    async def scenario() -> bool:
        async with connected(ding, Received()) as task:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await ding.until(lambda: not ding._sockets)
            return task.cancelled()

    assert asyncio.run(scenario())


def test_tickets_and_secrets_are_in_no_log(ding: FakeDingTalk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        async with connected(ding, Received()):
            await ding.acknowledges(ding.push(ding.message("你好")))
            ding.drop()
            await ding.until(lambda: ding.connections == 2)

    asyncio.run(scenario())
    assert "api.dingtalk.stream" in {record.name for record in caplog.records}
    for secret in (*ding.tickets, ding.client_secret, "secret-session"):
        assert secret not in caplog.text
