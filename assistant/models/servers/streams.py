"""Decodes the bytes of a chat server's stream into events: server-sent events, or lines of JSON."""

from __future__ import annotations

import re
from typing import Final, Protocol

from assistant.sse import LONGEST_BYTES, EndlessEventError, EventDecoder, ServerSentEvent

DONE: Final = "[DONE]"
"""The data of the event that ends a stream."""
_WHOLE_BYTES = 16 << 20
_ENDED = re.compile(rb'"done"\s*:\s*true')
"""Matches the end of an answer in a line of JSON. Inside a text the quotation marks would be escaped."""


class Decoder(Protocol):
    """Decodes one stream."""

    @property
    def stray(self) -> str:
        """The beginning of what is no part of any event. Error messages quote it."""
        ...

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """Returns the events that `piece` completes. Raises EndlessEventError."""
        ...

    def finish(self) -> list[ServerSentEvent]:
        """Returns the events that were not complete when the stream ended."""
        ...


class CompletionDecoder:
    """Decodes server-sent events. If the server answers with one JSON instead, that JSON becomes one event."""

    def __init__(self) -> None:
        self._events = EventDecoder(last=DONE)
        self._begun = False
        self._whole: bytearray | None = None

    @property
    def stray(self) -> str:
        """The beginning of the first line that is no field of an event."""
        return self._events.stray

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """Returns the events that `piece` completes. Raises EndlessEventError."""
        if not self._begun:
            piece = piece.lstrip()  # white space before the stream means nothing
            self._begun = bool(piece)
            self._whole = bytearray() if piece[:1] in (b"{", b"[") else None
        if self._whole is None:
            return self._events.feed(piece)
        self._whole += piece
        if len(self._whole) > _WHOLE_BYTES:
            raise EndlessEventError(f"A JSON has more than {_WHOLE_BYTES} bytes.")
        return []

    def finish(self) -> list[ServerSentEvent]:
        """Returns the events that were not complete when the stream ended."""
        whole = [] if self._whole is None else [ServerSentEvent("message", self._whole.decode("utf-8", "replace"))]
        return [*whole, *self._events.finish()]


class LineDecoder:
    """Decodes lines of JSON (NDJSON): each line is an event. Behind the line that says `"done": true` comes `DONE`."""

    def __init__(self, *, longest_bytes: int = LONGEST_BYTES) -> None:
        self._longest = longest_bytes
        self._line = bytearray()
        self.stray = ""

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """Returns the events that `piece` completes. Raises EndlessEventError."""
        events: list[ServerSentEvent] = []
        *ended, rest = piece.split(b"\n")
        for part in ended:
            events += self._take(part, whole=True)
        self._add(rest)
        return events

    def finish(self) -> list[ServerSentEvent]:
        """Returns the events that were not complete when the stream ended."""
        return self._take(b"", whole=False)

    def _take(self, part: bytes, *, whole: bool) -> list[ServerSentEvent]:
        self._add(part)
        line, self._line = bytes(self._line).strip(), bytearray()
        if not line:
            return []
        whole = whole or not line.startswith(b"{")  # what is no JSON is not the beginning of one
        event = ServerSentEvent("message", line.decode("utf-8", "replace"), whole)
        return [event, ServerSentEvent("message", DONE)] if _ENDED.search(line) else [event]

    def _add(self, part: bytes) -> None:
        self._line += part
        if len(self._line) > self._longest:
            raise EndlessEventError(f"A line has more than {self._longest} bytes.")
