"""A tiny random model of every architecture that Qwen's chat models had from Qwen1.5 on, by its model type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.tiny_qwen import build_tiny_qwen

_LINEAR = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
_SHARED = {"shared_expert_intermediate_size": 16}
ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "qwen2": {"head_dim": None},
    "qwen2_moe": {"head_dim": None, **_EXPERTS, **_SHARED},
    "qwen3": {},
    "qwen3_moe": _EXPERTS,
    "qwen3_next": {**_EXPERTS, **_SHARED, **_LINEAR},
    "qwen3_5_text": _LINEAR,
    "qwen3_5_moe_text": {**_EXPERTS, **_SHARED, **_LINEAR},
}
"""The fields of each in addition to those that all have. Of four layers, one has full attention in the hybrid ones."""


def build_tiny(folder: Path, architecture: str, *, seed: int = 7) -> Path:
    """Write a model of this architecture into `folder`, with the tokenizer and the template of the tiny Qwen3."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM, GenerationConfig

    build_tiny_qwen(folder)
    common = GenerationConfig.from_pretrained(folder)
    fields = {"head_dim": 8, **ARCHITECTURES[architecture]}
    config = CONFIG_MAPPING[architecture](
        vocab_size=_vocabulary(folder),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        initializer_range=0.4,
        max_position_embeddings=4096,
        eos_token_id=common.eos_token_id,
        pad_token_id=common.pad_token_id,
        bos_token_id=None,
        **{name: value for name, value in fields.items() if value is not None},
    )
    torch.manual_seed(seed)
    model: Any = AutoModelForCausalLM.from_config(config)
    model.generation_config = common
    model.save_pretrained(folder)
    return folder


def _vocabulary(folder: Path) -> int:
    from transformers import AutoConfig

    return int(AutoConfig.from_pretrained(folder).vocab_size)


def counted(model: Any, seconds: float = 0.0, sleep: Callable[[float], None] | None = None) -> list[int]:
    """How many tokens each step of the model reads, as the list grows. With `sleep`, each step takes that long."""
    steps: list[int] = []

    def before(_module: Any, args: tuple[Any, ...], options: Mapping[str, Any]) -> None:
        ids = options.get("input_ids")
        steps.append(int((args[0] if ids is None else ids).shape[1]))
        if sleep is not None:
            sleep(seconds)

    model.register_forward_pre_hook(before, with_kwargs=True)
    return steps
