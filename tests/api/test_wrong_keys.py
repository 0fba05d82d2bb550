"""Wrong keys are slowed down and logged; right ones are let in at once, whoever else is behind their address."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.security.wrong_keys import FREE_TRIES, LONGEST_WAIT_SECONDS, MOST_ADDRESSES, WrongKeys
from tests.api.scripted_assistant import ScriptedAssistant, a_workspace

KEY, READER_KEY = "operator-0123456789abcdef", "reader-0123456789abcdef"


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def client() -> TestClient:
    app = create_app(a_workspace(ScriptedAssistant(), api_key=KEY, reader_key=READER_KEY))
    return TestClient(app, base_url="http://127.0.0.1")


def test_many_wrong_keys_have_to_wait_and_a_right_one_has_not() -> None:
    guessing = client()
    codes = [guessing.get("/v1/models", headers={"x-api-key": f"wrong-{n}"}).status_code for n in range(FREE_TRIES + 3)]
    assert codes == [401] * FREE_TRIES + [429] * 3
    refused = guessing.get("/v1/documents", headers={"x-api-key": "wrong"})
    assert refused.json()["error"]["code"] == "too_many_wrong_keys"
    assert 1 <= int(refused.headers["retry-after"]) <= LONGEST_WAIT_SECONDS
    for key in (KEY, READER_KEY):
        assert guessing.get("/v1/documents", headers={"x-api-key": key}).status_code == 200
    assert guessing.get("/v1/documents").status_code == 401  # no key is not a wrong key


def test_the_wait_grows_to_its_longest_and_is_forgotten() -> None:
    clock = Clock()
    wrong = WrongKeys(clock)
    waits = []
    for _ in range(FREE_TRIES + 10):
        assert wrong.note("10.0.0.1", "/v1/ask") == 0
        waits.append(wrong.note("10.0.0.1", "/v1/ask") if len(waits) >= FREE_TRIES - 1 else 0)
        clock.now += waits[-1]
    grown = waits[FREE_TRIES - 1 :]
    assert grown == sorted(grown)
    assert (grown[0], grown[-1]) == (1, LONGEST_WAIT_SECONDS)
    clock.now += 3600
    assert [wrong.note("10.0.0.1", "/v1/ask") for _ in range(FREE_TRIES)] == [0] * FREE_TRIES
    assert wrong.note("10.0.0.2", "/v1/ask") == 0


def test_no_more_addresses_are_remembered_than_there_is_room_for() -> None:
    wrong = WrongKeys(Clock())
    for number in range(MOST_ADDRESSES + 500):
        wrong.note(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "/")
    assert len(wrong) == MOST_ADDRESSES


def test_one_machine_does_not_become_many_by_its_ipv6_addresses() -> None:
    wrong = WrongKeys(Clock())
    waits = [wrong.note(f"2001:db8:1:2::{number:x}", "/") for number in range(FREE_TRIES + 1)]
    assert (len(wrong), waits[-1]) == (1, 1)
    assert wrong.note("2001:db8:1:3::1", "/") == 0


def test_a_wrong_key_is_logged_with_its_address_and_path_and_never_itself(caplog: pytest.LogCaptureFixture) -> None:
    client().get("/v1/docu%0Aments%1b[31m", headers={"x-api-key": "hush-hush-0123456789"})
    (record,) = [record for record in caplog.records if record.name == "api.wrong_keys"]
    assert record.levelno == logging.WARNING
    assert "testclient at /v1/docu\\nments\\x1b[31m" in record.getMessage()
    assert "hush" not in caplog.text


def test_wrong_keys_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    wrong = WrongKeys(clock)
    for number in range(5000):
        wrong.note(f"10.0.{number >> 8}.{number & 255}", "/" + "x" * 5000)
    assert len(caplog.records) == 30
    assert max(len(record.getMessage()) for record in caplog.records) < 400
    clock.now += 61
    wrong.note("10.9.9.9", "/")
    assert "4970 lines" in caplog.records[-1].getMessage()
