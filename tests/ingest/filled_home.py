"""A home filled by hand: documents written, flushed and published as a run does it, without its worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ingest.catalog.records import Publication
from ingest.document import Chunk, Location, Passage, Prepared, Reference, numbered
from ingest.language import detect
from ingest.store import Store


def reference(name: str, *, source: str = "local", access: tuple[str, ...] = ("everyone",)) -> Reference:
    """A document that no file stands behind."""
    return Reference(source, name, Path(name).name, 3, 4, access=access)


def chunks_of(document: Reference, revision: int, passages: Sequence[str], title: str = "手册") -> list[Chunk]:
    """The chunks of a document with these passages."""
    cut = [
        Passage(text, detect(text), Location(start=position, end=position + 1))
        for position, text in enumerate(passages)
    ]
    return numbered(document, revision, Prepared("digest", "txt", title, "zh", tuple(cut)))


def write(store: Store, document: Reference, passages: Sequence[str], *, digest: str = "digest") -> list[Chunk]:
    """Take a revision and write its chunks; it is not published."""
    chunks = chunks_of(document, store.catalog.take_revision(document, digest), passages)
    store.index.write(chunks, store.embedder.embed_documents(chunks))
    store.index.flush()
    return chunks


def publish(store: Store, document: Reference, passages: Sequence[str], *, digest: str = "digest") -> list[Chunk]:
    """A searchable document with these passages."""
    chunks = write(store, document, passages, digest=digest)
    store.catalog.publish(
        [Publication(document, chunks[0].revision, digest, "pipeline", "手册", "txt", "zh", len(chunks))]
    )
    return chunks
