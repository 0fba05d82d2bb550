"""`POST /v1/ask` answers a question from the documents, as one JSON object or as a stream of events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from api.http.errors import error_fields, status_of_failure
from api.http.headers import headers_of, page_locale
from api.http.schemas import AskBody, AskRequest, ChangeBody, CitationBody, UnsupportedBody, evidence_bodies
from api.http.streaming import EVENTS, EventStream, begun, paced, rendered, sse, stopping, together, while_connected
from api.routes import CurrentReader, recorder_of, shown_to, workspace_of
from api.security.scope import narrowed
from api.security.uris import ShownUri
from assistant.events import (
    Change,
    Cited,
    Event,
    Evidence,
    EvidenceFound,
    Failed,
    Finished,
    Searched,
    TextDelta,
    Unsupported,
)
from assistant.history.owner import owner_of
from assistant.history.recording import Asked

router = APIRouter()


@dataclass(slots=True)
class Gathered:
    """The parts of an answer that have come so far. `answer_id` is None until the first one."""

    answer_id: str | None = None
    changed: tuple[Change, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    text: list[str] = field(default_factory=list)
    finished: Finished | None = None
    failed: Failed | None = None

    def take(self, event: Event) -> None:
        match event:
            case Searched():
                self.answer_id, self.changed = event.answer_id, event.changed
            case EvidenceFound():
                self.evidence = event.evidence
            case TextDelta():
                self.text.append(event.text)
            case Finished():
                self.finished = event
            case Failed():
                self.failed = event


async def gather(events: AsyncGenerator[Event | None, None]) -> Gathered:
    """Run an answer to its end. Returns all its parts."""
    gathered = Gathered()
    async with aclosing(events):
        async for event in events:
            if event is not None:
                gathered.take(event)
    return gathered


@router.post("/v1/ask", response_model=AskBody, responses={200: EVENTS})
async def ask(asked: AskRequest, request: Request, reader: CurrentReader) -> Response:
    """Answer a question from the documents.

    With `"stream": true`, or `Accept: text/event-stream`, the answer is sent as server-sent events: `searched`,
    `evidence_found`, `text_delta`, `cited` and `unsupported` as often as needed, then `finished` or `failed`. The
    data of `finished` is the same as the answer in one JSON object. If the model fails, the evidence that was found is
    still sent. With a `conversation_id` the question and its answer are kept in that conversation, and its earlier
    turns count.

    The answer is in the language of the question. If that has no words of one, as a code, it is in that of the
    conversation, or in the first one of `Accept-Language`.
    """
    assistant, shown = workspace_of(request).assistant, shown_to(reader, request)
    reader = await narrowed(request, reader, asked.sources)
    stops, locale = stopping(request.scope), page_locale(request)
    if asked.conversation_id is None:
        events = assistant.answer(asked.question, asked.turns(), reader, locale)
    else:
        place = Asked(asked.question, asked.conversation_id, owner_of(reader), reader, locale)
        events = recorder_of(request).answer(place, stops)
    if asked.stream or "text/event-stream" in request.headers.get("accept", ""):
        begins = await begun(together(events, stops))
        return EventStream(await begun(rendered(begins, _rendering(asked.question, request, shown), request.scope)))
    gathered = await while_connected(request, gather(paced(events, stops)))
    if gathered.finished is None:
        return _failure(asked.question, gathered, request, shown)
    body = AskBody.of(asked.question, gathered.changed, gathered.evidence, gathered.finished, shown)
    return Response(body.model_dump_json(), media_type="application/json")


def _failure(question: str, gathered: Gathered, request: Request, shown: ShownUri) -> JSONResponse:
    failed = gathered.failed or Failed("answer_incomplete", "The answer broke off.", "Ask again.")
    body = {
        "error": error_fields(failed.code, failed.message, failed.hint, request.scope),
        "answer_id": gathered.answer_id,
        "question": question,
        "answer": "".join(gathered.text),
        "evidence": [hit.model_dump() for hit in evidence_bodies(gathered.evidence, shown)],
    }
    status = status_of_failure(failed)
    return JSONResponse(body, status_code=status, headers=headers_of(status, failed.retry_seconds))


def _rendering(question: str, request: Request, shown: ShownUri) -> Callable[[Event], str]:
    """Returns the function that renders the events of one answer as they come."""
    gathered = Gathered()

    def render(event: Event) -> str:
        gathered.take(event)
        return _render(event, question, gathered, request, shown)

    return render


def _render(event: Event, question: str, gathered: Gathered, request: Request, shown: ShownUri) -> str:
    match event:
        case Searched():
            return sse(
                event.type,
                {
                    "answer_id": event.answer_id,
                    "query": event.query,
                    "changed": [ChangeBody.of(change).model_dump() for change in event.changed],
                    "language": event.language,
                    "hits": event.hits,
                },
            )
        case EvidenceFound():
            return sse(event.type, {"evidence": [hit.model_dump() for hit in evidence_bodies(event.evidence, shown)]})
        case TextDelta():
            return sse(event.type, {"text": event.text})
        case Cited():
            return sse(event.type, CitationBody.of(event.citation, shown).model_dump())
        case Unsupported():
            return sse(event.type, UnsupportedBody.of(event).model_dump())
        case Finished():
            return sse(event.type, AskBody.of(question, gathered.changed, gathered.evidence, event, shown).model_dump())
        case Failed():
            fields = error_fields(event.code, event.message, event.hint, request.scope)
            return sse(event.type, {"answer_id": gathered.answer_id, "error": fields})
