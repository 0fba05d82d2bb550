"""Fields of a request that a server refuses: left out or renamed, one by one, as the server names them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ESSENTIAL = ("model", "messages", "stream")
_LIMIT, _NEW_LIMIT = "max_tokens", "max_completion_tokens"
# Servers name the limit also where it is only too high; then it is not to be left out.
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|unrecogni[sz]ed|unknown|unexpected|\bextra|not permitted|not allowed|forbidden",
    re.IGNORECASE,
)
_LOC = re.compile(r"'loc': ?[(\[]([^)\]]{0,500})[)\]]")


@dataclass(frozen=True, slots=True)
class RefusedFields:
    """The fields that a server has refused, each with the value it had: another value may be welcome.

    `max_tokens` is first sent under its new name, `max_completion_tokens`, and left out where that is refused too.
    """

    refused: frozenset[tuple[str, str]] = frozenset()

    def without(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body as this server takes it."""
        sent = dict(body)
        if _LIMIT in sent and self._has(_LIMIT, sent[_LIMIT]):
            sent[_NEW_LIMIT] = sent.pop(_LIMIT)
        return {name: value for name, value in sent.items() if not self._has(name, value)}

    def and_named(self, sent: Mapping[str, Any], error: str) -> RefusedFields:
        """These and the fields of the request `sent` that the body `error` of the answer names as the mistake."""
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
        """Both together."""
        return RefusedFields(self.refused | other.refused)

    def names(self) -> list[str]:
        """The names alone, for the log."""
        return sorted({name for name, _ in self.refused})

    def _has(self, name: str, value: Any) -> bool:
        return (name, _written(value)) in self.refused


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _own_names(name: str, value: Any) -> set[str]:
    """What an error may call a field: its name or one inside it, as `enable_thinking` in `chat_template_kwargs`."""
    return {name, *value} if isinstance(value, Mapping) else {name}


def _named(error: str) -> Iterator[set[str]]:
    """The words of an error that may be names of fields, surest first: those at a place that is for the name, then
    those of its message. The rest of it may repeat the whole request."""
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
