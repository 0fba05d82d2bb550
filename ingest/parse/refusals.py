"""Lists every reason to refuse a document, with what the user can do about it."""

from __future__ import annotations

from ingest.errors import DocumentError
from ingest.parse.text.encoding import storable

_NAME_CHARACTERS = 200

_HINTS = {
    "file_missing": "Run the ingest again: the file was moved or deleted after it was listed.",
    "unreadable": "Give this account the right to read the file.",
    "empty": "Replace it with the finished document.",
    "too_large": "Split the document, or raise max_file_mb if its size is what was refused.",
    "encrypted": "Add its password to passwords (YOUJU_PASSWORDS), or save a copy that has none.",
    "corrupt": "Open it in its own program, save it again, and ingest the new file.",
    "unsafe": "Save it again from a trusted program; no document needs what was found in it.",
    "unsupported": "Convert it to PDF, DOCX, XLSX, PPTX, HTML, Markdown or plain text.",
    "no_text": "If it is a scan, switch OCR on (ocr = true); a picture without words cannot be searched.",
    "needs_heif": "Install it (pip install 'youju[heic]'), or save the picture as JPEG or PNG.",
    "needs_libreoffice": "Install LibreOffice (on Debian and Ubuntu: libreoffice-writer-nogui, "
    "libreoffice-impress-nogui and libreoffice-calc-nogui), or save it in a newer format.",
    "timeout": "Open it in its own program and save it in a newer format.",
}


def refuse(code: str, name: str, reason: str) -> DocumentError:
    """Returns the error to raise for the document `name`. `code` is one of the table above, and
    `reason` is one clause.
    """
    shown = storable(name if len(name) <= _NAME_CHARACTERS else f"{name[:_NAME_CHARACTERS]}…")
    return DocumentError(code, f"{shown}: {storable(reason)}.", _HINTS[code])
