"""A Qwen model is found by whatever name a hub, a server or a folder has for it, and a name that is no Qwen says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.qwen.find import Found, Missing, find, find_by_name, find_in_folder
from assistant.qwen.registry import registry
from tests.tiny_qwen import build_tiny_qwen

SHAPE_OF_8B = {
    "model_type": "qwen3",
    "hidden_size": 4096,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 40960,
}
SHAPE_OF_7B = {
    "model_type": "qwen2",
    "hidden_size": 3584,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "max_position_embeddings": 32768,
}
SHAPE_OF_4B = {
    "model_type": "qwen3",
    "hidden_size": 2560,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 262144,
}


def found(name: str) -> Found:
    result = find_by_name(name)
    assert isinstance(result, Found), result
    return result


def missing(name: str) -> Missing:
    result = find_by_name(name)
    assert isinstance(result, Missing), result
    return result


@pytest.mark.parametrize(
    ("name", "model", "precision"),
    [
        ("qwen2.5:7b-instruct-q4_K_M", "Qwen2.5-7B-Instruct", ("q4",)),
        ("qwen2.5:7b", "Qwen2.5-7B-Instruct", ()),
        ("Qwen2.5-7B-Instruct-GGUF", "Qwen2.5-7B-Instruct", ("gguf",)),
        ("Qwen/Qwen2.5-7B-Instruct-AWQ", "Qwen2.5-7B-Instruct", ("awq",)),
        ("Qwen2.5-72B-Instruct-GPTQ-Int4", "Qwen2.5-72B-Instruct", ("gptq", "int4")),
        ("Qwen/Qwen3-8B-FP8", "Qwen3-8B", ("fp8",)),
        ("/models/Qwen3-8B", "Qwen3-8B", ()),
        ("/models/Qwen3-8B/", "Qwen3-8B", ()),
        ("C:\\models\\Qwen1_5-14B-Chat", "Qwen1.5-14B-Chat", ()),
        ("qwen3_8b", "Qwen3-8B", ()),
        ("qwen2_0.5b_instruct", "Qwen2-0.5B-Instruct", ()),
        ("qwen25-7b-instruct", "Qwen2.5-7B-Instruct", ()),
        ("qwen/qwen-2.5-7b-instruct", "Qwen2.5-7B-Instruct", ()),
        ("hf.co/bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M", "Qwen2.5-7B-Instruct", ("gguf", "q4")),
        ("qwen2.5-7b-instruct-q4_k_m-00001-of-00002.gguf", "Qwen2.5-7B-Instruct", ("q4",)),
        ("models--Qwen--Qwen3-8B/snapshots/9c925d64d72725edaf899c6cb9c377fd0709d9c5", "Qwen3-8B", ()),
        ("/root/.cache/modelscope/hub/models/qwen/Qwen2___5-7B-Instruct", "Qwen2.5-7B-Instruct", ()),
        ("Qwen/Qwen3-14B@main", "Qwen3-14B", ()),
        ("Qwen-7B-Chat-Int4", "Qwen-7B-Chat", ("int4",)),
        ("qwen-1.8b-chat", "Qwen-1_8B-Chat", ()),
        ("qwen:14b-chat-v1.5-q8_0", "Qwen1.5-14B-Chat", ("q8.0",)),
        ("qwen3:8b-fp16", "Qwen3-8B", ("fp16",)),
        ("qwen3:30b-a3b-instruct-2507-q4_K_M", "Qwen3-30B-A3B-Instruct-2507", ("q4",)),
        ("qwen3:30b-instruct", "Qwen3-30B-A3B-Instruct-2507", ()),
        ("unsloth/Qwen3-4B-Instruct-2507-unsloth-bnb-4bit", "Qwen3-4B-Instruct-2507", ("bnb", "4bit")),
        ("mlx-community/Qwen3.5-9B-MLX-4bit", "Qwen3.5-9B", ("mlx", "4bit")),
        ("OpenVINO/Qwen3-8B-int4-ov", "Qwen3-8B", ("int4",)),
        ("Qwen3-Next-80B-A3B-Thinking-FP8", "Qwen3-Next-80B-A3B-Thinking", ("fp8",)),
        ("qwen3.8-27b-fp8", "Qwen3.8-27B", ("fp8",)),
        ("Qwen3.8-Flash-Next-FP8", "Qwen3.8-Flash-Next", ("fp8",)),
        ("Qwen1.5-MoE-A2.7B-Chat-GPTQ-Int4", "Qwen1.5-MoE-A2.7B-Chat", ("gptq", "int4")),
    ],
)
def test_a_server_s_name_leads_to_the_model(name: str, model: str, precision: tuple[str, ...]) -> None:
    result = found(name)
    assert (result.model.name, result.precision) == (model, precision)
    assert result.how in ("id", "name")


@pytest.mark.parametrize("model", registry().models, ids=lambda model: model.name)
def test_every_row_is_found_by_its_id_and_by_its_name_in_any_case(model: Any) -> None:
    for name in (model.id, model.name, model.name.upper(), f"/srv/{model.name}", *model.aliases):
        assert found(name).model is model, name


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("qwen-plus", "qwen-plus"),
        ("qwen-plus-latest", "qwen-plus"),
        ("qwen-max-2025-01-25", "qwen-max"),
        ("qwen-flash", "qwen-flash"),
        ("qwen3-max-preview", "qwen3-max"),
        ("qwen3.8-flash", "qwen3.8-flash"),
    ],
)
def test_models_that_only_the_service_has_are_found_as_such(name: str, model: str) -> None:
    result = found(name)
    assert result.model.id == model
    assert result.model.series.runs == ("api",)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("acme/Qwen2.5-7B-hr-sft", "Qwen2.5-7B-Instruct"),
        ("/data/out/Qwen2.5-7B-Instruct/checkpoint-500", "Qwen2.5-7B-Instruct"),
        ("huihui-qwen3-8b-abliterated", "Qwen3-8B"),
        ("Qwen3-8B-Thinking", "Qwen3-8B"),
    ],
)
def test_a_fine_tuned_model_inherits_the_row_of_its_base(name: str, model: str) -> None:
    result = found(name)
    assert (result.model.name, result.how) == (model, "tuned")
    assert not result.behaves_as_its_series


@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-7B", "Qwen/Qwen3-8B-Base", "Qwen/Qwen-7B"])
def test_a_model_that_was_not_trained_to_chat_is_named_as_one(name: str) -> None:
    assert found(name).how == "base"


def test_ollama_s_tag_without_a_date_is_the_thinking_model() -> None:
    assert found("qwen3:30b-a3b").model.name == "Qwen3-30B-A3B-Thinking-2507"
    assert found("qwen3:30b-a3b-q4_K_M").model.name == "Qwen3-30B-A3B"
    assert found("qwen3-30b-a3b").model.name == "Qwen3-30B-A3B"


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("llama3:8b", "no_qwen", "is no Qwen model"),
        ("gpt-4o", "no_qwen", "is no Qwen model"),
        ("hr-assistant", "no_qwen", "by its name"),
        ("Qwen3-Coder-30B-A3B-Instruct", "other_kind", "coder"),
        ("Qwen2.5-VL-7B-Instruct", "other_kind", "vl"),
        ("qwen2.5vl:7b", "other_kind", "vl"),
        ("Qwen3-Embedding-0.6B", "other_kind", "embedding"),
        ("CodeQwen1.5-7B-Chat", "other_kind", "another kind"),
        ("Qwen/QwQ-32B", "other_kind", "qwq"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "other_kind", "r1"),
        ("DeepSeek-R1-0528-Qwen3-8B", "other_kind", "r1"),
        ("qwen", "which_size", "Qwen3-8B, for example"),
        ("fake-qwen", "which_size", "Qwen3-8B, for example"),
        ("qwen3", "which_size", "Known: Qwen3-0.6B, "),
        ("Qwen3-9B", "unknown_size", "Known: Qwen3-0.6B, "),
        ("qwen4-max", "unknown_size", "Known: qwen-plus, "),
        ("Qwen3-30B-A3B-2507", "which_variant", "Qwen3-30B-A3B-Instruct-2507, Qwen3-30B-A3B-Thinking-2507"),
        ("Qwen3-Next-80B-A3B", "which_variant", "Instruct"),
        ("", "no_qwen", "is no Qwen model"),
        ("/", "no_qwen", "is no Qwen model"),
    ],
)
def test_a_name_that_stands_for_no_row_says_why(name: str, reason: str, said: str) -> None:
    result = missing(name)
    assert result.reason == reason, result
    assert said in result.message


def test_a_name_may_be_anything() -> None:
    for name in ("qwen\0", "qwen" * 5000, "qwen-" * 2000, "qwen@@", "qwen:", "🦙/qwen3-8b", "qwen3-8b " + "x" * 400):
        assert isinstance(find(name), Found | Missing)


def folder_with(folder: Path, **files: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / f"{name}.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


def test_an_adapter_leads_to_its_base_on_a_hub_or_in_a_folder(tmp_path: Path) -> None:
    hub = folder_with(tmp_path / "hr", adapter_config={"base_model_name_or_path": "Qwen/Qwen3-8B"})
    base = folder_with(tmp_path / "base", config=SHAPE_OF_8B)
    local = folder_with(tmp_path / "lora", adapter_config={"base_model_name_or_path": str(base)})
    upon = folder_with(tmp_path / "upon", adapter_config={"base_model_name_or_path": str(local)})
    for folder in (hub, local, upon):
        result = find(str(folder))
        assert isinstance(result, Found)
        assert (result.model.name, result.how) == ("Qwen3-8B", "adapter")
        assert not result.behaves_as_its_series


def test_an_adapter_of_another_model_says_so(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "qwen3-8b", adapter_config={"base_model_name_or_path": "meta-llama/Llama-3-8B"})
    result = find(str(folder))
    assert isinstance(result, Missing)
    assert result.reason == "no_qwen"


def test_an_adapter_upon_itself_ends(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "loop", adapter_config={"base_model_name_or_path": str(tmp_path / "loop")})
    assert isinstance(find(str(folder)), Missing)


def test_a_folder_leads_to_the_model_with_its_shape_whatever_it_is_called(tmp_path: Path) -> None:
    result = find(str(folder_with(tmp_path / "our-model", config=SHAPE_OF_8B)))
    assert isinstance(result, Found)
    assert (result.model.name, result.how, result.others) == ("Qwen3-8B", "shape", ())
    nested = {"model_type": "qwen3_5", "text_config": {**SHAPE_OF_8B, "model_type": "qwen3_5_text"}}
    nested["text_config"] |= {"num_hidden_layers": 32, "num_attention_heads": 16, "num_key_value_heads": 4}  # type: ignore[operator]
    result = find(str(folder_with(tmp_path / "another", config=nested)))
    assert isinstance(result, Found)
    assert result.model.name == "Qwen3.5-9B"


def test_where_several_models_share_a_shape_a_name_tells_or_the_newest_is_taken(tmp_path: Path) -> None:
    unnamed = find_in_folder(folder_with(tmp_path / "hr", config=SHAPE_OF_7B))
    named = find_in_folder(folder_with(tmp_path / "Qwen2-7B-Instruct", config=SHAPE_OF_7B))
    tuned = find_in_folder(
        folder_with(tmp_path / "v2", config={**SHAPE_OF_7B, "_name_or_path": "Qwen/Qwen2-7B-Instruct"})
    )
    assert isinstance(unnamed, Found)
    assert isinstance(named, Found)
    assert isinstance(tuned, Found)
    assert (unnamed.model.name, [other.name for other in unnamed.others]) == (
        "Qwen2.5-7B-Instruct",
        ["Qwen2-7B-Instruct"],
    )
    assert (named.model.name, tuned.model.name) == ("Qwen2-7B-Instruct", "Qwen2-7B-Instruct")


def test_a_shape_that_a_thinking_model_has_too_promises_nothing_about_thinking(tmp_path: Path) -> None:
    result = find_in_folder(folder_with(tmp_path / "ours", config=SHAPE_OF_4B))
    assert isinstance(result, Found)
    assert {result.model.name, *(other.name for other in result.others)} == {
        "Qwen3-4B-Instruct-2507",
        "Qwen3-4B-Thinking-2507",
    }
    assert not result.behaves_as_its_series
    told = find_in_folder(folder_with(tmp_path / "Qwen3-4B-Instruct-2507", config=SHAPE_OF_4B))
    assert isinstance(told, Found)
    assert told.behaves_as_its_series


def test_a_quantised_folder_says_by_what(tmp_path: Path) -> None:
    config = {**SHAPE_OF_8B, "quantization_config": {"quant_method": "awq"}}
    result = find_in_folder(folder_with(tmp_path / "q", config=config))
    assert isinstance(result, Found)
    assert result.precision == ("awq",)


def test_a_folder_without_a_config_is_what_its_name_says(tmp_path: Path) -> None:
    result = find(str(folder_with(tmp_path / "Qwen3-8B-GGUF")))
    assert isinstance(result, Found)
    assert (result.model.name, result.how, result.precision) == ("Qwen3-8B", "name", ("gguf",))


def test_a_name_in_a_config_does_not_outweigh_its_shape(tmp_path: Path) -> None:
    tiny = build_tiny_qwen(tmp_path / "Qwen3-8B")
    result = find(str(tiny))
    assert isinstance(result, Missing)
    assert result.reason == "unknown_shape"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "llama", "hidden_size": 4096}, "no_qwen"),
        ("{", "unreadable"),
        ("[" * 100_000, "unreadable"),
        ("[]", "unreadable"),
        ({}, "unreadable"),
        ({"model_type": "qwen3", "hidden_size": "many", "text_config": 3}, "unknown_shape"),
    ],
)
def test_a_folder_that_is_no_qwen_or_cannot_be_read_says_so(tmp_path: Path, config: Any, reason: str) -> None:
    result = find(str(folder_with(tmp_path / "folder", config=config)))
    assert isinstance(result, Missing)
    assert result.reason == reason
    assert str(tmp_path) in result.message
