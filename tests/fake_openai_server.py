"""A real HTTP server on loopback that answers like an OpenAI-compatible chat server, or like Ollama, by script.

    with FakeOpenAIServer([Reply("Ten days [1].")]) as server:
        ... server.url, server.requests ...

The last reply of the script is repeated; a function from the request's body to a Reply is a script too.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COUNTED = -1
"""In a usage: as many tokens as the messages have, about, and 42 at least."""


@dataclass
class Reply:
    """What the server does with one request.

    `text` is streamed in `pieces` of that many characters. With `cut_after` the connection breaks after that many
    pieces. `reasoning` is streamed before the text in `reasoning_field`. `delay_seconds` passes before the first
    byte, `pause_seconds` between pieces. `status` other than 200 sends `error` as the body.
    `refuses` names body fields that are answered with 400. `raw` is sent as it is in place of a stream, each part by
    itself, as `content_type`; with `ends` false the connection breaks behind it, with `stays_open` it stays open.
    """

    text: str = ""
    piece_chars: int = 4
    reasoning: str = ""
    reasoning_field: str = "reasoning_content"
    delay_seconds: float = 0.0
    pause_seconds: float = 0.0
    cut_after: int | None = None
    says_done: bool = True
    finish_reason: str = "stop"
    status: int = 200
    error: Any = None
    error_in_stream: str = ""
    usage: dict[str, int] | None = field(default_factory=lambda: {"prompt_tokens": COUNTED, "completion_tokens": 7})
    refuses: tuple[str, ...] = ()
    raw: Sequence[bytes] | None = None
    content_type: str = "text/event-stream"
    ends: bool = True
    stays_open: bool = False
    headers: dict[str, str] = field(default_factory=dict)


Script = Sequence[Reply] | Callable[[dict[str, Any]], Reply]


class FakeOpenAIServer:
    """`requests` are the bodies of the chat requests, `keys` their Authorization headers; `disconnects` counts the
    clients that left before the end, `pieces` the pieces sent so far, `touched` requests of any kind. A `native` one is
    Ollama by its own interface."""

    def __init__(self, script: Script, *, model: str = "fake-qwen", port: int = 0, native: bool = False) -> None:
        self._script = script
        self.model = model
        self.native = native
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.disconnects = 0
        self.pieces = 0
        self.touched = 0
        self._closing = threading.Event()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"fake": self})
        self._http = _Quiet(("127.0.0.1", port), handler)
        self._http.daemon_threads = True
        self.port = int(self._http.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/{'api' if native else 'v1'}"

    def __enter__(self) -> FakeOpenAIServer:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def next_reply(self, body: dict[str, Any]) -> Reply:
        with self._lock:
            index = len(self.requests)
            self.requests.append(body)
        if callable(self._script):
            return self._script(body)
        return self._script[min(index, len(self._script) - 1)]

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than the server lives."""
        self._closing.wait(seconds)

    def wait_for_piece(self, seconds: float = 10.0) -> bool:
        """Whether an answer has begun, by the end of that time."""
        return self._wait(lambda: self.pieces > 0, seconds)

    def wait_for_disconnect(self, seconds: float = 10.0) -> bool:
        """Whether a client has left in the middle, by the end of that time."""
        return self._wait(lambda: self.disconnects > 0, seconds)

    @staticmethod
    def _wait(happened: Callable[[], bool], seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not happened() and time.monotonic() < until:
            time.sleep(0.01)
        return happened()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that are gone."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    fake: FakeOpenAIServer
    protocol_version = "HTTP/1.1"

    def parse_request(self) -> bool:
        self.fake.touched += 1
        return super().parse_request()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: test output is for failures."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._json(200, {"object": "list", "data": [{"id": self.fake.model, "object": "model"}]})
        elif self.path == "/api/tags" and self.fake.native:
            self._json(200, {"models": [{"name": self.fake.model, "model": self.fake.model}]})
        else:
            self._json(200 if self.path == "/health" else 404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path not in ("/v1/chat/completions", "/api/chat"):
            self._json(404, {"error": {"message": "not found"}})
            return
        self.fake.keys.append(self.headers.get("Authorization", ""))
        reply = self.fake.next_reply(body)
        self.fake.sleep(reply.delay_seconds)
        refused = [name for name in reply.refuses if name in body]
        if refused:
            self._json(400, {"error": {"message": f"Unexpected fields: {', '.join(refused)}"}})
        elif reply.status != 200:
            error = reply.error if reply.error is not None else {"error": {"message": "scripted"}}
            self._json(reply.status, error, reply.headers)
        elif body.get("stream") or self.path == "/api/chat":
            self._stream(body, reply)
        else:
            self._whole(body, reply)

    def _whole(self, body: dict[str, Any], reply: Reply) -> None:
        message = {"role": "assistant", "content": reply.text, reply.reasoning_field: reply.reasoning or None}
        choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
        self._json(
            200,
            {
                "id": "1",
                "object": "chat.completion",
                "model": self.fake.model,
                "choices": [choice],
                "usage": _counted(reply.usage, body),
            },
        )

    def _stream(self, body: dict[str, Any], reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            if reply.raw is None and self.path == "/api/chat":
                self._lines(body, reply)
            elif reply.raw is None:
                self._events(body, reply)
            else:
                self._raw(reply, reply.raw)
        except (BrokenPipeError, ConnectionResetError):
            self.fake.disconnects += 1
            self.close_connection = True

    def _raw(self, reply: Reply, parts: Sequence[bytes]) -> None:
        for part in parts:
            self._chunk(part)
            self.fake.sleep(reply.pause_seconds)
        if reply.stays_open:
            self.fake.sleep(30)
        if reply.ends:
            self._chunk(b"")
        else:
            self.close_connection = True

    def _events(self, body: dict[str, Any], reply: Reply) -> None:
        deltas: list[dict[str, str]] = [{"role": "assistant"}]
        for name, text in ((reply.reasoning_field, reply.reasoning), ("content", reply.text)):
            deltas += [{name: text[i : i + reply.piece_chars]} for i in range(0, len(text), reply.piece_chars)]
        for sent, delta in enumerate(deltas):
            if sent == reply.cut_after:
                self.close_connection = True
                return
            self._event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            self.fake.pieces += 1
            self.fake.sleep(reply.pause_seconds)
        if reply.error_in_stream:
            self._event({"error": {"message": reply.error_in_stream}})
        elif reply.says_done:
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish_reason}]})
            if reply.usage and (body.get("stream_options") or {}).get("include_usage"):
                self._event({"choices": [], "usage": _counted(reply.usage, body)})
            self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _lines(self, body: dict[str, Any], reply: Reply) -> None:
        """Answer as Ollama does by its own interface: a JSON in each line."""
        said: list[dict[str, str]] = []
        for name, text in (("thinking", reply.reasoning), ("content", reply.text)):
            pieces = [text[i : i + reply.piece_chars] for i in range(0, len(text), reply.piece_chars)]
            said += [{"content": "", name: piece} for piece in pieces]
        for sent, message in enumerate(said):
            if sent == reply.cut_after:
                self.close_connection = True
                return
            self._line({"message": {"role": "assistant", **message}, "done": False})
            self.fake.pieces += 1
            self.fake.sleep(reply.pause_seconds)
        if reply.error_in_stream:
            self._chunk(json.dumps({"error": reply.error_in_stream}).encode() + b"\n")
        elif reply.says_done:
            usage = _counted(reply.usage, body) or {}
            counts = {"prompt_eval_count": usage.get("prompt_tokens"), "eval_count": usage.get("completion_tokens")}
            end = {"role": "assistant", "content": ""}
            self._line({"message": end, "done": True, "done_reason": reply.finish_reason, **counts})
        self._chunk(b"")

    def _line(self, data: dict[str, Any]) -> None:
        data = {"model": self.fake.model, "created_at": "2026-11-28T08:00:00.000000Z"} | data
        self._chunk(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")

    def _event(self, data: dict[str, Any]) -> None:
        data = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": self.fake.model} | data
        self._chunk(b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _json(self, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(data, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _counted(usage: dict[str, int] | None, body: dict[str, Any]) -> dict[str, int] | None:
    if usage is None or usage.get("prompt_tokens") != COUNTED:
        return usage
    return usage | {"prompt_tokens": max(42, sum(len(message["content"]) for message in body["messages"]) // 2)}
