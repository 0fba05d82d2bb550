"""`/`: the chat page and its files."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import Response

router = APIRouter()

_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_FILES = files("api.web")

PageFile = Literal[
    "chat.css", "chat.js", "icon.svg", "markdown.js", "pages.js", "passage.js", "server.js", "texts.js", "turn.js"
]


@router.get("/", include_in_schema=False)
def page() -> Response:
    """The chat page."""
    return _served("index.html")


@router.get("/web/{name}", include_in_schema=False)
def page_file(name: PageFile) -> Response:
    """A script, the style sheet or the icon of the page."""
    return _served(name)


def _served(name: str) -> Response:
    # Small and local: asked for again each time, so that an update never meets an older script.
    return Response(
        (_FILES / name).read_bytes(),
        media_type=_TYPES[name.rpartition(".")[2]],
        headers={"cache-control": "no-cache"},
    )
