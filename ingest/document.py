"""The forms of a document in the pipeline (reference, elements, chunks), and the hits of a search."""

from __future__ import annotations

import hashlib
import re
import uuid
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

if TYPE_CHECKING:
    import numpy as np

ElementKind = Literal["title", "heading", "paragraph", "list_item", "table", "code", "caption"]
Language = Literal["zh", "en", "mixed", "other"]

KINDS = frozenset({
    "pdf", "docx", "doc", "xlsx", "xls", "xlsb", "pptx", "ppt", "odt", "ods", "odp", "odg", "rtf", "wpd", "works",
    "hwp", "epub", "html", "xml", "md", "rst", "org", "txt", "csv", "tsv", "json", "ipynb", "eml", "msg", "png", "jpeg",
    "tiff", "webp", "bmp", "gif", "heic", "ofd",
})  # fmt: skip
"""The formats that are read. The `kind` of a document is one of them."""

_HALF = 1 << 64
_NUMBER = 1 << 32
_REMEMBERED_HEADINGS = 1024
_PLAIN_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def document_id(source: str, uri: str) -> str:
    """Returns the identity of a document. The same source and uri always give the same id.

    It is a UUID. Its first half is made from source and uri (SHA-256). Its second half is zero; the ids of the chunks
    have revision and position there.
    """
    digest = hashlib.sha256(f"{source}\n{uri}".encode()).digest()
    return str(uuid.UUID(int=int.from_bytes(digest[:8]) * _HALF))


def chunk_id(document: str, revision: int, position: int) -> str:
    """Returns the identity of a chunk: its document, its revision, and its position in the document, from 0.

    All three can be read from the id (`owner_of`). So a search needs only ids to tell where a hit belongs.
    """
    if not (0 < revision < _NUMBER and 0 <= position < _NUMBER):
        raise ValueError(f"no chunk has revision {revision} and position {position}")
    return str(uuid.UUID(int=uuid.UUID(document).int // _HALF * _HALF + revision * _NUMBER + position))


def owner_of(chunk: str) -> tuple[str, int]:
    """Returns the document and the revision of a chunk, read from its id. Raises ValueError if it is no UUID."""
    if _PLAIN_UUID.fullmatch(chunk) is None:
        chunk = str(uuid.UUID(chunk))
    # A search reads some hundred ids. To cut the text takes a tenth of the time that two UUIDs take.
    return f"{chunk[:18]}-0000-000000000000", int(chunk[19:23] + chunk[24:28], 16)


def position_of(chunk: str) -> int:
    """Returns the position of a chunk in its document, from 0, read from its id."""
    return uuid.UUID(chunk).int % _NUMBER


@dataclass(frozen=True, slots=True)
class Reference:
    """A document that a source has found and nobody has opened yet. It can be pickled, because it is sent to workers.

    Either `path` names the file, or `content` holds the bytes, or the source fetches them later. `token` is another
    mark of the state, such as an entity tag or a version. The document is not opened while `size` (bytes), `mtime_ns`
    and `token` stay the same. `title` replaces the title that the parser would find. It is empty if the source knows
    that there is none.
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
    """The place of a passage. `start` and `end` count characters of the document's extracted text.

    `page` and `slide` count from 1. `cells` is an A1 range such as `B2:D9`.
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
    """One paragraph, heading, list item or table from the parser, in reading order.

    The text of a table is Markdown with a header row. `level` is set for headings that the format states (styles, tags,
    outline); 1 is the highest. The parser chain sets `location.start/end` (`ParsedDocument.text`), and the format's
    parser sets the rest.
    """

    kind: ElementKind
    text: str
    location: Location = field(default_factory=Location)
    level: int | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What a document says of itself, empty where it does not: who wrote it, when (ISO 8601), how many pages it has.
    `notes` counts what it has and could not be taken from it (`ingest.parse.notes`).
    """

    author: str = ""
    created: str = ""
    modified: str = ""
    pages: int | None = None
    notes: Mapping[str, int] = field(default_factory=dict, hash=False)


NOTHING_SAID = About()


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """The result of a parser. `kind` is the format of the content, one of `KINDS`.

    `text` is the extracted text: the elements, joined by blank lines. Every `location.start/end` counts characters in
    it. `metadata` may have `author`, `created` and `modified`.
    """

    kind: str
    title: str
    elements: tuple[Element, ...]
    text: str
    pages: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)

    @property
    def about(self) -> About:
        author, created, modified = (self.metadata.get(name, "") for name in ("author", "created", "modified"))
        return About(author, created, modified, self.pages, self.notes)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of text from the splitter, and its place. It becomes a chunk."""

    text: str
    language: Language
    location: Location


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Term ids and their weights. Both have the same length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


class PackedTerms(Sequence[SparseVector]):
    """Sparse vectors in 8 bytes a term, as weights of float32. As tuples they take nine times as much, and a large
    document has tens of millions of terms. It can be pickled.
    """

    def __init__(self, vectors: Iterable[SparseVector] = ()) -> None:
        self._starts, self._indices, self._values = array("Q", [0]), array("I"), array("f")
        for vector in vectors:
            self._indices.extend(vector.indices)
            self._values.extend(vector.values)
            self._starts.append(len(self._indices))

    def add(self, lengths: np.ndarray, indices: np.ndarray, weights: np.ndarray) -> None:
        """Add vectors whose terms stand one after the other: so many each."""
        self._starts.frombytes((self._starts[-1] + lengths.cumsum()).astype("uint64").tobytes())
        self._indices.frombytes(indices.astype("uint32").tobytes())
        self._values.frombytes(weights.astype("float32").tobytes())

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PackedTerms):
            return NotImplemented
        ours = (self._starts, self._indices, self._values)
        return ours == (other._starts, other._indices, other._values)

    __hash__ = None  # type: ignore[assignment] # as of every sequence that is compared by what is in it

    @overload
    def __getitem__(self, place: int) -> SparseVector: ...
    @overload
    def __getitem__(self, place: slice) -> list[SparseVector]: ...
    def __getitem__(self, place: int | slice) -> SparseVector | list[SparseVector]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        terms = slice(self._starts[place], self._starts[place + 1])
        return SparseVector(tuple(self._indices[terms]), tuple(self._values[terms]))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document read and cut, with the terms of its passages (`words`, as many as `passages`) and no dense vector yet.
    `passages` is None where the bytes turned out to be the same.
    """

    digest: str
    kind: str = ""
    title: str = ""
    language: Language = "other"
    passages: tuple[Passage, ...] | None = None
    words: PackedTerms = field(default_factory=PackedTerms)
    about: About = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of one revision of one document. It is the unit that is embedded, found and cited."""

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
    about: About = NOTHING_SAID

    @property
    def heading(self) -> str:
        """Returns title and heading path in one line. This context is embedded together with the text."""
        return _heading(self.title, self.location.heading_path)


@lru_cache(_REMEMBERED_HEADINGS)
def _heading(title: str, path: tuple[str, ...]) -> str:
    """It is cached, because each question needs the headings of its hits a hundred times."""
    return " › ".join(dict.fromkeys(part for part in (title, *path) if part))


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
            about=document.about,
        )
        for position, passage in enumerate(document.passages or ())
    ]


@dataclass(frozen=True, slots=True)
class Embedding:
    """Both vectors of one text. `dense` is None if the embedder does not cover the text's language, and until it is
    made.

    `dense` has shape (dimension,), float32, length one.
    """

    dense: np.ndarray | None
    sparse: SparseVector


@dataclass(frozen=True, slots=True)
class Signals:
    """How far a hit stands out, in standard deviations: its cosine above those of texts that do not answer
    (a background of everyday texts), and its scores above the means of what the same legs found.
    """

    above_background: float
    above_nearest_background: float
    above_dense_leg: float
    above_sparse_leg: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that search found. `score` is fused. Compare it only with scores of the same answer.

    `dense_score` (a cosine) and `sparse_score` (BM25) are the scores of the legs. A score is None if its leg did not
    find the chunk. `signals` is None if the chunk or the query has no dense vector. `modified_ns` is when the chunk's
    document was last changed, in nanoseconds since 1970, or 0 if that is not known.
    """

    chunk: Chunk
    score: float
    dense_score: float | None = None
    sparse_score: float | None = None
    signals: Signals | None = None
    modified_ns: int = 0
