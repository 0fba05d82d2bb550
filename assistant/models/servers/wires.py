"""The forms of the requests to chat servers and of their answers: OpenAI's, and Ollama's own.

A wire says where a request goes, what it has, and how the answer is read. All else is the adapter's, for every wire:
deadlines, the circuit, thinking, fields that are refused, errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from assistant.models.servers.asking import root_of
from assistant.models.servers.kinds import Server
from assistant.models.servers.streams import CompletionDecoder, Decoder, LineDecoder

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of a model. `window_tokens` is the context window that it has, or is to have where a server
    can be told. `switches` stop the model from thinking, and `sampling` has the values beside the temperature. `salted`
    keeps what the server caches of the prompt from others who ask it.
    """

    model: str
    messages: Sequence[Mapping[str, str]]
    switches: Json
    sampling: Json
    window_tokens: int | None
    temperature: float | None = None
    max_tokens: int | None = None
    salted: Json = field(default_factory=dict)


class Wire(Protocol):
    """One form of requests and answers."""

    def address(self, url: str) -> str:
        """Returns where the requests to the server at `url` go."""
        ...

    def body(self, asked: Asked) -> dict[str, Any]:
        """Returns the body of a request."""
        ...

    def decoder(self) -> Decoder:
        """Returns what decodes the stream of one answer."""
        ...

    def reader(self, sent: Json) -> Callable[[Json], Json] | None:
        """Returns what turns each JSON of the answer to this body into a chunk of a chat completion, or None if each is
        one.
        """
        ...


def wire_of(server: Server) -> Wire:
    """Returns the wire of a kind of server."""
    return OllamaWire() if server.wire == "ollama" else CompletionsWire(stream_usage=server.stream_usage)


@dataclass(frozen=True, slots=True)
class CompletionsWire:
    """OpenAI's streaming `/chat/completions`. `stream_usage` asks for the usage of the answer."""

    stream_usage: bool = True

    def address(self, url: str) -> str:
        """Returns the address of the chat completions."""
        return f"{url.rstrip('/')}/chat/completions"

    def body(self, asked: Asked) -> dict[str, Any]:
        """Returns the body of a request. The window cannot be stated."""
        body: dict[str, Any] = {
            "model": asked.model,
            "messages": asked.messages,
            "stream": True,
            **asked.sampling,
            **asked.switches,
            **asked.salted,
        }
        if self.stream_usage:
            body["stream_options"] = {"include_usage": True}
        return body | _given({"temperature": asked.temperature, "max_tokens": asked.max_tokens})

    def decoder(self) -> Decoder:
        """Returns a decoder of server-sent events."""
        return CompletionDecoder()

    def reader(self, sent: Json) -> None:
        """Returns None: each JSON is a chunk."""


@dataclass(frozen=True, slots=True)
class OllamaWire:
    """Ollama's own `/api/chat`. It states the window, and that neither a prompt nor an answer that is too long is cut.

    Versions before 0.12.6 know neither of these two fields and cut the prompt to the whole window. Then the count of
    its tokens is the window.
    """

    def address(self, url: str) -> str:
        """Returns the address of the chat."""
        return f"{root_of(url)}/api/chat"

    def body(self, asked: Asked) -> dict[str, Any]:
        """Returns the body of a request."""
        limits = {"temperature": asked.temperature, "num_predict": asked.max_tokens}
        return {
            "model": asked.model,
            "messages": asked.messages,
            "stream": True,
            "truncate": False,
            "shift": False,
            **asked.switches,
            "options": {"num_ctx": asked.window_tokens, **asked.sampling, **_given(limits)},
        }

    def decoder(self) -> Decoder:
        """Returns a decoder of lines of JSON."""
        return LineDecoder()

    def reader(self, sent: Json) -> Callable[[Json], Json]:
        """Returns what turns each line into a chunk of a chat completion."""
        window = sent["options"]["num_ctx"]
        return lambda line: _as_chunk(line, window)


def _as_chunk(line: Json, window: int) -> Json:
    message = line.get("message")
    if line.get("error") or not isinstance(message, dict):
        return line
    delta = {"content": message.get("content"), "reasoning": message.get("thinking")}
    if not line.get("done"):
        return {"choices": [{"delta": delta}]}
    read, said = line.get("prompt_eval_count"), line.get("eval_count")
    if isinstance(read, int) and read >= window:
        return {"error": f"the prompt exceeds the context window of {window} tokens"}
    # Some versions leave the count of a prompt out that they have read before.
    counted = isinstance(read, int) and isinstance(said, int)
    usage = {"prompt_tokens": read, "completion_tokens": said} if counted else None
    return {"choices": [{"delta": delta, "finish_reason": line.get("done_reason") or "stop"}], "usage": usage}


def _given(values: Json) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
