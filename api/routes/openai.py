"""`/v1/chat/completions` and `/v1/models`: the assistant as a model that any OpenAI client can use.

Citations are sent in three ways, because clients read different ones: `[n]` in the text, `annotations` on the message,
and `search_results` beside it. In a stream, the last two are sent on the chunk with the finish reason. On this route
sources are numbered in the order in which they are first cited. So `[n]` is the n-th annotation and the n-th search
result. The end of the text says which statements could not be checked, because many clients show only the text. For
the same reason a refusal ends with links to the nearest passages, which are also beside it, in `nearest`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.answers.nearest import heading, snippet
from api.answers.notices import notice, quoted, searched_for, without_notice
from api.answers.places import passage_url, place
from api.answers.renumbering import Renumbered, Renumbering, in_order, moved, renumbered
from api.channels.markdown import literal
from api.http.errors import openai_error, status_of_failure
from api.http.headers import headers_of, page_locale
from api.http.schemas import ChangeBody, Sources
from api.http.streaming import (
    EVENTS,
    EventStream,
    begun,
    paced,
    rendered,
    sse_data,
    stopping,
    together,
    while_connected,
)
from api.routes import CurrentReader, workspace_of
from api.routes.ask import Gathered, gather
from api.security.scope import narrowed
from assistant.conversation import Conversation, Turn
from assistant.events import Event, Evidence, Failed, Finished, Searched, Usage
from ingest.document import Chunk, Location
from ingest.errors import RequestError

router = APIRouter()

MODEL_ID = "youju"
_CHUNK = "chat.completion.chunk"
_SNIPPET_CHARS = 300
_EXAMPLE: dict[str, Any] = {
    "model": MODEL_ID,
    "messages": [{"role": "user", "content": "How long is the annual leave?"}],
}


class Message(BaseModel):
    """One message. Its content is a text or a list of parts."""

    model_config = ConfigDict(strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None

    def text(self) -> str:
        """Returns the text of the message. If it has several text parts, each begins a new line."""
        if isinstance(self.content, list):
            parts = [part.get("text") for part in self.content if part.get("type") == "text"]
            return "\n".join(part for part in parts if isinstance(part, str))
        return self.content or ""

    def has_other_parts(self) -> bool:
        """Returns True if the message has a part that is not text, such as an image, a sound or a file."""
        return isinstance(self.content, list) and any(part.get("type") != "text" for part in self.content)


class StreamOptions(BaseModel):
    """What a stream contains in addition to the answer."""

    model_config = ConfigDict(strict=True)

    include_usage: bool = False


class ChatRequest(BaseModel):
    """OpenAI's request, and `sources`. Fields that are not named here have no effect. Sampling and tools are among
    them.
    """

    model_config = ConfigDict(strict=True, json_schema_extra={"examples": [_EXAMPLE]})

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    sources: Sources = None

    def question(self) -> str:
        """Returns the last message. Raises RequestError if it is not the user's or not plain text."""
        last = self.messages[-1]
        if last.role != "user" or not last.text().strip():
            raise RequestError("invalid_request", "The last message must be a user's, with text.")
        if last.has_other_parts():
            raise RequestError("unsupported_content", "Only text can be asked.", "Leave out images and files.")
        return last.text()

    def turns(self) -> Conversation:
        """Returns the earlier messages. System messages are left out, because this server itself decides how to
        answer.
        """
        earlier = self.messages[:-1]
        return tuple(
            Turn("user", message.text())
            if message.role == "user"
            else Turn("assistant", without_notice(message.text()))
            for message in earlier
            if message.role in ("user", "assistant") and message.text().strip()
        )


@router.get("/v1/models")
async def models() -> dict[str, Any]:
    """List the models. There is only one: the assistant itself."""
    return {"object": "list", "data": [_model()]}


@router.get("/v1/models/{model_id}")
async def model(model_id: str) -> Response:
    """Get the model with this name. There is only one: the assistant itself."""
    return JSONResponse(_model()) if model_id == MODEL_ID else _no_such_model(model_id)


@router.post("/v1/chat/completions", responses={200: EVENTS})
async def chat_completions(asked: ChatRequest, request: Request, reader: CurrentReader) -> Response:
    """Answer the last user message from the documents. The earlier messages are its conversation."""
    if asked.model != MODEL_ID:
        return _no_such_model(asked.model)
    question = asked.question()
    assistant, reader = workspace_of(request).assistant, await narrowed(request, reader, asked.sources)
    events, stops = assistant.answer(question, asked.turns(), reader, page_locale(request)), stopping(request.scope)
    completion = Completion(request)
    if asked.stream:
        include_usage = asked.stream_options is not None and asked.stream_options.include_usage
        return EventStream(await begun(completion.stream(await begun(together(events, stops)), include_usage)))
    return completion.whole(await while_connected(request, gather(paced(events, stops))))


class Completion:
    """One answer in OpenAI's format. All its chunks have the same id and time."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._created = int(time.time())
        self._gathered = Gathered()

    def whole(self, gathered: Gathered) -> JSONResponse:
        """Returns the complete answer, or the error."""
        self._gathered = gathered
        if gathered.finished is None:
            return self._failure(gathered)
        finished = gathered.finished
        text, citations = renumbered(finished.answer, finished.citations)
        message = {
            "role": "assistant",
            "content": text + self._ending(gathered, finished, citations),
            "refusal": None,
            "annotations": self._annotations(citations),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(finished)}
        body = {**self._frame("chat.completion"), "choices": [choice], "usage": _usage(finished.usage)}
        return JSONResponse({**body, **self._beside(gathered, finished, citations)})

    async def stream(
        self, batches: AsyncGenerator[Sequence[Event], None], include_usage: bool
    ) -> AsyncGenerator[str, None]:
        """Yields the answer in chunks. After the headers have been sent, an error is one more line, and the stream ends
        there.

        The first chunk comes with the first event, because that event has the id.
        """
        blank: dict[str, Any] = {"usage": None} if include_usage else {}
        gathered, renumbering = self._gathered, Renumbering()

        def render(event: Event) -> str:
            gathered.take(event)
            if isinstance(event, Searched):
                return self._chunk({"role": "assistant", "content": ""}, blank)
            text = renumbering.take(event)
            return self._chunk({"content": text}, blank) if text else ""

        async with aclosing(batches), aclosing(rendered(batches, render, self._request.scope)) as lines:
            async for line in lines:
                yield line
        if gathered.finished is None:
            if text := renumbering.take(None):
                yield self._chunk({"content": text}, blank)
            if gathered.evidence:
                yield self._chunk({}, {"search_results": self._search_results(gathered.evidence), **blank})
            yield sse_data(_failed_body(gathered.failed))
            return
        _, citations = renumbered(gathered.finished.answer, gathered.finished.citations)
        if text := self._ending(gathered, gathered.finished, citations):
            yield self._chunk({"content": text}, blank)
        annotations = self._annotations(citations)
        beside = self._beside(gathered, gathered.finished, citations)
        reason = _finish_reason(gathered.finished)
        yield self._chunk(
            {"annotations": annotations} if annotations else {}, {**beside, **blank}, finish_reason=reason
        )
        if include_usage:
            yield sse_data({**self._frame(_CHUNK), "choices": [], "usage": _usage(gathered.finished.usage)})
        yield "data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, Any], extra: dict[str, Any], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return sse_data({**self._frame(_CHUNK), "choices": [choice], **extra})

    def _frame(self, kind: str) -> dict[str, Any]:
        return {"id": self._id(), "created": self._created, "model": MODEL_ID, "object": kind}

    def _id(self) -> str | None:
        """Returns the id of the answer. It is None as long as the answer has not begun."""
        answer_id = self._gathered.answer_id
        return f"chatcmpl-{answer_id}" if answer_id is not None else None

    def _beside(self, gathered: Gathered, finished: Finished, citations: Sequence[Renumbered]) -> dict[str, Any]:
        """Returns the values for which OpenAI's format has no field."""
        return {
            "search_results": self._search_results(in_order(gathered.evidence, citations)),
            "changed": [ChangeBody.of(change).model_dump() for change in gathered.changed],
            "grounded": finished.grounded,
            "refused": finished.refused,
            "nearest": [
                {**self._link(near.evidence.hit.chunk, near.location), "snippet": near.quote[:_SNIPPET_CHARS]}
                for near in finished.nearest
            ],
            "small_talk": finished.small_talk,
            "strayed": finished.strayed,
            "unsupported": [
                {"start_index": moved(each.start, citations), "end_index": moved(each.end, citations)}
                for each in finished.unsupported
            ],
        }

    def _ending(self, gathered: Gathered, finished: Finished, citations: Sequence[Renumbered]) -> str:
        """Returns the end of the text: what could not be checked, or the passages nearest to a refused question."""
        if not finished.nearest:
            return _notice(gathered, finished, citations)
        lines = []
        for near in finished.nearest:
            chunk = near.evidence.hit.chunk
            link = self._link(chunk, near.location)
            said = literal(snippet(near.quote or chunk.text))
            lines.append(f"> - [{literal(link['title'])}]({link['url']}) — {said}")
        searched = quoted(searched_for(finished.language, gathered.changed, literal), "ℹ")
        return searched + "\n".join([f"\n\n> {heading(finished.language)}", *lines])

    def _annotations(self, citations: Sequence[Renumbered]) -> list[dict[str, Any]]:
        return [
            {
                "type": "url_citation",
                "url_citation": {
                    **self._link(each.citation.evidence.hit.chunk, each.citation.place),
                    "start_index": each.start,
                    "end_index": each.end,
                    "support": each.citation.support,
                },
            }
            for each in citations
        ]

    def _search_results(self, evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
        return [
            {
                **self._link(item.hit.chunk, item.hit.chunk.location),
                "date": None,
                "snippet": item.hit.chunk.text[:_SNIPPET_CHARS],
            }
            for item in evidence
        ]

    def _link(self, chunk: Chunk, location: Location) -> dict[str, str]:
        base = workspace_of(self._request).settings.public_url or str(self._request.base_url)
        where = place(location, chunk.language)
        return {"url": passage_url(base, chunk), "title": f"{chunk.title} {where}".strip()}

    def _failure(self, gathered: Gathered) -> JSONResponse:
        status = status_of_failure(gathered.failed) if gathered.failed else 502
        body = {
            "id": self._id(),
            **_failed_body(gathered.failed),
            "search_results": self._search_results(gathered.evidence),
        }
        retry_seconds = gathered.failed.retry_seconds if gathered.failed else None
        return JSONResponse(body, status_code=status, headers=headers_of(status, retry_seconds))


def _finish_reason(finished: Finished) -> str:
    return "length" if finished.cut else "stop"


def _notice(gathered: Gathered, finished: Finished, citations: Sequence[Renumbered]) -> str:
    """Returns the end of the text, which says what was searched for instead and what could not be checked."""
    searched = quoted(searched_for(finished.language, gathered.changed, literal), "ℹ")
    not_checkable = [each.number for each in citations if each.citation.support == "not_checkable"]
    return searched + quoted(
        notice(
            finished.language,
            grounded=finished.grounded,
            refused=finished.refused,
            small_talk=finished.small_talk,
            not_checkable=not_checkable,
            unsupported=len(finished.unsupported),
            strayed=finished.strayed,
        )
    )


def _failed_body(failed: Failed | None) -> dict[str, Any]:
    if failed is None:
        return openai_error(502, "answer_incomplete", "The answer broke off.")
    return openai_error(502, failed.code, f"{failed.message} {failed.hint}".strip())


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def _model() -> dict[str, Any]:
    return {"id": MODEL_ID, "object": "model", "created": 1767225600, "owned_by": "youju"}


def _no_such_model(name: str) -> JSONResponse:
    message = f"The model {name!r} does not exist; the one served here is {MODEL_ID!r}."
    return JSONResponse(openai_error(404, "model_not_found", message, "model"), status_code=404)
