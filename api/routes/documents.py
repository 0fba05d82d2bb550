"""`/v1/documents`: the ingested documents, the passages that citations point to, their pages, and the original files.

The answer is the same for a document that the caller may not read and for one that does not exist.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from api.http.document_bodies import (
    CitedPassageBody,
    DocumentBody,
    DocumentsBody,
    DocumentWithPassagesBody,
    PassageBody,
)
from api.http.download import PARTS, Download
from api.http.errors import error_response
from api.http.known_fields import complaint
from api.http.streaming import while_connected
from api.routes import CurrentReader, shown_to, workspace_of
from api.serving.drawing import Drawing
from ingest.access import Reader
from ingest.catalog.records import Document
from ingest.document import KINDS, Chunk, chunk_id, owner_of, position_of
from ingest.errors import RequestError, UnavailableError
from ingest.parse.pdf.page_picture import MAX_WIDTH_PX
from ingest.uploads.register import PUSH

router = APIRouter()

NEIGHBOURS = 2
"""This many passages are shown before and after a cited one."""


@router.get("/v1/documents")
def documents(
    request: Request,
    reader: CurrentReader,
    source: str | None = None,
    kind: Annotated[
        str | None,
        Query(
            description="The format of the documents, as `kind` says it of each.",
            json_schema_extra={"enum": sorted(KINDS)},
        ),
    ] = None,
    failed: bool = False,
    limit: Annotated[int, Query(ge=1, le=10_000, description="How many documents a page has at most.")] = 1000,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> DocumentsBody:
    """List the documents, ordered by source and address. With `failed`, list only those whose last ingestion failed."""
    if kind is not None and kind not in KINDS:
        raise RequestError("unknown_kind", complaint(kind, KINDS, "kind"), "Name one of these, or leave `kind` out.")
    workspace = workspace_of(request)
    after = workspace.store.catalog.place(cursor, reader) if cursor is not None else None
    if cursor is not None and after is None:
        raise RequestError(
            "unknown_cursor", "There is no such cursor.", "Take `next_cursor` of the page before, or begin without one."
        )
    found = workspace.documents(reader, source=source, kind=kind, failed=failed, after=after, limit=limit + 1)
    page, shown = found[:limit], shown_to(reader, request)
    return DocumentsBody(
        documents=[DocumentBody.of(document, shown) for document in page],
        next_cursor=page[-1].id if len(found) > limit else None,
    )


@router.get("/v1/documents/{document_id}")
def document(document_id: str, request: Request, reader: CurrentReader) -> DocumentWithPassagesBody:
    """Get one document with all its passages, in reading order."""
    found = _readable(request, document_id, reader)
    passages = [PassageBody.of(chunk) for chunk in _chunks(request, found)]
    return DocumentWithPassagesBody(**DocumentBody.of(found, shown_to(reader, request)).model_dump(), passages=passages)


@router.get("/v1/documents/{document_id}/passages/{chunk_id}")
def passage(
    document_id: str, cited: Annotated[str, PathParameter(alias="chunk_id")], request: Request, reader: CurrentReader
) -> CitedPassageBody:
    """Get one passage and the passages next to it. A citation opens this."""
    found = _readable(request, document_id, reader)
    place = _place(found, cited)
    around = _around(request, found, place) if place is not None else {}
    if place is None or place not in around:
        raise RequestError(
            "unknown_passage",
            "This passage is not in the document any more.",
            "The document has changed since it was cited: ask again.",
        )
    return CitedPassageBody(
        document=DocumentBody.of(found, shown_to(reader, request)),
        passage=around[place],
        before=[around[position] for position in sorted(around) if position < place],
        after=[around[position] for position in sorted(around) if position > place],
        original_available=_original(request, found) is not None,
    )


def _place(found: Document, cited: str) -> int | None:
    """Returns the position of the passage, or None. The id may also be the one from before the document was moved."""
    try:
        owner, revision = owner_of(cited)
        position = position_of(cited)
    except ValueError:
        return None
    # The first revision after a move has the same passages as the last revision before it.
    same = revision == found.revision if owner == found.id else found.revision == 1
    return position if same and position < found.chunks else None


def _around(request: Request, found: Document, place: int) -> dict[int, PassageBody]:
    """Returns the passage at a position and the passages next to it, by position. It reads no other passages."""
    if found.revision is None:
        return {}
    positions = range(max(0, place - NEIGHBOURS), min(found.chunks, place + 1 + NEIGHBOURS))
    ids = [chunk_id(found.id, found.revision, position) for position in positions]
    chunks = workspace_of(request).store.index.fetch(ids).values()
    return {chunk.position: PassageBody.of(chunk) for chunk in chunks}


@router.get(
    "/v1/documents/{document_id}/pages/{page}.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, 304: {"description": "It is as `If-None-Match` has it."}},
)
async def page_image(
    document_id: str,
    page: int,
    request: Request,
    reader: CurrentReader,
    width: Annotated[int, Query(ge=16, le=MAX_WIDTH_PX)] = 1000,
) -> Response:
    """Get a page of a PDF or a scan as an image, at most `width` pixels wide. The boxes of its passages fit this
    image.
    """
    found, path = await run_in_threadpool(_page_source, request, document_id, reader)
    # The client has to ask again each time, because the right to read may end. While the file stays the same, the page
    # is not drawn again.
    kept = {"cache-control": "private, no-cache", "etag": f'"{found.size:x}-{found.mtime_ns:x}-{page}-{width}"'}
    if request.headers.get("if-none-match") == kept["etag"]:
        return Response(status_code=304, headers=kept)
    drawing: Drawing = request.app.state.drawing
    try:
        picture = await while_connected(request, drawing.draw(workspace_of(request).pages, path, page, width_px=width))
    except UnavailableError as error:
        return error_response(request.scope, 503, error.code, error.message, error.hint, {"retry-after": "2"})
    return Response(picture, media_type="image/png", headers=kept)


@router.get("/v1/documents/{document_id}/original", response_class=Download, responses=PARTS)
def original(document_id: str, request: Request, reader: CurrentReader) -> Download:
    """Get the file that the document was made from. It is always a download, because it may contain anything."""
    found = _readable(request, document_id, reader)
    path, status = _opened(request, found, reader)
    name = PurePosixPath(found.uri).name if found.source == PUSH else path.name
    return Download(path, media_type="application/octet-stream", filename=name, stat_result=status)


def _page_source(request: Request, document_id: str, reader: Reader) -> tuple[Document, Path]:
    found = _readable(request, document_id, reader)
    return found, _as_ingested(request, found, reader)


def _readable(request: Request, document_id: str, reader: Reader) -> Document:
    found: Document | None = workspace_of(request).store.catalog.document(document_id)
    if found is None or not reader.may_read(found.access, found.source):
        raise RequestError("unknown_document", "There is no such document.", "List them at /v1/documents.")
    return found


def _chunks(request: Request, found: Document) -> list[Chunk]:
    if found.revision is None:
        return []
    chunks: list[Chunk] = workspace_of(request).store.index.chunks(found.id, found.revision)
    return chunks


def _original(request: Request, found: Document) -> Path | None:
    path = Path(found.path) if found.path else None
    if path is not None and found.source == PUSH:
        path = workspace_of(request).intake.originals.moved(path)
    try:
        return path if path is not None and path.is_file() else None
    except OSError:  # for example, the server may no longer enter a folder above it
        return None


def _opened(request: Request, found: Document, reader: Reader) -> tuple[Path, os.stat_result]:
    """Returns the path of the original and its status. Raises RequestError if it is gone or cannot be read."""
    path = _original(request, found)
    if path is None:
        raise _original_gone(request, found, reader)
    try:
        with path.open("rb") as file:
            return path, os.fstat(file.fileno())
    except FileNotFoundError:
        raise _original_gone(request, found, reader) from None
    except OSError as error:
        raise RequestError(
            "original_unreadable",
            f"The original file cannot be read: {error.strerror}.",
            "Give the user that the server runs as the right to read it.",
        ) from None


def _as_ingested(request: Request, found: Document, reader: Reader) -> Path:
    """Returns the original. Raises RequestError if it is no longer the file that the shown passages come from."""
    path, status = _opened(request, found, reader)
    if (status.st_size, status.st_mtime_ns) != (found.size, found.mtime_ns):
        raise RequestError(
            "original_changed",
            "The original file has changed since it was ingested.",
            "Ingest it again, then ask again.",
        )
    return path


def _original_gone(request: Request, found: Document, reader: Reader) -> RequestError:
    where = shown_to(reader, request)(found.source, found.uri)
    return RequestError("unknown_original", "The original file is not there any more.", f"It was found at {where}.")
