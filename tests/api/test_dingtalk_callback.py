from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.channels.channel import Begin
from api.dingtalk.callback import _Signatures, callback_router, sign
from api.dingtalk.message import parse_message
from api.dingtalk.settings import DingTalkSettings
from ingest.errors import UnavailableError
from tests.fake_dingtalk import FakeDingTalk

SETTINGS = DingTalkSettings(client_id="ding", client_secret=SecretStr(FakeDingTalk.client_secret))


class Accepting:
    def __init__(self) -> None:
        self.ids: list[str] = []
        self.begun: list[bool] = []
        self.error: Exception | None = None

    async def accept(self, body: object) -> Begin:
        if self.error is not None:
            raise self.error
        self.ids.append(parse_message(body).id)
        return lambda: self.begun.append(True)


@pytest.fixture
def accepting() -> Accepting:
    return Accepting()


@pytest.fixture
def client(accepting: Accepting) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(callback_router(SETTINGS, accepting.accept))
    with TestClient(app) as client:
        yield client


@pytest.fixture
def ding() -> FakeDingTalk:
    fake = FakeDingTalk()
    fake.base = "http://127.0.0.1:9"
    return fake


def post(client: TestClient, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
    response = client.post("/dingtalk/callback", json=body, headers=headers)
    return response.status_code, response.json()


def test_the_signature_is_the_one_that_dingtalk_documents() -> None:
    assert sign("1577262236757", "this is a secret") == "DJrE6qdyVGCQz9z5r2MDuNcNAhwYnuAkyj13cx169CA="


def test_a_signed_message_is_accepted(client: TestClient, accepting: Accepting, ding: FakeDingTalk) -> None:
    message = ding.message()
    assert post(client, message, ding.signed()) == (200, {"msgtype": "empty"})
    assert accepting.ids == [message["msgId"]]
    assert accepting.begun == [True]


def test_the_answer_begins_after_the_acknowledgement_even_when_nobody_takes_it(
    accepting: Accepting, ding: FakeDingTalk
) -> None:
    app = FastAPI()
    app.include_router(callback_router(SETTINGS, accepting.accept))
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": json.dumps(ding.message()).encode()}

    async def send(event: Any) -> None:
        said.append((event["type"], list(accepting.begun)))
        if event["type"] == "http.response.body":
            raise OSError("the caller has gone")

    headers = [(name.encode(), value.encode()) for name, value in ding.signed().items()]
    scope = {"type": "http", "method": "POST", "path": "/dingtalk/callback", "headers": headers, "query_string": b""}
    with pytest.raises(OSError, match="gone"):
        asyncio.run(app(scope, receive, send))
    assert said == [("http.response.start", []), ("http.response.body", [])]
    assert accepting.begun == [True]


def test_a_wrong_or_missing_signature_is_refused(
    client: TestClient, accepting: Accepting, ding: FakeDingTalk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = ding.signed()
    for headers in (
        {},
        ding.signed(secret="another"),
        {"timestamp": good["timestamp"]},
        {"sign": good["sign"]},
        good | {"timestamp": str(int(good["timestamp"]) + 1)},
        good | {"sign": "签".encode().hex()},
        {"timestamp": "soon", "sign": sign("soon", ding.client_secret)},
    ):
        status, body = post(client, ding.message(), headers)
        assert (status, body["error"]["code"]) == (401, "dingtalk_signature_wrong")
    assert accepting.ids == []
    assert ding.client_secret not in caplog.text
    assert good["sign"] not in caplog.text


@pytest.mark.parametrize("age_seconds", [330, -90, 3500, -3500, 10**7])
def test_a_timestamp_outside_the_window_is_refused(
    client: TestClient, accepting: Accepting, ding: FakeDingTalk, age_seconds: float
) -> None:
    status, body = post(client, ding.message(), ding.signed(age_seconds=age_seconds))
    assert (status, body["error"]["code"]) == (403, "dingtalk_timestamp_old")
    assert accepting.ids == []


def test_a_timestamp_inside_the_window_is_good(client: TestClient, ding: FakeDingTalk) -> None:
    assert post(client, ding.message(), ding.signed(age_seconds=270))[0] == 200
    assert post(client, ding.message(), ding.signed(age_seconds=-30))[0] == 200


def test_the_window_is_a_setting(accepting: Accepting, ding: FakeDingTalk) -> None:
    app = FastAPI()
    app.include_router(callback_router(replace(SETTINGS, window_seconds=3600.0), accepting.accept))
    with TestClient(app) as client:
        assert post(client, ding.message(), ding.signed(age_seconds=3500))[0] == 200
        assert post(client, ding.message(), ding.signed(age_seconds=-3500))[0] == 403


def test_a_signature_is_good_for_the_message_that_it_came_with_and_for_no_other(
    client: TestClient, accepting: Accepting, ding: FakeDingTalk, caplog: pytest.LogCaptureFixture
) -> None:
    message, captured = ding.message(), ding.signed()
    assert post(client, message, captured)[0] == 200
    for forged in (ding.message("", senderStaffId="ceo"), {"msgtype": "text"}, []):
        status, body = post(client, forged, captured)
        assert (status, body["error"]["code"]) == (403, "dingtalk_signature_used")
    # Delivered again, which DingTalk does: it is the inbox that knows it.
    assert post(client, message, captured)[0] == 200
    assert accepting.ids == [message["msgId"]] * 2
    assert captured["sign"] not in caplog.text


def test_what_is_remembered_of_signatures_is_forgotten_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    signatures = _Signatures(window_seconds=300.0)
    for number in range(100):
        assert signatures.allow(str(number), {"msgId": f"msg{number}"})
        now[0] += 60.0
    # The window, and the minute that a clock may be ahead.
    assert len(signatures._used) <= 7


@pytest.mark.parametrize("body", [b"{not json", b"\xff\xfe", b"[]", b'{"msgtype": "text"}', b"[" * 100_000])
def test_a_body_that_is_no_message_is_a_clear_error(client: TestClient, ding: FakeDingTalk, body: bytes) -> None:
    response = client.post("/dingtalk/callback", content=body, headers=ding.signed())
    assert (response.status_code, response.json()["error"]["code"]) == (400, "dingtalk_message_invalid")


def test_a_body_that_is_too_large_is_refused(client: TestClient, ding: FakeDingTalk) -> None:
    response = client.post("/dingtalk/callback", content=b"x" * 1_100_000, headers=ding.signed())
    assert (response.status_code, response.json()["error"]["code"]) == (413, "dingtalk_body_too_large")


def test_dingtalk_is_not_told_that_a_message_was_kept_when_it_was_not(
    client: TestClient, accepting: Accepting, ding: FakeDingTalk
) -> None:
    accepting.error = UnavailableError("database_unavailable", "The database is away.")
    status, body = post(client, ding.message(), ding.signed())
    assert (status, body["error"]["code"]) == (503, "database_unavailable")
