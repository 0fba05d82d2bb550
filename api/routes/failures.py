"""`/v1/documents/failed`: lets documents that could not be ingested be tried again at once, or gives them up."""

from __future__ import annotations

from collections.abc import Callable, Collection

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.http.known_fields import RequestBody
from api.routes import CurrentReader, workspace_of
from api.security.audit import audited
from ingest.access import Reader
from ingest.errors import RequestError

router = APIRouter()


class FailedDocumentsBody(RequestBody):
    """The failed documents to change: some of them, named by id or uri, or all of them."""

    documents: list[str] = Field(default_factory=list, max_length=10_000)
    all: bool = False


class ChangedBody(BaseModel):
    """The number of documents that were changed."""

    changed: int


@router.post("/v1/documents/failed/retry")
def retry(body: FailedDocumentsBody, request: Request, reader: CurrentReader) -> ChangedBody:
    """Let the next run try these documents again, however often they failed."""
    return _changed(body, request, reader, workspace_of(request).store.catalog.retry)


@router.post("/v1/documents/failed/drop")
def drop(body: FailedDocumentsBody, request: Request, reader: CurrentReader) -> ChangedBody:
    """Give these documents up. Until they change, no run tries them again and no list of failures shows them."""
    return _changed(body, request, reader, workspace_of(request).store.catalog.drop)


def _changed(
    body: FailedDocumentsBody, request: Request, reader: Reader, change: Callable[[Collection[str]], int]
) -> ChangedBody:
    # Documents that were given up can be tried again, so they are searched too.
    failed = workspace_of(request).documents(reader, failed=True, given_up=True)
    if body.all:
        wanted = {document.id for document in failed if document.state == "failed"}
        audited(request, documents="all")
        return ChangedBody(changed=change(wanted))
    named = {name: document.id for document in failed for name in (document.id, document.uri)}
    unknown = [name for name in body.documents if name not in named]
    if unknown or not body.documents:
        shown = ", ".join(unknown[:3]) or "none was named"
        raise RequestError(
            "unknown_document",
            f"These are not documents that failed: {shown}.",
            "Name them by id or address as `youju documents --failed` lists them, or say --all.",
        )
    wanted = {named[name] for name in body.documents}
    audited(request, documents=sorted(wanted), count=len(wanted))
    return ChangedBody(changed=change(wanted))
