"""A source that has nothing any more: a run over it removes what it once brought in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ingest.document import Reference
from ingest.errors import DocumentError
from ingest.sources import NOTHING_KNOWN


class EmptiedSource:
    """The source of this name, without documents."""

    def __init__(self, name: str) -> None:
        self.name = name

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """None."""
        return iter(())

    def covers(self, uri: str) -> bool:
        """Always."""
        return True

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """Nothing can be fetched."""
        raise DocumentError("file_missing", "The source has no documents any more.", "Run again.")
