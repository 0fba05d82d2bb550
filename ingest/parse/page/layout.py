"""Turns the text of a page that reads in one direction into paragraphs and tables, in reading order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ingest.parse.page.paragraphs import Block, blocks_of, captioned
from ingest.parse.page.reading_order import reading_order
from ingest.parse.page.segments import Segment
from ingest.parse.page.tables_with_lines import with_tables
from ingest.parse.pdf.text_layer import Part, Picture


def blocks_in(part: Part) -> Iterator[Block]:
    """Yields the blocks of a part of a page, those in its pictures included. Slanted text has no lines, so each of its
    runs is one block.
    """
    if part.is_slanted:
        for segment in part.segments:
            yield _alone(segment)
        return
    segments = with_tables(part.segments, part.grids) if part.grids else part.segments
    blocks = [block for region in reading_order(segments, part.width) for block in blocks_of(region)]
    for picture in part.pictures:
        place = _place(picture, blocks)
        blocks[place:place] = [_moved(each, picture) for block in blocks_in(picture.text) for each in captioned(block)]
    yield from blocks


def _place(picture: Picture, blocks: Sequence[Block]) -> int:
    """Returns where a picture stands among the blocks: after the last one above it in the same column."""
    beside = [
        place
        for place, block in enumerate(blocks)
        if min(block.x1, picture.x1) > max(block.x0, picture.x0) and (block.y0 + block.y1) / 2 <= picture.y0
    ]
    if beside:
        return beside[-1] + 1
    below = (place for place, block in enumerate(blocks) if (block.y0 + block.y1) / 2 > picture.y0)
    return next(below, len(blocks))


def _moved(block: Block, picture: Picture) -> Block:
    """Returns a block of a picture, measured in the part of the page that has the picture."""
    wide, tall = picture.x1 - picture.x0, picture.y1 - picture.y0
    x0, y0, x1, y1 = picture.text.on_page(block.x0, block.y0, block.x1, block.y1)
    return replace(
        block,
        x0=picture.x0 + x0 * wide,
        y0=picture.y0 + y0 * tall,
        x1=picture.x0 + x1 * wide,
        y1=picture.y0 + y1 * tall,
        size=block.size * tall / max(picture.text.height, 1e-6),
        table=None,
        is_pictured=True,
    )


def _alone(segment: Segment) -> Block:
    return Block(segment.text, segment.x0, segment.y0, segment.x1, segment.y1, segment.size, segment.bold, segment.font)
