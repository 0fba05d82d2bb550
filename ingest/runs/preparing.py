"""Reads and cuts one document. A worker of the stage `prepare` does this. Only workers load this module."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ingest.document import Candidate, Prepared
from ingest.embedding.from_settings import token_counter
from ingest.errors import DocumentError
from ingest.language import detect
from ingest.parse.parsed import parse
from ingest.runs.stages import opened
from ingest.settings import IngestSettings
from ingest.split import split


def make_preparer(settings: IngestSettings) -> Callable[[Candidate], Prepared]:
    """Returns the function that reads and cuts one document with these settings."""
    count_tokens = token_counter(settings)

    def prepare(candidate: Candidate) -> Prepared:
        reference = candidate.at_hand or candidate.reference
        with opened(reference) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest == candidate.known_digest:
            return Prepared(digest)
        document = parse(reference, settings)
        passages = split(document, settings, count_tokens)
        if not passages:
            raise DocumentError("no_text", "No text was found in it.", "If it is a scan, check that OCR is on.")
        return Prepared(digest, document.kind, document.title, detect(document.text), tuple(passages))

    return prepare
