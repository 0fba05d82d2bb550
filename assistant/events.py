"""What an answer consists of, in the order in which it happens. Transports render these and add nothing.

    Searched → EvidenceFound → (TextDelta | Cited)* → Finished
                                                    ↘ Failed      (at any point; evidence already sent stays)

A refusal is an ordinary answer: EvidenceFound with no evidence, one TextDelta, Finished(refused=True).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ingest.document import Hit, Language, Location

Support = Literal["checked", "not_checkable"]
"""How far a citation was checked: its words and figures were compared with the passage, or could not be compared,
because statement and passage are in different languages, or a figure of the asker's falls into an open range."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A hit with the number that the answer cites it by, counted from 1."""

    number: int
    hit: Hit


@dataclass(frozen=True, slots=True)
class Citation:
    """A number in the answer, bound to the chunk it stands for.

    `quote` is the sentence or the table row that supports the statement, and `location` its place in the document;
    None means the whole chunk's. `start` and `end` are the marker's place in the answer's text, in characters.
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
        """Where the quote stands, or else the chunk."""
        return self.location or self.evidence.hit.chunk.location


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the model server counted them; estimated where it did not say."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Searched:
    """The standalone query that was searched for, its language, and how many hits there were."""

    query: str
    language: Language
    hits: int
    type: Literal["searched"] = "searched"


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """The sources, once, numbered as the answer will cite them."""

    evidence: tuple[Evidence, ...]
    type: Literal["evidence_found"] = "evidence_found"


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer, citation markers normalised to `[n]`."""

    text: str
    type: Literal["text_delta"] = "text_delta"


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation of the text so far."""

    citation: Citation
    type: Literal["cited"] = "cited"


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer. `answer` is the whole text; `grounded` says that at least one citation was
    checked and holds; `timings_ms` has a figure per stage; `cut` says that the limit of tokens ended it, so that its
    end is missing."""

    answer: str
    citations: tuple[Citation, ...]
    language: Language
    grounded: bool
    refused: bool
    model: str
    usage: Usage = field(default_factory=Usage)
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    cut: bool = False
    type: Literal["finished"] = "finished"


@dataclass(frozen=True, slots=True)
class Failed:
    """The model failed. What was said and found before stays valid. `retry_seconds` is when to ask again, where the
    model server said it."""

    code: str
    message: str
    hint: str
    retry_seconds: int | None = None
    type: Literal["failed"] = "failed"


Event = Searched | EvidenceFound | TextDelta | Cited | Finished | Failed
