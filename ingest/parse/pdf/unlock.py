"""Opens a PDF file without a password, or with the first known password that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ingest.parse.pdf.form_structure import Form
from ingest.parse.pdf.streams import check_streams
from ingest.parse.refusals import refuse

_NEEDS_PASSWORD = 4
_UNKNOWN_HANDLER = 5


@contextmanager
def open_pdf(source: bytes | Path, name: str, passwords: Sequence[SecretStr] = ()) -> Iterator[tuple[Any, Form]]:
    """Yields a pypdfium2 document, and its form, which opens the pages. The document is closed at the end.

    Raises DocumentError `encrypted` or `corrupt`, and `unsafe` like `check_streams`.
    """
    check_streams(source, name)
    document, password = _unlocked(source, name, passwords)
    with document:
        yield document, Form(document, source, name, password)


def _unlocked(source: bytes | Path, name: str, passwords: Sequence[SecretStr]) -> tuple[Any, str | None]:
    """Returns a pypdfium2 document and the password that opened it. It is None if it opens without one."""
    import pypdfium2

    for password in (None, *(secret.get_secret_value() for secret in passwords)):
        try:
            return pypdfium2.PdfDocument(source, password=password), password
        except pypdfium2.PdfiumError as error:
            code = getattr(error, "err_code", None)
            if code == _NEEDS_PASSWORD:
                continue
            if code == _UNKNOWN_HANDLER:
                raise refuse("encrypted", name, "it is protected in a way that no password opens here") from error
            raise refuse("corrupt", name, "it is damaged beyond repair") from error
    reason = "none of the known passwords opens it" if passwords else "it opens only with its password"
    raise refuse("encrypted", name, reason)
