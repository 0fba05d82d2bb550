"""What fails for a reason that may soon be over is tried again: patiently in a run, briskly for a question."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from ingest.embedding.remote import RemoteEmbedder
from ingest.errors import UnavailableError
from ingest.network.retrying import Patience, TransientError, retried, retry_after
from ingest.runs.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.embedding_server import EmbeddingServer, embedding_server

QUICK = Patience(tries=3, total_seconds=5.0, first_seconds=0.01)


@pytest.fixture
def server() -> Iterator[tuple[EmbeddingServer, str]]:
    with embedding_server() as listening:
        yield listening


def fails(times: int, error: Exception) -> tuple[list[float], Any]:
    """Work that fails so often, and when it was called."""
    called: list[float] = []

    def work() -> str:
        called.append(time.monotonic())
        if len(called) <= times:
            raise error
        return "done"

    return called, work


def transient(retry_seconds: float | None = None) -> TransientError:
    return TransientError(UnavailableError("server_down", "The server is down.", "Start it."), retry_seconds)


def failing(behind: EmbeddingServer, times: int, status: int) -> None:
    """Have the server answer with this status so often."""

    def answer(texts: list[str]) -> tuple[int, Any]:
        return (status, {"error": "sk-secret"}) if len(behind.requests) <= times else behind.vectors(texts)

    behind.answer = answer


def test_what_fails_for_now_is_tried_again_and_each_time_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    called, work = fails(2, transient())
    assert retried(work, QUICK) == "done"
    assert len(called) == 3
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]
    assert "The server is down. Trying again in" in caplog.text


def test_tries_are_counted_and_the_last_error_is_raised() -> None:
    called, work = fails(9, transient())
    with pytest.raises(UnavailableError) as caught:
        retried(work, QUICK)
    assert caught.value.code == "server_down"
    assert len(called) == 3


def test_other_errors_are_not_tried_again() -> None:
    called, work = fails(9, ValueError("a mistake"))
    with pytest.raises(ValueError, match="a mistake"):
        retried(work, QUICK)
    assert len(called) == 1


def test_the_pause_that_a_server_asks_for_is_made() -> None:
    called, work = fails(1, transient(0.5))
    retried(work, QUICK)
    assert called[1] - called[0] >= 0.5


def test_a_pause_that_is_longer_than_the_patience_is_not_begun() -> None:
    called, work = fails(1, transient(6.0))
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        retried(work, QUICK)
    assert len(called) == 1
    assert time.monotonic() - began < 5.0


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("7") == 7.0
    in_a_minute = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert in_a_minute is not None
    assert 50 < in_a_minute <= 60
    assert retry_after(format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)) == 0.0
    for nonsense in (None, "", "soon", "-1", "²", "1e9", "Mon, 99 Foo"):
        assert retry_after(nonsense) is None


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_embedding_server_that_is_away_for_a_moment_is_asked_again(
    server: tuple[EmbeddingServer, str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    behind, url = server
    failing(behind, 1, status)
    embedder = RemoteEmbedder(url.replace("//", "//me:hunter2pw@"), "m", api_key="sk-secret")
    assert embedder.embed_query("hello").shape == (3,)
    assert len(behind.requests) == 2
    assert f"answered {status}" in caplog.text
    assert "sk-secret" not in caplog.text
    assert "hunter2pw" not in caplog.text


def test_the_pause_that_an_embedding_server_asks_for_is_made(server: tuple[EmbeddingServer, str]) -> None:
    behind, url = server
    behind.retry_after = "1"
    failing(behind, 1, 429)
    began = time.monotonic()
    RemoteEmbedder(url, "m").embed_query("hello")
    assert time.monotonic() - began >= 1.0


def test_a_refusal_is_not_asked_again(server: tuple[EmbeddingServer, str]) -> None:
    behind, url = server
    failing(behind, 9, 404)
    with pytest.raises(Exception, match="404"):
        RemoteEmbedder(url, "m").embed_query("hello")
    assert len(behind.requests) == 1


def with_server(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"embedding_url": url, "embedding_model": "m", "embed_workers": 1})


@pytest.mark.usefixtures("inline")
def test_one_bad_answer_does_not_end_a_run(
    folder: Path, settings: Settings, server: tuple[EmbeddingServer, str]
) -> None:
    behind, url = server
    for number in range(80):
        (folder / f"{number}.txt").write_text(f"第 {number} 条规定：访客必须登记。")
    with closing(Store.open(with_server(settings, url), command="test")) as store:
        asked = len(behind.requests)
        failing(behind, asked + 1, 503)
        report = Ingestor(store, with_server(settings, url)).run(FolderSource([folder]))
    assert (report.new, report.failed) == (80, 0)


@pytest.mark.slow
def test_a_run_that_waits_for_its_embedding_server_says_so_and_stops_when_it_is_told_to(
    folder: Path, settings: Settings, server: tuple[EmbeddingServer, str], capfd: pytest.CaptureFixture[str]
) -> None:
    behind, url = server
    (folder / "1.txt").write_text("访客必须登记。")
    with closing(Store.open(with_server(settings, url), command="test")) as store:
        behind.retry_after = "100"
        stop = threading.Event()
        failing(behind, 999, 503)
        asked = len(behind.requests)
        run = threading.Thread(
            target=Ingestor(store, with_server(settings, url)).run,
            args=(FolderSource([folder]),),
            kwargs={"stop": stop},
        )
        run.start()
        for _ in range(600):
            if len(behind.requests) > asked:
                break
            time.sleep(0.1)
        time.sleep(1.0)
        assert run.is_alive()
        stop.set()
        run.join(30)
        assert not run.is_alive()
    assert "Trying again in 100.0 s" in capfd.readouterr().err
