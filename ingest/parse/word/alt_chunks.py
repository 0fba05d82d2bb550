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
from functools import partial
from typing import Any, Final

from ingest.document import Element, Location
from ingest.parse.detect import HEAD_BYTES, detect
from ingest.parse.extracted import Extracted
from ingest.parse.notes import PARTS_NOT_READ, together
from ingest.parse.sniff import is_saved_page
from ingest.parse.text import encoding
from ingest.parse.word.nodes import paragraph, remove

_CHUNK = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}altChunk"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MAX_PARTS = 500
_MAX_BYTES = 64 << 20
"""The limits for a document with all that is in it. A part that is used twice counts twice."""
_ENDINGS: Final = {
    "text/html": "html", "application/xhtml+xml": "html", "message/rfc822": "mht", "multipart/related": "mht",
    "application/x-mimearchive": "mht", "text/plain": "txt", "application/rtf": "rtf", "text/rtf": "rtf",
}  # fmt: skip

ARCHIVE: Final = "mht"
"""The kind of a web page in the form of a mail, with what belongs to it."""

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
    """The parts that a document takes in, and the charts in it, each with the mark that stands in its place."""

    def __init__(self, data: bytes) -> None:
        """`data` is the whole document."""
        self._key = hashlib.sha256(data).hexdigest()
        self._parts: list[tuple[str, bytes] | Extracted] = []
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
            part_inside = _name(relation.target_part), relation.target_part.blob
            chunk.getparent().replace(chunk, paragraph(self._mark_of(part_inside)))

    def keep(self, found: Extracted) -> str:
        """Returns the mark for something that was already read, such as a chart. The mark has to be put in its place
        as a paragraph.
        """
        return self._mark_of(found)

    def _mark_of(self, part: tuple[str, bytes] | Extracted) -> str:
        self._parts.append(part)
        return f"{self._key}-{len(self._parts) - 1}-"

    def read_in_place(self, elements: Iterable[Element], read: dict[str, Reader], allowance: Allowance) -> Extracted:
        """Returns the elements with those of the parts in the places of the marks. `read` has a reader for each kind
        that a part may be.
        """
        if not self._parts:
            return Extracted(tuple(elements), notes=together([{PARTS_NOT_READ: self.missing}]))
        found = [part if isinstance(part, Extracted) else _read(*part, read, allowance) for part in self._parts]
        mark = re.compile(rf"{self._key}-(\d++)-")
        placed = tuple(_placed(elements, mark, found))
        not_read = self.missing + sum(each is None for each in found)
        notes = together([{PARTS_NOT_READ: not_read}, *(each.notes for each in found if each)])
        return Extracted(placed, notes=notes, attachments=tuple(a for each in found if each for a in each.attachments))


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
        kind = _kind(data, name)
        reader = readers.get(kind)
        found = reader(data) if reader else None
        return None if kind == ARCHIVE and found is not None and not found.elements else found
    except Exception:  # a part is written by anybody; the document around it is worth reading
        logger.debug("A part of a Word document could not be read", exc_info=True)
        return None


def _kind(data: bytes, name: str) -> str:
    """Returns the kind of a part. A page that is only called a web archive is a page."""
    kind = detect(data, name)
    head = encoding.decode(data[:HEAD_BYTES], declared=True).lstrip("\ufeff \t\r\n")
    if kind in ("eml", "html") and not head.startswith("<") and (kind == "eml" or is_saved_page(head, "mht")):
        return ARCHIVE
    return "html" if kind == "eml" else kind
