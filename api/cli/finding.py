"""What `youju doctor` says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `bad` needs to be put right, `note` is worth knowing."""

    name: str
    state: Literal["ok", "note", "bad"]
    detail: str
    hint: str = ""
