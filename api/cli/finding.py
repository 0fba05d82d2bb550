"""The result of one check of `youju doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `bad` must be corrected, and `note` is only worth knowing."""

    name: str
    state: Literal["ok", "note", "bad"]
    detail: str
    hint: str = ""
