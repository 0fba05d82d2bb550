"""The form of a chunk inside Qdrant, the same on both engines: payload, vectors, and the filters on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ingest.access import Reader
from ingest.document import NOTHING_SAID, About, Box, Chunk, Embedding, Location, SparseVector, owner_of
from ingest.errors import ConfigurationError, DocumentError
from ingest.index import Scored

SCHEMA_VERSION: Final = 4
"""Raise this number when payload or vectors change shape, so that an old index is never read as a new one."""

DENSE: Final = "dense"
SPARSE: Final = "sparse"

KEYWORDS: Final = ("document_id", "access", "source", "language")
INTEGERS: Final = ("revision",)
"""Integer payload fields that filters use. Both engines index them."""

BATCH_POINTS: Final = 128
"""The most points in one request to an engine. It is small because the embedded engine holds the GIL meanwhile."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has one of the values. If the field is a list, it contains one of them."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """The integer field lies between the two values, both included."""

    field: str
    first: int
    last: int


Condition = AnyOf | Between


def readable(reader: Reader) -> tuple[Condition, ...] | None:
    """Returns the conditions that a chunk must meet for `reader` to see it. Returns None if the reader sees nothing.

    None differs from an empty tuple, which means no condition. An engine may read an empty `AnyOf` either way.
    """
    wanted = [("access", reader.principals), ("source", reader.sources)]
    if any(values is not None and not values for _, values in wanted):
        return None
    return tuple(AnyOf(field, tuple(sorted(values))) for field, values in wanted if values is not None)


def revisions(document_id: str, first: int, last: int) -> tuple[Condition, ...]:
    """Returns the conditions that only the chunks of these revisions of one document meet."""
    return AnyOf("document_id", (document_id,)), Between("revision", first, last)


def payload_of(chunk: Chunk) -> dict[str, Any]:
    """Returns the data that is stored beside the vectors. `chunk.id` is the id of the point itself.

    Raises `DocumentError` for half a surrogate pair. File names and PDF texts can hold one, and no engine stores it.
    """
    try:
        "".join((chunk.uri, chunk.title, chunk.text, chunk.about.author, *chunk.location.heading_path)).encode()
    except UnicodeEncodeError as error:
        raise DocumentError(
            "text_not_unicode",
            f"The name or the text of {chunk.uri!a} holds characters that are not valid Unicode.",
            "Rename the file, or save it again in UTF-8.",
        ) from error
    return {
        "document_id": chunk.document_id,
        "revision": chunk.revision,
        "position": chunk.position,
        "source": chunk.source,
        "uri": chunk.uri,
        "title": chunk.title,
        "language": chunk.language,
        "text": chunk.text,
        "location": _location_payload(chunk.location),
        "access": list(chunk.access),
        **_about_payload(chunk.about),
    }


def chunk_of(point_id: object, payload: Mapping[str, Any]) -> Chunk:
    """Returns the chunk that was passed to `payload_of`."""
    return Chunk(
        id=str(point_id),
        document_id=payload["document_id"],
        revision=payload["revision"],
        position=payload["position"],
        source=payload["source"],
        uri=payload["uri"],
        title=payload["title"],
        language=payload["language"],
        text=payload["text"],
        location=_location(payload["location"]),
        access=tuple(payload["access"]),
        about=About(**payload["about"]) if "about" in payload else NOTHING_SAID,
    )


def _about_payload(about: About) -> dict[str, Any]:
    """Returns what a filter can use: who wrote the document, and when. It is left out where that is not known."""
    said = {name: getattr(about, name) for name in ("author", "created", "modified")}
    known = {name: each for name, each in said.items() if each}
    return {"about": known} if known else {}


def of_document(document_id: str) -> tuple[Condition, ...]:
    """Returns the condition that only the chunks of one document meet, of all its revisions."""
    return (AnyOf("document_id", (document_id,)),)


def checked(dense: np.ndarray, dimension: int) -> list[float]:
    """Returns the vector in the form that both engines take: a list. They read a list twice as fast as an array.

    Raises `ConfigurationError` if its dimension is not that of the index.
    """
    if dense.shape != (dimension,):
        raise ConfigurationError(
            "dimension_mismatch",
            f"A vector has shape {dense.shape}, but this index holds vectors of {dimension} numbers.",
            "The embedding model has changed under the same name: give it another name and ingest again.",
        )
    numbers: list[float] = dense.tolist()
    return numbers


def embedding_of(vectors: Mapping[str, Any] | None) -> Embedding:
    """Returns the vectors of a point from either engine. A vector may be missing."""
    vectors = vectors or {}
    dense, sparse = vectors.get(DENSE), vectors.get(SPARSE)
    return Embedding(
        dense=None if dense is None else np.asarray(dense, dtype=np.float32),
        sparse=SparseVector(tuple(sparse.indices), tuple(sparse.values)) if sparse else SparseVector((), ()),
    )


def ranked(points: Iterable[Any]) -> tuple[Scored, ...]:
    """Returns the hits of one leg, best first.

    Equal scores are ordered by id, so that both engines give the same order.
    """
    # An engine may make the id anew each time that it is read, so it is read once.
    found = [Scored(chunk_id, *owner_of(chunk_id), point.score) for point in points for chunk_id in (str(point.id),)]
    found.sort(key=lambda scored: (-scored.score, scored.chunk_id))
    return tuple(found)


def _location_payload(location: Location) -> dict[str, Any]:
    """Returns only the fields that are set. Boxes are `[page, x0, y0, x1, y1]` in one JSON text.

    The engine itself may change the last bit of a number. One text is also much faster to pass than a list for each
    line.
    """
    stored: dict[str, Any] = {"start": location.start, "end": location.end}
    for field in ("page", "slide", "sheet", "cells"):
        value = getattr(location, field)
        if value is not None:
            stored[field] = value
    if location.heading_path:
        stored["heading_path"] = list(location.heading_path)
    if location.boxes:
        stored["boxes"] = json.dumps([[b.page, b.x0, b.y0, b.x1, b.y1] for b in location.boxes])
    return stored


def _location(stored: Mapping[str, Any]) -> Location:
    return Location(
        page=stored.get("page"),
        slide=stored.get("slide"),
        sheet=stored.get("sheet"),
        cells=stored.get("cells"),
        heading_path=tuple(stored.get("heading_path", ())),
        start=stored["start"],
        end=stored["end"],
        boxes=tuple(Box(*box) for box in json.loads(stored.get("boxes", "[]"))),
    )
