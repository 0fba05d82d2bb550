"""The faces over the real chains: documents that were really ingested, really found, and quoted from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from assistant.answer import Assistant
from assistant.gate.fitted import FittedGate
from assistant.models.from_settings import open_model
from assistant.retrieve import CurrentRetriever, Retriever
from ingest.document import Hit
from ingest.sources.folder import FolderSource
from ingest.sources.selection import Selection
from ingest.sources.settings import AccessRule, FolderSettings
from tests.api.served import served

_HANDBOOK = """# Employee handbook

## Annual leave

Every employee has 17 days of annual leave. Unused days lapse at the end of March.

## Remote work

Two days a week may be worked from home, after the probation period.
"""
_EXPENSES = """# 差旅报销制度

## 住宿标准

一线城市住宿费上限为每晚 650 元，其他城市为每晚 480 元。

## 报销期限

出差结束后三十天内提交报销单，逾期不予受理。
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, inline_module: None) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "handbook.md").write_text(_HANDBOOK, encoding="utf-8")
    (folder / "差旅报销制度.md").write_text(_EXPENSES, encoding="utf-8")
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    opened = Workspace.open(settings, command="test")
    report = opened.ingestor.run(FolderSource([folder]))
    assert (report.new, report.failed) == (2, 0)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(workspace: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(workspace), base_url="http://127.0.0.1") as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "language", "said", "title"),
    [
        ("How many days of annual leave does an employee have?", "en", "17 days", "Employee handbook"),
        ("一线城市的住宿费上限是多少？", "zh", "650 元", "差旅报销制度"),
    ],
)
def test_a_question_is_answered_from_the_right_document(
    client: TestClient, question: str, language: str, said: str, title: str
) -> None:
    body = client.post("/v1/ask", json={"question": question}).json()
    assert said in body["answer"]
    assert (body["language"], body["grounded"], body["refused"]) == (language, True, False)
    cited = next(citation for citation in body["citations"] if said in citation["quote"])
    assert cited["title"] == title
    passage = client.get(f"/v1/documents/{cited['document_id']}/passages/{cited['chunk_id']}").json()
    assert cited["quote"] in passage["passage"]["text"]
    original = client.get(f"/v1/documents/{cited['document_id']}/original")
    assert said in original.content.decode()


@pytest.mark.parametrize("question", ["Which planet has the most moons?", "红楼梦的作者是谁？"])
def test_what_the_documents_do_not_answer_is_refused(client: TestClient, question: str) -> None:
    body = client.post("/v1/ask", json={"question": question}).json()
    assert (body["refused"], body["citations"], body["evidence"]) == (True, [], [])


@pytest.mark.parametrize("question", ["一线城市的住宿费上限是多少？", "How many days may be worked from home?"])
def test_the_passages_nearest_to_a_refused_question_open_as_sources_do(workspace: Workspace, question: str) -> None:
    client, house = strict(workspace)
    body = client.post("/v1/ask", json={"question": question}).json()
    found = client.post("/v1/search", json={"query": question, "limit": 1}).json()["hits"]
    asyncio.run(house.aclose())
    assert (body["refused"], body["citations"], body["evidence"]) == (True, [], [])
    assert 1 <= len(body["nearest"]) <= 3
    first = body["nearest"][0]
    assert first["chunk_id"] == found[0]["chunk_id"]
    passage = client.get(f"/v1/documents/{first['document_id']}/passages/{first['chunk_id']}").json()
    assert first["quote"] in passage["passage"]["text"]


def test_a_greeting_counts_the_documents_of_the_key(tmp_path: Path, inline_module: None) -> None:
    (folder := tmp_path / "documents").mkdir()
    (folder / "休假制度.md").write_text("# 休假制度\n\n员工每年享有 12 天带薪年假。", encoding="utf-8")
    (folder / "薪酬.md").write_text("# 薪酬\n\n总经理的年薪保密。", encoding="utf-8")
    rules = (AccessRule(glob="薪酬*", principals=("group:board",)), AccessRule(glob="**", principals=("everyone",)))
    configured = FolderSettings(name="hr", type="folder", path=folder, access=rules)
    keys = {"api_key": "operator-0123456789", "reader_key": "reader-0123456789abc"}
    settings = Settings(home=tmp_path / "home", **keys)  # type: ignore[arg-type]
    with closing(Workspace.open(settings, command="test")) as opened:
        opened.ingestor.run(FolderSource([folder], "hr", selection=Selection.of(configured)))
        client = TestClient(create_app(opened), base_url="http://127.0.0.1")
        said = {}
        for name, key in keys.items():
            headers = {"authorization": f"Bearer {key}"}
            said[name] = client.post("/v1/ask", json={"question": "有哪些文档？"}, headers=headers).json()["answer"]
        asyncio.run(opened.assistant.aclose())
    assert "1 个来源（hr）里的 2 份文档：" in said["api_key"]
    assert "1 个来源（hr）里的 1 份文档：" in said["reader_key"]
    assert ("- 薪酬" in said["api_key"], "薪酬" in said["reader_key"]) == (True, False)


def strict(workspace: Workspace) -> tuple[TestClient, Assistant]:
    """A client of the same home with a gate that lets nothing through."""

    def never(query: str, hits: Sequence[Hit], *, embedder: str, **_: object) -> bool:
        return False

    retriever = CurrentRetriever(workspace.opened.open_versions)
    house = Assistant(retriever, never, open_model(workspace.settings, hub=False), workspace.settings)
    return TestClient(create_app(replace(workspace, assistant=house)), base_url="http://127.0.0.1"), house


def test_a_stream_says_what_one_json_says(client: TestClient) -> None:
    asked = {"question": "出差结束后多久要提交报销单？"}
    whole = client.post("/v1/ask", json=asked).json()
    stream = client.post("/v1/ask", json={**asked, "stream": True}).text
    last = stream.strip().split("\n\n")[-1].split("\n")
    assert last[0] == "event: finished"
    finished = json.loads(last[1].removeprefix("data: "))
    assert _lasting(finished) == _lasting(whole)


def test_search_and_documents_agree(client: TestClient) -> None:
    found = client.get("/v1/search", params={"q": "remote work", "limit": 1}).json()["hits"][0]
    assert found["location"]["heading_path"][-1] == "Remote work"
    listed = client.get("/v1/documents").json()["documents"]
    assert {document["title"] for document in listed} == {"Employee handbook", "差旅报销制度"}
    document = client.get(f"/v1/documents/{found['document_id']}").json()
    assert found["chunk_id"] in [passage["chunk_id"] for passage in document["passages"]]
    assert document["chunks"] == len(document["passages"])


def test_the_openai_sdk_reads_the_citations(workspace: Workspace) -> None:
    with served(create_app(workspace)) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="none") as sdk:
        messages: list[Any] = [{"role": "user", "content": "一线城市的住宿费上限是多少？"}]
        answer = sdk.chat.completions.create(model="youju", messages=messages)
        chunks = list(sdk.chat.completions.create(model="youju", messages=messages, stream=True))
    message = answer.choices[0].message
    assert message.annotations
    marked = message.annotations[0].url_citation
    assert (message.content or "")[marked.start_index : marked.end_index] == "[1]"
    assert marked.title == "差旅报销制度"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == message.content


def test_a_model_server_that_is_down_costs_the_answer_and_not_the_evidence(workspace: Workspace) -> None:
    settings = workspace.settings.model_copy(update={"model": "qwen", "model_url": "http://127.0.0.1:9/v1"})
    store = workspace.store
    retriever = Retriever(store.index, store.catalog, store.embedder)
    down = Assistant(retriever, FittedGate(0.5), open_model(settings, hub=False), settings)
    client = TestClient(create_app(replace(workspace, assistant=down)), base_url="http://127.0.0.1")
    response = client.post("/v1/ask", json={"question": "How many days of annual leave are there?"})
    asyncio.run(down.aclose())
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "model_unreachable"
    assert "17 days" in response.json()["evidence"][0]["text"]


def _lasting(body: dict[str, Any]) -> dict[str, Any]:
    """What two answers to the same question have in common."""
    return {name: value for name, value in body.items() if name not in ("answer_id", "timings_ms")}
