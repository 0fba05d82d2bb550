"""Well worded: queries of which it is known that no other words find more. Many ask the same on one day."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from assistant.retrieve import Retrieved
from assistant.rewording.synonyms import SynonymList
from ingest.access import Reader

_REMEMBERED = 512
"""Some 3 KB each."""


class WellWorded:
    """The last queries for which other words were tried in vain. Safe to call from several threads.

    A query counts as the same only for the same reader and the same synonyms, at the same tick of the catalog's clock,
    and with the same hits at the same scores. So a publication, a change of access or a new vector makes it new.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, None] = OrderedDict()
        self._lock = threading.Lock()

    def knows(self, found: Retrieved, reader: Reader, synonyms: SynonymList) -> bool:
        """Returns True if other words were tried in vain for what was found."""
        key = _key(found, reader, synonyms)
        with self._lock:
            if key not in self._known:
                return False
            self._known.move_to_end(key)
            return True

    def add(self, found: Retrieved, reader: Reader, synonyms: SynonymList) -> None:
        """Remember that other words were tried in vain."""
        with self._lock:
            self._known[_key(found, reader, synonyms)] = None
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def _key(found: Retrieved, reader: Reader, synonyms: SynonymList) -> Hashable:
    hits = tuple((hit.chunk.id, hit.score, hit.dense_score, hit.sparse_score) for hit in found.hits)
    return found.query, reader, synonyms, found.clock, found.embedder, hits
