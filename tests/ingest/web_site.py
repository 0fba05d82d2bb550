"""A small web site on loopback that a test writes, changes and breaks, and that remembers what it was asked."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """A request: its path, the status of the answer, the headers, when it came, and on which connection."""

    path: str
    status: int
    headers: Mapping[str, str]
    at: float
    connection: int


@dataclass
class Served:
    """What is at a path. `validators`: answer with an ETag, and 304 to who has it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    validators: bool = True


class Site:
    """`site["/a"] = "<p>…"` puts a page there; `site.asked` is what was asked since the last `site.forget()`."""

    def __init__(self, host: str, port: int) -> None:
        self.url = f"http://{host}:{port}"
        self.pages: dict[str, Served] = {}
        self.asked: list[Asked] = []

    def __setitem__(self, path: str, page: str | bytes | Served) -> None:
        if isinstance(page, str):
            page = Served(page.encode(), headers={"content-type": "text/html; charset=utf-8"})
        self.pages[path] = Served(page) if isinstance(page, bytes) else page

    def __delitem__(self, path: str) -> None:
        del self.pages[path]

    def forget(self) -> None:
        self.asked.clear()

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked if asked.path != "/robots.txt"]

    def statuses(self) -> dict[str, int]:
        return {asked.path: asked.status for asked in self.asked if asked.path != "/robots.txt"}


def a_page(text: str, *links: str, head: str = "") -> str:
    """A page with a text and links."""
    anchors = "".join(f'<a href="{link}">more</a>' for link in links)
    return f"<html><head><title>{text[:20]}</title>{head}</head><body><p>{text}</p>{anchors}</body></html>"


@contextmanager
def web_site(host: str = "127.0.0.1", port: int = 0) -> Iterator[Site]:
    """A site that answers until the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page = site.pages.get(self.path, Served(b"nothing here", 404))
            etag = f'"{hashlib.sha256(page.body).hexdigest()[:16]}"'
            headers, status, body = dict(page.headers), page.status, page.body
            if page.validators and status == 200:
                headers["etag"] = etag
                if self.headers.get("if-none-match") == etag:
                    status, body = 304, b""
            asked = {name.lower(): value for name, value in self.headers.items()}
            site.asked.append(Asked(self.path, status, asked, time.monotonic(), self.client_address[1]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that has seen enough of an answer is no error."""

    server = Server((host, port), Handler)
    site = Site(host, server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
