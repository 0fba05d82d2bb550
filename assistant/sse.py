"""Decodes server-sent events from bytes as they arrive. A chat server streams them to us, and we to the command line.

Lines end at LF, CR or CRLF and nowhere else. The text in them may contain U+2028, U+2029 and U+0085. Python and HTTP
clients would split lines there too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_BYTES = 1 << 20

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event. Several `data` lines are joined by newlines. `whole` is False if the stream ended before the event."""

    name: str
    data: str
    whole: bool = True


class EndlessEventError(ValueError):
    """A line or an event is longer than the limit. Either this is no stream of events, or the event has no end."""


class EventDecoder:
    """Decodes bytes into events. A line, and the data of an event, may have at most `longest_bytes`.

    Data equal to `last` becomes an event at the end of its line, because some servers send nothing after it and leave
    the connection open. A line `error: …`, which llama.cpp sends, becomes an event with the name `error`. `stray` is
    the beginning of the first line that is no field of an event. Error messages quote it.
    """

    def __init__(self, *, last: str | None = None, longest_bytes: int = LONGEST_BYTES) -> None:
        self._last = last
        self._longest = longest_bytes
        self._line = bytearray()
        self._after_cr = False
        self._first = True
        self._name = ""
        self._data: list[str] = []
        self._bytes = 0
        self.stray = ""

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """Returns the events that `piece` completes. Raises EndlessEventError."""
        events = self._usual(piece)
        if events is not None:
            return events
        events = []
        if self._after_cr and piece:
            piece = piece.removeprefix(b"\n")  # the second half of a CRLF
            self._after_cr = False
        *ended, rest = _LINE_END.split(piece)
        self._after_cr = self._after_cr or piece.endswith(b"\r")
        for part in ended:
            self._line += part
            self._check(len(self._line))
            line, self._line = bytes(self._line), bytearray()
            self._take(line, events)
        self._line += rest
        self._check(len(self._line))
        return events

    def _usual(self, piece: bytes) -> list[ServerSentEvent] | None:
        """Returns the events of a piece of whole events, each with one line of data and without a name. Returns None
        for any other piece. Nearly all pieces of a chat server have this form, and to decode them here takes a third of
        the time.
        """
        if self._line or self._data or self._name or self._after_cr or not piece.startswith(b"data: "):
            return None
        if len(piece) > self._longest or not piece.endswith(b"\n\n") or b"\r" in piece:
            return None
        events = []
        for block in piece.decode("utf-8", "replace")[:-2].split("\n\n"):
            if "\n" in block or not block.startswith("data: "):
                return None
            value = block[6:]
            stripped = value.strip()
            events.append(ServerSentEvent("message", stripped if stripped == self._last else value))
        self._first = False
        return events

    def finish(self) -> list[ServerSentEvent]:
        """Returns the events that were not complete when the stream ended."""
        events: list[ServerSentEvent] = []
        if self._line:
            self._take(bytes(self._line), events)
            self._line.clear()
        if self._data:
            events.append(ServerSentEvent(self._name or "message", "\n".join(self._data), whole=False))
            self._data = []
        return events

    def _take(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if self._first:
            self._first, line = False, line.removeprefix(_BOM)
        if not line:
            if self._data:
                events.append(ServerSentEvent(self._name or "message", "\n".join(self._data)))
            self._name, self._data, self._bytes = "", [], 0
            return
        field, colon, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._add(value, len(line), events)
        elif field == "event":
            self._name = value
        elif field == "error":
            events.append(ServerSentEvent("error", value))
        elif field not in ("", "id", "retry") and not self.stray:
            self.stray = (field + colon + value)[:1000]

    def _add(self, value: str, size: int, events: list[ServerSentEvent]) -> None:
        if not self._data and value.strip() == self._last:
            events.append(ServerSentEvent(self._name or "message", value.strip()))
            return
        self._bytes += size
        self._check(self._bytes)
        self._data.append(value)

    def _check(self, size: int) -> None:
        if size > self._longest:
            raise EndlessEventError(f"A line or an event has more than {self._longest} bytes.")
