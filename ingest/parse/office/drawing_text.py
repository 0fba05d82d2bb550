"""Reads the text of shapes, slides and diagrams (DrawingML): without struck-through runs, and with where links lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from ingest.parse.links import with_target

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_BREAK, _LINK, _PARAGRAPH = f"{_A}br", f"{_A}hlinkClick", f"{_A}p"
_FORMULA = "{http://schemas.microsoft.com/office/drawing/2010/main}m"
_FORMULA_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_RUNS = (f"{_A}r", f"{_A}fld", _BREAK, _FORMULA)
_STRUCK = frozenset({"sngStrike", "dblStrike"})

Relations = Mapping[str, Any]
"""The relationships of a part, as python-pptx and python-docx have them."""


def text_of(paragraph: Any, relations: Relations) -> str:
    """Returns the text of a paragraph. Each link says its target."""
    return "".join(with_target(text, target) for text, target in _linked(paragraph, relations))


def bare_text(body: Any) -> str:
    """Returns the text of all the paragraphs in a text body, for a caption: without targets of links."""
    return "\n".join("".join(text for text, _ in _linked(each, {})) for each in body.iter(_PARAGRAPH))


def body_text(body: Any, relations: Relations) -> str:
    """Returns the text of all the paragraphs in a text body, with the targets of links."""
    return "\n".join(text_of(paragraph, relations) for paragraph in body.iter(_PARAGRAPH))


def target_of(properties: Any, relations: Relations) -> str | None:
    """Returns the target of the link in the properties of a run or a shape, if it is outside the document."""
    link = properties.find(_LINK) if properties is not None else None
    relation = relations.get(link.get(_ID, "")) if link is not None else None
    return str(relation.target_ref) if relation is not None and relation.is_external else None


def _linked(paragraph: Any, relations: Relations) -> Iterator[tuple[str, str | None]]:
    """Yields the runs of a paragraph with their targets. Office cuts a link into runs; they are one again."""
    runs = [(_words(run), target_of(run.find(f"{_A}rPr"), relations)) for run in paragraph.iterchildren(*_RUNS)]
    for target, pieces in groupby(runs, key=lambda run: run[1]):
        yield "".join(words for words, _ in pieces), target


def _words(run: Any) -> str:
    if run.tag == _BREAK:
        return "\n"
    if run.tag == _FORMULA:
        return "".join(text.text or "" for text in run.iter(_FORMULA_TEXT))
    properties = run.find(f"{_A}rPr")
    if properties is not None and properties.get("strike") in _STRUCK:
        return ""
    return run.findtext(f"{_A}t") or ""
