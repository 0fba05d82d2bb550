"""Which model of the registry a name, a folder or an adapter stands for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from assistant.qwen.names import Words, words_of
from assistant.qwen.registry import Model, registry

_LARGEST_BYTES = 2**22
_DEEPEST = 3
"""An adapter may name a folder with an adapter, but not without end."""
_MARKED = ("1", "1.5", "2", "2.5")
_WITH_ANSWER = {40_960: 32_768}
"""Qwen3's config.json adds the prompt's room to its context."""


@dataclass(frozen=True, slots=True)
class Found:
    """The model that a name stands for.

    `how` says how it was found: by its `id` on a hub, by a server's `name` for it, as the `base` model it was made
    from, as the model behind a fine-tune (`tuned`) or a LoRA `adapter`, or by the `shape` in a config.json. `precision`
    has the words of a quantisation. `others` are models that it may be as well, where the name or the shape does not
    tell.
    """

    model: Model
    how: Literal["id", "name", "base", "tuned", "adapter", "shape"]
    precision: tuple[str, ...] = ()
    others: tuple[Model, ...] = ()

    @property
    def behaves_as_its_series(self) -> bool:
        """True if it surely thinks when its series does. Who trained it further may have taught it to think."""
        of_others = {other.series.thinking for other in self.others}
        return self.how not in ("tuned", "adapter") and of_others <= {self.model.series.thinking}


@dataclass(frozen=True, slots=True)
class Missing:
    """Why no model was found, in one sentence, and the models that come near.

    `reason` is stable: `no_qwen`, `other_kind`, `which_size`, `unknown_size`, `which_variant`, `unknown_shape`,
    `unreadable`.
    """

    reason: str
    message: str
    near: tuple[Model, ...] = ()


def find(name: str) -> Found | Missing:
    """Returns the model that `name` stands for: a folder on this machine, or a name on a hub or a server."""
    folder = Path(name).expanduser()
    try:
        here = folder.is_dir()
    except (OSError, ValueError):  # such as a name that is too long for a path
        here = False
    return find_in_folder(folder) if here else find_by_name(name)


@lru_cache(maxsize=256)
def find_by_name(name: str) -> Found | Missing:
    """Returns the model of this name. It looks at the name alone, so a path may be one of another machine."""
    if exact := _named().get(name.lower().rpartition("@")[0] or name.lower()):
        return Found(exact, "id")
    words = words_of(name)
    if words is None:
        return Missing("no_qwen", f"{name} is no Qwen model by its name, so nothing is known of it here.")
    if words.service:
        return _of_service(name, words)
    if words.other_kind:
        kind = "" if "qwen" in words.other_kind else f" ({words.other_kind})"
        return Missing("other_kind", f"{name} is not one of Qwen's chat models, but another kind of model{kind}.")
    return _chosen(name, words)


def find_in_folder(folder: Path, depth: int = 0) -> Found | Missing:
    """Returns the model of a folder with an adapter or with a model, by its adapter_config.json or its config.json."""
    base = _read(folder / "adapter_config.json").get("base_model_name_or_path")
    if isinstance(base, str) and base and depth < _DEEPEST:
        local = Path(base).expanduser()
        found = find_in_folder(local, depth + 1) if local.is_dir() else find_by_name(base)
        return replace(found, how="adapter") if isinstance(found, Found) else found
    config = _read(folder / "config.json")
    if not config and isinstance(named := find_by_name(folder.resolve().name), Found):
        return named  # such as a folder with a GGUF
    if not config:
        return Missing("unreadable", f"{folder} has no adapter_config.json and no config.json that can be read.")
    text = config.get("text_config")
    shaped = _of_shape(str(config.get("model_type", "")), text if isinstance(text, dict) else config)
    return _of_these(folder, config, shaped)


def _of_these(folder: Path, config: Mapping[str, Any], shaped: tuple[Model, ...]) -> Found | Missing:
    """Returns which of the models with the shape of a config.json it is: the one that a name says, or the newest."""
    named = [str(config.get("_name_or_path", "")), folder.resolve().name]
    if not shaped:
        if "qwen" in str(config.get("model_type", "")):
            return Missing("unknown_shape", f"{folder} has a Qwen model of a shape that none of the chat models has.")
        return Missing("no_qwen", f"{folder} has no Qwen model, by the model_type in its config.json.")
    precision = (str(config["quantization_config"].get("quant_method", "quantised")),) if _is_quantised(config) else ()
    for found in map(find_by_name, filter(None, named)):
        if isinstance(found, Found) and found.model in shaped:
            return replace(found, how="shape" if found.how != "tuned" else "tuned", precision=precision)
    return Found(shaped[-1], "shape", precision, shaped[:-1])


def _of_shape(model_type: str, config: Mapping[str, Any]) -> tuple[Model, ...]:
    """Returns the models with the shape of a config.json, the newest last, those with its context alone if any has."""
    heads = config.get("num_attention_heads")
    size = (config.get("num_hidden_layers"), config.get("hidden_size"), heads, config.get("num_key_value_heads", heads))
    same = [
        model
        for model in registry().models
        if (shape := model.shape) is not None
        and model.model_type.removesuffix("_text") == model_type.removesuffix("_text")
        and size == (shape.layers, shape.hidden, shape.heads, shape.kv_heads)
    ]
    longest = config.get("max_position_embeddings")
    context = _WITH_ANSWER.get(longest, longest) if isinstance(longest, int) else None
    fitting = [model for model in same if model.context == context or model.extended == context]
    return tuple(fitting or same)


def _is_quantised(config: Mapping[str, Any]) -> bool:
    return isinstance(config.get("quantization_config"), dict)


def _chosen(name: str, words: Words) -> Found | Missing:
    """Returns the model of this generation, size and variant."""
    generation = [(each, its) for each, its in _rows() if its.generation == words.generation]
    near = tuple(each for each, _ in generation)
    if not words.size and words.generation == "1":
        return Missing("which_size", f"{name} does not say which Qwen it is: Qwen3-8B, for example.")
    if not words.size:
        return Missing("which_size", f"{name} does not say which size it has. {_known(near)}", near)
    sized = [(each, its) for each, its in generation if (its.size, its.million) == (words.size, words.million)]
    if not sized:
        return Missing("unknown_size", f"No Qwen chat model is known that {name} may be. {_known(near)}", near)
    fitting = [each for each, its in sized if (its.variant, its.dated) == (words.variant, words.dated)]
    if not fitting and words.variant and not words.dated:  # Qwen3-4B-Thinking, or an Instruct that never was
        fitting = [each for each, its in sized if its.variant == words.variant]
    if not fitting and not words.dated:
        fitting = [each for each, its in sized if not its.dated]
    if len(fitting) != 1:
        near = tuple(each for each, _ in sized)
        return Missing("which_variant", f"{name} does not say which variant it is. {_known(near)}", near)
    return _inherited(name, fitting[0], words)


def _inherited(name: str, model: Model, words: Words) -> Found:
    invented = words.variant == "thinking" and "thinking" not in model.id.lower()
    if words.unknown or invented:
        return Found(model, "tuned", words.precision)
    # Up to Qwen2.5 the name without a word more was the model before it learned to chat.
    is_bare = name.lower().startswith("qwen/") and words.generation in _MARKED and not words.precision
    if words.base or (is_bare and not words.variant and "chat" not in name.lower()):
        return Found(model, "base", words.precision)
    return Found(model, "name", words.precision)


def _of_service(name: str, words: Words) -> Found | Missing:
    near = tuple(model for model in registry().models if "api" in model.series.runs)
    model = next((model for model in near if model.id == words.service), None)
    if model is None:
        return Missing("unknown_size", f"{name} is no model of Alibaba Cloud that is known here. {_known(near)}", near)
    return Found(model, "id" if name.lower() == model.id else "name")


def _known(models: Iterable[Model]) -> str:
    return f"Known: {', '.join(model.name for model in models)}."


@cache
def _named() -> Mapping[str, Model]:
    """Returns the models by their ids, by their ids without an organisation, and by Ollama's names for them."""
    models = registry().models
    by_name = {name.lower(): model for model in models for name in (model.name, model.id)}
    return by_name | {alias: model for model in models for alias in model.aliases}


@cache
def _rows() -> tuple[tuple[Model, Words], ...]:
    with_words = ((model, words_of(model.name)) for model in registry().models)
    return tuple((model, words) for model, words in with_words if words is not None and not words.service)


def _read(path: Path) -> Mapping[str, Any]:
    """Returns the object in a JSON file, or nothing if there is none that can be read."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(_LARGEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
