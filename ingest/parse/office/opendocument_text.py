"""The texts of OpenDocument files: how their letters look, what is struck through, where their links lead, and which
paragraphs are headings that were typed by hand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lxml import etree

from ingest.parse.links import with_target
from ingest.parse.office.typed_headings import Line, typed_levels

_NAMES = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
_TEXT, _TABLE, _OFFICE, _STYLE, _DRAW, _FO = map(
    _NAMES.format, ("text", "table", "office", "style", "drawing", "xsl-fo-compatible")
)
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_LINES = (f"{_STYLE}text-line-through-style", f"{_STYLE}text-line-through-type")
_WEIGHTS = (f"{_FO}font-weight", f"{_STYLE}font-weight-asian")
_SIZES = (f"{_FO}font-size", f"{_STYLE}font-size-asian")
_FONTS = (f"{_STYLE}font-name", f"{_STYLE}font-name-asian")
_ALIGNMENT = f"{_FO}text-align"
"""Western and Asian letters have properties of their own."""
_MEASURE = re.compile(r"(\d{1,4}(?:\.\d{0,6})?)(pt|%)")
_DEFAULT_POINTS = 12.0
_ASIAN = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af]")
_MAX_SPACES = 100
SKIPPED = frozenset({
    f"{_TEXT}sequence-decls", f"{_TEXT}tracked-changes", f"{_TEXT}table-of-content", f"{_OFFICE}annotation",
    f"{_OFFICE}annotation-end", f"{_TEXT}illustration-index", f"{_TEXT}alphabetical-index", f"{_TEXT}ruby-text",
})  # fmt: skip
"""The elements that are no text of the document."""

Properties = Mapping[str, str]
Pieces = list[tuple[str, Properties]]


class Styles:
    """The styles of an OpenDocument file, each with what it takes from those above it."""

    def __init__(self, *roots: etree._Element) -> None:
        """`roots` are `styles.xml` and `content.xml`; later styles replace earlier ones of the same name."""
        self._styles: dict[tuple[str, str], Any] = {}
        self._defaults: dict[str, Properties] = {}
        self._known: dict[tuple[str, str], Properties] = {}
        self._whole: dict[tuple[str, str], Properties] = {}
        for root in roots:
            for style in root.iter(f"{_STYLE}style"):
                self._styles[style.get(f"{_STYLE}family", ""), style.get(f"{_STYLE}name", "")] = style
            for style in root.iter(f"{_STYLE}default-style"):
                self._defaults[style.get(f"{_STYLE}family", "")] = _stated(style, {})

    def of(self, family: str, name: str | None, base: Properties | None = None) -> Properties:
        """Returns the properties of a style over those of `base`, or over the defaults of its family."""
        chain: list[Any] = []
        key = family, name or ""
        while key in self._styles and key not in self._known:
            style = self._styles[key]
            self._known[key] = {}  # a style that is based on itself ends here
            chain.append((key, style))
            key = family, style.get(f"{_STYLE}parent-style-name", "")
        properties = self._known.get(key, {})
        for key, style in reversed(chain):
            properties = self._known[key] = _stated(style, properties)
        if base is not None:
            return _over(properties, base)
        key = family, name or ""
        if key not in self._whole:
            self._whole[key] = _over(properties, self._defaults.get(family, {}))
        return self._whole[key]


class Texts:
    """Reads the text of paragraphs, as a reader sees it."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles

    def of(self, paragraph: etree._Element, pieces: Pieces | None = None, cell: Properties | None = None) -> Any:
        """Returns the text of a paragraph, and the nodes in it that are not part of its text: notes, frames, drawn
        shapes. `pieces` collects how the letters look. `cell` has the properties of the cell around the paragraph.

        Spaces, tabs and line breaks are elements in OpenDocument. Comments and struck-through text are left out.
        """
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
            asian = _ASIAN.search(piece) is not None
            sizes[_size(properties, asian)] += len(piece.strip())
            fonts[properties.get(_FONTS[asian])] += len(piece.strip())
        if not sizes:
            return Line(text)
        bold = all(_is_bold(properties, piece) for piece, properties in pieces if any(map(str.isalpha, piece)))
        centred = self._styles.of("paragraph", paragraph.get(f"{_TEXT}style-name")).get(_ALIGNMENT) == "center"
        return Line(text, "text", sizes.most_common(1)[0][0], bold, fonts.most_common(1)[0][0], centred)

    def _read(self, node: etree._Element, properties: Properties, pieces: Pieces) -> tuple[str, list[etree._Element]]:
        struck = _is_struck(properties)
        found, apart = ["" if struck else node.text or ""], []
        pieces.append((found[0], properties))
        for child in node:
            if not isinstance(child.tag, str) or child.tag in SKIPPED:
                pass
            elif child.tag == f"{_TEXT}note":
                found.append("" if struck else f"[{child.findtext(f'{_TEXT}note-citation') or ''}]")
                apart.extend([] if struck else [child])
            elif child.tag.startswith(_DRAW) and child.tag != f"{_DRAW}a":
                apart.append(child)
            elif child.tag in (f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break"):
                found.append("" if struck else _space(child))
            else:
                text, inner = self._read(child, self._inner(child, properties), pieces)
                found.append(_linked(child, text) if child.tag == f"{_TEXT}a" else text)
                apart.extend(inner)
            tail = "" if struck else child.tail or ""
            found.append(tail)
            pieces.append((tail, properties))
        return "".join(found), apart

    def _inner(self, node: etree._Element, properties: Properties) -> Properties:
        if node.tag not in (f"{_TEXT}span", f"{_TEXT}a"):
            return properties
        return self._styles.of("text", node.get(f"{_TEXT}style-name"), properties)


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


def _linked(link: etree._Element, text: str) -> str:
    """Returns the text of a link with its target. A link that was cut into several says it once, at the end."""
    target = link.get(_HREF)
    following = link.getnext()
    if following is not None and following.tag == link.tag and not link.tail and following.get(_HREF) == target:
        return text
    return with_target(text, target) if text.strip() else text


def _space(node: etree._Element) -> str:
    if node.tag == f"{_TEXT}s":
        count = node.get(f"{_TEXT}c", "1")
        return " " * min(int(count) if count.isdecimal() else 1, _MAX_SPACES)
    return "\t" if node.tag == f"{_TEXT}tab" else "\n"


def _stated(style: etree._Element, base: Properties) -> Properties:
    """Returns what a style states about letters and lines, over `base`."""
    stated: dict[str, str] = {}
    for properties in style.iterchildren(f"{_STYLE}text-properties", f"{_STYLE}paragraph-properties"):
        stated.update(properties.attrib)
    return _over(stated, base)


def _over(stated: Properties, base: Properties) -> Properties:
    """Returns properties over others. A size in percent is one of the size below it."""
    joined = {**base, **stated}
    for size in _SIZES:
        share = _MEASURE.fullmatch(stated.get(size, ""))
        below = _MEASURE.fullmatch(base.get(size, ""))
        if share and below and share[2] == "%":
            joined[size] = f"{float(share[1]) * float(below[1]) / 100:.6g}{below[2]}"
    return joined


def _is_struck(properties: Properties) -> bool:
    return any(properties.get(line, "none") != "none" for line in _LINES)


def _is_bold(properties: Properties, text: str) -> bool:
    weight = properties.get(_WEIGHTS[_ASIAN.search(text) is not None], "normal")
    return weight == "bold" or (weight.isdecimal() and len(weight) == 3 and weight >= "600")


def _size(properties: Properties, asian: bool) -> float:
    stated = _MEASURE.fullmatch(properties.get(_SIZES[asian], ""))
    return float(stated[1]) if stated and stated[2] == "pt" else _DEFAULT_POINTS
