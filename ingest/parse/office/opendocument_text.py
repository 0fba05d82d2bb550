"""The texts of OpenDocument files: without what is hidden or struck through, with where their links lead, and which
paragraphs are headings that were typed by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from ingest.parse.links import with_target
from ingest.parse.office.opendocument_styles import Properties, Styles, is_asian, is_bold, is_unseen, size_of
from ingest.parse.office.typed_headings import Line, typed_levels

_NAMES = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
_TEXT, _TABLE, _OFFICE, _STYLE, _DRAW, _FO = map(
    _NAMES.format, ("text", "table", "office", "style", "drawing", "xsl-fo-compatible")
)
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_FONTS = (f"{_STYLE}font-name", f"{_STYLE}font-name-asian")
"""Western and Asian letters have properties of their own."""
_ALIGNMENT = f"{_FO}text-align"
_MAX_SPACES = 100
_SECTION = f"{_TEXT}section"
SKIPPED = frozenset({
    f"{_TEXT}sequence-decls", f"{_TEXT}tracked-changes", f"{_TEXT}table-of-content", f"{_OFFICE}annotation",
    f"{_OFFICE}annotation-end", f"{_TEXT}illustration-index", f"{_TEXT}alphabetical-index", f"{_TEXT}ruby-text",
})  # fmt: skip
"""The elements that are no text of the document."""

Pieces = list[tuple[str, Properties]]


class Texts:
    """Reads the text of paragraphs, as a reader sees it."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles

    def of(self, paragraph: etree._Element, pieces: Pieces | None = None, cell: Properties | None = None) -> Any:
        """Returns the text of a paragraph, and the nodes in it that are not part of its text: notes, frames, drawn
        shapes. `pieces` collects how the letters look. `cell` has the properties of the cell around the paragraph.

        Spaces, tabs and line breaks are elements in OpenDocument. Comments, and what is hidden or struck through, are
        left out.
        """
        if any(mark.get(f"{_TEXT}is-hidden") == "true" for mark in paragraph.iterchildren(f"{_TEXT}hidden-paragraph")):
            return "", []
        base = self._styles.of("paragraph", paragraph.get(f"{_TEXT}style-name"))
        return self._read(paragraph, {**base, **(cell or {})}, [] if pieces is None else pieces)

    def cell(self, cell: etree._Element) -> Properties:
        """Returns the properties that the style of a cell states."""
        return self._styles.of("table-cell", cell.get(f"{_TABLE}style-name"), {})

    def line(self, paragraph: etree._Element) -> Line:
        """Returns how a paragraph looks as a line."""
        pieces: Pieces = []
        text = self.of(paragraph, pieces)[0].strip()
        sizes: Counter[float] = Counter()
        fonts: Counter[str | None] = Counter()
        for piece, properties in pieces:
            asian = is_asian(piece)
            sizes[size_of(properties, asian)] += len(piece.strip())
            fonts[properties.get(_FONTS[asian])] += len(piece.strip())
        if not sizes:
            return Line(text)
        bold = all(is_bold(properties, piece) for piece, properties in pieces if any(map(str.isalpha, piece)))
        centred = self._styles.of("paragraph", paragraph.get(f"{_TEXT}style-name")).get(_ALIGNMENT) == "center"
        return Line(text, "text", sizes.most_common(1)[0][0], bold, fonts.most_common(1)[0][0], centred)

    def _read(self, node: etree._Element, properties: Properties, pieces: Pieces) -> tuple[str, list[etree._Element]]:
        unseen = is_unseen(properties)
        found, apart = ["" if unseen else node.text or ""], []
        pieces.append((found[0], properties))
        for child in node:
            if is_left_out(child):
                pass
            elif child.tag == f"{_TEXT}note":
                found.append("" if unseen else f"[{child.findtext(f'{_TEXT}note-citation') or ''}]")
                apart.extend([] if unseen else [child])
            elif child.tag.startswith(_DRAW):
                apart.append(child)
            elif child.tag in (f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break"):
                found.append("" if unseen else _space(child))
            else:
                text, inner = self._read(child, self._inner(child, properties), pieces)
                found.append(_linked(child, text) if child.tag == f"{_TEXT}a" else text)
                apart.extend(inner)
            tail = "" if unseen else child.tail or ""
            found.append(tail)
            pieces.append((tail, properties))
        return "".join(found), apart

    def _inner(self, node: etree._Element, properties: Properties) -> Properties:
        if node.tag not in (f"{_TEXT}span", f"{_TEXT}a"):
            return properties
        return self._styles.of("text", node.get(f"{_TEXT}style-name"), properties)


def is_left_out(node: etree._Element) -> bool:
    """Returns True for what is no text of the document, or is hidden under a condition that holds."""
    if not isinstance(node.tag, str) or node.tag in SKIPPED:
        return True
    return node.get(f"{_TEXT}is-hidden") == "true" or (node.tag == _SECTION and node.get(f"{_TEXT}display") == "none")


def state_typed_headings(body: etree._Element, texts: Texts) -> None:
    """Make a heading of each paragraph of a text that was made one by hand."""
    nodes = list(_blocks(body))
    lines: list[tuple[etree._Element, Line]] = []
    for node in nodes:
        if node.tag == f"{_TEXT}p":
            line = texts.line(node)
            if line.text or len(node):
                lines.append((node, line if line.text else Line("", "block")))
        elif node.tag == f"{_TEXT}h":
            level = node.get(f"{_TEXT}outline-level", "1")
            lines.append((node, Line("", "heading", level=int(level) if level.isdecimal() else 1)))
        else:
            lines.append((node, Line("", "block")))
    for place, level in typed_levels([line for _, line in lines]).items():
        lines[place][0].tag = f"{_TEXT}h"
        lines[place][0].set(f"{_TEXT}outline-level", str(level))


def _blocks(parent: etree._Element) -> Iterator[etree._Element]:
    """Yields the paragraphs, lists and tables of a text, not those inside others."""
    for node in parent:
        if node.tag in (f"{_TEXT}p", f"{_TEXT}h", f"{_TEXT}list", f"{_TABLE}table"):
            yield node
        elif node.tag in (f"{_TEXT}section", f"{_OFFICE}text"):
            yield from _blocks(node)


def shape_target(node: etree._Element) -> str | None:
    """Returns where a click on a shape leads, or on the shapes in a link. Returns None if it leads nowhere."""
    if node.tag == f"{_DRAW}a":
        return _target(node)
    if not node.tag.startswith(_DRAW):
        return None
    listeners = node.iterfind(f"{_OFFICE}event-listeners/*")
    return next((target for each in listeners if (target := _target(each))), None)


def _target(link: etree._Element) -> str | None:
    """Returns where a link leads. What lies beside the document is stated from inside its zip file."""
    target: str | None = link.get(_HREF)
    return target.removeprefix("../") if target else target


def description(node: etree._Element) -> str:
    """Returns how a picture or a shape is described, or an empty text."""
    return next((each.text or "" for name in ("desc", "title") for each in node.iter(f"{{*}}{name}")), "")


def _linked(link: etree._Element, text: str) -> str:
    """Returns the text of a link with its target. A link that was cut into several says it once, at the end."""
    target = _target(link)
    following = link.getnext()
    if following is not None and following.tag == link.tag and not link.tail and following.get(_HREF) == target:
        return text
    return with_target(text, target) if text.strip() else text


def _space(node: etree._Element) -> str:
    if node.tag == f"{_TEXT}s":
        count = node.get(f"{_TEXT}c", "1")
        return " " * min(int(count) if count.isdecimal() else 1, _MAX_SPACES)
    return "\t" if node.tag == f"{_TEXT}tab" else "\n"
