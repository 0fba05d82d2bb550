"""The registry of Qwen chat models: every row is complete, and its figures agree with those that are published."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, fields

import pytest

from assistant.qwen.registry import LinearHeads, Model, Shape, registry

GIB, KIB = 2**30, 2**10
MODELS = {model.name: model for model in registry().models}
WITH_WEIGHTS = {name: model for name, model in MODELS.items() if model.parameters is not None}

PUBLISHED = {
    # billions of parameters, those that are active, KiB of cache per token
    "Qwen-1_8B-Chat": (1.84, None, 192),
    "Qwen-7B-Chat": (7.72, None, 512),
    "Qwen-14B-Chat": (14.2, None, 800),
    "Qwen-72B-Chat": (72.3, None, 2560),
    "Qwen1.5-0.5B-Chat": (0.46, None, 96),
    "Qwen1.5-1.8B-Chat": (1.84, None, 192),
    "Qwen1.5-4B-Chat": (3.95, None, 400),
    "Qwen1.5-7B-Chat": (7.72, None, 512),
    "Qwen1.5-14B-Chat": (14.2, None, 800),
    "Qwen1.5-32B-Chat": (32.5, None, 256),
    "Qwen1.5-72B-Chat": (72.3, None, 2560),
    "Qwen1.5-110B-Chat": (111.2, None, 320),
    "Qwen1.5-MoE-A2.7B-Chat": (14.3, 2.7, 192),
    "Qwen2-0.5B-Instruct": (0.49, None, 12),
    "Qwen2-1.5B-Instruct": (1.54, None, 28),
    "Qwen2-7B-Instruct": (7.62, None, 56),
    "Qwen2-57B-A14B-Instruct": (57.4, 14.2, 56),
    "Qwen2-72B-Instruct": (72.7, None, 320),
    "Qwen2.5-0.5B-Instruct": (0.49, None, 12),
    "Qwen2.5-1.5B-Instruct": (1.54, None, 28),
    "Qwen2.5-3B-Instruct": (3.09, None, 36),
    "Qwen2.5-7B-Instruct": (7.62, None, 56),
    "Qwen2.5-14B-Instruct": (14.8, None, 192),
    "Qwen2.5-32B-Instruct": (32.8, None, 256),
    "Qwen2.5-72B-Instruct": (72.7, None, 320),
    "Qwen2.5-7B-Instruct-1M": (7.62, None, 56),
    "Qwen2.5-14B-Instruct-1M": (14.8, None, 192),
    "Qwen3-0.6B": (0.60, None, 112),
    "Qwen3-1.7B": (1.72, None, 112),
    "Qwen3-4B": (4.02, None, 144),
    "Qwen3-8B": (8.19, None, 144),
    "Qwen3-14B": (14.8, None, 160),
    "Qwen3-32B": (32.8, None, 256),
    "Qwen3-30B-A3B": (30.5, 3.35, 96),
    "Qwen3-235B-A22B": (235.1, 22.2, 188),
    "Qwen3-4B-Instruct-2507": (4.02, None, 144),
    "Qwen3-4B-Thinking-2507": (4.02, None, 144),
    "Qwen3-30B-A3B-Instruct-2507": (30.5, 3.35, 96),
    "Qwen3-30B-A3B-Thinking-2507": (30.5, 3.35, 96),
    "Qwen3-235B-A22B-Instruct-2507": (235, 22, 188),
    "Qwen3-235B-A22B-Thinking-2507": (235, 22, 188),
    "Qwen3-Next-80B-A3B-Instruct": (79.7, 3.9, 24),
    "Qwen3-Next-80B-A3B-Thinking": (79.7, 3.9, 24),
    "Qwen3.5-0.8B": (0.75, None, 12),
    "Qwen3.5-2B": (1.88, None, 12),
    "Qwen3.5-4B": (4.21, None, 32),
    "Qwen3.5-9B": (8.95, None, 32),
    "Qwen3.5-27B": (26.9, None, 64),
    "Qwen3.5-35B-A3B": (34.7, 3.45, 20),
    "Qwen3.5-122B-A10B": (122.1, 9.8, 24),
    "Qwen3.5-397B-A17B": (396.3, 17.4, 30),
    "Qwen3.6-27B": (26.9, None, 64),
    "Qwen3.6-35B-A3B": (34.7, 3.45, 20),
    "Qwen3.8-27B": (26.9, None, 64),
    "Qwen3.8-Flash-Next": (176, 6, 24),
    "Qwen3.8-2.4T-A95B": (2400, 95, None),
}


def test_every_model_that_has_weights_is_checked_here() -> None:
    assert set(PUBLISHED) == set(WITH_WEIGHTS)
    assert len(MODELS) == len(registry().models) > 60


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_cache_are_the_published_ones(name: str) -> None:
    model, (total, active, cache) = MODELS[name], PUBLISHED[name]
    assert model.parameters == pytest.approx(total * 1e9, rel=0.03)
    assert model.active == pytest.approx((active or total) * 1e9, rel=0.03)
    assert model.cache_bytes == (None if cache is None else cache * KIB)


@pytest.mark.parametrize("model", registry().models, ids=lambda model: model.name)
def test_a_row_is_complete_and_agrees_with_itself(model: Model) -> None:
    is_served = model.series.runs == ("api",)
    assert (model.parameters is None) is is_served
    assert bool(model.series.hubs) is not is_served
    assert (model.licence.id == "service") is is_served
    if is_served:
        return
    assert model.id.startswith("Qwen/")
    assert model.parameters is not None
    assert model.active is not None
    assert model.context is not None
    assert model.active <= model.parameters
    is_mixture = "moe" in model.model_type or model.model_type in ("qwen3_next", "qwen4_exp")
    assert (model.active < model.parameters) is is_mixture
    assert model.context % 1024 == 0
    assert (model.extended is None) is (model.extension == "")
    assert model.extended is None or model.extended > model.context
    assert model.architecture.startswith(("Qwen", "QWen"))
    assert model.shape is not None or model.confidence_of("parameters") != "run"
    is_hybrid = model.shape is not None and model.shape.attention_layers < model.shape.layers
    assert (model.state is not None) is is_hybrid
    assert (model.state_bytes > 2**20) is is_hybrid


def test_ids_and_aliases_are_each_of_one_row() -> None:
    for rows in (registry().models, registry().series, registry().licences):
        ids = [row.id.lower() for row in rows]
        assert len(set(ids)) == len(ids)
    names = [name.lower() for model in registry().models for name in (model.name, *model.aliases)]
    assert len(set(names)) == len(names)


def test_every_series_and_every_licence_is_used() -> None:
    assert {model.series.id for model in registry().models} == {series.id for series in registry().series}
    assert {model.licence.id for model in registry().models} == {licence.id for licence in registry().licences}


def test_a_series_says_how_it_thinks_and_what_is_sent() -> None:
    for series in registry().series:
        can_be_told = series.thinking in ("on", "off")
        assert ("enable_thinking" in series.switches) is can_be_told, series.id
        assert (series.thinking_sampling is not None) is (series.thinking in ("on", "always")), series.id
        assert (series.sampling is not None) is (series.thinking != "always"), series.id
        assert series.grounded.presence_penalty is None
        assert series.grounded.repetition_penalty is None
        greedy = series.grounded.temperature is not None and series.grounded.temperature < 0.6
        assert greedy is (series.thinking != "always"), series.id
    assert [series.id for series in registry().series if "/no_think" in series.switches] == ["qwen3"]


def test_only_the_first_generation_does_not_run_in_this_process() -> None:
    not_here = {model.name for model in WITH_WEIGHTS.values() if "process" not in model.series.runs}
    assert not_here == {"Qwen-1_8B-Chat", "Qwen-7B-Chat", "Qwen-14B-Chat", "Qwen-72B-Chat", "Qwen3.8-2.4T-A95B"}


def test_a_licence_says_its_clause_in_both_languages() -> None:
    for licence in registry().licences:
        assert licence.clause.endswith(".")
        assert licence.clause_zh.endswith("。")
        assert ("100 million" in licence.clause) <= (licence.monthly_users == 100_000_000)
    free = [licence.id for licence in registry().licences if not licence.bites]
    assert free == ["apache-2.0"]


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("Qwen-1_8B-Chat", "tongyi-qianwen-research"),
        ("Qwen-7B-Chat", "tongyi-qianwen"),
        ("Qwen1.5-7B-Chat", "tongyi-qianwen"),
        ("Qwen2-57B-A14B-Instruct", "apache-2.0"),
        ("Qwen2-72B-Instruct", "tongyi-qianwen"),
        ("Qwen2.5-3B-Instruct", "qwen-research"),
        ("Qwen2.5-7B-Instruct", "apache-2.0"),
        ("Qwen2.5-72B-Instruct", "qwen"),
        ("Qwen3-235B-A22B", "apache-2.0"),
        ("Qwen3.8-27B", "apache-2.0"),
        ("Qwen3.8-Flash-Next", "qwen-community"),
        ("Qwen3.8-2.4T-A95B", "qwen3.8-max"),
    ],
)
def test_licences_differ_by_size_and_generation(name: str, licence: str) -> None:
    assert MODELS[name].licence.id == licence


def test_what_is_uncertain_says_so() -> None:
    marks = {"run", "read", "secondary", "memory"}
    for row in (*registry().models, *registry().series, *registry().licences):
        known = {field.name for field in fields(row)}
        assert row.confidence in marks
        assert set(row.doubts) <= known, row.id
        assert set(row.doubts.values()) <= marks, row.id
    assert MODELS["Qwen3-8B"].confidence_of("parameters") == "run"
    assert MODELS["Qwen3-8B"].confidence_of("context") == "read"
    assert MODELS["Qwen1.5-0.5B-Chat"].confidence_of("licence") == "memory"
    assert MODELS["Qwen1.5-MoE-A2.7B-Chat"].confidence_of("context") == "memory"
    assert MODELS["Qwen3.8-Flash-Next"].confidence_of("cache_bytes") == "secondary"


def test_the_file_is_read_only_when_it_is_needed() -> None:
    code = "import assistant.qwen.find, assistant.qwen.registry as r; print(r.registry.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_the_cache_of_a_real_model_has_the_size_that_its_shape_says() -> None:
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    shape = Shape(3, 3, 32, 4, 2, 16, 64, tied=True)
    config = Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=32,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
    )
    model = Qwen3ForCausalLM(config).to(torch.bfloat16)
    with torch.inference_mode():
        cache = model(torch.arange(10)[None], use_cache=True).past_key_values
    kept = sum(part.nbytes for layer in cache.layers for part in (layer.keys, layer.values))
    assert kept == 10 * shape.cache_bytes


def test_the_state_of_a_real_hybrid_has_the_size_that_its_heads_say() -> None:
    import torch
    from transformers import Qwen3_5ForCausalLM, Qwen3_5TextConfig

    heads = LinearHeads(key_heads=2, value_heads=4, head_dim=16)
    shape = Shape(4, 1, 32, 2, 1, 16, 64, tied=True)
    config = Qwen3_5TextConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=32,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        linear_num_key_heads=heads.key_heads,
        linear_num_value_heads=heads.value_heads,
        linear_key_head_dim=heads.head_dim,
        linear_value_head_dim=heads.head_dim,
    )
    model = Qwen3_5ForCausalLM(config).to(torch.bfloat16)
    with torch.inference_mode():
        cache = model(torch.arange(10)[None], use_cache=True).past_key_values
    growing = [layer for layer in cache.layers if hasattr(layer, "keys")]
    kept = [layer for layer in cache.layers if layer not in growing]
    assert (len(growing), len(kept)) == (1, 3)
    assert sum(layer.keys.nbytes + layer.values.nbytes for layer in growing) == 10 * shape.cache_bytes
    states = [part for layer in kept for part in (layer.conv_states[0], layer.recurrent_states[0])]
    assert sum(part.nbytes for part in states) == heads.bytes_of(3)


def test_rows_can_be_written_as_json() -> None:
    assert asdict(MODELS["Qwen3.5-9B"])["series"]["id"] == "qwen3.5"
