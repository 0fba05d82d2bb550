"""A source of which only a part is looked at: some of its documents, or none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ingest.document import Reference
from ingest.errors import DocumentError
from ingest.sources import NOTHING_KNOWN, Source


class NarrowedSource:
    """The documents of `source` with these uris, as if nothing were known of them. A run over it deletes nothing."""

    def __init__(self, source: Source, uris: Collection[str]) -> None:
        self.name = source.name
        self._source = source
        self._uris = frozenset(uris)

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Those of them that the source lists."""
        others = {uri: token for uri, token in known.items() if uri not in self._uris}
        return (reference for reference in self._source.references(others) if reference.uri in self._uris)

    def covers(self, uri: str) -> bool:
        """Never: what is not listed here may well be there."""
        return False

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """As the source gives it."""
        return self._source.fetch(reference, folder)


class EmptiedSource:
    """The source of this name, without documents: a run over it removes what it once brought in."""

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
