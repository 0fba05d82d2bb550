"""The main job, as `make run` does it: serve the example company and answer what can be asked about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.command_line import json_here, serving

_ROOT = Path(__file__).parents[1]
_QUESTIONS = json.loads((Path(__file__).parent / "example_company" / "questions.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with serving(home, "--ingest", str(_ROOT / "examples")) as (address, _):
        yield address


@pytest.fixture(scope="module")
def passages(address: str, home: Path) -> dict[str, list[dict[str, Any]]]:
    """The passages of every example, by file name."""
    with httpx.Client(base_url=address, timeout=60) as client:
        return {
            Path(document["uri"]).name: client.get(f"/v1/documents/{document['document_id']}").json()["passages"]
            for document in json_here(home, "documents")["documents"]
        }


def _unspaced(text: str) -> str:
    # What is read from a scan may lack the spaces between Chinese characters and figures.
    return re.sub(r"\s", "", text)


def _ask(address: str, question: str) -> dict[str, Any]:
    response = httpx.post(f"{address}/v1/ask", json={"question": question}, timeout=60)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_every_example_was_ingested(address: str, home: Path) -> None:
    documents = json_here(home, "documents")["documents"]
    files = [path for path in (_ROOT / "examples").iterdir() if not path.name.startswith(".")]
    assert sorted(document["uri"] for document in documents) == sorted(map(str, files))
    assert {document["state"] for document in documents} == {"ready"}


@pytest.mark.parametrize("asked", _QUESTIONS["answerable"], ids=lambda asked: str(asked["answer"]))
def test_the_answer_stands_where_the_question_expects_it(
    asked: dict[str, Any], passages: dict[str, list[dict[str, Any]]]
) -> None:
    expected = {place: asked[place] for place in ("page", "slide", "sheet") if place in asked}
    places = [
        {place: passage["location"][place] for place in expected}
        for passage in passages[asked["file"]]
        if _unspaced(asked["answer"]) in _unspaced(passage["text"])
    ]
    assert expected in places


@pytest.mark.parametrize("asked", _QUESTIONS["answerable"], ids=lambda asked: str(asked["question"]))
def test_a_question_is_answered_from_the_right_place(address: str, asked: dict[str, Any]) -> None:
    answer = _ask(address, asked["question"])
    assert answer["grounded"]
    assert not answer["refused"]
    assert answer["language"] == asked["language"]
    first = answer["citations"][0]
    assert Path(first["uri"]).name == asked["file"]
    for place in ("page", "slide", "sheet"):
        if place in asked:
            assert first["location"][place] == asked[place]
    assert asked["answer"].replace(" ", "") in answer["answer"].replace(" ", "")


@pytest.mark.parametrize("asked", _QUESTIONS["unanswerable"], ids=lambda asked: str(asked["question"]))
def test_what_the_documents_do_not_answer_is_refused(address: str, asked: dict[str, Any]) -> None:
    answer = _ask(address, asked["question"])
    assert answer["refused"]
    assert not answer["grounded"]
    assert answer["citations"] == []
    assert answer["language"] == asked["language"]
