"""Finds the headings of a Word document that unstructured does not see, and gives them heading styles.

Chinese templates often give their own styles an outline level, and unstructured looks at the names of styles only. Many
authors use no styles at all: `typed_headings` judges what they typed.
"""

from __future__ import annotations

from typing import Any

from ingest.parse.office.word_nodes import remove
from ingest.parse.office.word_styles import Styles

_OUTLINE = "./w:pPr/w:outlineLvl/@w:val"


def state_typed_headings(document: Any, styles: Styles) -> None:
    """Give a heading style to each paragraph that was made a heading by hand."""


def state_headings(document: Any) -> None:
    """Give a paragraph a heading style if its outline level says that it is a heading and its style does not."""
    levels: dict[str, int | None] = {}
    styles: dict[str | None, Any] = {}
    for paragraph in document.paragraphs:
        named = paragraph._p.style
        if named not in styles:
            styles[named] = paragraph.style  # this property looks through all styles
        style = styles[named]
        if style is None or style.name.startswith(("Heading", "Title", "Subtitle")):
            continue
        if style.name.lower().startswith(("toc ", "目录 ")):
            remove(paragraph._p)
            continue
        own = paragraph._p.xpath(_OUTLINE)
        if style.style_id not in levels:
            levels[style.style_id] = _style_level(style)
        level = _level(own[0]) if own else levels[style.style_id]
        if level is not None:
            paragraph.style = _heading_style(document, level)


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
