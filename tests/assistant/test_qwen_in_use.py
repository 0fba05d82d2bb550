"""What the registry knows decides what a model is sent, where no setting does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.models.from_settings import open_model
from assistant.models.local import LocalChatModel
from assistant.models.server import ServerChatModel
from assistant.models.thinking import thinks_always
from assistant.qwen.defaults import context_tokens, temperature
from assistant.settings import AssistantSettings
from ingest.errors import ConfigurationError
from tests.api.test_doctor_model_server import a_server
from tests.assistant.test_server import ask, ask_failing
from tests.fake_openai_server import FakeOpenAIServer, Reply


def served(url: str, model: str, kind: str = "vllm", **settings: Any) -> ServerChatModel:
    chosen = AssistantSettings(model=model, model_url=url, model_server=kind, **settings)  # type: ignore[arg-type]
    opened = open_model(chosen, hub=False)
    assert isinstance(opened, ServerChatModel)
    return opened


def sent(model: str, kind: str = "vllm") -> dict[str, Any]:
    with FakeOpenAIServer([Reply("Ten days.")]) as server:
        assert ask(served(server.url, model, kind)) == "Ten days."
        return server.requests[0]


@pytest.mark.parametrize(
    ("kind", "switch"),
    [
        ("vllm", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("dashscope", {"enable_thinking": False}),
        ("ollama", {"reasoning_effort": "none"}),
    ],
)
@pytest.mark.parametrize("model", ["Qwen/Qwen3-8B", "Qwen3.5-9B", "qwen3.8-27b-fp8"])
def test_a_model_that_can_be_told_not_to_think_is_told(model: str, kind: str, switch: dict[str, Any]) -> None:
    body = sent(model, kind)
    assert {name: body.get(name) for name in switch} == switch
    assert "/no_think" not in json.dumps(body["messages"])


@pytest.mark.parametrize("kind", ["vllm", "dashscope", "ollama", "auto", "transformers"])
@pytest.mark.parametrize("model", ["Qwen3-4B-Instruct-2507", "Qwen2.5-7B-Instruct", "Qwen3-4B-Thinking-2507"])
def test_a_model_without_a_switch_is_sent_none(model: str, kind: str) -> None:
    body = sent(model, kind)
    assert {"chat_template_kwargs", "enable_thinking", "reasoning_effort"} & set(body) == set()
    assert "/no_think" not in json.dumps(body["messages"])


@pytest.mark.parametrize(
    ("model", "asked"), [("Qwen3-8B", True), ("Qwen3.5-9B", False), ("Qwen3-4B-Instruct-2507", False)]
)
def test_only_qwen3_of_april_2025_is_asked_in_words_where_a_server_has_no_switch(model: str, asked: bool) -> None:
    messages = sent(model, "openai")["messages"]
    assert messages[-1]["content"].endswith(" /no_think") is asked
    assert "/no_think" not in json.dumps(messages[:-1])


def test_it_is_also_asked_in_words_once_a_server_refuses_the_switch() -> None:
    refusal = Reply(status=400, error={"error": {"message": "Unrecognized request argument: chat_template_kwargs"}})
    with FakeOpenAIServer([refusal, Reply("Ten days.")]) as server:
        assert ask(served(server.url, "Qwen3-8B")) == "Ten days."
        first, second = server.requests
    assert "chat_template_kwargs" in first
    assert "chat_template_kwargs" not in second
    assert [body["messages"][-1]["content"].endswith("/no_think") for body in (first, second)] == [False, True]


@pytest.mark.parametrize(
    ("model", "values"),
    [
        ("Qwen3-8B", {"top_p": 0.8, "top_k": 20}),
        ("Qwen2.5-7B-Instruct", {"top_p": 0.8, "top_k": 20}),
        ("Qwen3-4B-Thinking-2507", {"top_p": 0.95, "top_k": 20}),
        ("Qwen3.8-2.4T-A95B", {"top_p": 0.95, "top_k": 20}),
        ("llama3:8b", {"top_p": 0.8, "top_k": 20}),
    ],
)
def test_sampling_is_that_of_the_model(model: str, values: dict[str, Any]) -> None:
    body = sent(model)
    assert {name: body.get(name) for name in values} == values
    assert {"presence_penalty", "repetition_penalty"} & set(body) == set()
    assert "top_k" not in sent(model, "auto"), "a server of an unknown kind may refuse it"


@pytest.mark.parametrize("kind", ["vllm", "openai", "ollama"])
@pytest.mark.parametrize("model", ["Qwen3-4B-Instruct-2507", "Qwen2.5-7B-Instruct"])
def test_what_a_parser_takes_for_the_thinking_of_a_model_that_cannot_think_is_the_answer(model: str, kind: str) -> None:
    with FakeOpenAIServer([Reply("", reasoning="Ten days [1].")]) as server:
        assert ask(served(server.url, model, kind)) == "Ten days [1]."


def test_what_a_fine_tuned_model_thinks_is_not_its_answer() -> None:
    with FakeOpenAIServer([Reply("", reasoning="Let me see…")]) as server:
        assert ask_failing(served(server.url, "acme/Qwen2.5-7B-reasoner", "openai")).code == "model_empty"


BASE = {"id": "base", "root": "Qwen/Qwen3-4B-Thinking-2507", "parent": None, "owned_by": "vllm"}
ADAPTER = {"id": "hr", "root": "/adapters/hr", "parent": "base", "owned_by": "vllm"}
REPLY = {"choices": [{"message": {"content": "Let me see</think>Ten days."}, "finish_reason": "stop"}]}


@pytest.mark.parametrize("name", ["base", "hr"])
def test_a_name_of_the_server_s_own_is_followed_to_the_base_behind_it(name: str) -> None:
    listed = json.dumps({"data": [BASE, ADAPTER]}).encode()
    with a_server((200, listed), (200, json.dumps(REPLY).encode())) as (url, bodies):
        assert ask(served(url, name, "auto")) == "Ten days."
    assert (bodies[0]["model"], bodies[0]["top_p"]) == (name, 0.95)
    assert "chat_template_kwargs" not in bodies[0]


def test_a_server_that_answers_to_any_name_is_known_by_its_only_model() -> None:
    only = {"id": "/models/Qwen3-8B-Q4_K_M.gguf", "owned_by": "llamacpp"}
    with a_server((200, json.dumps({"data": [only]}).encode()), (200, json.dumps(REPLY).encode())) as (url, bodies):
        ask(served(url, "chat", "auto"))
        ask(served(url, "Qwen3-4B-Instruct-2507", "auto"))
    assert ["chat_template_kwargs" in body for body in bodies] == [True, False]


@pytest.mark.parametrize(
    ("name", "always"),
    [
        ("Qwen3-30B-A3B-Thinking-2507", True),
        ("qwen3:30b-a3b", True),
        ("Qwen3.8-2.4T-A95B-FP8", True),
        ("Qwen3-8B-thinking-sft", True),
        ("Qwen/QwQ-32B", True),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", True),
        ("Qwen3-8B", False),
        ("Qwen3-30B-A3B-Instruct-2507", False),
        ("/models/no-thinking/Qwen3-8B", False),
        ("llama3:8b", False),
    ],
)
def test_which_models_always_think(name: str, always: bool) -> None:
    assert thinks_always(name) is always


@pytest.mark.parametrize(
    ("settings", "tokens"),
    [
        ({}, 8192),
        ({"model": "llama3:8b"}, 8192),
        ({"model": "qwen"}, 8192),
        ({"model": "Qwen3-8B"}, 16384),
        ({"model": "Qwen/Qwen-14B-Chat"}, 8192),
        ({"model": "qwen3.7-max"}, 8192),
        ({"model": "Qwen3-8B", "model_context_tokens": 4096}, 4096),
        ({"model": "Qwen3-8B", "model_context_tokens": 131072}, 131072),
    ],
)
def test_the_context_is_the_setting_or_the_model_s_up_to_a_limit(settings: dict[str, Any], tokens: int) -> None:
    assert context_tokens(AssistantSettings(**settings)) == tokens


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 0.2),
        ({"model": "llama3:8b"}, 0.2),
        ({"model": "Qwen3-8B"}, 0.2),
        ({"model": "Qwen3-8B", "model_temperature": 0.7}, 0.7),
        ({"model": "Qwen3-4B-Thinking-2507"}, 0.6),
        ({"model": "Qwen3-4B-Thinking-2507", "model_temperature": 0.0}, 0.0),
    ],
)
def test_the_temperature_is_the_setting_or_the_model_s(settings: dict[str, Any], expected: float) -> None:
    assert temperature(AssistantSettings(**settings)) == expected


QWEN_1 = {"model_type": "qwen", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32}


def test_the_first_qwen_is_refused_in_this_process_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(QWEN_1))
    for name, hub in ((str(tmp_path), False), ("Qwen/Qwen-7B-Chat", True)):
        with pytest.raises(ConfigurationError) as caught:
            open_model(AssistantSettings(model=name), hub=hub)
        assert caught.value.code == "model_not_in_process"
        assert "vllm, gguf" in caught.value.message
        assert "YOUJU_MODEL_URL" in caught.value.hint


def test_a_model_in_this_process_samples_as_suits_it() -> None:
    opened = open_model(AssistantSettings(model="Qwen/Qwen3-4B-Thinking-2507"), hub=True)
    assert isinstance(opened, LocalChatModel)
    assert opened.sampling.top_p == 0.95
