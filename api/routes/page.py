"""`/`: the chat page and its files."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

router = APIRouter()

_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_FILES = files("api.web")

PAGE_FILES = (
    "chat.css", "chat.js", "icon.svg", "markdown.js", "pages.js", "passage.js", "server.js", "texts.js", "turn.js"
)  # fmt: skip


@router.head("/", include_in_schema=False)
@router.get("/", include_in_schema=False)
def page() -> Response:
    """Send the chat page."""
    return _served("index.html")


@router.head("/web/{name}", include_in_schema=False)
@router.get("/web/{name}", include_in_schema=False)
def page_file(name: str) -> Response:
    """Send a script, the style sheet or the icon of the page."""
    if name not in PAGE_FILES:
        raise HTTPException(404)
    return _served(name)


def _served(name: str) -> Response:
    # The files are small and near. The browser asks for them again each time, so that after an update it never mixes
    # new files with older ones.
    return Response(
        (_FILES / name).read_bytes(),
        media_type=_TYPES[name.rpartition(".")[2]],
        headers={"cache-control": "no-cache"},
    )
