"""The fields of a request that a server refuses. They are left out or renamed when the server names them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ESSENTIAL = ("model", "messages", "stream", "options")
"""Ollama's `options` state the context window. It ignores those that it does not know."""
_ALSO_CALLED = {"think": {"thinking"}}
"""Ollama refuses `think` for a model that "does not support thinking"."""
_LIMIT, _NEW_LIMIT = "max_tokens", "max_completion_tokens"
# A server also names the limit if it is only too high. In that case the limit must not be left out.
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|unrecogni[sz]ed|unknown|unexpected|\bextra|not permitted|not allowed|forbidden",
    re.IGNORECASE,
)
_LOC = re.compile(r"'loc': ?[(\[]([^)\]]{0,500})[)\]]")


@dataclass(frozen=True, slots=True)
class RefusedFields:
    """The fields that a server has refused, each with its value, because it may accept another value.

    If `max_tokens` is refused, it is sent under its new name, `max_completion_tokens`. If that is refused too, it is
    left out.
    """

    refused: frozenset[tuple[str, str]] = frozenset()

    def without(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the body without the fields that this server refuses."""
        sent = dict(body)
        if _LIMIT in sent and self._has(_LIMIT, sent[_LIMIT]):
            sent[_NEW_LIMIT] = sent.pop(_LIMIT)
        return {name: value for name, value in sent.items() if not self._has(name, value)}

    def and_named(self, sent: Mapping[str, Any], error: str) -> RefusedFields:
        """Returns these fields and those of the request `sent` that the error body `error` names as the mistake."""
        fields = {name: value for name, value in sent.items() if name not in _ESSENTIAL}
        found: set[tuple[str, str]] = set()
        for names in _named(error):
            found = {(name, _written(value)) for name, value in fields.items() if names & _own_names(name, value)}
            if found:
                break
        if not _UNSUPPORTED.search(error):
            found = {(name, value) for name, value in found if name not in (_LIMIT, _NEW_LIMIT)}
        return RefusedFields(self.refused | found)

    def and_those_of(self, other: RefusedFields) -> RefusedFields:
        """Returns the fields of both."""
        return RefusedFields(self.refused | other.refused)

    def names(self) -> list[str]:
        """Returns only the names, sorted, for the log."""
        return sorted({name for name, _ in self.refused})

    def _has(self, name: str, value: Any) -> bool:
        return (name, _written(value)) in self.refused


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _own_names(name: str, value: Any) -> set[str]:
    """Returns the names that an error may use for a field: its own name, or a name inside it, such as
    `enable_thinking` in `chat_template_kwargs`.
    """
    return {name, *value} if isinstance(value, Mapping) else {name} | _ALSO_CALLED.get(name, set())


def _named(error: str) -> Iterator[set[str]]:
    """Yields the words of an error that may be names of fields, the most certain first. These are the words at a place
    for names, and then the words of the message. Other parts may repeat the whole request, so they are not read.
    """
    try:
        data = json.loads(error)
    except (ValueError, RecursionError):
        yield _words(error)
        return
    inner = data.get("error", data) if isinstance(data, dict) else data
    if isinstance(inner, dict):
        yield _words(str(inner.get("param")))
        inner = next((inner[key] for key in ("detail", "message", "msg") if inner.get(key)), inner)
    if isinstance(inner, list):
        yield _words(" ".join(str(item.get("loc")) for item in inner if isinstance(item, dict)))
    quoted = _LOC.findall(str(inner))
    yield _words(" ".join(quoted) if quoted else str(inner))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))
