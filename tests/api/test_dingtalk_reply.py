"""Sending answers to webhooks that accept, refuse, are busy, or are not DingTalk's."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from api.channels.channel import DeliveryError
from api.dingtalk.message import parse_message
from api.dingtalk.reply import Replier
from ingest.errors import ConfigurationError
from tests.fake_dingtalk import FakeDingTalk


def send(ding: FakeDingTalk, message: dict[str, Any], text: str = "答案", **settings: Any) -> None:
    async def scenario() -> None:
        replier = Replier(ding.settings(**settings))
        try:
            await replier.send(parse_message(message), "一个很长很长很长很长很长很长很长很长的标题", text)
        finally:
            await replier.aclose()

    asyncio.run(scenario())


def failure(ding: FakeDingTalk, message: dict[str, Any], **settings: Any) -> str:
    with pytest.raises(DeliveryError) as error:
        send(ding, message, **settings)
    assert "secret-session" not in str(error.value)
    return error.value.code


def test_an_answer_is_markdown_with_a_short_title(ding: FakeDingTalk) -> None:
    send(ding, ding.single("问"), "## 答案")
    body = ding.sent[0].body
    assert (body["msgtype"], body["markdown"]["text"]) == ("markdown", "## 答案")
    assert len(body["markdown"]["title"]) == 20
    assert "at" not in body


def test_in_a_group_the_asker_is_mentioned_once(ding: FakeDingTalk) -> None:
    send(ding, ding.message("问"), "段落。\n\n" * 1000)
    assert len(ding.sent) == 2
    assert ding.sent[0].body["at"] == {"atUserIds": ["manager7"], "isAtAll": False}
    assert ding.sent[0].text.startswith("@manager7\n\n")
    assert "at" not in ding.sent[1].body


def test_a_group_member_without_a_known_id_is_answered_without_a_mention(ding: FakeDingTalk) -> None:
    send(ding, ding.message("问", senderStaffId=None))
    assert ding.shown() == ["答案"]


def test_a_long_answer_is_sent_in_parts_in_order(ding: FakeDingTalk) -> None:
    paragraphs = [f"第 {number} 段" + "字" * 200 for number in range(50)]
    send(ding, ding.single("问"), "\n\n".join(paragraphs))
    assert "\n\n".join(ding.shown()) == "\n\n".join(paragraphs)
    assert max(map(len, ding.shown())) <= 3500


def test_a_part_that_dingtalk_finds_too_long_is_split_smaller(ding: FakeDingTalk) -> None:
    ding.longest_text = 600
    paragraphs = [f"第 {number} 段" + "字" * 90 for number in range(30)]
    send(ding, ding.single("问"), "\n\n".join(paragraphs))
    assert "\n\n".join(ding.shown()) == "\n\n".join(paragraphs)
    assert ding.sent[0].errcode == 460101


def test_splitting_ends_when_nothing_is_short_enough(ding: FakeDingTalk) -> None:
    ding.longest_text = 0
    assert failure(ding, ding.single("问")) == "dingtalk_answer_too_long"
    assert len(ding.sent) < 10


@pytest.mark.parametrize("refusal", [{"errcode": 130101, "errmsg": "too fast"}, {"errcode": 90018}, 503, 429])
def test_a_busy_dingtalk_is_asked_again_a_little_later(ding: FakeDingTalk, refusal: Any) -> None:
    ding.refusals.extend([refusal, refusal])
    send(ding, ding.single("问"))
    assert ding.shown() == ["答案"]
    assert len(ding.sent) == 3
    assert ding.sent[2].at - ding.sent[0].at >= 0.01


def test_the_pause_that_dingtalk_asks_for_is_made_and_logged_without_secrets(
    ding: FakeDingTalk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ding.refusals.append(503)
    ding.retry_after = "1"
    send(ding, ding.single("问"))
    assert ding.shown() == ["答案"]
    assert ding.sent[1].at - ding.sent[0].at >= 0.9
    assert caplog.text.count("Trying again in 1.0 s") == 1
    assert "secret-session" not in caplog.text


def test_asking_again_has_an_end(ding: FakeDingTalk) -> None:
    ding.refusals.extend([{"errcode": 130101}] * 99)
    assert failure(ding, ding.single("问")) == "dingtalk_busy"
    assert len(ding.sent) == 4


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ({"errcode": 300001, "errmsg": "token is not exist"}, "dingtalk_session_expired"),
        ({"errcode": 90020, "errmsg": "quota"}, "dingtalk_quota_used_up"),
        ({"errcode": 310000, "errmsg": "keywords not in content"}, "dingtalk_refused"),
        ({"unexpected": True}, "dingtalk_refused"),
        (500, "dingtalk_refused"),
        (302, "dingtalk_refused"),
    ],
)
def test_a_refusal_is_final(ding: FakeDingTalk, refusal: Any, code: str) -> None:
    ding.refusals.append(refusal)
    assert failure(ding, ding.single("问")) == code
    assert len(ding.sent) == 1


def test_an_answer_that_may_have_arrived_is_not_repeated(ding: FakeDingTalk) -> None:
    def slow() -> None:
        time.sleep(1.5)

    ding.refusals.append(slow)
    assert failure(ding, ding.single("问"), send_seconds=0.5) == "dingtalk_delivery_unknown"
    ding.wait(lambda: ding.sent)
    assert len(ding.sent) == 1


def test_a_webhook_that_nobody_serves_is_tried_a_few_times(ding: FakeDingTalk) -> None:
    nobody = "http://127.0.0.1:9"
    message = ding.single("问", sessionWebhook=f"{nobody}/robot/sendBySession?session=secret-session-x")
    assert failure(ding, message, webhook_hosts=(nobody,)) == "dingtalk_busy"


def test_a_session_that_has_expired_is_not_called(ding: FakeDingTalk) -> None:
    message = ding.single("问", sessionWebhookExpiredTime=int(time.time() * 1000) - 1)
    assert failure(ding, message) == "dingtalk_session_expired"
    assert ding.sent == []


@pytest.mark.parametrize(
    "webhook",
    [
        "http://localhost:{port}/robot/sendBySession?session=x",
        "http://oapi.dingtalk.com@127.0.0.1:{port}/robot/sendBySession?session=x",
        "http://user@127.0.0.1:{port}/robot/sendBySession?session=x",
        "http://127.0.0.1:1/robot/sendBySession?session=x",
        "http://oapi.dingtalk.com/robot/sendBySession?session=x",
        "https://oapi.dingtalk.com.evil.example/robot/sendBySession?session=x",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/robot",
        "",
        "not a url\n",
        7,
    ],
)
def test_a_webhook_that_is_not_dingtalks_is_never_called(ding: FakeDingTalk, webhook: Any) -> None:
    address = webhook.replace("{port}", str(ding.port)) if isinstance(webhook, str) else webhook
    # The bot itself knows the real hosts only; the fake's own port would be allowed by its origin.
    allowed = {"oapi_base": "https://oapi.dingtalk.com"} if "user" in str(webhook) else {}
    assert failure(ding, ding.single("问", sessionWebhook=address), **allowed) == "dingtalk_webhook_host"
    assert ding.sent == []


def test_sessions_are_in_no_log(ding: FakeDingTalk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    send(ding, ding.single("问"))
    assert "sendBySession" in caplog.text
    assert "secret-session" not in caplog.text


def test_a_host_that_is_no_address_is_refused_at_start(ding: FakeDingTalk) -> None:
    with pytest.raises(ConfigurationError) as error:
        Replier(ding.settings(webhook_hosts=("oapi.dingtalk.com:port",)))
    assert "YOUJU_DINGTALK_WEBHOOK_HOSTS" in str(error.value)
