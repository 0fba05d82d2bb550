"""Formats that are text to begin with: plain text, XML, JSON, notebooks."""

from __future__ import annotations

import json
import re
from typing import Any

from lxml import etree

from ingest.document import Element
from ingest.parse import encoding
from ingest.parse.extracted import Extracted
from ingest.parse.partition import read_markdown
from ingest.parse.refusals import refuse

_BLANK = re.compile(r"\n[ \t\u3000]*\n+")
_LIST_ITEM = re.compile(r"[-*•·●]\s+\S")


def read_text(text: str) -> Extracted:
    """Paragraphs are what blank lines part. Plain text states no headings, so there are none."""
    blocks = (block.strip("\n\ufeff").rstrip() for block in _BLANK.split(text))
    return Extracted(tuple(
        Element("list_item" if _LIST_ITEM.match(block) and "\n" not in block else "paragraph", block)
        for block in blocks if block.strip()
    ))  # fmt: skip


def read_json(text: str) -> Extracted:
    """JSON as it stands: one piece of code."""
    return Extracted((Element("code", text.strip()),) if text.strip() else ())


def read_notebook(text: str) -> Extracted:
    """A Jupyter notebook: Markdown cells as Markdown, code cells as code, text outputs after them."""
    elements: list[Element] = []
    for cell in json.loads(text).get("cells", ()):
        source = _joined(cell.get("source"))
        if cell.get("cell_type") == "markdown":
            elements.extend(read_markdown(source).elements)
        elif source.strip():
            elements.append(Element("code", source.strip()))
        for output in cell.get("outputs", ()):
            printed = _joined(output.get("text") or output.get("data", {}).get("text/plain"))
            if printed.strip():
                elements.append(Element("code", printed.strip()))
    return Extracted(tuple(elements))


def read_xml(data: bytes, name: str) -> Extracted:
    """The text of an XML document, an element each. Entities are refused, nothing is fetched."""
    if b"<!ENTITY" in data.replace(b"\0", b""):
        raise refuse("unsafe", name, "it declares XML entities")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    declaration = re.compile(r"\A\ufeff?\s*<\?xml[^>]*\?>")
    root = etree.fromstring(declaration.sub("", encoding.decode(data, declared=True)), parser)
    pieces = () if root is None else root.itertext()
    return Extracted(tuple(Element("paragraph", piece.strip()) for piece in pieces if piece.strip()))


def _joined(source: Any) -> str:
    # JSON can escape what no text may hold, at which the HTML parser behind Markdown stops reading.
    return encoding.storable("".join(source) if isinstance(source, list) else str(source or ""))
