"""A second model answers where the first one fails before its first word, and the answer says who spoke."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import ModelError
from assistant.events import EvidenceFound, Failed, TextDelta
from assistant.models import complete
from assistant.models.from_settings import open_model
from assistant.request import Message, Request
from assistant.settings import AssistantSettings
from ingest.errors import ConfigurationError
from tests.api.command_line import run_here
from tests.assistant.test_answer import assistant, events_of, finished
from tests.fake_openai_server import FakeOpenAIServer, Reply

QUESTION = "年假有几天？"
SECOND = Reply("年假为十天[1]。")
FAILURES = {
    "a server that refuses the key": Reply(status=401),
    "a server that breaks": Reply(status=500),
    "a server that stays busy": Reply(status=429, headers={"Retry-After": "600"}),
    "a server that is silent": Reply("late", delay_seconds=3),
    "a stream that ends before a word": Reply("late", cut_after=1),
    "a model that only thinks": Reply(reasoning="hm " * 9, finish_reason="length"),
    "an error before a word": Reply("", error_in_stream="CUDA out of memory"),
    "an empty answer": Reply(" \n "),
}


@pytest.mark.parametrize("name", FAILURES)
def test_where_the_first_model_fails_without_a_word_the_second_one_answers(name: str) -> None:
    with FakeOpenAIServer([FAILURES[name]]) as first, FakeOpenAIServer([SECOND]) as second:
        events = events_of(_with(first.url, second.url), QUESTION)
        assert [key.removeprefix("Bearer ") for key in second.keys] == ["second-key"]
        assert second.requests[0]["model"] == "small"
        assert second.requests[0]["messages"] == first.requests[0]["messages"]
    end = finished(events)
    assert (end.answer, end.model, end.grounded) == ("年假为十天[1]。", "small", True)


def _with(first: str, second: str, **more: Any) -> Any:
    settings: dict[str, Any] = {"model": "large", "model_url": first, "model_api_key": "first-key"}
    settings |= {"fallback_model": "small", "fallback_model_url": second, "fallback_model_api_key": "second-key"}
    return assistant(**(settings | {"model_timeout_seconds": 0.5} | more))


def test_an_answer_that_has_begun_is_not_said_again_by_another_model() -> None:
    with FakeOpenAIServer([Reply("年假为十天[1]。然后", cut_after=3)]) as first, FakeOpenAIServer([SECOND]) as second:
        events = events_of(_with(first.url, second.url), QUESTION)
        assert not second.requests
    assert isinstance(events[-1], Failed)
    assert events[-1].code == "model_stream_cut"
    assert "".join(event.text for event in events if isinstance(event, TextDelta)).startswith("年假为")


def test_a_first_model_that_answers_is_the_one_that_is_named() -> None:
    with FakeOpenAIServer([SECOND]) as first, FakeOpenAIServer([Reply("no")]) as second:
        end = finished(events_of(_with(first.url, second.url), QUESTION))
        assert not second.requests
    assert (end.answer, end.model) == ("年假为十天[1]。", "large")


def test_where_both_fail_the_evidence_stays_with_the_error_of_the_first() -> None:
    with FakeOpenAIServer([Reply(status=401)]) as first, FakeOpenAIServer([Reply(status=500)]) as second:
        events = events_of(_with(first.url, second.url), QUESTION)
    assert isinstance(events[1], EvidenceFound)
    assert isinstance(events[-1], Failed)
    assert events[-1].code == "model_unauthorized"


def test_quotations_can_stand_in_for_a_model() -> None:
    with FakeOpenAIServer([Reply(status=500)]) as first:
        house = assistant(model="large", model_url=first.url, fallback_model="extractive")
        end = finished(events_of(house, "年假要提前几天申请？"))
    assert (end.model, end.grounded) == ("extractive", True)
    assert "年假须提前三个工作日申请。" in end.answer


def test_quotations_do_not_stand_in_for_a_rewritten_question() -> None:
    with FakeOpenAIServer([Reply(status=500)]) as first:
        model = open_model(AssistantSettings(model_url=first.url, model="a", fallback_model="extractive"), hub=False)
        with pytest.raises(ModelError) as caught:
            asyncio.run(complete(model, Request((Message("user", "rewrite this"),), "rewrite this")))
    assert caught.value.code == "model_rejected"


@pytest.mark.parametrize(
    ("settings", "code", "named"),
    [
        ({"fallback_model": "extractive"}, "fallback_without_model", "YOUJU_MODEL_URL"),
        ({"model_url": "http://a/v1", "fallback_model_url": "b"}, "model_url_invalid", "YOUJU_FALLBACK_MODEL_URL"),
        ({"model_url": "http://a/v1", "fallback_model": "/no/folder"}, "model_not_found", "YOUJU_FALLBACK_MODEL "),
    ],
)
def test_settings_of_a_fallback_that_cannot_be_are_refused(settings: dict[str, Any], code: str, named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_model(AssistantSettings(**settings), hub=False)
    assert caught.value.code == code
    assert named in f"{caught.value.message} {caught.value.hint}"


def test_the_doctor_looks_at_both_models(tmp_path: Path) -> None:
    with socket.socket() as nobody, FakeOpenAIServer([Reply("ok")], model="large") as first:
        nobody.bind(("127.0.0.1", 0))
        second = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        done = run_here(
            tmp_path, "doctor", "--json", model="large", model_url=first.url, fallback_model="small",
            fallback_model_url=second,
        )  # fmt: skip
    found = {each["name"]: each for each in json.loads(done.stdout)["findings"]}
    assert (found["chat model"]["state"], found["fallback model"]["state"]) == ("ok", "bad")
    assert "YOUJU_FALLBACK_MODEL_URL" in found["fallback model"]["hint"]
