"""Turns the lines of a region into paragraphs and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ingest.parse.page.reading_order import Line, lines_of
from ingest.parse.page.segments import Segment, Table, joined
from ingest.parse.page.tables_side_by_side import parted
from ingest.parse.page.tables_without_lines import table_end, table_of
from ingest.parse.tables.elements import table_parts

_MARKER = re.compile(
    r"[•●▪■◆◇○·–—*\uf000-\uf0ff-]\s*\S|\(?[0-9a-zA-Z]{1,2}[.)、）]\s*\D|[（(][一二三四五六七八九十0-9]{1,3}[)）]|"
    r"[一二三四五六七八九十]{1,3}、|第[一二三四五六七八九十百零0-9]{1,6}[条章节编]"
)
_BULLET = re.compile(r"([•●▪■◆◇○·\uf000-\uf0ff]|[*–-](?=\s))\s*(?=\S)")
"""Matches bullets. Word writes its bullets as characters of a symbol font, which are in the private use area."""
_LABEL = re.compile(r"(?![a-z])[^\W\d][^\s：:，。；、,.;]{0,12}+(?: [^\s：:，。；、,.;]{1,12}+){0,2}+\s?[：:](?![/:=])")
_BROKEN_WORD = re.compile(r"[^\W_][-\u00ad\u2010]$")
_FINISHED = re.compile(r"[.!?。！？；;:：…][\"'”’）)]?$")


@dataclass(slots=True)
class Block:
    """A paragraph or a table on a page, with the size of its letters. `is_pictured` is True if it is in a picture."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool
    font: str
    kind: Literal["paragraph", "list_item", "table", "caption"] = "paragraph"
    lines: int = 1
    table: Table | None = None
    is_pictured: bool = False


def blocks_of(lines: Sequence[Line]) -> Iterator[Block]:
    """Yields the paragraphs and tables of one region, from top to bottom."""
    plain: list[Line] = []
    at = 0
    while at < len(lines):
        ruled = any(segment.is_table for segment in lines[at])
        stop = at if ruled else table_end(lines, at)
        if ruled:
            yield from _paragraphs(plain)
            plain = []
            yield from _beside_tables(lines[at])
            at += 1
        elif stop > at:
            yield from _paragraphs(plain)
            plain = []
            yield from map(_table, parted(lines[at:stop]))
            at = stop
        else:
            plain.append(lines[at])
            at += 1
    yield from _paragraphs(plain)


def captioned(block: Block) -> Iterator[Block]:
    """Yields the lines that stand above the header of a table, the table, and the lines below it. All have the place of
    the table. Other blocks are given back as they are.
    """
    if block.table and block.table.above:
        above = block.table.above
        kind: Literal["caption", "paragraph"] = "caption" if len(above) == 1 else "paragraph"
        yield replace(block, text="\n".join(above), kind=kind, lines=len(above), table=None)
    yield block
    if block.table and (below := block.table.below):
        yield replace(block, text="\n".join(below), kind="paragraph", lines=len(below), table=None)


def _table(lines: Sequence[Line]) -> Block:
    table = table_of(lines)
    parts = table_parts(table.rows)
    block = _block(parts.text, [segment for line in lines for segment in line], "table")
    rows, above, below = table.rows[: parts.stop], tuple(parts.above), tuple(parts.below)
    block.table = replace(table, rows=rows, above=above, first=parts.first, below=below)
    return block


def _beside_tables(line: Line) -> Iterator[Block]:
    """Yields the ruled tables of a line, and then the blocks beside them."""
    for segment in line:
        if segment.is_table:
            block = _block(segment.text, [segment], "table")
            block.table = segment.table
            yield block
    if others := [segment for segment in line if not segment.is_table]:
        yield from blocks_of(lines_of(others))


def _paragraphs(lines: Sequence[Line]) -> Iterator[Block]:
    if not lines:
        return
    left = min(line[0].x0 for line in lines)
    right = max(line[-1].x1 for line in lines)
    # Two lines that begin with labels are lines of a form.
    labelled = [False, *(_LABEL.match(line[0].text) is not None for line in lines), False]
    current: list[Line] = []
    for number, line in enumerate(lines, 1):
        is_entry = labelled[number] and (labelled[number - 1] or labelled[number + 1])
        if current and (is_entry or _begins(current, line, left, right)):
            yield _paragraph(current)
            current = []
        current.append(line)
    yield _paragraph(current)


def _begins(current: Sequence[Line], line: Line, left: float, right: float) -> bool:
    """Returns True if `line` begins a new paragraph below the lines of the `current` one."""
    above = current[-1]
    last, first = above[-1], line[0]
    em = min(last.size, first.size)
    if abs(last.size - first.size) > 0.12 * max(last.size, first.size) or last.bold != first.bold:
        return True
    if first.y0 - max(segment.y1 for segment in above) > 0.75 * em:
        return True
    if _BROKEN_WORD.search(last.text):
        return False  # "03." behind "LH/2026-" is the rest of a number and begins no list
    if _MARKER.match(first.text):
        return True
    left_over = right - last.x1
    short = left_over > 4 * em
    if short and _FINISHED.search(last.text):
        return True
    if left_over > max(0.3 * (right - left), 4 * em) and not first.text[0].islower():
        return True
    if _MARKER.match(current[0][0].text):
        return False  # in a list item, the later lines are indented to the text after the marker
    # The first line of a paragraph may be indented, compared with the region and with the line above.
    return first.x0 - above[0].x0 > 0.9 * em and first.x0 - left < 6 * em and (len(current) > 1 or not short)


def _paragraph(lines: Sequence[Line]) -> Block:
    text = ""
    for line in lines:
        row = ""
        for segment in line:
            row = f"{row} {segment.text}" if row else segment.text
        text = joined(text, row)
    block = _block(text, [segment for line in lines for segment in line], "paragraph")
    block.lines = len(lines)
    if bullet := _BULLET.match(text):
        block.kind, block.text = "list_item", text[bullet.end() :]
    return block


def _block(text: str, segments: Sequence[Segment], kind: Literal["paragraph", "table"]) -> Block:
    if len(segments) == 1:
        (one,) = segments
        is_bold = one.bold and one.text != ""
        return Block(text, one.x0, one.y0, one.x1, one.y1, one.size, is_bold, one.font, kind)
    letters = sum(len(segment.text) for segment in segments)
    bold = sum(len(segment.text) for segment in segments if segment.bold)
    longest = max(segments, key=lambda segment: len(segment.text))
    return Block(
        text,
        min(segment.x0 for segment in segments),
        min(segment.y0 for segment in segments),
        max(segment.x1 for segment in segments),
        max(segment.y1 for segment in segments),
        longest.size,
        bold * 2 > letters,
        longest.font,
        kind,
    )
