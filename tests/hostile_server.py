"""A server on loopback that answers every POST with the same bytes, or with the same bytes again and again."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@cache
def bomb() -> bytes:
    """Some 300 bytes that unpack to 256 MiB."""
    packed = b"\0" * (256 << 20)
    for _ in range(3):
        packed = gzip.compress(packed)
    return packed


PACKED: Mapping[str, str] = {"content-encoding": "gzip, gzip, gzip"}


@contextmanager
def hostile_server(
    body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None, times: int = 1
) -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    """Its address, and the headers that it was asked with."""
    asked: list[Mapping[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            asked.append({name.lower(): value for name, value in self.headers.items()})
            with suppress(OSError):  # a client that has seen enough
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                for _ in range(times):
                    self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()
