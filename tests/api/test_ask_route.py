"""`POST /v1/ask`, as one JSON and as a stream, and what becomes of it when something breaks."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.http.streaming import begun, paced, rendered, together
from assistant.conversation import Turn
from assistant.events import Event, Evidence, Failed, TextDelta
from ingest.access import OPERATOR
from ingest.document import Hit
from ingest.errors import UnavailableError
from tests.api.scripted_assistant import (
    CHUNKS,
    ScriptedAssistant,
    a_breakdown,
    a_good_answer,
    a_greeting,
    a_refusal,
    a_workspace,
    near,
    told,
)
from tests.api.served import served


def client_of(assistant: ScriptedAssistant) -> TestClient:
    return TestClient(create_app(a_workspace(assistant)), base_url="http://127.0.0.1")


def events_of(text: str) -> list[tuple[str, Any]]:
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("event:")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def test_one_json_has_the_answer_its_citations_and_its_evidence() -> None:
    response = client_of(ScriptedAssistant()).post("/v1/ask", json={"question": "How much leave?"})
    body = response.json()
    assert response.status_code == 200
    assert set(body) == {
        "answer_id", "question", "changed", "language", "answer", "grounded", "refused", "cut", "citations", "evidence",
        "nearest", "small_talk", "unsupported", "strayed", "model", "usage", "timings_ms",
    }  # fmt: skip
    assert body["answer"].startswith("Every employee has **15 days**")
    first = body["citations"][0]
    assert set(first) == {
        "number", "document_id", "chunk_id", "title", "uri", "page", "location", "quote", "support"
    }  # fmt: skip
    assert (first["number"], first["page"], first["quote"]) == (
        1,
        2,
        "Every employee has 15 days of annual leave.",
    )
    assert first["location"]["boxes"] == [{"page": 2, "x0": 0.1, "y0": 0.2, "x1": 0.9, "y1": 0.3}]
    assert [hit["number"] for hit in body["evidence"]] == [1, 2]
    assert body["usage"] == {"prompt_tokens": 12, "completion_tokens": 34}


def test_the_question_comes_with_its_conversation_and_its_reader() -> None:
    assistant = ScriptedAssistant()
    turns = [{"role": "user", "text": "年假？"}, {"role": "assistant", "text": "15 天 [1]"}]
    client_of(assistant).post("/v1/ask", json={"question": "病假呢？", "conversation": turns})
    assert assistant.asked == [("病假呢？", (Turn("user", "年假？"), Turn("assistant", "15 天 [1]")), OPERATOR)]


@pytest.mark.parametrize("by_header", [True, False])
def test_a_stream_tells_the_events_by_their_names(by_header: bool) -> None:
    asked = {"question": "X200 多少钱？", "stream": not by_header}
    headers = {"accept": "text/event-stream"} if by_header else {}
    response = client_of(ScriptedAssistant()).post("/v1/ask", json=asked, headers=headers)
    events = events_of(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    assert [name for name, _ in events] == [
        "searched", "evidence_found", "text_delta", "text_delta", "text_delta", "cited", "finished"
    ]  # fmt: skip
    said = "".join(data["text"] for name, data in events if name == "text_delta")
    assert events[-1][1]["answer"] == said
    assert events[-1][1]["evidence"] == events[1][1]["evidence"]


def test_the_last_event_of_a_stream_is_what_one_json_would_be() -> None:
    client = client_of(ScriptedAssistant())
    whole = client.post("/v1/ask", json={"question": "leave?"}).json()
    stream = client.post("/v1/ask", json={"question": "leave?", "stream": True})
    assert events_of(stream.text)[-1] == ("finished", whole)


def test_a_refusal_is_an_answer() -> None:
    body = (
        client_of(ScriptedAssistant(a_refusal("文档中没有。", "zh")))
        .post("/v1/ask", json={"question": "今天天气？"})
        .json()
    )
    assert (body["refused"], body["grounded"], body["answer"]) == (True, False, "文档中没有。")
    assert body["citations"] == body["evidence"] == []


def test_a_refusal_comes_with_the_nearest_passages_which_are_no_evidence() -> None:
    script = a_refusal("No.", "en", near(1, CHUNKS[1], "Unused days lapse in March."), near(2, CHUNKS[4], ""))
    client = client_of(ScriptedAssistant(script))
    body = client.post("/v1/ask", json={"question": "Who is the CEO?"}).json()
    assert (body["refused"], body["grounded"], body["citations"], body["evidence"]) == (True, False, [], [])
    first, second = body["nearest"]
    assert (first["number"], first["title"], first["page"]) == (1, "Employee handbook", 2)
    assert (first["quote"], first["text"]) == ("Unused days lapse in March.", CHUNKS[1].text)
    assert (second["uri"], second["location"]["sheet"]) == ("价格表.xlsx", "2026")
    assert client.get(f"/v1/documents/{first['document_id']}/passages/{first['chunk_id']}").status_code == 200
    stream = client.post("/v1/ask", json={"question": "Who is the CEO?", "stream": True})
    assert events_of(stream.text)[-1] == ("finished", body)


def test_a_reply_to_small_talk_is_no_refusal_and_needs_no_source() -> None:
    client = client_of(ScriptedAssistant(a_greeting("Hello!", "en")))
    body = client.post("/v1/ask", json={"question": "hi"}).json()
    told = {name: body[name] for name in ("answer", "small_talk", "refused", "grounded", "citations", "nearest")}
    assert told == {
        "answer": "Hello!", "small_talk": True, "refused": False, "grounded": False, "citations": [], "nearest": []
    }  # fmt: skip


def test_a_model_that_fails_leaves_the_evidence() -> None:
    response = client_of(ScriptedAssistant(a_breakdown())).post("/v1/ask", json={"question": "leave?"})
    body = response.json()
    assert response.status_code == 503
    assert body["error"]["code"] == "model_unreachable"
    assert body["error"]["hint"] == "Start it and ask again."
    assert body["answer"] == "Every employee "
    assert [hit["number"] for hit in body["evidence"]] == [1]


def test_a_stream_is_read_whole_by_clients_that_cut_lines_at_more_than_line_ends() -> None:
    said = "15 days\u2028of\u2029leave\u0085[1]."
    script = told([said], [(Evidence(1, Hit(CHUNKS[1], 0.9)), "")], "en")
    response = client_of(ScriptedAssistant(script)).post("/v1/ask", json={"question": "leave?", "stream": True})
    data = [json.loads(line.removeprefix("data: ")) for line in response.iter_lines() if line.startswith("data:")]
    assert [each["text"] for each in data if "text" in each] == [said]


def test_a_model_that_fails_in_a_stream_ends_it_with_failed() -> None:
    response = client_of(ScriptedAssistant(a_breakdown())).post("/v1/ask", json={"question": "leave?", "stream": True})
    events = events_of(response.text)
    assert response.status_code == 200
    assert [name for name, _ in events] == ["searched", "evidence_found", "text_delta", "failed"]
    assert events[-1][1]["error"]["code"] == "model_unreachable"
    assert events[-1][1]["error"]["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("stream", [True, False])
def test_what_breaks_before_the_first_event_is_a_status(stream: bool) -> None:
    error = UnavailableError("index_unavailable", "Qdrant does not answer.", "Start it.")
    response = client_of(ScriptedAssistant([error])).post("/v1/ask", json={"question": "leave?", "stream": stream})
    assert response.status_code == 503
    assert response.json()["error"] == {
        "code": "index_unavailable",
        "message": "Qdrant does not answer.",
        "hint": "Start it.",
        "request_id": response.headers["x-request-id"],
    }


@pytest.mark.parametrize("stream", [True, False])
def test_an_error_nobody_foresaw_is_logged_and_not_told(stream: bool, caplog: pytest.LogCaptureFixture) -> None:
    script = [*a_good_answer("leave?")[:3], RuntimeError("secret detail")]
    response = client_of(ScriptedAssistant(script)).post("/v1/ask", json={"question": "leave?", "stream": stream})
    error = events_of(response.text)[-1][1]["error"] if stream else response.json()["error"]
    assert response.status_code == (200 if stream else 500)
    assert error["code"] == "internal_error"
    assert "secret detail" not in response.text
    assert error["request_id"] in caplog.text
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("{not json", "not valid JSON"),
        ("{}", "question"),
        ('{"question": ""}', "question"),
        ('{"question": 3}', "question"),
        ('{"question": "a", "conversation": [{"role": "robot", "text": "b"}]}', "conversation.0.role"),
    ],
)
def test_a_request_that_is_not_well_formed_says_what_is_wrong(body: str, named: str) -> None:
    response = client_of(ScriptedAssistant()).post(
        "/v1/ask", content=body, headers={"content-type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_request"
    assert named in response.json()["error"]["message"]


@pytest.mark.parametrize(("body", "kind"), [("", "application/json"), ("[]", "application/json"), ("{}", "text/plain")])
def test_a_body_that_is_no_json_object_says_what_to_send(body: str, kind: str) -> None:
    response = client_of(ScriptedAssistant()).post("/v1/ask", content=body, headers={"content-type": kind})
    assert response.status_code == 400
    assert "Content-Type: application/json" in response.json()["error"]["message"]


def test_a_question_of_a_hundred_thousand_characters_is_refused() -> None:
    response = client_of(ScriptedAssistant()).post("/v1/ask", json={"question": "长" * 100_000})
    assert (response.status_code, response.json()["error"]["code"]) == (413, "question_too_long")


def test_silence_is_filled_with_keepalives() -> None:
    async def slow() -> AsyncIterator[Event]:
        yield TextDelta("a")
        await asyncio.sleep(0.2)
        yield TextDelta("b")

    async def run() -> list[Event | None]:
        return [event async for event in paced(slow(), asyncio.Event(), keepalive_seconds=0.04)]

    told = asyncio.run(run())
    assert [event for event in told if event] == [TextDelta("a"), TextDelta("b")]
    assert told[1] is None


@pytest.mark.parametrize("taken", [0, 1])
def test_events_that_nobody_takes_any_more_are_closed(taken: int) -> None:
    closed: list[bool] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            for number in range(5):
                yield number
        finally:
            closed.append(True)

    async def leave() -> list[int]:
        events = await begun(numbers())
        got = [await anext(events) for _ in range(taken)]
        await events.aclose()
        return got

    assert asyncio.run(leave()) == list(range(taken))
    assert closed == [True]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions"])
def test_a_client_that_goes_away_stops_the_work(path: str, stream: bool, caplog: pytest.LogCaptureFixture) -> None:
    assistant = ScriptedAssistant([TextDelta("word ")] * 500, pause_seconds=0.05)
    with served(create_app(a_workspace(assistant))) as url:
        address = httpx.URL(url)
        message = {"role": "user", "content": "leave?"}
        asked = {"question": "leave?"} if path == "/v1/ask" else {"model": "youju", "messages": [message]}
        body = json.dumps({**asked, "stream": stream}).encode()
        with socket.create_connection((address.host, address.port)) as connection:
            connection.sendall(
                f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n".encode()
                + f"content-length: {len(body)}\r\n\r\n".encode()
                + body
            )
            if stream:
                begun = b""
                while not begun.startswith(b"HTTP/1.1 200"):
                    begun += (piece := connection.recv(100))
                    assert piece, begun
            time.sleep(0.2)
        deadline = time.monotonic() + 20
        while not assistant.stopped.is_set() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert assistant.stopped.is_set()
        assert httpx.get(f"{url}/healthz").status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def burst() -> AsyncGenerator[Event, None]:
    for word in "abc":
        yield TextDelta(word)
    await asyncio.sleep(0.05)
    yield TextDelta("d")


def test_events_that_are_ready_together_leave_together() -> None:
    def render(event: Event) -> str:
        assert isinstance(event, TextDelta)
        return event.text

    async def run() -> list[str]:
        return [lines async for lines in rendered(together(burst(), asyncio.Event()), render, {"type": "http"})]

    assert asyncio.run(run()) == ["abc", "d"]


def test_what_was_ready_before_an_event_that_cannot_be_rendered_is_still_sent() -> None:
    def render(event: Event) -> str:
        if isinstance(event, Failed):
            return f"failed: {event.code}"
        if event == TextDelta("c"):
            raise RuntimeError("cannot")
        return str(getattr(event, "text", ""))

    async def run() -> list[str]:
        scope = {"type": "http", "path": "/v1/ask"}
        return [lines async for lines in rendered(together(burst(), asyncio.Event()), render, scope)]

    assert asyncio.run(run()) == ["abfailed: internal_error"]


@pytest.mark.parametrize(
    ("header", "page"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-TW", "zh-Hant"),
        ("zh-Hant-HK,zh", "zh-Hant"),
        ("zh-Hans-HK", "zh"),
        ("en-GB,en;q=0.9,zh-CN;q=0.5", "en"),
        ("fr, de;q=0.7, zh;q=0.5", "zh"),
        ("fr", None),
        ("*", None),
        ("", None),
        (",;-,zh" + "x" * 5000, None),
    ],
)
def test_the_language_of_the_page_comes_with_the_question(header: str, page: str | None) -> None:
    assistant = ScriptedAssistant()
    client_of(assistant).post("/v1/ask", json={"question": "QX-17"}, headers={"accept-language": header})
    assert assistant.pages == [page]
