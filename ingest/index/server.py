"""The index on a Qdrant server or cluster, over REST."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingest.access import Reader
from ingest.document import Chunk, Embedding
from ingest.errors import ConfigurationError, UnavailableError, YoujuError
from ingest.index import LANGUAGE_PARTS, Legs, index_missing
from ingest.index.payload import (
    BATCH_POINTS,
    DENSE,
    INTEGERS,
    KEYWORDS,
    SPARSE,
    AnyOf,
    Condition,
    checked,
    chunk_of,
    embedding_of,
    of_document,
    payload_of,
    ranked,
    readable,
    revisions,
)
from ingest.index.refusals import no_answer, refusal
from ingest.settings import IngestSettings

if TYPE_CHECKING:
    from qdrant_client import QdrantClient
    from qdrant_client.models import FieldCondition, Filter, PointStruct, PointVectors, QueryRequest

logger = logging.getLogger(__name__)

MINIMUM_VERSION: Final = (1, 10)
"""The first server version with the query API and with inverse document frequencies inside the index."""


_LOOKS = 4


class ServerIndex:
    """An `Index` in one collection of a Qdrant server. Any number of processes may have it open.

    Every write waits until the server has applied it and has it in its own write-ahead log.
    """

    def __init__(self, client: QdrantClient, collection: str, dimension: int) -> None:
        """Called by `open` only."""
        self._client = client
        self._collection = collection
        self._dimension = dimension
        self._closed = False

    @classmethod
    def open(cls, client: QdrantClient, *, collection: str, dimension: int, may_create: bool = True) -> ServerIndex:
        """Use the collection for dense vectors of `dimension` numbers. It is created if it is missing.

        The index owns `client` from then on and closes it. Raises `UnavailableError` if the server does not answer.
        Raises `ConfigurationError` if the server refuses the key, is too old, or holds another kind of collection.
        Raises `index_missing` if the collection does not exist and must not be created.
        """
        index = cls(client, collection, dimension)
        try:
            with index._translated():
                _check_version(client)
                if not client.collection_exists(collection):
                    if not may_create:
                        raise index_missing(f"the collection {collection} of the Qdrant server")
                    _create(client, collection, dimension)
                _check_collection(client, collection, dimension)
                _index_fields(client, collection)
        except YoujuError:
            client.close()
            raise
        return index

    @classmethod
    def remove_collection(cls, client: QdrantClient, *, collection: str) -> None:
        """Remove the collection, if there is one, and close the client. Raises the same errors as `open`."""
        index = cls(client, collection, 0)
        try:
            with index._translated():
                if client.collection_exists(collection):
                    client.delete_collection(collection)
        finally:
            index.close()

    def write(self, chunks: Sequence[Chunk], embeddings: Sequence[Embedding]) -> None:
        """Add the chunks, or overwrite chunks with the same id."""
        pairs = zip(chunks, embeddings, strict=True)
        while batch := list(itertools.islice(pairs, BATCH_POINTS)):
            points = [self._point(chunk, embedding) for chunk, embedding in batch]
            with self._translated():
                self._client.upsert(self._collection, points=points, wait=True)

    def add_vectors(self, chunk_ids: Sequence[str], vectors: Sequence[np.ndarray]) -> None:
        """Give chunks that are stored their dense vectors. One that is gone is left out."""
        from qdrant_client.models import PointVectors

        pairs = zip(chunk_ids, vectors, strict=True)
        while batch := list(itertools.islice(pairs, BATCH_POINTS)):
            points = [PointVectors(id=chunk, vector={DENSE: checked(each, self._dimension)}) for chunk, each in batch]
            with self._translated():
                self._update_vectors(points)

    def _update_vectors(self, points: list[PointVectors]) -> None:
        """Write them, but those that are gone. One that goes meanwhile makes the server say 404: then look again."""
        from qdrant_client.http.exceptions import UnexpectedResponse

        ids = [point.id for point in points]
        for left in reversed(range(_LOOKS)):
            records = self._client.retrieve(self._collection, ids, with_payload=False)
            stored = {str(record.id) for record in records}
            there = [point for point in points if str(point.id) in stored]
            try:
                if there:
                    self._client.update_vectors(self._collection, points=there, wait=True)
                return
            except UnexpectedResponse as error:
                if error.status_code != 404 or not left:
                    raise

    def unembedded(self, document_id: str, revision: int) -> list[Chunk]:
        """Returns the chunks of one revision that have no dense vector, by position."""
        records = self._records(document_id, revision, with_payload=True, with_vectors=[DENSE])
        found = (chunk_of(record.id, record.payload) for record in records if not record.vector)
        return sorted(found, key=lambda chunk: chunk.position)

    def flush(self) -> None:
        """Does nothing, because each write has already waited for the server."""
        with self._translated():
            return

    @contextmanager
    def still(self, timeout_seconds: float) -> Iterator[None]:
        """Holds nothing off: no file of this machine belongs to the index, and other processes may write to it."""
        self.flush()
        yield

    def search(self, query: Embedding, *, reader: Reader, limit: int) -> Legs:
        """Returns the best `limit` chunks of each leg that `reader` may read. Both legs go in one request."""
        [legs] = self._search(query, reader, limit, [()])
        return legs

    def search_by_language(self, query: Embedding, *, reader: Reader, limit: int) -> tuple[Legs, ...]:
        """Returns the same for each of `LANGUAGE_PARTS` by itself. All of it goes in one request."""
        return self._search(query, reader, limit, [(AnyOf("language", part),) for part in LANGUAGE_PARTS])

    def _search(
        self, query: Embedding, reader: Reader, limit: int, parts: Sequence[tuple[Condition, ...]]
    ) -> tuple[Legs, ...]:
        conditions = readable(reader)
        if conditions is None or limit < 1:
            return tuple(Legs((), ()) for _ in parts)
        requests = [self._requests(query, _filter((*part, *conditions)), limit) for part in parts]
        if not any(requests):
            return tuple(Legs((), ()) for _ in parts)
        with self._translated():
            every = [request for part in requests for request in part]
            answers = iter(self._client.query_batch_points(self._collection, requests=every))
            found = [{request.using: ranked(next(answers).points) for request in part} for part in requests]
        return tuple(Legs(dense=legs.get(DENSE, ()), sparse=legs.get(SPARSE, ())) for legs in found)

    def fetch(self, chunk_ids: Collection[str]) -> dict[str, Chunk]:
        """Returns the chunks with these ids. Ids of chunks that are not stored are left out."""
        with self._translated():
            records = self._client.retrieve(self._collection, list(chunk_ids), with_payload=True)
        chunks = (chunk_of(record.id, record.payload or {}) for record in records)
        return {chunk.id: chunk for chunk in chunks}

    def chunks(self, document_id: str, revision: int) -> list[Chunk]:
        """Returns all chunks of one revision, by position."""
        records = self._records(document_id, revision, with_payload=True)
        found = (chunk_of(record.id, record.payload) for record in records)
        return sorted(found, key=lambda chunk: chunk.position)

    def embeddings(self, document_id: str, revision: int) -> list[Embedding]:
        """Returns the vectors of those chunks, in the same order."""
        records = self._records(document_id, revision, with_payload=["position"], with_vectors=True)
        by_position = sorted(records, key=lambda record: int(record.payload["position"]))
        return [embedding_of(record.vector) for record in by_position]

    def set_access(self, document_id: str, access: Sequence[str]) -> None:
        """Change who may find the chunks of all revisions of a document. The vectors stay."""
        from qdrant_client.models import FilterSelector

        selector = FilterSelector(filter=_filter(of_document(document_id)))
        with self._translated():
            self._client.set_payload(self._collection, {"access": list(access)}, points=selector, wait=True)

    def retire(self, document_id: str, *, first: int, last: int) -> None:
        """Remove the chunks of the revisions from `first` to `last`, both included."""
        from qdrant_client.models import FilterSelector

        selector = FilterSelector(filter=_filter(revisions(document_id, first, last)))
        with self._translated():
            self._client.delete(self._collection, points_selector=selector, wait=True)

    def remove(self, chunk_ids: Collection[str]) -> None:
        """Remove these chunks by their ids."""
        from qdrant_client.models import PointIdsList

        ids = iter(chunk_ids)
        while batch := list(itertools.islice(ids, BATCH_POINTS)):
            with self._translated():
                self._client.delete(self._collection, points_selector=PointIdsList(points=[*batch]), wait=True)

    def compact(self, *, interrupted: Callable[[], bool]) -> bool:
        """Does nothing and returns False, because a server optimizes on its own."""
        return False

    def inventory(self) -> Iterator[str]:
        """Yields the ids of all chunks of all revisions, each once and in order."""
        return (str(record.id) for record in self._scrolled(None, with_payload=False))

    def count(self) -> int:
        """Returns how many chunks of all revisions are stored."""
        with self._translated():
            return self._client.count(self._collection, exact=True).count

    def close(self) -> None:
        """Close the connection. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._client.close()

    def _point(self, chunk: Chunk, embedding: Embedding) -> PointStruct:
        from qdrant_client.models import PointStruct, SparseVector

        vectors: dict[str, Any] = {}
        if embedding.dense is not None:
            vectors[DENSE] = checked(embedding.dense, self._dimension)
        if embedding.sparse.indices:
            terms = embedding.sparse
            vectors[SPARSE] = SparseVector(indices=list(terms.indices), values=list(terms.values))
        return PointStruct(id=chunk.id, vector=vectors, payload=payload_of(chunk))

    def _requests(self, query: Embedding, selected: Filter, limit: int) -> list[QueryRequest]:
        from qdrant_client.models import QueryRequest, SparseVector

        wanted: dict[str, Any] = {}
        if query.dense is not None:
            wanted[DENSE] = checked(query.dense, self._dimension)
        if query.sparse.indices:
            terms = query.sparse
            wanted[SPARSE] = SparseVector(indices=list(terms.indices), values=list(terms.values))
        return [
            QueryRequest(query=vector, using=leg, filter=selected, limit=limit, with_payload=False)
            for leg, vector in wanted.items()
        ]

    def _records(self, document_id: str, revision: int, **selection: Any) -> Iterator[Any]:
        return self._scrolled(_filter(revisions(document_id, revision, revision)), **selection)

    def _scrolled(self, selected: Filter | None, **selection: Any) -> Iterator[Any]:
        offset: Any = None
        while True:
            page: dict[str, Any] = {"offset": offset, "limit": BATCH_POINTS, "scroll_filter": selected}
            with self._translated():
                records, offset = self._client.scroll(self._collection, **page, **selection)
            yield from records
            if offset is None:
                return

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate the errors of the client into our own, by who can fix them. No message holds the key."""
        from qdrant_client.common.client_exceptions import QdrantException
        from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

        if self._closed:
            raise UnavailableError("index_closed", "The index has been closed.")
        try:
            yield
        except UnexpectedResponse as error:
            raise refusal(error.status_code or 0, error.reason_phrase, self._collection) from error
        except ResponseHandlingException as error:
            raise no_answer(error.source) from error
        except QdrantException as error:
            raise UnavailableError(
                "qdrant_busy", f"The Qdrant server is over its limit: {error}", "Try again in a moment."
            ) from error


def connect(settings: IngestSettings) -> QdrantClient:
    """Returns a client for the server that `settings.qdrant_url` names. Nothing is sent yet."""
    # The import takes a second. Commands with an embedded index should not pay for it.
    from qdrant_client import QdrantClient

    url = settings.qdrant_url or ""
    headers = {}
    if settings.qdrant_api_key is not None:
        # The key goes in a header. The client's own parameter raises a Python warning if the URL is plain HTTP.
        headers["api-key"] = settings.qdrant_api_key.get_secret_value()
        if not url.startswith("https://"):
            logger.warning("the Qdrant API key travels unencrypted: YOUJU_QDRANT_URL is not https")
    try:
        return QdrantClient(
            url=url,
            headers=headers,
            timeout=max(1, round(settings.qdrant_timeout_seconds)),
            # `ServerIndex.open` makes our own check. There a server that is too old is an error and not a warning.
            check_compatibility=False,
        )
    except ValueError as error:
        raise ConfigurationError(
            "qdrant_url_invalid",
            f"YOUJU_QDRANT_URL cannot be used ({type(error).__name__}).",
            "Write it as http://host:6333 or https://host:6333.",
        ) from None  # the client's error repeats the address with its password


def _check_version(client: QdrantClient) -> None:
    version = client.info().version
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if len(numbers) == len(MINIMUM_VERSION) and numbers < MINIMUM_VERSION:
        raise ConfigurationError(
            "qdrant_too_old",
            f"The Qdrant server is version {version}.",
            f"Upgrade it to {'.'.join(map(str, MINIMUM_VERSION))} or later.",
        )


def _create(client: QdrantClient, collection: str, dimension: int) -> None:
    from qdrant_client.http.exceptions import UnexpectedResponse
    from qdrant_client.models import (
        Datatype,
        Distance,
        Modifier,
        SparseVectorParams,
        VectorParams,
    )

    try:
        client.create_collection(
            collection,
            vectors_config={
                DENSE: VectorParams(size=dimension, distance=Distance.COSINE, datatype=Datatype.FLOAT16),
            },
            sparse_vectors_config={SPARSE: SparseVectorParams(modifier=Modifier.IDF)},
        )
    except UnexpectedResponse as error:
        # Another process that started at the same moment created it first.
        if error.status_code != 409:
            raise
    logger.info("created the collection %s", collection)


def _index_fields(client: QdrantClient, collection: str) -> None:
    """Create the field indexes that are missing. A collection that an earlier release made has fewer."""
    from qdrant_client.models import PayloadSchemaType

    kinds = dict.fromkeys(KEYWORDS, PayloadSchemaType.KEYWORD) | dict.fromkeys(INTEGERS, PayloadSchemaType.INTEGER)
    there = client.get_collection(collection).payload_schema
    for field, kind in kinds.items():
        if field not in there:
            client.create_payload_index(collection, field_name=field, field_schema=kind, wait=True)


def _check_collection(client: QdrantClient, collection: str, dimension: int) -> None:
    params = client.get_collection(collection).config.params
    dense = params.vectors.get(DENSE) if isinstance(params.vectors, dict) else None
    if dense is None or dense.size != dimension or SPARSE not in (params.sparse_vectors or {}):
        raise ConfigurationError(
            "collection_mismatch",
            f"The collection {collection} was not created for this embedding model ({dimension} dimensions).",
            "Set YOUJU_QDRANT_COLLECTION to another name, or drop the collection and run `youju verify --repair`.",
        )


def _filter(conditions: Iterable[Condition]) -> Filter:
    from qdrant_client.models import Filter

    return Filter(must=[_field(condition) for condition in conditions])


def _field(condition: Condition) -> FieldCondition:
    from qdrant_client.models import FieldCondition, MatchAny, Range

    if isinstance(condition, AnyOf):
        return FieldCondition(key=condition.field, match=MatchAny(any=list(condition.values)))
    return FieldCondition(key=condition.field, range=Range(gte=condition.first, lte=condition.last))
