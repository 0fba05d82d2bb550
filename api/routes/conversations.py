"""`/v1/conversations`: the conversations that the server keeps for their owner. Nobody else's are there.

Questions in them go to `POST /v1/ask` with the `conversation_id`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.answers.transcript import transcript
from api.http.conversation_bodies import (
    ConversationBody,
    ConversationsBody,
    DeletedBody,
    NewConversation,
    Renaming,
    StoppedBody,
    WholeConversationBody,
)
from api.routes import CurrentReader, recorder_of, shown_to, workspace_of
from assistant.history.owner import found_owner, owner_of
from assistant.history.records import Kept
from assistant.history.register import Place, Register
from ingest.access import Reader
from ingest.errors import RequestError

router = APIRouter()

_SWEEP_SECONDS = 3600.0
_CURSOR = re.compile(r"(\d{1,15})-([0-9a-f]{1,64})", re.ASCII)

logger = logging.getLogger(__name__)


@router.post("/v1/conversations", status_code=201)
def create(wanted: NewConversation, request: Request, reader: CurrentReader) -> ConversationBody:
    """Begin a conversation. Its `conversation_id` goes into the questions to `POST /v1/ask`."""
    return ConversationBody.of(_register(request).create(owner_of(reader), wanted.title))


@router.get("/v1/conversations")
def listed(
    request: Request,
    reader: CurrentReader,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many conversations a page has at most.")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    q: Annotated[str, Query(max_length=100, description="Only those in which all these words stand.")] = "",
) -> ConversationsBody:
    """List one's own conversations, the one that changed last first. `keeps` says whether there can be any."""
    after, owner = _place(cursor) if cursor is not None else None, found_owner(reader)
    if owner is None or not workspace_of(request).settings.conversation_days:
        return ConversationsBody(keeps=False, conversations=[], next_cursor=None)
    found = _register(request).listed(owner, words=q.split(), after=after, limit=limit + 1)
    page = found[:limit]
    return ConversationsBody(
        keeps=True,
        conversations=[ConversationBody.of(kept) for kept in page],
        next_cursor=_cursor(page[-1]) if len(found) > limit else None,
    )


@router.get("/v1/conversations/{conversation_id}")
def read(conversation_id: str, request: Request, reader: CurrentReader) -> WholeConversationBody:
    """Get a conversation with its questions, its answers and their citations."""
    return _whole(conversation_id, request, reader)


@router.patch("/v1/conversations/{conversation_id}")
def rename(conversation_id: str, wanted: Renaming, request: Request, reader: CurrentReader) -> ConversationBody:
    """Give a conversation another title."""
    return ConversationBody.of(_register(request).rename(owner_of(reader), conversation_id, wanted.title))


@router.delete("/v1/conversations/{conversation_id}")
def delete(conversation_id: str, request: Request, reader: CurrentReader) -> DeletedBody:
    """Delete a conversation with all that was said in it."""
    _register(request).delete(owner_of(reader), conversation_id)
    return DeletedBody(conversation_id=conversation_id, deleted=True)


@router.post("/v1/conversations/{conversation_id}/stop")
async def stop(conversation_id: str, request: Request, reader: CurrentReader) -> StoppedBody:
    """Stop the answers that are being written in a conversation, whatever the settings say of readers who leave.

    What had come until then is kept.
    """
    stopped = await recorder_of(request).stop(owner_of(reader), conversation_id)
    return StoppedBody(conversation_id=conversation_id, stopped=stopped)


@router.get(
    "/v1/conversations/{conversation_id}/export",
    response_class=Response,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}, "application/json": {}}}},
)
def export(
    conversation_id: str,
    request: Request,
    reader: CurrentReader,
    written: Annotated[Literal["markdown", "json"], Query(alias="format")] = "markdown",
) -> Response:
    """Download a conversation with its citations, as Markdown for people or as JSON for programs."""
    whole = _whole(conversation_id, request, reader)
    if written == "json":
        text, kind, ending = whole.model_dump_json(indent=2), "application/json", "json"
    else:
        text, kind, ending = transcript(whole), "text/markdown; charset=utf-8", "md"
    name = f"conversation-{whole.conversation_id}.{ending}"
    return Response(text, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


async def swept(register: Register) -> None:
    """Until cancelled, delete from time to time the conversations that were kept for long enough."""
    while True:
        try:
            await asyncio.to_thread(register.sweep)
        except Exception as error:
            logger.warning("Old conversations cannot be deleted now (%s).", type(error).__name__)
        await asyncio.sleep(_SWEEP_SECONDS)


def _register(request: Request) -> Register:
    return workspace_of(request).conversations


def _whole(conversation_id: str, request: Request, reader: Reader) -> WholeConversationBody:
    kept, exchanges = _register(request).read(owner_of(reader), conversation_id)
    return WholeConversationBody.of(kept, exchanges, shown_to(reader, request))


def _cursor(kept: Kept) -> str:
    return f"{kept.updated_ms}-{kept.id}"


def _place(cursor: str) -> Place:
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise RequestError(
            "unknown_cursor", "There is no such cursor.", "Take `next_cursor` of the page before, or begin without one."
        )
    return int(match[1]), match[2]
