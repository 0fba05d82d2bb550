"""Opens protected Office files with the passwords of the settings."""

from __future__ import annotations

import io
from collections.abc import Sequence

from pydantic import SecretStr

from ingest.parse.containers import zip_kind
from ingest.parse.refusals import refuse

_STANDARD = "VelvetSweatshop"
"""The password that Excel uses if only the structure of a workbook is protected. Excel opens such files without asking.
"""
_OLD_KINDS = ("doc", "xls", "ppt")


def unlocked(data: bytes, kind: str, name: str, passwords: Sequence[SecretStr]) -> tuple[bytes, str]:
    """Returns the document without its protection, and its kind. A document that is not protected is returned
    unchanged.

    Raises `encrypted` if no password opens it.
    """
    if kind != "encrypted" and kind not in _OLD_KINDS:
        return data, kind
    import msoffcrypto

    try:
        office = msoffcrypto.OfficeFile(io.BytesIO(data))
        if not office.is_encrypted():
            return data, kind
    except Exception:
        if kind != "encrypted":
            return data, kind  # too old or too unusual for this check: its reader gives a better error
        raise refuse("encrypted", name, "it is protected by a password in an unknown way") from None
    for password in [_STANDARD, *(secret.get_secret_value() for secret in passwords)]:
        opened = io.BytesIO()
        try:
            office.load_key(password=password)
            office.decrypt(opened)
        except Exception:  # noqa: S112 - a wrong password shows itself in many ways, by format
            continue
        found = zip_kind(opened.getvalue(), name) if kind == "encrypted" else kind
        if found is not None:
            return opened.getvalue(), found
    raise refuse("encrypted", name, _reason(len(passwords)))


def _reason(passwords: int) -> str:
    if not passwords:
        return "it is protected by a password"
    return "it is protected by a password, which is none of those in the settings"
