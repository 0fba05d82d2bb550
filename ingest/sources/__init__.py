"""Where documents come from. A source lists references; it opens nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ingest.document import Reference


class Source(Protocol):
    """A named place that documents are found in."""

    name: str

    def references(self) -> Iterator[Reference]:
        """Every document that is there now. Raises SourceError when the listing cannot be trusted."""
        ...

    def covers(self, uri: str) -> bool:
        """Whether a document with this uri would have been listed if it were still there.

        Only such documents may be deleted because they were not listed.
        """
        ...
