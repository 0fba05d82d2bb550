"""Which documents that are gone were only moved: the same bytes turn up elsewhere in the same run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ingest.catalog.records import Known


class Moves:
    """The documents of a source that are gone, by their digests, until new ones claim them."""

    def __init__(self) -> None:
        self._gone: defaultdict[str, list[Known]] = defaultdict(list)

    def expect(self, gone: Iterable[Known], fingerprint: str) -> None:
        """These may turn up again; those that another pipeline made are of no use to it."""
        for known in gone:
            if known.digest is not None and known.revision is not None and known.fingerprint == fingerprint:
                self._gone[known.digest].append(known)

    def claim(self, digest: str) -> Known | None:
        """The document that a new one with this digest was until now; each is claimed once."""
        waiting = self._gone.get(digest)
        return waiting.pop(0) if waiting else None
