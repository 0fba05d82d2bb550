"""Who owns a home: one process at a time, by a lock that the system lets go when the process dies.

The embedded engine may be open in one process only. The lock file says who that is and, while a server owns the
home, where the command line reaches it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from ingest.errors import ConfigurationError, OwnedError, UnavailableError

_NEEDED_BYTES = 64 * 2**20
_TRIES = 5
_TRY_AGAIN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a home. `socket` is set while it serves the command line there."""

    pid: int
    command: str
    since: str
    socket: str | None = None
    url: str | None = None


class Ownership:
    """The lock on a home. Hold it for as long as the embedded index is open; closing it lets go."""

    def __init__(self, file: int, path: Path, owner: Owner) -> None:
        self._file = file
        self._path = path
        self._owner = owner

    @classmethod
    def take(cls, home: Path, command: str, name: str = "owner.lock") -> Ownership:
        """Take the lock `name` of `home` for `youju <command>`; OwnedError says who has it."""
        path = home / name
        try:
            make_home(home)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(home, error) from None
        try:
            _lock(file)
        except BlockingIOError:
            os.close(file)
            raise _owned(home, _read(path)) from None
        except OSError as error:
            os.close(file)
            raise ConfigurationError(
                "home_unusable",
                f"The folder {home} cannot be locked: {error.strerror}.",
                "Set YOUJU_HOME to a folder on a disk of this machine; not every network drive has locks.",
            ) from None
        owner = Owner(os.getpid(), command, datetime.now().astimezone().isoformat(timespec="seconds"))
        ownership = cls(file, path, owner)
        try:
            ownership._write(owner)
        except OSError as error:
            ownership.close()
            raise _no_room(home, error.strerror or str(error)) from None
        return ownership

    def announce(self, *, socket: str, url: str) -> None:
        """Say where this process can be reached."""
        self._write(Owner(self._owner.pid, self._owner.command, self._owner.since, socket, url))

    def close(self) -> None:
        """Let go. The file stays, empty: removing it would let two processes lock two files of one name."""
        if self._file >= 0:
            with suppress(OSError):
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Ownership:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, owner: Owner) -> None:
        content = json.dumps(asdict(owner)).encode()
        os.pwrite(self._file, content, 0)
        os.ftruncate(self._file, len(content))


def _lock(file: int) -> None:
    """Lock it, or raise BlockingIOError. `find_owner` holds a lock of its own for a moment, which is waited for."""
    for tries_left in reversed(range(_TRIES)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not tries_left:
                raise
            time.sleep(_TRY_AGAIN_SECONDS)


def find_owner(home: Path) -> Owner | None:
    """The process that owns this home now, or None. Takes nothing and changes nothing."""
    path = home / "owner.lock"
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path)
    finally:
        os.close(file)
    return None


def _read(path: Path) -> Owner:
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        # The owner is between taking the lock and writing its name.
        return Owner(0, "unknown", "")


def make_home(home: Path) -> None:
    """Create the folder of a home, for this user alone, unless it is there.

    Raises ConfigurationError `home_unusable`.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unusable(home, error) from None


def is_open_to_others(home: Path) -> bool:
    """Whether other users of this machine may look into a home: it holds the texts of all documents."""
    with suppress(OSError):
        return bool(home.stat().st_mode & 0o077)
    return False


def check_room(home: Path, wanted_bytes: int = 0) -> None:
    """Raise UnavailableError where a home, once `wanted_bytes` are written, has so little room that the embedded engine
    would crash for want of it.

    The engine writes through memory maps: the system kills a process that touches one on a full disk.
    """
    free, needed = shutil.disk_usage(home).free, _NEEDED_BYTES + wanted_bytes
    if free < needed:
        raise _no_room(home, f"{free // 2**20} MiB are free, and {-(-needed // 2**20)} MiB are needed")


def _no_room(home: Path, reason: str) -> UnavailableError:
    return UnavailableError(
        "home_full",
        f"There is no room in {home}: {reason}.",
        "Free some space, or move the folder and set YOUJU_HOME. Nothing was lost: run it again then.",
    )


def _unusable(home: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        "home_unusable",
        f"The folder {home} cannot be used: {error.strerror}.",
        "Set YOUJU_HOME to a folder that you may write to.",
    )


def _owned(home: Path, owner: Owner) -> OwnedError:
    who = f"`youju {owner.command}` (process {owner.pid}, since {owner.since})" if owner.pid else "another process"
    return OwnedError(
        "home_in_use",
        f"{home} is in use by {who}.",
        "Wait for it to finish or stop it. To work from several terminals at once, run `youju serve`: "
        "the other commands then talk to it.",
    )
