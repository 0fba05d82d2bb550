"""What a document is on its way through the pipeline: reference, elements, chunks; and what search gives back."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

ElementKind = Literal["title", "heading", "paragraph", "list_item", "table", "code", "caption"]
Language = Literal["zh", "en", "mixed", "other"]

KINDS = frozenset({
    "pdf", "docx", "doc", "xlsx", "xls", "xlsb", "pptx", "ppt", "odt", "ods", "odp", "odg", "rtf", "wpd", "works",
    "hwp", "epub", "html", "xml", "md", "rst", "org", "txt", "csv", "tsv", "json", "ipynb", "eml", "msg", "png", "jpeg",
    "tiff", "webp", "bmp", "gif", "heic",
})  # fmt: skip
"""The formats that are read: what the `kind` of a document may be."""

_HALF = 1 << 64
_NUMBER = 1 << 32


def document_id(source: str, uri: str) -> str:
    """The identity of a document: the same source and path give the same id, for ever.

    A UUID whose first half is made of them (SHA-256) and whose second half is free: there, the ids of its chunks
    have revision and position.
    """
    digest = hashlib.sha256(f"{source}\n{uri}".encode()).digest()
    return str(uuid.UUID(int=int.from_bytes(digest[:8]) * _HALF))


def chunk_id(document: str, revision: int, position: int) -> str:
    """The identity of a chunk: its document, the revision it belongs to and its place in it, from 0.

    All three can be read from it (`owner_of`), so that a search needs nothing but ids to tell what a hit is of.
    """
    if not (0 < revision < _NUMBER and 0 <= position < _NUMBER):
        raise ValueError(f"no chunk has revision {revision} and position {position}")
    return str(uuid.UUID(int=uuid.UUID(document).int // _HALF * _HALF + revision * _NUMBER + position))


def owner_of(chunk: str) -> tuple[str, int]:
    """The document and the revision that a chunk belongs to, by its id."""
    number = uuid.UUID(chunk).int
    return str(uuid.UUID(int=number // _HALF * _HALF)), number % _HALF // _NUMBER


def position_of(chunk: str) -> int:
    """The place of a chunk in its document, from 0, by its id."""
    return uuid.UUID(chunk).int % _NUMBER


@dataclass(frozen=True, slots=True)
class Reference:
    """A document that a source has found and nobody has opened yet. Picklable: it crosses to a worker.

    Either `path` names the file to read, or `content` holds the bytes, or the source fetches them when asked.
    `size` (bytes), `mtime_ns` and `token` (an entity tag, a version: whatever else the source has) tell whether it
    changed: while all three stay the same the document is not opened.
    `title` overrides what the parser would find; empty where the source knows that there is none.
    """

    source: str
    uri: str
    name: str
    size: int
    mtime_ns: int
    path: Path | None = None
    content: bytes | None = None
    title: str | None = None
    access: tuple[str, ...] = ("everyone",)
    token: str = ""

    @property
    def document_id(self) -> str:
        return document_id(self.source, self.uri)


@dataclass(frozen=True, slots=True)
class FailedTry:
    """The last try at a document, if it failed: why, at which `state` of it, and when (seconds since 1970) the next
    is due. `dropped`: somebody has given it up."""

    code: str
    message: str
    state: str | None
    retry_at: float
    dropped: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog remembers of a document for finding out whether it changed. `revision` is the current one."""

    id: str
    uri: str
    path: str | None
    size: int
    mtime_ns: int
    token: str
    revision: int | None
    digest: str | None
    fingerprint: str | None
    access: tuple[str, ...]
    failure: FailedTry | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document to read, and what is known of it. `known_digest` is set where only its bytes can tell whether it
    changed.

    `at_hand` is the reference with its bytes, once the source has fetched them; `copy` is the file that it made for
    them, if it made one.
    """

    reference: Reference
    known: Known | None = None
    known_digest: str | None = None
    at_hand: Reference | None = None
    copy: Path | None = None

    @property
    def is_new(self) -> bool:
        """Whether no revision of it is searchable yet."""
        return self.known is None or self.known.revision is None


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page (counted from 1). Coordinates are fractions of the page, origin top left."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Location:
    """Where a passage stands. `start` and `end` are characters of the document's extracted text.

    `page`, `slide` count from 1; `cells` is an A1 range such as `B2:D9`.
    """

    page: int | None = None
    slide: int | None = None
    sheet: str | None = None
    cells: str | None = None
    heading_path: tuple[str, ...] = ()
    start: int = 0
    end: int = 0
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Element:
    """One paragraph, heading, list item or table as the parser read it, in reading order.

    A table's text is Markdown with a header row. `level` is set for headings that the format states
    (styles, tags, outline), 1 being the highest. `location.start/end` are set by the parser chain
    (`ParsedDocument.text`), the rest by the format's parser.
    """

    kind: ElementKind
    text: str
    location: Location = field(default_factory=Location)
    level: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """What a parser gives back. `kind` is the format that was found in the content, one of `KINDS`.

    `text` is the extracted text: the elements joined by blank lines; every `location.start/end` points into it.
    """

    kind: str
    title: str
    elements: tuple[Element, ...]
    text: str
    pages: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """What the splitter cuts: a text that will become a chunk, and where it stood."""

    text: str
    language: Language
    location: Location


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document read and cut, not yet embedded. `passages` is None where the bytes turned out to be the same."""

    digest: str
    kind: str = ""
    title: str = ""
    language: Language = "other"
    passages: tuple[Passage, ...] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of one revision of one document: the unit that is embedded, found and cited."""

    id: str
    document_id: str
    revision: int
    position: int
    source: str
    uri: str
    title: str
    language: Language
    text: str
    location: Location
    access: tuple[str, ...]

    @property
    def heading(self) -> str:
        """Title and heading path in one line: the context that is embedded together with the text."""
        parts = [self.title, *self.location.heading_path]
        kept = [part for index, part in enumerate(parts) if part and part not in parts[:index]]
        return " › ".join(kept)


def numbered(reference: Reference, revision: int, document: Prepared) -> list[Chunk]:
    """The passages of a document as the chunks of a revision, in their order."""
    identity = reference.document_id
    return [
        Chunk(
            id=chunk_id(identity, revision, position),
            document_id=identity,
            revision=revision,
            position=position,
            source=reference.source,
            uri=reference.uri,
            title=document.title,
            language=passage.language,
            text=passage.text,
            location=passage.location,
            access=reference.access,
        )
        for position, passage in enumerate(document.passages or ())
    ]


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Term ids and their weights, the same length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Embedding:
    """Both vectors of one text. `dense` is None when the embedder does not cover the text's language.

    `dense` has shape (dimension,), float32, length one.
    """

    dense: np.ndarray | None
    sparse: SparseVector


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that search found. `score` is fused and comparable within one answer only; the legs' own scores
    (`dense_score` a cosine, `sparse_score` BM25) are None where that leg did not find the chunk."""

    chunk: Chunk
    score: float
    dense_score: float | None = None
    sparse_score: float | None = None
