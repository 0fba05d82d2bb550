"""Documents of which only the readers changed: nothing is read or embedded again."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ingest.document import Reference
from ingest.home.store import Store
from ingest.versions.open_versions import OpenVersion

_COMPACT_AFTER_DOCUMENTS = 64


def reassign(
    store: Store, references: Sequence[Reference], stop: threading.Event, *, beside: Sequence[OpenVersion] = ()
) -> int:
    """Change who may read these documents, in the index of the store and in the versions `beside` it.

    The index follows the catalog's word only where it helps to find, so whichever of the two is ahead when this is
    interrupted, nobody reads too much. Returns how many were changed before `stop` was set.
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
        # Those alone that every index was told: the next run finds the others by what the catalog says of them.
        store.catalog.record_access(told, indexed=[version.id for version in beside])
    return len(told)
