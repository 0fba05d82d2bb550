"""DingTalk's own SDK and our client, connected to the same gateway, see and say the same."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from api.channels.channel import Begin
from api.dingtalk.message import parse_message
from api.dingtalk.stream import BOT_TOPIC, StreamClient
from tests.fake_dingtalk import FakeDingTalk

SCRIPT = Path(__file__).with_name("dingtalk_sdk_process.py")


@pytest.fixture
def sdk(ding: FakeDingTalk) -> Iterator[subprocess.Popen[str]]:
    pytest.importorskip("dingtalk_stream", reason="the SDK comes with the extra `test`")
    environment = os.environ | {"DINGTALK_OPENAPI_ENDPOINT": ding.base, "NO_PROXY": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), ding.client_id, ding.client_secret],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        yield process
        process.kill()


def test_the_sdk_and_our_client_see_the_same_frames(ding: FakeDingTalk, sdk: subprocess.Popen[str]) -> None:
    messages = [
        ding.message("年假有几天？"),
        ding.single("How many days?"),
        ding.single("", msgtype="richText", content={"richText": [{"text": "一"}, {"text": "二"}]}),
        ding.message("没有工号", senderStaffId=None),
    ]
    ours: list[dict[str, Any]] = []

    async def accept(body: object) -> Begin:
        ours.append(parse_message(body).to_json())
        return lambda: None

    async def scenario() -> list[str]:
        await ding.until(lambda: ding.connections == 1, seconds=60)
        client = asyncio.create_task(StreamClient(ding.settings(), accept).run())
        await ding.until(lambda: ding.connections == 2)
        frames = [ding.push({"opaque": "42"}, kind="SYSTEM", topic="ping", every=True)]
        for message in messages:
            frames.append(ding.push(message, every=True))
            # One by one: the SDK handles frames side by side, in any order.
            await ding.until(lambda: len(acknowledgements(ding, frames[-1])) == 2)
        client.cancel()
        with suppress(asyncio.CancelledError):
            await client
        return frames

    frames = asyncio.run(scenario())
    assert sdk.stdout is not None
    theirs = [json.loads(sdk.stdout.readline()) for _ in messages]
    assert theirs == [{name: seen[name] for name in theirs[0]} for seen in ours]
    for frame in frames:
        one, other = acknowledgements(ding, frame)
        assert (one["code"], one["headers"]) == (other["code"], other["headers"])
    assert [json.loads(ack["data"]) for ack in acknowledgements(ding, frames[0])] == [{"opaque": "42"}] * 2
    subscriptions = [[item["topic"] for item in body["subscriptions"]] for body in ding.opened]
    assert all(BOT_TOPIC in topics for topics in subscriptions)


def acknowledgements(ding: FakeDingTalk, frame: str) -> list[dict[str, Any]]:
    return [ack for ack, _ in ding.acknowledged if ack["headers"]["messageId"] == frame]
