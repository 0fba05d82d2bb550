"""What a kind of server is sent for a model: which values of sampling, and how the model is told not to think."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.models.servers.identity import Identity
from assistant.models.servers.kinds import Server
from assistant.qwen.find import Found, find_by_name

_SOFT_SWITCH = "/no_think"
_ANY_NAME = "llamacpp"


@dataclass(frozen=True, slots=True)
class Suited:
    """What is sent beside the messages and the temperature.

    `thinking_off` has the fields that stop the model from thinking aloud, and `sampling` the values for the fields that
    the server takes. `soft_switch` is what the last message says instead where no field of `thinking_off` is sent.
    `never_thinks` is True if the model cannot think, so that what a server takes for thinking is the answer, and
    `always_thinks` if nothing stops it.
    """

    thinking_off: Mapping[str, Any]
    sampling: Mapping[str, Any]
    soft_switch: str = ""
    never_thinks: bool = False
    always_thinks: bool = False

    def switched_off(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Returns a request that asks the model in words not to think, if it understands them and no field does."""
        messages = sent["messages"]
        if not self.soft_switch or not messages or any(name in sent for name in self.thinking_off):
            return sent
        last = {**messages[-1], "content": f"{messages[-1]['content']} {self.soft_switch}"}
        return {**sent, "messages": [*messages[:-1], last]}

    def is_silent(self, sent: Mapping[str, Any]) -> bool:
        """Returns True if the model does not think: because it cannot, or because this request has told it so."""
        return self.never_thinks or bool(self.soft_switch) or any(name in sent for name in self.thinking_off)


def suited(server: Server, found: Found | None) -> Suited:
    """Returns what is sent to this server for a model of the registry, or, without `found`, for another one.

    A switch for thinking is sent only if the model has one. A model that always thinks would not heed it, and a server
    that believes it may leave the thinking in the text.
    """
    if found is None:
        return Suited(server.thinking_off, server.sampling)
    series = found.model.series
    values = {name: getattr(series.grounded, name) for name in server.accepts}
    sampling = {name: value for name, value in values.items() if value is not None}
    if series.thinking == "always":
        return Suited({}, sampling, always_thinks=True)
    if series.thinking == "never" and found.behaves_as_its_series:
        return Suited({}, sampling, never_thinks=True)
    has_words = _SOFT_SWITCH in series.switches
    return Suited(server.thinking_off, sampling, soft_switch=_SOFT_SWITCH if has_words else "")


def found_at(name: str, identity: Identity | None) -> Found | None:
    """Returns the model of the registry that is behind a name, by the name or by what the server says of it: the base
    of an adapter, the files that were loaded, or, for a server that answers to any name, its only model.
    """
    for each in (name, *_behind(name, identity)):
        if each and isinstance(found := find_by_name(each), Found):
            return found
    return None


def _behind(name: str, identity: Identity | None) -> tuple[str, ...]:
    if identity is None:
        return ()
    served = identity.of(name)
    base = identity.of(served.base) if served and served.base else None
    names = [served.base, served.root] if served else []
    names += [base.root] if base else []
    names += [identity.only.name] if identity.only and identity.server.kind == _ANY_NAME else []
    return tuple(each for each in names if each)
