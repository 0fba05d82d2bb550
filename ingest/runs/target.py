"""Says into which version of the index a run brings a source, and how. The pipeline is the same for every version."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ingest.catalog.catalog import Catalog
from ingest.document import Chunk, Embedding, Known, Reference
from ingest.errors import DocumentError
from ingest.runs.changes import Changes, find_changes
from ingest.runs.reassigning import reassign
from ingest.runs.report import Counter
from ingest.runs.reuse import known_vectors
from ingest.settings import IngestSettings
from ingest.sources import Source
from ingest.store import Store


class FindChanges(Protocol):
    """See `find_changes`."""

    def __call__(
        self,
        source: Source,
        known: Mapping[str, Known],
        fingerprint: str,
        on_listed: Callable[[int], None],
        stop: threading.Event,
    ) -> Changes | None: ...


TakeRevisions = Callable[[Catalog, Sequence[tuple[Reference, str]]], Sequence[int | DocumentError | None]]
"""See `Catalog.take_revisions`. The result has None for a document that is no longer wanted."""


@dataclass(frozen=True, slots=True)
class Target:
    """A version of the index that a run brings a source into.

    `store` is the home with the catalog, index and embedder of this version. `settings` are the settings of this
    version. `fingerprint` identifies everything that decides its content. The fields from `take_revisions` on are steps
    of the pipeline. `ingest.runs.rebuild` replaces them if the run works on two versions.
    """

    store: Store
    settings: IngestSettings
    fingerprint: str
    source: Source
    counter: Counter
    take_revisions: TakeRevisions = Catalog.take_revisions
    find_changes: FindChanges = find_changes
    reassign: Callable[[Store, Sequence[Reference], threading.Event], int] = reassign
    known_vectors: Callable[[Store, Known | None, Sequence[Chunk]], dict[str, Embedding]] = known_vectors
