"""The kinds of chat servers, as data in `assistant/models/servers/servers.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

ServerKind = Literal[
    "auto",
    "vllm",
    "sglang",
    "ollama",
    "ollama_native",
    "llamacpp",
    "lmdeploy",
    "openvino",
    "tensorrt",
    "transformers",
    "dashscope",
    "modelscope",
    "openai",
]
# Qwen recommends these values for answers without thinking. The temperature is set elsewhere. There is no presence
# penalty, because it would punish the second [1] and every quoted term.
_SAMPLING: Mapping[str, float] = {"top_p": 0.8, "top_k": 20}


@dataclass(frozen=True, slots=True)
class Server:
    """What is known of a kind of server. The data explains each field.

    If a server still refuses a field of a request, the field is left out (`refused_fields`).
    """

    kind: ServerKind
    title: str
    seen: Literal["run", "read", "secondary", "memory"]
    owned_by: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    port: int | None = None
    path: str | None = None
    wire: Literal["openai", "ollama"] = "openai"
    asked: str | None = None
    answers: str | None = None
    thinking_off: Mapping[str, Any] = field(default_factory=dict)
    accepts: tuple[str, ...] = ()
    stream_usage: bool = True
    window: Literal["max_model_len", "meta", "ollama"] | None = None
    counting: Literal["vllm", "llamacpp"] | None = None
    salt: str | None = None
    refuses: bool = False

    @property
    def sampling(self) -> Mapping[str, float]:
        """The sampling fields that are sent beside the temperature, because the defaults of servers differ."""
        return {name: _SAMPLING[name] for name in self.accepts}

    @property
    def is_hosted(self) -> bool:
        """True for a service of somebody else, which is not asked for more than answers."""
        return bool(self.domains)


@cache
def servers() -> Mapping[ServerKind, Server]:
    """Returns all kinds of servers, by their names."""
    data = tomllib.loads(files(__package__).joinpath("servers.toml").read_text(encoding="utf-8"))
    kinds: tuple[ServerKind, ...] = get_args(ServerKind)
    return {kind: Server(kind=kind, **{name: _frozen(value) for name, value in data[kind].items()}) for kind in kinds}


def server_at(url: str) -> Server | None:
    """Returns the kind of server that an address alone tells: a hosted service, the path of an interface, or the usual
    port of a server. Returns None if it tells nothing.

    An address without a path is that of a server's own interface, if it has one.
    """
    address = urlsplit(url)
    host, path = address.hostname or "", address.path.rstrip("/")
    for server in servers().values():
        if any(host == domain or host.endswith("." + domain) for domain in server.domains):
            return server
    for server in servers().values():
        if server.path is not None and path.endswith(server.path):
            return server
    at_port = (server for server in servers().values() if server.port and server.port == address.port)
    return next((server for server in at_port if (server.path is None) == bool(path)), None)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
