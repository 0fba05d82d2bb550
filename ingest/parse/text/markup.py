"""Reads plain text with marks: reStructuredText and Org. It understands headings, code, lists and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ingest.document import Element, ElementKind
from ingest.parse.extracted import Extracted
from ingest.parse.tables.elements import table_elements
from ingest.parse.text.markup_inline import (
    Targets,
    org_text,
    rst_targets,
    rst_text,
)
from ingest.parse.text.rst_tables import drawn_rows, is_drawn, stated_rows

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*")
_RST_ITEM = re.compile(r"(?:[-*+•]|\(?(?:\d+|#|[a-zA-Z])[.)])\s+(?=\S)")
_RST_DIRECTIVE = re.compile(r"\.\.\s+([\w-]+)::\s*(.*)")
_RST_CODE = frozenset({"code", "code-block", "sourcecode", "literalinclude", "parsed-literal", "highlight", "math"})
_ORG_HEADING = re.compile(r"(\*+)\s+(?:(?:T[O]DO|DONE|NEXT|WAITING)\s+)?(?:\[#\w\]\s+)?(.*?)(?:\s+:[\w@#%:]+:)?\s*")
_MAX_HEADING_CHARACTERS = 1000
_ORG_KEYWORD = re.compile(r"#\+(\w+):\s*(.*)", re.I)
_ORG_CAPTION = re.compile(r"#\+caption(?:\[[^\[\]]{0,200}\])?:\s*+(\S.*)", re.I)
_ORG_COMMENTED = re.compile(r"\*+\s+COMMENT\b")
"""The heading of a section that its author has commented out."""
_ORG_BEGIN = re.compile(r"#\+begin_(\w+)", re.I)
_ORG_DRAWER = re.compile(r"\s*:[A-Z_]+:\s*")
_ORG_ITEM = re.compile(r"\s*(?:[-+]|\d+[.)])\s+(?:\[[ X-]\]\s+)?(?=\S)")


def read_rst(text: str) -> Extracted:
    """Read reStructuredText. The level of a title depends on the style of its underline. The styles are numbered in the
    order in which they appear.
    """
    elements = tuple(_rst(text.expandtabs(4).split("\n"), rst_targets(text)))
    return Extracted(elements)


def _rst(lines: list[str], targets: Targets) -> Iterator[Element]:
    styles: list[str] = []
    number = 0
    while number < len(lines):
        if not lines[number].strip():
            number += 1
        elif (found := _rst_title(lines, number)) is not None:
            title, style, number = found
            if style not in styles:
                styles.append(style)
            yield Element("heading", rst_text(title, targets), level=styles.index(style) + 1)
        else:
            end = _block_end(lines, number)
            block = lines[number:end]
            number = end
            if directive := _RST_DIRECTIVE.match(block[0].strip()):
                end = _indented_end(lines, number)
                yield from _rst_directive(directive, block[1:] + lines[number:end], targets)
                number = end
            elif block[0].startswith(".. "):
                number = _indented_end(lines, number)  # a comment, a target, or the mark of a footnote
                yield from _rst_note(block, targets)
            elif is_drawn(block[0]):
                drawn = table_elements(drawn_rows(block))
                yield from (replace(each, text=rst_text(each.text, targets)) for each in drawn)
            else:
                yield from _rst_paragraph(block, targets)
                if block[-1].rstrip().endswith("::"):
                    end = _indented_end(lines, number)
                    yield Element("code", _dedented(lines[number:end]))
                    number = end


def _rst_title(lines: list[str], number: int) -> tuple[str, str, int] | None:
    """Returns the title that begins here, its style and the number of the line after it. Returns None if no title
    begins here.
    """
    first, second, third = [*lines[number : number + 3], "", ""][:3]
    if _ADORNMENT.fullmatch(first) and second.strip() and _ADORNMENT.fullmatch(third) and first[0] == third[0]:
        return second.strip(), first[0] * 2, number + 3
    if first.strip() and not first[0].isspace() and _ADORNMENT.fullmatch(second) and not _ADORNMENT.fullmatch(first):
        return (first.strip(), second[0], number + 2) if len(second.strip()) * 2 >= len(first.strip()) else None
    return None


def _block_end(lines: list[str], number: int) -> int:
    start = number
    explicit = lines[number].startswith("..")
    while number < len(lines) and lines[number].strip():
        if explicit and number > start and not lines[number][0].isspace():
            break
        number += 1
    return number


def _indented_end(lines: list[str], number: int) -> int:
    end = number
    while number < len(lines) and (not lines[number].strip() or lines[number][0].isspace()):
        number += 1
        if lines[number - 1].strip():
            end = number
    return end


def _rst_directive(directive: re.Match[str], body: list[str], targets: Targets) -> Iterator[Element]:
    name, argument = directive.groups()
    content = [line for line in body if not re.match(r"\s+:[\w-]+:", line)]
    if name in _RST_CODE:
        yield Element("code", _dedented(content))
    elif name in ("csv-table", "list-table"):
        if argument.strip():
            yield Element("caption", rst_text(argument, targets))
        for element in table_elements(*stated_rows(name, body)):
            yield replace(element, text=rst_text(element.text, targets))
    elif name not in ("toctree", "contents", "image", "include", "raw", "meta", "index"):
        if argument.strip():
            kind: ElementKind = "caption" if name in ("figure", "table") else "paragraph"
            yield Element(kind, rst_text(argument, targets))
        yield from _rst(_dedented(content).split("\n"), targets)


def _rst_note(block: list[str], targets: Targets) -> Iterator[Element]:
    if found := re.match(r"\.\.\s+\[([^\]]+)\]\s+(.*)", block[0]):
        rest = " ".join(line.strip() for line in block[1:])
        yield Element("paragraph", rst_text(f"[{found[1]}] {found[2]} {rest}", targets))


def _rst_paragraph(block: list[str], targets: Targets) -> Iterator[Element]:
    items: list[list[str]] = []
    listed = bool(_RST_ITEM.match(block[0].strip()))
    for line in block:
        if not items or (listed and _RST_ITEM.match(line.strip())):
            items.append([])
        items[-1].append(line.strip())
    for item in items:
        content = "\n".join(item)
        mark = _RST_ITEM.match(content) if listed and content[0] in "-*+•" else None
        content = content[mark.end() :] if mark else content
        content = content[:-1] if content.endswith("::") else content
        if content.strip(":"):
            yield Element("list_item" if listed else "paragraph", rst_text(content, targets))


def _dedented(lines: list[str]) -> str:
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines).strip("\n")


def read_org(text: str) -> Extracted:
    """Read an Org file. The number of stars gives the level of a heading. `#+TITLE` gives the title. Drawers and
    keywords are left out.
    """
    lines = text.split("\n")
    titles = (match[2] for line in lines if (match := _ORG_KEYWORD.match(line)) and match[1].lower() == "title")
    return Extracted(tuple(_org(lines)), next(titles, None))


def _org(lines: list[str]) -> Iterator[Element]:
    number = 0
    while number < len(lines):
        line = lines[number]
        if _ORG_COMMENTED.match(line):
            number = _org_section_end(lines, number)
        elif heading := _org_heading(line):
            yield Element("heading", org_text(heading[2]), level=len(heading[1]))
            number += 1
        elif begin := _ORG_BEGIN.match(line.strip()):
            end = _until(lines, number + 1, f"#+end_{begin[1].lower()}")
            kind = "code" if begin[1].lower() in ("src", "example") else "paragraph"
            if begin[1].lower() != "comment":
                yield Element(kind, _dedented(lines[number + 1 : end]))  # type: ignore[arg-type]
            number = end + 1
        elif _ORG_DRAWER.fullmatch(line) and (end := _until(lines, number, ":end:")) < len(lines):
            number = end + 1
        elif line.lstrip().startswith("|"):
            end = number
            while end < len(lines) and lines[end].lstrip().startswith("|"):
                end += 1
            rows = [row.strip().strip("|").split("|") for row in lines[number:end] if not re.match(r"\s*\|[-+]+", row)]
            yield from (replace(each, text=org_text(each.text)) for each in table_elements(rows))
            number = end
        elif caption := _ORG_CAPTION.match(line.strip()):
            yield Element("caption", org_text(caption[1]))
            number += 1
        elif not line.strip() or line.lstrip().startswith("#"):
            number += 1
        else:
            end = number + 1
            while end < len(lines) and lines[end].strip() and not _org_begins(lines[end]):
                end += 1
            item = _ORG_ITEM.match(line)
            content = "\n".join(part.strip() for part in lines[number:end])
            content = content[2:].lstrip() if item and content[0] in "-+" else content
            yield Element("list_item" if item else "paragraph", org_text(content))
            number = end


def _org_section_end(lines: list[str], number: int) -> int:
    """Returns the number of the line behind the section that begins at this one, with the sections in it."""
    stars = len(lines[number]) - len(lines[number].lstrip("*"))
    number += 1
    while number < len(lines):
        found = len(lines[number]) - len(lines[number].lstrip("*"))
        if 0 < found <= stars and lines[number][found : found + 1] == " ":
            break
        number += 1
    return number


def _org_heading(line: str) -> re.Match[str] | None:
    return _ORG_HEADING.fullmatch(line) if len(line) <= _MAX_HEADING_CHARACTERS else None


def _org_begins(line: str) -> bool:
    """Returns True if this line cannot belong to the paragraph before it."""
    return bool(_org_heading(line) or _ORG_ITEM.match(line) or line.lstrip().startswith(("|", "#")))


def _until(lines: list[str], number: int, mark: str) -> int:
    while number < len(lines) and lines[number].strip().lower() != mark:
        number += 1
    return number
