"""The limits on what may come out of an archive, and the errors for one that cannot be opened, for all formats."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import DocumentError, UnavailableError

MAX_MEMBERS = 50_000
_MAX_NAMES_BYTES = 32 * 2**20
"""The limit for the paths of all members together. They are sent between processes and kept in the catalog."""
_MAX_BYTES = 64 * 2**30
_MAX_RATIO = 200
"""Logs and tables shrink by 10 to 100 times. Only a bomb shrinks more."""
RATIO_FLOOR_BYTES = 128 * 2**20
BLOCK_BYTES = 1 << 20

_HINTS = {
    "corrupt": "Pack it again and replace it.",
    "encrypted": "Add its password to the setting passwords, or pack it without one.",
    "too_large": "Split it, or raise max_file_mb.",
    "unsafe": "It looks made to fill a disk. If it is not, unpack it beside and leave the archive out.",
    "file_missing": "Run again: it was changed while it was read.",
    "unreadable": "Give this user the right to read it.",
    "needs_libarchive": "Install it: pip install 'youju[archives]', and the library of the system (on Debian and "
    "Ubuntu: libarchive13; on macOS: brew install libarchive). Or pack it again as a zip.",
}


def refuse(code: str, reason: str) -> DocumentError:
    """Returns the error for an archive or a member. `reason` is one sentence."""
    return DocumentError(code, reason, _HINTS[code])


class Budget:
    """Limits what may come out of an archive and its inner archives.

    `packed_bytes` is the size of the outermost one. No more than `most_bytes` may come out.
    """

    def __init__(self, packed_bytes: int, most_bytes: int = _MAX_BYTES) -> None:
        self.bytes_left = min(most_bytes, max(RATIO_FLOOR_BYTES, packed_bytes * _MAX_RATIO))
        self._members_left = MAX_MEMBERS
        self._names_left = _MAX_NAMES_BYTES

    def spend(self, size: int, name: str) -> None:
        """Count one member with this size and name. Raises DocumentError `unsafe` if the budget is spent."""
        if size < 0:
            raise refuse("corrupt", "A member says that it is smaller than nothing.")
        self._members_left -= 1
        self.bytes_left -= size
        self._names_left -= len(name)
        if self._members_left < 0:
            raise refuse("unsafe", f"It has more than {MAX_MEMBERS} members.")
        if self._names_left < 0:
            raise refuse("unsafe", "The names of its members are far longer than names are.")
        if self.bytes_left < 0:
            raise refuse("unsafe", "It would unpack to far more than an archive of its size does.")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    `path` is harmless. `handle` is the library's own description of the file. `size` is in bytes.
    """

    path: str
    size: int
    handle: Any


@contextmanager
def translated() -> Iterator[None]:
    """Turn every error of a library in this block into a DocumentError, or into `disk_full`."""
    try:
        yield
    except DocumentError:
        raise
    except MemoryError:
        raise refuse("unsafe", "It takes more memory than an archive should.") from None
    except FileNotFoundError as error:
        raise refuse("file_missing", "It was gone when it was opened.") from error
    except PermissionError as error:
        raise refuse("unreadable", "It may not be read.") from error
    except NotImplementedError as error:
        raise refuse("corrupt", f"It is packed in a way that cannot be read here ({error}).") from error
    except Exception as error:  # decompressors, parsers and arithmetic raise errors of many kinds
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnavailableError("disk_full", "There is no room to unpack an archive.", "Make room.") from error
        reason = str(error)[:200] or type(error).__name__
        raise refuse("corrupt", f"The archive is damaged ({reason}).") from error


def copied(blocks: Iterable[bytes], target: Path, limit_bytes: int) -> None:
    """Write the blocks to `target`. Raises DocumentError `too_large` if they are more than `limit_bytes`."""
    written = 0
    with target.open("wb") as file:
        for block in blocks:
            written += len(block)
            if written > limit_bytes:
                raise refuse("too_large", f"It is larger than {limit_bytes >> 20} MiB.")
            file.write(block)
