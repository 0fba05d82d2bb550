"""Reads and cuts one document, and makes the terms of its passages. A worker of the stage `prepare` does this. Only
workers load this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from ingest.document import Candidate, Prepared, numbered
from ingest.embedding import terms_of
from ingest.embedding.from_settings import token_counter
from ingest.embedding.sparse import Bm25Embedder
from ingest.errors import DocumentError
from ingest.language import detect
from ingest.parse.parsed import parse
from ingest.runs.stages import opened
from ingest.settings import IngestSettings
from ingest.split import split

_ANY_REVISION = 1  # the terms of a passage do not depend on it


def make_preparer(settings: IngestSettings) -> Callable[[Candidate], Prepared]:
    """Returns the function that reads and cuts one document with these settings, and makes its terms."""
    count_tokens = token_counter(settings)
    sparse = Bm25Embedder()

    def prepare(candidate: Candidate) -> Prepared:
        reference = candidate.at_hand or candidate.reference
        with opened(reference) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest == candidate.known_digest:
            return Prepared(digest)
        document = parse(reference, settings)
        passages = split(document, settings, count_tokens)
        if not passages:
            raise DocumentError("no_text", "No text was found in it.", "Check that it has more than headings.")
        language = detect(document.text)
        prepared = Prepared(digest, document.kind, document.title, language, tuple(passages), about=document.about)
        return replace(prepared, words=terms_of(numbered(candidate.reference, _ANY_REVISION, prepared), sparse))

    return prepare
