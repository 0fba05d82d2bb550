"""Sources say where documents come from. A source lists references. It opens a document only when it is asked to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Final, Protocol, runtime_checkable

from ingest.document import Reference

NOTHING_KNOWN: Final[Mapping[str, str]] = MappingProxyType({})


class Source(Protocol):
    """A place with a name, in which documents are found."""

    name: str

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Yields a reference for every document that is there now. Raises SourceError if the listing cannot be trusted.

        `known` maps each uri to the `token` that the document had when it was last ingested. With it a source can ask
        "has it changed?" instead of fetching the document.
        """
        ...

    def covers(self, uri: str) -> bool:
        """Returns True if a document with this uri would be listed if it still existed.

        Only such documents may be deleted because the source did not list them.
        """
        ...

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """Returns the reference with its bytes, either in `path` or in `content`.

        A copy is written into `folder`, which the caller removes. The pipeline calls this only for documents that may
        have changed, and from one thread at a time. Raises DocumentError if this document cannot be fetched,
        SourceError or UnavailableError if no document can.
        """
        ...


@runtime_checkable
class Patient(Protocol):
    """A source that may wait long for servers, and that can be told to stop waiting."""

    def give_up_at(self, stop: Event) -> None:
        """Stop waiting as soon as `stop` is set. Every request after that is refused."""
        ...
