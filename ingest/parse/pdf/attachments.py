"""Takes the files that are attached to a PDF. Other readers read them, like the attachments of a mail."""

from __future__ import annotations

from typing import Any

from ingest.parse.extracted import Attachment

_MAX_FILES = 500
_MAX_BYTES = 256 << 20
"""So much is taken in all. A file over this limit is named, and is not read."""


def attachments_of(document: Any) -> tuple[Attachment, ...]:
    """Returns the files attached to a pypdfium2 document, each with its name."""
    found = []
    left = _MAX_BYTES
    for number in range(min(document.count_attachments(), _MAX_FILES)):
        name, data = _read(document, number, left)
        left -= len(data or b"")
        found.append(Attachment(name, data))
    return tuple(found)


def _read(document: Any, number: int, limit: int) -> tuple[str, bytes | None]:
    """Returns the name of a file and its content. Returns no content if it is damaged, or larger than `limit`."""
    import pypdfium2

    name = f"{number + 1}"
    try:
        attachment = document.get_attachment(number)
        name = attachment.get_name() or name
        data = attachment.get_data()
        return name, bytes(data) if len(data) <= limit else None
    except pypdfium2.PdfiumError:
        return name, None
