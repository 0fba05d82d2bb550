"""Orphans are chunks of the index that belong to no current revision and that nobody is about to remove.

Searches skip them, because the catalog decides what counts. They only take room and time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from ingest.catalog.records import Retirement
from ingest.document import owner_of
from ingest.store import Store

_BATCH_CHUNKS = 1000


@dataclass(slots=True)
class Orphans:
    """The orphaned chunks of one document, by their ids. `uri` and `source` are empty if no chunk states them."""

    document_id: str
    uri: str = ""
    source: str = ""
    chunk_ids: list[str] = field(default_factory=list)


def find_orphans(
    store: Store,
    *,
    busy: Callable[[], Collection[str]],
    on_progress: Callable[[int], None] = lambda chunks: None,
) -> dict[str, Orphans]:
    """Returns the orphans of this moment, by document. During a run some may soon be none, so look twice.

    `busy` names the sources that a run works on. Their unpublished revisions may belong to that run. `on_progress` gets
    the number of chunks that were looked at, and may raise to end the search.
    """
    found: dict[str, Orphans] = {}
    ids = store.index.inventory()
    seen = 0
    while batch := list(itertools.islice(ids, _BATCH_CHUNKS)):
        for document_id, chunk_ids in _unowned(store, batch, busy).items():
            orphans = found.setdefault(document_id, Orphans(document_id))
            orphans.chunk_ids += chunk_ids
        seen += len(batch)
        on_progress(seen)
    for orphans in found.values():
        orphans.uri, orphans.source = _origin(store, orphans.chunk_ids[0])
    return found


def _unowned(store: Store, chunk_ids: Sequence[str], busy: Callable[[], Collection[str]]) -> dict[str, list[str]]:
    """Returns those of the chunks that belong to nothing, by document."""
    owners = {chunk_id: owner_of(chunk_id) for chunk_id in chunk_ids}
    standing = store.catalog.standing({document_id for document_id, _ in owners.values()})
    current = {document_id: now.revision for document_id, now in standing.items()}
    suspects = [chunk for chunk, (document, revision) in owners.items() if current.get(document) != revision]
    unowned: dict[str, list[str]] = {}
    if not suspects:
        return unowned
    # Asked after the standing. If a revision was published meanwhile, its predecessor is in this list by now.
    waiting = _by_document(store.catalog.retirements())
    at_work = busy()
    for chunk in suspects:
        document_id, revision = owners[chunk]
        if any(each.first <= revision <= each.last for each in waiting.get(document_id, ())):
            continue
        is_older = revision < current.get(document_id, 0)
        if at_work and not is_older and _origin(store, chunk)[1] in (*at_work, ""):
            continue
        unowned.setdefault(document_id, []).append(chunk)
    return unowned


def _by_document(retirements: Sequence[Retirement]) -> dict[str, list[Retirement]]:
    waiting: dict[str, list[Retirement]] = {}
    for retirement in retirements:
        waiting.setdefault(retirement.document_id, []).append(retirement)
    return waiting


def _origin(store: Store, chunk_id: str) -> tuple[str, str]:
    """Returns the uri and the source of a chunk. Both are empty if the chunk is gone or does not state them."""
    try:
        chunk = store.index.fetch([chunk_id])[chunk_id]
    except (KeyError, TypeError, ValueError):
        return "", ""
    return chunk.uri, chunk.source
