"""Says who may use which route. A route that is not listed here is for the operator alone.

A new route without an entry is closed. An entry opens it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from starlette.routing import compile_path

from api.http.page_files import PAGE_FOLDERS

Grant = Literal["open", "page", "reader", "operator"]
"""Who may use a route.

`open`: everybody, and no key is asked for. `page`: everybody, without any rights. `reader`: any key.
`operator`: only the operator's key.
"""

Route = tuple[str, str]
"""A method and the path of a route, in the route's own spelling."""

OPEN_PATHS = ("/healthz", "/readyz", "/dingtalk/callback")
"""The probes say only that the server lives. DingTalk's callback checks its own signature."""

PAGE_PATHS = ("/", *(f"/web/{folder}{{name}}" for folder in PAGE_FOLDERS))
"""The files of the pages are the same for everybody. The pages get their content from other routes, with a key."""

READER_ROUTES: tuple[Route, ...] = (
    ("GET", "/openapi.json"),
    ("POST", "/v1/ask"),
    ("POST", "/v1/conversations"),
    ("GET", "/v1/conversations"),
    ("GET", "/v1/conversations/{conversation_id}"),
    ("PATCH", "/v1/conversations/{conversation_id}"),
    ("DELETE", "/v1/conversations/{conversation_id}"),
    ("POST", "/v1/conversations/{conversation_id}/stop"),
    ("GET", "/v1/conversations/{conversation_id}/export"),
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
"""They show what their reader may read. They change nothing but the conversations of that reader."""

UPLOAD_ROUTES: tuple[Route, ...] = (("POST", "/v1/documents"), ("PUT", "/v1/documents/{document_id}"))
"""The body of these requests is a document."""


class Routes:
    """Some routes. It matches requests in the same way as the router."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._patterns: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        for method, path in routes:
            self._patterns.setdefault(method, []).append((compile_path(path)[0], path))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Returns the route of a request, and the parts of its path by name.

        Returns None if it is not among these routes.
        """
        for pattern, spelt in self._patterns.get(method, ()):
            if match := pattern.match(path):
                return (method, spelt), match.groupdict()
        return None


_PAGE = Routes(("GET", path) for path in PAGE_PATHS)
_READER = Routes(READER_ROUTES)
_UPLOAD = Routes(UPLOAD_ROUTES)


def grant_of(method: str, path: str) -> Grant:
    """Returns who may send a request. HEAD counts as GET."""
    method = "GET" if method == "HEAD" else method
    if path in OPEN_PATHS:
        return "open"
    if _PAGE.find(method, path):
        return "page"
    return "reader" if _READER.find(method, path) else "operator"


def is_upload(method: str, path: str) -> bool:
    """Returns True if the body of this request is a document."""
    return _UPLOAD.find(method, path) is not None
