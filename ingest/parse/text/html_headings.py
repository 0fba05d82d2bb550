"""Finds the headings of a web page that were typed by hand: paragraphs that are bold or larger, as programs for texts
write them when they save a document as a web page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from ingest.parse.office.typed_headings import Line, typed_levels
from ingest.parse.text.html_styles import styles_of

_STATED = {f"h{level}": level for level in range(1, 7)}
_TEXTS = frozenset({"p", "div", "center"})
_BLOCKS = _TEXTS | _STATED.keys() | {"table", "ul", "ol", "dl", "li", "pre", "blockquote", "section", "article", "hr"}
_WHOLE = frozenset({"table", "pre"})
"""What is read as one block, whatever is in it."""
_BOLD = frozenset({"b", "strong"})
_USUAL_POINTS = 12.0
_FONT_POINTS = {"1": 7.5, "2": 10.0, "3": 12.0, "4": 13.5, "5": 18.0, "6": 24.0, "7": 36.0}
_POINTS = {"pt": 1.0, "px": 0.75}
_SIZE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*(pt|px)")
_WEIGHTS = frozenset({"bold", "bolder", "600", "700", "800", "900"})


@dataclass(slots=True)
class _Paragraph:
    """A paragraph that has no other in it, and how its letters look."""

    node: Any
    is_item: bool
    centred: bool
    words: list[str] = field(default_factory=list)
    sizes: Counter[float] = field(default_factory=Counter)
    bold: bool = True

    def add(self, text: str | None, look: tuple[bool, float]) -> None:
        if text and (count := len(text.strip())):
            self.sizes[look[1]] += count
            self.bold = self.bold and (look[0] or not any(map(str.isalpha, text)))
        self.words.append(text or "")

    def line(self) -> Line:
        text = " ".join("".join(self.words).split())
        size = self.sizes.most_common(1)[0][0] if self.sizes else 0.0
        role = "item" if self.is_item else "text"
        return Line(text, role, size, self.bold and bool(self.sizes), centred=self.centred)  # type: ignore[arg-type]


def mark_typed_headings(page: Any) -> None:
    """Turn the paragraphs of a page that are headings by their look into headings."""
    nodes: list[Any] = []
    lines: list[Line] = []
    for node, line in _lines(page):
        if line.text or line.role == "block":
            nodes.append(node)
            lines.append(line)
    for place, level in typed_levels(lines).items():
        if nodes[place].tag in _TEXTS:
            nodes[place].tag = f"h{level}"


def _lines(page: Any) -> list[tuple[Any, Line]]:
    """Returns the paragraphs, headings and other blocks of a page in order, each with its line."""
    found: list[tuple[Any, Line]] = []
    looks: list[tuple[bool, float]] = [(False, _USUAL_POINTS)]
    open_ones: list[_Paragraph | None] = [None]
    styles = styles_of(page)
    walk = etree.iterwalk(page, events=("start", "end"))
    for event, node in walk:
        if not isinstance(node.tag, str):
            continue
        if event == "end":
            looks.pop()
            ended = open_ones.pop()
            if ended is not None and ended.node is node:
                found.append((node, ended.line()))
            elif open_ones[-1] is not None:
                open_ones[-1].add(node.tail, looks[-1])
            continue
        stated = styles.of(node)
        looks.append(_look(node, stated, looks[-1]))
        if node.tag in _STATED or node.tag in _WHOLE:
            text = " ".join("".join(node.itertext()).split()) if node.tag in _STATED else ""
            role = "heading" if node.tag in _STATED else "block"
            found.append((node, Line(text, role, level=_STATED.get(node.tag, 0))))  # type: ignore[arg-type]
            open_ones.append(None)
            walk.skip_subtree()
        elif node.tag in _TEXTS | {"li"} and not any(child.tag in _BLOCKS for child in node):
            is_item = node.tag == "li" or node.getparent().tag == "li"
            opened = _Paragraph(node, is_item, _is_centred(node, stated))
            opened.add(node.text, looks[-1])
            open_ones.append(opened)
        else:
            inside = open_ones[-1] if node.tag not in _BLOCKS else None
            open_ones.append(inside)
            if inside is not None:
                inside.add("\n" if node.tag == "br" else node.text, looks[-1])
    return found


def _look(node: Any, stated: Mapping[str, str], around: tuple[bool, float]) -> tuple[bool, float]:
    """Returns whether the letters of an element are bold, and their size in points. `stated` is what styles say."""
    bold, size = around
    bold = bold or node.tag in _BOLD
    size = _FONT_POINTS.get(node.get("size", ""), size) if node.tag == "font" else size
    if weight := stated.get("weight"):
        bold = weight in _WEIGHTS if weight != "inherit" else around[0]
    if found := _SIZE.match(stated.get("size", "")):
        size = float(found[1]) * _POINTS[found[2]]
    return bold, size


def _is_centred(node: Any, stated: Mapping[str, str]) -> bool:
    return node.tag == "center" or node.get("align") == "center" or stated.get("align") == "center"
