"""The JSON bodies of `/v1/documents`: documents, and their passages."""

from __future__ import annotations

from pydantic import BaseModel

from api.http.schemas import LocationBody
from api.security.uris import ShownUri
from ingest.catalog.records import Document
from ingest.document import Chunk, Language


class DocumentErrorBody(BaseModel):
    """The reason why the newest version of a document could not be ingested."""

    code: str
    message: str


class DocumentBody(BaseModel):
    """A document in the catalog.

    `revision` is null until a first revision is searchable. `waiting` of its `chunks` are found by their words only,
    until a run has made their vectors. `author`, `created`, `modified` and `pages` are what the document says of
    itself, and null where it does not. `notes` counts what it has and could not be taken from it, such as
    `formulas_without_value`. `error` is null unless the last ingestion failed.
    """

    document_id: str
    source: str
    title: str
    uri: str
    kind: str
    language: str
    revision: int | None
    chunks: int
    waiting: int
    author: str | None
    created: str | None
    modified: str | None
    pages: int | None
    notes: dict[str, int]
    access: tuple[str, ...]
    state: str
    error: DocumentErrorBody | None
    updated_at: str

    @classmethod
    def of(cls, document: Document, shown: ShownUri) -> DocumentBody:
        code, uri = document.error_code, shown(document.source, document.uri)
        message = (document.error_message or "").replace(document.uri, uri)
        return cls(
            document_id=document.id,
            source=document.source,
            title=document.title,
            uri=uri,
            kind=document.kind,
            language=document.language,
            revision=document.revision,
            chunks=document.chunks,
            waiting=document.waiting,
            author=document.about.author or None,
            created=document.about.created or None,
            modified=document.about.modified or None,
            pages=document.about.pages,
            notes=dict(document.about.notes),
            access=document.access,
            state=document.state,
            error=DocumentErrorBody(code=code, message=message) if code else None,
            updated_at=document.updated_at,
        )


class DocumentsBody(BaseModel):
    """A page of the documents that the caller may read. `next_cursor` leads to the next; it is null on the last."""

    documents: list[DocumentBody]
    next_cursor: str | None


class PassageBody(BaseModel):
    """One chunk of a document's current revision."""

    chunk_id: str
    position: int
    text: str
    language: Language
    location: LocationBody

    @classmethod
    def of(cls, chunk: Chunk) -> PassageBody:
        return cls(
            chunk_id=chunk.id,
            position=chunk.position,
            text=chunk.text,
            language=chunk.language,
            location=LocationBody.of(chunk.location),
        )


class DocumentWithPassagesBody(DocumentBody):
    """A document and all its passages, in reading order."""

    passages: list[PassageBody]


class CitedPassageBody(BaseModel):
    """A passage with its neighbours, as the citation view shows it."""

    document: DocumentBody
    passage: PassageBody
    before: list[PassageBody]
    after: list[PassageBody]
    original_available: bool
