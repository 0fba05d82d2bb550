"""Reads formats that are text: plain text, XML, JSON, notebooks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate, chain
from typing import Any

from lxml import etree

from ingest.document import Element
from ingest.parse.contents_pages import Places, bare, contents_in, next_place, places_of
from ingest.parse.extracted import Extracted
from ingest.parse.html_word_markdown import read_html, read_markdown
from ingest.parse.refusals import refuse
from ingest.parse.sheets.excel_2003 import WORKBOOK, XmlSheets
from ingest.parse.sheets.reader import read_sheets
from ingest.parse.text import characters, confluence, encoding
from ingest.parse.text.columns import with_tables
from ingest.parse.text.html_pictures import WordsOf

_BLANK = re.compile(r"\n[ \t\u3000]*\n+")
_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^>]*\?>")
_PLOTS = ("image/png", "image/jpeg")
_LIST_ITEM = re.compile(r"[-*•·●]\s+\S")


def read_text(text: str) -> Extracted:
    """Read paragraphs, which blank lines separate, and tables whose cells stand in columns. Plain text states no
    headings, so there are none. A table of contents is left out.
    """
    blocks = (block.strip("\n\ufeff").rstrip(" \r\n\u3000") for block in _BLANK.split(_without_contents(text)))
    pieces = (piece for block in blocks if block.strip() for piece in with_tables(block))
    return Extracted(tuple(piece if isinstance(piece, Element) else _paragraph(piece) for piece in pieces))


def _paragraph(text: str) -> Element:
    return Element("list_item" if _LIST_ITEM.match(text) and "\n" not in text else "paragraph", text)


def _without_contents(text: str) -> str:
    lines = text.split("\n")

    @cache
    def places() -> tuple[Places, list[int]]:
        """Returns where each line is, and the number of each among those that are not blank."""
        return places_of(lines), list(accumulate(bool(line.strip()) for line in lines))

    def below(number: int) -> int:
        found, numbers = places()
        place = next_place(found, lines[number], number)
        return numbers[place] if place >= 0 else -1

    dropped = set[int]()
    for start, stop in contents_in(lines, 0, False, lambda title: bare(title) in places()[0], below):
        dropped.update(range(start, stop))
    kept = [line for place, line in enumerate(lines) if place not in dropped]
    return "\n".join(kept) if dropped and any(line.strip() for line in kept) else text


def read_json(text: str) -> Extracted:
    """Read JSON as code, and what Confluence gives as JSON as pages. Each value of a list is an element, and so is
    each line of a file with one value a line. Escaped characters are written out.
    """
    try:
        value = json.loads(text)
        records = value if isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value) else [value]
        if pages := confluence.pages_of(value):
            return _read_pages(pages)
    except ValueError:
        records = _json_lines(text)
    except RecursionError:
        records = []
    try:
        pieces = [json.dumps(record, ensure_ascii=False, indent=1) for record in records]
    except RecursionError:
        pieces = []
    pieces = pieces or [text.strip()]
    return Extracted(tuple(Element("code", piece) for piece in pieces if piece))


def _read_pages(pages: Sequence[tuple[str, str]]) -> Extracted:
    """Read the pages, each below its title."""
    read = [(title, read_html(f"<html><body>{page}</body></html>").elements) for title, page in pages]
    below = ((Element("heading", title, level=1), *map(_lowered, elements)) for title, elements in read)
    return Extracted(tuple(chain.from_iterable(below)), pages[0][0] if len(pages) == 1 else None)


def _lowered(element: Element) -> Element:
    return replace(element, level=element.level + 1) if element.level else element


def _json_lines(text: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError):
        return []


def read_notebook(text: str, words_of: WordsOf | None = None) -> Extracted:
    """Read a Jupyter notebook. Markdown cells are read as Markdown and code cells as code. The text outputs of a cell
    follow it, and the words in the pictures among them, which `words_of` reads.
    """
    elements: list[Element] = []
    for cell in json.loads(text).get("cells", ()):
        source = _joined(cell.get("source"))
        if cell.get("cell_type") == "markdown":
            elements.extend(read_markdown(source, words_of).elements)
        elif source.strip():
            elements.append(Element("code", source.strip()))
        for output in cell.get("outputs", ()):
            printed = _joined(output.get("text") or output.get("data", {}).get("text/plain"))
            if printed.strip():
                elements.append(Element("code", printed.strip()))
            elements.extend(_plotted(output.get("data", {}), words_of) if words_of is not None else ())
    return Extracted(tuple(elements))


def _plotted(output: Mapping[str, Any], words_of: WordsOf) -> Iterator[Element]:
    for kind in _PLOTS:
        if isinstance(plot := output.get(kind), str):
            yield from (Element("paragraph", seen) for seen in words_of(f"data:{kind};base64,{plot}"))


def read_xml(data: bytes, name: str) -> Extracted:
    """Read the text of an XML document, with one element for each block of text. Entities are refused and nothing is
    fetched.
    """
    if b"<!ENTITY" in data.replace(b"\0", b""):
        raise refuse("unsafe", name, "it declares XML entities")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    text = _DECLARATION.sub("", encoding.decode(data, declared=True))
    root = etree.fromstring(text, parser)
    if root is not None and confluence.is_space(root):
        return replace(read_html(confluence.space_html(root)), title=confluence.space_name(root))
    if confluence.is_storage(text):
        return read_html(text)
    if root is not None and root.tag == WORKBOOK:
        sheets = XmlSheets(root)
        return replace(read_sheets(sheets, name), notes=sheets.notes)
    return Extracted(() if root is None else tuple(Element("paragraph", text) for text in _blocks(root)))


def _blocks(root: Any) -> Iterator[str]:
    """Yields the texts of the elements separately. Words with markup inside a sentence stay in the sentence."""
    inside = 0
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event in ("comment", "pi"):
            continue
        mixed = bool((node.text or "").strip() and len(node)) or any((child.tail or "").strip() for child in node)
        if event == "start":
            whole = not inside and (mixed or not len(node))
            if whole and (text := " ".join("".join(node.itertext(etree.Element)).split())):
                yield text
            inside += mixed
        else:
            inside -= mixed


def _joined(source: Any) -> str:
    # JSON can escape characters that no text may contain. The HTML parser behind Markdown stops at them.
    text = encoding.storable("".join(source) if isinstance(source, list) else str(source or ""))
    return characters.visible(text)  # as in a text file: none may stand before a mark
