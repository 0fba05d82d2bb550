"""What commands print: JSON for scripts, and lines for people."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
"""Where results go."""
notes = Console(stderr=True, highlight=False)
"""Where progress and remarks go, so that results can be piped."""


def print_json(value: object) -> None:
    """One JSON object on standard output, Chinese as it is."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def place(hit: dict[str, Any]) -> str:
    """Where a hit or a citation stands, in a few words."""
    location = hit["location"]
    if location["page"]:
        return f"page {location['page']}"
    if location["slide"]:
        return f"slide {location['slide']}"
    if location["sheet"]:
        cells = f"!{location['cells']}" if location["cells"] else ""
        return f"sheet {location['sheet']}{cells}"
    return " › ".join(location["heading_path"])
