"""How much memory a Qwen model takes agrees with what was measured, and what fits is what has room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.qwen.memory import memory_here, parse_memory
from assistant.qwen.registry import Model, registry
from assistant.qwen.sizing import ENGINE_BYTES, Memory, Precision, cache_bytes, fit, needed_bytes, weight_bytes
from ingest.errors import RequestError

MODELS = {model.name: model for model in registry().models}
GIB = 2**30

# GiB in bf16 and in four bits (4.5 with the scales, embeddings in bf16), computed from config.json by others.
WEIGHTS = {
    "Qwen-7B-Chat": (14.4, 5.7),
    "Qwen-14B-Chat": (26.4, 9.5),
    "Qwen-72B-Chat": (134.6, 41.2),
    "Qwen1.5-32B-Chat": (60.6, 19.1),
    "Qwen1.5-110B-Chat": (207, 62),
    "Qwen1.5-MoE-A2.7B-Chat": (26.7, 8.3),
    "Qwen2-57B-A14B-Instruct": (107, 32),
    "Qwen2.5-7B-Instruct": (14.2, 5.4),
    "Qwen2.5-14B-Instruct": (27.5, 9.8),
    "Qwen2.5-32B-Instruct": (61, 19.2),
    "Qwen2.5-72B-Instruct": (135, 41),
    "Qwen3-4B": (7.5, 2.6),
    "Qwen3-8B": (15.3, 6.0),
    "Qwen3-32B": (61, 19.2),
    "Qwen3-30B-A3B": (56.9, 16.8),
    "Qwen3-235B-A22B": (438, 125),
    "Qwen3-Next-80B-A3B-Instruct": (148, 43),
    "Qwen3.5-4B": (7.8, 3.1),
    "Qwen3.5-9B": (16.7, 7.4),
    "Qwen3.8-27B": (50, 17.5),
    "Qwen3.5-35B-A3B": (65, 19.5),
    "Qwen3.5-397B-A17B": (738, 210),
}

# Qwen's own benchmark: one sequence, prompts of 1 and of 6,144 tokens and 2,048 new ones. Of Qwen2.5 (A100,
# transformers) in GiB, of Qwen3 (H20, SGLang) in thousands of MiB. FP8 is int8 here, AWQ is int4.
_GIB, _THOUSAND_MIB = float(GIB), 1000.0 * 2**20
MEASURED: list[tuple[str, Precision, float, float, float]] = [
    ("Qwen2.5-1.5B-Instruct", "bf16", _GIB, 2.95, 3.43),
    ("Qwen2.5-3B-Instruct", "bf16", _GIB, 5.95, 6.59),
    ("Qwen2.5-7B-Instruct", "bf16", _GIB, 14.4, 15.4),
    ("Qwen2.5-7B-Instruct", "int4", _GIB, 5.4, 6.4),
    ("Qwen2.5-14B-Instruct", "bf16", _GIB, 28.1, 29.5),
    ("Qwen2.5-14B-Instruct", "int4", _GIB, 9.8, 11.2),
    ("Qwen2.5-32B-Instruct", "bf16", _GIB, 61.6, 63.7),
    ("Qwen2.5-32B-Instruct", "int4", _GIB, 18.7, 20.8),
    ("Qwen3-1.7B", "bf16", _THOUSAND_MIB, 3.4, 4.2),
    ("Qwen3-4B", "bf16", _THOUSAND_MIB, 8.0, 8.9),
    ("Qwen3-4B", "int4", _THOUSAND_MIB, 2.9, 3.9),
    ("Qwen3-8B", "bf16", _THOUSAND_MIB, 15.9, 16.8),
    ("Qwen3-8B", "int8", _THOUSAND_MIB, 9.3, 10.2),
    ("Qwen3-8B", "int4", _THOUSAND_MIB, 6.2, 7.1),
    ("Qwen3-14B", "bf16", _THOUSAND_MIB, 28.4, 29.5),
    ("Qwen3-14B", "int4", _THOUSAND_MIB, 10.0, 11.0),
    ("Qwen3-32B", "bf16", _THOUSAND_MIB, 62.8, 64.6),
    ("Qwen3-32B", "int4", _THOUSAND_MIB, 19.1, 20.8),
    ("Qwen3-30B-A3B", "bf16", _THOUSAND_MIB, 58.5, 59.0),
    ("Qwen3-30B-A3B", "int8", _THOUSAND_MIB, 30.3, 30.9),
]


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_the_published_ones(name: str) -> None:
    for precision, expected in zip(("bf16", "int4"), WEIGHTS[name], strict=True):
        weights = weight_bytes(MODELS[name], precision)  # type: ignore[arg-type]
        assert weights == pytest.approx(expected * GIB, rel=0.03)


@pytest.mark.parametrize(("name", "precision", "unit", "short", "long"), MEASURED)
def test_what_is_needed_is_what_was_measured_and_never_less(
    name: str, precision: Precision, unit: float, short: float, long: float
) -> None:
    for tokens, measured in ((1, short * unit), (6144, long * unit)):
        needed = needed_bytes(MODELS[name], precision, tokens + 2048, 1)
        assert needed is not None
        assert measured <= needed < measured * 1.07 + ENGINE_BYTES


def need(model: Model, precision: Precision, context: int, askers: int) -> int:
    needed = needed_bytes(model, precision, context, askers)
    assert needed is not None
    return needed


def test_the_cache_grows_with_the_context_and_with_the_askers() -> None:
    model = MODELS["Qwen3-8B"]
    one, two = need(model, "bf16", 8192, 1), need(model, "bf16", 8192, 2)
    assert two - one == 8192 * 144 * 1024
    assert need(model, "bf16", 16384, 1) == two


def test_a_hybrid_keeps_a_state_for_each_asker() -> None:
    model = MODELS["Qwen3.5-9B"]
    assert cache_bytes(model, 0) == model.state_bytes > 40 * 2**20
    assert need(model, "bf16", 8192, 3) - need(model, "bf16", 8192, 2) == 8192 * 32 * 1024 + model.state_bytes


def test_more_gpus_than_heads_of_keys_keep_copies() -> None:
    model = MODELS["Qwen2.5-3B-Instruct"]
    assert cache_bytes(model, 1000, gpus=2) == cache_bytes(model, 1000)
    assert cache_bytes(model, 1000, gpus=8) == 4 * (cache_bytes(model, 1000) or 0)


def test_the_best_precision_that_has_room_is_taken() -> None:
    model = MODELS["Qwen3-8B"]
    taken = [fit(model, Memory(size * GIB), 8192, 1) for size in (80, 24, 16, 12, 8, 4)]
    assert [each and each.precision for each in taken] == ["bf16", "bf16", "int8", "int4", None, None]


@pytest.mark.parametrize("name", ["Qwen3-8B", "Qwen3.5-9B", "Qwen3-30B-A3B-Instruct-2507", "Qwen1.5-7B-Chat"])
@pytest.mark.parametrize("size", [16, 24, 48, 80, 640])
def test_as_many_askers_and_as_much_context_fit_as_is_said_and_no_more(name: str, size: int) -> None:
    model, memory = MODELS[name], Memory(size * GIB)
    fitted = fit(model, memory, 4096, 2)
    if fitted is None:
        assert need(model, "int4", 4096, 2) - ENGINE_BYTES > memory.usable
        return
    for context, askers in ((4096, fitted.askers), (fitted.longest, 2)):
        assert need(model, fitted.precision, context, askers) - ENGINE_BYTES <= memory.usable + 1
    assert need(model, fitted.precision, 4096, fitted.askers + 1) - ENGINE_BYTES > memory.usable
    beyond = need(model, fitted.precision, fitted.longest + 2, 2) - ENGINE_BYTES
    assert fitted.longest in (model.context, model.longest) or beyond > memory.usable


def test_no_model_fits_with_more_context_than_it_has() -> None:
    assert fit(MODELS["Qwen-14B-Chat"], Memory(640 * GIB), 8192, 1) is not None
    assert fit(MODELS["Qwen-14B-Chat"], Memory(640 * GIB), 8193, 1) is None


def test_a_context_that_servers_cannot_reach_is_not_promised() -> None:
    large = Memory(8000 * GIB, 8)
    assert fit(MODELS["Qwen3-8B"], large, 131_072, 1) is not None
    assert fit(MODELS["Qwen-7B-Chat"], large, 8192, 1) is not None
    assert fit(MODELS["Qwen-7B-Chat"], large, 16_384, 1) is None
    assert fit(MODELS["Qwen3-30B-A3B-Instruct-2507"], large, 300_000, 1) is None


def test_a_model_whose_size_is_not_known_is_not_said_to_fit() -> None:
    for name in ("qwen-plus", "Qwen3.8-2.4T-A95B"):
        assert fit(MODELS[name], Memory(2**50), 4096, 1) is None


@pytest.mark.parametrize(
    ("text", "bytes_", "gpus"),
    [
        ("24GB", 24 * GIB, 1),
        ("24", 24 * GIB, 1),
        ("80 GiB", 80 * GIB, 1),
        ("512m", GIB // 2, 1),
        ("1.5T", 3 * 2**39, 1),
        ("2x24GB", 48 * GIB, 2),
        ("8×80g", 640 * GIB, 8),
    ],
)
def test_memory_is_read_as_people_write_it(text: str, bytes_: int, gpus: int) -> None:
    memory = parse_memory(text)
    assert (memory.bytes, memory.gpus) == (bytes_, gpus)


@pytest.mark.parametrize(
    "text", ["", "much", "-24GB", "0", "0x24GB", "24 apples", "1e9GB", "10MB", "9" * 400, "24GB\n8"]
)
def test_what_is_no_amount_of_memory_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_memory(text)
    assert caught.value.code == "invalid_memory"
    assert "24GB" in caught.value.hint


def nvidia_smi(folder: Path, prints: str, code: int = 0) -> None:
    folder.mkdir()
    command = folder / "nvidia-smi"
    command.write_text(f"#!/bin/sh\ncat <<'END'\n{prints}\nEND\nexit {code}\n")
    command.chmod(0o755)


def test_gpus_are_those_that_nvidia_smi_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path / "bin", "NVIDIA H100 80GB HBM3, 81559\nNVIDIA H100 80GB HBM3, 81559")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    here = memory_here()
    assert (here.gpus, here.bytes, here.name) == (2, 2 * 81559 * 2**20, "2 x NVIDIA H100 80GB HBM3")


@pytest.mark.parametrize(("prints", "code"), [("No devices were found", 6), ("", 0), ("NVIDIA GB10, [N/A]", 0)])
def test_without_a_gpu_it_is_the_ram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prints: str, code: int) -> None:
    nvidia_smi(tmp_path / "bin", prints, code)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    here = memory_here()
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert here.gpus == 0
    assert 2**28 < here.bytes <= total
