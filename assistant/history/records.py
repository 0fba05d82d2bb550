"""What is kept of a conversation: its exchanges, and how each answer ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from assistant.conversation import Conversation, Turn
from assistant.events import Citation, Unsupported
from ingest.document import Language

State = Literal["answering", "complete", "cut", "stopped", "left", "failed"]
"""How an answer stands.

`answering`: it is being written. `complete`: it has its end. `cut`: the limit of tokens ended it. `stopped`: somebody
told it to stop; the text is what had come until then. `left`: its reader went away and the work was stopped; the text
is the same. `failed`: the model or the server failed.
"""

REFERABLE = ("complete", "cut", "stopped", "left")
"""The states of an answer that a later question may refer to, if it has a text. Of one that was stopped or left, the
reader has seen that text."""

_EXCHANGES_GIVEN = 100

Told = Mapping[str, Any]
"""A citation as JSON: what `citation_told` returns. It is kept as it was shown, also if the document changes."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an answer: its text, how it ended, and what is known of it.

    `reader_left` is True if its reader had gone before the end. `error` is the code of what failed, or empty.
    `unsupported` are the places of the statements without support, as JSON. `language` is the one that was asked for,
    or None if that is not known, and `strayed` is True if the answer is in another one.
    """

    state: State
    answer: str
    citations: tuple[Told, ...] = ()
    answer_id: str | None = None
    grounded: bool = False
    refused: bool = False
    small_talk: bool = False
    reader_left: bool = False
    error: str = ""
    unsupported: tuple[Told, ...] = ()
    language: Language | None = None
    strayed: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with its answer. `number` counts from 1 within the conversation. Times are milliseconds since 1970.

    `ended_ms` is None while the answer is being written.
    """

    number: int
    question: str
    ending: Ending
    asked_ms: int
    ended_ms: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation without its exchanges, as a list shows it. `exchanges` is how many it has."""

    id: str
    title: str
    created_ms: int
    updated_ms: int
    exchanges: int


@dataclass(frozen=True, slots=True)
class Begun:
    """An exchange whose answer is to be written: its place, and the turns before it."""

    conversation_id: str
    number: int
    turns: Conversation


def turns_before(exchanges: Sequence[Exchange]) -> Conversation:
    """Returns what a question after these exchanges may refer to, as the chain is given it: no small talk, and of a
    long conversation the newest part.
    """
    seen = [each for each in exchanges if each.ending.state in REFERABLE and each.ending.answer]
    referable = [each for each in seen if not each.ending.small_talk][-_EXCHANGES_GIVEN:]
    pairs = ((Turn("user", each.question), Turn("assistant", each.ending.answer)) for each in referable)
    return tuple(turn for pair in pairs for turn in pair)


def citation_told(citation: Citation) -> Told:
    """Returns a citation as JSON. Its uri is the whole one: the faces shorten it for whoever sees it."""
    chunk = citation.evidence.hit.chunk
    return {
        "number": citation.number,
        "document_id": chunk.document_id,
        "chunk_id": chunk.id,
        "title": chunk.title,
        "source": chunk.source,
        "uri": chunk.uri,
        "quote": citation.quote,
        "support": citation.support,
        "location": asdict(citation.place),
    }


def unsupported_told(statement: Unsupported) -> Told:
    """Returns the place of a statement without support as JSON."""
    return {"number": statement.number, "start": statement.start, "end": statement.end}
