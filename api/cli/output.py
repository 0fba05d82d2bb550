"""Prints the results of commands: JSON for scripts, and lines for people."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape

console = Console(highlight=False, soft_wrap=True)
"""Results are printed here."""
notes = Console(stderr=True, highlight=False)
"""Progress and remarks are printed here, so that results can be piped."""


def print_json(value: object) -> None:
    """Print one JSON value on standard output. Chinese characters are not escaped."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def local_time(utc: str, timespec: Literal["minutes", "seconds"] = "minutes") -> str:
    """Returns a time in the time zone of this machine, with its offset from UTC. `utc` is ISO 8601 in UTC."""
    return datetime.fromisoformat(utc).astimezone().isoformat(sep=" ", timespec=timespec)


def print_changed(searched: dict[str, Any]) -> None:
    """Print what was searched for in the place of what was typed, if something was changed."""
    for change in searched["changed"]:
        notes.print(f"[dim]{escape(change['written'])} → searched for {escape(change['searched'])}[/dim]")


def titled_place(hit: dict[str, Any]) -> tuple[str, str]:
    """Returns the title of a hit or a citation, and ` · ` with its place in a few words. The second text is empty if
    there is no place, or if the place only repeats the title.
    """
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
