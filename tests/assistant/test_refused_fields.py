"""Servers that refuse a field of the request: it is left out or renamed, that one alone, and only if that helps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from assistant.errors import ModelError
from assistant.models import complete
from assistant.models.server import ServerChatModel
from assistant.request import Request
from tests.assistant.test_server import MESSAGES, ask_failing, opened
from tests.chat_models import run
from tests.fake_openai_server import FakeOpenAIServer, Reply

OPTIONS = {"temperature": 0.2, "max_tokens": 99}
SWITCH = "chat_template_kwargs"


async def thrice(model: ServerChatModel) -> list[str]:
    return [await complete(model, Request(MESSAGES, **OPTIONS)) for _ in range(3)]


def refusing(*refusals: tuple[str, dict[str, Any]], status: int = 400) -> Callable[[dict[str, Any]], Reply]:
    """A server that answers with the first error whose field is in the request."""

    def script(body: dict[str, Any]) -> Reply:
        for field, error in refusals:
            if field in body:
                return Reply(status=status, error=error)
        return Reply("fine")

    return script


def sent(server: FakeOpenAIServer) -> list[set[str]]:
    return [set(body) - {"model", "messages", "stream"} for body in server.requests]


ALL = {"temperature", "max_tokens", "top_p", "stream_options", SWITCH}
REFUSALS = {
    "OpenAI, unknown": (SWITCH, {"error": {"message": f"Unrecognized request argument supplied: {SWITCH}"}}),
    "Groq": (SWITCH, {"error": {"message": f"property '{SWITCH}' is unsupported"}}),
    "by the name inside it": (SWITCH, {"error": {"message": "enable_thinking is restricted to True."}}),
    "vLLM, old": (
        "stream_options",
        {
            "object": "error",
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not "
            "permitted', 'input': {'top_p': 0.8, 'temperature': 0.2}}]",
            "param": None,
        },
    ),
    "FastAPI": (
        "top_p",
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "top_p"], "input": {"temperature": 1}}]},
    ),
    "by its param": (
        "temperature",
        {
            "error": {
                "message": "Unsupported value: 'temperature' does not support 0.2; see also top_p.",
                "param": "temperature",
                "code": "unsupported_value",
            }
        },
    ),
    "as plain text": ("top_p", "top_p: unknown field"),
}


def test_a_salt_that_is_refused_is_left_out_and_never_quoted(caplog: pytest.LogCaptureFixture) -> None:
    refusal = {"object": "error", "message": "cache_salt is not supported by this engine.", "param": None}
    with caplog.at_level(logging.DEBUG), FakeOpenAIServer(refusing(("cache_salt", refusal))) as server:
        assert run(opened(server.url, model_server="vllm"), thrice) == ["fine"] * 3
        assert ["cache_salt" in fields for fields in sent(server)] == [True, False, False, False]
        salt = server.requests[0]["cache_salt"]
    assert "cache_salt" in caplog.text
    assert salt not in caplog.text

    def echo(body: dict[str, Any]) -> Reply:
        return Reply(status=400, error={"error": {"message": f"what is {body['cache_salt']} for?"}})

    with FakeOpenAIServer(echo) as server:
        error = ask_failing(opened(server.url, model_server="vllm"))
        salt = server.requests[0]["cache_salt"]
    assert "what is" in str(error)
    assert salt not in f"{error} {error.hint}"


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("status", [400, 422])
def test_exactly_the_named_field_is_left_out_and_not_sent_again(name: str, status: int) -> None:
    field, error = REFUSALS[name]
    with FakeOpenAIServer(refusing((field, error), status=status)) as server:
        assert run(opened(server.url), thrice) == ["fine"] * 3
        assert sent(server) == [ALL, ALL - {field}, ALL - {field}, ALL - {field}]


@pytest.mark.parametrize("kind", ["vllm", "ollama", "openai", "dashscope"])
def test_that_holds_for_every_kind_of_server(kind: str) -> None:
    with FakeOpenAIServer([Reply("fine", refuses=("top_p",))]) as server:
        assert run(opened(server.url, model_server=kind), thrice) == ["fine"] * 3
        assert ["top_p" in fields for fields in sent(server)] == [True, False, False, False]


def test_the_limit_is_renamed_and_only_left_out_where_that_is_refused_too() -> None:
    new = "max_completion_tokens"
    renamed = {"error": {"message": f"Unsupported parameter: 'max_tokens' is not supported. Use '{new}' instead."}}
    with FakeOpenAIServer(refusing(("max_tokens", renamed))) as server:
        assert run(opened(server.url), thrice) == ["fine"] * 3
        assert sent(server)[1:] == [ALL - {"max_tokens"} | {new}] * 3
        assert server.requests[-1][new] == 99
    unknown = {"error": {"message": f"Unknown field: {new}"}}
    with FakeOpenAIServer(refusing(("max_tokens", renamed), (new, unknown))) as server:
        assert run(opened(server.url), thrice) == ["fine"] * 3
        assert sent(server)[1:] == [ALL - {"max_tokens"} | {new}] + [ALL - {"max_tokens"}] * 3


def test_several_fields_are_left_out_one_after_another() -> None:
    def script(body: dict[str, Any]) -> Reply:
        wrong = [name for name in ("temperature", "top_p", SWITCH) if name in body]
        return Reply(status=400, error={"error": {"message": f"Unsupported: {wrong[0]}"}}) if wrong else Reply("fine")

    with FakeOpenAIServer(script) as server:
        assert run(opened(server.url), thrice) == ["fine"] * 3
        assert len(server.requests) == 6


def test_another_value_of_a_refused_field_is_sent() -> None:
    def script(body: dict[str, Any]) -> Reply:
        if body.get("temperature") == 0.0:
            return Reply(status=422, error={"detail": "temperature must be strictly positive"})
        return Reply("fine")

    async def condensed_then_answered(model: ServerChatModel) -> None:
        for temperature in (0.0, 0.2, 0.0):
            await complete(model, Request(MESSAGES, temperature=temperature))

    with FakeOpenAIServer(script) as server:
        run(opened(server.url), condensed_then_answered)
        assert [body.get("temperature") for body in server.requests] == [0.0, None, 0.2, None]


async def fails_then_asks_twice(model: ServerChatModel) -> list[str]:
    with pytest.raises(ModelError):
        await complete(model, Request(MESSAGES, **OPTIONS))
    return [await complete(model, Request(MESSAGES, **OPTIONS)) for _ in range(2)]


@pytest.mark.parametrize(
    "script",
    [
        # an overflow, which names the limit in passing
        [Reply(status=400, error={"message": "'max_tokens' is too large: the maximum context length is 4096."})],
        [Reply(status=400, error={"message": "Range of max_tokens should be [1, 64]"})],
        [Reply(status=400, error={"message": "System message must be at the beginning."})],
        [Reply(status=400, error={})],
        [Reply(status=500, error={"message": f"{SWITCH} broke the template"})],
        # one that names a field, while the request without it fails as well
        [Reply(status=400, error={"message": f"bad {SWITCH}"}), Reply(status=500)],
        [Reply(status=400, error={"message": f"bad {SWITCH}"}), Reply("Te", cut_after=1)],
        [Reply(status=400, error={"message": f"bad {SWITCH}"}), Reply(raw=[b"data: out of memory\n\n"])],
    ],
)
def test_an_error_that_has_another_cause_changes_nothing_that_is_sent(script: Sequence[Reply]) -> None:
    with FakeOpenAIServer([*script, Reply("fine")]) as server:
        assert run(opened(server.url), fails_then_asks_twice) == ["fine", "fine"]
        assert [set(fields) for fields in sent(server)[-2:]] == [ALL, ALL]


def test_an_error_without_a_field_says_which_setting_to_try() -> None:
    with FakeOpenAIServer([Reply(status=422, error={"detail": "bad request"})]) as server:
        assert "YOUJU_MODEL_SERVER" in ask_failing(opened(server.url)).hint


def test_what_is_left_out_is_said_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with FakeOpenAIServer([Reply("fine", refuses=(SWITCH,))]) as server:
        run(opened(server.url), thrice)
    assert [record.getMessage().count(SWITCH) for record in caplog.records] == [1]


def test_many_answers_at_a_time_learn_the_same() -> None:
    async def crowd(model: ServerChatModel) -> list[str]:
        first = await asyncio.gather(*(complete(model, Request(MESSAGES, **OPTIONS)) for _ in range(8)))
        return [*first, await complete(model, Request(MESSAGES, **OPTIONS))]

    with FakeOpenAIServer([Reply("fine", refuses=("top_p", SWITCH))]) as server:
        assert run(opened(server.url), crowd) == ["fine"] * 9
        assert sent(server)[-1] == ALL - {"top_p", SWITCH}
