"""A real server of OpenAI's /v1/embeddings on loopback, whose answers a test can choose."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class EmbeddingServer:
    """What was asked, and how it is answered: every text becomes [length, 1, 0] unless `answer` is replaced."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.retry_after: str | None = None
        """The header of this name of every error."""
        self.answer: Callable[[list[str]], tuple[int, Any]] = self.vectors

    @staticmethod
    def vectors(texts: list[str]) -> tuple[int, Any]:
        rows = [{"index": i, "embedding": [float(len(text)), 1.0, 0.0]} for i, text in enumerate(texts)]
        return 200, {"data": rows[::-1]}


@contextmanager
def embedding_server() -> Iterator[tuple[EmbeddingServer, str]]:
    """The server and its address, while it listens."""
    behind = EmbeddingServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            behind.requests.append(body)
            behind.keys.append(self.headers.get("Authorization"))
            status, answer = behind.answer(body["input"])
            content = json.dumps(answer).encode()
            with suppress(OSError):  # the client of a slow answer has gone
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                if status >= 400 and behind.retry_after is not None:
                    self.send_header("Retry-After", behind.retry_after)
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield behind, f"http://127.0.0.1:{listening.server_port}/v1"
        listening.shutdown()
        thread.join()
