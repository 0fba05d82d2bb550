"""Markdown as HTML, by markdown-it, in time that grows no faster than the text.

Two shapes take it far longer than their length: brackets in brackets, of each of which it looks for the end anew, and
quotes or lists in one another, all of which look at each line that may belong to them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_DEEPEST_BRACKETS = 6
"""In the text of a link; what is deeper is no link."""
_DEEPEST_BLOCKS = 40
"""Quotes count once, lists twice: themselves and their items."""
_LOOKS_A_LINE = 6
_SOME_LOOKS = 1000
_MARKS = re.compile(r"^[ \t>*+-]*+(?:\d{1,9}[.)][ \t]++)?+", re.M)


class TangledError(Exception):
    """Quotes and lists lie in one another deeper than any text is meant to be."""


def html_of(text: str) -> str:
    """Markdown with tables and strikethrough as HTML. Raises TangledError."""
    html: str = _reader().render(text)
    return html


def without_marks(text: str) -> str:
    """The text without the marks of quotes and lists before its lines."""
    return _MARKS.sub("", text)


@lru_cache(maxsize=1)
def _reader() -> Any:
    reader, inside = _parser(_DEEPEST_BLOCKS), _parser(_DEEPEST_BRACKETS)
    reader.block.ruler.before("table", "tangle", _look, {"alt": ["paragraph", "reference", "blockquote", "list"]})

    def inline(state: Any) -> None:
        for token in state.tokens:
            if token.type == "inline":
                token.children = inside.inline.parse(token.content, inside, state.env, [])

    reader.core.ruler.at("inline", inline)
    from markdown_it.rules_inline import image, link

    inside.inline.ruler.at("link", lambda state, silent: _may_close(state) and link(state, silent))
    inside.inline.ruler.at("image", lambda state, silent: _may_close(state) and image(state, silent))
    return reader


def _parser(deepest: int) -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True, "maxNesting": deepest}).enable(["table", "strikethrough"])


def _look(state: Any, start: int, end: int, silent: bool) -> bool:
    """No block of its own: it counts how often the lines are looked at, and how deep."""
    looks = state.env["looks"] = state.env.get("looks", 0) + 1
    if state.level >= _DEEPEST_BLOCKS - 2 or looks > _LOOKS_A_LINE * state.lineMax + _SOME_LOOKS:
        raise TangledError
    return False


def _may_close(state: Any) -> bool:
    """Whether what ends a link or a picture stands anywhere behind this place."""
    if state.src[state.pos] not in "![":
        return False
    known = state.env.get("last_end")
    if known is None or known[0] is not state.src:
        ends = "]" if "references" in state.env else "]("
        known = state.env["last_end"] = state.src, state.src.rfind(ends)
    return bool(known[1] > state.pos)
