"""Names of archives and names in archives: tells which files are archives, and reads the names of their members."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

SEPARATOR = "!/"
"""Stands between the uri of an archive and the path of a member in it."""

_ARCHIVE = re.compile(r".+\.(zip|7z|rar|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))", re.I | re.S)
_DRIVE = re.compile(r"^[A-Za-z]:")
_COMMON_BIG5 = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xc6][\x40-\x7e\xa1-\xfe])*")
_KANA = re.compile(r"[\u3041-\u30fe]")
_WESTERN = re.compile(r"[\x00-\x7f\u00a0-\u024f]*", re.S)


def is_archive(name: str) -> bool:
    """Returns True if a file with this name is opened as a folder. Its content must then be an archive too."""
    return _ARCHIVE.fullmatch(name) is not None


def split_uri(uri: str) -> tuple[str, str] | None:
    """Returns the uri of the outermost archive and the path below it (`inner.zip!/member`).

    Returns None without an archive.
    """
    head, mark, rest = uri.partition(SEPARATOR)
    while mark and not is_archive(head):  # the name of a folder may contain the separator
        further, mark, rest = rest.partition(SEPARATOR)
        head = f"{head}{SEPARATOR}{further}"
    return (head, rest) if mark else None


def encoding_of(names: Iterable[bytes]) -> str:
    """Returns one encoding for all these names, which do not state theirs.

    The last choice is CP437, which never fails.
    """
    joined = b"\n".join(names)
    western = _WESTERN.fullmatch(joined.decode("cp437"))
    for encoding, looks_right in (
        ("utf-8", True),
        ("gb2312", True),
        ("big5", _COMMON_BIG5.fullmatch(joined) and not western),
        ("cp932", _KANA.search(joined.decode("cp932", "ignore"))),
        ("gb18030", not western),  # two accented letters also make a Chinese character
    ):
        with suppress(UnicodeDecodeError):
            joined.decode(encoding)
            if looks_right:
                return encoding
    return "cp437"


def harmless(path: str) -> str:
    """Returns a path that may be shown: relative, without `..`, as text that every database and page can hold."""
    path = path.encode("utf-8", "backslashreplace").decode("utf-8").replace("\\", "/").replace("\0", "")
    parts = [part for part in _DRIVE.sub("", path).split("/") if part not in ("", ".", "..")]
    return "/".join(parts)
