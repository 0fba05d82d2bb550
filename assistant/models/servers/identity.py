"""Finds out what stands at the address of a chat server: its kind, its models, and their context windows.

It asks the list of models first. Only where that does not tell the kind, it asks paths that a single kind answers.
Nothing is guessed from an answer to a question: what a server can do is learnt from what it says of itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from assistant.models.servers.kinds import Server, ServerKind, server_at, servers

_OLLAMA_DEFAULT = 4096
"""What Ollama gives a model on a graphics card with less than 24 GiB if nothing else is stated."""
_LONGEST_WINDOW = 1 << 24
_MOST_MODELS = 1000


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer to one question about the server. `data` is its JSON, or None if it is none."""

    status: int
    data: Any


class Asks(Protocol):
    """Asks a server something about itself."""

    async def __call__(self, address: str, body: Mapping[str, Any] | None = None) -> Fetched:
        """Returns the answer to GET, or to POST if there is a `body`. Raises aiohttp.ClientError and TimeoutError."""
        ...


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
        names = (name, f"{name}:latest") if self.server.kind == "ollama" else (name,)
        return next((model for model in self.models if model.name in names), None)

    @property
    def only(self) -> Served | None:
        """The model that a server without choice has, or None if it has several, or none. Adapters do not count."""
        whole = [model for model in self.models if model.base is None]
        return whole[0] if len(whole) == 1 else None


def root_of(url: str) -> str:
    """Returns the address of a server without the path of its OpenAI interface: `http://host:8000` for `…:8000/v1`."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    kept = path.rpartition("/")[0] if path.rpartition("/")[2] in ("v1", "v3") else path
    return urlunsplit((parts.scheme, parts.netloc, kept.rstrip("/"), "", ""))


async def identify(ask: Asks, url: str, *, kind: ServerKind = "auto", model: str | None = None) -> Identity:
    """Returns what stands at `url` (…/v1). If `kind` is stated, only its models are asked for. `model` is the one that
    is wanted.

    A server that answers nothing of this is an ordinary one, without a list. Raises what `ask` raises.
    """
    known = servers()[kind] if kind != "auto" else server_at(url)
    if known is not None and known.is_hosted:
        return Identity(known)
    listed = await ask(f"{url.rstrip('/')}/models")
    entries = list(_entries(listed))
    server = known or _owner(entries) or await _by_signs(ask, url)
    if server.window == "ollama":
        return await _of_ollama(ask, url, server, entries, model)
    return Identity(server, tuple(_served(entry, server) for entry in entries))


def _entries(listed: Fetched) -> Iterator[Mapping[str, Any]]:
    """Yields the models in a list of models."""
    data = listed.data.get("data") if listed.status == 200 and isinstance(listed.data, dict) else None
    for entry in data[:_MOST_MODELS] if isinstance(data, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
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
    return Served(str(entry["id"]), _tokens(stated), parent, root)


async def _of_ollama(
    ask: Asks, url: str, server: Server, entries: list[Mapping[str, Any]], model: str | None
) -> Identity:
    """Returns the models of Ollama. The window is known of those that are loaded, and for the wanted one it is what its
    Modelfile states, or Ollama's default.
    """
    root = root_of(url)
    loaded = {
        str(entry.get("name")): _tokens(entry.get("context_length"))
        for entry in _listed((await ask(f"{root}/api/ps")).data, "models")
    }
    found = Identity(server, tuple(Served(str(entry["id"]), loaded.get(str(entry["id"]))) for entry in entries))
    wanted = found.of(model) if model is not None else found.only
    if wanted is None or wanted.window_tokens is not None:
        return found
    shown = await ask(f"{root}/api/show", {"model": wanted.name})
    window = _stated_window(shown.data) or _OLLAMA_DEFAULT
    models = tuple(Served(each.name, window) if each is wanted else each for each in found.models)
    return Identity(server, models, is_final=False)


def _listed(data: Any, name: str) -> list[Mapping[str, Any]]:
    listed = data.get(name) if isinstance(data, dict) else None
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _stated_window(shown: Any) -> int | None:
    """Returns the `num_ctx` of a Modelfile. Its parameters are lines of text, each a name and a value."""
    stated = shown.get("parameters") if isinstance(shown, dict) else None
    for line in stated.splitlines() if isinstance(stated, str) else ():
        name, _, value = line.strip().partition(" ")
        if name == "num_ctx" and value.strip().isdecimal():
            return _tokens(int(value))
    return None


def _tokens(stated: Any) -> int | None:
    usable = isinstance(stated, int) and not isinstance(stated, bool) and 0 < stated <= _LONGEST_WINDOW
    return stated if usable else None


def parsed(body: bytes) -> Any:
    """Returns the JSON of an answer, or None if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
