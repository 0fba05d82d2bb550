"""Sources that show only some documents of a source, or none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ingest.document import Reference
from ingest.errors import DocumentError
from ingest.sources import NOTHING_KNOWN, Source


class NarrowedSource:
    """The documents of `source` with these uris, listed as if nothing were known of them.

    A run over it deletes nothing.
    """

    def __init__(self, source: Source, uris: Collection[str]) -> None:
        self.name = source.name
        self._source = source
        self._uris = frozenset(uris)

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Yields those of the documents that the source lists."""
        others = {uri: token for uri, token in known.items() if uri not in self._uris}
        return (reference for reference in self._source.references(others) if reference.uri in self._uris)

    def covers(self, uri: str) -> bool:
        """Returns False, because a document that is not listed here may still exist."""
        return False

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """Returns the reference as the source gives it."""
        return self._source.fetch(reference, folder)


class EmptiedSource:
    """A source with this name and without documents.

    A run over it removes everything that was ingested from the source.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Yields nothing."""
        return iter(())

    def covers(self, uri: str) -> bool:
        """Returns True for every uri."""
        return True

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """Always raises, because there is nothing to fetch."""
        raise DocumentError("file_missing", "The source has no documents any more.", "Run again.")
