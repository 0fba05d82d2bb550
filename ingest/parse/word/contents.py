"""Leaves out the lists of contents of a Word document that are fields or have styles of their own. Those that authors
typed are found by their looks (`ingest.parse.contents_lists`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ingest.parse.contents_pages import is_heading
from ingest.parse.word.nodes import remove

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TEXTS = tuple(f"{_W}{name}" for name in ("t", "tab", "sym", "br"))
_STYLES = re.compile(r"(?:toc|目录|wpsoffice手动目录)\s?(?:\d|heading|标题)|table of figures|图表目录", re.IGNORECASE)
_FIELD = re.compile(r"\s*TOC\b", re.IGNORECASE)
_MAX_FIELDS = 1_000


def drop_contents(document: Any) -> None:
    """Remove each list of contents from the body, and its heading: a gallery of Word, a field, and paragraphs in the
    styles for it. This has to happen before fields are unwrapped.
    """
    body = document.element.body
    for gallery in list(body.iter(f"{_W}docPartGallery")):
        contents = next(gallery.iterancestors(f"{_W}sdt"), None)
        if gallery.get(f"{_W}val") == "Table of Contents" and contents is not None:
            remove(contents)
    named = {style.style_id for style in document.styles if _STYLES.match(style.name or "")}
    paragraphs = [paragraph for paragraph in body.iter(f"{_W}p") if _says(paragraph)]
    listed = {paragraph for paragraph in paragraphs if _style_of(paragraph) in named}
    for text in list(_in_fields(body)):
        listed.update(paragraph for paragraph in text.iterancestors(f"{_W}p"))
        remove(text)
    for before, paragraph in pairwise(paragraphs):
        if paragraph in listed and before not in listed and is_heading(_text(before)):
            remove(before)
    for paragraph in listed:
        if _style_of(paragraph) in named or not _says(paragraph):
            remove(paragraph)


def _in_fields(body: Any) -> Iterator[Any]:
    """Yields the texts in the results of fields that are lists of contents. A field that does not end is none."""
    for simple in body.iter(f"{_W}fldSimple"):
        if _FIELD.match(simple.get(f"{_W}instr") or ""):
            yield from simple.iter(*_TEXTS)
    opened: list[tuple[list[str], list[Any]]] = []
    for node in body.iter(f"{_W}fldChar", f"{_W}instrText", *_TEXTS):
        kind = node.get(f"{_W}fldCharType") if node.tag == f"{_W}fldChar" else None
        if kind == "begin" and len(opened) < _MAX_FIELDS:
            opened.append(([], []))
        elif kind == "end" and opened:
            instruction, texts = opened.pop()
            if _FIELD.match("".join(instruction)[:20]):
                yield from texts
            elif opened:
                opened[-1][1].extend(texts)
        elif opened and kind is None:
            opened[-1][node.tag != f"{_W}instrText"].append(node.text or "" if node.tag == f"{_W}instrText" else node)


def _says(paragraph: Any) -> bool:
    """Returns True if a paragraph has text or a picture."""
    return any(node.tag != f"{_W}t" or node.text for node in paragraph.iter(f"{_W}t", f"{_W}drawing", f"{_W}pict"))


def _text(paragraph: Any) -> str:
    return "".join(text.text or "" for text in paragraph.iter(f"{_W}t"))


def _style_of(paragraph: Any) -> str | None:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    return None if style is None else style.get(f"{_W}val")
