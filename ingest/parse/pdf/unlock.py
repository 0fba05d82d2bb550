"""Opens a PDF file without a password, or with the first known password that fits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ingest.parse.pdf.form_structure import open_form
from ingest.parse.pdf.streams import check_streams
from ingest.parse.refusals import refuse

_NEEDS_PASSWORD = 4
_UNKNOWN_HANDLER = 5


def open_pdf(source: bytes | Path, name: str, passwords: Sequence[SecretStr] = ()) -> Any:
    """Returns a pypdfium2 document with its form opened. The caller closes it.

    Raises DocumentError `encrypted` or `corrupt`, and `unsafe` like `check_streams` and `open_form`.
    """
    import pypdfium2

    check_streams(source, name)
    for password in (None, *(secret.get_secret_value() for secret in passwords)):
        try:
            document = pypdfium2.PdfDocument(source, password=password)
        except pypdfium2.PdfiumError as error:
            code = getattr(error, "err_code", None)
            if code == _NEEDS_PASSWORD:
                continue
            if code == _UNKNOWN_HANDLER:
                raise refuse("encrypted", name, "it is protected in a way that no password opens here") from error
            raise refuse("corrupt", name, "it is damaged beyond repair") from error
        try:
            open_form(document, source, name, password)
        except BaseException:
            document.close()
            raise
        return document
    reason = "none of the known passwords opens it" if passwords else "it opens only with its password"
    raise refuse("encrypted", name, reason)
