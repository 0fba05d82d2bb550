"""What runs in worker processes: reading and cutting a document, and embedding chunks.

Kept apart from the pipeline so that a worker loads neither the database nor the index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.changes import Candidate
from ingest.document import Chunk, Embedding, Language, Passage, Reference
from ingest.embedding.opening import open_embedder, token_counter
from ingest.errors import DocumentError
from ingest.language import detect
from ingest.parse import parse
from ingest.settings import IngestSettings
from ingest.split import split


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
        digest = _digest(candidate.reference)
        if digest == candidate.known_digest:
            return Prepared(digest)
        document = parse(candidate.reference, settings)
        passages = split(document, settings, count_tokens)
        if not passages:
            raise DocumentError("no_text", "No text was found in it.", "If it is a scan, check that OCR is on.")
        return Prepared(digest, document.kind, document.title, detect(document.text), tuple(passages))

    return prepare


def make_chunk_embedder(settings: IngestSettings) -> Callable[[Sequence[Chunk]], list[Embedding]]:
    """The stage that embeds a batch of chunks; runs in a worker process."""
    return open_embedder(settings).embed_documents


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
