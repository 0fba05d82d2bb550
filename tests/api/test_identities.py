"""Whose a key is: keys in a database, looked up in a thread, do what those of the settings do."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.security.guard import Identities
from api.security.wrong_keys import FREE_TRIES
from ingest.access import EVERYONE, OPERATOR, Reader
from ingest.errors import UnavailableError
from tests.api.scripted_assistant import ScriptedAssistant, a_workspace

ADMIN, ANNA = "admin-0123456789abcdef", "anna-0123456789abcdef"
ASK = {"question": "How much leave?"}
BOARD = Reader(principals=frozenset({EVERYONE, "user:anna", "group:board"}))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class KeysInSql:
    """Keys in a table. Each look opens the database in a thread, as a real one would cross to it."""

    needs_key = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self.looks = 0
        with sqlite3.connect(path) as made:
            made.execute("CREATE TABLE keys (digest TEXT PRIMARY KEY, principals TEXT)")
            rows = [(_digest(ADMIN), "operator"), (_digest(ANNA), " ".join(sorted(BOARD.principals)))]
            made.executemany("INSERT INTO keys VALUES (?, ?)", rows)
        made.close()

    async def reader_of(self, key: str) -> Reader | None:
        self.looks += 1
        principals = await asyncio.to_thread(self._look, _digest(key))
        if principals is None:
            return None
        return OPERATOR if principals == "operator" else Reader(principals=frozenset(principals.split()))

    def _look(self, digest: str) -> str | None:
        opened = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        try:
            row = opened.execute("SELECT principals FROM keys WHERE digest = ?", (digest,)).fetchone()
        except sqlite3.Error:
            raise UnavailableError("database_unavailable", "The keys cannot be read.", "Start the database.") from None
        finally:
            opened.close()
        return None if row is None else str(row[0])

    def lose_the_table(self) -> None:
        with sqlite3.connect(self._path) as opened:
            opened.execute("DROP TABLE keys")
        opened.close()


class Waiting:
    """Everybody is the operator, once `may_go_on` is set."""

    needs_key = True

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def reader_of(self, key: str) -> Reader | None:
        self.asked.set()
        await self.may_go_on.wait()
        return OPERATOR


class Broken:
    needs_key = True

    async def reader_of(self, key: str) -> Reader | None:
        raise RuntimeError("a secret of the database")


@pytest.fixture
def keys(tmp_path: Path) -> KeysInSql:
    return KeysInSql(tmp_path / "keys.db")


def client_of(identities: Identities, assistant: ScriptedAssistant | None = None, **settings: Any) -> TestClient:
    app = create_app(a_workspace(assistant or ScriptedAssistant(), **settings), identities)
    return TestClient(app, base_url="https://kb.example", raise_server_exceptions=False)


def with_key(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_the_reader_of_a_key_in_a_database_reaches_the_answer(keys: KeysInSql) -> None:
    assistant = ScriptedAssistant()
    client = client_of(keys, assistant)
    assert client.post("/v1/ask", json=ASK, headers=with_key(ANNA)).status_code == 200
    assert client.post("/v1/ask", json=ASK, headers={"x-api-key": ADMIN}).status_code == 200
    assert [reader for _, _, reader in assistant.asked] == [BOARD, OPERATOR]


def test_each_reader_sees_what_it_may_and_only_the_operator_changes_things(keys: KeysInSql) -> None:
    client = client_of(keys)
    listed = client.get("/v1/documents", headers=with_key(ANNA)).json()["documents"]
    assert "Salaries" in [each["title"] for each in listed]
    refused = client.delete("/v1/documents/x", headers=with_key(ANNA))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "operators_only")


def test_no_key_and_a_wrong_key_are_refused_as_with_the_keys_of_the_settings(keys: KeysInSql) -> None:
    of_settings = TestClient(create_app(a_workspace(ScriptedAssistant(), api_key=ADMIN)), base_url="https://kb.example")
    for headers in ({}, with_key("wrong"), {"x-api-key": ""}, {"authorization": f"Basic {ADMIN}"}):
        ours = client_of(keys).get("/v1/documents", headers=headers)
        theirs = of_settings.get("/v1/documents", headers=headers)
        assert ours.status_code == theirs.status_code == 401
        assert ours.headers["www-authenticate"] == theirs.headers["www-authenticate"] == "Bearer"
        assert _without_id(ours) == _without_id(theirs)


def test_the_keys_of_the_settings_open_nothing_where_others_say_whose_a_key_is(keys: KeysInSql) -> None:
    client = client_of(keys, api_key="settings-0123456789abcdef")
    assert client.get("/v1/documents", headers=with_key("settings-0123456789abcdef")).status_code == 401


def test_guessers_wait_and_a_right_key_does_not(keys: KeysInSql) -> None:
    client = client_of(keys)
    codes = [client.get("/v1/models", headers=with_key(f"wrong-{n}")).status_code for n in range(FREE_TRIES + 2)]
    assert codes == [401] * FREE_TRIES + [429] * 2
    assert client.get("/v1/models", headers=with_key(ANNA)).status_code == 200


def test_nobody_is_looked_up_where_no_key_is_needed(keys: KeysInSql) -> None:
    client = client_of(keys)
    for path in ("/", "/web/chat.js", "/healthz", "/readyz"):
        assert client.get(path, headers=with_key("wrong")).status_code in (200, 503)
    app = create_app(a_workspace(ScriptedAssistant()), keys)

    async def from_the_socket(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["local"] = True
        await app(scope, receive, send)

    assert TestClient(from_the_socket, base_url="http://youju").get("/v1/documents").status_code == 200
    assert keys.looks == 0


def test_a_database_that_is_away_lets_nobody_in_and_says_so(keys: KeysInSql, caplog: pytest.LogCaptureFixture) -> None:
    assistant = ScriptedAssistant()
    client = client_of(keys, assistant)
    keys.lose_the_table()
    response = client.post("/v1/ask", json=ASK, headers=with_key(ADMIN))
    assert (response.status_code, response.json()["error"]["code"]) == (503, "database_unavailable")
    assert int(response.headers["retry-after"]) > 0
    assert response.headers["x-request-id"] in caplog.text
    assert assistant.asked == []


def test_a_look_that_breaks_lets_nobody_in_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assistant = ScriptedAssistant()
    with caplog.at_level(logging.ERROR):
        response = client_of(Broken(), assistant).post("/v1/ask", json=ASK, headers=with_key(ADMIN))
    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
    assert "secret" not in response.text
    assert "a secret of the database" in caplog.text
    assert assistant.asked == []


def test_others_are_answered_while_one_waits_for_its_look() -> None:
    async def scenario() -> tuple[int, bool, int]:
        waiting = Waiting()
        app = create_app(a_workspace(ScriptedAssistant()), waiting)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://kb.example") as client:
            slow = asyncio.create_task(client.get("/v1/documents", headers=with_key(ADMIN)))
            await waiting.asked.wait()
            quick = await client.get("/healthz")
            done_before = slow.done()
            waiting.may_go_on.set()
            return quick.status_code, done_before, (await slow).status_code

    assert asyncio.run(asyncio.wait_for(scenario(), 20)) == (200, False, 200)


def test_what_is_described_is_what_is_asked_for(keys: KeysInSql) -> None:
    described = client_of(keys).get("/openapi.json", headers=with_key(ADMIN)).json()
    of_settings = create_app(a_workspace(ScriptedAssistant(), api_key=ADMIN)).openapi()
    assert described == of_settings
    assert described != create_app(a_workspace(ScriptedAssistant())).openapi()


def _without_id(response: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    return {name: value for name, value in error.items() if name != "request_id"}
