"""Finds out what stands at the address of a chat server: its kind, its models, and their context windows.

It asks the list of models first. Only where that does not tell the kind, it asks paths that a single kind answers.
Nothing is guessed from an answer to a question: what a server can do is learnt from what it says of itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assistant.models.servers.asking import Asks, Fetched, objects_in, root_of, window_in
from assistant.models.servers.kinds import Server, ServerKind, server_at, servers
from assistant.models.servers.ollama import loaded_windows, names_of, own_window, window_to_state

_MOST_MODELS = 1000


@dataclass(frozen=True, slots=True)
class Served:
    """A model that a server has. `window_tokens` is its context window there, or None if the server does not say it.

    `base` is the model of an adapter (LoRA), or None for a model itself. `root` is what was loaded under this name: a
    name on a hub or a path on the server's machine.
    """

    name: str
    window_tokens: int | None = None
    base: str | None = None
    root: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A server: its kind and its models, or no models if it keeps no list of them.

    `is_final` is False if it may say more later: Ollama states the window of a model only while that is loaded.
    """

    server: Server
    models: tuple[Served, ...] = ()
    is_final: bool = True

    def of(self, name: str) -> Served | None:
        """Returns the model with this name, or None. Ollama's `qwen3` is `qwen3:latest`."""
        names = (name, f"{name}:latest") if self.server.window == "ollama" else (name,)
        return next((model for model in self.models if model.name in names), None)

    @property
    def only(self) -> Served | None:
        """The model that a server without choice has, or None if it has several, or none. Adapters do not count."""
        whole = [model for model in self.models if model.base is None]
        return whole[0] if len(whole) == 1 else None


async def identify(
    ask: Asks, url: str, *, kind: ServerKind = "auto", model: str | None = None, wanted: int | None = None
) -> Identity:
    """Returns what stands at `url` (…/v1). If `kind` is stated, only its models are asked for. `model` is the one that
    is asked for, and `wanted` the context window that it is to have, where a server can be told.

    A server that answers nothing of this is an ordinary one, without a list. Raises what `ask` raises.
    """
    known = servers()[kind] if kind != "auto" else server_at(url)
    if known is not None and known.is_hosted:
        return Identity(known)
    if known is not None and known.wire == "ollama":
        names = await names_of(ask, root_of(url))
        if names is not None or kind != "auto":
            return await _of_ollama(ask, url, known, names or (), model, wanted)
        known = None  # another server has such an address, too
    listed = await ask(f"{url.rstrip('/')}/models")
    entries = list(_entries(listed))
    server = known or _owner(entries) or await _by_signs(ask, url)
    if server.window == "ollama":
        return await _of_ollama(ask, url, server, [str(entry["id"]) for entry in entries], model, wanted)
    return Identity(server, tuple(_served(entry, server) for entry in entries))


def _entries(listed: Fetched) -> Iterator[Mapping[str, Any]]:
    """Yields the models in a list of models."""
    for entry in objects_in(listed.data, "data")[:_MOST_MODELS] if listed.status == 200 else ():
        if isinstance(entry.get("id"), str):
            yield entry


def _owner(entries: list[Mapping[str, Any]]) -> Server | None:
    owners = {str(entry.get("owned_by")) for entry in entries}
    return next((server for server in servers().values() if owners.intersection(server.owned_by)), None)


async def _by_signs(ask: Asks, url: str) -> Server:
    """Returns the kind of server that answers a path of its own as only it does."""
    for server in servers().values():
        if server.asked is None or server.answers is None:
            continue
        said = await ask(root_of(url) + server.asked)
        if said.status == 200 and isinstance(said.data, dict) and server.answers in said.data:
            return server
    return servers()["auto"]


def _served(entry: Mapping[str, Any], server: Server) -> Served:
    stated = entry.get("max_model_len")
    if server.window == "meta":
        meta = entry.get("meta")
        stated = meta.get("n_ctx") if isinstance(meta, dict) else None
    parent, root = (value if isinstance(value := entry.get(name), str) else None for name in ("parent", "root"))
    return Served(str(entry["id"]), window_in(stated), parent, root)


async def _of_ollama(
    ask: Asks, url: str, server: Server, names: Sequence[str], model: str | None, wanted: int | None
) -> Identity:
    """Returns the models of Ollama. Over /v1 the window is known of those that are loaded, and for the one that is
    asked for it is what Ollama will give it. By its own interface it is the one that will be stated.
    """
    root, loaded = root_of(url), await loaded_windows(ask, root_of(url))
    found = Identity(server, tuple(Served(name, loaded.get(name)) for name in names[:_MOST_MODELS]))
    meant = found.of(model) if model is not None else found.only
    natively = server.wire == "ollama"
    if meant is None or (meant.window_tokens is not None and not natively):
        return found
    if natively:
        window = await window_to_state(ask, root, meant.name, wanted=wanted, loaded=meant.window_tokens)
    else:
        window = await own_window(ask, root, meant.name)
    models = tuple(replace(each, window_tokens=window) if each is meant else each for each in found.models)
    return Identity(server, models, is_final=natively)
