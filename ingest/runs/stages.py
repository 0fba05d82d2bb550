"""The stages that run in workers: reading and cutting a document, and embedding chunks.

This module is separate from the pipeline, so that a worker loads neither the database nor the index. It is separate
from `preparing`, so that a process that reads no documents loads no parser.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedReader, BytesIO
from itertools import groupby
from typing import TYPE_CHECKING

from ingest.document import Candidate, Chunk, Prepared, Reference
from ingest.embedding import embedded_text
from ingest.embedding.from_settings import open_embedder
from ingest.engines import ENDED_WORKER, Division, Limits, Stage
from ingest.errors import DocumentError, YoujuError
from ingest.settings import IngestSettings
from ingest.shaping import STAGE_VERSIONS

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

Embedded = list["np.ndarray | DocumentError"]
"""The dense vectors of a batch of chunks, in the order of the chunks: shape (dimension,), float32, length one. A chunk
without a vector has its error instead.
"""
_BATCHES_PER_WORKER = 512
"""A worker is replaced after about 130,000 passages. The libraries of other models may keep more memory than those of
the shipped model.
"""
_LIGHTER = "Use a smaller embedding model, or an embedding server (YOUJU_EMBEDDING_URL)."


def identity(settings: IngestSettings) -> str:
    """Returns a text that names what decides the chunks and vectors of a document, besides the settings. Loads no model
    weights.
    """
    versions = {**STAGE_VERSIONS, "embedder": open_embedder(settings).name}
    return ", ".join(f"{stage} {version}" for stage, version in versions.items())


def make_preparer(settings: IngestSettings) -> Callable[[Candidate], Prepared]:
    """Returns the function that reads and cuts one document. Runs in a worker process.

    The worker loads the module by its name. No other process needs the parsers, and they take long to load.
    """
    make: Callable[[IngestSettings], Callable[[Candidate], Prepared]]
    make = importlib.import_module("ingest.runs.preparing").make_preparer
    return make(settings)


def with_content(candidate: Candidate, settings: IngestSettings) -> Candidate:
    """Returns the candidate with the bytes of its document, for a worker that cannot read this machine's files."""
    reference = candidate.at_hand or candidate.reference
    if reference.path is None:
        return candidate
    with opened(reference) as file:
        size = os.fstat(file.fileno()).st_size
        # A document that is too large is sent without its bytes. The parser refuses it because of its size.
        content = None if size > settings.max_file_mb << 20 else file.read()
    return replace(candidate, at_hand=replace(reference, path=None, size=size, content=content))


def make_chunk_embedder(settings: IngestSettings) -> Callable[[Sequence[Chunk]], Embedded]:
    """Returns the function that makes the dense vectors of a batch of chunks. Runs in a worker process. The model must
    cover the languages of all of them.

    If a document cannot be embedded, each of its chunks has the error. The other documents of the batch are embedded.
    """
    dense = open_embedder(settings).dense

    def embed(chunks: Sequence[Chunk]) -> Embedded:
        try:
            return [*dense.embed_documents([embedded_text(chunk) for chunk in chunks])]
        except Exception as error:
            if isinstance(error, YoujuError) and not isinstance(error, DocumentError):
                raise
            if len(documents := _by_document(chunks)) > 1:
                return [result for document in documents for result in embed(document)]
            return [_embedding_failed(error)] * len(chunks)

    return embed


def _embedding_failed(error: Exception) -> DocumentError:
    if isinstance(error, DocumentError):
        if error.code in ENDED_WORKER:
            return DocumentError("embedding_failed", f"It could not be embedded: {error.message}", error.hint)
        return error
    logger.error("A document cannot be embedded", exc_info=error)
    reason = f"{type(error).__name__}: {str(error)[:300]}"
    return DocumentError("embedding_failed", f"It could not be embedded: {reason}", "Run again.")


def all_failed(chunks: Sequence[Chunk], cause: YoujuError) -> Embedded:
    """Returns an error for each chunk of a batch that could not be embedded. Raises `cause` if it concerns more than
    these documents.
    """
    if not isinstance(cause, DocumentError):
        raise cause
    failed = DocumentError("embedding_failed", f"A part of it could not be embedded: {cause.message}", cause.hint)
    return [failed] * len(chunks)


def _by_document(chunks: Sequence[Chunk]) -> list[Sequence[Chunk]]:
    return [list(group) for _, group in groupby(chunks, key=lambda chunk: chunk.document_id)]


def _merged(parts: Sequence[tuple[Sequence[Chunk], Embedded | YoujuError]]) -> Embedded:
    """Returns the results of a batch whose documents were embedded one by one, because the whole batch had ended its
    worker.
    """
    merged: Embedded = []
    for chunks, embedded in parts:
        merged += [_embedding_failed(embedded)] * len(chunks) if isinstance(embedded, YoujuError) else embedded
    return merged


@contextmanager
def opened(reference: Reference) -> Iterator[BufferedReader | BytesIO]:
    """Gives the document's bytes. Raises DocumentError if they cannot be opened or read."""
    if reference.path is None:
        yield BytesIO(reference.content or b"")
        return
    path = reference.path
    # Opening a pipe waits for a process that writes to it, and reading a device may never end.
    if path.exists() and not path.is_file():
        raise DocumentError("unsupported", "It is not a file but a device, a pipe or a socket.", "Leave it out.")
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise DocumentError("file_missing", "It was gone when it was opened.", "Run again.") from None
    except OSError as error:
        raise DocumentError(
            "unreadable", f"It cannot be opened: {error.strerror}.", "Give this user the right to read it."
        ) from None


def _parse_limits(settings: IngestSettings) -> Limits:
    return Limits(settings.parse_timeout_seconds, settings.parse_memory_mb)


def _embed_limits(_: IngestSettings) -> Limits:
    return Limits(
        seconds=900.0,
        memory_mb=16_384,
        items_per_worker=_BATCHES_PER_WORKER,
        time_hint=_LIGHTER,
        memory_hint=_LIGHTER,
        crash_hint="Run again; if it happens again, look at the log.",
    )


PREPARING: Stage[Candidate, Prepared] = Stage(
    name="prepare",
    make=make_preparer,
    identity=identity,
    limits=_parse_limits,
    carry=with_content,
)
EMBEDDING: Stage[Sequence[Chunk], Embedded] = Stage(
    name="embed",
    make=make_chunk_embedder,
    identity=identity,
    uses_gpu=True,
    limits=_embed_limits,
    division=Division(_by_document, _merged),
)
