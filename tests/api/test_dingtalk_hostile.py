"""A place that calls itself DingTalk and answers with more than anybody wants."""

from __future__ import annotations

import pytest

from tests.hostile_server import PACKED, bomb, hostile_server
from tests.ingest.peak_memory import peak_mb

_IMPORTS = """
import asyncio, time
from pydantic import SecretStr
from api.channels.channel import DeliveryError
from api.dingtalk.message import parse_message
from api.dingtalk.reply import Replier
from api.dingtalk.settings import DingTalkSettings
from api.dingtalk.stream import StreamClient

def settings(url):
    secret = SecretStr("secret")
    return DingTalkSettings(client_id="id", client_secret=secret, oapi_base=url, api_base=url, webhook_hosts=())

def message(url):
    return parse_message({
        "msgId": "1", "conversationId": "c", "conversationType": "1", "senderId": "s", "senderStaffId": "m",
        "robotCode": "id", "msgtype": "text", "text": {"content": "?"}, "chatbotUserId": "b",
        "sessionWebhook": url + "/robot/sendBySession?session=x",
        "sessionWebhookExpiredTime": int(time.time() * 1000) + 60_000, "createAt": int(time.time() * 1000),
    })

async def reply(url):
    replier = Replier(settings(url))
    try:
        await replier.send(message(url), "title", "text")
    except DeliveryError as error:
        return error.code
    finally:
        await replier.aclose()

async def connect(url):
    try:
        async with asyncio.timeout(4):
            await StreamClient(settings(url), None).run()
    except TimeoutError:
        return "trying again"

asyncio.run(asyncio.sleep(0))
"""


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("is_packed", [True, False])
def test_what_is_said_to_an_answer_is_not_kept_beyond_a_size(status: int, is_packed: bool) -> None:
    body, headers, times = (bomb(), PACKED, 1) if is_packed else (b" " * (1 << 20), {}, 200)
    with hostile_server(body, status=status, headers=headers, times=times) as (url, asked):
        answer, megabytes = peak_mb(_IMPORTS, "answer = asyncio.run(reply(sys.argv[1]))", url)
    assert answer == "dingtalk_refused"
    assert megabytes < 24
    assert asked[0]["accept-encoding"] == "identity"


@pytest.mark.parametrize("is_packed", [True, False])
def test_a_ticket_is_small(is_packed: bool) -> None:
    body, headers, times = (bomb(), PACKED, 1) if is_packed else (b" " * (1 << 20), {}, 200)
    with hostile_server(body, headers=headers, times=times) as (url, asked):
        answer, megabytes = peak_mb(_IMPORTS, "answer = asyncio.run(connect(sys.argv[1]))", url)
    assert answer == "trying again"
    assert megabytes < 24
    assert asked[0]["accept-encoding"] == "identity"
