"""The files of the web pages, listed at the start. What is in this list is served to everybody, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

MEDIA_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}

_PAGES = files("api.web")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names that mean the same in a path, in an address and in a route. `.hidden`, `__init__.py` and `{name}` are none."""


def listed(folder: Traversable, before: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yields the files of a folder and of its sub-folders, each with its path such as `console/runs.js`.

    It leaves out what has no media type here, and every file and folder whose name is hidden or not plain.
    """
    for each in folder.iterdir():
        if not _NAME.fullmatch(each.name):
            continue
        if each.is_dir():
            yield from listed(each, f"{before}{each.name}/")
        elif media_type_of(each.name) is not None:
            yield before + each.name, each


def media_type_of(name: str) -> str | None:
    """Returns the media type of a file of a page, or None if this is no file of a page."""
    stem, dot, suffix = name.rpartition(".")
    return MEDIA_TYPES.get(suffix) if stem and dot else None


CHAT_PAGE = _PAGES / "index.html"
"""The page at `/`. It has no other address."""

PAGE_FILES: Mapping[str, Traversable] = MappingProxyType(
    {path: file for path, file in sorted(listed(_PAGES), key=lambda each: each[0]) if path != "index.html"}
)
"""The files below `/web/`, by their paths. A path of a request is looked up here and never leads to a file itself."""

PAGE_FOLDERS = sorted({path[: path.rfind("/") + 1] for path in PAGE_FILES})
"""The folders of these files: `` for the top, and `console/` for a sub-folder."""
