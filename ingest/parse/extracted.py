"""What a format's reader hands to the parser chain, before positions and heading paths are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.document import Element


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that came inside another: its bytes, or what was read of it already, or neither where it has none."""

    name: str
    data: bytes | None
    content: Extracted | None = None


@dataclass(frozen=True, slots=True)
class Extracted:
    """Elements in reading order. `title` is what the format's metadata says, if anything.

    Readers leave `location.start`, `location.end` and `location.heading_path` alone.
    """

    elements: tuple[Element, ...]
    title: str | None = None
    pages: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
