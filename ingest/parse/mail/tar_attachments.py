"""Reads tar archives inside a document, such as a mail, and single files that are packed by gzip, bzip2 or xz."""

from __future__ import annotations

import io
from typing import IO, Any

from ingest.archives.files import COMPRESSIONS, TarArchive, is_tar
from ingest.archives.limits import Budget, refuse, translated
from ingest.parse.containers import MAX_BYTES
from ingest.parse.extracted import Attachment

_TAR_NAMES = (".tar", ".tgz", ".tbz", ".tbz2", ".txz")
_PACKED_NAMES = (".gz", ".bz2", ".xz")
_HEAD_BYTES = 512
_OF_THE_SYSTEM = "._"
"""So begin the names of what macOS writes beside each file."""


def is_packed_by_tar(data: bytes) -> bool:
    """Returns True for a tar archive, and for what gzip, bzip2 or xz has packed."""
    return data.startswith(tuple(COMPRESSIONS)) or is_tar(data[:_HEAD_BYTES])


def members_of_tar(data: bytes, name: str) -> tuple[Attachment, ...]:
    """Returns the files in a tar archive, or the one file that is packed. Its name is that of the packed one without
    its suffix.

    Raises DocumentError `corrupt`, or `unsafe` if it would unpack to more than 300 MiB, or to 200 times its size.
    """
    opener: Any = next((each for magic, each in COMPRESSIONS.items() if data.startswith(magic)), None)
    stem = name.lower()
    stem = next((stem.removesuffix(each) for each in _PACKED_NAMES if stem.endswith(each)), stem)
    budget = Budget(len(data), MAX_BYTES)
    with translated():
        if opener is None or stem.endswith(_TAR_NAMES) or is_tar(_opened(opener, data).read(_HEAD_BYTES)):
            return _files(TarArchive(io.BytesIO(data), budget, opener))
        content = _opened(opener, data).read(budget.bytes_left + 1)
    if len(content) > budget.bytes_left:
        raise refuse("unsafe", "It would unpack to far more than an archive of its size does.")
    return (Attachment(name[: len(stem)], content),)


def _opened(opener: Any, data: bytes) -> IO[bytes]:
    stream: IO[bytes] = opener(io.BytesIO(data))
    return stream


def _files(archive: TarArchive) -> tuple[Attachment, ...]:
    found: list[Attachment] = []
    left = MAX_BYTES
    try:
        for path, member in archive.members.items():
            if path.rpartition("/")[2].startswith(_OF_THE_SYSTEM):
                continue
            content = archive.read(member)
            left -= len(content)  # many names may lead to one member
            if left < 0:
                raise refuse("unsafe", "It would unpack to far more than an archive of its size does.")
            found.append(Attachment(path, content))
    finally:
        archive.close()
    return tuple(found)
