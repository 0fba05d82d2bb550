"""What the reader of a format returns to the parser chain. Positions and heading paths are filled in later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.document import Element


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document inside another one. It has `data`, its bytes, or `content`, if it was already read. It may have
    neither.
    """

    name: str
    data: bytes | None
    content: Extracted | None = None


@dataclass(frozen=True, slots=True)
class Extracted:
    """Elements in reading order. `title` is the title in the format's metadata, or None. `visible_title` is the one
    that a person sees on the first page, if that is certain. `notes` counts what could not be taken
    (`ingest.parse.notes`).

    Readers do not set `location.start`, `location.end` and `location.heading_path`.
    """

    elements: tuple[Element, ...]
    title: str | None = None
    pages: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    visible_title: str | None = None
