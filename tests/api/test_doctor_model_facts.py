"""`youju doctor` warns of the chat model's licence, of a context that it does not have, and of endless thinking."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.cli.finding import Finding
from api.cli.model_facts import look_at_model_facts
from api.settings import Settings
from tests.api.command_line import run_here
from tests.api.test_doctor_model_server import a_server
from tests.fake_openai_server import FakeOpenAIServer, Reply
from tests.tiny_qwen import build_tiny_qwen

URL = "http://127.0.0.1:9/v1"


def look(model: str, url: str | None = URL, **settings: Any) -> dict[str, Finding]:
    chosen = Settings(model=model, model_url=url, **settings)
    return {finding.name: finding for finding in look_at_model_facts(chosen)}


def test_the_command_shows_what_is_known_of_the_model(tmp_path: Path) -> None:
    with FakeOpenAIServer([Reply("ok")], model="qwen2.5:3b") as server:
        done = run_here(
            tmp_path, "doctor", "--json", model="qwen2.5:3b", model_url=server.url, model_context_tokens="65536"
        )
    found = {each["name"]: each for each in json.loads(done.stdout)["findings"]}
    assert found["chat model"]["state"] == "ok"
    assert found["model licence"]["state"] == "note"
    assert "no commercial use" in found["model licence"]["hint"]
    assert found["model context"]["state"] == "bad"
    assert "model thinking" not in found
    assert done.returncode == 2


def test_without_a_chat_model_nothing_is_said_of_one(tmp_path: Path) -> None:
    done = run_here(tmp_path, "doctor", "--json")
    names = {each["name"] for each in json.loads(done.stdout)["findings"]}
    assert not {"model licence", "model context", "model thinking"} & names


@pytest.mark.parametrize(
    ("model", "state", "said"),
    [
        ("Qwen/Qwen3-8B", "ok", "Apache License 2.0"),
        ("qwen2.5:7b-instruct-q4_K_M", "ok", "Qwen2.5-7B-Instruct: Apache"),
        ("Qwen/Qwen2.5-72B-Instruct", "note", "100 million"),
        ("Qwen/Qwen-7B-Chat", "note", "must not be used to improve another large language model"),
        ("Qwen/Qwen2.5-3B-Instruct", "note", "no commercial use"),
        ("Qwen3.8-Flash-Next-FP8", "note", "AI Work Assistant"),
        ("qwen-plus", "note", "leave the company"),
        ("acme/Qwen2.5-3B-hr", "note", "acme/Qwen2.5-3B-hr, as Qwen2.5-3B-Instruct"),
        ("llama3:8b", "note", "is no Qwen model"),
    ],
)
def test_a_licence_that_asks_for_more_is_told_with_its_clause(model: str, state: str, said: str) -> None:
    finding = look(model)["model licence"]
    assert finding.state == state
    assert said in f"{finding.detail} {finding.hint}"


def test_a_name_of_the_server_s_own_is_followed_to_what_is_behind_it() -> None:
    base = {"id": "base", "root": "/models/Qwen2.5-3B-Instruct", "parent": None}
    rows = [base, {"id": "hr", "root": "/adapters/hr", "parent": "base"}, {"id": "loop", "parent": "loop"}, {"id": "x"}]
    with a_server((200, json.dumps({"data": rows}).encode())) as (url, _):
        for name in ("base", "hr"):
            finding = look(name, url)["model licence"]
            assert f"{name}, as Qwen2.5-3B-Instruct: Qwen Research" in finding.detail
        for name in ("loop", "x", "another"):
            assert "is no Qwen model" in look(name, url)["model licence"].detail
    for answer in ((404, b""), (200, b"<html>"), (200, b'{"data": [1, {"id": 2, "root": 3, "parent": []}]}')):
        with a_server(answer) as (url, _):
            assert "is no Qwen model" in look("2", url)["model licence"].detail


def test_a_model_that_was_not_trained_to_chat_is_told() -> None:
    finding = look("Qwen/Qwen2.5-7B")["model kind"]
    assert finding.state == "note"
    assert "Qwen2.5-7B-Instruct" in finding.hint
    assert "model kind" not in look("Qwen/Qwen2.5-7B-Instruct")


def test_what_is_not_from_a_primary_source_says_so() -> None:
    assert "not from a primary source" in look("Qwen1.5-0.5B-Chat")["model licence"].hint
    assert "not from a primary source" in look("Qwen2.5-72B-Instruct")["model licence"].hint
    assert "primary source" not in look("Qwen-7B-Chat")["model licence"].hint


@pytest.mark.parametrize(
    ("model", "setting", "state", "said"),
    [
        ("Qwen3-8B", None, "ok", "Qwen3-8B has 32,768 tokens; YOUJU_MODEL_CONTEXT_TOKENS is not set"),
        ("Qwen3-8B", 32768, "ok", "Qwen3-8B has 32,768 tokens; YOUJU_MODEL_CONTEXT_TOKENS is 32,768"),
        ("Qwen3-8B", 40000, "note", "131,072 by YaRN"),
        ("Qwen3-8B", 200000, "bad", "131,072 at most"),
        ("Qwen2.5-3B-Instruct", 40000, "bad", "32,768 at most"),
        ("Qwen1.5-MoE-A2.7B-Chat", 16384, "note", "not from a primary source"),
        ("qwen3.7-plus", 16384, "ok", "is not known"),
    ],
)
def test_a_context_that_the_model_does_not_have_is_told(model: str, setting: int | None, state: str, said: str) -> None:
    finding = look(model, model_context_tokens=setting)["model context"]
    assert finding.state == state
    assert said in f"{finding.detail} {finding.hint}"


@pytest.mark.parametrize("model", ["Qwen3-4B-Thinking-2507", "qwen3:30b-a3b", "Qwen3.8-2.4T-A95B", "Qwen/QwQ-32B"])
def test_a_model_that_always_thinks_is_told_with_the_way_out(model: str) -> None:
    finding = look(model)["model thinking"]
    assert finding.state == "note"
    assert "YOUJU_MODEL_MAX_TOKENS" in finding.hint


@pytest.mark.parametrize("model", ["Qwen3-8B", "Qwen3-4B-Instruct-2507", "llama3:8b", "qwen-plus"])
def test_a_model_that_can_be_told_not_to_think_is_not_warned_of(model: str) -> None:
    assert "model thinking" not in look(model)


@pytest.mark.parametrize("place", ["chat_template.jinja", "tokenizer_config.json", "named"])
def test_a_template_that_always_opens_the_thinking_is_told(tmp_path: Path, place: str) -> None:
    folder = build_tiny_qwen(tmp_path / "tiny")
    assert "model thinking" not in look(str(folder), None)
    template = folder / "chat_template.jinja"
    opened = template.read_text(encoding="utf-8").replace("<think>\\n\\n</think>\\n\\n", "<think>\\n")
    if place == template.name:
        template.write_text(opened, encoding="utf-8")
    else:
        template.unlink()
        config = folder / "tokenizer_config.json"
        stored: Any = opened if place == config.name else [{"name": "default", "template": opened}]
        config.write_text(json.dumps({**json.loads(config.read_text()), "chat_template": stored}))
    finding = look(str(folder), None)["model thinking"]
    assert "its template begins every answer with thinking" in finding.detail


@pytest.mark.parametrize("template", ["{{ raise_exception('no') }}", "{% for", "{{ 1 / 0 }}", ""])
def test_a_template_that_cannot_be_rendered_is_no_reason_to_fail(tmp_path: Path, template: str) -> None:
    (tmp_path / "chat_template.jinja").write_text(template)
    assert "model thinking" not in look(str(tmp_path), None)


def test_models_with_one_shape_and_two_licences_are_both_named(tmp_path: Path) -> None:
    shape = {"num_hidden_layers": 80, "hidden_size": 8192, "num_attention_heads": 64, "num_key_value_heads": 8}
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "qwen2", "max_position_embeddings": 32768, **shape})
    )
    finding = look(str(tmp_path), None)["model licence"]
    assert finding.state == "note"
    assert "Qwen License Agreement, or, if it is" in finding.detail
    assert "Tongyi Qianwen License Agreement" in finding.detail
