"""What commands print: JSON for scripts, and lines for people."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Literal

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
"""Where results go."""
notes = Console(stderr=True, highlight=False)
"""Where progress and remarks go, so that results can be piped."""


def print_json(value: object) -> None:
    """One JSON object on standard output, Chinese as it is."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def local_time(utc: str, timespec: Literal["minutes", "seconds"] = "minutes") -> str:
    """A time of a body, ISO 8601 in UTC, as the clock of this machine has it, with the offset of its zone."""
    return datetime.fromisoformat(utc).astimezone().isoformat(sep=" ", timespec=timespec)


def titled_place(hit: dict[str, Any]) -> tuple[str, str]:
    """What a hit or a citation is called, and ` · ` with its place in a few words; nothing where it has no place, or
    one that only says the title again."""
    title = hit["title"] or PurePosixPath(hit["uri"]).name
    place = _place(hit["location"], title)
    return title, f" · {place}" if place else ""


def _place(location: dict[str, Any], title: str) -> str:
    if location["page"]:
        return f"page {location['page']}"
    if location["slide"]:
        return f"slide {location['slide']}"
    if location["sheet"]:
        cells = f"!{location['cells']}" if location["cells"] else ""
        return f"sheet {location['sheet']}{cells}"
    return " › ".join(heading for heading in location["heading_path"] if heading != title)
