"""An answer in a conversation whose reader leaves is cancelled or finished, one that is stopped is stopped, and its
record says which.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.app import create_app
from assistant.events import Event, Finished, Searched, TextDelta
from assistant.history.recording import Asked, Recorder
from assistant.history.register import Register
from assistant.settings import AssistantSettings
from ingest.access import OPERATOR
from ingest.errors import RequestError, UnavailableError
from ingest.home.database import open_database
from ingest.settings import IngestSettings
from tests.api.scripted_assistant import ScriptedAssistant, a_good_answer, a_workspace
from tests.api.served import served

WORDS = [f"word{number} " for number in range(30)]


def a_slow_answer() -> list[Event]:
    said = "".join(WORDS)
    end = Finished("a1", said, (), "en", False, False, "scripted")
    return [Searched("a1", "query", "en", 1), *(TextDelta(word) for word in WORDS), end]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(IngestSettings(home=tmp_path))
    yield engine
    engine.dispose()


def becomes(read: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 20
    while not wanted(found := read()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert wanted(found), found
    return found


@contextmanager
def asking(url: str, conversation: str, *, stream: bool) -> Iterator[socket.socket]:
    """A question whose answer has begun. At the end its reader leaves, without a word."""
    address = httpx.URL(url)
    body = json.dumps({"question": "leave?", "conversation_id": conversation, "stream": stream}).encode()
    with socket.create_connection((address.host, address.port)) as connection:
        head = "POST /v1/ask HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/json\r\n"
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        if stream:
            got = b""
            while b"word1 " not in got:
                got += (piece := connection.recv(1000))
                assert piece, got
        yield connection


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("setting", ["cancel", "finish"])
def test_an_answer_whose_reader_leaves_is_cancelled_or_finished(
    database: sa.Engine, setting: str, stream: bool
) -> None:
    assistant = ScriptedAssistant(a_slow_answer(), pause_seconds=0.05)
    app = create_app(a_workspace(assistant, database=database, when_reader_leaves=setting))
    with served(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        made = client.post("/v1/conversations", json={}).json()["conversation_id"]
        with asking(url, made, stream=stream):
            (begun,) = becomes(lambda: client.get(f"/v1/conversations/{made}").json()["exchanges"], bool)
            assert (begun["state"], begun["ended_at"], begun["reader_left"]) == ("answering", None, False)
        (kept,) = becomes(
            lambda: client.get(f"/v1/conversations/{made}").json()["exchanges"],
            lambda exchanges: exchanges[0]["state"] != "answering",
        )
        whole = "".join(WORDS)
        assert kept["reader_left"] is True
        assert kept["error"] is None
        if setting == "finish":
            assert (kept["state"], kept["answer"]) == ("complete", whole)
            assert not assistant.stopped.is_set()
        else:
            assert kept["state"] == "left"
            assert whole.startswith(kept["answer"])
            assert "word1 " in kept["answer"] or not stream
            assert kept["answer"] != whole
            assert assistant.stopped.is_set()


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_an_answer_is_stopped_also_where_the_server_finishes_those_whose_readers_leave(
    database: sa.Engine, elsewhere: bool, left: bool
) -> None:
    assistant = ScriptedAssistant(a_slow_answer(), pause_seconds=0.5)
    app = create_app(a_workspace(assistant, database=database, when_reader_leaves="finish"))
    with served(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
        made = client.post("/v1/conversations", json={}).json()["conversation_id"]
        with asking(url, made, stream=True) as reading:
            if left:
                reading.close()
            if elsewhere:  # a register is all that another process has of this one
                assert Register(database, AssistantSettings()).stop("operator", made) == 1
            else:
                told = client.post(f"/v1/conversations/{made}/stop").json()
                assert told == {"conversation_id": made, "stopped": 1}
            said = b"" if left else b"".join(iter(lambda: reading.recv(1000), b""))
        (kept,) = becomes(
            lambda: client.get(f"/v1/conversations/{made}").json()["exchanges"],
            lambda exchanges: exchanges[0]["state"] != "answering",
        )
        assert client.post(f"/v1/conversations/{made}/stop").json()["stopped"] == 0
        assert client.post(f"/v1/conversations/{'0' * 32}/stop").status_code == 404
    assert (kept["state"], kept["reader_left"], kept["error"]) == ("stopped", left, None)
    assert "".join(WORDS).startswith(kept["answer"])
    assert "word1 " in kept["answer"]
    assert "word29 " not in kept["answer"]
    assert assistant.stopped.is_set()
    if not left:
        assert b"event: failed" in said
        assert b"answer_stopped" in said


class SlowRegister(Register):
    """Writes a question down only when it may."""

    def __init__(self, database: sa.Engine) -> None:
        super().__init__(database, AssistantSettings())
        self.asked, self.may_write = threading.Event(), threading.Event()

    def begin(self, *place: Any) -> Any:
        self.asked.set()
        assert self.may_write.wait(20)
        return super().begin(*place)


def test_a_question_that_is_not_written_down_yet_is_stopped_from_another_process(database: sa.Engine) -> None:
    assistant, register = ScriptedAssistant(a_slow_answer(), pause_seconds=0.5), SlowRegister(database)
    workspace = a_workspace(assistant, database=database, when_reader_leaves="finish")
    workspace.conversations = register
    made = register.create("operator").id
    question = {"question": "leave?", "conversation_id": made}
    with served(create_app(workspace)) as url, ThreadPoolExecutor(1) as askers:
        asking_now = askers.submit(httpx.post, f"{url}/v1/ask", json=question, timeout=30, trust_env=False)
        assert register.asked.wait(20)
        assert Register(database, AssistantSettings()).stop("operator", made) == 0
        register.may_write.set()
        told = asking_now.result()
        (kept,) = httpx.get(f"{url}/v1/conversations/{made}", trust_env=False).json()["exchanges"]
        assistant.pause_seconds = 0.0
        again = httpx.post(f"{url}/v1/ask", json=question, timeout=30, trust_env=False)
    assert (told.status_code, told.json()["error"]["code"]) == (409, "answer_stopped")
    assert (kept["state"], assistant.stopped.is_set()) == ("stopped", True)
    assert again.status_code == 200


@pytest.mark.parametrize("setting", ["cancel", "finish"])
def test_an_answer_that_the_stop_of_the_server_ends_has_failed(database: sa.Engine, setting: str) -> None:
    assistant = ScriptedAssistant(a_slow_answer(), pause_seconds=0.5)
    app = create_app(a_workspace(assistant, database=database, when_reader_leaves=setting))
    with served(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        made = client.post("/v1/conversations", json={}).json()["conversation_id"]
        with asking(url, made, stream=True):
            pass
        time.sleep(0.2)
    ((_, exchanges),) = [Register(database, AssistantSettings()).read("operator", made)]
    ending = exchanges[0].ending
    expected = ("failed", "server_stopping") if setting == "finish" else ("left", "")
    assert (ending.state, ending.error, ending.reader_left) == (*expected, True)
    assert ending.answer.startswith("word0 ")


def run(scenario: Any) -> Any:
    return asyncio.run(asyncio.wait_for(scenario, 30))


def test_who_asks_on_at_once_has_the_answer_before(database: sa.Engine) -> None:
    register = Register(database, AssistantSettings())
    made = register.create("operator").id

    async def scenario() -> str:
        recorder = Recorder(register, ScriptedAssistant(), finish_when_left=False)
        async for event in recorder.answer(Asked("leave?", made, "operator", OPERATOR), asyncio.Event()):
            if isinstance(event, Finished):
                return register.read("operator", made)[1][0].ending.state
        return "never"

    assert run(scenario()) == "complete"


def test_a_reader_who_leaves_before_the_question_is_written_down_leaves_no_open_answer(database: sa.Engine) -> None:
    register = Register(database, AssistantSettings())
    made = register.create("operator").id

    async def scenario() -> None:
        recorder = Recorder(register, ScriptedAssistant(), finish_when_left=False)
        events = recorder.answer(Asked("leave?", made, "operator", OPERATOR), asyncio.Event())
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait({first})
        await recorder.aclose()

    run(scenario())
    assert [each.ending.state for each in register.read("operator", made)[1]] == ["left"]


def test_two_questions_at_once_in_one_conversation_are_both_answered_and_kept(database: sa.Engine) -> None:
    register = Register(database, AssistantSettings())
    made = register.create("operator").id

    async def scenario() -> None:
        recorder = Recorder(register, ScriptedAssistant(pause_seconds=0.01), finish_when_left=False)

        async def one(question: str) -> None:
            async for _ in recorder.answer(Asked(question, made, "operator", OPERATOR), asyncio.Event()):
                pass

        await asyncio.gather(*(one(f"leave {number}?") for number in range(8)))

    run(scenario())
    exchanges = register.read("operator", made)[1]
    assert [each.number for each in exchanges] == list(range(1, 9))
    assert {each.question for each in exchanges} == {f"leave {number}?" for number in range(8)}
    assert {each.ending.state for each in exchanges} == {"complete"}


def test_an_answer_that_was_cut_says_so(database: sa.Engine) -> None:
    *before, end = a_good_answer("leave?")
    assert isinstance(end, Finished)
    assert _ending_of(database, [*before, replace(end, cut=True)]).state == "cut"


def test_an_answer_that_stops_without_an_end_has_failed(database: sa.Engine) -> None:
    ending = _ending_of(database, a_good_answer("leave?")[:3])
    assert (ending.state, ending.error) == ("failed", "answer_incomplete")


def _ending_of(database: sa.Engine, script: list[Event]) -> Any:
    register = Register(database, AssistantSettings())
    made = register.create("operator").id

    async def scenario() -> None:
        recorder = Recorder(register, ScriptedAssistant(script), finish_when_left=False)
        async for _ in recorder.answer(Asked("leave?", made, "operator", OPERATOR), asyncio.Event()):
            pass

    run(scenario())
    return register.read("operator", made)[1][0].ending


class LostDatabase(Register):
    """A register whose database goes away while the answer is being written."""

    def end(self, *_: Any) -> None:
        raise UnavailableError("database_unavailable", "The database does not answer.", "Start it.")


def test_the_reader_gets_the_answer_also_if_it_cannot_be_kept(
    database: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    register = LostDatabase(database, AssistantSettings())
    made = register.create("operator").id

    async def scenario() -> list[Event]:
        recorder = Recorder(register, ScriptedAssistant(), finish_when_left=False)
        asked = Asked("leave?", made, "operator", OPERATOR)
        return [event async for event in recorder.answer(asked, asyncio.Event())]

    assert isinstance(run(scenario())[-1], Finished)
    assert "was not written down (UnavailableError)" in caplog.text


def test_a_conversation_that_is_not_there_is_an_error_before_the_assistant_is_asked(database: sa.Engine) -> None:
    assistant = ScriptedAssistant()

    async def scenario() -> None:
        recorder = Recorder(Register(database, AssistantSettings()), assistant, finish_when_left=True)
        with pytest.raises(RequestError, match="no such conversation"):
            await anext(recorder.answer(Asked("leave?", "0" * 32, "operator", OPERATOR), asyncio.Event()))
        await recorder.aclose()

    run(scenario())
    assert assistant.asked == []
