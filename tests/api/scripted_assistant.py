"""An assistant that says what a test wrote down, over documents that a test wrote down: for the faces alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from api.settings import Settings
from assistant.conversation import Conversation
from assistant.events import (
    Citation,
    Cited,
    Event,
    Evidence,
    EvidenceFound,
    Failed,
    Finished,
    Nearest,
    Searched,
    TextDelta,
    Usage,
)
from assistant.history.register import Register
from ingest.access import Reader
from ingest.catalog.listing import Place, place_of
from ingest.catalog.records import Document
from ingest.document import Box, Chunk, Hit, Language, Location, chunk_id, document_id
from ingest.errors import RequestError
from ingest.home.database import metadata

HANDBOOK = document_id("local", "handbook.md")
PRICES = document_id("local", "价格表.xlsx")
SECRET = document_id("board", "salaries.pdf")


def a_chunk(
    document: str, position: int, text: str, *, title: str, uri: str, language: Language = "en", **place: Any
) -> Chunk:
    """A chunk of revision 1."""
    location = Location(start=position * 1000, end=position * 1000 + len(text), **place)
    identity = chunk_id(document, 1, position)
    return Chunk(identity, document, 1, position, "local", uri, title, language, text, location, ("everyone",))


CHUNKS = [
    a_chunk(
        HANDBOOK,
        position,
        text,
        title="Employee handbook",
        uri="handbook.md",
        page=position + 1,
        heading_path=("Leave", "Annual leave"),
        boxes=(Box(position + 1, 0.1, 0.2, 0.9, 0.3),),
    )
    for position, text in enumerate(
        [
            "This chapter says how much leave there is.",
            "Every employee has 15 days of annual leave. Unused days lapse in March.",
            "Leave is asked for in the portal, two weeks ahead.",
            "Sick leave needs a note after the third day.",
        ]
    )
] + [
    a_chunk(
        PRICES,
        0,
        "| 型号 | 价格 |\n| --- | --- |\n| X200 | 1280 元 |\n| X300 | 1980 元 |",
        title="价格表",
        uri="价格表.xlsx",
        language="zh",
        sheet="2026",
        cells="A1:B3",
    )
]


def a_document(identity: str, source: str, uri: str, title: str, **changes: Any) -> Document:
    """A document of the catalog."""
    values: dict[str, Any] = {
        "id": identity,
        "source": source,
        "uri": uri,
        "title": title,
        "kind": uri.rpartition(".")[2],
        "language": "en",
        "revision": 1,
        "chunks": sum(chunk.document_id == identity for chunk in CHUNKS),
        "access": ("everyone",),
        "state": "ready",
        "error_code": None,
        "error_message": None,
        "updated_at": "2026-11-01T08:00:00+00:00",
        "path": None,
        "size": 0,
        "mtime_ns": 0,
    }
    return Document(**(values | changes))


@dataclass
class ListedCatalog:
    """A catalog that is a list."""

    listed: list[Document]

    def documents(
        self,
        reader: Reader,
        *,
        source: str | None = None,
        kind: str | None = None,
        failed: bool = False,
        after: Place | None = None,
        limit: int | None = None,
    ) -> list[Document]:
        places = [place_of(document) for document in self.listed]
        start = places.index(after) + 1 if after is not None else 0
        return [
            document
            for document in self.listed[start:]
            if reader.may_read(document.access, document.source)
            and (source is None or document.source == source)
            and (kind is None or document.kind == kind)
            and (not failed or document.error_code)
        ][:limit]

    def place(self, identity: str, reader: Reader) -> Place | None:
        found = self.document(identity)
        return place_of(found) if found is not None and reader.may_read(found.access, found.source) else None

    def document(self, identity: str) -> Document | None:
        return next((document for document in self.listed if document.id == identity), None)


class ListedIndex:
    """The chunks above."""

    def fetch(self, chunk_ids: Collection[str]) -> dict[str, Chunk]:
        return {chunk.id: chunk for chunk in CHUNKS if chunk.id in chunk_ids}

    def chunks(self, document: str, revision: int) -> list[Chunk]:
        return [chunk for chunk in CHUNKS if chunk.document_id == document and chunk.revision == revision]


@dataclass
class ScriptedAssistant:
    """Says its script, with a pause before each event. `stopped` is set when an answer is given up half-way."""

    script: Sequence[Event | Exception] = ()
    pause_seconds: float = 0.0
    search_error: Exception | None = None
    asked: list[tuple[str, Conversation, Reader]] = field(default_factory=list)
    pages: list[str | None] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    model_name: str = "scripted"
    is_model_away: bool = False

    async def answer(
        self, question: str, conversation: Conversation, reader: Reader, page: Any = None
    ) -> AsyncIterator[Event]:
        self.asked.append((question, conversation, reader))
        self.pages.append(page)
        if len(question) > 4000:
            raise RequestError("question_too_long", "The question is too long.", "Ask in fewer words.")
        try:
            for item in self.script or a_good_answer(question):
                await asyncio.sleep(self.pause_seconds)
                if isinstance(item, Exception):
                    raise item
                yield item
        except (asyncio.CancelledError, GeneratorExit):
            self.stopped.set()
            raise

    async def aclose(self) -> None:
        """Nothing to let go of."""

    async def search(self, query: str, *, reader: Reader, limit: int) -> Any:
        if self.search_error is not None:
            raise self.search_error
        hits = [Hit(chunk, 1.0 / (1 + index)) for index, chunk in enumerate(CHUNKS)]
        return SimpleNamespace(query=query, changed=(), language="en", hits=hits[:limit], timings_ms={"search": 1.2345})


def a_good_answer(question: str) -> list[Event]:
    """A grounded answer with two citations, in Chinese where the question is."""
    if any("\u4e00" <= letter <= "\u9fff" for letter in question):
        text = ["X200 的价格是", " **1280 元** [1]。\n\n", "- X300 是 1980 元 [1]"]
        return told(text, [(Evidence(1, Hit(CHUNKS[4], 0.9)), "| X200 | 1280 元 |")], "zh")
    text = ["Every employee has **15 days** ", "of annual leave [1]. ", "Ask in the portal [2]."]
    first, second = Evidence(1, Hit(CHUNKS[1], 0.9)), Evidence(2, Hit(CHUNKS[2], 0.4))
    return told(text, [(first, "Every employee has 15 days of annual leave."), (second, CHUNKS[2].text)], "en")


def told(text: Sequence[str], cited: Sequence[tuple[Evidence, str]], language: Language) -> list[Event]:
    """The events of an answer that says `text` and cites these."""
    answer = "".join(text)
    citations = []
    for evidence, quote in cited:
        start = answer.index(f"[{evidence.number}]")
        citations.append(Citation(evidence.number, evidence, quote, start, start + 3))
    return [
        Searched("a1", "query", language, len(cited)),
        EvidenceFound(tuple(evidence for evidence, _ in cited)),
        *(TextDelta(piece) for piece in text),
        *(Cited(citation) for citation in citations),
        Finished("a1", answer, tuple(citations), language, True, False, "scripted", Usage(12, 34), {"total": 5.678}),
    ]


def near(number: int, chunk: Chunk, quote: str) -> Nearest:
    """A passage near to a question that is refused."""
    return Nearest(Evidence(number, Hit(chunk, 1.0 / number)), quote, chunk.location)


def a_refusal(text: str, language: Language, *nearest: Nearest) -> list[Event]:
    """What is said when the documents do not answer."""
    return [
        Searched("a1", "query", language, 0),
        EvidenceFound(()),
        TextDelta(text),
        Finished("a1", text, (), language, False, True, "scripted", nearest=nearest),
    ]


def a_greeting(text: str, language: Language) -> list[Event]:
    """What is said to small talk."""
    return [
        Searched("a1", "hi", language, 0),
        EvidenceFound(()),
        TextDelta(text),
        Finished("a1", text, (), language, False, False, "scripted", small_talk=True),
    ]


def a_breakdown() -> list[Event]:
    """A model that fails after its first words."""
    return [
        Searched("a1", "query", "en", 1),
        EvidenceFound((Evidence(1, Hit(CHUNKS[1], 0.9)),)),
        TextDelta("Every employee "),
        Failed("model_unreachable", "The model server cannot be reached.", "Start it and ask again."),
    ]


def a_workspace(
    assistant: ScriptedAssistant,
    documents: list[Document] | None = None,
    pages: Any = None,
    database: sa.Engine | None = None,
    **settings: Any,
) -> Any:
    """A workspace with that assistant and a catalog of three documents, one of which is not for everyone."""
    listed = (
        documents
        if documents is not None
        else [
            a_document(HANDBOOK, "local", "handbook.md", "Employee handbook"),
            a_document(PRICES, "local", "价格表.xlsx", "价格表", language="zh"),
            a_document(SECRET, "board", "salaries.pdf", "Salaries", access=("group:board",)),
        ]
    )
    catalog = ListedCatalog(listed)
    store = SimpleNamespace(catalog=catalog, index=ListedIndex())

    intake = SimpleNamespace(start=lambda: None, close=lambda: None)
    open_versions = SimpleNamespace(check_index=lambda: None, lacking_passages=lambda: 0)
    return SimpleNamespace(
        settings=Settings(**settings),
        opened=SimpleNamespace(open_versions=open_versions),
        store=store,
        ingestor=None,
        assistant=assistant,
        pages=pages,
        intake=intake,
        documents=catalog.documents,
        conversations=Register(database or in_memory(), Settings(**settings)),
    )


def in_memory() -> sa.Engine:
    """A database with all tables, for one test."""
    # One connection, which is the database. Whoever comes second waits.
    one = {"poolclass": sa.QueuePool, "pool_size": 1, "max_overflow": 0}
    engine = sa.create_engine("sqlite://", connect_args={"check_same_thread": False}, **one)
    metadata.create_all(engine)
    return engine
