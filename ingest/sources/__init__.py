"""Where documents come from. A source lists references, and opens a document only when it is asked to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Final, Protocol, runtime_checkable

from ingest.document import Reference

NOTHING_KNOWN: Final[Mapping[str, str]] = MappingProxyType({})


class Source(Protocol):
    """A named place that documents are found in."""

    name: str

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Every document that is there now. Raises SourceError when the listing cannot be trusted.

        `known` has the `token` of each document by uri, as it was when it was last ingested: with it a source asks
        "has it changed?" instead of fetching.
        """
        ...

    def covers(self, uri: str) -> bool:
        """Whether a document with this uri would have been listed if it were still there.

        Only such documents may be deleted because they were not listed.
        """
        ...

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """The reference with its bytes at hand, in `path` or in `content`; a copy goes into `folder`, which the
        caller removes. Called for documents that may have changed only, by one thread at a time.

        Raises DocumentError where this document cannot be had, SourceError or UnavailableError where none can.
        """
        ...


@runtime_checkable
class Patient(Protocol):
    """A source that may wait long for servers, and need not."""

    def give_up_at(self, stop: Event) -> None:
        """Wait for nothing once this is set: what is asked for then is refused."""
        ...
