"""A retriever over a handful of passages held in memory, for tests of what comes after retrieval."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.retrieve import Retrieved
from assistant.terms import terms
from ingest.access import Reader
from ingest.document import Chunk, Hit, Location, chunk_id, document_id
from ingest.language import detect


def passage(text: str, *, title: str = "", access: tuple[str, ...] = ("everyone",), uri: str = "") -> Chunk:
    """A chunk of a document of its own."""
    uri = uri or f"{title or text[:12]}.md"
    document = document_id("local", uri)
    return Chunk(
        id=chunk_id(document, 1, 0),
        document_id=document,
        revision=1,
        position=0,
        source="local",
        uri=uri,
        title=title,
        language=detect(text),
        text=text,
        location=Location(page=1, end=len(text)),
        access=access,
    )


def hits_of(*chunks: Chunk, dense: float | None = None) -> tuple[Hit, ...]:
    """The chunks as hits, best first, each with the cosine `dense`."""
    return tuple(Hit(chunk, 1.0 / rank, dense, 1.0) for rank, chunk in enumerate(chunks, start=1))


class CannedRetriever:
    """Ranks its passages by how many terms they share with the query; those that share none are not found."""

    def __init__(self, passages: Sequence[Chunk], *, fails: Exception | None = None) -> None:
        self._passages = passages
        self._fails = fails
        self.queries: list[str] = []

    def retrieve(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        self.queries.append(query)
        if self._fails:
            raise self._fails
        wanted = set(terms(query))
        shared = [
            (len(wanted & set(terms(chunk.heading + chunk.text))), chunk)
            for chunk in self._passages
            if reader.may_read(chunk.access, chunk.source)
        ]
        ranked = sorted((pair for pair in shared if pair[0]), key=lambda pair: -pair[0])[:limit]
        hits = tuple(Hit(chunk, count, None, count) for count, chunk in ranked)
        return Retrieved(query, detect(query), "canned", hits, {})
