"""The JSON bodies of `/v1`, which the command line prints too with `--json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.http.known_fields import RequestBody, WholeNumber
from api.security.uris import ShownUri
from assistant.conversation import Conversation, Turn
from assistant.events import Change, ChangeKind, Citation, Evidence, Finished, Nearest, Support, Unsupported, Usage
from assistant.retrieve import Retrieved
from ingest.document import Hit, Language, Location
from ingest.runs.records import Report


class TurnBody(RequestBody):
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    text: str


Sources = Annotated[
    list[str] | None,
    Field(min_length=1, max_length=100, description="Only documents of these sources, by name; all if left out."),
]


class AskRequest(RequestBody):
    """A question, and what was said before it: the earlier messages, oldest first, or a conversation that is kept."""

    question: str = Field(min_length=1)
    conversation: list[TurnBody] = Field(default_factory=list, max_length=200)
    conversation_id: str | None = Field(
        None, min_length=1, max_length=64, description="A conversation of POST /v1/conversations, to go on with."
    )
    sources: Sources = None
    stream: bool = False

    @model_validator(mode="after")
    def _says_once_what_was_before(self) -> AskRequest:
        if self.conversation and self.conversation_id is not None:
            raise ValueError("conversation_id: the server knows its earlier messages; leave `conversation` out.")
        return self

    def turns(self) -> Conversation:
        return tuple(Turn(turn.role, turn.text) for turn in self.conversation)


class SearchRequest(RequestBody):
    """A query, and the largest number of hits."""

    query: str = Field(min_length=1)
    limit: WholeNumber = Field(10, ge=1, le=100)
    sources: Sources = None


class BoxBody(BaseModel):
    """A rectangle on a page, in fractions of the page, origin top left."""

    model_config = ConfigDict(from_attributes=True)

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


class LocationBody(BaseModel):
    """The place of a passage in its document."""

    model_config = ConfigDict(from_attributes=True)

    page: int | None
    slide: int | None
    sheet: str | None
    cells: str | None
    heading_path: tuple[str, ...]
    start: int
    end: int
    boxes: tuple[BoxBody, ...]

    @classmethod
    def of(cls, location: Location) -> LocationBody:
        return cls.model_validate(location)


class HitBody(BaseModel):
    """A chunk that was found. A higher `score` is better. Compare scores only within one response."""

    number: int
    score: float
    text: str
    document_id: str
    chunk_id: str
    title: str
    uri: str
    page: int | None
    location: LocationBody

    @classmethod
    def of(cls, number: int, hit: Hit, shown: ShownUri) -> HitBody:
        chunk = hit.chunk
        return cls(
            number=number,
            score=hit.score,
            text=chunk.text,
            document_id=chunk.document_id,
            chunk_id=chunk.id,
            title=chunk.title,
            uri=shown(chunk.source, chunk.uri),
            page=chunk.location.page,
            location=LocationBody.of(chunk.location),
        )


class CitationBody(BaseModel):
    """A number in the answer, the chunk it stands for, and the sentence or table row that supports the statement.

    `page` and `location` are those of the quote. `support` is `not_checkable` if nothing could tell: statement and
    chunk are in different languages and no embedder covers both, a figure is rounded or a sum, or a figure from the
    question falls into an open range.
    """

    number: int
    document_id: str
    chunk_id: str
    title: str
    uri: str
    page: int | None
    location: LocationBody
    quote: str
    support: Support

    @classmethod
    def of(cls, citation: Citation, shown: ShownUri) -> CitationBody:
        chunk = citation.evidence.hit.chunk
        return cls(
            number=citation.number,
            document_id=chunk.document_id,
            chunk_id=chunk.id,
            title=chunk.title,
            uri=shown(chunk.source, chunk.uri),
            page=citation.place.page,
            location=LocationBody.of(citation.place),
            quote=citation.quote,
            support=citation.support,
        )


class UnsupportedBody(BaseModel):
    """A statement that no passage supports that the model cited for it. It stands in the answer without a mark.

    It reaches from `start` to `end`, in characters of the answer. `number` is what the model wrote at `end`.
    """

    number: int
    start: int
    end: int

    @classmethod
    def of(cls, unsupported: Unsupported) -> UnsupportedBody:
        return cls(number=unsupported.number, start=unsupported.start, end=unsupported.end)


class NearestBody(HitBody):
    """A passage near to a question that was refused. It is no answer.

    `quote` is the sentence or table row that shares most with the question. `page` and `location` are its own.
    """

    quote: str

    @classmethod
    def near(cls, near: Nearest, shown: ShownUri) -> NearestBody:
        hit = HitBody.of(near.evidence.number, near.evidence.hit, shown)
        place = {"page": near.location.page, "location": LocationBody.of(near.location)}
        return cls(**{**dict(hit), **place}, quote=near.quote)


class UsageBody(BaseModel):
    """Tokens that the model read and wrote."""

    prompt_tokens: int
    completion_tokens: int

    @classmethod
    def of(cls, usage: Usage) -> UsageBody:
        return cls(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)


class ChangeBody(BaseModel):
    """A part of the query that was searched for in other words: `written` was typed, `searched` was searched for.

    `kind` is `spelling`, `pinyin` or `synonym`. It is `translation` or `rewording` if the whole query was searched for
    a second time, in the other language or in other words.
    """

    kind: ChangeKind
    written: str
    searched: str

    @classmethod
    def of(cls, change: Change) -> ChangeBody:
        return cls(kind=change.kind, written=change.written, searched=change.searched)


class AskBody(BaseModel):
    """A whole answer. `answer_id` names it: no two answers have the same. `citations` has one entry for each marker
    `[n]`, in their order. `cut` is true if the limit of tokens ended the answer, so that its end is missing. `changed`
    says what in the question was searched for in other words. `nearest` has the passages nearest to a refused question,
    and is empty otherwise. `small_talk` is true for the fixed reply to a greeting and the like, which needs no source.
    `unsupported` has the statements of the answer whose marks were dropped. `strayed` is true if the model answered in
    another language than `language`, though it was told to use this one.
    """

    answer_id: str
    question: str
    changed: list[ChangeBody]
    language: Language
    answer: str
    grounded: bool
    refused: bool
    cut: bool
    citations: list[CitationBody]
    evidence: list[HitBody]
    nearest: list[NearestBody]
    small_talk: bool
    unsupported: list[UnsupportedBody]
    strayed: bool
    model: str
    usage: UsageBody
    timings_ms: dict[str, float]

    @classmethod
    def of(
        cls,
        question: str,
        changed: Iterable[Change],
        evidence: Iterable[Evidence],
        finished: Finished,
        shown: ShownUri,
    ) -> AskBody:
        return cls(
            answer_id=finished.answer_id,
            question=question,
            changed=[ChangeBody.of(change) for change in changed],
            language=finished.language,
            answer=finished.answer,
            grounded=finished.grounded,
            refused=finished.refused,
            cut=finished.cut,
            citations=[CitationBody.of(citation, shown) for citation in finished.citations],
            evidence=evidence_bodies(evidence, shown),
            nearest=[NearestBody.near(near, shown) for near in finished.nearest],
            small_talk=finished.small_talk,
            unsupported=[UnsupportedBody.of(each) for each in finished.unsupported],
            strayed=finished.strayed,
            model=finished.model,
            usage=UsageBody.of(finished.usage),
            timings_ms=rounded(finished.timings_ms),
        )


class SearchBody(BaseModel):
    """The hits of a search, best first, numbered from 1.

    `query` is the query as it was searched for, and `changed` says what in it was changed for that.
    """

    query: str
    changed: list[ChangeBody]
    language: Language
    hits: list[HitBody]
    timings_ms: dict[str, float]

    @classmethod
    def of(cls, found: Retrieved, shown: ShownUri) -> SearchBody:
        return cls(
            query=found.query,
            changed=[ChangeBody.of(change) for change in found.changed],
            language=found.language,
            hits=[HitBody.of(number, hit, shown) for number, hit in enumerate(found.hits, start=1)],
            timings_ms=rounded(found.timings_ms),
        )


class FailureBody(BaseModel):
    """A document that could not be ingested, and the reason."""

    uri: str
    code: str
    message: str


class CountsBody(BaseModel):
    """The counts of a run. `waiting` passages are found by their words, and not by their meaning yet."""

    run_id: str
    found: int
    new: int
    changed: int
    unchanged: int
    moved: int
    deleted: int
    failed: int
    rebuilt: int
    chunks: int
    embedded: int
    waiting: int
    seconds: float


class ReportBody(CountsBody):
    """The result of a run."""

    failures: list[FailureBody]

    @classmethod
    def of(cls, report: Report) -> ReportBody:
        return cls.model_validate(asdict(report))


def evidence_bodies(evidence: Iterable[Evidence], shown: ShownUri) -> list[HitBody]:
    """Returns numbered sources as JSON bodies."""
    return [HitBody.of(item.number, item.hit, shown) for item in evidence]


def rounded(timings_ms: Mapping[str, float]) -> dict[str, float]:
    """Returns timings in milliseconds, rounded to a useful number of digits."""
    return {name: round(value, 2) for name, value in timings_ms.items()}
