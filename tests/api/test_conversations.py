"""`/v1/conversations`: what is asked in a conversation is kept for its owner alone, and can be taken along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from httpx import Response

from api.app import create_app
from assistant.conversation import Turn
from assistant.events import Finished
from ingest.access import EVERYONE, OPERATOR, Reader
from ingest.home.database import open_database
from ingest.settings import IngestSettings
from tests.api.scripted_assistant import ScriptedAssistant, a_breakdown, a_good_answer, a_workspace, told
from tests.api.test_ask_route import events_of

ANNA, BEN, CROWD, ADMIN = (f"{name}-0123456789abcdef" for name in ("anna", "ben", "crowd", "admin"))
READERS = {
    ANNA: Reader(frozenset({EVERYONE, "user:anna"})),
    BEN: Reader(frozenset({EVERYONE, "user:ben", "group:hr"})),
    CROWD: Reader(frozenset({EVERYONE})),
    ADMIN: OPERATOR,
}


class Injected:
    """Identities of people who are signed in."""

    needs_key = True

    async def reader_of(self, key: str) -> Reader | None:
        return READERS.get(key)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(IngestSettings(home=tmp_path))
    yield engine
    engine.dispose()


class Face:
    """The server over one database, as each of its readers sees it."""

    def __init__(self, database: sa.Engine, assistant: ScriptedAssistant | None = None, **settings: Any) -> None:
        self.assistant = assistant or ScriptedAssistant()
        self._app = create_app(a_workspace(self.assistant, database=database, **settings), Injected())

    def of(self, key: str) -> TestClient:
        return TestClient(self._app, base_url="https://kb.example", headers={"x-api-key": key})


@pytest.fixture
def face(database: sa.Engine) -> Face:
    return Face(database)


def begin(client: TestClient, **body: Any) -> str:
    response = client.post("/v1/conversations", json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["conversation_id"])


def ask(client: TestClient, made: str, question: str, **body: Any) -> Response:
    response: Response = client.post("/v1/ask", json={"question": question, "conversation_id": made, **body})
    return response


def refusal(response: Response) -> tuple[int, str]:
    error = response.json()["error"]
    assert error["hint"], "an error says the way out"
    return response.status_code, error["code"]


@pytest.mark.parametrize("stream", [True, False])
def test_a_follow_up_is_answered_with_what_the_server_has_kept(face: Face, stream: bool) -> None:
    anna = face.of(ANNA)
    made = begin(anna)
    plain = anna.post("/v1/ask", json={"question": "How much leave?"}).json()
    answered = ask(anna, made, "How much leave?", stream=stream)
    assert (events_of(answered.text)[-1][1] if stream else answered.json()) == plain
    ask(anna, made, "And the X200 价格？", stream=stream)
    assert face.assistant.asked[-1] == (
        "And the X200 价格？", (Turn("user", "How much leave?"), Turn("assistant", plain["answer"])), READERS[ANNA]
    )  # fmt: skip
    first, second = anna.get(f"/v1/conversations/{made}").json()["exchanges"]
    assert (first["number"], first["question"], first["answer"]) == (1, "How much leave?", plain["answer"])
    assert first["citations"] == plain["citations"]
    assert (first["state"], first["grounded"], first["reader_left"], first["error"]) == ("complete", True, False, None)
    assert first["answer_id"] == plain["answer_id"]
    assert second["question"] == "And the X200 价格？"


def test_conversations_are_there_after_a_restart_and_in_another_process(database: sa.Engine) -> None:
    made = begin(Face(database).of(ANNA))
    ask(Face(database).of(ANNA), made, "How much leave?")
    listed = Face(database).of(ANNA).get("/v1/conversations").json()["conversations"]
    assert [(each["conversation_id"], each["title"], each["exchanges"]) for each in listed] == [
        (made, "How much leave?", 1)
    ]


def test_two_readers_and_the_operator_each_see_their_own_alone(face: Face) -> None:
    made = {key: begin(face.of(key), title=key) for key in (ANNA, BEN, ADMIN)}
    for key, own in made.items():
        client = face.of(key)
        listed = client.get("/v1/conversations").json()["conversations"]
        assert [each["conversation_id"] for each in listed] == [own]
        for other in {*made.values(), "0" * 32} - {own}:
            path = f"/v1/conversations/{other}"
            answers = [
                client.get(path), client.patch(path, json={"title": "x"}), client.delete(path),
                client.get(f"{path}/export"), ask(client, other, "How much leave?"),
                ask(client, other, "How much leave?", stream=True),
            ]  # fmt: skip
            assert {refusal(answer) for answer in answers} == {(404, "unknown_conversation")}
    assert face.assistant.asked == []
    assert face.of(BEN).get(f"/v1/conversations/{made[BEN]}").json()["title"] == BEN


def test_nothing_is_kept_for_a_key_that_many_people_have(face: Face) -> None:
    crowd = face.of(CROWD)
    for response in (
        crowd.post("/v1/conversations", json={}),
        crowd.get(f"/v1/conversations/{begin(face.of(ANNA))}"),
        ask(crowd, "0" * 32, "How much leave?"),
    ):
        assert refusal(response) == (403, "no_owner")
    none = {"keeps": False, "conversations": [], "next_cursor": None}
    assert crowd.get("/v1/conversations").json() == none


def test_a_conversation_is_renamed_and_deleted(face: Face) -> None:
    anna = face.of(ANNA)
    made = begin(anna, title="  My\nleave ")
    assert anna.get(f"/v1/conversations/{made}").json()["title"] == "My leave"
    renamed = anna.patch(f"/v1/conversations/{made}", json={"title": "年假"})
    assert (renamed.status_code, renamed.json()["title"]) == (200, "年假")
    for title in ("", " \n ", "x" * 201, None):
        assert refusal(anna.patch(f"/v1/conversations/{made}", json={"title": title})) == (400, "invalid_request")
    assert anna.delete(f"/v1/conversations/{made}").json() == {"conversation_id": made, "deleted": True}
    assert refusal(anna.delete(f"/v1/conversations/{made}")) == (404, "unknown_conversation")
    assert anna.get("/v1/conversations").json() == {"keeps": True, "conversations": [], "next_cursor": None}


def test_the_list_is_searched_page_by_page(face: Face) -> None:
    anna = face.of(ANNA)
    for number in range(3):
        ask(anna, begin(anna, title=f"Leave {number}"), "How much leave?")
    begin(anna, title="Pay")
    first = anna.get("/v1/conversations", params={"q": " leave  15 ", "limit": 2}).json()
    rest = anna.get("/v1/conversations", params={"q": "leave 15", "cursor": first["next_cursor"]}).json()
    titles = [each["title"] for page in (first, rest) for each in page["conversations"]]
    assert titles == ["Leave 2", "Leave 1", "Leave 0"]
    assert rest["next_cursor"] is None
    assert anna.get("/v1/conversations", params={"q": "leave pay"}).json()["conversations"] == []
    assert refusal(anna.get("/v1/conversations", params={"q": "x" * 101})) == (400, "invalid_request")


def test_the_list_comes_in_pages(face: Face) -> None:
    anna = face.of(ANNA)
    made = {begin(anna, title=str(number)) for number in range(5)}
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    for expected in (2, 2, 1):
        page = anna.get("/v1/conversations", params=query).json()
        assert len(page["conversations"]) == expected
        seen += [each["conversation_id"] for each in page["conversations"]]
        query["cursor"] = page["next_cursor"]
    assert query["cursor"] is None
    assert (len(seen), set(seen)) == (5, made)
    for wrong in ("", "x", "1", "12-", "9" * 40 + "-ab", "１-ab"):
        assert refusal(anna.get("/v1/conversations", params={"cursor": wrong})) == (400, "unknown_cursor")


def test_the_turns_come_from_the_caller_or_from_the_server_and_not_from_both(face: Face) -> None:
    anna = face.of(ANNA)
    turns = [{"role": "user", "text": "q"}]
    response = ask(anna, begin(anna), "How much leave?", conversation=turns)
    assert refusal(response) == (400, "invalid_request")
    assert "conversation_id" in response.json()["error"]["message"]
    assert "leave `conversation` out" in response.json()["error"]["message"]


def test_bounds_are_conflicts_that_name_the_setting(database: sa.Engine) -> None:
    anna = Face(database, conversation_exchanges=1, conversations_per_owner=1).of(ANNA)
    made = begin(anna)
    ask(anna, made, "How much leave?")
    full, many = ask(anna, made, "And then?"), anna.post("/v1/conversations", json={})
    assert (refusal(full), refusal(many)) == ((409, "conversation_full"), (409, "too_many_conversations"))
    assert "YOUJU_CONVERSATION_EXCHANGES" in full.json()["error"]["hint"]
    assert "YOUJU_CONVERSATIONS_PER_OWNER" in many.json()["error"]["hint"]
    none = Face(database, conversation_days=0).of(BEN)
    assert refusal(none.post("/v1/conversations", json={})) == (409, "conversations_off")
    assert none.get("/v1/conversations").json()["keeps"] is False
    assert none.post("/v1/ask", json={"question": "How much leave?"}).status_code == 200


def test_an_answer_that_fails_is_kept_with_what_it_said_and_what_failed(database: sa.Engine) -> None:
    anna = Face(database, ScriptedAssistant(a_breakdown())).of(ANNA)
    made = begin(anna)
    assert ask(anna, made, "How much leave?").status_code == 503
    unforeseen = [*a_good_answer("leave?")[:3], RuntimeError("secret detail")]
    broken = Face(database, ScriptedAssistant(unforeseen)).of(ANNA)
    assert "internal_error" in ask(broken, made, "Again?", stream=True).text
    exchanges = anna.get(f"/v1/conversations/{made}").json()["exchanges"]
    assert [(each["state"], each["error"], each["answer"]) for each in exchanges] == [
        ("failed", "model_unreachable", "Every employee "),
        ("failed", "internal_error", "Every employee has **15 days** "),
    ]
    assert "secret" not in str(exchanges)


def test_a_question_that_is_refused_leaves_nothing(face: Face) -> None:
    anna = face.of(ANNA)
    made = begin(anna)
    assert refusal(ask(anna, made, "长" * 5000)) == (413, "question_too_long")
    assert anna.get(f"/v1/conversations/{made}").json()["exchanges"] == []


def test_an_export_has_questions_answers_and_sources(face: Face) -> None:
    anna = face.of(ANNA)
    made = begin(anna)
    ask(anna, made, "How much leave?\n# and *when*")
    ask(anna, made, "X200 多少钱？")
    markdown = anna.get(f"/v1/conversations/{made}/export")
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert markdown.headers["content-disposition"] == f'attachment; filename="conversation-{made}.md"'
    text = markdown.text
    assert "> How much leave?\n> ＃ and ＊when＊" in text
    assert "Every employee has **15 days** of annual leave [1]." in text
    source, quote = "- [1] Employee handbook, p. 2 (handbook.md)", "“Every employee has 15 days of annual leave.”"
    assert f"{source}\n    - [1] {quote}\n" in text
    assert text.index("How much leave?") < text.index("> X200 多少钱？") < text.index("价格表")
    written = anna.get(f"/v1/conversations/{made}/export?format=json")
    assert written.json() == anna.get(f"/v1/conversations/{made}").json()
    assert written.headers["content-disposition"].endswith('.json"')
    assert refusal(anna.get(f"/v1/conversations/{made}/export?format=pdf")) == (400, "invalid_request")


def test_an_export_fetches_and_links_nothing(database: sa.Engine) -> None:
    said = "See ![x](https://evil.example/?secret) and [here](javascript:alert(1)) <img src=x>"
    anna = Face(database, ScriptedAssistant(told([said], [], "en"))).of(ANNA)
    made = begin(anna, title="[a](https://evil.example)")
    ask(anna, made, "![q](https://evil.example)")
    text = anna.get(f"/v1/conversations/{made}/export").text
    assert "](" not in text
    assert "<img" not in text


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_was_cut_says_so_in_json_and_record_and_export(database: sa.Engine, stream: bool) -> None:
    *before, end = a_good_answer("leave?")
    assert isinstance(end, Finished)
    anna = Face(database, ScriptedAssistant([*before, replace(end, cut=True)])).of(ANNA)
    made = begin(anna)
    answered = ask(anna, made, "How much leave?", stream=stream)
    assert (events_of(answered.text)[-1][1] if stream else answered.json())["cut"] is True
    assert anna.get(f"/v1/conversations/{made}").json()["exchanges"][0]["state"] == "cut"
    text = anna.get(f"/v1/conversations/{made}/export").text
    assert "结尾被截断" in text
    assert "its end is missing" in text


def test_a_reader_sees_no_path_of_the_server_in_what_was_kept(database: sa.Engine) -> None:
    face = Face(database, sources=[{"name": "files", "type": "folder", "path": "/srv/company"}])
    made = begin(face.of(ANNA))
    ask(face.of(ANNA), made, "How much leave?")
    with database.begin() as connection:
        stored = connection.execute(sa.text("SELECT told FROM exchanges")).scalar_one()
        moved = stored.replace('"handbook.md"', '"/srv/company/hr/handbook.md"').replace('"local"', '"files"')
        connection.execute(sa.text("UPDATE exchanges SET told = :told"), {"told": moved})
    citation = face.of(ANNA).get(f"/v1/conversations/{made}").json()["exchanges"][0]["citations"][0]
    assert citation["uri"] == "hr/handbook.md"
