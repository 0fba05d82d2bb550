"""Reads the parts that a Word document takes in whole (`w:altChunk`): HTML, MHT, RTF, plain text or another Word file.

Programs that turn web pages into Word files write little else. While Word's own paragraphs are read, a mark stands in
the place of each part. The marks begin with the digest of the document, so no text in it can be taken for one.
"""

from __future__ import annotations

import hashlib
import logging
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32
from functools import partial
from typing import Any, Final

from ingest.document import Element, Location
from ingest.parse.detect import detect
from ingest.parse.extracted import Extracted
from ingest.parse.notes import PARTS_NOT_READ, together
from ingest.parse.office.word_nodes import paragraph, remove
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.text import encoding

_CHUNK = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}altChunk"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MAX_PARTS = 500
_MAX_BYTES = 64 << 20
"""The limits for a document with all that is in it. A part that is used twice counts twice."""
_MAX_PARAMETERS = 1_000
"""The standard library needs seconds to read the parameters of a header of a few thousand characters."""
_ENDINGS: Final = {
    "text/html": "html", "application/xhtml+xml": "html", "message/rfc822": "mht", "multipart/related": "mht",
    "application/x-mimearchive": "mht", "text/plain": "txt", "application/rtf": "rtf", "text/rtf": "rtf",
}  # fmt: skip
_PAGES: Final = (("text/html", "html"), ("application/xhtml+xml", "html"), ("text/plain", "txt"))

logger = logging.getLogger(__name__)

Reader = Callable[[bytes], Extracted]


@dataclass(slots=True)
class Allowance:
    """How much may still be read, for a Word document and all those inside it."""

    parts: int = _MAX_PARTS
    size: int = _MAX_BYTES

    def takes(self, data: bytes) -> bool:
        """Returns True if these bytes may be read, and counts them."""
        self.parts -= 1
        self.size -= len(data)
        return self.parts >= 0 and self.size >= 0


class Chunks:
    """The parts that a document takes in, each with the mark that stands in its place."""

    def __init__(self, data: bytes) -> None:
        """`data` is the whole document."""
        self._key = hashlib.sha256(data).hexdigest()
        self._parts: list[tuple[str, bytes]] = []
        self.missing = 0
        """How many parts the document names and does not have."""

    def mark(self, story: Any, part: Any) -> None:
        """Put a paragraph with a mark in the place of each part that a story takes in. `part` has its relations."""
        for chunk in list(story.iter(_CHUNK)):
            relation = part.rels.get(chunk.get(_RELATION))
            if relation is None or relation.is_external:
                self.missing += 1
                remove(chunk)
                continue
            chunk.getparent().replace(chunk, paragraph(f"{self._key}-{len(self._parts)}-"))
            self._parts.append((_name(relation.target_part), relation.target_part.blob))

    def __len__(self) -> int:
        return len(self._parts)

    def read_in_place(self, elements: Iterable[Element], read: dict[str, Reader], allowance: Allowance) -> Extracted:
        """Returns the elements with those of the parts in the places of the marks. `read` has a reader for each kind
        that a part may be.
        """
        if not self._parts:
            return Extracted(tuple(elements), notes=together([{PARTS_NOT_READ: self.missing}]))
        found = [_read(name, data, read, allowance) for name, data in self._parts]
        mark = re.compile(rf"{self._key}-(\d++)-")
        placed = tuple(_placed(elements, mark, found))
        not_read = self.missing + sum(each is None for each in found)
        return Extracted(placed, notes=together([{PARTS_NOT_READ: not_read}, *(each.notes for each in found if each)]))


def _placed(elements: Iterable[Element], mark: re.Pattern[str], found: list[Extracted | None]) -> Iterator[Element]:
    for element in elements:
        if whole := mark.fullmatch(element.text):
            inside = found[int(whole[1])]
            for each in inside.elements if inside else ():
                yield replace(each, location=Location())
            continue
        line = partial(_line, found, in_cell=element.kind == "table")
        text = mark.sub(line, element.text)
        if text.strip():
            yield replace(element, text=text)


def _line(found: list[Extracted | None], place: re.Match[str], in_cell: bool) -> str:
    """Returns the words of a part as one line, for its place inside a text or a cell."""
    part = found[int(place[1])]
    line = " ".join(" ".join(element.text for element in part.elements).split()) if part else ""
    return line.replace("|", "\\|") if in_cell else line


def _name(part: Any) -> str:
    """Returns a name for a part that tells its kind. The declared type is believed, and else the ending."""
    declared = part.content_type.partition(";")[0].strip().lower()
    ending = _ENDINGS.get(declared)
    return f"part.{ending}" if ending else posixpath.basename(str(part.partname))


def _read(name: str, data: bytes, readers: dict[str, Reader], allowance: Allowance) -> Extracted | None:
    """Returns what is in a part, or None if it cannot be read. The rest of the document is read in any case."""
    if not allowance.takes(data):
        return None
    try:
        kind = detect(data, name)
        if kind == "eml" and data[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            kind = "html"  # a page that is only called a web archive
        reader = readers.get(kind)
        return reader(data) if reader else None
    except Exception:  # a part is written by anybody; the document around it is worth reading
        logger.debug("A part of a Word document could not be read", exc_info=True)
        return None


class _Policy(Compat32):
    def header_fetch_parse(self, name: str, value: str) -> Any:
        return super().header_fetch_parse(name, value[:_MAX_PARAMETERS])


def read_archive(
    data: bytes, page: Callable[[str], Extracted], text: Callable[[str], Extracted], pictures: Pictures
) -> Extracted:
    """Read an MHT: its page by `page`, or its plain text by `text`, and then the words in its pictures.

    Raises ValueError if it has neither.
    """
    message: Message = message_from_bytes(data.lstrip(b"\xef\xbb\xbf \t\r\n"), policy=_Policy())
    leaves = [part for part in message.walk() if not part.is_multipart()]
    words = (
        Element("paragraph", words)
        for part in leaves
        if part.get_content_maintype() == "image"
        for words in pictures.texts(_payload(part))
    )
    for kind, read in _PAGES:
        for part in leaves:
            if part.get_content_type() == kind and (payload := _payload(part)).strip():
                content = encoding.decode(payload, declared=True, charset=part.get_content_charset())
                found = page(content) if read == "html" else text(content)
                return replace(found, elements=(*found.elements, *words))
    raise ValueError("a web archive without a page")


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
