"""What runs in worker processes: reading and cutting a document, and embedding chunks.

Kept apart from the pipeline so that a worker loads neither the database nor the index.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from ingest.changes import Candidate
from ingest.document import Chunk, Embedding, Language, Passage, Reference
from ingest.embedding.opening import open_embedder, token_counter
from ingest.errors import DocumentError, YoujuError
from ingest.language import detect
from ingest.parse import parse
from ingest.settings import IngestSettings
from ingest.split import split

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document read and cut, not yet embedded. `passages` is None where the bytes turned out to be the same."""

    digest: str
    kind: str = ""
    title: str = ""
    language: Language = "other"
    passages: tuple[Passage, ...] | None = None


def make_preparer(settings: IngestSettings) -> Callable[[Candidate], Prepared]:
    """The stage that reads and cuts one document; runs in a worker process."""
    count_tokens = token_counter(settings)

    def prepare(candidate: Candidate) -> Prepared:
        reference = candidate.at_hand or candidate.reference
        digest = _digest(reference)
        if digest == candidate.known_digest:
            return Prepared(digest)
        document = parse(reference, settings)
        passages = split(document, settings, count_tokens)
        if not passages:
            raise DocumentError("no_text", "No text was found in it.", "If it is a scan, check that OCR is on.")
        return Prepared(digest, document.kind, document.title, detect(document.text), tuple(passages))

    return prepare


def make_chunk_embedder(settings: IngestSettings) -> Callable[[Sequence[Chunk]], list[Embedding | DocumentError]]:
    """The stage that embeds a batch of chunks; runs in a worker process.

    Chunks of a document that cannot be embedded have its error each; the others of the batch do not suffer for it.
    """
    embedder = open_embedder(settings)

    def embed(chunks: Sequence[Chunk]) -> list[Embedding | DocumentError]:
        try:
            return [*embedder.embed_documents(chunks)]
        except Exception as error:
            if isinstance(error, YoujuError) and not isinstance(error, DocumentError):
                raise
            documents = [list(group) for _, group in groupby(chunks, key=lambda chunk: chunk.document_id)]
            if len(documents) > 1:
                return [result for document in documents for result in embed(document)]
            return [_embedding_failed(error)] * len(chunks)

    return embed


def _embedding_failed(error: Exception) -> DocumentError:
    if isinstance(error, DocumentError):
        return error
    logger.error("A document cannot be embedded", exc_info=error)
    reason = f"{type(error).__name__}: {str(error)[:300]}"
    return DocumentError("embedding_failed", f"It could not be embedded: {reason}", "Run again.")


def _digest(reference: Reference) -> str:
    if reference.path is None:
        return hashlib.sha256(reference.content or b"").hexdigest()
    # Opening a pipe waits for a writer, and a device may never end.
    if reference.path.exists() and not reference.path.is_file():
        raise DocumentError("unsupported", "It is not a file but a device, a pipe or a socket.", "Leave it out.")
    try:
        with reference.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise DocumentError("file_missing", "It was gone when it was opened.", "Run again.") from None
    except OSError as error:
        raise DocumentError(
            "unreadable", f"It cannot be opened: {error.strerror}.", "Give this user the right to read it."
        ) from None
