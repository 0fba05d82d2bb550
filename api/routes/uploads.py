"""Uploads, replaces, changes and deletes documents over HTTP. Only the operator may do this, because these documents
decide the answers.

Bytes are written to the disk as they come. Once an upload was answered, it is kept in any case. The intake ingests it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from api.http.document_bodies import DocumentErrorBody
from api.http.known_fields import RequestBody, complaint
from api.http.multipart import Form, receive_body, receive_form
from api.routes import CurrentReader, workspace_of
from api.security.audit import audited
from api.security.guard import current_operator
from ingest.access import is_principal
from ingest.errors import RequestError
from ingest.home.lock import check_room
from ingest.home.originals import Incoming
from ingest.uploads.intake import Intake, Standing
from ingest.uploads.register import MAX_KEY, PUSH, Receipt, Wanted, checked_path

router = APIRouter(dependencies=[Depends(current_operator)])

_MAX_TITLE = 500
_JSON_NAMES = (".json", ".jsonl", ".geojson", ".ipynb")
_FORM_FIELDS = ("path", "title", "access")
_FILE = {"type": "string", "format": "binary", "minLength": 1}
_PRINCIPAL = r"(everyone|(user|group):[^\s\x00\x1c-\x1f\x85,]{1,200})"
_PRINCIPALS = {"type": "string", "pattern": f"^{_PRINCIPAL}(,{_PRINCIPAL})*$"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": _FILE,
                        "path": {"type": "string"},
                        "title": {"type": "string", "maxLength": _MAX_TITLE},
                        "access": {"type": "array", "items": _PRINCIPALS},
                    },
                    "additionalProperties": False,
                }
            },
            "application/octet-stream": {"schema": _FILE},
        },
    }
}

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=MAX_KEY, description="Repeats of a request send its key."),
]
Title = Annotated[str | None, Query(max_length=_MAX_TITLE, description="What it is called; else what it says itself.")]
AccessRule = Annotated[str, WithJsonSchema(_PRINCIPALS)]
Access = Annotated[
    list[AccessRule] | None,
    Query(description="Who may read it, as `everyone`, `user:<id>`, `group:<id>`; else as before."),
]
Wait = Annotated[bool, Query(description="Answer once it is searchable, or has failed, or `wait_seconds` are over.")]
WaitSeconds = Annotated[float, Query(gt=0, le=600)]


class UploadBody(BaseModel):
    """An upload and its state.

    `state` is `queued`, `running`, `ready` (searchable), `failed`, or `replaced` (a newer upload took its place). After
    a failure, an older revision stays searchable if there is one. `run_id` is the run that ingests the upload. It is
    null until the run begins.
    """

    document_id: str
    uri: str
    upload_id: str
    digest: str
    size: int
    replaced: bool
    state: str
    run_id: str | None
    error: DocumentErrorBody | None

    @classmethod
    def of(cls, receipt: Receipt, standing: Standing | None = None) -> UploadBody:
        document = standing.document if standing is not None and standing.state == "failed" else None
        code = document.error_code if document is not None else None
        return cls(
            document_id=receipt.document_id,
            uri=receipt.uri,
            upload_id=receipt.upload_id or "",
            digest=receipt.digest or "",
            size=receipt.size or 0,
            replaced=receipt.replaced,
            state=standing.state if standing is not None else "queued",
            run_id=standing.run_id if standing is not None else None,
            error=DocumentErrorBody(code=code, message=document.error_message or "") if document and code else None,
        )


_NEW_ACCESS: dict[str, Any] = {"required": ["access"], "properties": {"access": {"type": "array"}}}
_NOT_BLANK = {"type": "string", "pattern": r"[^\s\x1c-\x1f\x85]"}
_NEW_TITLE: dict[str, Any] = {"required": ["title"], "properties": {"title": _NOT_BLANK}}
_OVER: dict[int | str, dict[str, Any]] = {
    200: {"model": UploadBody, "description": "The run that dealt with it is over."}
}


class ChangeRequest(RequestBody):
    """The new title of a document, and who may read it. A field that is left out stays as it was."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [_NEW_ACCESS, _NEW_TITLE]})

    title: str | None = Field(None, min_length=1, max_length=_MAX_TITLE)
    access: list[AccessRule] | None = Field(None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def _changes_something(self) -> ChangeRequest:
        if self.access is None and not (self.title or "").strip():
            raise ValueError("give a title, or access, or both")
        return self


class RemovalBody(BaseModel):
    """A document that was deleted."""

    document_id: str
    uri: str
    deleted: bool = True


@router.post("/v1/documents", status_code=202, response_model=UploadBody, responses=_OVER, openapi_extra=_BODY)
async def upload(
    request: Request,
    path: str | None = None,
    title: Title = None,
    access: Access = None,
    wait: Wait = False,
    wait_seconds: WaitSeconds = 120.0,
    idempotency_key: Key = None,
) -> JSONResponse:
    """Upload a document, or replace the one with the same path. Send a form with `file`, or the bytes with `?path=`.

    The status 202 means that the document is kept and will be ingested. With `wait`, the status 200 means that the run
    that ingested it is over.
    """
    given = Form({"path": [path] if path else [], "title": [title] if title else [], "access": access or []})
    return await _upload(request, given, None, idempotency_key, wait_seconds if wait else 0.0)


@router.put(
    "/v1/documents/{document_id}", status_code=202, response_model=UploadBody, responses=_OVER, openapi_extra=_BODY
)
async def replace_document(
    document_id: str,
    request: Request,
    title: Title = None,
    access: Access = None,
    wait: Wait = False,
    wait_seconds: WaitSeconds = 120.0,
    idempotency_key: Key = None,
) -> JSONResponse:
    """Replace an uploaded document. Searches find the old document until the new one is searchable."""
    uri = await asyncio.to_thread(_uploaded, request, document_id)
    given = Form({"title": [title] if title else [], "access": access or []})
    return await _upload(request, given, uri, idempotency_key, wait_seconds if wait else 0.0)


@router.patch("/v1/documents/{document_id}", status_code=202, response_model=UploadBody, responses=_OVER)
async def change(
    document_id: str, wanted: ChangeRequest, request: Request, wait: Wait = False, wait_seconds: WaitSeconds = 120.0
) -> JSONResponse:
    """Change the title of an uploaded document, or who may read it. Its content stays the same. Searches find it as it
    was until a run has applied the change. With `wait`, the answer waits for this run.
    """
    await asyncio.to_thread(_uploaded, request, document_id)
    title = _checked_title(wanted.title or "")
    access = _checked_access(wanted.access or ())
    receipt = await asyncio.to_thread(intake_of(request).change, document_id, title=title, access=access)
    audited(request, uri=receipt.uri, title=title, access=access)
    return await _answered(intake_of(request), receipt, wait_seconds if wait else 0.0)


@router.delete("/v1/documents/{document_id}")
def delete(document_id: str, request: Request, idempotency_key: Key = None) -> RemovalBody:
    """Delete an uploaded document. No search finds it after this answer. Its bytes are removed soon after."""
    try:
        receipt = intake_of(request).remove(document_id, idempotency_key)
    except RequestError as error:
        if error.code == "unknown_document":
            _uploaded(request, document_id)
        raise
    audited(request, uri=receipt.uri)
    return RemovalBody(document_id=receipt.document_id, uri=receipt.uri)


@router.get("/v1/documents/{document_id}/upload")
def newest_upload(document_id: str, request: Request, reader: CurrentReader) -> UploadBody:
    """Get the newest upload of a document and its state."""
    standing = intake_of(request).standing(document_id)
    if standing.upload is None:
        raise _unknown()
    found = standing.upload
    return UploadBody.of(Receipt(document_id, found.uri, found.upload_id, found.digest, found.size), standing)


def intake_of(request: Request) -> Intake:
    """Returns the intake of uploads of the home that this application serves."""
    intake: Intake = workspace_of(request).intake
    return intake


async def _upload(request: Request, given: Form, uri: str | None, key: str | None, wait_seconds: float) -> JSONResponse:
    intake = intake_of(request)
    settings = workspace_of(request).settings
    _check_kind(request, given, uri)
    _checked_access(given.fields["access"])  # checked even if the form has its own rule, which would be used instead
    announced = request.headers.get("content-length", "")
    await asyncio.to_thread(check_room, settings.home, int(announced) if announced.isdecimal() else 0)
    with intake.originals.receive() as incoming:
        form = await _receive(request, incoming)
        wanted = _wanted(form, given, uri)
        if not incoming.size:
            raise RequestError("empty", "The document has no content.", "Send its bytes as the body, or in a form.")
        if incoming.size > settings.max_file_mb * 2**20:
            raise RequestError(
                "file_too_large",
                f"The file has {incoming.size >> 20} MiB, more than {settings.max_file_mb} MiB.",
                "Upload a smaller one, or raise YOUJU_MAX_FILE_MB.",
            )
        await asyncio.to_thread(incoming.finish)
        receipt = await asyncio.to_thread(intake.accept, incoming, wanted, key)
    audited(request, document_id=receipt.document_id, uri=receipt.uri, digest=receipt.digest, access=wanted.access)
    return await _answered(intake, receipt, wait_seconds)


async def _answered(intake: Intake, receipt: Receipt, wait_seconds: float) -> JSONResponse:
    if not wait_seconds or receipt.upload_id is None:
        return JSONResponse(UploadBody.of(receipt).model_dump(), status_code=202)
    standing = await intake.settled(receipt.document_id, receipt.upload_id, wait_seconds)
    over = standing.state not in ("queued", "running")
    return JSONResponse(UploadBody.of(receipt, standing).model_dump(), status_code=200 if over else 202)


def _check_kind(request: Request, given: Form, uri: str | None) -> None:
    """Raise RequestError if the body is JSON but the document is not. The caller probably means to send fields."""
    name = uri or next(iter(given.fields.get("path", ())), "")
    if _content_type(request) == "application/json" and not name.lower().endswith(_JSON_NAMES):
        raise RequestError(
            "invalid_request",
            "The body is JSON, and no document of that kind is named.",
            "Send a document's bytes as application/octet-stream or in a form; PATCH changes its title and access; "
            "a document that is JSON has a path like data.json.",
        )


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _receive(request: Request, incoming: Incoming) -> Form | None:
    if _content_type(request) != "multipart/form-data":
        await receive_body(request, incoming)
        return None
    form = await receive_form(request, incoming)
    if form.file_name is None:
        raise RequestError("invalid_form", "The form has no file.", "Send it as the part named `file`.")
    for name in form.fields:
        if name not in _FORM_FIELDS:
            said = complaint(name, _FORM_FIELDS, "field of the form")
            raise RequestError("invalid_request", said, "`wait` and `wait_seconds` are parameters of the query.")
    return form


def _wanted(form: Form | None, given: Form, uri: str | None) -> Wanted:
    """Returns what the caller wants. Each value comes from the form, or else from the query. If neither has a path, the
    path is the name of the file.
    """

    def values(name: str) -> list[str]:
        return (form.fields.get(name) if form is not None else None) or given.fields.get(name) or []

    path = next(iter(values("path")), None) or (form.file_name if form is not None else None) or ""
    title, access = _checked_title(next(iter(values("title")), "")), _checked_access(values("access"))
    return Wanted(uri or checked_path(path), title, access, uri is not None)


def _checked_title(text: str) -> str | None:
    title = " ".join(text.split())
    if len(title) > _MAX_TITLE:
        raise RequestError("invalid_title", f"The title is longer than {_MAX_TITLE} characters.", "Send a shorter one.")
    return title or None


def _checked_access(values: Iterable[str]) -> tuple[str, ...] | None:
    principals = tuple(part.strip() for value in values for part in value.split(","))
    if not all(map(is_principal, principals)):
        raise RequestError(
            "invalid_access",
            "The access rule is not one.",
            "Send `everyone`, `user:<id>` or `group:<id>`, several as several fields; leave it out to keep it.",
        )
    return tuple(dict.fromkeys(principals)) or None


def _uploaded(request: Request, document_id: str) -> str:
    """Returns the path of an uploaded document. Raises RequestError if there is no such document, or if it belongs to
    another source.
    """
    found = intake_of(request).uploads.get(document_id)
    if found is not None:
        return found.uri
    elsewhere = workspace_of(request).store.catalog.document(document_id)
    if elsewhere is not None and elsewhere.source != PUSH:
        raise RequestError(
            "not_uploaded",
            f"This document belongs to the source {elsewhere.source}.",
            "Change or remove it where it is; the next run of its source follows.",
        )
    raise _unknown()


def _unknown() -> RequestError:
    return RequestError("unknown_document", "There is no such document.", "List them at /v1/documents.")
