"""Each answer has an id on every face, and all faces ask the one assistant of the workspace: a wrapper around it sees
each question, who asked it, and how its answer went.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from assistant.answer import Assistant
from assistant.conversation import Conversation
from assistant.events import Event, Failed, Finished, Searched
from assistant.gate.fitted import FittedGate
from assistant.models.from_settings import open_model
from assistant.retrieve import CurrentRetriever
from ingest.access import EVERYONE, OPERATOR, Reader
from ingest.sources.folder import FolderSource
from tests.fake_dingtalk import FakeDingTalk

pytestmark = pytest.mark.usefixtures("inline")

QUESTION = "员工每年有几天年假？"
KEY, READER_KEY = "operator-0123456789", "reader-0123456789abc"


@dataclass
class Observed:
    """An assistant around another one, as a log of questions would be."""

    inner: Assistant
    seen: list[tuple[str, Reader, list[Event]]] = field(default_factory=list)

    async def answer(
        self, question: str, conversation: Conversation, reader: Reader, page: Any = None
    ) -> AsyncGenerator[Event, None]:
        events: list[Event] = []
        self.seen.append((question, reader, events))
        async with aclosing(self.inner.answer(question, conversation, reader)) as answered:
            async for event in answered:
                events.append(event)
                yield event

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def ids(self) -> list[str]:
        """The ids of the answers so far, each from its first and its last event."""
        found = []
        for _, _, (first, *_, last) in self.seen:
            assert isinstance(first, Searched)
            assert isinstance(last, Finished)
            assert first.answer_id == last.answer_id
            found.append(first.answer_id)
        return found


@pytest.fixture
def workspace(ding: FakeDingTalk, tmp_path: Path) -> Iterator[Workspace]:
    (folder := tmp_path / "documents").mkdir()
    (folder / "休假制度.md").write_text("# 休假制度\n\n员工每年享有 12 天带薪年假。", encoding="utf-8")
    settings = Settings(
        home=tmp_path / "home",
        api_key=SecretStr(KEY),
        reader_key=SecretStr(READER_KEY),
        dingtalk_client_id=ding.client_id,
        dingtalk_client_secret=SecretStr(ding.client_secret),
        dingtalk_http=True,
        dingtalk_api_base=ding.base,
        dingtalk_oapi_base=ding.base,
    )
    opened = Workspace.open(settings, command="test")
    try:
        assert opened.ingestor.run(FolderSource([folder])).new == 1
        yield opened
    finally:
        opened.close()


def of_stream(text: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def test_whatever_the_face_one_wrapper_sees_each_answer_once_and_with_the_id_that_was_shown(
    workspace: Workspace, ding: FakeDingTalk
) -> None:
    observed = Observed(workspace.assistant)
    app = create_app(replace(workspace, assistant=observed))  # type: ignore[arg-type]
    chat = {"model": "youju", "messages": [{"role": "user", "content": QUESTION}]}
    with TestClient(app, base_url="http://127.0.0.1", headers={"authorization": f"Bearer {KEY}"}) as client:
        whole = client.post("/v1/ask", json={"question": QUESTION}).json()["answer_id"]
        streamed = of_stream(client.post("/v1/ask", json={"question": QUESTION, "stream": True}).text)
        completion = client.post("/v1/chat/completions", json=chat).json()["id"]
        chunks = of_stream(client.post("/v1/chat/completions", json={**chat, "stream": True}).text)
        reader = {"authorization": f"Bearer {READER_KEY}"}
        read = client.post("/v1/ask", json={"question": QUESTION}, headers=reader).json()["answer_id"]
        client.post("/dingtalk/callback", json=ding.single(QUESTION), headers=ding.signed())
        ding.wait(lambda: ding.sent, seconds=30)
    ids = observed.ids()
    assert (streamed[0]["answer_id"], streamed[-1]["answer_id"]) == (ids[1], ids[1])
    assert {chunk["id"] for chunk in chunks} == {f"chatcmpl-{ids[3]}"}
    assert [whole, completion, read] == [ids[0], f"chatcmpl-{ids[2]}", ids[4]]
    assert len(set(ids)) == len(ids) == 6
    assert {question for question, _, _ in observed.seen} == {QUESTION}
    assert [reader for _, reader, _ in observed.seen[:5]] == [*4 * [OPERATOR], Reader(frozenset({EVERYONE}))]
    assert not observed.seen[5][1].may_read(("group:board",), "local")


def test_an_answer_that_fails_has_its_id_too(workspace: Workspace) -> None:
    settings = workspace.settings.model_copy(update={"model": "qwen", "model_url": "http://127.0.0.1:9/v1"})
    retriever = CurrentRetriever(workspace.opened.open_versions)
    down = Assistant(retriever, FittedGate(0.5), open_model(settings, hub=False), settings)
    observed = Observed(down)
    chat = {"model": "youju", "messages": [{"role": "user", "content": QUESTION}]}
    app = create_app(replace(workspace, assistant=observed))  # type: ignore[arg-type]
    with TestClient(app, base_url="http://127.0.0.1", headers={"authorization": f"Bearer {KEY}"}) as client:
        whole = client.post("/v1/ask", json={"question": QUESTION})
        streamed = of_stream(client.post("/v1/ask", json={"question": QUESTION, "stream": True}).text)
        completion = client.post("/v1/chat/completions", json=chat)
    assert whole.status_code == completion.status_code == 503
    shown = [whole.json()["answer_id"], streamed[-1]["answer_id"], completion.json()["id"].removeprefix("chatcmpl-")]
    begun = [events[0] for _, _, events in observed.seen]
    assert shown == [event.answer_id for event in begun if isinstance(event, Searched)]
    assert all(isinstance(events[-1], Failed) for _, _, events in observed.seen)
