"""What is quick does not wait behind what is long: searches beside jobs, lists beside pictures, one verification."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.serving.drawing import LONGEST_QUEUE
from api.settings import Settings
from assistant.answer import Assistant
from assistant.gate.fitted import FittedGate
from assistant.models.from_settings import open_model
from ingest.catalog.records import Publication
from ingest.sources.folder import FolderSource
from ingest.store import Store
from ingest.verify.verifier import Verifier
from tests.api.scripted_assistant import ScriptedAssistant, a_workspace
from tests.api.served import served
from tests.api.test_stopped_answers import becomes
from tests.canned_retrieval import CannedRetriever, passage


class Jobs:
    """Blocks whoever works, until the end."""

    def __init__(self) -> None:
        self.begun = self.stopped = 0
        self.end = threading.Event()

    def work(self, *_: Any, **named: Any) -> Any:
        self.begun += 1
        stop = named.get("stop") or threading.Event()
        while not self.end.is_set() and not stop.is_set():
            time.sleep(0.01)
        self.stopped += stop.is_set()
        return b"picture"


@contextmanager
def streams(url: str, path: str, count: int) -> Iterator[None]:
    """That many streams of `path`, open."""
    body = {"source": "wiki"} if path == "/v1/runs" else {}
    with ExitStack() as opened, httpx.Client(timeout=60) as client:
        lines = [opened.enter_context(client.stream("POST", url + path, json=body)).iter_lines() for _ in range(count)]
        assert [next(each) for each in lines] == ["event: progress"] * count
        yield


def test_forty_runs_that_are_followed_leave_searches_alone(tmp_path: Path) -> None:
    jobs = Jobs()
    wiki = {"type": "folder", "name": "wiki", "path": str(tmp_path)}
    settings = Settings(sources=[wiki])  # type: ignore[list-item]
    found = CannedRetriever([passage("There are fifteen days of annual leave.", title="Leave")])
    assistant = Assistant(found, FittedGate(0.5), open_model(settings, hub="unused"), settings)
    workspace = a_workspace(assistant, sources=[wiki])  # type: ignore[arg-type]
    workspace.ingestor = SimpleNamespace(run=jobs.work)
    with served(create_app(workspace)) as url:
        try:
            with streams(url, "/v1/runs", 40):
                assert jobs.begun == 40
                assert jobs.stopped == 0
                assert len(httpx.get(f"{url}/v1/search?q=annual leave", timeout=10).json()["hits"]) == 1
        finally:
            jobs.end.set()


def test_a_second_verification_waits_for_the_end_of_the_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs()
    monkeypatch.setattr(Verifier, "verify", jobs.work)
    workspace = a_workspace(ScriptedAssistant())
    workspace.store, workspace.documents = store, store.catalog.documents
    with served(create_app(workspace)) as url:
        with streams(url, "/v1/verify", 1):
            second = httpx.post(f"{url}/v1/verify", json={})
            assert (second.status_code, second.json()["error"]["code"]) == (409, "verification_under_way")
        jobs.end.set()
        # The client of the first went away, which ended it.
        assert becomes(lambda: httpx.post(f"{url}/v1/verify", json={}).status_code == 200)


@pytest.fixture
def pictured(store: Store, settings: Settings, tmp_path: Path) -> Iterator[tuple[str, str, Jobs]]:
    """A server with a document whose pages are drawn slowly: its address, the page's path, and the drawing."""
    original = tmp_path / "plan.pdf"
    original.write_bytes(b"%PDF")
    (reference,) = FolderSource([original]).references()
    revision = store.catalog.take_revision(reference, "digest")
    store.catalog.publish([Publication(reference, revision, "digest", "v1", "plan", "pdf", "en", 1)])
    jobs = Jobs()
    workspace = a_workspace(ScriptedAssistant(), pages=SimpleNamespace(render=jobs.work))
    workspace.store, workspace.documents = store, store.catalog.documents
    with served(create_app(workspace)) as url:
        yield url, f"/v1/documents/{reference.document_id}/pages/1.png", jobs
        jobs.end.set()


def test_pictures_that_wait_leave_the_list_alone_and_too_many_are_refused(pictured: tuple[str, str, Jobs]) -> None:
    url, path, jobs = pictured

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None)) as client:
            pictures = [asyncio.create_task(client.get(url + path)) for _ in range(120)]
            refused = asyncio.as_completed(pictures)
            for _ in range(120 - LONGEST_QUEUE):
                await next(refused)
            assert len((await client.get(f"{url}/v1/documents", timeout=10)).json()["documents"]) == 1
            assert jobs.begun == 1
            jobs.end.set()
            return await asyncio.gather(*pictures)

    answers = asyncio.run(asyncio.wait_for(ask(), 60))
    refused = [each for each in answers if each.status_code == 503]
    assert len(refused) == 120 - LONGEST_QUEUE
    assert refused[0].headers["retry-after"] == "2"
    assert refused[0].json()["error"]["code"] == "renderer_busy"
    assert {each.content for each in answers if each not in refused} == {b"picture"}


def test_who_goes_away_leaves_the_queue_of_pictures(pictured: tuple[str, str, Jobs]) -> None:
    url, path, jobs = pictured

    async def leave() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            pictures = [asyncio.create_task(client.get(url + path)) for _ in range(10)]
            await asyncio.sleep(1)
            for each in pictures:
                each.cancel()
            await asyncio.gather(*pictures, return_exceptions=True)

    asyncio.run(leave())
    time.sleep(1)  # the server has to notice that they are gone
    jobs.end.set()
    assert httpx.get(url + path, timeout=30).status_code == 200
    assert jobs.begun == 2
