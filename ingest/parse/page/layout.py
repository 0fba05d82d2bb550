"""Turns the text of a page that reads in one direction into paragraphs and tables, in reading order."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.parse.page.paragraphs import Block, blocks_of
from ingest.parse.page.reading_order import reading_order
from ingest.parse.page.segments import Segment
from ingest.parse.page.tables_with_lines import with_tables
from ingest.parse.pdf.text_layer import Part


def blocks_in(part: Part) -> Iterator[Block]:
    """Yields the blocks of a part of a page. Slanted text has no lines, so each of its runs is one block."""
    if part.is_slanted:
        for segment in part.segments:
            yield _alone(segment)
        return
    segments = with_tables(part.segments, part.grids) if part.grids else part.segments
    for region in reading_order(segments, part.width):
        yield from blocks_of(region)


def _alone(segment: Segment) -> Block:
    return Block(segment.text, segment.x0, segment.y0, segment.x1, segment.y1, segment.size, segment.bold, segment.font)
