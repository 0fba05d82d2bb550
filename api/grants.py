"""Which routes are for whom. Whatever is not listed here is for the operator alone.

A new route needs no entry to be closed. It needs one to be open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from starlette.routing import compile_path

Grant = Literal["open", "page", "reader", "operator"]
"""`open`: nobody is asked for a key, ever. `page`: no key, and nobody's rights. `reader`: any key. `operator`: its."""

Route = tuple[str, str]
"""A method and the path of a route, as the route itself spells it."""

OPEN_PATHS = ("/healthz", "/readyz", "/dingtalk/callback")
"""The probes say nothing but that the server lives. DingTalk's callback checks a signature of its own."""

PAGE_PATHS = ("/", "/web/{name}")
"""The files of the page are the same for everybody; what the page shows comes from other routes, with a key."""

READER_ROUTES: tuple[Route, ...] = (
    ("GET", "/openapi.json"),
    ("POST", "/v1/ask"),
    ("POST", "/v1/search"),
    ("GET", "/v1/search"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model_id}"),
    ("GET", "/v1/documents"),
    ("GET", "/v1/documents/{document_id}"),
    ("GET", "/v1/documents/{document_id}/passages/{chunk_id}"),
    ("GET", "/v1/documents/{document_id}/pages/{page}.png"),
    ("GET", "/v1/documents/{document_id}/original"),
)
"""They show what their reader may read, and change nothing."""

UPLOAD_ROUTES: tuple[Route, ...] = (("POST", "/v1/documents"), ("PUT", "/v1/documents/{document_id}"))
"""Their body is a document."""


class Routes:
    """Some routes, to be recognised in requests as the router itself would."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._patterns: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        for method, path in routes:
            self._patterns.setdefault(method, []).append((compile_path(path)[0], path))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route that a request is for, with the parts of its path by name; None where it is not among these."""
        for pattern, spelt in self._patterns.get(method, ()):
            if match := pattern.match(path):
                return (method, spelt), match.groupdict()
        return None


_PAGE = Routes(("GET", path) for path in PAGE_PATHS)
_READER = Routes(READER_ROUTES)
_UPLOAD = Routes(UPLOAD_ROUTES)


def grant_of(method: str, path: str) -> Grant:
    """For whom a request is. Asking for the head of an answer is asking for the answer."""
    method = "GET" if method == "HEAD" else method
    if path in OPEN_PATHS:
        return "open"
    if _PAGE.find(method, path):
        return "page"
    return "reader" if _READER.find(method, path) else "operator"


def is_upload(method: str, path: str) -> bool:
    """Whether the body of this request is a document."""
    return _UPLOAD.find(method, path) is not None
