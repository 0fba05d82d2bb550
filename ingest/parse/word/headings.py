"""Finds the headings of a Word document that unstructured does not see, and gives them heading styles.

Chinese templates often give their own styles an outline level, and unstructured looks at the names of styles only. Many
authors use no styles at all: `typed_headings` judges what they typed.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ingest.parse.office.typed_headings import Line, typed_levels
from ingest.parse.word.styles import Styles, size_of

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OUTLINE = "./w:pPr/w:outlineLvl/@w:val"
_STATED = ("Heading", "Title", "Subtitle")
_APART = ("caption", "题注", "quote", "引用", "intense quote")
"""The names of styles whose paragraphs are neither headings nor what a heading looks like."""
_SPACES = {f"{_W}tab": "\t", f"{_W}cr": "\n", f"{_W}br": "\n"}


def state_headings(document: Any) -> None:
    """Give a paragraph a heading style if its outline level says that it is a heading and its style does not."""
    levels = _Levels()
    for paragraph in document.paragraphs:
        name = levels.style_name(paragraph)
        if not name.startswith(_STATED) and (level := levels.of(paragraph)) is not None:
            paragraph.style = _heading_style(document, level)


def state_typed_headings(document: Any, styles: Styles) -> None:
    """Give a heading style to each paragraph that was made a heading by hand."""
    levels = _Levels()
    paragraphs: list[Any] = []
    lines: list[Line] = []
    for block in document.iter_inner_content():
        line = _line(block, styles, levels) if hasattr(block, "_p") else Line("", "block")
        if line is not None:
            paragraphs.append(block)
            lines.append(line)
    for place, level in typed_levels(lines).items():
        paragraphs[place].style = _heading_style(document, level)


class _Levels:
    """The levels that styles and paragraphs state. Each style is looked up once."""

    def __init__(self) -> None:
        self._styles: dict[str | None, Any] = {}
        self._stated: dict[str | None, int | None] = {}

    def style_name(self, paragraph: Any) -> str:
        """Returns the name of a paragraph's style."""
        return (self._style(paragraph).name if self._style(paragraph) is not None else None) or ""

    def of(self, paragraph: Any) -> int | None:
        """Returns the level of a heading from 1 to 9, or None for a text."""
        if own := paragraph._p.xpath(_OUTLINE):
            return _level(own[0])
        named = paragraph._p.style
        if named not in self._stated:
            self._stated[named] = _style_level(self._style(paragraph))
        return self._stated[named]

    def _style(self, paragraph: Any) -> Any:
        named = paragraph._p.style
        if named not in self._styles:
            self._styles[named] = paragraph.style  # this property looks through all styles
        return self._styles[named]


def _line(paragraph: Any, styles: Styles, levels: _Levels) -> Line | None:
    """Returns how a paragraph looks as a line. Returns None for one without text."""
    node, name = paragraph._p, levels.style_name(paragraph)
    pieces: list[str] = []
    sizes: Counter[float] = Counter()
    fonts: Counter[str | None] = Counter()
    bold = True
    for letters in _runs(node):
        text = _text(letters)
        pieces.append(text)
        if not (length := len(text.strip())):
            continue
        look = styles.look(letters, node)
        sizes[size_of(look)] += length
        fonts[look.font] += length
        bold = bold and (bool(look.bold) or not any(map(str.isalpha, text)))
    text = "".join(pieces).strip()
    if not text:
        return Line("", "block") if any(True for _ in node.iter(f"{_W}drawing", f"{_W}pict")) else None
    level = levels.of(paragraph)
    if name.startswith(("Title", "Subtitle")):
        return Line(text, "title")
    if level is not None:
        return Line(text, "heading", level=level)
    if name.lower().startswith(_APART):
        return Line(text, "block")
    depth = _depth(node)
    role = "text" if depth is None else "item"
    most = sizes.most_common(1)[0][0], fonts.most_common(1)[0][0]
    return Line(text, role, most[0], bold, most[1], styles.is_centred(node), depth)  # type: ignore[arg-type]


def _runs(paragraph: Any) -> Any:
    for child in paragraph.iterchildren(f"{_W}r", f"{_W}hyperlink"):
        if child.tag == f"{_W}r":
            yield child
        else:
            yield from child.iterchildren(f"{_W}r")


def _text(run: Any) -> str:
    return "".join(child.text or "" if child.tag == f"{_W}t" else _SPACES.get(child.tag, "") for child in run)


def _depth(paragraph: Any) -> int | None:
    """Returns the depth at which Word numbers a paragraph by itself, from 0, or None."""
    numbering = paragraph.find(f"{_W}pPr/{_W}numPr")
    identity = numbering.find(f"{_W}numId") if numbering is not None else None
    if identity is None or identity.get(f"{_W}val") == "0":
        return None
    depth = numbering.find(f"{_W}ilvl")
    value = depth.get(f"{_W}val", "0") if depth is not None else "0"
    return int(value) if value.isdecimal() and len(value) == 1 else 0


def _style_level(style: Any) -> int | None:
    """Returns the outline level of a style, or of a style that it is based on, from 1 to 9. Returns None if there is
    none.
    """
    seen: set[str] = set()
    while style is not None and style.style_id not in seen:
        seen.add(style.style_id)
        if stated := style.element.xpath(_OUTLINE):
            return _level(stated[0])
        if style.name and style.name.startswith("Heading"):
            number = style.name.split()[-1]
            return int(number) if number.isdecimal() else None
        style = style.base_style
    return None


def _level(value: str) -> int | None:
    return int(value) + 1 if value.isdecimal() and int(value) <= 8 else None


def _heading_style(document: Any, level: int) -> Any:
    from docx.enum.style import WD_STYLE_TYPE

    name = f"Heading {level}"
    if name not in document.styles:
        document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    return document.styles[name]
