"""The JSON bodies of `/v1/conversations`: conversations, and the exchanges in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import BaseModel, Field, field_validator

from api.http.known_fields import RequestBody
from api.http.schemas import CitationBody, UnsupportedBody
from api.security.uris import ShownUri
from assistant.history.records import Exchange, Kept, State, Told
from assistant.history.register import MAX_TITLE
from ingest.document import Language


class NewConversation(RequestBody):
    """What a conversation is called. Without a title it gets the beginning of its first question."""

    title: str = Field("", max_length=MAX_TITLE)

    @field_validator("title")
    @classmethod
    def _in_one_line(cls, title: str) -> str:
        return " ".join(title.split())


class Renaming(RequestBody):
    """The new title of a conversation."""

    title: str = Field(min_length=1, max_length=MAX_TITLE)

    @field_validator("title")
    @classmethod
    def _in_one_line(cls, title: str) -> str:
        line = " ".join(title.split())
        if not line:
            raise ValueError("a title has at least one character that is no blank.")
        return line


class ConversationBody(BaseModel):
    """A conversation. `title` is empty until its first question. `exchanges` counts its questions. Times are UTC."""

    conversation_id: str
    title: str
    created_at: str
    updated_at: str
    exchanges: int

    @classmethod
    def of(cls, kept: Kept) -> ConversationBody:
        return cls(
            conversation_id=kept.id,
            title=kept.title,
            created_at=_time(kept.created_ms),
            updated_at=_time(kept.updated_ms),
            exchanges=kept.exchanges,
        )


class ConversationsBody(BaseModel):
    """The conversations of a reader, the one that changed last first. `next_cursor` is null on the last page.

    `keeps` is false if the server keeps no conversations, or none for this key.
    """

    keeps: bool
    conversations: list[ConversationBody]
    next_cursor: str | None


class KeptCitationBody(CitationBody):
    """A citation, as it was when the answer was given. Its document may have changed since, or be gone."""

    @classmethod
    def kept(cls, told: Told, shown: ShownUri) -> KeptCitationBody:
        uri = shown(told["source"], told["uri"])
        return cls.model_validate({**told, "uri": uri, "page": told["location"]["page"]})


class ExchangeBody(BaseModel):
    """A question with its answer.

    `state` is `answering`, `complete`, `cut` (the limit of tokens ended it), `stopped` (it was told to), `left` (its
    reader went away and it was stopped) or `failed`, with the code in `error`. `reader_left` is true if its reader had
    gone before the end.
    `unsupported` and `strayed` are those of the answer. `language` is null if it is not known.
    """

    number: int
    question: str
    answer: str
    state: State
    reader_left: bool
    error: str | None
    answer_id: str | None
    grounded: bool
    refused: bool
    small_talk: bool
    language: Language | None
    strayed: bool
    citations: list[KeptCitationBody]
    unsupported: list[UnsupportedBody]
    asked_at: str
    ended_at: str | None

    @classmethod
    def of(cls, exchange: Exchange, shown: ShownUri) -> ExchangeBody:
        ending = exchange.ending
        return cls(
            number=exchange.number,
            question=exchange.question,
            answer=ending.answer,
            state=ending.state,
            reader_left=ending.reader_left,
            error=ending.error or None,
            answer_id=ending.answer_id,
            grounded=ending.grounded,
            refused=ending.refused,
            small_talk=ending.small_talk,
            language=ending.language,
            strayed=ending.strayed,
            citations=[KeptCitationBody.kept(told, shown) for told in ending.citations],
            unsupported=[UnsupportedBody.model_validate(told) for told in ending.unsupported],
            asked_at=_time(exchange.asked_ms),
            ended_at=None if exchange.ended_ms is None else _time(exchange.ended_ms),
        )


class WholeConversationBody(BaseModel):
    """A conversation with its exchanges, the oldest first."""

    conversation_id: str
    title: str
    created_at: str
    updated_at: str
    exchanges: list[ExchangeBody]

    @classmethod
    def of(cls, kept: Kept, exchanges: Iterable[Exchange], shown: ShownUri) -> WholeConversationBody:
        bodies = [ExchangeBody.of(exchange, shown) for exchange in exchanges]
        return cls.model_validate({**dict(ConversationBody.of(kept)), "exchanges": bodies})


class StoppedBody(BaseModel):
    """How many answers of a conversation were being written, and stop now."""

    conversation_id: str
    stopped: int


class DeletedBody(BaseModel):
    """A conversation that is no more."""

    conversation_id: str
    deleted: bool


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
