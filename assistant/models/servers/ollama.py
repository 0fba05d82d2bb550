"""What Ollama says of its models, and the context window that it is told to give one.

Over /v1 a model has the window that Ollama gives it, and a prompt that is longer is cut. By Ollama's own interface the
window is stated with each request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assistant.models.servers.asking import Asks, objects_in, window_in
from assistant.qwen.defaults import usual_context

_DEFAULT = 4096
"""What Ollama gives a model on a graphics card with less than 24 GiB if nothing else is stated."""


async def names_of(ask: Asks, root: str) -> Sequence[str] | None:
    """Returns the names of all models, or None if no Ollama answers."""
    said = await ask(f"{root}/api/tags")
    if said.status != 200 or not isinstance(said.data, dict) or not isinstance(said.data.get("models"), list):
        return None
    names = (entry.get("name") for entry in objects_in(said.data, "models"))
    return [name for name in names if isinstance(name, str)]


async def loaded_windows(ask: Asks, root: str) -> Mapping[str, int | None]:
    """Returns the windows of the models that are loaded, by their names."""
    entries = objects_in((await ask(f"{root}/api/ps")).data, "models")
    return {str(entry.get("name")): window_in(entry.get("context_length")) for entry in entries}


async def own_window(ask: Asks, root: str, name: str) -> int:
    """Returns the window that Ollama gives a model when it loads it: that of its Modelfile, or Ollama's default."""
    return _of_modelfile(await _shown(ask, root, name)) or _DEFAULT


async def window_to_state(ask: Asks, root: str, name: str, *, wanted: int | None, loaded: int | None) -> int:
    """Returns the window to state for a model: `wanted`, or else that of its Modelfile, or else what suits the model,
    and never more than it was trained with.

    A model that is `loaded` with a larger one keeps it: with another, Ollama would load it again for each asker.
    """
    shown = await _shown(ask, root, name)
    window = wanted or _of_modelfile(shown) or max(loaded or 0, usual_context(name))
    return min(window, _trained(shown) or window)


async def _shown(ask: Asks, root: str, name: str) -> Mapping[str, Any]:
    said = await ask(f"{root}/api/show", {"model": name})
    return said.data if said.status == 200 and isinstance(said.data, dict) else {}


def _of_modelfile(shown: Mapping[str, Any]) -> int | None:
    """Returns the `num_ctx` of a Modelfile. Its parameters are lines of text, each a name and a value."""
    stated = shown.get("parameters")
    for line in stated.splitlines() if isinstance(stated, str) else ():
        name, _, value = line.strip().partition(" ")
        if name == "num_ctx" and value.strip().isdecimal():
            return window_in(int(value))
    return None


def _trained(shown: Mapping[str, Any]) -> int | None:
    """Returns the context that a model was trained with. The name of its field begins with that of its architecture."""
    facts = shown.get("model_info")
    if not isinstance(facts, dict):
        return None
    return window_in(facts.get(f"{facts.get('general.architecture')}.context_length"))
