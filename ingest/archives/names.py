"""Names in and of archives: which files are archives, and what their members are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

SEPARATOR = "!/"
"""Between the uri of an archive and the path of a member in it."""

_ARCHIVE = re.compile(r".+\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))", re.I | re.S)
_DRIVE = re.compile(r"^[A-Za-z]:")
_COMMON_BIG5 = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xc6][\x40-\x7e\xa1-\xfe])*")
_KANA = re.compile(r"[\u3041-\u30fe]")
_WESTERN = re.compile(r"[\x00-\x7f\u00a0-\u024f]*", re.S)


def is_archive(name: str) -> bool:
    """Whether a file of this name is opened as a folder, if its content is an archive indeed."""
    return _ARCHIVE.fullmatch(name) is not None


def split_uri(uri: str) -> tuple[str, str] | None:
    """The uri of the outermost archive and the path below it (`inner.zip!/member`), or None outside of archives."""
    head, mark, rest = uri.partition(SEPARATOR)
    while mark and not is_archive(head):  # a folder may be called so, too
        further, mark, rest = rest.partition(SEPARATOR)
        head = f"{head}{SEPARATOR}{further}"
    return (head, rest) if mark else None


def encoding_of(names: Iterable[bytes]) -> str:
    """The encoding of all these names, which do not say theirs. What cannot be told is CP437, which never fails."""
    joined = b"\n".join(names)
    western = _WESTERN.fullmatch(joined.decode("cp437"))
    for encoding, looks_right in (
        ("utf-8", True),
        ("gb2312", True),
        ("big5", _COMMON_BIG5.fullmatch(joined) and not western),
        ("cp932", _KANA.search(joined.decode("cp932", "ignore"))),
        ("gb18030", not western),  # an accented letter and the next one make a Chinese character, too
    ):
        with suppress(UnicodeDecodeError):
            joined.decode(encoding)
            if looks_right:
                return encoding
    return "cp437"


def harmless(path: str) -> str:
    """The path of a member as it may be shown: relative, without `..`, in text that everything can hold."""
    path = path.encode("utf-8", "backslashreplace").decode("utf-8").replace("\\", "/").replace("\0", "")
    parts = [part for part in _DRIVE.sub("", path).split("/") if part not in ("", ".", "..")]
    return "/".join(parts)
