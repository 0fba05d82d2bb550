"""Every face says what was searched for in the place of what was typed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.channels.render import render
from api.dingtalk.markdown import spaced
from api.settings import Settings
from api.workspace import Workspace
from assistant.events import Change, Event, Finished, Searched
from assistant.request import AnswerLanguage
from assistant.retrieve import Retriever
from ingest.access import OPERATOR
from ingest.sources.folder import FolderSource
from tests.api.command_line import run_here
from tests.api.test_renumbering import written
from tests.fake_openai_server import FakeOpenAIServer, Reply

_GUIDE = """# 行政指南

## 食堂

食堂在 2 号楼一层，午餐从 11:30 开始。

## 停车

停车费每月 150 元，从工资中扣除。
"""
_EXPENSES = "# Expenses\n\nSend receipts for reimbursement of hotel costs within 30 days.\n"
_SPELLING = {"kind": "spelling", "written": "食唐", "searched": "食堂"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, inline_module: None) -> Path:
    folder, home = tmp_path_factory.mktemp("documents"), tmp_path_factory.mktemp("home")
    (folder / "行政指南.md").write_text(_GUIDE, encoding="utf-8")
    (folder / "expenses.md").write_text(_EXPENSES, encoding="utf-8")
    workspace = Workspace.open(Settings(home=home), command="test")
    assert workspace.ingestor.run(FolderSource([folder])).failed == 0
    workspace.close()
    return home


@pytest.fixture
def workspace(home: Path) -> Iterator[Workspace]:
    opened = Workspace.open(Settings(home=home), command="test")
    yield opened
    opened.close()


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(workspace), base_url="http://127.0.0.1") as opened:
        yield opened


def test_an_answer_says_it_and_answers_the_mended_question(client: TestClient) -> None:
    body = client.post("/v1/ask", json={"question": "食唐在哪里？"}).json()
    assert (body["question"], body["changed"]) == ("食唐在哪里？", [_SPELLING])
    assert (body["refused"], "2 号楼一层" in body["answer"]) == (False, True)


def test_pinyin_is_answered_in_chinese(client: TestClient) -> None:
    body = client.post("/v1/ask", json={"question": "shitang zai nali"}).json()
    assert (body["language"], body["changed"][0]["searched"]) == ("zh", "食堂在哪里")
    assert "2 号楼一层" in body["answer"]


def test_an_answer_as_asked_has_no_change(client: TestClient) -> None:
    assert client.post("/v1/ask", json={"question": "食堂在哪里？"}).json()["changed"] == []


def test_the_stream_says_it_first(client: TestClient) -> None:
    text = client.post("/v1/ask", json={"question": "食唐在哪里？", "stream": True}).text
    events = [block.splitlines() for block in text.split("\n\n") if block.startswith("event:")]
    name, data = events[0][0], json.loads(events[0][1].removeprefix("data: "))
    assert name == "event: searched"
    assert (data["query"], data["changed"]) == ("食堂在哪里？", [_SPELLING])
    assert json.loads(events[-1][1].removeprefix("data: "))["changed"] == [_SPELLING]


@pytest.mark.parametrize("by_link", [False, True])
def test_a_search_says_it(client: TestClient, by_link: bool) -> None:
    if by_link:
        body = client.get("/v1/search", params={"q": "食唐"}).json()
    else:
        body = client.post("/v1/search", json={"query": "食唐", "limit": 1}).json()
    assert (body["query"], body["changed"]) == ("食堂", [_SPELLING])
    assert "食堂在 2 号楼" in body["hits"][0]["text"]


def test_openai_clients_read_it_at_the_end_and_it_is_no_part_of_the_conversation(
    client: TestClient, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(stream: bool, *before: dict[str, str]) -> Any:
        messages = [*before, {"role": "user", "content": "hotel reimbursment"}]
        return client.post("/v1/chat/completions", json={"model": "youju", "messages": messages, "stream": stream})

    body = asked(False).json()
    content = body["choices"][0]["message"]["content"]
    assert content.endswith("\n\n> ℹ Searched for “reimbursement”.")
    assert body["changed"] == [{"kind": "spelling", "written": "reimbursment", "searched": "reimbursement"}]
    assert "Searched for “reimbursement”." in asked(True).text

    seen: list[str] = []
    answer = workspace.assistant.answer

    def watched(question: str, conversation: Any, *others: Any) -> AsyncGenerator[Event, None]:
        seen.extend(turn.text for turn in conversation)
        return answer(question, conversation, *others)

    monkeypatch.setattr(workspace.assistant, "answer", watched)
    asked(False, {"role": "user", "content": "hotel?"}, {"role": "assistant", "content": content})
    assert len(seen) == 2
    assert "Searched for" not in "".join(seen)


@pytest.mark.parametrize(
    ("language", "kind", "first"),
    [
        ("zh", "spelling", "已按「食堂」「［1］」搜索。"),
        ("en", "spelling", "Searched for “食堂”, “［1］”."),
        ("en", "pinyin", "已按「食堂」「［1］」搜索。"),
    ],
)
def test_a_chat_says_it_first(language: AnswerLanguage, kind: Any, first: str) -> None:
    changed = (Change(kind, "食唐", "食堂"), Change(kind, "x", "[1]"))

    async def events() -> AsyncGenerator[Event, None]:
        yield Searched("a1", "食堂在哪", language, 1, changed)
        for event in written("公司在绍兴。")[1:]:
            yield event

    said = asyncio.run(render(events(), language, spaced))
    assert said.markdown.splitlines()[0] == first
    assert said.answer == "公司在绍兴。"


def test_the_command_line_says_it(home: Path) -> None:
    for command in ("ask", "search"):
        done = run_here(home, command, "食唐在哪里")
        assert done.returncode == 0
        assert "食唐 → searched for 食堂" in done.stderr
        assert "食堂" in done.stdout
        assert "searched for" not in run_here(home, command, "食堂在哪里").stderr


def test_the_file_in_the_home_is_in_use_at_once(home: Path, client: TestClient) -> None:
    file = home / "synonyms.txt"
    file.write_text("小饭桌 = 食堂\n没有等号\n", encoding="utf-8")
    try:
        body = client.post("/v1/search", json={"query": "小饭桌几点开"}).json()
    finally:
        file.unlink()
    assert body["changed"] == [{"kind": "synonym", "written": "小饭桌", "searched": "食堂"}]


@pytest.mark.parametrize(
    ("text", "state", "detail"),
    [
        (None, "bad", "does not exist"),
        ("饭堂 = 食堂\n没有等号\n", "bad", "line 2: it has no `=`"),
        ("饭堂 = 食堂\n", "ok", "1 groups"),
    ],
)
def test_doctor_looks_at_the_file_of_the_setting(tmp_path: Path, text: str | None, state: str, detail: str) -> None:
    file = tmp_path / "words.txt"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    done = run_here(tmp_path / "home", "doctor", "--json", synonyms=str(file))
    (finding,) = (each for each in json.loads(done.stdout)["findings"] if each["name"] == "synonyms")
    assert finding["state"] == state
    assert detail in finding["detail"]


def test_the_events_of_an_answer_begin_with_the_query_as_searched(workspace: Workspace) -> None:
    async def told() -> list[Event]:
        return [event async for event in workspace.assistant.answer("食唐在哪里", (), OPERATOR)]

    events = asyncio.run(told())
    assert isinstance(events[0], Searched)
    assert (events[0].query, events[0].changed) == ("食堂在哪里", (Change("spelling", "食唐", "食堂"),))
    assert isinstance(events[-1], Finished)


def test_initials_are_answered_and_said(client: TestClient) -> None:
    body = client.post("/v1/ask", json={"question": "st在哪里？"}).json()
    assert body["changed"] == [{"kind": "pinyin", "written": "st", "searched": "食堂"}]
    assert "2 号楼一层" in body["answer"]


@pytest.mark.parametrize(("setting", "searches"), [(True, 2), (False, 1)])
def test_everyday_words_can_be_switched_off(
    home: Path, monkeypatch: pytest.MonkeyPatch, setting: bool, searches: int
) -> None:
    made: list[str] = []
    search, search_by_words = Retriever.retrieve, Retriever.by_words

    def counted(self: Retriever, query: str, **more: Any) -> Any:
        made.append(query)
        return search(self, query, **more)

    def counted_too(self: Retriever, query: str, **more: Any) -> Any:
        made.append(query)
        return search_by_words(self, query, **more)

    monkeypatch.setattr(Retriever, "retrieve", counted)
    monkeypatch.setattr(Retriever, "by_words", counted_too)
    opened = Workspace.open(Settings(home=home, everyday_words=setting), command="test")
    try:
        with TestClient(create_app(opened), base_url="http://127.0.0.1") as client:
            client.post("/v1/ask", json={"question": "饭堂在哪里？"})
    finally:
        opened.close()
    assert made.count("饭堂在哪里？") == searches
    assert len(set(made)) == 2 + (not setting)  # with them the word is explained, and no other one is tried for it


def test_what_a_model_worded_is_said_and_is_no_markdown(home: Path) -> None:
    question, words = "月球基地的氧气由谁负责？", "英文：Who is in charge of *oxygen*?\n换词：氧气供应责任人"
    changes = [("translation", "Who is in charge of *oxygen*?"), ("rewording", "氧气供应责任人")]
    with FakeOpenAIServer([Reply(words)]) as model:
        settings = Settings(home=home, model=model.model, model_url=model.url)
        with (
            closing(Workspace.open(settings, command="test")) as workspace,
            TestClient(create_app(workspace), base_url="http://127.0.0.1") as client,
        ):
            body = client.post("/v1/ask", json={"question": question}).json()
            messages = [{"role": "user", "content": question}]
            chat = client.post("/v1/chat/completions", json={"model": "youju", "messages": messages}).json()
    assert [(each["kind"], each["searched"]) for each in body["changed"]] == changes
    assert {each["written"] for each in body["changed"]} == {question}
    assert body["refused"]
    # What a model says is no Markdown of ours.
    said = chat["choices"][0]["message"]["content"]
    assert "> ℹ 已按「Who is in charge of ＊oxygen＊?」「氧气供应责任人」搜索。" in said
