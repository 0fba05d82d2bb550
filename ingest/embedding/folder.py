"""Reads what a model folder says about itself, without loading weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import ConfigurationError, UnavailableError

_SAMPLES, _SAMPLE_BYTES = 16, 65_536


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """`max_tokens` is the model's window without its special tokens. The prompts are put before the text."""

    dimension: int
    max_tokens: int
    query_prompt: str
    document_prompt: str


def read_facts(folder: Path) -> ModelFacts:
    """Returns the facts of the sentence-transformers (or plain transformers) model in `folder`.

    Raises ConfigurationError `embedding_model_broken` if the folder holds no such model.
    """
    config = _json(folder / "config.json")
    window = _json(folder / "sentence_bert_config.json").get("max_seq_length")
    if not window:
        limits = (
            config.get("max_position_embeddings"),
            _json(folder / "tokenizer_config.json").get("model_max_length"),
        )
        window = min((int(limit) for limit in limits if limit), default=512)
    dimension = _dimension(folder, config)
    if not dimension or not (folder / "tokenizer.json").is_file():
        raise ConfigurationError(
            "embedding_model_broken",
            f"{folder} does not hold a sentence-transformers model with a tokenizer.json.",
            "Point YOUJU_EMBEDDING_MODEL at the model's folder, the one with config.json in it.",
        )
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    return ModelFacts(
        dimension=dimension,
        max_tokens=int(window) - 2,
        query_prompt=str(prompts.get("query") or ""),
        document_prompt=str(prompts.get("document") or prompts.get("passage") or ""),
    )


def fingerprint(folder: Path) -> str:
    """Returns twelve hexadecimal digits that change with the configuration or the weights.

    Only samples of the weights are read: their size, and pieces from the whole file. Training changes all weights.
    Reading gigabytes only to name a model would delay every start.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.json")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    for path in sorted((*folder.rglob("*.safetensors"), *folder.rglob("pytorch_model*.bin"))):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()} {size}".encode())
        with path.open("rb") as file:
            for sample in range(_SAMPLES):
                file.seek(size * sample // _SAMPLES)
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:12]


def _dimension(folder: Path, config: dict[str, Any]) -> int:
    """Returns the output size of the last module that states one. A plain transformers model gives its hidden size."""
    modules = _json(folder / "modules.json") or []
    for module in reversed(modules):
        facts = _json(folder / module.get("path", "") / "config.json")
        for key in ("out_features", "embedding_dimension", "word_embedding_dimension"):
            if facts.get(key):
                return int(facts[key])
    return int(config.get("hidden_size") or 0)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "embedding_model_broken", f"{path} cannot be read: {error}", "Fetch the embedding model again."
        ) from error


def fetch(name: str) -> Path:
    """Returns the folder of a model from a hub. The hub's cache on this machine is used first; otherwise it is
    downloaded.

    Raises UnavailableError `hub_unavailable` if the hub cannot be reached or has no such model.
    """
    from huggingface_hub import snapshot_download

    skipped = ["*.onnx", "onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot"]
    try:
        cached = Path(snapshot_download(name, local_files_only=True, ignore_patterns=skipped))
        if (cached / "tokenizer.json").is_file():
            return cached
    except (OSError, ValueError):
        # The model is not in the cache, or not complete there. The hub is asked below.
        pass
    try:
        return Path(snapshot_download(name, ignore_patterns=skipped))
    except Exception as error:
        # The hub client raises errors of several HTTP libraries. They share no base class.
        raise UnavailableError(
            "hub_unavailable",
            f"The embedding model {name!r} could not be fetched: {error}",
            "Check the name and the network, or set YOUJU_EMBEDDING_MODEL to a local folder.",
        ) from error
