"""Bringing a source into an index that is being built beside the one that answers questions.

The run has brought the source up to date in that one first. Then it catches up here: with what the source lists, and
with files that were given by path to other runs, so that any run of the source rebuilds all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from ingest.catalog.records import Known
from ingest.document import Chunk, Embedding, Reference
from ingest.embedding import Embedder
from ingest.home.store import Store
from ingest.runs.drafts import known_vectors
from ingest.settings import IngestSettings
from ingest.sources import NOTHING_KNOWN, Source
from ingest.sources.folder import LOCAL
from ingest.sources.from_settings import files_holding, open_paths


class Present:
    """The index that answers questions, as the one that is being built needs it: which documents of a source are
    searchable there, and the vectors of their passages."""

    def __init__(self, store: Store, source: str) -> None:
        self.version = store.catalog.version
        self.index = store.index
        self._catalog = store.catalog
        self._embedder = store.embedder
        self._since = store.catalog.clock()
        self._known = {uri: each for uri, each in store.catalog.known(source).items() if each.revision is not None}

    def known(self, ours: Mapping[str, Known]) -> dict[str, Known]:
        """What is known of each document: `ours`, and as unread those that are only searchable there."""
        unread = {
            uri: replace(each, revision=None, fingerprint=None, token="", failure=None)
            for uri, each in self._known.items()
        }
        return {**unread, **ours}

    def uncovered(self, source: Source) -> dict[str, Known]:
        """What is searchable there and was given by path to another run, by uri."""
        if source.name != LOCAL:
            return {}
        return {uri: each for uri, each in self._known.items() if not source.covers(uri)}

    def withdrawn(self, references: Sequence[Reference]) -> set[str]:
        """Those of these documents, by id, that were deleted there after the source was asked what it has."""
        return self._catalog.deleted_since(self._since, [reference.document_id for reference in references])

    def vectors(self, embedder: Embedder, uri: str, chunks: Sequence[Chunk]) -> dict[str, Embedding]:
        """The vectors of those chunks, by id, that stand there word for word, made by the same embedder."""
        if embedder.name != self._embedder.name:
            return {}
        return known_vectors(self.index, embedder.dense, self._known.get(uri), chunks)


class WholeSource:
    """A source, and the files that were given by path to other runs of it."""

    def __init__(self, source: Source, uncovered: Mapping[str, Known], settings: IngestSettings) -> None:
        self.name = source.name
        self._source = source
        self._uncovered = uncovered
        self._beside = open_paths(files_holding(uncovered), settings)
        self._from_beside: set[str] = set()

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """What the source lists, then the others; with those whose files are gone, which will be said of each."""
        listed: set[str] = set()
        for reference in self._source.references(known):
            listed.add(reference.uri)
            yield reference
        waiting = {uri: each for uri, each in self._uncovered.items() if uri not in listed}
        for reference in self._beside.references(known) if waiting else ():
            if (each := waiting.pop(reference.uri, None)) is not None:
                self._from_beside.add(reference.uri)
                yield replace(reference, access=each.access)
        for uri, each in waiting.items():
            yield _gone(self.name, uri, each)

    def covers(self, uri: str) -> bool:
        """As the source itself says: a file that is gone is deleted by a run that is given its path."""
        return self._source.covers(uri)

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """From the source that listed it."""
        return (self._beside if reference.uri in self._from_beside else self._source).fetch(reference, folder)


def _gone(source: str, uri: str, known: Known) -> Reference:
    path, name = Path(known.path or uri), PurePath(uri).name
    return Reference(source, uri, name, known.size, known.mtime_ns, path, access=known.access, token=known.token)
