"""Changes who may read documents whose content is the same. Nothing is read or embedded again."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ingest.document import Reference
from ingest.store import Store
from ingest.versions.open_versions import OpenVersion

_COMPACT_AFTER_DOCUMENTS = 64


def reassign(
    store: Store, references: Sequence[Reference], stop: threading.Event, *, beside: Sequence[OpenVersion] = ()
) -> int:
    """Change who may read these documents, in the index of the store and in the versions `beside` it.

    The catalog decides who may read a document. The access rules in the index only help to find it. So if this is
    interrupted between the two, nobody can read too much. Returns how many were changed before `stop` was set.
    """
    indexes = (store.index, *(version.index for version in beside))
    told: list[Reference] = []
    for reference in references:
        if stop.is_set():
            break
        for index in indexes:
            index.set_access(reference.document_id, reference.access)
        told.append(reference)
        if len(told) % _COMPACT_AFTER_DOCUMENTS == 0 and not stop.is_set():
            for index in indexes:
                index.compact(interrupted=stop.is_set)
    if told:
        for index in indexes:
            index.flush()
        # Only documents that every index was told about are recorded. For the others the catalog still has the old
        # access rules, so the next run finds them.
        store.catalog.record_access(told, indexed=[version.id for version in beside])
    return len(told)
