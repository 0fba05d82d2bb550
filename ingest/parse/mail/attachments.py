"""Reads documents inside a document, such as the attachments of a mail. The same readers read them, and their text is
placed below their name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ingest.document import Element
from ingest.errors import DocumentError
from ingest.parse.extracted import Attachment, Extracted
from ingest.parse.notes import PARTS_NOT_READ, together
from ingest.parse.text import encoding

_MAX_DEPTH = 5
_MAX_ATTACHMENTS = 500
_MAX_BYTES = 1 << 30

ATTACHMENT = "Attachment: "

ReadAttachment = Callable[[bytes, str], Extracted]


@dataclass(slots=True)
class Allowance:
    """What all the documents inside one document may still use, at every level of nesting."""

    attachments: int = _MAX_ATTACHMENTS
    bytes: int = _MAX_BYTES
    depth: int = 0


def with_attachments(document: Extracted, read: ReadAttachment, allowance: Allowance) -> Extracted:
    """Returns the document with the elements of its attachments at its end. Each attachment has a heading `Attachment:
    <name>`.

    If an attachment cannot be read, only that attachment is lost. A line below its heading says why. Pages, slides,
    sheets and cells are those of the attachment. Boxes are left out, because the outer document has no such page to
    draw.
    """
    if not document.attachments:
        return document
    elements, notes = list(document.elements), [document.notes]
    allowance.depth += 1
    for attachment in document.attachments:
        name = " ".join(encoding.storable(attachment.name).split())
        elements.append(Element("heading", f"{ATTACHMENT}{name}", level=1))
        try:
            inner = _content(attachment, name, read, allowance)
        except DocumentError as error:
            elements.append(Element("paragraph", f"This attachment was not read. {error.message}"))
            notes.append({PARTS_NOT_READ: 1})
        else:
            elements.extend(_elements(inner))
            notes.append(inner.notes)
    allowance.depth -= 1
    return replace(document, elements=tuple(elements), attachments=(), notes=together(notes))


def _elements(inner: Extracted) -> Iterator[Element]:
    if not any(element.text.strip() for element in inner.elements):
        yield Element("paragraph", "No text was found in this attachment.")
        return
    for element in inner.elements:
        kind = "heading" if element.kind == "title" else element.kind
        level = (element.level or 1) + 1 if kind == "heading" else None
        yield replace(element, kind=kind, level=level, location=replace(element.location, boxes=()))


def _content(attachment: Attachment, name: str, read: ReadAttachment, allowance: Allowance) -> Extracted:
    size = len(attachment.data or b"")
    allowance.attachments -= 1
    allowance.bytes -= size
    if allowance.depth > _MAX_DEPTH:
        raise DocumentError("unsafe", f"It is more than {_MAX_DEPTH} documents deep inside others.")
    if allowance.attachments < 0 or allowance.bytes < 0:
        raise DocumentError("too_large", "The document holds too many others.")
    if attachment.content is not None:
        return with_attachments(attachment.content, read, allowance)
    if attachment.data is None:
        raise DocumentError("unsupported", "It is a link or an object of another program.")
    return read(attachment.data, name)
