from __future__ import annotations

import logging
import time

import httpx
import pytest
from pydantic import SecretStr

from ingest.network.secrecy import UNREADABLE, hide_secrets_of_requests, scrubbed, secrets_in, without_secrets
from ingest.settings import IngestSettings
from ingest.versions.fingerprint import restored, shaping


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://user:hunter2@model.corp:8000/v1?key=hunter2#hunter2", "http://model.corp:8000/v1"),
        ("https://hunter2@model.corp/v1", "https://model.corp/v1"),
        ("http://us@er:hunt@er2@model.corp/v1", "http://model.corp/v1"),
        ("http://user:hunter2@[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("HTTP://Model.Corp:/v1", "http://model.corp/v1"),
        ("postgresql+psycopg://user:hunter2@db/youju", "postgresql+psycopg://db/youju"),
        ("s3://Bucket/folder", "s3://Bucket/folder"),
        ("sftp://user@host/folder", "sftp://host/folder"),
        ("https://registry.corp/@team/v1", "https://registry.corp/@team/v1"),
        ("user:hunter2@model.corp/v1", "model.corp/v1"),
        ("model.corp:6333?key=hunter2", "model.corp:6333"),
        ("http:/user:hunter2@model.corp", "model.corp"),
        ("http://user:hunter2@model.corp:port/v1", UNREADABLE),
        ("http://user:12/hunter2@model.corp/v1", UNREADABLE),
        ("http://user:12?hunter2@model.corp/v1", UNREADABLE),
        ("http://user:12#hunter2@model.corp/v1", UNREADABLE),
        ("http://[hunter2", UNREADABLE),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_user_password_and_query(url: str, shown: str) -> None:
    assert without_secrets(url) == shown
    assert "hunt" not in shown


def test_what_is_secret_in_an_address_is_known_as_it_is_and_as_it_is_sent() -> None:
    found = secrets_in("https://user:p%40ss@host/v1?key=abc%2Fdef&x")
    assert {"p%40ss", "p@ss", "dXNlcjpwQHNz", "abc%2Fdef", "abc/def"} == set(found)
    assert secrets_in("https://token-1234@host/v1") == ("token-1234",)
    assert secrets_in("http://host/v1") == secrets_in(None) == secrets_in("http://[") == ()


def test_what_others_say_is_repeated_without_secrets_in_one_short_line() -> None:
    said = "Bad\x1b[31m key\nhunter2-long, hunter2: http://me:pass@host/v1 Bearer abc.def sk-abc***xyz" + " x" * 1000
    shown = scrubbed(said, ("hunter2", "hunter2-long", "me"))
    assert shown.startswith("Bad [31m key …, …: http://host/v1 … …")
    assert len(shown) <= 302
    assert scrubbed("the user is some 10 chars", ("user", "10")) == "the … is some 10 chars"


@pytest.mark.parametrize("pattern", ["://", "://a", "Bearer ", "sk-", "@", "sk-*"])
def test_cleaning_takes_no_longer_than_the_text_grows(pattern: str) -> None:
    def seconds(repeats: int) -> float:
        began = time.thread_time()
        for _ in range(20):
            scrubbed(pattern * repeats, ("secret",))
        return time.thread_time() - began

    seconds(100)
    assert min(seconds(2000) for _ in range(3)) < 10 * min(seconds(500) for _ in range(3)) + 0.05


def test_the_log_of_requests_shows_addresses_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    hide_secrets_of_requests()
    caplog.set_level(logging.DEBUG)
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        client.get("http://me:hunter2@host/v1?key=hunter3")
    assert "http://host/v1" in caplog.text
    assert "hunter" not in caplog.text


def test_printing_the_settings_shows_no_address() -> None:
    settings = IngestSettings(
        qdrant_url="http://me:hunter2@q", embedding_url="http://me:hunter2@e", embedding_model="m"
    )
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("now", "then", "keeps"),
    [
        ("http://me:hunter2@host:8000/v1", "http://host:8000/v1", True),
        ("http://me:hunter2@[::1]:8000/v1", "http://[::1]:8000/v1", True),
        ("http://[::1]:8000/v1", "http://::1:8000/v1", True),  # as older versions kept it
        ("http://host:8000/v1", "http://other:8000/v1", False),
        ("http://me:hunter2@host:port/v1", "http://host:8000/v1", False),
    ],
)
def test_a_key_goes_to_the_server_of_the_settings_only(now: str, then: str, keeps: bool) -> None:
    settings = IngestSettings(embedding_url=now, embedding_model="m", embedding_api_key=SecretStr("key"))
    assert "hunter2" not in str(shaping(settings))
    past = restored(settings, {**shaping(settings), "embedding_url": then})
    assert past.embedding_url == (now if keeps else then)
    assert (past.embedding_api_key is not None) is keeps
