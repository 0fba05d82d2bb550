"""Protected Office files, opened with the passwords of the settings."""

from __future__ import annotations

import io
from collections.abc import Sequence

from pydantic import SecretStr

from ingest.parse.containers import zip_kind
from ingest.parse.refusals import refuse

_STANDARD = "VelvetSweatshop"
"""What Excel protects a workbook with when only its structure is to be protected; it opens those without asking."""
_OLD_KINDS = ("doc", "xls", "ppt")


def unlocked(data: bytes, kind: str, name: str, passwords: Sequence[SecretStr]) -> tuple[bytes, str]:
    """The document without its protection, and its kind; the same document where it has none.

    Raises `encrypted` where none of the passwords opens it.
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
            return data, kind  # too old or too odd to be asked: its reader will say more
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
