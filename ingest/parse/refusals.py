"""Lists every reason to refuse a document, with what the user can do about it."""

from __future__ import annotations

from typing import Final

from ingest.errors import DocumentError
from ingest.parse.text.encoding import storable

_NAME_CHARACTERS = 200

_HINTS = {
    "file_missing": "Run the ingest again: the file was moved or deleted after it was listed.",
    "unreadable": "Give this account the right to read the file.",
    "empty": "Replace it with the finished document.",
    "too_large": "Split the document.",
    "encrypted": "Add its password to passwords (YOUJU_PASSWORDS), or save a copy that has none.",
    "corrupt": "Open it in its own program, save it again, and ingest the new file.",
    "unsafe": "Save it again from a trusted program; no document needs what was found in it.",
    "unsupported": "Convert it to PDF, DOCX, XLSX, PPTX, HTML, Markdown or plain text.",
    "no_text": "Check that it shows words when it is opened; a picture without words cannot be searched.",
    "needs_heif": "Install it (pip install 'youju[heic]'), or save the picture as JPEG or PNG.",
    "needs_libreoffice": "Install LibreOffice (on Debian and Ubuntu: libreoffice-writer-nogui, "
    "libreoffice-impress-nogui and libreoffice-calc-nogui), or save it in a newer format.",
    "timeout": "Open it in its own program and save it in a newer format.",
}


SWITCH_OCR_ON: Final = "If it is a scan or a picture, switch OCR on (YOUJU_OCR=true)."
RAISE_MAX_FILE_MB: Final = "Split the document, or raise YOUJU_MAX_FILE_MB."
PACK_AS_ZIP: Final = "Unpack it, or pack all of it again as one zip file."
"""Hints that help only where a setting is the reason."""


def refuse(code: str, name: str, reason: str, hint: str | None = None) -> DocumentError:
    """Returns the error to raise for the document `name`. `code` is one of the table above, and `reason` is one clause.
    `hint` stands in the place of the table's.
    """
    shown = storable(name if len(name) <= _NAME_CHARACTERS else f"{name[:_NAME_CHARACTERS]}…")
    return DocumentError(code, f"{shown}: {storable(reason)}.", hint or _HINTS[code])
