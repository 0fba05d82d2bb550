"""Loads a transformers chat model and its tokenizer, and says what is wrong with a folder that cannot be loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from assistant.errors import ModelUnavailableError

Precision = Literal["auto", "bfloat16", "float16", "float32", "4bit"]
"""The form of a model's weights. `auto` is the one in which they are stored."""

QWEN1_TEMPLATE = "qwen1.jinja"
"""The chat template of Qwen-1, in this folder. Those models state none themselves."""
_QWEN1 = "QWenLMHeadModel"


def load(path: str, *, hub: bool, precision: Precision) -> tuple[Any, Any]:
    """Returns the tokenizer and the model at `path`, on the graphics card if there is one. `hub` allows a download.

    Raises ModelUnavailableError (`model_not_loaded`, `model_too_large`, `model_remote_code`, `model_without_template`,
    `quantization_not_installed`, `quantized_already`). Code that comes with a model is never run.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    _check_own_code(path)
    disable_progress_bar()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    options = _options(path, precision, device)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=not hub)
        model = AutoModelForCausalLM.from_pretrained(path, local_files_only=not hub, **options)
        placed = model if "device_map" in options else model.to(device)
    except (OSError, ValueError, ImportError, RuntimeError, MemoryError) as error:
        raise _not_loaded(path, precision, error) from error
    if tokenizer.chat_template is None:
        raise ModelUnavailableError(
            "model_without_template", f"The model {path} has no chat template.", "Use a chat model."
        )
    return tokenizer, placed.eval()


def _not_loaded(path: str, precision: Precision, error: Exception) -> ModelUnavailableError:
    """Returns the error for a model that transformers did not load."""
    import torch

    first = next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return ModelUnavailableError(
            "model_too_large",
            f"The chat model {path} does not fit into the memory of this machine: {first}",
            "`youju models fit` says which models do. YOUJU_MODEL_PRECISION=4bit takes a quarter of the memory.",
        )
    if isinstance(error, ImportError):
        hint = "Install what it names, or have a server (vLLM) serve the model and set YOUJU_MODEL_URL."
    elif precision == "4bit" and isinstance(error, RuntimeError):
        hint = "Set YOUJU_MODEL_PRECISION=auto, or look at what bitsandbytes supports on this machine."
    else:
        hint = "It must be the folder of a transformers chat model: config, weights and tokenizer."
    return ModelUnavailableError("model_not_loaded", f"The chat model {path} cannot be loaded: {first}", hint)


def config_of(path: str) -> Mapping[str, Any]:
    """Returns the configuration in the folder of a model. It is empty if there is none, or if it is damaged."""
    try:
        config = json.loads((Path(path) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def qwen1_template() -> Path:
    """Returns the file with the chat template of Qwen-1, for the server that serves it."""
    return Path(str(files(__package__).joinpath(QWEN1_TEMPLATE)))


def _check_own_code(path: str) -> None:
    """Raises ModelUnavailableError for a model whose program is in its folder, because no foreign code is run."""
    from transformers import CONFIG_MAPPING

    config = config_of(path)
    if _QWEN1 in (config.get("architectures") or ()) or config.get("model_type") == "qwen":
        raise ModelUnavailableError(
            "model_remote_code",
            f"The model {path} is a Qwen-1 model, which brings its own program; transformers cannot run it any more.",
            "Serve it with vLLM (`vllm serve … --trust-remote-code --chat-template "
            f"{qwen1_template()}`) or as GGUF with llama.cpp, and set YOUJU_MODEL_URL. Qwen1.5 and later run in this "
            "process.",
        )
    kind = config.get("model_type")
    if config.get("auto_map") and kind not in CONFIG_MAPPING:
        raise ModelUnavailableError(
            "model_remote_code",
            f"The model {path} (model_type {kind}) brings its own program, which is not run in this process.",
            "Serve it with vLLM or llama.cpp, and set YOUJU_MODEL_URL.",
        )


def _options(path: str, precision: Precision, device: str) -> dict[str, Any]:
    """Returns the options of `from_pretrained` for weights in this form."""
    if precision != "4bit":
        return {"dtype": precision}
    if config_of(path).get("quantization_config"):
        raise ModelUnavailableError(
            "quantized_already",
            f"YOUJU_MODEL_PRECISION is 4bit, and the weights of {path} are quantized already.",
            "Set YOUJU_MODEL_PRECISION=auto: they are used as they are.",
        )
    missing = [name for name in ("bitsandbytes", "accelerate") if find_spec(name) is None]
    if missing:
        raise ModelUnavailableError(
            "quantization_not_installed",
            f"YOUJU_MODEL_PRECISION=4bit needs {' and '.join(missing)}.",
            "Run `pip install 'youju[quantized]'`, or have a server serve a quantized model.",
        )
    import torch
    from transformers import BitsAndBytesConfig

    # Graphics cards before Ampere compute in bfloat16 only by detours. Processors do not need it to be fast.
    computed = torch.bfloat16 if device == "cpu" or torch.cuda.is_bf16_supported() else torch.float16
    quantized = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=computed)
    # Quantized weights cannot be moved afterwards.
    return {"dtype": computed, "quantization_config": quantized, "device_map": {"": device}}
