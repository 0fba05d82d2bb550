"""Neighbours: chunks that follow each other in one section of a document become one passage again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ingest.document import Chunk, Location

_RANGE = re.compile(r"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})")
_TABLE = re.compile(r"\|[^\n]*+\n\|[ :|]*+-[ :|-]*+(?:\n|\Z)")
"""Matches the header of a table and the line below it."""


def are_neighbours(chunk: Chunk, other: Chunk) -> bool:
    """Returns True if one of the chunks follows the other: same revision, next position, same section, sheet, slide."""
    if (chunk.document_id, chunk.revision) != (other.document_id, other.revision):
        return False
    return abs(chunk.position - other.position) == 1 and _section(chunk.location) == _section(other.location)


def joined(chunks: Sequence[Chunk], best: Chunk) -> Chunk:
    """Returns successive chunks as one, with the id of the `best`.

    The text has what they have in common only once: the header of a table that was cut, and the sentences in which they
    overlap. The location reaches from the first to the last, with the boxes of all of them.
    """
    text = chunks[0].text
    for before, chunk in pairwise(chunks):
        fresh, gap = _fresh(chunk, before), chunk.location.start - before.location.end
        # Rows of a table are joined to the rows before them. Other text, and another table, was apart by as much white
        # space as is missing.
        rows = fresh.startswith("|") and text.rpartition("\n")[2].startswith("|") and not _TABLE.match(fresh)
        apart = "" if gap <= 0 else "\n" if rows or gap == 1 else "\n\n"
        text += apart + fresh if fresh else ""
    first = chunks[0].location
    location = replace(
        first,
        end=max(chunk.location.end for chunk in chunks),
        cells=_cells([chunk.location.cells for chunk in chunks]),
        boxes=tuple(box for chunk in chunks for box in chunk.location.boxes),
    )
    return replace(best, text=text, location=location)


def _section(location: Location) -> tuple[tuple[str, ...], str | None, int | None]:
    return location.heading_path, location.sheet, location.slide


def _fresh(chunk: Chunk, before: Chunk) -> str:
    """Returns the text of a chunk without the copy of a table's header and without what the chunk before it has."""
    length = chunk.location.end - chunk.location.start
    if length <= 0:
        return chunk.text
    copied = max(0, len(chunk.text) - length)
    return chunk.text[copied + max(0, before.location.end - chunk.location.start) :]


def _cells(ranges: Sequence[str | None]) -> str | None:
    """Returns the smallest range that holds all of them, or the first one if one of them is no range."""
    found = [match for match in map(_RANGE.fullmatch, (cells or "" for cells in ranges)) if match]
    if len(found) < len(ranges):
        return ranges[0]
    left = min((match[1] for match in found), key=lambda column: (len(column), column))
    right = max((match[3] for match in found), key=lambda column: (len(column), column))
    top, bottom = min(int(match[2]) for match in found), max(int(match[4]) for match in found)
    return f"{left}{top}:{right}{bottom}"
