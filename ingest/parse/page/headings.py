"""Finds the headings among the paragraphs of a PDF. Their letters differ from those of most of the text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from ingest.parse.page.paragraphs import Block

_LARGER = 1.15
_MAX_CHARACTERS = 120
_MAX_LINES = 3
_MAX_LEVEL = 6
_NUMBERED = re.compile(
    r"(?P<points>\d{1,2}(\.\d{1,2}){0,4})[.、]?\s*(?=[^\W\d])|(?P<one>第[一二三四五六七八九十百零\d]{1,5}[章编篇部]|"
    r"[一二三四五六七八九十]{1,3}、|[IVX]{1,5}\.\s|appendix\b|附录)|"
    r"(?P<two>第[一二三四五六七八九十百零\d]{1,5}节|[（(][一二三四五六七八九十]{1,3}[)）])",
    re.I,
)


class Headings:
    """The looks of a document's headings. Larger letters rank first, then bold ones, then numbered ones in another
    font.

    The look of most of the text is never that of a heading. `stated` gives the blocks that the outline names, with
    their levels. A block that looks like one of them is a heading of the same level. A block that stands out less is a
    heading of a level below them. A block that stands out more than all of them is not a heading.
    """

    def __init__(self, blocks: Sequence[Block], stated: Sequence[tuple[Block, int]] = ()) -> None:
        looks: Counter[tuple[float, bool, str]] = Counter()
        for block in [block for block in blocks if block.kind != "table"] or blocks:
            looks[block.size, block.bold, block.font] += len(block.text)
        self._size, self._bold, self._font = looks.most_common(1)[0][0] if looks else (0.0, False, "")
        heads = {(block.size, block.bold) for block in blocks if _may_head(block) and self._stands_out(block)}
        larger = sorted((look for look in heads if look[0] >= self._size * _LARGER), reverse=True)
        others = sorted((look for look in heads if look not in larger), reverse=True)
        ranked = [*larger, *others]
        above = 0
        self._levels: dict[tuple[float, bool], int] = {}
        if stated:
            named: defaultdict[tuple[float, bool], Counter[int]] = defaultdict(Counter)
            for block, level in stated:
                named[block.size, block.bold][level] += 1
            self._levels = {look: levels.most_common(1)[0][0] for look, levels in named.items() if look in heads}
            above = max(level for _, level in stated)
            least = min(named)
            ranked = [look for look in ranked if look < least]
            larger = [look for look in larger if look < least]
        self._levels.update({look: level for level, look in enumerate(ranked, above + 1)})
        self._numbered_from = above + len(larger)

    def level(self, block: Block) -> int | None:
        """Returns the level of the block as a heading, where 1 is the highest. Returns None if it is not a heading."""
        if not _may_head(block):
            return None
        if block.size < self._size * _LARGER and (depth := self._depth(block)):
            return min(self._numbered_from + depth, _MAX_LEVEL)
        level = self._levels.get((block.size, block.bold)) if self._stands_out(block) else None
        return min(level, _MAX_LEVEL) if level else None

    def _stands_out(self, block: Block) -> bool:
        if block.size >= self._size * _LARGER:
            return True
        return block.bold and not self._bold and block.size >= self._size * 0.95

    def _depth(self, block: Block) -> int | None:
        """Returns the depth of the block's number (2 for "2.1"). Returns None if it has no number, or if its letters
        are those of the text.
        """
        number = _NUMBERED.match(block.text)
        if number is None or block.lines > 2 or (block.bold, block.font) == (self._bold, self._font):
            return None
        if block.size < self._size * 0.95:
            return None
        if points := number.group("points"):
            return points.count(".") + 1
        return 1 if number.group("one") else 2


def _may_head(block: Block) -> bool:
    """Returns True if a block could be a heading: it is short and has letters, and it is neither a table nor a
    sentence.
    """
    if block.kind != "paragraph" or block.lines > _MAX_LINES or len(block.text) > _MAX_CHARACTERS:
        return False
    return sum(letter.isalpha() for letter in block.text) >= 2 and block.text[-1] not in "。；;,，、"
