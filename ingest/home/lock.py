"""The lock on a home: one process at a time owns it. The system releases the lock when the process dies.

Only one process may have the embedded engine open. The lock file says who that is. While a server owns the home, the
file also says where the command line reaches it.
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
    """The process that owns a home. `socket` is set while it serves the command line there."""

    pid: int
    command: str
    since: str
    socket: str | None = None
    url: str | None = None


class Ownership:
    """The lock on a home. Hold it as long as the embedded index is open. Closing it releases the lock."""

    def __init__(self, file: int, path: Path, owner: Owner) -> None:
        self._file = file
        self._path = path
        self._owner = owner

    @classmethod
    def take(cls, home: Path, command: str, name: str = "owner.lock") -> Ownership:
        """Take the lock `name` of `home` for `youju <command>`.

        Raises OwnedError, which names the owner, if it is taken.
        """
        path = home / name
        try:
            make_home(home)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(home, error) from None
        try:
            _lock(file)
        except BlockingIOError:
            os.close(file)
            raise _owned(home, _read(path)) from None
        except OSError as error:
            os.close(file)
            hint = "Set YOUJU_HOME to a folder on a disk of this machine; not every network drive has locks."
            raise unusable(home, error, cannot_be="locked", hint=hint) from None
        owner = Owner(os.getpid(), command, datetime.now().astimezone().isoformat(timespec="seconds"))
        ownership = cls(file, path, owner)
        try:
            ownership._write(owner)
        except OSError as error:
            ownership.close()
            raise _no_room(home, error.strerror or str(error)) from None
        return ownership

    def announce(self, *, socket: str, url: str) -> None:
        """Write into the lock file where this process can be reached."""
        self._write(Owner(self._owner.pid, self._owner.command, self._owner.since, socket, url))

    def close(self) -> None:
        """Release the lock. The file stays, but empty.

        If it were removed, two processes could lock two different files of the same name.
        """
        if self._file >= 0:
            # The name is removed before the lock is released. In the other order we might erase the name of the next
            # owner.
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
    """Lock the file, or raise BlockingIOError. `find_owner` locks it for a moment too; several tries outlast that."""
    for tries_left in reversed(range(_TRIES)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not tries_left:
                raise
            time.sleep(_TRY_AGAIN_SECONDS)


def find_owner(home: Path) -> Owner | None:
    """Returns the process that owns this home now, or None. It changes nothing.

    It asks for a shared lock for a moment. Only an owner holds the exclusive lock, so a refusal means that there is an
    owner.
    """
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
        # The owner has taken the lock, but has not yet written its name.
        return Owner(0, "unknown", "")


def make_home(home: Path) -> None:
    """Create the folder of a home, for this user alone. An existing folder stays as it is.

    Raises ConfigurationError `home_unusable`.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise unusable(home, error) from None


def is_open_to_others(home: Path) -> bool:
    """Returns True if other users of this machine have any right to a home. It holds the texts of all documents."""
    with suppress(OSError):
        return bool(home.stat().st_mode & 0o077)
    return False


def check_room(home: Path, wanted_bytes: int = 0) -> None:
    """Raise UnavailableError if too little room would be left in a home after `wanted_bytes` are written.

    The engine writes through memory maps. The system kills a process that touches one on a full disk.
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


def not_at_rest(who: str, seconds: float) -> UnavailableError:
    """The error `home_busy`: `who` still changed the files of a home after so many seconds."""
    return UnavailableError(
        "home_busy",
        f"The files of the home did not come to rest within {seconds:g} s: {who}.",
        "Try again in a moment. To rewrite a large index takes minutes.",
    )


def unusable(
    home: Path,
    error: OSError,
    *,
    cannot_be: str = "used",
    hint: str = "Set YOUJU_HOME to a folder that you may write to.",
) -> ConfigurationError:
    """The error `home_unusable`: the system refused what a home needs."""
    return ConfigurationError("home_unusable", f"The folder {home} cannot be {cannot_be}: {error.strerror}.", hint)


def _owned(home: Path, owner: Owner) -> OwnedError:
    who = f"`youju {owner.command}` (process {owner.pid}, since {owner.since})" if owner.pid else "another process"
    return OwnedError(
        "home_in_use",
        f"{home} is in use by {who}.",
        "Wait for it to finish or stop it. To work from several terminals at once, run `youju serve`: "
        "the other commands then talk to it.",
    )
