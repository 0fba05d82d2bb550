"""The events of an answer, in the order in which they happen. Transports render them and add nothing.

Each answer has an id, a UUID in 32 hexadecimal digits. Its first event and its last one carry it, so that a rating or a
line of a log can name the answer. `Failed` has none: a face also makes it of errors that come from no answer.

    Searched → EvidenceFound → (TextDelta | Cited | Unsupported)* → Finished
                                                                  ↘ Failed  (at any point; evidence sent before stays)

A refusal is an ordinary answer: EvidenceFound with no evidence, one TextDelta, Finished(refused=True). The passages
nearest to the question come with Finished, apart from evidence and citations, because they do not answer it. A reply to
small talk has the same events, with Finished(small_talk=True). Nothing was searched for it, so Searched has no hits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ingest.document import Chunk, Hit, Language, Location

Support = Literal["checked", "not_checkable"]
"""How far a citation was checked. `checked` means that its figures, and its words or its meaning, were compared with
the passage. `not_checkable` means that nothing could tell: the statement and the passage are in different languages
and no embedder covers both, a figure is rounded or a sum or stands between two things, or a figure of the asker falls
into an open range. A statement that its passage does not support has no citation; it is `Unsupported`."""

ChangeKind = Literal["spelling", "pinyin", "synonym", "translation", "rewording"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A hit with the number that the answer uses to cite it, counted from 1.

    Hits that follow each other in the document are one evidence. `hit` has the id and the scores of the best of them,
    and its text and location are those of all. `parts` are their own chunks, in reading order. It is empty if the
    evidence is a single chunk.
    """

    number: int
    hit: Hit
    parts: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A number in the answer, with the chunk that it stands for.

    `quote` is the sentence or the table row that supports the statement. `location` is its place in the document, or
    None for the place of the whole chunk. `start` and `end` are the marker's place in the answer's text, in characters.
    Of an evidence with several parts, `evidence` here has only the one with the quote.
    """

    number: int
    evidence: Evidence
    quote: str
    start: int
    end: int
    support: Support = "checked"
    location: Location | None = None

    @property
    def place(self) -> Location:
        """The place of the quote. If it is not known, this is the place of the chunk."""
        return self.location or self.evidence.hit.chunk.location


@dataclass(frozen=True, slots=True)
class Nearest:
    """A passage that is near to a question and does not answer it.

    `evidence` is numbered from 1, the nearest first. `quote` is the part that shares most with the question, and
    `location` is its place.
    """

    evidence: Evidence
    quote: str
    location: Location


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens as the model server counted them. If it did not state them, they are estimated."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A part of a query that was searched for in other words: with the spelling mended, pinyin read as Chinese, or by a
    synonym of the company. A whole query that was searched for a second time, in the other language (`translation`) or
    in other words (`rewording`), as a chat model put it.

    `written` is the part as it was typed, and `searched` is what took its place. A whole query was searched for, too.
    """

    kind: ChangeKind
    written: str
    searched: str


@dataclass(frozen=True, slots=True)
class Searched:
    """The id of the answer that begins, the standalone query of the search, its language, and the number of hits.

    `query` is the query as it was searched for. `changed` says what in it was changed for the search.
    """

    answer_id: str
    query: str
    language: Language
    hits: int
    changed: tuple[Change, ...] = ()
    type: Literal["searched"] = "searched"


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """The sources, with the numbers that the answer will use to cite them. This event comes once."""

    evidence: tuple[Evidence, ...]
    type: Literal["evidence_found"] = "evidence_found"


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer. Its citation markers are normalised to `[n]`."""

    text: str
    type: Literal["text_delta"] = "text_delta"


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation of the text so far."""

    citation: Citation
    type: Literal["cited"] = "cited"


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A statement of the text so far that none of the passages supports that the model cited for it.

    It is shown as text without a mark. It reaches from `start` to `end` in the answer's text, in characters: `end` is
    where the mark would stand. `number` is the first one that the model wrote there.
    """

    number: int
    start: int
    end: int
    type: Literal["unsupported"] = "unsupported"


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer.

    `answer_id` is the one of `Searched`. `answer` is the whole text. `grounded` is True if at least one citation was
    checked and holds. `timings_ms` has the milliseconds of each stage. `cut` is True if the limit of tokens ended the
    answer, so that its end is missing. `nearest` is empty unless the answer is a refusal. `small_talk` is True for the
    fixed reply to a greeting and the like: it says nothing of the documents' content, so it needs no source. `strayed`
    is True if the model answered in another language than `language`, though it was told to use this one.
    `unsupported` are the statements whose marks were dropped.
    """

    answer_id: str
    answer: str
    citations: tuple[Citation, ...]
    language: Language
    grounded: bool
    refused: bool
    model: str
    usage: Usage = field(default_factory=Usage)
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    cut: bool = False
    nearest: tuple[Nearest, ...] = ()
    small_talk: bool = False
    strayed: bool = False
    unsupported: tuple[Unsupported, ...] = ()
    type: Literal["finished"] = "finished"


@dataclass(frozen=True, slots=True)
class Failed:
    """The model failed. The text and the evidence before stay valid. If the model server said how long to wait before
    the next try, `retry_seconds` is that time.
    """

    code: str
    message: str
    hint: str
    retry_seconds: int | None = None
    type: Literal["failed"] = "failed"


Event = Searched | EvidenceFound | TextDelta | Cited | Unsupported | Finished | Failed
