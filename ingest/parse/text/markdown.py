"""Turns Markdown into HTML with markdown-it. The time grows no faster than the text.

Two kinds of text would take markdown-it much longer. For nested brackets, it searches the end of each again. For nested
quotes or lists, each of them looks at every line that may belong to it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_DEEPEST_BRACKETS = 6
"""The deepest nesting in the text of a link. Deeper brackets are not links."""
_DEEPEST_BLOCKS = 40
"""A quote counts as one level. A list counts as two levels: the list and its item."""
_LOOKS_A_LINE = 6
_SOME_LOOKS = 1000
_MARKS = re.compile(r"^[ \t>*+-]*+(?:\d{1,9}[.)][ \t]++)?+", re.M)

_NOTE = re.compile(r"\[\^[^\]\s]{1,80}+\]:")
_CODE = re.compile(r"[ \t>]*+(`{3,}|~{3,})")
_CONTAINER = re.compile(
    r"[ \t]{0,3}:{3,}[ \t]*+(?:[A-Za-z][A-Za-z\d_-]{0,29}+(?![\w-]))?[ \t]*+(?:\{[^{}\n]*+\}[ \t]*+)?(?P<title>\S.*)?$"
)


class TangledError(Exception):
    """Quotes and lists are nested more deeply than in any real text."""


def html_of(text: str) -> str:
    """Returns Markdown with tables and strikethrough as HTML. Raises TangledError."""
    html: str = _reader().render(_without_fences(text))
    return html


def _without_fences(text: str) -> str:
    """Returns the text without the lines that open and close a container, as programs for manuals write them:
    `:::info` and `:::`. What stands behind the name is its title. Code keeps its lines.
    """
    if ":::" not in text:
        return text
    lines = text.split("\n")
    code = ""
    for number, line in enumerate(lines):
        if (mark := _CODE.match(line)) is not None:
            code = "" if code and mark[1].startswith(code) else code or mark[1]
        elif not code and (fence := _CONTAINER.match(line)) is not None:
            lines[number] = f"{fence['title']}\n" if fence["title"] else ""
    return "\n".join(lines)


def without_marks(text: str) -> str:
    """Returns the text without the marks of quotes and lists at the beginning of its lines."""
    return _MARKS.sub("", text)


@lru_cache(maxsize=1)
def _reader() -> Any:
    reader, inside = _parser(_DEEPEST_BLOCKS), _parser(_DEEPEST_BRACKETS)
    reader.block.ruler.before("reference", "note", _note, {"alt": ["paragraph", "reference"]})
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
    """This rule matches no block. It counts how often lines are looked at, and checks how deep they are."""
    looks = state.env["looks"] = state.env.get("looks", 0) + 1
    if state.level >= _DEEPEST_BLOCKS - 2 or looks > _LOOKS_A_LINE * state.lineMax + _SOME_LOOKS:
        raise TangledError
    return False


def _note(state: Any, start: int, end: int, silent: bool) -> bool:
    """Matches the text of a footnote: `[^1]: see the annex`. It is a paragraph. One without blanks would be taken for
    the address of a link, which is not shown.
    """
    if not _begins_note(state, start):
        return False
    if silent:
        return True
    stop = start + 1
    while stop < end and not state.isEmpty(stop) and not _begins_note(state, stop):
        stop += 1
    state.push("paragraph_open", "p", 1)
    inline = state.push("inline", "", 0)
    inline.content, inline.children = state.getLines(start, stop, state.blkIndent, False).strip(), []
    state.push("paragraph_close", "p", -1)
    state.line = stop
    return True


def _begins_note(state: Any, line: int) -> bool:
    return _NOTE.match(state.src, state.bMarks[line] + state.tShift[line]) is not None


def _may_close(state: Any) -> bool:
    """Returns True if the end of a link or a picture occurs anywhere after this place."""
    if state.src[state.pos] not in "![":
        return False
    known = state.env.get("last_end")
    if known is None or known[0] is not state.src:
        ends = "]" if "references" in state.env else "]("
        known = state.env["last_end"] = state.src, state.src.rfind(ends)
    return bool(known[1] > state.pos)
